"""Whether a formula derived by hand is the derived one: by algebra, for all values, not by trying some."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from tinygrad_edu.core.table import OPS
from tinygrad_edu.derive.chain import Chain
from tinygrad_edu.derive.expression import Expression, Number, Quantity, applied, replaced
from tinygrad_edu.graph.source import in_numpy

__all__ = ["is_same"]

_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.Eq: "equal",
    ast.USub: "negative",
}


def is_same(chain: Chain, name: str, formula: str) -> bool:
    """Whether that line's formula equals the given one, entry by entry, by SymPy's algebra.

    The formula may use every quantity of the derivation, and m. True is a proof; False says that none was
    found, which for a formula that is right can only be for want of a rule about what isn't arithmetic.
    """
    (line,) = (line for line in (*chain.forward, *chain.backward) if line.name == name)
    hand = _Parsed(chain).expression(ast.parse(formula.strip(), mode="eval").body)
    if np.broadcast_shapes(hand.shape, line.step.shape) != line.step.shape:
        return False
    gap: Expression = applied("subtract", hand, line.on_paper)
    algebra = chain.algebra
    if algebra.simplest(algebra.form(gap), on_paper=True) == 0:
        return True
    further = {other.quantity: other.on_paper for other in chain.backward if other.name != name}
    for _ in further:  # gradients in terms of those further back, until nothing is left to put in
        deeper = replaced(gap, further)
        if deeper == gap:
            break
        gap = deeper
        if algebra.simplest(algebra.form(gap), on_paper=True) == 0:
            return True
    return False


class _Parsed:
    """A line of NumPy as an expression of a derivation's quantities."""

    def __init__(self, chain: Chain) -> None:
        lines = (*chain.forward, *chain.backward)
        self.named: Mapping[str, Quantity] = {
            chain.m.name: chain.m,
            **{step.name: Quantity(step.name, step.shape, step.dtype) for step in chain.inputs},
            **{line.name: line.quantity for line in lines},
        }

    def expression(self, node: ast.AST) -> Expression:
        """The expression of a syntax tree.

        Raises:
            ValueError: a name that the derivation doesn't have, or syntax that isn't a formula.
        """
        match node:
            case ast.Constant(value=int() | float() as value):
                return Number(value)
            case ast.Name(id=name):
                return self._quantity(name)
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
                return applied(_SIGNS[type(sign)], self.expression(operand))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
                return self._joined(_SIGNS[type(sign)], self.expression(left), self.expression(right))
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
                return self._joined(_SIGNS[type(sign)], self.expression(left), self.expression(right))
            case ast.Attribute(value=value, attr="T"):
                x = self.expression(value)
                return applied("transpose", x, shape=x.shape[::-1])
            case ast.Call():
                return self._called(node)
        raise ValueError(f"not a formula: {ast.unparse(node)}")

    def _quantity(self, name: str) -> Quantity:
        if name not in self.named:
            raise ValueError(f"{name!r} is not in this derivation; it has: {', '.join(self.named)}")
        return self.named[name]

    def _joined(self, op: str, left: Expression, right: Expression) -> Expression:
        if op == "matmul":
            shape = np.matmul(np.empty(left.shape), np.empty(right.shape)).shape
            return applied(op, left, right, shape=shape)
        return applied(op, left, right, dtype=np.dtype(bool) if op in _QUESTIONS else None)

    def _called(self, call: ast.Call) -> Expression:
        """``np.sum(dZ, axis=1, keepdims=True)``, ``sigmoid(Z)``."""
        name = ast.unparse(call.func)
        op = OPS.get(name) or next((op for op in OPS.values() if in_numpy(op) == name), None)
        if op is None:
            raise ValueError(f"not an operation: {name}")
        args = [self.expression(a) for a in call.args]
        settings = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
        shape = np.shape(op.forward(*(np.ones(a.shape) for a in args), **settings))
        return applied(op, *args, shape=shape, settings=settings)


_QUESTIONS = {"greater", "greater_equal", "less", "equal"}
