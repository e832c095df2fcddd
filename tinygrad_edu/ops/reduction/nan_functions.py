"""Reductions in which a nan counts as missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, over_axes
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import dtype_of
from tinygrad_edu.ops.reduction.moments import std, var
from tinygrad_edu.ops.reduction.sums_and_extrema import Axis, max, mean, min, prod, sum  # noqa: A004

__all__ = ["nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]

Array = Any
_GAPS = [
    Sample(((3, 4),), s, make=lambda rng: (np.where(np.eye(3, 4), np.nan, rng.normal(size=(3, 4))),))
    for s in ({}, {"axis": 1}, {"axis": 0, "keepdims": True})
]
_SPREADS = [
    *over_axes({"ddof": 1}, {"axis": 0, "ddof": 1, "keepdims": True}, empty=False),
    *(Sample(s.shapes, {**s.settings, "ddof": 1}, make=s.make) for s in _GAPS),
]


def _present(x: Array, where: Array = True) -> Array:
    """Which entries are there, of those that were chosen; of integers, all."""
    if dtype_of(x).kind != "f":
        return where
    present = np.logical_not(np.isnan(x))
    return present if where is True else np.logical_and(present, where)


@composed(samples=[*over_axes(), *_GAPS])
def nansum(
    x: Array,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Array = None,
    where: Array = True,
) -> Array:
    """Sum over axes in which a nan counts as 0.

    >>> import tinygrad_edu as tg
    >>> tg.nansum(tg.Tensor([1.0, float("nan"), 3.0])).item()
    4.0
    """
    return sum(x, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=_present(x, where))


@composed(samples=[*over_axes(), *_GAPS])
def nanprod(
    x: Array,
    axis: Axis = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Array = None,
    where: Array = True,
) -> Array:
    """Product over axes in which a nan counts as 1.

    >>> import tinygrad_edu as tg
    >>> tg.nanprod(tg.Tensor([2.0, float("nan"), 3.0])).item()
    6.0
    """
    return prod(x, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=_present(x, where))


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmean(
    x: Array, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False, where: Array = True
) -> Array:
    """Mean over axes of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmean(tg.Tensor([1.0, float("nan"), 3.0])).item()
    2.0
    """
    axis = None if np.ndim(x) == 0 and axis in (0, -1) else axis  # as NumPy, which sums first
    return mean(x, axis=axis, dtype=dtype, keepdims=keepdims, where=_present(x, where))


@composed(samples=_SPREADS)
def nanvar(
    x: Array,
    axis: Axis = None,
    *,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Array = True,
    correction: float | None = None,
) -> Array:
    """Variance over axes of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanvar(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    chosen = _present(x, where)
    return var(x, axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=chosen, correction=correction)


@composed(samples=[s for s in _SPREADS if s.shapes != ((),)])
def nanstd(
    x: Array,
    axis: Axis = None,
    *,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Array = True,
    correction: float | None = None,
) -> Array:
    """Standard deviation over axes of the entries that are not nan; where those are equal its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.nanstd(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    chosen = _present(x, where)
    return std(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=chosen, correction=correction)


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmax(
    x: Array, axis: Axis = None, *, keepdims: bool = False, initial: Array = None, where: Array = True
) -> Array:
    """Largest entry over axes that is not nan; ties share the gradient. Where all are nan, nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmax(tg.Tensor([1.0, float("nan"), 3.0])).item()
    3.0
    """
    return _extreme_of_those(max, -np.inf, x, axis, keepdims, initial, where)


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmin(
    x: Array, axis: Axis = None, *, keepdims: bool = False, initial: Array = None, where: Array = True
) -> Array:
    """Smallest entry over axes that is not nan; ties share the gradient. Where all are nan, nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmin(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    return _extreme_of_those(min, np.inf, x, axis, keepdims, initial, where)


def _extreme_of_those(
    extreme: Callable[..., Array],
    nothing: float,
    x: Array,
    axis: Axis,
    keepdims: bool,
    initial: Array,
    where: Array,
) -> Array:
    """The extreme of the entries that are there; where none is, the initial value, or nan without one."""
    present = _present(x, where)
    if present is True or initial is not None:
        return extreme(x, axis=axis, keepdims=keepdims, initial=initial, where=present)
    if where is not True:
        raise ValueError("where= needs initial=, for the places where nothing is chosen")
    y = extreme(x, axis=axis, keepdims=keepdims, initial=nothing, where=present)
    return np.where(np.any(present, axis=axis, keepdims=keepdims), y, np.nan)
