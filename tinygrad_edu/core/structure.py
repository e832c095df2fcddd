"""Values as the caller keeps them, in dicts, lists, tuples and dataclasses, and as a flat list of leaves."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any


def is_record(tree: Any) -> bool:
    """Whether it is an object of a dataclass."""
    return is_dataclass(tree) and not isinstance(tree, type)


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """``path, leaf`` of every leaf, in order.

    >>> [(path, leaf) for path, leaf in leaves({"W": 1.0, "rest": [2.0, 3.0]})]
    [(('W',), 1.0), (('rest', '0'), 2.0), (('rest', '1'), 3.0)]
    """
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    elif isinstance(tree, (list, tuple)):
        for k, value in enumerate(tree):
            yield from leaves(value, (*path, str(k)))
    elif is_record(tree):
        for part in fields(tree):
            yield from leaves(getattr(tree, part.name), (*path, part.name))
    else:
        yield path, tree


def alike(tree: Any) -> Any:
    """The structure without the leaves: hashable, equal where two structures are."""
    if isinstance(tree, Mapping):
        return dict, tuple((key, alike(value)) for key, value in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple(map(alike, tree))
    if is_record(tree):
        return type(tree), tuple(alike(getattr(tree, part.name)) for part in fields(tree))
    return None


def rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    """The same structure around other leaves, taken in order.

    >>> rebuilt({"W": 1.0, "rest": (2.0, 3.0)}, iter("abc"))
    {'W': 'a', 'rest': ('b', 'c')}
    """
    if isinstance(tree, Mapping):
        return {key: rebuilt(value, values) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        parts: Sequence[Any] = [rebuilt(value, values) for value in tree]
        if isinstance(tree, tuple) and hasattr(tree, "_fields"):
            return type(tree)(*parts)
        return tuple(parts) if isinstance(tree, tuple) else parts
    if is_record(tree):
        another = copy.copy(tree)
        for part in fields(tree):  # frozen ones too
            object.__setattr__(another, part.name, rebuilt(getattr(tree, part.name), values))
        return another
    return next(values)
