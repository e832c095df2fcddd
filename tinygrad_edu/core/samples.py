"""Sample inputs of an operation: the domain on which its tests are generated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """Shapes and settings to try an operation with, and the interval to draw the entries from.

    ``make`` replaces drawing where entries must fit together (labels, positive definite matrices);
    ``arrange`` makes the call's arguments of the inputs where some of them go into a list.
    """

    shapes: tuple[tuple[int, ...], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    domain: tuple[tuple[float, float], ...] = ((-2.0, 2.0),)
    make: Callable[[np.random.Generator], tuple[Any, ...]] | None = None
    arrange: Callable[..., tuple[Any, ...]] | None = None

    def draw(self, rng: np.random.Generator, dtype: Any = np.float64) -> tuple[Any, ...]:
        """Inputs of those shapes, the floating ones in the given dtype."""
        if self.make is not None:
            values = self.make(rng)
        else:
            domains = self.domain if len(self.domain) == len(self.shapes) else self.domain * len(self.shapes)
            values = tuple(rng.uniform(*d, size=s) for s, d in zip(self.shapes, domains, strict=True))
        return tuple(np.asarray(v, dtype if np.asarray(v).dtype.kind == "f" else None) for v in values)
