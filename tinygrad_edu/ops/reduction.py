"""Operations that take axes away. ``axis`` is None (all), an int or a tuple; ``keepdims`` leaves length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import reduction
from tinygrad_edu.core.samples import Sample

__all__ = ["max", "mean", "min", "sum", "sum_to"]

Array = Any
Axis = int | tuple[int, ...] | None


def expanded(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """A reduced array with the axes that were taken away put back, of length 1."""
    if keepdims or axis is None:
        return g if keepdims else np.reshape(g, (1,) * x.ndim)
    return np.expand_dims(g, tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))))


def count(x: Array, axis: Axis) -> int:
    """How many entries each result was made from."""
    axes = range(x.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return int(np.prod([x.shape[a] for a in axes]))


@reduction(
    pullback=lambda g, y, x, *, axis=None, keepdims=False: np.broadcast_to(expanded(g, x, axis, keepdims), x.shape),
    latex=r"\sum{settings} {x}", label="Σ", onnx="ReduceSum",
)  # fmt: skip
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Sum over axes: https://numpy.org/doc/stable/reference/generated/numpy.sum.html.

    >>> import tinygrad_edu as tg
    >>> tg.sum(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True).tolist()
    [[3.0], [7.0]]
    """
    return np.sum(x, axis=axis, keepdims=keepdims)


@reduction(
    pullback=lambda g, y, x, *, axis=None, keepdims=False: np.broadcast_to(
        expanded(g, x, axis, keepdims) / count(x, axis), x.shape
    ),
    latex=r"\operatorname{{mean}}{settings} {x}", label="mean", onnx="ReduceMean", empty=False,
)  # fmt: skip
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Mean over axes.

    >>> import tinygrad_edu as tg
    >>> tg.mean(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [2.0, 3.0]
    """
    return np.mean(x, axis=axis, keepdims=keepdims)


def _to_the_extremes(g: Array, y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    chosen = np.equal(x, expanded(y, x, axis, keepdims))
    return expanded(g, x, axis, keepdims) * chosen / np.sum(chosen * 1.0, axis=axis, keepdims=True)


@reduction(pullback=_to_the_extremes, latex=r"\max{settings} {x}", numpy=(np.max, np.amax), onnx="ReduceMax", empty=False)
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest entry over axes; entries that tie share the gradient equally.

    >>> import tinygrad_edu as tg
    >>> tg.max(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [3.0, 4.0]
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@reduction(pullback=_to_the_extremes, latex=r"\min{settings} {x}", numpy=(np.min, np.amin), onnx="ReduceMin", empty=False)
def min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest entry over axes; entries that tie share the gradient equally.

    >>> import tinygrad_edu as tg
    >>> tg.min(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
    [1.0, 2.0]
    """
    return np.min(x, axis=axis, keepdims=keepdims)


def broadcast_axes(wide: tuple[int, ...], narrow: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which ``narrow`` was repeated to become ``wide``."""
    lead = len(wide) - len(narrow)
    return (*range(lead), *(lead + k for k, n in enumerate(narrow) if n == 1 and wide[lead + k] != 1))


@reduction(
    pullback=lambda g, y, x, *, shape: np.broadcast_to(g, x.shape),
    latex=r"\sum{settings} {x}", label="Σ",
    samples=[Sample(((3, 4),), {"shape": s}) for s in ((4,), (3, 1), (1, 4), (), (1, 1), (3, 4))],
)  # fmt: skip
def sum_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an array of ``shape`` was broadcast: what undoes broadcasting.

    Narrow floats are added up in float64: along a leading axis NumPy adds row by row, and a million
    float32 rows would be 1 % off.

    >>> import tinygrad_edu as tg
    >>> tg.sum_to(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), shape=(2, 1)).tolist()
    [[3.0], [7.0]]
    """
    wide = np.float64 if x.dtype.kind == "f" and x.dtype.itemsize < 8 else None
    total = np.sum(x, axis=broadcast_axes(x.shape, shape), dtype=wide, keepdims=True)
    return np.reshape(total, shape).astype(x.dtype, copy=False)
