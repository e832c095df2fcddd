"""Layers: what takes A[l-1], one example a column, to A[l]. Course: D1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.checks import whole
from tinygrad_edu.nn.init import Scheme, Seed, initial
from tinygrad_edu.ops.elementwise_exponential import tanh
from tinygrad_edu.ops.networks import leaky_relu, relu, sigmoid, softmax

__all__ = ["ACTIVATIONS", "Activation", "Dense"]

Activation: TypeAlias = str | Callable[[Any], Any]
"""A name in ``ACTIVATIONS``, or a function of Z."""

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda Z: Z,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "softmax": softmax,
}
"""The activations by the name that ``activation=`` takes; linear is A = Z."""


class Dense:
    """A fully connected layer: Z = W A_prev + b, A = g(Z).

    Args:
        n_in: the units of the layer before, n[l-1].
        n_out: its own units, n[l].
        activation: g, by name (linear, sigmoid, tanh, relu, leaky_relu, softmax) or as a function.
        init: zeros, random (0.01), xavier, he, a scale, or a function ``(shape, generator) -> W``. By
            default He's for ReLU and Xavier's for the others. b starts at 0.
        seed: an integer (NumPy's legacy generator, as in the course), a generator, or None.
        dtype: float64, or float32 for speed.

    ``.W`` is a Tensor (n_out, n_in), ``.b`` one of (n_out, 1).

    >>> import numpy as np
    >>> layer = Dense(2, 3, activation="relu", seed=1)
    >>> layer.W.shape, layer.b.shape, layer(np.ones((2, 5))).shape
    ((3, 2), (3, 1), (3, 5))
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "linear",
        *,
        init: Scheme | None = None,
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if isinstance(activation, str) and activation not in ACTIVATIONS:
            raise ValueError(
                f"Dense: activation: expected a function or one of {', '.join(ACTIVATIONS)}, "
                f"got {activation!r}"
            )
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"Dense: dtype: expected a floating-point dtype, got {np.dtype(dtype)}")
        self.n_in, self.n_out = whole("Dense: n_in", n_in, 1), whole("Dense: n_out", n_out, 1)
        self.activation = next((name for name, g in ACTIVATIONS.items() if g is activation), activation)
        scheme = init if init is not None else "he" if self.activation in ("relu", "leaky_relu") else "xavier"
        self.W = Tensor(initial((self.n_out, self.n_in), scheme, seed), name="W", dtype=dtype)
        self.b = Tensor(np.zeros((self.n_out, 1)), name="b", dtype=dtype)

    def parameters(self) -> dict[str, Tensor]:
        """``{"W": ..., "b": ...}``."""
        return {"W": self.W, "b": self.b}

    def linear(self, A_prev: Any) -> Any:
        """Z = W A_prev + b, of shape (n_out, m).

        Raises:
            ValueError: A_prev isn't (n_in, m) with at least one example.
        """
        self._check(A_prev)
        return self.W @ A_prev + self.b

    def activate(self, Z: Any) -> Any:
        """A = g(Z)."""
        return ACTIVATIONS[self.activation](Z) if isinstance(self.activation, str) else self.activation(Z)

    def __call__(self, A_prev: Any) -> Any:
        """A = g(W A_prev + b), of shape (n_out, m)."""
        return self.activate(self.linear(A_prev))

    def _check(self, A_prev: Any) -> None:
        shape = tuple(A_prev.shape)
        if len(shape) == 2 and shape[0] == self.n_in and shape[1]:
            return
        called = getattr(A_prev, "name", None) or "its input"
        product = f"{self.W.name} {self.W.shape} @ {called} {shape}"
        wanted = f"expected one example a column, ({self.n_in}, m)"
        if len(shape) != 2:
            raise ValueError(f"{product}: {wanted}")
        if shape[0] == self.n_in:
            raise ValueError(f"{product}: {wanted}, and at least one example")
        hint = "; it looks transposed" if shape[1] == self.n_in else ""
        raise ValueError(f"{product}: inner dimensions {self.n_in} and {shape[0]} differ; {wanted}{hint}")

    def __repr__(self) -> str:
        return f"Dense({self.n_in}, {self.n_out}, {self.activation!r})"
