"""Activations and costs that are written out in NumPy are understood like the engine's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.networks import SLOPE, Network


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


WRITTEN: list[tuple[str, Callable[[Any], Any]]] = [
    ("relu", lambda z: np.maximum(0, z)),
    ("relu", lambda z: np.maximum(z, 0)),
    ("relu", lambda z: z * (z > 0)),
    ("relu", lambda z: np.where(z > 0, z, 0)),
    ("leaky_relu", lambda z: np.where(z > 0, z, 0.01 * z)),
    ("leaky_relu", lambda z: np.maximum(0.01 * z, z)),
    ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
    ("sigmoid", lambda z: np.exp(z) / (np.exp(z) + 1)),
    ("tanh", lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
    ("tanh", lambda z: 2 / (1 + np.exp(-2 * z)) - 1),
]


def recorded(n: Network, v: dict[str, Any], hidden: Callable[[Any], Any]) -> tg.Tensor:
    A: Any = v["X"]
    for l in range(1, n.L + 1):
        Z = tg.Tensor(v[f"W{l}"], name=f"W{l}") @ A + tg.Tensor(v[f"b{l}"], name=f"b{l}")
        A = hidden(Z) if l < n.L else softmax(Z) if n.output == "softmax" else 1 / (1 + np.exp(-Z))
        Z.name, A.name = f"Z{l}", f"A{l}"
    cost = v["Y"] * np.log(A) + (0 if n.output == "softmax" else (1 - v["Y"]) * np.log(1 - A))
    return -np.sum(cost) / n.m


@pytest.mark.slow
@pytest.mark.parametrize(("name", "hidden"), WRITTEN)
def test_an_activation_may_be_written_out(name: str, hidden: Callable[[Any], Any]) -> None:
    n = Network((7, 6, 5, 1), m=13, hidden=name)
    v = n.arrays()
    J = recorded(n, v, hidden)
    right = {k: v[k] for k in ("dW1", "db1", "dZ1", "dA1", "dZ2", "dW3", "dZ3", "dA3")}
    assert tg.check.compare(J, right).ok
    back = v["W2"].T @ v["dZ2"]
    wrong = {
        "dW1": (back @ v["X"].T / n.m, "slope_missing"),
        "dZ1": (back * v["A1"], "activation_for_slope"),
        "db1": (np.mean(back * (1 - SLOPE[name](v["Z1"])), axis=1, keepdims=True), "slope_wrong"),
        "dZ2": ((v["W3"].T @ (v["Z3"] - v["Y"])) * SLOPE[name](v["Z2"]), "z_for_a"),
    }
    for quantity, (given, code) in wrong.items():
        codes = tg.check.compare(J, {quantity: given})[quantity].diagnosis.codes
        assert code in codes, (quantity, codes)


def test_a_softmax_may_be_written_out() -> None:
    n = Network((7, 6, 5), m=13, hidden="relu", output="softmax")
    v = n.arrays()
    J = recorded(n, v, lambda z: np.maximum(z, 0))
    A, Y = v["A2"], v["Y"]
    assert tg.check.compare(J, {"dZ2": A - Y, "dA2": -Y / A, "dW1": v["dW1"]}).ok
    entry = tg.check.compare(J, {"dZ2": -Y / A * A * (1 - A)})["dZ2"]
    assert "softmax_elementwise" in entry.diagnosis.codes


def test_examples_in_rows_are_compared_too() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((11, 7)), (rng.random((11, 1)) < 0.5) * 1.0
    W, b = tg.Tensor(rng.standard_normal((7, 1)), name="W"), tg.Tensor(np.zeros((1, 1)), name="b")
    Z = X @ W + b
    Z.name = "Z"
    J = np.mean(np.log(1 + np.exp(Z)) - Y * Z)
    dZ = 1 / (1 + np.exp(-Z.data)) - Y
    report = tg.check.compare(J, {"dZ": dZ, "dW": X.T @ dZ / 11, "db": np.mean(dZ, axis=0, keepdims=True)})
    assert report.ok
    assert tg.check.compare(J, {"dW": X.T @ dZ})["dW"].diagnosis.codes == ("factor_m_missing",)


def test_a_bias_of_zero_does_not_hide_what_an_activation_is_of() -> None:
    # As at every initialisation: W1 @ X then has the values of Z1, and is not what goes through tanh.
    rng = np.random.default_rng(1)
    X, m = rng.normal(size=(3, 8)), 8
    W1, b1 = tg.Tensor(rng.normal(size=(4, 3))), tg.Tensor(np.zeros((4, 1)))
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    J = np.sum(A1 * A1) / m
    dZ1 = 2 * A1.data * (1 - A1.data)
    report = tg.check.compare(J, {"dZ1": dZ1, "dW1": dZ1 @ X.T / m})
    assert "slope_wrong" in report["dZ1"].diagnosis.codes
    assert report["dW1"].diagnosis.codes == ("follows_from",)
