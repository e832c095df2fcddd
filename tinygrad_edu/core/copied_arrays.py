"""Remembers of which of the caller's arrays a graph's copy was made.

A graph keeps copies of plain arrays, which later writes do not reach. Of which array a copy was made is
remembered here by weak references, so that nothing is kept alive. Two equal arrays stay two.
"""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, ref

import numpy as np

Place = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Where the entries of a view are: address, strides, shape."""

_copies: dict[int, tuple[ReferenceType[Any], ReferenceType[Any], Place | None]] = {}
_SWEPT = [1000]  # at how many lines the table is next looked through for copies that are gone


def remember(array: Any, copy: Any) -> None:
    """Notes that the copy was made of the array. Only whole arrays are told apart, not numbers."""
    if type(array) is np.ndarray or called(array) is not None:
        seen = None if array.base is None else place(array)
        _copies[id(copy)] = (ref(copy), origin(array) or ref(array), seen)
        if len(_copies) > _SWEPT[0]:
            _sweep()


def origin(copy: Any) -> ReferenceType[Any] | None:
    """A reference to the array that a copy was made of; None where that is not known.

    Copies of one array, and copies of copies, have the same reference, also when the array itself is gone.

    >>> import numpy as np
    >>> a, b = np.zeros(2), np.zeros(2)
    >>> one, two, other = a.copy(), a.copy(), b.copy()
    >>> for array, copy in ((a, one), (a, two), (b, other)):
    ...     remember(array, copy)
    >>> origin(one) is origin(two), origin(one) is origin(other), origin(one)() is a
    (True, False, True)
    """
    known = _copies.get(id(copy))
    return known[1] if known is not None and known[0]() is copy else None


def called(array: Any) -> str | None:
    """The name that an array carries itself, as an attribute ``called``."""
    return getattr(array, "called", None) or None


def viewed(copy: Any) -> Place | None:
    """Where the entries were that a copy was made of, if they were a view of another array; else None.

    >>> import numpy as np
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> row = X[1].copy()
    >>> remember(X[1], row)
    >>> viewed(row) == place(X[1]), viewed(row) == place(X[2])
    (True, False)
    """
    known = _copies.get(id(copy))
    return known[2] if known is not None and known[0]() is copy else None


def place(array: Any) -> Place:
    """Where the entries of an array are."""
    return array.__array_interface__["data"][0], array.strides, array.shape


def _sweep() -> None:
    for key, known in list(_copies.items()):
        if known[0]() is None and _copies.get(key) is known:
            _copies.pop(key, None)
    _SWEPT[0] = 2 * len(_copies) + 1000
