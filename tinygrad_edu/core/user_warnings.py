"""Warnings for users: at the user's line, once for each line."""

from __future__ import annotations

import warnings
from types import FrameType
from typing import Any

_told: set[tuple[str, int, type[Warning]]] = set()
_told_under: list[Any] = [
    None
]  # the filters in force: inside a new warnings.catch_warnings, all is told anew


def told_so_far() -> set[tuple[str, int, type[Warning]]]:
    """File, line and category of what was told under the filters that are in force."""
    if warnings.filters is not _told_under[0]:
        _told_under[0] = warnings.filters
        _told.clear()
    return _told


def told_once(frame: FrameType, message: str, category: type[Warning]) -> None:
    """Warns at the line of a frame, once for each line and category."""
    where = frame.f_code.co_filename, frame.f_lineno
    if (*where, category) in told_so_far():
        return
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__") or "<string>"  # exec may run code without one
    warnings.warn_explicit(message, category, *where, module, registry)
    _told.add((*where, category))  # not where the warning is an error
