"""How commands speak: lines on the standard output."""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(text: str = "") -> None:
    """Writes a line, at once: it may explain a progress bar on the other stream."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
