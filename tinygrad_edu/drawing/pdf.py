"""Shapes to PDF, a page for each picture, by reportlab: no Graphviz and no browser is needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from tinygrad_edu.drawing.font import BOLD, REGULAR, known
from tinygrad_edu.drawing.scene import Image, Outline, Rectangle, Scene, Shape, Text
from tinygrad_edu.drawing.styles import THEMES, Border, Theme
from tinygrad_edu.drawing.svg import pixels_as_png
from tinygrad_edu.errors import require_extra

_POINTS = 0.75  # of a pixel
_LONGEST = 14400.0  # points, the longest side that PDF allows
_FONTS = {False: "tinygrad-edu", True: "tinygrad-edu-bold"}


def pdf_of(scenes: Sequence[Scene], theme: str = "light") -> bytes:
    """The pictures as the pages of one PDF. Text stays text.

    Raises:
        MissingExtraError: reportlab is not installed; it comes with the extra ``pdf``.
    """
    canvas_module = require_extra("reportlab.pdfgen.canvas", extra="pdf")
    metrics = require_extra("reportlab.pdfbase.pdfmetrics", extra="pdf")
    truetype = require_extra("reportlab.pdfbase.ttfonts", extra="pdf")
    for bold, path in ((False, REGULAR), (True, BOLD)):
        if _FONTS[bold] not in metrics.getRegisteredFontNames():
            metrics.registerFont(truetype.TTFont(_FONTS[bold], path))
    out = BytesIO()
    canvas = canvas_module.Canvas(out, invariant=1)
    canvas.setTitle(scenes[0].title)
    canvas.setSubject(scenes[0].description[:500])
    canvas.setCreator("tinygrad_edu")
    for scene in scenes:
        scale = min(_POINTS, _LONGEST / max(scene.width, scene.height))
        canvas.setPageSize((scene.width * scale, scene.height * scale))
        canvas.scale(scale, scale)
        canvas.translate(-scene.page.x, 0)
        pen = _Pen(canvas, scene.page.y + scene.height, THEMES[theme], metrics.stringWidth)
        for group in scene.groups:
            for shape in group.shapes:
                pen.draw(shape)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Pen:
    def __init__(self, canvas: Any, height: float, theme: Theme, measure: Any) -> None:
        self.canvas, self.height, self.theme, self.measure = canvas, height, theme, measure

    def draw(self, shape: Shape) -> None:
        if isinstance(shape, Rectangle):
            self.rectangle(shape)
        elif isinstance(shape, Outline):
            self.outline(shape)
        elif isinstance(shape, Text):
            self.text(shape)
        else:
            self.image(shape)

    def rectangle(self, shape: Rectangle) -> None:
        r = shape.rect
        bounds = r.x, self.height - r.y - r.h, r.w, r.h
        area, line = self.theme.areas.get(shape.look, (self.theme.page, self.theme.page))
        border = self.theme.borders.get(shape.look, Border())
        self.canvas.setFillColor(area)
        self.canvas.setStrokeColor(line)
        self.canvas.setLineWidth(border.width)
        self.canvas.setDash(*([list(border.dashes)] if border.dashes else []))
        self.canvas.roundRect(*bounds, shape.radius, fill=1, stroke=int(shape.look != "page"))
        self.canvas.setDash()

    def outline(self, shape: Outline) -> None:
        path = self.canvas.beginPath()
        (x, y), *rest = shape.points.tolist()
        path.moveTo(x, self.height - y)
        for x, y in rest:
            path.lineTo(x, self.height - y)
        colour = self.theme.colour(shape.look)
        self.canvas.setStrokeColor(colour)
        self.canvas.setFillColor(colour)
        self.canvas.setLineWidth(shape.thickness or 1.4)
        if "cache" in shape.look:
            self.canvas.setDash([4, 3])
        self.canvas.drawPath(path, fill=int(shape.filled), stroke=int(not shape.filled))
        self.canvas.setDash()

    def text(self, shape: Text) -> None:
        self.canvas.setFillColor(self.theme.colour(shape.look or "ink"))
        runs = [("".join(c if known(c) else "□" for c in r.text), r.bold, r.at) for r in shape.runs]
        widths = [self.measure(text, _FONTS[bold], shape.size) for text, bold, _ in runs]
        back = {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
        x = shape.x - back * sum(widths)
        for (text, bold, at), wide in zip(runs, widths, strict=True):
            if at is not None:
                x = at - back * self.measure(text.rstrip(), _FONTS[bold], shape.size)
            self.canvas.setFont(_FONTS[bold], shape.size)
            self.canvas.drawString(x, self.height - shape.y, text)
            x += wide

    def image(self, shape: Image) -> None:
        reader = require_extra("reportlab.lib.utils", extra="pdf").ImageReader(
            BytesIO(pixels_as_png(shape.pixels))
        )
        r = shape.rect
        self.canvas.drawImage(reader, r.x, self.height - r.y - r.h, r.w, r.h, mask="auto")
