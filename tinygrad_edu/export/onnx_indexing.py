"""``x[index]`` in ONNX: slices as Slice, whole numbers as Gather, arrays as GatherND, None as Unsqueeze.

The order of the result's axes is NumPy's: https://numpy.org/doc/stable/user/basics.indexing.html.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.export.onnx_builder import INT64, Builder
from tinygrad_edu.export.recording import Line
from tinygrad_edu.expression.named_settings import index_parts

_END = np.iinfo(np.int64).max


def picked(builder: Builder, line: Line) -> None:
    """Writes the line of an index that is known when the model is written."""
    x = line.args[0]
    name, ndim = builder.operand(x, line.dtype), len(builder.shape_of(x))
    parts = _spelled_out(line.settings["index"], ndim)
    by_axis = [part for part in parts if part is not None]
    for axis, part in enumerate(by_axis):
        if isinstance(part, slice) and part != slice(None):
            name = _sliced(builder, name, axis, part)
    if any(isinstance(part, np.ndarray) for part in by_axis):
        name = _by_arrays(builder, name, parts, by_axis)
    else:
        for axis, part in reversed([*enumerate(by_axis)]):
            if not isinstance(part, slice):
                name = builder.node("Gather", name, builder.constant(np.array(part, INT64)), axis=axis)
    new = _new_axes(parts)
    if new:
        name = builder.node("Unsqueeze", name, builder.constant(np.array(new, INT64)))
    builder.node("Identity", name, to=line.name)


def _spelled_out(index: Any, ndim: int) -> list[Any]:
    """A part for each axis (a slice, a whole number or an array of them), and None for each new one."""
    parts: list[Any] = []
    for part in index_parts(index):
        if part is None or part is Ellipsis or isinstance(part, slice):
            parts.append(part)
        elif np.asarray(part).dtype == np.bool_:  # a mask stands for the places where it is true
            parts += [np.asarray(places, INT64) for places in np.nonzero(part)]
        else:
            parts.append(np.asarray(part, INT64) if np.ndim(part) else int(part))
    whole = [slice(None)] * (ndim - sum(p is not None and p is not Ellipsis for p in parts))
    at = next((k for k, p in enumerate(parts) if p is Ellipsis), len(parts))
    return [*parts[:at], *whole, *parts[at + 1 :]]


def _picks(part: Any) -> bool:
    return isinstance(part, (int, np.ndarray))


def _by_arrays(builder: Builder, name: str, parts: list[Any], by_axis: list[Any]) -> str:
    """The axes that are picked from come first, and those of the arrays, broadcast together, replace them."""
    chosen = [axis for axis, part in enumerate(by_axis) if _picks(part)]
    others = [axis for axis in range(len(by_axis)) if axis not in chosen]
    arrays = np.broadcast_arrays(*(np.asarray(by_axis[axis], INT64) for axis in chosen))
    places: NDArray[Any] = np.stack(arrays, axis=-1)
    name = builder.node("Transpose", name, perm=[*chosen, *others])
    name = builder.node("GatherND", name, builder.constant(places))
    n = places.ndim - 1
    before = _before(parts)
    order = [*range(n, n + before), *range(n), *range(n + before, n + len(others))]
    return builder.node("Transpose", name, perm=order) if order else name


def _before(parts: list[Any]) -> int:
    """How many kept axes stand before those of the arrays: none where the arrays are not side by side."""
    where = [k for k, part in enumerate(parts) if _picks(part)]
    together = where[-1] - where[0] == len(where) - 1
    return sum(isinstance(p, slice) for p in parts[: where[0]]) if together else 0


def _new_axes(parts: list[Any]) -> list[int]:
    """Where the result's new axes of length 1 stand."""
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    picking = [k for k, part in enumerate(parts) if _picks(part)] if arrays else []
    n = np.broadcast(*arrays).ndim if arrays else 0
    together = bool(picking) and picking[-1] - picking[0] == len(picking) - 1
    position, new = (0 if together else n), []
    for k, part in enumerate(parts):
        if part is None:
            new.append(position)
        if part is None or isinstance(part, slice):
            position += 1
        elif together and k == picking[0]:
            position += n
    return new


def _sliced(builder: Builder, name: str, axis: int, part: slice) -> str:
    step = 1 if part.step is None else part.step
    start = part.start if part.start is not None else 0 if step > 0 else _END
    stop = part.stop if part.stop is not None else _END if step > 0 else -_END
    ends = [builder.constant(np.array([n], INT64)) for n in (start, stop, axis, step)]
    return builder.node("Slice", name, *ends)
