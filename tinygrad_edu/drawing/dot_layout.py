"""Places for a sketch on one strip of paper: ``dot`` ranks the boxes and finds the ways of the arrows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

import numpy as np

from tinygrad_edu.drawing.box_sizes import Rect, box_size, label_size, part_size, tag_width
from tinygrad_edu.drawing.graphviz import places, quoted
from tinygrad_edu.drawing.layered_layout import stacked
from tinygrad_edu.drawing.routing import Points, Route, routed
from tinygrad_edu.drawing.sketch import Arrow, Box, Part, Sketch
from tinygrad_edu.drawing.text_widths import LINE, width

TAG = 31.0
"""The height of a row of tags with the little arrows that lead from or to them."""
_AIRY, _TIGHT = "nodesep=0.24; ranksep=0.5;", "nodesep=0.17; ranksep=0.4;"
_MOST_BOXES, _MOST_ARROWS = 500, 900  # that dot places in good time
_PATIENCE = 8.0  # seconds for dot
WITHIN = 46.0
"""The height of an arrow between parts of one box."""
_CHANNEL, _MORE, _WIDEST = 24.0, 6.0, 60.0
"""Between columns, for arrows that turn there: for two, for each more, and at most."""
_NEAR = 12.0  # to a box
_ASIDE = 20.0  # from the left of the box to that arrow


@dataclass(frozen=True)
class Tag:
    """The name of a value beside its user, in place of a long arrow."""

    arrow: Arrow
    part: Part
    """The quantity that the tag names."""
    rect: Rect
    points: Points
    label: tuple[float, float] | None

    def moved(self, dx: float, dy: float) -> Tag:
        """The tag moved by a distance."""
        label = self.label and (self.label[0] + dx, self.label[1] + dy)
        return replace(
            self, rect=self.rect.moved(dx, dy), points=self.points + np.array([dx, dy]), label=label
        )


@dataclass
class Ribbon:
    """A sketch with places, in one strip of any length. ``loose`` are boxes that only tags lead to."""

    sketch: Sketch
    parts: dict[str, Rect] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    frames: list[tuple[str, list[str]]] = field(default_factory=list)
    """Scopes, with the parts in them."""
    loose: list[Box] = field(default_factory=list)


def ranked(
    sketch: Sketch, tagged: frozenset[int], *, framed: bool, lined: bool = False, direction: str = "LR"
) -> Ribbon:
    """The ribbon of a sketch.

    Args:
        sketch: what to place.
        tagged: the arrows, by number, that tags stand for.
        framed: whether scopes are frames.
        lined: whether what is given to a scope stands to the right of what enters it, so that scopes line up.
        direction: "LR" or "TB".

    Raises:
        RenderError: Graphviz is missing.
    """
    return _Ranking(sketch, tagged, framed=framed, lined=lined, direction=direction).ribbon()


class _Ranking:
    def __init__(
        self, sketch: Sketch, tagged: frozenset[int], *, framed: bool, lined: bool, direction: str
    ) -> None:
        self.sketch, self.tagged, self.framed, self.direction = sketch, tagged, framed, direction
        self.lined = lined
        self.home = {part.key: k for k, box in enumerate(sketch.boxes) for part in box.parts}
        self.part = {part.key: part for box in sketch.boxes for part in box.parts}
        self.within = {self.home[a.tail]: a for a in sketch.arrows if a.within}
        self.above: dict[int, list[Arrow]] = {}
        tied = set()
        for k, arrow in enumerate(sketch.arrows):
            if k in tagged:
                self.above.setdefault(self.home[arrow.head], []).append(arrow)
            else:
                tied |= {self.home[arrow.tail], self.home[arrow.head]}
        self.loose = {self.home[sketch.arrows[k].tail] for k in tagged} - tied
        self.sizes = [self._size(k) for k in range(len(sketch.boxes))]

    def _size(self, k: int) -> tuple[float, float, float]:
        """Width, height of the tags above, height of the parts."""
        wide, high = box_size(self.sketch.boxes[k], self._gap(k))
        if k in self.within:
            wide = max(wide, label_size(self.within[k])[0] + 2 * _ASIDE)
        above = self.above.get(k, [])
        return max(wide, sum(self._tag(a) + 8 for a in above)), TAG * bool(above), high

    def _gap(self, k: int) -> float:
        return WITHIN if k in self.within else 0.0

    def _tag(self, arrow: Arrow) -> float:
        return tag_width(self.part[arrow.tail].name) + (label_size(arrow)[0] if arrow.labelled else 0.0)

    def ribbon(self) -> Ribbon:
        found = Ribbon(self.sketch, loose=[self.sketch.boxes[k] for k in sorted(self.loose)])
        many = len(self.sketch.boxes) > _MOST_BOXES or len(self.sketch.arrows) > _MOST_ARROWS
        got = None if many else places("\n".join(self._source()), _PATIENCE)
        if got is None:
            self._stacked(found)
            return found
        high = float(got["bb"].split(",")[3])
        for item in got.get("objects", ()):
            if item["name"].startswith("b"):
                x, y = (float(v) for v in item["pos"].split(","))
                self._place(int(item["name"][1:]), x, high - y, found)
        # By their tails, as Graphviz gives them: its port gives them as they were written.
        for edge in sorted(got.get("edges", ()), key=itemgetter("tail")):
            if "id" in edge:
                arrow = self.sketch.arrows[int(edge["id"][1:])]
                points = _sampled(edge["pos"], high)
                x, y = (float(v) for v in edge["lp"].split(",")) if "lp" in edge else (0.0, 0.0)
                label = (x, high - y) if "lp" in edge else None
                found.routes.append(Route(arrow, points, label))
        if self.direction == "LR" and found.routes:
            self._widen(found)
            found.routes = routed(found.routes, *self._rectangles(found))
        self._within(found)
        if self.framed:
            found.frames = list(self._frames(found))
        return found

    def _widen(self, found: Ribbon) -> None:
        """Room for lanes between columns that ``dot`` put side by side: what is right of it moves on."""
        reached = -np.inf
        narrow: list[tuple[float, float]] = []
        ends = np.array([(r.points[0], r.points[-1]) for r in found.routes])
        for rect in sorted(self._rectangles(found)[0], key=lambda r: r.x):
            if reached < rect.x:
                near = (np.abs(ends[:, 0, 0] - reached) < 2) | (np.abs(ends[:, 1, 0] - rect.x) < 2)
                turning = int(np.count_nonzero(near & (np.abs(ends[:, 0, 1] - ends[:, 1, 1]) > _NEAR)))
                needed = min(_CHANNEL + _MORE * max(0, turning - 2), _WIDEST)
                if rect.x - reached < needed:
                    narrow.append(((rect.x + reached) / 2, needed - (rect.x - reached)))
            reached = max(reached, rect.x + rect.w)
        if not narrow:
            return
        at, more = np.array(narrow).T
        total = np.concatenate([[0.0], np.cumsum(more)])

        def on(x: Any) -> Any:
            return total[np.searchsorted(at, x)]

        found.parts = {k: r.moved(float(on(r.middle[0])), 0.0) for k, r in found.parts.items()}
        found.tags = [tag.moved(float(on(tag.rect.middle[0])), 0.0) for tag in found.tags]
        for n, route in enumerate(found.routes):
            points = np.column_stack([route.points[:, 0] + on(route.points[:, 0]), route.points[:, 1]])
            label = route.label and (route.label[0] + float(on(route.label[0])), route.label[1])
            found.routes[n] = replace(route, points=points, label=label)

    def _stacked(self, found: Ribbon) -> None:
        """Places of our own, and straight arrows."""
        placed = [k for k in range(len(self.sketch.boxes)) if k not in self.loose]
        number = {k: n for n, k in enumerate(placed)}
        down = self.direction == "TB"
        sizes = [(w, above + high) for w, above, high in (self.sizes[k] for k in placed)]
        ends = [(self.home[a.tail], self.home[a.head]) for a in self.sketch.arrows if not a.within]
        arrows = [(number[i], number[j]) for i, j in ends if i in number and j in number]
        centres = stacked([size[::-1] for size in sizes] if down else sizes, arrows)
        for k, (along, across) in zip(placed, centres, strict=True):
            self._place(k, *((across, along) if down else (along, -across)), found)
        rects, home = self._rectangles(found)
        for k, arrow in enumerate(self.sketch.arrows):
            if k in self.tagged or arrow.within:
                continue
            tail, head = rects[home[arrow.tail]], rects[home[arrow.head]]
            start, end = (tail.x + tail.w, tail.middle[1]), (head.x, head.middle[1])
            if down:
                start, end = (tail.middle[0], tail.y + tail.h), (head.middle[0], head.y)
            label = (start[0] + label_size(arrow)[0] / 2, start[1]) if arrow.labelled else None
            found.routes.append(Route(arrow, np.array([start, end]), label))
        self._within(found)

    def _within(self, found: Ribbon) -> None:
        """Arrows between parts of one box."""
        for arrow in self.sketch.arrows:
            if arrow.within:
                one, other = found.parts[arrow.tail], found.parts[arrow.head]
                x, middle = one.x + _ASIDE, (one.y + one.h + other.y) / 2
                points = np.array([[x, one.y + one.h], [x, other.y]])
                label = (x + label_size(arrow)[0] / 2, middle)
                found.routes.append(Route(arrow, points, label if arrow.labelled else None))

    def _source(self) -> Iterator[str]:
        apart = _TIGHT if self.sketch.tight else _AIRY
        yield f"digraph {{ rankdir={self.direction}; {apart} node [shape=plain]; edge [arrowhead=none];"
        yield from self._clusters(range(len(self.sketch.boxes)), 0)
        side = ("e", "w") if self.direction == "LR" else ("s", "n")
        for k, arrow in enumerate(self.sketch.arrows):
            ends = self.home[arrow.tail], self.home[arrow.head]
            if arrow.within or ends[0] in self.loose or ends[1] in self.loose:
                continue
            line = f"b{ends[0]}:p:{side[0]} -> b{ends[1]}:p:{side[1]}"
            if k in self.tagged:
                yield f"{line} [style=invis weight=0];"
            else:
                given = self.part[arrow.tail].kind in ("parameter", "data")
                yield f"{line} [id=e{k} weight={1 if given else 9}{self._room(arrow)}];"
        if self.lined:
            yield from self._in_line()
        yield "}"

    def _in_line(self) -> Iterator[str]:
        """Invisible edges from what enters a scope to what is given in it."""
        boxes = self.sketch.boxes
        given = {b.parts[0].key for b in boxes if b.parts[0].kind in ("parameter", "data")}
        entering: dict[tuple[str, ...], set[int]] = {}
        inside: dict[tuple[str, ...], set[int]] = {}
        for k, arrow in enumerate(self.sketch.arrows):
            tail, head = self.home[arrow.tail], self.home[arrow.head]
            scope = boxes[head].scope[:1]
            if k in self.tagged or not scope or arrow.within:
                continue
            if arrow.tail in given and boxes[tail].scope[:1] == scope:
                inside.setdefault(scope, set()).add(tail)
            elif boxes[tail].scope[:1] != scope and arrow.tail not in given:
                entering.setdefault(scope, set()).add(tail)
        for scope, tails in entering.items():
            for tail in sorted(tails):
                for leaf in sorted(inside.get(scope, ())):
                    yield f"b{tail} -> b{leaf} [style=invis];"

    @staticmethod
    def _room(arrow: Arrow) -> str:
        if not arrow.labelled:
            return ""
        wide, high = label_size(arrow)
        return f" label=<{_blank(wide, high)}>"

    def _clusters(self, boxes: Sequence[int], depth: int) -> Iterator[str]:
        groups: dict[str, list[int]] = {}
        for k in boxes:
            scope = self.sketch.boxes[k].scope
            if k in self.loose:
                continue
            if self.framed and len(scope) > depth:
                groups.setdefault(scope[depth], []).append(k)
            else:
                yield f"b{k} [label=<{self._table(k)}>];"
        for title, inner in groups.items():
            head = _blank(width(title), LINE)
            yield f"subgraph {quoted(f'cluster_{depth}_{inner[0]}')} {{ margin=9; label=<{head}>;"
            yield from self._clusters(inner, depth + 1)
            yield "}"

    def _table(self, k: int) -> str:
        wide, above, high = self.sizes[k]
        rows = [_cell(wide, above)] if above else []
        rows.append(_cell(wide, high, ' PORT="p"'))
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>'

    def _place(self, k: int, x: float, y: float, found: Ribbon) -> None:
        wide, above, high = self.sizes[k]
        left, top = x - wide / 2, y - (above + high) / 2 + above
        y = top
        for part in self.sketch.boxes[k].parts:
            h = part_size(part)[1]
            found.parts[part.key] = Rect(left, y, wide, h)
            y += h + self._gap(k)
        arrows = self.above.get(k, [])
        x -= sum(self._tag(a) + 8 for a in arrows) / 2 - 4
        for arrow in arrows:
            part = self.part[arrow.tail]
            w = tag_width(part.name)
            rect = Rect(x, top - TAG + 1, w, 19)
            ends = np.array([[x + w / 2, rect.y + rect.h], [x + w / 2, top]])
            label = (x + w + label_size(arrow)[0] / 2, rect.middle[1]) if arrow.labelled else None
            found.tags.append(Tag(arrow, part, rect, ends, label))
            x += self._tag(arrow) + 8

    def _rectangles(self, found: Ribbon) -> tuple[list[Rect], dict[str, int]]:
        """The rectangle of each box that has a place, and the number of it for each part."""
        rects: list[Rect] = []
        number: dict[str, int] = {}
        for box in self.sketch.boxes:
            inner = [found.parts[part.key] for part in box.parts if part.key in found.parts]
            if inner:
                number |= {part.key: len(rects) for part in box.parts}
                high = inner[-1].y + inner[-1].h - inner[0].y
                rects.append(Rect(inner[0].x, inner[0].y, inner[0].w, high))
        return rects, number

    def _frames(self, found: Ribbon) -> Iterator[tuple[str, list[str]]]:
        inside: dict[tuple[str, ...], list[str]] = {}
        for box in self.sketch.boxes:
            for depth in range(1, len(box.scope) + 1):
                keys = [part.key for part in box.parts if part.key in found.parts]
                inside.setdefault(box.scope[:depth], []).extend(keys)
        for scope, keys in sorted(inside.items(), key=lambda item: len(item[0])):
            if keys:
                yield scope[-1], keys


def _cell(wide: float, high: float, port: str = "") -> str:
    return f'<TR><TD{port} FIXEDSIZE="TRUE" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}"></TD></TR>'


def _blank(wide: float, high: float) -> str:
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}"></TD>'
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cell}</TR></TABLE>'


def _sampled(position: str, high: float) -> Points:
    """Points along a spline of Graphviz, from its start to its end; straight lines stay two points."""
    words = [word for word in position.split() if not word.startswith(("s,", "e,"))]
    knots = np.array([[float(v) for v in word.split(",")] for word in words])
    knots[:, 1] = high - knots[:, 1]
    t = np.linspace(0, 1, 17)[:, None]
    pieces = [knots[:1]]
    for k in range(0, len(knots) - 3, 3):
        a, b, c, d = knots[k : k + 4]
        curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
        pieces.append(curve[1:])
    return _simplified(np.concatenate(pieces))


def _simplified(points: Points, tolerance: float = 0.12) -> Points:
    """Without the points that lie on the line between their neighbours."""
    keep = [0]
    for k in range(1, len(points) - 1):
        a, b = points[keep[-1]], points[k + 1]
        chord = b - a
        length = float(np.hypot(*chord)) or 1.0
        between = points[keep[-1] + 1 : k + 1] - a
        off = np.abs(between[:, 0] * chord[1] - between[:, 1] * chord[0]) / length
        if np.max(off) > tolerance:
            keep.append(k)
    return points[[*keep, len(points) - 1]]
