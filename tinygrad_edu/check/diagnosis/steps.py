"""What a step of a program, or a node of a graph, does: asked of the facts of its operation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.graph import Graph, GraphNode, Step

__all__ = [
    "adds",
    "adds_up",
    "alike",
    "before",
    "behind",
    "feeds",
    "index_parts",
    "multiplies",
    "picks_a_part",
    "puts",
    "puts_a_part",
    "sliced",
]

_FAR = 6
_MOST_PASSES = 200


def adds(step: Step | GraphNode) -> bool:
    """Whether it is the sum of two values."""
    op = step.op
    return op is not None and op.commutative and op.linear == ((0, 1),)


def adds_up(step: Step | GraphNode) -> bool:
    """Whether it is the sum of a value's entries, or their mean."""
    op = step.op
    return op is not None and op.kind == "reduction" and op.linear == ((0,),)


def multiplies(step: Step | GraphNode) -> bool:
    """Whether it is a product of two values: entry by entry, of matrices, or of any other kind."""
    op = step.op
    return op is not None and len(step.args) == 2 and op.linear_in(0) and op.linear_in(1)


def index_parts(index: Any) -> tuple[Any, ...]:
    """What stands between the brackets of an index, one part an axis."""
    return index if isinstance(index, tuple) else (index,)


def sliced(index: Any) -> bool:
    """Whether an index is made of slices, and not of all of everything."""
    parts = index_parts(index)
    return all(isinstance(p, slice) for p in parts) and any(p != slice(None) for p in parts)


def _placed(index: Any) -> bool:
    """Whether an index is made of slices and plain numbers, and not of all of everything."""
    parts = index_parts(index)
    plain = all(isinstance(p, (slice, int, np.integer)) and not isinstance(p, bool) for p in parts)
    return plain and any(p != slice(None) for p in parts)


def picks_a_part(step: Step) -> bool:
    """Whether it takes a slice of a gradient, or an entry of an axis, as behind a concatenation."""
    op = step.op
    picks = op is not None and op.kind == "indexing" and "shape" not in step.settings
    return picks and _placed(step.settings.get("index"))


def puts(step: Step) -> bool:
    """Whether it puts a gradient into zeros, by any index."""
    return step.op is not None and step.op.kind == "indexing" and "shape" in step.settings


def puts_a_part(step: Step) -> bool:
    """Whether it puts a gradient into a slice of zeros, or a row, as behind a window."""
    return puts(step) and _placed(step.settings.get("index"))


def feeds(node: GraphNode, name: str) -> bool:
    """Whether a node is computed, entry by entry, from the quantity of that name."""
    queue = [(node, 0)]
    for one, depth in queue:
        if one.op is None or not (one.op.kind == "elementwise" or one.op.moves):
            continue
        for other in one.inputs:
            if other.name == name:
                return True
            if depth < _FAR and other.shape == node.shape and not other.is_leaf:
                queue.append((other, depth + 1))
    return False


def before(graph: Graph, node: GraphNode) -> Iterator[GraphNode]:
    """The values of the same shape that a node is a function of, entry by entry."""
    return (n for n in graph if n is not node and n.shape == node.shape and feeds(node, n.name))


def behind(graph: Graph, node: GraphNode) -> Iterator[GraphNode]:
    """The values of the same shape that are functions of a node, entry by entry."""
    return (n for n in graph if n is not node and n.shape == node.shape and feeds(n, node.name))


def alike(members: Iterable[Any], key: Callable[[Any], Hashable]) -> Iterator[list[Any]]:
    """What several passes of one loop have left."""
    groups: dict[Hashable, list[Any]] = {}
    for one in members:
        groups.setdefault(key(one), []).append(one)
    yield from (group for group in groups.values() if 1 < len(group) <= _MOST_PASSES)
