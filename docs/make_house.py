"""Writes pictures/house.svg: the rooms of the package, and who imports whom, from the table of the tests.

``python docs/make_house.py`` from anywhere; ``tests/test_documentation.py`` holds the picture to the table.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path
from typing import Any

from tinygrad_edu.drawing.graphviz import places, quoted

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.architecture import ARROWS  # noqa: E402

PICTURE = Path(__file__).parent / "pictures" / "house.svg"
ROOMS = {
    "cli": "the command line",
    "estimators": "scikit-learn's interface",
    "distributed": "training on many machines",
    "nn": "layers, optimisers, fit",
    "data": "real data sets",
    "check": "gradients by hand, judged",
    "page": "HTML that computes",
    "drawing": "pictures",
    "derivation": "formulas as on paper",
    "compiler": "steps as plain NumPy",
    "autodiff": "grad, vjp, hessian, define",
    "export": "files, ONNX",
    "graph": "names, order, the Program",
    "expression": "one writer, one book",
    "ops": "the formula sheets",
    "core": "Tensor, rules, the way back",
    "course": "the notes, by hand",
}
"""What each room is for, in the order in which the picture has them."""


def arrows() -> list[tuple[str, str]]:
    """Who imports whom, as the table has it."""
    found = []
    for line in ARROWS.strip().splitlines():
        left, right = (
            [room.strip() for room in side.split(",") if room.strip()] for side in line.split("->")
        )
        found += [(importer, imported) for importer in left for imported in right]
    return found


def house() -> str:
    """The picture as SVG."""
    rooms = "".join(f"{quoted(room)} [width=2.5, height=0.62, shape=box, fixedsize=true];" for room in ROOMS)
    edges = "".join(f"{quoted(a)} -> {quoted(b)};" for a, b in arrows())
    found = places(f"digraph {{ nodesep=0.2; ranksep=0.4; {rooms} {edges} }}")
    assert found is not None
    width, height = (float(x) for x in found["bb"].split(",")[2:])
    boxes = "".join(_box(node, height) for node in found["objects"])
    lines = "".join(_line(edge["pos"], height) for edge in found["edges"])
    said = "The rooms of tinygrad_edu; an arrow points at the room that is imported"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 {width + 16:.0f} {height + 16:.0f}" '
        f'width="{width + 16:.0f}" role="img" aria-label="{said}"><title>{said}</title>'
        '<rect x="-8" y="-8" width="100%" height="100%" fill="#fff"/>'
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#667"/></marker>'
        f'<g fill="none" stroke="#667" marker-end="url(#tip)">{lines}</g>'
        f'<g font-family="DejaVu Sans Condensed, sans-serif" text-anchor="middle">{boxes}</g></svg>\n'
    )


def _box(node: dict[str, Any], height: float) -> str:
    x, y = (float(v) for v in node["pos"].split(","))
    w, h = 72 * float(node["width"]), 72 * float(node["height"])
    y = height - y
    name, purpose = escape(node["name"]), escape(ROOMS[node["name"]])
    return (
        f'<rect x="{x - w / 2:.0f}" y="{y - h / 2:.0f}" width="{w:.0f}" height="{h:.0f}" rx="5" '
        'fill="#eef2fb" stroke="#3949ab"/>'
        f'<text x="{x:.0f}" y="{y - 4:.0f}" font-size="14" font-weight="bold">{name}</text>'
        f'<text x="{x:.0f}" y="{y + 13:.0f}" font-size="11.5" fill="#334">{purpose}</text>'
    )


def _line(way: str, height: float) -> str:
    """A spline as Graphviz gives it: the tip first, then points of Bézier curves."""
    points = [(float(x), height - float(y)) for x, y in re.findall(r"(-?\d[\d.e+-]*),(-?\d[\d.e+-]*)", way)]
    tip, start, *others = points
    curves = " ".join(f"{x:.1f} {y:.1f}" for x, y in others)
    return f'<path d="M{start[0]:.1f} {start[1]:.1f}C{curves}L{tip[0]:.1f} {tip[1]:.1f}"/>'


if __name__ == "__main__":
    PICTURE.write_text(house(), "utf-8")
