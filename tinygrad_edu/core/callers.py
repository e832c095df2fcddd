"""The names that the caller's variables give to values, looked up only when they are needed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

_PACKAGE = str(Path(__file__).parents[1])
_STANDARD = str(Path(os.__file__).parent)
_DEPTH = 4
"""How many steps from a variable a value may be: ``net.layers[0].W``."""
_WAYS = 3
"""On how many paths an object is looked into: ``layer.W`` is ``layers[1].W`` as well."""
_LONG = 1000
"""The most members of a container that are looked at."""
_MOST = 20_000
"""How many values are looked at in a scope, so that finding names stays quick."""
Wanted = type | tuple[type, ...]
_PLAIN = (str, bytes, int, float, complex, type(None), type, ModuleType)


def frames() -> Iterator[FrameType]:
    """The frames of code that is neither this package's nor a library's, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not of_a_library(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def of_a_library(filename: str) -> bool:
    """Whether code is this package's, Python's own, or installed."""
    inside = "site-packages" in filename or "dist-packages" in filename
    return inside or filename.startswith((_PACKAGE, _STANDARD, "<frozen"))


class Reached(NamedTuple):
    """A value that the caller's code can name."""

    value: Any
    path: str
    """How code writes it: ``net.params["W1"]``."""
    name: str
    """The end of its path: W1. For an element of a list, the list's name and the index."""
    depth: int
    """How many steps it is from a variable."""
    record: str = ""
    """The first tuple on its path: what stands in one are different things, and no series as in a list."""


def reached(wanted: Wanted) -> Iterator[Reached]:
    """The values of that type that the calling code can name, innermost scope first, the nearest first.

    Looks into local variables, then globals, into the containers among them and the attributes of objects, so
    that ``params["W1"]``, ``self.W1`` and the W of a layer in a list have names.
    """
    ways = [_Ways(wanted)] * _DEPTH + [_Ways(wanted, last=True)]
    looked_into = Counter[int]()
    for frame in frames():
        everywhere = frame.f_globals
        if frame.f_locals is not everywhere:
            yield from _in_scope(frame.f_locals, ways, looked_into)
        if id(everywhere) not in looked_into:
            looked_into[id(everywhere)] += 1
            yield from _in_scope(everywhere, ways, looked_into)


def _in_scope(scope: Any, ways: Sequence[_Ways], looked_into: Counter[int]) -> Iterator[Reached]:
    level = [
        Reached(v, name, name, 0)
        for name, v in list(scope.items())
        if ways[0][type(v)] and name.isidentifier() and name[0] != "_"
    ]
    seen = 0
    while level and seen < _MOST:
        deeper: list[Reached] = []
        for item in level:
            seen += 1
            value = item.value
            way_into = ways[item.depth][type(value)]
            if way_into is _found:
                yield item
            elif way_into and looked_into[id(value)] < _WAYS:
                looked_into[id(value)] += 1
                deeper += way_into(item, ways[item.depth + 1])
        level = deeper


class _Ways(dict[type, Callable[[Reached, "_Ways"], list[Reached]] | None]):
    """How values of each type are looked into: what tells their members; None for what is passed over.

    The members of a container are many and most of them plain, so each is asked for its type alone, and on
    the last step into the depth only what is wanted is kept.
    """

    def __init__(self, wanted: Wanted, last: bool = False) -> None:
        super().__init__()
        self.wanted, self.last = wanted, last

    def __missing__(self, kind: type) -> Callable[[Reached, _Ways], list[Reached]] | None:
        way = None if self.last else _way_into(kind)
        self[kind] = way = _found if issubclass(kind, self.wanted) else way
        return way


def _found(item: Reached, _: _Ways) -> list[Reached]:
    """What is wanted is not looked into."""
    return [item]


def _way_into(kind: type) -> Callable[[Reached, _Ways], list[Reached]] | None:
    """Into containers, the caller's own objects and models. Libraries' objects and graphs are passed over."""
    if issubclass(kind, dict):
        return _in_dict
    if issubclass(kind, (list, tuple)):
        return _in_sequence
    if issubclass(kind, FunctionType):
        return _in_closure
    if issubclass(kind, _PLAIN) or kind.__module__ == "builtins":
        return None
    defined = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    ours = defined.startswith(_PACKAGE)
    return _in_object if (hasattr(kind, "parameters") if ours else not of_a_library(defined)) else None


_AN_ID = 10_000_000  # from which on a number is where something is, and no name


def _in_dict(item: Reached, ways: _Ways) -> list[Reached]:
    value, path, depth = item.value, item.path, item.depth + 1
    if len(value) > _LONG:
        return []
    return [
        Reached(v, f"{path}[{key!r}]", _called(item, key), depth, item.record)
        for key, v in list(value.items())
        if ways[type(v)] and (isinstance(key, str) or (isinstance(key, int) and abs(key) < _AN_ID))
    ]


def _in_sequence(item: Reached, ways: _Ways) -> list[Reached]:
    value, path, depth = item.value, item.path, item.depth + 1
    if len(value) > _LONG or not any(map(ways.__getitem__, map(type, value))):
        return []
    if isinstance(value[0], (int, float, str)) and depth > 1:
        return []
    record = item.record or (path if isinstance(value, tuple) else "")
    fields = getattr(value, "_fields", None)
    if fields is None:
        told = [(f"{path}[{k}]", f"{item.name}{k}", v) for k, v in enumerate(value)]
    else:
        told = [(f"{path}.{field}", field, v) for field, v in zip(fields, value, strict=True)]
    return [Reached(v, where, name, depth, record) for where, name, v in told if ways[type(v)]]


def _in_object(item: Reached, ways: _Ways) -> list[Reached]:
    value, path, depth = item.value, item.path, item.depth + 1
    own = getattr(value, "__dict__", None)
    found = list(own.items()) if isinstance(own, dict) and len(own) <= _LONG else []
    slots = getattr(type(value), "__slots__", ())
    for name in (slots,) if isinstance(slots, str) else slots:
        if hasattr(value, name):
            found.append((name, getattr(value, name)))
    return [
        Reached(v, f"{path}.{key}", key.strip("_"), depth, item.record)
        for key, v in found
        if ways[type(v)] and not key.startswith("__") and key.strip("_")
    ]


def _in_closure(item: Reached, ways: _Ways) -> list[Reached]:
    function, depth = item.value, item.depth + 1
    if not function.__closure__ or of_a_library(function.__code__.co_filename):
        return []
    return [
        Reached(v, f"{item.path}.{name}", name, depth, item.record)
        for name, v in closed_over(function).items()
        if ways[type(v)]
    ]


def closed_over(function: FunctionType) -> dict[str, Any]:
    """The variables around a function that it uses, as the W of a layer that is a function."""
    found: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


def _called(item: Reached, key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else f"{item.name}{key}"


def values_of_the_caller(wanted: Wanted) -> Iterator[tuple[str, Any]]:
    """``name, value`` of what the calling code can name, where the name is usable: see :func:`reached`."""
    return ((item.name, item.value) for item in reached(wanted) if item.name.isidentifier())


def variables_of_the_caller(wanted: Wanted) -> dict[int, str]:
    """``id(value) -> name`` for the variables of that type in the calling code, innermost scope first."""
    names: dict[int, str] = {}
    for name, value in values_of_the_caller(wanted):
        names.setdefault(id(value), name)
    return names
