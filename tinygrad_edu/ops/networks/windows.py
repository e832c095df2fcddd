"""Windows over images (m, n_H, n_W, n_C): all read at once, and put back.

What is put back where windows overlap adds up. The two are each other's rule; convolution and pooling are
written with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import movement
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.tiling import pad_constant

__all__ = ["overlapped", "windows"]

Array = Any
Pair = tuple[int, int]
Padding = int | Pair | str


def pair(value: Any, what: str, least: int) -> Pair:
    """One number for both directions, or one for each: (vertical, horizontal)."""
    both = (value, value) if isinstance(value, (int, np.integer)) else value
    whole = isinstance(both, (tuple, list)) and all(isinstance(n, (int, np.integer)) for n in both)
    if not whole or len(both) != 2:
        raise TypeError(f"{what}: expected a whole number, or a pair of them, got {value!r}")
    if min(both) < least:
        raise ValueError(f"{what}: expected {least} or more, got {value!r}")
    return int(both[0]), int(both[1])


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
    p, q = (0, 0) if padding == "valid" else pair(padding, "padding", 0)
    return (p, p), (q, q)


def window_layout(shape: tuple[int, ...], size: Any, stride: Any, padding: Padding) -> tuple[Pair, Pair, Any]:
    """The window's size, the stride, and the margins in both directions, for images of that shape."""
    if len(shape) != 4:
        raise ValueError(f"expected images (m, n_H, n_W, n_C), got shape {shape}")
    window, steps = pair(size, "window", 1), pair(stride, "stride", 1)
    margins = _margins(shape[1:3], window, steps, padding)
    whole = [n + before + after for n, (before, after) in zip(shape[1:3], margins, strict=True)]
    if window[0] > whole[0] or window[1] > whole[1]:
        raise ValueError(
            f"a window of {window} does not fit into an image of {tuple(whole)}, padding included"
        )
    return window, steps, margins


def padded(x: Array, margins: tuple[Pair, Pair], fill: float) -> Array:
    """Images with rows and columns of one number around them."""
    if margins == ((0, 0), (0, 0)):
        return x
    return pad_constant(x, width=((0, 0), *margins, (0, 0)), value=fill)


def _places(n: int, count: int, f: int, step: int, before: int) -> Iterator[tuple[int, slice, slice]]:
    """Along one direction, for each row of a window: in which windows it lies inside the image, and where."""
    for i in range(f):
        first, last = max(0, -((i - before) // step)), min(count, (n - 1 + before - i) // step + 1)
        if first < last:
            start = first * step + i - before
            yield i, slice(first, last), slice(start, start + (last - first - 1) * step + 1, step)


def each_place(
    shape: tuple[int, ...], size: Any, stride: Any, padding: Padding
) -> Iterator[tuple[Pair, Any, Any]]:
    """For each place in a window: the index of the windows in which it lies inside the image, and of where.

    One operation on all windows for each of these is several times as fast as one on windows that overlap.
    """
    window, steps, margins = window_layout(shape, size, stride, padding)
    found = [
        list(_places(n, rows_of_windows(n, f, step, margin), f, step, margin[0]))
        for n, f, step, margin in zip(shape[1:3], window, steps, margins, strict=True)
    ]
    for i, rows, down in found[0]:
        for j, columns, across in found[1]:
            yield (i, j), np.s_[:, rows, columns], np.s_[:, down, across]


def apart(size: Any, stride: Any) -> bool:
    """Whether no entry lies in two windows."""
    return all(s >= f for f, s in zip(pair(size, "window", 1), pair(stride, "stride", 1), strict=True))


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


ROWS, COLUMNS = New(("h",), "windowed"), New(("w",), "windowed")


def _seen(shapes: Shapes, _: Settings) -> Flow:
    return Flow((tuple("mhwc"),), ("m", ROWS, COLUMNS, ROWS, COLUMNS, "c"))


def _put_together(shapes: Shapes, _: Settings) -> Flow:
    return Flow((tuple("mhwijc"),), ("m", New(("h", "i"), "windowed"), New(("w", "j"), "windowed"), "c"))


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
    x = padded(x, margins, fill)
    m, down, across, channel = x.strides
    count = map(rows_of_windows, x.shape[1:3], window, steps, ((0, 0), (0, 0)))
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *count, *window, x.shape[3]),
        (m, down * steps[0], across * steps[1], down, across, channel),
        writeable=False,
    )


def rows_of_windows(n: int, f: int, step: int, margin: Pair) -> int:
    """How many windows stand beside one another along n entries."""
    return (n + sum(margin) - f) // step + 1


def _images_of(shape: tuple[int, ...], settings: Any) -> Sample:
    """A sample of windows from which images of that shape are put together."""
    window, steps, margins = window_layout(
        shape, settings["size"], settings.get("stride", 1), settings.get("padding", 0)
    )
    count = map(rows_of_windows, shape[1:3], window, steps, margins)
    return Sample(((shape[0], *count, *window, shape[3]),), {"shape": shape, **settings})


def _overlapping(
    x: Array, *, shape: tuple[int, ...], size: Any, stride: Any = 1, padding: Padding = 0, out: Array = None
) -> Array:
    out = np.empty(shape, x.dtype) if out is None else out
    out.fill(0)
    side_by_side = apart(size, stride)
    for (i, j), seen, place in each_place(shape, size, stride, padding):
        if side_by_side:
            out[place] = x[seen][..., i, j, :]
        else:
            out[place] += x[seen][..., i, j, :]
    return out


@movement(
    axes=_put_together, into=_overlapping,
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
    return _overlapping(x, shape=shape, size=size, stride=stride, padding=padding)
