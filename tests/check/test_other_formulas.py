"""Mistakes that take another function, another array or another order of steps for the right one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

r = np.random.default_rng(23)


def tensor(name: str, *shape: int) -> tg.Tensor:
    return tg.Tensor(r.standard_normal(shape), name=name)


def found(J: tg.Tensor, manual: dict[str, Any], wrong: str) -> tg.check.Entry:
    entry = tg.check.compare(J, manual)[wrong]
    assert not entry.ok
    return entry


def elu() -> tuple[tg.Tensor, Any, Any, Any]:
    """J of an ELU written with ``np.where``, its z and a, and the right gradient of a."""
    z, T = tensor("z", 6, 5), r.standard_normal((6, 5))
    a = np.where(z > 0, z, 0.7 * (np.exp(z) - 1))
    a.name = "a"
    return np.sum((a - T) ** 2), z.data, a.data, 2 * (a.data - T)


def test_one_branch_of_a_slope_at_another_point() -> None:
    J, z, _, da = elu()
    entry = found(J, {"da": da, "dz": da * np.where(z > 0, 1, z + 0.7)}, "dz")
    assert "slope_wrong" in entry.diagnosis.codes
    assert "where z ≤ 0, z + 0.7 stands for the slope" in entry.diagnosis.sentence


def test_the_branches_of_a_slope_exchanged() -> None:
    J, z, _, da = elu()
    entry = found(J, {"da": da, "dz": da * np.where(z > 0, 0.7 * np.exp(z), 1)}, "dz")
    assert "slope_wrong" in entry.diagnosis.codes
    assert "exchanged" in entry.diagnosis.sentence


def test_the_slope_of_another_function_of_the_net() -> None:
    z1, W, T = tensor("z1", 6, 5), tensor("W", 5, 4), r.standard_normal((6, 4))
    a1 = z1 / (1 + np.exp(-z1))
    z2 = a1 @ W
    c = np.sqrt(2 / np.pi)
    a2 = 0.5 * z2 * (1 + np.tanh(c * (z2 + 0.044715 * z2**3)))
    for name, t in {"a1": a1, "z2": z2, "a2": a2}.items():
        t.name = name
    J = np.sum((a2 - T) ** 2)
    u = c * (z1.data + 0.044715 * z1.data**3)
    gelu = 0.5 * (1 + np.tanh(u))
    gelu += 0.5 * z1.data * (1 - np.tanh(u) ** 2) * c * (1 + 3 * 0.044715 * z1.data**2)
    (da1,) = tg.grad(J, [a1])
    entry = found(J, {"da1": da1, "dz1": da1 * gelu}, "dz1")
    assert "slope_wrong_activation" in entry.diagnosis.codes
    assert "a2" in entry.diagnosis.sentence


def test_factors_that_are_summed_before_the_product() -> None:
    X, W, T = r.standard_normal((7, 4)), tensor("W", 4, 3), r.standard_normal((7, 3))
    P = X @ W
    P.name = "P"
    dP = 2 * (P.data - T)
    entry = found(np.sum((P - T) ** 2), {"dP": dP, "dW": np.outer(X.mean(axis=0), dP.sum(axis=0))}, "dW")
    assert "summed_too_early" in entry.diagnosis.codes


def test_the_second_term_of_two_classes_in_a_cost_of_many() -> None:
    z, Y = tensor("z", 6, 3), np.eye(3)[r.integers(0, 3, 6)]
    e = np.exp(z)
    p = e / np.sum(e, axis=1, keepdims=True)
    p.name = "p"
    wrong = (-Y / p.data + (1 - Y) / (1 - p.data)) / 6
    entry = found(-np.sum(Y * np.log(p)) / 6, {"dp": wrong}, "dp")
    assert "second term of the cost of two classes" in entry.diagnosis.sentence


def test_an_array_that_is_at_hand_but_not_in_J() -> None:
    X, X_test, W, T = (
        r.standard_normal((6, 4)),
        r.standard_normal((6, 4)),
        tensor("W", 4, 3),
        r.random((6, 3)),
    )
    P = X @ W
    P.name = "P"
    dP = 2 * (P.data - T)
    entry = found(np.sum((P - T) ** 2), {"dP": dP, "dW": X_test.T @ dP}, "dW")
    assert "wrong_layer" in entry.diagnosis.codes
    assert "X_test stands where X belongs" in entry.diagnosis.sentence


def test_weights_of_rows_that_nothing_gives() -> None:
    s, y, w = tensor("s", 6, 4), r.integers(0, 4, 6), r.random((6, 1)) + 0.5
    e = np.exp(s)
    p = e / np.sum(e, axis=1, keepdims=True)
    J = -np.mean(w[:, 0] * np.log(p[np.arange(6), y]))
    wrong = (p.data - np.eye(4)[y]) * np.random.default_rng(3).random((6, 1))
    entry = found(J, {"ds": wrong}, "ds")
    assert "each row is multiplied by another number" in entry.diagnosis.sentence


def test_a_single_zero_is_said_to_be_zero() -> None:
    b, x = tg.Tensor(0.3, name="b"), r.standard_normal(5)
    entry = found(np.sum((x + b) ** 2), {"db": 0.0}, "db")
    assert "zero everywhere" in entry.diagnosis.text


@pytest.mark.parametrize("wrong", ["late", "one pass for all"])
def test_gradients_in_every_pass_of_a_loop(wrong: str) -> None:
    W, U, V = tensor("W", 3, 4), tensor("U", 4, 4), tensor("V", 4, 2)
    xs, T = r.standard_normal((4, 5, 3)), r.standard_normal((4, 5, 2))
    state: Any = np.zeros((5, 4))
    h, J = [state], tg.Tensor(0.0)
    for k in range(4):
        state = np.tanh(xs[k] @ W + state @ U)
        h.append(state.data)
        J = J + np.sum((state @ V - T[k]) ** 2)
    dU, carry, first = np.zeros((4, 4)), np.zeros((5, 4)), None
    for k in reversed(range(4)):
        own = 2 * (h[k + 1] @ V.data - T[k]) @ V.data.T
        slope = 1 - h[k + 1] ** 2
        dz = own + carry * slope if wrong == "late" else (own + carry) * slope
        first = dz if first is None else first
        dU += h[k].T @ (dz if wrong == "late" else first)
        carry = dz @ U.data.T
    entry = found(J, {"dU": dU}, "dU")
    code, words = ("slope_missing", "only after") if wrong == "late" else ("wrong_layer", "another pass")
    assert code in entry.diagnosis.codes, entry.diagnosis
    assert words in entry.diagnosis.sentence


def test_axes_that_only_operations_made_are_no_examples() -> None:
    x, w, W = tensor("x", 3, 5, 5), tensor("w", 2, 2, 2), tensor("W", 8, 3)
    windows = [
        (x[:, None, i : i + 4, j : j + 4], w[:, i, j].reshape(1, 2, 1, 1)) for i in (0, 1) for j in (0, 1)
    ]
    z = sum(part * kernel for part, kernel in windows)
    z.name = "z"
    p = np.max(np.tanh(z).reshape(3, 2, 2, 2, 2, 2), axis=(3, 5))
    e = np.exp(p.reshape(3, -1) @ W)
    J = -np.mean(np.log((e / np.sum(e, axis=-1, keepdims=True))[np.arange(3), np.array([0, 2, 1])]))
    dz, dw = tg.grad(J, [z, w])
    assert tg.check.compare(J, {"dz": dz, "dw": dw}).ok
    last = np.einsum("nf,nhw->fhw", dz[:, :, -1, -1], x.data[:, 3:5, 3:5])
    entry = found(J, {"dz": dz, "dw": last}, "dw")
    assert "last_example_only" in entry.diagnosis.codes
    assert "only the last place along axis 2, 3" in entry.diagnosis.sentence


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda p, _, g: g - p * g, "sum_missing"),
        (lambda p, _, g: g - p * g.sum(axis=0, keepdims=True), "sum_axis"),
        (lambda _, l, g: g - np.sum(g * l, axis=1, keepdims=True), "slope_wrong"),
    ],
)
def test_the_log_softmax_in_its_closed_form(wrong: Any, code: str) -> None:
    z, T = tensor("z", 5, 4), r.standard_normal((5, 4))
    l = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    l.name = "l"
    dl = 2 * (l.data - T)
    entry = found(np.sum((l - T) ** 2), {"dl": dl, "dz": wrong(np.exp(l.data), l.data, dl)}, "dz")
    assert code in entry.diagnosis.codes
    assert "softmax" in entry.diagnosis.sentence


@pytest.mark.parametrize("guard", [1e-15, 1e-12, 1e-8])
def test_a_guard_that_formulas_leave_out_makes_nothing_wrong(guard: float) -> None:
    z, P = tensor("z", 6, 4), r.dirichlet(np.ones(4), 6)
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    Q = e / np.sum(e, axis=1, keepdims=True)
    Q.name = "Q"
    J = np.sum(P * (np.log(P) - np.log(Q + guard)))
    assert tg.check.compare(J, {"dQ": -P / Q.data, "dz": Q.data - P}).ok
    assert not tg.check.compare(J, {"dQ": -P / Q.data * (1 + 1e-6), "dz": Q.data - P}).ok


def test_one_number_of_J_in_the_place_of_another() -> None:
    w, v = tensor("w", 4), tensor("v", 4)
    J = 0.3 * np.sum(np.sin(w)) + 0.07 * np.sum(np.exp(v))
    entry = found(J, {"dw": 0.07 * np.cos(w.data)}, "dw")
    assert "0.07 stands where 0.3 belongs" in entry.diagnosis.sentence


def test_without_any_data_there_is_no_penalty() -> None:
    x, w = tensor("x", 5), tensor("w", 5)
    y = np.exp(x) * w
    q = y**2 + 1
    for name, t in {"y": y, "q": q}.items():
        t.name = name
    J = np.sum(np.log(q) * y) + np.sum(2 * y)
    dq = y.data / q.data
    entry = found(J, {"dq": dq, "dy": np.log(q.data) + 2 + 2 * (dq * 2 * y.data)}, "dy")
    assert entry.diagnosis.codes[0] == "term_doubled"
