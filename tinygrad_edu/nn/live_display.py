"""Progress in a notebook: a bar and the curve of the cost while a model is trained."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WIDTH, HEIGHT = 480, 140
POINTS = 240
"""The largest number of points drawn, however many epochs there are."""
EVERY = 0.25
"""The least time in seconds between two redraws."""


def in_notebook() -> bool:
    """Whether the code runs in a notebook, and not in IPython on a terminal.

    >>> in_notebook()
    False
    """
    ipython = sys.modules.get("IPython")  # a notebook has imported it
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class _Curve:
    """The progress of a training of ``total`` epochs, as HTML for a notebook.

    >>> curve = _Curve(4)
    >>> curve.note(1, 2.0), curve.note(2, 1.0)
    (None, None)
    >>> "2/4 epochs, cost 1" in curve._repr_html_()
    True
    """

    def __init__(self, total: int, done: int = 0) -> None:
        self.total, self.done = total, done
        self.known: list[tuple[int, float]] = []
        """Epochs and their costs; thinned out evenly once there are many."""
        self._apart = 1

    def note(self, done: int, cost: float) -> None:
        """Records the cost of an epoch that has ended."""
        self.done = done
        if len(self.known) > 1 and self.known[-1][0] - self.known[-2][0] < self._apart:
            self.known.pop()  # the last one is always known; those before it stand apart
        self.known.append((done, cost))
        if len(self.known) > POINTS:
            self.known, self._apart = [*self.known[:-1:2], self.known[-1]], 2 * self._apart

    def _repr_html_(self) -> str:
        """The bar and the curve."""
        cost = f", cost {self.known[-1][1]:.6g}" if self.known else ""
        return (
            f'<div><progress max="{self.total}" value="{self.done}"></progress> '
            f"{self.done}/{self.total} epochs{cost}</div>{self._svg()}"
        )

    def __repr__(self) -> str:
        """The text where HTML is not shown."""
        return f"{self.done}/{self.total} epochs" + (f", cost {self.known[-1][1]:.6g}" if self.known else "")

    def _svg(self) -> str:
        """The curve, from cost 0 up; it ends at a cost that is nan or inf."""
        costs = [(k, c) for k, c in self.known if math.isfinite(c)]
        if len(costs) < 2:
            return ""
        low, high = min(0.0, *(c for _, c in costs)), max(c for _, c in costs)
        across, up = WIDTH / max(self.total, 1), HEIGHT / ((high - low) or 1.0)
        points = " ".join(f"{k * across:.1f},{HEIGHT - (c - low) * up:.1f}" for k, c in costs)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 70}" height="{HEIGHT + 30}" '
            f'viewBox="-60 -10 {WIDTH + 70} {HEIGHT + 30}" role="img" aria-label="the cost of each epoch" '
            'font-family="sans-serif" font-size="11" fill="currentColor">'
            f'<path d="M0,0V{HEIGHT}H{WIDTH}" fill="none" stroke="currentColor" stroke-opacity=".5"/>'
            f'<text x="-6" y="4" text-anchor="end">{high:.3g}</text>'
            f'<text x="-6" y="{HEIGHT + 4}" text-anchor="end">{low:.3g}</text>'
            f'<text x="-6" y="{HEIGHT / 2}" text-anchor="end">cost J</text>'
            f'<text x="{WIDTH}" y="{HEIGHT + 15}" text-anchor="end">epoch {self.total}</text>'
            f'<polyline points="{points}" fill="none" stroke="#2c6fbb" stroke-width="2"/></svg>'
        )


@contextmanager
def live_curve(total: int, done: int = 0) -> Iterator[Any]:
    """Shows the curve under the cell, redrawn a few times a second and at the end."""
    curve = _Curve(total, done)
    shown = sys.modules["IPython"].display.display(curve, display_id=True)
    drawn_at = time.monotonic()

    def report(done: int, cost: float) -> None:
        nonlocal drawn_at
        curve.note(done, cost)
        if time.monotonic() - drawn_at >= EVERY:
            drawn_at = time.monotonic()
            shown.update(curve)

    try:
        yield report
    finally:
        shown.update(curve)
