"""An edit of a backward formula: what was done to it, in codes and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Edit:
    """One change. ``cost`` is what it counts for: 1, and a little more for what is less likely."""

    codes: tuple[str, ...]
    text: str
    cost: float = 1.0
    at: str = ""
    """The quantity in whose gradient's formula it is made."""


@dataclass(frozen=True)
class Finding:
    """Edits that together give exactly the array that was given."""

    edits: tuple[Edit, ...]

    @property
    def cost(self) -> float:
        """The sum of what they count for."""
        return sum(edit.cost for edit in self.edits)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all, in order."""
        return tuple(dict.fromkeys(code for edit in self.edits for code in edit.codes))

    @property
    def text(self) -> str:
        """The sentences of all, in order."""
        return "; and ".join(dict.fromkeys(edit.text for edit in self.edits if edit.text))

    @property
    def at(self) -> str:
        """Where the first of them is made."""
        return next((edit.at for edit in self.edits if edit.at), "")


def along(a: Array, b: Array) -> bool:
    """Whether one array is another times a number, or the other nothing at all."""
    if a.shape != b.shape or not (square := float(np.vdot(b, b))):
        return a.shape == b.shape
    c = float(np.vdot(b, a)) / square
    return bool(np.allclose(a, c * b, rtol=1e-6, atol=1e-12 * np.max(np.abs(a))))
