"""The names that the caller's variables give to tensors, looked up only when they are needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["variables_of_the_caller"]

_PACKAGE = __name__.partition(".")[0]


def _frames() -> Iterator[FrameType]:
    """The frames outside this package, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != _PACKAGE and not module.startswith(_PACKAGE + "."):
            yield frame
        frame = frame.f_back


def variables_of_the_caller(wanted: type) -> dict[int, str]:
    """``id(value) -> name`` for the variables of that type in the calling code, innermost scope first.

    Looks into local variables, then globals, and one level into the dicts, lists and tuples among
    them, so that ``params["W1"]`` is called W1.
    """
    names: dict[int, str] = {}

    def give(value: Any, name: str) -> None:
        if isinstance(value, wanted) and not name.startswith("_"):
            names.setdefault(id(value), name)

    for frame in _frames():
        scopes = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
        for scope in scopes:
            variables = list(scope.items())
            for name, value in variables:
                give(value, name)
            for name, value in variables:
                if isinstance(value, dict):
                    for key, item in list(value.items()):
                        if isinstance(key, str) and key.isidentifier():
                            give(item, key)
                elif isinstance(value, (list, tuple)) and len(value) <= 1000:
                    for k, item in enumerate(value):
                        give(item, f"{name}{k}")
    return names
