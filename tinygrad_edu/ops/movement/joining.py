"""Joining arrays, and splitting them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Settings, Shapes, positions
from tinygrad_edu.core.facts import ALL
from tinygrad_edu.core.kinds import composed, movement
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.along_axis.cumulative import cut
from tinygrad_edu.ops.movement.shapes import in_dtype, length

__all__ = [
    "append", "array_split", "block", "column_stack", "concatenate", "dsplit", "dstack", "hsplit", "hstack",
    "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip

Array = Any
Sections = int | Sequence[int]


def _own_part(k: int, g: Array, y: Array, *xs: Array, axis: int | None = 0) -> Array:
    sizes = [x.size if axis is None else x.shape[axis] for x in xs]
    start = sum(sizes[:k])
    part = cut(g, 0 if axis is None else axis, start, start + sizes[k])
    return np.reshape(part, xs[k].shape) if axis is None else part


def _joined_axes(shapes: Shapes, settings: Settings) -> Flow:
    axis, rank = settings.get("axis", 0), len(shapes[0])
    if axis is None:
        own = tuple(tuple((j, k) for k in range(len(s))) for j, s in enumerate(shapes))
        return Flow(own, (New(tuple(letter for term in own for letter in term), "flattened"),))
    (along,) = positions(axis, rank)
    parts = tuple(("part", j) for j in range(len(shapes)))
    operands = tuple((*range(along), part, *range(along + 1, rank)) for part in parts)
    return Flow(operands, (*range(along), New(parts, "joined"), *range(along + 1, rank)))


def _cast_first(*xs: Array, axis: int | None = 0, dtype: Any = None, casting: str = "same_kind") -> Array:
    """NumPy's ``dtype`` and ``casting``."""
    return concatenate(*in_dtype("concatenate", xs, dtype, casting), axis=axis)


@movement(
    axes=_joined_axes,
    pullback=_own_part, latex=r"\left[{xs}\right]", label="concat", onnx="Concat",
    samples=[
        Sample(((2, 3), (4, 3))),
        Sample(((2, 3), (2, 1), (2, 2)), {"axis": 1}),
        Sample(((2, 0), (2, 3)), {"axis": -1}),
        Sample(((2, 2), (3,), ()), {"axis": None}),
    ],
    linear=(ALL,), moves=False, stops=True, general=_cast_first,
)  # fmt: skip
def concatenate(*xs: Array, axis: int | None = 0) -> Array:
    """Arrays joined along an existing axis; with ``axis=None`` all entries, in one row.

    Raises:
        ValueError: shapes that differ in other axes; the message lists them.

    >>> import tinygrad_edu as tg
    >>> tg.concatenate([tg.Tensor([1.0]), tg.Tensor([2.0, 3.0])]).tolist()
    [1.0, 2.0, 3.0]
    """
    return np.concatenate(xs, axis=axis)


def _listed(*shapes: tuple[int, ...], **settings: Any) -> Sample:
    return Sample(shapes, settings, arrange=lambda *xs: (list(xs),))


_ALIKE = [_listed((2, 3), (2, 3)), _listed((3,), (3,), (3,))]


@composed(samples=[*_ALIKE, _listed((2, 3), (2, 3), axis=-1), _listed((), ())])
def stack(arrays: Sequence[Array], axis: int = 0, *, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Arrays of one shape joined along a new axis.

    Raises:
        ValueError: the shapes differ; the message lists them.

    >>> import tinygrad_edu as tg
    >>> tg.stack([tg.Tensor([1.0, 2.0]), [3.0, 4.0]], axis=1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    if len({np.shape(x) for x in arrays}) > 1:
        raise ValueError(
            f"stack: expected arrays of one shape, got {', '.join(str(np.shape(x)) for x in arrays)}"
        )
    apart = [np.expand_dims(x, axis) for x in in_dtype("stack", arrays, dtype, casting)]
    return concatenate(apart, axis=axis)


@composed(samples=[*_ALIKE, _listed((2, 3), (1, 3))])
def vstack(arrays: Sequence[Array], *, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Arrays on top of each other; vectors count as rows.

    >>> import tinygrad_edu as tg
    >>> tg.vstack([tg.Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return concatenate([np.atleast_2d(x) for x in in_dtype("vstack", arrays, dtype, casting)], axis=0)


@composed(samples=[*_ALIKE, _listed((2, 3), (2, 1)), _listed((), (2,))])
def hstack(arrays: Sequence[Array], *, dtype: Any = None, casting: str = "same_kind") -> Array:
    """Arrays beside each other; vectors are joined end to end.

    >>> import tinygrad_edu as tg
    >>> tg.hstack([tg.Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    parts = [np.atleast_1d(x) for x in in_dtype("hstack", arrays, dtype, casting)]
    return concatenate(parts, axis=0 if parts and np.ndim(parts[0]) == 1 else 1)


@composed(samples=[*_ALIKE, _listed((2, 3, 1), (2, 3, 2))])
def dstack(arrays: Sequence[Array]) -> Array:
    """Arrays behind each other, along the third axis.

    >>> import tinygrad_edu as tg
    >>> tg.dstack([tg.Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [[[1.0, 3.0], [2.0, 4.0]]]
    """
    return np.concatenate([np.atleast_3d(x) for x in arrays], axis=2)


@composed(samples=[*_ALIKE, _listed((3,), (3, 2))])
def column_stack(arrays: Sequence[Array]) -> Array:
    """Arrays beside each other; vectors count as columns.

    >>> import tinygrad_edu as tg
    >>> tg.column_stack([tg.Tensor([1.0, 2.0]), [3.0, 4.0]]).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return np.concatenate([np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in arrays], axis=1)


@composed(samples=[Sample(((2, 3), (4,))), Sample(((2, 3), (1, 3)), {"axis": 0}), Sample(((2,), ()))])
def append(x: Array, values: Array, axis: int | None = None) -> Array:
    """Values joined to the end of an array: along an axis, or without one, all entries in a row.

    >>> import tinygrad_edu as tg
    >>> tg.append(tg.Tensor([1.0, 2.0]), 3.0).tolist()
    [1.0, 2.0, 3.0]
    """
    if axis is None:
        return np.concatenate([np.ravel(x), np.ravel(values)])
    return np.concatenate([x, values], axis=axis)


def _depth(parts: Any) -> int:
    return 1 + max((_depth(p) for p in parts), default=0) if isinstance(parts, list) else 0


def _joined(parts: Any, depth: int, ndim: int) -> Array:
    """A list at that depth joins its parts along the axis counted from the end: the innermost the last."""
    if not isinstance(parts, list):
        return np.reshape(parts, (1,) * (ndim - np.ndim(parts)) + np.shape(parts))
    return np.concatenate([_joined(p, depth - 1, ndim) for p in parts], axis=-depth)


@composed(
    samples=[
        Sample(((2, 3), (2, 1), (1, 3), (1, 1)), arrange=lambda a, b, c, d: ([[a, b], [c, d]],)),
        _listed((3,), (), (2,)),
        Sample(((2, 3),), arrange=lambda x: (x,)),
    ]
)
def block(arrays: Any) -> Array:
    """An array assembled from nested lists of blocks, all nested to one depth.

    Raises:
        ValueError: the lists are not nested to one depth, or the blocks do not fit.

    >>> import tinygrad_edu as tg
    >>> tg.block([[tg.Tensor([[1.0]]), [[2.0]]], [[[3.0]], [[4.0]]]]).tolist()
    Traceback (most recent call last):
    ...
    ValueError: block: expected lists nested to one depth; wrap each block in np.array
    >>> tg.block([[tg.Tensor([[1.0]]), tg.Tensor([[2.0]])]]).tolist()
    [[1.0, 2.0]]
    """
    depth = _depth(arrays)
    leaves = list(_leaves(arrays, depth))
    return _joined(arrays, depth, max([depth, *map(np.ndim, leaves)]))


def _leaves(parts: Any, depth: int) -> Any:
    if isinstance(parts, list) != bool(depth):
        raise ValueError("block: expected lists nested to one depth; wrap each block in np.array")
    return [leaf for p in parts for leaf in _leaves(p, depth - 1)] if depth else [parts]


# Splitting


def _bounds(name: str, x: Array, sections: Sections, axis: int, *, equal: bool) -> list[int]:
    """Where the pieces begin and end."""
    n = length(x, axis)
    if not isinstance(sections, (int, np.integer)):
        return [0, *map(int, sections), n]
    if sections < 1:
        raise ValueError(f"{name}: expected at least 1 section, got {sections}")
    if equal and n % sections:
        raise ValueError(
            f"{name}: {n} entries along axis {axis} of {np.shape(x)} do not make {sections} equal sections"
        )
    small, longer = divmod(n, sections)
    return [0, *np.cumsum([small + 1] * longer + [small] * (sections - longer)).tolist()]


def _pieces(x: Array, bounds: list[int], axis: int) -> list[Array]:
    return [cut(x, axis, start, stop) for start, stop in pairwise(bounds)]


_CUTS = [Sample(((6, 4),), {"indices_or_sections": s}) for s in (2, [1, 3])]


@composed(samples=[*_CUTS, Sample(((6, 4),), {"indices_or_sections": 2, "axis": -1})])
def split(x: Array, indices_or_sections: Sections, axis: int = 0) -> list[Array]:
    """So many equal pieces along an axis, or the pieces between the given places.

    Raises:
        ValueError: the axis does not divide into so many equal sections.

    >>> import tinygrad_edu as tg
    >>> [part.tolist() for part in tg.split(tg.Tensor([1.0, 2.0, 3.0]), [1])]
    [[1.0], [2.0, 3.0]]
    """
    return _pieces(x, _bounds("split", x, indices_or_sections, axis, equal=True), axis)


@composed(samples=[*_CUTS, Sample(((5, 4),), {"indices_or_sections": 3})])
def array_split(x: Array, indices_or_sections: Sections, axis: int = 0) -> list[Array]:
    """Like :func:`split`, where the first pieces may be one longer than the others.

    Raises:
        ValueError: fewer than one section.

    >>> import tinygrad_edu as tg
    >>> [part.tolist() for part in tg.array_split(tg.Tensor([1.0, 2.0, 3.0]), 2)]
    [[1.0, 2.0], [3.0]]
    """
    return _pieces(x, _bounds("array_split", x, indices_or_sections, axis, equal=False), axis)


def _splitter(
    name: str, axis_of: Callable[[int], int], least: int, x: Array, sections: Sections
) -> list[Array]:
    if np.ndim(x) < least:
        raise ValueError(f"{name}: expected at least {least} axes, got shape {np.shape(x)}")
    axis = axis_of(np.ndim(x))
    return _pieces(x, _bounds(name, x, sections, axis, equal=True), axis)


@composed(samples=_CUTS)
def vsplit(x: Array, indices_or_sections: Sections) -> list[Array]:
    """:func:`split` along the first axis of at least two.

    Raises:
        ValueError: fewer than two axes, or sections that are not equal.

    >>> import tinygrad_edu as tg
    >>> [part.tolist() for part in tg.vsplit(tg.Tensor([[1.0], [2.0]]), 2)]
    [[[1.0]], [[2.0]]]
    """
    return _splitter("vsplit", lambda ndim: 0, 2, x, indices_or_sections)


@composed(samples=[*_CUTS, Sample(((4,),), {"indices_or_sections": 2})])
def hsplit(x: Array, indices_or_sections: Sections) -> list[Array]:
    """:func:`split` along the second axis, or the only one of a vector.

    Raises:
        ValueError: a number has no axes, or the sections are not equal.

    >>> import tinygrad_edu as tg
    >>> [part.tolist() for part in tg.hsplit(tg.Tensor([[1.0, 2.0]]), 2)]
    [[[1.0]], [[2.0]]]
    """
    return _splitter("hsplit", lambda ndim: min(ndim - 1, 1), 1, x, indices_or_sections)


@composed(samples=[Sample(((2, 3, 4),), {"indices_or_sections": 2})])
def dsplit(x: Array, indices_or_sections: Sections) -> list[Array]:
    """:func:`split` along the third axis.

    Raises:
        ValueError: fewer than three axes, or sections that are not equal.

    >>> import tinygrad_edu as tg
    >>> [part.tolist() for part in tg.dsplit(tg.Tensor([[[1.0, 2.0]]]), 2)]
    [[[[1.0]]], [[[2.0]]]]
    """
    return _splitter("dsplit", lambda ndim: 2, 3, x, indices_or_sections)


@composed(samples=[Sample(((3, 4),)), Sample(((3, 4),), {"axis": -1})])
def unstack(x: Array, *, axis: int = 0) -> tuple[Array, ...]:
    """The slices along an axis, what :func:`stack` joins.

    >>> import tinygrad_edu as tg
    >>> [part.item() for part in tg.unstack(tg.Tensor([1.0, 2.0]))]
    [1.0, 2.0]
    """
    return tuple(np.moveaxis(x, axis, 0)[k] for k in range(length(x, axis)))
