"""Places for values in preallocated memory, shared by values that are never alive at the same time.

Lifetimes are known before anything runs, so places are given out largest value first, each at the lowest
offset that is free for its whole life. A value that an elementwise operation reads for the last time is
overwritten by the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 64
"""Bytes: of a line of the cache."""


@dataclass
class Life:
    """A value: from the line that makes it to the last that reads it."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    start: int
    end: int
    over: Life | None = None
    """The value whose place it takes."""

    @property
    def nbytes(self) -> int:
        """The bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Buffer:
    """A stretch of the memory, as an array, and the values that live there one after another."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int
    holds: tuple[tuple[str, int, int], ...]
    """``quantity, first line, last line`` of the source."""
    thread: int | None = None
    """Of an array that the loop over tiles works in: each thread has one of its own."""

    @property
    def nbytes(self) -> int:
        """The bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __repr__(self) -> str:
        tenants = ", ".join(f"{name} (lines {a}-{b})" for name, a, b in self.holds)
        whose = "" if self.thread is None else f", of thread {self.thread}"
        return f"{self.name}{whose}: {self.dtype}{list(self.shape)} at {self.offset}: {tenants}"


@dataclass(eq=False)
class _Place:
    """Values that take one another's place: one stretch, alive as long as any of them."""

    start: int
    end: int
    nbytes: int = 0
    offset: int = 0

    def take_in(self, life: Life) -> None:
        self.start, self.end = min(self.start, life.start), max(self.end, life.end)
        self.nbytes = max(self.nbytes, -(-life.nbytes // ALIGNMENT) * ALIGNMENT)

    def meets(self, other: _Place) -> bool:
        return self.start <= other.end and other.start <= self.end


def arranged(lives: Sequence[Life]) -> tuple[dict[str, int], int]:
    """The offset of each value, and the size of the whole.

    >>> f8 = np.dtype(float)
    >>> a, b, c = Life("a", (8,), f8, 0, 2), Life("b", (8,), f8, 1, 3), Life("c", (8,), f8, 3, 4)
    >>> arranged([a, b, c])
    ({'a': 0, 'b': 64, 'c': 0}, 128)
    """
    places: dict[int, _Place] = {}
    for life in lives:
        place = places[id(life.over)] if life.over is not None else _Place(life.start, life.end)
        place.take_in(life)
        places[id(life)] = place
    done: list[_Place] = []
    for place in sorted(dict.fromkeys(places.values()), key=lambda p: (-p.nbytes, p.start)):
        taken = sorted((p.offset, p.offset + p.nbytes) for p in done if p.meets(place))
        for start, end in taken:
            if place.offset + place.nbytes <= start:
                break
            place.offset = max(place.offset, end)
        done.append(place)
    offsets = {life.name: places[id(life)].offset for life in lives}
    return offsets, max((p.offset + p.nbytes for p in done), default=0)
