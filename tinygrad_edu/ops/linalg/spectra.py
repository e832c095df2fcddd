"""Eigenvalues of symmetric matrices, and singular values, with their vectors: matrices in the last two axes.

Each result is an operation of its own, computed together with the others. Vectors are not unique where
two values coincide, nor those of a singular value of zero: there they have no derivative, and asking for one
is an error. The values themselves have theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.core.application import apply
from tinygrad_edu.core.kinds import composed, operation
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.linalg.decompositions import to_triangle
from tinygrad_edu.ops.linalg.inverses import T, of_matrices, well_conditioned

__all__ = [
    "distinct", "eigenvalues", "eigenvectors", "eigh", "eigvalsh", "left_vectors", "right_vectors",
    "singular_values", "svd", "svdvals",
]  # fmt: skip

Array = Any
Triangle = Literal["L", "U", "l", "u"]


def _symmetric(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = well_conditioned(rng, shape)
    return (x + T(x)) / 2


def _factors(x: Array, compute: Callable[..., Any], *ops: tuple[Op, dict[str, Any]]) -> list[Any]:
    """The results of one decomposition, each recorded as an operation of its own, with its settings."""
    try:
        values = compute(getattr(x, "_data", x))
    except ValueError:
        first, settings = ops[0]
        return [first(x, **settings)]  # fails in the same way, with an error that names the matrix
    return [apply(op, (x,), settings, value=value) for (op, settings), value in zip(ops, values, strict=True)]


# Symmetric eigenvalues


@operation(
    kind="linalg", pullback=lambda g, y, w, *, what, zero=True: g, latex="{w}", label="distinct?",
    opaque=True,
    samples=[Sample(((3,),), {"what": "eigenvalues"}), Sample(((2, 3),), {"what": "eigenvalues"})],
    linear=((0,),), moves=True, rounding=0.0,
)  # fmt: skip
def distinct(w: Array, *, what: str, zero: bool = True) -> Array:
    """The same values, or an error where two of them coincide (or, unless ``zero``, one is zero).

    ``w`` are the values, and ``what`` the error calls them.

    Raises:
        LinAlgError: two coincide, or one is zero: there the vectors have no derivative.

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
    return to_triangle((v * np.expand_dims(g, -2)) @ T(v), lower=UPLO in "Ll")


def _through_eigenvectors(g: Array, y: Array, x: Array, *, UPLO: Triangle = "L") -> Array:
    w = distinct(np.linalg.eigvalsh(x, UPLO), what="eigenvalues")
    return to_triangle(y @ (_gaps(w) * (T(y) @ g)) @ T(y), lower=UPLO in "Ll")


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

    ``UPLO`` is the triangle that is read, as for ``eigvalsh``.

    >>> import tinygrad_edu as tg
    >>> abs(tg.eigh(tg.Tensor([[2.0, 0.0], [0.0, 3.0]])).eigenvectors).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.linalg.eigh(x, UPLO)[1]


@operation(
    kind="linalg", pullback=_through_eigenvalues, latex=r"\lambda({x})", label="λ", samples=_SYMMETRIC,
)  # fmt: skip
def eigenvalues(x: Array, *, UPLO: Triangle = "L") -> Array:
    """The eigenvalues as they come with the vectors: to rounding those of ``eigvalsh``.

    ``UPLO`` is the triangle that is read, as for ``eigvalsh``.

    >>> import tinygrad_edu as tg
    >>> tg.eigh(tg.Tensor([[2.0, 0.0], [0.0, 3.0]])).eigenvalues.tolist()
    [2.0, 3.0]
    """
    return np.linalg.eigh(x, UPLO)[0]


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
        x, lambda data: np.linalg.eigh(data, UPLO), (eigenvalues, settings), (eigenvectors, settings)
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
    v = T(x) @ y / np.expand_dims(s, -2)
    both = np.expand_dims(s, -2) + np.expand_dims(s, -1)
    m = T(y) @ g
    inside = y @ ((_gaps(s) / both * (m - T(m))) * np.expand_dims(s, -2))
    outside = (g - y @ m) / np.expand_dims(s, -2)
    return (inside + outside) @ T(v)


def _through_right_vectors(g: Array, y: Array, x: Array, *, full_matrices: bool = False) -> Array:
    return T(_through_left_vectors(T(g), T(y), T(x), full_matrices=full_matrices))


def _through_singular_values(g: Array, y: Array, x: Array, **settings: Any) -> Array:
    # Like |x| at 0, a singular value of zero (or of no more than rounding) has slope 0.
    there = np.greater(y, max(x.shape[-2:]) * np.finfo(y.dtype).eps * y[..., :1])
    return left_vectors(x) * np.expand_dims(g * there, -2) @ right_vectors(x)


_RECTANGULAR = of_matrices(well_conditioned, (3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 3), (0, 2))
_THIN = of_matrices(well_conditioned, (3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 3))


@operation(
    kind="linalg", pullback=_through_singular_values, latex=r"\sigma({x})", label="singular values",
    numpy=np.linalg.svdvals, samples=_RECTANGULAR, range=(0.0, np.inf),
)  # fmt: skip
def svdvals(x: Array) -> Array:
    """The singular values, largest first, (..., min(n, k)). Rule: U diag(g) Vᵀ; the slope of a zero one is 0.

    >>> import tinygrad_edu as tg
    >>> tg.svdvals(tg.Tensor([[0.0, 3.0], [2.0, 0.0]])).round(12).tolist()
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


@operation(
    kind="linalg", pullback=_through_singular_values, latex=r"\sigma({x})", label="singular values",
    samples=_RECTANGULAR, range=(0.0, np.inf),
)  # fmt: skip
def singular_values(x: Array, *, full_matrices: bool = False) -> Array:
    """The singular values as they come with the vectors: to rounding those of ``svdvals``.

    ``full_matrices`` is that of the vectors; the values are the same.

    >>> import tinygrad_edu as tg
    >>> tg.svd(tg.Tensor([[0.0, 3.0], [2.0, 0.0]])).S.round(12).tolist()
    [3.0, 2.0]
    """
    return np.linalg.svd(x, full_matrices)[1]


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
    >>> tg.svd(tg.Tensor([[0.0, 3.0], [2.0, 0.0]])).S.round(12).tolist()
    [3.0, 2.0]
    """
    if not compute_uv:
        return svdvals(x)
    settings = {"full_matrices": full_matrices}
    parts: tuple[tuple[Op, dict[str, Any]], ...] = (
        (left_vectors, settings),
        (singular_values, settings),
        (right_vectors, settings),
    )
    return SVDResult(*_factors(x, lambda data: np.linalg.svd(data, full_matrices), *parts))
