"""Checks of numbers that a user sets: an error names the setting, what was expected, and what came."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["above_zero", "at_least", "whole"]


def whole(name: str, value: Any, least: int) -> int:
    """The value as an integer of at least ``least``.

    >>> whole("epochs", 2.5, 0)
    Traceback (most recent call last):
    ...
    ValueError: epochs: expected an integer of at least 0, got 2.5
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, got {value!r}")
    return int(value)


def at_least(name: str, value: Any, least: float, below: float = np.inf) -> float:
    """The value as a number from ``least`` to below ``below``.

    >>> at_least("Adam: beta1", 1.0, 0, below=1)
    Traceback (most recent call last):
    ...
    ValueError: Adam: beta1: expected a number from 0 to below 1, got 1.0
    """
    if not (isinstance(value, (int, float, np.number)) and least <= value < below):
        wanted = f"of at least {least}" if below == np.inf else f"from {least} to below {below}"
        raise ValueError(f"{name}: expected a number {wanted}, got {value!r}")
    return float(value)


def above_zero(name: str, value: Any) -> float:
    """The value as a number above 0.

    >>> above_zero("SGD: lr", 0.5)
    0.5
    """
    if not (isinstance(value, (int, float, np.number)) and 0 < value < np.inf):
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")
    return float(value)
