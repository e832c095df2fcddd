"""Ctrl-C at the n-th line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def interrupted_at(run: Callable[[], Any], n: int) -> bool:
    """Runs it, interrupted at the n-th line of the package or of a step; whether it came so far."""
    seen = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal seen
        name = frame.f_code.co_filename
        if "tinygrad_edu" not in name and not name.startswith("<compiled step"):
            return None
        if event == "line":
            seen += 1
            if seen == n:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
