"""Checks of arguments that several data sets take: whole numbers, shares, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.errors import path_of, shown


def whole(called: str, value: Any, least: int) -> int:
    """The value as a whole number of at least ``least``.

    >>> whole("moons: seed", "a", 0)
    Traceback (most recent call last):
    ...
    ValueError: moons: seed: expected a whole number of at least 0, got 'a'
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{called}: expected a whole number of at least {least}, got {shown(value)}")
    return int(value)


def share(called: str, value: Any, least: float = 0.0, below: float = np.inf) -> float:
    """The value as a number of at least ``least`` and less than ``below``.

    >>> share("split: dev", 20, below=1)
    Traceback (most recent call last):
    ...
    ValueError: split: dev: expected a number of at least 0 and below 1, got 20
    """
    real = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not real or not least <= value < below:
        wanted = f"at least {least:g}" + ("" if below == np.inf else f" and below {below:g}")
        raise ValueError(f"{called}: expected a number of {wanted}, got {shown(value)}")
    return float(value)


def yes_or_no(called: str, value: Any) -> bool:
    """The value, True or False.

    >>> yes_or_no("digits: standardise", "no")
    Traceback (most recent call last):
    ...
    TypeError: digits: standardise: expected True or False, got 'no'
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{called}: expected True or False, got {shown(value)}")
    return bool(value)


def existing(path: Any, called: str, origin: str = "") -> Path:
    """The path of a file that is there.

    >>> existing("data.mat", "football", "; it comes with the course's exercises")
    Traceback (most recent call last):
    ...
    FileNotFoundError: data.mat: no such file; it comes with the course's exercises
    """
    found = path_of(path, called, "a file")
    if not found.is_file():
        raise FileNotFoundError(f"{path}: no such file{origin}")
    return found
