"""Derivatives of derivatives: through sharing, broadcasting, kinks, seeds; and beyond the degree."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

POWERS = {
    "**": lambda x: x**3,
    "*": lambda x: x * x * x,
    "square": lambda x: np.square(x) * x,
    "prod": lambda x: np.prod(np.stack([x, x, x])),
    "einsum": lambda x: np.einsum("i,i,i->", *[np.reshape(x, (1,))] * 3),
    "matmul": lambda x: (np.reshape(x, (1, 1)) @ np.reshape(x, (1, 1)))[0, 0] * x,
    "cumprod": lambda x: np.cumprod(np.stack([x, x, x]))[2],
    "polyval": lambda x: np.polyval([1.0, 0.0, 0.0, 0.0], x),
    "where": lambda x: np.where(x > 0, x**3, 0.0),
    "norm": lambda x: np.linalg.norm(np.stack([x, x])) ** 3 / 2**1.5,
}


@pytest.mark.parametrize("f", POWERS.values(), ids=POWERS)
def test_a_cube_differentiated_until_nothing_is_left(f):
    x, y = T(2.0), None
    y = f(x)
    for expected in (12.0, 12.0, 6.0, 0.0, 0.0):
        (y,) = tg.grad(y, [x], create_graph=True)
        assert y.item() == pytest.approx(expected, abs=1e-9)
    g = f
    for expected in (12.0, 12.0, 6.0, 0.0):
        g = tg.func.grad(g)
        assert float(g(2.0)) == pytest.approx(expected, abs=1e-9)


ANALYTIC = {
    "exp": (np.exp, lambda k: math.exp(0.7)),
    "sin": (np.sin, lambda k: math.sin(0.7 + k * math.pi / 2)),
    "1/x": (lambda x: 1 / x, lambda k: (-1) ** k * math.factorial(k) / 0.7 ** (k + 1)),
    "log": (np.log, lambda k: (-1) ** (k - 1) * math.factorial(k - 1) / 0.7**k),
}


@pytest.mark.parametrize(("f", "kth"), ANALYTIC.values(), ids=ANALYTIC)
def test_five_times(f, kth):
    x = T(0.7)
    y = f(x)
    for k in range(1, 6):
        (y,) = tg.grad(y, [x], create_graph=True)
        assert y.item() == pytest.approx(kth(k), rel=1e-10)


@pytest.mark.parametrize(
    "f",
    [tg.relu, np.abs, np.sign, np.floor, np.round, lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, 0, 1)],
)
def test_second_derivatives_of_what_is_straight_are_zero(f):
    x = T([-1.5, 0.4, 2.0])
    (g,) = tg.grad(f(x), [x], np.ones(3), create_graph=True)
    (h,) = tg.grad(g, [x], np.ones(3))
    assert h.tolist() == [0.0, 0.0, 0.0]


def test_through_a_gradient_that_was_an_intermediate():
    x = T(2.0)
    y = x**3
    J = y * y
    (dy,) = tg.grad(J, [y], create_graph=True)
    assert dy.item() == 16.0
    assert tg.grad(dy, [x])[0] == 24.0
    assert tg.grad(dy, [y])[0] == 2.0


def test_the_seed_can_be_differentiated_too():
    x, v = T([1.0, 2.0]), T([3.0, 4.0])
    (g,) = tg.grad(x**2, [x], v, create_graph=True)
    gx, gv = tg.grad(g.sum(), [x, v])
    assert gx.tolist() == [6.0, 8.0]
    assert gv.tolist() == [2.0, 4.0]


def test_a_penalty_on_the_gradient():
    W, X = T([[0.5, -1.0]]), np.array([[1.0, 2.0], [0.5, -1.0]])

    def penalty(W):
        (g,) = tg.grad(np.sum(np.tanh(W @ X)), [W], create_graph=True)
        return np.sum(g**2)

    J = penalty(W)
    J.backward()
    h = 1e-6
    for k in range(2):
        step = np.zeros((1, 2))
        step[0, k] = h
        numeric = (penalty(T(W.data + step)).item() - penalty(T(W.data - step)).item()) / (2 * h)
        assert W.grad[0, k] == pytest.approx(numeric, rel=1e-6)


def test_a_hessian_through_broadcasting_and_sharing():
    x, b = np.array([[0.5], [-1.0]]), np.array([[0.1, 0.2, 0.3]])

    def f(x, b):
        z = np.tanh(x + b)
        return np.sum(z * z * x) + np.sum(b) ** 2

    check = tg.check.gradients(f, x, b, order=2)
    assert check.ok, str(check)
    H = tg.func.hessian(lambda b: f(x, b))(b)
    np.testing.assert_allclose(H.reshape(3, 3), H.reshape(3, 3).T, rtol=1e-12)


def test_create_graph_leaves_grad_alone_and_backward_after_it_is_right():
    x = T(3.0)
    J = x**3
    (g,) = tg.grad(J, [x], create_graph=True)
    assert x.grad is None
    J.backward()
    assert x.grad == 27.0
    assert tg.grad(g, [x])[0] == 18.0


def test_one_graph_differentiated_with_several_seeds():
    x = T([1.0, 2.0, 3.0])
    y = np.exp(x) * x[0]
    rows = [tg.grad(y, [x], np.eye(3)[k], create_graph=True)[0].data for k in range(3)]
    np.testing.assert_allclose(rows, tg.func.jacobian(lambda x: np.exp(x) * x[0])(x.data))


def test_products_and_jacobians_say_the_same():
    W = np.arange(6.0).reshape(2, 3) / 5

    def f(x):
        return np.tanh(W @ x) * np.sum(x**2)

    x, u, v = np.array([0.3, -0.2, 0.5]), np.array([1.0, 2.0, -1.0]), np.array([0.5, -2.0])
    J = tg.func.jacobian(f)(x)
    np.testing.assert_allclose(tg.func.jvp(f, (x,), (u,))[1], J @ u)
    pulled = tg.func.vjp(f, x)[1](v)
    np.testing.assert_allclose(pulled[0] if isinstance(pulled, tuple) else pulled, v @ J)
    g = lambda x: np.sum(f(x) ** 2)  # noqa: E731
    np.testing.assert_allclose(tg.func.hvp(g, x, u), tg.func.hessian(g)(x) @ u)


def test_a_derivative_inside_a_function_that_is_differentiated():
    def newton(a):
        x = tg.Tensor(1.0, requires_grad=False)
        for _ in range(6):
            slope = tg.func.grad(lambda t: t * t * t)(x * 1.0)
            x = x - (x * x * x - a) / slope
        return x

    assert float(tg.func.grad(newton)(8.0)) == pytest.approx(1 / 12, rel=1e-6)


def test_the_same_variable_is_not_confused_between_levels():
    """JAX's and Autograd's classic: d/dx (x d/dy (x + y)) is 1, not 2."""
    inner = lambda x: tg.func.grad(lambda y: x + y)(1.0)  # noqa: E731
    assert float(tg.func.grad(lambda x: x * inner(x))(1.0)) == 1.0
    assert float(tg.func.grad(lambda x: x * tg.func.grad(lambda y: x * y)(x))(3.0)) == 6.0


def test_derivatives_in_no_grad():
    x = T(2.0)
    J = x * x * x
    with tg.no_grad():
        (g,) = tg.grad(J, [x], create_graph=True)
        assert float(tg.func.grad(tg.func.grad(lambda t: t**3))(2.0)) == 12.0
    assert tg.grad(g, [x])[0] == 12.0
