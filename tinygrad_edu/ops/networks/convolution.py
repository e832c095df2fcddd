"""Convolution of images, in the layout of the course: (m, n_H, n_W, n_C), one image an example.

It is one product: of all windows, each a row, with the filters, each a column.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import SUMMED, Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import contraction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.copying import copied
from tinygrad_edu.ops.networks.windows import (
    Padding,
    overlapped,
    padded,
    rows_of_windows,
    window_layout,
    windows,
)

__all__ = ["conv2d"]

Array = Any


def _filtered(shapes: Shapes, _: Settings) -> Flow:
    ended = dict.fromkeys("ijc", SUMMED)
    rows, columns = New(("h", "i"), "windowed"), New(("w", "j"), "windowed")
    return Flow((tuple("mhwc"), tuple("ijcf")), ("m", rows, columns, "f"), ended)


def _in_rows(x: Array, W: Array, stride: Any, padding: Padding) -> Array:
    """Every window that filters W see, as a row: (m rows columns, f_H f_W n_C)."""
    window, steps, margins = window_layout(x.shape, W.shape[:2], stride, padding)
    views = windows(padded(x, margins, 0.0), size=window, stride=steps)
    shape = (math.prod(views.shape[:3]), math.prod(views.shape[3:]))
    return copied(views, shape=shape) if isinstance(views, np.ndarray) else np.reshape(views, shape)


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
    rows = _in_rows(x, W, stride, padding)
    return np.reshape(rows.T @ np.reshape(g, (rows.shape[0], W.shape[3])), W.shape)


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
    stops=True, parts=True,
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
    window, steps, margins = window_layout(x.shape, W.shape[:2], stride, padding)
    if W.shape[2] != x.shape[3]:
        raise ValueError(
            f"the filters have {W.shape[2]} channels, the images {x.shape[3]}; "
            "images are (m, n_H, n_W, n_C), filters (f_H, f_W, n_C, filters)"
        )
    found = _in_rows(x, W, stride, padding) @ np.reshape(W, (math.prod(W.shape[:3]), W.shape[3]))
    count = map(rows_of_windows, x.shape[1:3], window, steps, margins)
    return np.reshape(found, (x.shape[0], *count, W.shape[3]))
