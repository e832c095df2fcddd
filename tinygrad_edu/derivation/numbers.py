"""Plain numbers that the caller keeps in variables, as quantities: x1, y, and ``1 - y`` as what it is."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.core.application import apply
from tinygrad_edu.core.backward import verify
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph, GraphNode
from tinygrad_edu.graph.numbers import Numbers

__all__ = ["with_named_numbers"]


def with_named_numbers(graph: Graph, wanted: Sequence[str]) -> Graph:
    """One example's graph with its named numbers as inputs; the graph itself where there are none, or arrays.

    Among arrays a number may be the number of examples, which shapes tell.

    Args:
        graph: with one output.
        wanted: names that must stay.
    """
    said = [text for node in graph for text in node.said if text is not None]
    if not said or any(node.shape for node in graph):
        return graph
    for node in graph:
        if node.op is not None:
            verify(node.tensor)
    numbers = Numbers({node.name for node in graph})
    made: dict[GraphNode, Tensor] = {}
    for node in graph:
        args = tuple(
            made[value] if isinstance(value, GraphNode) else numbers.quantity(text, value, node.dtype)
            for value, text in zip(node.args, node.said, strict=True)
        )
        made[node] = node.tensor if node.op is None else apply(node.op, args, node.settings)
    if not numbers.leaves:
        return graph
    names = {tensor: node.name for node, tensor in made.items() if node.named}
    names |= {tensor: name for name, tensor in numbers.leaves.items()}
    again = Graph(made[graph.outputs[0]], names=names)
    return again if all(name in again for name in wanted) else graph
