"""The local derivative on an edge: what a gradient is multiplied by on its way back along it.

It is read off the operation's own rule: the pullback runs on Symbols with g for the incoming gradient, and
g is divided out of what was recorded, where the rule is linear in it. So it cannot disagree with the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tinygrad_edu.core.facts import POWER
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.book import rewritten
from tinygrad_edu.expression.guards import on_paper
from tinygrad_edu.expression.label_style import Label
from tinygrad_edu.expression.node import Node, number, quantity
from tinygrad_edu.expression.recording import recorded
from tinygrad_edu.expression.tidy import tidied
from tinygrad_edu.expression.walk import in_order, with_args
from tinygrad_edu.expression.writer import Text, bracketed, text_of
from tinygrad_edu.graph.formulas import LONGEST, name_of
from tinygrad_edu.graph.snapshot import GraphNode
from tinygrad_edu.ops.reduction.sums_and_extrema import sum_to

_LONGEST_OF_ALL = 90
"""Characters of a derivative whose parts have no names that would make it shorter."""
_G = "g "  # no name that anybody can give
Meaning = Callable[[GraphNode], Node]


def local_derivative(
    node: GraphNode,
    k: int,
    meant: Meaning | None = None,
    called: Callable[[Node], str | None] = lambda _: None,
    simpler: Callable[[Node], Node] = lambda node: node,
) -> str:
    """The derivative of a node by its k-th operand, in one line of text.

    For a matrix product it says on which side of the gradient the other factor stands. Where the gradient
    cannot be divided out, the rule is given as it is, with g for the incoming gradient.

    Args:
        node: the result of an operation.
        k: which operand.
        meant: the expression that a node is written as; by default its name.
        called: what to write for a name that has another one here.
        simpler: what is made of the derivative before it is written.

    >>> import tinygrad_edu as tg
    >>> W, X, b = tg.Tensor([[1.0, 2.0]]), tg.Tensor([[3.0], [4.0]]), tg.Tensor(2.0)
    >>> A = tg.tanh(W @ X + b)
    >>> WX, Z, A = tg.Graph(A, names={"A": A, "W": W, "X": X}).nodes[-3:]
    >>> local_derivative(WX, 0), local_derivative(WX, 1), local_derivative(Z, 1), local_derivative(A, 0)
    ('· Xᵀ', 'Wᵀ ·', '1', '1 − A²')
    """
    assert node.op is not None
    rule = node.op.pullbacks_of(node.tensor)[k]
    if rule is None:
        return "0"
    style = Label(lambda n: "g" if n.called == _G else called(n))
    g = quantity(_G, node.shape, node.dtype)
    meant = meant or name_of
    text = _shown(_as_expression(node, rule, g, meant), g, style, simpler)
    if len(text) <= LONGEST:
        return text
    if all(a.named or a.is_leaf for a in (node, *node.args) if isinstance(a, GraphNode)):
        by_name = _shown(_as_expression(node, rule, g, name_of), g, style, simpler)
        if len(by_name) <= LONGEST:
            return by_name
    if len(text) <= _LONGEST_OF_ALL:
        return text
    operand = node.args[k]
    below = text_of(meant(operand), style).text if isinstance(operand, GraphNode) else node.op.parameters[k]
    return f"∂{_brief(text_of(meant(node), style))}/∂{_brief(below)}"


def _brief(text: object) -> str:
    """An expression in a derivative: what is differentiated, or by what."""
    return str(text) if re.fullmatch(r"\S+", str(text)) else f"({text})"


def _as_expression(node: GraphNode, rule: Any, g: Node, meant: Meaning) -> Node:
    """The rule, run on Symbols that stand for the gradient, the value and the operands."""
    known: dict[Tensor, Node] = {}

    def symbol(one: GraphNode, meaning: Node) -> Symbol:
        stand_in = Symbol.standing_for(one.tensor)
        known[stand_in] = meaning
        return stand_in

    y = symbol(node, meant(node))
    xs = [symbol(a, meant(a)) if isinstance(a, GraphNode) else a for a in node.args]
    return on_paper(recorded(rule(symbol(node, g), y, *xs, **node.settings), known))


def _shown(rule: Node, g: Node, style: Label, simpler: Callable[[Node], Node]) -> str:
    rule = rewritten(rule, "board")
    with_g = _holding(rule, g)
    factor = _divided(rule, with_g, g)
    if factor is None and (beside := _product_with(rule, g, style)) is not None:
        return beside
    shown = tidied(rewritten(rule if factor is None else factor, "shorter"))
    return text_of(simpler(shown), style).text


def _holding(rule: Node, g: Node) -> set[Node]:
    """The parts that contain g."""
    found = {g}
    for part in in_order(rule):
        if any(a in found for a in part.args):
            found.add(part)
    return found


def _divided(rule: Node, with_g: set[Node], g: Node) -> Node | None:
    """What g is multiplied by to give the rule's result; None where it is no multiple of it."""
    found: dict[Node, Node] = {g: number(1)}
    for part in in_order(rule):
        if part is g or part.op is None:
            found.setdefault(part, part)
        elif part not in with_g:
            found[part] = part
        elif part.op.silent or part.does(sum_to):
            found[part] = found[part.args[0]]
        else:
            places = {k for k, a in enumerate(part.args) if a in with_g}
            if part.op.kind != "elementwise" or not any(places <= {*group} for group in part.op.linear):
                return None
            args = [found[a] for a in part.args]
            factors = [a for a in args if a is not number(1)]
            if part.op.commutative and (1,) in part.op.linear and len(factors) == 1:
                found[part] = factors[0]  # 1 [z > 0], whatever the dtype
            else:
                found[part] = with_args(part, args)
    return found[rule] if rule in with_g else None


def _product_with(rule: Node, g: Node, style: Label) -> str | None:
    """On which side of g the other factor of a matrix product stands."""
    while rule.op is not None and rule.op.silent:
        rule = rule.args[0]
    if rule.op is None or rule.op.sign is None or rule.op.kind != "contraction" or g not in rule.args:
        return None
    left, right = rule.args
    other = text_of(tidied(right if left is g else left), style)
    factor = bracketed(Text(other.text, other.binds), POWER)
    return f"· {factor}" if left is g else f"{factor} ·"
