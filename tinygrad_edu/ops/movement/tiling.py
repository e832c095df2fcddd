"""Repeating, padding, turning and rolling: each entry goes to one place, to several, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.axes import Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import composed, movement
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.along_axis.cumulative import cut
from tinygrad_edu.ops.movement.shapes import array, astype, axis_of, dtype_of, itself, length
from tinygrad_edu.ops.reduction.sums_and_extrema import axes_of

__all__ = [
    "delete", "flip", "fliplr", "flipud", "full_like", "insert", "pad", "pad_constant", "repeat", "resize",
    "roll", "rot90", "tile",
]  # fmt: skip

Array = Any
Axes = int | tuple[int, ...] | None
_FLIPS = [Sample(((3, 4),)), Sample(((2, 3, 4),))]


@composed(samples=[*_FLIPS, Sample(((3, 4),), {"axis": 0}), Sample(((2, 3, 4),), {"axis": (0, -1)})])
def flip(x: Array, axis: Axes = None) -> Array:
    """The entries in reverse along all axes, or the given ones.

    >>> import tinygrad_edu as tg
    >>> tg.flip(tg.Tensor([1.0, 2.0])).tolist()
    [2.0, 1.0]
    """
    chosen = axes_of(x, axis)
    return array(x)[tuple(slice(None, None, -1) if k in chosen else slice(None) for k in range(np.ndim(x)))]


def _needs_axes(name: str, x: Array, least: int) -> None:
    if np.ndim(x) < least:
        raise ValueError(f"{name}: expected at least {least} axes, got shape {np.shape(x)}")


@composed(samples=_FLIPS)
def flipud(x: Array) -> Array:
    """The rows in reverse.

    >>> import tinygrad_edu as tg
    >>> tg.flipud(tg.Tensor([[1.0], [2.0]])).tolist()
    [[2.0], [1.0]]
    """
    _needs_axes("flipud", x, 1)
    return np.flip(x, 0)


@composed(samples=_FLIPS)
def fliplr(x: Array) -> Array:
    """The columns in reverse.

    Raises:
        ValueError: fewer than two axes.

    >>> import tinygrad_edu as tg
    >>> tg.fliplr(tg.Tensor([[1.0, 2.0]])).tolist()
    [[2.0, 1.0]]
    """
    _needs_axes("fliplr", x, 2)
    return np.flip(x, 1)


@composed(
    samples=[Sample(((3, 4),), {"k": k}) for k in range(-1, 5)] + [Sample(((2, 3, 4),), {"axes": (2, 0)})]
)
def rot90(x: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """A quarter turn, k times, from the first of the axes towards the second.

    Raises:
        ValueError: fewer than two axes.

    >>> import tinygrad_edu as tg
    >>> tg.rot90(tg.Tensor([[1.0, 2.0]])).tolist()
    [[2.0], [1.0]]
    """
    _needs_axes("rot90", x, 2)
    first, *rest = (axis_of(x, axis) for axis in axes)
    if [first] == rest or len(rest) != 1:
        raise ValueError(f"rot90: expected two different axes, got {axes}")
    if k % 4 == 0:
        return itself(x)
    if k % 4 == 2:
        return np.flip(x, axes)
    return np.flip(np.swapaxes(x, *axes), axes[0]) if k % 4 == 1 else np.swapaxes(np.flip(x, axes[0]), *axes)


@composed(
    samples=[
        Sample(((3, 4),), {"shift": 2}),
        Sample(((3, 4),), {"shift": -1, "axis": 0}),
        Sample(((3, 4),), {"shift": (1, 6), "axis": (0, 1)}),
        Sample(((0, 3),), {"shift": 1, "axis": 0}),
    ]
)
def roll(x: Array, shift: Any, axis: Axes = None) -> Array:
    """The entries moved on by ``shift``; those pushed over the end come in again at the beginning.

    >>> import tinygrad_edu as tg
    >>> tg.roll(tg.Tensor([1.0, 2.0, 3.0]), 1).tolist()
    [3.0, 1.0, 2.0]
    """
    if axis is None:
        return np.reshape(np.roll(np.ravel(x), shift, 0), np.shape(x))
    for by, along in np.broadcast(shift, axis):
        n = length(x, along)
        if n and by % n:
            x = np.concatenate([cut(x, along, n - by % n), cut(x, along, 0, n - by % n)], axis=along)
    return x


@composed(
    samples=[
        Sample(((3, 4),), {"reps": 2}),
        Sample(((3,),), {"reps": (2, 3)}),
        Sample(((2, 3),), {"reps": (2, 1, 2)}),
        Sample(((),), {"reps": 3}),
    ]
)
def tile(x: Array, reps: int | Sequence[int]) -> Array:
    """The whole array repeated so many times along each axis.

    >>> import tinygrad_edu as tg
    >>> tg.tile(tg.Tensor([1.0, 2.0]), 2).tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    times = tuple(np.atleast_1d(reps).tolist())
    shape = np.shape(x)
    ndim = max(len(times), len(shape))
    times, shape = (1,) * (ndim - len(times)) + times, (1,) * (ndim - len(shape)) + shape
    between = tuple(size for n in shape for size in (1, n))  # a new axis before each, to repeat along
    wide = tuple(size for r, n in zip(times, shape, strict=True) for size in (r, n))
    together = tuple(r * n for r, n in zip(times, shape, strict=True))
    return np.reshape(np.broadcast_to(np.reshape(x, between), wide), together)


@composed(
    samples=[
        Sample(((3, 4),), {"repeats": 2}),
        Sample(((3, 4),), {"repeats": 2, "axis": 1}),
        Sample(((3, 4),), {"repeats": np.array([2, 0, 1]), "axis": 0}),
        Sample(((),), {"repeats": 3, "axis": 0}),
    ]
)
def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each entry, or slice along an axis, repeated so many times in place.

    >>> import tinygrad_edu as tg
    >>> tg.repeat(tg.Tensor([1.0, 2.0]), [2, 1]).tolist()
    [1.0, 1.0, 2.0]
    """
    if axis is None or (np.ndim(x) == 0 and axis in (0, -1)):  # NumPy takes a number for one of one entry
        x, axis = np.ravel(x), 0
    return np.take(x, np.repeat(np.arange(length(x, axis)), repeats), axis=axis)


@composed(samples=[Sample(((2, 3),), {"new_shape": (3, 4)}), Sample(((4,),), {"new_shape": 3})])
def resize(x: Array, new_shape: int | tuple[int, ...]) -> Array:
    """The entries row by row in another shape, from the start again until it is full.

    >>> import tinygrad_edu as tg
    >>> tg.resize(tg.Tensor([1.0, 2.0]), (3,)).tolist()
    [1.0, 2.0, 1.0]
    """
    if 0 in np.shape(x):
        return np.zeros(new_shape, dtype_of(x))  # nothing to repeat: NumPy fills with zeros
    places = np.resize(np.arange(int(np.prod(np.shape(x)))), new_shape)
    return np.take(np.ravel(x), places)


@composed(
    samples=[Sample(((3, 4),), {"obj": s, "axis": 1}) for s in (1, [0, 2], slice(0, 3, 2))]
    + [Sample(((3, 4),), {"obj": 5})]
)
def delete(x: Array, obj: Any, axis: int | None = None) -> Array:
    """The array without the entries, or slices along an axis, at the given places.

    >>> import tinygrad_edu as tg
    >>> tg.delete(tg.Tensor([1.0, 2.0, 3.0]), 1).tolist()
    [1.0, 3.0]
    """
    if axis is None:
        x, axis = np.ravel(x), 0
    places = np.asarray(obj) if isinstance(obj, Tensor) else obj
    return np.take(x, np.delete(np.arange(length(x, axis)), places), axis=axis)


@composed(
    samples=[
        Sample(((4,), ()), arrange=lambda x, v: (x, 1, v)),
        Sample(((4,), (2,)), arrange=lambda x, v: (x, [1, 3], v)),
        Sample(((2, 3), (2,)), {"axis": 1}, arrange=lambda x, v: (x, 1, v)),
        Sample(((2, 3), (2, 3)), {"axis": 0}, arrange=lambda x, v: (x, [0, 2], v)),
        Sample(((2, 3), ()), arrange=lambda x, v: (x, 4, v)),
    ]
)
def insert(x: Array, obj: Any, values: Array, axis: int | None = None) -> Array:
    """Values put in before the given places, along an axis, or without one, into all entries in a row.

    >>> import tinygrad_edu as tg
    >>> tg.insert(tg.Tensor([1.0, 3.0]), 1, 2.0).tolist()
    [1.0, 2.0, 3.0]
    """
    if axis is None:
        x, axis = np.ravel(x), 0
    n, ndim, axis = length(x, axis), np.ndim(x), axis_of(x, axis)
    obj = np.asarray(obj) if isinstance(obj, Tensor) else obj
    values = values if dtype_of(values) == dtype_of(x) else astype(values, dtype=dtype_of(x))
    values = np.reshape(values, (1,) * (ndim - np.ndim(values)) + np.shape(values))
    if not isinstance(obj, slice) and np.ndim(obj) == 0:  # NumPy: then the first axis of values goes along
        values = np.moveaxis(values, 0, axis)
    one = not isinstance(obj, slice) and np.size(obj) == 1
    k = np.shape(values)[axis] if one else np.insert(np.arange(n), obj, 0).size - n
    slab = tuple(k if a == axis else size for a, size in enumerate(np.shape(x)))
    order = np.insert(np.arange(n), obj, np.arange(n, n + k))
    return np.take(np.concatenate([x, np.broadcast_to(values, slab)], axis=axis), order, axis=axis)


@composed(samples=[Sample(((2, 3), ())), Sample(((2, 3), (3,)))])
def full_like(x: Array, fill_value: Array, *, dtype: DTypeLike | None = None) -> Array:
    """The fill value repeated to the shape of x, in its dtype; what is differentiated is the fill value.

    >>> import tinygrad_edu as tg
    >>> tg.full_like([0.0, 0.0], tg.Tensor(3.0)).tolist()
    [3.0, 3.0]
    """
    chosen = dtype_of(x) if dtype is None else dtype
    filled = np.broadcast_to(fill_value, np.shape(x))
    return astype(filled, dtype=chosen) if isinstance(fill_value, Tensor) else filled.astype(chosen)


def _inside(g: Array, x: Array, width: tuple[tuple[int, int], ...]) -> Array:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(width, x.shape, strict=True))]


def _bordered(shapes: Shapes, settings: Settings) -> Flow:
    width = settings["width"]
    return Flow(
        (tuple(range(len(shapes[0]))),),
        tuple(New((k,), "windowed") if any(width[k]) else k for k in range(len(shapes[0]))),
    )


def _border(x: Array, *, width: tuple[tuple[int, int], ...], value: float = 0.0, out: Array = None) -> Array:
    shape = tuple(before + n + after for (before, after), n in zip(width, x.shape, strict=True))
    out = np.empty(shape, x.dtype) if out is None else out
    out.fill(value)
    out[tuple(slice(before, before + n) for (before, _), n in zip(width, x.shape, strict=True))] = x
    return out


@movement(
    axes=_bordered, into=_border,
    pullback=lambda g, y, x, *, width, value=0.0: _inside(g, x, width), latex=r"\operatorname{{pad}}({x})",
    numpy=(),
    samples=[
        Sample(((3, 4),), {"width": ((1, 0), (0, 2))}),
        Sample(((3,),), {"width": ((1, 2),), "value": 0.5}),
    ],
    moves=False, linear=(), stops=True,
)  # fmt: skip
def pad_constant(x: Array, *, width: tuple[tuple[int, int], ...], value: float = 0.0) -> Array:
    """A border of one number: so many before and after along each axis.

    ``value`` is the number.

    >>> import tinygrad_edu as tg
    >>> tg.pad_constant(tg.Tensor([1.0, 2.0]), width=((1, 1),)).tolist()
    [0.0, 1.0, 2.0, 0.0]
    """
    return _border(x, width=width, value=value)


_GATHERS = ("edge", "reflect", "symmetric", "wrap")


@composed(
    samples=[
        Sample(((3, 4),), {"pad_width": 2}),
        Sample(((3, 4),), {"pad_width": (1, 2), "constant_values": 0.5}),
        Sample(((3, 4),), {"pad_width": {1: (1, 2)}}),
        *(Sample(((3, 4, 2),), {"pad_width": ((1, 2), (4, 0), (0, 0)), "mode": mode}) for mode in _GATHERS),
    ]
)
def pad(x: Array, pad_width: Any, mode: str = "constant", *, constant_values: Any = None) -> Array:
    """A border around the array: of one number, or of its own entries.

    Modes "constant", "edge", "reflect", "symmetric", "wrap", as in
    https://numpy.org/doc/stable/reference/generated/numpy.pad.html.

    Raises:
        ValueError: another mode, more than one number as ``constant_values``, or one in another mode.

    >>> import tinygrad_edu as tg
    >>> tg.pad(tg.Tensor([1.0, 2.0, 3.0]), 1, mode="reflect").tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0]
    """
    if isinstance(pad_width, dict):
        given = {k: w for axis, w in pad_width.items() for k in axes_of(x, axis)}
        pad_width = [given.get(axis, 0) for axis in range(np.ndim(x))]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    if np.asarray(pad_width).dtype.kind not in "iu":
        raise TypeError(f"pad: expected integers as pad_width, got {pad_width!r}")
    width = tuple((int(a), int(b)) for a, b in np.broadcast_to(pad_width, (np.ndim(x), 2)))
    if mode != "constant" and constant_values is not None:
        raise ValueError(f'pad: constant_values belong to mode="constant", got mode={mode!r}; leave them out')
    if not width:
        return itself(x)
    if mode == "constant":
        if np.ndim(constant_values):
            raise ValueError(f"pad: expected one number as constant_values, got {constant_values!r}")
        return pad_constant(x, width=width, value=0.0 if constant_values is None else constant_values)
    if mode not in _GATHERS:
        raise ValueError(f"pad: expected a mode of {('constant', *_GATHERS)}, got {mode!r}")
    for axis, w in enumerate(width):
        if any(w):
            x = np.take(x, np.pad(np.arange(length(x, axis)), w, mode=mode), axis=axis)  # type: ignore[call-overload]
    return x
