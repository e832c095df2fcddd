"""Polynomials of given coefficients, their table of powers, and evenly spaced points."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import astype, dtype_of

__all__ = ["linspace", "polyval", "vander"]

Array = Any


@composed(samples=[Sample(((3,), (2, 4))), Sample(((4,), ()))])
def polyval(p: Array, x: Array) -> Array:
    """The polynomial with coefficients p, the highest power first, at x, by Horner's rule.

    >>> import tinygrad_edu as tg
    >>> tg.polyval([1.0, 0.0, 3.0], tg.Tensor(2.0)).item()
    7.0
    """
    y: Array = np.zeros(np.shape(x), dtype_of(x))
    for k in range(np.shape(p)[0]):
        y = y * x + p[k]
    return y


@composed(samples=[Sample(((4,),)), Sample(((3,),), {"N": 2}), Sample(((3,),), {"increasing": True})])
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """The powers of each entry in a row, N of them, the highest first (``increasing``: the lowest).

    Raises:
        ValueError: anything but a vector.

    >>> import tinygrad_edu as tg
    >>> tg.vander(tg.Tensor([2.0, 3.0]), 3).tolist()
    [[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]]
    """
    if np.ndim(x) != 1:
        raise ValueError(f"vander: expected a vector, got shape {np.shape(x)}")
    if N is not None and N < 0:
        raise ValueError(f"vander: expected N of 0 or more, got {N}")
    powers = np.arange(np.shape(x)[0] if N is None else index(N))
    return np.power(np.expand_dims(x, 1), powers if increasing else powers[::-1])


@composed(
    samples=[
        Sample(((), ()), {"num": 4}),
        Sample(((2,), ()), {"num": 3, "endpoint": False}),
        Sample(((2,), (2,)), {"num": 3, "axis": -1}),
    ]
)
def linspace(start: Array, stop: Array, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Array:
    """Evenly spaced points from start to stop, along a new axis; without ``endpoint``, stop is left out.

    Raises:
        ValueError: num below 0.

    >>> import tinygrad_edu as tg
    >>> tg.linspace(tg.Tensor(1.0), 2.0, num=3).tolist()
    [1.0, 1.5, 2.0]
    """
    if num < 0:
        raise ValueError(f"linspace: expected num of 0 or more, got {num}")
    share = np.arange(num) / max(num - 1 if endpoint else num, 1)
    share = np.reshape(share, (num,) + (1,) * max(np.ndim(start), np.ndim(stop)))
    points = astype(
        start * (1.0 - share) + stop * share,
        dtype=np.result_type(*(v if np.isscalar(v) else dtype_of(v) for v in (start, stop)), 1.0),
    )
    return np.moveaxis(points, 0, axis)
