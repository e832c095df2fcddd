"""The order of the lines: everything before the loop over tiles, in it, and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tinygrad_edu.compile.forms import is_view
from tinygrad_edu.compile.sheet import CONSTANT, INPUT, Node, in_order

__all__ = ["Loop", "Schedule", "scheduled"]


@dataclass(frozen=True)
class Loop:
    """A pass over the examples, tile by tile.

    ``axis`` says which axis of a node runs over the examples; ``sums`` are added up over the tiles.
    """

    length: int
    tile: int
    body: tuple[Node, ...]
    axis: Mapping[Node, int]
    sums: frozenset[Node]


@dataclass(frozen=True)
class Schedule:
    """Nodes in the order in which they are computed."""

    before: tuple[Node, ...]
    loop: Loop | None
    after: tuple[Node, ...]
    outputs: tuple[Node, ...]
    updates: Mapping[Node, Node] = field(default_factory=dict)
    """For a node that overwrites a parameter, that parameter."""


def scheduled(
    outputs: Sequence[Node], updates: Mapping[Node, Node], gradients: Sequence[Node] = ()
) -> Schedule:
    """Operands before results; draws in the order of the recording; updates as early as they can."""
    draws = sorted((n for n in in_order([*outputs, *gradients, *updates]) if n.random), key=lambda n: n.seq)
    nodes = [
        n
        for n in in_order([*draws, *outputs, *reversed(gradients), *updates])
        if n.op not in (CONSTANT, INPUT)
    ]
    return Schedule(
        (),
        None,
        tuple(_with_updates([n for n in nodes if n not in updates], updates)),
        tuple(outputs),
        updates,
    )


def _with_updates(nodes: Sequence[Node], updates: Mapping[Node, Node]) -> Iterable[Node]:
    """Each update put behind its operands, and behind everything that reads the parameter's old value."""
    due: dict[int, list[Node]] = {}
    for update, parameter in updates.items():
        reads = {parameter}
        last = -1
        for k, node in enumerate(nodes):
            if not reads.isdisjoint(node.args):
                last = k
                if is_view(node):
                    reads.add(node)
            elif node in update.args:
                last = k
        due.setdefault(last, []).append(update)
    yield from due.get(-1, ())
    for k, node in enumerate(nodes):
        yield node
        yield from due.get(k, ())
