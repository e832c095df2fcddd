"""A large graph as a picture of its layers: one box per scope, with what enters and what leaves."""

from __future__ import annotations

from html import escape

from tinygrad_edu.draw.formulas import formula
from tinygrad_edu.draw.picture import GREY, new_picture, table
from tinygrad_edu.draw.values import brief
from tinygrad_edu.graph import Graph, GraphNode, Program

__all__ = ["summarised"]

_LINES = 5
_OUTSIDE = "outside the layers"


def summarised(graph: Graph, program: Program, *, direction: str = "LR") -> str:
    """The DOT source of a graph with everything recorded in a scope drawn as one box."""
    dot = new_picture(direction)
    boxes = _boxes(graph)
    for name, nodes in boxes.items():
        dot.node(name, label=_label(name, nodes, graph, program))
    home = {node: name for name, nodes in boxes.items() for node in nodes}
    arrows = {
        (home[operand], home[node]): operand
        for node in graph
        for operand in node.inputs
        if home[operand] != home[node]
    }
    for (tail, head), value in arrows.items():
        dot.edge(
            tail, head, label=f" {escape(value.name if value.named else '')} {value.shape} ", fontcolor=GREY
        )
    return str(dot.source)


def _boxes(graph: Graph) -> dict[str, list[GraphNode]]:
    """Box by box, in order: scopes; inputs that several scopes share; and what lies outside of any."""
    scopes: dict[GraphNode, set[str]] = {}
    for node in graph:
        for operand in node.inputs:
            scopes.setdefault(operand, set()).add(_scope(node))
    boxes: dict[str, list[GraphNode]] = {}
    for node in graph:
        users = scopes.get(node, set())
        if node.is_leaf and not node.requires_grad:
            box = node.name
        elif node.is_leaf and len(users) == 1:
            (box,) = users
        else:
            box = _scope(node)
        boxes.setdefault(box, []).append(node)
    return boxes


def _scope(node: GraphNode) -> str:
    return node.scope[0] if node.scope else _OUTSIDE


def _label(name: str, nodes: list[GraphNode], graph: Graph, program: Program) -> str:
    inside = {node.name for node in nodes}
    ends = [node for node in nodes if node in graph.outputs]
    title = ", ".join(end.name for end in ends) if ends and name == _OUTSIDE else name
    rows = [f"<B>{escape(title)}</B>"]
    rows += [f"{escape(node.name)} {node.shape}" for node in nodes if node.is_leaf and node.name != name]
    computed = [node for node in nodes if node.op is not None]
    told = [node for node in computed if node.named] or computed[-1:]
    rows += [escape(formula(program[node.name], program)) for node in told[:_LINES]]
    if len(told) > _LINES:
        rows.append(f"… and {len(told) - _LINES} more")
    rows += [escape(f"{end.name} = {' '.join(brief(end.value))}") for end in ends]
    kind = "output" if ends else "data" if inside == {name} else "computed"
    return table(rows, kind)
