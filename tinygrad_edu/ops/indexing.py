"""Operations that pick entries by position, or by a condition."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import elementwise, indexing
from tinygrad_edu.core.samples import Sample

__all__ = ["getitem", "scatter_add", "where"]

Array = Any
_INDICES = [
    1, -1, slice(None, None, 2), (slice(None), 1), (Ellipsis, 0), (None, 2), ([0, 0, 2],), ([0, 0], [1, 1]),
    (slice(1, None), [0, 0, 3]), np.array([True, False, True]), (slice(None, None, -1), None, [1, -1]),
]  # fmt: skip


@indexing(
    pullback=lambda g, y, x, *, index: scatter_add(g, index=index, shape=x.shape),
    latex=r"{x}_{{{settings}}}", label="[ ]", numpy=(),
    samples=[Sample(((3, 4),), {"index": index}) for index in _INDICES],
)  # fmt: skip
def getitem(x: Array, *, index: Any) -> Array:
    """``x[index]``, basic, advanced and boolean: https://numpy.org/doc/stable/user/basics.indexing.html.

    >>> import tinygrad_edu as tg
    >>> tg.Tensor([1.0, 2.0, 3.0])[[0, 0, 2]].tolist()
    [1.0, 1.0, 3.0]
    """
    return x[index]


@indexing(
    pullback=lambda g, y, x, *, index, shape: g[index],
    latex=r"\operatorname{{scatter}}_{{{settings}}}({x})", label="scatter", opaque=True,
    samples=[Sample(((3,),), {"index": ([0, 0, 2],), "shape": (4,)}), Sample(((2, 2),), {"index": (slice(1, 3), [0, 0]), "shape": (4, 3)})],
)  # fmt: skip
def scatter_add(x: Array, *, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` with x added at ``index``; places named twice receive both.

    >>> import tinygrad_edu as tg
    >>> tg.scatter_add(tg.Tensor([1.0, 2.0]), index=[0, 0], shape=(3,)).tolist()
    [3.0, 0.0, 0.0]
    """
    total = np.zeros(shape, x.dtype)
    np.add.at(total, index, x)
    return total


@elementwise(
    pullback=(
        None,
        lambda g, y, condition, a, b: np.where(condition, g, 0.0),
        lambda g, y, condition, a, b: np.where(condition, 0.0, g),
    ),
    latex=r"\begin{{cases}} {a} & {condition} \\ {b} & \text{{else}} \end{{cases}}", onnx="Where",
    samples=[
        Sample(((3, 4),) * 3, make=lambda rng: (rng.random((3, 4)) < 0.5, rng.normal(size=(3, 4)), rng.normal(size=(4,)))),
        Sample(((),) * 3, make=lambda rng: (np.array(True), rng.normal(), rng.normal(size=(2, 3)))),
    ],
)  # fmt: skip
def where(condition: Array, a: Array, b: Array) -> Array:
    """``a`` where the condition holds, else ``b``; no gradient reaches the branch not taken.

    >>> import tinygrad_edu as tg
    >>> tg.where([True, False], tg.Tensor([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    return np.where(condition, a, b)
