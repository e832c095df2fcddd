"""Arrays that a live graph depends on are read-only until it has been differentiated or released.

Only a leaf's array can be reached from outside before it is recorded (through ``leaf.data``); results
are handed out read-only. A flag cannot revoke a view that was made earlier, so where somebody else
holds the array, the graph keeps a copy.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from sys import getrefcount
from types import SimpleNamespace
from typing import Any, Protocol, Self
from weakref import ReferenceType, ref

import numpy as np

__all__ = ["Guard", "Guarded", "hold", "same_values", "sole_owner"]


class Guarded(Protocol):
    """What a guard needs of a leaf."""

    _data: Any
    _guard: ReferenceType[Guard] | None


_mutex = threading.RLock()
_held: dict[int, int] = {}  # id of a locked array -> how many guards hold it


class Guard:
    """Keeps one leaf's array read-only for as long as a recorded operation refers to it."""

    __slots__ = ("__weakref__", "lock", "value")

    def __init__(self, array: np.ndarray[Any, Any], value: np.ndarray[Any, Any]) -> None:
        self.value = value
        self.lock = _Lock(self, array)

    def __del__(self) -> None:
        # The cyclic collector forgets the callback of a weak reference that is garbage itself.
        if self.lock() is None:
            _unlock(self.lock)


class _Lock(ref[Guard]):
    """A guard's weak reference to itself: the array is unlocked by its callback.

    Not by ``__del__``, for while that runs another thread can still come by the guard, and revive it.
    """

    __slots__ = ("array",)

    array: Any

    def __new__(cls, guard: Guard, array: Any) -> Self:
        lock = super().__new__(cls, guard, _unlock)
        lock.array = array
        with _mutex:
            if array.flags.writeable:
                _held[id(array)] = 1
                array.setflags(write=False)
            elif id(array) in _held:
                _held[id(array)] += 1
        return lock

    def __init__(self, guard: Guard, array: Any) -> None:  # noqa: ARG002
        super().__init__(guard, _unlock)  # type: ignore[call-arg]


def _unlock(lock: Any) -> None:
    array, lock.array = lock.array, None  # the leaf still has the lock, and its array is nobody else's again
    with _mutex:
        count = _held.get(id(array), 0)
        if count > 1:
            _held[id(array)] = count - 1
        elif count == 1:
            del _held[id(array)]
            with suppress(ValueError):  # a view of an array that another graph holds stays locked
                array.setflags(write=True)


def hold(leaf: Guarded) -> Guard:
    """The guard of a leaf's array: the one it has while a live graph holds it, else a new one."""
    known = leaf._guard
    guard = None if known is None else known()
    if guard is None:
        array = leaf._data
        value = array if getrefcount(array) == _UNSHARED else array.copy()
        guard = Guard(array, value)
        leaf._guard = guard.lock
    return guard


def same_values(a: Any, b: Any) -> bool:
    """Whether two values are equal to the bit, so that what was recorded from one holds for the other."""
    if a is b:
        return True
    a, b = np.asarray(a), np.asarray(b)
    return bool(a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())


def sole_owner(holder: Any) -> bool:
    """Whether the array ``holder._pending`` can be written to, and nothing else refers to it."""
    array = holder._pending
    return bool(array.base is None and array.flags.writeable and getrefcount(array) == _UNSHARED)


def _references_of_an_unshared_array() -> int:
    # Interpreters differ in what a local variable counts for, so it is measured, in a function like hold.
    leaf = SimpleNamespace(_data=np.zeros(1))

    def count(leaf: Any) -> int:
        array = leaf._data
        return getrefcount(array)

    return count(leaf)


_UNSHARED = _references_of_an_unshared_array()
