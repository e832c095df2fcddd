"""Triangular factors of matrices: Cholesky, and QR. (..., n, k): matrices in the last two axes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.kinds import composed, operation
from tinygrad_edu.ops.linalg.inverses import T, of_matrices, well_conditioned
from tinygrad_edu.ops.movement.shapes import array

__all__ = [
    "cholesky", "orthogonal_factor", "qr",
]  # fmt: skip

Array = Any


def _positive_definite(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = well_conditioned(rng, shape)
    return x @ T(x) + np.eye(shape[-1])


def to_triangle(s: Array, *, lower: bool) -> Array:
    """The gradient s of a symmetric matrix, given to the one triangle that was read."""
    return np.tril(s) + np.tril(T(s), -1) if lower else np.triu(s) + np.triu(T(s), 1)


# Cholesky


def _through_cholesky(g: Array, y: Array, x: Array, *, upper: bool = False) -> Array:
    l, g = (T(y), T(g)) if upper else (y, g)
    m = T(l) @ g
    half = np.tril(m) - 0.5 * m * np.eye(m.shape[-1], dtype=m.dtype)
    s = np.linalg.solve(T(l), T(np.linalg.solve(T(l), T(half))))  # L⁻ᵀ half L⁻¹
    return to_triangle(s, lower=not upper)


@operation(
    kind="linalg", pullback=_through_cholesky, latex=r"\operatorname{{chol}} {x}", numpy=np.linalg.cholesky,
    samples=[
        *of_matrices(_positive_definite, (3, 3), (1, 1), (2, 3, 3), (0, 0)),
        *of_matrices(_positive_definite, (3, 3), upper=True),
    ],
)  # fmt: skip
def cholesky(x: Array, *, upper: bool = False) -> Array:
    """The lower triangular L with L Lᵀ = x, for symmetric positive definite x; or its transpose.

    NumPy reads one triangle of x only, so the gradient stands in that triangle: it is the derivative by the
    entries that are read. For the gradient of a symmetric x, (G + Gᵀ) / 2.
    Source: I. Murray, *Differentiation of the Cholesky decomposition*, arXiv:1602.07527.

    Raises:
        LinAlgError: a matrix is not positive definite, or not square.

    >>> import tinygrad_edu as tg
    >>> tg.cholesky(tg.Tensor([[4.0, 0.0], [0.0, 9.0]])).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    return np.linalg.cholesky(x, upper=upper)


# QR


def _through_q(g: Array, y: Array, x: Array) -> Array:
    m = -(T(g) @ y)
    r = T(y) @ x
    s = g + y @ (np.tril(m) + T(np.tril(m, -1)))
    return T(np.linalg.solve(r, T(s)))  # s R⁻ᵀ


@operation(
    kind="linalg", pullback=_through_q, latex=r"Q({x})", label="Q",
    samples=of_matrices(well_conditioned, (3, 3), (4, 2), (2, 3, 2), (1, 1)),
)  # fmt: skip
def orthogonal_factor(x: Array) -> Array:
    """The Q of x = Q R, for x with no more columns than rows.

    Source: S. Walter, L. Lehmann, *Algorithmic differentiation of linear algebra functions*, arXiv:1009.6112.

    >>> import tinygrad_edu as tg
    >>> abs(tg.qr(tg.Tensor([[2.0], [0.0]])).Q).tolist()
    [[1.0], [0.0]]
    """
    return np.linalg.qr(x)[0]


class QRResult(NamedTuple):
    """x = Q R."""

    Q: Any
    R: Any


@composed(
    samples=[
        *of_matrices(well_conditioned, (3, 3), (4, 2), (2, 4), (2, 3, 2)),
        *of_matrices(well_conditioned, (3, 3), mode="r"),
    ],
    numpy=np.linalg.qr,
)
def qr(x: Array, mode: str = "reduced") -> Any:
    """``np.linalg.qr``: x = Q R, Q with orthonormal columns and R upper triangular; ``mode="r"``: R alone.

    Raises:
        ValueError: another mode: the columns that complete Q to a square have no derivative.
        LinAlgError: when differentiated, the columns of x depend on one another.

    >>> import tinygrad_edu as tg
    >>> abs(tg.qr(tg.Tensor([[3.0], [4.0]])).R).round(12).tolist()
    [[5.0]]
    """
    if mode not in ("reduced", "r"):
        raise ValueError(
            f"qr: expected mode 'reduced' or 'r', got {mode!r}: the other results have no derivative"
        )
    x = array(x)
    n, k = x.shape[-2:]
    q = orthogonal_factor(x if k <= n else x[..., :n])
    r = np.triu(T(q) @ x)
    return r if mode == "r" else QRResult(q, r)
