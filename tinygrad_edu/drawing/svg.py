"""Shapes to SVG, with words for those who cannot see it; and SVG to PNG."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import numpy as np
import resvg_py
from numpy.typing import NDArray

from tinygrad_edu.drawing.font import BOLD, FAMILY, REGULAR, all_known
from tinygrad_edu.drawing.graphviz import RenderError
from tinygrad_edu.drawing.scene import Group, Image, Outline, Rectangle, Run, Scene, Shape, Text
from tinygrad_edu.drawing.styles import stylesheet
from tinygrad_edu.drawing.text_widths import SIZE, legible

_MOST = 8000  # pixels a side of a PNG
_LEAST = 1920
_FINEST = 6.0
_LONGEST = 1200


def to_svg(scene: Scene, theme: str = "auto") -> str:
    """The picture as SVG. Boxes are ``g.node[data-node]``, arrows ``g.edge[data-from][data-to]``."""
    return "\n".join(_lines(scene, theme))


def _lines(scene: Scene, theme: str) -> Iterator[str]:
    w, h = f"{scene.width:.0f}", f"{scene.height:.0f}"
    title, description = _spoken(scene.title), _spoken(scene.description)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tg-{theme}" role="img" aria-label="{title}" '
        f'width="{w}" height="{h}" viewBox="{scene.page.x:.0f} {scene.page.y:.0f} {w} {h}">'
    )
    yield f"<title>{title}</title>"
    yield f"<desc>{description}</desc>"
    yield f"<style>{escape(stylesheet(theme), quote=False)}</style>"
    for group in scene.groups:
        yield _group(group)
    yield "</svg>"


def _spoken(text: str) -> str:
    return escape(legible(text[:_LONGEST]))


def _group(group: Group) -> str:
    title = f"<title>{_spoken(group.title)}</title>" if group.title else ""
    shapes = "".join(map(_shape, group.shapes))
    return f'<g class="{group.kind}"{_data(group.data.items())}>{title}{shapes}</g>'


def _shape(shape: Shape) -> str:
    if isinstance(shape, Rectangle):
        r = shape.rect
        return (
            f'<rect class="{shape.look}" x="{r.x:.1f}" y="{r.y:.1f}" width="{r.w:.1f}" height="{r.h:.1f}"'
            + (f' rx="{shape.radius:g}"/>' if shape.radius else "/>")
        )
    if isinstance(shape, Outline):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
        if shape.filled:
            return f'<polygon class="{shape.look}" points="{points}"/>'
        wide = f' stroke-width="{shape.thickness:.2f}"' if shape.thickness is not None else ""
        return f'<path class="{shape.look}"{wide} d="M{points.replace(" ", "L")}"/>'
    if isinstance(shape, Image):
        r = shape.rect
        return (
            f'<image x="{r.x:.1f}" y="{r.y:.1f}" width="{r.w:.1f}" height="{r.h:.1f}" '
            f'preserveAspectRatio="none" href="{data_of(shape.pixels)}"/>'
        )
    return _text(shape)


def _text(text: Text) -> str:
    looks = " ".join(filter(None, [text.look, text.anchor if text.anchor != "middle" else ""]))
    alone = text.runs[0] if len(text.runs) == 1 else None
    if alone is not None and alone.bold:
        looks = f"{looks} b".strip()
    kind = f' class="{looks}"' if looks else ""
    kind += _data(alone.data) if alone is not None else ""
    size = f' font-size="{text.size:g}"' if text.size != SIZE else ""
    inner = escape(alone.text, quote=False) if alone is not None else "".join(map(_run, text.runs))
    return f'<text{kind}{size} x="{text.x:.1f}" y="{text.y:.1f}">{inner}</text>'


def _run(run: Run) -> str:
    attributes = (' class="b"' if run.bold else "") + _data(run.data)
    attributes += "" if run.at is None else f' x="{run.at:.1f}"'
    inner = escape(run.text, quote=False)
    return f"<tspan{attributes}>{inner}</tspan>" if attributes else inner


def _data(data: Iterable[tuple[str, str]]) -> str:
    return "".join(f' data-{key}="{escape(legible(value))}"' for key, value in data)


def png_of(scene: Scene, theme: str = "light") -> bytes:
    """The picture as PNG: enlarged to a screen's width, and within 8,000 pixels a side."""
    longest = max(scene.width, scene.height)
    zoom = min(max(2.0, _LEAST / scene.width), _FINEST, _MOST / longest)
    theme = "light" if theme == "auto" else theme
    source = to_svg(scene, theme)
    words = "".join(r.text for g in scene.groups for s in g.shapes if isinstance(s, Text) for r in s.runs)
    size = max(1, round(scene.width * zoom)), max(1, round(scene.height * zoom))
    try:
        drawn = resvg_py.svg_to_bytes(
            svg_string=source,
            width=size[0],
            height=size[1],
            style_sheet=f".tg-{theme} text{{font-family:'{FAMILY}'}}",
            skip_system_fonts=all_known(words),  # reading them takes half a second
            font_files=[REGULAR, BOLD],
        )
    except ValueError as error:
        raise RenderError(f"the picture could not be turned into a PNG: {error}") from error
    return bytes(drawn)


def data_of(pixels: NDArray[Any]) -> str:
    """An array (height, width, 4) of uint8 as the address of an image that holds it."""
    return f"data:image/png;base64,{base64.b64encode(pixels_as_png(pixels)).decode()}"


def pixels_as_png(pixels: NDArray[Any]) -> bytes:
    r"""An array (height, width, 4) of uint8 as a PNG.

    >>> pixels_as_png(np.zeros((1, 1, 4), np.uint8))[:4]
    b'\x89PNG'
    """
    high, wide = pixels.shape[:2]
    lines = np.concatenate([np.zeros((high, 1), np.uint8), pixels.reshape(high, -1)], axis=1)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", wide, high, 8, 6, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
