"""Forms that people write whole, over any axes, and addends that belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.small_graphs import Case, judged, named, r, tensor, the_same_numbers_in_any_order

pytestmark = pytest.mark.usefixtures(the_same_numbers_in_any_order.__name__)


def softmax(z: Any, axis: int) -> Any:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def means_over_the_examples_too() -> Case:
    x, T = tensor("x", 3, 2, 3, 3), r.standard_normal((3, 2, 3, 3))
    mean = np.mean(x, axis=(2, 3), keepdims=True)
    std = np.sqrt(np.mean((x - mean) ** 2, axis=(2, 3), keepdims=True) + 1e-5)
    n = named("n", (x - mean) / std)
    dn = n.data - T
    wrong = [a.mean(axis=(0, 2, 3), keepdims=True) for a in (dn, dn * n.data)]
    dx = (dn - wrong[0] - n.data * wrong[1]) / std.data
    return (
        np.sum((n - T) ** 2) / 2,
        {"dn": dn, "dx": dx},
        "dx",
        "sum_axis",
        "axes (0, 2, 3) instead",
    )


def sums_over_the_other_axis() -> Case:
    z, T, m = tensor("z", 4, 9), r.standard_normal((4, 9)), 9
    mean = np.mean(z, axis=1, keepdims=True)
    std = np.sqrt(np.mean((z - mean) ** 2, axis=1, keepdims=True))
    n = named("n", (z - mean) / std)
    dn = n.data - T
    sums = [a.sum(axis=0, keepdims=True) for a in (dn, dn * n.data)]
    dz = (m * dn - sums[0] - n.data * sums[1]) / (m * std.data)
    return np.sum((n - T) ** 2) / 2, {"dn": dn, "dz": dz}, "dz", "sum_axis", "axis 0 instead of axis 1"


def softmax_of_a_log_sum_exp() -> Case:
    M, c = tensor("M", 3, 4), r.standard_normal(4)
    a = named("a", np.log(np.sum(np.exp(M), axis=0)))
    dM = softmax(M.data, 1) * c
    return np.sum(c * a), {"da": c, "dM": dM}, "dM", "softmax_axis", "over axis 1 instead of axis 0"


def labels_on_the_diagonal() -> Case:
    s, n = tensor("s", 5, 5), np.arange(5)
    J = -np.mean(np.log(softmax(s, 1)[n, n]))
    return J, {"ds": (softmax(s.data, 0) - np.eye(5)) / 5}, "ds", "softmax_axis", "the wrong one"


def labels_without_what_all_have_in_common() -> Case:
    s, hot = tensor("s", 6, 4), 0.8 * np.eye(4)[r.integers(0, 4, 6)]
    Y = hot + 0.05
    J = -np.sum(Y * np.log(softmax(s, 1))) / 6
    return J, {"ds": (softmax(s.data, 1) - hot) / 6}, "ds", "term_missing", "in common, 0.05"


def labels_of_the_other_cost() -> Case:
    s, y = tensor("s", 6, 4), r.integers(0, 4, 6)
    q = softmax(r.standard_normal((6, 4)), 1)
    first = -np.mean(np.log(softmax(s, 1)[np.arange(6), y]))
    J = 0.3 * first - 2 * np.mean(np.sum(q * np.log(softmax(s / 3, 1)), axis=1))
    soft = 2 / 3 * (softmax(s.data / 3, 1) - q)
    ds = (0.3 * (softmax(s.data, 1) - q) + soft) / 6
    return J, {"ds": ds}, "ds", "labels_swapped", "stands where the one-hot label belongs"


def the_sign_of_a_cost_beside_a_given_gradient() -> Case:
    mu, l, e = tensor("mu", 5, 3), tensor("l", 5, 3), r.standard_normal((5, 3))
    z = named("z", mu + np.exp(0.5 * l) * e)
    J = (np.sum(z**3) - 0.5 * np.sum(1 + l - mu**2 - np.exp(l))) / 5
    dz = 3 * z.data**2 / 5
    dl = dz * e * 0.5 * np.exp(0.5 * l.data) + 0.5 * (1 - np.exp(l.data)) / 5
    return J, {"dz": dz, "dl": dl}, "dl", "sign_inside", "wrong sign"


def two_paths_that_one_line_loses() -> Case:
    E, A = tensor("E", 4), tensor("A", 3, 3)
    M = named("M", A * 2.0)
    J = np.sum(M**2) + np.sum(E**2) - A[0, 2] - A[2, 1]
    dM = 2 * M.data
    return J, {"dM": dM, "dA": 2 * dM}, "dA", "term_missing", "A[0, 2]"


def a_norm_that_one_addend_lacks() -> Case:
    u, w = tensor("u", 6), r.standard_normal(6)
    norm = named("norm", np.sqrt(np.sum(u**2)))
    c = named("c", np.sum(u * w) / norm)
    dc = 2 * c.data
    du = dc * (w / norm.data - c.data * u.data / norm.data)
    return c**2, {"dc": dc, "du": du}, "du", "chain_factor_missing", "the factor norm"


def windows_with_a_new_axis_put_without_their_stride() -> Case:
    x, w = tensor("x", 3, 2, 9), tensor("w", 2, 2, 3)
    T = r.standard_normal((3, 2, 4))
    windows = [np.sum(x[:, None, :, 2 * i : 2 * i + 3] * w[None], axis=(2, 3)) for i in range(4)]
    y = named("y", np.stack(windows, axis=2))
    dy, dx = y.data - T, np.zeros(x.shape)
    for i in range(4):
        dx[:, :, i : i + 3] += np.einsum("nf,fck->nck", dy[:, :, i], w.data)
    return np.sum((y - T) ** 2) / 2, {"dy": dy, "dx": dx}, "dx", "wrong_layer", "stride"


def summed_over_the_channels_too() -> Case:
    x, w = tensor("x", 3, 5, 2), tensor("w", 4, 2)
    y = named("y", sum(x[:, i : i + 2, :] * w[i] for i in range(4)))
    dy = 2 * y.data
    dw = [np.full(2, np.sum(dy * x.data[:, i : i + 2, :])) for i in range(4)]
    return np.sum(y**2), {"dy": dy, "dw": np.stack(dw)}, "dw", "sum_axis", "summed over axis 1"


CASES = (
    summed_over_the_channels_too,
    means_over_the_examples_too,
    sums_over_the_other_axis,
    softmax_of_a_log_sum_exp,
    labels_on_the_diagonal,
    labels_without_what_all_have_in_common,
    labels_of_the_other_cost,
    the_sign_of_a_cost_beside_a_given_gradient,
    two_paths_that_one_line_loses,
    a_norm_that_one_addend_lacks,
    windows_with_a_new_axis_put_without_their_stride,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_is_named(case: Any) -> None:
    judged(case())


def test_a_constant_everywhere_is_no_penalty() -> None:
    z = tensor("z", 5, 3)
    h = named("h", np.tanh(z))
    dh = 2 * h.data
    found = tg.check.compare(np.sum(h**2), {"dh": dh + 0.0123})["dh"].diagnosis
    assert "penalty" not in found.sentence


def test_noise_in_a_recurrent_net_of_fifty_steps_is_not_explained() -> None:
    Wa, Wx, Wy, m = tensor("Wa", 24, 24), tensor("Wx", 24, 8), tensor("Wy", 5, 24), 10
    a, J = np.zeros((24, m)), 0.0
    for _ in range(50):
        y = np.eye(5)[r.integers(0, 5, m)].T
        a = np.tanh(Wx @ r.standard_normal((8, m)) + Wa @ a / 5)
        J = J - np.sum(y * np.log(softmax(Wy @ a, 0))) / m
    found = tg.check.compare(J, {"dWa": r.standard_normal((24, 24))})["dWa"]
    assert found.diagnosis.codes == ("unknown",)
