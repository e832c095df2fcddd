"""Records a graph again from shorter formulas of the same quantities, where the book has them.

A sigmoid, a softmax or a relu that somebody wrote out is known by the book of identities, so its slope is the
textbook's. And a graph that holds derivatives already (create_graph): the rules record every factor of the
chain. Once A - Y is known to be what they come to, its derivative is 1, where the recorded factors' has
squares of denominators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation.chain_rule import Chain, is_seed
from tinygrad_edu.derivation.examples import Told, examples_of
from tinygrad_edu.derivation.number_inputs import Named
from tinygrad_edu.expression.book import rewritten
from tinygrad_edu.expression.node import Node, quantity
from tinygrad_edu.expression.recording import said
from tinygrad_edu.expression.walk import evaluate
from tinygrad_edu.graph import Graph, Made, Program, Ref
from tinygrad_edu.graph.formulas import expression_of


def shortened(
    graph: Graph, wrt: Sequence[str], told: Told, named: Named, made: Made
) -> tuple[Graph, dict[str, Node]]:
    """The same quantities by shorter formulas, and how those that have a name were written before.

    The graph itself, and nothing, where no formula is shorter.

    Args:
        graph: with one output.
        wrt: names that must stay.
        told: as for :func:`examples_of`.
        named: which inputs are plain numbers.
        made: the code of some inputs.
    """
    program = Program.of_graph(graph, [])
    written = _written(program)
    if any(map(is_seed, program.inputs)):
        examples = examples_of(graph, program, told, named.count, made)
        chain = Chain(program, examples, "exact", named, made)
        formulas = {line.quantity: line.expression for line in chain.forward}
        given = [step.name for step in chain.inputs if step.name in graph]
        inputs: dict[str, Any] = {name: graph.find(name).tensor for name in given}
        kept = set(inputs)  # what 1 - Y is made of is said, the rest keeps the number it had
        if examples is not None:
            inputs[chain.m.called] = examples.m
    else:
        formulas, kept = written, set()
        inputs = {step.name: graph.find(step.name).tensor for step in program.inputs}
    shorter = {q: rewritten(e, "shorter", meaning=formulas) for q, e in formulas.items()}
    if shorter == written:
        return graph, {}
    again = _recorded_again(graph, shorter, inputs, kept)
    if again is None or not all(name in again for name in wrt):
        return graph, {}
    return again, {q.called: e for q, e in formulas.items()}


def _written(program: Program) -> dict[Node, Node]:
    """The formula of each quantity that has a name, as it was recorded."""
    meaning: dict[str, Node] = {}
    formulas: dict[Node, Node] = {}
    for step in program:
        letter = quantity(step.name, step.shape, step.dtype)
        if step.op is None or "rng" in step.settings:
            meaning[step.name] = letter
            continue
        e = expression_of(step, lambda arg: meaning[arg.name] if isinstance(arg, Ref) else said(arg))
        if step.named or step.name == program.output:
            formulas[letter] = e
            e = letter
        meaning[step.name] = e
    return formulas


def _recorded_again(
    graph: Graph, formulas: Mapping[Node, Node], values: dict[str, Any], kept: set[str]
) -> Graph | None:
    """The graph of these formulas; None where they do not come to the recorded values.

    Args:
        graph: as it was recorded.
        formulas: of the quantities that have a name.
        values: of what is given, by name; the others are added.
        kept: names that stay what they are though nobody gave them.
    """
    for step in graph:
        if step.op is not None and "rng" in step.settings:
            values[step.name] = step.tensor
    for letter, formula in formulas.items():
        with np.errstate(all="ignore"):
            value = values[letter.called] = evaluate(formula, values, recorded=True)
        before = graph.find(letter.called).value
        now = value._data if isinstance(value, Tensor) else value
        if np.shape(now) != before.shape or not np.allclose(now, before, rtol=1e-4, equal_nan=True):
            return None
    output = values[graph.outputs[0].name]
    if not isinstance(output, Tensor) or not output.requires_grad:
        return None
    known = kept | {node.name for node in graph if node.named} | {letter.called for letter in formulas}
    names = {v: name for name, v in values.items() if isinstance(v, Tensor) and name in known}
    return Graph(output, names=names, look=False)
