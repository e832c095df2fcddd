"""Values as pictures write them: a number, a small matrix, or shape, range and colours of a large one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.sketch import Cells, Line, Row, Strip
from tinygrad_edu.expression.label_style import digits

_MOST = 4  # rows and columns of a matrix whose entries are shown
_WIDEST = 30  # characters of a row of entries
_LEAST_IMAGE = 8  # pixels a side, from which on an array of three colours is taken for an image
_FINEST = (12, 36)  # rows and columns of a heat map; more are averaged
_COLD, _WARM = np.array([33, 102, 172]), np.array([214, 96, 20])  # apart for every kind of colour vision


def shape_of(value: NDArray[Any]) -> str:
    """The shape as it is written on a blackboard, ``2 × 5``; of other than matrices, Python's tuple.

    >>> shape_of(np.zeros((2, 5))), shape_of(np.zeros(3))
    ('2 × 5', '(3,)')
    """
    return f"{value.shape[0]} × {value.shape[1]}" if value.ndim == 2 else str(value.shape)


def brief(value: NDArray[Any]) -> str:
    """A value in one line of text.

    >>> brief(np.array(33.0)), brief(np.array([[1.0, 2.0]])), brief(np.ones((4, 200)))
    ('33', '[1 2]', '4 × 200, all 1')
    """
    if value.ndim == 0:
        return digits(value[()])
    if value.size == 0:
        return f"{shape_of(value)}, empty"
    rows = _entries(value)
    if rows is not None:
        return "[" + "; ".join(" ".join(row) for row in rows) + "]"
    return f"{shape_of(value)}, {range_of(value)}"


def told(
    value: NDArray[Any], name: str = "", *, red: bool = False, pictured: bool = True, of: str = ""
) -> list[Row]:
    """The rows that tell a value: its entries up to 4 by 4, else its shape, its range, and its colours.

    Args:
        value: any array.
        name: what the value is called, where the row has to say it.
        red: whether it is a gradient.
        pictured: whether a large array is shown as colours, too.
        of: the quantity whose value or gradient it is, by the name that the graph has for it.

    >>> told(np.array(33.0))
    [Line(text='33', name='', red=False, faint=False, value=True, of='', lead=0)]
    """
    before = f"{name} = " if name else ""
    shape = "" if red else f"{shape_of(value)}, "
    if value.ndim == 0 or value.size == 0:
        return [Line(before + brief(value), red=red, value=True, of=of, lead=len(before))]
    entries = _entries(value)
    if entries is not None:
        short = before + (brief(value) if value.size == 1 else shape + range_of(value))
        return [Cells(entries, before.rstrip(), red=red, short=short, of=of)]
    line = Line(f"{before}{shape}{range_of(value)}", red=red, value=True, of=of, lead=len(before))
    rows: list[Row] = [line]
    pixels = colours(value) if pictured else None
    return rows if pixels is None else [*rows, pixels]


def _entries(value: NDArray[Any]) -> tuple[tuple[str, ...], ...] | None:
    if value.ndim > 2 or value.ndim == 0 or value.size == 0:
        return None
    table = np.atleast_2d(value)
    if max(table.shape) > _MOST or table.dtype.kind not in "biuf":
        return None
    rows = tuple(tuple(digits(x + 0) for x in row) for row in table)
    return rows if max(sum(len(x) + 2 for x in row) for row in rows) <= _WIDEST else None


def range_of(value: NDArray[Any]) -> str:
    """From the least entry to the largest.

    >>> range_of(np.array([2.0, 0.5]))
    '0.5 … 2'
    """
    if value.dtype.kind not in "biuf":
        return str(value.dtype)
    finite = np.isfinite(value)
    if not finite.all():
        return f"{np.count_nonzero(~finite)} not finite"
    low, high = np.min(value), np.max(value)
    return f"all {digits(low + 0)}" if low == high else f"{digits(low + 0)} … {digits(high + 0)}"


def colours(value: NDArray[Any]) -> Strip | None:
    """An image as an image; another large array as a heat map, negative blue and positive orange.

    None where there is nothing to see: numbers that are all equal, or not finite.
    """
    image = _image(value)
    if image is not None:
        return image
    if value.dtype.kind not in "biuf" or value.size < 6:
        return None
    table = value.reshape(value.shape[0], -1) if value.ndim > 1 else np.atleast_2d(value)
    table = table.astype(float)
    largest = float(np.max(np.abs(table)))
    if not np.isfinite(largest) or largest == 0 or np.min(value) == np.max(value):
        return None
    table = _coarse(table / largest)  # a sum of neighbours cannot overflow then
    largest = float(np.max(np.abs(table)))
    if largest == 0:
        return None
    strength = np.abs(table) / largest
    pixels = np.empty((*table.shape, 4), np.uint8)
    pixels[..., :3] = np.where(table[..., None] < 0, _COLD, _WARM)
    pixels[..., 3] = np.round(20 + 235 * strength)
    return Strip(pixels)


def _coarse(table: NDArray[Any]) -> NDArray[Any]:
    """The table, its neighbours averaged until it is small."""
    for axis, most in enumerate(_FINEST):
        length = table.shape[axis]
        if length > most:
            edges = np.linspace(0, length, most + 1).astype(int)
            table = np.add.reduceat(table, edges[:-1], axis=axis)
            counts = np.diff(edges)
            table = table / (counts[:, None] if axis == 0 else counts)
    return table


def _image(value: NDArray[Any]) -> Strip | None:
    """An array of pixels: (..., height, width, 3), or (..., 1 or 3, height, width); the first of several."""
    if value.ndim < 3 or value.dtype.kind not in "uf":
        return None
    first = value.reshape(-1, *value.shape[-3:])[0]
    if first.shape[0] in (1, 3) and min(first.shape[1:]) >= _LEAST_IMAGE:
        first = np.moveaxis(first, 0, -1)
    if first.shape[-1] not in (1, 3) or min(first.shape[:2]) < _LEAST_IMAGE:
        return None
    low, high = float(np.min(first)), float(np.max(first))
    if value.dtype.kind == "f" and not 0 <= low < high <= 255:
        return None
    if high > 1 and (first != np.round(first)).any():  # what a layer computed, not pixels
        return None
    step = max(1, max(first.shape[:2]) // 64)
    first = first[::step, ::step] * (255.0 if high <= 1 and value.dtype.kind == "f" else 1.0)
    pixels = np.full((*first.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = first.astype(np.uint8)
    many = int(np.prod(value.shape[:-3]))
    return Strip(pixels, f"the first of {many}" if many > 1 else "")
