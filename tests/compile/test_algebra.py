"""What an expert would write comes out of rewriting: A - Y, one softmax, no scale on large arrays, views."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

rng = np.random.default_rng(0)
W, X = rng.normal(size=(1, 3)), rng.normal(size=(3, 40))
Y = (rng.random((1, 40)) < 0.5) * 1.0


def by_sigmoid(w: Any, X: Any, Y: Any) -> Any:
    return tg.binary_cross_entropy(tg.sigmoid(w @ X), Y)


def written_out(w: Any, X: Any, Y: Any) -> Any:
    A = 1 / (1 + np.exp(-(w @ X)))
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def from_logits(w: Any, X: Any, Y: Any) -> Any:
    return tg.binary_cross_entropy_with_logits(w @ X, Y)


def calls(source: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in re.findall(r"np\.(\w+)", source):
        found[name] = found.get(name, 0) + 1
    return found


@pytest.mark.parametrize("loss", [by_sigmoid, written_out, from_logits])
def test_sigmoid_with_cross_entropy_comes_to_a_minus_y(loss: Any) -> None:
    step = tg.compile(loss)
    step(W, X, Y)
    used = calls(step.source)
    assert used["exp"] == 1  # shared by A and the cost
    assert used["divide"] == 1  # A itself; (1 - Y)/(1 - A) and Y/A are gone
    assert "log" not in used  # log1p of a small number: nothing cancels
    assert "where" not in used


@pytest.mark.parametrize("loss", [by_sigmoid, written_out])
def test_saturation_is_no_excuse(loss: Any) -> None:
    X = np.array([[1000.0, -1000.0, 40.0, -40.0]])
    Y = np.array([[0.0, 1.0, 1.0, 0.0]])
    J, grad = tg.compile(loss)(np.ones((1, 1)), X, Y)
    expected, expected_grad = tg.compile(from_logits)(np.ones((1, 1)), X, Y)
    assert pytest.approx(expected, rel=1e-14) == J == pytest.approx(500.0)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-14)


def test_softmax_is_computed_once() -> None:
    classes = np.eye(5)[:, rng.integers(5, size=40)]
    step = tg.compile(lambda w, X, Y: tg.softmax_cross_entropy(w @ X, Y))
    step(rng.normal(size=(5, 3)), X, classes)
    used = calls(step.source)
    assert (used["exp"], used["divide"]) == (1, 1)
    assert "where" not in used


def test_what_nobody_reads_is_not_computed() -> None:
    def loss(w: Any, X: Any) -> Any:
        np.sum(np.sinh(w @ X))
        return np.sum(np.cosh(w @ X))

    step = tg.compile(loss)
    step(W, X)
    assert calls(step.source)["sinh"] == 1  # the derivative of cosh
    assert calls(step.source)["dot"] == 1  # w @ X twice in the function


def test_numbers_are_folded() -> None:
    step = tg.compile(lambda w: np.sum(w * (2.0 * 3.0) / 3.0) + np.log(2.0) * 0.0 * w[0])
    J, grad = step(np.array([1.0, 2.0]))
    assert (J, grad.tolist()) == (6.0, [2.0, 2.0])
    assert "3.0" not in step.source


def test_transposes_are_views() -> None:
    step = tg.compile(lambda p, X: np.sum(np.tanh(p[1] @ np.tanh(p[0] @ X))))
    step([rng.normal(size=(4, 3)), rng.normal(size=(2, 4))], X)
    assert step.source.count(".T") == 3
    assert "np.transpose" not in step.source


def test_numbers_are_multiplied_in_where_there_are_few_entries() -> None:
    def loss(w: Any, X: Any, Y: Any) -> Any:
        return np.sum((w @ X - Y) ** 2) / (2 * X.shape[1])

    step = tg.compile(loss, optimizer=tg.optim.SGD(lr=0.1))
    step(W.copy(), X, Y)
    scaled = re.findall(r"np\.multiply\([^)]*\)", step.source)
    assert len(scaled) == 1  # of dw (1, 3), with the rate; not of dZ (1, 40)


def test_powers_are_products() -> None:
    step = tg.compile(lambda w: np.sum(w**2 + w**-1 + w**0.5 + w**1 + w**0))
    step(np.array([1.0, 4.0]))
    assert "power" not in calls(step.source)
    assert "**" not in step.source


def test_float32_stays_float32() -> None:
    step = tg.compile(lambda w, X: np.sum(np.maximum(w @ X, 0.0) * 0.5))
    step(W.astype(np.float32), X.astype(np.float32))
    assert {buffer.dtype for buffer in step.buffers} <= {np.dtype(np.float32), np.dtype(bool)}


def test_tiles_of_the_examples_add_up() -> None:
    """Long data is gone through in tiles, the last of which is shorter here: 30,011 is a prime."""
    X, Y = rng.normal(size=(50, 30_011)), (rng.random((1, 30_011)) < 0.5) * 1.0
    w = rng.normal(size=(1, 50)) * 0.1
    step = tg.compile(from_logits)
    J, grad = step(w, X, Y)
    assert re.search(r"for start in range\(.*, 30011\)", step.source)
    t = tg.Tensor(w)
    expected = from_logits(t, X, Y)
    assert pytest.approx(expected.item(), rel=1e-12) == J
    np.testing.assert_allclose(grad, tg.grad(expected, [t])[0], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("slope", [np.nan, 1e17, -1.0, 0.01])
def test_a_slope_of_any_size_touches_only_the_entries_that_are_not_chosen(slope: float) -> None:
    def loss(w: Any) -> Any:
        return np.sum(np.where(w > 0, w, slope * w))

    w = np.array([1.0, 2.0])
    J, _ = tg.compile(loss)(w)
    assert J == 3.0


def test_a_slope_that_has_saturated_stays_exact() -> None:
    """Opened, ``0.9 v x² - 0.9 v x² a²`` at a = 1 is rounding, 2e7 times as large as the number beside it."""

    def loss(w: Any, X: Any) -> Any:
        v = np.sqrt(w * w * X * X + 1e-6) * X
        return np.sum(np.tanh(0.3 * v**3)) + np.mean(v)

    w, X = np.array(870.0), np.array([30.0, 0.3])
    t = tg.Tensor(w)
    expected = tg.grad(loss(t, X), [t])[0]
    np.testing.assert_allclose(tg.compile(loss)(w, X)[1], expected, rtol=1e-13)


@pytest.mark.parametrize("shape", [(300, 5), (40_000, 3), (16, 20, 10, 4), (40, 50, 50, 2), (7, 3, 3, 70)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kept", [True, False])
def test_sums_over_many_short_rows(shape: tuple[int, ...], dtype: Any, kept: bool) -> None:
    X = np.random.default_rng(0).normal(size=shape).astype(dtype) + dtype(1)
    axes = tuple(range(len(shape) - 1))
    b = np.ones(shape[-1], dtype)

    def loss(b: Any, X: Any) -> Any:
        return np.sum((b + X) ** 2) + np.sum(np.sum(b * X, axis=axes, keepdims=kept) ** 2)

    J, grad = tg.compile(loss)(b, X)
    wide = X.astype(np.float64)
    sums = np.sum(wide, axis=axes)
    np.testing.assert_allclose(J, np.sum((1 + wide) ** 2) + np.sum(sums**2), rtol=1e-5)
    np.testing.assert_allclose(grad, 2 * np.sum(1 + wide, axis=axes) + 2 * sums**2, rtol=1e-5)
    assert grad.shape == b.shape
