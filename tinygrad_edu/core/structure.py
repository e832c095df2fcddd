"""Values as the caller keeps them, in dicts, lists, tuples and dataclasses, and as a flat list of leaves.

What stands beside them and is no number, such as the name of an activation or None, belongs to the structure.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def is_record(tree: Any) -> bool:
    """Whether it is an object of a dataclass."""
    return is_dataclass(tree) and not isinstance(tree, type)


def is_fixed(value: Any) -> bool:
    """Whether a value in a structure is a part of it, and no leaf.

    >>> [*map(is_fixed, (None, "relu", slice(2), 1.0))]
    [True, True, True, False]
    """
    return value is None or (isinstance(value, (str, bytes, slice, Enum)) and not isinstance(value, int))


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """``path, leaf`` of every leaf, in order.

    >>> [(path, leaf) for path, leaf in leaves({"W": 1.0, "rest": [2.0, 3.0], "by": "mean"})]
    [(('W',), 1.0), (('rest', '0'), 2.0), (('rest', '1'), 3.0)]
    """
    if path and is_fixed(tree):
        return
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


def alike(tree: Any, *, inside: bool = False) -> Any:
    """The structure without the leaves: hashable, equal where two are; ``inside``: of a part of another."""
    if isinstance(tree, Mapping):
        return type(tree), tuple((key, alike(value, inside=True)) for key, value in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple(alike(value, inside=True) for value in tree)
    if is_record(tree):
        return type(tree), tuple(alike(getattr(tree, part.name), inside=True) for part in fields(tree))
    return (type(tree), repr(tree)) if inside and is_fixed(tree) else None


def rebuilt(tree: Any, values: Iterator[Any], *, inside: bool = False) -> Any:
    """The same structure around other leaves, taken in order; ``inside``: as a part of another.

    >>> rebuilt({"W": 1.0, "rest": (2.0, 3.0)}, iter("abc"))
    {'W': 'a', 'rest': ('b', 'c')}
    """
    if isinstance(tree, Mapping):
        by_key = {key: rebuilt(value, values, inside=True) for key, value in tree.items()}
        if type(tree) is dict or not isinstance(tree, dict):
            return by_key
        another = type(tree).__new__(type(tree))  # without attributes, which may hold the leaves of the other
        if getattr(tree, "__dict__", None) is tree:  # a class whose keys are its attributes
            another.__dict__ = another
        another.update(by_key)
        return another
    if isinstance(tree, (list, tuple)):
        parts: Sequence[Any] = [rebuilt(value, values, inside=True) for value in tree]
        if isinstance(tree, tuple) and hasattr(tree, "_fields"):
            return type(tree)(*parts)
        return tuple(parts) if isinstance(tree, tuple) else parts
    if is_record(tree):
        another = copy.copy(tree)
        for part in fields(tree):  # frozen ones too
            value = getattr(tree, part.name)
            object.__setattr__(another, part.name, rebuilt(value, values, inside=True))
        return another
    return tree if inside and is_fixed(tree) else next(values)
