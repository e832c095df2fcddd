"""The lines of a step, the names of its values, and the lifetime of each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count

import numpy as np

from tinygrad_edu.compiler.instructions import is_ufunc, takes_out
from tinygrad_edu.compiler.memory import Life
from tinygrad_edu.compiler.rows import rows_of
from tinygrad_edu.compiler.schedule import Schedule
from tinygrad_edu.compiler.views import is_view
from tinygrad_edu.expression.node import Node


class Lifetimes:
    """A schedule as numbered lines.

    Args:
        schedule: the nodes, in order.
        names: what the quantities are called in the program.
        inputs: names that are taken.
    """

    def __init__(self, schedule: Schedule, names: Mapping[Node, str], inputs: Sequence[str]) -> None:
        self.schedule, self.inputs = schedule, inputs
        self.results = frozenset(schedule.outputs)
        self.ends = frozenset(schedule.ends)
        loop = schedule.loop
        body = loop.body if loop else ()
        self.order = (*schedule.before, *body, *schedule.after)
        self.first, self.behind = len(schedule.before), len(schedule.before) + len(body)
        self.axis: Mapping[Node, int] = loop.axis if loop else {}
        self.sums: frozenset[Node] = loop.sums if loop else frozenset()
        self.body = frozenset(body)
        self.names = _called(self.order, names, inputs, self.ends)
        self.rows = [
            *rows_of(schedule.before, 0, self.results),
            *rows_of(schedule.after, self.behind, self.results),
        ]
        self.rows_at = {k: rows for rows in self.rows for k in range(rows.first, rows.last + 1)}
        self.last = self._last_uses()
        self.lives = self._lives()
        self.temporaries = self._temporaries()
        self.partial = self._partial()

    def inline(self, node: Node) -> bool:
        """A view of an array needs no line of its own."""
        return is_view(node) and node not in self.ends

    def _last_uses(self) -> dict[Node, int]:
        """The position of the last line that reads a node's memory, by itself or by way of a view."""
        last: dict[Node, int] = {}
        owners: dict[Node, frozenset[Node]] = {}
        for k, node in enumerate(self.order):
            used = frozenset().union(*(owners.get(a, frozenset((a,))) for a in node.args))
            for owner in used:
                inherited = k < self.behind and node in self.body and owner not in self.body
                last[owner] = self.behind - 1 if inherited else k
            # What NumPy hands out without out= may be a view of an operand.
            shares = is_view(node) or (node.shape and not takes_out(node))
            owners[node] = used | {node} if shares else frozenset((node,))
        for node in self.ends:
            for owner in owners.get(node, (node,)):
                last[owner] = len(self.order)
        return last

    def _lives(self) -> dict[Node, Life]:
        """The values in the preallocated memory: everything but scalars, views and results."""
        lives: dict[Node, Life] = {}
        for k, node in enumerate(self.order):
            if node in self.results or not takes_out(node):
                continue
            summed = node in self.sums
            start = self.first if summed else self._whole(k)[0]
            end = self._whole(max(self.last.get(node, k), k))[1]
            lives[node] = Life(self.names[node], self.shape(node), node.dtype, start, end)
            if is_ufunc(node) and not summed:
                lives[node].over = self._overwritten(node, k, lives)
        return lives

    def _whole(self, k: int) -> tuple[int, int]:
        """The lines that are done together with one: another part may be at any of them."""
        rows = self.rows_at.get(k)
        return (k, k) if rows is None else (rows.first, rows.last)

    def _overwritten(self, node: Node, k: int, lives: Mapping[Node, Life]) -> Life | None:
        """The life of an operand that ends here, and whose place the result can take, entry by entry."""
        for arg in node.args:
            life = lives.get(arg)
            if (
                life is None
                or self.last.get(arg, k) != k
                or arg in self.sums
                or (arg in self.body) != (node in self.body)
            ):
                continue
            if (life.dtype, life.shape) == (node.dtype, self.shape(node)):
                return life
        return None

    def shape(self, node: Node) -> tuple[int, ...]:
        """The shape of a node's value; inside the loop, that of one tile."""
        loop, axis = self.schedule.loop, self.axis.get(node)
        if loop is None or axis is None or node not in self.body:
            return node.shape
        return (*node.shape[:axis], loop.tile, *node.shape[axis + 1 :])

    def _temporaries(self) -> dict[Node, Life]:
        """What one tile adds to a sum."""
        return {
            node: Life(f"{self.names[node]}_part", node.shape, node.dtype, k, k)
            for k, node in enumerate(self.order)
            if node in self.sums and takes_out(node)
        }

    def _partial(self) -> dict[Node, Life]:
        """The sums of each part of the loop; Python adds up numbers in float64."""
        parts = self.schedule.loop.parts if self.schedule.loop else 0
        return {
            node: Life(
                f"{self.names[node]}_parts",
                (parts, *node.shape),
                node.dtype if node.shape else np.dtype(float),
                self.first,
                self.behind - 1,
            )
            for node in self.order
            if node in self.sums
        }


def _called(
    order: Sequence[Node], names: Mapping[Node, str], inputs: Sequence[str], ends: AbstractSet[Node]
) -> dict[Node, str]:
    """A name for every node: the program's, else t1, t2, ..."""
    taken = {*inputs, *names.values()}
    free = (name for name in map("t{}".format, count(1)) if name not in taken)
    found: dict[Node, str] = {}
    given: set[str] = set()
    for node in order:
        if is_view(node) and node not in ends:
            continue
        name = names.get(node)
        found[node] = next(free) if name is None or name in given else name
        given.add(found[node])
    return found
