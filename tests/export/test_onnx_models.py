"""Models of the course and of other shapes: ONNX Runtime gives what they give, for another m as well."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.export.running import run

RNG = np.random.default_rng(0)


def weights(*shape: int) -> tg.Tensor:
    return tg.Tensor(RNG.normal(size=shape) / np.sqrt(shape[-1]))


def convolutional() -> Callable[[Any], Any]:
    W1, b1, W2 = weights(3, 3, 1, 4), weights(4), weights(4 * 3 * 3, 5)

    def model(X: Any) -> Any:
        A = tg.relu(tg.conv2d(X, W1, padding="same") + b1)
        pooled = tg.max_pool2d(A, size=2)
        return tg.softmax(pooled.reshape(len(X), -1) @ W2, axis=1)

    return model


def recurrent() -> Callable[[Any], Any]:
    Wx, Wh, b, Wy = weights(5, 3), weights(5, 5), weights(5, 1), weights(2, 5)

    def model(X: Any) -> Any:  # (n_x, m, T)
        h = np.zeros((5, X.shape[1]))
        for t in range(X.shape[2]):
            h = np.tanh(Wx @ X[:, :, t] + Wh @ h + b)
        return tg.sigmoid(Wy @ h)

    return model


def attention() -> Callable[[Any], Any]:
    Wq, Wk, Wv = weights(6, 4), weights(6, 4), weights(6, 4)

    def model(X: Any) -> Any:  # (m, T, 6)
        Q, K, V = X @ Wq, X @ Wk, X @ Wv
        scores = Q @ np.swapaxes(K, 1, 2) / np.sqrt(4)
        return np.mean(tg.softmax(scores, axis=-1) @ V, axis=1)

    return model


def normalised() -> Callable[[Any], Any]:
    gamma, beta = weights(4, 1), weights(4, 1)

    def model(X: Any) -> Any:
        centred = X - np.mean(X, axis=0, keepdims=True)
        return gamma * centred / np.sqrt(np.var(X, axis=0, keepdims=True) + 1e-5) + beta

    return model


MODELS: dict[str, tuple[Callable[[], Callable[[Any], Any]], tuple[int, ...], int]] = {
    "logistic regression": (lambda: tg.nn.LogisticRegression(3, init="random", seed=1), (3, 7), 1),
    "two layers": (lambda: tg.nn.MLP([3, 4, 1], activation="tanh", seed=1), (3, 7), 1),
    "L layers": (lambda: tg.nn.MLP([12, 20, 7, 5, 1], seed=1), (12, 9), 1),
    "softmax": (lambda: tg.nn.MLP([5, 8, 3], output="softmax", activation="leaky_relu", seed=1), (5, 6), 1),
    "regression": (lambda: tg.nn.MLP([5, 8, 2], output="linear", seed=1, keep_prob=0.5), (5, 6), 1),
    "convolutional": (convolutional, (3, 6, 6, 1), 0),
    "recurrent": (recurrent, (3, 4, 5), 1),
    "attention": (attention, (2, 5, 6), 0),
    "normalised": (normalised, (4, 6), 1),
}


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest) -> tuple[Callable[[Any], Any], tuple[int, ...], int]:
    make, shape, examples = MODELS[request.param]
    return make(), shape, examples


def test_a_model_gives_the_same(case: Any, tmp_path: Path) -> None:
    model, shape, _ = case
    X = RNG.normal(size=shape)
    tg.export.onnx(model, X, tmp_path / "m.onnx")
    np.testing.assert_allclose(run(tmp_path / "m.onnx", X)[0], model(tg.Tensor(X)).data, rtol=1e-6, atol=1e-6)


def test_m_stays_free(case: Any, tmp_path: Path) -> None:
    model, shape, examples = case
    tg.export.onnx(model, RNG.normal(size=shape), tmp_path / "m.onnx")
    X = RNG.normal(size=(*shape[:examples], 11, *shape[examples + 1 :]))
    np.testing.assert_allclose(run(tmp_path / "m.onnx", X)[0], model(tg.Tensor(X)).data, rtol=1e-6, atol=1e-6)


def test_one_example_is_enough_to_leave_m_free(tmp_path: Path) -> None:
    model = tg.nn.MLP([3, 4, 2], output="softmax", seed=1)
    tg.export.onnx(model, RNG.normal(size=(3, 1)), tmp_path / "m.onnx")
    X = RNG.normal(size=(3, 8))
    np.testing.assert_allclose(run(tmp_path / "m.onnx", X)[0], model(X).data, rtol=1e-6)


def test_a_float32_model_takes_float32(tmp_path: Path) -> None:
    model = tg.nn.MLP([3, 4, 1], seed=1, dtype=np.float32)
    X = RNG.normal(size=(3, 8)).astype(np.float32)
    tg.export.onnx(model, X, tmp_path / "m.onnx")
    (found,) = run(tmp_path / "m.onnx", X)
    assert found.dtype == np.float32


def test_several_inputs(tmp_path: Path) -> None:
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(3,))
    tg.export.onnx(lambda x, y: x * y + x.sum(), (a, b), tmp_path / "m.onnx")
    np.testing.assert_allclose(run(tmp_path / "m.onnx", a, b)[0], a * b + a.sum(), rtol=1e-12)


@pytest.mark.parametrize(
    "index",
    [
        (0, slice(None), [1, 2]),
        ([0, 1], slice(None), [1, 2]),
        (slice(None), [0, 2], [1, 3]),
        (None, [0, 1], None, slice(1, None)),
        ([[0], [1]], slice(None), [[1, 2]]),
        np.arange(24).reshape(2, 3, 4) % 3 == 0,
        (slice(None), np.array([True, False, True])),
        (Ellipsis, slice(None, None, -2), None),
        -1,
    ],
)
def test_an_index_picks_as_numpy_does(index: Any, tmp_path: Path) -> None:
    x = RNG.normal(size=(2, 3, 4))
    tg.export.onnx(lambda t: 1.0 * t[index], x, tmp_path / "m.onnx")
    np.testing.assert_array_equal(run(tmp_path / "m.onnx", x)[0], x[index])


def test_what_onnx_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="V = inv"):
        tg.export.onnx(_inverse, np.eye(3), tmp_path / "m.onnx")


def _inverse(X: Any) -> Any:
    V = np.linalg.inv(X)
    V.name = "V"
    return V * 2


def test_nothing_is_written_where_it_fails(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError):
        tg.export.onnx(_inverse, np.eye(3), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "X", "said"),
    [
        (3, np.ones((2, 2)), "expected a model"),
        (lambda X: 3.0, np.ones((2, 2)), "got float"),
        (lambda X: X, np.array(["a"]), "array of numbers"),
    ],
)
def test_what_is_no_model_is_refused(model: Any, X: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=said):
        tg.export.onnx(model, X, tmp_path / "m.onnx")


def test_a_model_that_looks_at_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tg.core.symbol.ValueDependence, match="condition"):
        tg.export.onnx(lambda X: X if X.sum() > 0 else -X, np.ones((2, 2)), tmp_path / "m.onnx")


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    with pytest.raises(tg.MissingExtraError, match=r"tinygrad_edu\[onnx\]"):
        tg.export.onnx(tg.nn.LogisticRegression(2), np.ones((2, 2)), tmp_path / "m.onnx")
