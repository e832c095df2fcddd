"""What the variables of somebody's code were while it ran: each value that a name was given, and the line.

A loop gives one name many values, and a helper function has names of its own, so what the variables hold
at the end is not enough to tell dZ1 from dZ2.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any


@dataclass(frozen=True)
class Assigned:
    """A name was given a value: a variable, an attribute of ``self``, or an entry of a dict."""

    name: str
    value: Any
    line: int
    function: str
    counters: Mapping[str, int]
    """The whole numbers among the variables at that moment, such as the l of a loop."""


@dataclass
class Trace:
    """What was assigned, in order."""

    assigned: list[Assigned] = field(default_factory=list)

    def of(self, name: str) -> list[Assigned]:
        """The values of one name, in order."""
        return [one for one in self.assigned if one.name == name]

    def names(self) -> list[str]:
        """The names, in the order of their first values."""
        return list(dict.fromkeys(one.name for one in self.assigned))

    def last_line(self, name: str) -> int | None:
        """The line that gave a name its last value."""
        values = self.of(name)
        return values[-1].line if values else None


def traced(call: Callable[[], Any], files: set[str], trace: Trace | None = None) -> tuple[Any, Trace]:
    """The result of a call, and what was assigned meanwhile by code of these files.

    A trace that is handed in has what was assigned even where the call raises.

    >>> result, trace = traced(lambda: _example(3), {__file__})
    >>> [(one.name, one.value) for one in trace.of("total")]
    [('total', 0), ('total', 1), ('total', 3)]
    """
    trace = Trace() if trace is None else trace
    watched: dict[FrameType, _Watched] = {}

    def watch(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if event == "call":
            watched[frame] = _Watched(frame.f_lineno)
        if frame in watched:
            watched[frame].look(frame, trace)
            if event == "return":
                del watched[frame]
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return call(), trace
    finally:
        sys.settrace(before)


class _Watched:
    """One running function: what its names held when it was last looked at."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.held: dict[tuple[str, Any], Any] = {}
        self.begun = False

    def look(self, frame: FrameType, trace: Trace) -> None:
        """Notes what the line that has just been run has assigned."""
        variables = frame.f_locals
        counters = {k: v for k, v in variables.items() if type(v) is int}
        for where, name, value in self._named(variables):
            key = where, name
            if key in self.held and self.held[key] is value:
                continue
            self.held[key] = value
            if self.begun:  # what a function is called with, it has not assigned
                trace.assigned.append(Assigned(name, value, self.line, frame.f_code.co_name, counters))
        self.begun, self.line = True, frame.f_lineno

    @staticmethod
    def _named(variables: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """The variables, the entries of dicts among them, and the attributes of ``self``."""
        found = [("", name, value) for name, value in variables.items()]
        own = getattr(variables.get("self"), "__dict__", {})
        found += [("self", name, value) for name, value in own.items()]
        for where, holder in [*variables.items(), *own.items()]:
            if isinstance(holder, dict):
                found += [(where, key, value) for key, value in holder.items() if isinstance(key, str)]
        return found


def _example(n: int) -> int:
    total = 0
    for k in range(n):
        total = total + k
    return total
