"""The local derivative on an edge: what a gradient is multiplied by on its way back along it.

It is read off the operation's own rule: the pullback runs on Symbols with g for the incoming gradient,
and g is divided out of what was recorded. So it cannot disagree with the code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.snapshot import GraphNode
from tinygrad_edu.graph.text import ATOM, CARRIES_ON, Text, bracketed, constant, infix, number, written

__all__ = ["local_derivative"]

_LONGEST = 44
_ONE: Text = ("1", ATOM)


def local_derivative(node: GraphNode, k: int, called: Callable[[GraphNode], str] = lambda n: n.name) -> str:
    """The derivative of a node by its k-th operand, in one line of text.

    For a matrix product it says on which side of the gradient the other factor stands. Where the gradient
    cannot be divided out, the rule is given as it is, with g for the incoming gradient.

    Args:
        node: the result of an operation.
        k: which operand.
        called: what to call a node; by default its name.

    >>> import tinygrad_edu as tg
    >>> W, X, b = tg.Tensor([[1.0, 2.0]]), tg.Tensor([[3.0], [4.0]]), tg.Tensor(2.0)
    >>> A = tg.tanh(W @ X + b)
    >>> WX, Z, A = tg.Graph(A, names={"A": A, "W": W, "X": X}).nodes[-3:]
    >>> local_derivative(WX, 0), local_derivative(WX, 1), local_derivative(Z, 1), local_derivative(A, 0)
    ('· Xᵀ', 'Wᵀ ·', '1', '1 − A²')
    """
    return _Rule(node, called).local(k)


class _Rule:
    """One node's rule, run on Symbols that stand for its operands, its value and its gradient."""

    def __init__(self, node: GraphNode, called: Callable[[GraphNode], str]) -> None:
        self.node = node
        self.g = _standing_for(node)
        self.y = _standing_for(node)
        self.names: dict[Tensor, Text] = {self.g: ("g", ATOM), self.y: _name(node, called)}
        self.xs = []
        for arg in node.args:
            if isinstance(arg, GraphNode):
                arg_symbol = _standing_for(arg)
                self.names[arg_symbol] = _name(arg, called)
                self.xs.append(arg_symbol)
            else:
                self.xs.append(arg)

    def local(self, k: int) -> str:
        op = self.node.op
        assert op is not None
        rule = op.pullbacks_of(self.node.tensor)[k] if op.variadic else op.pullbacks[k]
        if rule is None:
            return "0"
        found = rule(self.g, self.y, *self.xs, **self.node.settings)
        text = self.divided(found) or self.text(found)
        return text[0] if len(text[0]) <= _LONGEST else "…"

    def divided(self, t: Any) -> Text | None:
        """What g is multiplied by to give t; None where t is no multiple of it."""
        if t is self.g:
            return _ONE
        if not self.holds_g(t) or not t.inputs:
            return None
        name, args = t.op.name, _operands(t)
        with_g = [self.holds_g(a) for a in args]
        if name in CARRIES_ON or name in ("sum_to", "negative"):
            inner = self.divided(args[0])
            return _negative(inner) if inner and name == "negative" else inner
        if name == "multiply" and sum(with_g) == 1:
            inner = self.divided(args[with_g.index(True)])
            return inner and _product(inner, self.text(args[with_g.index(False)]), scalar=t.ndim == 0)
        if name == "divide" and with_g == [True, False]:
            inner = self.divided(args[0])
            return inner and infix("/", inner, self.text(args[1]))
        if name in ("add", "subtract") and all(with_g):
            parts = [self.divided(a) for a in args]
            return infix("+" if name == "add" else "−", *parts) if all(parts) else None  # type: ignore[arg-type]
        if name == "matmul" and args[with_g.index(True)] is self.g and sum(with_g) == 1:
            return (f"· {self.factor(args[1])}", 2) if with_g[0] else (f"{self.factor(args[0])} ·", 2)
        return None

    def holds_g(self, t: Any) -> bool:
        """Whether g is somewhere in what t was computed from."""
        if not isinstance(t, Tensor):
            return False
        behind = [t]
        for tensor in behind:
            if tensor is self.g:
                return True
            behind += tensor.inputs
        return False

    def spared(self, condition: Any, a: Any, b: Any) -> Text | None:
        """``where(Y == 1, 1, 1 - A)``, which keeps a 0 out of a denominator, reads as 1 - A."""
        single_point = isinstance(condition, Tensor) and condition.op and condition.op.name == "equal"
        return self.text(b) if single_point and not isinstance(a, Tensor) and isinstance(b, Tensor) else None

    def factor(self, t: Any) -> str:
        return bracketed(self.text(t), 3)

    def text(self, t: Any) -> Text:
        """An expression of the operands, with the usual abbreviations of a blackboard."""
        if not isinstance(t, Tensor):
            return constant(t)
        if t in self.names:
            return self.names[t]
        if t.op is None:
            return constant(t._data)
        if t.op.name == "where" and (spared := self.spared(*_operands(t))):
            return spared
        parts = [self.text(a) for a in _operands(t)]
        if t.op.name in CARRIES_ON and len(parts) == 1:
            return parts[0]
        if t.op.name in ("greater", "less", "greater_equal", "less_equal", "equal"):
            return f"[{written(t.op, parts, t.settings, scalar=False)[0]}]", ATOM
        if t.op.name == "multiply":
            if parts[0] == parts[1] and parts[0][1] == ATOM:
                return f"{parts[0][0]}²", 4
            return _product(*parts, scalar=t.ndim == 0)
        return written(t.op, parts, t.settings, scalar=t.ndim == 0)


def _standing_for(node: GraphNode) -> Symbol:
    return Symbol.standing_for(node.tensor)


def _name(node: GraphNode, called: Callable[[GraphNode], str]) -> Text:
    if node.named or node.value.ndim:
        text = called(node)
        return text, ATOM if text.isidentifier() else 0
    return number(node.value[()]), ATOM if node.value >= 0 else 3


def _operands(t: Tensor) -> list[Any]:
    return [value if parent is None else parent for parent, value in zip(t.parents, t.saved, strict=True)]


def _product(a: Text, b: Text, *, scalar: bool) -> Text:
    if a == _ONE:
        return b
    if a[0] == "−1":
        return f"−{bracketed(b, 2)}", 2
    return a if b == _ONE else infix("·" if scalar else "*", a, b)


def _negative(inner: Text) -> Text:
    return f"−{bracketed(inner, 3)}", 1
