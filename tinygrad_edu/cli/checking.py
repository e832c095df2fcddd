"""``tinygrad-edu check``: a student's file or notebook, its backward pass checked line by line."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from tinygrad_edu.check import StudentFileError
from tinygrad_edu.check.hints import LEVELS, hints
from tinygrad_edu.check.student import check_file, right_formulas
from tinygrad_edu.cli.output import say


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="check the gradients in a file or notebook with a forward and a backward pass",
        description=(
            "Runs a Python file or a Jupyter notebook, and compares the gradients that its backward pass "
            "gives with those of its forward pass. The file is executed, with all that it does: check only "
            "files that you would run."
        ),
        epilog="The exit status is 0 where all gradients are right, 1 where one is wrong, 2 otherwise.",
    )
    parser.add_argument("file", type=Path, help="a Python file or a notebook, such as student.py or hw.ipynb")
    parser.add_argument("--forward", metavar="NAME", help="the forward pass, where it has an unusual name")
    parser.add_argument("--backward", metavar="NAME", help="the backward pass; Class.method for a method")
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs (0)")
    parser.add_argument(
        "--hint",
        type=int,
        choices=LEVELS,
        help="instead of the whole report: 1 where, 2 also of what kind, 3 the right formula beside theirs",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the file and tells what is wrong in it."""
    if options.file.is_dir():
        raise IsADirectoryError(f"{options.file} is a folder; its files are checked by: tinygrad-edu grade")
    if not options.file.exists():
        raise FileNotFoundError(f"there is no file {options.file}")
    if options.file.suffix.lower() not in (".py", ".ipynb"):
        raise ValueError(f"expected a .py or .ipynb file, got {options.file}")
    sys.stderr.write(f"running {options.file}\n")
    passes = {"seed": options.seed, "forward": options.forward, "backward": options.backward}
    try:
        report = check_file(options.file, **passes)
        formulas = right_formulas(options.file, **passes) if options.hint == max(LEVELS) else {}
    except StudentFileError as error:
        sys.stderr.write(f"tinygrad-edu check: error: {error}\n")
        return 2
    if options.json:
        say(report.to_json(indent=2))
    elif options.hint is not None:
        say(hints(report, options.hint, formulas))
    else:
        say(report.text(colour=sys.stdout.isatty(), width=shutil.get_terminal_size((110, 24)).columns))
    return 0 if report.ok else 1
