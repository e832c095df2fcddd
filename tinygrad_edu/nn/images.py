"""Layers for images (m, n_H, n_W, n_C), the layout of the course's fourth part: examples on the first axis.

``tg.conv2d`` and the course's own code use it, too. X of a model that begins with one of these layers has
this shape; its labels are in columns as elsewhere, (1, m) or (C, m). :class:`Flatten` turns images into
columns: (n_H n_W n_C, m).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.init import Scheme, Seed, initial
from tinygrad_edu.nn.layers import (
    Activated,
    Activation,
    Described,
    checked_activation,
    checked_dtype,
    scheme_for,
)
from tinygrad_edu.nn.parameter_discovery import Parameters
from tinygrad_edu.ops.networks.convolution import conv2d
from tinygrad_edu.ops.networks.pooling import avg_pool2d, max_pool2d
from tinygrad_edu.settings import shaped, whole

Pair = int | tuple[int, int]
Padding = int | str | tuple[int, int]


def _pair(name: str, value: Any, least: int) -> tuple[int, int]:
    given = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(given) != 2:
        raise ValueError(f"{name}: expected a number, or (vertical, horizontal), got {value!r}")
    return whole(name, given[0], least), whole(name, given[1], least)


def _padding(name: str, value: Any) -> Padding:
    if isinstance(value, str):
        if value not in ("same", "valid"):
            raise ValueError(f"{name}: expected a number, a pair, 'same' or 'valid', got {value!r}")
        return value
    return _pair(name, value, 0)


def _check_images(layer: Any, A: Any, channels: int | None = None) -> None:
    shape = tuple(np.shape(A))
    if len(shape) != 4 or (channels is not None and shape[3] != channels):
        hint = ""
        if len(shape) == 4 and channels is not None and shape[1] == channels:
            hint = "; from PyTorch's (m, n_C, n_H, n_W): np.moveaxis(X, 1, 3)"
        elif len(shape) == 3 and channels in (1, None):
            hint = "; add the one channel: X[..., None]"
        last = "n_C" if channels is None else channels
        raise ValueError(f"{layer!r}: expected images (m, n_H, n_W, {last}), got shape {shape}{hint}")


class Conv2D(Activated):
    """A convolution: Z = conv(A_prev, W) + b, A = g(Z), with filters that are not flipped. Course 4.

    Args:
        n_in: the channels of the images, n_C_prev.
        n_out: the filters, n_C.
        size: of a filter: f, or (f_H, f_W).
        activation: g, by name or as a function.
        stride: how far apart windows start: a number or a pair.
        padding: zeros on each side (a number or a pair), "same" or "valid".
        init: as for :class:`Dense`, with the n_in f_H f_W numbers that a filter sees.
        seed: as for :class:`Dense`.
        dtype: float64, or float32 for speed.

    ``.W`` is (f_H, f_W, n_in, n_out), ``.b`` (1, 1, 1, n_out). Images are (m, n_H, n_W, n_in).

    >>> layer = Conv2D(3, 8, 3, "relu", padding="same", seed=1)
    >>> layer, layer.W.shape, layer(Tensor(np.ones((2, 4, 5, 3)))).shape
    (Conv2D(3, 8, (3, 3), 'relu'), (3, 3, 3, 8), (2, 4, 5, 8))
    """

    takes, example_axis, reshapes = "images", 0, True

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: Pair,
        activation: Activation = "linear",
        *,
        stride: Pair = 1,
        padding: Padding = 0,
        init: Scheme | None = None,
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.n_in, self.n_out = whole("Conv2D: n_in", n_in, 1), whole("Conv2D: n_out", n_out, 1)
        self.size = _pair("Conv2D: size", size, 1)
        self.stride = _pair("Conv2D: stride", stride, 1)
        self.padding = _padding("Conv2D: padding", padding)
        self.activation = checked_activation("Conv2D", activation)
        dtype, scheme = checked_dtype("Conv2D", dtype), scheme_for(self.activation, init)
        rows = initial((self.n_out, self.size[0] * self.size[1] * self.n_in), scheme, seed)
        self.W = Tensor(rows.T.reshape(*self.size, self.n_in, self.n_out), name="W", dtype=dtype)
        self.b = Tensor(np.zeros((1, 1, 1, self.n_out)), name="b", dtype=dtype)

    def parameters(self) -> Parameters:
        """``{"W": ..., "b": ...}``."""
        return Parameters({"W": self.W, "b": self.b})

    def linear(self, A_prev: Any) -> Any:
        """Z, of shape (m, rows, columns, n_out)."""
        _check_images(self, A_prev, self.n_in)
        return conv2d(A_prev, self.W, stride=self.stride, padding=self.padding) + self.b


class _Pool(Described):
    """A window that moves over images, channel by channel."""

    takes, example_axis, reshapes = "images", 0, True

    def __init__(self, size: Pair, *, stride: Pair | None = None, padding: Padding = 0) -> None:
        called = type(self).__name__
        self.size = _pair(f"{called}: size", size, 1)
        self.stride = self.size if stride is None else _pair(f"{called}: stride", stride, 1)
        self.padding = _padding(f"{called}: padding", padding)


class MaxPool2D(_Pool):
    """The largest entry of each window, by channel. ``stride`` is the size of the window by default.

    >>> MaxPool2D(2)(Tensor(np.ones((1, 4, 6, 3)))).shape
    (1, 2, 3, 3)
    """

    def __call__(self, A: Any) -> Any:
        """(m, n_H, n_W, n_C) to (m, rows, columns, n_C)."""
        _check_images(self, A)
        return max_pool2d(A, size=self.size, stride=self.stride, padding=self.padding)


class AvgPool2D(_Pool):
    """The mean of each window, by channel. ``stride`` is the size of the window by default.

    >>> AvgPool2D(2)(Tensor(np.ones((1, 4, 6, 3)))).shape
    (1, 2, 3, 3)
    """

    def __call__(self, A: Any) -> Any:
        """(m, n_H, n_W, n_C) to (m, rows, columns, n_C)."""
        _check_images(self, A)
        return avg_pool2d(A, size=self.size, stride=self.stride, padding=self.padding)


class Flatten(Described):
    """Each example's values in one column: images (m, n_H, n_W, n_C) to (n_H n_W n_C, m).

    The order is the course's, of ``X.reshape(m, -1).T``. Sequences (n, m, T) become (n T, m).

    >>> Flatten()(Tensor(np.ones((5, 2, 3, 4)))).shape
    (24, 5)
    """

    takes, example_axis, reshapes = "images", 0, True

    def __call__(self, A: Any) -> Any:
        """A in columns."""
        A = shaped(A)
        shape = tuple(A.shape)
        if len(shape) == 2:
            return A
        if len(shape) == 3:
            A, m = np.transpose(A, (1, 0, 2)), shape[1]
        else:
            m = shape[0]
        return np.reshape(A, (m, int(np.prod(A.shape[1:])))).T
