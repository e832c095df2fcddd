"""Numbers that a loop takes out of data are those of its rounds: a derived function takes other data."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg

M = 4


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def picked(X: Any, Y: Any, w: Any, b: Any) -> Any:
    J = 0
    for i in range(M):
        a = sigmoid(np.dot(w, X[i]) + b)
        J = J - (Y[i] * np.log(a) + (1 - Y[i]) * np.log(1 - a))
    return tg.derive(J / M, [w, b])


def named(X: Any, Y: Any, w: Any, b: Any) -> Any:
    J = 0
    for i in range(M):
        x, y = X[i], Y[i]
        a = sigmoid(np.dot(w, x) + b)
        J += -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.derive(J / M, [w, b])


def in_pairs(X: Any, Y: Any, w: Any, b: Any) -> Any:
    J = 0
    for x, y in zip(X, Y, strict=True):
        J = J + y * (np.dot(w, x) + b - y) ** 2
    return tg.derive(J, [w, b])


def numbered(X: Any, Y: Any, w: Any, b: Any) -> Any:
    J = 0
    for i, x in enumerate(X):
        J = J + 0.5 * (np.dot(w, x) + b - Y[i]) ** 2
    return tg.derive(J, [w, b])


def counted(X: Any, Y: Any, w: Any, b: Any) -> Any:
    J, i = 0, 0
    while i < M:
        J = J + Y[i] * (np.dot(w, X[i]) + b) ** 2
        i += 1
    return tg.derive(J, [w, b])


def only_some(X: Any, Y: Any, w: Any, b: Any) -> Any:
    J = 0
    for i in range(M):
        if i != 1:
            J = J + Y[i] * (np.dot(w, X[i]) + b) ** 2
    return tg.derive(J, [w, b])


Program = Callable[[Any, Any, Any, Any], Any]


@pytest.mark.parametrize("program", [picked, named, in_pairs, numbered, counted, only_some])
@settings(max_examples=5)
@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=2 * M, max_size=2 * M), st.integers(0, 99))
def test_the_source_has_each_rounds_own_number(program: Program, labels: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, w, b = rng.normal(size=(M, 3)), rng.normal(size=3), rng.normal()
    space: dict[str, Any] = {}
    exec(program(X, np.array(labels[:M]), tg.Tensor(w), tg.Tensor(b)).numpy_source(), space)
    Y = np.array(labels[M:])
    other = program(rng.normal(size=(M, 3)), Y, tg.Tensor(w), tg.Tensor(b)).graph
    asked = inspect.signature(space["gradients"]).parameters
    known = {name: other.find(name).value for name in asked if name in other}
    found = space["gradients"](**known, **dict.fromkeys(asked.keys() - known.keys(), Y))
    w, b = (other.find(name).tensor for name in ("w", "b"))
    expected = tg.grad(other.outputs[0].tensor, [w, b])
    np.testing.assert_allclose(found["dw"], expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["db"], expected[1], rtol=1e-9, atol=1e-12)


def of_floats(x: Any, at: Any) -> Any:
    x = np.array(x, float)
    if at > 0:
        x = x + at
    return tg.Tensor(x)


def test_a_function_may_bind_its_argument_anew() -> None:
    scores = np.array([1.0, 2.0, 3.0])
    w = of_floats(np.ones(3), scores.max())
    J = np.sum((w * scores - scores.mean()) ** 2)
    assert "scores" in tg.derive(J, [w]).numpy_source()


@given(st.lists(st.booleans(), min_size=6, max_size=6).filter(any), st.integers(0, 99))
@settings(max_examples=5)
def test_a_mean_over_what_a_mask_names_counts_it(names: list[bool], seed: int) -> None:
    rng = np.random.default_rng(seed)

    def derived(keep: Any) -> Any:
        X, w = rng.normal(size=(len(keep), 2)), tg.Tensor(rng.normal(size=2))
        e = (X @ w)[keep]
        return tg.derive(np.mean(e**2), [w])

    first = derived(np.array(names))
    space: dict[str, Any] = {}
    exec(first.numpy_source(), space)
    for keep in (np.array(names[::-1]), np.array([True, *names, False])):
        other = derived(keep).graph
        w, X = (other.find(name) for name in ("w", "X"))
        expected = tg.grad(other.outputs[0].tensor, [w.tensor])[0]
        np.testing.assert_allclose(space["gradients"](X=X.value, keep=keep, w=w.value)["dw"], expected)


def test_labels_in_a_list_are_numbers_of_their_examples() -> None:
    X, Y, m = np.array([[1.0, 2.0, -1.0], [0.5, -2.0, 3.0]]), [1, 0, 1], 3
    w, J = tg.Tensor([[0.1], [0.2]], name="w"), 0.0
    for i in range(m):
        a = tg.sigmoid(np.dot(w.T, X[:, i]))
        J -= Y[i] * np.log(a) + (1 - Y[i]) * np.log(1 - a)
    J = np.sum(J / m)
    assert r"a^{(1)} &= \sigma" in tg.derive(J).latex()
