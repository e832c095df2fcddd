"""Contractions and windows, which ONNX has in a layout of its own.

Images are (m, n_H, n_W, n_C) here and (m, n_C, n_H, n_W) there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.export.onnx_builder import INT64, Builder
from tinygrad_edu.export.onnx_indexing import picked
from tinygrad_edu.export.recording import Line
from tinygrad_edu.ops.indexing.gather_scatter import getitem
from tinygrad_edu.ops.linalg.einsum import contract
from tinygrad_edu.ops.linalg.products import tensordot
from tinygrad_edu.ops.movement.tiling import pad_constant
from tinygrad_edu.ops.networks.convolution import conv2d
from tinygrad_edu.ops.networks.pooling import avg_pool2d, max_pool2d
from tinygrad_edu.ops.networks.windows import window_layout

_CHANNELS_FIRST, _CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def _conv(builder: Builder, line: Line) -> None:
    x, W = line.args
    images = builder.node("Transpose", builder.operand(x, line.dtype), perm=_CHANNELS_FIRST)
    filters = builder.node("Transpose", builder.operand(W, line.dtype), perm=[3, 2, 0, 1])
    facts = _windows(builder.shape_of(x), builder.shape_of(W)[:2], line.settings.get("stride", 1), line)
    found = builder.floating("Conv", line.dtype, images, filters, **facts)
    builder.node("Transpose", found, perm=_CHANNELS_LAST, to=line.name)


def _pool(operator: str, **more: Any) -> Callable[[Builder, Line], None]:
    def writer(builder: Builder, line: Line) -> None:
        (x,) = line.args
        size, stride = line.settings["size"], line.settings.get("stride")
        facts = _windows(builder.shape_of(x), size, size if stride is None else stride, line)
        images = builder.node("Transpose", builder.operand(x, line.dtype), perm=_CHANNELS_FIRST)
        found = builder.floating(operator, line.dtype, images, **facts, **more)
        builder.node("Transpose", found, perm=_CHANNELS_LAST, to=line.name)

    return writer


def _windows(shape: tuple[int, ...], size: Any, stride: Any, line: Line) -> dict[str, Any]:
    """The window's size, stride and padding, as ONNX's attributes."""
    window, steps, ((top, bottom), (left, right)) = window_layout(
        shape, size, stride, line.settings.get("padding", 0)
    )
    return {"kernel_shape": [*window], "strides": [*steps], "pads": [top, left, bottom, right]}


def _einsum(builder: Builder, line: Line) -> None:
    operands = [builder.operand(a, line.dtype) for a in line.args]
    builder.node("Einsum", *operands, equation=line.settings["subscripts"], to=line.name)


def _tensordot(builder: Builder, line: Line) -> None:
    a, b = line.args
    ndims = len(builder.shape_of(a)), len(builder.shape_of(b))
    axes = line.settings.get("axes", 2)
    if isinstance(axes, (int, np.integer)):
        of_a, of_b = list(range(ndims[0] - axes, ndims[0])), list(range(axes))
    else:
        of_a, of_b = ([int(k) % n for k in np.atleast_1d(one)] for one, n in zip(axes, ndims, strict=True))
    left = [chr(ord("a") + k) for k in range(ndims[0])]
    right = [chr(ord("A") + k) for k in range(ndims[1])]
    for k, j in zip(of_a, of_b, strict=True):
        right[j] = left[k]
    kept = [*(c for c in left if c not in right), *(c for c in right if c not in left)]
    equation = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
    operands = [builder.operand(x, line.dtype) for x in line.args]
    builder.node("Einsum", *operands, equation=equation, to=line.name)


def _padded(builder: Builder, line: Line) -> None:
    before, after = zip(*line.settings["width"], strict=True)
    widths = builder.constant(np.array([*before, *after], INT64))
    number = builder.constant(np.asarray(line.settings.get("value", 0.0), line.dtype))
    builder.node("Pad", builder.operand(line.args[0], line.dtype), widths, number, to=line.name)


LAYOUTS: dict[str, Callable[[Builder, Line], None]] = {
    op.kernel: writer
    for op, writer in (
        (avg_pool2d, _pool("AveragePool", count_include_pad=1)),
        (contract, _einsum),
        (conv2d, _conv),
        (getitem, picked),
        (max_pool2d, _pool("MaxPool")),
        (pad_constant, _padded),
        (tensordot, _tensordot),
    )
}
"""By the kernel."""
