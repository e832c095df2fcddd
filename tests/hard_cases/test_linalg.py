"""np.linalg where it breaks: singular, repeated, empty, stacked, badly scaled."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences, slopes

A = np.array([[2.0, 0.5, -1.0], [0.0, 3.0, 1.0], [1.0, -0.5, 2.5]])
S = A @ A.T


def cofactors(M):
    n = len(M)
    found = np.ones((n, n))
    for i, j in np.ndindex(n, n):
        found[i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(M, i, 0), j, 1))
    return found


@pytest.mark.parametrize(
    "M",
    [
        [[1.0, 2.0], [2.0, 4.0]],
        np.zeros((2, 2)),
        [[0.0]],
        [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]],
        np.ones((3, 3)),
        np.diag([1.0, 0.0, 0.0]),
        np.diag([0.0, 2.0, 3.0]),
        [[0.0, 1.0], [1.0, 0.0]],
        1e-120 * np.eye(2),
        1e100 * np.eye(2),
    ],
    ids=str,
)
def test_the_slope_of_a_determinant_is_its_cofactors(M):
    np.testing.assert_allclose(slopes(np.linalg.det, M)[0], cofactors(np.array(M)), rtol=1e-9, atol=1e-12)


def test_determinants_of_a_stack_with_singular_members():
    stack = np.stack([A, np.ones((3, 3)), np.zeros((3, 3))])
    np.testing.assert_allclose(slopes(np.linalg.det, stack)[0], [cofactors(M) for M in stack], atol=1e-12)


def test_the_determinant_of_nothing_is_one():
    E = T(np.ones((0, 0)))
    y = np.linalg.det(E)
    y.backward()
    assert y.item() == 1.0
    assert E.grad.shape == (0, 0)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_log_determinants_neither_overflow_nor_underflow(scale):
    sign, value = np.linalg.slogdet(T(scale * A))
    x = T(scale * A)
    np.linalg.slogdet(x)[1].backward()
    np.testing.assert_allclose(value.item(), np.linalg.slogdet(A)[1] + 3 * np.log(scale), rtol=1e-12)
    np.testing.assert_allclose(x.grad, np.linalg.inv(A).T / scale, rtol=1e-10)
    assert sign == 1.0


REFUSED = {
    "inv of a singular": (np.linalg.inv, [[1.0, 2.0], [2.0, 4.0]], "[Ss]ingular"),
    "solve a singular": (lambda M: np.linalg.solve(M, np.ones(2)), [[1.0, 2.0], [2.0, 4.0]], "[Ss]ingular"),
    "inv of an oblong": (np.linalg.inv, np.ones((2, 3)), "square"),
    "det of an oblong": (np.linalg.det, np.ones((2, 3)), "square"),
    "inv of a vector": (np.linalg.inv, np.ones(3), "dimension|axes"),
    "cholesky of an indefinite": (np.linalg.cholesky, [[1.0, 2.0], [2.0, 1.0]], "positive definite"),
    "vectors of equal singular values": (lambda M: np.linalg.svd(M)[0], np.eye(2), "coincide"),
    "vectors of equal eigenvalues": (lambda M: np.linalg.eigh(M)[1], np.eye(2), "coincide"),
}


@pytest.mark.parametrize(("f", "M", "message"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_value_or_no_derivative_is_a_linalg_error(f, M, message):
    with pytest.raises(np.linalg.LinAlgError, match=message):
        slopes(f, M)


@pytest.mark.parametrize(("f", "M", "message"), list(REFUSED.values())[:4], ids=list(REFUSED)[:4])
def test_and_the_error_names_the_matrix(f, M, message):
    W1 = T(M, name="W1")
    with pytest.raises(np.linalg.LinAlgError, match=rf"W1 \({len(M)}, \d\)"):
        f(W1)


def test_values_of_equal_eigen_and_singular_values_do_have_a_sum():
    np.testing.assert_allclose(slopes(np.linalg.eigvalsh, np.eye(3))[0], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(
        slopes(lambda M: np.linalg.svd(M, compute_uv=False), np.eye(3))[0], np.eye(3), atol=1e-12
    )


ORDERS = [
    (None, None),
    (2, None),
    (1, None),
    (3, None),
    (0.5, None),
    (np.inf, None),
    (-np.inf, None),
    (0, None),
    (-1, None),
]


@pytest.mark.parametrize("order", [o for o, _ in ORDERS], ids=str)
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_every_norm_of_vectors(order, axis):
    x = np.array([[3.0, -4.0, 1.0], [0.5, 2.0, -0.25]])
    agrees_with_differences(lambda x: np.linalg.norm(x[0] if axis is None else x, ord=order, axis=axis), x)


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf, None], ids=str)
def test_every_norm_of_matrices(order):
    agrees_with_differences(lambda x: np.linalg.norm(x, ord=order), A, rtol=1e-5)
    stack = np.stack([A, A.T + 0.3])
    agrees_with_differences(lambda x: np.linalg.norm(x, ord=order, axis=(1, 2)), stack, rtol=1e-5)


@pytest.mark.parametrize("order", [None, 2, 1, 3, np.inf, "fro", "nuc"], ids=str)
def test_norms_at_zero_have_slope_zero(order):
    zero = np.zeros((2, 2)) if order in ("fro", "nuc") else np.zeros(3)
    with np.errstate(all="raise"):
        (g,) = slopes(lambda x: np.linalg.norm(x, ord=order), zero)
    np.testing.assert_array_equal(g, np.zeros_like(zero))


FUNCTIONS = {
    "inv": (np.linalg.inv, A),
    "solve": (np.linalg.solve, A, np.ones((3, 2))),
    "solve with a stack": (np.linalg.solve, np.stack([A, S]), np.ones((3, 2))),
    "cholesky": (lambda a: np.linalg.cholesky(a @ a.T), A),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], A),
    "pinv of a wide": (lambda a: np.linalg.pinv(a[:2]), A),
    "power": (lambda a: np.linalg.matrix_power(a, 3), A),
    "inverse power": (lambda a: np.linalg.matrix_power(a, -2), A),
    "multi_dot": (lambda a: np.linalg.multi_dot([a, a.T, a]), A),
    "eigvalsh": (lambda a: np.linalg.eigvalsh(a @ a.T), A),
    "svdvals": (lambda a: np.linalg.svd(a, compute_uv=False), A),
    "kron": (lambda a: np.kron(a, a[:2]), A),
    "cross": (lambda a: np.cross(a, a[::-1]), A),
    "einsum of a trace": (lambda a: np.einsum("ii,jk->kj", a, a), A),
    "einsum with a batch": (lambda a: np.einsum("...i,...i->...", a, a), A),
    "einsum of three": (lambda a: np.einsum("ij,jk,kl->il", a, a, a), A),
    "einsum repeated": (lambda a: np.einsum("ij,ij,ij->j", a, a, a), A),
    "tensordot": (lambda a: np.tensordot(a, a, axes=([0, 1], [1, 0])), A),
    "outer": (lambda a: np.outer(a, a[0]), A),
    "inner": (lambda a: np.inner(a, a), A),
    "vdot": (lambda a: np.vdot(a, a), A),
    "dot 3d": (np.dot, A, np.ones((2, 3, 2))),
    "matmul of a vector and a stack": (lambda a, b: np.matmul(a[0], b), A, np.ones((4, 3, 2))),
}


@pytest.mark.parametrize("case", FUNCTIONS.values(), ids=FUNCTIONS)
def test_derivatives_of_the_first_and_second_order(case):
    f, *xs = case
    weights = np.cos(np.arange(np.size(f(*xs)))).reshape(np.shape(f(*xs)))
    agrees_with_differences(lambda *xs: f(*xs) * weights, *xs, rtol=1e-5)
    check = tg.check.gradients(lambda *xs: f(*xs) * weights, *xs, order=2)
    assert check.ok, str(check)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((4, 2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((4, 2, 3), (3, 5)),
        ((2, 3), (4, 3, 5)),
        ((4, 1, 2, 3), (5, 3, 2)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
        ((0, 2, 3), (3, 1)),
    ],
)
def test_matmul_of_every_pair_of_shapes(left, right):
    rng = np.random.default_rng(1)
    agrees_with_differences(lambda a, b: (a @ b) ** 2, rng.normal(size=left), rng.normal(size=right))


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 3), (2, 3)), ((3,), (4,)), ((2, 3), (4,)), ((), (3,)), ((2, 3), ()), ((2, 2, 3), (3, 3, 2))],
)
def test_matmul_of_shapes_that_do_not_fit(left, right):
    W, X = T(np.ones(left)), np.ones(right)
    with pytest.raises(ValueError, match="W") as caught:
        W @ X
    assert str(left) in str(caught.value)
    assert str(right) in str(caught.value)


@pytest.mark.parametrize("subscripts", ["ij,jk", "i->ii", "ijj->ij,", "i1->i", "", "ij->k", "...ij->i...k"])
def test_subscripts_that_numpy_refuses_are_refused(subscripts):
    operands = [np.ones((2, 3))] * max(1, subscripts.split("->")[0].count(",") + 1)
    with pytest.raises((ValueError, TypeError, IndexError)):
        np.einsum(subscripts, *operands)
    with pytest.raises((ValueError, TypeError)):
        np.einsum(subscripts, T(operands[0]), *operands[1:])
