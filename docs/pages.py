"""Runs the pages: their examples, their commands, and the pictures that they draw.

A page is Markdown. In the order in which they stand, in one folder that is empty at first:

- a block ``python`` with ``>>>`` is a session, and prints what stands below its lines;
- a block ``python measured`` is one, too, whose numbers are this machine's: other numbers are as good;
- a block ``python live`` prints what the code of this version gives, such as the source of a compiled step:
  that it runs is enough. Of both, the site shows what its own build printed;
- a block ``python title="two.py"`` is a file of that name;
- a block ``console`` with ``$ tinygrad-edu ...`` is that command, and prints what stands below it.

``python docs/pages.py PAGE ...`` runs pages, and puts what they drew into ``pictures`` beside them. With
``--write`` it also writes below each line what it printed: a new page is written without any output.
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

from tinygrad_edu.autodiff.definition import _withdraw
from tinygrad_edu.cli import main
from tinygrad_edu.core.table import OPS

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^\$ tinygrad-edu (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Checker(doctest.OutputChecker):
    """As doctest's, but one rounding error is as good as another: machines add in different orders."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether what came is what stands there."""
        return super().check_output(_rounded(want), _rounded(got), optionflags)


class MeasuredChecker(doctest.OutputChecker):
    """For what is measured: every number is as good as another."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether what came has the words that stand there."""
        return super().check_output(*(re.sub(r"\d[\d.,e+-]*", "#", t) for t in (want, got)), optionflags)


class LiveChecker(doctest.OutputChecker):
    """For what is shown as it comes."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:  # noqa: ARG002
        """Whether something came where something stands; an exception is none of it."""
        return bool(want) == bool(got)


CHECKERS = {" measured": MeasuredChecker, " live": LiveChecker}
"""By the word behind ``python``: what makes the output of a block as good as the one that stands there."""


def _rounded(text: str) -> str:
    return re.sub(r"(?<= )(?:\d\.\de-1[2-9]|0)(?= +\|)", "~0", text)


class Ran(NamedTuple):
    """What came of a page."""

    failures: str
    """What a session or a command printed otherwise than the page says; empty where nothing did."""
    drawn: dict[str, bytes]
    """The files ``*.svg``, ``*.png`` and ``*.html`` that it wrote, by name."""
    text: str
    """The page with what was printed: where nothing failed, other only in what was measured or live."""


def run(page: Path) -> Ran:
    """Runs a page in a folder of its own, which is gone afterwards."""
    known: dict[str, Any] = {}
    before = set(OPS)
    text, out, written, at = page.read_text("utf-8"), io.StringIO(), [], 0
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        for block in FENCE.finditer(text):
            language, rest, body = block.groups()
            line = text.count("\n", 0, block.start()) + 1
            title = re.search(r'title="([^"]+)"', rest)
            printed = body
            if title:
                Path(title[1]).write_text(body, "utf-8")
            elif language == "python" and ">>> " in body:
                test = doctest.DocTestParser().get_doctest(body, {}, f"{page.stem}-{line}", str(page), line)
                test.globs = known
                session = Session(CHECKERS.get(rest, Checker)(), optionflags=FLAGS)
                session.run(test, out=out.write, clear_globs=False)
                printed = session.written(test, anew=rest in CHECKERS)
            elif language == "console":
                printed = _printed(page, line, body, out)
            written += [text[at : block.start(3)], printed]
            at = block.end(3)
        drawn = {p.name: p.read_bytes() for p in Path().iterdir() if p.suffix in {".svg", ".png", ".html"}}
    for name in set(OPS) - before:  # operations that the page defined
        _withdraw(OPS[name])
    return Ran(out.getvalue(), drawn, "".join([*written, text[at:]]))


class Session(doctest.DocTestRunner):
    """Runs a session, and remembers what its lines printed."""

    def run(self, *args: Any, **settings: Any) -> Any:
        """As doctest does."""
        self.got: dict[int, str] = {}
        self.failed: set[int] = set()
        return super().run(*args, **settings)

    def report_success(self, out: Any, test: Any, example: doctest.Example, got: str) -> None:
        """Notes what was printed."""
        self.got[example.lineno] = got
        super().report_success(out, test, example, got)

    def report_failure(self, out: Any, test: Any, example: doctest.Example, got: str) -> None:
        """Notes what was printed instead."""
        self.got[example.lineno] = _raised(got)
        self.failed.add(example.lineno)
        super().report_failure(out, test, example, got)

    def report_unexpected_exception(
        self, out: Any, test: Any, example: doctest.Example, exc_info: Any
    ) -> None:
        """Notes the exception, as a page shows it."""
        kind, error, _ = exc_info
        home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        self.got[example.lineno] = _raised(
            f"Traceback (most recent call last):\n{home}{kind.__name__}: {error}\n"
        )
        self.failed.add(example.lineno)
        super().report_unexpected_exception(out, test, example, exc_info)

    def written(self, test: doctest.DocTest, *, anew: bool) -> str:
        """The session with what its lines printed, where something else stands there, or anew."""
        lines = []
        for example in test.examples:
            first, *others = example.source.splitlines()
            lines += [f">>> {first}", *(f"... {line}".rstrip() for line in others)]
            new = anew or example.lineno in self.failed
            printed = self.got.get(example.lineno, "") if new else example.want
            lines += [line or "<BLANKLINE>" for line in printed.splitlines()]
        return "\n".join([*lines, "", ""])


def _raised(got: str) -> str:
    """An exception as a page shows it: without the way to it, and whatever module defines it."""
    got = re.sub(r"^(Traceback \(most recent call last\):\n)(?: .*\n)*", r"\1...\n", got)
    got = re.sub(r"(?<=\n\.\.\.\n)([a-z_]+)\.[\w.]*?(\w+:)", r"\1...\2", got)
    return re.sub(r"<doctest [^>]*>", "<doctest ...>", got)


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


def _printed(page: Path, line: int, body: str, out: io.StringIO) -> str:
    """A block of commands with what they print; what is otherwise than it says goes to ``out``."""

    def ran(found: re.Match[str]) -> str:
        command, expected = found.groups()
        got, quiet = io.StringIO(), contextlib.suppress(SystemExit)  # as --version ends
        with contextlib.redirect_stdout(got), contextlib.redirect_stderr(io.StringIO()), quiet:
            main(shlex.split(command))
        if Checker().check_output(expected, got.getvalue(), FLAGS):
            return found[0]
        out.write(f"{page}, line {line}: tinygrad-edu {command}\nExpected:\n{expected}Got:\n{got.getvalue()}")
        return f"$ tinygrad-edu {command}\n{got.getvalue()}"

    return COMMAND.sub(ran, body)


def pictures_of(page: Path) -> list[Path]:
    """The pictures that a page shows of those that it draws itself."""
    found = (page.parent / link for link in PICTURE.findall(page.read_text("utf-8")) if "://" not in link)
    return [path for path in found if path.parent == page.parent / "pictures"]


def written(pages: list[Path], *, outputs: bool) -> int:
    """Puts the pictures of pages beside them, and says what is otherwise than they say, or writes it."""
    wrong = 0
    for page in pages:
        failures, drawn, text = run(page)
        if outputs:
            page.write_text(text, "utf-8")
            failures = ""
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
    named = [Path(name).resolve() for name in sys.argv[1:] if name != "--write"]
    sys.exit(written(named, outputs="--write" in sys.argv))
