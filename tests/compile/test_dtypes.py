"""Every rewriting computes in the dtype in which NumPy would have: narrow integers wrap where they did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg

DTYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def signed(x: Any) -> Any:
    return x * 1.0 if x.dtype.kind in "bu" else x


# An identity of the compiler's each, with data X and Y of any dtype in the place where it could go wrong.
IDENTITIES: dict[str, Callable[..., Any]] = {
    "a number out of a sum": lambda w, X, Y: (3 * (w * X)).sum() - (w * Y).sum(),
    "a number out of a product": lambda w, X, Y: ((0.5 * (w * X)) @ Y.T).sum(),
    "a sign out of a sum": lambda w, X, Y: -(w * X).sum() - (w * Y).sum(),
    "a data term alone": lambda w, X, Y: (w * X).sum() + (w * X).sum(),
    "factors cancel": lambda w, X, Y: (w * X / (X + 2.0) * (X + 2.0)).sum(),
    "a difference of products": lambda w, X, Y: (w * X * Y - w * Y * X + w * Y).sum(),
    "a square": lambda w, X, Y: (w * X * X).sum(),
    "a square of integers": lambda w, X, Y: (w * (X * X)).sum(),
    "a power of integers": lambda w, X, Y: (w * X**2).sum() + (w * Y**3).sum(),
    "a root of integers": lambda w, X, Y: (w * X**0.5).sum() + (w * X**1).sum() + (w * X**0).sum(),
    "one times integers": lambda w, X, Y: (w * (Y**0 * X)).sum() + (w * (X**0 - X**1)).sum(),
    "sums of integers": lambda w, X, Y: (w * (X + Y)).sum() + w[0, 0] * np.sum(X) * 1.0,
    "sums with numbers": lambda w, X, Y: (w * (X + 1)).sum() + (w * (1 + 2 * Y)).sum(),
    "a mean of integers": lambda w, X, Y: (w * np.mean(X, axis=0)).sum() + w[0, 0] * np.mean(Y),
    "a mean": lambda w, X, Y: np.mean(w * X, axis=1).sum() / 7,
    "turned twice": lambda w, X, Y: (w * X.T.T).sum() + (w.T * Y.T).T.sum(),
    "a product of integers": lambda w, X, Y: (w[:, :2] * (X @ Y.T)).sum(),
    "log of a sigmoid": lambda w, X, Y: (w * np.log(tg.sigmoid(signed(X)))).sum(),
    "log of one less a sigmoid": lambda w, X, Y: (w * np.log(1 - tg.sigmoid(signed(X)))).sum(),
    "sigmoid written out": lambda w, X, Y: (w * sigmoid(X)).sum() + sigmoid(w * X).sum(),
    "log of it": lambda w, X, Y: (w * np.log(sigmoid(X * 0.01))).sum(),
    "relu": lambda w, X, Y: (w * np.maximum(X, 0)).sum() + np.maximum(w * X, 0).sum() + (w * (X > 0)).sum(),
    "clipped from above": lambda w, X, Y: (w * np.minimum(X, 1)).sum(),
    "leaky relu": lambda w, X, Y: np.where(w * X > 0, w * X, 0.1 * (w * X)).sum(),
    "leaky relu of integers": lambda w, X, Y: (w * np.where(X > 0, X, 0.1 * X)).sum(),
    "one or less": lambda w, X, Y: (w * np.where(X > 0, 1, np.exp(-np.abs(X * 0.1)))).sum(),
    "minus the absolute value": lambda w, X, Y: (w * -np.abs(X * 1.0)).sum(),
    "absolute values of integers": lambda w, X, Y: (w * np.abs(X)).sum(),
    "cross-entropy": lambda w, X, Y: tg.binary_cross_entropy(tg.sigmoid(w * X * 0.1), Y > 0),
    "cross-entropy from logits": lambda w, X, Y: tg.binary_cross_entropy_with_logits(w * X, 1.0 * (Y > 0)),
    "cross-entropy written out": lambda w, X, Y: (
        -np.mean((Y > 0) * np.log(sigmoid(w + X * 0.01)) + (1 - (Y > 0)) * np.log(1 - sigmoid(w + X * 0.01)))
    ),
    "divergence": lambda w, X, Y: (X * (np.log(abs(X) + 1e-9) - np.log(w + 2))).sum(),
    "widened and narrowed": lambda w, X, Y: (w * (X.astype(np.float64) * 3 + Y).astype(np.float32)).sum(),
    "a number of its own dtype": lambda w, X, Y: (w * (np.float64(0.1) < X) + w * X * np.float32(0.1)).sum(),
    "row sums": lambda w, X, Y: np.sum(np.repeat(w * X, 100, axis=1), axis=1, keepdims=True).sum(),
    "joined": lambda w, X, Y: (np.concatenate([w, w]) * np.concatenate([X, Y])).sum(),
    "largest": lambda w, X, Y: (w * (X - np.max(X))).sum() + (w * np.max(X, axis=0)).sum(),
}


def data(dtype: np.dtype[Any], rng: np.random.Generator, *, large: bool) -> Any:
    if dtype.kind == "b":
        return rng.random((2, 3)) < 0.5
    if dtype.kind == "f":
        return (rng.normal(size=(2, 3)) + 0.0).astype(dtype)
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if large else (0 if dtype.kind == "u" else -3, 4)
    return rng.integers(max(low, -(2**40)), min(high, 2**40), (2, 3), dtype=np.int64).astype(dtype)


@pytest.mark.parametrize("name", IDENTITIES)
@settings(max_examples=settings.default.max_examples // 4)  # each compiles a step
@given(
    st.sampled_from(DTYPES),
    st.sampled_from(DTYPES),
    st.sampled_from(["f4", "f8"]),
    st.booleans(),
    st.integers(0, 3),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_dtype_is_numpys(name: str, one: str, other: str, wide: str, large: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, Y = data(np.dtype(one), rng, large=large), data(np.dtype(other), rng, large=large)
    w = (rng.random((2, 3)) + 0.25).astype(wide)
    t = tg.Tensor(w)
    try:
        J = IDENTITIES[name](t, X, Y)
    except (TypeError, ValueError):  # NumPy does not subtract booleans, nor raise integers to negative powers
        return
    expected = tg.grad(J, [t])[0]
    if J.dtype.itemsize < 4 or not (np.isfinite(J.item()) and np.isfinite(expected).all()):
        return
    found, grad = tg.compile(IDENTITIES[name])(w, X, Y)
    # Rounding alone may differ; what has been rounded in half or single precision on the way counts as that.
    kinds = {J.dtype.itemsize, w.dtype.itemsize, *(a.dtype.itemsize for a in (X, Y) if a.dtype.kind == "f")}
    rtol = 2e-2 if 2 in kinds or {"?", "u1", "i1"} & {one, other} else 2e-5 if 4 in kinds else 1e-9
    np.testing.assert_allclose(found, J.item(), rtol=rtol, atol=rtol * abs(J.item()) + rtol * scale(X, Y))
    assert grad.dtype == expected.dtype
    np.testing.assert_allclose(grad, expected, rtol=rtol, atol=rtol * scale(X, Y))


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4", ">u2", "<f8", "<i2"])
def test_the_order_of_bytes_makes_no_difference(dtype: str) -> None:
    """Files have their own; what NumPy computes has the machine's."""
    values = np.array([[1, 2, 3], [4, 5, 300]])
    step = tg.compile(lambda w, X: np.sum((np.outer(w, X[0]) @ X.T) ** 2))
    for w, X in ((values[0] * 1.0, values.astype(dtype)), (values[0].astype(dtype), values * 0.5)):
        native = [a.astype(a.dtype.newbyteorder("=")) for a in (w, X)]
        if w.dtype.kind == "f":
            J, grad = step(w, X)
            expected, slope = step(*native)
            assert (J, grad.dtype.isnative) == (expected, True)
            np.testing.assert_array_equal(grad, slope)


def scale(X: Any, Y: Any) -> float:
    """How large what cancels may be."""
    large = [max(1.0, *np.abs(a.astype(float)).ravel()) for a in (X, Y)]
    return 1e-3 * float(max(1e3 * large[0] * large[1] if X.dtype.kind != "f" else 1.0, *large))
