"""Mistakes that a loop repeats in each of its passes, those of numbers, and those of J's own terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tinygrad_edu as tg

Array = NDArray[Any]
T, D, H = 4, 3, 5


def recurrent() -> tuple[tg.Tensor, list[Array], list[Array], dict[str, Array]]:
    """J, the inputs, the states (the first is zero), and the right gradients of the states."""
    r = np.random.default_rng(4)
    xs = [r.standard_normal((D, 1)) for _ in range(T)]
    Wx, Wh = (tg.Tensor(0.6 * r.standard_normal(s), name=n) for n, s in (("Wx", (H, D)), ("Wh", (H, H))))
    h: Any = np.zeros((H, 1))
    states, target = [], r.standard_normal((H, 1))
    for x in xs:
        h = np.tanh(Wx @ x + Wh @ h)
        h.name = f"h{len(states) + 1}"
        states.append(h)
    J = sum((np.sum(h * target) for h in states), np.sum(states[-1] ** 2))
    dh = dict(zip([f"dh{k + 1}" for k in range(T)], tg.grad(J, states), strict=True))
    return J, xs, [np.zeros((H, 1)), *(s.data for s in states)], dh


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (lambda dh, h, before, x: dh @ x.T, "slope_missing"),
        (lambda dh, h, before, x: (dh * (1 - h)) @ x.T, "slope_wrong"),
        (lambda dh, h, before, x: (dh * h) @ x.T, "activation_for_slope"),
        (lambda dh, h, before, x: (dh * (1 - h**2) ** 2) @ x.T, "slope_extra"),
    ],
)
def test_a_slope_that_is_wrong_in_every_pass(line: Any, code: str) -> None:
    J, xs, hs, dh = recurrent()
    dWx = sum(line(dh[f"dh{k + 1}"], hs[k + 1], hs[k], xs[k]) for k in range(T))
    report = tg.check.compare(J, {**dh, "dWx": dWx})
    assert not report["dWx"].ok
    assert code in report["dWx"].diagnosis.codes
    assert "each step" in report["dWx"].diagnosis.text


def test_the_state_of_the_same_step_for_the_one_before() -> None:
    J, _, hs, dh = recurrent()
    dWh = sum((dh[f"dh{k + 1}"] * (1 - hs[k + 1] ** 2)) @ hs[k + 1].T for k in range(T))
    diagnosis = tg.check.compare(J, {**dh, "dWh": dWh})["dWh"].diagnosis
    assert "wrong_layer" in diagnosis.codes
    assert "one step on" in diagnosis.sentence


@pytest.mark.parametrize("slope", [True, False])
def test_the_slope_of_a_cell_is_told_from_those_of_its_gates(slope: bool) -> None:
    r = np.random.default_rng(6)
    W = {gate: tg.Tensor(0.4 * r.standard_normal((D + H, H)), name=f"W{gate}") for gate in "fiog"}
    b = {gate: tg.Tensor(np.zeros(H), name=f"b{gate}") for gate in "fiog"}
    c: Any = np.zeros((2, H))
    h, target, J, kept = c, r.standard_normal((T, 2, H)), 0.0, []
    for t in range(T):
        x = np.concatenate([h, r.standard_normal((2, D))], axis=1)
        f, i, o = (1 / (1 + np.exp(-(x @ W[k] + b[k]))) for k in "fio")
        g, before = np.tanh(x @ W["g"] + b["g"]), c
        c = f * c + i * g
        h = o * np.tanh(c)
        J = J + np.sum(h * target[t])
        kept.append([np.array(a.data if isinstance(a, tg.Tensor) else a) for a in (f, i, o, g, before, c)])
    w = {gate: each.data[:H].T for gate, each in W.items()}
    dh, dc, dbf = np.zeros((2, H)), np.zeros((2, H)), np.zeros(H)
    for t, (f, i, o, g, before, c) in reversed(list(enumerate(kept))):
        dh = dh + target[t]
        dc = dc + dh * o * (1 - np.tanh(c) ** 2 if slope else 1)
        df, di, dg = dc * before * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g**2)
        do = dh * np.tanh(c) * o * (1 - o)
        dbf += df.sum(axis=0)
        dh, dc = df @ w["f"] + di @ w["i"] + do @ w["o"] + dg @ w["g"], dc * f
    found = tg.check.compare(J, {"dbf": dbf})["dbf"]
    assert found.ok == slope
    assert slope or "slope_missing" in found.diagnosis.codes, found.diagnosis


def test_paths_and_slopes_of_numbers() -> None:
    w, b = tg.Tensor(-0.6, name="w"), tg.Tensor(0.35, name="b")
    n = 1.3 * w + b
    o = np.tanh(n)
    n.name, o.name = "n", "o"
    J = o * o + o * w
    do, lost = 2 * o.item() + w.item(), 2 * o.item()
    right = do * (1 - o.item() ** 2)
    assert "term_missing" in tg.check.compare(J, {"do": lost})["do"].diagnosis.codes
    wrong = tg.check.compare(J, {"do": do, "dn": do * o.item()})["dn"].diagnosis
    assert "activation_for_slope" in wrong.codes
    assert (
        "term_missing"
        in tg.check.compare(J, {"do": do, "dn": right, "dw": 1.3 * right})["dw"].diagnosis.codes
    )


def test_a_term_of_the_cost_that_is_left_out() -> None:
    r = np.random.default_rng(1)
    S, W = r.standard_normal((7, 4)), tg.Tensor(r.standard_normal((4, 3)), name="W")
    act = r.integers(0, 3, 7)
    logits = S @ W
    logits.name = "logits"
    e = np.exp(logits)
    p = e / e.sum(axis=1, keepdims=True)
    J = -np.mean(np.log(p)[np.arange(7), act]) + 0.05 * np.mean(np.sum(p * np.log(p), axis=1))
    d = p.data.copy()
    d[np.arange(7), act] -= 1
    assert "term_missing" in tg.check.compare(J, {"dlogits": d / 7})["dlogits"].diagnosis.codes


def test_only_what_no_data_enters_is_a_penalty() -> None:
    """The gradient of a log variance has a constant term, which is none."""
    r = np.random.default_rng(2)
    h, Y = tg.Tensor(r.standard_normal((8, 3)), name="h"), r.standard_normal((8, 2))
    s = h @ r.standard_normal((3, 2))
    s.name = "s"
    J = 0.5 * np.sum(s + Y**2 / np.exp(s)) / 8
    twice = (1 - 0.5 * Y**2 / np.exp(s.data)) / 8
    codes = tg.check.compare(J, {"ds": twice})["ds"].diagnosis.codes
    assert "term_doubled" in codes
    assert not any(code.startswith("regularisation") for code in codes)


def test_another_slope_of_a_function_with_two_branches() -> None:
    r = np.random.default_rng(3)
    z = tg.Tensor(r.standard_normal((6, 4)), name="z")
    a = np.where(z > 0, z, 0.1 * z)
    a.name = "a"
    J = np.sum(a**2)
    codes = tg.check.compare(J, {"da": 2 * a.data, "dz": 2 * a.data * (z.data > 0)})["dz"].diagnosis.codes
    assert {"slope_wrong", "slope_wrong_activation"} & set(codes)


def test_a_reshape_where_a_transpose_belongs() -> None:
    r = np.random.default_rng(5)
    x, W = r.standard_normal((7, 5)), tg.Tensor(r.standard_normal((5, 3)), name="W")
    J = np.sum((x @ W) ** 2)
    d = 2 * (x @ W.data)
    diagnosis = tg.check.compare(J, {"dW": (d.T @ x).reshape(5, 3)})["dW"].diagnosis
    assert "transpose" in diagnosis.codes
    assert "reshape" in diagnosis.text


def test_the_scale_of_dropout_taken_twice() -> None:
    r = np.random.default_rng(6)
    a, D = tg.Tensor(r.standard_normal((5, 8)), name="a"), (r.random((5, 8)) < 0.8) * 1.0
    J = np.sum((a * D / 0.8) ** 3)
    right = 3 * (a.data * D / 0.8) ** 2 * D / 0.8
    assert "dropout_scale" in tg.check.compare(J, {"da": right / 0.8})["da"].diagnosis.codes


def test_the_mask_of_a_maximum_that_is_left_out() -> None:
    x = tg.Tensor(np.random.default_rng(7).standard_normal((5, 4)), name="x")
    p = x.max(axis=1)
    p.name = "p"
    J = np.sum(p**2)
    wide = np.broadcast_to(2 * p.data[:, None], (5, 4))
    diagnosis = tg.check.compare(J, {"dp": 2 * p.data, "dx": wide})["dx"].diagnosis
    assert "slope_missing" in diagnosis.codes
    assert "mask" in diagnosis.text


def test_slices_of_a_result_in_another_order() -> None:
    r = np.random.default_rng(8)
    W = tg.Tensor(r.standard_normal((4, 6)), name="W")
    J = np.sum(np.tanh(r.standard_normal((5, 4)) @ W))
    right = tg.grad(J, [W])[0]
    for wrong, told in ((right[:, ::-1], "reversed"), (np.roll(right, 1, 1), "shifted by 1")):
        diagnosis = tg.check.compare(J, {"dW": wrong})["dW"].diagnosis
        assert "wrong_layer" in diagnosis.codes
        assert told in diagnosis.sentence


def test_labels_that_are_swapped_under_a_weight() -> None:
    r = np.random.default_rng(9)
    z, Y = tg.Tensor(r.standard_normal((7, 3)), name="z"), (r.random((7, 3)) > 0.5) * 1.0
    weight = np.array([1.0, 2.0, 0.5])
    p = tg.sigmoid(z)
    J = np.mean(-weight * (Y * np.log(p) + (1 - Y) * np.log(1 - p)))
    wrong = weight * (p.data - (1 - Y)) / 21
    assert "labels_swapped" in tg.check.compare(J, {"dz": wrong})["dz"].diagnosis.codes
