"""Graph to DOT: what a teacher would draw on the board, box by box.

Blue boxes are what was given: parameters and data. White boxes are computed: their formula, their value
and, in red, their gradient. Each arrow carries, in red, the local derivative that the gradient is
multiplied by on its way back along it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from html import escape

import graphviz

from tinygrad_edu.draw.formulas import called, formula
from tinygrad_edu.draw.values import brief
from tinygrad_edu.graph import Graph, GraphNode, Program, Step
from tinygrad_edu.graph.local import local_derivative

__all__ = ["new_picture", "node_id", "table", "to_dot"]

RED, GREY = "#b3261e", "#5f6368"
_FILL = {
    "parameter": "#e3effc",
    "data": "#eef0f2",
    "computed": "#ffffff",
    "output": "#fff3d6",
    "backward": "#fdecea",
}
_EDGE = {
    "parameter": "#2c6fbb",
    "data": "#8a9099",
    "computed": "#5f6368",
    "output": "#c98a00",
    "backward": RED,
}
_FONT = "Helvetica"


def to_dot(graph: Graph, program: Program, *, backward: bool = False, direction: str = "LR") -> str:
    """The DOT source of a graph, its labels read from its program; the backward pass below it, in red."""
    dot = new_picture(direction)
    for scope, nodes in _by_scope(graph):
        _boxed(dot, scope, [(node, _label(node, graph, program)) for node in nodes])
    name = partial(called, program=program)
    for node in graph:
        for k, operand in enumerate(node.args):
            if isinstance(operand, GraphNode):
                told = operand.requires_grad and not backward
                label = f" {escape(local_derivative(node, k, name))} " if told else ""
                dot.edge(node_id(operand.name), node_id(node.name), label=label)
    if backward:
        _backward_pass(dot, program)
    return str(dot.source)


def new_picture(direction: str) -> graphviz.Digraph:
    """An empty picture in the house style."""
    dot = graphviz.Digraph("computation")
    dot.attr(rankdir=direction, bgcolor="white", nodesep="0.3", ranksep="0.75", fontname=_FONT, fontsize="12")
    dot.attr("node", shape="plain", fontname=_FONT, fontsize="12")
    dot.attr("edge", fontname=_FONT, fontsize="10", color=GREY, fontcolor=RED, arrowsize="0.7")
    return dot


def node_id(name: str) -> str:
    """What a node is called in the DOT source."""
    return f"n_{name}"


def _by_scope(graph: Graph) -> Iterable[tuple[tuple[str, ...], list[GraphNode]]]:
    """The nodes, scope by scope; a parameter belongs to the scope that alone uses it."""
    users: dict[str, set[tuple[str, ...]]] = {}
    for node in graph:
        for operand in node.inputs:
            users.setdefault(operand.name, set()).add(node.scope)
    groups: dict[tuple[str, ...], list[GraphNode]] = {}
    for node in graph:
        scopes = users.get(node.name, set())
        own = node.scope
        if node.is_leaf and node.requires_grad and len(scopes) == 1:
            (own,) = scopes
        groups.setdefault(own, []).append(node)
    return groups.items()


def _boxed(dot: graphviz.Digraph, scope: tuple[str, ...], nodes: list[tuple[GraphNode, str]]) -> None:
    if not scope:
        for node, label in nodes:
            dot.node(node_id(node.name), label=label)
        return
    with dot.subgraph(name=f"cluster_{scope[0]}") as box:
        box.attr(label=scope[0], style="rounded,filled", color="#cfd4da", fillcolor="#f7f8fa", fontcolor=GREY)
        _boxed(box, scope[1:], nodes)


def _label(node: GraphNode, graph: Graph, program: Program) -> str:
    step = program[node.name]
    rows = [f"<B>{escape(formula(step, program))}</B>", *map(escape, brief(step.value))]
    gradient = program.gradients.get(node.name)
    gathered = node.grad if gradient is None else gradient.value
    if gathered is not None:
        rows += [_red(line) for line in _gradient(node.name if node.named else "", brief(gathered))]
    if node.is_leaf:
        return table(rows, "parameter" if node.requires_grad else "data")
    return table(rows, "output" if node in graph.outputs else "computed")


def _gradient(name: str, lines: list[str]) -> list[str]:
    # The shape of a gradient is that of its value, so only the range is worth a line.
    shown = lines[1:] if lines[0].startswith("(") and len(lines) > 1 else lines
    head = f"d{name}" if name else "gradient"
    return [f"{head} = {shown[0]}"] if len(shown) == 1 else [f"{head} =", *shown]


def _red(text: str) -> str:
    return f'<FONT COLOR="{RED}">{escape(text)}</FONT>'


def table(rows: list[str], kind: str) -> str:
    """A rounded box with one row a line, as an HTML-like label."""
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return (
        f'<<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" STYLE="ROUNDED" '
        f'COLOR="{_EDGE[kind]}" BGCOLOR="{_FILL[kind]}">{cells}</TABLE>>'
    )


def _backward_pass(dot: graphviz.Digraph, program: Program) -> None:
    """The steps from the gradient of the output back, each arrow against the direction of reading."""
    shown = [
        step for step in program.backward if step.role != "backward"
    ]  # temporaries are written out in place
    names = {step.name for step in shown}
    for step in shown:
        rows = [_red(formula(step, program)), *map(_red, brief(step.value))]
        dot.node(node_id(step.name), label=table(rows, "backward"))
        if step.of is not None and not any(s.scope for s in program.forward):
            dot.body.append(
                f"\t{{rank=same; {node_id(step.of)}; {node_id(step.name)}}}\n"
            )  # below its quantity
        for name in sorted(_reached(step, program)):
            if name in names:
                dot.edge(node_id(step.name), node_id(name), dir="back", color=RED)
            else:
                dot.edge(
                    node_id(name),
                    node_id(step.name),
                    color="#c9a3a0",
                    style="dashed",
                    arrowsize="0.5",
                    constraint="false",
                )


def _reached(step: Step, program: Program) -> set[str]:
    """The steps that a formula reads, through those that are written out in it."""
    found: set[str] = set()
    for name in step.uses:
        inner = program[name]
        found |= _reached(inner, program) if inner.role == "backward" else {name}
    return found
