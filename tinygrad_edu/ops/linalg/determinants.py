"""Determinants, whose derivative exists at every matrix, singular ones included: the cofactors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.axes import STATISTIC, Flow, Settings, Shapes
from tinygrad_edu.core.kinds import composed, operation
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.linalg.inverses import T, of_matrices, well_conditioned

__all__ = [
    "cofactors", "det", "logabsdet", "regular", "second_cofactors", "sign_of_det", "slogdet",
]  # fmt: skip

Array = Any


def _singular(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices in which the last row is the sum of the others."""
    x = well_conditioned(rng, shape)
    x[..., -1, :] = np.sum(x[..., :-1, :], axis=-2)
    return x


_SHAPES = ((3, 3), (1, 1), (2, 2), (2, 3, 3), (0, 0))
_REGULAR = of_matrices(well_conditioned, *_SHAPES)


def _through_det(g: Array, y: Array, x: Array) -> Array:
    return np.expand_dims(g, (-1, -2)) * cofactors(x)


def _through_cofactors(g: Array, y: Array, x: Array) -> Array:
    return second_cofactors(g, x)


def _of_matrices(shapes: Shapes, _: Settings) -> Flow:
    own = tuple(range(len(shapes[0])))
    return Flow((own,), own[:-2], dict.fromkeys(own[-2:], STATISTIC), frozenset(own[-2:]))


@operation(
    axes=_of_matrices,
    kind="linalg", pullback=_through_det, latex=r"\det {x}", numpy=np.linalg.det,
    samples=[*_REGULAR, *of_matrices(_singular, (3, 3), (2, 2, 2))],
)  # fmt: skip
def det(x: Array) -> Array:
    """The determinant of square matrices, (..., n, n) to (...). Its slope is the matrix of cofactors.

    Differentiable everywhere: also where the determinant is 0 and ``det(x) inv(x)ᵀ`` could not be formed.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.linalg.det.html.

    Raises:
        LinAlgError: a matrix isn't square.

    >>> import tinygrad_edu as tg
    >>> X = tg.Tensor([[1.0, 2.0], [2.0, 4.0]])
    >>> tg.det(X).backward()
    >>> X.grad.round(12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    return np.linalg.det(x)


def _factors(x: Array) -> tuple[Array, Array, Array, Array]:
    """x = sign · U S Vᵀ with det U = det V = 1 in effect: the sign is taken out."""
    u, s, vh = np.linalg.svd(x)
    return np.sign(np.linalg.det(u) * np.linalg.det(vh)), u, s, vh


def _before(s: Array) -> Array:
    """For each entry along the last axis the product of those before it."""
    return np.concatenate([np.ones_like(s[..., :1]), np.cumprod(s, axis=-1)[..., :-1]], axis=-1)


def _after(s: Array) -> Array:
    return _before(s[..., ::-1])[..., ::-1]


@operation(
    kind="linalg", pullback=_through_cofactors, opaque=True,
    latex=r"\operatorname{{cof}} {x}", label="cofactors", samples=_REGULAR,
)  # fmt: skip
def cofactors(x: Array) -> Array:
    """The matrix of cofactors: det(x) inv(x)ᵀ where x is regular, and exact where it isn't.

    From x = U S Vᵀ: the cofactors of S are the products of the other singular values, and those of an
    orthogonal matrix are itself times its determinant.

    >>> import tinygrad_edu as tg
    >>> tg.cofactors(tg.Tensor([[1.0, 2.0], [2.0, 4.0]])).round(12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    sign, u, s, vh = _factors(x)
    return sign[..., None, None] * (u * (_before(s) * _after(s))[..., None, :]) @ vh


def _beside(shape: tuple[int, ...]) -> Sample:
    """A sample of any matrices, and regular ones."""
    return Sample((shape, shape), make=lambda rng: (rng.normal(size=shape), well_conditioned(rng, shape)))


def _inner(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=(-1, -2), keepdims=True)


@operation(
    kind="linalg", pullback=lambda g, y, x: g, latex="{x}", label="regular?", opaque=True, samples=_REGULAR,
    linear=((0,),), moves=True, rounding=0.0,
)  # fmt: skip
def regular(x: Array) -> Array:
    """The same matrices, or an error where one is so close to singular that its inverse is of no use.

    Raises:
        LinAlgError: naming how close to singular it is.

    >>> import tinygrad_edu as tg
    >>> tg.det(tg.Tensor([[2.0]])).item()
    2.0
    """
    s = np.linalg.svd(x, compute_uv=False)
    if s.size and np.any(s[..., -1] < _LEAST * s[..., 0]):
        raise np.linalg.LinAlgError(
            "the third derivative of a determinant is taken at regular matrices only; this one is singular"
        )
    return np.array(x)


_LEAST = 1e-5  # cancellation costs the square of the condition: five digits are left


def _second(h: Array, y: Array, g: Array, x: Array) -> Array:
    return second_cofactors(h, x)  # as a second derivative, symmetric in g and h


def _third(h: Array, y: Array, g: Array, x: Array) -> Array:
    # With Q the transposed inverse, second_cofactors is det x (<g, Q> Q - Q gᵀ Q), and dQ = -Q dxᵀ Q.
    q = T(np.linalg.inv(regular(x)))
    qgq, qhq = q @ T(g) @ q, q @ T(h) @ q
    slope_of_products = qgq @ T(h) @ q + qhq @ T(g) @ q - _inner(h, q) * qgq - _inner(g, q) * qhq
    return _inner(h, y) * q + np.expand_dims(np.linalg.det(x), (-1, -2)) * slope_of_products


@operation(
    kind="linalg", pullback=(_second, _third), opaque=True,
    latex=r"\mathrm{{d}}\operatorname{{cof}}({x})[{g}]", label="cofactors'",
    samples=[_beside(shape) for shape in _SHAPES], linear=((0,),),
)  # fmt: skip
def second_cofactors(g: Array, x: Array) -> Array:
    """How the cofactors of x change along g, and equally the gradient g of the cofactors taken back to x.

    Defined for every x. Its own derivative by x (the third of a determinant) is taken for regular x only.

    >>> import tinygrad_edu as tg
    >>> tg.second_cofactors(tg.Tensor([[1.0, 0.0], [0.0, 0.0]]), tg.Tensor([[0.0, 0.0], [0.0, 0.0]])).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    sign, u, s, vh = _factors(x)
    n = s.shape[-1]
    later = np.where(np.arange(n) > np.arange(n)[:, None], s[..., None, :], 1.0)
    upper = np.triu(_before(s)[..., :, None] * _before(later) * _after(s)[..., None, :], 1)
    without_both = upper + np.matrix_transpose(
        upper
    )  # [i, j]: the product of the singular values but i and j
    e = np.matrix_transpose(u) @ g @ np.matrix_transpose(vh)
    on_diagonal = without_both @ np.diagonal(e, 0, -2, -1)[..., None]
    inside = on_diagonal * np.eye(n) - without_both * np.matrix_transpose(e)
    return sign[..., None, None] * (u @ inside @ vh)


class SlogdetResult(NamedTuple):
    """The sign of a determinant, which is constant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


@operation(
    axes=_of_matrices, kind="linalg", pullback=None, latex=r"\operatorname{{sign}} \det {x}", samples=_REGULAR
)
def sign_of_det(x: Array) -> Array:
    """The sign of the determinant of square matrices: a plain array, for its slope is 0.

    >>> import tinygrad_edu as tg
    >>> float(tg.slogdet(tg.Tensor([[0.0, 1.0], [1.0, 0.0]])).sign)
    -1.0
    """
    return np.linalg.slogdet(x)[0]


@operation(
    axes=_of_matrices,
    kind="linalg", pullback=lambda g, y, x: np.expand_dims(g, (-1, -2)) * T(np.linalg.inv(x)),
    latex=r"\log\left|\det {x}\right|", label="log|det|", samples=_REGULAR,
)  # fmt: skip
def logabsdet(x: Array) -> Array:
    """The logarithm of the absolute value of the determinant. Rule: g times the transposed inverse.

    >>> import tinygrad_edu as tg
    >>> round(tg.slogdet(tg.Tensor([[2.0, 0.0], [0.0, 4.0]])).logabsdet.item(), 6)
    2.079442
    """
    return np.linalg.slogdet(x)[1]


@composed(samples=_REGULAR, numpy=np.linalg.slogdet)
def slogdet(x: Array) -> SlogdetResult:
    """``np.linalg.slogdet``: sign and logarithm of determinants too large or small to write down.

    Raises:
        LinAlgError: when differentiated, a matrix is singular: the logarithm has no slope there.

    >>> import tinygrad_edu as tg
    >>> sign, logabsdet = tg.slogdet(tg.Tensor([[2.0, 0.0], [0.0, 4.0]]))
    >>> float(sign), round(logabsdet.item(), 6)
    (1.0, 2.079442)
    """
    sign = sign_of_det(x)
    return SlogdetResult(sign, logabsdet(x))
