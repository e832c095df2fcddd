"""The networks' own operations: activations, softmax and its kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import elementwise, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.reduction import expanded

__all__ = ["leaky_relu", "log_softmax", "logsumexp", "relu", "sigmoid", "softmax"]

Array = Any


@elementwise(pullback=lambda g, y, z: g * y * (1 - y), latex=r"\sigma({z})", label="σ", onnx="Sigmoid", domain=(-4.0, 4.0))
def sigmoid(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^-z), which neither overflows nor warns. Course: L2; σ' = a (1 - a), L8.

    >>> import tinygrad_edu as tg
    >>> tg.sigmoid(tg.Tensor([0.0, 1000.0, -1000.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


@elementwise(pullback=lambda g, y, z: g * np.greater(z, 0), latex=r"\max(0, {z})", label="relu", onnx="Relu")
def relu(z: Array) -> Array:
    """max(0, z); the slope at 0 is 0. Course: A3.

    >>> import tinygrad_edu as tg
    >>> tg.relu(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, 0.0]
    """
    return np.maximum(z, 0)


@elementwise(
    pullback=lambda g, y, z, *, slope=0.01: np.where(np.greater(z, 0), g, slope * g),
    latex=r"\max({slope}{z}, {z})", label="leaky relu", onnx="LeakyRelu",
)  # fmt: skip
def leaky_relu(z: Array, *, slope: float = 0.01) -> Array:
    """max(slope z, z); at 0 the slope is the lower one. Course: A4, with slope 0.01.

    >>> import tinygrad_edu as tg
    >>> tg.leaky_relu(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, -0.02]
    """
    return np.where(z > 0, z, slope * z)


_AXES = [Sample(((3, 4),), {"axis": a}) for a in (0, 1, -1)] + [Sample(((5,),), {"axis": 0})]


@elementwise(
    pullback=lambda g, y, z, *, axis=0: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
    latex=r"\operatorname{{softmax}}({z})", onnx="Softmax", samples=_AXES,
)  # fmt: skip
def softmax(z: Array, *, axis: int = 0) -> Array:
    """e^z / Σ e^z along an axis: by default the classes of one example, which stand in its column.

    >>> import tinygrad_edu as tg
    >>> tg.softmax(tg.Tensor([[0.0], [0.0]])).tolist()
    [[0.5], [0.5]]
    """
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@elementwise(
    pullback=lambda g, y, z, *, axis=0: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
    latex=r"\log\operatorname{{softmax}}({z})", onnx="LogSoftmax", samples=_AXES,
)  # fmt: skip
def log_softmax(z: Array, *, axis: int = 0) -> Array:
    """log(e^z / Σ e^z) along an axis, exact where a probability would round to 0.

    >>> import tinygrad_edu as tg
    >>> tg.log_softmax(tg.Tensor([[1000.0], [0.0]])).tolist()
    [[0.0], [-1000.0]]
    """
    z = z - np.max(z, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


@reduction(
    pullback=lambda g, y, x, *, axis=None, keepdims=False: expanded(g, x, axis, keepdims)
    * np.exp(x - expanded(y, x, axis, keepdims)),
    latex=r"\log \sum{settings} e^{{{x}}}", onnx="ReduceLogSumExp", empty=False,
)  # fmt: skip
def logsumexp(x: Array, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    """log Σ e^x over axes, shifted by the largest entry so that nothing overflows.

    >>> import tinygrad_edu as tg
    >>> round(tg.logsumexp(tg.Tensor([1000.0, 1000.0])).item(), 4)
    1000.6931
    """
    top = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis=axis)
