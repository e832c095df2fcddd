"""Running sums and products along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import along
from tinygrad_edu.core.kinds import composed, operation
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import RECORD
from tinygrad_edu.ops.movement.shapes import array, astype, axis_of

__all__ = [
    "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "nancumprod", "nancumsum", "recurrence",
]  # fmt: skip

Array = Any
_ALONG = [
    Sample((shape,), {"axis": axis})
    for shape, axis in (((3, 4), 0), ((3, 4), -1), ((2, 3, 2), 1), ((5,), None), ((3, 2), None), ((0, 3), 0))
]
_WITH_ZEROS = Sample(((3, 4),), {"axis": 1}, make=lambda rng: (rng.normal(size=(3, 4)) * np.tri(3, 4, 1),))


def _line(x: Array, axis: int | None) -> tuple[Array, int]:
    """The array and the axis to run along; without an axis, the entries in one row."""
    return (np.reshape(x, (-1,)), 0) if axis is None or not x.ndim else (x, axis_of(x, axis))


def cut(x: Array, axis: int, start: int | None, stop: int | None = None) -> Array:
    """``x[start:stop]`` along an axis."""
    return array(x)[(slice(None),) * axis_of(x, axis) + (slice(start, stop),)]


def _delayed(x: Array, axis: int, first: float) -> Array:
    """Each entry one place on, and ``first`` at the beginning."""
    shape = list(x.shape)
    shape[axis] = min(1, shape[axis])
    return np.concatenate([np.full(shape, first, x.dtype), cut(x, axis, None, -1)], axis=axis)


def counted(name: str, x: Array, dtype: Any) -> Array:
    """Cast to the dtype in which NumPy adds it up."""
    if dtype is not None and np.dtype(dtype).kind == "b":
        raise TypeError(f"{name}: 'dtype' is not supported with bool, in which 1 + 1 is 1")
    return x if dtype is None else astype(x, dtype=dtype)


def _in_dtype(name: str) -> Callable[..., Array]:
    """NumPy's ``dtype``: operands are cast before they are added up, or multiplied."""

    def general(x: Array, *, axis: int | None = None, dtype: Any = None) -> Array:
        return RECORD[name](counted(name, x, dtype), axis=axis)

    return general


def _slope_of_sum(g: Array, y: Array, x: Array, *, axis: int | None = None) -> Array:
    g, along = _line(g, axis)
    return np.reshape(np.flip(np.cumsum(np.flip(g, along), axis=along), along), x.shape)


@operation(
    axes=along(None),
    kind="reduction", pullback=_slope_of_sum, latex=r"\operatorname{{cumsum}}{settings} {x}", onnx="CumSum",
    samples=_ALONG, monotone=1, linear=((0,),), general=_in_dtype("cumsum"),
)  # fmt: skip
def cumsum(x: Array, *, axis: int | None = None) -> Array:
    """Running sums along an axis, or without one, of all entries in a row.

    >>> import tinygrad_edu as tg
    >>> tg.cumsum(tg.Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    return np.cumsum(x, axis=axis)


def _from_the_end(a: Array, g: Array, axis: int) -> Array:
    """s_k = g_k + a_{k+1} s_{k+1}: the gradient of y_k in a recurrence, with that of later entries."""
    return np.flip(recurrence(_delayed(np.flip(a, axis), axis, 0.0), np.flip(g, axis), axis=axis), axis)


@operation(
    axes=along(-1),
    kind="reduction",
    pullback=(
        lambda g, y, a, b, *, axis=-1: _from_the_end(a, g, axis) * _delayed(y, axis, 0.0),
        lambda g, y, a, b, *, axis=-1: _from_the_end(a, g, axis),
    ),
    opaque=True, latex=r"\operatorname{{recurrence}}({a}, {b})",
    samples=[Sample(((3, 4), (3, 4)), {"axis": axis}) for axis in (0, -1)]
    + [Sample(((5,), (5,))), Sample(((0,), (0,)))],
    linear=((1,),), rounding=np.inf,
)  # fmt: skip
def recurrence(a: Array, b: Array, *, axis: int = -1) -> Array:
    """y_k = a_k y_{k-1} + b_k along an axis, starting from y = 0; a and b have one shape.

    Its rules are such recurrences again, run from the end. (Doubling would take fewer steps, but its products
    of many a overflow where the sums do not.)

    >>> import tinygrad_edu as tg
    >>> tg.recurrence(tg.Tensor([0.5, 0.5, 0.5]), [1.0, 1.0, 1.0]).tolist()
    [1.0, 1.5, 1.75]
    """
    a, y = np.moveaxis(np.asarray(a), axis, 0), np.moveaxis(np.array(b), axis, 0)
    for k in range(1, len(y)):
        y[k] += a[k] * y[k - 1]
    return np.moveaxis(y, 0, axis)


def _slope_of_cumprod(g: Array, y: Array, x: Array, *, axis: int | None = None) -> Array:
    # Σ_{k >= i} g_k Π_{j <= k, j != i} x_j: the product before i, times what those after it make of g.
    (rows, along), (g, _), (y, _) = _line(x, axis), _line(g, axis), _line(y, axis)
    return np.reshape(_delayed(y, along, 1.0) * _from_the_end(rows, g, along), x.shape)


@operation(
    axes=along(None),
    kind="reduction", pullback=_slope_of_cumprod, latex=r"\operatorname{{cumprod}}{settings} {x}",
    samples=[*_ALONG, _WITH_ZEROS], general=_in_dtype("cumprod"), rounding=np.inf,
)  # fmt: skip
def cumprod(x: Array, *, axis: int | None = None) -> Array:
    """Running products along an axis, or without one, of all entries in a row; exact with zeros among them.

    >>> import tinygrad_edu as tg
    >>> tg.cumprod(tg.Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 2.0, 6.0]
    """
    return np.cumprod(x, axis=axis)


def _running(name: str, x: Array, axis: int | None, dtype: Any, include_initial: bool, first: float) -> Array:
    x = counted(name, x, dtype)
    if axis is None and np.ndim(x) > 1:
        raise ValueError(f"{name}: expected an axis for an array of shape {np.shape(x)}, as NumPy does")
    along = -1 if axis is None else axis
    y = np.cumsum(x, axis=along) if first == 0 else np.cumprod(x, axis=along)
    if not include_initial:
        return y
    shape = list(np.shape(y))
    shape[along] = 1
    return np.concatenate([np.full(shape, first, y.dtype), y], axis=along)


_INITIAL = [
    Sample(((5,),)),
    Sample(((3, 4),), {"axis": 0}),
    Sample(((3, 4),), {"axis": -1, "include_initial": True}),
]


@composed(samples=_INITIAL)
def cumulative_sum(
    x: Array, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    """Running sums, the array standard's way: the axis may be left out of a vector only.

    Raises:
        ValueError: no axis given for more than one.

    >>> import tinygrad_edu as tg
    >>> tg.cumulative_sum(tg.Tensor([1.0, 2.0]), include_initial=True).tolist()
    [0.0, 1.0, 3.0]
    """
    return _running("cumulative_sum", x, axis, dtype, include_initial, 0.0)


@composed(samples=_INITIAL)
def cumulative_prod(
    x: Array, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    """Running products, the array standard's way: the axis may be left out of a vector only.

    Raises:
        ValueError: no axis given for more than one.

    >>> import tinygrad_edu as tg
    >>> tg.cumulative_prod(tg.Tensor([3.0, 2.0]), include_initial=True).tolist()
    [1.0, 3.0, 6.0]
    """
    return _running("cumulative_prod", x, axis, dtype, include_initial, 1.0)


_GAPS = Sample(
    ((3, 4),), {"axis": 1}, make=lambda rng: (np.where(np.eye(3, 4), np.nan, rng.normal(size=(3, 4))),)
)


@composed(samples=[*_ALONG, _GAPS])
def nancumsum(x: Array, axis: int | None = None, *, dtype: Any = None) -> Array:
    """Running sums in which a nan counts as 0.

    >>> import tinygrad_edu as tg
    >>> tg.nancumsum(tg.Tensor([1.0, float("nan"), 3.0])).tolist()
    [1.0, 1.0, 4.0]
    """
    return cumsum(np.where(np.isnan(x), 0, x), axis=axis, dtype=dtype)


@composed(samples=[*_ALONG, _GAPS])
def nancumprod(x: Array, axis: int | None = None, *, dtype: Any = None) -> Array:
    """Running products in which a nan counts as 1.

    >>> import tinygrad_edu as tg
    >>> tg.nancumprod(tg.Tensor([2.0, float("nan"), 3.0])).tolist()
    [2.0, 2.0, 6.0]
    """
    return cumprod(np.where(np.isnan(x), 1, x), axis=axis, dtype=dtype)
