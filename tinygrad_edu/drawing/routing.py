"""Routes of arrows between columns of boxes: level across a column, and up or down between two columns.

``dot`` says where an arrow passes each column. Here its ends are spread along the boxes, and between two
columns every arrow gets a lane of its own, in the order in which no two cross that need not.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.box_sizes import Rect, label_size
from tinygrad_edu.drawing.sketch import Arrow

Points = NDArray[np.float64]
"""(n, 2): a line from point to point."""

_APART, _APART_LABELLED, _APART_BOTH = 15.0, 19.0, 25.0  # ends of arrows on the side of a box
_LANE = 13.0
_ROUND = 11.0  # radius of corners
_SAME = 3.0  # heights that differ by less are level
_EDGE = 9.0  # from the corner of a box to the nearest end
_SAME_COLUMN = 2.5  # middles of boxes that differ by less stand in one column


@dataclass(frozen=True, eq=False)
class Route:
    """The way of an arrow, from its tail to its head, and where its line is while its label stands there."""

    arrow: Arrow
    points: Points
    label: tuple[float, float] | None


def routed(routes: Sequence[Route], boxes: Sequence[Rect], home: dict[str, int]) -> list[Route]:
    """The same routes in lanes.

    Args:
        routes: as ``dot`` leads them, from left to right.
        boxes: the rectangles of the boxes, by number.
        home: the number of the box of each part.
    """
    return _Routing(routes, boxes, home).routes()


class _Routing:
    def __init__(self, routes: Sequence[Route], boxes: Sequence[Rect], home: dict[str, int]) -> None:
        self.given, self.boxes = list(routes), boxes
        self.column: dict[int, int] = {}
        self.inside: list[list[Rect]] = []
        last = -np.inf
        for k in sorted(range(len(boxes)), key=lambda k: boxes[k].middle[0]):
            if boxes[k].middle[0] - last > _SAME_COLUMN:
                self.inside.append([])
            last = boxes[k].middle[0]
            self.column[k] = len(self.inside) - 1
            self.inside[-1].append(boxes[k])
        self.columns = [(min(b.x for b in c), max(b.x + b.w for b in c)) for c in self.inside]
        self.ends = [(home[r.arrow.tail], home[r.arrow.head]) for r in self.given]
        self.told = [self._told(k) for k in range(len(self.given))]
        self.heights = [self._passes(k) for k in range(len(self.given))]

    def _passes(self, k: int) -> list[float]:
        """The heights of a route at the columns from its tail's to its head's."""
        tail, head = self.ends[k]
        points = self.given[k].points
        inner = [
            _height(points, sum(self.columns[c]) / 2) for c in range(self.column[tail] + 1, self.column[head])
        ]
        return [self.boxes[tail].middle[1], *inner, self.boxes[head].middle[1]]

    def _told(self, k: int) -> int | None:
        """After how many columns from its tail the label of a route stands: where there is room for it."""
        label = self.given[k].label
        if label is None or not self.given[k].arrow.labelled:
            return None
        tail, head = self.ends[k]
        passed = sum(self.columns[c][1] < label[0] for c in range(self.column[tail] + 1, self.column[head]))
        return min(passed, max(0, self.column[head] - self.column[tail] - 1))

    def routes(self) -> list[Route]:
        usable = [self._usable(k) for k in range(len(self.given))]
        self._spread(usable, -1)
        self._spread(usable, 0)
        self._straighten(usable)
        self._keep_apart(usable)
        turns = self._lanes(usable)
        return [self._drawn(k, turns) if usable[k] else self.given[k] for k in range(len(self.given))]

    def _usable(self, k: int) -> bool:
        one, other = (self.column[n] for n in self.ends[k])
        return one < other and all(
            self.columns[c][1] + 12 < self.columns[c + 1][0] for c in range(one, other)
        )

    def _spread(self, usable: list[bool], end: int) -> None:
        """Ends at the same box stand side by side, in the order of where they come from."""
        at: dict[int, list[int]] = {}
        for k, ends in enumerate(self.ends):
            if usable[k]:
                at.setdefault(ends[end], []).append(k)
        for number, mine in at.items():
            box = self.boxes[number]
            mine.sort(key=lambda k: (self.heights[k][-2 if end else 1], self.heights[k][0 if end else -1]))
            told = [self.given[k].arrow for k in mine if end == 0 and self.told[k] == 0]
            both = any(arrow.returns is not None for arrow in told)
            wanted = _APART_BOTH if both else _APART_LABELLED if told else _APART
            apart = min(wanted, (box.h - 2 * _EDGE) / max(1, len(mine) - 1))
            for place, k in enumerate(mine):
                self.heights[k][end] = box.middle[1] + apart * (place - (len(mine) - 1) / 2)

    def _straighten(self, usable: list[bool]) -> None:
        """The only arrow at a side of a box is level with its other end where that is beside the box."""
        for end, near in ((0, 1), (-1, -2)):
            counts: dict[int, int] = {}
            for k, ends in enumerate(self.ends):
                counts[ends[end]] = counts.get(ends[end], 0) + usable[k]
            for k, ends in enumerate(self.ends):
                box = self.boxes[ends[end]]
                level = self.heights[k][near]
                if usable[k] and counts[ends[end]] == 1 and box.y + _EDGE <= level <= box.y + box.h - _EDGE:
                    self.heights[k][end] = level

    def _keep_apart(self, usable: list[bool]) -> None:
        """Arrows that pass a column side by side keep a distance."""
        passing: dict[int, list[tuple[int, int]]] = {}
        for k, (tail, _) in enumerate(self.ends):
            if usable[k]:
                for n in range(1, len(self.heights[k]) - 1):
                    passing.setdefault(self.column[tail] + n, []).append((k, n))
        for column, mine in passing.items():
            mine.sort(key=lambda item: self.heights[item[0]][item[1]])
            boxes = self.inside[column]
            for (one, i), (other, j) in itertools.pairwise(mine):
                above, below = self.heights[one][i], self.heights[other][j]
                clear = min((b.y for b in boxes if b.y >= below - 4), default=np.inf) - 7
                if below - above < 9:
                    self.heights[other][j] = max(below, min(above + 9, clear))

    def _lanes(self, usable: list[bool]) -> dict[tuple[int, int], float]:
        """Where each route turns, between a column and the next."""
        gaps: dict[int, list[tuple[int, int]]] = {}
        for k, (tail, _) in enumerate(self.ends):
            if usable[k]:
                for n in range(len(self.heights[k]) - 1):
                    gaps.setdefault(self.column[tail] + n, []).append((k, n))
        found: dict[tuple[int, int], float] = {}
        for column, mine in gaps.items():
            labels = [label_size(self.given[k].arrow)[0] for k, n in mine if n == self.told[k]]
            left, right = self.columns[column][1] + max(labels, default=0.0), self.columns[column + 1][0] - 10
            turning = [(k, n) for k, n in mine if abs(self._step(k, n)) > _SAME]
            up = sorted((i for i in turning if self._step(*i) < 0), key=lambda i: self.heights[i[0]][i[1]])
            down = sorted((i for i in turning if self._step(*i) > 0), key=lambda i: -self.heights[i[0]][i[1]])
            lanes = _shared([self._span(i) for i in (*up, *down)])
            many = max(lanes, default=0) + 1
            apart = min(_LANE, max(0.0, right - left) / (many + 1))
            middle = (left + right) / 2
            for item, lane in zip((*up, *down), lanes, strict=True):
                found[item] = middle + apart * (lane - (many - 1) / 2)
        return found

    def _step(self, k: int, n: int) -> float:
        return self.heights[k][n + 1] - self.heights[k][n]

    def _span(self, item: tuple[int, int]) -> tuple[float, float]:
        k, n = item
        return min(self.heights[k][n : n + 2]), max(self.heights[k][n : n + 2])

    def _drawn(self, k: int, turns: dict[tuple[int, int], float]) -> Route:
        route, heights = self.given[k], self.heights[k]
        tail, head = (self.boxes[n] for n in self.ends[k])
        corners = [(tail.x + tail.w, heights[0])]
        for n in range(len(heights) - 1):
            if (k, n) in turns:
                slant = max(0.0, _ROUND - abs(self._step(k, n)) / 2)  # two corners need room
                corners += [(turns[k, n] - slant, heights[n]), (turns[k, n] + slant, heights[n + 1])]
        end = heights[-1]
        if len(corners) == 1 or abs(corners[-1][1] - end) > 1e-6:  # level, or nearly so
            corners = [*corners, (head.x, end)]
        else:
            corners.append((head.x, end))
        label, told = None, self.told[k]
        if told is not None:
            x = self.columns[self.column[self.ends[k][0]] + told][1]
            label = x + label_size(route.arrow)[0] / 2, heights[told]
        return replace(route, points=_rounded(np.array(corners)), label=label)


def _shared(spans: Sequence[tuple[float, float]]) -> list[int]:
    """Lanes for spans, in their order; those that are far from one another may share one."""
    lanes: list[int] = []
    for k, (low, high) in enumerate(spans):
        clashing = [lanes[j] for j in range(k) if spans[j][0] < high + _ROUND and low < spans[j][1] + _ROUND]
        lanes.append(max(clashing, default=-1) + 1)
    return lanes


def _height(points: Points, x: float) -> float:
    """How high a line is at x."""
    beyond = np.flatnonzero(points[:, 0] >= x)
    k = max(1, int(beyond[0])) if len(beyond) else len(points) - 1
    (x0, y0), (x1, y1) = points[k - 1], points[k]
    return float(y0 + (y1 - y0) * ((x - x0) / (x1 - x0) if x1 != x0 else 1.0))


def _rounded(corners: Points) -> Points:
    """A line with round corners."""
    pieces = [corners[:1]]
    t = np.linspace(0, 1, 7)[:, None]
    for a, b, c in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        one, other = a - b, c - b
        lengths = float(np.hypot(*one)), float(np.hypot(*other))
        r = min(_ROUND, lengths[0] / 2, lengths[1] / 2)
        if r < 0.5:
            pieces.append(b[None])
            continue
        start, end = b + one * (r / lengths[0]), b + other * (r / lengths[1])
        pieces.append((1 - t) ** 2 * start + 2 * (1 - t) * t * b + t**2 * end)
    return np.concatenate([*pieces, corners[-1:]])
