"""The sizes of boxes: rows of text, matrices and heat maps, one above the other."""

from __future__ import annotations

from dataclasses import dataclass

from tinygrad_edu.drawing.sketch import Arrow, Box, Cells, Line, Part, Row, Strip
from tinygrad_edu.drawing.text_widths import LINE, width

PAD = 9.0
BRACKET = 7.0  # what a bracket takes beside a matrix
_BETWEEN = 12.0  # from one column of entries to the next
_STRIP, _IMAGE, _CELL = 13.0, 64.0, 6.0
_LEAST = 38.0
LABEL = 13.0
"""The size of the text along arrows."""


@dataclass(frozen=True)
class Rect:
    """A rectangle, its upper left corner first; y grows downward."""

    x: float
    y: float
    w: float
    h: float

    def moved(self, dx: float, dy: float) -> Rect:
        """The rectangle moved by a distance."""
        return Rect(self.x + dx, self.y + dy, self.w, self.h)

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return self.x + self.w / 2, self.y + self.h / 2


def columns(cells: Cells) -> list[float]:
    """The widths of the columns of a matrix."""
    return [max(width(row[k]) for row in cells.rows) for k in range(len(cells.rows[0]))]


def row_size(row: Row) -> tuple[float, float]:
    """Width and height of a row of a box."""
    if isinstance(row, Line):
        gap = width(" ") if row.name and row.text.startswith(" ") else 0.0
        return width(row.name, bold=True) + width(row.text) + gap, LINE
    if isinstance(row, Cells):
        wide = columns(row)
        inner = sum(wide) + _BETWEEN * (len(wide) - 1) + 2 * BRACKET + 4
        return inner + (width(row.name + " ") if row.name else 0.0), LINE * len(row.rows) + 4
    across, high = strip_size(row)
    return max(across, width(row.caption)), high + 5 + (LINE if row.caption else 0)


def strip_size(strip: Strip) -> tuple[float, float]:
    """A heat map in cells of a few pixels; an image enlarged to a thumbnail."""
    rows, cols = strip.pixels.shape[:2]
    if strip.caption or min(rows, cols) > _STRIP:
        scale = _IMAGE / max(rows, cols)
        return cols * scale, rows * scale
    return min(140.0, max(60.0, cols * _CELL)), max(_STRIP, min(30.0, rows * 3.0))


def part_size(part: Part) -> tuple[float, float]:
    """Width and height of a part, its frame included."""
    sizes = [row_size(row) for row in part.rows]
    return max([_LEAST, *(w for w, _ in sizes)]) + 2 * PAD, sum(h for _, h in sizes) + 1.2 * PAD


def label_size(arrow: Arrow) -> tuple[float, float]:
    """The size of the labels along an arrow."""
    lines = arrow.labelled
    return max([0.0, *map(label_width, lines)]) + 10, LABEL + 6


def label_width(arrow: Arrow) -> float:
    """The width of one label with its note."""
    return width(arrow.label, size=LABEL) + width(arrow.note, size=LABEL)


def tag_width(name: str) -> float:
    """The width of a tag."""
    return width(name, bold=True) + 14


def box_size(box: Box, gap: float) -> tuple[float, float]:
    """Width and height of parts on top of one another."""
    sizes = [part_size(part) for part in box.parts]
    return max(w for w, _ in sizes), sum(h for _, h in sizes) + gap * (len(sizes) - 1)
