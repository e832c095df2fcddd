"""Saturated activations and costs: exact at the ends, to the second order, and without warnings."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

ENDS = [-1000.0, -745.2, -100.0, -40.0, 0.0, 40.0, 100.0, 745.2, 1000.0]


@pytest.fixture(autouse=True)
def _nothing_warns():
    with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


def first_and_second(f, z):
    x = T(z)
    y = f(x)
    (g,) = tg.grad(y, [x], np.ones(y.shape), create_graph=True)
    if not g.requires_grad:
        return y.data, g.data, np.zeros(np.shape(z))
    return y.data, g.data, tg.grad(g, [x], np.ones(g.shape))[0]


def exact(z):
    """σ and its slopes to full relative precision, by the branch that does not cancel."""
    small = np.exp(-np.abs(np.asarray(z, np.longdouble)))
    s = np.where(np.asarray(z) >= 0, 1, small) / (1 + small)
    slope = small / (1 + small) ** 2
    return [
        np.asarray(v, float)
        for v in (s, slope, slope * np.where(np.asarray(z) >= 0, -1, 1) * (1 - small) / (1 + small))
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid(dtype):
    z = np.array(ENDS, dtype)
    s, slope, curvature = exact(z)
    x = tg.Tensor(z)
    y = tg.sigmoid(x)
    y.sum().backward()
    rtol = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y.data, s, rtol=rtol, atol=np.finfo(dtype).tiny)
    np.testing.assert_allclose(x.grad, slope, rtol=rtol, atol=np.finfo(dtype).eps)
    if dtype == np.float64:
        np.testing.assert_allclose(first_and_second(tg.sigmoid, z)[2], curvature, rtol=1e-12, atol=1e-16)


def test_softplus_and_log_sigmoid():
    z = np.array(ENDS)
    s, slope, _ = exact(z)
    value, first, second = first_and_second(tg.softplus, z)
    np.testing.assert_allclose(value, np.logaddexp(0, z), rtol=1e-14)
    np.testing.assert_allclose(first, s, rtol=1e-12)
    np.testing.assert_allclose(second, slope, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("f", [np.tanh, tg.gelu, tg.relu, tg.leaky_relu, tg.softplus, tg.sigmoid])
def test_every_activation_is_finite_at_the_ends(f):
    for part in first_and_second(f, np.array(ENDS)):
        assert np.isfinite(part).all()


@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("z", ENDS)
def test_binary_cross_entropy_with_logits(z, y):
    s, slope, _ = exact(z)
    value, first, second = first_and_second(
        lambda Z: tg.binary_cross_entropy_with_logits(Z, np.array([[y]])), [[z]]
    )
    np.testing.assert_allclose(value, y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z), rtol=1e-12)
    np.testing.assert_allclose(first, [[s - y]], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(second, [[slope]], rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("top", [10.0, 1000.0, 1e300])
def test_softmax_cross_entropy_with_far_apart_scores(top):
    Z, Y = np.array([[top, 0.0], [0.0, 0.0], [-top, 0.0]]), np.eye(3)[:, [0, 2]]
    value, first, _ = first_and_second(lambda Z: tg.softmax_cross_entropy(Z, Y), Z)
    A = tg.softmax(Z, axis=0)
    np.testing.assert_allclose(first, (A - Y) / 2, atol=1e-15)
    assert np.isfinite(value)


def test_the_cost_of_a_confident_mistake_is_its_score():
    Z, Y = T([[1000.0], [0.0]]), np.array([[0.0], [1.0]])
    J = tg.softmax_cross_entropy(Z, Y)
    J.backward()
    assert J.item() == 1000.0
    assert Z.grad.tolist() == [[1.0], [-1.0]]


@pytest.mark.parametrize("shift", [-1e6, 1e6, 1e300])
def test_softmax_and_logsumexp_do_not_see_a_common_shift(shift):
    Z = np.array([[1.0, -2.0, 0.5]])
    moved = Z + shift if abs(shift) < 1e7 else np.full((1, 3), shift)
    x = T(moved)
    tg.logsumexp(x, axis=1).sum().backward()
    np.testing.assert_allclose(x.grad.sum(), 1.0)
    np.testing.assert_allclose(tg.softmax(T(moved), axis=1).data.sum(), 1.0)


def test_masked_scores_count_for_nothing():
    Z = T([[1.0, 2.0], [-np.inf, 0.0], [3.0, -np.inf]])
    A = tg.softmax(Z, axis=0)
    np.sum(A * A).backward()
    assert A.data[1, 0] == A.data[2, 1] == 0
    assert np.isfinite(Z.grad).all()
    assert Z.grad[1, 0] == Z.grad[2, 1] == 0


def test_masked_scores_in_the_cost():
    Z, Y = T([[1.0, 2.0], [-np.inf, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    J = tg.softmax_cross_entropy(Z, Y)
    J.backward()
    assert np.isfinite(J.item())
    np.testing.assert_allclose(Z.grad[:, 0], [0.0, 0.0], atol=1e-15)


def test_probabilities_that_are_right_and_certain():
    A = T([[1.0, 0.0]])
    J = tg.binary_cross_entropy(A, np.array([[1, 0]]))
    J.backward()
    assert J.item() == 0
    assert A.grad.tolist() == [[-0.5, 0.5]]


def test_a_network_of_saturated_units_trains_on():
    W, X, Y = T(np.full((1, 2), 800.0)), np.array([[1.0, -1.0], [1.0, -1.0]]), np.array([[0, 1]])
    J = tg.binary_cross_entropy_with_logits(W @ X, Y)
    J.backward()
    assert J.item() == 1600.0
    np.testing.assert_allclose(W.grad, [[1.0, 1.0]])


@pytest.mark.parametrize("p", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_powers_next_to_zero(p):
    tiny = 1e-300
    x = T(tiny)
    with np.errstate(under="ignore"):
        (x**p).backward()
        assert x.grad == pytest.approx(p * tiny ** (p - 1))
