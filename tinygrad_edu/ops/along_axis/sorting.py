"""Sorting. The entries keep their slopes and change places; where they tie, the order found decides."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.core.axes import PICKED, Flow, Settings, Shapes, along
from tinygrad_edu.core.kinds import operation
from tinygrad_edu.core.samples import Sample

__all__ = ["argsort", "partition", "searchsorted", "sort"]

Array = Any
_ALONG = [
    Sample(((3, 4),)),
    Sample(((3, 4),), {"axis": 0}),
    Sample(((2, 3),), {"axis": None}),
    Sample(((5,),)),
    Sample(((0, 3),)),
]


def _where_each_went(g: Array, y: Array, x: Array, *, axis: int | None = -1, **how: Any) -> Array:
    """The gradient of the place to which each entry was moved.

    Sorted, x and y are the same: the k-th smallest of x is at argsort(x)[k], and went to argsort(y)[k].
    """
    rows = np.ravel(x) if axis is None else x
    along = 0 if axis is None else axis
    rank = np.argsort(np.argsort(rows, axis=along), axis=along)
    went = np.take_along_axis(np.argsort(y, axis=along), rank, axis=along)
    return np.reshape(np.take_along_axis(g, went, axis=along), x.shape)


@operation(
    axes=along(-1),
    kind="movement", pullback=_where_each_went, latex=r"\operatorname{{sort}}({x})", samples=_ALONG,
    monotone=1, moves=True, linear=(),
)  # fmt: skip
def sort(x: Array, *, axis: int | None = -1) -> Array:
    """In ascending order along an axis; without one, all entries in a row.

    >>> import tinygrad_edu as tg
    >>> x = tg.Tensor([3.0, 1.0, 2.0])
    >>> (tg.sort(x) * [10.0, 20.0, 30.0]).sum().backward()
    >>> x.grad.tolist()
    [30.0, 10.0, 20.0]
    """
    return np.sort(x, axis=axis, kind="stable")


@operation(
    axes=along(-1),
    kind="movement", pullback=_where_each_went, latex=r"\operatorname{{partition}}({x})",
    samples=[
        Sample(((3, 4),), {"kth": 2}),
        Sample(((5, 2),), {"kth": (1, 3), "axis": 0}),
        Sample(((2, 3),), {"kth": 2, "axis": None}),
    ],
    monotone=1, moves=True, linear=(),
)  # fmt: skip
def partition(x: Array, *, kth: int | tuple[int, ...], axis: int | None = -1) -> Array:
    """The k-th smallest in its sorted place along an axis, smaller ones before it, larger ones behind.

    >>> import tinygrad_edu as tg
    >>> tg.partition(tg.Tensor([3.0, 1.0, 2.0]), 0)[0].item()
    1.0
    """
    return np.partition(x, kth, axis=axis)


@operation(
    axes=along(-1),
    kind="movement", pullback=None, latex=r"\operatorname{{argsort}}({x})", samples=_ALONG,
    range=(0.0, np.inf),
)  # fmt: skip
def argsort(
    x: Array,
    *,
    axis: int | None = -1,
    kind: Literal["quicksort", "mergesort", "heapsort", "stable"] | None = None,
    stable: bool | None = None,
) -> Array:
    """The places of the entries in ascending order: plain integers. Ties keep their order if ``stable``.

    >>> import tinygrad_edu as tg
    >>> tg.argsort(tg.Tensor([3.0, 1.0, 2.0])).tolist()
    [1, 2, 0]
    """
    return np.argsort(x, axis=axis, kind=kind, stable=stable)


def _places_of(shapes: Shapes, _: Settings) -> Flow:
    own = tuple(range(len(shapes[1])))
    return Flow((("a",), own), own, {"a": PICKED})


@operation(
    axes=_places_of,
    kind="indexing", pullback=(None, None), latex=r"\operatorname{{searchsorted}}({a}, {v})",
    samples=[
        Sample(
            ((4,), (3, 2)),
            {"side": side},
            make=lambda rng: (np.sort(rng.normal(size=4)), rng.normal(size=(3, 2))),
        )
        for side in ("left", "right")
    ],
    range=(0.0, np.inf),
)  # fmt: skip
def searchsorted(a: Array, v: Array, *, side: Literal["left", "right"] = "left", sorter: Any = None) -> Array:
    """Before which of the ascending a each v belongs: plain integers, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.searchsorted([1.0, 2.0, 4.0], tg.Tensor([0.5, 3.0])).tolist()
    [0, 2]
    """
    return np.searchsorted(a, v, side=side, sorter=sorter)
