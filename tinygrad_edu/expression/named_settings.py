"""Settings that are written by name: an index array of the caller's, and a size that counts the examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Held(np.ndarray[Any, np.dtype[Any]]):
    """An array in a setting, and how code writes it: ``words``, ``np.arange(m)``."""

    called: str = ""
    given: bool = False
    """Whether it is an input of its own; else code computes it."""

    def __array_finalize__(self, other: Any) -> None:
        self.called, self.given = "", False

    def copy(self, order: Any = "C") -> Held:
        """The same, still under its name."""
        return held(np.array(self, order=order), self.called, given=self.given)

    def __deepcopy__(self, memo: Any) -> Held:
        return self.copy()


class Count(int):
    """A size in a setting that counts the examples: ``Count(8, "m", 4)`` is written ``2 * m``."""

    called: str

    def __new__(cls, size: int, m: str, of: int) -> Self:
        """A size, and the name and value of the number of examples."""
        count = super().__new__(cls, size)
        count.called = m if size == of else f"{size // of} * {m}"
        return count


class Picked(int):
    """An index that was taken from an array: ``Picked(3, "targets[0]")`` is written ``targets[0]``."""

    called: str
    given: bool
    """Whether it is an input of its own, or has a line; else it is written where it is used."""

    def __new__(cls, index: int, called: str, *, given: bool = False) -> Self:
        """An index, and how code writes it."""
        picked = super().__new__(cls, index)
        picked.called, picked.given = called, given
        return picked

    def __deepcopy__(self, memo: Any) -> Picked:
        return self


def held(array: NDArray[Any], called: str, *, given: bool = True) -> Held:
    """The array under a name."""
    named = np.asarray(array).view(Held)
    named.called, named.given = called, given
    return named


def unheld(part: Any) -> Any:
    """A part of a setting without its name."""
    return np.asarray(part) if isinstance(part, Held) else int(part) if isinstance(part, Picked) else part


def parts_in(setting: Any) -> Iterator[Any]:
    """The arrays and numbers in a setting, or in all of a mapping of settings; of a slice its ends."""
    if isinstance(setting, slice):
        yield from (setting.start, setting.stop, setting.step)
    elif isinstance(setting, (tuple, list, Mapping)):
        for part in setting.values() if isinstance(setting, Mapping) else setting:
            yield from parts_in(part)
    else:
        yield setting


def index_parts(index: Any) -> tuple[Any, ...]:
    """What stands between the brackets of an index, one part an axis."""
    return index if isinstance(index, tuple) else (index,)


def replaced_in(setting: Any, change: Callable[[Any], Any]) -> Any:
    """The setting with its arrays and numbers changed, wherever they stand in it."""
    if isinstance(setting, Mapping):
        return {name: replaced_in(value, change) for name, value in setting.items()}
    if type(setting) in (tuple, list):
        return type(setting)(replaced_in(part, change) for part in setting)
    return change(setting)
