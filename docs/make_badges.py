"""Writes pictures/badge-*.svg: what pyproject.toml says of the package.

``python docs/make_badges.py`` from anywhere; ``tests/test_packaging.py`` holds them to it.
A badge of a hosted service would need a public address.
"""

from __future__ import annotations

import re
import tomllib
from html import escape
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parent / "pictures"
PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def said() -> dict[str, str]:
    """What stands on the badges, by their names."""
    project: dict[str, Any] = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    minor = sorted(int(v) for v in re.findall(r"Python :: 3\.(\d+)", " ".join(project["classifiers"])))
    needs = dict(re.fullmatch(r"([\w-]+)(.*)", need).groups() for need in project["dependencies"])  # type: ignore[union-attr]
    return {
        "python": f"3.{minor[0]} to 3.{minor[-1]}",
        "numpy": f"{needs['numpy'].removeprefix('>=')} and newer",
        "licence": project["license"],
    }


def badge(name: str, text: str) -> str:
    """One of them as SVG."""
    left, right = (12 + 7 * len(words) for words in (name, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(name)}: {escape(text)}">'
        f'<rect width="{left + right}" height="20" rx="3" fill="#555"/>'
        f'<rect x="{left}" width="{right}" height="20" rx="3" fill="#2c6fbb"/>'
        f'<rect x="{left}" width="4" height="20" fill="#2c6fbb"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14">{escape(name)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(text)}</text></g></svg>\n'
    )


def written() -> dict[Path, str]:
    """The files and what belongs in them."""
    return {PICTURES / f"badge-{name}.svg": badge(name, text) for name, text in said().items()}


if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, "utf-8")
