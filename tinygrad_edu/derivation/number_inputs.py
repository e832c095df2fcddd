"""Plain numbers in the caller's variables as inputs of a graph: x1, y, λ."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.backward import verify
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation.examples import NUMBERS_OF_EXAMPLES, Told, examples_of, numbers_of
from tinygrad_edu.expression.arithmetic import POWER
from tinygrad_edu.graph import Graph, GraphNode, Made, Program, recorded_again
from tinygrad_edu.graph.caller_numbers import Numbers
from tinygrad_edu.graph.naming import unique


@dataclass(frozen=True)
class Named:
    """Which inputs of a graph are plain numbers of the caller's."""

    settings: frozenset[str] = frozenset()
    """Numbers beside arrays, such as λ: other data may come with the same."""
    count: str | None = None
    """The number of examples, which shapes tell."""


def with_named_numbers(graph: Graph, wanted: Sequence[str], told: Told, made: Made) -> tuple[Graph, Named]:
    """The graph with the caller's named numbers as inputs; the graph itself where there are none.

    Args:
        graph: with one output.
        wanted: names that must stay.
        told: as for :func:`examples_of`.
        made: the code of some inputs.
    """
    if not any(map(_has_numbers, graph)):
        return graph, Named()
    _verify(graph)
    arrays = any(node.shape for node in graph)
    m = _number_of_examples(graph, wanted, told, made) if arrays else 0
    multiples = numbers_of(m) if m else ()
    numbers = Numbers({node.name for node in graph}, graph.numbers)
    counts = {name for name in NUMBERS_OF_EXAMPLES if numbers.value(name) == m}

    sizes: dict[str, Tensor] = {}
    unexplained: dict[str, Tensor] = {}
    taken = {node.name: 1 for node in graph}

    def number(node: GraphNode, k: int, value: Any) -> Any:
        text = node.said[k]
        if _is_unexplained(node, k) and value not in multiples:
            name = unique("number_1", taken)
            return unexplained.setdefault(name, Tensor(value, requires_grad=False, dtype=node.dtype))
        if not text or (arrays and _stays(node, k, value, text, counts, m)):
            return value
        size = graph.counts.get((node, k))
        if size is None:
            return numbers.quantity(text, value, node.dtype)
        if value in multiples:
            return value
        return sizes.setdefault(size, Tensor(value, requires_grad=False, dtype=node.dtype))

    other = recorded_again(graph, lambda node: node.tensor, number, same_values=True)
    if not numbers.leaves and not sizes and not unexplained:
        return graph, Named()
    names = {tensor: node.name for node, tensor in other.items() if node.named}
    names |= {tensor: name for name, tensor in (numbers.leaves | sizes | unexplained).items()}
    again = Graph(other[graph.outputs[0]], names=names, look=False)
    if not all(name in again for name in wanted):
        return graph, Named()
    count = next((name for name in counts if name in numbers.leaves), None)
    beside = [*(name for name in numbers.leaves if name != count), *unexplained]
    settings = frozenset(beside) if arrays else frozenset[str]()
    return again, Named(settings, count)


def _verify(graph: Graph) -> None:
    for node in graph:
        if node.op is not None:
            verify(node.tensor)


def _number_of_examples(graph: Graph, wanted: Sequence[str], told: Told, made: Made) -> int:
    examples = examples_of(graph, Program.of_graph(graph, wanted), told, None, made)
    return 0 if examples is None else examples.m


def _has_numbers(node: GraphNode) -> bool:
    return any(text or _is_unexplained(node, k) for k, text in enumerate(node.said))


def _is_unexplained(node: GraphNode, k: int) -> bool:
    """Whether an operand is a number that NumPy computed, of data maybe, and no code in sight says how."""
    value = node.args[k]
    exponent = node.op == POWER and k == 1
    return node.said[k] is None and isinstance(value, np.floating) and not exponent


def _stays(node: GraphNode, k: int, value: Any, text: str, counts: set[str], m: int) -> bool:
    """Whether a number beside arrays stays one: an exponent, and m or 1/m alone, which shapes tell."""
    if isinstance(value, bool) or (node.op == POWER and k == 1 and isinstance(value, int)):
        return True
    inside = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
    return inside <= counts and m > 0 and value in (m, -m, 1 / m, -1 / m)
