"""Arrays that a live graph depends on are read-only until it has been differentiated or released.

Only a leaf's array can be reached from outside before it is recorded (through ``leaf.data``); results
are handed out read-only. A flag cannot revoke a view that was made earlier, so where somebody else
holds the array, the graph keeps a copy, and ``backward`` compares.

An interrupt (Ctrl-C) may come between any two lines, and a ``KeyboardInterrupt`` inside a finaliser is
swallowed by Python. So no line of Python stands between the end of a graph and the unlocking of its arrays:
the callbacks of the weak references below are functions written in C.
"""

from __future__ import annotations

from functools import partial
from sys import getrefcount
from types import SimpleNamespace
from typing import Any, Protocol
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray


class Guard:
    """Keeps one leaf's array read-only for as long as a recorded operation refers to it.

    ``value`` is what the graph computes with: the array itself, or a copy where others could write to it.
    """

    __slots__ = ("__weakref__", "value")

    def __init__(self, value: NDArray[Any]) -> None:
        self.value = value


class _Guarded(Protocol):
    """What a guard needs of a leaf."""

    _data: Any
    _guard: ReferenceType[Guard] | None


_held: dict[int, tuple[ReferenceType[Guard], ReferenceType[Guard]]] = {}
"""By the id of a locked array: weak references to its guard. Their callbacks unlock the array and take the
entry out; the entry keeps them alive, also where the guard goes as part of a reference cycle."""


def hold(leaf: _Guarded) -> Guard:
    """The guard of a leaf's array: the one it has while a live graph holds it, else a new one."""
    known = leaf._guard
    guard = None if known is None else known()
    if guard is None:
        array = leaf._data
        shared = getrefcount(array) != _UNSHARED
        guard = _locked(array, shared)
        leaf._guard = ref(guard)
    return guard


def _locked(array: NDArray[Any], shared: bool) -> Guard:
    """A guard of the array. Threads may ask at once: the first to enter itself in the table is the guard."""
    key = id(array)
    entry: Any = (
        None  # stands before the guard: where an interrupt drops them, its callbacks go first, uncalled
    )
    found = _held.get(key)
    if found is None and not _lockable(array):
        found = _held.get(key)  # another thread may have locked it just now, or have let it go
        if found is None and not _lockable(array):
            # A view can be written to through its base; who made an array read-only can undo it.
            return Guard(array.copy())
    if found is None:
        guard = Guard(array.copy() if shared else array)
        # setflags(write=the weak reference), pop(key, the weak reference): no line of Python runs
        entry = ref(guard, array.setflags), ref(guard, partial(_held.pop, key))  # type: ignore[arg-type]
        found = _held.setdefault(key, entry)
        entry = None  # where another thread came first, no callback of this guard unlocks its array
    first = found[0]()
    if first is None:  # another thread is releasing it at this moment
        return Guard(array.copy())
    array.setflags(write=False)  # by every thread: another may have entered the guard and not come to it yet
    return first


def _lockable(array: NDArray[Any]) -> bool:
    return array.flags.owndata and array.flags.writeable


_LARGE = 1024  # entries


def same_values(a: Any, b: Any) -> bool:
    """Whether two values are equal to the bit, so that what was recorded from one holds for the other."""
    if a is b:
        return True
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.size > _LARGE:  # comparing a few entries tells most arrays apart
        step = a.size // 16
        if a.flat[::step].tobytes() != b.flat[::step].tobytes():
            return False
    return bool(a.tobytes() == b.tobytes())


def sole_owner(holder: Any) -> bool:
    """Whether the array ``holder._pending`` can be written to, and nothing else refers to it."""
    array = holder._pending
    return bool(array.base is None and array.flags.writeable and getrefcount(array) == _UNSHARED)


def _references_of_an_unshared_array() -> int:
    # How many references a local variable counts for differs by interpreter, so it is measured.
    leaf = SimpleNamespace(_data=np.zeros(1))

    def count(leaf: Any) -> int:
        array = leaf._data
        return getrefcount(array)

    return count(leaf)


_UNSHARED = _references_of_an_unshared_array()
