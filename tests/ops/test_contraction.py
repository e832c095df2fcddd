"""Products and einsum over drawn shapes and subscripts, and what their errors say.

A product is linear in each operand, so its derivative along v is the product with v in that operand's place:
NumPy itself is the witness.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import tinygrad_edu as tg

LENGTH = {"i": 2, "j": 3, "k": 2, "l": 1, "m": 3}


@st.composite
def einsums(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Subscripts of one to three operands: repeated, summed and permuted indices, an ellipsis or not."""
    terms = draw(st.lists(st.text(alphabet="ijklm", max_size=3), min_size=1, max_size=3))
    dots = draw(st.lists(st.sampled_from([(), (2,), (1,), (3, 2)]), min_size=len(terms), max_size=len(terms)))
    if not draw(st.booleans()) or not _fit(dots):
        dots = [()] * len(terms)
    shapes = [(*d, *(LENGTH[c] for c in t)) for t, d in zip(terms, dots, strict=True)]
    spread = any(dots)
    written = ["..." * spread + t for t in terms]
    present = sorted(set("".join(terms)))
    kind = draw(st.sampled_from(["implicit", "explicit"]))
    if kind == "implicit":
        return ",".join(written), shapes
    kept = draw(st.permutations(present))[: draw(st.integers(0, len(present)))]
    return f"{','.join(written)}->{'...' * spread}{''.join(kept)}", shapes


def _fit(dots: list[tuple[int, ...]]) -> bool:
    try:
        np.broadcast_shapes(*dots)
    except ValueError:
        return False
    return True


def drawn(shapes: list[tuple[int, ...]], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 1.5, shape) for shape in shapes]


def linear_in_each_operand(f: Any, *xs: Any) -> None:
    """The value is NumPy's, and the gradient of each operand the sum with a direction in its place."""
    tensors = [tg.Tensor(x) for x in xs]
    y, expected = f(*tensors), f(*xs)
    assert y.shape == np.shape(expected)
    np.testing.assert_allclose(y.data, expected, rtol=1e-12)
    weights = np.cos(np.arange(y.size)).reshape(y.shape)
    directions = drawn([x.shape for x in xs], seed=1)
    for k, g in enumerate(tg.grad(np.sum(weights * y), tensors)):
        along = f(*xs[:k], directions[k], *xs[k + 1 :])
        assert np.isclose(np.sum(g * directions[k]), np.sum(weights * along), rtol=1e-10)


@given(einsums())
def test_any_subscripts(case: Any) -> None:
    subscripts, shapes = case
    linear_in_each_operand(lambda *xs: np.einsum(subscripts, *xs), *drawn(shapes))


def test_einsum_broadcasts_axes_of_length_one() -> None:
    a, b = drawn([(3, 1), (4, 5)])
    A = tg.Tensor(a)
    np.einsum("ij,jk->ik", A, b).sum().backward()
    np.testing.assert_allclose(A.grad, np.full((3, 1), b.sum()))


def test_einsum_takes_lists_of_integers() -> None:
    a, b = drawn([(2, 3, 4), (4, 5)])
    A = tg.Tensor(a)
    y = np.einsum(A, [Ellipsis, 2], b, [2, 3], [3, Ellipsis])
    np.testing.assert_allclose(y.data, np.einsum(a, [Ellipsis, 2], b, [2, 3], [3, Ellipsis]))
    y.sum().backward()
    np.testing.assert_allclose(A.grad, np.broadcast_to(b.sum(1), a.shape))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ij,jk", "A"), "names 2 operands, got 1"),
        (("ijk", "A"), r"'ijk' of 'ijk' does not name the 2 axes of shape \(2, 3\)"),
        (
            ("ij,jk->ik", "A", "A"),
            r"A \(2, 3\) with A \(2, 3\): in einsum 'ij,jk', index 'j' runs to 3 and to 2",
        ),
        (("ij->ii", "A"), "the result of 'ij->ii' has 'i' twice"),
        (("ij->k", "A"), "'k' in the result of 'ij->k' is in no operand"),
        (("i...->i", "A"), r"the result of 'i...->i' has no '...'"),
        (("i.", "A"), "'.' in 'i.' is not a letter"),
        (("A", [0, 52]), "integers from 0 to 51"),
        (("A", [0, -1]), "integers from 0 to 51"),
        ((), "expected subscripts and arrays"),
    ],
)
def test_subscripts_that_do_not_fit_say_why(arguments: tuple[Any, ...], said: str) -> None:
    A = tg.Tensor(np.ones((2, 3)))
    with pytest.raises(ValueError, match=said):
        tg.einsum(*(A if a == "A" else a for a in arguments))


PRODUCTS = {
    "matmul": [((3, 4), (4, 2)), ((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 2)), ((2, 3, 4), (4,))],
    "dot": [((2, 3, 4), (5, 4, 3)), ((), (3,)), ((3, 4), (4,)), ((4,), (2, 4, 3))],
    "inner": [((2, 3), (4, 3)), ((3,), (2, 3)), ((2, 2, 3), (2, 3))],
    "outer": [((3,), (2,)), ((2, 2), (3,))],
    "vdot": [((2, 3), (2, 3)), ((4,), (4,))],
    "kron": [((2, 3), (3, 2)), ((3,), (2, 2)), ((2,), (3,))],
    "tensordot": [((2, 3, 4), (3, 4, 5)), ((3, 4), (3, 4))],
    "cross": [((3,), (3,)), ((4, 3), (3,))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shapes"), [(name, pair) for name, pairs in PRODUCTS.items() for pair in pairs], ids=str
)
def test_products(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    linear_in_each_operand(getattr(np, name), *drawn(list(shapes)))


@given(st.integers(0, 3), st.permutations(range(3)), st.permutations(range(3)))
def test_tensordot_over_any_axes(n: int, of_a: list[int], of_b: list[int]) -> None:
    lengths, others = (2, 3, 4), [5, 6, 7]
    for j, k in zip(of_a[:n], of_b[:n], strict=True):
        others[k] = lengths[j]
    axes = (tuple(of_a[:n]), tuple(of_b[:n]))
    linear_in_each_operand(lambda a, b: np.tensordot(a, b, axes), *drawn([lengths, tuple(others)]))


@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_the_matrix_product_of_any_shapes(case: Any) -> None:
    linear_in_each_operand(np.matmul, *drawn(list(case.input_shapes)))


def test_a_shape_error_names_the_tensors_and_the_axes() -> None:
    W1, X = tg.Tensor(np.ones((4, 3))), tg.Tensor(np.ones((2, 400)))
    with pytest.raises(
        ValueError, match=r"^matmul: W1 \(4, 3\) @ X \(2, 400\): inner dimensions 3 and 2 differ$"
    ):
        W1 @ X
    with pytest.raises(ValueError, match=r"leading dimensions \(2,\) and \(3,\) do not broadcast"):
        np.ones((2, 4, 3)) @ tg.Tensor(np.ones((3, 3, 2)))
    with pytest.raises(ValueError, match=r"multiply by it with \*"):
        tg.Tensor(2.0) @ X
    with pytest.raises(
        ValueError, match=r"W1 \(4, 3\) with X \(2, 400\): axes 1 and 0 are summed over together"
    ):
        np.tensordot(W1, X, 1)
    for axes, said in (
        (3, "cannot sum over 3"),
        (([0, 1], [0]), "do not pair up"),
        (([4], [0]), "no axis 4"),
    ):
        with pytest.raises(ValueError, match=said):
            np.tensordot(W1, X, axes)


def test_other_products_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"vecdot: .*differ in length"):
        np.vecdot(tg.Tensor(np.ones(3)), np.ones(1))
    with pytest.raises(ValueError, match="cross: expected three entries"):
        np.linalg.cross(tg.Tensor(np.ones(2)), np.ones(2))
    with pytest.raises(ValueError, match="multi_dot: expected matrices"):
        np.linalg.multi_dot([tg.Tensor(np.ones((2, 2))), np.ones((2, 2, 2)), np.ones(2)])


@given(st.integers(-3, 3))
def test_diagonals_and_triangles(k: int) -> None:
    (x,) = drawn([(3, 4)])
    for f in (np.diagonal, np.trace, np.tril, np.triu, lambda x, k: np.diag(x[0], k), np.diagflat):
        linear_in_each_operand(lambda x, f=f: f(x, k), x)


def test_diagonals_refuse_other_ranks() -> None:
    with pytest.raises(ValueError, match=r"diag: expected a vector or a matrix, got shape \(2, 2, 2\)"):
        np.diag(tg.Tensor(np.ones((2, 2, 2))))
    for f in (np.tril, np.triu):
        with pytest.raises(ValueError, match="a number has no triangles"):
            f(tg.Tensor(1.0))
    with pytest.raises(ValueError, match="matrix_transpose: expected"):
        np.matrix_transpose(tg.Tensor(np.ones(2)))
