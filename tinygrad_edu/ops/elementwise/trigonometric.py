"""Trigonometry: the circular functions and their inverses, lengths, angles, and sinc."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import elementwise
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.elementwise.arithmetic import slope_of_absolute

__all__ = [
    "arccos", "arcsin", "arctan", "arctan2", "cos", "deg2rad", "derivative_of_sinc", "hypot", "rad2deg",
    "sin", "sinc", "tan",
]  # fmt: skip

Array = Any
PI = float(np.pi)


@elementwise(pullback=lambda g, y, x: g * np.cos(x), latex=r"\sin {x}", onnx="Sin", range=(-1.0, 1.0))
def sin(x: Array) -> Array:
    """The sine of angles in radians, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.sin(tg.Tensor(0.0)).item()
    0.0
    """
    return np.sin(x)


@elementwise(pullback=lambda g, y, x: -g * np.sin(x), latex=r"\cos {x}", onnx="Cos", range=(-1.0, 1.0))
def cos(x: Array) -> Array:
    """The cosine of angles in radians, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.cos(tg.Tensor(0.0)).item()
    1.0
    """
    return np.cos(x)


@elementwise(pullback=lambda g, y, x: g * (1 + y * y), latex=r"\tan {x}", domain=(-1.2, 1.2), onnx="Tan")
def tan(x: Array) -> Array:
    """The tangent of angles in radians, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.tan(tg.Tensor(0.0)).item()
    0.0
    """
    return np.tan(x)


@elementwise(
    pullback=lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)), latex=r"\arcsin {x}", domain=(-0.9, 0.9),
    onnx="Asin", range=(-np.pi / 2, np.pi / 2), inverse="sin", monotone=1,
)  # fmt: skip
def arcsin(x: Array) -> Array:
    """The inverse of the sine on [-1, 1], entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arcsin(tg.Tensor(0.0)).item()
    0.0
    """
    return np.arcsin(x)


@elementwise(
    pullback=lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)), latex=r"\arccos {x}", domain=(-0.9, 0.9),
    onnx="Acos", range=(0.0, np.pi), inverse="cos", monotone=-1,
)  # fmt: skip
def arccos(x: Array) -> Array:
    """The inverse of the cosine on [-1, 1], entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arccos(tg.Tensor(1.0)).item()
    0.0
    """
    return np.arccos(x)


@elementwise(
    pullback=lambda g, y, x: g / (1 + x * x), latex=r"\arctan {x}", onnx="Atan",
    range=(-np.pi / 2, np.pi / 2), inverse="tan", monotone=1,
)  # fmt: skip
def arctan(x: Array) -> Array:
    """The inverse of the tangent, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arctan(tg.Tensor(0.0)).item()
    0.0
    """
    return np.arctan(x)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * b / (1.0 * a * a + 1.0 * b * b),
        lambda g, y, a, b: -g * a / (1.0 * a * a + 1.0 * b * b),
    ),
    latex=r"\operatorname{{arctan2}}({a}, {b})", domain=((0.2, 2.0), (-2.0, 2.0)), range=(-np.pi, np.pi),
)  # fmt: skip
def arctan2(a: Array, b: Array) -> Array:
    """The angle of the point with height a and abscissa b, in (-π, π], entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.arctan2(tg.Tensor(0.0), 1.0).item()
    0.0
    """
    return np.arctan2(a, b)


def _of_length(a: Array, y: Array) -> Array:
    """a / y, and 0 where the length y is 0; the factor of 1 makes the slope of that nan there."""
    return slope_of_absolute(y) * a / np.where(np.equal(y, 0), 1.0, y)


@elementwise(
    pullback=(lambda g, y, a, b: g * _of_length(a, y), lambda g, y, a, b: g * _of_length(b, y)),
    latex=r"\sqrt{{{a}^2 + {b}^2}}", domain=((0.5, 2.0), (-2.0, 2.0)), range=(0.0, np.inf),
    commutative=True, associative=True,
)  # fmt: skip
def hypot(a: Array, b: Array) -> Array:
    """The length √(a² + b²) without overflow, entry by entry; its slope at (0, 0) is 0.

    >>> import tinygrad_edu as tg
    >>> tg.hypot(tg.Tensor(3.0), 4.0).item()
    5.0
    """
    return np.hypot(a, b)


@elementwise(
    pullback=lambda g, y, x: g * (PI / 180), latex=r"{x} \cdot \frac{{\pi}}{{180}}",
    numpy=(np.deg2rad, np.radians), inverse="rad2deg", linear=((0,),), monotone=1,
)  # fmt: skip
def deg2rad(x: Array) -> Array:
    """Degrees to radians, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.deg2rad(tg.Tensor(0.0)).item()
    0.0
    """
    return np.deg2rad(x)


@elementwise(
    pullback=lambda g, y, x: g * (180 / PI), latex=r"{x} \cdot \frac{{180}}{{\pi}}",
    numpy=(np.rad2deg, np.degrees), inverse="deg2rad", linear=((0,),), monotone=1,
)  # fmt: skip
def rad2deg(x: Array) -> Array:
    """Radians to degrees, entry by entry.

    >>> import tinygrad_edu as tg
    >>> tg.rad2deg(tg.Tensor(0.0)).item()
    0.0
    """
    return np.rad2deg(x)


def _next_order(g: Array, y: Array, x: Array, *, order: int) -> Array:
    return g * derivative_of_sinc(x, order=order + 1)


@elementwise(
    pullback=_next_order, latex=r"\operatorname{{sinc}}^{{({order})}}({x})", opaque=True,
    samples=[Sample(((4,),), {"order": n}, ((-d, d),)) for n in (1, 2, 3) for d in (1e-3, 3.0)],
)  # fmt: skip
def derivative_of_sinc(x: Array, *, order: int) -> Array:
    """The derivative of sin(πx) / (πx) of that order, exact at and near 0.

    Differentiating x f(x) = sin(πx)/π n times gives x fₙ + n fₙ₋₁ = πⁿ⁻¹ sin(πx + nπ/2). Near 0, where
    that divides small by small, it is the power series of f, differentiated term by term.

    >>> import tinygrad_edu as tg
    >>> round(tg.derivative_of_sinc(tg.Tensor(0.0), order=2).item(), 3)  # -π²/3
    -3.29
    """
    x = np.asarray(x)
    wide = x.astype(np.float64)
    near = np.abs(wide) < 1 + order / 4
    away = np.where(near, 1.0, wide)
    far = np.sinc(away)
    for n in range(1, order + 1):
        far = (np.pi ** (n - 1) * np.sin(np.pi * away + n * np.pi / 2) - n * far) / away
    small = np.where(near, wide, 0.0)
    series = np.zeros_like(wide)
    for k in range((order + 1) // 2, order + 20):
        p = 2 * k
        series += (-1) ** k * np.pi**p / ((p + 1) * math.factorial(p - order)) * small ** (p - order)
    return np.where(near, series, far).astype(x.dtype)[()]


@elementwise(
    pullback=lambda g, y, x: g * derivative_of_sinc(x, order=1), latex=r"\operatorname{{sinc}}({x})",
    samples=[
        Sample((shape,), domain=(d,)) for shape, d in (((3, 4), (-2, 2)), ((), (-1e-3, 1e-3)), ((5,), (2, 9)))
    ],
    rounding=np.inf,
)  # fmt: skip
def sinc(x: Array) -> Array:
    """sin(πx) / (πx), and 1 at 0: https://numpy.org/doc/stable/reference/generated/numpy.sinc.html.

    >>> import tinygrad_edu as tg
    >>> tg.sinc(tg.Tensor([0.0, 0.5])).data.round(3).tolist()
    [1.0, 0.637]
    """
    return np.sinc(x)
