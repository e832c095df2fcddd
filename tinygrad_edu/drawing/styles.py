"""Colours of pictures. Nothing is shown by colour alone, and all text has contrast.

Blue is a parameter, grey is data, yellow the output, red the way back. Blue, yellow and red are apart for
every kind of colour vision; on paper the frames differ, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tinygrad_edu.drawing.text_widths import FONTS, SIZE

PLUS, MINUS = "#d66014", "#4a90d9"
"""Of positive and negative weights; on any ground."""

Colours = tuple[str, str]
"""Of an area and of its border."""


@dataclass(frozen=True)
class Border:
    """The line around a box."""

    width: float = 1.0
    dashes: tuple[float, ...] = ()

    @property
    def css(self) -> str:
        """The same as CSS."""
        dashes = f";stroke-dasharray:{' '.join(f'{d:g}' for d in self.dashes)}" if self.dashes else ""
        return f"stroke-width:{self.width:g}{dashes}"


@dataclass(frozen=True)
class Theme:
    """The colours of a picture, and how thick and how dashed the borders of boxes are."""

    page: str
    ink: str
    faint: str
    red: str
    line: str
    areas: Mapping[str, Colours]
    borders: Mapping[str, Border] = field(default_factory=dict)
    """Where they differ from a plain line."""

    def colour(self, look: str) -> str:
        """The colour of a line or a text of that look."""
        if "red" in look or "back" in look:
            return self.red
        if "faint" in look:
            return self.faint
        if look in ("plus", "minus"):
            return PLUS if look == "plus" else MINUS
        return self.line if "line" in look or "cache" in look else self.ink


LIGHT = Theme(
    "#ffffff",
    "#202124",
    "#5f6368",
    "#b3261e",
    "#5f6368",
    {
        "parameter": ("#e3effc", "#2c6fbb"),
        "data": ("#eef0f2", "#757c85"),
        "computed": ("#ffffff", "#5f6368"),
        "layer": ("#ffffff", "#5f6368"),
        "output": ("#fff3d6", "#b07800"),
        "gradient": ("#fdecea", "#b3261e"),
        "frame": ("#f6f7f9", "#cfd4da"),
    },
)
DARK = Theme(
    "#16181c",
    "#e8eaed",
    "#b3b9c1",
    "#ff9d94",
    "#a9afb7",
    {
        "parameter": ("#17304d", "#7fb2f0"),
        "data": ("#2a2d33", "#9aa0a6"),
        "computed": ("#1f2227", "#a9afb7"),
        "layer": ("#1f2227", "#a9afb7"),
        "output": ("#3d3113", "#f2c14e"),
        "gradient": ("#3f1d1b", "#ff9d94"),
        "frame": ("#1b1e23", "#3c4148"),
    },
)
PRINT = replace(
    LIGHT,
    ink="#000000",
    faint="#3a3a3a",
    red="#8c1009",
    line="#000000",
    areas=dict.fromkeys(LIGHT.areas, ("#ffffff", "#000000"))
    | {"gradient": ("#ffffff", "#8c1009"), "frame": ("#ffffff", "#8a8a8a")},
    borders={
        "parameter": Border(2.4),
        "data": Border(1.0, (1.5, 2.5)),
        "gradient": Border(1.0, (6.0, 3.0)),
        "output": Border(3.4),
    },
)
THEMES = {"auto": LIGHT, "light": LIGHT, "dark": DARK, "print": PRINT}
""""auto" is light, and dark where the reader's machine is dark."""


def stylesheet(theme: str) -> str:
    """CSS for pictures of a theme, that touches no other picture on the page."""
    rules = list(_rules(f".tg-{theme}", THEMES[theme]))
    if theme == "auto":
        dark = "".join(_colours(".tg-auto", DARK))
        rules.append(f"@media (prefers-color-scheme:dark){{{dark}}}")
    return "".join(rules)


def _rules(root: str, theme: Theme) -> list[str]:
    shape = [
        f"{root}{{font-family:{FONTS};font-size:{SIZE:g}px}}",
        f"{root} text{{text-anchor:middle}}",
        f"{root} .b{{font-weight:bold}}",
        f"{root} .start{{text-anchor:start}}",
        f"{root} .end{{text-anchor:end}}",
        f"{root} .label{{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}}",
        f"{root} .line,{root} .back,{root} .cache,{root} .bracket{{fill:none;stroke-width:1.4}}",
        f"{root} .plus,{root} .minus{{fill:none}}",
        f"{root} .cache{{stroke-dasharray:4 3}}",
        f"{root} image{{image-rendering:pixelated}}",
    ]
    shape += [f"{root} rect.{kind}{{{border.css}}}" for kind, border in theme.borders.items()]
    return [*shape, *_colours(root, theme)]


def _colours(root: str, theme: Theme) -> list[str]:
    found = [
        f"{root} rect.page{{fill:{theme.page}}}",
        f"{root} text{{fill:{theme.ink}}}",
        f"{root} text.red{{fill:{theme.red}}}",
        f"{root} text.faint{{fill:{theme.faint}}}",
        f"{root} .label{{stroke:{theme.page}}}",
        f"{root} .line,{root} .cache{{stroke:{theme.line}}}",
        f"{root} .bracket{{stroke:{theme.ink}}}",
        f"{root} .back,{root} .bracket.red{{stroke:{theme.red}}}",
        f"{root} .tip{{fill:{theme.line};stroke:none}}",
        f"{root} .tip.back{{fill:{theme.red}}}",
        f"{root} .plus{{stroke:{PLUS}}}",
        f"{root} .minus{{stroke:{MINUS}}}",
        f"{root} rect.dot{{fill:{theme.line}}}",
    ]
    for kind, (area, border) in theme.areas.items():
        found.append(f"{root} rect.{kind}{{fill:{area};stroke:{border}}}")
    return found
