"""Forward values: a wrong Z, A or J, and which mistake it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.networks import Network

MISTAKES = [
    ("Z1", "W1 @ X", "term_missing"),
    ("Z1", "W1 @ X - b1", "sign_inside"),
    ("Z2", "W2 @ Z1 + b2", "z_for_a"),
    ("Z3", "W3 @ X + b3", "wrong_layer"),
    ("Z2", "W2 @ A1 + b1", "wrong_layer"),
    ("Z2", "W2.T @ A1 + b2", "inner_transpose"),
    ("Z2", "(W2 @ A1 + b2).T", "transpose"),
    ("A1", "Z1", "z_for_a"),
    ("A1", "sigmoid(Z1)", "wrong_activation"),
    ("A3", "1 - A3", "sign_inside"),
    ("J", "-J", "sign"),
    ("J", "J * m", "factor_m_missing"),
    ("J", "J / np.log(2)", "log_base"),
    ("J", "-(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m", "sum_missing"),
    ("J", "-np.sum(Y * np.log(A3)) / m", "term_missing"),
    ("J", "-np.sum(Y * np.log(A3)) / m + (1 - Y) * np.log(1 - A3)", "loss_parenthesis"),
    ("J", "-np.sum(Y * np.log(A3) + (1 - Y * np.log(1 - A3))) / m", "loss_parenthesis"),
    ("J", "-(Y.T @ np.log(A3) + (1 - Y).T @ np.log(1 - A3)) / m", "inner_transpose"),
    ("J", "np.round(J, 2)", "unknown"),
]


def square(lambd: float = 0.0) -> tuple[dict[str, Any], tg.Tensor]:
    n = Network((5, 5, 5, 1), m=13, lambd=lambd)
    v = n.arrays()
    J = n.cost(v)
    return {**v, "J": J.item()}, J


@pytest.mark.parametrize(("quantity", "expression", "code"), MISTAKES)
def test_mistakes_in_forward_values_are_named(quantity: str, expression: str, code: str) -> None:
    v, J = square()
    entry = tg.check.forward(J, {quantity: eval(expression, {**v})})[quantity]
    assert not entry.ok
    assert code in entry.diagnosis.codes, entry.diagnosis


def test_right_values_are_right_at_any_precision() -> None:
    v, J = square()
    right = {k: v[k] for k in ("Z1", "A1", "Z2", "A2", "Z3", "A3", "J")}
    assert tg.check.forward(J, right).ok
    assert tg.check.forward(J, {k: np.float32(a) for k, a in right.items()}).ok


def test_a_wrong_value_carried_down_is_named_once() -> None:
    v, J = square()
    Z1 = v["W1"] @ v["X"]
    A1 = np.tanh(Z1)
    report = tg.check.forward(J, {"Z1": Z1, "A1": A1, "Z2": v["W2"] @ A1 + v["b2"], "J": J.item()})
    assert report["Z1"].diagnosis.codes == ("term_missing",)
    assert report["A1"].diagnosis.root == "Z1"
    assert report["Z2"].verdict == "follows"
    assert report["J"].ok


@pytest.mark.parametrize(
    ("factor", "code"), [(0.0, "regularisation_missing"), (2.0, "regularisation_factor")]
)
def test_a_wrong_penalty_in_the_cost_is_named(factor: float, code: str) -> None:
    v, J = square(lambd=0.7)
    penalty = 0.7 / (2 * v["m"]) * sum(np.sum(v[f"W{l}"] ** 2) for l in (1, 2, 3))
    assert code in tg.check.forward(J, {"J": v["J"] + (factor - 1) * penalty})["J"].diagnosis.codes


def test_bad_input_is_told() -> None:
    _, J = square()
    with pytest.raises(KeyError, match="did you mean"):
        tg.check.forward(J, {"Z7": np.ones((5, 13))})
    with pytest.raises(ValueError, match="nothing to compare"):
        tg.check.forward(J, {})
    assert "NaN" in tg.check.forward(J, {"J": np.nan})["J"].diagnosis.text


def attention() -> tuple[dict[str, Any], tg.Tensor]:
    """One head in rows, as people write it, without a name for what is on the way."""
    rng = np.random.default_rng(4)
    X, T = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    Wq, Wk, Wv = (tg.Tensor(rng.standard_normal((4, 3)), name=f"W{k}") for k in "qkv")
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    S = Q @ K.T / np.sqrt(3)
    e = np.exp(S - S.max(axis=1, keepdims=True))
    P = e / e.sum(axis=1, keepdims=True)
    out = P @ V
    J = np.mean((out - T) ** 2)
    for name, tensor in {"Q": Q, "K": K, "V": V, "S": S, "P": P, "out": out}.items():
        tensor.name = name
    return {n.name: n.value for n in tg.Graph(J)}, J


@pytest.mark.parametrize(
    ("quantity", "expression", "code"),
    [
        ("P", "np.exp(S) / np.exp(S).sum(axis=0)", "softmax_axis"),
        ("S", "Q @ K.T", "constant_factor"),
        ("S", "K @ Q.T / np.sqrt(3)", "transpose"),
        ("out", "P.T @ V", "inner_transpose"),
        ("out", "S @ V", "z_for_a"),
        ("out", "P @ K", "wrong_layer"),
    ],
)
def test_a_forward_mistake_is_named_in_any_graph(quantity: str, expression: str, code: str) -> None:
    v, J = attention()
    given = eval(expression, {**v, "np": np})
    entry = tg.check.forward(J, {quantity: given})[quantity]
    assert not entry.ok
    assert code in entry.diagnosis.codes, entry.diagnosis
