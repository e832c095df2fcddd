"""Places, counts, and tests over axes: plain results, without a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import PICKED, ending
from tinygrad_edu.core.kinds import over_axes, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import RECORD
from tinygrad_edu.ops.reduction.sums_and_extrema import Axis, chosen

__all__ = ["all", "any", "argmax", "argmin", "count_nonzero"]

Array = Any


def _of_some(name: str, otherwise: bool) -> Callable[..., Array]:
    """NumPy's ``where``: elsewhere stands what decides nothing."""

    def general(x: Array, *, axis: Axis = None, keepdims: bool = False, where: Array = True) -> Array:
        return RECORD[name](chosen(name, x, where, otherwise), axis=axis, keepdims=keepdims)

    return general


_LINES = [Sample(((3, 4),), s) for s in ({}, {"axis": 0}, {"axis": -1}, {"axis": 1, "keepdims": True})]


@reduction(
    axes=ending(PICKED),
    pullback=None, latex=r"\operatorname{{argmax}}{settings} {x}", samples=_LINES, onnx="ArgMax",
    range=(0.0, np.inf),
)  # fmt: skip
def argmax(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the largest entry is, the first of equals: plain integers, without a gradient.

    >>> import tinygrad_edu as tg
    >>> int(tg.argmax(tg.Tensor([1.0, 3.0, 2.0])))
    1
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@reduction(
    axes=ending(PICKED),
    pullback=None, latex=r"\operatorname{{argmin}}{settings} {x}", samples=_LINES, onnx="ArgMin",
    range=(0.0, np.inf),
)  # fmt: skip
def argmin(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the smallest entry is, the first of equals: plain integers, without a gradient.

    >>> import tinygrad_edu as tg
    >>> int(tg.argmin(tg.Tensor([1.0, 3.0, 2.0])))
    0
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


@reduction(
    pullback=None, latex=r"\operatorname{{all}}{settings} {x}", samples=over_axes(), range=(0.0, 1.0),
    general=_of_some("all", otherwise=True),
)  # fmt: skip
def all(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all entries over axes are true (not 0): plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> bool(tg.all(tg.Tensor([1.0, 0.0])))
    False
    """
    return np.all(x, axis=axis, keepdims=keepdims)


@reduction(
    pullback=None, latex=r"\operatorname{{any}}{settings} {x}", samples=over_axes(), range=(0.0, 1.0),
    general=_of_some("any", otherwise=False),
)  # fmt: skip
def any(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether some entry over axes is true (not 0): plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> bool(tg.any(tg.Tensor([1.0, 0.0])))
    True
    """
    return np.any(x, axis=axis, keepdims=keepdims)


@reduction(
    pullback=None, latex=r"\operatorname{{count}}{settings} ({x} \ne 0)", samples=over_axes(),
    range=(0.0, np.inf),
)  # fmt: skip
def count_nonzero(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many entries over axes are not 0: plain integers, without a gradient.

    >>> import tinygrad_edu as tg
    >>> int(tg.count_nonzero(tg.Tensor([1.0, 0.0])))
    1
    """
    return np.count_nonzero(x, axis=axis, keepdims=keepdims)
