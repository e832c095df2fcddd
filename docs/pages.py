"""Runs the pages: their examples, their commands, and the pictures that they draw.

A page is Markdown. In the order in which they stand, in one folder that is empty at first:

- a block ``python`` with ``>>>`` is a session, and prints what stands below its lines;
- a block ``python title="two.py"`` is a file of that name;
- a block ``console`` with ``$ tinygrad-edu ...`` is that command, and prints what stands below it.

``python docs/pages.py PAGE ...`` runs pages, and puts what they drew into ``pictures`` beside them.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_edu.cli import main
from tinygrad_edu.core.table import OPS

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


class Checker(doctest.OutputChecker):
    """As doctest's, but one rounding error is as good as another: machines add in different orders."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether what came is what stands there."""
        return super().check_output(_rounded(want), _rounded(got), optionflags)


def _rounded(text: str) -> str:
    return re.sub(r"(?<= )(?:\d\.\de-1[2-9]|0)(?= +\|)", "~0", text)


class Ran(NamedTuple):
    """What came of a page."""

    failures: str
    """What a session or a command printed otherwise than the page says; empty where nothing did."""
    drawn: dict[str, bytes]
    """The files ``*.svg`` and ``*.png`` that it wrote, by name."""


def run(page: Path) -> Ran:
    """Runs a page in a folder of its own, which is gone afterwards."""
    known: dict[str, Any] = {}
    before = set(OPS)
    text, out = page.read_text("utf-8"), io.StringIO()
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        for block in FENCE.finditer(text):
            language, rest, body = block.groups()
            line = text.count("\n", 0, block.start()) + 1
            title = re.search(r'title="([^"]+)"', rest)
            if title:
                Path(title[1]).write_text(body, "utf-8")
            elif language == "python" and ">>> " in body:
                test = doctest.DocTestParser().get_doctest(body, {}, f"{page.stem}-{line}", str(page), line)
                test.globs = known
                doctest.DocTestRunner(Checker(), optionflags=FLAGS).run(
                    test, out=out.write, clear_globs=False
                )
            elif language == "console":
                out.writelines(_otherwise(page, line, body))
        drawn = {p.name: p.read_bytes() for p in Path().iterdir() if p.suffix in {".svg", ".png"}}
    for name in set(OPS) - before:  # operations that the page defined
        del OPS[name]
    return Ran(out.getvalue(), drawn)


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    before, columns = Path.cwd(), os.environ.get("COLUMNS")
    os.chdir(folder)
    os.environ["COLUMNS"] = "110"  # however wide the terminal is
    try:
        yield
    finally:
        os.chdir(before)
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns


def _otherwise(page: Path, line: int, body: str) -> Iterator[str]:
    """Which of the commands of a block print something else than stands below them."""
    for command, expected in re.findall(r"^\$ tinygrad-edu (.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
        got = io.StringIO()
        with contextlib.redirect_stdout(got), contextlib.redirect_stderr(io.StringIO()):
            main(shlex.split(command))
        if not Checker().check_output(expected, got.getvalue(), FLAGS):
            yield f"{page}, line {line}: tinygrad-edu {command}\nExpected:\n{expected}Got:\n{got.getvalue()}"


def pictures_of(page: Path) -> list[Path]:
    """The pictures that a page shows of those that it draws itself."""
    found = (page.parent / link for link in PICTURE.findall(page.read_text("utf-8")) if "://" not in link)
    return [path for path in found if path.parent == page.parent / "pictures"]


def written(pages: list[Path]) -> int:
    """Puts the pictures of pages beside them, and says what is otherwise than they say."""
    wrong = 0
    for page in pages:
        failures, drawn = run(page)
        for path in pictures_of(page):
            if path.name in drawn:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(drawn[path.name])
            else:
                failures += f"{page}: it does not draw {path.name}\n"
        sys.stdout.write(failures)
        wrong += bool(failures)
    return wrong


if __name__ == "__main__":
    sys.exit(written([Path(name) for name in sys.argv[1:]]))
