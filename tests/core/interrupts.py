"""Ctrl-C at a chosen line: a ``KeyboardInterrupt`` raised at the n-th line that runs in the package."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tinygrad_edu as tg

PACKAGE = str(Path(tg.__file__).parent) + os.sep
Line = tuple[str, int]


@contextmanager
def _tracing(at_line: Callable[[Line], None]) -> Iterator[None]:
    def local(frame: Any, event: str, arg: Any) -> Any:
        if event == "line":
            at_line((frame.f_code.co_filename, frame.f_lineno))
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: local if frame.f_code.co_filename.startswith(PACKAGE) else None)
    try:
        yield
    finally:
        sys.settrace(before)


def lines_of(run: Callable[[], Any]) -> list[Line]:
    """Every line of the package that it executes, in order."""
    lines: deque[Line] = deque()  # no list: the package looks for names in the lists of its callers
    with _tracing(lines.append):
        run()
    return list(lines)


def interrupted(run: Callable[[], Any], n: int) -> tuple[Line | None, bool]:
    """Runs it up to its n-th line (from 0), and raises there.

    The line, or None where the run was over before; and whether the interrupt came out.
    """
    count = 0
    where: Line | None = None

    def at_line(line: Line) -> None:
        nonlocal count, where
        count += 1
        if count == n + 1:
            where = line
            raise KeyboardInterrupt

    try:
        with _tracing(at_line):
            run()
    except KeyboardInterrupt:
        return where, True
    return where, False


def each_once(lines: list[Line], *, rooms: Collection[str] | None = None) -> list[int]:
    """Where each line comes first, and where it comes last; of these rooms, or of all."""
    last = {line: n for n, line in enumerate(lines)}
    first = {line: n for n, line in reversed(list(enumerate(lines)))}
    return sorted(
        {
            n
            for found in (first, last)
            for (path, _), n in found.items()
            if rooms is None or path[len(PACKAGE) :].partition(os.sep)[0] in rooms
        }
    )
