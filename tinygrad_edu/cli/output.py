"""Output of commands: lines on the standard output."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(text: str = "") -> None:
    """Writes a line, at once: it may explain a progress bar on the other stream."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_json(data: Any) -> None:
    """Writes data as JSON. A number that JSON lacks, such as nan, is an error."""
    say(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
