"""Ctrl-C at a chosen line: a ``KeyboardInterrupt`` raised at one run of one line of the package.

A place is a line and which of its runs is meant, so it is the same place however much is kept between calls.
"""

from __future__ import annotations

import dis
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import tinygrad_edu as tg

PACKAGE = str(Path(tg.__file__).parent) + os.sep
Line = tuple[str, int]


class Place(NamedTuple):
    """The n-th run of a line, from 1."""

    line: Line
    n: int


@cache
def _no_signal_comes(code: CodeType) -> frozenset[int]:
    """The offsets at which a ``with`` block or an ``except`` clause is left.

    Python looks for signals where a function is called and begins, so none comes between a block and its
    ``__exit__``, for which None is pushed three times; and none between a clause and the end of its
    exception, which would stay the current one for good, with all that its traceback holds. The trace
    function is called there all the same.
    """
    found = list(dis.get_instructions(code))
    pushes = [k for k, i in enumerate(found) if i.opname.startswith("LOAD_CO") and i.argval is None]
    ends = [k for k in pushes if {k + 1, k + 2} <= set(pushes)]
    passed_over = {"SWAP", "NOP", "ROT_TWO", "LOAD_CONST"}
    offsets = {i.offset for i in found if i.opname == "POP_EXCEPT"}
    for k in ends:
        while True:
            offsets.add(found[k].offset)
            k -= 1
            if k < 0 or found[k].opname not in passed_over:
                break
    return frozenset(offsets)


@cache
def _lines_in(code: CodeType) -> frozenset[Line]:
    return frozenset((code.co_filename, line) for *_, line in code.co_lines() if line is not None)


@contextmanager
def _tracing(at_line: Callable[[Line], None], only: Line | None = None) -> Iterator[None]:
    """Calls a function at each line of the package, or, which is quicker, of what has this line in it."""

    def local(frame: Any, event: str, arg: Any) -> Any:
        if event == "line" and frame.f_lasti not in _no_signal_comes(frame.f_code):
            at_line((frame.f_code.co_filename, frame.f_lineno))
        return local

    def looked_at(code: CodeType) -> bool:
        return code.co_filename.startswith(PACKAGE) and (only is None or only in _lines_in(code))

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: local if looked_at(frame.f_code) else None)
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


def interrupted(run: Callable[[], Any], place: Place) -> tuple[bool, bool]:
    """Runs it up to a place, and raises there.

    Whether it came to the place, and whether the interrupt came out.
    """
    count = 0

    def at_line(line: Line) -> None:
        nonlocal count
        if line == place.line:
            count += 1
            if count == place.n:
                raise KeyboardInterrupt

    try:
        with _tracing(at_line, place.line):
            run()
    except KeyboardInterrupt:
        return count >= place.n, True
    return count >= place.n, False


def every(lines: list[Line]) -> list[Place]:
    """Every run of every line."""
    runs: Counter[Line] = Counter()
    places = []
    for line in lines:
        runs[line] += 1
        places.append(Place(line, runs[line]))
    return places


def each_once(lines: list[Line], *, rooms: Collection[str] | None = None) -> list[Place]:
    """The first and the last run of each line; of these rooms, or of all."""
    places = every(lines)
    last = {place.line: place for place in places}
    return [
        place
        for place in places
        if (place.n == 1 or place is last[place.line])
        and (rooms is None or place.line[0][len(PACKAGE) :].partition(os.sep)[0] in rooms)
    ]
