"""Activations, softmax, costs and dropout: exact where they saturate, and strict about labels."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.witness import agrees_with_jax

FAR = [-1000.0, -710.0, -40.0, 0.0, 40.0, 710.0, 1000.0]


def derivatives(f: Any, x: Any, orders: int = 2) -> list[Any]:
    """f and its derivatives, entry by entry."""
    X = tg.Tensor(x)
    y = f(X)
    found = [y.data]
    for _ in range(orders):
        (y,) = tg.grad(np.sum(y), [X], create_graph=True) if y.requires_grad else (X * 0,)
        found.append(y.data)
    return found


# Activations


SATURATED: dict[str, tuple[Any, Any]] = {  # the value and two derivatives at -1000 and at 1000
    "sigmoid": ((0, 0, 0), (1, 0, 0)),
    "tanh": ((-1, 0, 0), (1, 0, 0)),
    "softplus": ((0, 0, 0), (1000, 1, 0)),
    "silu": ((0, 0, 0), (1000, 1, 0)),
    "gelu": ((0, 0, 0), (1000, 1, 0)),
    "elu": ((-1, 0, 0), (1000, 1, 0)),
    "relu": ((0, 0, 0), (1000, 1, 0)),
    "leaky_relu": ((-10, 0.01, 0), (1000, 1, 0)),
    "erf": ((-1, 0, 0), (1, 0, 0)),
    "erfc": ((2, 0, 0), (0, 0, 0)),
}


@pytest.mark.parametrize("name", SATURATED)
def test_far_from_zero_the_limits_are_met_exactly_and_without_warnings(name: str) -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = derivatives(getattr(tg, name), np.array([-1000.0, 1000.0]))
    np.testing.assert_array_equal(np.array(found).T, np.array(SATURATED[name], float))


def test_gelu_by_its_tanh_formula_is_as_quiet() -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = derivatives(lambda z: tg.gelu(z, approximate=True), np.array([-1000.0, 1000.0]))
    np.testing.assert_array_equal(found, [[0, 1000], [0, 1], [0, 0]])


@pytest.mark.parametrize(
    ("name", "settings"),
    [("softplus", {}), ("silu", {}), ("elu", {}), ("leaky_relu", {}), ("sigmoid", {}),
     ("gelu", {"approximate": False}), ("gelu", {"approximate": True})],
)  # fmt: skip
def test_activations_agree_with_jax(name: str, settings: dict[str, Any]) -> None:
    jax = pytest.importorskip("jax", reason="JAX is the independent witness")
    x = np.linspace(-3, 3, 8)
    theirs = getattr(jax.nn, name)
    agrees_with_jax(lambda xp, x: getattr(tg, name)(x, **settings), lambda xp, x: theirs(x, **settings), x)


def test_gelu_understands_pytorchs_words_and_no_others() -> None:
    x = tg.Tensor([0.5])
    for words, meaning in (("tanh", True), ("none", False)):
        assert tg.gelu(x, approximate=words).item() == tg.gelu(x, approximate=meaning).item()
    with pytest.raises(ValueError, match="approximate: expected True, False, 'tanh' or 'none', got 'erf'"):
        tg.gelu(x, approximate="erf")


def test_the_slopes_where_an_activation_has_a_corner() -> None:
    at_zero = {"relu": 0.0, "leaky_relu": 0.01, "elu": 1.0}
    for name, slope in at_zero.items():
        assert derivatives(getattr(tg, name), np.array([0.0]), 1)[1].tolist() == [slope]


def test_sigmoid_is_right_to_the_last_digits() -> None:
    z = np.array([-700.0, -36.0, -1.0, 0.5, 36.0])
    exact = [math.exp(t) / (1 + math.exp(t)) if t < 0 else 1 / (1 + math.exp(-t)) for t in z]
    np.testing.assert_allclose(tg.sigmoid(tg.Tensor(z)).data, exact, rtol=4e-16)


def test_single_precision_stays_single() -> None:
    x = tg.Tensor(np.array([-200.0, 0.5, 200.0], np.float32))
    for name in SATURATED:
        y = getattr(tg, name)(x)
        assert y.dtype == np.float32
        assert tg.grad(np.sum(y), [x])[0].dtype == np.float32


# Softmax and its kin


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), None])
def test_softmax_logsumexp_and_log_softmax_fit_together(axis: Any) -> None:
    z = np.array([[1000.0, -1000.0, 3.0], [999.0, 0.0, -5.0]])
    total = tg.logsumexp(z, axis=axis, keepdims=True)
    np.testing.assert_allclose(tg.log_softmax(z, axis=axis), z - total, atol=1e-12)
    np.testing.assert_allclose(tg.softmax(z, axis=axis), np.exp(z - total), atol=1e-15)
    (g,) = derivatives(lambda Z: tg.logsumexp(Z, axis=axis), z, 1)[1:]
    np.testing.assert_allclose(g, tg.softmax(z, axis=axis), atol=1e-15)


def test_scores_far_apart_have_finite_second_derivatives() -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        for f in (tg.softmax, tg.log_softmax, lambda Z: tg.logsumexp(Z, axis=0)):
            weights = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
            Z = tg.Tensor([[1000.0, 1000.0], [-1000.0, 1000.0], [0.0, -np.inf]])
            y = f(Z)
            J = np.sum(np.where(np.isfinite(y.data), y, 0.0) * weights)
            (g,) = tg.grad(J, [Z], create_graph=True)
            (h,) = tg.grad(np.sum(g * weights), [Z])
            assert np.isfinite(g.data).all()
            assert np.isfinite(h).all()


def test_logsumexp_of_nothing_possible_is_minus_infinity() -> None:
    z = tg.Tensor([[-np.inf, 0.0], [-np.inf, -np.inf]])
    y = tg.logsumexp(z, axis=0)
    assert y.data.tolist() == [-np.inf, 0.0]
    np.sum(y).backward()
    assert z.grad.tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert tg.logsumexp(np.array([np.inf, 0.0])) == np.inf


# Costs


@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("z", FAR)
def test_the_cost_from_logits_is_exact_at_every_z(z: float, y: float) -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        J, g, h = derivatives(lambda Z: tg.binary_cross_entropy_with_logits(Z, [[y]]), np.array([[z]]))
    # log(1 + e^z) - y z: beyond 40 the logarithm is z, or 0, to the last digit.
    exact = Fraction(max(z, 0.0)) - Fraction(y) * Fraction(z) + Fraction(math.log1p(math.exp(-abs(z))))
    a = 1 / (1 + math.exp(-z)) if z > -700 else 0.0
    assert math.isclose(J, exact, rel_tol=1e-15)
    assert math.isclose(g.item(), a - y, rel_tol=1e-15, abs_tol=1e-16)
    assert math.isclose(h.item(), a * (1 - a), rel_tol=1e-15, abs_tol=1e-16)


@pytest.mark.parametrize("true_class", [0, 1, 2])
def test_the_cost_of_many_classes_is_exact_when_saturated(true_class: int) -> None:
    z = np.array([[1000.0], [-1000.0], [0.0]])
    Y = np.eye(3)[:, [true_class]]
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        J, g, h = derivatives(lambda Z: tg.softmax_cross_entropy(Z, Y), z)
    assert 1000.0 - z[true_class, 0] == J
    np.testing.assert_array_equal(g, np.array([[1.0], [0.0], [0.0]]) - Y)
    np.testing.assert_array_equal(h, np.zeros((3, 1)))


def test_a_class_that_cannot_be_and_is_not_costs_nothing() -> None:
    Z = tg.Tensor([[0.0], [0.0], [-np.inf]])
    J = tg.softmax_cross_entropy(Z, [[1.0], [0.0], [0.0]])
    J.backward()
    assert math.isclose(J.item(), math.log(2))
    assert Z.grad.ravel().tolist() == [-0.5, 0.5, 0.0]


shapes = st.sampled_from([(1, 4), (3, 2), (5,), ()])


@given(shapes, st.integers(0, 2**20))
def test_from_probabilities_and_from_logits_the_cost_is_the_same(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    z, Y = rng.normal(size=shape), rng.random(shape)
    found = [
        derivatives(f, z)
        for f in (
            lambda Z: tg.binary_cross_entropy(tg.sigmoid(Z), Y),
            lambda Z: tg.binary_cross_entropy_with_logits(Z, Y),
        )
    ]
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 2**20))
def test_two_classes_are_a_case_of_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z, Y = rng.normal(size=(1, 4)), rng.random((1, 4))
    both = np.concatenate([z, 0 * z]), np.concatenate([Y, 1 - Y])
    J = tg.binary_cross_entropy_with_logits(z, Y)
    assert np.isclose(J, tg.softmax_cross_entropy(*both))
    assert np.isclose(J, tg.softmax_cross_entropy(both[0].T, both[1].T, axis=1))


def test_a_cost_is_the_mean_over_the_examples() -> None:
    rng = np.random.default_rng(0)
    Z, Y = rng.normal(size=(3, 4)), rng.random((3, 4))
    for cost in (tg.binary_cross_entropy_with_logits, tg.softmax_cross_entropy):
        each = [cost(Z[:, [k]], Y[:, [k]]) for k in range(4)]
        assert np.isclose(cost(Z, Y), np.mean(each))


def test_dz_is_a_minus_y_over_m() -> None:
    rng = np.random.default_rng(0)
    z, Y = rng.normal(size=(1, 5)), (rng.random((1, 5)) < 0.5).astype(int)
    for cost in (
        lambda Z: tg.binary_cross_entropy(tg.sigmoid(Z), Y),
        lambda Z: tg.binary_cross_entropy_with_logits(Z, Y),
    ):
        np.testing.assert_allclose(derivatives(cost, z, 1)[1], (tg.sigmoid(z) - Y) / 5, rtol=1e-12)


def test_a_right_answer_that_is_certain_costs_nothing() -> None:
    A = tg.Tensor([[1.0, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        J = tg.binary_cross_entropy(A, [[1, 0]])
        J.backward()
    assert J.item() == 0.0
    assert A.grad.tolist() == [[-0.5, 0.5]]


COSTS = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "softmax_cross_entropy"]


@pytest.mark.parametrize("name", COSTS)
def test_labels_of_another_shape_are_refused_not_broadcast(name: str) -> None:
    A = tg.Tensor(np.full((1, 4), 0.5))
    for Y in (np.ones((4, 1)), np.ones(4), 1.0, np.ones((1, 1))):
        with pytest.raises(ValueError, match=r"expected labels of the shape of [AZ], \(1, 4\), got"):
            getattr(tg, name)(A, Y)


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("label", [-1.0, 2.0, np.nan])
def test_labels_that_are_no_probabilities_are_refused(name: str, label: float) -> None:
    A = tg.Tensor(np.full((1, 2), 0.5))
    with pytest.raises(ValueError, match="expected labels 0 or 1"):
        getattr(tg, name)(A, np.array([[0.0, label]]))


@pytest.mark.parametrize("name", COSTS)
def test_a_cost_of_no_examples_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least one example"):
        getattr(tg, name)(tg.Tensor(np.ones((1, 0))), np.ones((1, 0)))


def test_an_axis_of_classes_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"softmax_cross_entropy: .*axis 1"):
        tg.softmax_cross_entropy(tg.Tensor(np.ones(3)), np.ones(3), axis=1)


# Dropout


def test_dropout_keeps_a_share_scaled_up_and_passes_the_gradient_through_the_same_mask() -> None:
    A = tg.Tensor(np.ones((200, 200)))
    D = tg.dropout(A, 0.8, rng=np.random.default_rng(0))
    assert set(np.unique(D.data)) == {0.0, 1.25}
    assert abs(np.mean(D.data) - 1) < 0.01
    D.sum().backward()
    np.testing.assert_array_equal(A.grad, D.data)


def test_dropout_draws_anew_at_each_call_and_the_same_from_the_same_seed() -> None:
    A = tg.Tensor(np.ones(50))

    def two_calls() -> list[Any]:
        rng = np.random.default_rng(3)
        return [tg.dropout(A, 0.5, rng=rng).data for _ in range(2)]

    first, second = two_calls()
    assert (first != second).any()
    np.testing.assert_array_equal([first, second], two_calls())
    assert (tg.dropout(A, 0.5).data != tg.dropout(A, 0.5).data).any()


def test_dropout_does_nothing_when_the_model_is_used_or_all_is_kept() -> None:
    A = tg.Tensor([1.0, 2.0])
    assert tg.dropout(A, 0.5, training=False) is A
    assert tg.dropout(A, 1.0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("keep_prob", [0.0, -0.5, 1.5, np.nan])
def test_dropout_refuses_what_is_no_probability(keep_prob: float) -> None:
    with pytest.raises(ValueError, match="keep_prob: expected a probability above 0 and up to 1"):
        tg.dropout(tg.Tensor(np.ones(3)), keep_prob)


def test_dropout_refuses_a_seed() -> None:
    with pytest.raises(TypeError, match="expected a NumPy generator as rng, got 3"):
        tg.dropout(tg.Tensor(np.ones(3)), 0.5, rng=3)


def test_dropout_of_single_precision_and_of_numbers() -> None:
    x = tg.Tensor(np.ones(4, np.float32))
    assert tg.dropout(x, 0.5).dtype == np.float32
    assert tg.dropout(tg.Tensor(2.0), 1.0).item() == 2.0
    assert tg.dropout(np.ones(3, int), 0.5, rng=np.random.default_rng(0)).dtype == np.float64
