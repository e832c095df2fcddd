"""Where an array is wrong, and by what pattern, when no mistake that has a name explains it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.report import Diagnosis

__all__ = ["degenerate", "localised", "wrong_shape"]


def wrong_shape(given: Array, right: Array) -> Diagnosis:
    """Nothing more specific explains the shape."""
    return Diagnosis(("wrong_shape",), f"expected shape {right.shape}, got {given.shape}")


def localised(given: Array, right: Array, tolerance: Array) -> Diagnosis:
    """The entries that differ, and what they have in common."""
    off = ~(np.abs(given - right) <= tolerance)
    where = _where(off)
    low, high = float(given.min()), float(given.max())
    if given.size > 3 and low < high and np.all(np.abs(given - np.clip(right, low, high)) <= tolerance):
        told = f"right, but clipped to the range from {low:.6g} to {high:.6g}"
        return Diagnosis(("unknown",), told, where=where)
    words = f"not explained by any known mistake: {_places(off, where)}"
    values = given[off]
    scale = float(np.max(np.abs(right), initial=0.0))
    relative = float(np.max(np.abs(given - right))) / scale if scale else np.inf
    if values.size and np.all(values == 0):
        words += "; they are 0"
    elif values.size > 1 and np.ptp(values) == 0:
        words += f"; they are all {values[0]:.6g}"
    elif (digits := _digits(given, right)) is not None:
        words += f"; right, but rounded to {digits} decimals"
    elif given.size > 2 and np.allclose(
        np.sort(given, axis=None), np.sort(right, axis=None), rtol=1e-9, atol=0
    ):
        words += "; the right entries, in another order"
    elif given.size > 2 and np.ptp(given - right) <= 4 * np.max(tolerance):
        words += f"; {np.mean(given - right):.6g} is added to every entry"
    elif relative < 1e-2:
        about = 10.0 ** np.round(np.log10(relative))
        words += f"; right to about {about:.0e} of the largest entry: a numerical derivative, low precision?"
    return Diagnosis(("unknown",), words, where=where)


def degenerate(given: Array, right: Array, tolerance: Array) -> Diagnosis | None:
    """All zeros, or whole numbers: what an integer division leaves."""
    if given.shape != right.shape:
        return None
    where = _where(~(np.abs(given - right) <= tolerance))
    if not given.any():
        told = "all entries are 0: is 1/m an integer division, 1//m?"
        return Diagnosis(("integer_division", "unknown"), told, where=where)
    if np.all(given == np.round(given)):
        for words, whole in (("rounded down", np.floor(right)), ("cut off at the point", np.trunc(right))):
            if np.array_equal(given, whole):
                told = f"{words} to whole numbers: an integer division (//)?"
                return Diagnosis(("integer_division", "unknown"), told, where=where)
    return None


def _digits(given: Array, right: Array) -> int | None:
    return next((k for k in range(1, 9) if np.array_equal(given, np.round(right, k))), None)


def _where(off: Array) -> dict[str, Any]:
    places = np.argwhere(off)
    where: dict[str, Any] = {
        "count": len(places),
        "of": int(off.size),
        "first": places[0].tolist() if len(places) else [],
    }
    if off.ndim == 2:
        where["rows"] = np.flatnonzero(off.any(axis=1)).tolist()
        where["columns"] = np.flatnonzero(off.any(axis=0)).tolist()
    return where


def _places(off: Array, where: dict[str, Any]) -> str:
    if where["count"] == where["of"]:
        return "every entry differs" if where["of"] > 1 else "it differs"
    told = f"{where['count']} of {where['of']} entries differ"
    if off.ndim == 2:
        for kind, axis in (("row", 1), ("column", 0)):
            some = where[f"{kind}s"]
            if np.all(off.any(axis=axis) == off.all(axis=axis)):
                return (
                    f"{told}: exactly {kind}{'s' if len(some) > 1 else ''} {_listed(some)} (counted from 0)"
                )
    return f"{told}, first at {where['first']}"


def _listed(some: list[int]) -> str:
    return ", ".join(map(str, some[:8])) + (", ..." if len(some) > 8 else "")
