"""From raw examples to columns of numbers: E2 to E4 of the notes.

Categories become an integer map, one-hot or multi-hot columns; numbers are scaled; images are flattened.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from tinygrad_edu.course.shapes import Array, check_examples, shape_of

__all__ = [
    "images_to_columns", "images_to_columns_by_loops", "integer_map", "integers_of", "multi_hot", "one_hot",
    "scale_to_range", "standardise",
]  # fmt: skip

OTHER = "other"
"""The class of every category that the map does not know."""


def integer_map(categories: Iterable[Hashable]) -> dict[Hashable, int]:
    """Each category in order of first appearance to 0, 1, ...; the last integer is for any other.

    >>> integer_map(["red", "blue", "red"])
    {'red': 0, 'blue': 1, 'other': 2}
    """
    names = [name for name in dict.fromkeys(categories) if name != OTHER]
    return {name: k for k, name in enumerate([*names, OTHER])}


def integers_of(values: Iterable[Hashable], mapping: Mapping[Hashable, int]) -> Array:
    """The integers of the values, the one of "other" for those the map does not know. Shape (m,).

    >>> integers_of(["blue", "green"], {"red": 0, "blue": 1, "other": 2})
    array([1, 2])
    """
    if OTHER not in mapping:
        raise ValueError(
            f"integers_of: expected a map with an {OTHER!r} class, got {', '.join(map(str, mapping))}"
        )
    return np.array([mapping.get(value, mapping[OTHER]) for value in values], dtype=int)


def one_hot(integers: Array, C: int) -> Array:
    """(C, m): column i has a 1 in the row of its class. Every two different columns are √2 apart.

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 1.],
           [0., 0.],
           [1., 0.]])
    """
    integers = np.asarray(integers)
    if integers.ndim != 1 or integers.dtype.kind not in "iu":
        raise ValueError(f"one_hot: expected integers (m,), got {integers.dtype} {integers.shape}")
    wrong = integers[(integers < 0) | (integers >= C)]
    if wrong.size:
        raise ValueError(f"one_hot: expected classes 0 to {C - 1}, got {wrong[0]}")
    return np.eye(C)[:, integers]


def multi_hot(sets: Sequence[Iterable[int]], C: int) -> Array:
    """(C, m): column i has a 1 in the row of each of its classes.

    >>> multi_hot([{0, 2}, set()], 3)
    array([[1., 0.],
           [0., 0.],
           [1., 0.]])
    """
    return np.stack([one_hot(np.array(sorted(s), dtype=int), C).sum(axis=1) for s in sets], axis=1)


def standardise(X: Array, reference: Array | None = None) -> Array:
    """Each feature (row) minus its mean over the examples, divided by their standard deviation.

    ``reference`` gives mean and deviation, the training set for a test set. A constant feature becomes 0.

    >>> standardise(np.array([[1.0, 3.0], [5.0, 5.0]]))
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    reference = X if reference is None else reference
    check_examples("standardise", reference)
    mean = np.mean(reference, axis=1, keepdims=True)
    deviation = np.std(reference, axis=1, keepdims=True)
    return (X - mean) / np.where(deviation > 0, deviation, 1.0)


def scale_to_range(X: Array, reference: Array | None = None) -> Array:
    """Each feature (row) mapped from its range over the examples to 0..1. A constant feature becomes 0.

    >>> scale_to_range(np.array([[2.0, 4.0, 3.0]]))
    array([[0. , 1. , 0.5]])
    """
    reference = X if reference is None else reference
    check_examples("scale_to_range", reference)
    low = np.min(reference, axis=1, keepdims=True)
    extent = np.max(reference, axis=1, keepdims=True) - low
    return (X - low) / np.where(extent > 0, extent, 1.0)


def images_to_columns(images: Array) -> Array:
    """(m, height, width, 3) to (height · width · 3, m): 64 × 64 × 3 gives 12288 features, one image a column.

    >>> images_to_columns(np.zeros((209, 64, 64, 3))).shape
    (12288, 209)
    """
    _check_images("images_to_columns", images)
    return images.reshape(images.shape[0], -1).T


def images_to_columns_by_loops(images: Array) -> Array:
    """The same, entry by entry: feature k = (row · width + column) · channels + channel.

    >>> images = np.arange(24.0).reshape(2, 2, 2, 3)
    >>> np.array_equal(images_to_columns_by_loops(images), images_to_columns(images))
    True
    """
    _check_images("images_to_columns_by_loops", images)
    m, height, width, channels = images.shape
    X = np.zeros((height * width * channels, m))
    for i, row, column, channel in np.ndindex(m, height, width, channels):
        X[(row * width + column) * channels + channel, i] = images[i, row, column, channel]
    return X


def _check_images(where: str, images: Array) -> None:
    if len(shape_of(images)) != 4 or 0 in images.shape:
        raise ValueError(
            f"{where}: expected (m, height, width, channels), none of them 0, got shape {shape_of(images)}"
        )
