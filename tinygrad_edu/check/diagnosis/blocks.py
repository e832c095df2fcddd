"""The slopes in a backward pass: stretches of it in which each entry is multiplied by a factor of its own.

From the gradient of y to that of x, where y was computed from x entry by entry, the product of all factors is
the slope of y at x. It is left out, applied twice, inverted, another function's, or taken at another point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.steps import joins, made_alike, outer, passes_on
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import Graph, GraphNode, Step


@dataclass(frozen=True)
class Block:
    """A stretch from one step to another of the same shape: ``exit = entry * factor``."""

    entry: str
    exit: str
    factor: Array
    above: str | None
    """The quantity y whose gradient comes in."""
    below: str | None
    """The quantity x whose gradient goes out, where x leads to y by this stretch alone."""
    slope: bool
    """Whether the factor is the slope of y at x, and no factor of another quantity."""
    step: Step | None = None
    """The only step of it, if there is but one."""
    inside: frozenset[str] = frozenset()
    """The steps of it, the exit included."""

    def within(self, local: Local) -> bool:
        """Whether it is a stretch of another formula too, none of its steps given there."""
        known = self.entry in local.names and self.exit in local.names
        return known and not self.inside & set(local.sources)


def blocks_of(local: Local, graph: Graph) -> Iterator[Block]:
    """Every such stretch, the longest to each exit last; inside a long loop those that are slopes alone."""
    ends = {step.name for step in outer(local.steps, lambda step: made_alike(local, step))}
    pointwise = {s.name: s for s in local.steps if _entry_by_entry(s, local)}
    dominators: dict[str, list[str]] = {}
    for step in local.steps:
        if step.name not in pointwise:
            dominators[step.name] = [step.name]
            continue
        lists = [dominators.get(c, [c]) for c in dict.fromkeys(local.backward.carried(step))]
        common = [n for n in lists[0] if all(n in other for other in lists[1:])]
        dominators[step.name] = [step.name, *common]
        for entry in common[:12]:
            if np.shape(local.values[entry]) == np.shape(local.values[step.name]):
                block = _block(local, graph, entry, step, step.name in ends)
                if block is not None:
                    yield block


def sums_in_slopes(local: Local, blocks: list[Block]) -> bool:
    """Whether the paths of its formula part and meet in slopes, as those of a function of two branches."""
    inside = frozenset[str]().union(*(b.inside for b in blocks if b.slope))
    sums, queue = set[str](), [local.root]
    for name in queue:
        if name in local.exact or name in local.sources or (name != local.root and local.program[name].of):
            continue  # what parts above another quantity's gradient is not this one's formula
        above = dict.fromkeys(local.backward.carried(local.program[name]))
        sums |= {name} if len(above) > 1 else set()
        queue += [other for other in above if other not in queue]
    return bool(sums) and sums <= inside


def _entry_by_entry(step: Step, local: Local) -> bool:
    op = step.op
    if op is None:
        return True
    if op.kind != "elementwise" or "axis" in op.settings:
        return False
    return all(local.program[c].shape == step.shape for c in local.backward.carried(step))


def _block(local: Local, graph: Graph, entry: str, last: Step, any_factor: bool) -> Block | None:
    above, below = _above(local, entry), _below(local, last.name)
    joined = above is not None and below is not None
    if below is not None and _passed_by(local, entry, last.name, local.program.gradients[below].name):
        below = None
    slope = above is not None and below is not None and function_of(graph, below, above)
    if not slope and not any_factor:
        return None
    between = _between(local, entry, last.name)
    moving = [s for s in between if s.op is not None and not s.op.moves]
    if not moving:
        return None
    shape = np.shape(local.values[entry])
    ones: dict[str, Array] = {entry: np.ones(shape)}
    for step in between:
        ones[step.name] = np.broadcast_to(np.asarray(local.applied(step, ones), float), step.shape)
    factor = ones[last.name]
    if not np.isfinite(factor).all() or factor.size == 0:
        return None
    if np.ptp(factor) == 0 and not (joined and _at_a_point(local, moving)):
        return None  # a constant; of a number alone it may be a slope
    single = moving[0] if len(moving) == 1 else None
    names = frozenset(s.name for s in between)
    return Block(entry, last.name, factor, above, below, slope, single, names)


def _at_a_point(local: Local, steps: list[Step]) -> bool:
    """Whether one of the factors of these steps is a value that was computed, and no plain number."""
    return any(name not in local.names for step in steps for name in step.uses)


def _above(local: Local, name: str) -> str | None:
    """The quantity whose gradient a step is, or passes on."""
    while (of := local.program[name].of) is None:
        step = local.program[name]
        carried = local.backward.carried(step)
        if name not in local.names or len(carried) != 1 or not passes_on(step):
            return None
        (name,) = carried
    return of


def _below(local: Local, name: str) -> str | None:
    """The quantity whose gradient a step is, or is an addend of."""
    while (of := local.program[name].of) is None:
        after = local.followers.get(name, [])
        if len(after) != 1 or not (passes_on(after[0]) or joins(after[0])):
            return None
        name = after[0].name
    return of


def _passed_by(local: Local, entry: str, last: str, end: str) -> bool:
    """Whether a way from the entry to the end leads past the exit: then the stretch is one of several."""
    if last == end:
        return False
    reached, queue = {entry, last}, [entry]
    for name in queue:
        for step in local.followers.get(name, ()):
            if step.name not in reached and local.place[step.name] <= local.place.get(end, -1):
                reached.add(step.name)
                queue.append(step.name)
    return end in reached


def _between(local: Local, entry: str, end: str) -> list[Step]:
    """The steps after the entry on the ways to the end."""
    needed, queue = {end}, [end]
    for name in queue:
        if name != entry and name in local.place:
            for other in local.backward.carried(local.program[name]):
                if other not in needed:
                    needed.add(other)
                    queue.append(other)
    return [
        local.program[n] for n in sorted(needed & local.place.keys() - {entry}, key=local.place.__getitem__)
    ]


def function_of(graph: Graph, x: str, y: str) -> bool:
    """Whether y is computed from x and numbers alone."""
    start, queue = graph.find(x), [graph.find(y)]
    seen, met = {queue[0]}, False
    for node in queue:
        for other in node.inputs:
            if other is start:
                met = True
            elif other.value.size > 1 and other.depends_on(start):
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
            elif other.value.size > 1 and not _asked_of(other, start):
                return False
    return met


def _asked_of(constant: GraphNode, x: GraphNode) -> bool:
    """Whether an array answers a question about x, such as x > 0: it is recorded as a constant."""
    if constant.shape != x.shape or not constant.is_leaf:
        return False
    positive = x.value > 0
    return any(np.array_equal(constant.value, answer) for answer in (positive, x.value >= 0, ~positive))
