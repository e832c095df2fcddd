"""The width of a text on any machine: that in Helvetica, and room for the fonts that replace it.

Pictures name a row of fonts (Helvetica, Arial, Liberation Sans, DejaVu Sans), and every machine has one of
them. The first three are equally wide. DejaVu Sans is wider, so a box gets some room to spare.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

FONTS = (
    "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans CJK SC', 'Noto Color Emoji', sans-serif"
)
SIZE = 14.0
"""The size of all text, before the picture is fitted into its page."""
LINE = 19.0
"""From one line of text to the next."""
_SPARE = 1.07
_LONGEST = 400

# Helvetica's widths of the characters from space to tilde, in thousandths of the size.
_ASCII = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
]  # fmt: skip
_WIDER = {"[": 340, "]": 340, "*": 430, "+": 660, "=": 660}
"""What DejaVu Sans has much wider."""
_OTHERS = {"−": 660, "·": 333, "…": 1000, "×": 584, "⊙": 820, "∂": 520, "→": 1000, "Σ": 640, "∞": 720}


@lru_cache(4096)  # the layouts that are tried measure the same texts
def width(text: str, *, size: float = SIZE, bold: bool = False) -> float:
    """The width that a text needs, in the unit of its size.

    >>> round(width("Z1 = W1 X + b1")), width("")
    (107, 0.0)
    """
    thousandths = sum(map(_of_one, text))
    return thousandths * size / 1000 * _SPARE * (1.07 if bold else 1.0)


def _of_one(character: str) -> int:
    code = ord(character) - 32
    if 0 <= code < len(_ASCII):
        return _WIDER.get(character, _ASCII[code])
    if character in _OTHERS:
        return _OTHERS[character]
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return 1000
    return 400 if unicodedata.decomposition(character).startswith("<su") else 640


def legible(text: str) -> str:
    r"""A text as a picture may show it: one line of printable characters, of limited length.

    >>> legible("a\nb\x07"), legible(" ")
    ('a b', '␣')
    """
    kept = "".join(
        " " if c.isspace() else "" if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") else c for c in text
    )
    shown = kept if kept.strip() else "␣" * bool(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 20]} [{len(text)} characters]"
