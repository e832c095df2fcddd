"""The names that the caller's variables give to values, looked up only when they are needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

__all__ = ["Reached", "frames", "reached", "values_of_the_caller", "variables_of_the_caller"]

_PACKAGE = str(Path(__file__).parents[1])
_DEPTH = 4
"""How many steps from a variable a value may be: ``net.layers[0].W``."""
_LONG = 1000
"""The most members of a container that are looked at."""
_MOST = 20_000
"""How much is looked at in a scope: names are worth a moment, and no more."""
Wanted = type | tuple[type, ...]
_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, ModuleType)


def frames() -> Iterator[FrameType]:
    """The frames outside this package, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            yield frame
        frame = frame.f_back


@dataclass(frozen=True)
class Reached:
    """A value that the caller's code can name."""

    value: Any
    path: str
    """How code writes it: ``net.params["W1"]``."""
    name: str
    """What its path ends in: W1; an element of a list by the list's name and its place."""
    depth: int
    """How many steps it is from a variable."""


def reached(wanted: Wanted) -> Iterator[Reached]:
    """The values of that type that the calling code can name, innermost scope first, the nearest first.

    Looks into local variables, then globals, into the containers among them and the attributes of objects, so
    that ``params["W1"]``, ``self.W1`` and the W of a layer in a list have names.
    """
    for frame in frames():
        scopes = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
        for scope in scopes:
            yield from _in_scope(scope, wanted)


def _in_scope(scope: Any, wanted: Wanted) -> Iterator[Reached]:
    level = [Reached(v, name, name, 0) for name, v in list(scope.items()) if not name.startswith("_")]
    looked_into: set[int] = set()
    seen = 0
    while level and seen < _MOST:
        seen += len(level)
        yield from (item for item in level if isinstance(item.value, wanted))
        deeper: list[Reached] = []
        for item in level:
            if (
                item.depth < _DEPTH
                and id(item.value) not in looked_into
                and not isinstance(item.value, wanted)
            ):
                looked_into.add(id(item.value))
                deeper += _members(item)
        level = deeper


def _members(item: Reached) -> list[Reached]:
    value, path, depth = item.value, item.path, item.depth + 1
    if isinstance(value, _PLAIN) or (callable(value) and not hasattr(value, "__dict__")):
        return []
    if isinstance(value, dict):
        if len(value) > _LONG:
            return []
        return [
            Reached(v, f"{path}[{key!r}]", _called(item, key), depth)
            for key, v in list(value.items())
            if isinstance(key, (str, int))
        ]
    if isinstance(value, (list, tuple)):
        if len(value) > _LONG or (value and isinstance(value[0], (int, float, str)) and depth > 1):
            return []
        fields = getattr(value, "_fields", None) or [None] * len(value)
        return [
            Reached(v, f"{path}[{k}]", field or f"{item.name}{k}", depth)
            for k, (field, v) in enumerate(zip(fields, value, strict=True))
        ]
    return [
        Reached(v, f"{path}.{key}", key.strip("_"), depth)
        for key, v in _attributes(value)
        if not key.startswith("__") and key.strip("_")
    ]


def _called(item: Reached, key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else f"{item.name}{key}"


def _attributes(value: Any) -> list[tuple[str, Any]]:
    """The attributes of an object of the caller's, or of a model: not of libraries', nor of a graph's readers."""
    module = sys.modules.get(type(value).__module__)
    defined = getattr(module, "__file__", None) or ""
    if defined.startswith(_PACKAGE):
        looked_into = hasattr(type(value), "parameters")
    else:
        looked_into = "site-packages" not in defined and not defined.startswith(sys.base_prefix)
    if not looked_into or type(value).__module__ == "builtins":
        return []
    own = getattr(value, "__dict__", None)
    found = list(own.items()) if isinstance(own, dict) and len(own) <= _LONG else []
    slots = getattr(type(value), "__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return found + [(name, getattr(value, name)) for name in names if hasattr(value, name)]


def values_of_the_caller(wanted: Wanted) -> Iterator[tuple[str, Any]]:
    """``name, value`` of what the calling code can name: see :func:`reached`; strange names left out."""
    return ((item.name, item.value) for item in reached(wanted) if item.name.isidentifier())


def variables_of_the_caller(wanted: Wanted) -> dict[int, str]:
    """``id(value) -> name`` for the variables of that type in the calling code, innermost scope first."""
    names: dict[int, str] = {}
    for name, value in values_of_the_caller(wanted):
        names.setdefault(id(value), name)
    return names
