"""Networks in single precision beside hand gradients in double: none refused, and no mistake accepted.

The gradients come from plain NumPy in float64, out of the same float32 parameters. What rounding may do to
the engine's own ones grows with the widths and with m, so both are drawn over orders of magnitude.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg

Array = Any
ACTIVATIONS = {  # the function in NumPy, its slope, the engine's
    "tanh": (np.tanh, lambda z, a: 1 - a * a, np.tanh),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0, tg.relu),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a), tg.sigmoid),
}
MISTAKES = {
    "m times": lambda g, m, rng: g * m,
    "the other sign": lambda g, m, rng: -g,
    "twice": lambda g, m, rng: 2 * g,
    "a tenth more": lambda g, m, rng: 1.1 * g,
    "one entry": lambda g, m, rng: g + np.where(
        np.arange(g.size).reshape(g.shape) == rng.integers(g.size), np.abs(g).max() + 1e-3, 0.0
    ),
}  # fmt: skip


def network(seed: int, widest: int, most: int) -> tuple[tg.Tensor, dict[str, Array], int, Any]:
    """The cost of a random network, and its gradients by hand."""
    rng = np.random.default_rng(seed)
    layers = int(rng.integers(1, 4))
    n = [int(np.exp(rng.uniform(np.log(3), np.log(widest)))) for _ in range(layers)] + [1]
    m = int(np.exp(rng.uniform(np.log(2), np.log(most))))
    f, slope, engine = ACTIVATIONS[rng.choice(list(ACTIVATIONS))]
    X = rng.standard_normal((n[0], m)).astype(np.float32)
    Y = (rng.random((1, m)) < 0.5).astype(np.float32)
    p: dict[str, Array] = {}
    for k in range(1, layers + 1):
        spread = rng.choice([n[k - 1] ** -0.5, 0.1, 0.01])
        p[f"W{k}"] = (rng.standard_normal((n[k], n[k - 1])) * spread).astype(np.float32)
        p[f"b{k}"] = (rng.standard_normal((n[k], 1)) * 0.1).astype(np.float32)
    wide = {name: a.astype(np.float64) for name, a in p.items()}
    A, Z = [X.astype(np.float64)], [np.empty(0)]
    for k in range(1, layers + 1):
        Z.append(wide[f"W{k}"] @ A[-1] + wide[f"b{k}"])
        A.append(f(Z[k]) if k < layers else 1 / (1 + np.exp(-Z[k])))
    right, dZ = {}, A[-1] - Y
    for k in range(layers, 0, -1):
        right[f"dW{k}"], right[f"db{k}"] = dZ @ A[k - 1].T / m, dZ.sum(axis=1, keepdims=True) / m
        if k > 1:
            dZ = (wide[f"W{k}"].T @ dZ) * slope(Z[k - 1], A[k - 1])
    t = {name: tg.Tensor(a, name=name) for name, a in p.items()}
    a: Any = X
    for k in range(1, layers + 1):
        z = t[f"W{k}"] @ a + t[f"b{k}"]
        a = engine(z) if k < layers else tg.sigmoid(z)
    return tg.binary_cross_entropy(a, Y), right, m, rng


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_right_gradients_in_double_precision_are_accepted(seed: int) -> None:
    J, right, *_ = network(seed, 300, 1000)
    assert tg.check.compare(J, right).ok


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
@settings(max_examples=4)
@given(st.integers(0, 10**6))
def test_one_mistake_among_them_is_not(mistake: str, seed: int) -> None:
    J, right, m, rng = network(seed, 30, 60)
    name = str(rng.choice(sorted(right)))
    wrong = right | {name: MISTAKES[mistake](right[name], m, rng)}
    assume(np.abs(wrong[name] - right[name]).max() > 1e-12)  # a unit that is never on has a gradient of 0
    report = tg.check.compare(J, wrong)
    assert not report.ok
    assert not report[name].ok
