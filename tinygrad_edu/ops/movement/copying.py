"""Entries that lie apart, copied so that they lie together: windows, and transposed arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["copied"]

Array = Any
SHORT = 16
"""Entries that lie together from which on NumPy copies them as fast as memory goes."""
FEW = 64
"""Copies that may be made instead of one."""


def copied(x: Array, *, shape: tuple[int, ...], out: Array = None) -> Array:
    """The entries of x, row by row, in another shape and in memory of their own.

    Where few of them lie together, as in windows over one channel, each place along the last axes is copied
    by itself: then the long axis before them is the one that is walked along.

    >>> copied(np.arange(6).reshape(2, 3).T, shape=(6,))
    array([0, 3, 1, 4, 2, 5])
    """
    out = np.empty(shape, x.dtype) if out is None else out
    rows, axis = np.reshape(out, x.shape), x.ndim
    while axis and math.prod(x.shape[axis - 1 :]) <= FEW:
        axis -= 1
    if 0 < axis < x.ndim and x.size and _together(x) < min(SHORT, x.shape[axis - 1]):
        for place in np.ndindex(*x.shape[axis:]):
            rows[(..., *place)] = x[(..., *place)]
    else:
        rows[...] = x
    return out


def _together(x: Array) -> int:
    """How many entries lie together, row by row."""
    found = 1
    for n, stride in zip(reversed(x.shape), reversed(x.strides), strict=True):
        if stride != found * x.itemsize:
            break
        found *= n
    return found
