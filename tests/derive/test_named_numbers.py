"""Numbers that the caller keeps in variables: arguments of the derived source, beside arrays too."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg


def function_of(derivation: Any) -> Any:
    room: dict[str, Any] = {}
    exec(derivation.numpy_source(), room)
    return room["gradients"]


def drawn(m: int, seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3, m))
    Y = (rng.random((1, m)) < 0.5) * 1.0
    return X, Y, rng.normal(size=(4, 3)), rng.normal(size=(1, 4))


def two_layers(X: Any, Y: Any, W1: Any, W2: Any, lambd: float, keep_prob: float, D1: Any) -> Any:
    m = X.shape[1]
    A1 = tg.tanh(W1 @ X) * D1 / keep_prob
    A2 = tg.sigmoid(W2 @ A1)
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    return cost + lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))


def derived(m: int) -> Any:
    X, Y, W1, W2 = drawn(m)
    W1, W2 = tg.Tensor(W1), tg.Tensor(W2)
    lambd, keep_prob = 0.7, 0.8
    D1 = np.random.default_rng(9).random((4, m)) < keep_prob
    A1 = tg.tanh(W1 @ X) * D1 / keep_prob
    A2 = tg.sigmoid(W2 @ A1)
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    J = cost + lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    return tg.derive(J, [W1, W2])


@pytest.mark.parametrize("m", [2, 5, 7, 11])
@pytest.mark.parametrize(("lambd", "keep_prob"), [(0.7, 0.8), (0.0, 1.0), (3.0, 0.5)])
def test_a_source_at_another_penalty_another_keep_probability_and_other_examples(
    m: int, lambd: float, keep_prob: float
) -> None:
    gradients = function_of(derived(7))
    X, Y, W1, W2 = drawn(m, seed=3)
    D1 = np.random.default_rng(4).random((4, m)) < keep_prob
    found = gradients(X=X, Y=Y, D1=D1, W1=W1, W2=W2, lambd=lambd, keep_prob=keep_prob)
    t1, t2 = tg.Tensor(W1), tg.Tensor(W2)
    expected = tg.grad(two_layers(X, Y, t1, t2, lambd, keep_prob, D1), [t1, t2])
    np.testing.assert_allclose(found["dW1"], expected[0], rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found["dW2"], expected[1], rtol=1e-10, atol=1e-13)


def test_without_them_the_numbers_are_those_of_the_recording() -> None:
    parameters = inspect.signature(function_of(derived(7))).parameters
    assert {name: p.default for name, p in parameters.items() if p.default is not p.empty} == {
        "lambd": 0.7,
        "keep_prob": 0.8,
    }


def test_the_formula_is_the_one_of_the_notes() -> None:
    W = tg.Tensor(np.ones((2, 2)))
    X, Y, lambd, m = np.ones((2, 7)), np.ones((2, 7)), 0.7, 7
    J = np.sum(np.square(W @ X - Y)) / (2 * m) + lambd / (2 * m) * np.sum(np.square(W))
    assert tg.derive(J, [W])["dW"].formula == "dW = (lambd * W + (W @ X - Y) @ X.T) / m"


def test_an_exponent_and_the_number_of_examples_are_no_arguments() -> None:
    X, p, m = np.arange(5.0), 2, 5
    w = tg.Tensor(3.0)
    J = np.sum((w * X) ** p) / m
    assert list(inspect.signature(function_of(tg.derive(J, [w]))).parameters) == ["X", "w"]


def test_a_number_that_says_how_many_without_data_stays_a_parameter() -> None:
    """Nothing has an axis of m examples here, so m is a number like any other."""
    W, lambd, m = tg.Tensor(np.ones((2, 2))), 0.7, 7
    J = lambd / (2 * m) * np.sum(np.square(W))
    found = function_of(tg.derive(J, [W]))(W=np.ones((2, 2)), lambd=1.0, m=4)
    np.testing.assert_allclose(found["dW"], np.full((2, 2), 0.25), rtol=1e-12)


@pytest.mark.parametrize("n", [5, 10])
def test_a_decimal_of_the_code_is_not_one_over_m(n):
    """0.1 is λ, and not 1/m of ten examples, or 1/(2m) of five."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(3, n)), rng.normal(size=(1, n))
    W = tg.Tensor(rng.normal(size=(1, 3)))
    J = np.mean((W @ X - Y) ** 2) + 0.1 * np.sum(W**2)
    space = {}
    exec(tg.derive(J, W).numpy_source(), space)
    X, Y = rng.normal(size=(3, 7)), rng.normal(size=(1, 7))
    right = 2 * ((W.data @ X - Y) @ X.T / 7 + 0.1 * W.data)
    np.testing.assert_allclose(space["gradients"](X, Y, W.data)["dW"], right)
