"""Page to shapes: rectangles, lines, texts and little images, in groups that say what they belong to.

``svg`` and ``paper`` write the same shapes down, so that all formats show the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.box_sizes import (
    BRACKET,
    LABEL,
    PAD,
    Rect,
    columns,
    label_width,
    row_size,
    strip_size,
)
from tinygrad_edu.drawing.dot_layout import Tag
from tinygrad_edu.drawing.layout import FITS
from tinygrad_edu.drawing.routing import Points
from tinygrad_edu.drawing.row_breaking import Page
from tinygrad_edu.drawing.sketch import Arrow, Cells, Line, Part, Sketch, Strip
from tinygrad_edu.drawing.text_widths import LINE, SIZE, width

_BASE = 0.34  # from the middle of a line of text to its baseline, in font sizes
_TIP = 8.0
_APART = 6.0
_LEGEND = 22.0


@dataclass(frozen=True)
class Rectangle:
    """A rectangle with round corners; ``look`` names its colours."""

    rect: Rect
    look: str
    radius: float = 7.0


@dataclass(frozen=True)
class Outline:
    """A line from point to point, or the area inside it."""

    points: Points
    look: str
    filled: bool = False
    thickness: float | None = None
    """Where it isn't that of all lines."""


class Run(NamedTuple):
    """Characters of a line of text."""

    text: str
    bold: bool = False
    at: float | None = None
    """Where they are to stand; None: after those before."""
    data: tuple[tuple[str, str], ...] = ()
    """What a page is to know of them."""


@dataclass(frozen=True)
class Text:
    """A line of text."""

    x: float
    y: float
    runs: tuple[Run, ...]
    look: str = ""
    anchor: Literal["start", "middle", "end"] = "middle"
    size: float = SIZE


@dataclass(frozen=True)
class Image:
    """Pixels, (height, width, 4)."""

    rect: Rect
    pixels: NDArray[Any]


Shape = Rectangle | Outline | Text | Image


@dataclass(frozen=True)
class Group:
    """Shapes that belong together, and whom they belong to."""

    kind: str
    shapes: tuple[Shape, ...]
    data: dict[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Scene:
    """A picture, ready to be written down."""

    page: Rect
    groups: tuple[Group, ...]
    title: str
    description: str

    @property
    def width(self) -> float:
        """Of the whole page."""
        return self.page.w

    @property
    def height(self) -> float:
        """Of the whole page."""
        return self.page.h


def composed(page: Page, fit: str | None = None) -> Scene:
    """The shapes of a page. A page that is made for a space gets the proportions of that space."""
    sketch = page.sketch
    parts = {part.key: part for box in sketch.boxes for part in box.parts}
    groups = [_frame(title, rect) for title, rect in page.frames]
    groups += [g for route in page.lines for g in _both(route.arrow, list(route.pieces), route.label)]
    groups += [g for tag in page.tags for g in _tag(tag)]
    groups += [_part(parts[key], rect) for key, rect in page.parts.items()]
    legend = _legend_lines(sketch, page.width - 2 * PAD)
    for k, line in enumerate(legend):
        base = page.height + 4 + _LEGEND * k + LINE / 2 + _BASE * LABEL
        groups.append(Group("legend", (Text(PAD, base, (Run(line),), "faint", "start", LABEL),)))
    high = page.height + (_LEGEND * len(legend) + 6 if legend else 0)
    return full_page(groups, page.width, high, fit, sketch.title, sketch.description)


def full_page(
    groups: Iterable[Group], wide: float, high: float, fit: str | None, title: str, description: str
) -> Scene:
    """A scene of these groups in the middle of a page, which has the proportions of the fit."""
    full_wide, full_high = wide, high
    space = FITS.get(fit or "", (np.inf, np.inf))
    if np.isfinite(space).all():
        full_wide, full_high = max(wide, high * space[0] / space[1]), max(high, wide * space[1] / space[0])
    page = Rect((wide - full_wide) / 2, (high - full_high) / 2, full_wide, full_high)
    ground = Group("page", (Rectangle(page, "page", 0.0),))
    return Scene(page, (ground, *groups), title, description)


def _legend_lines(sketch: Sketch, wide: float) -> list[str]:
    """The notes of the picture, in lines that are no wider than it."""
    lines: list[str] = []
    for sentence in sketch.legend:
        for word in sentence.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and width(longer, size=LABEL) <= max(wide, 160.0):
                lines[-1] = longer
            else:
                lines.append(word)
    return lines


def _frame(title: str, rect: Rect) -> Group:
    text = Text(rect.x + PAD, rect.y + LINE / 2 + 3 + _BASE * SIZE, (Run(title),), "faint", "start")
    return Group("frame", (Rectangle(rect, "frame", 9.0), text), title=title)


# ------------------------------------------------------------------------------------------------ boxes


def _part(part: Part, rect: Rect) -> Group:
    shapes: list[Shape] = [Rectangle(rect, part.kind)]
    y = rect.y + 0.6 * PAD
    for row in part.rows:
        high = row_size(row)[1]
        shapes += _row(row, rect, y)
        y += high
    return Group("node", tuple(shapes), {"node": part.key, "kind": part.kind}, part.spoken)


def _row(row: Line | Cells | Strip, rect: Rect, y: float) -> Iterator[Shape]:
    middle = rect.x + rect.w / 2
    if isinstance(row, Line):
        lead = row.lead if row.of else len(row.text)
        pieces = (Run(row.name, bold=True), Run(row.text[:lead]), Run(row.text[lead:], data=_told_of(row)))
        runs = tuple(run for run in pieces if run.text)
        look = "red" if row.red else "faint" if row.faint else ""
        yield Text(middle, y + LINE / 2 + _BASE * SIZE, runs, look)
    elif isinstance(row, Cells):
        yield from _cells(row, middle, y)
    else:
        wide, high = strip_size(row)
        yield Image(Rect(middle - wide / 2, y + 2, wide, high), row.pixels)
        if row.caption:
            yield Text(middle, y + high + LINE / 2 + 2 + _BASE * SIZE, (Run(row.caption),), "faint")


def _told_of(row: Line | Cells, entry: str = "") -> tuple[tuple[str, str], ...]:
    """Whose value or gradient it is, so that a page can put another in its place."""
    if not row.of:
        return ()
    whose = ("gradient" if row.red else "value", row.of)
    return (whose, ("entry", entry)) if entry else (whose,)


def _cells(row: Cells, middle: float, y: float) -> Iterator[Shape]:
    look = "red" if row.red else ""
    whole = row_size(row)[0]
    x = middle - whole / 2
    if row.name:
        yield Text(x, y + 2 + LINE / 2 + _BASE * SIZE, (Run(row.name),), look, "start")
        x += width(row.name + " ")
    left, right = x + 2, middle + whole / 2 - 2
    x += BRACKET + 2
    ends = []
    for wide in columns(row):
        ends.append(x + wide)
        x += wide + 12.0
    for k, entries in enumerate(row.rows):
        last = len(entries) - 1
        runs = tuple(
            Run(e + " " * (n < last), at=at, data=_told_of(row, f"{k} {n}"))
            for n, (e, at) in enumerate(zip(entries, ends, strict=True))
        )
        yield Text(ends[0], y + 2 + LINE * (k + 0.5) + _BASE * SIZE, runs, look, "end")
    top, low = y + 2, y + 2 + LINE * len(row.rows)
    for edge, into in ((left, 4), (right, -4)):
        yield Outline(
            np.array([[edge + into, top], [edge, top], [edge, low], [edge + into, low]]),
            "bracket red" if row.red else "bracket",
        )


# ----------------------------------------------------------------------------------------------- arrows


def _ends(arrow: Arrow) -> dict[str, str]:
    return {"from": arrow.tail, "to": arrow.head}


def _both(
    arrow: Arrow, pieces: list[Points], label: tuple[float, float] | None, *, aside: bool = False
) -> Iterator[Group]:
    """An arrow, and beside it the one that comes back."""
    look = "cache" if arrow.within else "line"
    back = arrow.returns
    if back is not None:
        beside = [_beside(piece, _APART / 2)[::-1] for piece in reversed(pieces)]
        pieces = [_beside(piece, -_APART / 2) for piece in pieces]
        yield from _told(back, _drawn(beside, "back"), _line_of(back, arrow, label, aside=aside))
    yield from _told(arrow, _drawn(pieces, look), _line_of(arrow, arrow, label, aside=aside))


def _line_of(
    one: Arrow, arrow: Arrow, label: tuple[float, float] | None, *, aside: bool
) -> tuple[float, float] | None:
    """The middle of the label of one of two arrows: above the line, or below it on the way back."""
    if label is None or not one.label:
        return None
    if arrow.within or aside:
        return label
    off = LABEL / 2 + (2 + _APART / 2 if arrow.returns is not None else 3)
    return label[0], label[1] + (off if one is arrow.returns else -off)


def _drawn(pieces: Sequence[Points], look: str) -> list[Shape]:
    """The pieces of an arrow; that with the tip comes first."""
    return [*headed(pieces[-1], look), *(Outline(piece, look) for piece in pieces[:-1])]


def _beside(points: Points, off: float) -> Points:
    """A line beside a line, to the right of who walks along it."""
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    across = np.column_stack([-steps[:, 1], steps[:, 0]]) / np.maximum(lengths, 1e-9)[:, None]
    before, after = np.vstack([across[:1], across]), np.vstack([across, across[-1:]])
    middle = before + after
    return np.asarray(points + 2 * off * middle / np.maximum((middle**2).sum(1), 0.5)[:, None])


def _told(arrow: Arrow, shapes: Sequence[Shape], label: tuple[float, float] | None) -> Iterator[Group]:
    """The arrow with its label; what the label comes to stands behind it, by itself."""
    if label is None or not arrow.label:
        yield Group("edge", tuple(shapes), _ends(arrow))
        return
    look = "label faint" if arrow.plain else "label red"
    x, y = label[0] - label_width(arrow) / 2, label[1] + _BASE * LABEL
    if not arrow.note:
        text = Text(x, y, (Run(arrow.label),), look, "start", LABEL)
    else:  # they meet, however wide the letters of a machine are
        x += width(arrow.label, size=LABEL)
        text = Text(x, y, (Run(arrow.label),), look, "end", LABEL)
    yield Group("edge", (*shapes, text), _ends(arrow))
    if arrow.note:
        told = arrow.note.lstrip()  # what stands before is not shown at the start of a text
        x += width(arrow.note[: -len(told)], size=LABEL)
        note = Text(x, y, (Run(told),), look, "start", LABEL)
        yield Group("note", (note,), {"of": f"{arrow.tail} {arrow.head}"})


def headed(points: Points, look: str) -> Iterator[Shape]:
    """A line that ends in a tip."""
    tip = points[-1]
    back = 0.0
    for k in range(len(points) - 1, 0, -1):
        step = points[k - 1] - points[k]
        length = float(np.hypot(*step))
        if back + length >= _TIP or k == 1:
            base = points[k] + step * (min(1.0, (_TIP - back) / length) if length else 0.0)
            break
        back += length
    along = tip - base
    along = along / (float(np.hypot(*along)) or 1.0)
    across = np.array([-along[1], along[0]])
    yield Outline(np.vstack([points[:k], base]), look)
    yield Outline(np.array([tip, base + 3.6 * across, base - 3.6 * across]), f"tip {look}", filled=True)


def _tag(tag: Tag) -> Iterator[Group]:
    rect = tag.rect
    words = Text(rect.middle[0], rect.middle[1] + _BASE * SIZE, (Run(tag.part.name, bold=True),))
    shapes = (Rectangle(rect, tag.part.kind, 9.0), words)
    yield Group("tag", shapes, {"of": tag.part.key}, tag.part.spoken)
    yield from _both(tag.arrow, [tag.points], tag.label, aside=True)
