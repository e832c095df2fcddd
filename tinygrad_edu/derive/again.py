"""A graph that holds derivatives already (create_graph), recorded again from their shortest formulas.

The rules record every factor of the chain. Once A - Y is known to be what they come to, its derivative is 1,
where that of the recorded factors has squares of denominators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derive.chain import Chain, is_seed
from tinygrad_edu.derive.examples import examples_of
from tinygrad_edu.derive.expression import evaluate
from tinygrad_edu.graph import Graph, Program

__all__ = ["shortened"]


def shortened(graph: Graph, wrt: Sequence[str], variables: Sequence[int]) -> Graph:
    """The same quantities by shorter formulas; the graph itself where it holds no derivatives.

    Args:
        graph: with one output.
        wrt: names that must stay.
        variables: as for :func:`examples_of`.
    """
    program = Program.of_graph(graph, [])
    if not any(map(is_seed, program.inputs)):
        return graph
    examples = examples_of(graph, program, variables)
    chain = Chain(program, examples, "exact")
    values: dict[str, Any] = {step.name: graph.find(step.name).tensor for step in chain.inputs}
    if examples is not None:
        values[chain.m.name] = examples.m
    for line in chain.forward:
        values[line.name] = evaluate(line.expression, values, recorded=True)
    names = {tensor: name for name, tensor in values.items() if isinstance(tensor, Tensor)}
    output = values[program.output]
    if not isinstance(output, Tensor) or not output.requires_grad:
        return graph
    again = Graph(output, names=names)
    return again if all(name in again for name in wrt) else graph
