"""What the user derived by hand, checked before it is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.check.rounding import Array
from tinygrad_edu.core.tensor import Tensor


def given_arrays(manual: Any, what: str = "compare") -> dict[Any, Array]:
    """The arrays of a mapping from names (or tensors) to arrays, Tensors, or numbers.

    Raises:
        TypeError: it isn't a mapping, or a value isn't made of real numbers.
        ValueError: it is empty.

    >>> given_arrays({"dW1": [[1, 2]]})["dW1"].dtype
    dtype('float64')
    >>> given_arrays({"dW1": "X @ dZ.T"})
    Traceback (most recent call last):
    ...
    TypeError: compare: dW1: expected an array of real numbers, got the string 'X @ dZ.T'
    """
    if not isinstance(manual, Mapping):
        raise TypeError(f"{what}: expected a mapping such as {{'dW1': dW1}}, got {type(manual).__name__}")
    if not manual:
        raise ValueError(f"{what}: nothing to compare: expected at least one array, such as {{'dW1': dW1}}")
    return {key: _array(value, f"{what}: {_called(key)}") for key, value in manual.items()}


def _called(key: Any) -> str:
    return f"d{key.name}" if isinstance(key, Tensor) and key.name else str(key)


def _array(value: Any, where: str) -> Array:
    if isinstance(value, str):
        raise TypeError(f"{where}: expected an array of real numbers, got the string {value!r}")
    if isinstance(value, Tensor):
        return np.asarray(value._data)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(
            f"{where}: expected an array of real numbers, got rows of different lengths"
        ) from error
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{where}: expected an array of real numbers, got {type(value).__name__} of dtype {array.dtype}"
        )
    return array.astype(np.float64) if array.dtype.kind != "f" else array


def not_finite(array: Array) -> str:
    """How many entries are NaN or infinite, and where the first are; empty where none is.

    >>> not_finite(np.array([[1.0, np.nan]]))
    '1 of 2 entries is NaN: [0, 1]'
    """
    bad = ~np.isfinite(array)
    count = int(np.count_nonzero(bad))
    if not count:
        return ""
    kinds = [n for n, found in (("NaN", np.isnan(array).any()), ("infinite", np.isinf(array).any())) if found]
    places = ", ".join(str([int(k) for k in index]) for index in np.argwhere(bad)[:4])
    more = ", ..." if count > 4 else ""
    verb = "is" if count == 1 else "are"
    return f"{count} of {array.size} entries {verb} {' or '.join(kinds)}: {places}{more}"
