"""Edit and Variant: one change to a right formula, and the array that would come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["Array", "Edit", "Variant"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Edit:
    """One change to a formula: what it is called, what the reader is told, how far-fetched it is."""

    codes: tuple[str, ...]
    text: str
    cost: float = 1.0
    """1 for a plain slip; a little more for the less usual. The explanation of least total cost is taken."""
    at: str = ""
    """The gradient in whose formula it is made, such as dZ1."""


@dataclass(frozen=True)
class Variant:
    """The array that a formula with some changes would give."""

    edits: tuple[Edit, ...]
    value: Array
    turnable: bool = False
    """Its orientation means nothing: a product of the wrong kind, say, may stand either way."""
    fills: bool = False
    """A result of fewer entries that broadcasting may have spread over the whole array."""
    rigid: bool = False
    """Compared as it is: a free constant factor would say nothing."""
