"""Mistakes in one addend, in one part of what is added up, and in each pass of a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.small_graphs import Case, judged, named, r, tensor, the_same_numbers_in_any_order

pytestmark = pytest.mark.usefixtures(the_same_numbers_in_any_order.__name__)


def factor_in_one_addend() -> Case:
    s, y, w = tensor("s", 6, 4), r.integers(0, 4, 6), r.random(6) + 0.5
    e = np.exp(s - np.max(s, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    J = np.sum(-w * np.log(p[np.arange(6), y]))
    return J, {"ds": p.data * w[:, None] - np.eye(4)[y]}, "ds", "chain_factor_missing", "missing"


def hinge_without_its_mask() -> Case:
    d = tensor("d", 7)
    return np.sum(np.maximum(0, 1 - d) ** 2), {"dd": -2 * (1 - d.data)}, "dd", "slope_missing", "as if"


def cumulative_sum_from_the_wrong_end() -> Case:
    x = tensor("x", 3, 5)
    c = named("c", np.cumsum(x, axis=1))
    dc = 2 * c.data
    return np.sum(c**2), {"dc": dc, "dx": np.cumsum(dc, axis=1)}, "dx", "inner_transpose", "direction"


def one_of_the_pixels_that_were_repeated() -> Case:
    x = tensor("x", 2, 3)
    h = named("h", np.repeat(np.repeat(x, 2, axis=0), 2, axis=1))
    R = r.standard_normal((4, 6))
    dh = 2 * h.data * R
    return np.sum(h**2 * R), {"dh": dh, "dx": dh[::2, ::2]}, "dx", "last_example_only", "only the first"


def the_first_piece_for_the_largest() -> Case:
    z = tensor("z", 5, 3)
    h = named("h", np.max(z, axis=1))
    dh = 2 * h.data
    wrong = np.zeros((5, 3))
    wrong[:, 0] = dh
    return np.sum(h**2), {"dh": dh, "dz": wrong}, "dz", "wrong_layer", "index 0"


def the_output_in_every_window() -> Case:
    x, w = tensor("x", 2, 7), tensor("w", 3)
    y = named("y", sum(w[k] * x[:, k : k + 5] for k in range(3)))
    T = r.standard_normal((2, 5))
    dy = y.data - T
    dw = np.array([np.sum(y.data * x.data[:, k : k + 5]) for k in range(3)])
    return np.sum((y - T) ** 2) / 2, {"dy": dy, "dw": dw}, "dw", "wrong_layer", "y stands where dy"


def windows_read_side_by_side() -> Case:
    x, w = r.standard_normal((2, 9)), tensor("w", 3)
    x_ = tg.Tensor(x, name="x")
    y = named("y", np.stack([np.sum(x_[:, 2 * k : 2 * k + 3] * w, axis=1) for k in range(4)], axis=1))
    dy = 2 * y.data
    dw = sum((dy[:, [k]] * x[:, k : k + 3]).sum(axis=0) for k in range(4))
    return np.sum(y**2), {"dy": dy, "dw": dw}, "dw", "wrong_layer", "stride"


def one_of_those_above_the_margin() -> Case:
    s, y = tensor("s", 6, 5), r.integers(0, 5, 6)
    margins = np.maximum(0, s - s[np.arange(6), y].reshape(6, 1) + 3)
    ds = (margins.data > 0).astype(float)
    ds[np.arange(6), y] = -1
    return np.sum(margins), {"ds": ds}, "ds", "term_missing", "however many"


def a_gate_in_every_pass(of: str) -> Case:
    Wf, Wi, Wg = tensor("Wf", 3, 4), tensor("Wi", 3, 4), tensor("Wg", 3, 4)
    xs, T = r.standard_normal((3, 2, 3)), r.standard_normal((2, 4))
    c: Any = np.zeros((2, 4))
    for x in xs:
        f, i = (1 / (1 + np.exp(-(x @ W))) for W in (Wf, Wi))
        c = f * c + i * np.tanh(x @ Wg)
    kept, state = [], np.zeros((2, 4))
    for x in xs:
        f, i = (1 / (1 + np.exp(-(x @ W.data))) for W in (Wf, Wi))
        g = np.tanh(x @ Wg.data)
        kept.append((x, f, i, g, state))
        state = f * state + i * g
    dc, dWf, dWi = state - T, np.zeros((3, 4)), np.zeros((3, 4))
    for x, f, i, g, before in reversed(kept):
        slope = f * (1 - f) if of == "slope" else i * (1 - i)
        dWi += x.T @ (dc * (f if of == "value" else g) * slope)
        dWf += x.T @ (dc * before * f * (1 - f))
        dc = dc * f
    return np.sum((c - T) ** 2) / 2, {"dWf": dWf, "dWi": dWi}, "dWi", "wrong_layer", "Wf"


def a_skip_that_joins_before_the_norm() -> Case:
    x, W, T = tensor("x", 4, 5), tensor("W", 5, 5), r.standard_normal((4, 5))
    s = np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    n = named("n", x / s)
    out = named("out", x + np.maximum(n @ W, 0))
    dout = out.data - T
    dn = dout * (n.data @ W.data > 0) @ W.data.T
    g = dout + dn
    dx = g / s.data - x.data * np.mean(g * x.data, axis=1, keepdims=True) / s.data**3
    return (
        np.sum((out - T) ** 2) / 2,
        {"dout": dout, "dn": dn, "dx": dx},
        "dx",
        "wrong_layer",
        "dout is added to dn",
    )


def windows_of_maxima_assigned() -> Case:
    values, T = r.standard_normal((2, 7)), r.standard_normal((2, 3))
    values[[0, 1], [2, 0]] += 5  # in the first row the largest of two windows, which overlap there
    a = tg.Tensor(values, name="a")
    p = named("p", np.stack([np.max(a[:, 2 * k : 2 * k + 3], axis=1) for k in range(3)], axis=1))
    dp, da = 2 * (p.data - T), np.zeros((2, 7))
    for k in range(3):
        window = a.data[:, 2 * k : 2 * k + 3]
        da[:, 2 * k : 2 * k + 3] = (window == window.max(axis=1, keepdims=True)) * dp[:, [k]]
    return np.sum((p - T) ** 2), {"dp": dp, "da": da}, "da", "term_missing", "assigned one over the other"


def padding_cut_off_at_one_end() -> Case:
    x, w = tensor("x", 2, 4, 4), r.standard_normal((2, 6, 6))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    d = 2 * padded.data * w**2 + w
    J = np.sum((padded * w) ** 2) + np.sum(padded * w)
    return J, {"dx": d[:, :-2, :-2]}, "dx", "wrong_layer", "another slice"


def the_first_channel_for_all() -> Case:
    x, w, T = tensor("x", 3, 4), tensor("w", 5, 4), r.standard_normal((3, 5, 4))
    y = named("y", x[:, None, :] * w)
    dy = 2 * (y.data - T)
    dw = np.sum(dy[:, :, [0]] * x.data[:, None, :], axis=0)
    return np.sum((y - T) ** 2), {"dy": dy, "dw": dw}, "dw", "wrong_layer", "stand for all"


def the_epsilon_outside_of_the_root() -> Case:
    x, T = tensor("x", 6, 3), r.standard_normal((6, 3))
    v = np.mean(x**2, axis=0)
    n = named("n", x / np.sqrt(v + 0.1))
    dn = 2 * (n.data - T)
    s, wrong = np.sqrt(v.data + 0.1), np.sqrt(v.data) + 0.1
    dx = (dn - n.data * np.mean(dn * n.data, axis=0)) / wrong
    assert not np.allclose(s, wrong)
    return np.sum((n - T) ** 2), {"dn": dn, "dx": dx}, "dx", "slope_wrong", "+ 0.1 are taken for each other"


def a_loop(wrong: str) -> Case:
    W, U, xs = tensor("W", 3, 4), tensor("U", 4, 4), r.standard_normal((4, 2, 3))
    h0, T = r.standard_normal((2, 4)), r.standard_normal((2, 4))
    states: list[Any] = [h0]
    for k in range(4):
        states.append(np.tanh(xs[k] @ W + states[-1] @ U))
    J = np.sum((states[-1] - T) ** 2)
    h = [h0, *(s.data for s in states[1:])]
    dh, dW = 2 * (h[-1] - T), np.zeros((3, 4))
    for k in reversed(range(4)):
        dz = dh * (1 - h[k if wrong == "slope" else k + 1] ** 2)
        dW += xs[3 - k if wrong == "order" else k].T @ dz
        dh = dz @ U.data.T
    word = {"slope": "the pass before", "order": "reverse order"}[wrong]
    return J, {"dW": dW}, "dW", "wrong_layer", word


def cases() -> Iterator[Any]:
    for case in (
        factor_in_one_addend,
        hinge_without_its_mask,
        cumulative_sum_from_the_wrong_end,
        one_of_the_pixels_that_were_repeated,
        the_first_piece_for_the_largest,
        the_output_in_every_window,
        windows_read_side_by_side,
        one_of_those_above_the_margin,
        a_skip_that_joins_before_the_norm,
        windows_of_maxima_assigned,
        padding_cut_off_at_one_end,
        the_first_channel_for_all,
        the_epsilon_outside_of_the_root,
    ):
        yield pytest.param(case, id=case.__name__)
    for of in ("slope", "value"):
        yield pytest.param(lambda of=of: a_gate_in_every_pass(of), id=f"a_gate_in_every_pass_{of}")
    for wrong in ("slope", "order"):
        yield pytest.param(lambda wrong=wrong: a_loop(wrong), id=f"a_loop_{wrong}")


@pytest.mark.parametrize("case", [*cases()])
def test_it_is_named(case: Any) -> None:
    judged(case())


def test_zeros_here_and_there_are_no_loop_that_stops_early() -> None:
    z = tensor("z", 6, 7)
    a = named("a", np.maximum(z, 0))
    dz = 2 * a.data * (r.random((6, 7)) > 0.4)
    found = tg.check.compare(np.sum(a**2), {"dz": dz})["dz"].diagnosis
    assert "another mask" in found.text
    assert "never filled in" not in found.sentence


def test_a_gradient_of_zeros_stands_for_nothing() -> None:
    c0, T = np.zeros((2, 3)), r.standard_normal((2, 3))
    f, g = tensor("f", 2, 3), tensor("g", 2, 3)
    c1 = named("c1", f * c0 + g)
    c2 = named("c2", c1 * f * f)
    J = np.sum((c2 - T) ** 2) + np.sum(c1**3)
    dc2 = 2 * (c2.data - T)
    found = tg.check.compare(J, {"dc2": dc2, "df": dc2 * 0 * c0, "dc1": 3 * c1.data**2})["dc1"].diagnosis
    assert "term_missing" in found.codes
    assert "stands where" not in found.sentence
