"""From a sketch to a page: the layout with the largest text and few crossings that fits a space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tinygrad_edu.drawing.crossings import crossings
from tinygrad_edu.drawing.dot_layout import Ribbon, ranked
from tinygrad_edu.drawing.row_breaking import Page, cut
from tinygrad_edu.drawing.sketch import Box, Cells, Line, Part, Row, Sketch, Strip
from tinygrad_edu.drawing.text_widths import SIZE

Fit = str
FITS: dict[str, tuple[float, float]] = {
    "16:9": (1920.0, 1080.0),
    "4:3": (1600.0, 1200.0),
    "A4": (1240.0, 1754.0),
    "column": (620.0, float("inf")),
    "strip": (float("inf"), float("inf")),
}
"""The spaces that a picture can be made for, in pixels of a screen: slides, a page, a column of text."""

_COMFORTABLE = 13.0  # pixels of text on a slide, below which frames and colours are left out
_LEAST = 12.2  # pixels of text on a slide, below which larger text goes first
_FEW = 0.08  # crossings an arrow
_USED_WIDELY = 3  # users, from which on what is given stands apart and is shown by tags
_MOST_EXAMINED = 260  # arrows, up to which crossings are counted
_MANY = 300  # boxes
_LONGEST_TAG = 24  # characters
_AS_GOOD = 0.97  # times, from which on tags serve as well as arrows from row to row
_MOST_TRIED = 6
_STRIP_RATIO = 2.4


@dataclass(frozen=True)
class _Tried:
    page: Page
    text: float
    crossed: float

    @property
    def worth(self) -> float:
        """The score of a layout: larger text raises it up to a comfortable size, crossings lower it."""
        return min(self.text, 1.1 * _COMFORTABLE) * (1 - min(0.8, 2.5 * max(0.0, self.crossed - _FEW)))


def laid_out(sketch: Sketch, fit: Fit | None = None, *, direction: str = "LR") -> Page:
    """Lays out a sketch.

    Args:
        sketch: what to place.
        fit: one of :data:`FITS`; None is one row, or "16:9" where the row would be too long.
        direction: "LR", or "TB" for a picture that is never cut.

    Raises:
        RenderError: Graphviz is missing.
    """
    if direction == "TB":
        ribbon = ranked(sketch, _tagged_at_first(sketch), framed=True, direction="TB")
        return cut(ribbon, float("inf"), float("inf"))
    wide, high = FITS[fit or "16:9"]
    best: _Tried | None = None
    for candidate, framed, lined in _candidates(sketch):
        tried = _tried(candidate, wide, high, framed=framed, lined=lined)
        if best is None or tried.worth > best.worth * (1.1 if best.text >= _LEAST else 1.0):
            best = tried
        if best.text >= _COMFORTABLE and best.crossed <= _FEW:
            break
    assert best is not None
    if fit is None and best.page.rows > 1:
        whole, _ = _uncrossed(sketch, _tagged_at_first(sketch), framed=_has_scopes(sketch), lined=False)
        natural = cut(whole, float("inf"), float("inf"))
        large = SIZE * natural.scale(wide, high) >= min(_COMFORTABLE, best.text)
        if large and natural.width <= _STRIP_RATIO * natural.height:
            return natural
    return best.page


def _candidates(sketch: Sketch) -> Iterator[tuple[Sketch, bool, bool]]:
    """The sketch with all details, then with fewer. Also whether it has frames, and lines them up."""
    if len(sketch.boxes) > _MANY:  # it is looked at piece by piece, since it fits no slide
        yield sketch, False, False
        return
    scoped = _has_scopes(sketch)
    lean = _with_rows(sketch, lambda row: None if isinstance(row, Strip) else row)
    short = _with_rows(lean, lambda row: row.shortened if isinstance(row, Cells) else row)
    for variant in (sketch, lean, short, _formulas_only(short)):
        if scoped:
            yield variant, True, True
            yield variant, True, False
        yield variant, False, False


def _has_scopes(sketch: Sketch) -> bool:
    return any(box.scope for box in sketch.boxes)


def _with_rows(sketch: Sketch, change: Callable[[Row], Row | None]) -> Sketch:
    """The sketch with other rows in its boxes."""

    def changed(box: Box) -> Box:
        parts = (replace(p, rows=tuple(r for row in p.rows if (r := change(row)))) for p in box.parts)
        return replace(box, parts=tuple(parts))

    return replace(sketch, boxes=tuple(map(changed, sketch.boxes)))


def _formulas_only(sketch: Sketch) -> Sketch:
    """Gradients without their values where they have a formula."""

    def changed(part: Part) -> Part:
        told = [row for row in part.rows if isinstance(row, Line)]
        if part.kind != "gradient" or not told or not told[0].text.startswith(" ="):
            return part
        return replace(part, rows=tuple(row for row in told if not row.value))

    boxes = (replace(box, parts=tuple(map(changed, box.parts))) for box in sketch.boxes)
    return replace(sketch, boxes=tuple(boxes), tight=True)


def _tried(sketch: Sketch, wide: float, high: float, *, framed: bool, lined: bool) -> _Tried:
    """The page of a sketch; what is given to another row is told by tags there, where that serves as well."""

    def made(tagged: frozenset[int]) -> _Tried:
        ribbon, crossed = _uncrossed(sketch, tagged, framed=framed, lined=lined)
        page = cut(ribbon, wide, high)
        scale = page.scale(wide, high)
        return _Tried(page, SIZE * scale if scale < float("inf") else 2 * _COMFORTABLE, crossed)

    tagged = _tagged_at_first(sketch)
    first = made(tagged)
    far = _from_row_to_row(sketch, first.page) - tagged
    if not far:
        return first
    other = made(tagged | far)
    return other if other.worth >= first.worth * _AS_GOOD else first


def _tellable(sketch: Sketch) -> set[str]:
    """What is given and has a name that fits into a tag."""
    firsts = (b.parts[0] for b in sketch.boxes)
    return {p.key for p in firsts if p.kind in ("parameter", "data") and 0 < len(p.name) <= _LONGEST_TAG}


def _tagged_at_first(sketch: Sketch) -> frozenset[int]:
    """The arrows of what is given and used widely."""
    given = _tellable(sketch)
    users: dict[str, set[str]] = {}
    for arrow in sketch.arrows:
        if arrow.tail in given:
            users.setdefault(arrow.tail, set()).add(arrow.head)
    widely = {key for key, used in users.items() if len(used) >= _USED_WIDELY}
    return frozenset(k for k, arrow in enumerate(sketch.arrows) if arrow.tail in widely)


def _from_row_to_row(sketch: Sketch, page: Page) -> frozenset[int]:
    """The arrows that lead from what is given and used in its own row, too, to another row."""
    given = _tellable(sketch)
    pieces = {id(line.arrow): len(line.pieces) for line in page.lines}
    near = {a.tail for a in sketch.arrows if pieces.get(id(a)) == 1}
    far = (k for k, a in enumerate(sketch.arrows) if pieces.get(id(a), 1) > 1)
    return frozenset(k for k in far if sketch.arrows[k].tail in given & near)


def _uncrossed(sketch: Sketch, tagged: frozenset[int], *, framed: bool, lined: bool) -> tuple[Ribbon, float]:
    """A strip with few crossings: tags replace the arrows that cross most."""
    ribbon = ranked(sketch, tagged, framed=framed, lined=lined)
    if len(ribbon.routes) > _MOST_EXAMINED or len(ribbon.routes) < 2:
        return ribbon, 0.0
    arrows = len(sketch.arrows) + sum(arrow.returns is not None for arrow in sketch.arrows)
    best = ribbon, sum(crossings(ribbon.routes)) / 2 / arrows
    for _ in range(_MOST_TRIED):
        counts = crossings(ribbon.routes)
        if sum(counts) / 2 <= _FEW * arrows:
            break
        worst = _worst(sketch, ribbon, counts, tagged)
        if not worst:
            break
        tagged |= worst
        ribbon = ranked(sketch, tagged, framed=framed, lined=lined)
        share = sum(crossings(ribbon.routes)) / 2 / arrows
        if share < best[1]:
            best = ribbon, share
    return best


def _worst(sketch: Sketch, ribbon: Ribbon, counts: list[float], tagged: frozenset[int]) -> frozenset[int]:
    """The arrows that lead from the part whose arrows cross most, if they do."""
    names = {p.key: p.name for b in sketch.boxes for p in b.parts}
    number = {id(arrow): k for k, arrow in enumerate(sketch.arrows)}
    score: dict[str, float] = {}
    for route, count in zip(ribbon.routes, counts, strict=True):
        key = route.arrow.tail
        if 0 < len(names[key]) <= _LONGEST_TAG and not route.arrow.within:
            long = float(abs(route.points[-1, 0] - route.points[0, 0]))
            score[key] = score.get(key, 0.0) + count * (1 + long / 400)
    if not score or max(score.values()) == 0:
        return frozenset()
    key = max(score, key=lambda k: score[k])
    crossing = (r.arrow for r, count in zip(ribbon.routes, counts, strict=True) if count)
    return frozenset(number[id(arrow)] for arrow in crossing if arrow.tail == key) - tagged
