"""np.linalg: derivatives against JAX and against laws, the points without a derivative, and errors."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.witness import agrees_with_jax

RNG = np.random.default_rng(0)
A = np.diag([1.0, 2.0, 3.5]) + 0.3 * RNG.standard_normal((3, 3))
STACK = np.eye(3) * [1.0, 2.0, 3.5] + 0.3 * RNG.standard_normal((2, 3, 3))
TALL = np.eye(4, 2) * [1.0, 2.5] + 0.3 * RNG.standard_normal((4, 2))
b, B = RNG.standard_normal(3), RNG.standard_normal((2, 3, 2))


def symmetric(xp: Any, x: Any) -> Any:
    """x xᵀ + 1: so that JAX and NumPy, which read a symmetric matrix differently, are asked the same."""
    return x @ xp.swapaxes(x, -1, -2) + np.eye(x.shape[-2])


FUNCTIONS = {
    "inv": (lambda xp, x: xp.linalg.inv(x), STACK),
    "pinv": (lambda xp, x: xp.linalg.pinv(x), TALL),
    "solve a vector": (lambda xp, a, b: xp.linalg.solve(a, b), A, b),
    "solve a stack": (lambda xp, a, b: xp.linalg.solve(a, b), A, B),
    "det": (lambda xp, x: xp.linalg.det(x), STACK),
    "slogdet": (lambda xp, x: xp.linalg.slogdet(x)[1], STACK),
    "cholesky": (lambda xp, x: xp.linalg.cholesky(symmetric(xp, x)), STACK),
    "eigvalsh": (lambda xp, x: xp.linalg.eigvalsh(symmetric(xp, x)), STACK),
    "eigh": (lambda xp, x: _projector(xp.linalg.eigh(symmetric(xp, x))[1]), STACK),
    "svdvals": (lambda xp, x: xp.linalg.svd(x, compute_uv=False), TALL),
    "svd": (lambda xp, x: _weighted_product(*xp.linalg.svd(x, full_matrices=False)), STACK),
    "qr": (lambda xp, x: _without_signs(*xp.linalg.qr(x)), TALL),
    "cond": (lambda xp, x: xp.linalg.cond(x), A),
}


def _projector(v: Any) -> Any:
    """The same for v and -v."""
    return v[..., 0] * v[..., :1, 0]


def _weighted_product(u: Any, s: Any, vh: Any) -> Any:
    """Depends on U and Vh separately, and not on their common sign."""
    return (u * (s * s)[..., None, :]) @ vh + _projector(u)[..., None]


def _without_signs(q: Any, r: Any) -> Any:
    return q * q, r * r


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_gradient_and_hessian_agree_with_jax(name: str) -> None:
    f, *xs = FUNCTIONS[name]
    agrees_with_jax(f, None, *xs, rtol=1e-8)


# The determinant, also where it is zero


def leibniz(x: Any) -> Any:
    """The determinant by its definition: a sum over permutations, of products of entries."""
    n = x.shape[-1]
    total = 0.0
    for order in permutations(range(n)):
        sign = np.linalg.det(np.eye(n)[list(order)])
        product = sign
        for row, column in enumerate(order):
            product = product * x[row, column]
        total = total + product
    return total


@pytest.mark.parametrize("rank", [4, 3, 2, 1, 0])
def test_a_determinant_has_two_derivatives_at_every_rank(rank: int) -> None:
    rng = np.random.default_rng(rank)
    x = rng.standard_normal((4, rank)) @ rng.standard_normal((rank, 4))
    v = rng.standard_normal((4, 4))
    found = []
    for f in (np.linalg.det, leibniz):
        X = tg.Tensor(x)
        (g,) = tg.grad(f(X), [X], create_graph=True)
        (h,) = tg.grad(np.sum(g * v), [X]) if g.requires_grad else (np.zeros((4, 4)),)
        found.append((g.data, h))
    np.testing.assert_allclose(found[0], found[1], atol=1e-11)


def test_the_third_derivative_of_a_determinant() -> None:
    def third(f: Any) -> Any:
        X = tg.Tensor(A)
        g = f(X)
        for k in range(3):
            (g,) = tg.grad(
                np.sum(g * np.cos(np.arange(np.size(g)) + k).reshape(np.shape(g))), [X], create_graph=True
            )
        return g.data

    np.testing.assert_allclose(third(np.linalg.det), third(leibniz), rtol=1e-9)


def test_the_third_derivative_at_a_singular_matrix_is_refused() -> None:
    X = tg.Tensor(np.diag([1.0, 2.0, 0.0]))
    (g,) = tg.grad(np.linalg.det(X), [X], create_graph=True)
    (h,) = tg.grad(np.sum(g * g), [X], create_graph=True)
    with pytest.raises(np.linalg.LinAlgError, match="third derivative of a determinant"):
        tg.grad(np.sum(h), [X])


def test_slogdet_gives_fields() -> None:
    X = tg.Tensor(STACK)
    result = np.linalg.slogdet(X)
    np.testing.assert_array_equal(result.sign, np.linalg.slogdet(STACK).sign)
    result.logabsdet.sum().backward()
    np.testing.assert_allclose(X.grad, np.linalg.inv(STACK).swapaxes(-1, -2))
    large = tg.Tensor(np.eye(400) * 10.0)
    assert np.isclose(np.linalg.slogdet(large).logabsdet.item(), 400 * np.log(10))


# What is read of a symmetric matrix


@pytest.mark.parametrize(
    ("f", "lower"),
    [
        (np.linalg.cholesky, True),
        (lambda x: np.linalg.cholesky(x, upper=True), False),
        (np.linalg.eigvalsh, True),
        (lambda x: np.linalg.eigvalsh(x, "U"), False),
        (lambda x: np.linalg.eigh(x, "u").eigenvectors, False),
    ],
)
def test_the_gradient_stands_in_the_triangle_that_numpy_reads(f: Any, lower: bool) -> None:
    x = symmetric(np, A)
    cut = np.tril if lower else np.triu
    np.testing.assert_allclose(f(cut(x)), f(x), rtol=1e-12)
    X = tg.Tensor(x)
    f(X)[..., 0].sum().backward()
    np.testing.assert_array_equal(X.grad, cut(X.grad))
    assert np.any(X.grad)


# Where vectors are not unique

TWICE = np.diag([1.0, 2.0, 2.0])


def test_eigenvalues_that_coincide_have_derivatives_their_vectors_have_not() -> None:
    X = tg.Tensor(TWICE)
    w, V = np.linalg.eigh(X)
    np.sum(w).backward()
    np.testing.assert_allclose(X.grad, np.eye(3), atol=1e-14)
    with pytest.raises(
        np.linalg.LinAlgError, match="two eigenvalues coincide, so their vectors are not unique"
    ):
        np.sum(V).backward()


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (TWICE, "two singular values coincide"),
        (np.diag([3.0, 1.0, 0.0]), "one of the singular values is zero"),
    ],
)
def test_singular_vectors_that_are_not_unique_are_refused(x: Any, said: str) -> None:
    X = tg.Tensor(x)
    U, S, Vh = np.linalg.svd(X)
    np.sum(S).backward()
    assert np.isfinite(X.grad).all()
    for vectors in (U, Vh):
        with pytest.raises(np.linalg.LinAlgError, match=said):
            np.sum(vectors).backward()


def test_vectors_that_merely_complete_a_basis_are_refused() -> None:
    X = tg.Tensor(TALL)
    U, S, Vh = np.linalg.svd(X)
    assert U.shape == (4, 4)
    np.testing.assert_allclose(((U[:, :2] * S) @ Vh).data, TALL)
    with pytest.raises(
        TypeError, match=r"the last 2 vectors of full_matrices=True .*Use full_matrices=False"
    ):
        np.sum(U).backward()
    (g,) = tg.grad(np.sum(Vh * Vh[0]), [X])  # the other factor is unique
    Y = tg.Tensor(TALL)
    thin = np.linalg.svd(Y, full_matrices=False)
    np.testing.assert_allclose(g, tg.grad(np.sum(thin.Vh * thin.Vh[0]), [Y])[0])


def test_a_decomposition_can_be_differentiated_again() -> None:
    X = tg.Tensor(A)
    J = np.sum(np.linalg.svd(X).U[0]) + np.sum(np.linalg.eigh(X).eigenvalues)
    first = tg.grad(J, [X])[0]
    np.testing.assert_array_equal(tg.grad(J, [X])[0], first)  # checked anew, and found unchanged


def test_the_derived_source_of_a_picked_value_runs() -> None:
    M = tg.Tensor(A, name="M")
    J = np.linalg.cond(M)
    space: dict[str, Any] = {}
    exec(tg.derive(J, wrt=[M]).numpy_source(), space)
    np.testing.assert_allclose(space["gradients"](A)["dM"], tg.grad(J, [M])[0])


# Norms


NORMS = [
    *((3, p, None) for p in (None, 0, 1, 2, 3, 2.5, 0.5, -1, -2, np.inf, -np.inf)),
    *((2, p, None) for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
    *((2, p, 0) for p in (None, 3, np.inf)),
]


@pytest.mark.parametrize(("n", "ord", "axis"), NORMS)
def test_norms_of_every_order_agree_with_finite_differences(n: int, ord: Any, axis: Any) -> None:  # noqa: A002
    x = A[:, 0] if n == 3 else TALL
    v = np.cos(np.arange(x.size)).reshape(x.shape)

    def f(t: Any) -> Any:
        return np.linalg.norm(t, ord, axis, keepdims=True)

    def slope(t: float) -> Any:
        return (f(x + t * v) - f(x - t * v)) / (2 * t)

    X = tg.Tensor(x)
    y = f(X)
    np.testing.assert_allclose(y.data, f(x), rtol=1e-13)
    w = np.sin(np.arange(y.size) + 1.0).reshape(y.shape)
    (g,) = tg.grad(np.sum(w * y), [X])
    assert np.isclose(np.sum(g * v), np.sum(w * (4 * slope(1e-4) - slope(2e-4)) / 3), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 2.5, 0.5, np.inf, -np.inf, 0])
def test_at_the_zero_vector_a_norm_has_slope_zero(ord: Any) -> None:  # noqa: A002
    X = tg.Tensor(np.zeros(3))
    (g,) = tg.grad(np.linalg.norm(X, ord), [X], create_graph=True)
    assert g.data.tolist() == [0.0, 0.0, 0.0]
    if g.requires_grad:  # and the slope has none, not a silent 0; a count of entries is flat
        second = 0.0 if ord == 0 else np.nan
        np.testing.assert_array_equal(tg.grad(np.sum(g), [X])[0], np.full(3, second))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_at_the_zero_matrix_a_norm_has_slope_zero(ord: Any) -> None:  # noqa: A002
    X = tg.Tensor(np.zeros((2, 3)))
    np.linalg.norm(X, ord).backward()
    assert not np.any(X.grad)


def test_the_nuclear_norm_takes_no_slope_from_what_is_not_there() -> None:
    X = tg.Tensor(np.outer([3.0, 4.0], [1.0, 0.0]))  # of rank 1
    np.linalg.norm(X, "nuc").backward()
    np.testing.assert_allclose(X.grad, np.outer([0.6, 0.8], [1.0, 0.0]), atol=1e-15)


def test_zero_entries_and_ties_of_a_norm() -> None:
    def slope(x: list[float], ord: Any) -> Any:  # noqa: A002
        X = tg.Tensor(x)
        np.linalg.norm(X, ord).backward()
        return X.grad.tolist()

    assert slope([0.0, 3.0], 1) == [0.0, 1.0]
    np.testing.assert_allclose(slope([0.0, 3.0], 0.5), [0.0, 1.0])
    assert slope([3.0, -3.0, 1.0], np.inf) == [0.5, -0.5, 0.0]
    np.testing.assert_allclose(slope([3e100, 4e100], 3), [9 / 91 ** (2 / 3), 16 / 91 ** (2 / 3)])


@pytest.mark.parametrize(
    ("ord", "axis", "said"),
    [
        ("fro", 0, "order 'fro' is one of matrices"),
        (3, None, "expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf as order, got 3"),
        (2, (0, 0), "two different axes"),
        (2, (0, 1, 2), "one or two axes"),
    ],
)
def test_norms_that_do_not_exist(ord: Any, axis: Any, said: str) -> None:  # noqa: A002
    with pytest.raises(ValueError, match=said):
        np.linalg.norm(tg.Tensor(np.ones((2, 2))), ord, axis)


def test_a_matrix_norm_needs_two_axes() -> None:
    with pytest.raises(ValueError, match=r"matrix_norm: expected two axes or more, got shape \(3,\)"):
        np.linalg.matrix_norm(tg.Tensor(np.ones(3)))


# Laws


@given(st.integers(0, 2**20))
def test_the_gradient_of_a_solution_solves_the_transposed_system(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, right = rng.standard_normal((3, 3)) + 4 * np.eye(3), rng.standard_normal((3, 2))
    X, R = tg.Tensor(a), tg.Tensor(right)
    np.sum(np.linalg.solve(X, R) ** 2).backward()
    x = np.linalg.solve(a, right)
    np.testing.assert_allclose(a.T @ R.grad, 2 * x, rtol=1e-9)
    np.testing.assert_allclose(X.grad, -R.grad @ x.T, rtol=1e-9)


@given(st.integers(0, 2**20))
def test_factors_multiplied_together_again_pass_the_gradient_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))

    def through_svd(t: Any) -> Any:
        u, s, vh = np.linalg.svd(t)
        return (u * s) @ vh

    def through_qr(t: Any) -> Any:
        q, r = np.linalg.qr(t)
        return q @ r

    for f in (through_svd, through_qr):
        X = tg.Tensor(x)
        np.sum(w * f(X)).backward()
        np.testing.assert_allclose(X.grad, w, rtol=1e-6, atol=1e-8)


# Errors


@pytest.mark.parametrize("f", [np.linalg.inv, lambda x: np.linalg.solve(x, np.ones(2))])
def test_a_singular_matrix_is_named(f: Any) -> None:
    M = tg.Tensor(np.ones((2, 2)), name="M")
    with pytest.raises(np.linalg.LinAlgError, match=r"M \(2, 2\).*Singular matrix"):
        f(M)


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "matrix_power"])
def test_matrices_that_are_not_square_are_named(name: str) -> None:
    M = tg.Tensor(np.ones((2, 3)))
    f = getattr(np.linalg, name)
    with pytest.raises(np.linalg.LinAlgError, match=r"\(2, 3\)"):
        f(M, 2) if name == "matrix_power" else f(M)


def test_a_right_side_that_does_not_fit_is_named() -> None:
    M, v = tg.Tensor(A), tg.Tensor(np.ones(4))
    with pytest.raises(
        ValueError, match=r"solve: M \(3, 3\) with v \(4,\): 3 unknowns, and a right side of 4 rows"
    ):
        np.linalg.solve(M, v)


def test_settings_that_have_no_meaning_are_refused() -> None:
    M = tg.Tensor(np.eye(2))
    with pytest.raises(TypeError, match=r"expected a whole number as exponent, got 0\.5"):
        np.linalg.matrix_power(M, 0.5)
    with pytest.raises(ValueError, match="expected mode 'reduced' or 'r', got 'complete'"):
        np.linalg.qr(M, "complete")
    with pytest.raises(ValueError, match="expected ind of 1 or more, got 0"):
        np.linalg.tensorinv(M, 0)
    with pytest.raises(ValueError, match=r"lstsq: expected a matrix .* got \(2,\) and \(2, 2\)"):
        np.linalg.lstsq(M[0], M)
    with pytest.raises(np.linalg.LinAlgError, match="Matrix is not positive definite"):
        np.linalg.cholesky(-M)
    with pytest.raises(TypeError, match=r"np\.linalg\.eig\b"):
        np.linalg.eig(M)


def test_lstsq_gives_numpys_four_results() -> None:
    a, right = TALL, np.arange(4.0)
    for k in (1, 2):
        mine, its = np.linalg.lstsq(tg.Tensor(a[:, :k]), right), np.linalg.lstsq(a[:, :k], right)
        for got, want in zip(mine, its, strict=True):
            np.testing.assert_allclose(getattr(got, "data", got), want, rtol=1e-12)
    same = np.ones((4, 2))  # of rank 1: no residuals
    mine, its = np.linalg.lstsq(tg.Tensor(same), right), np.linalg.lstsq(same, right)
    assert (mine[2], mine[1].shape) == (its[2], its[1].shape) == (1, (0,))
    np.testing.assert_allclose(mine[0].data, its[0], rtol=1e-12)


def test_tensorsolve_moves_axes_to_the_end() -> None:
    a = (np.eye(4) + 0.1 * RNG.standard_normal((4, 4))).reshape(2, 2, 4)
    right = RNG.standard_normal((2, 2))
    moved = np.moveaxis(a, 2, 0)
    got = np.linalg.tensorsolve(tg.Tensor(moved), right, axes=(0,))
    np.testing.assert_allclose(got.data, np.linalg.tensorsolve(moved, right, axes=(0,)))


def test_the_condition_of_a_matrix_in_other_norms() -> None:
    for p in (None, 2, -2, 1, -1, np.inf, "fro", "nuc"):
        np.testing.assert_allclose(
            np.linalg.cond(tg.Tensor(STACK), p).data, np.linalg.cond(STACK, p), rtol=1e-12
        )
