"""A compiled step gives what the eager engine gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg


def two_layers(p: Any, X: Any, Y: Any) -> Any:
    A1 = tg.relu(p["W1"] @ X + p["b1"])
    Z2 = p["W2"] @ A1 + p["b2"]
    return tg.binary_cross_entropy_with_logits(Z2, Y)


def example(dtype: Any = np.float64) -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}
    params = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return params, rng.normal(size=(3, 50)).astype(dtype), (rng.random((1, 50)) < 0.5).astype(dtype)


def eager(loss: Any, params: dict[str, Any], *data: Any) -> tuple[float, dict[str, Any]]:
    tensors = {name: tg.Tensor(value) for name, value in params.items()}
    J = loss(tensors, *data)
    return J.item(), dict(zip(tensors, tg.grad(J, list(tensors.values())), strict=True))


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_cost_and_gradients_are_the_eager_ones(dtype: Any, rtol: float) -> None:
    params, X, Y = example(dtype)
    J, grads = tg.compile(two_layers)(params, X, Y)
    expected, expected_grads = eager(two_layers, params, X, Y)
    assert pytest.approx(expected, rel=rtol) == J
    for name, g in expected_grads.items():
        np.testing.assert_allclose(grads[name], g, rtol=rtol, atol=rtol)
        assert grads[name].dtype == dtype


def test_a_quantity_may_be_called_as_the_function_that_the_source_calls() -> None:
    def loss(params: Any) -> Any:
        erf = tg.erf(params["softplus"])
        _, logabsdet = np.linalg.slogdet(params["M"])
        return np.sum(erf * erf) + logabsdet

    params = {"softplus": np.array([0.5, 1.0]), "M": np.array([[2.0, 1.0], [0.0, 3.0]])}
    tensors = {name: tg.Tensor(value) for name, value in params.items()}
    J, grads = tg.compile(loss)(params)
    expected = loss(tensors)
    assert np.isclose(J, expected.item())
    for name, g in zip(tensors, tg.grad(expected, list(tensors.values())), strict=True):
        np.testing.assert_allclose(grads[name], g)
