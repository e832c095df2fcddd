"""``tinygrad-edu check``: a student's file with ``forward`` and ``backward``, checked line by line."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from tinygrad_edu.check import StudentFileError
from tinygrad_edu.check.student import check_file
from tinygrad_edu.cli.output import say

__all__ = ["add", "run"]


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="check the gradients in a file with forward and backward",
        description=(
            "Runs a file, and compares the gradients that its backward(...) gives with those of its "
            "forward(...). The file is executed, with all that it does: check only files that you would run."
        ),
        epilog="The exit status is 0 where all gradients are right, 1 where one is wrong, 2 otherwise.",
    )
    parser.add_argument("file", type=Path, help="a Python file, such as student.py")
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs (0)")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the file and tells what is wrong in it."""
    sys.stderr.write(f"running {options.file}\n")
    try:
        report = check_file(options.file, seed=options.seed)
    except StudentFileError as error:
        sys.stderr.write(f"tinygrad-edu check: error: {error}\n")
        return 2
    if options.json:
        say(report.to_json(indent=2))
    else:
        say(report.text(colour=sys.stdout.isatty(), width=shutil.get_terminal_size((110, 24)).columns))
    return 0 if report.ok else 1
