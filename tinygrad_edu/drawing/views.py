"""From a graph to a sketch, in two views: every operation, or the quantities that have a name.

In the second an unnamed value that is used once goes into the formula of its user, so that a layer is
``Z1 = W1 X + b1`` and ``A1 = tanh(Z1)``. Arrows then lead from quantity to quantity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.formulas import Reading, amounts, in_lines
from tinygrad_edu.drawing.hidden_paths import (
    Way,
    homes,
    is_number,
    quantities,
    repeated_over,
    slope,
    ways_into,
)
from tinygrad_edu.drawing.sketch import Arrow, Box, Kind, Line, Part, Row, Sketch
from tinygrad_edu.drawing.values import brief, told
from tinygrad_edu.expression.label_style import digits
from tinygrad_edu.graph import Axes, Graph, GraphNode

_LONGEST_LABEL = 22
_MOST_LABELLED = 2  # arrows from one quantity, to have labels among the quantities


@dataclass(frozen=True)
class Gradients:
    """What is known about the backward pass: values and formulas by the name of the quantity."""

    values: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """A graph as a sketch.

    Args:
        graph: what to draw.
        reading: the formulas of its program.
        gradients: the way back; empty where there is none.
        every: each operation; else the quantities.
        backward: whether gradients are parts of their own, with arrows back.
    """

    graph: Graph
    reading: Reading
    gradients: Gradients
    every: bool = False
    backward: bool = False

    @cached_property
    def drawn(self) -> set[GraphNode]:
        """The values that have a box."""
        if self.every:
            return {node for node in self.graph if not is_number(node)} | set(self.graph.outputs)
        return quantities(self.graph, self.reading)

    @cached_property
    def ways(self) -> list[Way]:
        """The ways between boxes."""
        return [way for n in self.graph if n in self.drawn for way in ways_into(n, self.drawn)]

    @cached_property
    def _index(self) -> dict[GraphNode, int]:
        return {node: k for k, node in enumerate(self.graph)}

    def key(self, node: GraphNode) -> str:
        """What the part of a value is called in the picture's source."""
        return f"n{self._index[node]}"

    def back_key(self, node: GraphNode) -> str:
        """What the part of its gradient is called."""
        return f"g{self._index[node]}"

    @cached_property
    def values(self) -> dict[str, NDArray[Any]]:
        """The arrays by the keys of their parts; a gradient that has no part of its own after ``d ``."""
        found = {}
        for node in self.graph:
            found[self.key(node)] = node.value
            if node.name in self.gradients.values:
                key = self.back_key(node) if self.backward else f"d {self.key(node)}"
                found[key] = np.asarray(self.gradients.values[node.name])
        return found

    def sketch(self) -> Sketch:
        """The sketch."""
        home = homes(self.graph)
        boxes = []
        for node in self.graph:
            if node in self.drawn:
                parts = [self._value(node)]
                if self.backward and node.name in self.gradients.values:
                    parts.append(self._gradient(node))
                boxes.append(Box(tuple(parts), home[node]))
        return Sketch(tuple(boxes), tuple(self._arrows()), self._title, self._description)

    @property
    def _title(self) -> str:
        return "Computation of " + ", ".join(map(self._called, self.graph.outputs))

    @property
    def _description(self) -> str:
        given = [self._called(n) for n in self.graph.inputs if n in self.drawn]
        told = [self._called(n) for n in self.graph if n in self.drawn and not n.is_leaf]
        return f"From {', '.join(given[:40])} to {'; '.join(told[:40])}."

    def _called(self, node: GraphNode) -> str:
        name, formula = self.reading.name(node.name), self.reading.formula(node.name)
        return f"{name} = {formula}" if name and formula else name or formula or brief(node.value)

    # ------------------------------------------------------------------------------------------ boxes

    def _value(self, node: GraphNode) -> Part:
        name, formula = self.reading.name(node.name), self.reading.formula(node.name)
        rows = [*self._headed(name or self._unnamed(node), formula), *told(node.value, of=node.name)]
        gradient = self.gradients.values.get(node.name)
        if gradient is not None and not self.backward:
            rows += told(gradient, f"d{name}" if name else "gradient", red=True, pictured=False, of=node.name)
        kind: Kind = "computed"
        if node.is_leaf:
            kind = "parameter" if node.requires_grad else "data"
        elif node in self.graph.outputs:
            kind = "output"
        spoken = f"{self._called(node)}: {brief(node.value)}"
        return Part(self.key(node), kind, tuple(rows), name or formula, spoken)

    @staticmethod
    def _unnamed(node: GraphNode) -> str:
        return "" if not node.is_leaf else "parameter" if node.requires_grad else "data"

    def _headed(self, name: str, formula: str) -> Iterator[Row]:
        """``Z1 = W1 X + b1``: the name in bold; a long formula in two lines where all aren't to be seen."""
        if not formula or not name:
            yield Line("", name or formula)
            return
        parts = [formula] if self.every else in_lines(formula, beside=len(name))
        yield Line(f" = {parts[0]}", name)
        yield from (Line(part) for part in parts[1:])

    def _gradient(self, node: GraphNode) -> Part:
        called = self.reading.name(node.name)
        name = f"d{called}" if called else "gradient"
        formula = self.gradients.formulas.get(node.name, "")
        rows = [replace(line, red=True) for line in self._headed(name, formula) if isinstance(line, Line)]
        value = np.asarray(self.gradients.values[node.name])
        met = self._met.get(node, [])
        if len(met) > 1:
            lead = f"{amounts(met[::-1])} = "  # as in the formula, the last use first
            rows.append(Line(lead + digits(value[()]), red=True, of=node.name, lead=len(lead)))
        elif value.ndim or formula != digits(value[()]):
            rows += told(value, red=True, pictured=False, of=node.name)  # type: ignore[arg-type]
        spoken = f"{name}{' = ' * bool(formula)}{formula}: {brief(value)}"
        return Part(self.back_key(node), "gradient", tuple(rows), name, spoken)

    @cached_property
    def _met(self) -> dict[GraphNode, list[float]]:
        """The amounts that are added in the gradient of each number, one for each of its uses."""
        found: dict[GraphNode, list[float]] = {}
        for way in self.ways:
            arriving = self.gradients.values.get(way.head.name)
            along = None if arriving is None or way.tail.name not in self.gradients.values else slope(way)
            if arriving is not None and along is not None:
                found.setdefault(way.tail, []).append(float(np.asarray(arriving)[()]) * along)
        return found

    # ----------------------------------------------------------------------------------------- arrows

    @cached_property
    def _parallel(self) -> Counter[tuple[GraphNode, GraphNode]]:
        return Counter((way.tail, way.head) for way in self.ways)

    @cached_property
    def _users(self) -> Counter[GraphNode]:
        return Counter(way.tail for way in self._once())

    def _once(self) -> Iterator[Way]:
        """Every way, or one for each pair of quantities."""
        if self.every:
            yield from self.ways
        else:
            yield from {(way.tail, way.head): way for way in self.ways}.values()

    def _arrows(self) -> Iterator[Arrow]:
        known = self.gradients.values
        for way in self._once():
            told = not self.backward and way.head.requires_grad and way.tail.requires_grad
            label, note = self._label(way) if told else ("", "")
            returns = None
            if self.backward and way.tail.name in known and way.head.name in known:
                returns = Arrow(self.back_key(way.head), self.back_key(way.tail), *self._contribution(way))
            yield Arrow(self.key(way.tail), self.key(way.head), label, note, returns=returns)

    def _contribution(self, way: Way) -> tuple[str, str]:
        """``dv · 3 = 3``: what comes back along a way between numbers."""
        along = slope(way)
        crowded = not self.every and self._users[way.tail] > _MOST_LABELLED
        if along is None or crowded or self._parallel[way.tail, way.head] > 1:
            return "", ""
        arriving = float(np.asarray(self.gradients.values[way.head.name])[()])
        name = self.reading.name(way.head.name)
        factor = digits(along) if along >= 0 else f"({digits(along)})"
        label = f"d{name} · {factor}" if name else f"{digits(arriving)} · {factor}"
        return (label, f" = {digits(arriving * along)}") if len(label) <= _LONGEST_LABEL else ("", "")

    def _label(self, way: Way) -> tuple[str, str]:
        """The local derivative along a way, and what it comes to."""
        if not self.every and (
            self._parallel[way.tail, way.head] > 1 or self._users[way.tail] > _MOST_LABELLED
        ):
            return "", ""
        factors = [self.reading.along(node, k) for node, k in way.steps]
        factors = [f for f in factors if f != "1"] or ["1"]
        over = repeated_over(way, self._along)
        if not self.every and (len(factors) > 1 or len(factors[0]) > _LONGEST_LABEL):
            return "", ""
        if over and not self.every and factors == ["1"]:
            return f"Σ over {over}", ""
        if over:
            return factors[0], f", Σ over {over}"
        along = slope(way) if any(c.isalpha() for c in factors[0]) else None
        return factors[0], "" if along is None else f" = {digits(along)}"

    def _along(self, node: GraphNode) -> Sequence[int]:
        """Along which axes a node has the examples."""
        return self._axes.along(node.name) if self._axes is not None else ()

    @cached_property
    def _axes(self) -> Axes | None:
        """The axes; None where there is no cost that could tell the examples."""
        return Axes.of(self.graph) if self.graph.outputs[0].value.size == 1 else None
