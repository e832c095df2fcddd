"""Which of two right answers a set of gradients is: the derivatives of J, or each example's own, times m.

Where J is divided by the number of examples, many courses leave that division to the parameters' gradients:
dZ and dA then hold each example's own. In that reading everything that has the examples' axis is taken m
times. A parameter does not have it, so it is never read so. Which axis it is, is told from use, not from
names or sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinygrad_edu.graph import Graph
from tinygrad_edu.graph.axes import Axes, Axis


@dataclass(frozen=True)
class Reading:
    """One way to read a set of gradients: those in ``scaled`` hold m times the derivative of J."""

    convention: str
    m: int = 1
    scaled: frozenset[str] = frozenset()
    layout: str | None = None
    """Whether the examples stand in ``rows`` or in ``columns``."""
    how: str = ""
    """How the examples' axis was found."""

    def scale(self, name: str) -> int:
        """What the derivative of J is multiplied by for this quantity."""
        return self.m if name in self.scaled else 1


EXACT = Reading("exact")


def readings(graph: Graph) -> list[Reading]:
    """The exact reading, and one of the course's for each axis that may be the examples' and divides J."""
    axes = Axes.of(graph)
    found = [EXACT]
    for axis in dict.fromkeys(_candidates(axes)):
        if not _divides(axes, axis):
            continue
        scaled = frozenset(node.name for node in graph if axes.along(node.name, axis))
        how = {"use": "told from how J uses it", "habit": "guessed: several axes fit"}.get(
            axes.examples.found, ""
        )
        found.append(Reading("course", axis.size, scaled, axes.layout, how))
    if len(found) == 1 and axes.unknown:
        found += _by_length(graph, axes)
    return found


def _candidates(axes: Axes) -> Iterator[Axis]:
    if axes.examples.axis is not None:
        yield axes.examples.axis
    yield from axes.examples.ambiguous


def _divides(axes: Axes, axis: Axis) -> bool:
    """Whether J is a mean over the axis, or is divided by its length."""
    if axis.size < 2:
        return False
    return any(axis in average.axes or average.count == axis.size for average in axes.averaged)


def _by_length(graph: Graph, axes: Axes) -> Iterator[Reading]:
    """Where an operation does not say how axes go through it: computed values with an axis of J's divisor."""
    for average in axes.averaged:
        k = int(average.count)
        if k > 1 and k == average.count:
            scaled = frozenset(node.name for node in graph if k in node.shape and not node.is_leaf)
            if scaled:
                yield Reading("course", k, scaled, None, "guessed from a length")
