"""Exponentials and logarithms to every base, and the hyperbolic functions that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import elementwise

__all__ = [
    "arccosh",
    "arcsinh",
    "arctanh",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "sinh",
    "tanh",
]  # fmt: skip

Array = Any
LN2, LN10 = float(np.log(2)), float(np.log(10))


@elementwise(
    pullback=lambda g, y, x: g * y, latex=r"e^{{{x}}}", onnx="Exp", range=(0.0, np.inf), inverse="log",
    monotone=1,
)  # fmt: skip
def exp(x: Array) -> Array:
    """The exponential, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.exp(tg.Tensor(0.0)).item()
    1.0
    """
    return np.exp(x)


@elementwise(
    pullback=lambda g, y, x: g * y * LN2, latex=r"2^{{{x}}}", range=(0.0, np.inf), inverse="log2", monotone=1
)
def exp2(x: Array) -> Array:
    """2 to the power x, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.exp2(tg.Tensor(3.0)).item()
    8.0
    """
    return np.exp2(x)


@elementwise(
    pullback=lambda g, y, x: g * (y + 1), latex=r"(e^{{{x}}} - 1)", range=(-1.0, np.inf), inverse="log1p",
    monotone=1,
)  # fmt: skip
def expm1(x: Array) -> Array:
    """e to the x, less 1: exact for small x, where ``exp(x) - 1`` would lose all digits.

    >>> import tinygrad_edu as tg
    >>> tg.expm1(tg.Tensor(1e-20)).item()
    1e-20
    """
    return np.expm1(x)


@elementwise(
    pullback=lambda g, y, x: g / x, latex=r"\log {x}", domain=(0.2, 3.0), onnx="Log", inverse="exp",
    monotone=1,
)  # fmt: skip
def log(x: Array) -> Array:
    """The natural logarithm, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.log(tg.Tensor(1.0)).item()
    0.0
    """
    return np.log(x)


@elementwise(
    pullback=lambda g, y, x: g / (x * LN2), latex=r"\log_2 {x}", domain=(0.2, 3.0), inverse="exp2", monotone=1
)
def log2(x: Array) -> Array:
    """The logarithm to base 2, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.log2(tg.Tensor(8.0)).item()
    3.0
    """
    return np.log2(x)


@elementwise(pullback=lambda g, y, x: g / (x * LN10), latex=r"\log_{{10}} {x}", domain=(0.2, 3.0), monotone=1)
def log10(x: Array) -> Array:
    """The logarithm to base 10, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.log10(tg.Tensor(100.0)).item()
    2.0
    """
    return np.log10(x)


@elementwise(
    pullback=lambda g, y, x: g / (1 + x), latex=r"\log(1 + {x})", domain=(-0.5, 3.0), inverse="expm1",
    monotone=1,
)  # fmt: skip
def log1p(x: Array) -> Array:
    """log(1 + x), entry by entry: exact for small x.

    >>> import tinygrad_edu as tg
    >>> tg.log1p(tg.Tensor(1e-20)).item()
    1e-20
    """
    return np.log1p(x)


@elementwise(
    pullback=(lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y)),
    latex=r"\log(e^{{{a}}} + e^{{{b}}})", monotone=1, commutative=True, associative=True, rounding=np.inf,
)  # fmt: skip
def logaddexp(a: Array, b: Array) -> Array:
    """log(e^a + e^b), entry by entry, without overflow.

    >>> import tinygrad_edu as tg
    >>> tg.logaddexp(tg.Tensor(1000.0), -1000.0).item()
    1000.0
    """
    return np.logaddexp(a, b)


@elementwise(
    pullback=(lambda g, y, a, b: g * np.exp2(a - y), lambda g, y, a, b: g * np.exp2(b - y)),
    latex=r"\log_2(2^{{{a}}} + 2^{{{b}}})", monotone=1, commutative=True, associative=True, rounding=np.inf,
)  # fmt: skip
def logaddexp2(a: Array, b: Array) -> Array:
    """log₂(2^a + 2^b), entry by entry, without overflow.

    >>> import tinygrad_edu as tg
    >>> tg.logaddexp2(tg.Tensor(3.0), 3.0).item()
    4.0
    """
    return np.logaddexp2(a, b)


@elementwise(
    pullback=lambda g, y, x: g * np.cosh(x), latex=r"\sinh {x}", inverse="arcsinh", monotone=1, onnx="Sinh"
)
def sinh(x: Array) -> Array:
    """The hyperbolic sine, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.sinh(tg.Tensor(0.0)).item()
    0.0
    """
    return np.sinh(x)


@elementwise(pullback=lambda g, y, x: g * np.sinh(x), latex=r"\cosh {x}", range=(1.0, np.inf), onnx="Cosh")
def cosh(x: Array) -> Array:
    """The hyperbolic cosine, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.cosh(tg.Tensor(0.0)).item()
    1.0
    """
    return np.cosh(x)


@elementwise(
    pullback=lambda g, y, x: g * (1 - y * y), latex=r"\tanh {x}", onnx="Tanh", range=(-1.0, 1.0),
    inverse="arctanh", monotone=1,
)  # fmt: skip
def tanh(x: Array) -> Array:
    """The hyperbolic tangent, entry by entry; tanh' = 1 - tanh² (formula A2 of the course).

    >>> import tinygrad_edu as tg
    >>> tg.tanh(tg.Tensor(0.0)).item()
    0.0
    """
    return np.tanh(x)


@elementwise(
    pullback=lambda g, y, x: g / np.sqrt(x * x + 1), latex=r"\operatorname{{arsinh}} {x}", inverse="sinh",
    monotone=1, onnx="Asinh",
)  # fmt: skip
def arcsinh(x: Array) -> Array:
    """The inverse of sinh, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arcsinh(tg.Tensor(0.0)).item()
    0.0
    """
    return np.arcsinh(x)


@elementwise(
    pullback=lambda g, y, x: g / np.sqrt((x - 1) * (x + 1)), latex=r"\operatorname{{arcosh}} {x}",
    domain=(1.2, 3.0), range=(0.0, np.inf), inverse="cosh", monotone=1, onnx="Acosh",
)  # fmt: skip
def arccosh(x: Array) -> Array:
    """The inverse of cosh on x >= 1, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arccosh(tg.Tensor(1.0)).item()
    0.0
    """
    return np.arccosh(x)


@elementwise(
    pullback=lambda g, y, x: g / ((1 - x) * (1 + x)), latex=r"\operatorname{{artanh}} {x}",
    domain=(-0.9, 0.9), inverse="tanh", monotone=1, onnx="Atanh",
)  # fmt: skip
def arctanh(x: Array) -> Array:
    """The inverse of tanh on (-1, 1), entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arctanh(tg.Tensor(0.0)).item()
    0.0
    """
    return np.arctanh(x)
