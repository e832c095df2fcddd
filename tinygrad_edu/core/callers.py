"""The names that the caller's variables give to tensors, looked up only when they are needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["values_of_the_caller", "variables_of_the_caller"]

_PACKAGE = str(Path(__file__).parents[1])


def _frames() -> Iterator[FrameType]:
    """The frames outside this package, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            yield frame
        frame = frame.f_back


def values_of_the_caller(wanted: type) -> Iterator[tuple[str, Any]]:
    """``name, value`` of the variables of that type in the calling code, innermost scope first.

    Looks into local variables, then globals, and one level into the dicts, lists and tuples among
    them, so that ``params["W1"]`` is called W1.
    """
    for frame in _frames():
        scopes = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
        for scope in scopes:
            variables = [(name, value) for name, value in list(scope.items()) if not name.startswith("_")]
            for name, value in variables:
                if isinstance(value, wanted):
                    yield name, value
            for name, value in variables:
                for key, item in _members(name, value):
                    if isinstance(item, wanted):
                        yield key, item


def _members(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(key, v) for key, v in list(value.items()) if isinstance(key, str) and key.isidentifier()]
    if isinstance(value, (list, tuple)) and len(value) <= 1000:
        return [(f"{name}{k}", v) for k, v in enumerate(value)]
    return []


def variables_of_the_caller(wanted: type) -> dict[int, str]:
    """``id(value) -> name`` for the variables of that type in the calling code, innermost scope first."""
    names: dict[int, str] = {}
    for name, value in values_of_the_caller(wanted):
        names.setdefault(id(value), name)
    return names
