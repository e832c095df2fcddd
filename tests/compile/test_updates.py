"""With an optimiser the step moves the parameters, in place, as the optimiser itself does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

from .test_step import example, two_layers

OPTIMIZERS = [
    lambda: tg.optim.SGD(lr=0.1),
    lambda: tg.optim.SGD(lr=lambda t: 0.1 / (1 + t)),
    lambda: tg.optim.SGD(lr=0.1, weight_decay=0.01),
    lambda: tg.optim.SGD(lr=0.1, clip_norm=0.01),
    lambda: tg.optim.Momentum(lr=0.1),
    lambda: tg.optim.Adam(lr=0.01),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_training_goes_the_eager_way(make: Any, dtype: Any, rtol: float) -> None:
    params, X, Y = example(dtype)
    by_hand = {name: value.copy() for name, value in params.items()}
    step, optimizer = tg.compile(two_layers, optimizer=make()), make()
    for _ in range(5):
        tensors = {name: tg.Tensor(value) for name, value in by_hand.items()}
        J = two_layers(tensors, X, Y)
        gradients = tg.grad(J, list(tensors.values()))
        optimizer.begin(gradients)
        for (name, value), gradient in zip(by_hand.items(), gradients, strict=True):
            optimizer.update(name, value, gradient)
        assert step(params, X, Y) == pytest.approx(J.item(), rel=rtol)
    for name, value in params.items():
        np.testing.assert_allclose(value, by_hand[name], rtol=rtol, atol=rtol)
        assert value.dtype == dtype


def test_tensors_and_nested_parameters_are_moved() -> None:
    w, b = tg.Tensor([1.0, 2.0]), np.array(3.0)
    step = tg.compile(lambda p: np.sum(p["w"] * p["rest"][0]), optimizer=tg.optim.SGD(lr=0.5))
    assert step({"w": w, "rest": [b]}) == 9.0
    assert (w.tolist(), b.item()) == ([-0.5, 0.5], 1.5)


def test_old_values_are_read_before_they_are_overwritten() -> None:
    step = tg.compile(lambda p: np.sum(p[0] * p[1]), optimizer=tg.optim.SGD(lr=1.0))
    a, b = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    step([a, b])
    assert (a.tolist(), b.tolist()) == ([-9.0, -18.0], [9.0, 18.0])


def test_any_object_with_begin_and_update_is_an_optimiser() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def begin(self, gradients: Any) -> None:
            self.seen.append([g.tolist() for g in gradients])

        def update(self, key: Any, parameter: Any, gradient: Any) -> None:
            self.seen.append(key)
            parameter -= gradient

    recorder = Recorder()
    w = np.array([1.0, 2.0])
    tg.compile(lambda p: np.sum(p["layer"][0] ** 2), optimizer=recorder)({"layer": [w]})
    assert recorder.seen == [[[2.0, 4.0]], "layer/0"]
    assert w.tolist() == [-1.0, -2.0]


def test_dropout_draws_the_eager_stream() -> None:
    X = np.random.default_rng(0).normal(size=(3, 5))
    params = {"W": np.ones((4, 3))}

    def costs(rng: Any, *, compiled: bool) -> list[float]:
        def loss(p: Any, X: Any) -> Any:
            A = tg.dropout(tg.relu(p["W"] @ X), 0.5, rng=rng)
            return np.sum(tg.dropout(A, 0.8, rng=rng))

        step = tg.compile(loss)
        return [
            step(params, X)[0] if compiled else loss({"W": tg.Tensor(params["W"])}, X).item()
            for _ in range(4)
        ]

    expected = costs(np.random.default_rng(7), compiled=False)
    assert len(set(expected)) > 1
    assert costs(np.random.default_rng(7), compiled=True) == pytest.approx(expected, rel=1e-12)
