"""The lines of a derivation for the reader: name, formula, local derivative, value, and what to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.derive.chain import Chain, Line
from tinygrad_edu.derive.code import text
from tinygrad_edu.derive.expression import Expression, Number, bare, evaluate, rebuilt
from tinygrad_edu.derive.latex import latex
from tinygrad_edu.derive.notation import letter
from tinygrad_edu.graph import Graph, GraphNode
from tinygrad_edu.graph.local import local_derivative

__all__ = ["DerivationStep", "letters_of", "steps_of"]


@dataclass(frozen=True, eq=False)
class DerivationStep:
    """One line of a derivation: a quantity, and its formula in those before it."""

    name: str
    """What it is called: Z1, or dZ1 for the gradient of Z1."""
    of: str | None
    """The quantity whose gradient it is; None on the way forward."""
    formula: str
    """``dW1 = dZ1 @ X.T / m``, as NumPy writes it."""
    latex: str
    """The same as LaTeX."""
    local: str
    """The derivative, by the quantity, of what is computed from it: ``∂A1/∂Z1 = 1 − A1²``."""
    value: NDArray[Any] = field(repr=False)
    """What the formula comes to."""
    note: str = ""
    """What to know: what was cancelled, and why that matters."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    def __str__(self) -> str:
        return self.formula


def steps_of(lines: list[Line], chain: Chain, graph: Graph) -> list[DerivationStep]:
    """The lines as steps, in order."""
    letters, values = letters_of(chain), _values(chain)
    return [
        DerivationStep(
            name=line.name,
            of=line.step.of,
            formula=f"{line.name} = {text(rebuilt(line.on_paper, _rounded))}",
            latex=f"{latex(line.quantity, letters)} = {latex(line.on_paper, letters)}",
            local=_local(line, chain, graph),
            value=values[line.name],
            note=_note(line),
        )
        for line in lines
    ]


def _rounded(e: Expression) -> Expression | None:
    """Numbers to six digits: 0.05, where rounding has made 0.049999999999999996 of it."""
    return Number(float(f"{e.value:.6g}")) if isinstance(e, Number) and isinstance(e.value, float) else None


def letters_of(chain: Chain) -> Mapping[str, str]:
    """How to print the gradients: a d before what they are gradients of."""
    found = {chain.m.name: letter(chain.m.name)}
    for step in chain.program.backward:
        if step.of is not None:
            found[step.name] = "d" + letter(step.of, step.value.ndim)
    return found


def _values(chain: Chain) -> dict[str, Any]:
    """What the formulas come to, for the recorded inputs and forward values."""
    values: dict[str, Any] = {
        step.name: step.value for step in (*chain.program.inputs, *chain.program.forward)
    }
    if chain.examples is not None:
        values[chain.m.name] = chain.examples.m
    with np.errstate(all="ignore"):
        for line in chain.backward:
            value = evaluate(line.expression, values)
            values[line.name] = np.broadcast_to(value, line.step.shape).astype(line.step.dtype)
    return values


def _note(line: Line) -> str:
    said = []
    if line.cancelled is not None:
        below = text(bare(line.cancelled))
        said.append(
            f"{below} has cancelled; factor by factor the chain rule divides by it, and fails where it is 0"
        )
    if line.overflows is not None:
        said.append(
            f"{text(bare(line.overflows))} does not enter, which overflows where its argument is large"
        )
    return "; ".join(said)


def _local(line: Line, chain: Chain, graph: Graph) -> str:
    """``∂A/∂Z = A * (1 - A)``: what the gradient of A is multiplied by to give that of Z."""
    if line.step.of is None:
        return ""
    multiplied = chain.local(line)
    if multiplied is not None:
        after, factor = multiplied
        return f"∂{after}/∂{line.step.of} = {text(factor)}"
    return "; ".join(_locals(graph, graph.find(line.step.of)))


def _locals(graph: Graph, node: GraphNode) -> Iterator[str]:
    """``∂A/∂Z = ...`` for each A that the quantity goes into; what has no name is passed through."""
    for user, k in _users(graph, node):
        factors = [local_derivative(user, k)]
        while not user.named and len(after := list(_users(graph, user))) == 1:
            (user, k) = after[0]
            factors.append(local_derivative(user, k))
        told = [f for f in factors if f != "1"] or ["1"]
        yield f"∂{user.name}/∂{node.name} = {', then '.join(told)}"


def _users(graph: Graph, node: GraphNode) -> Iterator[tuple[GraphNode, int]]:
    for user in graph:
        if user.requires_grad:
            yield from ((user, k) for k, arg in enumerate(user.args) if arg is node)
