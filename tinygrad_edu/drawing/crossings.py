"""Where the arrows of a layout cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_edu.drawing.routing import Points, Route

_BESIDE = 12.0  # their box


def crossings(routes: Sequence[Route]) -> list[float]:
    """For each route, how many arrows cross its own: two where both lead back as well, are four crossings.

    Where two leave or reach a box side by side nothing crosses.
    """
    counts = [0.0] * len(routes)
    for i, one in enumerate(routes):
        for j in range(i):
            at = _crossing(one.points, routes[j].points)
            if at is not None and not _beside_their_box(one, routes[j], at):
                many = _lines(one) * _lines(routes[j])
                counts[i] += many
                counts[j] += many
    return counts


def _lines(route: Route) -> int:
    return 1 if route.arrow.returns is None else 2


def _beside_their_box(one: Route, other: Route, at: Points) -> bool:
    shared = ((0, one.arrow.tail == other.arrow.tail), (-1, one.arrow.head == other.arrow.head))
    return any(same and abs(one.points[end, 0] - at[0]) < _BESIDE for end, same in shared)


def _crossing(p: Points, q: Points) -> Points | None:
    """Where two lines cross first; None where they don't."""
    if (p.min(0) > q.max(0)).any() or (q.min(0) > p.max(0)).any():
        return None
    a, b, c, d = p[:-1, None], p[1:, None], q[None, :-1], q[None, 1:]
    r, s, away = b - a, d - c, c - a
    turn = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (away[..., 0] * s[..., 1] - away[..., 1] * s[..., 0]) / turn
        u = (away[..., 0] * r[..., 1] - away[..., 1] * r[..., 0]) / turn
    hit = (np.abs(turn) > 1e-9) & (t > 0) & (t < 1) & (u > 0) & (u < 1)
    if not hit.any():
        return None
    i, j = np.argwhere(hit)[0]
    found: Points = p[i] + t[i, j] * (p[i + 1] - p[i])
    return found
