"""The loop over tiles of the examples: every large array is read from memory once.

Forward and backward pass of one example need no other example; only sums over the examples (the cost, dW,
db) bring them together. So both passes can be done on a few columns at a time, while these are in the
cache, and the sums added up. Which nodes those are is found by following one axis through the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tinygrad_edu.compiler.instructions import is_ufunc
from tinygrad_edu.compiler.schedule import Loop, Schedule
from tinygrad_edu.compiler.views import is_view
from tinygrad_edu.expression.arithmetic import MATMUL, MAX, MIN, SUM, TRANSPOSE, WHERE
from tinygrad_edu.expression.node import Node
from tinygrad_edu.ops.movement.shapes import astype
from tinygrad_edu.ops.networks.costs import probabilities

CACHE = 3 << 20
"""The bytes of a tile, at least: a core's caches hold them until the way back."""
LARGEST = 6 << 20
"""The bytes of a tile, at most. The longer a line takes, the less threads wait for the interpreter, and the
less of a tile is in the caches on the way back: on two threads 3 MB and 12 are slower than 6, by a tenth."""
TILES = 16
"""Into how many tiles arrays between those sizes are cut: enough for the threads to end together."""
WORTH = 3
"""How many times the smallest tile the arrays must take before a loop pays."""
CHECK = probabilities.kernel
"""Looks at all labels before anything else, and gives them back."""
SHORTEST = 256
"""Columns of the narrowest tile: matrix products of fewer are slow."""

PARTS = 32
"""Into how many parts the tiles are put, each with its own sums: enough for the threads to end together."""


class _Cannot(Exception):  # noqa: N818  (says what it is)
    """The axis ends in an operation that cannot be done by tiles."""


def tiled(schedule: Schedule) -> Schedule:
    """The schedule with a loop over the examples, where there is much to gain; else the same."""
    nodes = [*schedule.before, *schedule.after]
    for seed, axis in _seeds(nodes):
        try:
            paths = _Paths(seed.shape[axis], {seed: axis}).through(nodes, schedule)
        except _Cannot:
            continue
        tile = _tile(paths)
        if tile is not None:
            return _with_loop(schedule, nodes, paths, tile)
    return schedule


def _seeds(nodes: Sequence[Node]) -> list[tuple[Node, int]]:
    """The large inputs of matrix products, with the axis of the examples: the last."""
    inputs = dict.fromkeys(a for n in nodes for a in n.args if a.is_name and a.ndim == 2)
    large = [n for n in inputs if n.nbytes > CACHE and n.shape[-1] >= 4 * SHORTEST]
    return [(n, 1) for n in sorted(large, key=lambda n: -n.nbytes)]


@dataclass
class _Paths:
    """The axis of the examples of each node that has one, and the sums in which it ends."""

    length: int
    cut: dict[Node, int]
    """Arrays from outside the loop, of which each tile takes its columns."""
    inside: dict[Node, int] = field(default_factory=dict)
    sums: set[Node] = field(default_factory=set)
    after: set[Node] = field(default_factory=set)

    @property
    def axis(self) -> dict[Node, int]:
        return self.cut | self.inside

    def through(self, nodes: Sequence[Node], schedule: Schedule) -> _Paths:
        for node in nodes:
            if any(a in self.sums or a in self.after for a in node.args):
                if any(a in self.inside for a in node.args):
                    raise _Cannot  # one example's value depends on what all of them add up to
                self.after.add(node)
            elif any(a in self.inside or a in self.cut for a in node.args) and node.kernel != CHECK:
                self._follow(node)
        if not self.inside.keys().isdisjoint(schedule.ends):
            raise _Cannot
        return self

    def _place(self, node: Node) -> int | None:
        return self.inside.get(node, self.cut.get(node))

    def _follow(self, node: Node) -> None:
        if is_ufunc(node) or node.does(WHERE, astype):
            self._entrywise(node)
        elif node.does(MATMUL):
            self._product(node)
        elif node.does(TRANSPOSE):
            axes = node.settings.get("axes") or tuple(reversed(range(node.ndim)))
            self.inside[node] = [a % node.ndim for a in axes].index(self._place(node.args[0]))
        elif node.does(SUM, MAX, MIN):
            self._reduced(node)
        else:
            raise _Cannot

    def _entrywise(self, node: Node) -> None:
        """Operands are lined up from the right; where one has the examples, all have them, or repeat."""
        found = [(place, a) for a in node.args if (place := self._place(a)) is not None]
        places = {place - a.ndim for place, a in found}
        if len(places) != 1:
            raise _Cannot
        (place,) = places
        for arg in node.args:
            if self._place(arg) is None and arg.shape and arg.ndim >= -place and arg.shape[place] != 1:
                self._cut(arg, place)
        self.inside[node] = node.ndim + place

    def _product(self, node: Node) -> None:
        a, b = node.args
        if a.ndim != 2 or b.ndim != 2:
            raise _Cannot
        if self._place(a) != 1 and self._place(b) != 0:
            if self._place(a) is not None and self._place(b) is not None:
                raise _Cannot
            self.inside[node] = 1 if self._place(a) is None else 0
            return
        for arg, place in ((a, 1), (b, 0)):
            if self._place(arg) is None:
                self._cut(arg, place)
            elif self._place(arg) != place:
                raise _Cannot
        self.sums.add(node)

    def _reduced(self, node: Node) -> None:
        (x,) = node.args
        axis, keepdims = node.settings.get("axis"), node.settings.get("keepdims", False)
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        gone = {a % x.ndim for a in axes}
        place = self._place(x)
        assert place is not None
        if place not in gone:
            self.inside[node] = place if keepdims else place - sum(a < place for a in gone)
        elif node.does(SUM) and node.dtype.kind == "f":
            self.sums.add(node)
        else:
            raise _Cannot

    def _cut(self, node: Node, place: int) -> None:
        if node.shape[place] != self.length:
            raise _Cannot
        self.cut[node] = place % node.ndim


def _tile(paths: _Paths) -> int | None:
    """The columns of a tile; None where a loop does not pay."""
    length = paths.length
    whole = sum(n.nbytes for n in paths.axis if not is_view(n))
    if whole < WORTH * CACHE:
        return None
    accumulated = sum(n.nbytes for n in paths.sums)
    nbytes = min(max(whole // TILES, CACHE), LARGEST)
    columns = max(nbytes * length // whole, SHORTEST)
    if accumulated * (length // columns) * 3 > whole:  # adding up would cost more than it saves
        return None
    return _divisor(length, columns)


def _divisor(length: int, target: int) -> int:
    """The largest divisor within a factor of two of the target: tiles of one size; else the target."""
    near = [k for k in range(min(target * 5 // 4, length), target // 2, -1) if length % k == 0]
    return near[0] if near else min(target, length)


def _with_loop(schedule: Schedule, nodes: Sequence[Node], paths: _Paths, tile: int) -> Schedule:
    body = tuple(n for n in nodes if n in paths.inside or n in paths.sums)
    tiles = -(-paths.length // tile)
    held = sum(n.nbytes for n in paths.sums)
    parts = max(1, min(PARTS, tiles, CACHE // max(held, 1)))
    behind = {*body, *paths.after}
    return replace(
        schedule,
        before=tuple(n for n in nodes if n not in behind),
        loop=Loop(paths.length, tile, -(-tiles // parts) * tile, body, paths.axis, frozenset(paths.sums)),
        after=tuple(n for n in nodes if n in paths.after),
    )
