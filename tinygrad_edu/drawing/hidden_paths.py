"""The paths between values that a picture shows, through those that it does not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.drawing.formulas import Reading
from tinygrad_edu.graph import Graph, GraphNode


@dataclass(frozen=True)
class Way:
    """A path from a drawn value to a drawn user of it, through values that are not drawn."""

    tail: GraphNode
    head: GraphNode
    steps: tuple[tuple[GraphNode, int], ...]
    """The operations on the path, each with the index of its operand, from the start on."""


def is_number(node: GraphNode) -> bool:
    """Whether it is a constant number without a name, which formulas show."""
    return node.is_leaf and not node.named and not node.requires_grad and node.value.ndim == 0


def quantities(graph: Graph, reading: Reading) -> set[GraphNode]:
    """The values to draw: named or marked ones, inputs, outputs, and those used more than once."""
    uses = Counter(operand for node in graph for operand in node.inputs)
    told = {n for n in graph if reading.boxed(n.name) or n.is_leaf or uses[n] != 1}
    return {n for n in told if not is_number(n)} | set(graph.outputs)


def ways_into(head: GraphNode, drawn: set[GraphNode]) -> Iterator[Way]:
    """The paths into a node from drawn values. Values that are not drawn are used once, so there are few."""
    pending: list[tuple[GraphNode, tuple[tuple[GraphNode, int], ...]]] = [(head, ())]
    while pending:
        node, behind = pending.pop()
        for k, operand in reversed(list(enumerate(node.args))):
            if isinstance(operand, GraphNode) and operand not in drawn:
                pending.append((operand, ((node, k), *behind)))
        for k, operand in enumerate(node.args):
            if isinstance(operand, GraphNode) and operand in drawn:
                yield Way(operand, head, ((node, k), *behind))


def slope(way: Way) -> float | None:
    """The derivative along a way between numbers, as a number; None where there are arrays on it."""
    if way.tail.value.ndim or any(node.value.ndim for node, _ in way.steps):
        return None
    product = 1.0
    for node, k in way.steps:
        assert node.op is not None
        rule = node.op.pullbacks_of(node.tensor)[k]
        if rule is None:
            return None
        operands = [a.value if isinstance(a, GraphNode) else a for a in node.args]
        with np.errstate(all="ignore"):
            product *= float(np.asarray(rule(np.float64(1.0), node.value, *operands, **node.settings))[()])
    return product


def repeated_over(way: Way, examples: Callable[[GraphNode], Sequence[int]] = lambda _: ()) -> str:
    """Over which axes the tail is repeated by broadcasting, in words: ``m``, ``rows``; or nothing.

    Args:
        way: the way.
        examples: along which axes a node has the examples.
    """
    node, k = way.steps[0]
    operand = node.args[k]
    if node.op is None or node.op.kind != "elementwise" or operand.shape == node.shape:
        return ""
    if operand.value.size == 1:
        return "all entries"
    before = (1,) * (node.value.ndim - operand.value.ndim) + operand.shape
    axes = [i for i, (small, large) in enumerate(zip(before, node.shape, strict=True)) if small != large]
    if axes == list(examples(node)):
        return "m"
    if node.value.ndim == 2:
        return "rows" if axes == [0] else "columns"
    return f"axis {', '.join(map(str, axes))}"


def homes(graph: Graph) -> dict[GraphNode, tuple[str, ...]]:
    """The scope that each node is drawn in. An input belongs to the only scope that uses it.

    Data that the first layers start from stay outside of them.
    """
    users: dict[GraphNode, set[tuple[str, ...]]] = {}
    found: dict[GraphNode, tuple[str, ...]] = {}
    for node in reversed(list(graph)):
        scopes = users.get(node, set())
        unsaid = not (node.is_leaf or node.scope or node.requires_grad)  # made of data alone
        found[node] = next(iter(scopes)) if unsaid and len(scopes) == 1 else node.scope
        for operand in node.inputs:
            users.setdefault(operand, set()).add(found[node])
    later = {
        found[node]
        for node in graph
        for operand in node.inputs
        if not operand.is_leaf and found[operand] != found[node]
    }
    for node in graph:
        scopes = users.get(node, set())
        if node.is_leaf and len(scopes) == 1 and (node.requires_grad or scopes <= later):
            found[node] = next(iter(scopes))
    return found
