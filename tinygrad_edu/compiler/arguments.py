"""The arguments of a compiled step, its parameters and data, as arrays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from tinygrad_edu.core.real_arrays import refuse_lookalikes
from tinygrad_edu.core.structure import is_fixed, is_record
from tinygrad_edu.core.tensor import Tensor


def value_of(leaf: Any, path: tuple[str, ...], *, writable: bool) -> Any:
    """A parameter's array: the Tensor's own, or the one given."""
    value = (leaf.data if writable else leaf._data) if isinstance(leaf, Tensor) else leaf
    floats = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.dtype.isnative
    if writable and not (floats and value.flags.writeable):
        what = (
            f"{value.dtype} array" + " that is read-only" * (not value.flags.writeable)
            if isinstance(value, np.ndarray)
            else repr(value)
        )
        raise TypeError(
            f"compile: {'/'.join(path)}: expected a float array that can be updated in place, such as "
            f"np.array([1.0, 2.0]), got {what}"
        )
    refuse_lookalikes(value, f"compile: parameter {'/'.join(path)}: ")
    if isinstance(value, (float, int)):
        value = np.float64(value)
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "fiub":
        raise TypeError(
            f"compile: parameter {'/'.join(path)}: expected an array or Tensor of real numbers, "
            f"got {type(leaf).__name__}"
        )
    return native(value)


def bare(leaf: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return leaf._data if isinstance(leaf, Tensor) else leaf


def data_of(given: Any) -> Any:
    """What is passed in as data, its leaves as arrays: numbers in a list are one, unless its rows differ."""
    if is_fixed(given):
        return given
    if isinstance(given, Mapping):
        return {key: data_of(value) for key, value in given.items()}
    if is_record(given):
        another = copy.copy(given)
        for part in fields(given):
            object.__setattr__(another, part.name, data_of(getattr(given, part.name)))
        return another
    if isinstance(given, (list, tuple)) and not _is_array(given):
        parts = [data_of(value) for value in given]
        if isinstance(given, tuple):
            return type(given)(*parts) if hasattr(given, "_fields") else tuple(parts)
        return parts
    return _one(given)


def _is_array(given: Any) -> bool:
    """Whether a list holds numbers alone, as many in each row."""
    if not isinstance(given, (list, tuple)):
        return isinstance(given, (int, float, np.number, np.bool_))
    if not all(map(_is_array, given)):
        return False
    return len({np.shape(part) if isinstance(part, (list, tuple)) else () for part in given}) < 2


def _one(value: Any) -> Any:
    array = bare(value)
    refuse_lookalikes(array, "compile: ")
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"compile: expected data of real numbers, got {type(value).__name__}")
    return native(array if array.ndim else array[()])


def native(value: Any) -> Any:
    """In the machine's order of bytes, in which NumPy's results are."""
    return value if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))


def kind_of(value: Any) -> tuple[Any, ...]:
    """The properties of an array or number that decide which recording is used."""
    return value.shape, value.dtype
