"""From one row to a page: the strip is cut between ranks, and its pieces become rows.

An arrow that is cut runs on to the right, down between the rows, and enters the next row from the left. Its
neighbours keep their order, so that such arrows never cross one another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinygrad_edu.drawing.box_sizes import Rect, box_size, label_size, part_size
from tinygrad_edu.drawing.dot_layout import Ribbon, Tag
from tinygrad_edu.drawing.routing import Points, Route
from tinygrad_edu.drawing.sketch import Arrow, Sketch
from tinygrad_edu.drawing.text_widths import LINE, width

_LANE = 8.0  # between arrows that run side by side from row to row
_MARGIN = 16.0
_FRAME = 9.0
_LEAST_GAP = 14.0  # between ranks, for a cut
_MOST_TRIED = 60
_LARGE = 1.25  # times, from which on no row more is worth having
_LEGIBLE = 0.93  # times, below which every gain is worth it
_WORTH_A_ROW, _WORTH_MORE = 1.05, 1.4
_COST, _COST_OF_FRAME = 0.97, 0.92  # of an arrow that is cut, of a frame


@dataclass(frozen=True)
class Line:
    """An arrow on the page: its pieces from tail to head, one for each row and one for each way between."""

    arrow: Arrow
    pieces: tuple[Points, ...]
    label: tuple[float, float] | None


@dataclass
class Page:
    """Where everything is."""

    width: float
    height: float
    sketch: Sketch
    parts: dict[str, Rect] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    frames: list[tuple[str, Rect]] = field(default_factory=list)
    rows: int = 1

    def scale(self, wide: float, high: float) -> float:
        """How much the page can be enlarged to fit into a space."""
        return min(wide / self.width, high / self.height)


def cut(ribbon: Ribbon, wide: float, high: float) -> Page:
    """The page on which text is largest in a space of that width and height (which may be infinite)."""
    cutter = _Cutter(ribbon)
    best: dict[int, tuple[float, list[tuple[int, int]]]] = {}
    tries = [(limit, whole) for whole in cutter.choices() for limit in cutter.limits()]
    for limit, allowed in tries:
        rows = cutter.filled(limit, allowed)
        w, h = cutter.size(rows)
        scale = min(wide / w, high / h) * _COST ** sum(cutter.lanes(rows))
        scale *= _COST_OF_FRAME ** cutter.torn(rows)
        if scale > best.get(len(rows), (0.0, rows))[0]:
            best[len(rows)] = scale, rows
    chosen = best[min(best)]
    for count in sorted(best):
        gain = _WORTH_A_ROW if chosen[0] < _LEGIBLE else _WORTH_MORE
        if chosen[0] < _LARGE and best[count][0] > chosen[0] * gain:
            chosen = best[count]
    return cutter.page(chosen[1])


class _Cutter:
    def __init__(self, ribbon: Ribbon) -> None:
        self.ribbon = ribbon
        self.blocks = [*ribbon.parts.values(), *(t.rect for t in ribbon.tags)]
        labels = [(r.arrow, r.label) for r in ribbon.routes] + [(t.arrow, t.label) for t in ribbon.tags]
        for arrow, label in labels:
            if label is not None:
                w, h = label_size(arrow)
                self.blocks.append(Rect(label[0] - w / 2, label[1] - h, w, 2 * h))
        if not self.blocks:
            self.blocks = [Rect(0, 0, 1, 1)]
        self.depth = max((len(b.scope) for b in ribbon.sketch.boxes), default=0) if ribbon.frames else 0
        self.edges = np.array(
            [min(b.x for b in self.blocks), *self._gaps(), max(b.x + b.w for b in self.blocks)]
        )
        ends = [(r.points[:, 0].min(), r.points[:, 0].max()) for r in ribbon.routes]
        self.reach = np.array(ends, float).reshape(-1, 2)
        self.spans = self._spans()
        self.crossing = [self._routes_at(x) for x in self.edges[1:-1]]
        self.frames_at = self._frames_at()
        self.above = FRAME_TOP * self.depth
        self.below = _FRAME * self.depth

    def _frames_at(self) -> list[int]:
        """How many frames reach over each edge."""
        spans = []
        for _, keys in self.ribbon.frames:
            middles = [self.ribbon.parts[key].middle[0] for key in keys]
            spans.append((min(middles), max(middles)))
        return [sum(low < x < high for low, high in spans) for x in self.edges]

    def _gaps(self) -> Iterator[float]:
        """Where the strip can be cut: between ranks."""
        reached = -np.inf
        for block in sorted(self.blocks, key=lambda b: b.x):
            if reached > -np.inf and block.x - reached >= _LEAST_GAP:
                yield (block.x + reached) / 2
            reached = max(reached, block.x + block.w)

    def _spans(self) -> list[tuple[float, float]]:
        """From where to where each piece between two possible cuts reaches, from top to bottom."""
        low = np.full(len(self.edges) - 1, np.inf)
        high = np.full(len(self.edges) - 1, -np.inf)
        for block in self.blocks:
            k = self._piece(block.x + block.w / 2)
            low[k], high[k] = min(low[k], block.y), max(high[k], block.y + block.h)
        for route in self.ribbon.routes:
            dense = _dense(route.points)
            for k, y in zip(
                np.clip(np.searchsorted(self.edges, dense[:, 0]) - 1, 0, len(low) - 1),
                dense[:, 1],
                strict=True,
            ):
                low[k], high[k] = min(low[k], y - 4), max(high[k], y + 4)
        return list(zip(low.tolist(), high.tolist(), strict=True))

    def _piece(self, x: float) -> int:
        return int(np.clip(np.searchsorted(self.edges, x) - 1, 0, len(self.edges) - 2))

    def _routes_at(self, x: float) -> int:
        return int(np.count_nonzero((self.reach[:, 0] < x) & (x < self.reach[:, 1])))

    def limits(self) -> list[float]:
        """Widths of rows worth trying, the whole strip first."""
        n = len(self.edges)
        found = (
            {float(self.edges[j] - self.edges[i]) for i in range(n) for j in range(i + 1, n)}
            if n < 150
            else set()
        )
        whole = float(self.edges[-1] - self.edges[0])
        least = float(np.max(np.diff(self.edges)))
        found |= {whole / k for k in range(1, 13)} | {whole / k for k in range(16, 120, 8)}
        usable = sorted(x for x in found if least <= x <= whole)
        step = max(1, len(usable) // _MOST_TRIED)
        return [whole, *usable[::step]]

    def choices(self) -> list[list[int]]:
        """The edges to cut at: all; and where there are frames, those that leave the frames whole."""
        every = list(range(len(self.edges)))
        whole = [k for k in every if not self.frames_at[k]]
        return [every] if len(whole) in (2, len(every)) else [whole, every]

    def filled(self, limit: float, allowed: Sequence[int]) -> list[tuple[int, int]]:
        """Rows, each as full as the limit allows: first and last edge."""
        rows, start, last = [], 0, 0
        for k in allowed[1:]:
            if self.edges[k] - self.edges[start] > limit + 1e-6 and last > start:
                rows.append((start, last))
                start = last
            last = k
        rows.append((start, len(self.edges) - 1))
        return rows

    def torn(self, rows: Sequence[tuple[int, int]]) -> int:
        """How many frames the cuts go through."""
        return sum(self.frames_at[end] for _, end in rows[:-1])

    def lanes(self, rows: Sequence[tuple[int, int]]) -> list[int]:
        """How many arrows each cut meets."""
        return [self.crossing[end - 1] for _, end in rows[:-1]]

    def _heights(self, rows: Sequence[tuple[int, int]]) -> list[float]:
        return [self._extent(row)[1] - self._extent(row)[0] for row in rows]

    def _extent(self, row: tuple[int, int]) -> tuple[float, float]:
        spans = self.spans[row[0] : row[1]]
        return min(low for low, _ in spans) - self.above, max(high for _, high in spans) + self.below

    def size(self, rows: Sequence[tuple[int, int]]) -> tuple[float, float]:
        """Width and height of the page with these rows."""
        inner = max(self.edges[end] - self.edges[start] for start, end in rows)
        side = _MARGIN + _LANE * max([0, *self.lanes(rows)]) + (_FRAME if self.depth else 0)
        high = sum(self._heights(rows)) + sum(self._between(n) for n in self.lanes(rows)) + 2 * _MARGIN
        wide = float(inner) + 2 * side
        shelf = _shelf(self.ribbon, wide - 2 * _MARGIN)
        return max(wide, shelf[1] + 2 * _MARGIN), high + shelf[2]

    @staticmethod
    def _between(lanes: int) -> float:
        return 20.0 + _LANE * lanes

    def page(self, rows: Sequence[tuple[int, int]]) -> Page:
        """The page with these rows."""
        wide, high = self.size(rows)
        lanes = self.lanes(rows)
        page = Page(wide, high, self.ribbon.sketch, rows=len(rows))
        side = _MARGIN + _LANE * max([0, *lanes]) + (_FRAME if self.depth else 0)
        placed, _, y = _shelf(self.ribbon, wide - 2 * _MARGIN)
        page.parts |= placed
        y += _MARGIN
        shifts, bottoms = [], []
        for k, row in enumerate(rows):
            top, bottom = self._extent(row)
            left = side if len(rows) > 1 else (wide - float(self.edges[row[1]] - self.edges[row[0]])) / 2
            shifts.append((left - float(self.edges[row[0]]), y - top))
            y += bottom - top
            bottoms.append(y)
            y += self._between(lanes[k]) if k < len(lanes) else 0
        self._fill(page, rows, shifts, bottoms)
        return page

    def _fill(
        self,
        page: Page,
        rows: Sequence[tuple[int, int]],
        shifts: Sequence[tuple[float, float]],
        bottoms: Sequence[float],
    ) -> None:
        cuts = [float(self.edges[end]) for _, end in rows[:-1]]

        def row_of(x: float) -> int:
            return int(np.searchsorted(cuts, x))

        for key, rect in self.ribbon.parts.items():
            page.parts[key] = rect.moved(*shifts[row_of(rect.middle[0])])
        page.tags += [tag.moved(*shifts[row_of(tag.rect.middle[0])]) for tag in self.ribbon.tags]
        order = [self._in_order(x) for x in cuts]
        for number, route in enumerate(self.ribbon.routes):
            pieces = [route.points + shifts[0]]
            if cuts:
                pieces = list(self._pieces(number, route.points, cuts, shifts, bottoms, order, page))
            label = route.label
            if label is not None:
                dx, dy = shifts[row_of(label[0])]
                label = label[0] + dx, label[1] + dy
            page.lines.append(Line(route.arrow, tuple(pieces), label))
        for title, keys in self.ribbon.frames:
            for r in range(len(rows)):
                mine = [
                    k for k in keys if k in self.ribbon.parts and row_of(self.ribbon.parts[k].middle[0]) == r
                ]
                if mine:
                    page.frames.append(
                        (title, self._frame([page.parts[k] for k in mine], page, set(mine), title))
                    )

    def _frame(self, rects: list[Rect], page: Page, keys: set[str], title: str) -> Rect:
        tags = [t.rect for t in page.tags if {t.arrow.tail, t.arrow.head} & keys]
        rects = [*rects, *(t for t in tags if any(_near(t, r) for r in rects))]
        x0, y0 = min(r.x for r in rects) - _FRAME, min(r.y for r in rects) - FRAME_TOP
        x1, y1 = max(r.x + r.w for r in rects) + _FRAME, max(r.y + r.h for r in rects) + _FRAME
        return Rect(x0, y0, max(x1 - x0, width(title) + 2 * _FRAME), y1 - y0)

    def _in_order(self, x: float) -> dict[int, int]:
        """The routes that a cut meets, numbered from top to bottom."""
        met = np.flatnonzero((self.reach[:, 0] < x) & (x < self.reach[:, 1])).tolist()
        met.sort(key=lambda k: _height(self.ribbon.routes[k], x))
        return {k: place for place, k in enumerate(met)}

    def _pieces(
        self,
        number: int,
        points: Points,
        cuts: Sequence[float],
        shifts: Sequence[tuple[float, float]],
        bottoms: Sequence[float],
        order: Sequence[dict[int, int]],
        page: Page,
    ) -> Iterator[Points]:
        inner = page.width - (_MARGIN + _LANE * max(len(o) for o in order))
        rest = points
        for r, x in enumerate(cuts):
            if rest[:, 0].max() <= x or number not in order[r]:
                continue
            if rest[0, 0] > x:
                continue
            before, rest = _split(rest, x)
            yield before + shifts[r]
            n, place = len(order[r]), order[r][number]
            y0, y1 = before[-1, 1] + shifts[r][1], rest[0, 1] + shifts[r + 1][1]
            right = max(inner, before[-1, 0] + shifts[r][0]) + _LANE * (n - place)
            left = x + shifts[r + 1][0] - _LANE * (place + 1)
            lane = bottoms[r] + 10 + _LANE * (n - place - 0.5)
            ends = before[-1, 0] + shifts[r][0], x + shifts[r + 1][0]
            yield np.array(
                [[ends[0], y0], [right, y0], [right, lane], [left, lane], [left, y1], [ends[1], y1]]
            )
        last = int(np.searchsorted(cuts, rest[-1, 0]))
        yield rest + shifts[last]


FRAME_TOP = _FRAME + LINE


def _near(a: Rect, b: Rect) -> bool:
    return b.x - 1 <= a.x and a.x + a.w <= b.x + b.w + 1 and abs(a.middle[1] - b.middle[1]) < b.h / 2 + 40


def _dense(points: Points) -> Points:
    """More points on the same line."""
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    inner = [a + t * (b - a) for a, b in itertools.pairwise(points)]
    return np.concatenate([*inner, points[-1:]])


def _height(route: Route, x: float) -> float:
    before, _ = _split(route.points, x)
    return float(before[-1, 1])


def _split(points: Points, x: float) -> tuple[Points, Points]:
    """A line in two where it first passes x."""
    k = int(np.argmax(points[:, 0] > x))
    a, b = points[k - 1], points[k]
    at = a + (b - a) * ((x - a[0]) / (b[0] - a[0]))
    return np.vstack([points[:k], at]), np.vstack([at, points[k:]])


def _shelf(ribbon: Ribbon, wide: float) -> tuple[dict[str, Rect], float, float]:
    """Places for boxes that only tags lead to: side by side above the first row. Also width and height."""
    found: dict[str, Rect] = {}
    x, y, high, used = _MARGIN, _MARGIN, 0.0, 0.0
    for box in ribbon.loose:
        w, h = box_size(box, 0.0)
        if x > _MARGIN and x + w > wide + _MARGIN:
            x, y, high = _MARGIN, y + high + 12, 0.0
        top = y
        for part in box.parts:
            part_high = part_size(part)[1]
            found[part.key] = Rect(x, top, w, part_high)
            top += part_high
        x, high = x + w + 24, max(high, h)
        used = max(used, x - 24 - _MARGIN)
    return found, used, (y + high if ribbon.loose else 0.0)
