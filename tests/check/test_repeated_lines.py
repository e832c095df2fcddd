"""Mistakes in lines that run again and again, in what is picked, in slopes of functions without a name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tinygrad_edu as tg

Array = NDArray[Any]


def arrays(seed: int, *shapes: tuple[int, ...]) -> list[Array]:
    r = np.random.default_rng(seed)
    return [r.standard_normal(shape) for shape in shapes]


def named(found: tg.check.Entry, code: str, words: str) -> None:
    assert not found.ok
    assert code in found.diagnosis.codes, found.diagnosis
    assert words in found.diagnosis.sentence, found.diagnosis


def euler(steps: int = 3) -> tuple[tg.Tensor, list[Array], Array, list[Array]]:
    """J of a state that takes small steps, the states, W, and the right gradients of the states."""
    h0, target, matrix = arrays(1, (5,), (5,), (5, 5))
    W, h = tg.Tensor(matrix, name="W"), tg.Tensor(h0, name="h0")
    states = [h]
    for k in range(steps):
        h = h + 0.1 * np.tanh(W @ h)
        h.name = f"h{k + 1}"
        states.append(h)
    J = 0.5 * np.sum((h - target) ** 2)
    return J, [s.data for s in states], W.data, list(tg.grad(J, states))


@pytest.mark.parametrize(("which", "words"), [(1, "one step on"), (0, "the first of the sequence")])
def test_the_wrong_state_in_every_pass(which: int, words: str) -> None:
    J, h, W, dh = euler()
    slopes = [0.1 * dh[k + 1] * (1 - np.tanh(W @ h[k]) ** 2) for k in range(3)]
    dW = sum(np.outer(d, h[k + 1] if which else h[0]) for k, d in enumerate(slopes))
    given = {f"dh{k}": d for k, d in enumerate(dh)}
    named(tg.check.compare(J, {**given, "dW": dW})["dW"], "wrong_layer", words)


def test_a_state_before_the_first_is_nothing() -> None:
    xs, Wh, Wx, target = arrays(2, (4, 3), (5, 5), (3, 5), (5,))
    U, h, states = tg.Tensor(Wh, name="U"), np.zeros(5), []
    for k, x in enumerate(xs):
        h = np.tanh(x @ Wx + h @ U)
        h.name = f"h{k}"
        states.append(h)
    J = sum(np.sum(s * target) ** 2 for s in states)
    dh, v = tg.grad(J, states), [s.data for s in states]
    # one state too far back: h[k - 2] where h[k - 1] belongs
    dU = sum(np.outer(v[k - 2], dh[k] * (1 - v[k] ** 2)) for k in (2, 3))
    given = {f"dh{k}": d for k, d in enumerate(dh)}
    named(tg.check.compare(J, {**given, "dU": dU})["dU"], "wrong_layer", "one step back")


def cell() -> tuple[tg.Tensor, tg.Tensor, Any]:
    """J of a cell with a gate over three steps, its only parameter, and its backward pass."""
    (xs, matrix, G) = arrays(3, (3, 4, 2), (5, 6), (3, 4, 3))
    W = tg.Tensor(matrix, name="W")
    c, J = np.zeros((4, 3)), 0.0
    for k in range(3):
        a = np.concatenate([xs[k], np.ones((4, 1)), xs[k] ** 2], axis=1) @ W
        f, g = 1 / (1 + np.exp(-a[:, :3])), np.tanh(a[:, 3:])
        c = f * c + g
        J = J + np.sum(np.tanh(c) * G[k])

    def backward(lost: str = "") -> Array:
        cs, kept = [np.zeros((4, 3))], []
        for k in range(3):
            x = np.concatenate([xs[k], np.ones((4, 1)), xs[k] ** 2], axis=1)
            a = x @ W.data
            f, g = 1 / (1 + np.exp(-a[:, :3])), np.tanh(a[:, 3:])
            kept.append((x, f, g))
            cs.append(f * cs[-1] + g)
        dW, dc = np.zeros_like(W.data), np.zeros((4, 3))
        for k in reversed(range(3)):
            x, f, g = kept[k]
            dc = G[k] * (1 - np.tanh(cs[k + 1]) ** 2) + (0 if lost == "cell" else dc)
            df = dc * cs[k] * (1 if lost == "gate" else f * (1 - f))
            dW += x.T @ np.hstack([df, dc * (1 - g**2)])
            dc = dc * f
        return dW

    return J, W, backward


@pytest.mark.parametrize(("lost", "code"), [("cell", "term_missing"), ("gate", "slope_missing")])
def test_a_path_and_a_gate_of_every_step_without_any_gradient_between(lost: str, code: str) -> None:
    J, W, backward = cell()
    assert tg.check.compare(J, {W: backward()}).ok
    named(tg.check.compare(J, {W: backward(lost)})["dW"], code, "each step")


def recurrent(mistake: str, steps: int = 30) -> tuple[tg.Tensor, dict[str, Array]]:
    """J of a recurrent net of many steps, and a backward pass by hand with a mistake."""
    m, n = 4, 5
    X, wx, wh, t = arrays(4, (steps, m, 3), (3, n), (n, n), (m, n))
    Wx, Wh, h, values = tg.Tensor(wx, name="Wx"), tg.Tensor(wh / n, name="Wh"), np.zeros((m, n)), []
    for x in X:
        h = np.tanh(x @ Wx + h @ Wh)
        values.append(h.data)
    J = np.sum((h - t) ** 2) / m
    given = {"dWx": np.zeros((3, n)), "dWh": np.zeros((n, n))}
    dh = 2 * (values[-1] - t) / m
    for k in reversed(range(steps)):
        dz = dh if mistake == "slopes" else dh * (1 - values[k] ** 2)
        if mistake == "slope of the last step" and k == steps - 1:
            dz = dh
        given["dWx"] += X[k].T @ dz
        given["dWh"] += values[k - 1].T @ dz if k else 0
        dh = dz @ Wh.data.T
    return J, given


@pytest.mark.parametrize("mistake", ["slopes", "slope of the last step"])
def test_many_steps_and_only_the_parameters(mistake: str) -> None:
    J, given = recurrent(mistake)
    for found in tg.check.compare(J, given):
        named(found, "slope_missing", "the slope of")


def test_many_steps_right() -> None:
    J, given = recurrent("")
    assert tg.check.compare(J, given).ok


def test_windows_put_back_without_their_stride() -> None:
    image, kernel, goal = arrays(5, (2, 7), (3,), (2, 3))
    x = tg.Tensor(image, name="x")
    out = np.stack([x[:, 2 * i : 2 * i + 3] @ kernel for i in range(3)], axis=1)
    J = np.sum((out - goal) ** 2)
    d, dx = 2 * (out.data - goal), np.zeros((2, 7))
    for i in range(3):
        dx[:, i : i + 3] += np.outer(d[:, i], kernel)
    named(tg.check.compare(J, {"dx": dx})["dx"], "wrong_layer", "stride")


@pytest.mark.parametrize("mean", [False, True])
def test_the_masks_of_overlapping_windows(mean: bool) -> None:
    (image, w) = arrays(6, (3, 7), (3,))
    x = tg.Tensor(image, name="x")
    p = np.stack([np.max(x[:, 2 * i : 2 * i + 3], axis=1) for i in range(3)], axis=1)
    p.name = "p"
    J = np.sum((p * w) ** 2)
    (dp,), dx = tg.grad(J, [p]), np.zeros((3, 7))
    for i in range(3):
        dx[:, 2 * i : 2 * i + 3] += dp[:, i : i + 1] / (3 if mean else 1)
    named(tg.check.compare(J, {"dp": dp, "dx": dx})["dx"], "dropout_mask_missing", "mask")


def test_another_half_of_what_was_put_together() -> None:
    X, A, B, C = arrays(7, (6, 4), (4, 3), (4, 3), (6, 2))
    Wa, Wb, O = (tg.Tensor(a, name=n) for a, n in ((A, "Wa"), (B, "Wb"), (arrays(8, (6, 2))[0], "O")))
    c = np.concatenate([np.tanh(X @ Wa), np.tanh(X @ Wb)], axis=1)
    c.name = "c"
    J = np.sum((c @ O - C) ** 2)
    (dc,) = tg.grad(J, [c])
    dWa = X.T @ (dc[:, 3:] * (1 - np.tanh(X @ A) ** 2))
    named(tg.check.compare(J, {"dc": dc, "dWa": dWa})["dWa"], "wrong_layer", "another slice")


def chosen() -> tuple[tg.Tensor, Array, Array, Array]:
    """J of the values of chosen actions; the values, the choice, and the gradient of the chosen."""
    X, W, target = arrays(9, (8, 3), (3, 4), (8,))
    a = np.array([3, 1, 0, 2, 2, 0, 1, 3])
    Q = X @ tg.Tensor(W, name="W")
    Q.name = "Q"
    J = np.mean((Q[np.arange(8), a] - target) ** 2)
    return J, Q.data, a, 2 * (Q.data[np.arange(8), a] - target) / 8


def test_the_gradient_of_what_was_picked_is_given_to_all() -> None:
    J, _, _, e = chosen()
    report = tg.check.compare(J, {"dQ": np.repeat(e[:, None], 4, axis=1)})
    named(report["dQ"], "chain_factor_missing", "every entry along axis 1")


def test_the_gradient_of_what_was_picked_is_given_to_the_largest() -> None:
    J, Q, _, e = chosen()
    dQ = np.zeros_like(Q)
    dQ[np.arange(8), Q.argmax(1)] = e
    named(tg.check.compare(J, {"dQ": dQ})["dQ"], "labels_swapped", "the largest entry")


def test_added_up_by_the_index_of_the_other_table() -> None:
    U, V, r = arrays(10, (5, 3), (5, 3), (7,))
    u, i = np.array([0, 1, 2, 2, 3, 4, 1]), np.array([4, 1, 0, 3, 4, 2, 0])
    P, Q = tg.Tensor(U, name="P"), tg.Tensor(V, name="Q")
    e = np.sum(P[u] * Q[i], axis=1) - r
    e.name = "e"
    J = np.sum(e**2)
    dP = np.zeros_like(U)
    np.add.at(dP, i, 2 * e.data[:, None] * V[i])
    named(tg.check.compare(J, {"de": 2 * e.data, "dP": dP})["dP"], "wrong_layer", "another index")


def test_a_slope_without_a_name_at_another_point() -> None:
    X, A, B, Y = arrays(11, (7, 5), (5, 5), (5, 5), (7, 5))
    W1, W2 = tg.Tensor(A, name="W1"), tg.Tensor(B, name="W2")

    def leaky(z: Any) -> Any:
        return np.where(z > 0, z, 0.2 * z)

    z1 = X @ W1
    a1 = leaky(z1)
    z2 = a1 @ W2
    a2 = leaky(z2)
    for value, name in ((z1, "z1"), (a1, "a1"), (z2, "z2"), (a2, "a2")):
        value.name = name
    J = np.sum((a2 - Y) ** 2)
    da2, dz2, da1 = tg.grad(J, [a2, z2, a1])
    dz1 = da1 * np.where(z2.data > 0, 1, 0.2)
    report = tg.check.compare(J, {"da2": da2, "dz2": dz2, "da1": da1, "dz1": dz1})
    named(report["dz1"], "wrong_layer", "z2 instead of z1")


def test_the_slope_of_the_other_label() -> None:
    s = tg.Tensor(0.7, name="s")
    J = np.log(1 + np.exp(-s))
    named(
        tg.check.compare(J, {"ds": 1 / (1 + np.exp(-0.7))})["ds"], "labels_swapped", "as for the other label"
    )


def test_the_bias_among_the_weights_is_penalised_too() -> None:
    X, y, theta = arrays(12, (9, 4), (9,), (4,))
    t = tg.Tensor(theta, name="theta")
    J = np.mean((X @ t - y) ** 2) + 0.3 * np.sum(t[1:] ** 2)
    wrong = 2 * X.T @ (X @ theta - y) / 9 + 0.6 * theta
    named(tg.check.compare(J, {"dtheta": wrong})["dtheta"], "regularisation_extra", "leaves some entries out")


def test_the_last_example_alone_in_a_contraction() -> None:
    x, w, goal = arrays(13, (3, 2, 8), (4, 2), (3, 4, 8))
    W = tg.Tensor(w, name="W")
    J = np.sum((np.einsum("ncl,fc->nfl", x, W) - goal) ** 2)
    d = 2 * (np.einsum("ncl,fc->nfl", x, w) - goal)
    dW = np.einsum("fl,cl->fc", d[-1], x[-1])
    named(tg.check.compare(J, {"dW": dW})["dW"], "last_example_only", "only the last")


def test_a_number_that_may_be_m_or_a_scale_of_j_is_said_to_be_both() -> None:
    X, W, goal = arrays(14, (2, 4), (4, 4), (2, 4))
    z = X @ tg.Tensor(W, name="W")
    z.name = "z"
    J = np.sum((z / 2 - goal) ** 2) / 2
    dz = (z.data / 2 - goal) / 4
    diagnosis = tg.check.compare(J, {"dz": dz}, convention="exact")["dz"].diagnosis
    assert {"factor_m_doubled", "constant_factor"} <= set(diagnosis.codes)


def test_the_entries_of_the_heads_in_another_order() -> None:
    X, A, B, goal = arrays(15, (4, 6), (6, 6), (6, 6), (4, 6))
    Wv, Wo = tg.Tensor(A, name="Wv"), tg.Tensor(B, name="Wo")
    heads = (X @ Wv).reshape(4, 2, 3).transpose(1, 0, 2)
    together = np.tanh(heads).transpose(1, 0, 2).reshape(4, 6)
    out = together @ Wo
    out.name = "out"
    J = np.sum((out - goal) ** 2)
    dout = 2 * (out.data - goal)
    dWo = np.tanh(heads.data).reshape(4, 6).T @ dout
    named(tg.check.compare(J, {"dout": dout, "dWo": dWo})["dWo"], "transpose", "another order")


def test_two_heads_taken_for_each_other() -> None:
    X, A, B, C = arrays(16, (6, 4), (4, 5), (5, 2), (5, 2))
    Wa, Wb = tg.Tensor(B, name="Wa"), tg.Tensor(C, name="Wb")
    h = np.tanh(X @ tg.Tensor(A, name="W"))
    h.name = "h"
    P, Q = h @ Wa, h @ Wb
    P.name, Q.name = "P", "Q"
    J = np.sum(P**2) + np.sum(np.exp(Q))
    dP, dQ = tg.grad(J, [P, Q])
    report = tg.check.compare(J, {"dP": dP, "dQ": dQ, "dh": dP @ C.T + dQ @ B.T})
    named(report["dh"], "wrong_layer", "are exchanged")


def test_the_gradient_of_one_row_is_given_to_every_row() -> None:
    table, w = arrays(17, (6, 3), (3,))
    E = tg.Tensor(table, name="E")
    v = E[2]
    v.name = "v"
    J = np.sum(np.exp(v * w))
    (dv,) = tg.grad(J, [v])
    report = tg.check.compare(J, {"dv": dv, "dE": np.tile(dv, (6, 1))})
    named(report["dE"], "chain_factor_missing", "every row")
