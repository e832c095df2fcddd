"""Ctrl-C while a model is trained: the update under way is finished first, so that parameters stay whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class Interrupts:
    """Within it, the first Ctrl-C waits for :meth:`check`; a second one does not.

    Only where Python's own handler is in charge, and in the main thread, which alone gets the signal.

    >>> with Interrupts() as interrupts:
    ...     interrupts.check()
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            self._before = signal.signal(signal.SIGINT, self._noted)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raises KeyboardInterrupt if Ctrl-C was pressed."""
        if self.asked:
            raise KeyboardInterrupt

    def _noted(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  (a handler takes both)
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
