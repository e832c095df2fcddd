"""nn.Dropout: at work in training alone, with the course's expected value and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.course import regularisation

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 6)), (RNG.random((1, 6)) < 0.5) * 1.0


def test_a_model_that_is_used_drops_nothing() -> None:
    plain, dropping = (nn.MLP([3, 5, 4, 1], seed=1, keep_prob=p) for p in (1.0, 0.5))
    assert len(dropping.layers) == len(plain.layers) + 2
    assert dropping(X).tolist() == plain(X).tolist()
    assert dropping.loss(X, Y).item() == plain.loss(X, Y).item()
    with nn.training():
        assert dropping.loss(X, Y).item() != plain.loss(X, Y).item()
    assert dropping.loss(X, Y).item() == plain.loss(X, Y).item()


def test_an_error_while_training_does_not_leave_it_on() -> None:
    drop, A = nn.Dropout(0.5, seed=0), np.ones((4, 4))
    with pytest.raises(KeyError), nn.training():
        raise KeyError
    assert drop(A) is A


def test_the_mean_stays_and_each_pass_draws_anew() -> None:
    drop, A = nn.Dropout(0.8, seed=0), np.ones((200, 200))
    with nn.training():
        first, second = drop(A), drop(A)
    assert set(np.unique(first)) == {0.0, 1 / 0.8}
    assert first.mean() == pytest.approx(1.0, abs=0.01)
    assert (first != second).any()


def test_cost_and_gradients_are_those_of_the_course_under_the_same_masks() -> None:
    model = nn.MLP([3, 5, 1], init="xavier", seed=1, keep_prob=0.7)
    (rng,) = model.generators()
    state = rng.bit_generator.state
    parameters = model.parameters()
    with nn.training():
        J = model.loss(X, Y)
    grads = tg.grad(J, list(parameters.values()))
    rng.bit_generator.state = state
    masks = {"D1": rng.random((5, 6)) < 0.7}
    arrays = {name: p.data for name, p in parameters.items()}
    AL, caches = regularisation.forward_propagation_with_dropout(X, arrays, masks, 0.7)
    by_hand = regularisation.backward_propagation_with_dropout(AL, Y, caches, masks, 0.7)
    for name, gradient in zip(parameters, grads, strict=True):
        np.testing.assert_allclose(gradient, by_hand[f"d{name}"], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("keep_prob", [0, -0.5, 1.5, float("nan")])
def test_errors(keep_prob: Any) -> None:
    with pytest.raises(ValueError, match="keep_prob: expected a probability above 0 and up to 1"):
        nn.Dropout(keep_prob)


ACTING: list[Any] = [lambda: nn.Dropout(0.5, seed=1), lambda: nn.BatchNorm(3)]


def loop(model: Any, J: Any, *, tensors: Any = dict, before: Any = lambda _: None) -> None:
    """Three steps as people write them."""
    optimizer = tg.optim.SGD(tensors(model.parameters()), lr=0.1)
    before(model)
    for _ in range(3):
        optimizer.zero_grad()
        J(model).backward()
        optimizer.step()


def in_block(model: Any) -> Any:
    with nn.training():
        return model.loss(X, Y)


@pytest.mark.parametrize("make", ACTING)
@pytest.mark.parametrize("tensors", [dict, lambda found: list(found.values())])
@pytest.mark.parametrize("J", [lambda m: m.loss(X, Y), lambda m: tg.binary_cross_entropy(m(X), Y)])
def test_a_loop_that_trains_a_model_as_it_is_used_is_told_so_once(make: Any, tensors: Any, J: Any) -> None:
    with pytest.warns(UserWarning, match=r"^step: (Dropout|BatchNorm) .*model\.train\(\)") as told:
        loop(nn.Sequential(nn.Dense(3, 3), make(), nn.Dense(3, 1, "sigmoid")), J, tensors=tensors)
    assert len(told) == 1


@pytest.mark.parametrize("make", ACTING)
def test_a_loop_in_a_mode_that_was_said_is_told_nothing(make: Any) -> None:
    def model() -> Any:
        return nn.Sequential(nn.Dense(3, 3), make(), nn.Dense(3, 1, "sigmoid"))

    for mode in (lambda m: m.train(), lambda m: m.eval()):
        loop(model(), lambda m: m.loss(X, Y), before=mode)
    loop(model(), in_block, before=lambda m: m.loss(X, Y))
    other = model()
    other.loss(X, Y)  # no parameter of it is moved
    loop(nn.MLP([3, 1]), lambda m: m.loss(X, Y))
