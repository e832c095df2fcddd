"""What was found in a container, array or object, kept so that a later look tells whether it has changed."""

from __future__ import annotations

import pickle
from collections import deque
from types import MappingProxyType, MethodType
from typing import Any

import numpy as np

from tinygrad_edu.core.tensor import Tensor

PLAIN = (
    *(bool, int, float, complex, str, bytes, type(None), type(Ellipsis)),
    *(np.generic, np.dtype, slice, range),
)
"""What cannot be written to."""
CONTAINERS = (list, tuple, set, frozenset, deque)
_CHUNK = 1 << 17
_FEW = 1 << 14


def members(container: Any) -> tuple[Any, ...]:
    """What a container holds: of a dict its values, then its keys.

    >>> members({"a": 1, "b": 2}), members([3])
    ((1, 2, 'a', 'b'), (3,))
    """
    if isinstance(container, (dict, MappingProxyType)):
        return (*container.values(), *container)
    return tuple(container)


def same(now: Any, kept: Any) -> bool:
    """Whether a value is the one that was found: itself, or an equal one of those that cannot change."""
    if now is kept:
        return True
    if type(now) is not type(kept):
        return False
    if isinstance(now, (str, bytes, range, slice)):
        return bool(now == kept)
    if isinstance(now, PLAIN):
        return repr(now) == repr(kept)  # tells -0.0 from 0.0, and takes NaN for NaN
    if isinstance(now, tuple):
        return len(now) == len(kept) and all(map(same, now, kept))
    if isinstance(now, MethodType):
        return now.__self__ is kept.__self__ and now.__func__ is kept.__func__
    return False


def differ_in_results(now: Any, kept: Any) -> bool:
    """Whether two values, the same but for Tensors that were computed, are what two runs have left behind."""
    if isinstance(now, Tensor) or same(now, kept):
        return isinstance(now, Tensor) == isinstance(kept, Tensor)
    if isinstance(now, np.ndarray):
        return type(now) is type(kept) and equal(now, entries_of(kept))
    if type(now) is not type(kept) or not isinstance(now, (dict, *CONTAINERS)):
        return False
    ours, theirs = members(now), members(kept)
    return len(ours) == len(theirs) and all(map(differ_in_results, ours, theirs))


def entries_of(array: Any) -> Any:
    """What later entries are held against: bytes where there are few."""
    plain = np.asarray(array)
    if plain.dtype.hasobject:
        return plain.shape, list(plain.flat)
    few = plain.nbytes <= _FEW
    return plain.shape, plain.tobytes() if few else np.array(plain, order="K"), np.ma.getmask(array).copy()


def equal(array: Any, kept: Any) -> bool:
    """Whether an array has the shape and the bits of what :func:`entries_of` gave.

    >>> X = np.array([0.0, np.nan])
    >>> kept = entries_of(X)
    >>> equal(X, kept), equal(-X, kept), equal(X[None], kept)
    (True, False, False)
    """
    plain = np.asarray(array)
    shape, entries, *mask = kept
    if plain.shape != shape:
        return False
    if mask and type(array) is not np.ndarray and not np.array_equal(np.ma.getmask(array), mask[0]):
        return False
    if isinstance(entries, list):
        return all(map(same, plain.flat, entries))
    if isinstance(entries, bytes):
        return plain.tobytes() == entries
    if plain.dtype != entries.dtype:
        return False
    return _equal_bits(plain, entries)


def _equal_bits(a: Any, b: Any) -> bool:
    """Whether two large arrays have the same bits: NaN is NaN, and -0.0 is not 0.0."""
    if a.flags.f_contiguous and not a.flags.c_contiguous:
        a, b = a.T, b.T
    a, b = (np.ascontiguousarray(x).reshape(-1).view(np.uint8) for x in (a, b))
    whole = a.size // 8 * 8
    if not np.array_equal(a[whole:], b[whole:]):
        return False
    a, b = a[:whole].view(np.uint64), b[:whole].view(np.uint64)
    return all(np.array_equal(a[k : k + _CHUNK], b[k : k + _CHUNK]) for k in range(0, len(a), _CHUNK))


def stored(value: Any) -> bytes:
    """The pickle of a value, which shows whether an object has changed. Empty where it has none.

    >>> stored([1]) == stored([1]), stored([1]) == stored([2]), stored(lambda: 0)
    (True, False, b'')
    """
    try:
        return pickle.dumps(value)
    except Exception:  # noqa: BLE001  (whatever a library's object raises: it cannot be stored)
        return b""
