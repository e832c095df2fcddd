"""Diagonals and triangles of matrices: read, written, and cut out."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Settings, Shape, Shapes, positions
from tinygrad_edu.core.kinds import composed, movement
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.reduction.sums_and_extrema import sum  # noqa: A004

__all__ = [
    "diag", "diagflat", "diagonal", "embed_diagonal", "matrix_diagonal", "matrix_trace", "matrix_transpose",
    "trace", "tril", "triu",
]  # fmt: skip

Array = Any
_PLACES: list[tuple[tuple[int, ...], dict[str, int]]] = [
    ((3, 4), {}), ((3, 4), {"offset": 1}), ((3, 4), {"offset": -2}), ((3, 3), {"offset": 3}),
    ((2, 3, 4), {}), ((2, 3, 4), {"offset": 1, "axis1": 1, "axis2": 2}),
    ((2, 3, 4), {"axis1": -1, "axis2": 0}), ((0, 3), {}), ((2, 0, 3), {"axis1": 1, "axis2": 2}),
]  # fmt: skip


def _onto_the_diagonal(g: Array, y: Array, x: Array, **where: int) -> Array:
    return embed_diagonal(g, shape=x.shape, **where)


def _diagonal_axes(shape: Shape, settings: Settings) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The letters of a matrix's axes, the diagonal's two alike where they can be, and those of the rest."""
    one, other = positions((settings.get("axis1", 0), settings.get("axis2", 1)), len(shape))
    pair = settings.get("offset", 0) == 0 and shape[one] == shape[other]
    letters = tuple("d" if pair and k in (one, other) else k for k in range(len(shape)))
    return letters, tuple(k for k in range(len(shape)) if k not in (one, other))


def _read_axes(shapes: Shapes, settings: Settings) -> Flow:
    letters, rest = _diagonal_axes(shapes[0], settings)
    one, other = positions((settings.get("axis1", 0), settings.get("axis2", 1)), len(letters))
    return Flow((letters,), (*rest, "d" if "d" in letters else New((one, other), "windowed")))


def _embedded_axes(_: Shapes, settings: Settings) -> Flow:
    letters, rest = _diagonal_axes(settings["shape"], settings)
    return Flow(
        ((*rest, "d"),), tuple(k if k == "d" or k in rest else New(("d",), "placed") for k in letters)
    )


@movement(
    axes=_read_axes,
    pullback=_onto_the_diagonal, latex=r"\operatorname{{diagonal}}({x})",
    samples=[Sample((shape,), settings) for shape, settings in _PLACES],
)  # fmt: skip
def diagonal(x: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal of the matrices in two axes, as a new last axis; ``offset`` > 0 lies above it.

    Source: https://numpy.org/doc/stable/reference/generated/numpy.diagonal.html.

    Raises:
        ValueError: fewer than two axes.

    >>> import tinygrad_edu as tg
    >>> tg.diagonal(tg.Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [1.0, 4.0]
    """
    return np.diagonal(x, offset, axis1, axis2)


@movement(
    axes=_embedded_axes,
    pullback=lambda g, y, x, *, shape, offset=0, axis1=0, axis2=1: np.diagonal(g, offset, axis1, axis2),
    latex=r"\operatorname{{diag}}({x})", label="diag", opaque=True,
    samples=[
        Sample((np.diagonal(np.empty(shape), **settings).shape,), {"shape": shape, **settings})
        for shape, settings in _PLACES
    ],
    moves=False, stops=True,
)  # fmt: skip
def embed_diagonal(
    x: Array, *, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Array:
    """Zeros of ``shape`` with the last axis of x on the diagonal of two axes: the reverse of ``diagonal``.

    ``offset`` counts from the main diagonal upward, ``axis1`` and ``axis2`` are those of the result.

    >>> import tinygrad_edu as tg
    >>> tg.embed_diagonal(tg.Tensor([1.0, 2.0]), shape=(2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """
    whole = np.zeros(shape, x.dtype)
    along = np.arange(x.shape[-1])
    matrices = np.moveaxis(whole, (axis1, axis2), (-2, -1))
    matrices[..., along + max(-offset, 0), along + max(offset, 0)] = x
    return whole


@composed(samples=[Sample((shape,), {"k": k}) for shape in ((3,), (3, 4)) for k in (0, 1, -1)])
def diag(v: Array, k: int = 0) -> Array:
    """``np.diag``: a matrix with the vector v on its k-th diagonal, or the k-th diagonal of a matrix.

    >>> import tinygrad_edu as tg
    >>> tg.diag(tg.Tensor([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    if np.ndim(v) == 1:
        n = np.shape(v)[0] + abs(k)
        return embed_diagonal(v, shape=(n, n), offset=k)
    if np.ndim(v) != 2:
        raise ValueError(f"diag: expected a vector or a matrix, got shape {np.shape(v)}")
    return np.diagonal(v, k)


@composed(samples=[Sample(((2, 2),)), Sample(((3,),), {"k": 1}), Sample(((),))])
def diagflat(v: Array, k: int = 0) -> Array:
    """``np.diagflat``: a matrix with all entries of v on its k-th diagonal.

    >>> import tinygrad_edu as tg
    >>> tg.diagflat(tg.Tensor([[1.0, 2.0]])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    return diag(np.reshape(v, (-1,)), k)


@composed(samples=[Sample((shape,), settings) for shape, settings in _PLACES])
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1, *, dtype: Any = None) -> Array:
    """``np.trace``: the sum of the diagonal of the matrices in two axes.

    >>> import tinygrad_edu as tg
    >>> tg.trace(tg.Tensor([[1.0, 2.0], [3.0, 4.0]])).item()
    5.0
    """
    return sum(np.diagonal(x, offset, axis1, axis2), axis=-1, dtype=dtype)


_STACKED = [Sample(((2, 3, 4),)), Sample(((3, 3),), {"offset": -1})]


@composed(samples=_STACKED, numpy=np.linalg.diagonal)
def matrix_diagonal(x: Array, *, offset: int = 0) -> Array:
    """``np.linalg.diagonal``: the diagonals of the matrices in the last two axes.

    ``offset`` counts from the main diagonal upward.

    >>> import tinygrad_edu as tg
    >>> tg.matrix_diagonal(tg.Tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[1.0, 4.0]]
    """
    return np.diagonal(x, offset, -2, -1)


@composed(samples=_STACKED, numpy=np.linalg.trace)
def matrix_trace(x: Array, *, offset: int = 0, dtype: Any = None) -> Array:
    """``np.linalg.trace``: the sum of the diagonals of the matrices in the last two axes.

    ``offset`` counts from the main diagonal upward; ``dtype`` is what the sum is computed in.

    >>> import tinygrad_edu as tg
    >>> tg.matrix_trace(tg.Tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [5.0]
    """
    return sum(np.diagonal(x, offset, -2, -1), axis=-1, dtype=dtype)


@composed(
    samples=[Sample(((2, 3),)), Sample(((2, 3, 4),))], numpy=(np.matrix_transpose, np.linalg.matrix_transpose)
)
def matrix_transpose(x: Array) -> Array:
    """``np.matrix_transpose``: the last two axes exchanged.

    >>> import tinygrad_edu as tg
    >>> tg.matrix_transpose(tg.Tensor([[1.0, 2.0]])).tolist()
    [[1.0], [2.0]]
    """
    if np.ndim(x) < 2:
        raise ValueError(f"matrix_transpose: expected two axes or more, got shape {np.shape(x)}")
    return np.swapaxes(x, -1, -2)


def _with_rows(x: Array) -> Array:
    if np.ndim(x) == 0:
        raise ValueError("a number has no triangles")
    return x


_TRIANGLES = [Sample((shape,), {"k": k}) for shape in ((3, 4), (2, 3, 3)) for k in (0, 1, -1)]
_TRIANGLES += [Sample(((3,),)), Sample(((0, 3),))]


def _triangle_axes(shapes: Shapes, _: Settings) -> Flow:
    own = tuple(range(len(shapes[0])))
    repeated = [New(how="repeated")] * (len(own) == 1)  # a vector counts as a row, over and over
    return Flow((own,), (*repeated, *own), meets=frozenset(own[-2:]))


@movement(
    axes=_triangle_axes,
    pullback=lambda g, y, x, *, k=0: np.tril(g, k), latex=r"\operatorname{{tril}}({x})", samples=_TRIANGLES,
    moves=False, stops=True,
)  # fmt: skip
def tril(x: Array, *, k: int = 0) -> Array:
    """The lower triangle, up to the k-th diagonal; 0 above it. A vector is taken as every row.

    >>> import tinygrad_edu as tg
    >>> tg.tril(tg.Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    return np.tril(_with_rows(x), k)


@movement(
    axes=_triangle_axes,
    pullback=lambda g, y, x, *, k=0: np.triu(g, k), latex=r"\operatorname{{triu}}({x})", samples=_TRIANGLES,
    moves=False, stops=True,
)  # fmt: skip
def triu(x: Array, *, k: int = 0) -> Array:
    """The upper triangle, from the k-th diagonal on; 0 below it. A vector is taken as every row.

    >>> import tinygrad_edu as tg
    >>> tg.triu(tg.Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 2.0], [0.0, 4.0]]
    """
    return np.triu(_with_rows(x), k)
