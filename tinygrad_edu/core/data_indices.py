"""Indices that are data, ``E[words]`` and ``p[np.arange(m), y]``, while a computation is recorded.

A recording knows the shape and dtype of such an index and not its numbers. So it is an operand, looked up
when the step runs, where an index of known numbers is a setting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.table import RECORD


def check_index(part: Any) -> None:
    """Raises IndexError if a part of an index is none that NumPy takes: an array of floats, a text."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return
    found = part if hasattr(part, "dtype") else np.asarray(part)
    if found.dtype.kind not in "iub" and found.size:
        got = found.dtype if found.ndim else repr(part)
        floats = found.ndim and found.dtype.kind == "f"
        hint = ". Pass it in as integers: y.astype(int)" if floats else ""
        raise IndexError(f"an index has to be integers, booleans or slices; got {got}{hint}")


def picked(x: Any, index: Any) -> Any:
    """``x[index]``, where some parts of the index are Symbols of whole numbers.

    The parts that are whole numbers become places in one axis of all the axes they index, and that is
    looked up as in a table. Places out of bounds are an error when the step runs, as in NumPy.

    Raises:
        IndexError: a Symbol of floats; too many indices.
        ValueDependence: a mask that is a Symbol; what it picks has a shape that depends on its values.
    """
    parts = _parts(index if type(index) is tuple else (index,), np.ndim(x))
    numbers = [k for k, part in enumerate(parts) if part is not None and not isinstance(part, slice)]
    if any(part is None or part != slice(None) for k, part in enumerate(parts) if k not in numbers):
        x = x[tuple(slice(None) if k in numbers else part for k, part in enumerate(parts))]
    rest = [k for k in range(len(parts)) if k not in numbers]
    lengths = [x.shape[k] for k in numbers]
    places = _joint([parts[k] for k in numbers], lengths)
    others = [x.shape[k] for k in rest]
    rows, columns = int(np.prod(others, dtype=int)), int(np.prod(lengths, dtype=int))
    table = _shaped(_turned(x, (*rest, *numbers)), (rows, columns))
    found = _shaped(RECORD["embedding"](table, places), (*others, *np.shape(places)))
    return _put_in_place(found, numbers, len(rest))


def _parts(index: tuple[Any, ...], rank: int) -> list[Any]:
    """The parts of an index, one for each axis of the result of its slices."""
    parts: list[Any] = []
    for part in index:
        if part is None or part is Ellipsis or isinstance(part, slice):
            parts.append(part)
        elif hasattr(part, "_data"):
            parts.append(_whole_numbers(part))
        else:
            array = np.asarray(part)
            array = array.astype(np.intp) if not array.size else array
            parts += array.nonzero() if array.dtype == np.bool_ else [array]
    taken = sum(part is not None and part is not Ellipsis for part in parts)
    if taken > rank:
        raise IndexError(f"too many indices: expected at most {rank}, got {taken}")
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    k = next(k for k, part in enumerate(parts) if part is Ellipsis)
    return parts[:k] + [slice(None)] * (rank - taken) + parts[k + 1 :]


def _whole_numbers(part: Any) -> Any:
    if part.dtype == np.bool_:
        np.asarray(part)  # refused: the shape of what a mask picks depends on its values
    check_index(part)
    return RECORD["astype"](part, dtype=np.dtype(np.intp))


def _joint(parts: list[Any], lengths: list[int]) -> Any:
    """The place of each entry when the axes are one: from 0, or out of bounds where one of the parts is."""
    joint: Any = None
    for part, n in zip(parts, lengths, strict=True):
        known = not hasattr(part, "_data")
        if known:
            check_index(part)
        if known and part.size and (part.min() < -n or part.max() >= n):
            raise IndexError(
                f"index out of bounds: expected -{n} to {n - 1}, got {part.min()} to {part.max()}"
            )
        place = np.where(part < 0, part + n, part)
        if len(parts) > 1 and not known:  # alone, it is checked where it is looked up
            place = RECORD["embedding"](np.arange(n)[None], place)[0]
        joint = place if joint is None else joint * n + place
    return joint


def _put_in_place(found: Any, numbers: list[int], others: int) -> Any:
    """The axes of the places come where NumPy puts them: first, unless the numbers stand side by side."""
    own = found.ndim - others
    side_by_side = numbers[-1] - numbers[0] == len(numbers) - 1
    before = numbers[0] if side_by_side else 0
    axes = (*range(before), *range(others, others + own), *range(before, others))
    return _turned(found, axes)


def _turned(x: Any, axes: tuple[int, ...]) -> Any:
    return x if axes == tuple(range(len(axes))) else np.transpose(x, axes)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if np.shape(x) == shape else np.reshape(x, shape)
