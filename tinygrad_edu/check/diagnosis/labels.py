"""What may be subtracted from a prediction: data, and the one-hot form of labels that are integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.pool import Pool, remembered
from tinygrad_edu.expression.named_settings import index_parts


@remembered
def labels_of(pool: Pool, shape: tuple[int, ...]) -> list[tuple[str, Array]]:
    """Arrays of a shape that may be labels, and what they are called."""
    return list(_labels(pool, shape))


def _labels(pool: Pool, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    data = [n for n in pool.graph.inputs if not n.requires_grad and n.value.size > 1]
    for node in data:
        if node.value.ndim <= len(shape):
            for text, value in _read(node.name, np.asarray(node.value, float)):
                called = None if node.named else pool.words.of_array(value)
                if called is not None:
                    text = f"({called})" if " " in called else called
                elif text != node.name and any(np.array_equal(value, n.value) for n in data):
                    continue
                try:
                    yield text, np.broadcast_to(value, shape)
                except ValueError:
                    continue
    yield from ((name, array) for name, array in pool.aside.items() if array.shape == shape)
    for axis in (0, 1) if len(shape) == 2 else ():
        arrays = pool.words.arrays.values()
        integers = [
            a for a in arrays if a.dtype.kind in "iu" and a.ndim == 1 and a.size > 1 and not counts(a)
        ]
        for index in (*indices_of(pool), *integers):
            if index.size == shape[1 - axis] and index.min() >= 0 and index.max() < shape[axis]:
                hot = np.eye(shape[axis])[index]
                yield "the one-hot label", hot.T if axis == 0 else hot


def _read(name: str, value: Array) -> Iterator[tuple[str, Array]]:
    """An array of data, and the labels that it may have been made of: a cost has -y and 1 - y in it."""
    yield name, value
    if np.isin(value, (0, 1)).all():
        yield f"(1 - {name})", 1 - value
    elif np.isin(value, (0, -1)).all():
        yield f"(-{name})", -value


def counts(part: Any) -> bool:
    """Whether a part of an index takes one after the other, as the examples of ``A[np.arange(m), y]``."""
    return isinstance(part, np.ndarray) and np.array_equal(part, np.arange(part.size))


def indices_of(pool: Pool, axes: int = 1) -> Iterator[Array]:
    """The arrays of integers of so many axes that entries are picked by, without those that only count."""
    seen: list[Array] = []
    for node in pool.graph:
        parts = index_parts(node.settings.get("index"))
        diagonal = len(parts) > 1 and all(counts(part) for part in parts)
        for part in parts:
            integers = isinstance(part, np.ndarray) and part.ndim == axes and part.dtype.kind in "iu"
            if not integers or part.size < 2 or (counts(part) and not diagonal):
                continue
            if not any(np.array_equal(part, other) for other in seen):
                seen.append(part)
                yield part
