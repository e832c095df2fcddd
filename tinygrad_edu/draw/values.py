"""Values as pictures write them: a number, a small matrix, or the shape and range of a large one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.graph.text import number

__all__ = ["brief"]

_ROWS, _COLUMNS = 3, 4


def brief(value: NDArray[Any]) -> list[str]:
    """The lines that stand for a value: its numbers where they are few, else shape and range.

    >>> brief(np.array(33.0)), brief(np.eye(2)), brief(np.zeros((4, 200)))
    (['33'], ['1  0', '0  1'], ['(4, 200)', 'all 0'])
    """
    if value.ndim == 0:
        return [number(value[()])]
    if value.size == 0:
        return [f"{value.shape}", "empty"]
    table = np.atleast_2d(value)
    if table.ndim == 2 and table.shape[0] <= _ROWS and table.shape[1] <= _COLUMNS:
        cells = [[number(x) for x in row] for row in table]
        wide = [max(len(row[k]) for row in cells) for k in range(table.shape[1])]
        return ["  ".join(cell.rjust(w) for cell, w in zip(row, wide, strict=True)) for row in cells]
    low, high = np.min(value), np.max(value)
    if not np.isfinite(value).all():
        return [f"{value.shape}", f"{np.count_nonzero(~np.isfinite(value))} not finite"]
    return [f"{value.shape}", f"all {number(low)}" if low == high else f"{number(low)} … {number(high)}"]
