"""Reductions in which a nan counts as missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, over_axes
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement import dtype_of
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


def _present(x: Array) -> Array:
    """Which entries are there; of integers, all."""
    return np.logical_not(np.isnan(x)) if dtype_of(x).kind == "f" else True


@composed(samples=[*over_axes(), *_GAPS])
def nansum(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Sum over axes in which a nan counts as 0.

    >>> import tinygrad_edu as tg
    >>> tg.nansum(tg.Tensor([1.0, float("nan"), 3.0])).item()
    4.0
    """
    return np.sum(x, axis=axis, keepdims=keepdims, where=_present(x))


@composed(samples=[*over_axes(), *_GAPS])
def nanprod(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Product over axes in which a nan counts as 1.

    >>> import tinygrad_edu as tg
    >>> tg.nanprod(tg.Tensor([2.0, float("nan"), 3.0])).item()
    6.0
    """
    return np.prod(x, axis=axis, keepdims=keepdims, where=_present(x))


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmean(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Mean over axes of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmean(tg.Tensor([1.0, float("nan"), 3.0])).item()
    2.0
    """
    return np.mean(x, axis=axis, keepdims=keepdims, where=_present(x))


@composed(samples=_SPREADS)
def nanvar(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Variance over axes of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanvar(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims, where=_present(x))


@composed(samples=[s for s in _SPREADS if s.shapes != ((),)])
def nanstd(x: Array, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Standard deviation over axes of the entries that are not nan; where those are equal its slope is 0.

    >>> import tinygrad_edu as tg
    >>> tg.nanstd(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims, where=_present(x))


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmax(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Largest entry over axes that is not nan; ties share the gradient. Where all are nan, nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmax(tg.Tensor([1.0, float("nan"), 3.0])).item()
    3.0
    """
    present = _present(x)
    if present is True:
        return np.max(x, axis=axis, keepdims=keepdims)
    y = np.max(x, axis=axis, keepdims=keepdims, initial=-np.inf, where=present)
    return np.where(np.any(present, axis=axis, keepdims=keepdims), y, np.nan)


@composed(samples=[*over_axes(empty=False), *_GAPS])
def nanmin(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Smallest entry over axes that is not nan; ties share the gradient. Where all are nan, nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmin(tg.Tensor([1.0, float("nan"), 3.0])).item()
    1.0
    """
    present = _present(x)
    if present is True:
        return np.min(x, axis=axis, keepdims=keepdims)
    y = np.min(x, axis=axis, keepdims=keepdims, initial=np.inf, where=present)
    return np.where(np.any(present, axis=axis, keepdims=keepdims), y, np.nan)
