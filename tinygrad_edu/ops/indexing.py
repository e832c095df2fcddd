"""Operations that pick entries by position."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import indexing
from tinygrad_edu.core.samples import Sample

__all__ = ["getitem", "scatter_add"]

Array = Any
_INDICES = [
    1, -1, slice(None, None, 2), (slice(None), 1), (Ellipsis, 0), (None, 2), ([0, 0, 2],), ([0, 0], [1, 1]),
    (slice(1, None), [0, 0, 3]), np.array([True, False, True]), (slice(None, None, -1), None, [1, -1]),
]  # fmt: skip


@indexing(
    pullback=lambda g, y, x, *, index, shape: g[index],
    latex=r"\operatorname{{scatter}}_{{{settings}}}({x})",
    label="scatter",
    opaque=True,
    samples=[
        Sample(((3,),), {"index": ([0, 0, 2],), "shape": (4,)}),
        Sample(((2, 2),), {"index": (slice(1, 3), [0, 0]), "shape": (4, 3)}),
    ],
)
def scatter_add(x: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with x added at ``index``; places named twice receive both.

    >>> import tinygrad_edu as tg
    >>> tg.scatter_add(tg.Tensor([1.0, 2.0]), index=[0, 0], shape=(3,)).tolist()
    [3.0, 0.0, 0.0]
    """
    total = np.zeros(shape, x.dtype)
    np.add.at(total, index, x)
    return total


@indexing(
    pullback=lambda g, y, x, *, index: scatter_add(g, index=index, shape=x.shape),
    latex=r"{x}_{{{settings}}}",
    label="[ ]",
    numpy=(),
    samples=[Sample(((3, 4),), {"index": index}) for index in _INDICES],
)
def getitem(x: Array, *, index: Any) -> Array:
    """``x[index]``, basic, advanced and boolean: https://numpy.org/doc/stable/user/basics.indexing.html.

    >>> import tinygrad_edu as tg
    >>> tg.Tensor([1.0, 2.0, 3.0])[[0, 0, 2]].tolist()
    [1.0, 1.0, 3.0]
    """
    return x[index]
