"""Chooses the view of a graph: the one asked for, or one by its size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.derivation import derive
from tinygrad_edu.drawing.formulas import Reading, marks_in
from tinygrad_edu.drawing.groups import Group, by_scope, in_stretches
from tinygrad_edu.drawing.hidden_paths import is_number
from tinygrad_edu.drawing.layers import Layers
from tinygrad_edu.drawing.repeats import folded
from tinygrad_edu.drawing.sketch import Sketch
from tinygrad_edu.drawing.views import Gradients, View
from tinygrad_edu.graph import Graph, GraphNode, Program

DETAILS = ("auto", "quantities", "all", "layers", "units")
_SMALL = 8  # values, up to which each operation is drawn
_MOST_UNROLLED = 24  # quantities: from here on, what repeats is drawn once unless asked otherwise
_MOST = 150  # boxes: up to here a picture shows quantities unless asked otherwise
_HUGE = 2500  # operations, from which on formulas of the way back are not worked out
_STRETCHES = 24
_CONVENTIONS = {
    "exact": "Gradients: the derivatives of the output.",
    "course": "Gradients in the course's convention: what belongs to single examples (dZ, dA) is m times the "
    "derivative of the cost, and 1/m enters where it is summed (dW, db).",
}


def _program_of(graph: Graph, *, backward: bool = True) -> Program:
    """The program with its way back where there is one, else of the way forward alone."""
    end = graph.outputs[0]
    if backward and len(graph.outputs) == 1 and end.requires_grad and end.tensor.size == 1:
        try:
            return Program.of_graph(graph)
        except errors.StaleGraphError:  # updated since: the values are still there to be drawn
            return Program.recorded(graph)
    return Program.recorded(graph)


def _updated(graph: Graph) -> list[str]:
    """The inputs whose value has changed since the graph was recorded."""
    found: dict[str, None] = {}
    for node in graph:
        for operand, recorded in zip(node.args, node.tensor.saved, strict=False):
            given = isinstance(operand, GraphNode) and operand.is_leaf
            if given and operand.tensor._data is not recorded and not same_values(operand.value, recorded):
                found.setdefault(operand.name)
    return list(found)


def _said_of_updates(graph: Graph, program: Program, *, expected: bool) -> list[str]:
    """A note where values in the picture do not belong together."""
    names = _updated(graph)
    if not names and not (expected and not program.gradients):
        return []
    which = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return [f"Updated since this was computed: {which or 'inputs'}. They are shown as they are now."]


def _said_of_ties(reading: Reading) -> list[str]:
    """The convention at a corner, once, where slopes are written without it."""
    return ["Where the two that max or min compares are equal, each has half of the slope."] * reading.untied


def gradients_of(graph: Graph, reading: Reading) -> Gradients:
    """Values and formulas of the gradients: those of the program, else those that backward() gathered."""
    values = {node.name: node.grad for node in graph if node.grad is not None}
    values |= {of: step.value for of, step in reading.program.gradients.items()}
    return Gradients(values, _Formulas(graph, reading))


class _Formulas(Mapping[str, str]):
    """The formulas of the gradients; each is worked out when it is asked for, since a summary shows few."""

    def __init__(self, graph: Graph, reading: Reading) -> None:
        self.graph, self.reading, self.steps = graph, reading, reading.program.gradients
        self.uses = Counter(a.name for node in graph for a in node.inputs if node.requires_grad)

    def __getitem__(self, of: str) -> str:
        formula = self.reading.formula(self.steps[of].name) or "1"
        marks = marks_in(formula)
        if marks and any(m in marks and key not in self.graph for key, m in self.reading.marks.items()):
            return f"Σ over {self.uses[of]} uses" if self.uses[of] > 1 else ""  # no box has that mark
        return formula

    def __iter__(self) -> Iterator[str]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


def _course_gradients(graph: Graph) -> tuple[Gradients, str]:
    """The gradients as the course has them, and which convention that turned out to be.

    Raises:
        MissingExtraError: SymPy is not installed; it comes with the extra ``derive``.
    """
    names = {node.tensor: node.name for node in graph if node.named}
    derivation = derive(graph.outputs[0].tensor, convention="course", names=names)
    lines = {step.name.removeprefix("d"): step for step in derivation.steps}
    told = {of: line for of, line in lines.items() if of in graph}
    end = graph.outputs[0].name
    gradients = Gradients(
        {end: np.ones(()), **{of: np.asarray(line.value) for of, line in told.items()}},
        {end: "1", **{of: line.formula.partition(" = ")[2] for of, line in told.items()}},
    )
    return gradients, derivation.convention


def view_of(graph: Graph, reading: Reading, gradients: Gradients, detail: str, *, backward: bool) -> View:
    """The view of operations or quantities; by default it shows each operation, where they are few."""
    few = detail == "auto" and sum(not is_number(node) for node in graph) <= _SMALL
    return View(graph, reading, gradients, every=few or detail == "all", backward=backward)


def sketch_of(
    graph: Graph, *, detail: str = "auto", backward: bool = False, convention: str = "exact"
) -> Sketch:
    """The sketch of a graph.

    Raises:
        ValueError: ``backward`` without a scalar that depends on a parameter.
    """
    end = graph.outputs[0]
    scalar = len(graph.outputs) == 1 and end.requires_grad and end.tensor.size == 1
    if backward and not scalar:
        raise ValueError(
            "draw: backward=True needs one scalar output that depends on a parameter, such as the cost J"
        )
    program = _program_of(graph, backward=backward or len(graph) <= _HUGE)
    reading = Reading(program)
    back = scalar and (backward or len(graph) <= _HUGE)
    gradients, said = gradients_of(graph, reading), _said_of_updates(graph, program, expected=back)
    if scalar and convention == "course":
        gradients, found = _course_gradients(graph)
        said.append(_CONVENTIONS[found])
    elif backward:
        said.append(_CONVENTIONS["exact"])
    if detail in ("auto", "quantities", "all"):
        view = view_of(graph, reading, gradients, detail, backward=backward)
        if detail != "auto" or len(view.drawn) <= _MOST:
            sketch = view.sketch()
            sketch = replace(sketch, legend=(*said, *_said_of_ties(reading)))
            repeats = detail == "auto" and len(view.drawn) > _MOST_UNROLLED
            return folded(sketch, view.values) if repeats else sketch
    groups = by_scope(graph, reading)
    if detail == "auto":
        if not any(not g.single for g in groups) or len(groups) > _MOST:
            groups = in_stretches(graph, _STRETCHES)
        said.append(_summarised(graph, groups))
    sketch = Layers(graph, groups, reading, gradients, backward).sketch()
    return replace(sketch, legend=(*said, *_said_of_ties(reading)))


def _summarised(graph: Graph, groups: list[Group]) -> str:
    operations = sum(not node.is_leaf for node in graph)
    return (
        f"A summary: {operations:,} operations in {len(groups)} boxes. "
        'detail="quantities" draws what has a name, detail="all" each operation.'
    )
