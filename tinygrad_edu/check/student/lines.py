"""The line of a student's file that gives a wrong quantity its value."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tinygrad_edu.check.report import Entry, Report
from tinygrad_edu.check.student.loading import Loaded
from tinygrad_edu.check.tracing import Trace


def with_lines(report: Report, loaded: Loaded, trace: Trace, backward: Callable[..., Any]) -> Report:
    """The report with the line of each quantity that is wrong."""

    def placed(entry: Entry) -> Entry:
        line = None if entry.ok else _line(entry, loaded, trace) or _last_return(backward, loaded)
        if line is None:
            return entry
        text = loaded.source.splitlines()[line - 1].strip()
        number = loaded.line_in_cell(line) if loaded.cells else line
        return replace(
            entry, diagnosis=replace(entry.diagnosis, line=(number, text), place=loaded.place(line))
        )

    return replace(report, entries=tuple(map(placed, report)))


def _line(entry: Entry, loaded: Loaded, trace: Trace) -> int | None:
    names = (entry.diagnosis.at, entry.name, entry.name.removeprefix("d"))
    return next((line for name in names if name and (line := _line_of(name, loaded, trace))), None)


def _line_of(name: str, loaded: Loaded, trace: Trace) -> int | None:
    """The last line that gave the name a value, or that wrote into it later."""
    found = trace.last_line(name) or _in_a_loop(name, trace)
    written = [line for line in _written_into(loaded.source, name) if found is None or line > found]
    return max(written, default=found)


def _last_return(function: Callable[..., Any], loaded: Loaded) -> int | None:
    """The line of a return that makes the gradients itself, without a variable of their name."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None or code.co_filename != str(loaded.path):
        return None
    last = max((line for *_, line in code.co_lines() if line), default=None)
    return last if last and loaded.source.splitlines()[last - 1].lstrip().startswith("return") else None


def _in_a_loop(name: str, trace: Trace) -> int | None:
    """``dZ1`` is the ``dZ`` of a loop: the line is the same in all its passes."""
    numbered = re.fullmatch(r"(.*?)\d+", name)
    return trace.last_line(numbered[1]) if numbered else None


def _written_into(source: str, name: str) -> list[int]:
    """Lines such as ``dE[index] += g`` and ``dW += x``, which leave the variable the same array."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            into = [t.value for t in targets if isinstance(t, ast.Subscript)]
            into += targets if isinstance(node, ast.AugAssign) else []
            if any(_called(target) == name for target in into):
                lines.append(node.lineno)
    return lines


def _called(target: ast.expr) -> str | None:
    if isinstance(target, ast.Name):
        return target.id
    return target.attr if isinstance(target, ast.Attribute) else None
