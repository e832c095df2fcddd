"""Normalisation of a layer's output to mean 0 and variance 1, then scaled by γ and shifted by β."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.dropout import is_training
from tinygrad_edu.nn.layers import Described, checked_dtype
from tinygrad_edu.nn.parameter_discovery import Parameters
from tinygrad_edu.settings import above_zero, at_least, shaped, whole

Seen = list[tuple["BatchNorm", Tensor, Tensor]]
_seen: ContextVar[Seen | None] = ContextVar("seen", default=None)


@contextmanager
def noting() -> Iterator[Seen]:
    """Inside, :class:`BatchNorm` collects the statistics of batches and leaves the running ones unchanged."""
    found: Seen = []
    before = _seen.set(found)
    try:
        yield found
    finally:
        _seen.reset(before)


class _Normalisation(Described):
    """γ and β, and the feature axis: the first, but in images the last."""

    beside = True
    """It has the number of the layer before it: γ[l], β[l]."""

    def __init__(self, n: int, epsilon: float, dtype: DTypeLike) -> None:
        called = type(self).__name__
        self.n, self.epsilon = whole(f"{called}: n", n, 1), above_zero(f"{called}: epsilon", epsilon)
        kind = checked_dtype(called, dtype)
        self.gamma = Tensor(np.ones((self.n, 1)), name="gamma", dtype=kind)
        self.beta = Tensor(np.zeros((self.n, 1)), name="beta", dtype=kind)

    def parameters(self) -> Parameters:
        """``{"gamma": ..., "beta": ...}``, each (n, 1)."""
        return Parameters({"gamma": self.gamma, "beta": self.beta})

    def _features(self, A: Any) -> int:
        """The axis of the features."""
        shape = tuple(A.shape)
        axis = 0 if len(shape) in (2, 3) else 3
        if len(shape) not in (2, 3, 4) or shape[axis] != self.n:
            raise ValueError(
                f"{type(self).__name__}({self.n}): expected ({self.n}, m), ({self.n}, m, T) or "
                f"(m, n_H, n_W, {self.n}), got shape {shape}"
            )
        return axis

    def _fitting(self, t: Any, A: Any) -> Any:
        """An array (n, 1) in a shape that broadcasts against A."""
        if len(A.shape) == 2:
            return t
        return t.reshape((self.n, 1, 1) if len(A.shape) == 3 else (self.n,))

    def _scaled(self, centred: Any, variance: Any) -> Any:
        gamma, beta = self._fitting(self.gamma, centred), self._fitting(self.beta, centred)
        return gamma * (centred / np.sqrt(variance + self.epsilon)) + beta


class BatchNorm(_Normalisation):
    """Batch normalisation of n features: γ (A - μ) / √(σ² + ε) + β, with μ and σ² over the batch.

    While a model is trained (``fit``, or inside ``tg.nn.training()``) these are the batch's, and their
    running averages are kept; where it is used they are the averages. A is (n, m), (n, m, T), or images
    (m, n_H, n_W, n), whose channels are normalised.

    Source: S. Ioffe, C. Szegedy, ICML 2015; the course writes z̃ = γ z_norm + β.

    Args:
        n: the features, or channels.
        momentum: the share of the running averages that stays (PyTorch's ``momentum`` is 1 minus it).
        epsilon: ε.
        dtype: of γ and β.

    >>> layer = BatchNorm(2)
    >>> layer(np.array([[1.0, 3.0], [0.0, 0.0]])).data.round(3).tolist()
    [[1.0, 3.0], [0.0, 0.0]]
    """

    def __init__(
        self, n: int, *, momentum: float = 0.9, epsilon: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__(n, epsilon, dtype)
        self.momentum = at_least("BatchNorm: momentum", momentum, 0, below=1)
        kind = self.gamma.dtype
        self.mean = Tensor(np.zeros((self.n, 1)), requires_grad=False, name="mean", dtype=kind)
        self.variance = Tensor(np.ones((self.n, 1)), requires_grad=False, name="variance", dtype=kind)

    def buffers(self) -> dict[str, Tensor]:
        """The running averages, each (n, 1): ``{"mean": ..., "variance": ...}``."""
        return {"mean": self.mean, "variance": self.variance}

    def __call__(self, A: Any) -> Any:
        """A normalised, in its own shape."""
        A = shaped(A)
        features = self._features(A)
        if not is_training():
            mean, variance = (self._fitting(t, A) for t in (self.mean, self.variance))
            return self._scaled(A - mean, variance)
        others = tuple(k for k in range(len(A.shape)) if k != features)
        m = int(np.prod([A.shape[k] for k in others]))
        if m < 2:
            raise ValueError(f"BatchNorm({self.n}): expected at least two values of each feature to train on")
        mean = np.mean(A, axis=others, keepdims=True)
        centred = A - mean
        variance = np.mean(np.square(centred), axis=others, keepdims=True)
        self._note(mean.reshape(self.n, 1), variance.reshape(self.n, 1) * (m / (m - 1)))
        return self._scaled(centred, variance)

    def _note(self, mean: Any, variance: Any) -> None:
        seen = _seen.get()
        if seen is not None:
            seen.append((self, mean, variance))
        elif type(mean) is Symbol:
            raise TypeError(
                "BatchNorm: a compiled step of one's own cannot keep its running averages; train with "
                "tg.nn.fit, or without tg.compile"
            )
        else:
            self.average(*(v._data if isinstance(v, Tensor) else v for v in (mean, variance)))

    def average(self, mean: Any, variance: Any) -> None:
        """Updates the running averages with the statistics of a batch."""
        stays = self.momentum
        for kept, new in ((self.mean, mean), (self.variance, variance)):
            # A new array: a graph recorded before still holds the old one, and its backward pass raises.
            kept.data = (stays * kept._data + (1 - stays) * new).astype(kept.dtype)


class LayerNorm(_Normalisation):
    """Layer normalisation of n features: γ (A - μ) / √(σ² + ε) + β, with μ and σ² over those of an example.

    The same while it is trained and where it is used. A is (n, m), (n, m, T), or images (m, n_H, n_W, n),
    where each place of an image is normalised over its channels.

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv:1607.06450, 2016.

    >>> layer = LayerNorm(2)
    >>> layer(np.array([[1.0, 0.0], [3.0, 0.0]])).data.round(3).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    def __init__(self, n: int, *, epsilon: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__(n, epsilon, dtype)

    def __call__(self, A: Any) -> Any:
        """A normalised, in its own shape."""
        A = shaped(A)
        features = self._features(A)
        centred = A - np.mean(A, axis=features, keepdims=True)
        return self._scaled(centred, np.mean(np.square(centred), axis=features, keepdims=True))
