"""Graphs that are no layered network are compared too: right stays right, and nothing raises or warns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.random_programs.programs import draw
from tinygrad_edu.check.comparison import compared
from tinygrad_edu.check.manual import given_arrays
from tinygrad_edu.check.truth import Convention, Truth

RNG = np.random.default_rng(0)
CONVENTIONS: list[Convention | None] = ["course", "exact", None]


def tensor(name: str, *shape: int) -> tg.Tensor:
    return tg.Tensor(RNG.standard_normal(shape), name=name)


def residual() -> Any:
    W1, W2 = tensor("W1", 5, 5), tensor("W2", 5, 5)
    A1 = tg.tanh(W1 @ RNG.standard_normal((5, 9)))
    return tg.binary_cross_entropy_with_logits(W2 @ A1 + A1, (RNG.random((5, 9)) > 0.5) * 1.0)


def shared_weights() -> Any:
    W, X = tensor("W", 5, 5), RNG.standard_normal((5, 9))
    return np.mean((W @ tg.relu(W @ X) - X) ** 2)


def vectors() -> Any:
    return tg.sigmoid(tensor("w", 4) @ RNG.standard_normal(4)) * 2


def three_axes() -> Any:
    X = tensor("X", 3, 4, 5)
    return np.sum(np.exp(X) * X)


def rows() -> Any:
    return np.mean((RNG.standard_normal((11, 7)) @ tensor("W", 7, 3) + tensor("b", 3)) ** 2)


def indexing() -> Any:
    a = tensor("a", 6)
    return np.sum(a[1:] * a[:-1]) + np.max(a)


def batch_norm() -> Any:
    Z = tensor("W1", 5, 7) @ RNG.standard_normal((7, 11))
    mean, var = np.mean(Z, axis=1, keepdims=True), np.var(Z, axis=1, keepdims=True)
    A = tg.relu(tensor("gamma", 5, 1) * (Z - mean) / np.sqrt(var + 1e-5) + tensor("beta", 5, 1))
    return tg.binary_cross_entropy(tg.sigmoid(tensor("W2", 1, 5) @ A), (RNG.random((1, 11)) > 0.5) * 1.0)


def scalars() -> Any:
    return tensor("a") * 3 + tensor("b") ** 2


def one_example() -> Any:
    A = tg.tanh(tensor("W1", 5, 7) @ RNG.standard_normal((7, 1)) + tensor("b1", 5, 1))
    return tg.binary_cross_entropy_with_logits(tensor("W2", 1, 5) @ A, np.ones((1, 1)))


def empty() -> Any:
    return np.sum(tensor("W", 3, 0)) + np.sum(tensor("v", 2))


GRAPHS = [
    residual,
    shared_weights,
    vectors,
    three_axes,
    rows,
    indexing,
    batch_norm,
    scalars,
    one_example,
    empty,
]


def given_for(right: Any, m: int) -> list[Any]:
    noise = RNG.standard_normal(right.shape)
    total = right.sum(axis=-1) if right.ndim else right
    return [
        2 * right,
        -right,
        right.T,
        right.sum(),
        0 * right,
        noise,
        right.ravel(),
        total,
        right * m,
        np.ones((2, 3)),
        np.full(right.shape, np.nan),
        np.abs(right),
        np.array([]),
        right * 1e300,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("graph", GRAPHS)
def test_any_array_for_any_quantity_gets_a_report(graph: Callable[[], Any]) -> None:
    J = graph()
    truth = Truth(J)
    for node in truth.graph:
        if not (node.named and node.requires_grad):
            continue
        right = truth.gradient(node.name, "course")
        assert tg.check.compare(J, {node.tensor: right}).ok
        for k, given in enumerate(given_for(right, truth.m)):
            convention = CONVENTIONS[k % 3]
            report = compared(truth, given_arrays({node.tensor: given}), convention)
            assert all(e.ok or e.diagnosis.codes for e in report)
            assert report.to_json()
            assert tg.check.forward(J, {node.tensor: given})


@pytest.mark.parametrize("graph", [g for g in GRAPHS if g is not empty])
def test_a_factor_and_a_sign_are_named_in_any_graph(graph: Callable[[], Any]) -> None:
    J = graph()
    truth = Truth(J)
    for node in truth.graph.inputs:
        if node.requires_grad:
            right = truth.gradient(node.name, "course")
            assert (
                "constant_factor" in tg.check.compare(J, {node.tensor: 2 * right}).entries[0].diagnosis.codes
            )
            assert "sign" in tg.check.compare(J, {node.tensor: -right}).entries[0].diagnosis.codes


def test_a_key_of_a_value_without_a_name_is_read_by_its_array() -> None:
    X, W = RNG.standard_normal((3, 6)), tensor("W", 1, 3)
    Y = (RNG.random((1, 6)) < 0.5) * 1.0
    A = 1 / (1 + np.exp(-(W @ X)))
    J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dZ = A.data - Y
    report = tg.check.compare(J, {"dZ": dZ, "dW": dZ @ X.T / 6})
    assert report.ok
    assert "dZ is read as the gradient of W @ X" in report.notes[-1]
    assert not tg.check.compare(J, {"dZ": -dZ, "dW": dZ @ X.T / 6}).ok  # not the gradient of -(W @ X)
    assert not tg.check.compare(J, {"dZ": 2 * dZ, "dW": dZ @ X.T / 6}).ok


@pytest.mark.parametrize("seed", [3, 9, 25, 292, *range(20, 24)])
def test_the_engine_s_gradients_of_a_random_program_are_right(seed: int) -> None:
    """Indices in the backward pass, pieces of pieces of an axis, cumulative products, determinants."""
    program = draw(seed)
    values: list[Any] = [tg.Tensor(leaf) for leaf in program.leaves]
    for call in program.calls:
        values.append(call.function.call(np, *(values[k] for k in call.operands), **call.settings))
    J: Any = 0.0
    for k, weight in program.weights.items():
        J = J + np.sum(values[k] * np.array(weight))
    some = [v for v in dict.fromkeys(values) if isinstance(v, tg.Tensor) and v.requires_grad and v is not J]
    assert tg.check.compare(J, dict(zip(some, tg.grad(J, some), strict=True))).ok
