"""Variant: the array that would come of a formula with some edits."""

from __future__ import annotations

from dataclasses import dataclass

from tinygrad_edu.check.diagnosis.edit import Array, Edit

__all__ = ["Variant"]


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
