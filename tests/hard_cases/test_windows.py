"""Convolution and pooling against plain loops: uneven strides, padding, ties, one entry, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, differences, slopes

RNG = np.random.default_rng(3)


def padded(x, p):
    return np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))


def windows(x, f, stride, p):
    """Every window of the images (m, H, W, channels), by loops: the course's exercise."""
    x = padded(x, p)
    rows, columns = ((n - f) // stride + 1 for n in x.shape[1:3])
    for i, j in itertools.product(range(rows), range(columns)):
        yield i, j, x[:, i * stride : i * stride + f, j * stride : j * stride + f]


def convolution(x, w, stride, p):
    found = {(i, j): np.einsum("mabc,abcf->mf", part, w) for i, j, part in windows(x, w.shape[0], stride, p)}
    rows, columns = (1 + max(k) for k in zip(*found, strict=True))
    return np.stack([np.stack([found[i, j] for j in range(columns)], 1) for i in range(rows)], 1)


@pytest.mark.parametrize("size", [3, 4, 5])
@pytest.mark.parametrize("f", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("p", [0, 1, 2])
def test_convolution_by_loops(size, f, stride, p):
    x, w = RNG.normal(size=(2, size, size, 2)), RNG.normal(size=(f, f, 2, 3))
    want = convolution(x, w, stride, p)
    np.testing.assert_allclose(tg.conv2d(x, w, stride=stride, padding=p), want, rtol=1e-12, atol=1e-12)
    g = RNG.normal(size=want.shape)
    ours = slopes(lambda x, w: tg.conv2d(x, w, stride=stride, padding=p) * g, x, w)
    dx, dw = np.zeros(padded(x, p).shape), np.zeros(w.shape)
    for i, j, part in windows(x, f, stride, p):  # the course's backward pass, written out
        dw += np.einsum("mabc,mf->abcf", part, g[:, i, j])
        dx[:, i * stride : i * stride + f, j * stride : j * stride + f] += np.einsum(
            "abcf,mf->mabc", w, g[:, i, j]
        )
    np.testing.assert_allclose(ours[0], dx[:, p : p + size, p : p + size], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(ours[1], dw, rtol=1e-10, atol=1e-10)


def test_convolution_agrees_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is a second witness where it is installed")
    x, w = RNG.normal(size=(2, 7, 6, 3)), RNG.normal(size=(3, 3, 3, 4))
    tx, tw = (torch.tensor(a, requires_grad=True) for a in (x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)))
    y = torch.nn.functional.conv2d(tx, tw, stride=2, padding=1)
    (y * y).sum().backward()
    dx, dw = slopes(lambda x, w: tg.conv2d(x, w, stride=2, padding=1) ** 2, x, w)
    np.testing.assert_allclose(dx, tx.grad.numpy().transpose(0, 2, 3, 1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dw, tw.grad.numpy().transpose(2, 3, 1, 0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("f", "stride"), [(2, 2), (2, 1), (3, 2), (3, 3), (1, 1), (5, 1)])
@pytest.mark.parametrize(("pool", "of"), [(tg.max_pool2d, np.max), (tg.avg_pool2d, np.mean)])
def test_pooling_by_loops(f, stride, pool, of):
    x = RNG.permutation(np.arange(100.0)).reshape(2, 5, 5, 2)
    y = pool(x, f, stride=stride)
    for i, j, part in windows(x, f, stride, 0):
        np.testing.assert_allclose(y[:, i, j], of(part, axis=(1, 2)))
    g = RNG.normal(size=y.shape)
    np.testing.assert_allclose(
        slopes(lambda x: pool(x, f, stride=stride) * g, x)[0],
        differences(lambda x: pool(x, f, stride=stride) * g, x)[0],
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


def test_tied_windows_share():
    (g,) = slopes(lambda x: tg.max_pool2d(x, 2), np.ones((1, 4, 4, 1)))
    np.testing.assert_array_equal(g, np.full((1, 4, 4, 1), 0.25))
    (g,) = slopes(lambda x: tg.max_pool2d(x, 2), np.array([[1.0, 2.0], [2.0, 0.0]]).reshape(1, 2, 2, 1))
    np.testing.assert_array_equal(g.reshape(2, 2), [[0, 0.5], [0.5, 0]])


def test_padding_never_wins_a_maximum():
    x = -np.ones((1, 2, 2, 1))
    y = tg.max_pool2d(T(x), 2, stride=1, padding=1)
    assert (y.data == -1).all()


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_derivatives(order):
    x, w = RNG.normal(size=(1, 4, 4, 1)), RNG.normal(size=(2, 2, 1, 2))
    check = tg.check.gradients(
        lambda x, w: np.tanh(tg.avg_pool2d(tg.conv2d(x, w, padding=1), 2)), x, w, order=order
    )
    assert check.ok, str(check)


BAD = {
    "channels": (
        lambda: tg.conv2d(T(np.ones((1, 4, 4, 2))), T(np.ones((2, 2, 3, 1)))),
        "3 channels, the images 2",
    ),
    "axes": (lambda: tg.conv2d(T(np.ones((4, 4))), T(np.ones((2, 2, 1, 1)))), "images|axes"),
    "filters": (lambda: tg.conv2d(T(np.ones((1, 4, 4, 2))), T(np.ones((2, 2)))), "filters"),
    "too large": (lambda: tg.conv2d(T(np.ones((1, 2, 2, 1))), T(np.ones((3, 3, 1, 1)))), "fit"),
    "stride": (lambda: tg.conv2d(T(np.ones((1, 4, 4, 1))), T(np.ones((2, 2, 1, 1))), stride=0), "stride"),
    "padding": (lambda: tg.conv2d(T(np.ones((1, 4, 4, 1))), T(np.ones((2, 2, 1, 1))), padding=-1), "padding"),
    "window": (lambda: tg.max_pool2d(T(np.ones((1, 2, 2, 1))), 3), "fit"),
    "no window": (lambda: tg.avg_pool2d(T(np.ones((1, 2, 2, 1))), 0), "window|expected"),
    "half a stride": (
        lambda: tg.conv2d(T(np.ones((1, 4, 4, 1))), T(np.ones((2, 2, 1, 1))), stride=1.5),
        "stride|integer",
    ),
    "pool of a matrix": (lambda: tg.max_pool2d(T(np.ones((4, 4))), 2), "images|axes|expected"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_says_what_was_expected(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
