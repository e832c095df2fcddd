"""Rounding and signs: steps, whose slope is 0 wherever they have one. At a jump it is 0 by convention."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.axes import along
from tinygrad_edu.core.kinds import composed, elementwise
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.elementwise.arithmetic import slope_of_absolute
from tinygrad_edu.ops.movement.shapes import astype, dtype_of

__all__ = [
    "ceil", "copysign", "fabs", "floor", "heaviside", "modf", "rint", "round", "sign", "trunc", "unwrap",
]  # fmt: skip

Array = Any


@elementwise(
    pullback=lambda g, y, x: g * 0.0, latex=r"\lfloor {x} \rfloor", onnx="Floor", monotone=1, rounding=0.0,
    kink=lambda x: x - np.rint(x),
)  # fmt: skip
def floor(x: Array) -> Array:
    """The largest integer not above, entry by entry. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.floor(tg.Tensor([1.5, -1.5])).tolist()
    [1.0, -2.0]
    """
    return np.floor(x)


@elementwise(
    pullback=lambda g, y, x: g * 0.0, latex=r"\lceil {x} \rceil", onnx="Ceil", monotone=1, rounding=0.0,
    kink=lambda x: x - np.rint(x),
)  # fmt: skip
def ceil(x: Array) -> Array:
    """The smallest integer not below, entry by entry. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.ceil(tg.Tensor([1.5, -1.5])).tolist()
    [2.0, -1.0]
    """
    return np.ceil(x)


@elementwise(
    pullback=lambda g, y, x: g * 0.0, latex=r"\operatorname{{trunc}}({x})", numpy=(np.trunc, np.fix),
    monotone=1, rounding=0.0, kink=lambda x: np.where(np.abs(x) < 0.5, 1.0, x - np.rint(x)),
)  # fmt: skip
def trunc(x: Array) -> Array:
    """The integer towards 0, entry by entry. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.trunc(tg.Tensor([1.5, -1.5])).tolist()
    [1.0, -1.0]
    """
    return np.trunc(x)


@elementwise(
    pullback=lambda g, y, x: g * 0.0, latex=r"\operatorname{{rint}}({x})", onnx="Round", monotone=1,
    rounding=0.0, kink=lambda x: x - np.floor(x) - 0.5,
)  # fmt: skip
def rint(x: Array) -> Array:
    """The nearest integer, entry by entry; from halfway to the even one. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.rint(tg.Tensor([1.6, 2.5])).tolist()
    [2.0, 2.0]
    """
    return np.rint(x)


@elementwise(
    pullback=lambda g, y, x, *, decimals=0: g * 0.0, latex=r"\operatorname{{round}}{settings}({x})",
    numpy=(np.round, np.around),
    samples=[Sample(((3, 4),)), Sample(((),)), Sample(((3, 4),), {"decimals": 1})], monotone=1,
    kink=lambda x, *, decimals=0: (x * 10.0**decimals - np.floor(x * 10.0**decimals) - 0.5) / 10.0**decimals,
)  # fmt: skip
def round(x: Array, *, decimals: int = 0) -> Array:
    """Rounded to so many decimals, entry by entry; from halfway to the even digit. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.round(tg.Tensor([1.26, 2.5]), 1).tolist()
    [1.3, 2.5]
    """
    return np.round(x, decimals)


@composed(samples=[Sample(((3, 4),)), Sample(((),))])
def modf(x: Array) -> tuple[Array, Array]:
    """The part after the point, and the integer before it, both of the sign of x.

    >>> import tinygrad_edu as tg
    >>> [part.item() for part in tg.modf(tg.Tensor(-1.5))]
    [-0.5, -1.0]
    """
    to = np.modf(np.zeros((), dtype_of(x)))[0].dtype
    x = x if dtype_of(x) == to else astype(x, dtype=to)
    whole = np.trunc(x)
    return x - whole, whole


@elementwise(
    pullback=lambda g, y, x: g * 0.0, latex=r"\operatorname{{sign}} {x}", domain=(0.5, 2.0), onnx="Sign",
    range=(-1.0, 1.0), monotone=1, rounding=0.0, kink=lambda x: x,
)  # fmt: skip
def sign(x: Array) -> Array:
    """The sign, entry by entry: -1, 0 or 1. Its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.sign(tg.Tensor([1.5, -2.0])).tolist()
    [1.0, -1.0]
    """
    return np.sign(x)


@elementwise(
    pullback=lambda g, y, x: g * slope_of_absolute(x), latex=r"\left|{x}\right|", label="|x|",
    range=(0.0, np.inf), rounding=0.0, kink=lambda x: x,
)  # fmt: skip
def fabs(x: Array) -> Array:
    """The absolute value as a float, entry by entry; its slope at 0 is 0.

    >>> import tinygrad_edu as tg
    >>> tg.fabs(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, 2.0]
    """
    return np.fabs(x)


@elementwise(
    pullback=(lambda g, y, a, b: g * slope_of_absolute(a) * np.copysign(1.0, b), lambda g, y, a, b: g * 0.0),
    latex=r"\operatorname{{copysign}}({a}, {b})", rounding=0.0,
    kink=lambda a, b: np.where(np.abs(a) < np.abs(b), a, b),
)  # fmt: skip
def copysign(a: Array, b: Array) -> Array:
    """The size of a with the sign of b, entry by entry. Its slope in b is 0.

    >>> import tinygrad_edu as tg
    >>> tg.copysign(tg.Tensor([1.0, -2.0]), -1.0).tolist()
    [-1.0, -2.0]
    """
    return np.copysign(a, b)


@elementwise(
    pullback=(lambda g, y, a, b: g * 0.0, lambda g, y, a, b: np.where(np.equal(a, 0), g, 0.0)),
    latex=r"\operatorname{{heaviside}}({a}, {b})", kink=lambda a, b: a, stops=True,
)  # fmt: skip
def heaviside(a: Array, b: Array) -> Array:
    """0 where a < 0, b where a = 0, 1 where a > 0, entry by entry. Its slope in a is 0.

    >>> import tinygrad_edu as tg
    >>> tg.heaviside(tg.Tensor([-1.0, 0.0, 1.0]), 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.heaviside(a, b)


@elementwise(
    axes=along(-1),
    pullback=lambda g, y, x, *, discont=None, axis=-1, period=2 * np.pi: g,
    latex=r"\operatorname{{unwrap}}({x})", opaque=True,
    samples=[Sample(((3, 4),), domain=((-6.0, 6.0),)), Sample(((4,),), {"period": 1.0, "axis": 0})],
    rounding=np.inf,
)  # fmt: skip
def unwrap(x: Array, *, discont: float | None = None, axis: int = -1, period: float = 2 * np.pi) -> Array:
    """Angles with whole periods added, so that neighbours along an axis are at most half a period apart.

    >>> import tinygrad_edu as tg
    >>> tg.unwrap(tg.Tensor([0.0, 0.75]), period=1.0).tolist()
    [0.0, -0.25]
    """
    return np.unwrap(x, discont=discont, axis=axis, period=period)
