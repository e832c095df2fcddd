"""Sums of products over shared axes: the matrix product and its kin. Any other pairing: ``einsum``."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import Flow, Settings, Shapes, contracted, matrices
from tinygrad_edu.core.facts import MATRIX, POWER, infix
from tinygrad_edu.core.kinds import composed, contraction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.linalg.einsum import contract
from tinygrad_edu.ops.movement.shapes import astype, dtype_of, length

__all__ = [
    "cross", "dot", "inner", "kron", "matmul", "matvec", "outer", "tensordot", "vdot", "vecdot", "vecmat",
]  # fmt: skip

Array = Any
Axes = int | tuple[int | Sequence[int], int | Sequence[int]]


def _pairs(*shapes: tuple[int, ...]) -> list[Sample]:
    """Samples of two operands: the shapes follow one another in twos."""
    return [Sample(pair) for pair in zip(shapes[::2], shapes[1::2], strict=True)]


# The matrix product


def _matmul_left(g: Array, y: Array, a: Array, b: Array) -> Array:
    if b.ndim == 1:  # y_i = sum_k a_ik b_k
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:  # y_j = sum_k a_k b_kj
        return b @ g if b.ndim == 2 else np.reshape(b @ np.expand_dims(g, -1), b.shape[:-1])
    return g @ np.swapaxes(b, -1, -2) if b.ndim > 2 else g @ b.T


def _matmul_right(g: Array, y: Array, a: Array, b: Array) -> Array:
    if a.ndim == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2) if b.ndim > 1 else a * g
    if b.ndim == 1:
        return a.T @ g if a.ndim == 2 else np.reshape(np.expand_dims(g, -2) @ a, (*a.shape[:-2], a.shape[-1]))
    return np.swapaxes(a, -1, -2) @ g if a.ndim > 2 else a.T @ g


def _misfit(a: Array, b: Array) -> str:
    """Why two arrays have no matrix product."""
    if not np.ndim(a) or not np.ndim(b):
        return "a number has no axis to sum over; multiply by it with *"
    k, l = np.shape(a)[-1], np.shape(b)[-2:][0]
    if k != l:
        return f"inner dimensions {k} and {l} differ"
    return f"leading dimensions {np.shape(a)[:-2]} and {np.shape(b)[:-2]} do not broadcast"


@contraction(
    axes=matrices,
    pullback=(_matmul_left, _matmul_right), latex=r"{a} {b}", label="@", onnx="MatMul",
    numpy=(np.matmul, np.linalg.matmul),
    samples=_pairs(
        (3, 4), (4, 2),
        (4,), (4,),
        (3, 4), (4,),
        (4,), (4, 2),
        (2, 3, 4), (4, 5),
        (3, 4), (2, 4, 5),
        (2, 3, 4), (4,),
        (4,), (2, 4, 5),
        (2, 1, 3, 4), (3, 4, 2),
        (0, 3), (3, 2),
        (2, 0), (0, 3),
    ),
    sign=infix("@", MATRIX, right=POWER, latex=""), associative=True,
)  # fmt: skip
def matmul(a: Array, b: Array) -> Array:
    """Matrix product of the last two axes; the others are broadcast.

    Shapes: (..., n, k) @ (..., k, m) gives (..., n, m); a vector counts as a row on the left and as a
    column on the right. Rules: dA = G Bᵀ, dB = Aᵀ G.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.matmul.html.

    Raises:
        ValueError: the inner dimensions differ, or the leading ones do not broadcast.

    >>> import tinygrad_edu as tg
    >>> (tg.Tensor([[1.0, 2.0]]) @ tg.Tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    try:
        return a @ b
    except ValueError:
        raise ValueError(_misfit(a, b)) from None


# Sums over any axes


def _axes_to_sum(axes: Axes, a: Array, b: Array) -> tuple[list[int], list[int]]:
    """The axes of each operand that are summed over, in pairs."""
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        if not 0 <= n <= min(np.ndim(a), np.ndim(b)):
            raise ValueError(f"cannot sum over {n} axes of each")
        return [*range(np.ndim(a) - n, np.ndim(a))], [*range(n)]
    of_a, of_b = ([s] if isinstance(s, (int, np.integer)) else list(s) for s in axes)
    if len(of_a) != len(of_b):
        raise ValueError(f"axes {of_a} and {of_b} do not pair up")
    return _in_range(of_a, a), _in_range(of_b, b)


def _in_range(axes: Sequence[int], x: Array) -> list[int]:
    n = np.ndim(x)
    wrong = [k for k in axes if not -n <= k < n]
    if wrong:
        raise ValueError(f"no axis {wrong[0]} in an array of shape {np.shape(x)}")
    return [k % n for k in axes]


def _back_through_tensordot(
    g: Array, other: Array, summed: Sequence[int], matched: Sequence[int], ndim: int, *, first: bool
) -> Array:
    """The gradient of one operand: g against the other operand, then the axes put where they came from.

    ``summed`` and ``matched`` are the axes of this operand and of the other that met; ``ndim`` is this one's.
    """
    free = [k for k in range(ndim) if k not in summed]
    others_free = [k for k in range(other.ndim) if k not in matched]
    of_other = [*range(len(free), g.ndim)] if first else [*range(len(others_free))]
    gradient = np.tensordot(g, other, (of_other, others_free))
    came_from = free + [summed[matched.index(k)] for k in sorted(matched)]
    return np.transpose(gradient, tuple(came_from.index(k) for k in range(ndim)))


def _tensordot_left(g: Array, y: Array, a: Array, b: Array, *, axes: Axes = 2) -> Array:
    of_a, of_b = _axes_to_sum(axes, a, b)
    return _back_through_tensordot(g, b, of_a, of_b, a.ndim, first=True)


def _tensordot_right(g: Array, y: Array, a: Array, b: Array, *, axes: Axes = 2) -> Array:
    of_a, of_b = _axes_to_sum(axes, a, b)
    return _back_through_tensordot(g, a, of_b, of_a, b.ndim, first=False)


def _paired(shapes: Shapes, settings: Settings) -> Flow:
    a, b = (np.broadcast_to(0, shape) for shape in shapes)
    of_a, of_b = _axes_to_sum(settings.get("axes", 2), a, b)
    left = [("a", k) for k in range(a.ndim)]
    right: list[tuple[str, int]] = [("b", k) for k in range(b.ndim)]
    for j, k in zip(of_a, of_b, strict=True):
        right[k] = left[j]
    met = {left[j] for j in of_a}
    return contracted((left, right), [letter for letter in (*left, *right) if letter not in met])


@contraction(
    axes=_paired, parts=True,
    pullback=(_tensordot_left, _tensordot_right), latex=r"{a} \cdot_{{{settings}}} {b}", label="tensordot",
    numpy=(np.tensordot, np.linalg.tensordot),
    samples=[
        Sample(((2, 3, 4), (3, 4, 5))),
        Sample(((3, 4), (4, 2)), {"axes": 1}),
        Sample(((3,), (2, 2)), {"axes": 0}),
        Sample(((2, 3, 4), (4, 5, 3)), {"axes": ((1, 2), (2, 0))}),
        Sample(((2, 3, 4), (5, 4)), {"axes": (-1, -1)}),
        Sample(((2, 3), (2, 3)), {"axes": ([1, 0], [1, 0])}),
        Sample(((), (2, 3)), {"axes": 0}),
        Sample(((2, 0), (0, 3)), {"axes": 1}),
    ],
)  # fmt: skip
def tensordot(a: Array, b: Array, *, axes: Axes = 2) -> Array:
    """Sum of products over pairs of axes: the last ``axes`` of a with the first of b, or the pairs given.

    Shapes: the axes of a that are left, then those of b.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.tensordot.html.

    Raises:
        ValueError: an axis doesn't exist, or two that should meet differ in length.

    >>> import tinygrad_edu as tg
    >>> tg.tensordot(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 0.0], [0.0, 1.0]]).item()
    5.0
    """
    of_a, of_b = _axes_to_sum(axes, a, b)
    for j, k in zip(of_a, of_b, strict=True):
        if np.shape(a)[j] != np.shape(b)[k]:
            raise ValueError(
                f"axes {j} and {k} are summed over together, but run to {np.shape(a)[j]} and {np.shape(b)[k]}"
            )
    if isinstance(a, Tensor) or isinstance(b, Tensor):  # taken apart for a compiled step
        flow = _paired((np.shape(a), np.shape(b)), {"axes": (of_a, of_b)})
        letters = dict(
            zip(dict.fromkeys((*flow.operands[0], *flow.operands[1])), ascii_letters, strict=False)
        )
        left, right, result = ("".join(letters[k] for k in part) for part in (*flow.operands, flow.result))
        return contract(a, b, subscripts=f"{left},{right}->{result}")
    return np.tensordot(a, b, (of_a, of_b))


# Composed of these


def _scaled(a: Array, b: Array) -> bool:
    """Whether one of them is a number."""
    return np.ndim(a) == 0 or np.ndim(b) == 0


@composed(
    samples=_pairs(
        (3, 4),
        (4, 2),
        (4,),
        (4,),
        (),
        (3, 2),
        (3,),
        (),
        (2, 3, 4),
        (5, 4, 3),
        (4,),
        (2, 4, 3),
        (2, 3, 4),
        (4,),
    )
)
def dot(a: Array, b: Array) -> Array:
    """``np.dot``: a product with a number, the matrix product, or, for more axes, a tensordot.

    It sums over the last axis of a and the last but one of b.

    >>> import tinygrad_edu as tg
    >>> tg.dot(tg.Tensor([1.0, 2.0]), [3.0, 4.0]).item()
    11.0
    """
    if _scaled(a, b):
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, ([-1], [-2]))


@composed(samples=_pairs((4,), (4,), (3, 4), (4,), (3, 4), (2, 4), (), (2, 3), (2, 3, 4), (5, 4)))
def inner(a: Array, b: Array) -> Array:
    """``np.inner``: the sum of products over the last axis of both.

    >>> import tinygrad_edu as tg
    >>> tg.inner(tg.Tensor([[1.0, 2.0]]), [[3.0, 4.0], [5.0, 6.0]]).tolist()
    [[11.0, 17.0]]
    """
    return np.multiply(a, b) if _scaled(a, b) else np.tensordot(a, b, ([-1], [-1]))


@composed(samples=_pairs((3,), (4,), (2, 3), (4,), (), (3,), (0,), (2,)), numpy=(np.outer, np.linalg.outer))
def outer(a: Array, b: Array) -> Array:
    """``np.outer``: every entry of a times every entry of b, (n,) and (m,) to (n, m); both are flattened.

    >>> import tinygrad_edu as tg
    >>> tg.outer(tg.Tensor([1.0, 2.0]), [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@composed(samples=_pairs((4,), (4,), (2, 3), (6,), (), ()))
def vdot(a: Array, b: Array) -> Array:
    """``np.vdot``: the sum of the products of all entries, both flattened.

    >>> import tinygrad_edu as tg
    >>> tg.vdot(tg.Tensor([[1.0, 2.0]]), [[3.0], [4.0]]).item()
    11.0
    """
    return np.matmul(np.reshape(a, (-1,)), np.reshape(b, (-1,)))


@composed(
    samples=[*_pairs((4,), (4,), (2, 3), (3,), (2, 1, 3), (4, 3)), Sample(((3, 2), (3, 2)), {"axis": 0})],
    numpy=(np.vecdot, np.linalg.vecdot),
)
def vecdot(a: Array, b: Array, *, axis: int = -1) -> Array:
    """``np.vecdot``: the sum of products along an axis, the other axes broadcast.

    Raises:
        ValueError: the lengths along the axis differ: only the other axes are broadcast.

    >>> import tinygrad_edu as tg
    >>> tg.vecdot(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 1.0]).tolist()
    [3.0, 7.0]
    """
    if length(a, axis) != length(b, axis):
        raise ValueError(f"vecdot: {np.shape(a)} and {np.shape(b)} differ in length along axis {axis}")
    a, b = (np.moveaxis(v, axis, -1) for v in (a, b))  # an axis of each, before the others are broadcast
    y = np.sum(np.multiply(a, b), axis=-1)
    return astype(y, dtype=bool) if dtype_of(a).kind == dtype_of(b).kind == "b" else y


@composed(samples=_pairs((2, 3), (3,), (2, 3), (4, 3), (2, 2, 3), (2, 3)))
def matvec(a: Array, x: Array) -> Array:
    """``np.matvec``: a matrix times each vector, (..., n, k) and (..., k) to (..., n).

    >>> import tinygrad_edu as tg
    >>> tg.matvec(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 0.0], [0.0, 1.0]]).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return np.einsum("...ij,...j->...i", a, x)


@composed(samples=_pairs((2,), (2, 3), (4, 2), (2, 3), (2, 3), (2, 3, 2)))
def vecmat(x: Array, a: Array) -> Array:
    """``np.vecmat``: each vector times a matrix, (..., k) and (..., k, n) to (..., n).

    >>> import tinygrad_edu as tg
    >>> tg.vecmat([[1.0, 0.0], [0.0, 1.0]], tg.Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return np.einsum("...i,...ij->...j", x, a)


@composed(samples=_pairs((2, 3), (3, 2), (3,), (2, 2), (2, 1, 3), (2, 2), (), (2, 2)))
def kron(a: Array, b: Array) -> Array:
    """``np.kron``: the Kronecker product, where each entry of a is replaced by itself times b.

    >>> import tinygrad_edu as tg
    >>> tg.kron(tg.Tensor([1.0, 10.0]), [1.0, 2.0]).tolist()
    [1.0, 2.0, 10.0, 20.0]
    """
    n = max(np.ndim(a), np.ndim(b))
    rows, columns = ((1,) * (n - np.ndim(x)) + np.shape(x) for x in (a, b))
    spread = np.reshape(a, tuple(k for r in rows for k in (r, 1)))
    inside = np.reshape(b, tuple(k for c in columns for k in (1, c)))
    return np.reshape(np.multiply(spread, inside), tuple(r * c for r, c in zip(rows, columns, strict=True)))


@composed(
    samples=[*_pairs((3,), (3,), (4, 3), (3,), (2, 1, 3), (4, 3)), Sample(((3, 2), (3, 2)), {"axis": 0})],
    numpy=(np.cross, np.linalg.cross),
)
def cross(
    a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    """The cross product of vectors of three entries along an axis, the other axes broadcast.

    The axis of a, of b and of the result may be given one by one.

    Raises:
        ValueError: a vector does not have three entries.

    >>> import tinygrad_edu as tg
    >>> tg.cross(tg.Tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    if length(a, axisa) != 3 or length(b, axisb) != 3:
        along = axis if axis is not None else (axisa, axisb)
        raise ValueError(
            f"cross: expected three entries along axis {along}, got shapes {np.shape(a)} and {np.shape(b)}"
        )
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)  # before the others are broadcast
    y = np.roll(a, -1, -1) * np.roll(b, -2, -1) - np.roll(a, -2, -1) * np.roll(b, -1, -1)
    return np.moveaxis(y, -1, axisc)
