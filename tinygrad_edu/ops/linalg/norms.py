"""Norms of vectors and matrices, of every order that NumPy has.

Conventions where a norm has no derivative: 0 at the zero vector and, for orders up to 1, at zero entries;
second derivatives are nan there. Entries that tie for the largest or smallest share the gradient equally;
order 0 counts, and has slope 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.elementwise.arithmetic import slope_of_absolute
from tinygrad_edu.ops.linalg.inverses import of_matrices, well_conditioned
from tinygrad_edu.ops.movement.shapes import floating
from tinygrad_edu.ops.reduction.sums_and_extrema import expanded

__all__ = ["matrix_norm", "norm", "vector_norm"]

Array = Any
Axis = int | tuple[int, ...] | None


def _through_vector_norm(
    g: Array, y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2
) -> Array:
    ord = 2 if ord is None else ord
    g, y, size = expanded(g, x, axis, keepdims), expanded(y, x, axis, keepdims), np.abs(x)
    kink = slope_of_absolute(y)  # 1, and 0 at the zero vector, where its own slope is nan
    if np.isinf(ord):
        chosen = np.equal(size, y) * 1.0
        return g * np.sign(x) * chosen / np.sum(chosen, axis=axis, keepdims=True) * kink
    if ord == 0:
        return g * np.zeros_like(x)
    if ord == 1:
        return g * slope_of_absolute(x)
    if ord == 2:
        flat = np.equal(y, 0)
        return g * np.where(flat, 0.0, x / np.where(flat, 1.0, y)) * kink
    # x_i |x_i|^(p-2) / y^(p-1), formed from the ratio |x_i| / y, which is 0 where either is.
    nothing = np.logical_or(np.equal(x, 0), np.equal(y, 0))
    ratio = np.where(nothing, 0.0, x / np.where(nothing, 1.0, y))
    signs = np.sign(x) if ord >= 2 else slope_of_absolute(x)  # below 2 a zero entry is a kink, too
    return g * np.where(nothing, 0.0, np.abs(np.where(nothing, 1.0, ratio)) ** (ord - 1)) * kink * signs


def _sample(shape: tuple[int, ...], **settings: Any) -> Sample:
    """Entries away from zero, where a norm has a kink."""
    return Sample((shape,), settings, ((0.2, 1.0),))


@reduction(
    pullback=_through_vector_norm, latex=r"\left\|{x}\right\|{settings}", label="‖x‖",
    numpy=np.linalg.vector_norm,
    samples=[
        *(_sample(shape) for shape in ((3, 4), (4,), ())),
        *(_sample((3, 4), axis=1, ord=p) for p in (0, 1, 2, 3, 2.5, 0.5, -1, np.inf, -np.inf)),
        _sample((2, 3, 4), axis=(0, 2), keepdims=True),
        _sample((3, 4), axis=-1, keepdims=True),
        _sample((0, 3), axis=0),
        _sample((4,), ord=3),
    ],
    range=(0.0, np.inf), rounding=np.inf,
)  # fmt: skip
def vector_norm(x: Array, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """``np.linalg.vector_norm``: (Σ |x|^p)^(1/p) over axes, or over all entries.

    ``ord`` is p: 2 the length, 1, inf the largest, -inf the smallest, 0 how many are not zero, or any number.
    At the zero vector the slope is 0, by convention.

    >>> import tinygrad_edu as tg
    >>> x = tg.Tensor([3.0, -4.0])
    >>> tg.vector_norm(x).backward()
    >>> x.grad.tolist()
    [0.6, -0.8]
    """
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)  # type: ignore[arg-type]


@composed(
    samples=[
        s
        for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
        for s in of_matrices(well_conditioned, (3, 3), (4, 2), (2, 2, 3), ord=p)
    ]
    + of_matrices(well_conditioned, (2, 2, 3), ord="nuc", keepdims=True),
    numpy=np.linalg.matrix_norm,
)
def matrix_norm(x: Array, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """``np.linalg.matrix_norm``: of the matrices in the last two axes.

    ``ord``: "fro" the root of the sum of squares, "nuc" the sum of the singular values, 2 and -2 the largest
    and smallest of them, 1 and -1 the largest and smallest column sum of |x|, inf and -inf the same of rows.

    Raises:
        ValueError: no such order, or fewer than two axes.

    >>> import tinygrad_edu as tg
    >>> [tg.matrix_norm(tg.Tensor([[3.0, 0.0], [0.0, -4.0]]), ord=p).item() for p in ("fro", "nuc", 2, 1)]
    [5.0, 7.0, 4.0, 4.0]
    """
    if np.ndim(x) < 2:
        raise ValueError(f"matrix_norm: expected two axes or more, got shape {np.shape(x)}")
    x = floating(x)
    if ord == "fro":
        return np.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord == "nuc":
        y = np.sum(np.linalg.svdvals(x), axis=-1)
    elif ord in (2, -2):
        y = np.linalg.svdvals(x)[..., 0 if ord == 2 else -1]
    elif ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        y = (np.max if ord > 0 else np.min)(sums, axis=-1)
    else:
        raise ValueError(
            f"matrix_norm: expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf as order, got {ord!r}"
        )
    return np.expand_dims(y, (-2, -1)) if keepdims else y


@composed(
    samples=[
        Sample(((3, 4),)),
        _sample((4,), ord=3),
        _sample((2, 3), ord=1, axis=1),
        Sample(((2, 3, 4),), {"axis": (0, 2)}),
        Sample(((2, 3, 4),), {"ord": "nuc", "axis": (2, 0), "keepdims": True}),
        _sample((2, 3, 4), ord=np.inf, axis=(0, 1)),
        Sample(((3, 3),), {"ord": 2}),
        Sample(((),)),
    ],
    numpy=np.linalg.norm,
)
def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """``np.linalg.norm``: of a vector, a matrix, or over one or two axes; by default of all entries.

    See :func:`vector_norm` and :func:`matrix_norm` for the orders, and what holds where there is no slope.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.linalg.norm.html.

    Raises:
        ValueError: no such order for a vector or matrix, or more than two axes with an order.

    >>> import tinygrad_edu as tg
    >>> tg.norm(tg.Tensor([[3.0, 0.0], [0.0, 4.0]])).item(), tg.norm(tg.Tensor([3.0, -4.0]), 1).item()
    (5.0, 7.0)
    """
    n = np.ndim(x)
    axes = axis if isinstance(axis, tuple) else (tuple(range(n)) if axis is None else (axis,))
    if ord is None and (axis is None or len(axes) <= 2):
        return vector_norm(x, axis=axis, keepdims=keepdims)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(
                f"norm: order {ord!r} is one of matrices, and this is a vector of shape {np.shape(x)}"
            )
        return np.linalg.vector_norm(x, axis=axes[0], keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ValueError(
            f"norm: expected one or two axes for an order, got axis={axis} of shape {np.shape(x)}"
        )
    last = [k % n for k in axes]
    if last[0] == last[1]:
        raise ValueError(f"norm: expected two different axes, got {axes}")
    moved = np.transpose(x, (*(k for k in range(n) if k not in last), *last))
    y = np.linalg.matrix_norm(moved, ord=ord)
    return np.expand_dims(y, tuple(sorted(last))) if keepdims else y
