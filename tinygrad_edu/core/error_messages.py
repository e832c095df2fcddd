"""Errors that NumPy and Python raise inside an operation: which function was called, and what it expected."""

from __future__ import annotations

import re

import numpy as np

from tinygrad_edu.core.table import RECORD

_OURS = {
    "object too deep for desired array": "expected vectors, with one axis",
    "axes don't match array": "expected each axis once, such as (1, 0) of two",
    "at least one array or dtype is required": "expected at least one array, got none",
    r"(ufunc '.*' (not supported|did not contain)|unsupported operand).*": "values of these types do not fit",
}


def in_our_words(said: str) -> str:
    """NumPy's message, where it speaks of NumPy's inside: what was expected of the caller.

    >>> in_our_words("convolve: object too deep for desired array")
    'convolve: expected vectors, with one axis'
    """
    for theirs, ours in _OURS.items():
        said = re.sub(f"{theirs}$", ours, said)
    return said


_KINDS = (np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, ValueError, TypeError)


def in_house_style(name: str, error: Exception) -> Exception:
    """An error of Python's or NumPy's with the function that was called; one of ours as it is."""
    if type(error).__module__.partition(".")[0] not in ("builtins", "numpy"):
        return error
    said = in_our_words(str(error))
    while (place := said.partition(": "))[0] in RECORD:  # of an operation that the function is made of
        said = place[2]
    return next(kind for kind in _KINDS if isinstance(error, kind))(f"{name}: {said}")
