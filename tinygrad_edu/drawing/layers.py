"""A graph as layers: a box for each scope with its parameters and formulas, and arrows for what passes.

With the backward pass each box has a second half, as the course draws it: what the forward half keeps for it
(the cache), the gradients that it computes, and what it hands on to the layer before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tinygrad_edu.drawing.formulas import Reading, marks_in
from tinygrad_edu.drawing.groups import Group
from tinygrad_edu.drawing.sketch import Arrow, Box, Kind, Line, Part, Row, Sketch
from tinygrad_edu.drawing.values import brief, shape_of, told
from tinygrad_edu.drawing.views import Gradients
from tinygrad_edu.graph import Graph, GraphNode

_LINES = 6
_NAMES = 4


@dataclass(frozen=True)
class Layers:
    """The sketch of a graph in groups.

    Args:
        graph: what to draw.
        groups: which nodes share a box.
        reading: the formulas of its program.
        gradients: the way back; empty where there is none.
        backward: whether boxes have a second half for it.
    """

    graph: Graph
    groups: list[Group]
    reading: Reading
    gradients: Gradients
    backward: bool = False

    @cached_property
    def _home(self) -> dict[GraphNode, int]:
        return {node: k for k, group in enumerate(self.groups) for node in group.nodes}

    def sketch(self) -> Sketch:
        """The sketch."""
        boxes, arrows = [], []
        for k, group in enumerate(self.groups):
            parts = [self._forward(k, group)]
            if self._returns(group):
                parts.append(self._back(k, group))
                if not group.single:
                    kept = self._kept(group)
                    label = f"cache: {_listed(kept)}" if kept else ""
                    arrows.append(Arrow(f"n{k}", f"g{k}", label, within=True, plain=True))
            boxes.append(Box(tuple(parts)))
        arrows += self._arrows()
        ends = ", ".join(self._called(node) for node in self.graph.outputs)
        titles = ", ".join(group.title for group in self.groups[:40])
        return Sketch(
            tuple(boxes), tuple(arrows), f"Layers of the computation of {ends}", f"In order: {titles}."
        )

    def _called(self, node: GraphNode) -> str:
        return self.reading.name(node.name) or self.reading.formula(node.name)

    def _returns(self, group: Group) -> bool:
        return self.backward and any(node.name in self.gradients.values for node in group.nodes)

    # ------------------------------------------------------------------------------------------ boxes

    def _forward(self, k: int, group: Group) -> Part:
        if group.single and len([n for n in group.nodes if not n.is_leaf]) <= 1 and group.nodes[-1].is_leaf:
            node = group.nodes[-1]
            kind: Kind = "parameter" if node.requires_grad else "data"
            told_ = (Line("", group.title), *told(node.value, of=node.name))
            return Part(f"n{k}", kind, told_, group.title, self._spoken(node))
        ends = [node for node in group.nodes if node in self.graph.outputs]
        rows: list[Row] = [self._title(group)]
        rows += [
            Line(f"{self._called(n)}: {shape_of(n.value)}") for n in group.nodes if n.is_leaf and n.named
        ]
        rows += self._formulas(group)
        for end in ends:
            called = "" if group.single else self._called(end)
            rows += told(end.value, called, pictured=False, of=end.name)
        return Part(f"n{k}", "output" if ends else "layer", tuple(rows), group.title, self._summary(group))

    def _title(self, group: Group) -> Line:
        if group.single and self.reading.name(group.nodes[-1].name):
            return Line(f" = {self.reading.formula(group.nodes[-1].name)}", group.title)
        return Line("", group.title)

    def _spoken(self, node: GraphNode) -> str:
        return f"{self._called(node)}: {brief(node.value)}"

    def _formulas(self, group: Group) -> Iterator[Row]:
        """The formulas of named values; without names, the operations and their counts."""
        if group.single:
            return
        computed = [node for node in group.nodes if not node.is_leaf]
        named = self._told(computed)
        if not named and len(computed) <= _LINES:
            named = computed[-1:]
        for node in named[:_LINES]:
            name, formula = self.reading.name(node.name), self.reading.formula(node.name)
            if self._readable(formula):
                yield Line(f"{name} = {formula}" if name else formula)
            else:
                yield Line(f"{name}: {brief(node.value)}")
        if len(named) > _LINES:
            yield Line(f"and {len(named) - _LINES} more", faint=True)
        elif not named:
            counts = Counter(node.op.name for node in computed if node.op is not None)
            for name, count in counts.most_common(_NAMES):
                yield Line(f"{name} × {count}")

    @cached_property
    def _known(self) -> set[GraphNode]:
        """What has a name; and what has a mark, in groups that have room to show all of theirs."""
        found = {node for node in self.graph if node.named}
        for group in self.groups:
            called = [node for node in group.nodes if self.reading.name(node.name)]
            if group.single or len(called) <= _LINES:
                found.update(called)
        return found

    @cached_property
    def _marks(self) -> set[str]:
        return {self.reading.name(node.name) for node in self._known}

    def _readable(self, formula: str) -> bool:
        """Whether a reader finds what the marks in a formula stand for."""
        return self._marks.issuperset(marks_in(formula))

    def _told(self, nodes: Iterable[GraphNode]) -> list[GraphNode]:
        """Those that a reader finds in the picture."""
        return [node for node in nodes if node in self._known]

    def _summary(self, group: Group) -> str:
        computed = [n for n in group.nodes if not n.is_leaf]
        return f"{group.title}: {len(computed)} operations, the last gives {brief(computed[-1].value)}"

    def _back(self, k: int, group: Group) -> Part:
        rows: list[Row] = []
        told_ = self._told(n for n in reversed(group.nodes) if n.name in self.gradients.values)
        for node in told_[: _LINES + 2]:
            formula = self.gradients.formulas.get(node.name, "")
            formula = formula if self._readable(formula) else ""
            name = f"d{self.reading.name(node.name)}"
            rows.append(
                Line(
                    f" = {formula}" if formula else f": {brief(self.gradients.values[node.name])}",
                    name,
                    red=True,
                )
            )
        if len(told_) > _LINES + 2:
            rows.append(Line(f"and {len(told_) - _LINES - 2} more", red=True))
        if not rows:
            rows.append(Line(f"gradients of {group.title}", red=True))
        return Part(
            f"g{k}", "gradient", tuple(rows), f"d{group.title}", f"The way back through {group.title}"
        )

    def _kept(self, group: Group) -> list[str]:
        """The names of the values that the gradients of a group are computed from."""
        program = self.reading.program
        mine = {n.name for n in group.nodes}
        pending = [program.gradients[n] for n in mine if n in program.gradients]
        kept: dict[str, None] = {}
        seen = set()
        while pending:
            step = pending.pop()
            for name in step.uses:
                used = program[name]
                if used.role in ("input", "forward"):
                    kept.setdefault(name)
                elif used.of not in mine and used.of is None and name not in seen:
                    seen.add(name)
                    pending.append(used)
        return sorted(self.reading.name(n.name) for n in self._told(map(self.graph.find, kept)))

    # ----------------------------------------------------------------------------------------- arrows

    def _arrows(self) -> Iterator[Arrow]:
        passing: dict[tuple[int, int], dict[GraphNode, None]] = {}
        for node in self.graph:
            for operand in node.inputs:
                if operand in self._home and self._home[operand] != self._home[node]:
                    ends = self._home[operand], self._home[node]
                    passing.setdefault(ends, {}).setdefault(operand)
        for (tail, head), values in passing.items():
            names = [self.reading.name(value.name) for value in self._told(values)]
            own = self.groups[tail].single
            label = "" if own else _listed(names)
            returns = None
            back = [v for v in values if v.name in self.gradients.values]
            back_names = [f"d{self.reading.name(v.name)}" for v in self._told(back)]
            if self._returns(self.groups[tail]) and self._returns(self.groups[head]) and back:
                returns = Arrow(f"g{head}", f"g{tail}", "" if own else _listed(back_names))
            yield Arrow(f"n{tail}", f"n{head}", label, plain=True, returns=returns)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown
