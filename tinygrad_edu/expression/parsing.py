"""A line of NumPy source as an expression: what the writer writes, read back."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression.arithmetic import TRANSPOSE, plain
from tinygrad_edu.expression.node import Node, applied
from tinygrad_edu.expression.numpy_style import in_numpy

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@", ast.FloorDiv:
    "//", ast.Mod: "%", ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq:
    "!=", ast.USub: "-",
}  # fmt: skip
"""Python's signs, as its parser calls them."""


def parsed(formula: str, known: Mapping[str, Node]) -> Node:
    """The expression of a formula, of the quantities given by name.

    Raises:
        ValueError: the formula names something else, or isn't one.

    >>> from tinygrad_edu.expression import quantity
    >>> parsed("2 * x - np.exp(x).T", {"x": quantity("x")})
    <(2 * x) - (transpose(exp(x)))>
    """
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"not a formula: {formula.strip()}") from error
    return _Reader(known).expression(tree)


class _Reader:
    def __init__(self, known: Mapping[str, Node]) -> None:
        self.known = known

    def expression(self, tree: ast.AST) -> Node:
        match tree:
            case ast.Constant(value=int() | float() as value):
                return plain(value)
            case ast.Name(id=called):
                if called not in self.known:
                    raise ValueError(f"{called!r} is not in this derivation; it has: {', '.join(self.known)}")
                return self.known[called]
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in SIGNS:
                return applied(_signed(SIGNS[type(sign)], "prefix"), self.expression(operand))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in SIGNS:
                operands = self.expression(left), self.expression(right)
                return applied(_signed(SIGNS[type(sign)], "infix"), *operands)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in SIGNS:
                operands = self.expression(left), self.expression(right)
                return applied(_signed(SIGNS[type(sign)], "infix"), *operands)
            case ast.Attribute(value=value, attr="T"):
                return applied(TRANSPOSE, self.expression(value))
            case ast.Call():
                return self._called(tree)
        raise ValueError(f"not a formula: {ast.unparse(tree)}")

    def _called(self, call: ast.Call) -> Node:
        """``np.sum(dZ, axis=1, keepdims=True)``, ``sigmoid(Z)``."""
        name = ast.unparse(call.func)
        op = OPS.get(name) or next((op for op in OPS.values() if in_numpy(op) == name), None)
        if op is None:
            raise ValueError(f"not an operation: {name}")
        settings: dict[str, Any] = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
        return applied(op, *map(self.expression, call.args), settings=settings)


@cache
def _signed(text: str, place: str) -> Op:
    """The operation that is written with a sign."""
    return next(
        op for op in OPS.values() if op.sign is not None and (op.sign.text, op.sign.place) == (text, place)
    )
