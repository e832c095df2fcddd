"""Mistakes of whole results: one quantity for another, a count of one, what comes later on the way back."""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg

rng = np.random.default_rng(0)


def test_the_variance_where_the_standard_deviation_belongs():
    x, gamma = tg.Tensor(rng.standard_normal((5, 6))), tg.Tensor(rng.random((5, 1)) + 0.5)
    C = rng.standard_normal((5, 6))
    mu = np.mean(x, axis=0, keepdims=True)
    var = np.mean((x - mu) ** 2, axis=0, keepdims=True)
    std = np.sqrt(var + 1e-5)
    xhat = (x - mu) / std
    J = np.sum(C * (gamma * xhat) ** 2)
    dxhat = tg.grad(J, [xhat])[0]
    a, b = dxhat.mean(0, keepdims=True), (dxhat * xhat.data).mean(0, keepdims=True)
    report = tg.check.compare(J, {"dxhat": dxhat, "dx": (dxhat - a - xhat.data * b) / var.data})
    assert report["dxhat"].ok
    assert "wrong_layer" in report["dx"].diagnosis.codes
    assert "std and var are taken for each other" in report["dx"].diagnosis.text


def test_a_count_of_one_for_the_classes_above_the_margin():
    n, k = 7, 4
    X, y, W = rng.standard_normal((n, 3)), rng.integers(0, k, n), tg.Tensor(rng.standard_normal((3, k)))
    S = X @ W
    other = np.ones((n, k))
    other[np.arange(n), y] = 0
    M = np.maximum(0, S - S[np.arange(n), y][:, None] + 1) * other
    J = np.sum(M) / n
    dS = (M.data > 0) / n
    assert ((M.data > 0).sum(1) > 1).any()
    dS[np.arange(n), y] = -1 / n
    report = tg.check.compare(J, {"dS": dS, "dW": X.T @ dS})
    assert "term_missing" in report["dS"].diagnosis.codes
    assert "is counted, however many there are" in report["dS"].diagnosis.text


def test_a_gradient_is_not_explained_by_one_that_is_computed_from_it():
    E, u = tg.Tensor(rng.standard_normal((7, 3))), tg.Tensor(rng.standard_normal(3))
    v = E[2]
    J = -np.log(tg.sigmoid(np.sum(u * v))) + np.sum(v**3)
    dv = rng.standard_normal(3)
    dE = np.zeros((7, 3))
    dE[2] = dv
    report = tg.check.compare(J, {"dv": dv, "dE": dE})
    assert report["dv"].diagnosis.codes == ("unknown",)
    assert report["dE"].diagnosis.codes == ("follows_from",)


def test_the_sign_of_one_of_two_addends_is_not_the_sign_of_all():
    U, v = tg.Tensor(rng.standard_normal((7, 3))), tg.Tensor(rng.standard_normal(3))
    s, n = tg.sigmoid(np.sum(U[5] * v)), tg.sigmoid(U[np.array([1, 4, 2])] @ v)
    J = -np.log(s) - np.sum(np.log(1 - n))
    wrong = (s.data - 1) * U.data[5] - n.data @ U.data[[1, 4, 2]]
    assert "sign_inside" in tg.check.compare(J, {"dv": wrong})["dv"].diagnosis.codes
