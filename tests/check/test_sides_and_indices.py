"""Sides of a difference, indices of another example, penalties of everything, rows that meet columns."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.small_graphs import judged, named, r, tensor, the_same_numbers_in_any_order

pytestmark = pytest.mark.usefixtures(the_same_numbers_in_any_order.__name__)
M = 7


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("factor", "code", "words"),
    [
        (0.0, "term_missing", "missing"),
        (-1.0, "sign_inside", "wrong sign"),
        (2.0, "term_doubled", "twice"),
        (float(M), "constant_factor", "factor 7"),
    ],
)
def test_one_side_of_a_difference(side: int, factor: float, code: str, words: str) -> None:
    U, V = named("U", tensor("A", M, 4) @ r.standard_normal((4, 3))), named("V", tensor("B", M, 3) * 0.7)
    weights = r.random((M, 3)) + 0.5
    sides = [U.data, -V.data]
    sides[side] = sides[side] * factor
    judged((np.sum(weights * (U - V) ** 2) / M, {"dU": 2 * weights * sum(sides) / M}, "dU", code, words))


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize("how", ["off by one", "shifted"])
def test_an_index_beside_its_own_example(by: int, how: str) -> None:
    S, y = tensor("S", M, 5), np.array([0, 3, 1, 1, 4, 2, 0])
    other = (y + by) % 5 if how == "off by one" else np.roll(y, by)
    dS = np.exp(S.data)
    dS[np.arange(M), other] -= 1
    code = "wrong_layer" if how == "off by one" else "examples_misaligned"
    judged((np.sum(np.exp(S)) - np.sum(S[np.arange(M), y]), {"dS": dS}, "dS", code, f"y is {how}"))


@pytest.mark.parametrize("l1", [0.0, 0.3])
@pytest.mark.parametrize("l2", [0.0, 0.2])
def test_a_penalty_of_several_parts_that_takes_in_the_bias(l1: float, l2: float) -> None:
    X, w = np.c_[np.ones(9), r.standard_normal((9, 4))], tensor("w", 5)
    J = np.sum(np.exp(X @ w)) / 9 + l1 * np.sum(np.abs(w[1:])) + l2 * np.sum(w[1:] ** 2)
    right = X.T @ np.exp(X @ w.data) / 9
    penalty = l1 * np.sign(w.data) + 2 * l2 * w.data
    whole = tg.check.compare(J, {"dw": right + penalty})["dw"]
    assert whole.ok if l1 == l2 == 0 else whole.diagnosis.codes[0] == "regularisation_extra", whole.diagnosis


def test_a_row_that_meets_a_column() -> None:
    p, y = named("p", tensor("w", 3) @ r.standard_normal((3, M))), r.standard_normal(M)
    judged(
        (np.sum((p - y) ** 2), {"dp": 2 * (p.data[:, None] - y)}, "dp", "wrong_shape", "every pair is there")
    )


@pytest.mark.parametrize(("number", "words"), [(0.7, "0.7"), (5.5, "5.5")])
def test_multiplied_by_a_number_of_j_where_it_should_be_divided(number: float, words: str) -> None:
    S = named("S", tensor("A", 4, 3) * 1.3)
    right = np.exp(S.data / number) / number
    judged(
        (np.sum(np.exp(S / number)), {"dS": right * number**2}, "dS", "constant_factor", f"square of {words}")
    )


def test_multiplied_by_the_keep_probability() -> None:
    H, D = named("H", tensor("A", 4, 6) * 1.3), (r.random((4, 6)) < 0.8).astype(float)
    dropped = named("dropped", H * D / 0.8)
    given = {"ddropped": 2 * dropped.data, "dH": 2 * dropped.data * D * 0.8}
    judged((np.sum(dropped**2), given, "dH", "dropout_scale", "multiplied by the keep probability 0.8"))


def test_windows_of_several_filters_assigned_one_over_the_other() -> None:
    X, W = tensor("X", 2, 5, 5, 3), r.standard_normal((2, 2, 3, 4))
    Z = named("Z", sum(X[:, i : i + 4, j : j + 4] @ W[i, j] for i in (0, 1) for j in (0, 1)))
    A = named("A", np.maximum(Z, 0))
    dZ, dX = np.where(Z.data > 0, 2 * A.data, 0), np.zeros((2, 5, 5, 3))
    for e, h, w, c in np.ndindex(2, 4, 4, 4):
        dX[e, h : h + 2, w : w + 2] = W[..., c] * dZ[e, h, w, c]
    judged((np.sum(A**2), {"dZ": dZ, "dX": dX}, "dX", "term_missing", "assigned one over the other"))


def test_the_term_of_labels_whose_examples_have_weights() -> None:
    S, y, weights = named("S", tensor("A", M, 3) * 1.2), np.array([0, 2, 1, 1, 0, 2, 2]), r.random(M)
    e = np.exp(S - np.max(S, axis=1, keepdims=True))
    J = -np.mean(weights * np.log((e / np.sum(e, axis=1, keepdims=True))[np.arange(M), y]))
    p = np.exp(S.data) / np.exp(S.data).sum(axis=1, keepdims=True)
    judged((J, {"dS": weights[:, None] * p / M}, "dS", "term_missing", "the label's term"))


def test_rows_are_called_by_the_index_that_picks_them() -> None:
    U, I = tensor("U", 4, 3), tensor("I", 5, 3)
    users, liked, other = np.array([0, 1, 1, 3]), np.array([2, 0, 1, 4]), np.array([1, 1, 3, 0])
    x = named("x", np.sum(U[users] * (I[liked] - I[other]), axis=1))
    dx, dU, dI = 3 * x.data**2, np.zeros((4, 3)), np.zeros((5, 3))
    np.add.at(dU, users, dx[:, None] * (I.data[liked] - I.data[other]))
    for index in (liked, other):
        np.add.at(dI, index, dx[:, None] * U.data[users])
    judged((np.sum(x**3), {"dx": dx, "dU": dU, "dI": dI}, "dI", "sign_inside", "I[other] has the wrong sign"))


def test_an_addend_that_no_quantity_alone_tells_apart_is_told_by_two() -> None:
    p = named("p", tensor("A", M, 3) * 1.2)
    e = np.exp(p)
    q = e / np.sum(e, axis=1, keepdims=True)
    cost, entropy = np.sum(r.standard_normal((M, 3)) * q), np.sum(q * np.log(q))
    Q = q.data
    given = tg.grad(cost, [p])[0] + Q * np.log(Q)
    judged((cost + entropy, {"dp": given}, "dp", "term_missing", " and q * log(q) is missing"))


def test_a_factor_that_comes_too_late() -> None:
    # the factor is inside the mean: behind it, it is no part of what is averaged
    x, gain = tensor("x", M, 4), r.random(4) + 0.5
    out = named("out", (x - np.mean(x, axis=1, keepdims=True)) * gain)
    dout = 2 * out.data
    wrong = (dout - dout.mean(axis=1, keepdims=True)) * gain
    judged((np.sum(out**2), {"dout": dout, "dx": wrong}, "dx", "wrong_layer", "gain multiplies the result"))


@pytest.mark.parametrize("wrong", ["nij,nk->j", "nij,nk->i"])
def test_other_letters_behind_the_arrow(wrong: str) -> None:
    X, w = r.standard_normal((3, 3, 3)), tensor("w", 3)
    z = named("z", np.einsum("nij,k->nk", X, w))
    dz = 2 * z.data
    judged(
        (
            np.sum(z**2),
            {"dz": dz, "dw": np.einsum(wrong, X, dz)},
            "dw",
            "sum_axis",
            f"{wrong[-3:]} instead of",
        )
    )


@pytest.mark.parametrize(("letters", "words"), [("jr,kr,ijk->kr", "->kr"), ("jr,kr,ijk->jr", "->jr")])
def test_other_letters_of_three_factors(letters: str, words: str) -> None:
    A, B, C = tensor("A", 3, 2), r.standard_normal((3, 2)), r.standard_normal((3, 2))
    E = named("E", np.einsum("ir,jr,kr->ijk", A, B, C))
    dA = np.einsum(letters, B, C, 2 * E.data)
    judged((np.sum(E**2), {"dE": 2 * E.data, "dA": dA}, "dA", "sum_axis", words))


def test_a_lost_path_is_said_to_be_lost_where_without_one_factor_it_would_be_nothing() -> None:
    X, C = r.standard_normal((M, 1, 2)), tensor("C", 3, 2)
    D = named("D", np.sum((X - C) ** 2, axis=2))
    e = np.exp(-D)
    R = named("R", e / np.sum(e, axis=1, keepdims=True))
    J = np.sum(R * D) / M
    dC = -2 * np.sum(R.data[:, :, None] * (X - C.data), axis=0) / M
    dD = tg.grad(J, [D])[0]
    judged((J, {"dD": dD, "dC": dC}, "dC", "term_missing", "the path through -D is missing"))


@pytest.mark.parametrize("told", ["X @ A", "X²", "1 - X", "-X"])
def test_data_without_a_name_is_told_by_the_arrays_that_it_is_made_of(told: str) -> None:
    X, A, w = r.random((M, M)), r.random((M, M)), tensor("w", M)
    out_of_sight = {"X @ A": lambda: X @ A, "X²": lambda: X**2, "1 - X": lambda: 1 - X, "-X": lambda: -X}
    data = out_of_sight[told]()
    z = named("z", data @ w)
    given = {"dz": 2 * z.data, "dw": A.T @ (2 * z.data)}
    del data
    judged((np.sum(z**2), given, "dw", "wrong_layer", f"A stands where {told} belongs"))


def test_the_labels_that_were_smoothed() -> None:
    y = np.array([0, 2, 1, 1, 0, 2, 2])
    q = 0.9 * np.eye(3)[y] + 0.1 / 3
    S = named("S", tensor("A", M, 3) * 1.2)
    e = np.exp(S - np.max(S, axis=1, keepdims=True))
    J = -np.mean(np.sum(q * np.log(e / np.sum(e, axis=1, keepdims=True)), axis=1))
    p = np.exp(S.data) / np.exp(S.data).sum(axis=1, keepdims=True)
    judged((J, {"dS": (p - np.eye(3)[y]) / M}, "dS", "labels_swapped", "one-hot label"))


def test_a_mean_of_the_forward_pass_over_another_axis() -> None:
    # both broadcast: no shape tells
    A, G = named("A", np.exp(tensor("Z", 4, 6))), r.standard_normal((4, 6))
    share = np.mean(A, axis=1, keepdims=True)
    dA = G + -0.1 / np.mean(A.data, axis=0, keepdims=True) / 6
    right = G + -0.1 / np.mean(A.data, axis=1, keepdims=True) / 6
    J = np.sum(G * A) - 0.1 * np.sum(np.log(share))
    assert tg.check.compare(J, {"dA": right}).ok
    judged((J, {"dA": dA}, "dA", "sum_axis", "share is taken over axis 0"))


@pytest.mark.parametrize("share", [0.3, 0.85])
def test_the_weights_of_two_costs_exchanged(share: float) -> None:
    p, Y = named("p", tensor("A", 4, 6) * 1.3), r.standard_normal((4, 6))
    J = 9 * share * np.sum((p - Y) ** 2) + 5 * (1 - share) * np.sum(np.exp(p))
    dp = 9 * (1 - share) * 2 * (p.data - Y) + 5 * share * np.exp(p.data)
    judged((J, {"dp": dp}, "dp", "constant_factor", "are exchanged"))


def test_labels_that_j_has_not_as_they_are() -> None:
    grades, S = r.integers(0, 4, (M, 3)).astype(float), named("S", tensor("A", M, 3) * 1.2)
    P = np.exp(grades) / np.exp(grades).sum(axis=1, keepdims=True)
    J = -np.sum(P * (S - np.log(np.sum(np.exp(S), axis=1, keepdims=True)))) / M
    A = np.exp(S.data) / np.exp(S.data).sum(axis=1, keepdims=True)
    judged((J, {"dS": (A - grades) / M}, "dS", "labels_swapped", "grades stands where P belongs"))
