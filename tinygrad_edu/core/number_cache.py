"""Python's numbers beside small arrays: NumPy takes as long to convert one as to multiply the array by it."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOAT64 = np.dtype(np.float64)
_MOST = 1000
"""How many numbers are kept: enough for those in a program's source, not for all that it computes."""
_EXACT = 2.0**53


def convert(number: float) -> Any:
    """A Python number as a 0-d array of float64; unchanged where NumPy would treat that differently.

    >>> convert(2), convert(0.0)
    (array(2.), 0.0)
    """
    # 0.0 and -0.0 are one key; a large integer could be beyond float64
    if not number or not -_EXACT < number < _EXACT:
        return number
    new = np.array(float(number))
    new.setflags(write=False)
    return new


class _Known(dict[float, Any]):
    """The 0-d arrays of numbers. Only for a number beside an array of float64."""

    def __missing__(self, number: float) -> Any:
        if len(self) >= _MOST:
            return number
        new = convert(number)
        return new if new is number else self.setdefault(number, new)


KNOWN = _Known()
