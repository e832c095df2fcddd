"""Examples cut into batches: in which order, and which are kept for validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.nn.checks import whole

__all__ = ["Batches", "Order", "Validation", "held_out"]

Array: TypeAlias = NDArray[Any]
Order: TypeAlias = bool | Callable[[int, int], Array]
"""Whether to shuffle; or a function of epoch and m that gives the order of the examples."""
Validation: TypeAlias = tuple[Any, Any] | float | None
"""Examples (X, Y) to judge by, or the share of the data set to keep back for it."""


class Batches:
    """The batches of each epoch. The order depends on the seed and the epoch alone, so training can resume.

    >>> X, Y = np.arange(5.0).reshape(1, 5), np.zeros((1, 5))
    >>> [x.shape for x, y in Batches(X, Y, batch_size=2, shuffle=True, seed=0).of_epoch(0)]
    [(1, 2), (1, 2), (1, 1)]
    """

    def __init__(self, X: Array, Y: Array, *, batch_size: int | None, shuffle: Order, seed: int) -> None:
        self.m: int = X.shape[1]
        self.size: int = self.m if batch_size is None else min(whole("batch_size", batch_size, 1), self.m)
        self.shuffle, self.seed = shuffle, seed
        self.whole = self.size == self.m
        # Examples are picked from rows, which lie together in memory; a batch is then a transposed view.
        self.X, self.Y = (X, Y) if self.whole else (np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T))

    def __len__(self) -> int:
        return math.ceil(self.m / self.size)

    def of_epoch(self, epoch: int) -> Iterator[tuple[Array, Array]]:
        """The batches (X, Y) of an epoch; all examples in their own order where the batch is whole."""
        if self.whole:
            yield self.X, self.Y
            return
        order = self._order(epoch)
        for k in range(0, self.m, self.size):
            chosen = order[k : k + self.size]
            yield self.X[chosen].T, self.Y[chosen].T

    def _order(self, epoch: int) -> Array:
        if callable(self.shuffle):
            order = np.asarray(self.shuffle(epoch, self.m))
            if sorted(order.tolist()) != list(range(self.m)):
                raise ValueError(f"shuffle: expected an order of the {self.m} examples, got {order}")
            return order
        return (
            np.random.default_rng((self.seed, epoch)).permutation(self.m)
            if self.shuffle
            else np.arange(self.m)
        )


def held_out(
    X: Array, Y: Array, validation: Validation, seed: int
) -> tuple[Array, Array, tuple[Any, Any] | None]:
    """X and Y to train on, and (X, Y) to validate with, if any.

    >>> X, Y, kept = held_out(np.zeros((2, 10)), np.zeros((1, 10)), 0.2, seed=0)
    >>> X.shape, kept[0].shape
    ((2, 8), (2, 2))
    """
    if validation is None:
        return X, Y, None
    if isinstance(validation, (int, float)):
        n = round(validation * X.shape[1])
        if not 0 < validation < 1 or not 0 < n < X.shape[1]:
            raise ValueError(
                "validation: expected examples (X, Y), or a share that leaves some of the "
                f"{X.shape[1]} examples on both sides, got {validation}"
            )
        order = np.random.default_rng(seed).permutation(X.shape[1])
        kept, used = np.sort(order[:n]), np.sort(order[n:])
        return X[:, used], Y[:, used], (X[:, kept], Y[:, kept])
    try:
        X_kept, Y_kept = validation
    except (TypeError, ValueError):
        raise TypeError(
            f"validation: expected examples (X, Y) or a share, got {type(validation).__name__}"
        ) from None
    return X, Y, (X_kept, Y_kept)
