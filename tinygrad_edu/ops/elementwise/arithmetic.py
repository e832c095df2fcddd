"""Arithmetic on each entry. One line of rule each: the incoming gradient g, the value y, the inputs.

The slope of ``absolute`` at 0 is 0. What rounds (``//``) has slope 0 wherever it has one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.facts import ATOM, POWER, PRODUCT, SIGN, SUM, infix, postfix, prefix
from tinygrad_edu.core.kinds import composed, elementwise
from tinygrad_edu.core.samples import Sample

__all__ = [
    "absolute", "add", "cbrt", "divide", "divmod", "float_power", "floor_divide", "fmod", "ldexp",
    "multiply", "negative", "positive", "power", "reciprocal", "remainder", "slope_of_absolute", "sqrt",
    "square", "subtract",
]  # fmt: skip

Array = Any


@elementwise(
    pullback=(lambda g, y, a, b: g, lambda g, y, a, b: g), latex=r"{a} + {b}", label="+", onnx="Add",
    sign=infix("+", SUM), linear=((0, 1),), rounding=1.0, monotone=1, commutative=True, associative=True,
)  # fmt: skip
def add(a: Array, b: Array) -> Array:
    """Sum, entry by entry: https://numpy.org/doc/stable/reference/generated/numpy.add.html.

    >>> import tinygrad_edu as tg
    >>> tg.add(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [4.0, 5.0]
    """
    return a + b


@elementwise(
    pullback=(lambda g, y, a, b: g, lambda g, y, a, b: -g), latex=r"{a} - {b}", label="−", onnx="Sub",
    sign=infix("-", SUM, label="−"), linear=((0, 1),), rounding=1.0,
)  # fmt: skip
def subtract(a: Array, b: Array) -> Array:
    """Difference, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.subtract(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [-2.0, -1.0]
    """
    return a - b


@elementwise(
    pullback=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a), latex=r"{a} \odot {b}", label="*",
    onnx="Mul", sign=infix("*", PRODUCT, right=POWER, latex=r"\odot"), linear=((0,), (1,)), rounding=1.0,
    commutative=True, associative=True,
)  # fmt: skip
def multiply(a: Array, b: Array) -> Array:
    """Product, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.multiply(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [3.0, 6.0]
    """
    return a * b


@elementwise(
    pullback=(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b), latex=r"\frac{{{a}}}{{{b}}}",
    label="/", domain=((-2.0, 2.0), (0.5, 2.0)), onnx="Div",
    sign=infix("/", PRODUCT, right=POWER, latex=r"\frac"), linear=((0,),), rounding=1.0,
)  # fmt: skip
def divide(a: Array, b: Array) -> Array:
    """Quotient, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.divide(tg.Tensor([1.0, 2.0]), 4.0).tolist()
    [0.25, 0.5]
    """
    return a / b


@elementwise(
    pullback=lambda g, y, x: -g, latex=r"-{x}", label="−", onnx="Neg", sign=prefix("-", SIGN, label="−"),
    linear=((0,),), rounding=0.0, inverse="negative", monotone=-1,
)  # fmt: skip
def negative(x: Array) -> Array:
    """The negative, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.negative(tg.Tensor([1.0, -2.0])).tolist()
    [-1.0, 2.0]
    """
    return -x


@elementwise(
    pullback=lambda g, y, x: g, latex=r"{x}", label="+", onnx="Identity",
    numpy=(np.positive, np.conjugate, np.real), linear=((0,),), moves=True, rounding=0.0,
    inverse="positive", monotone=1,
    source="{x}", silent=True,
)  # fmt: skip
def positive(x: Array) -> Array:
    """The same value, as a new node.

    >>> import tinygrad_edu as tg
    >>> tg.positive(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, -2.0]
    """
    return +x


@elementwise(
    pullback=lambda g, y, x: g * 0.0 * np.where(np.equal(x, 0), np.nan, 1.0),
    latex=r"\operatorname{{sign}} {x}",
    label="sign", source="np.sign({x})", domain=(0.5, 2.0), onnx="Sign", range=(-1.0, 1.0),
    monotone=1, rounding=0.0, kink=lambda x: x,
)  # fmt: skip
def slope_of_absolute(x: Array) -> Array:
    """The slope of abs(x), entry by entry: the sign of x, and 0 at 0 by convention.

    There its own slope is nan, not the 0 of :func:`sign`, so that second derivatives are nan at this kink.
    A 0 would be taken for an answer: abs(x)**2 has the second derivative 2.

    >>> import tinygrad_edu as tg
    >>> x = tg.Tensor([1.5, 0.0])
    >>> y = tg.slope_of_absolute(x)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([1.0, 0.0], [0.0, nan])
    """
    return np.sign(x)


@elementwise(
    pullback=lambda g, y, x: g * slope_of_absolute(x), latex=r"\left|{x}\right|", label="|x|", onnx="Abs",
    range=(0.0, np.inf), rounding=0.0, kink=lambda x: x,
)  # fmt: skip
def absolute(x: Array) -> Array:
    """The absolute value, entry by entry; its slope at 0 is 0.

    >>> import tinygrad_edu as tg
    >>> tg.absolute(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, 2.0]
    """
    return np.abs(x)


@elementwise(
    pullback=lambda g, y, x: 2 * g * x, latex=r"{x}^2", sign=postfix("**2", POWER, label="²", latex="^{2}"),
    rounding=1.0, range=(0.0, np.inf),
)  # fmt: skip
def square(x: Array) -> Array:
    """The square, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.square(tg.Tensor(3.0)).item()
    9.0
    """
    return np.square(x)


@elementwise(
    pullback=lambda g, y, x: -g * y * y, latex=r"\frac{{1}}{{{x}}}", domain=(0.4, 2.0), onnx="Reciprocal",
    rounding=1.0, inverse="reciprocal",
)  # fmt: skip
def reciprocal(x: Array) -> Array:
    """1 / x, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.reciprocal(tg.Tensor([2.0, 4.0])).tolist()
    [0.5, 0.25]
    """
    return np.reciprocal(x)


@elementwise(
    pullback=lambda g, y, x: g / (2 * y), latex=r"\sqrt{{{x}}}", domain=(0.2, 3.0), onnx="Sqrt",
    rounding=1.0, inverse="square", monotone=1, range=(0.0, np.inf),
)  # fmt: skip
def sqrt(x: Array) -> Array:
    """The square root, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.sqrt(tg.Tensor(9.0)).item()
    3.0
    """
    return np.sqrt(x)


@elementwise(
    pullback=lambda g, y, x: g / (3 * y * y), latex=r"\sqrt[3]{{{x}}}", domain=(0.2, 3.0), monotone=1
)
def cbrt(x: Array) -> Array:
    """The cube root, entry by entry, of negative numbers too.

    >>> import tinygrad_edu as tg
    >>> round(tg.cbrt(tg.Tensor(-27.0)).item(), 12)
    -3.0
    """
    return np.cbrt(x)


def _slope_of_power(g: Array, y: Array, a: Array, b: Array) -> Array:
    # b a^(b-1), where b = 0 gives 0 without forming 0 * 0^-1.
    return g * b * np.power(a, np.where(np.equal(b, 0), 1.0, np.subtract(b, 1.0)))


def _slope_of_exponent(g: Array, y: Array, a: Array, b: Array) -> Array:
    # y ln a; at a = 0 the limit 0 for b > 0, and nan for a < 0, where it does not exist.
    return g * y * np.log(np.where(np.equal(a, 0), np.where(np.greater_equal(b, 0), 1.0, a), a))


@elementwise(
    pullback=(_slope_of_power, _slope_of_exponent), latex=r"{a}^{{{b}}}", label="**",
    domain=((0.5, 2.0), (-2.0, 2.0)), onnx="Pow",
    sign=infix("**", POWER, left=ATOM, right=SIGN, label="^", latex="^"),
)  # fmt: skip
def power(a: Array, b: Array) -> Array:
    """Power, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.power(tg.Tensor([1.0, 2.0]), 3).tolist()
    [1.0, 8.0]
    """
    return a**b


@elementwise(
    pullback=(_slope_of_power, _slope_of_exponent), latex=r"{a}^{{{b}}}", label="**",
    domain=((0.5, 2.0), (-2.0, 2.0)),
)  # fmt: skip
def float_power(a: Array, b: Array) -> Array:
    """Power in float64, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.float_power(tg.Tensor([2.0]), -1).tolist()
    [0.5]
    """
    return np.float_power(a, b)


@elementwise(
    pullback=(lambda g, y, a, b: g * 0.0, lambda g, y, a, b: g * 0.0),
    latex=r"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor", label="//", domain=((-2.0, 2.0), (0.5, 2.0)),
    sign=infix("//", PRODUCT, right=POWER), kink=lambda a, b: a / b - np.rint(a / b), rounding=0.0,
)  # fmt: skip
def floor_divide(a: Array, b: Array) -> Array:
    """The quotient rounded down, entry by entry. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> (tg.Tensor([5.5, -5.5]) // 2).tolist()
    [2.0, -3.0]
    """
    return np.floor_divide(a, b)


@elementwise(
    pullback=(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b)), latex=r"{a} \bmod {b}",
    label="%", domain=((-2.0, 2.0), (0.5, 2.0)), sign=infix("%", PRODUCT, right=POWER, latex=r"\bmod"),
    kink=lambda a, b: a / b - np.rint(a / b),
)  # fmt: skip
def remainder(a: Array, b: Array) -> Array:
    """a - b floor(a / b), of the sign of b, entry by entry; d/db = -floor(a / b).

    >>> import tinygrad_edu as tg
    >>> (tg.Tensor([5.5, -5.5]) % 2).tolist()
    [1.5, 0.5]
    """
    return np.remainder(a, b)


@elementwise(
    pullback=(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.trunc(a / b)),
    latex=r"\operatorname{{fmod}}({a}, {b})", label="fmod", domain=((-2.0, 2.0), (0.5, 2.0)),
    kink=lambda a, b: a / b - np.rint(a / b),
)  # fmt: skip
def fmod(a: Array, b: Array) -> Array:
    """a - b trunc(a / b), of the sign of a, entry by entry; d/db = -trunc(a / b).

    >>> import tinygrad_edu as tg
    >>> tg.fmod(tg.Tensor([5.5, -5.5]), 2).tolist()
    [1.5, -1.5]
    """
    return np.fmod(a, b)


@composed(samples=[Sample(((3, 4), (4,)), domain=((-2.0, 2.0), (0.5, 2.0)))])
def divmod(a: Array, b: Array) -> tuple[Array, Array]:
    """``floor_divide`` and ``remainder``.

    >>> import tinygrad_edu as tg
    >>> [part.item() for part in divmod(tg.Tensor(5.5), 2.0)]
    [2.0, 1.5]
    """
    return np.floor_divide(a, b), np.remainder(a, b)


@elementwise(
    pullback=(lambda g, y, a, b: np.ldexp(g, b), None), latex=r"{a} \cdot 2^{{{b}}}",
    samples=[Sample(((3, 4), (4,)), make=lambda rng: (rng.normal(size=(3, 4)), np.arange(4) - 1))],
    linear=((0,),), rounding=0.0,
)  # fmt: skip
def ldexp(a: Array, b: Array) -> Array:
    """a times 2 to the integer b, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.ldexp(tg.Tensor([1.5]), 2).tolist()
    [6.0]
    """
    return np.ldexp(a, b)
