"""Weighted means, variance, standard deviation, covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, over_axes, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.ops.elementwise.arithmetic import slope_of_absolute
from tinygrad_edu.ops.movement.shapes import astype, dtype_of
from tinygrad_edu.ops.reduction.sums_and_extrema import (
    Axis,
    axes_of,
    count,
    expanded,
    float_dtype,
    number,
    wide,
)

__all__ = ["average", "corrcoef", "cov", "std", "var"]

Array = Any
_SPREADS = over_axes({"ddof": 1}, {"axis": 0, "ddof": 1, "keepdims": True}, empty=False)


@composed(samples=_SPREADS)
def var(
    x: Array,
    axis: Axis = None,
    *,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Array = True,
    mean: Array = None,
    correction: float | None = None,
) -> Array:
    """The mean square distance from the mean over axes: the sum, divided by n - ddof.

    ``where`` chooses entries, ``mean`` spares computing it, ``correction`` is another name of ``ddof``.

    Raises:
        ValueError: both ddof and correction.

    >>> import tinygrad_edu as tg
    >>> tg.var(tg.Tensor([1.0, 3.0])).item()
    1.0
    """
    away, free, to = _distances("var", x, axis, dtype, ddof, keepdims, where, mean, correction)
    v = np.sum(np.square(away), axis=axis, keepdims=keepdims) / free
    return v if dtype_of(v) == to else astype(v, dtype=to)


def _distances(
    name: str,
    x: Array,
    axis: Axis,
    dtype: Any,
    ddof: float,
    keepdims: bool,
    where: Array,
    mean: Array,
    correction: float | None,
) -> tuple[Array, Array, Any]:
    """How far the entries are from their mean, by what their squares are divided, and the result's dtype."""
    to = float_dtype(name, x, dtype)
    if correction is not None:
        if ddof:
            raise ValueError(f"{name}: ddof and correction are one setting; give one of them")
        ddof = correction
    if mean is not None and dtype is None:
        to = np.result_type(to, mean if np.isscalar(mean) else dtype_of(mean))
    (x,) = wide(x)
    away = x - (np.mean(x, axis=axis, keepdims=True, where=where) if mean is None else mean)
    away = away if where is True else np.where(where, away, 0.0)
    free = number(x, axis, keepdims, where) - ddof
    return away, max(free, 0) if where is True else np.maximum(free, 0), to


def _std_of_some(
    x: Array,
    *,
    axis: Axis = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Array = True,
    mean: Array = None,
    correction: float | None = None,
) -> Array:
    # A length has a kink at 0 and says so; the root of the variance would have to be kept from it.
    away, free, to = _distances("std", x, axis, dtype, ddof, keepdims, where, mean, correction)
    length: Array = np.linalg.vector_norm(away, axis=axis, keepdims=keepdims)  # type: ignore[arg-type]
    y = length / np.sqrt(free)
    return y if dtype_of(y) == to else astype(y, dtype=to)


def _slope_of_std(
    g: Array, y: Array, x: Array, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    g, y, x = wide(g, y, x)
    away = x - np.mean(x, axis=axis, keepdims=True)
    size = expanded(np.where(np.equal(y, 0), 1.0, y), x, axis, keepdims) * max(count(x, axis) - ddof, 0)
    g = g * slope_of_absolute(y)  # times 1, or 0 where all are equal and the slope has no slope
    return expanded(g, x, axis, keepdims) * away / size


@reduction(
    pullback=_slope_of_std, general=_std_of_some, latex=r"\operatorname{{std}}{settings} {x}",
    samples=[s for s in _SPREADS if s.shapes != ((),)], range=(0.0, np.inf), rounding=np.inf,
)  # fmt: skip
def std(x: Array, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Array:
    """The square root of the variance over axes; where all entries are equal, its slope is 0.

    ``where`` chooses entries.

    >>> import tinygrad_edu as tg
    >>> tg.std(tg.Tensor([1.0, 3.0])).item()
    1.0
    """
    y = np.std(wide(x)[0], axis=axis, ddof=ddof, keepdims=keepdims)
    return y.astype(float_dtype("std", x, None))


@composed(
    samples=[
        *over_axes(empty=False),
        Sample(((3, 4), (4,)), domain=((-2.0, 2.0), (0.5, 1.0)), arrange=lambda x, w: (x, 1, w)),
        Sample(
            ((3, 4), (3, 4)), {"keepdims": True}, ((-2.0, 2.0), (0.5, 1.0)), arrange=lambda x, w: (x, 0, w)
        ),
        Sample(((3, 4),), {"axis": 0, "weights": np.array([1.0, 2.0, 0.5])}),
        Sample(((3, 4),), {"weights": np.arange(1.0, 13.0).reshape(3, 4), "returned": True}),
    ]
)
def average(
    x: Array, axis: Axis = None, weights: Array = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """The mean over axes, weighted where ``weights`` are given: of the shape of x, or of the axis alone.

    With ``returned`` also the sum of the weights.

    Raises:
        ValueError: weights whose shape is neither that of x nor that of the axes.
        ZeroDivisionError: weights that sum to 0.

    >>> import tinygrad_edu as tg
    >>> tg.average(tg.Tensor([1.0, 4.0]), weights=[1.0, 2.0]).item()
    3.0
    """
    if weights is None:
        y = np.mean(x, axis=axis, keepdims=keepdims)
        return (y, np.full(np.shape(y), count(x, axis), dtype_of(y))) if returned else y
    if np.shape(weights) != np.shape(x):
        expected = tuple(np.shape(x)[a] for a in axes_of(x, axis))
        if axis is None or np.shape(weights) != expected:
            raise ValueError(
                f"average: expected weights of shape {np.shape(x)}, or along the axes {expected}, "
                f"got {np.shape(weights)}"
            )
        taken = axes_of(x, axis)
        weights = np.reshape(weights, tuple(n if a in taken else 1 for a, n in enumerate(np.shape(x))))
    total = np.sum(np.broadcast_to(weights, np.shape(x)), axis=axis, keepdims=keepdims)
    if type(total) is not Symbol and not np.all(total):
        raise ZeroDivisionError("average: the weights sum to 0, and nothing can be divided by that")
    y = np.sum(np.multiply(x, weights), axis=axis, keepdims=keepdims) / total
    return (y, astype(total, dtype=dtype_of(y))) if returned else y


@composed(
    samples=[
        Sample(((3, 5),)),
        Sample(((5, 3),), {"rowvar": False, "bias": True}),
        Sample(((4,), (4,))),
        Sample(((4,),)),
    ]
)
def cov(m: Array, y: Array = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Array:
    """The covariances of variables, which stand in rows (``rowvar=False``: in columns).

    >>> import tinygrad_edu as tg
    >>> tg.cov(tg.Tensor([1.0, 3.0])).item()
    2.0
    """
    rows = _variables(m, rowvar)
    if y is not None:
        rows = np.concatenate([rows, _variables(y, rowvar)], axis=0)
    away = rows - np.mean(rows, axis=1, keepdims=True)
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: expected a whole number as ddof, got {ddof!r}")
    free = np.shape(rows)[1] - (int(bias == 0) if ddof is None else ddof)
    return np.squeeze(away @ np.matrix_transpose(away) / max(free, 0))


def _variables(m: Array, rowvar: bool) -> Array:
    if np.ndim(m) > 2:
        raise ValueError(
            f"cov: expected at most two axes, variables and observations, got shape {np.shape(m)}"
        )
    m = np.atleast_2d(astype(m, dtype=np.float64))  # as NumPy: covariances are computed in float64
    return m if rowvar or np.shape(m)[0] == 1 else np.matrix_transpose(m)


@composed(
    samples=[Sample(((3, 5),)), Sample(((5, 3),), {"rowvar": False}), Sample(((4,), (4,))), Sample(((4,),))]
)
def corrcoef(x: Array, y: Array = None, rowvar: bool = True) -> Array:
    """The correlations of variables, which stand in rows: covariances over both standard deviations.

    >>> import tinygrad_edu as tg
    >>> tg.corrcoef(tg.Tensor([[1.0, 3.0], [2.0, 1.0]])).round(3).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    c = np.cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    size = np.sqrt(np.diagonal(c))
    return c / np.expand_dims(size, 1) / size
