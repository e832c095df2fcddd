"""A graph recorded again from shorter formulas of the same quantities, where there are such.

One that holds derivatives already (create_graph): the rules record every factor of the chain. Once A - Y is
known to be what they come to, its derivative is 1, where the recorded factors' has squares of denominators.
And one with a softmax written out: that the largest entry is subtracted first changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derive.chain import Chain, is_seed
from tinygrad_edu.derive.examples import examples_of
from tinygrad_edu.derive.expression import Applied, Expression, applied, evaluate, rebuilt
from tinygrad_edu.graph import Graph, Program

__all__ = ["shortened"]


def shortened(graph: Graph, wrt: Sequence[str], variables: Sequence[int]) -> Graph:
    """The same quantities by shorter formulas; the graph itself where there are none.

    Args:
        graph: with one output.
        wrt: names that must stay.
        variables: as for :func:`examples_of`.
    """
    program = Program.of_graph(graph, [])
    holds_derivatives = any(map(is_seed, program.inputs))
    operations = {step.op.name for step in program.forward if step.op is not None}
    if not holds_derivatives and not {"exp", "divide", "sum"} <= operations:
        return graph
    examples = examples_of(graph, program, variables)
    chain = Chain(program, examples, "exact")
    written = {line.quantity: line.expression for line in chain.forward}
    formulas = {q.name: rebuilt(e, lambda part: _as_softmax(part, written)) for q, e in written.items()}
    if not holds_derivatives and list(formulas.values()) == list(written.values()):
        return graph
    values: dict[str, Any] = {step.name: graph.find(step.name).tensor for step in chain.inputs}
    if examples is not None:
        values[chain.m.name] = examples.m
    for name, formula in formulas.items():
        values[name] = evaluate(formula, values, recorded=True)
    names = {tensor: name for name, tensor in values.items() if isinstance(tensor, Tensor)}
    output = values[program.output]
    if not isinstance(output, Tensor) or not output.requires_grad:
        return graph
    again = Graph(output, names=names)
    return again if all(name in again for name in wrt) else graph


def _as_softmax(e: Expression, written: Mapping[Any, Expression]) -> Expression | None:
    """softmax(Z) for e^(Z - max Z) / Σ e^(Z - max Z), named on the way or not; None for anything else."""
    if not _is(e, "divide"):
        return None
    above, below = (written.get(a, a) for a in e.args)
    if not _is(below, "sum") or not below.settings.get("keepdims"):
        return None
    axis = below.settings.get("axis")
    if written.get(below.args[0], below.args[0]) != above or not _is(above, "exp") or axis is None:
        return None
    z = _unshifted(above.args[0], axis, written)
    return applied("softmax", z, shape=e.shape, dtype=e.dtype, settings={"axis": axis})


def _unshifted(z: Expression, axis: Any, written: Mapping[Any, Expression]) -> Expression:
    """Z for Z - max Z, which has the same softmax."""
    shifted = written.get(z, z)
    if _is(shifted, "subtract"):
        one, other = shifted.args
        top = written.get(other, other)
        if _is(top, "max") and top.args[0] == one and top.settings.get("keepdims"):
            return one if top.settings.get("axis") == axis else z
    return z


def _is(e: Expression, name: str) -> TypeGuard[Applied]:
    return isinstance(e, Applied) and e.op.name == name
