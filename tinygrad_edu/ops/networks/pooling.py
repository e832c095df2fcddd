"""Pooling of images (m, n_H, n_W, n_C): each window becomes its largest entry, or its mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import operation, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import array
from tinygrad_edu.ops.networks.windows import (
    COLUMNS,
    ROWS,
    Padding,
    apart,
    each_place,
    overlapped,
    pair,
    rows_of_windows,
    window_layout,
    windows,
)
from tinygrad_edu.ops.reduction.sums_and_extrema import least

__all__ = ["avg_pool2d", "max_pool2d", "to_the_largest"]

Array = Any


def _pooled(shapes: Shapes, _: Settings) -> Flow:
    return Flow((tuple("mhwc"),), ("m", ROWS, COLUMNS, "c"))


def _beside_windows(g: Array) -> Array:
    """A value for each window, to stand beside the entries of the window."""
    return np.expand_dims(g, (3, 4))


def _whose_largest(x: Array, y: Array, dtype: Any, view: Mapping[str, Any]) -> Array:
    """1 for each entry of a window that is its largest, else 0."""
    views = windows(x, fill=-np.inf, **view)
    return np.equal(views, _beside_windows(y)).astype(dtype)


def _shares(G: Array, Y: Array, g: Array, y: Array, x: Array, **view: Any) -> Array:
    chosen = _whose_largest(x, y, G.dtype, view)
    return np.sum(windows(G, **view) * chosen, axis=(3, 4)) / np.sum(chosen, axis=(3, 4))


def _among_the_largest(
    g: Array, y: Array, x: Array, *, size: Any, stride: Any = 1, padding: Padding = 0, out: Array = None
) -> Array:
    out = np.empty(x.shape, g.dtype) if out is None else out
    out.fill(0)
    side_by_side, places = apart(size, stride), list(each_place(x.shape, size, stride, padding))
    largest = np.zeros((len(places), *y.shape), bool)
    for chosen, (_, seen, place) in zip(largest, places, strict=True):
        np.equal(x[place], y[seen], out=chosen[seen])
    ties = np.add.reduce(largest.view(np.uint8), axis=0, dtype=np.uint8 if len(places) < 256 else np.intp)
    share = np.divide(g, ties, out=np.empty(y.shape, out.dtype))
    for chosen, (_, seen, place) in zip(largest, places, strict=True):
        if side_by_side:
            np.multiply(share[seen], chosen[seen], out=out[place])
        else:
            out[place] += share[seen] * chosen[seen]
    return out


def _pooled_sample(shape: tuple[int, ...], settings: Any) -> Sample:
    def make(rng: np.random.Generator) -> tuple[Any, ...]:
        x = rng.permutation(math.prod(shape)).reshape(shape) / 8
        y = _largest(x, **settings)
        return rng.normal(size=y.shape), y, x

    window, steps, margins = window_layout(
        shape, *(settings.get(k, 0) for k in ("size", "stride", "padding"))
    )
    count = tuple(map(rows_of_windows, shape[1:3], window, steps, margins))
    pooled = (shape[0], *count, shape[3])
    return Sample((pooled, pooled, shape), settings, make=make)


def _handed_back(shapes: Shapes, _: Settings) -> Flow:
    pooled = tuple("mrsc")
    rows, columns = New(("r", "h"), "windowed"), New(("s", "w"), "windowed")
    return Flow((pooled, pooled, tuple("mhwc")), ("m", rows, columns, "c"))


@operation(
    kind="opaque", axes=_handed_back, into=_among_the_largest, pullback=(_shares, None, None), numpy=(),
    latex=r"\operatorname{{share}}({g}, {y}, {x})", label="to the largest", opaque=True,
    samples=[
        _pooled_sample((2, 4, 6, 2), {"size": 2, "stride": 2}),
        _pooled_sample((1, 5, 4, 1), {"size": (3, 2), "stride": 1}),
        _pooled_sample((2, 4, 4, 1), {"size": 3, "stride": 2, "padding": 1}),
    ],
    linear=((0,),), rounding=2.0,
)  # fmt: skip
def to_the_largest(
    g: Array, y: Array, x: Array, *, size: Any, stride: Any = 1, padding: Padding = 0
) -> Array:
    """The rule of max pooling: a window's gradient goes to its largest entry, shared where entries tie.

    Args:
        g: the gradient of each window, (m, rows, columns, n_C).
        y: the largest entry of each, of the same shape.
        x: the images (m, n_H, n_W, n_C), and the shape of the result.
        size: of a window: a number, or (vertical, horizontal).
        stride: how far apart windows start.
        padding: as for :func:`max_pool2d`.

    >>> import numpy as np
    >>> from tinygrad_edu import to_the_largest
    >>> x = np.array([[1.0, 5.0], [5.0, 0.0]]).reshape(1, 2, 2, 1)
    >>> to_the_largest(np.full((1, 1, 1, 1), 3.0), np.full((1, 1, 1, 1), 5.0), x, size=2).ravel().tolist()
    [0.0, 1.5, 1.5, 0.0]
    """
    return _among_the_largest(g, y, x, size=size, stride=stride, padding=padding)


def _to_the_largest(
    g: Array, y: Array, x: Array, *, size: Any, stride: Any = None, padding: Padding = 0
) -> Array:
    return to_the_largest(g, y, x, size=size, stride=size if stride is None else stride, padding=padding)


def _largest(x: Array, *, size: Any, stride: Any = None, padding: Padding = 0, out: Array = None) -> Array:
    step = size if stride is None else stride
    window, steps, margins = window_layout(x.shape, size, step, padding)
    if max(margins[0]) >= window[0] or max(margins[1]) >= window[1]:
        raise ValueError(f"with padding {padding} a window of {window} would hold nothing else")
    if out is None:
        count = map(rows_of_windows, x.shape[1:3], window, steps, margins)
        out = np.empty((x.shape[0], *count, x.shape[3]), x.dtype)
    out.fill(least(x.dtype))
    for _, seen, place in each_place(x.shape, size, step, padding):
        np.maximum(out[seen], x[place], out=out[seen])
    return out


def _average(x: Array, *, size: Any, stride: Any = None, padding: Padding = 0, out: Array = None) -> Array:
    step = size if stride is None else stride
    window, steps, margins = window_layout(x.shape, size, step, padding)
    if out is None:
        count = map(rows_of_windows, x.shape[1:3], window, steps, margins)
        dtype = x.dtype if x.dtype.kind == "f" else np.float64
        out = np.empty((x.shape[0], *count, x.shape[3]), dtype)
    out.fill(0)
    for _, seen, place in each_place(x.shape, size, step, padding):
        out[seen] += x[place]
    return np.divide(out, math.prod(window), out=out)


_POOLS = [
    Sample(((2, 4, 6, 2),), {"size": 2}),
    Sample(((1, 5, 4, 1),), {"size": (3, 2), "stride": 1}),
    Sample(((2, 4, 4, 1),), {"size": 3, "stride": 2, "padding": 1}),
    Sample(((1, 5, 5, 1),), {"size": 2, "padding": "same"}),
    Sample(((0, 4, 4, 1),), {"size": 2}),
]


@reduction(
    axes=_pooled, into=_largest,
    pullback=_to_the_largest, latex=r"\operatorname{{maxpool}}({x})", label="max pool", opaque=True,
    samples=_POOLS, rounding=0.0, moves=True,
)  # fmt: skip
def max_pool2d(x: Array, *, size: Any, stride: Any = None, padding: Padding = 0) -> Array:
    """The largest entry of each window, channel by channel: (m, n_H, n_W, n_C) to (m, rows, columns, n_C).

    Windows lie side by side unless ``stride`` says otherwise. Padding never is the largest. Entries that tie
    share the gradient equally.

    Raises:
        ValueError: what :func:`windows` refuses, and padding that a window would not reach beyond.

    >>> import tinygrad_edu as tg
    >>> image = tg.Tensor([[1.0, 2.0, 3.0, 0.0], [4.0, 5.0, 6.0, 0.0]]).reshape(1, 2, 4, 1)
    >>> tg.max_pool2d(image, size=2).ravel().tolist()
    [5.0, 6.0]
    """
    return _largest(array(x), size=size, stride=stride, padding=padding)


def _evenly(g: Array, y: Array, x: Array, *, size: Any, stride: Any = None, padding: Padding = 0) -> Array:
    f_h, f_w = pair(size, "window", 1)
    views = np.broadcast_to(_beside_windows(g / (f_h * f_w)), (*y.shape[:3], f_h, f_w, y.shape[3]))
    step = size if stride is None else stride
    return overlapped(views, shape=x.shape, size=size, stride=step, padding=padding)


@reduction(
    axes=_pooled, into=_average,
    pullback=_evenly, latex=r"\operatorname{{avgpool}}({x})", label="mean pool", opaque=True, samples=_POOLS,
    linear=((0,),),
)  # fmt: skip
def avg_pool2d(x: Array, *, size: Any, stride: Any = None, padding: Padding = 0) -> Array:
    """The mean of each window, channel by channel: (m, n_H, n_W, n_C) to (m, rows, columns, n_C).

    Windows lie side by side unless ``stride`` says otherwise. The zeros of ``padding`` count.

    >>> import tinygrad_edu as tg
    >>> image = tg.Tensor([[1.0, 2.0, 3.0, 0.0], [4.0, 5.0, 6.0, 3.0]]).reshape(1, 2, 4, 1)
    >>> tg.avg_pool2d(image, size=2).ravel().tolist()
    [3.0, 3.0]
    """
    return _average(x, size=size, stride=stride, padding=padding)
