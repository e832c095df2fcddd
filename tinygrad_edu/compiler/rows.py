"""Lines that are computed entry by entry on large arrays of one shape: done in parts, on all threads.

Between two matrix products of a network stand a few such lines. What they write lies where nothing else
writes, so that they may be cut anywhere; a part is taken through all of its lines while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tinygrad_edu.compiler.instructions import is_ufunc, takes_out
from tinygrad_edu.compiler.views import is_view
from tinygrad_edu.expression.node import Node

WORTH = 1 << 21
"""Bytes of a result from which on parts pay. A part takes 5 to 10 µs beside its lines, waking a thread up to
50; NumPy passes over a megabyte in 80."""
PART = 1 << 20
"""Bytes of a part of a result: on one thread parts of half of it cost 4 %, and of it 2 %."""


@dataclass(frozen=True)
class Rows:
    """Some lines that stand together."""

    nodes: tuple[Node, ...]
    first: int
    """The position of the first line in the step, and of the last."""
    last: int
    axis: int
    """Along which the arrays are cut: the first that has more than one entry."""
    part: int
    """The entries of a part along it."""

    @property
    def length(self) -> int:
        """All entries along it."""
        return self.nodes[0].shape[self.axis]

    @property
    def parts(self) -> int:
        """How many there are."""
        return -(-self.length // self.part)

    def cut(self, operand: Node) -> int | None:
        """The axis along which an operand is cut; None where every part needs all of it."""
        axis = operand.ndim - self.nodes[0].ndim + self.axis
        return axis if axis >= 0 and operand.shape[axis] != 1 else None


def rows_of(order: Sequence[Node], start: int, results: AbstractSet[Node]) -> list[Rows]:
    """What can be done in parts, in a straight line of nodes.

    Args:
        order: the nodes.
        start: the position of the first of them in the step.
        results: arrays that the caller gets for his own, and which NumPy makes.
    """
    found: list[Rows] = []
    run: list[tuple[int, Node]] = []

    def close() -> None:
        if run:
            found.append(_rows(run))
            run.clear()

    for k, node in enumerate(order, start=start):
        if is_view(node) and node not in results:
            continue
        if not _fits(node) or node in results or (run and node.shape != run[0][1].shape):
            close()
        if _fits(node) and node not in results:
            run.append((k, node))
    close()
    return [rows for rows in found if rows.parts > 1]


def _fits(node: Node) -> bool:
    """Whether it is large, and written where it is told to. A view of an operand could show other rows."""
    return (
        is_ufunc(node)
        and takes_out(node)
        and not node.random
        and node.nbytes >= WORTH
        and not any(is_view(arg) for arg in node.args)
    )


def _rows(run: Sequence[tuple[int, Node]]) -> Rows:
    nodes = tuple(node for _, node in run)
    shape, widest = nodes[0].shape, max(node.nbytes for node in nodes)
    axis = next(k for k, n in enumerate(shape) if n > 1)
    return Rows(nodes, run[0][0], run[-1][0], axis, max(1, shape[axis] * PART // widest))
