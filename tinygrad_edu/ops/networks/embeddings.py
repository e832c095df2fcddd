"""Columns of a table, looked up by numbers that are data: the words of an embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.axes import PICKED, SUMMED, Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import operation
from tinygrad_edu.core.samples import Sample

__all__ = ["columns_added", "embedding"]

Array = Any
_FEW = 1 << 14
"""Entries of a table up to which it is filled whole, rather than where it is named."""


def _samples(*, back: bool) -> list[Sample]:
    def of(shape: tuple[int, ...]) -> Sample:
        def make(rng: np.random.Generator) -> tuple[Any, ...]:
            first = rng.normal(size=(3, *shape) if back else (3, 5))
            return first, rng.integers(0, 5, shape)

        return Sample(((3, *shape) if back else (3, 5), shape), {"n": 5} if back else {}, make=make)

    return [of(shape) for shape in ((4,), (2, 3))]


def _back_to_columns(g: Array, y: Array, x: Array, ids: Array, *, n: int) -> Array:
    found: Array = embedding(g, ids)
    return found


def _back_to_table(g: Array, y: Array, E: Array, ids: Array) -> Array:
    found: Array = columns_added(g, ids, n=E.shape[1])
    return found


def _added(shapes: Shapes, _: Settings) -> Flow:
    """Axes of :func:`columns_added`: those of the numbers end in the columns of the table."""
    numbers = tuple(range(1, len(shapes[1]) + 1))
    return Flow(((0, *numbers), numbers), (0, New(numbers, "placed")), dict.fromkeys(numbers, SUMMED))


def _looked_up(shapes: Shapes, _: Settings) -> Flow:
    """Axes of :func:`embedding`: the axes of the numbers take the place of that of the words."""
    numbers = tuple(range(2, len(shapes[1]) + 2))
    return Flow(((0, 1), numbers), (0, *numbers), {1: PICKED})


@operation(
    kind="opaque", pullback=(_back_to_columns, None), axes=_added,
    latex=r"\operatorname{{scatter}}_{{{ids}}}({x})", label="scatter", numpy=(), opaque=True,
    samples=_samples(back=True), linear=((0,),), stops=True, rounding=1.0,
)  # fmt: skip
def columns_added(x: Array, ids: Array, *, n: int) -> Array:
    """A table (k, n) of zeros, with x[:, i] added to column ids[i]; columns named twice receive both.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> tg.columns_added(np.array([[1.0, 2.0, 3.0]]), np.array([0, 0, 2]), n=3).tolist()
    [[3.0, 0.0, 3.0]]
    """
    k, ids = x.shape[0], np.ravel(ids)
    wide = np.promote_types(x.dtype, np.float64)  # narrow floats are added one by one
    if not _in_range(ids, n) or x.dtype.kind != "f":
        table = np.zeros((n, k), wide)
        np.add.at(table, ids, np.reshape(x, (k, ids.size)).T)
        return np.ascontiguousarray(table.T.astype(x.dtype))
    if _is_filled(x, ids, n):
        places = np.add.outer(np.arange(k) * n, ids)
        return np.bincount(places.ravel(), np.ravel(x), k * n).reshape(k, n).astype(x.dtype, copy=False)
    by_row = abs(x.strides[0]) == x.itemsize and k > 1  # of a table of rows, turned: so is this one
    named, sums = _summed(_rows(x, ids), ids)
    table = np.zeros((n, k), x.dtype).T if by_row else np.zeros((k, n), x.dtype)
    table.T[named] = sums
    return table


class ColumnsLent:
    """:func:`columns_added` for a caller who reads the table before the next call: the same table again.

    What was named before is cleared, which takes less than a new table of zeros. The bits are those of
    :func:`columns_added`, at every call, so going on from a file gives what training at once does.

    >>> lent = ColumnsLent()
    >>> one = lent(np.ones((2, 1)), np.array([7]), n=10_000)
    >>> two = lent(np.ones((2, 1)), np.array([5]), n=10_000)
    >>> two is one, np.flatnonzero(two[0])
    (True, array([5]))
    """

    def __init__(self) -> None:
        self.table: Array = None
        self.named: Array = ()

    def __call__(self, x: Array, ids: Array, *, n: int) -> Array:
        """The table."""
        ids = np.ravel(ids)
        if self.table is None or not _in_range(ids, n) or _is_filled(x, ids, n):
            self.table, self.named = columns_added.forward(x, ids, n=n), ids
            return self.table
        self.table.T[self.named] = 0
        self.named, sums = _summed(_rows(x, ids), ids)
        self.table.T[self.named] = sums
        return self.table


def _in_range(ids: Array, n: int) -> bool:
    """Whether there are numbers, all of them from 0 to n - 1."""
    return bool(ids.size and ids.min() >= 0 and ids.max() < n)


def _is_filled(x: Array, ids: Array, n: int) -> bool:
    """Whether the table is filled whole: a small one, or one that numbers name most columns of."""
    return x.dtype.itemsize <= 8 and (len(x) * n <= _FEW or n <= FEW_NAMED * ids.size)


def _rows(x: Array, ids: Array) -> Array:
    """What belongs to each number, in rows."""
    return np.reshape(np.moveaxis(x, 0, -1), (ids.size, len(x)))


def _summed(rows: Array, ids: Array) -> tuple[Array, Array]:
    """The numbers that are named, in order, and for each the sum of its rows."""
    wide = np.promote_types(rows.dtype, np.float64)  # narrow floats are added one by one
    order = np.argsort(ids, kind="stable")
    named = ids[order]
    starts = np.flatnonzero(np.r_[True, named[1:] != named[:-1]])
    times = np.diff(starts, append=len(ids))
    sums = rows[order[starts]].astype(wide, copy=False)
    again = times > 1  # most numbers are named once, and their rows are not added up
    if again.any():
        several = rows[order[np.repeat(again, times)]].astype(wide, copy=False)
        sums[again] = np.add.reduceat(several, np.r_[0, np.cumsum(times[again])[:-1]], axis=0)
    return named[starts], sums


FEW_NAMED = 4
"""Columns of a table for each number from which on most of the table stays as it is."""


def columns_left(table: Array, x: Array, ids: Array) -> tuple[Array, Array]:
    """The columns that ids name, each once, and their new values: x[:, i] is taken from column ids[i].

    >>> columns_left(np.ones((1, 5)), np.array([[1.0, 2.0, 3.0]]), np.array([0, 0, 2]))
    (array([0, 2]), array([[-2., -2.]]))
    """
    ids = np.where(ids < 0, ids + table.shape[1], ids).ravel()
    named, sums = _summed(_rows(x, ids), ids)
    return named, table[:, named] - sums.T.astype(table.dtype, copy=False)


@operation(
    kind="opaque", pullback=(_back_to_table, None), axes=_looked_up,
    latex=r"{E}_{{:, {ids}}}", label="look up", numpy=(), opaque=True,
    samples=_samples(back=False), linear=((0,),), moves=True, rounding=0.0,
)  # fmt: skip
def embedding(E: Array, ids: Array) -> Array:
    """The columns of a table E (n, words) that whole numbers name: ids (...) gives (n, ...).

    Raises:
        TypeError: ids that are no whole numbers.
        IndexError: a number that is negative, or no column's.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> E = tg.Tensor([[1.0, 2.0, 3.0]])
    >>> tg.embedding(E, np.array([2, 0, 2])).tolist()
    [[3.0, 1.0, 3.0]]
    """
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding: expected whole numbers as ids, got dtype {ids.dtype}")
    if ids.size and (ids.min() < 0 or ids.max() >= E.shape[1]):
        raise IndexError(f"expected ids from 0 to {E.shape[1] - 1}, got some from {ids.min()} to {ids.max()}")
    return E[:, ids]
