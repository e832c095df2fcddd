"""What may be subtracted from a prediction: data, and the one-hot form of labels that are integers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.pool import Pool

__all__ = ["labels_of"]


def labels_of(pool: Pool, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Arrays of a shape that may be labels, and what they are called."""
    for node in pool.graph.inputs:
        if not node.requires_grad and node.value.size > 1 and node.value.ndim <= len(shape):
            try:
                yield node.name, np.broadcast_to(np.asarray(node.value, float), shape)
            except ValueError:
                continue
    if len(shape) == 2:
        for axis in (0, 1):
            for index in _indices(pool):
                if index.size == shape[1 - axis] and index.min() >= 0 and index.max() < shape[axis]:
                    hot = np.eye(shape[axis])[index]
                    yield "the one-hot label", hot.T if axis == 0 else hot


def _indices(pool: Pool) -> Iterator[Array]:
    """The arrays of integers that entries are picked by, without those that only count."""
    seen: list[Array] = []
    for node in pool.graph:
        index = node.settings.get("index")
        for part in index if isinstance(index, tuple) else (index,):
            integers = isinstance(part, np.ndarray) and part.ndim == 1 and part.dtype.kind in "iu"
            if not integers or part.size < 2 or np.array_equal(part, np.arange(part.size)):
                continue
            if not any(np.array_equal(part, other) for other in seen):
                seen.append(part)
                yield part
