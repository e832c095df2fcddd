"""Convolution and pooling of images, in the layout of the course: (m, n_H, n_W, n_C), one image an example.

Every window of an image is read off at once (``windows``), and what is put back where windows overlap adds up
(``overlapped``). These two are each other's rule; convolution and pooling are written with them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import SUMMED, Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import contraction, movement, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import array
from tinygrad_edu.ops.reduction.sums_and_extrema import least

__all__ = ["avg_pool2d", "conv2d", "max_pool2d", "overlapped", "windows"]

Array = Any
Pair = tuple[int, int]
Padding = int | Pair | str


def _pair(value: Any, what: str, least: int) -> Pair:
    """One number for both directions, or one for each: (vertical, horizontal)."""
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    whole = isinstance(pair, (tuple, list)) and all(isinstance(n, (int, np.integer)) for n in pair)
    if not whole or len(pair) != 2:
        raise TypeError(f"{what}: expected a whole number, or a pair of them, got {value!r}")
    if min(pair) < least:
        raise ValueError(f"{what}: expected {least} or more, got {value!r}")
    return int(pair[0]), int(pair[1])


def _margins(sizes: tuple[int, ...], window: Pair, stride: Pair, padding: Padding) -> tuple[Pair, Pair]:
    """How many rows and columns of padding stand (before, after) the image.

    "same" pads so that ceil(n / stride) windows fit, with the odd one after; "valid" does not pad.
    """
    if padding == "same":
        missing = [
            max((-(-n // s) - 1) * s + f - n, 0) for n, f, s in zip(sizes, window, stride, strict=True)
        ]
        return (missing[0] // 2, missing[0] - missing[0] // 2), (
            missing[1] // 2,
            missing[1] - missing[1] // 2,
        )
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"padding: expected 'same', 'valid', a number or a pair, got {padding!r}")
    p, q = (0, 0) if padding == "valid" else _pair(padding, "padding", 0)
    return (p, p), (q, q)


def window_layout(shape: tuple[int, ...], size: Any, stride: Any, padding: Padding) -> tuple[Pair, Pair, Any]:
    """The window's size, the stride, and the margins in both directions, for images of that shape."""
    if len(shape) != 4:
        raise ValueError(f"expected images (m, n_H, n_W, n_C), got shape {shape}")
    window, steps = _pair(size, "window", 1), _pair(stride, "stride", 1)
    margins = _margins(shape[1:3], window, steps, padding)
    padded = [n + before + after for n, (before, after) in zip(shape[1:3], margins, strict=True)]
    if window[0] > padded[0] or window[1] > padded[1]:
        raise ValueError(
            f"a window of {window} does not fit into an image of {tuple(padded)}, padding included"
        )
    return window, steps, margins


def _padded(x: Array, margins: tuple[Pair, Pair], fill: float) -> Array:
    if margins == ((0, 0), (0, 0)):
        return x
    return np.pad(x, ((0, 0), *margins, (0, 0)), constant_values=fill)


_VIEWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 4, 5, 2), {"size": 2}),
    ((1, 5, 4, 1), {"size": (3, 2), "stride": (2, 1)}),
    ((2, 4, 4, 1), {"size": 3, "stride": 2, "padding": 1}),
    ((1, 5, 4, 2), {"size": 2, "stride": 2, "padding": "same"}),
    ((1, 4, 5, 1), {"size": (1, 3), "stride": 3, "padding": (0, 2)}),
    ((0, 3, 3, 1), {"size": 2}),
]  # fmt: skip


def _overlap(
    g: Array, y: Array, x: Array, *, size: Any, stride: Any = 1, padding: Padding = 0, fill: float = 0.0
) -> Array:
    return overlapped(g, shape=x.shape, size=size, stride=stride, padding=padding)


_ROWS, _COLUMNS = New(("h",), "windowed"), New(("w",), "windowed")


def _seen(shapes: Shapes, _: Settings) -> Flow:
    return Flow((tuple("mhwc"),), ("m", _ROWS, _COLUMNS, _ROWS, _COLUMNS, "c"))


def _put_together(shapes: Shapes, _: Settings) -> Flow:
    return Flow((tuple("mhwijc"),), ("m", New(("h", "i"), "windowed"), New(("w", "j"), "windowed"), "c"))


def _filtered(shapes: Shapes, _: Settings) -> Flow:
    ended = dict.fromkeys("ijc", SUMMED)
    rows, columns = New(("h", "i"), "windowed"), New(("w", "j"), "windowed")
    return Flow((tuple("mhwc"), tuple("ijcf")), ("m", rows, columns, "f"), ended)


def _pooled(shapes: Shapes, _: Settings) -> Flow:
    return Flow((tuple("mhwc"),), ("m", _ROWS, _COLUMNS, "c"))


@movement(
    axes=_seen,
    pullback=_overlap, latex=r"\operatorname{{windows}}({x})", opaque=True,
    samples=[Sample((shape,), settings) for shape, settings in _VIEWS], moves=False, stops=True,
)  # fmt: skip
def windows(x: Array, *, size: Any, stride: Any = 1, padding: Padding = 0, fill: float = 0.0) -> Array:
    """Every window of the images: (m, n_H, n_W, n_C) to (m, rows, columns, f_H, f_W, n_C), without copying.

    Args:
        x: images.
        size: of a window: a number, or (vertical, horizontal).
        stride: how far apart windows start: a number, or a pair.
        padding: rows and columns added on each side (a number or a pair), "same" or "valid".
        fill: what the padding holds.

    Raises:
        ValueError: the images don't have four axes, or a window doesn't fit.

    >>> import tinygrad_edu as tg
    >>> image = tg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> tg.windows(image.reshape(1, 2, 3, 1), size=2).reshape(2, 4).tolist()
    [[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]]
    """
    window, steps, margins = window_layout(x.shape, size, stride, padding)
    views = np.lib.stride_tricks.sliding_window_view(_padded(x, margins, fill), window, axis=(1, 2))
    return np.moveaxis(views[:, :: steps[0], :: steps[1]], 3, -1)


def _rows_of_windows(n: int, f: int, step: int, margin: Pair) -> int:
    return (n + sum(margin) - f) // step + 1


def _images_of(shape: tuple[int, ...], settings: Any) -> Sample:
    """A sample of windows from which images of that shape are put together."""
    window, steps, margins = window_layout(
        shape, settings["size"], settings.get("stride", 1), settings.get("padding", 0)
    )
    count = map(_rows_of_windows, shape[1:3], window, steps, margins)
    return Sample(((shape[0], *count, *window, shape[3]),), {"shape": shape, **settings})


@movement(
    axes=_put_together,
    pullback=lambda g, y, x, *, shape, **view: windows(g, **view),
    latex=r"\operatorname{{overlapped}}({x})", opaque=True,
    samples=[_images_of(shape, settings) for shape, settings in _VIEWS],
    moves=False, stops=True, rounding=1.0,
)  # fmt: skip
def overlapped(
    x: Array, *, shape: tuple[int, ...], size: Any, stride: Any = 1, padding: Padding = 0
) -> Array:
    """Windows put back where they were read, ``stride`` apart, added up where they overlap, without padding.

    >>> import tinygrad_edu as tg
    >>> ones = tg.Tensor([1.0] * 8).reshape(1, 1, 2, 2, 2, 1)
    >>> tg.overlapped(ones, shape=(1, 2, 3, 1), size=2).reshape(2, 3).tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    (f_h, f_w), (s_h, s_w), ((top, bottom), (left, right)) = window_layout(shape, size, stride, padding)
    m, n_h, n_w, n_c = shape
    rows, columns = x.shape[1:3]
    whole = np.zeros((m, n_h + top + bottom, n_w + left + right, n_c), x.dtype)
    for i in range(f_h):
        for j in range(f_w):
            whole[:, i : i + s_h * rows : s_h, j : j + s_w * columns : s_w] += x[:, :, :, i, j]
    return whole[:, top : top + n_h, left : left + n_w]


def _through_images(
    g: Array, y: Array, x: Array, W: Array, *, stride: Any = 1, padding: Padding = 0
) -> Array:
    # One product for each place in the filter, so that what is added up lies together in memory.
    each = np.reshape(g, (math.prod(g.shape[:3]), W.shape[3])) @ np.swapaxes(W, 2, 3)
    spread = np.transpose(np.reshape(each, (*W.shape[:2], *g.shape[:3], W.shape[2])), (2, 3, 4, 0, 1, 5))
    return overlapped(spread, shape=x.shape, size=W.shape[:2], stride=stride, padding=padding)


def _through_filters(
    g: Array, y: Array, x: Array, W: Array, *, stride: Any = 1, padding: Padding = 0
) -> Array:
    views = windows(x, size=W.shape[:2], stride=stride, padding=padding)
    return np.transpose(np.tensordot(g, views, ((0, 1, 2), (0, 1, 2))), (1, 2, 3, 0))


@contraction(
    axes=_filtered,
    pullback=(_through_images, _through_filters), latex=r"{x} \ast {W}", label="conv", opaque=True,
    samples=[
        Sample(((2, 4, 5, 2), (2, 2, 2, 3))),
        Sample(((1, 5, 4, 1), (3, 2, 1, 2)), {"stride": (2, 1)}),
        Sample(((2, 4, 4, 1), (3, 3, 1, 1)), {"stride": 2, "padding": 1}),
        Sample(((1, 5, 4, 2), (2, 3, 2, 2)), {"stride": 2, "padding": "same"}),
        Sample(((1, 3, 3, 1), (1, 1, 1, 2)), {"padding": (0, 2)}),
        Sample(((0, 3, 3, 1), (2, 2, 1, 2)), {"padding": "valid"}),
    ],
    stops=True,
)  # fmt: skip
def conv2d(x: Array, W: Array, *, stride: Any = 1, padding: Padding = 0) -> Array:
    """What filters W find in images x: at each place, the sum of a window times a filter (not flipped).

    Shapes: x (m, n_H, n_W, n_C), W (f_H, f_W, n_C, filters); the result (m, rows, columns, filters), where
    rows = ⌊(n_H + 2 padding - f_H) / stride⌋ + 1. A bias (filters,) or (1, 1, 1, filters) is added with +.
    Source: the course's Z = conv(A_prev, W) + b; C. Dumoulin, F. Visin, arXiv:1603.07285.

    Args:
        x: images, one an example.
        W: filters.
        stride: how far apart windows start: a number, or (vertical, horizontal).
        padding: zeros on each side (a number or a pair), "same" (⌈n / stride⌉ rows), or "valid" (none).

    Raises:
        ValueError: shapes that don't fit, a window larger than the padded image, a stride below 1.

    >>> import tinygrad_edu as tg
    >>> image = tg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).reshape(1, 2, 3, 1)
    >>> edges = tg.Tensor([[-1.0, 1.0]]).reshape(1, 2, 1, 1)
    >>> tg.conv2d(image, edges).reshape(2, 2).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    if np.ndim(W) != 4:
        raise ValueError(f"expected filters (f_H, f_W, n_C, filters), got shape {np.shape(W)}")
    views = windows(x, size=W.shape[:2], stride=stride, padding=padding)
    if W.shape[2] != x.shape[3]:
        raise ValueError(
            f"the filters have {W.shape[2]} channels, the images {x.shape[3]}; "
            "images are (m, n_H, n_W, n_C), filters (f_H, f_W, n_C, filters)"
        )
    return np.tensordot(views, W, ((3, 4, 5), (0, 1, 2)))


def _beside_windows(g: Array) -> Array:
    """A value for each window, to stand beside the entries of the window."""
    return np.expand_dims(g, (3, 4))


def _to_the_largest(
    g: Array, y: Array, x: Array, *, size: Any, stride: Any = None, padding: Padding = 0
) -> Array:
    step = size if stride is None else stride
    views = windows(x, size=size, stride=step, padding=padding, fill=-np.inf)
    chosen = np.equal(views, _beside_windows(y)).astype(g.dtype)
    shared = _beside_windows(g) / np.sum(chosen, axis=(3, 4), keepdims=True) * chosen
    return overlapped(shared, shape=x.shape, size=size, stride=step, padding=padding)


_POOLS = [
    Sample(((2, 4, 6, 2),), {"size": 2}),
    Sample(((1, 5, 4, 1),), {"size": (3, 2), "stride": 1}),
    Sample(((2, 4, 4, 1),), {"size": 3, "stride": 2, "padding": 1}),
    Sample(((1, 5, 5, 1),), {"size": 2, "padding": "same"}),
    Sample(((0, 4, 4, 1),), {"size": 2}),
]


@reduction(
    axes=_pooled,
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
    step = size if stride is None else stride
    window, _, margins = window_layout(x.shape, size, step, padding)
    if max(margins[0]) >= window[0] or max(margins[1]) >= window[1]:
        raise ValueError(f"with padding {padding} a window of {window} would hold nothing else")
    fill = least(array(x).dtype)
    return np.max(windows(x, size=size, stride=step, padding=padding, fill=fill), axis=(3, 4))


def _evenly(g: Array, y: Array, x: Array, *, size: Any, stride: Any = None, padding: Padding = 0) -> Array:
    f_h, f_w = _pair(size, "window", 1)
    views = np.broadcast_to(_beside_windows(g / (f_h * f_w)), (*y.shape[:3], f_h, f_w, y.shape[3]))
    step = size if stride is None else stride
    return overlapped(views, shape=x.shape, size=size, stride=step, padding=padding)


@reduction(
    axes=_pooled,
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
    step = size if stride is None else stride
    return np.mean(windows(x, size=size, stride=step, padding=padding), axis=(3, 4))
