"""What a step of a program, or a node of a graph, does: asked of the facts of its operation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from tinygrad_edu.check.local import Local
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph import GraphNode, Step

_One = TypeVar("_One")
_FAR = 6
_MOST_PASSES = 200
_MOST_ALIKE, _ENDS = 24, 4
"""Of more alike only so many at either end are edited alone: inside, a loop has no line of its own."""


def adds(step: Step | GraphNode) -> bool:
    """Whether it is the sum of two values."""
    return step.op is not None and step.op.commutative and joins(step)


def joins(step: Step | GraphNode) -> bool:
    """Whether it is the sum, or the difference, of two values."""
    return step.op is not None and step.op.linear == ((0, 1),)


def passes_on(step: Step) -> bool:
    """Whether it leaves the numbers as they are, and at most moves them."""
    return step.op is None or step.op.moves


def adds_up(step: Step | GraphNode) -> bool:
    """Whether it is the sum of a value's entries, or their mean."""
    op = step.op
    return op is not None and op.kind == "reduction" and op.linear == ((0,),)


def multiplies(step: Step | GraphNode) -> bool:
    """Whether it is a product of two values: entry by entry, of matrices, or of any other kind."""
    op = step.op
    return op is not None and len(step.args) == 2 and op.linear_in(0) and op.linear_in(1)


def sliced(index: Any) -> bool:
    """Whether an index is made of slices, and new axes, and not of all of everything."""
    parts = index_parts(index)
    plain = all(isinstance(p, slice) or p is None for p in parts)
    return plain and any(p not in (slice(None), None) for p in parts)


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


def fed_by(node: GraphNode) -> Iterator[str]:
    """The quantities that a node is computed from, entry by entry."""
    queue, seen = [(node, 0)], {node}
    for one, depth in queue:
        if one.op is None or not (one.op.kind == "elementwise" or one.op.moves):
            continue
        for other in one.inputs:
            yield other.name
            if depth < _FAR and other.shape == node.shape and not other.is_leaf and other not in seen:
                queue.append((other, depth + 1))
                seen.add(other)


def feeds(node: GraphNode, name: str) -> bool:
    """Whether a node is computed, entry by entry, from the quantity of that name."""
    return name in fed_by(node)


def alike(members: Iterable[Any], key: Callable[[Any], Hashable]) -> Iterator[list[Any]]:
    """What several passes of one loop have left."""
    groups: dict[Hashable, list[Any]] = {}
    for one in members:
        groups.setdefault(key(one), []).append(one)
    yield from (group for group in groups.values() if 1 < len(group) <= _MOST_PASSES)


def outer(members: Sequence[_One], key: Callable[[_One], Hashable]) -> list[_One]:
    """The members, but of many alike, as a long loop leaves them, only those of its first and last passes."""
    groups: dict[Hashable, list[int]] = {}
    for k, one in enumerate(members):
        groups.setdefault(key(one), []).append(k)
    many = (places for places in groups.values() if len(places) > _MOST_ALIKE)
    inside = {k for places in many for k in places[_ENDS:-_ENDS]}
    return [one for k, one in enumerate(members) if k not in inside]


def made_alike(local: Local, step: Step) -> Hashable:
    """What the steps of one line of a loop share: operation, shapes, which operand is the gradient."""
    shapes = tuple(np.shape(local.operand(step, k)) for k in range(len(step.args)))
    return step.op and step.op.kernel, shapes, local.backward.carriers.get(step.name)
