"""Operations on each entry. One line of rule each: the incoming gradient g, the value y, the inputs.

Where a derivative does not exist, the documented convention holds: the slope of ``absolute`` at 0 is 0,
and where ``maximum`` or ``minimum`` tie, both operands take half.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import elementwise

__all__ = [
    "absolute", "add", "divide", "equal", "exp", "greater", "greater_equal", "less", "less_equal", "log", "maximum", "minimum", "multiply", "negative", "not_equal", "positive", "power", "sign", "sqrt", "square", "subtract", "tanh",
]  # fmt: skip

Array = Any


@elementwise(pullback=(lambda g, y, a, b: g, lambda g, y, a, b: g), latex=r"{a} + {b}", label="+", onnx="Add")
def add(a: Array, b: Array) -> Array:
    """Sum, entry by entry: https://numpy.org/doc/stable/reference/generated/numpy.add.html.

    >>> import tinygrad_edu as tg
    >>> tg.add(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [4.0, 5.0]
    """
    return a + b


@elementwise(pullback=(lambda g, y, a, b: g, lambda g, y, a, b: -g), latex=r"{a} - {b}", label="−", onnx="Sub")
def subtract(a: Array, b: Array) -> Array:
    """Difference, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.subtract(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [-2.0, -1.0]
    """
    return a - b


@elementwise(pullback=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a), latex=r"{a} \odot {b}", label="*", onnx="Mul")
def multiply(a: Array, b: Array) -> Array:
    """Product, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.multiply(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [3.0, 6.0]
    """
    return a * b


@elementwise(
    pullback=(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    latex=r"\frac{{{a}}}{{{b}}}", label="/", domain=((-2.0, 2.0), (0.5, 2.0)), numpy=(np.divide, np.true_divide), onnx="Div",
)  # fmt: skip
def divide(a: Array, b: Array) -> Array:
    """Quotient, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.divide(tg.Tensor([1.0, 2.0]), 4.0).tolist()
    [0.25, 0.5]
    """
    return a / b


def _slope_of_power(g: Array, y: Array, a: Array, b: Array) -> Array:
    # b a^(b-1), where b = 0 gives 0 without forming 0 * 0^-1.
    return g * b * np.power(a, np.where(np.equal(b, 0), 1.0, np.subtract(b, 1.0)))


def _slope_of_exponent(g: Array, y: Array, a: Array, b: Array) -> Array:
    # y ln a; at a = 0 the limit 0 for b > 0, and nan for a < 0, where it does not exist.
    return g * y * np.log(np.where(np.equal(a, 0), np.where(np.greater_equal(b, 0), 1.0, a), a))


@elementwise(pullback=(_slope_of_power, _slope_of_exponent), latex=r"{a}^{{{b}}}", label="**", domain=((0.5, 2.0), (-2.0, 2.0)), onnx="Pow")
def power(a: Array, b: Array) -> Array:
    """Power, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.power(tg.Tensor([1.0, 2.0]), 3).tolist()
    [1.0, 8.0]
    """
    return a**b


@elementwise(pullback=lambda g, y, x: -g, latex=r"-{x}", label="−", onnx="Neg")
def negative(x: Array) -> Array:
    """The negative, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.negative(tg.Tensor([1.0, -2.0])).tolist()
    [-1.0, 2.0]
    """
    return -x


@elementwise(pullback=lambda g, y, x: g, latex=r"{x}", label="+", onnx="Identity")
def positive(x: Array) -> Array:
    """The same value, as a new node.

    >>> import tinygrad_edu as tg
    >>> tg.positive(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, -2.0]
    """
    return +x


@elementwise(pullback=lambda g, y, x: g * np.sign(x), latex=r"\left|{x}\right|", label="|x|", numpy=(np.absolute, np.abs, np.fabs), onnx="Abs")
def absolute(x: Array) -> Array:
    """The absolute value, entry by entry; its slope at 0 is 0.

    >>> import tinygrad_edu as tg
    >>> tg.absolute(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, 2.0]
    """
    return np.abs(x)


@elementwise(pullback=lambda g, y, x: g * y, latex=r"e^{{{x}}}", onnx="Exp")
def exp(x: Array) -> Array:
    """The exponential, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.exp(tg.Tensor(0.0)).item()
    1.0
    """
    return np.exp(x)


@elementwise(pullback=lambda g, y, x: g / x, latex=r"\log {x}", domain=(0.2, 3.0), onnx="Log")
def log(x: Array) -> Array:
    """The natural logarithm, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.log(tg.Tensor(1.0)).item()
    0.0
    """
    return np.log(x)


@elementwise(pullback=lambda g, y, x: g / (2 * y), latex=r"\sqrt{{{x}}}", domain=(0.2, 3.0), onnx="Sqrt")
def sqrt(x: Array) -> Array:
    """The square root, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.sqrt(tg.Tensor(9.0)).item()
    3.0
    """
    return np.sqrt(x)


@elementwise(pullback=lambda g, y, x: 2 * g * x, latex=r"{x}^2")
def square(x: Array) -> Array:
    """The square, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.square(tg.Tensor(3.0)).item()
    9.0
    """
    return np.square(x)


@elementwise(pullback=lambda g, y, x: g * (1 - y * y), latex=r"\tanh {x}", onnx="Tanh")
def tanh(x: Array) -> Array:
    """The hyperbolic tangent, entry by entry; tanh' = 1 - tanh² (formula A2 of the course).

    >>> import tinygrad_edu as tg
    >>> tg.tanh(tg.Tensor(0.0)).item()
    0.0
    """
    return np.tanh(x)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * (np.greater(a, b) + 0.5 * np.equal(a, b)),
        lambda g, y, a, b: g * (np.greater(b, a) + 0.5 * np.equal(a, b)),
    ),
    latex=r"\max({a}, {b})", label="max", onnx="Max",
)  # fmt: skip
def maximum(a: Array, b: Array) -> Array:
    """The larger of two, entry by entry; where they tie, each has slope one half.

    >>> import tinygrad_edu as tg
    >>> tg.maximum(tg.Tensor([1.0, -2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    return np.maximum(a, b)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * (np.less(a, b) + 0.5 * np.equal(a, b)),
        lambda g, y, a, b: g * (np.less(b, a) + 0.5 * np.equal(a, b)),
    ),
    latex=r"\min({a}, {b})", label="min", onnx="Min",
)  # fmt: skip
def minimum(a: Array, b: Array) -> Array:
    """The smaller of two, entry by entry; where they tie, each has slope one half.

    >>> import tinygrad_edu as tg
    >>> tg.minimum(tg.Tensor([1.0, -2.0]), 0.0).tolist()
    [0.0, -2.0]
    """
    return np.minimum(a, b)


@elementwise(pullback=lambda g, y, x: g * 0.0, latex=r"\operatorname{{sign}} {x}", domain=(0.5, 2.0), onnx="Sign")
def sign(x: Array) -> Array:
    """The sign, entry by entry: -1, 0 or 1. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.sign(tg.Tensor([1.5, -2.0])).tolist()
    [1.0, -1.0]
    """
    return np.sign(x)


@elementwise(pullback=(None, None), latex=r"({a} > {b})", label=">")
def greater(a: Array, b: Array) -> Array:
    """Whether a > b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.greater(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [False, True]
    """
    return np.greater(a, b)


@elementwise(pullback=(None, None), latex=r"({a} \ge {b})", label=">=")
def greater_equal(a: Array, b: Array) -> Array:
    """Whether a >= b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.greater_equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [True, True]
    """
    return np.greater_equal(a, b)


@elementwise(pullback=(None, None), latex=r"({a} < {b})", label="<")
def less(a: Array, b: Array) -> Array:
    """Whether a < b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.less(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [False, False]
    """
    return np.less(a, b)


@elementwise(pullback=(None, None), latex=r"({a} \le {b})", label="<=")
def less_equal(a: Array, b: Array) -> Array:
    """Whether a <= b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.less_equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [True, False]
    """
    return np.less_equal(a, b)


@elementwise(pullback=(None, None), latex=r"({a} = {b})", label="==")
def equal(a: Array, b: Array) -> Array:
    """Whether a equals b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [True, False]
    """
    return np.equal(a, b)


@elementwise(pullback=(None, None), latex=r"({a} \ne {b})", label="!=")
def not_equal(a: Array, b: Array) -> Array:
    """Whether a differs from b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.not_equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [False, True]
    """
    return np.not_equal(a, b)
