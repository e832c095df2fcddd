"""Which of two right answers a set of gradients is: the derivatives of J, or each example's own, times m.

Where J is divided by a count of examples, many courses leave that division to the parameters' gradients: dZ and
dA then hold each example's own. So for each such count k there is a reading in which what is computed, or is
data, and has an axis of that length, is taken k times. A parameter is never read so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.graph import Graph, GraphNode

__all__ = ["EXACT", "Reading", "readings"]


@dataclass(frozen=True)
class Reading:
    """One way to read a set of gradients: those in ``scaled`` hold m times the derivative of J."""

    convention: str
    m: int = 1
    scaled: frozenset[str] = frozenset()
    axis: int | None = None
    """Where the examples stand, in most of those: 0 for rows, -1 for columns."""

    def scale(self, name: str) -> int:
        """What the derivative of J is multiplied by for this quantity."""
        return self.m if name in self.scaled else 1


EXACT = Reading("exact")


def readings(graph: Graph, parameters: frozenset[str]) -> list[Reading]:
    """The exact reading, and one of the course's for each count by which J is divided.

    ``parameters`` are the leaves that were recorded as variables.
    """
    found = [EXACT]
    for k in dict.fromkeys(_counts(graph)):
        scaled = frozenset(
            node.name for node in graph if k in node.shape and not (node.is_leaf and node.name in parameters)
        )
        if scaled:
            found.append(Reading("course", k, scaled, _axis(graph, scaled, k)))
    return found


def _axis(graph: Graph, scaled: frozenset[str], k: int) -> int | None:
    last = sum(node.shape[-1] == k for node in graph if node.name in scaled)
    first = sum(node.shape[0] == k for node in graph if node.name in scaled)
    return -1 if last > first else 0


def _counts(graph: Graph) -> Iterator[int]:
    """The counts by which a number on the way to J is divided: as a divisor, a factor, or a mean."""
    lengths = {n for node in graph for n in node.shape if n > 1}
    queue, seen = [graph.outputs[0]], {graph.outputs[0]}
    for node in queue:
        yield from _divisors(node, lengths)
        for other in node.inputs:
            if other not in seen and other.value.size == 1 and other.requires_grad:
                seen.add(other)
                queue.append(other)


def _divisors(node: GraphNode, lengths: set[int]) -> Iterator[int]:
    op = node.op
    inputs = [a for a in node.inputs if a.requires_grad]
    if op is None or not inputs:
        return
    if max(x.value.size for x in inputs) > 1:
        yield from _averaged(node)
        return
    others = [a for a in node.args if not isinstance(a, GraphNode)]
    if len(inputs) != 1 or len(others) != 1 or not op.linear_in(node.args.index(inputs[0])):
        return
    factor = abs(float(others[0])) or 1.0
    divisor = factor if op.linear == ((0,),) else 1 / factor
    for n in sorted(lengths):
        if any(abs(divisor - n * f) <= 1e-9 * divisor for f in (1.0, 2.0, 0.5)):
            yield n


def _averaged(node: GraphNode) -> Iterator[int]:
    """The lengths of the axes over which a result is a mean: with every entry there twice, it is the same."""
    op = node.op
    arrays = [a.value if isinstance(a, GraphNode) else a for a in node.args]
    shape = max((np.shape(a) for a in arrays), key=len)
    for axis, n in enumerate(shape):
        twice = [np.concatenate([a, a], axis) if np.shape(a) == shape else a for a in arrays]
        with np.errstate(all="ignore"):
            try:
                again = op.forward(*twice, **node.settings) if op is not None else None
            except (ValueError, IndexError):
                continue
        if n > 1 and np.shape(again) == node.shape and np.allclose(again, node.value, rtol=1e-5, atol=0):
            yield n
