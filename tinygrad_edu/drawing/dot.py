"""A sketch in Graphviz's DOT language, for those who want to lay it out themselves."""

from __future__ import annotations

from collections.abc import Iterator

from tinygrad_edu.drawing.graphviz import quoted
from tinygrad_edu.drawing.sketch import Cells, Line, Part, Row, Sketch
from tinygrad_edu.drawing.styles import THEMES
from tinygrad_edu.drawing.text_widths import legible


def to_dot(sketch: Sketch) -> str:
    """The DOT source: a node for each part, an edge for each arrow."""
    return "\n".join(_lines(sketch)) + "\n"


def _lines(sketch: Sketch) -> Iterator[str]:
    light = THEMES["light"]
    yield "digraph computation {"
    yield '  rankdir="LR"; node [shape="box", style="rounded,filled", fontname="Helvetica"];'
    yield '  edge [fontname="Helvetica", fontsize="11"];'
    for box in sketch.boxes:
        for part in box.parts:
            area, border = light.areas[part.kind]
            label = quoted(_words(part))
            yield f'  {quoted(part.key)} [label={label}, fillcolor="{area}", color="{border}"];'
    for arrow in sketch.arrows:
        label = quoted(legible(arrow.label + arrow.note))
        yield f"  {quoted(arrow.tail)} -> {quoted(arrow.head)} [label={label}];"
        if arrow.returns is not None:
            back = arrow.returns
            label = quoted(legible(back.label + back.note))
            ends = f"{quoted(back.head)} -> {quoted(back.tail)}"
            yield f'  {ends} [label={label}, dir="back", color="{light.red}"];'
    yield "}"


def _words(part: Part) -> str:
    return "\n".join(word for row in part.rows for word in _row(row))


def _row(row: Row) -> Iterator[str]:
    if isinstance(row, Line):
        yield legible(row.whole)
    elif isinstance(row, Cells):
        if row.name:
            yield row.name
        yield from ("  ".join(entries) for entries in row.rows)
