"""Convolution and pooling: against loops, and against JAX; padding, ties, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops.witness import agrees_with_jax

RNG = np.random.default_rng(0)


def pairs(least: int, most: int) -> Any:
    return st.one_of(st.integers(least, most), st.tuples(st.integers(least, most), st.integers(least, most)))


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def padded(x: Any, margin: Any, fill: float) -> Any:
    p, q = pair(margin)
    whole = np.full((x.shape[0], x.shape[1] + 2 * p, x.shape[2] + 2 * q, x.shape[3]), fill)
    whole[:, p : p + x.shape[1], q : q + x.shape[2]] = x
    return whole


def by_loops(x: Any, size: Any, stride: Any, margin: Any, fill: float, what: Any) -> Any:
    """The course's way: for each place, cut out the window, and say what is made of it."""
    (f, g), (s, t) = pair(size), pair(stride)
    whole = padded(x, margin, fill)
    rows, columns = (whole.shape[1] - f) // s + 1, (whole.shape[2] - g) // t + 1
    return np.stack(
        [
            np.stack([what(whole[:, i * s : i * s + f, j * t : j * t + g]) for j in range(columns)], axis=1)
            for i in range(rows)
        ],
        axis=1,
    )


convolutions = given(st.integers(3, 5), st.integers(3, 6), pairs(1, 3), pairs(1, 3), pairs(0, 2))


@convolutions
def test_values_are_those_of_the_loops(n_h: int, n_w: int, size: Any, stride: Any, margin: Any) -> None:
    x, W = RNG.normal(size=(2, n_h, n_w, 2)), RNG.normal(size=(*pair(size), 2, 3))

    def conv(window: Any) -> Any:
        return np.einsum("mijc,ijcf->mf", window, W)

    where = {"stride": stride, "padding": margin}
    np.testing.assert_allclose(
        tg.conv2d(x, W, **where), by_loops(x, size, stride, margin, 0.0, conv), atol=1e-12
    )
    means = by_loops(x, size, stride, margin, 0.0, lambda w: np.mean(w, axis=(1, 2)))
    np.testing.assert_allclose(tg.avg_pool2d(x, size=size, **where), means, atol=1e-12)
    if np.all(np.less(pair(margin), pair(size))):
        largest = by_loops(x, size, stride, margin, -np.inf, lambda w: np.max(w, axis=(1, 2)))
        np.testing.assert_array_equal(tg.max_pool2d(x, size=size, **where), largest)
    else:
        with pytest.raises(ValueError, match="would hold nothing else"):
            tg.max_pool2d(x, size=size, **where)


@convolutions
def test_a_convolution_is_linear(n_h: int, n_w: int, size: Any, stride: Any, margin: Any) -> None:
    # In the images and in the filters: the derivative along v is the convolution of v.
    x, W = RNG.normal(size=(2, n_h, n_w, 2)), RNG.normal(size=(*pair(size), 2, 3))
    vx, vW = RNG.normal(size=x.shape), RNG.normal(size=W.shape)
    X, F = tg.Tensor(x), tg.Tensor(W)
    Z = tg.conv2d(X, F, stride=stride, padding=margin)
    w = RNG.normal(size=Z.shape)
    gx, gW = tg.grad(np.sum(w * Z), [X, F])
    assert np.isclose(np.sum(gx * vx), np.sum(w * tg.conv2d(vx, W, stride=stride, padding=margin)))
    assert np.isclose(np.sum(gW * vW), np.sum(w * tg.conv2d(x, vW, stride=stride, padding=margin)))


LAYOUT = ("NHWC", "HWIO", "NHWC")
X4, W4 = RNG.normal(size=(2, 5, 4, 2)), RNG.normal(size=(3, 2, 2, 3))


@pytest.mark.parametrize("stride", [1, (2, 1), 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_same_and_valid_convolutions_agree_with_jax(stride: Any, padding: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is the independent witness")

    def theirs(xp: Any, x: Any, W: Any) -> Any:
        return jax.lax.conv_general_dilated(x, W, pair(stride), padding.upper(), dimension_numbers=LAYOUT)

    agrees_with_jax(lambda xp, x, W: tg.conv2d(x, W, stride=stride, padding=padding), theirs, X4, W4)


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(2, None, "same"), ((3, 2), 1, "valid"), (3, 2, "same")]
)
def test_pooling_agrees_with_jax(size: Any, stride: Any, padding: str) -> None:
    jax = pytest.importorskip("jax", reason="JAX is the independent witness")
    window, steps = (1, *pair(size), 1), (1, *pair(size if stride is None else stride), 1)

    def largest(xp: Any, x: Any) -> Any:
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, steps, padding.upper())

    def mean(xp: Any, x: Any) -> Any:
        total = jax.lax.reduce_window(x, 0.0, jax.lax.add, window, steps, padding.upper())
        return total / np.prod(window)

    for pool, theirs in ((tg.max_pool2d, largest), (tg.avg_pool2d, mean)):
        agrees_with_jax(
            lambda xp, x, pool=pool: pool(x, size=size, stride=stride, padding=padding), theirs, X4
        )


def test_same_gives_a_window_for_every_stride() -> None:
    for n in range(1, 8):
        for stride in (1, 2, 3):
            for size in (1, 2, 3, 5):
                y = tg.conv2d(
                    np.ones((1, n, n, 1)), np.ones((size, size, 1, 1)), stride=stride, padding="same"
                )
                assert y.shape == (1, -(-n // stride), -(-n // stride), 1)


def test_entries_that_tie_share_the_gradient() -> None:
    X = tg.Tensor(np.ones((1, 2, 2, 1)))
    tg.max_pool2d(X, size=2).sum().backward()
    assert X.grad.ravel().tolist() == [0.25] * 4


def test_padding_is_never_the_largest() -> None:
    X = tg.Tensor(-np.ones((1, 2, 2, 1)))
    y = tg.max_pool2d(X, size=2, stride=2, padding=1)
    assert y.data.ravel().tolist() == [-1.0] * 4
    y.sum().backward()
    assert X.grad.ravel().tolist() == [1.0] * 4


def test_windows_put_back_count_how_often_each_entry_was_read() -> None:
    x = np.ones((1, 3, 4, 1))
    read = tg.windows(x, size=2)
    again = tg.overlapped(read, shape=x.shape, size=2)
    assert again[0, :, :, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_reading_windows_copies_nothing() -> None:
    x = np.ones((1, 3, 4, 1))
    assert np.shares_memory(tg.windows(x, size=2), x)


IMAGES, FILTERS = np.ones((2, 4, 4, 3)), np.ones((2, 2, 3, 5))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda: tg.conv2d(tg.Tensor(IMAGES), FILTERS[..., 0]),
            ValueError,
            r"expected filters .* got shape \(2, 2, 3\)",
        ),
        (
            lambda: tg.conv2d(tg.Tensor(IMAGES[0]), FILTERS),
            ValueError,
            r"expected images \(m, n_H, n_W, n_C\), got shape",
        ),
        (
            lambda: tg.conv2d(tg.Tensor(IMAGES[..., :2]), FILTERS),
            ValueError,
            "the filters have 3 channels, the images 2",
        ),
        (
            lambda: tg.conv2d(tg.Tensor(IMAGES[:, :1]), FILTERS),
            ValueError,
            r"window of \(2, 2\) does not fit .* \(1, 4\)",
        ),
        (lambda: tg.conv2d(IMAGES, FILTERS, stride=0), ValueError, "stride: expected 1 or more, got 0"),
        (
            lambda: tg.conv2d(IMAGES, FILTERS, stride=0.5),
            TypeError,
            r"stride: expected a whole number, .*got 0\.5",
        ),
        (
            lambda: tg.conv2d(IMAGES, FILTERS, padding="full"),
            ValueError,
            "expected 'same', 'valid', .* got 'full'",
        ),
        (lambda: tg.conv2d(IMAGES, FILTERS, padding=-1), ValueError, "padding: expected 0 or more, got -1"),
        (
            lambda: tg.max_pool2d(IMAGES, size=(2, 2, 2)),
            TypeError,
            r"window: expected a whole number, .*\(2, 2, 2\)",
        ),
    ],
)
def test_what_does_not_fit_says_why(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


def test_a_shape_error_names_the_tensors() -> None:
    A_prev, W = tg.Tensor(IMAGES[..., :2]), tg.Tensor(FILTERS)
    with pytest.raises(
        ValueError, match=r"conv2d: A_prev \(2, 4, 4, 2\) with W \(2, 2, 3, 5\): the filters have 3"
    ):
        tg.conv2d(A_prev, W)
