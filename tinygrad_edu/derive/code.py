"""Formulas as NumPy source."""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.derive.expression import Constant, Expression, Number, Quantity
from tinygrad_edu.graph.source import ATOM, Code, literal, written

__all__ = ["code", "text"]


def text(expression: Expression, like: Mapping[tuple[int, ...], str] | None = None) -> str:
    """The expression as NumPy writes it.

    ``like`` names a quantity of a shape, so that what is repeated takes its shape from there.
    """
    return code(expression, like or {}).text


def code(expression: Expression, like: Mapping[tuple[int, ...], str]) -> Code:
    """The same, with how tightly it binds."""
    if isinstance(expression, Quantity):
        return Code(expression.name, ATOM, expression.shape, expression.dtype)
    if isinstance(expression, Number):
        return literal(_shortest(expression.value))
    if isinstance(expression, Constant):
        return literal(expression.value)
    operands = [code(a, like) for a in expression.args]
    if expression.op.name == "broadcast_to" and expression.shape in like:
        return Code(
            f"np.full_like({like[expression.shape]}, {operands[0]})", ATOM, expression.shape, expression.dtype
        )
    return written(
        expression.op, operands, expression.settings, shape=expression.shape, dtype=expression.dtype
    )


def _shortest(value: float) -> float:
    """2 for 2.0."""
    return int(value) if value == round(value, 0) and abs(value) < 2**53 else value
