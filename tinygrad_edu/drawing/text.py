"""A sketch as text, for a terminal: a line for each quantity, in the order in which it is computed."""

from __future__ import annotations

from collections.abc import Iterator

from tinygrad_edu.drawing.sketch import Box, Cells, Line, Part, Sketch
from tinygrad_edu.drawing.text_widths import legible


def to_text(sketch: Sketch) -> str:
    """The sketch in lines: scopes indented, formulas first, values and gradients behind them."""
    return "\n".join(_lines(sketch))


def _lines(sketch: Sketch) -> Iterator[str]:
    rows = [(box, _columns(box)) for box in sketch.boxes]
    widths = [max((len(c[k]) for _, c in rows if k < len(c)), default=0) for k in range(3)]
    scope: tuple[str, ...] = ()
    for box, columns in rows:
        if box.scope != scope and box.scope:
            yield f"{'  ' * (len(box.scope) - 1)}[{' / '.join(map(legible, box.scope))}]"
        scope = box.scope
        padded = [c.ljust(min(w, 48)) for c, w in zip(columns, widths, strict=False)]
        yield ("  " * len(box.scope) + "   ".join(padded)).rstrip()
    yield from sketch.legend


def _columns(box: Box) -> list[str]:
    """The text of a box: its formula; its value; its gradient."""
    value = box.parts[0]
    head = "".join(
        r.whole
        for r in value.rows[:2]
        if isinstance(r, Line) and not r.red and (r.name or r is value.rows[0])
    )
    rest = [r for r in value.rows[1:] if not (isinstance(r, Line) and r.text == "" and not r.name)]
    black = [_inline(r) for r in rest if not getattr(r, "red", False)]
    red = [_inline(r) for r in rest if getattr(r, "red", False)]
    red += [_of_gradient(p) for p in box.parts[1:]]
    return [legible(head), " ".join(filter(None, black)), " ".join(filter(None, red))]


def _of_gradient(part: Part) -> str:
    """``dW = dZ Xᵀ  [...]``: a formula that takes several lines, then the value."""
    lines = [r for r in part.rows if isinstance(r, Line) and not r.value]
    rest = [r for r in part.rows if r not in lines]
    return "  ".join(filter(None, [" ".join(map(_inline, lines)), *map(_inline, rest)]))


def _inline(row: object) -> str:
    if isinstance(row, Line):
        return legible(row.whole)
    if isinstance(row, Cells):
        inner = "; ".join(" ".join(entries) for entries in row.rows)
        return f"{row.name} [{inner}]".strip()
    return ""
