"""Reductions in which a nan counts as missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, over_axes
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement import astype, dtype_of
from tinygrad_edu.ops.reduction import Axis

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


def _filled(x: Array, value: float) -> Array:
    return np.where(np.isnan(x), value, x)


def _number(x: Array, axis: Axis, keepdims: bool) -> Array:
    """How many entries each result is made from, in the dtype of x."""
    present = np.sum(np.logical_not(np.isnan(x)), axis=axis, keepdims=keepdims)
    return astype(present, dtype=dtype_of(x))


@composed(samples=[*over_axes(), *_GAPS])
def nansum(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Sum over axes in which a nan counts as 0.

    >>> import tinygrad_edu as tg
    >>> tg.nansum(tg.Tensor([1.0, float("nan"), 3.0])).item()
    4.0
    """
    return np.sum(_filled(x, 0.0), axis=axis, keepdims=keepdims)


@composed(samples=[*over_axes(), *_GAPS])
def nanprod(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Product over axes in which a nan counts as 1.

    >>> import tinygrad_edu as tg
    >>> tg.nanprod(tg.Tensor([2.0, float("nan"), 3.0])).item()
    6.0
    """
    return np.prod(_filled(x, 1.0), axis=axis, keepdims=keepdims)


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmean(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Mean over axes of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmean(tg.Tensor([1.0, float("nan"), 3.0])).item()
    2.0
    """
    return np.nansum(x, axis=axis, keepdims=keepdims) / _number(x, axis, keepdims)


@composed(samples=_SPREADS)
def nanvar(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Variance over axes of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanvar(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    away = _filled(x - np.nanmean(x, axis=axis, keepdims=True), 0.0)
    free = _number(x, axis, keepdims) - ddof
    return np.sum(np.square(away), axis=axis, keepdims=keepdims) / np.where(np.greater(free, 0), free, np.nan)


@composed(samples=[s for s in _SPREADS if s.shapes != ((),)])
def nanstd(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Standard deviation over axes of the entries that are not nan; where those are equal its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.nanstd(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    v = np.nanvar(x, axis=axis, ddof=ddof, keepdims=keepdims)
    flat = np.equal(v, 0)
    return np.where(flat, 0.0, np.sqrt(np.where(flat, 1.0, v)))


def _extreme(largest: bool, x: Array, axis: Axis, keepdims: bool) -> Array:
    reduce, beyond = (np.max, -np.inf) if largest else (np.min, np.inf)
    nothing = np.all(np.isnan(x), axis=axis, keepdims=keepdims)
    return np.where(nothing, np.nan, reduce(_filled(x, beyond), axis=axis, keepdims=keepdims))


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmax(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Largest entry over axes that is not nan; ties share the gradient. Where all are nan, nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmax(tg.Tensor([1.0, float("nan"), 3.0])).item()
    3.0
    """
    return _extreme(True, x, axis, keepdims)


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmin(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Smallest entry over axes that is not nan; ties share the gradient. Where all are nan, nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmin(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    return _extreme(False, x, axis, keepdims)
