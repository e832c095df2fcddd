"""Gradient descent whose products are subtracted in place: the same steps, all of a step or nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compile.stopped import interrupted_at
from tests.compile.test_threads import bits, network
from tinygrad_edu.compiler import descent

RATE = 0.1


@pytest.fixture
def small_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of a few entries are subtracted in place as well."""
    monkeypatch.setattr(descent, "WORTH", 0)


def in_place(loss: Any) -> Any:
    return tg.compile(loss, optimizer=tg.optim.SGD(lr=RATE))


def by_hand(loss: Any, params: list[Any], *data: Any) -> list[Any]:
    """The parameters after one step of gradient descent, from the eager gradients."""
    leaves = [tg.Tensor(p) for p in params]
    gradients = tg.grad(loss(leaves, *data), leaves)
    return [p - np.asarray(RATE, p.dtype) * g for p, g in zip(params, gradients, strict=True)]


@pytest.mark.usefixtures("small_too")
def test_random_networks_take_the_same_steps() -> None:
    used = 0
    for seed in range(40):
        loss, params, *data = network(seed)
        data = [d[:, :6] for d in data]
        step = in_place(loss)
        for _ in range(3):
            expected = by_hand(loss, params, *data)
            step(params, *data)
            tolerance = 1e-5 if params[0].dtype == np.float32 else 1e-12
            for found, wanted in zip(params, expected, strict=True):
                np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance, err_msg=step.source)
        used += "less_product(" in step.source
    assert used >= 15


@pytest.mark.usefixtures("small_too")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_penalty_on_the_weights_shrinks_them_in_the_same_call(dtype: str) -> None:
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(3, 8)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)]
    X, lambd = rng.normal(size=(8, 2)).astype(dtype), 0.7

    def loss(p: Any, X: Any, lambd: Any) -> Any:
        squares = np.sum(p[0] ** 2) + np.sum(p[1] ** 2)
        return np.sum(np.tanh(p[1] @ np.tanh(p[0] @ X)) ** 2) / 2 + lambd / (2 * X.shape[1]) * squares

    step = in_place(loss)
    for _ in range(3):
        expected = by_hand(loss, params, X, lambd)
        step(params, X, lambd)
        for found, wanted in zip(params, expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype == "float32" else 1e-12)
    assert "shrink=" in step.source


@pytest.mark.usefixtures("small_too")
def test_a_parameter_that_another_one_is_multiplied_by_keeps_its_value_until_all_is_computed() -> None:
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(3, 3)), rng.normal(size=(3, 3))]

    def loss(p: Any) -> Any:
        return np.sum((p[1] @ p[0]) ** 2)

    expected = by_hand(loss, params)
    in_place(loss)(params)
    np.testing.assert_allclose(params, expected)


@pytest.mark.usefixtures("small_too")
def test_a_product_that_two_parameters_are_moved_by_is_computed_once() -> None:
    rng = np.random.default_rng(0)
    params, X = [rng.normal(size=(4, 5)), rng.normal(size=(4, 5))], rng.normal(size=(5, 2))

    def loss(p: Any, X: Any) -> Any:
        return np.sum(np.tanh((p[0] + p[1]) @ X) ** 2)

    expected = by_hand(loss, params, X)
    step = in_place(loss)
    step(params, X)
    assert step.source.count("X.T") == 1
    np.testing.assert_allclose(params, expected)


@pytest.mark.usefixtures("small_too")
def test_data_in_the_memory_of_a_parameter_are_those_before_the_step() -> None:
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(4, 5)), rng.normal(size=(5, 2))]

    def loss(p: Any, X: Any) -> Any:
        return np.sum(np.tanh(p[0] @ X) ** 2) + np.sum(p[1] ** 2)

    expected = by_hand(loss, params, params[1].copy())
    step = in_place(loss)
    step(params, params[1][:])
    assert "less_product(" in step.source
    for found, wanted in zip(params, expected, strict=True):
        np.testing.assert_allclose(found, wanted)


@pytest.mark.usefixtures("small_too")
def test_an_interrupt_leaves_all_parameters_as_they_were_or_all_moved() -> None:
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(5, 6)), rng.normal(size=(5, 1)), rng.normal(size=(4, 5))]
    first = [p.copy() for p in params]

    def loss(p: Any, X: Any) -> Any:
        return np.sum(np.tanh(p[2] @ np.tanh(p[0] @ X + p[1])) ** 2)

    data = (rng.normal(size=(6, 2)),)
    step = in_place(loss)
    step(params, *data)
    assert "less_product(" in step.source
    moved = bits((0.0, params))
    n = 1
    while True:
        given = [p.copy() for p in first]
        stopped = interrupted_at(partial(step, given, *data), n)
        assert bits((0.0, given)) in (bits((0.0, first)), moved)
        if not stopped:
            break
        n += 3
    assert n > 50


def test_the_gradient_of_a_large_parameter_takes_no_memory() -> None:
    rng = np.random.default_rng(0)
    W, X = rng.normal(size=(300, 400)), rng.normal(size=(400, 20))

    def loss(p: Any, X: Any) -> Any:
        return np.mean(np.tanh(p["W"] @ X) ** 2)

    step = in_place(loss)
    step({"W": W}, X)
    assert sum(buffer.nbytes for buffer in step.buffers) < W.nbytes / 4
