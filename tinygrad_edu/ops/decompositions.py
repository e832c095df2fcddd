"""Decompositions of matrices, (..., n, k): each factor is an operation of its own, computed together.

Where a factor is not unique (equal eigenvalues, the vectors of a zero singular value) it has no
derivative, and asking for one is an error; the values themselves have theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.core.kinds import composed, operation
from tinygrad_edu.core.op import Op, apply
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.linalg import of_matrices, well_conditioned

__all__ = ["cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals"]

Array = Any
Triangle = Literal["L", "U", "l", "u"]
_T = np.matrix_transpose


def _positive_definite(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = well_conditioned(rng, shape)
    return x @ _T(x) + np.eye(shape[-1])


def _symmetric(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = well_conditioned(rng, shape)
    return (x + _T(x)) / 2


def _to_triangle(s: Array, *, lower: bool) -> Array:
    """The gradient s of a symmetric matrix, given to the one triangle that was read."""
    return np.tril(s) + np.tril(_T(s), -1) if lower else np.triu(s) + np.triu(_T(s), 1)


def _factors(x: Array, compute: Callable[..., Any], *ops: tuple[Op, dict[str, Any]]) -> list[Any]:
    """The results of one decomposition, each recorded as an operation of its own, with its settings."""
    try:
        values = compute(getattr(x, "_data", x))
    except ValueError:
        first, settings = ops[0]
        first(x, **settings)  # fails in the same way, with an error that names the matrix
        raise
    return [apply(op, (x,), settings, value=value) for (op, settings), value in zip(ops, values, strict=True)]


# Cholesky


def _through_cholesky(g: Array, y: Array, x: Array, *, upper: bool = False) -> Array:
    l, g = (_T(y), _T(g)) if upper else (y, g)
    m = _T(l) @ g
    half = np.tril(m) - 0.5 * m * np.eye(m.shape[-1], dtype=m.dtype)
    s = np.linalg.solve(_T(l), _T(np.linalg.solve(_T(l), _T(half))))  # L⁻ᵀ half L⁻¹
    return _to_triangle(s, lower=not upper)


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


# Symmetric eigenvalues


@operation(
    kind="linalg", pullback=lambda g, y, w, *, what, zero=True: g, latex="{w}", label="distinct?",
    opaque=True,
    samples=[Sample(((3,),), {"what": "eigenvalues"}), Sample(((2, 3),), {"what": "eigenvalues"})],
)  # fmt: skip
def distinct(w: Array, *, what: str, zero: bool = True) -> Array:
    """The same values, or an error where two of them coincide (or, unless ``zero``, one is zero).

    >>> import tinygrad_edu as tg
    >>> tg.eigh(tg.Tensor([[2.0, 0.0], [0.0, 3.0]])).eigenvalues.tolist()
    [2.0, 3.0]
    """
    ordered = np.sort(w, axis=-1)
    rounding = (
        10 * w.shape[-1] * np.finfo(w.dtype).eps * np.max(np.abs(w), axis=-1, keepdims=True, initial=0.0)
    )
    if np.any(np.diff(ordered, axis=-1) <= rounding):
        raise np.linalg.LinAlgError(
            f"two {what} coincide, so their vectors are not unique and have no derivative: {w}"
        )
    if not zero and np.any(np.abs(w) <= rounding):
        raise np.linalg.LinAlgError(f"one of the {what} is zero, so its vectors have no derivative: {w}")
    return np.array(w)


def _gaps(w: Array) -> Array:
    """[i, j]: 1 / (w_j - w_i), and 0 on the diagonal."""
    eye = np.eye(w.shape[-1], dtype=w.dtype)
    return (1 - eye) / (np.expand_dims(w, -2) - np.expand_dims(w, -1) + eye)


def _through_eigenvalues(g: Array, y: Array, x: Array, *, UPLO: Triangle = "L") -> Array:
    v = eigenvectors(x, UPLO=UPLO)
    return _to_triangle((v * np.expand_dims(g, -2)) @ _T(v), lower=UPLO in "Ll")


def _through_eigenvectors(g: Array, y: Array, x: Array, *, UPLO: Triangle = "L") -> Array:
    w = distinct(np.linalg.eigvalsh(x, UPLO), what="eigenvalues")
    return _to_triangle(y @ (_gaps(w) * (_T(y) @ g)) @ _T(y), lower=UPLO in "Ll")


_SYMMETRIC = [
    *of_matrices(_symmetric, (3, 3), (1, 1), (2, 3, 3), (0, 0)),
    *of_matrices(_symmetric, (3, 3), UPLO="U"),
]


@operation(
    kind="linalg", pullback=_through_eigenvalues, latex=r"\lambda({x})", label="λ",
    numpy=np.linalg.eigvalsh, samples=_SYMMETRIC,
)  # fmt: skip
def eigvalsh(x: Array, *, UPLO: Triangle = "L") -> Array:
    """The eigenvalues of symmetric matrices, in ascending order. Rule: V diag(g) Vᵀ.

    NumPy reads the lower triangle only (``UPLO="U"``: the upper), and the gradient stands there.

    >>> import tinygrad_edu as tg
    >>> tg.eigvalsh(tg.Tensor([[2.0, 0.0], [0.0, 3.0]])).tolist()
    [2.0, 3.0]
    """
    return np.linalg.eigvalsh(x, UPLO)


@operation(kind="linalg", pullback=_through_eigenvectors, latex=r"V({x})", label="V", samples=_SYMMETRIC)
def eigenvectors(x: Array, *, UPLO: Triangle = "L") -> Array:
    """The eigenvectors of symmetric matrices, as columns, in the order of ``eigvalsh``.

    >>> import tinygrad_edu as tg
    >>> abs(tg.eigh(tg.Tensor([[2.0, 0.0], [0.0, 3.0]])).eigenvectors).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.linalg.eigh(x, UPLO)[1]


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


@composed(samples=_SYMMETRIC, numpy=np.linalg.eigh)
def eigh(x: Array, UPLO: Triangle = "L") -> EighResult:
    """``np.linalg.eigh``: eigenvalues and eigenvectors of symmetric matrices, of which one triangle is read.

    Raises:
        LinAlgError: a matrix isn't square; or eigenvectors are differentiated, and two eigenvalues coincide.

    >>> import tinygrad_edu as tg
    >>> w, V = tg.eigh(tg.Tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> w.round(12).tolist()
    [1.0, 3.0]
    """
    settings = {"UPLO": UPLO}
    parts = _factors(
        x, lambda data: np.linalg.eigh(data, UPLO), (eigvalsh, settings), (eigenvectors, settings)
    )
    return EighResult(*parts)


# Singular values


def _through_left_vectors(g: Array, y: Array, x: Array, *, full_matrices: bool = False) -> Array:
    n, k = x.shape[-2:]
    if y.shape[-1] > min(n, k):
        raise TypeError(
            f"svd: the last {y.shape[-1] - k} vectors of full_matrices=True are any that complete a basis, "
            "and have no derivative. Use full_matrices=False."
        )
    s = distinct(np.linalg.svdvals(x), what="singular values", zero=False)
    v = _T(x) @ y / np.expand_dims(s, -2)
    both = np.expand_dims(s, -2) + np.expand_dims(s, -1)
    m = _T(y) @ g
    inside = y @ ((_gaps(s) / both * (m - _T(m))) * np.expand_dims(s, -2))
    outside = (g - y @ m) / np.expand_dims(s, -2)
    return (inside + outside) @ _T(v)


def _through_right_vectors(g: Array, y: Array, x: Array, *, full_matrices: bool = False) -> Array:
    return _T(_through_left_vectors(_T(g), _T(y), _T(x), full_matrices=full_matrices))


def _through_singular_values(g: Array, y: Array, x: Array) -> Array:
    return left_vectors(x) * np.expand_dims(g, -2) @ right_vectors(x)


_RECTANGULAR = of_matrices(well_conditioned, (3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 3), (0, 2))
_THIN = of_matrices(well_conditioned, (3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 3))


@operation(
    kind="linalg",
    pullback=_through_singular_values,
    latex=r"\sigma({x})",
    label="singular values",
    numpy=np.linalg.svdvals,
    samples=_RECTANGULAR,
)
def svdvals(x: Array) -> Array:
    """The singular values, largest first, (..., min(n, k)). Rule: U diag(g) Vᵀ.

    >>> import tinygrad_edu as tg
    >>> tg.svdvals(tg.Tensor([[0.0, 3.0], [2.0, 0.0]])).tolist()
    [3.0, 2.0]
    """
    return np.linalg.svd(x, compute_uv=False)


@operation(kind="linalg", pullback=_through_left_vectors, latex=r"U({x})", label="U", samples=_THIN)
def left_vectors(x: Array, *, full_matrices: bool = False) -> Array:
    """The left singular vectors, as columns.

    >>> import tinygrad_edu as tg
    >>> abs(tg.svd(tg.Tensor([[2.0, 0.0]]), full_matrices=False).U).tolist()
    [[1.0]]
    """
    return np.linalg.svd(x, full_matrices)[0]


@operation(kind="linalg", pullback=_through_right_vectors, latex=r"V({x})^\top", label="Vᵀ", samples=_THIN)
def right_vectors(x: Array, *, full_matrices: bool = False) -> Array:
    """The right singular vectors, as rows.

    >>> import tinygrad_edu as tg
    >>> abs(tg.svd(tg.Tensor([[2.0, 0.0]]), full_matrices=False).Vh).tolist()
    [[1.0, 0.0]]
    """
    return np.linalg.svd(x, full_matrices)[2]


class SVDResult(NamedTuple):
    """x = U diag(S) Vh."""

    U: Any
    S: Any
    Vh: Any


@composed(
    samples=[Sample(s.shapes, {"full_matrices": False}, make=s.make) for s in _THIN]
    + [Sample(s.shapes, {"compute_uv": False}, make=s.make) for s in _RECTANGULAR],
    numpy=np.linalg.svd,
)
def svd(x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """``np.linalg.svd``: x = U diag(S) Vh, or S alone.

    With ``full_matrices`` (NumPy's default) the values are there, and S can be differentiated; vectors that
    merely complete a basis can not.

    Raises:
        LinAlgError: when vectors are differentiated, two singular values coincide or one is zero.
        TypeError: when vectors are differentiated, they merely complete a basis.

    >>> import tinygrad_edu as tg
    >>> tg.svd(tg.Tensor([[0.0, 3.0], [2.0, 0.0]])).S.tolist()
    [3.0, 2.0]
    """
    if not compute_uv:
        return svdvals(x)
    settings = {"full_matrices": full_matrices}
    parts: tuple[tuple[Op, dict[str, Any]], ...] = (
        (left_vectors, settings),
        (svdvals, {}),
        (right_vectors, settings),
    )
    return SVDResult(*_factors(x, lambda data: np.linalg.svd(data, full_matrices), *parts))


# QR


def _through_q(g: Array, y: Array, x: Array) -> Array:
    m = -(_T(g) @ y)
    r = _T(y) @ x
    s = g + y @ (np.tril(m) + _T(np.tril(m, -1)))
    return _T(np.linalg.solve(r, _T(s)))  # s R⁻ᵀ


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
    n, k = np.shape(x)[-2:]
    q = orthogonal_factor(x if k <= n else x[..., :n])
    r = np.triu(_T(q) @ x)
    return r if mode == "r" else QRResult(q, r)
