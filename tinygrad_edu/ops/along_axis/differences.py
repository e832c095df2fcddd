"""Differences of neighbours, slopes on a grid, and the trapezoidal rule that sums them up again."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.along_axis.cumulative import cut
from tinygrad_edu.ops.movement.shapes import array, astype, axis_of, dtype_of, floating
from tinygrad_edu.ops.reduction.sums_and_extrema import axes_of

__all__ = ["diff", "ediff1d", "gradient", "trapezoid"]

Array = Any


def _as_slab(values: Array, x: Array, axis: int) -> Array:
    """A number as one slab across the axis; an array as it is."""
    if np.ndim(values):
        return values
    shape = list(np.shape(x))
    shape[axis] = 1
    return np.broadcast_to(values, tuple(shape))


@composed(
    samples=[
        Sample(((3, 4),)),
        Sample(((3, 4),), {"n": 2, "axis": 0}),
        Sample(((5,),), {"n": 0}),
        Sample(((3, 4),), {"axis": 0, "prepend": 0.5, "append": np.ones((2, 4))}),
    ]
)
def diff(
    x: Array, n: int = 1, axis: int = -1, prepend: Array = np._NoValue, append: Array = np._NoValue
) -> Array:
    """The n-th differences of neighbours along an axis.

    Raises:
        ValueError: n below 0, or a number, which has no neighbours.

    >>> import tinygrad_edu as tg
    >>> tg.diff(tg.Tensor([1.0, 4.0, 9.0])).tolist()
    [3.0, 5.0]
    """
    if n < 0:
        raise ValueError(f"diff: expected n of 0 or more, got {n}")
    if np.ndim(x) == 0:
        raise ValueError("diff: expected an array of at least one axis, got a number")
    x, axis = array(x), axis_of(x, axis)
    if prepend is None or append is None:
        raise TypeError("diff: expected values as prepend and append, got None; leave it out for nothing")
    parts = [_as_slab(part, x, axis) for part in (prepend, x, append) if part is not np._NoValue]
    x = np.concatenate(parts, axis=axis) if n and len(parts) > 1 else x
    for _ in range(n):
        later, earlier = cut(x, axis, 1), cut(x, axis, None, -1)
        x = astype(np.not_equal(later, earlier), dtype=bool) if dtype_of(x).kind == "b" else later - earlier
    return x


@composed(samples=[Sample(((3, 2),)), Sample(((4,),), {"to_end": 1.0, "to_begin": np.array([2.0, 3.0])})])
def ediff1d(x: Array, to_end: Array = None, to_begin: Array = None) -> Array:
    """The differences of neighbours, all entries in one row, between two optional pieces.

    >>> import tinygrad_edu as tg
    >>> tg.ediff1d(tg.Tensor([1.0, 4.0, 9.0]), to_end=0.0).tolist()
    [3.0, 5.0, 0.0]
    """
    dtype = dtype_of(x)
    if dtype.kind == "b":
        raise TypeError("ediff1d: expected numbers, got booleans, which have no differences")
    for name, part in (("to_begin", to_begin), ("to_end", to_end)):
        if part is not None and not np.can_cast(np.result_type(dtype_of(part), np.uint8), dtype, "same_kind"):
            raise TypeError(f"ediff1d: {name} of {dtype_of(part)} does not go into an array of {dtype}")
    parts = [to_begin, np.diff(np.ravel(x)), to_end]
    return np.concatenate([astype(np.ravel(part), dtype=dtype) for part in parts if part is not None])


def _steps(spacing: Array, f: Array, axis: int) -> Array:
    """The distances between neighbours, shaped to go along the axis of f."""
    n = np.shape(f)[axis]
    if np.ndim(spacing) == 0:
        distances = np.broadcast_to(spacing, (n - 1,))
    elif np.shape(spacing) == (n,):
        distances = np.diff(floating(spacing))
    else:
        raise ValueError(f"gradient: expected {n} coordinates along axis {axis}, got {np.shape(spacing)}")
    shape = [1] * np.ndim(f)
    shape[axis] = n - 1
    return np.reshape(distances, tuple(shape))


def _edge(f: Array, d: Array, axis: int, order: int) -> Array:
    """The one-sided slope at the first entry."""
    f0, f1, d1 = cut(f, axis, 0, 1), cut(f, axis, 1, 2), cut(d, axis, 0, 1)
    if order == 1:
        return (f1 - f0) / d1
    f2, d2 = cut(f, axis, 2, 3), cut(d, axis, 1, 2)
    both = d1 + d2
    return -(d1 + both) / (d1 * both) * f0 + both / (d1 * d2) * f1 - d1 / (d2 * both) * f2


def _slope_along(f: Array, spacing: Array, axis: int, order: int) -> Array:
    if np.shape(f)[axis] < order + 1:
        raise ValueError(
            f"gradient: expected at least {order + 1} entries along axis {axis}, got {np.shape(f)[axis]}"
        )
    if not isinstance(spacing, Tensor) and np.shape(spacing) == (np.shape(f)[axis],):
        widths = np.diff(floating(spacing))
        spacing = widths[0] if widths.size and np.all(widths == widths[0]) else spacing  # as NumPy
    d = _steps(spacing, f, axis)
    left, right = cut(d, axis, None, -1), cut(d, axis, 1)
    before, here, after = cut(f, axis, None, -2), cut(f, axis, 1, -1), cut(f, axis, 2)
    if np.ndim(spacing) == 0:  # the middle entry takes no part, and must not: it may be nan, or large
        inner = (after - before) / (2.0 * spacing)
    else:
        inner = (after - here) * (left / (right * (left + right))) + (here - before) * (
            right / (left * (left + right))
        )
    # From the other end, both the values and the distances come in reverse, and the slope changes its sign.
    last = -_edge(np.flip(f, axis), np.flip(d, axis), axis, order)
    return np.concatenate([_edge(f, d, axis, order), inner, last], axis=axis)


@composed(
    samples=[
        Sample(((5,),)),
        Sample(((3, 4),)),
        Sample(((3, 4),), {"axis": -1, "edge_order": 2}),
        Sample(((4, 3), (), ()), domain=((-2.0, 2.0), (0.5, 1.0), (0.5, 1.0))),
        Sample(
            ((4,), (4,)),
            {"edge_order": 2},
            make=lambda rng: (rng.normal(size=4), np.cumsum(rng.uniform(0.5, 1, 4))),
        ),
    ]
)
def gradient(
    f: Array, *spacing: Array, axis: int | tuple[int, ...] | None = None, edge_order: int = 1
) -> Any:
    """The slope of sampled values along each axis, by central differences inside, one-sided at the ends.

    Spacing: nothing (1), one number for all axes, or for each axis a number or the coordinates. Of several
    axes it is a tuple. Source: https://numpy.org/doc/stable/reference/generated/numpy.gradient.html.

    Raises:
        ValueError: too few entries along an axis, or coordinates that do not fit it.
        TypeError: neither one spacing, nor one for each axis.

    >>> import tinygrad_edu as tg
    >>> tg.gradient(tg.Tensor([1.0, 4.0, 9.0])).tolist()
    [3.0, 4.0, 5.0]
    """
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: expected edge_order 1 or 2, got {edge_order}")
    if dtype_of(f).kind == "b":
        raise TypeError("gradient: expected numbers, got booleans, which have no differences")
    f = floating(f)
    axes = axes_of(f, axis)
    given = spacing or (1.0,)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        given = given * len(axes)
    if len(given) != len(axes):
        raise TypeError(f"gradient: expected 1 or {len(axes)} spacings, got {len(given)}")
    slopes = tuple(
        astype(_slope_along(f, h, a, edge_order), dtype=dtype_of(f)) for h, a in zip(given, axes, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


@composed(
    samples=[
        Sample(((3, 4),)),
        Sample(((3, 4),), {"dx": 0.5, "axis": 0}),
        Sample(((3, 4), (4,))),
        Sample(((3, 4), (3, 4)), {"axis": 0}),
    ]
)
def trapezoid(y: Array, x: Array = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The integral of samples y at x (or dx apart) along an axis, by the trapezoidal rule.

    >>> import tinygrad_edu as tg
    >>> tg.trapezoid(tg.Tensor([1.0, 2.0, 3.0])).item()
    4.0
    """
    widths: Array = dx
    if x is not None:
        along = [1] * np.ndim(y)
        along[axis_of(y, axis)] = -1
        widths = np.reshape(np.diff(x), tuple(along)) if np.ndim(x) == 1 else np.diff(x, axis=axis)
    return np.sum(widths * (cut(y, axis, 1) + cut(y, axis, None, -1)) / 2, axis=axis)
