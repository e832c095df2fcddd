"""Examples cut into batches: in which order, and which are kept for validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.settings import taking, whole, yes_or_no

TOGETHER = 1 << 18
"""Batches are picked together up to so many bytes, since every pick costs a call of NumPy."""
SMALL = 1 << 20
"""Bytes up to which a whole batch that is the transpose of rows is copied: a step on a small net is up to a
fifth quicker then, on a large one as quick."""

Array: TypeAlias = NDArray[Any]
Order: TypeAlias = bool | Callable[[int, int], Array]
"""True or False, or a function of epoch and m that returns the order of the examples."""
Validation: TypeAlias = tuple[Any, Any] | float | None
"""Examples (X, Y) to validate with, or the share of the data set to hold out for validation."""


class Batches:
    """The batches of each epoch. The order depends on the seed and the epoch alone, so training can resume.

    ``axes`` says for each array which of its axes runs over the examples: for X (n_x, m) the second.

    >>> X, Y = np.arange(5.0).reshape(1, 5), np.zeros((1, 5))
    >>> [x.shape for x, y in Batches((X, Y), (1, 1), batch_size=2, shuffle=True, seed=0).of_epoch(0)]
    [(1, 2), (1, 2), (1, 1)]
    """

    def __init__(
        self,
        arrays: Sequence[Array],
        axes: Sequence[int],
        *,
        batch_size: int | None,
        shuffle: Order,
        seed: int,
    ) -> None:
        self.m: int = arrays[0].shape[axes[0]]
        self.size: int = self.m if batch_size is None else min(whole("batch_size", batch_size, 1), self.m)
        self.shuffle, self.seed = shuffle, seed
        self.whole = self.size == self.m
        self.axes = tuple(axes)
        self.arrays = tuple(self._laid_out(a, axis) for a, axis in zip(arrays, axes, strict=True))

    def _laid_out(self, array: Array, axis: int) -> Array:
        """The array as it lies best in memory."""
        if not self.whole:  # picked from rows, which lie together; a batch is then a transposed view
            return np.ascontiguousarray(np.moveaxis(array, axis, 0))
        return np.ascontiguousarray(array) if array.nbytes <= SMALL else array

    @property
    def smallest(self) -> int:
        """The examples of the smallest batch: the last one."""
        return self.m % self.size or self.size

    def __len__(self) -> int:
        return math.ceil(self.m / self.size)

    def of_epoch(self, epoch: int, after: int = 0) -> Iterator[tuple[Array, ...]]:
        """The batches (X, Y) of an epoch, from batch number ``after`` on. A whole batch keeps its order."""
        if self.whole:
            yield self.arrays
            return
        order = order_of(epoch, self.m, self.shuffle, self.seed)
        size = self.size
        together = size * max(1, TOGETHER // max(sum(a[:size].nbytes for a in self.arrays), 1))
        for k in range(after * size, self.m, together):
            chosen = order[k : k + together]
            rows = [a.take(chosen, axis=0) for a in self.arrays]
            for start in range(0, len(chosen), size):
                batch = slice(start, start + size)
                yield tuple([_beside(a[batch], axis) for a, axis in zip(rows, self.axes, strict=True)])


def order_of(epoch: int, m: int, shuffle: Order, seed: int) -> Array:
    """The order in which an epoch goes through m examples. It depends on the seed and the epoch alone.

    Raises:
        ValueError: the function ``shuffle`` returned something else than an order.
    """
    if callable(shuffle):
        order = np.asarray(shuffle(epoch, m))
        if order.dtype.kind not in "iu" or not np.array_equal(np.sort(order, axis=None), np.arange(m)):
            raise ValueError(f"shuffle: expected an order of the {m} examples, got {order}")
        return order
    return np.random.default_rng((seed, epoch)).permutation(m) if shuffle else np.arange(m)


def _beside(rows: Array, axis: int) -> Array:
    """Turns an array of examples in rows into one whose examples run along ``axis``."""
    return rows.T if axis == 1 and rows.ndim == 2 else np.moveaxis(rows, 0, axis)


def shuffled(value: Any) -> Order:
    """The argument ``shuffle``, checked before the first epoch.

    >>> shuffled("yes")
    Traceback (most recent call last):
    ...
    TypeError: shuffle: expected True or False, got 'yes'
    """
    return taking("shuffle", value, "epoch, m") if callable(value) else yes_or_no("shuffle", value)


def held_out(
    X: Array, Y: Array, validation: Validation, seed: int, axes: tuple[int, int] = (1, 1)
) -> tuple[Array, Array, tuple[Any, Any] | None, Array | None]:
    """X and Y to train on, (X, Y) to validate with or None, and the indices of those trained on (None: all).

    >>> X, Y, kept, used = held_out(np.zeros((2, 10)), np.zeros((1, 10)), 0.2, seed=0)
    >>> X.shape, kept[0].shape, len(used)
    ((2, 8), (2, 2), 8)
    """
    if validation is None:
        return X, Y, None, None
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        return X, Y, (validation[0], validation[1]), None
    m = X.shape[axes[0]]
    if isinstance(validation, bool) or not isinstance(validation, (int, float, np.number)):
        raise TypeError(f"validation: expected examples (X, Y) or a share, got {type(validation).__name__}")
    n = round(validation * m) if 0 < validation < 1 else 0
    if not 0 < n < m:
        raise ValueError(
            "validation: expected examples (X, Y), or a share that leaves some of the "
            f"{m} examples on both sides, got {validation}"
        )
    order = np.random.default_rng(seed).permutation(m)
    kept, used = np.sort(order[:n]), np.sort(order[n:])
    to_judge = np.take(X, kept, axes[0]), np.take(Y, kept, axes[1])
    return np.take(X, used, axes[0]), np.take(Y, used, axes[1]), to_judge, used
