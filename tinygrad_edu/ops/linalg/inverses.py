"""Inverses and what is solved with them. Stacks of matrices work throughout: matrices in the last two axes.

A matrix that has no inverse is an error (``np.linalg.LinAlgError``), never a gradient of infinities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.axes import SUMMED, Flow, Settings, Shapes
from tinygrad_edu.core.kinds import composed, operation
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import array, astype, itself

__all__ = ["cond", "inv", "lstsq", "matrix_power", "pinv", "solve", "tensorinv", "tensorsolve"]

Array = Any
Make = Callable[[np.random.Generator, tuple[int, ...]], Array]
T = np.matrix_transpose  # in a rule, it runs on arrays, Tensors and Symbols alike


def of_matrices(make: Make, *shapes: tuple[int, ...], **settings: Any) -> list[Sample]:
    """Samples of one operand each, drawn by ``make(rng, shape)``."""

    def sample(shape: tuple[int, ...]) -> Sample:
        return Sample((shape,), settings, make=lambda rng: (make(rng, shape),))

    return [sample(shape) for shape in shapes]


def well_conditioned(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices far from singular, with singular values apart from one another: a diagonal and some noise."""
    return np.eye(shape[-2], shape[-1]) * np.arange(1, shape[-1] + 1) + 0.2 * rng.normal(size=shape)


def _to_solve(matrices: tuple[int, ...], right: tuple[int, ...]) -> Sample:
    """A sample of two operands: matrices, and what stands on the other side of an equation."""
    return Sample(
        (matrices, right), make=lambda rng: (well_conditioned(rng, matrices), rng.normal(size=right))
    )


def _turned(shapes: Shapes, _: Settings) -> Flow:
    own = tuple(range(len(shapes[0])))
    return Flow((own,), (*own[:-2], own[-1], own[-2]), meets=frozenset(own[-2:]))


def _solved(shapes: Shapes, _: Settings) -> Flow:
    a, b = map(len, shapes)
    rank = max(a, b) - 2
    left, right = (tuple(range(rank - max(n - 2, 0), rank)) for n in (a, b))
    columns = ("k",) if b > 1 else ()
    return Flow(
        ((*left, "i", "j"), (*right, "i", *columns)),
        (*range(rank), "j", *columns),
        {"i": SUMMED},
        frozenset("j"),
    )


@operation(
    axes=_turned,
    kind="linalg", pullback=lambda g, y, x: -(T(y) @ g @ T(y)), latex=r"{x}^{{-1}}", numpy=np.linalg.inv,
    samples=of_matrices(well_conditioned, (3, 3), (1, 1), (2, 3, 3), (0, 0), (0, 2, 2)), inverse="inv",
)  # fmt: skip
def inv(x: Array) -> Array:
    """The inverse of square matrices, (..., n, n). Rule: dX = -Yᵀ G Yᵀ, from dY = -Y dX Y.

    Source: https://numpy.org/doc/stable/reference/generated/numpy.linalg.inv.html; for the rules of this
    module, M. Giles, *Collected matrix derivative results for forward and reverse mode AD*, 2008.

    Raises:
        LinAlgError: a matrix is singular, or not square.

    >>> import tinygrad_edu as tg
    >>> tg.inv(tg.Tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return np.linalg.inv(x)


def _through_right_side(g: Array, y: Array, a: Array, b: Array) -> Array:
    if b.ndim == 1:  # one vector for every matrix of the stack
        return np.reshape(np.linalg.solve(T(a), np.expand_dims(g, -1)), g.shape)
    return np.linalg.solve(T(a), g)


def _through_matrix(g: Array, y: Array, a: Array, b: Array) -> Array:
    gb = _through_right_side(g, y, a, b)
    return -np.expand_dims(gb, -1) * np.expand_dims(y, -2) if b.ndim == 1 else -gb @ T(y)


@operation(
    axes=_solved,
    kind="linalg", pullback=(_through_matrix, _through_right_side), latex=r"{a}^{{-1}} {b}", label="solve",
    numpy=np.linalg.solve,
    samples=[
        _to_solve((3, 3), (3,)),
        _to_solve((3, 3), (3, 2)),
        _to_solve((2, 3, 3), (3,)),
        _to_solve((2, 3, 3), (2, 3, 1)),
        _to_solve((3, 3), (2, 3, 2)),
        _to_solve((2, 1, 2, 2), (3, 2, 2)),
        _to_solve((2, 2), (2, 0)),
        _to_solve((0, 0), (0, 2)),
    ],
    linear=((1,),),
)  # fmt: skip
def solve(a: Array, b: Array) -> Array:
    """The x with a x = b, for square a (..., n, n) and b (n,) or (..., n, k).

    Rules: dB = A⁻ᵀ G, dA = -dB Xᵀ.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.linalg.solve.html.

    Raises:
        LinAlgError: a matrix is singular, or not square.
        ValueError: the shapes don't fit.

    >>> import tinygrad_edu as tg
    >>> tg.solve(tg.Tensor([[2.0, 0.0], [0.0, 4.0]]), [2.0, 4.0]).tolist()
    [1.0, 1.0]
    """
    rows = np.shape(b)[-2:][0] if np.ndim(b) else 1
    if np.ndim(a) > 1 and rows != np.shape(a)[-1]:
        raise ValueError(f"{np.shape(a)[-1]} unknowns, and a right side of {rows} rows")
    return np.linalg.solve(a, b)


def _through_pinv(g: Array, y: Array, x: Array, *, rcond: Any = None) -> Array:
    if rcond is not None:
        return _through_truncated(g, x, rcond)
    # dY = -Y dX Y + Y Yᵀ dXᵀ (1 - X Y) + (1 - Y X) dXᵀ Yᵀ Y, while the rank stays.
    outside = np.eye(x.shape[-2], dtype=x.dtype) - x @ y
    across = np.eye(x.shape[-1], dtype=x.dtype) - y @ x
    return -(T(y) @ g @ T(y)) + outside @ T(g) @ y @ T(y) + T(y) @ y @ T(g) @ across


def _through_truncated(g: Array, x: Array, rcond: Any) -> Array:
    """The rule where singular values may be cut off: Y = V f(s) Uᵀ, with f = 1/s for those that stay, else 0.

    In the bases U and V the symmetric part of dX is weighted by (f_i - f_j)/(s_i - s_j), the other part by
    (f_i + f_j)/(s_i + s_j), and what lies outside of both by f/s. No weight divides by a difference of two
    values that stay, so equal ones do no harm.
    """
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    stays = np.greater(s, np.expand_dims(rcond, -1) * s[..., :1])
    f = np.where(stays, 1.0 / np.where(stays, s, 1.0), 0.0)
    (fi, fj), (si, sj) = ((np.expand_dims(v, -1), np.expand_dims(v, -2)) for v in (f, s))
    one = np.not_equal(np.expand_dims(stays, -1), np.expand_dims(stays, -2))  # one of the two is cut off
    inside, gz = T(u) @ T(g) @ T(vh), T(g)
    even = np.where(one, (fi - fj) / np.where(one, si - sj, 1.0), -fi * fj)
    odd = np.where(one, (fi + fj) / np.where(one, si + sj, 1.0), fi * fj)
    middle = (even * (inside + T(inside)) + odd * (inside - T(inside))) / 2
    along, across = gz @ T(vh), T(u) @ gz
    left = (along - u @ (T(u) @ along)) * np.expand_dims(f * f, -2) @ vh
    right = u @ (np.expand_dims(f * f, -1) * (across - across @ T(vh) @ vh))
    return u @ middle @ vh + left + right


@operation(
    axes=_turned,
    kind="linalg", pullback=_through_pinv, latex=r"{x}^{{+}}", numpy=np.linalg.pinv,
    samples=[
        *of_matrices(well_conditioned, (3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 3, 3)),
        *of_matrices(well_conditioned, (3, 3), (4, 3), (2, 3, 4), rcond=0.5),
    ],
)  # fmt: skip
def pinv(x: Array, *, rcond: Any = None) -> Array:
    """The pseudo-inverse of any matrices, (..., n, k) to (..., k, n).

    Differentiable where the rank does not change. Singular values up to ``rcond`` times the largest are cut
    off: they count as 0, and the gradient is that of what is left.
    Source: G. Golub, V. Pereyra, *The differentiation of pseudo-inverses*, SIAM J. Numer. Anal. 10, 1973.

    >>> import tinygrad_edu as tg
    >>> tg.pinv(tg.Tensor([[2.0], [0.0]])).tolist()
    [[0.5, 0.0]]
    """
    return np.linalg.pinv(x, rcond)


class LstsqResult(NamedTuple):
    """What ``lstsq`` gives, in NumPy's order."""

    x: Any
    residuals: Any
    rank: Any
    s: Any


@composed(
    samples=[_to_solve((4, 2), (4,)), _to_solve((4, 2), (4, 3)), _to_solve((3, 3), (3,))],
    numpy=np.linalg.lstsq,
)  # fmt: skip
def lstsq(a: Array, b: Array, rcond: float | None = None) -> LstsqResult:
    """The x that makes the length of a x - b least, and of those the shortest.

    With it come the residuals, the rank and the singular values, as NumPy gives them.
    Shapes: a (n, k), b (n,) or (n, m); x (k,) or (k, m). Differentiable where the rank does not change.

    >>> import tinygrad_edu as tg
    >>> tg.lstsq(tg.Tensor([[1.0], [1.0]]), [1.0, 3.0]).x.round(12).tolist()
    [2.0]
    """
    if np.ndim(a) != 2 or np.ndim(b) not in (1, 2):
        raise ValueError(
            f"lstsq: expected a matrix and a vector or matrix, got {np.shape(a)} and {np.shape(b)}"
        )
    n, k = np.shape(a)
    s = np.linalg.svdvals(a)
    least = (
        max(n, k) * float(np.finfo(s.dtype).eps)
        if rcond is None
        else max(rcond, float(np.finfo(s.dtype).eps))
    )
    x = np.linalg.pinv(a, least) @ b
    rank = np.int32(np.sum(np.greater(s, least * s[:1])))
    off = np.reshape(np.sum(np.square(a @ x - b), axis=0), (-1,))
    return LstsqResult(x, off if rank == k < n else np.zeros(0, s.dtype), rank, s)


@composed(
    samples=[s for n in (3, 1, 2, -1, -2, 0) for s in of_matrices(well_conditioned, (3, 3), (2, 2, 2), n=n)],
    numpy=np.linalg.matrix_power,
)
def matrix_power(x: Array, n: int) -> Array:
    """``np.linalg.matrix_power``: x @ x @ ... n times; the inverse for -1, the identity for 0.

    Raises:
        TypeError: n isn't a whole number.
        LinAlgError: n is negative and a matrix is singular.

    >>> import tinygrad_edu as tg
    >>> tg.matrix_power(tg.Tensor([[1.0, 1.0], [0.0, 1.0]]), 5).tolist()
    [[1.0, 5.0], [0.0, 1.0]]
    """
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: expected a whole number as exponent, got {n!r}")
    if np.ndim(x) < 2 or np.shape(x)[-2] != np.shape(x)[-1]:
        raise np.linalg.LinAlgError(f"matrix_power: expected square matrices, got shape {np.shape(x)}")
    if n == 0:
        y = np.multiply(x, 0) + np.eye(np.shape(x)[-1], dtype=array(x).dtype)
        return y if y.dtype == array(x).dtype else astype(y, dtype=array(x).dtype)
    square, n, product = (np.linalg.inv(x) if n < 0 else array(x)), abs(int(n)), None
    while n:
        if n % 2:
            product = itself(square) if product is None else product @ square
        n //= 2
        square = square @ square if n else square
    return product


@composed(
    samples=[
        s for p in (None, 2, -2, 1, "fro") for s in of_matrices(well_conditioned, (3, 3), (2, 2, 2), p=p)
    ],
    numpy=np.linalg.cond,
)
def cond(x: Array, p: Any = None) -> Array:
    """``np.linalg.cond``: how much solving with a matrix can enlarge an error; in the norm p, by default 2.

    Raises:
        LinAlgError: a matrix is singular, in a norm other than 2 and -2.

    >>> import tinygrad_edu as tg
    >>> tg.cond(tg.Tensor([[2.0, 0.0], [0.0, 4.0]])).item()
    2.0
    """
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


@composed(
    samples=[
        Sample(((4, 2, 2),), {"ind": 1}, make=lambda rng: (well_conditioned(rng, (4, 4)).reshape(4, 2, 2),)),
        Sample(((2, 2, 4),), make=lambda rng: (well_conditioned(rng, (4, 4)).reshape(2, 2, 4),)),
    ],
    numpy=np.linalg.tensorinv,
)
def tensorinv(x: Array, ind: int = 2) -> Array:
    """``np.linalg.tensorinv``: the inverse with respect to ``tensordot``, after the first ``ind`` axes.

    >>> import tinygrad_edu as tg
    >>> tg.tensorinv(tg.Tensor([[2.0, 0.0], [0.0, 4.0]]), ind=1).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    if ind < 1:
        raise ValueError(f"tensorinv: expected ind of 1 or more, got {ind}")
    first, rest = np.shape(x)[:ind], np.shape(x)[ind:]
    return np.reshape(np.linalg.inv(np.reshape(x, (math.prod(first), math.prod(rest)))), rest + first)


@composed(
    samples=[
        Sample(
            ((2, 2, 4), (2, 2)),
            make=lambda rng: (well_conditioned(rng, (4, 4)).reshape(2, 2, 4), rng.normal(size=(2, 2))),
        )
    ],
    numpy=np.linalg.tensorsolve,
)
def tensorsolve(a: Array, b: Array, axes: Sequence[int] | None = None) -> Array:
    """``np.linalg.tensorsolve``: the x with tensordot(a, x, x.ndim) = b.

    The ``axes`` of a are moved to its end first.

    >>> import tinygrad_edu as tg
    >>> tg.tensorsolve(tg.Tensor([[2.0, 0.0], [0.0, 4.0]]), [2.0, 4.0]).tolist()
    [1.0, 1.0]
    """
    if axes is not None:
        last = [k % np.ndim(a) for k in axes]
        a = np.transpose(a, (*(k for k in range(np.ndim(a)) if k not in last), *last))
    rest = np.shape(a)[np.ndim(b) :]
    whole = np.reshape(a, (math.prod(np.shape(b)), math.prod(rest)))
    return np.reshape(np.linalg.solve(whole, np.reshape(b, (-1,))), rest)
