"""Values from outside, as arrays of real numbers of the graph's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# They are called arrays, but * means something else, or some entries do not count.
_UNLIKE_ARRAYS = {
    np.ma.MaskedArray: "a masked array, whose mask would be lost: fill it, x.filled(0.0), or use np.where",
    np.matrix: "np.matrix, whose * is the matrix product: use np.asarray(M), and @",
}


def real(value: Any, dtype: DTypeLike | None = None, *, what: str = "") -> NDArray[Any]:
    """A copy of ``value`` as an array of real numbers, in the given dtype or its own (in native byte order).

    Raises:
        TypeError: it holds complex numbers, text, dates or objects, or isn't an array in NumPy's sense.

    >>> real([1, 2], np.float32)
    array([1., 2.], dtype=float32)
    >>> real(1j, what="gradient: ")
    Traceback (most recent call last):
    ...
    TypeError: gradient: expected real numbers, got complex of dtype complex128
    """
    refuse_lookalikes(value, what)
    try:
        array = np.array(value)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{what}expected rows of equal length, got {type(value).__name__} of unequal ones"
        ) from None
    try:
        wanted = array.dtype if dtype is None else np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{what}expected a dtype such as 'float32', got {dtype!r}") from None
    for found in (array.dtype, wanted):
        if found.kind not in "fiub":
            raise TypeError(f"{what}expected real numbers, got {type(value).__name__} of dtype {found}")
    return array.astype(wanted.newbyteorder("="), copy=False)


def refuse_lookalikes(value: Any, what: str = "") -> None:
    """Refuses types that are called arrays and behave otherwise.

    Raises:
        TypeError: a masked array, or ``np.matrix``.

    >>> refuse_lookalikes(np.ones(2).view(np.matrix))
    Traceback (most recent call last):
    ...
    TypeError: expected an array, got np.matrix, whose * is the matrix product: use np.asarray(M), and @
    """
    if type(value) is np.ndarray:
        return
    for kind, why in _UNLIKE_ARRAYS.items():
        if isinstance(value, kind):
            raise TypeError(f"{what}expected an array, got {why}")
