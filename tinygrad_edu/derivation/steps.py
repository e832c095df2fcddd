"""The lines of a derivation: name, formula, local derivative, value, and notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.derivation.chain_rule import Chain, Line
from tinygrad_edu.derivation.dimensions import ExamplesAxis, WithDimensions
from tinygrad_edu.derivation.entries import EntryByEntry
from tinygrad_edu.expression.arithmetic import EXP, plain
from tinygrad_edu.expression.guards import on_paper
from tinygrad_edu.expression.latex_style import LaTeX
from tinygrad_edu.expression.node import Node, quantity
from tinygrad_edu.expression.notation import letter
from tinygrad_edu.expression.tidy import tidied
from tinygrad_edu.expression.walk import evaluate, parts, quantities, rebuilt
from tinygrad_edu.expression.writer import write
from tinygrad_edu.graph import Graph, GraphNode
from tinygrad_edu.graph.local import local_derivative


@dataclass(frozen=True, eq=False)
class DerivationStep:
    """One line of a derivation: a quantity, and its formula in those before it."""

    name: str
    """Its name: Z1, or dZ1 for the gradient of Z1."""
    of: str | None
    """The quantity whose gradient it is; None on the way forward."""
    formula: str
    """``dW1 = dZ1 @ X.T / m``, as NumPy writes it."""
    latex: str
    """The same as LaTeX."""
    local: str
    """The derivative, by the quantity, of what is computed from it: ``∂A1/∂Z1 = 1 − A1²``."""
    value: NDArray[Any] = field(repr=False)
    """The value of the formula."""
    note: str = ""
    """Notes: what was cancelled, and why that matters."""
    entries: tuple[str, ...] = ()
    """The formula of each entry, ``dA[0, i] = W[0, 0] * dZ[0, i] + ...``, where they were asked for."""
    entries_latex: tuple[str, ...] = ()
    """The same as LaTeX, with the small letters and indices of the course."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    def __str__(self) -> str:
        return self.formula


class Page:
    """How the lines of a derivation are written.

    Args:
        chain: the derivation's lines.
        entries: whether each formula is written entry by entry as well.
    """

    def __init__(self, chain: Chain, *, entries: bool) -> None:
        self._chain = chain
        self._letters = _letters_of(chain)
        self._style = LaTeX(self._letters)
        self._formulas: dict[str, tuple[Node, Node]] = {}
        self._entries = EntryByEntry(chain, self._examples, self._letters) if entries else None

    @cached_property
    def _examples(self) -> ExamplesAxis:
        return ExamplesAxis(self._chain)

    @cached_property
    def _with_dimensions(self) -> WithDimensions:
        m = None if self._chain.examples is None else self._letters[self._chain.m.called]
        return WithDimensions(self._letters, self._examples, m)

    def step(self, q: Node, e: Node, *, of: str | None, value: Any, **facts: str) -> DerivationStep:
        """A quantity and its formula as a line."""
        self._formulas[q.called] = q, e
        rounded = rebuilt(e, _rounded)
        entries = [] if self._entries is None else list(self._entries.formulas(q, rounded))
        return DerivationStep(
            q.called,
            of,
            formula=f"{q.called} = {write(rounded)}",
            latex=f"{write(q, self._style)} = {write(e, self._style)}",
            local=facts.get("local", ""),
            value=value,
            note=facts.get("note", ""),
            entries=tuple(text for text, _ in entries),
            entries_latex=tuple(latex for _, latex in entries),
        )

    def with_dimensions(self, step: DerivationStep) -> str:
        """A line of this page as LaTeX, with the dimensions under each term."""
        q, e = self._formulas[step.name]
        return self._with_dimensions.equation(q, tidied(e))


def forward_steps(chain: Chain, written: Mapping[str, Node], page: Page) -> Iterator[DerivationStep]:
    """The forward pass as it was written: a sigmoid that was written out is shown written out."""
    formulas = {line.quantity: line.on_paper for line in chain.forward}
    if written:
        found = {q.called: q for q in formulas}
        used = {q for line in chain.backward for q in quantities(line.on_paper)}
        unnamed = {q: e for q, e in formulas.items() if q in used and q.called not in written}
        formulas = unnamed | {
            found.get(name) or quantity(name, e.shape, e.dtype): on_paper(chain.with_m(e))
            for name, e in written.items()
        }
    values = _given(chain)
    for q, e in formulas.items():
        if q.called not in values:
            with np.errstate(all="ignore"):
                values[q.called] = np.asarray(evaluate(e, values))
        yield page.step(q, e, of=None, value=values[q.called])


def backward_steps(
    chain: Chain, written: Mapping[str, Node], graph: Graph, page: Page
) -> Iterator[DerivationStep]:
    """The gradients, in the order of the backward pass."""
    values = _values(chain)
    for line in chain.backward:
        facts = {"local": _local(line, chain, graph), "note": _note(line, chain, written)}
        yield page.step(line.quantity, line.on_paper, of=line.step.of, value=values[line.name], **facts)


def _rounded(e: Node) -> Node | None:
    """Numbers to six digits: 0.05, where rounding has made 0.049999999999999996 of it; 1 - 1e-8 is not 1."""
    if not e.is_number or not isinstance(e.value, float):
        return None
    written = (float(f"{e.value:.{digits}g}") for digits in (6, 12))
    return plain(next((x for x in written if x != round(x) or abs(x - e.value) <= 1e-12 * abs(x)), e.value))


def _letters_of(chain: Chain) -> Mapping[str, str]:
    """How to print the gradients: a d before what they are gradients of."""
    found = {chain.m.called: letter(chain.m.called)}
    for step in chain.program.backward:
        if step.of is not None:
            found[step.name] = "d" + letter(step.of, step.value.ndim)
    return found


def _given(chain: Chain) -> dict[str, Any]:
    """The recorded inputs and forward values, and m."""
    values: dict[str, Any] = {s.name: s.value for s in (*chain.program.inputs, *chain.program.forward)}
    values |= {step.name: step.value for step in chain.inputs}
    if chain.examples is not None:
        values[chain.m.called] = chain.examples.m
    return values


def _values(chain: Chain) -> dict[str, Any]:
    """The values of the formulas, for the recorded inputs and forward values."""
    values = _given(chain)
    with np.errstate(all="ignore"):
        for line in chain.backward:
            value = evaluate(line.expression, values)
            values[line.name] = np.broadcast_to(value, line.step.shape).astype(line.step.dtype)
    return values


def _note(line: Line, chain: Chain, written: Mapping[str, Node]) -> str:
    said = []
    if line.cancelled is not None:
        below = write(on_paper(line.cancelled))
        said.append(
            f"{below} has cancelled; factor by factor the chain rule divides by it, and fails where it is 0"
        )
    exponential = line.overflows or _spared(line, chain, written)
    if exponential is not None:
        said.append(
            f"{write(on_paper(exponential))} does not enter, which overflows where its argument is large"
        )
    return "; ".join(said)


def _spared(line: Line, chain: Chain, written: Mapping[str, Node]) -> Node | None:
    """An exponential of the quantity that was written out, and is called by a unit's name now."""
    for other in chain.forward:
        before = written.get(other.name, other.expression)
        if before is not other.expression and line.step.of in [
            q.called for q in quantities(other.expression)
        ]:
            now = set(parts(other.expression))
            return next((p for p in parts(before) if p.does(EXP) and p not in now), None)
    return None


def _local(line: Line, chain: Chain, graph: Graph) -> str:
    """``∂A/∂Z = A * (1 - A)``: what the gradient of A is multiplied by to give that of Z."""
    if line.step.of is None:
        return ""
    multiplied = chain.local(line)
    if multiplied is not None:
        after, factor = multiplied
        return f"∂{after}/∂{line.step.of} = {write(factor)}"
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
