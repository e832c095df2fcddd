"""Sums of products over shared axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, contraction
from tinygrad_edu.core.samples import Sample

__all__ = ["dot", "matmul"]

Array = Any
_MATMUL = [
    (3, 4), (4, 2),
    (4,), (4,),
    (3, 4), (4,),
    (4,), (4, 2),
    (2, 3, 4), (4, 5),
    (3, 4), (2, 4, 5),
    (2, 3, 4), (4,),
    (4,), (2, 4, 5),
    (0, 3), (3, 2),
]  # fmt: skip


def _left(g: Array, y: Array, a: Array, b: Array) -> Array:
    if b.ndim == 1:  # y_i = sum_k a_ik b_k
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:  # y_j = sum_k a_k b_kj
        return np.reshape(b @ np.expand_dims(g, -1), b.shape[:-1])
    return g @ np.swapaxes(b, -1, -2) if b.ndim > 2 else g @ b.T


def _right(g: Array, y: Array, a: Array, b: Array) -> Array:
    if a.ndim == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2) if b.ndim > 1 else a * g
    if b.ndim == 1:
        return np.reshape(np.expand_dims(g, -2) @ a, (*a.shape[:-2], a.shape[-1]))
    return np.swapaxes(a, -1, -2) @ g if a.ndim > 2 else a.T @ g


@contraction(
    pullback=(_left, _right), latex=r"{a} {b}", label="@", onnx="MatMul",
    samples=[Sample((a, b)) for a, b in zip(_MATMUL[::2], _MATMUL[1::2], strict=True)],
)  # fmt: skip
def matmul(a: Array, b: Array) -> Array:
    """Matrix product of the last two axes; the others are broadcast.

    Shapes: (..., n, k) @ (..., k, m) gives (..., n, m); a vector counts as a row on the left and as a
    column on the right. Rules: dA = G Bᵀ, dB = Aᵀ G.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.matmul.html.

    >>> import tinygrad_edu as tg
    >>> (tg.Tensor([[1.0, 2.0]]) @ tg.Tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    return a @ b


@composed(samples=[Sample(((3, 4), (4, 2))), Sample(((4,), (4,))), Sample(((), (3, 2))), Sample(((2, 3, 4), (5, 4, 3)))])
def dot(a: Array, b: Array) -> Array:
    """``np.dot``: a product with a scalar, the matrix product, or a sum over the last axis of a and the
    last but one of b.

    >>> import tinygrad_edu as tg
    >>> tg.dot(tg.Tensor([1.0, 2.0]), [3.0, 4.0]).item()
    11.0
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return a @ b
    return np.tensordot(a, b, axes=([-1], [-2]))
