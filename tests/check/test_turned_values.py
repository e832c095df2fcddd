"""Values in another order, functions that J has not, parts of closed forms, rows and lines put elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tinygrad_edu as tg
from tests.check.small_graphs import Case, judged, named, r, tensor, the_same_numbers_in_any_order
from tinygrad_edu.check.diagnosis.turns import turns

Array = NDArray[Any]
pytestmark = pytest.mark.usefixtures(the_same_numbers_in_any_order.__name__)
SHAPE = (4, 4, 3)
TURNS = list(turns(SHAPE, data=True))


@pytest.mark.parametrize("k", range(len(TURNS)))
@pytest.mark.parametrize("slices", [1, 2])
def test_a_turned_coefficient_is_told(k: int, slices: int) -> None:
    turn, w, X = TURNS[k], tensor("w", 3, 2), r.standard_normal((slices, *SHAPE))
    Z = named("Z", sum(x @ w for x in X))
    dZ = 3 * Z.data**2
    dw = sum(np.einsum("ijk,ijl->kl", turn.of(x), dZ) for x in X)
    told_of(turn, tg.check.compare(np.sum(Z**3), {"dZ": dZ, "dw": dw})["dw"])


@pytest.mark.parametrize("k", range(len(TURNS)))
def test_a_turned_gradient_is_told(k: int) -> None:
    turn, A, M = TURNS[k], tensor("A", *SHAPE), r.standard_normal((3, 3))
    Z = named("Z", A @ M)
    dZ = 2 * Z.data
    told_of(turn, tg.check.compare(np.sum(Z**2), {"dZ": dZ, "dA": turn.of(dZ) @ M.T})["dA"])


def told_of(turn: Any, entry: tg.check.Entry) -> None:
    assert entry.verdict == "wrong"
    assert set(turn.codes) & set(entry.diagnosis.codes), (turn.text, entry.diagnosis)


def rows_of_another_word() -> Case:
    E = tensor("E", 6, 3)
    x = named("x", E[2])
    dx = 3 * x.data**2
    wrong = np.zeros((6, 3))
    wrong[4] = dx
    return np.sum(x**3), {"dx": dx, "dE": wrong}, "dE", "wrong_layer", "[4] instead of [2]"


def sentences() -> tuple[tg.Tensor, Array, Array]:
    """J of some sentences, the numbers of their words, and the gradient of each word's row."""
    E, words = tensor("E", 5, 3), np.array([[1, 1, 2], [1, 0, 4], [3, 3, 3]])
    x = named("x", E[words])
    return np.sum(x**3), words, 3 * x.data**2


def words_that_repeat_in_a_sentence() -> Case:
    J, words, dx = sentences()
    wrong = np.zeros((5, 3))
    for row, part in zip(words, dx, strict=True):
        wrong[row] += part
    return J, {"dx": dx, "dE": wrong}, "dE", "last_example_only", "within one row"


def sentences_one_over_the_other() -> Case:
    J, words, dx = sentences()
    wrong = np.zeros((5, 3))
    for row, part in zip(words, dx, strict=True):
        added = np.zeros((5, 3))
        np.add.at(added, row, part)
        wrong[row] = added[row]
    return J, {"dx": dx, "dE": wrong}, "dE", "term_missing", "assigned over"


def sigmoid_in_the_slope_of_softplus() -> Case:
    z, w = tensor("z", 4, 5), r.random((4, 5)) + 0.5
    y = (r.random((4, 5)) > 0.5).astype(float)
    J = np.sum(w * y * np.log(1 + np.exp(-z)) + (1 - y) * np.log(1 + np.exp(z)))
    wrong = w * y * (z.data - 1) + (1 - y) * z.data
    return J, {"dz": wrong}, "dz", "z_for_a", "z stands where sigmoid(z) belongs"


def slope_that_is_in_the_formula_already() -> Case:
    z, y = tensor("z", 4, 5), (r.random((4, 5)) > 0.5).astype(float)
    p = 1 / (1 + np.exp(-z.data))
    J = np.sum(np.log(1 + np.exp(z)) - y * z + 0.1 * z**2)
    right = p - y + 0.2 * z.data
    return J, {"dz": right * p * (1 - p)}, "dz", "slope_extra", "once too often"


def slope_of_a_number() -> Case:
    a, b = tensor("a", 4), tensor("b", 4)
    J = -np.log(1 / (1 + np.exp(-np.dot(a, b))))
    s = 1 / (1 + np.exp(-(a.data @ b.data)))
    return J, {"da": -s * b.data}, "da", "slope_wrong", ""


def bend_at_the_gradient_above() -> Case:
    z, T = tensor("z", 4, 5), r.standard_normal((4, 5))
    a = named("a", np.maximum(0.1 * z, z))
    da = 2 * (a.data - T)
    return (
        np.sum((a - T) ** 2),
        {"da": da, "dz": da * np.where(da > 0, 1, 0.1)},
        "dz",
        "slope_on_gradient",
        "above",
    )


def normalised_beside_a_residual() -> Case:
    x, C = tensor("x", 5, 6), r.standard_normal((5, 6))
    mu = np.mean(x, axis=1, keepdims=True)
    n = named("n", (x - mu) / np.sqrt(np.mean((x - mu) ** 2, axis=1, keepdims=True)))
    J = np.sum(C * x**2) + np.sum(C * n**3)
    dn, s = 3 * C * n.data**2, x.data.std(axis=1, keepdims=True)
    both = n.data * np.mean(dn * n.data, axis=1, keepdims=True)
    wrong = 2 * C * x.data + (dn - dn.mean(axis=0) - both) / s
    return J, {"dn": dn, "dx": wrong}, "dx", "sum_axis", "the mean of dn is over axis 0"


def weights_of_examples_along_the_classes() -> Case:
    s, y, a = tensor("s", 4, 4), r.integers(0, 4, 4), r.standard_normal(4)
    logp = s - np.log(np.sum(np.exp(s), axis=1, keepdims=True))
    J = -np.sum(a * logp[np.arange(4), y]) + 0.3 * np.sum(s**2)
    p = np.exp(s.data) / np.exp(s.data).sum(1, keepdims=True)
    return J, {"ds": (p - np.eye(4)[y]) * a + 0.6 * s.data}, "ds", "sum_axis", "along the other axis"


def every_pair_of_examples() -> Case:
    X, y, w = r.standard_normal((7, 3)), r.standard_normal(7), tensor("w", 3)
    out = named("out", X @ w)
    pairs = out.data - y[:, None]
    J = np.sum((out - y) ** 2)
    return (
        J,
        {"dout": 2 * (out.data - y), "dw": (X.T @ (2 * pairs)).sum(axis=1)},
        "dw",
        "sum_missing",
        "(m, m)",
    )


def reshaped_where_it_is_to_be_transposed() -> Case:
    W, x = tensor("W", 4, 3), tensor("x", 3, 5)
    z = named("z", W @ x)
    dz = 3 * z.data**2
    return np.sum(z**3), {"dz": dz, "dx": W.data.reshape(3, 4) @ dz}, "dx", "transpose", ".reshape"


def axis_of_a_sum_beside_a_penalty() -> Case:
    X, W, b = r.standard_normal((5, 3)), tensor("W", 3, 4), tensor("b", 1, 4)
    z = named("z", X @ W + b)
    dz = 3 * z.data**2
    J = np.sum(z**3) + 0.2 * np.sum(b**2)
    return J, {"dz": dz, "db": dz.sum(axis=1, keepdims=True) + 0.4 * b.data}, "db", "sum_axis", "axis 1"


def recurrence(
    gates: bool = False,
) -> tuple[tg.Tensor, list[Array], list[Array], list[tg.Tensor], Array, Array]:
    """J of a state over four steps, the states from the first on, their gradients, U, V and the inputs."""
    U, V, xs, h = tensor("U", 3, 3), tensor("V", 3, 3), r.standard_normal((4, 3)), tensor("h_", 3)
    first, states, outs = h.data, [], []
    for k, x in enumerate(xs):
        h = named(f"h{k}", np.tanh((x * h if gates else h) @ U + x))
        states.append(h)
        outs.append(named(f"o{k}", h @ V))
    J = sum(np.sum(o**3) for o in outs)
    gradients = tg.grad(J, [*states, *outs])
    return J, [first, *(s.data for s in states)], gradients, [*states, *outs], U.data, xs


def state_of_the_step_before_for_the_output() -> Case:
    J, h, g, keys, _, _ = recurrence()
    dV = sum(np.outer(h[k], g[4 + k]) for k in range(4))
    return J, {**dict(zip(keys, g, strict=True)), "dV": dV}, "dV", "wrong_layer", "one step back"


def factor_left_out_in_each_step() -> Case:
    J, h, g, keys, _, _ = recurrence(gates=True)
    slopes = [g[k] * (1 - h[k + 1] ** 2) for k in range(4)]
    dU = sum(np.outer(h[k], slopes[k]) for k in range(4))
    return J, {**dict(zip(keys, g, strict=True)), "dU": dU}, "dU", "chain_factor_missing", "in each step"


CASES = [
    rows_of_another_word,
    words_that_repeat_in_a_sentence,
    sentences_one_over_the_other,
    sigmoid_in_the_slope_of_softplus,
    slope_that_is_in_the_formula_already,
    slope_of_a_number,
    bend_at_the_gradient_above,
    normalised_beside_a_residual,
    weights_of_examples_along_the_classes,
    every_pair_of_examples,
    reshaped_where_it_is_to_be_transposed,
    axis_of_a_sum_beside_a_penalty,
    state_of_the_step_before_for_the_output,
    factor_left_out_in_each_step,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_mistake_is_named(case: Any) -> None:
    judged(case())


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_number_is_right_where_one_entry_is_wanted(shape: tuple[int, ...]) -> None:
    b = tg.Tensor(np.full(shape, 0.3), name="b")
    assert tg.check.compare(np.sum((b + np.arange(3.0)) ** 2), {"db": np.sum(2 * (0.3 + np.arange(3.0)))}).ok
