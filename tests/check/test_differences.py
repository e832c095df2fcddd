"""Central differences: they find a planted error, and know where there is no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.check import differences

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("order", [1, 2])
def test_right_derivatives_agree(order: int) -> None:
    W, X = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 5))
    check = tg.check.gradients(lambda W, X: np.sum(np.tanh(W @ X)), W, X, order=order)
    assert check.ok
    assert check[0].difference < 1e-7
    assert check[1].grad.shape == (3, 5)


def test_the_course_threshold_finds_a_planted_2001_for_2() -> None:
    x = tg.Tensor([1.0, -2.0, 3.0], name="x")

    def f(t: Any) -> Any:
        return np.sum(t * t) + 0.0005 * np.sum((t - t.detach()) * t)

    check = tg.check.gradients(f, x)
    assert not check
    assert check["x"].wrong == [(0,), (1,), (2,)]
    assert "3 of 3 entries" in str(check)


def test_one_wrong_entry_is_pointed_at() -> None:
    mask = np.zeros((2, 3))
    mask[1, 2] = 1e-3
    check = tg.check.gradients(lambda t: np.sum(np.exp(t)) + np.sum((t - t.detach()) * mask), np.ones((2, 3)))
    assert check[0].wrong == [(1, 2)]


def test_a_kink_is_not_judged() -> None:
    check = tg.check.gradients(lambda t: np.sum(tg.relu(t)), [1.0, 0.0, -1.0])
    assert check.ok
    assert check[0].kinks.tolist() == [False, True, False]
    assert "1 at a kink" in str(check)


def test_a_result_that_is_no_scalar_is_weighted() -> None:
    assert tg.check.gradients(lambda t: np.exp(t) @ t, RNG.standard_normal((3, 3)))


def test_bad_input_is_told() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        tg.check.gradients(lambda: tg.Tensor(1.0))
    with pytest.raises(ValueError, match="got 0"):
        tg.check.gradients(lambda t: t * t, 1.0, order=0)
    with pytest.raises(TypeError, match="expected f to give a Tensor, got float"):
        tg.check.gradients(lambda t: t.item(), 1.0)
    with pytest.raises(TypeError, match="expected real numbers"):
        tg.check.gradients(lambda t: t, ["a"])
    with pytest.raises(KeyError, match="input 0"):
        tg.check.gradients(lambda t: t * t, 1.0)["w"]


def test_a_function_that_draws_random_numbers_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="random"):
        tg.check.gradients(lambda x: np.sum(x * rng.standard_normal(3)), [1.0, 2.0, 3.0])


def test_close_to_a_kink_or_a_pole_the_step_is_small_enough() -> None:
    assert tg.check.gradients(lambda x: np.sum(tg.relu(x)), [1e-7, 1.0, -1e-7]).ok
    assert tg.check.gradients(lambda x: np.sum(1 / x), [1e-6, 1.0]).ok


def test_a_wrong_derivative_close_to_0_is_not_hidden_by_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    right = differences.grad
    monkeypatch.setattr(differences, "grad", lambda *a, **k: [1.1 * g for g in right(*a, **k)])
    for x in (1e-3, 1e-7, 1e-12):
        assert not tg.check.gradients(lambda x: np.sum(np.sin(x) + 1), [x]).ok
