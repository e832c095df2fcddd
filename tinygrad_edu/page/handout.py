"""The steps as a PDF: a page for each, with the picture in the same place and the text below it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.box_sizes import PAD, Rect
from tinygrad_edu.drawing.pdf import pdf_of
from tinygrad_edu.drawing.scene import Group, Outline, Rectangle, Run, Scene, Shape, Text, headed
from tinygrad_edu.drawing.text_widths import LINE, SIZE
from tinygrad_edu.expression.label_style import digits

_SLOT = re.compile("⟦([^⟧]*)⟧")
_LETTER = 0.52  # of the size, the width of a letter
_MOST_LINES = 6


def handout(scene: Scene, steps: Sequence[Mapping[str, Any]], values: Mapping[str, NDArray[Any]]) -> bytes:
    """A PDF with a page for each step.

    Args:
        scene: the whole picture.
        steps: the moments, as the page of ``step_through`` has them.
        values: the numbers for the places that the moments leave open.

    Raises:
        MissingExtraError: reportlab is not installed; it comes with the extra ``pdf``.
    """
    return pdf_of(list(_pages(scene, steps, values)), "light")


def _pages(
    scene: Scene, steps: Sequence[Mapping[str, Any]], values: Mapping[str, NDArray[Any]]
) -> Iterator[Scene]:
    known: set[str] = set()
    told: set[str] = set()
    carried: set[str] = set()
    for number, step in enumerate(steps, 1):
        back = step["pass"] == "backward"
        (told if back else known).add(step["node"])
        carried |= set(step["edges"])
        groups = [g for group in scene.groups for g in _now(group, known, told, carried, step["node"])]
        said = [step["formula"], step["numbers"] or step["value"], *step["words"]]
        text = [_SLOT.sub(lambda m: digits(values[m[1]]), line) for line in said if line]
        many = int(scene.width / (SIZE * _LETTER))
        lines = [piece for line in text for piece in textwrap.wrap(line, many)][:_MOST_LINES]
        lines.append(f"step {number} of {len(steps)}")
        page = replace(scene.page, h=scene.page.h + LINE * (_MOST_LINES + 2))
        ground = Group("page", (Rectangle(page, "page", 0.0),))
        yield replace(scene, page=page, groups=(ground, *groups[1:], *_caption(scene, lines, back=back)))


def _caption(scene: Scene, lines: Sequence[str], *, back: bool) -> Iterator[Group]:
    top = scene.page.y + scene.page.h
    for k, line in enumerate(lines):
        look = "faint" if k == len(lines) - 1 else "red" if back and k == 0 else ""
        run = Run(line, bold=k == 0)
        yield Group("words", (Text(scene.page.x + 2 * PAD, top + LINE * (k + 1), (run,), look, "start"),))


def _now(group: Group, known: set[str], told: set[str], carried: set[str], current: str) -> Iterator[Group]:
    """The visible part of a group: empty boxes for values that come later."""
    data = group.data
    if group.kind == "node":
        shapes = group.shapes if data["node"] in known else group.shapes[:1]
        if data["node"] not in told:
            shapes = tuple(s for s in shapes if "red" not in getattr(s, "look", ""))
        if data["node"] == current:
            shapes = (*shapes, _ring(group.shapes[0]))
        yield replace(group, shapes=shapes)
    elif group.kind == "edge":
        yield replace(group, shapes=_arrow(group, f"{data['from']}->{data['to']}" in carried))
    elif group.kind != "note" or data["of"].replace(" ", "->") in carried:
        yield group


def _arrow(group: Group, carried: bool) -> tuple[Shape, ...]:
    """The arrow forward; once a gradient has come back along it, that one, with what it was multiplied by."""
    if not carried:
        return tuple(s for s in group.shapes if not isinstance(s, Text))
    lines = [s for s in group.shapes if isinstance(s, Outline) and not s.filled]
    first, *others = lines[1:] + lines[:1]  # the piece with the tip comes first, that at the tail next
    words = (s for s in group.shapes if isinstance(s, Text))
    return (*headed(first.points[::-1], "back"), *(replace(s, look="back") for s in others), *words)


def _ring(shape: Shape) -> Outline:
    assert isinstance(shape, Rectangle)
    r: Rect = shape.rect
    corners = [[r.x, r.y], [r.x + r.w, r.y], [r.x + r.w, r.y + r.h], [r.x, r.y + r.h], [r.x, r.y]]
    return Outline(np.array(corners), "ink", thickness=3.0)
