"""Peak memory of a compiled step: at most that of the same step written by hand."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

RATE = 0.01


def network(dims: list[int], m: int, dtype: Any) -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    params: dict[str, Any] = {}
    for l, (k, n) in enumerate(pairwise(dims), start=1):
        params[f"W{l}"] = (rng.normal(size=(n, k)) * 0.1).astype(dtype)
        params[f"b{l}"] = np.zeros((n, 1), dtype)
    X = rng.normal(size=(dims[0], m)).astype(dtype)
    Y = (rng.random((1, m)) < 0.5) if dims[-1] == 1 else np.eye(dims[-1])[:, rng.integers(dims[-1], size=m)]
    return params, X, Y.astype(dtype)


def by_hand(params: dict[str, Any], X: Any, Y: Any) -> Callable[[], Any]:
    """An expert's: every array made beforehand, and overwritten as soon as it may be."""
    L, m = len(params) // 2, X.shape[1]
    A = [X, *(np.empty((params[f"W{l}"].shape[0], m), X.dtype) for l in range(1, L + 1))]
    dA = [None, *(np.empty_like(a) for a in A[1:])]
    dW = {l: np.empty_like(params[f"W{l}"]) for l in range(1, L + 1)}

    def step() -> None:
        for l in range(1, L + 1):
            np.matmul(params[f"W{l}"], A[l - 1], out=A[l])
            np.add(A[l], params[f"b{l}"], out=A[l])
            if l < L:
                np.maximum(A[l], 0, out=A[l])
        np.negative(A[L], out=dA[L])
        np.exp(dA[L], out=dA[L])
        np.add(dA[L], 1, out=dA[L])
        np.divide(1, dA[L], out=dA[L])
        np.subtract(dA[L], Y, out=dA[L])
        np.divide(dA[L], m, out=dA[L])
        for l in range(L, 0, -1):
            np.matmul(dA[l], A[l - 1].T, out=dW[l])
            if l > 1:
                np.matmul(params[f"W{l}"].T, dA[l], out=dA[l - 1])
                np.multiply(dA[l - 1], A[l - 1] > 0, out=dA[l - 1])
            np.multiply(dW[l], RATE, out=dW[l])
            np.subtract(params[f"W{l}"], dW[l], out=params[f"W{l}"])

    return step


def peak(make: Callable[[], Callable[[], Any]]) -> int:
    """The most that is held at once by a step that has been made: what it keeps and what a call adds."""
    gc.collect()
    tracemalloc.start()
    try:
        step = make()
        step()
        gc.collect()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dims", "m", "dtype"),
    [
        ([100, 1], 50_000, np.float64),
        ([100, 1], 50_000, np.float32),
        ([3000, 20, 7, 5, 1], 209, np.float64),
        ([784, 256, 128, 10], 1024, np.float32),
    ],
)
def test_no_more_than_by_hand(dims: list[int], m: int, dtype: Any) -> None:
    params, X, Y = network(dims, m, dtype)
    cost = tg.binary_cross_entropy_with_logits if dims[-1] == 1 else tg.softmax_cross_entropy

    def loss(p: Any, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, len(dims) - 1):
            A = tg.relu(p[f"W{l}"] @ A + p[f"b{l}"])
        return cost(p[f"W{len(dims) - 1}"] @ A + p[f"b{len(dims) - 1}"], Y)

    def compiled() -> Callable[[], Any]:
        step = tg.compile(loss, optimizer=tg.optim.SGD(lr=RATE))
        return lambda: step(params, X, Y)

    fixed = 200_000  # the recording, the source and the function: the same for any size of array
    assert peak(compiled) <= peak(lambda: by_hand(params, X, Y)) + fixed


def test_gradients_that_nobody_asked_for_are_not_computed() -> None:
    params, X, Y = network([500, 4, 1], 1000, np.float64)

    def loss(p: Any, X: Any, Y: Any) -> Any:
        return tg.binary_cross_entropy_with_logits(p["W2"] @ np.tanh(p["W1"] @ X + p["b1"]) + p["b2"], Y)

    step = tg.compile(loss, optimizer=tg.optim.SGD(lr=RATE))
    step(params, X, Y)
    assert X.shape not in {buffer.shape for buffer in step.buffers}


def test_the_plan_keeps_apart_what_lives_at_the_same_time() -> None:
    params, X, Y = network([30, 20, 10, 1], 40, np.float64)

    def loss(p: Any, X: Any, Y: Any) -> Any:
        A1 = np.tanh(p["W1"] @ X + p["b1"])
        A2 = tg.sigmoid(p["W2"] @ A1 + p["b2"])
        return tg.binary_cross_entropy(tg.sigmoid(p["W3"] @ A2 + p["b3"]), Y)

    step = tg.compile(loss)
    step(params, X, Y)
    tenants = [
        (b.offset, b.offset + b.nbytes, first, last, name)
        for b in step.buffers
        for name, first, last in b.holds
    ]
    for start, end, first, last, name in tenants:
        for start2, end2, first2, last2, name2 in tenants:
            if name != name2 and start < end2 and start2 < end:
                assert last <= first2 or last2 <= first, f"{name} and {name2} share memory"
