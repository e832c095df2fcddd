"""The progress of a training: in a notebook a bar with the curve of the cost, elsewhere a bar on stderr.

The bar is tqdm's where the extra ``progress`` is installed, else a plain line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from tinygrad_edu.errors import MissingExtraError, require_extra
from tinygrad_edu.nn.live_display import in_notebook, live_curve


class Report(Protocol):
    """A function called after each epoch, with the number of epochs done and the cost."""

    def __call__(self, done: int, cost: float) -> None:
        """Shows it."""


@contextmanager
def progress_bar(total: int, done: int = 0, *, shown: bool | None = None) -> Iterator[Report | None]:
    """A bar of ``total`` epochs, of which ``done`` are done; None where none is shown.

    With ``shown=None`` it is shown on a terminal and in a notebook only.

    >>> with progress_bar(10, shown=False) as report:
    ...     print(report)
    None
    """
    notebook = in_notebook()
    if not (notebook or sys.stderr.isatty() if shown is None else shown):
        yield None
        return
    if notebook:
        with live_curve(total, done) as report:
            yield report
        return
    try:
        tqdm = require_extra("tqdm", extra="progress").tqdm
    except MissingExtraError:
        line = _Line(total, sys.stderr)
        yield line.report
        line.close()
        return
    with tqdm(total=total, initial=done, unit="epoch", file=sys.stderr) as bar:

        def report(done: int, cost: float) -> None:
            bar.set_postfix_str(f"cost {cost:.6f}", refresh=False)
            bar.update(done - bar.n)

        yield report


class _Line:
    """A line on stderr, rewritten at most ten times a second."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self.total, self.stream, self.shown_at, self.text = total, stream, 0.0, ""

    def report(self, done: int, cost: float) -> None:
        filled = 30 * done // self.total
        self.text = f"\r[{'#' * filled}{'.' * (30 - filled)}] {done}/{self.total} epochs, cost {cost:.6f}"
        if time.monotonic() - self.shown_at >= 0.1:
            self.shown_at = time.monotonic()
            self._write(self.text)

    def close(self) -> None:
        self._write(self.text + "\n")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
