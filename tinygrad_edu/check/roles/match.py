"""Whether a predicted array is the given one: up to a named constant, a transpose, a lost axis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit, Finding
from tinygrad_edu.check.roles.constants import Constants
from tinygrad_edu.check.roles.edit import Variant

__all__ = ["TURNED", "Target"]

FREE = 2.4
"""What a constant factor without a name costs: more than two plain slips would."""
TURNED = Edit(("transpose",), "transposed", 1.0)
_LOST = Edit(("sum_keepdims",), "an axis is lost: keepdims=True is missing", 1.0)
_NUMBER = Edit(("sum_keepdims",), "and a bare number is left", 0.1)
_FILLED = Edit((), "", 0.1)


class Target:
    """An array to be explained, and how closely.

    Args:
        given: the wrong array.
        right: the right one.
        tolerance: how far rounding may carry the right one's entries.
        loose: the relative precision of a match.
        constants: the constants that have a name here.
    """

    def __init__(
        self, given: Array, right: Array, tolerance: float, loose: float, constants: Constants
    ) -> None:
        self.given, self.right, self.constants = given.astype(np.float64), right.astype(np.float64), constants
        self.tolerance, self.loose = tolerance, loose
        self.entries = int(np.count_nonzero(np.abs(self.given) > tolerance))
        self._norm = float(np.sum(self.given * self.given))
        self._size = float(np.max(np.abs(self.given), initial=0.0))

    def changed(self, given: Array, factor: float = 1.0) -> Target:
        """The same target for the given array turned, or divided by a factor."""
        return Target(given / factor, self.right, self.tolerance / abs(factor), self.loose, self.constants)

    def named(self, c: float) -> tuple[Edit, ...] | None:
        """What a factor found from the given array amounts to, to the precision that it has."""
        return self.constants.name(c, max(1e-9, 10 * self.loose + 4 * self.tolerance / (self._size or 1.0)))

    def close(self, value: Array) -> bool:
        """Whether an array is the given one, to rounding."""
        if value.shape != self.given.shape:
            return False
        limit = 4 * self.tolerance + self.loose * self._size
        return bool(np.max(np.abs(self.given - value), initial=0.0) <= limit)

    def explains(self, variant: Variant) -> Finding | None:
        """The changes by which a variant becomes the given array, if it does."""
        for value, edits in self._forms(variant):
            constant = self._constant(value, variant)
            if constant is not None:
                return Finding((*constant, *variant.edits, *edits))
        return None

    def _forms(self, variant: Variant) -> Iterator[tuple[Array, tuple[Edit, ...]]]:
        value, shape = variant.value, self.given.shape
        if value.shape == shape:
            yield value, ()
        if value.ndim == 2 and value.T.shape == shape and value.shape != (1, 1):
            yield value.T, () if variant.turnable else (TURNED,)
        if value.shape != shape and value.size == self.given.size and self.given.ndim < value.ndim:
            yield value.reshape(shape), (_NUMBER if variant.fills else _LOST,)
        if variant.fills and value.size < self.given.size:
            try:
                yield np.broadcast_to(value, shape), (_FILLED,)
            except ValueError:
                return

    def _constant(self, value: Array, variant: Variant) -> tuple[Edit, ...] | None:
        if variant.rigid or not self.entries:
            return () if self.close(value) else None
        if not np.isfinite(value).all():
            return None
        scale = float(np.sum(value * self.given))
        norm = float(np.sum(value * value))
        # Cauchy-Schwarz: parallel arrays, and no others, reach |<u, v>| = |u| |v|
        if norm == 0 or abs(scale * scale - self._norm * norm) > 1e-3 * self._norm * norm:
            return None
        c = scale / norm
        if not self.close(c * value):
            return None
        named = self.named(c)
        if named is not None:
            return named
        if variant.value.size < value.size or self.entries < (5 if variant.edits else 3):
            return None
        return (Edit(("constant_factor",), f"off by the constant factor {c:.6g}", FREE),)
