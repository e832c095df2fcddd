"""``tinygrad-edu grade``: many files or notebooks, each checked in a process of its own, as one table."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tinygrad_edu.cli.arguments import add_output
from tinygrad_edu.cli.output import say
from tinygrad_edu.errors import folder_for

_SEEN = {"right": "#1a7f37", "follows": "#9a6700"}
_LIMITED = (
    "import resource, runpy, sys; n = int(sys.argv.pop(1)); resource.setrlimit(resource.RLIMIT_AS, (n, n)); "
)
_RUN = "runpy.run_module('tinygrad_edu', run_name='__main__', alter_sys=True)"


@dataclass(frozen=True)
class _Row:
    """One quantity of one file; for a file that could not be checked, one row that says why."""

    file: str
    quantity: str
    verdict: str
    codes: str
    text: str
    line: str


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "grade",
        help="check every file and notebook in a folder, and make a table of it",
        description=(
            "Checks each Python file and notebook in a folder, in a process of its own with limited time and "
            "memory, and makes a table: file, quantity, verdict, mistake. Each file is executed, with all "
            "that it does: run it where that can do no harm."
        ),
        epilog="The exit status is 0 where the table was made, whatever is in it.",
    )
    parser.add_argument("folder", type=Path, help="with the files, such as hw1/")
    add_output(parser, ".csv, or .html; of each, the other is written beside it (report.csv)", "report.csv")
    parser.add_argument("--forward", metavar="NAME", help="the forward pass, where it has an unusual name")
    parser.add_argument("--backward", metavar="NAME", help="the backward pass, likewise")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a file may take (60)")
    parser.add_argument("--memory", type=int, default=4096, help="how much memory it may take, in MB (4096)")
    parser.add_argument("--jobs", type=int, default=2, help="how many files at a time (2)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Checks the files and writes both tables."""
    if not options.folder.is_dir():
        raise ValueError(f"expected a folder with files to check, got {options.folder}")
    if options.output.suffix.lower() not in (".csv", ".html"):
        raise ValueError(f"-o: expected a .csv or .html file, got {options.output}")
    folder_for(options.output, "-o: ")
    for name in ("seconds", "memory", "jobs"):
        if getattr(options, name) <= 0:
            raise ValueError(f"--{name}: expected a number above 0, got {getattr(options, name):g}")
    files = sorted(p for p in options.folder.iterdir() if p.suffix in (".py", ".ipynb") and p.is_file())
    if not files:
        raise ValueError(f"{options.folder} has no .py or .ipynb file")
    with ThreadPoolExecutor(options.jobs) as pool:
        per_file = [*pool.map(partial(_rows, options), files)]
    rows = [row for some in per_file for row in some]
    csv_path, html_path = (options.output.with_suffix(suffix) for suffix in (".csv", ".html"))
    _write_csv(csv_path, rows)
    html_path.write_text(_page(rows), "utf-8")
    right = sum(all(row.verdict == "right" for row in some) for some in per_file)
    say(f"{right} of {len(files)} files have every gradient right; wrote {csv_path} and {html_path}")
    return 0


def _rows(options: argparse.Namespace, file: Path) -> list[_Row]:
    command = ["check", str(file.resolve()), "--json"]
    for name in ("forward", "backward"):
        command += [f"--{name}", getattr(options, name)] if getattr(options, name) else []
    limited = find_spec("resource") is not None  # not on Windows, where only the time is limited
    start = ["-c", _LIMITED + _RUN, str(options.memory * 2**20)] if limited else ["-m", "tinygrad_edu"]
    try:
        done = subprocess.run(
            [sys.executable, *start, *command], capture_output=True, text=True, check=False,
            timeout=options.seconds, stdin=subprocess.DEVNULL, cwd=file.resolve().parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [_not_checked(file, f"it ran for more than {options.seconds:g} s and was stopped")]
    try:
        report = json.loads(done.stdout[done.stdout.index("{\n") :])
    except ValueError:
        told = [line for line in done.stderr.splitlines() if not line.startswith("running ")]
        why = " ".join(" ".join(told).split()) or f"it ended with exit status {done.returncode}"
        return [_not_checked(file, why.removeprefix("tinygrad-edu check: error: ")[-400:])]
    return [_row(file, entry) for entry in report["entries"]]


def _row(file: Path, entry: dict[str, Any]) -> _Row:
    line = str(entry["line"][0]) if entry["line"] else ""
    return _Row(file.name, entry["name"], entry["verdict"], " ".join(entry["codes"]), entry["text"], line)


def _not_checked(file: Path, why: str) -> _Row:
    return _Row(file.name, "", "not checked", "", why, "")


def _write_csv(path: Path, rows: Iterable[_Row]) -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as table:  # a spreadsheet reads the mark
        writer = csv.writer(table)
        writer.writerow(field.name for field in fields(_Row))
        writer.writerows([_harmless(cell) for cell in astuple(row)] for row in rows)


def _harmless(cell: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


def _page(rows: Iterable[_Row]) -> str:
    names = [field.name for field in fields(_Row)]
    head, body = "".join(f"<th>{name}</th>" for name in names), ""
    for row in rows:
        styles = {"verdict": f' style="color:{_SEEN.get(row.verdict, "#cf222e")}"'}
        cells = (f"<td{styles.get(name, '')}>{escape(getattr(row, name))}</td>" for name in names)
        body += f"<tr>{''.join(cells)}</tr>"
    style = (
        "body{font:15px sans-serif}table{border-collapse:collapse}"
        "td,th{border:1px solid #ccc;padding:4px 8px}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Gradients</title><style>{style}</style>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></html>\n"
    )
