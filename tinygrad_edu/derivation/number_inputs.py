"""Plain numbers in the caller's variables as inputs of a graph: x1, y, λ."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.core.backward import verify
from tinygrad_edu.derivation.examples import Told, examples_of
from tinygrad_edu.expression.arithmetic import POWER
from tinygrad_edu.graph import Graph, GraphNode, Program, recorded_again
from tinygrad_edu.graph.caller_numbers import Numbers

__all__ = ["NUMBERS_OF_EXAMPLES", "Named", "with_named_numbers"]

NUMBERS_OF_EXAMPLES = ("m", "N", "n_examples", "n_samples", "batch_size")
"""Variables that may hold the number of examples, so that a small number can be told to be it."""


@dataclass(frozen=True)
class Named:
    """Which inputs of a graph are plain numbers of the caller's."""

    settings: frozenset[str] = frozenset()
    """Numbers beside arrays, such as λ: other data may come with the same."""
    count: str | None = None
    """The number of examples, which shapes tell."""


def with_named_numbers(graph: Graph, wanted: Sequence[str], told: Told) -> tuple[Graph, Named]:
    """The graph with the caller's named numbers as inputs; the graph itself where there are none.

    Args:
        graph: with one output.
        wanted: names that must stay.
        told: as for :func:`examples_of`.
    """
    said = [text for node in graph for text in node.said if text]
    if not said:
        return graph, Named()
    for node in graph:
        if node.op is not None:
            verify(node.tensor)
    arrays = any(node.shape for node in graph)
    examples = examples_of(graph, Program.of_graph(graph, wanted), told) if arrays else None
    m = 0 if examples is None else examples.m
    numbers = Numbers({node.name for node in graph}, graph.numbers)
    counts = {name for name in NUMBERS_OF_EXAMPLES if numbers.value(name) == m}

    def number(node: GraphNode, k: int, value: Any) -> Any:
        text = node.said[k]
        if not text or (arrays and _stays(node, k, value, text, counts, m)):
            return value
        return numbers.quantity(text, value, node.dtype)

    made = recorded_again(graph, lambda node: node.tensor, number, same_values=True)
    if not numbers.leaves:
        return graph, Named()
    names = {tensor: node.name for node, tensor in made.items() if node.named}
    names |= {tensor: name for name, tensor in numbers.leaves.items()}
    again = Graph(made[graph.outputs[0]], names=names)
    if not all(name in again for name in wanted):
        return graph, Named()
    count = next((name for name in counts if name in numbers.leaves), None)
    settings = frozenset(name for name in numbers.leaves if name != count) if arrays else frozenset[str]()
    return again, Named(settings, count)


def _stays(node: GraphNode, k: int, value: Any, text: str, counts: set[str], m: int) -> bool:
    """Whether a number beside arrays stays one: an exponent, and m or 1/m alone, which shapes tell."""
    if isinstance(value, bool) or (node.op == POWER and k == 1 and isinstance(value, int)):
        return True
    inside = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
    return inside <= counts and value in (m, -m, 1 / m, -1 / m)
