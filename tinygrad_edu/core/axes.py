"""Which axis of an operation's operands becomes which axis of its result.

``op.axes`` is one of the rules below: a function of the operands' shapes and of the settings that gives a
:class:`Flow`. It names each axis by a letter, in the manner of ``einsum``: the same letter at two operands
says that these axes are one. Readers follow axes with it, whatever their sizes. None: not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Letter = Any
Shape = tuple[int, ...]
Shapes = Sequence[Shape]
Settings = Mapping[str, Any]

SUMMED, AVERAGED, STATISTIC, PICKED = "summed", "averaged", "statistic", "picked"
"""How an axis ends: its entries added up; divided by its size as well; made one value in another way (the
largest, the product, the deviation); or one of them, or some, taken by their place."""


@dataclass(frozen=True)
class New:
    """An axis that the operation makes: of the axes ``parents`` joined, windows over them, or repeats."""

    parents: tuple[Letter, ...] = ()
    how: Literal["joined", "windowed", "repeated", "placed", "flattened", "unknown"] = "unknown"


@dataclass(frozen=True)
class Piece:
    """A part of an axis. The same cut of the same axis gives equal pieces."""

    of: Letter
    cut: tuple[int, int, int]
    """Start, stop and step, all written out."""


Part = Letter | New | Piece | None
"""An axis of a result: an operand's, a new one, a piece, or None: a length of 1 that is repeated at need."""


@dataclass(frozen=True)
class Flow:
    """The axes of one operation: letters for each operand's, those of the result, and those that end.

    >>> Flow((("i", "k"), ("k", "j")), ("i", "j"), {"k": SUMMED}).ended
    {'k': 'summed'}
    """

    operands: tuple[tuple[Letter, ...], ...]
    result: tuple[Part, ...]
    ended: Mapping[Letter, str] = field(default_factory=dict)
    meets: frozenset[Letter] = frozenset()
    """Axes along which an entry depends on other entries, or on its place (``softmax``, ``cumsum``)."""
    indices: tuple[tuple[Any, tuple[Letter | None, ...]], ...] = ()
    """Index arrays among the settings, with a letter for each of their axes."""


@dataclass(frozen=True)
class Regroup:
    """The same entries in the same order under another shape: axes join and split by partial products."""

    shape: Shape
    order: str = "C"


AxesRule = Callable[[Shapes, Settings], Flow | Regroup | None]


def positions(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes that a setting ``axis`` means: all for None, counted from the front.

    >>> positions(None, 2), positions(-1, 3), positions((0, -1), 3)
    ((0, 1), (2,), (0, 2))
    """
    given = range(rank) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(int(k) % rank for k in given) if rank else ()


def each(shapes: Shapes, _: Settings) -> Flow:
    """Entry by entry: equal positions from the right are one axis.

    >>> each([(3, 1), (4,)], {}).operands
    ((0, 1), (1,))
    """
    rank = max(map(len, shapes), default=0)
    return Flow(tuple(tuple(range(rank - len(s), rank)) for s in shapes), tuple(range(rank)))


def along(default: int | None, *, flattens: bool = True) -> AxesRule:
    """Entry by entry, except along the setting ``axis``, where entries mix: ``softmax``, ``sort``.

    Args:
        default: the axis where the setting is left out.
        flattens: whether ``axis=None`` makes one row of all; else entries mix along all axes.
    """

    def rule(shapes: Shapes, settings: Settings) -> Flow:
        flow = each(shapes, settings)
        rank = len(flow.result)
        axis = settings.get("axis", default)
        if axis is None and flattens and rank > 1:
            return Flow(flow.operands, (New(tuple(range(rank)), "flattened"),))
        return Flow(flow.operands, flow.result, meets=frozenset(positions(axis, rank)))

    return rule


def ending(how: str = STATISTIC) -> AxesRule:
    """A reduction: the axes of the setting ``axis`` end, in the given way; ``keepdims`` leaves a length of 1.

    >>> ending(SUMMED)([(3, 4)], {"axis": 0, "keepdims": True}).result
    (None, 1)
    """

    def rule(shapes: Shapes, settings: Settings) -> Flow:
        rank = len(shapes[0])
        gone = positions(settings.get("axis"), rank)
        kept = settings.get("keepdims", False)
        result = tuple(None if k in gone else k for k in range(rank) if kept or k not in gone)
        return Flow((tuple(range(rank)),), result, dict.fromkeys(gone, how))

    return rule


def cost(averaged: Callable[[int, Settings], Sequence[int]]) -> AxesRule:
    """A cost, one number: it averages over some positions of what it is given, and sums over the others."""

    def rule(shapes: Shapes, settings: Settings) -> Flow:
        flow = each(shapes, settings)
        rank = len(flow.result)
        examples = positions(tuple(averaged(rank, settings)), rank)
        return Flow(flow.operands, (), {k: AVERAGED if k in examples else SUMMED for k in range(rank)})

    return rule


def contracted(operands: Sequence[Sequence[Letter]], result: Sequence[Letter]) -> Flow:
    """Sums of products, by letters: those that the result lacks are summed over.

    >>> contracted(["ij", "jk"], "ik").ended
    {'j': 'summed'}
    """
    ended = dict.fromkeys((letter for term in operands for letter in term if letter not in result), SUMMED)
    return Flow(tuple(map(tuple, operands)), tuple(result), ended)


def matrices(shapes: Shapes, _: Settings) -> Flow:
    """The matrix product: the last axis of a and the last but one of b end, further axes are broadcast."""
    a, b = map(len, shapes)
    stacked = max(a, b) - 2
    left = (*range(stacked - max(a - 2, 0), stacked), *("i" * (a > 1)), "k")
    right = (*range(stacked - max(b - 2, 0), stacked), "k", *("j" * (b > 1)))
    return contracted((left, right), (*range(max(stacked, 0)), *("i" * (a > 1)), *("j" * (b > 1))))


# Indices


def selected(shapes: Shapes, settings: Settings) -> Flow | None:
    """``x[index]``: an axis is kept, cut to a piece, ended by a number, or gives way to index arrays' axes.

    An index array that counts an axis through, beside others that do not, keeps it: ``p[np.arange(m), y]``.

    >>> selected([(5, 3)], {"index": (slice(0, 2), 1)}).result
    (Piece(of=0, cut=(0, 2, 1)),)
    """
    shape = shapes[0]
    parts = _parts(settings["index"], len(shape))
    if parts is None:
        return None
    arrays = {k: array for k, (_, array) in enumerate(parts) if array is not None}
    advanced = any(array.ndim for array in arrays.values())
    spread = np.broadcast_shapes(*(array.shape for array in arrays.values())) if advanced else ()
    result: list[Part] = []
    ended: dict[Letter, str] = {}
    axis, at = 0, 0
    taken: dict[int, NDArray[Any]] = {}
    places = list(arrays)
    apart = advanced and places != list(range(places[0], places[-1] + 1))
    for part, array in parts:
        if part is None:
            result.append(None)
            continue
        if array is not None:
            if advanced and not taken and not apart:
                at = len(result)
            taken[axis] = array
            ended[axis] = PICKED
        else:
            start, stop, step = part.indices(shape[axis])
            full = (start, stop, step) == (0, shape[axis], 1)
            result.append(axis if full else Piece(axis, (start, stop, step)))
        axis += 1
    result += range(axis, len(shape))
    letters = [_letter(d, len(spread), taken, shape) for d in range(len(spread))]
    result[at:at] = letters
    for letter in letters:
        ended.pop(letter, None)
    indices = tuple((a, _own_letters(a, letters, spread)) for a in taken.values() if a.ndim)
    return Flow((tuple(range(len(shape))),), tuple(result), ended, indices=indices)


def unselected(shapes: Shapes, settings: Settings) -> Flow | None:
    """The reverse of :func:`selected`: entries put where an index says, into zeros of ``shape``."""
    forward = selected([settings["shape"]], settings)
    if forward is None or len(forward.result) != len(shapes[0]):
        return None
    own = tuple(p if isinstance(p, (int, tuple)) else ("own", k) for k, p in enumerate(forward.result))
    cut = {p.of: own[k] for k, p in enumerate(forward.result) if isinstance(p, Piece)}
    whole = tuple(
        k if k in forward.result else New((cut[k],) if k in cut else (), "placed")
        for k in range(len(settings["shape"]))
    )
    ended = dict.fromkeys((p for p in own if isinstance(p, tuple) and p[0] == "index"), SUMMED)
    return Flow((own,), whole, ended, indices=forward.indices)


def _parts(index: Any, rank: int) -> list[tuple[Any, Any]] | None:
    """``(part, array)`` for each part of an index, its dots written out; None where a mask picks."""
    given = list(index) if isinstance(index, tuple) else [index]
    parts: list[tuple[Any, Any]] = []
    for part in given:
        if part is None or part is Ellipsis or isinstance(part, slice):
            parts.append((part, None))
            continue
        array = part if isinstance(part, np.ndarray) else np.asarray(part)
        if array.dtype == np.bool_:
            return None
        parts.append((part, array.astype(np.intp) if not array.size else array))
    used = sum(part is not None and part is not Ellipsis for part, _ in parts)
    dots = [k for k, (part, _) in enumerate(parts) if part is Ellipsis]
    at = dots[0] if dots else len(parts)
    parts[at : at + 1] = [(slice(None), None)] * (rank - used)
    return parts


def _own_letters(array: NDArray[Any], letters: Sequence[Letter], spread: Shape) -> tuple[Letter, ...]:
    """Those of an index array's axes; None where it is repeated along one."""
    before = len(spread) - array.ndim
    return tuple(letters[before + d] if n == spread[before + d] else None for d, n in enumerate(array.shape))


def _letter(d: int, ndim: int, taken: Mapping[int, NDArray[Any]], shape: Shape) -> Letter:
    counting = [axis for axis, array in taken.items() if _counts(array, shape[axis], d, ndim)]
    return counting[0] if len(counting) == 1 else ("index", d)


def _counts(index: NDArray[Any], n: int, axis: int, rank: int) -> bool:
    """Whether an index array counts 0, 1, ... n - 1 along one of the ``rank`` axes it is broadcast to."""
    own = axis - (rank - index.ndim)
    alone = own >= 0 and index.size == index.shape[own] == n
    return bool(alone and np.array_equal(index.ravel(), np.arange(n)))
