"""Medians and quantiles, which pick from the sorted entries, and interpolation between samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, over_axes
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.along_axis.sorting import searchsorted
from tinygrad_edu.ops.movement.shapes import astype, dtype_of
from tinygrad_edu.ops.reduction.sums_and_extrema import Axis, axes_of, gathered

__all__ = ["interp", "median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

Array = Any
METHODS: dict[str, Callable[[Array], tuple[Array, Array, Array | None]]] = {
    "linear": lambda place: (np.floor(place), np.ceil(place), place - np.floor(place)),
    "lower": lambda place: (np.floor(place), np.floor(place), None),
    "higher": lambda place: (np.ceil(place), np.ceil(place), None),
    "midpoint": lambda place: (np.floor(place), np.ceil(place), 0.5 + 0.0 * place),
    "nearest": lambda place: (np.rint(place), np.rint(place), None),
}
"""The two sorted entries on either side of a place between them, and how far it is on."""


def _picked(rows: Array, n: Array, q: float, method: str, dtype: Any) -> Array:
    """The q-quantile of each row of n sorted entries; what is nan has been sorted behind them."""
    low, high, share = METHODS[method](np.maximum(q * (n - 1), 0.0))
    below, above = (
        np.take_along_axis(rows, np.expand_dims(astype(place, dtype=np.intp), -1), axis=-1)[..., 0]
        for place in (low, high)
    )
    if share is None:
        return below
    below, above = (v if dtype_of(v) == dtype else astype(v, dtype=dtype) for v in (below, above))
    return below + astype(share, dtype=dtype) * (above - below)


def _precision(x: Array, q: Any, method: str, whole: float) -> Any:
    """NumPy's dtype of the result: between entries that of x and q, where a Python number has none."""
    if method not in ("linear", "midpoint"):
        return dtype_of(x)
    if dtype_of(x).kind == "f" and type(q) in (int, float):
        return dtype_of(x)
    share = np.asarray(q)
    return np.result_type(dtype_of(x), share if whole == 1 or share.dtype.kind == "f" else np.float64)


def _quantile(
    name: str, x: Array, q: Any, axis: Axis, method: str, keepdims: bool, *, gaps: bool, whole: float = 1.0
) -> Array:
    shares = np.asarray(q, dtype=float) / whole
    if method not in METHODS:
        raise ValueError(f"{name}: expected a method of {tuple(METHODS)}, got {method!r}")
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(f"{name}: expected q within 0 and {whole:g}, got {q}")
    if dtype_of(x).kind == "b":
        if name not in ("median", "nanmedian"):
            raise TypeError(f"{name}: expected numbers, got booleans; cast them with x.astype(float)")
        x = astype(x, dtype=float)
    rows = np.sort(gathered(x, axis), axis=-1)
    if np.shape(rows)[-1] == 0:
        raise ValueError(f"{name}: expected at least one entry to choose from, got shape {np.shape(x)}")
    missing = np.isnan(rows)
    n = np.sum(np.logical_not(missing), axis=-1) if gaps else np.full(np.shape(rows)[:-1], np.shape(rows)[-1])
    dtype = _precision(x, q, method, whole)
    parts = [_picked(rows, n, share, method, dtype) for share in shares.ravel().tolist()]
    if not gaps and dtype_of(x).kind == "f":  # one nan makes the result nan, as in NumPy
        parts = [np.where(missing[..., -1], np.nan, part) for part in parts]
    if keepdims:
        kept = tuple(1 if a in axes_of(x, axis) else size for a, size in enumerate(np.shape(x)))
        parts = [np.reshape(part, kept) for part in parts]
    return np.reshape(np.stack(parts), shares.shape + np.shape(parts[0])) if shares.ndim else parts[0]


_GAPS = Sample(
    ((3, 4),), {"axis": 1}, make=lambda rng: (np.where(np.eye(3, 4), np.nan, rng.normal(size=(3, 4))),)
)
_SHARES = [
    Sample(((3, 4),), {"q": 0.3}),
    Sample(((3, 4),), {"q": 0.5, "axis": 0, "keepdims": True}),
    Sample(((2, 3, 4),), {"q": [0.1, 0.9], "axis": (0, 2)}),
    *(Sample(((6,),), {"q": 0.33, "method": method}) for method in METHODS),
]


def _in_percent(samples: list[Sample]) -> list[Sample]:
    return [Sample(s.shapes, {**s.settings, "q": 100 * np.asarray(s.settings["q"])}) for s in samples]


@composed(samples=_SHARES)
def quantile(x: Array, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """The value below which the share q of the entries lies.

    Methods: linear, lower, higher, midpoint, nearest. Of several shares, their axes come first.
    Source: R. Hyndman, Y. Fan, *Sample quantiles in statistical packages*, The American Statistician 50,
    1996, method 7.

    Raises:
        ValueError: q outside 0 to 1, another method, or nothing to choose from.

    >>> import tinygrad_edu as tg
    >>> tg.quantile(tg.Tensor([1.0, 2.0, 4.0]), 0.75).item()
    3.0
    """
    return _quantile("quantile", x, q, axis, method, keepdims, gaps=False)


@composed(samples=_in_percent(_SHARES))
def percentile(
    x: Array, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """:func:`quantile` of shares in percent.

    Raises:
        ValueError: q outside 0 to 100, another method, or nothing to choose from.

    >>> import tinygrad_edu as tg
    >>> tg.percentile(tg.Tensor([1.0, 2.0, 4.0]), 75).item()
    3.0
    """
    return _quantile("percentile", x, q, axis, method, keepdims, gaps=False, whole=100)


@composed(samples=over_axes(empty=False))
def median(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The entry in the middle of the sorted ones over axes, or the mean of the two.

    >>> import tinygrad_edu as tg
    >>> tg.median(tg.Tensor([1.0, 2.0, 4.0])).item()
    2.0
    """
    return _quantile("median", x, 0.5, axis, "linear", keepdims, gaps=False)


@composed(samples=[*_SHARES, Sample(_GAPS.shapes, {"q": [0.2, 0.7], "axis": 1}, make=_GAPS.make)])
def nanquantile(
    x: Array, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """:func:`quantile` of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanquantile(tg.Tensor([1.0, float("nan"), 2.0, 4.0]), 0.75).item()
    3.0
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, gaps=True)


@composed(samples=[*_in_percent(_SHARES), Sample(_GAPS.shapes, {"q": 30.0, "axis": 1}, make=_GAPS.make)])
def nanpercentile(
    x: Array, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Array:
    """:func:`percentile` of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanpercentile(tg.Tensor([1.0, float("nan"), 2.0, 4.0]), 75).item()
    3.0
    """
    return _quantile("nanpercentile", x, q, axis, method, keepdims, gaps=True, whole=100)


@composed(samples=[*over_axes(empty=False), _GAPS])
def nanmedian(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """:func:`median` of the entries that are not nan.

    >>> import tinygrad_edu as tg
    >>> tg.nanmedian(tg.Tensor([1.0, float("nan"), 4.0])).item()
    2.5
    """
    return _quantile("nanmedian", x, 0.5, axis, "linear", keepdims, gaps=True)


def _grid(n: int, lo: float = 0.5, hi: float = 1.0) -> Callable[[np.random.Generator], Array]:
    return lambda rng: np.cumsum(rng.uniform(lo, hi, n))


@composed(
    samples=[
        Sample(
            ((3, 2), (4,), (4,)),
            make=lambda rng: (rng.uniform(-1, 4, (3, 2)), _grid(4)(rng), rng.normal(size=4)),
        ),
        Sample(
            ((5,), (3,), (3,)),
            {"left": -1.0, "right": 2.0},
            make=lambda rng: (rng.uniform(-1, 4, 5), _grid(3)(rng), rng.normal(size=3)),
        ),
        Sample(((), (3,), (3,)), make=lambda rng: (np.asarray(1.2), _grid(3)(rng), rng.normal(size=3))),
    ]
)
def interp(x: Array, xp: Array, fp: Array, left: Array = None, right: Array = None) -> Array:
    """Straight lines between samples fp at ascending places xp, evaluated at x; flat beyond both ends.

    Raises:
        ValueError: the places and the samples differ in number.

    >>> import tinygrad_edu as tg
    >>> tg.interp(tg.Tensor(1.5), [1.0, 2.0], tg.Tensor([10.0, 20.0])).item()
    15.0
    """
    n = np.shape(xp)[0]
    x, xp, fp = (astype(v, dtype=np.float64) for v in (x, xp, fp))  # as NumPy
    if np.shape(fp) != (n,) or n == 0:
        raise ValueError(f"interp: expected as many samples as places, got {np.shape(fp)} at {np.shape(xp)}")
    first, last = xp[0], xp[-1]
    if n == 1:
        xp, fp = np.concatenate([xp, xp + 1.0]), np.concatenate([fp, fp])
    flat = np.ravel(x)
    after = np.clip(searchsorted(xp, flat, side="right"), 1, np.shape(xp)[0] - 1)
    x0, x1, f0, f1 = (np.take_along_axis(v, k, axis=0) for v in (xp, fp) for k in (after - 1, after))
    y = f0 + (flat - x0) * ((f1 - f0) / (x1 - x0))
    y = np.where(np.less(flat, first), fp[0] if left is None else left, y)
    y = np.where(np.greater(flat, last), fp[-1] if right is None else right, y)
    return np.reshape(y, np.shape(x))
