"""Values as the caller keeps them, in dicts, lists and tuples (nested too), and as a flat list of leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["alike", "leaves", "rebuilt"]


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
    else:
        yield path, tree


def alike(tree: Any) -> Any:
    """The structure without the leaves: hashable, equal where two structures are."""
    if isinstance(tree, Mapping):
        return dict, tuple((key, alike(value)) for key, value in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple(map(alike, tree))
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
    return next(values)
