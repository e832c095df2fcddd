"""Formulas as NumPy source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.derive.expression import Constant, Expression, Number, Quantity
from tinygrad_edu.graph.source import ATOM, Code, literal, written

__all__ = ["Like", "code", "text"]


Like = Mapping[tuple[tuple[int, ...], np.dtype[Any]], str]
"""A quantity of each shape and dtype that is at hand."""


def text(expression: Expression, like: Like | None = None) -> str:
    """The expression as NumPy writes it; what is repeated takes its shape from ``like``."""
    return code(expression, like or {}).text


def code(expression: Expression, like: Like) -> Code:
    """The same, with how tightly it binds."""
    if isinstance(expression, Quantity):
        return Code(expression.name, ATOM, expression.shape, expression.dtype)
    if isinstance(expression, Number):
        return literal(_shortest(expression.value))
    if isinstance(expression, Constant):
        return literal(expression.value)
    operands = [code(a, like) for a in expression.args]
    if (
        expression.op.kind != "elementwise" and expression.op.name != "broadcast_to"
    ):  # which may ask its operands for their axes
        operands = [
            _as_array(x, a) if isinstance(a, Number) else x
            for x, a in zip(operands, expression.args, strict=True)
        ]
    model = like.get((expression.shape, expression.dtype))
    if expression.op.name == "broadcast_to" and model is not None:
        return Code(f"np.full_like({model}, {operands[0]})", ATOM, expression.shape, expression.dtype)
    return written(
        expression.op, operands, expression.settings, shape=expression.shape, dtype=expression.dtype
    )


def _as_array(x: Code, number: Number) -> Code:
    text = f"np.array({literal(float(number.value) if number.dtype.kind == 'f' else number.value)})"
    return Code(text, ATOM, x.shape, number.dtype)


def _shortest(value: float) -> float:
    """2 for 2.0."""
    return int(value) if value == round(value, 0) and abs(value) < 2**53 else value
