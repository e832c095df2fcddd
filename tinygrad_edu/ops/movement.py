"""Operations that move entries about and change none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.kinds import composed, elementwise, movement
from tinygrad_edu.core.samples import Sample

__all__ = ["astype", "broadcast_to", "concatenate", "expand_dims", "reshape", "swapaxes", "transpose"]

Array = Any


@movement(
    pullback=lambda g, y, x, *, shape: np.reshape(g, x.shape),
    latex=r"\operatorname{{reshape}}({x})", onnx="Reshape",
    samples=[Sample(((3, 4),), {"shape": s}) for s in ((12,), (2, 6), (-1,), (4, 1, 3))] + [Sample(((1,),), {"shape": ()})],
)  # fmt: skip
def reshape(x: Array, *, shape: int | tuple[int, ...]) -> Array:
    """The same entries, row by row, in another shape.

    >>> import tinygrad_edu as tg
    >>> tg.reshape(tg.Tensor([1.0, 2.0, 3.0, 4.0]), (2, 2)).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return np.reshape(x, shape)


@movement(
    pullback=lambda g, y, x, *, axes=None: np.transpose(g, axes and tuple(np.argsort([a % x.ndim for a in axes]))),
    latex=r"{x}^\top", label="T", onnx="Transpose",
    samples=[Sample(((3, 4),)), Sample(((2, 3, 4),), {"axes": (1, 2, 0)}), Sample(((2, 3, 4),), {"axes": (0, -1, 1)}), Sample(((),))],
)  # fmt: skip
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """Axes reversed, or in the given order.

    >>> import tinygrad_edu as tg
    >>> tg.transpose(tg.Tensor([[1.0, 2.0]])).tolist()
    [[1.0], [2.0]]
    """
    return np.transpose(x, axes)


@composed(samples=[Sample(((2, 3, 4),), {"axis1": 0, "axis2": -1})])
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged.

    >>> import tinygrad_edu as tg
    >>> tg.swapaxes(tg.Tensor([[1.0, 2.0]]), 0, 1).tolist()
    [[1.0], [2.0]]
    """
    order = list(range(x.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return np.transpose(x, tuple(order))


@movement(
    pullback=lambda g, y, x, *, shape: g,  # undone, like all broadcasting, after the rule
    latex=r"\operatorname{{broadcast}}({x})", onnx="Expand",
    samples=[Sample(((3, 1),), {"shape": (3, 4)}), Sample(((4,),), {"shape": (2, 3, 4)}), Sample(((),), {"shape": (2,)})],
)  # fmt: skip
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Repeated along axes of length 1, and along new leading ones, without copying.

    >>> import tinygrad_edu as tg
    >>> tg.broadcast_to(tg.Tensor([1.0, 2.0]), (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    return np.broadcast_to(x, shape)


@movement(
    pullback=lambda g, y, x, *, axis: np.reshape(g, x.shape),
    latex=r"{x}", onnx="Unsqueeze",
    samples=[Sample(((3, 4),), {"axis": a}) for a in (0, -1, (0, 2))],
)  # fmt: skip
def expand_dims(x: Array, *, axis: int | tuple[int, ...]) -> Array:
    """New axes of length 1 at the given places.

    >>> import tinygrad_edu as tg
    >>> tg.expand_dims(tg.Tensor([1.0, 2.0]), 1).tolist()
    [[1.0], [2.0]]
    """
    return np.expand_dims(x, axis)


def _own_part(k: int, g: Array, y: Array, *xs: Array, axis: int = 0) -> Array:
    start = int(np.sum([x.shape[axis] for x in xs[:k]], dtype=int))
    cut = [slice(None)] * y.ndim
    cut[axis] = slice(start, start + xs[k].shape[axis])
    return g[tuple(cut)]


@movement(
    pullback=_own_part,
    latex=r"\left[{xs}\right]", label="concat", onnx="Concat",
    samples=[Sample(((2, 3), (4, 3))), Sample(((2, 3), (2, 1), (2, 2)), {"axis": 1}), Sample(((2, 0), (2, 3)), {"axis": -1})],
)  # fmt: skip
def concatenate(*xs: Array, axis: int = 0) -> Array:
    """Arrays joined along an existing axis.

    >>> import tinygrad_edu as tg
    >>> tg.concatenate([tg.Tensor([1.0]), tg.Tensor([2.0, 3.0])]).tolist()
    [1.0, 2.0, 3.0]
    """
    return np.concatenate(xs, axis=axis)


@elementwise(
    pullback=lambda g, y, x, *, dtype: g,  # cast back, like every gradient, after the rule
    latex=r"{x}", onnx="Cast",
    samples=[Sample(((3, 4),), {"dtype": np.float64})],
)  # fmt: skip
def astype(x: Array, *, dtype: DTypeLike) -> Array:
    """The same values in another floating-point precision.

    >>> import tinygrad_edu as tg
    >>> tg.astype(tg.Tensor([1.0]), "float32").dtype
    dtype('float32')
    """
    return x.astype(dtype)
