"""The font that comes with the package, for PNG and PDF: every machine then writes ᵀ, ⊙ and Σ alike.

It is DejaVu Sans Condensed, without the signs that no picture needs. What it lacks (Chinese, emoji) is
taken from the machine's own fonts in a PNG.
"""

from __future__ import annotations

from importlib.resources import files

FAMILY = "DejaVu Sans Condensed"
_FOLDER = files("tinygrad_edu.drawing").joinpath("fonts")
REGULAR = str(_FOLDER.joinpath("DejaVuSansCondensed.ttf"))
BOLD = str(_FOLDER.joinpath("DejaVuSansCondensed-Bold.ttf"))
_RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x332), (0x391, 0x3A1), (0x3A3, 0x3CE), (0x400, 0x45F),
    (0x1D40, 0x1D40), (0x2010, 0x2027), (0x2030, 0x203A), (0x2070, 0x2071), (0x2074, 0x208E),
    (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2460, 0x2469), (0x25A0, 0x25CF),
)  # fmt: skip


def known(character: str) -> bool:
    """Whether the font has a sign for it.

    >>> known("⊙"), known("权")
    (True, False)
    """
    return any(low <= ord(character) <= high for low, high in _RANGES)


def all_known(text: str) -> bool:
    """Whether it has signs for all of a text."""
    return all(map(known, set(text)))
