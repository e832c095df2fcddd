"""A product that BLAS subtracts in place: W - A B, however the matrices lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.compiler import blas

LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "some of the columns": lambda X: np.repeat(X, 2, axis=1)[:, : X.shape[1]] * 1.0,
    "a part of each row": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every second column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "one row for all": lambda X: np.broadcast_to(X[:1], X.shape),
    "one number for all": lambda X: np.broadcast_to(X[:1, :1], X.shape),
}


def less(W: Any, A: Any, B: Any) -> None:
    function, *args = blas.less_product(W, A, B)
    function(*args)


@given(
    st.tuples(*[st.integers(1, 6)] * 3),
    st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 3),
    st.sampled_from(["float32", "float64", "float16", "longdouble"]),
    st.integers(0, 2**32 - 1),
)
def test_w_less_the_product_in_every_layout(
    shape: tuple[int, int, int], layouts: tuple[str, str, str], dtype: str, seed: int
) -> None:
    n, m, k = shape
    rng = np.random.default_rng(seed)
    W, A, B = (
        LAYOUTS[layout](rng.integers(-3, 4, size).astype(dtype))
        for layout, size in zip(layouts, ((n, k), (n, m), (m, k)), strict=True)
    )
    W = W if W.flags.writeable else W.copy()
    expected = W - A @ B  # whole numbers: exact
    less(W, A, B)
    assert np.array_equal(W, expected)


@pytest.mark.parametrize("layout", ["rows", "every second column"])
def test_numbers_before_the_product_and_before_w(layout: str) -> None:
    W, A, B = np.eye(2, dtype=np.float32), np.ones((2, 3), np.float32), np.ones((3, 2), np.float32)
    W = LAYOUTS[layout](W)
    function, *args = blas.less_product(W, A, B, times=np.float64(2), shrink=np.float64(0.5))
    function(*args)
    assert W.tolist() == [[-5.5, -6], [-6, -5.5]]


def test_nothing_is_written_beside_w() -> None:
    whole = np.ones((4, 6))
    less(whole[1:3], np.ones((2, 5)), np.ones((5, 6)))
    less(whole[:, 1:3], np.ones((4, 5)), np.ones((5, 2)))
    expected = np.ones((4, 6))
    expected[1:3] -= 5
    expected[:, 1:3] -= 5
    assert np.array_equal(whole, expected)


def test_of_no_examples_nothing_is_taken() -> None:
    W = np.ones((2, 3))
    less(W, np.ones((2, 0)), np.ones((0, 3)))
    assert np.array_equal(W, np.ones((2, 3)))


def test_a_numpy_whose_blas_cannot_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_gemm", lambda kind: None)
    W = np.eye(2)
    less(W, np.ones((2, 1)), np.ones((1, 2)))
    assert np.array_equal(W, np.eye(2) - 1)


def test_what_shares_memory_with_what_is_written_is_copied() -> None:
    W, X = np.zeros((3, 4)), np.ones((4, 3))
    assert blas.apart(X, [W]) is X
    assert not np.shares_memory(blas.apart(W.T[1:], [X, W]), W)
