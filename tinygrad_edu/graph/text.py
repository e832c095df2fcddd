"""Mathematics in one line of text, for labels: an operation written around the texts of its operands.

A text comes with its strength: how tightly it binds, which says where brackets are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = ["ATOM", "CARRIES_ON", "Text", "bracketed", "constant", "infix", "number", "written"]

Text = tuple[str, int]
"""The characters and their strength."""

ATOM = 9
_INFIX = {"+": 1, "−": 1, "*": 2, "/": 2, "@": 2, "**": 4, ">": 0, "<": 0, ">=": 0, "<=": 0, "==": 0, "!=": 0}


CARRIES_ON = frozenset({"positive", "broadcast_to", "reshape", "expand_dims", "squeeze", "astype"})
"""Operations that only repeat or move a gradient: on the way back they go without saying."""


def number(x: Any) -> str:
    """Four significant digits, with a real minus sign, and none before 0.

    >>> number(33.0), number(-0.6931471), number(2e-7), number(-0.0), number(True)
    ('33', '−0.6931', '2e-07', '0', 'True')
    """
    text = str(x) if isinstance(x, (bool, np.bool_)) else f"{float(x) + 0.0:.4g}"
    return f"−{text[1:]}" if text.startswith("-") else text


def constant(x: Any) -> Text:
    """A number, or dots for an array that nobody named.

    >>> constant(-2.0), constant(np.zeros(3))
    (('−2', 3), ('…', 9))
    """
    if np.ndim(x):
        return "…", ATOM
    return number(x), ATOM if x >= 0 else 3


def written(op: Op, parts: Sequence[Text], settings: Mapping[str, Any], *, scalar: bool) -> Text:
    """The operation's sign between its operands, or its name before them.

    >>> import tinygrad_edu as tg
    >>> written(tg.multiply, [("a + b", 1), ("c", ATOM)], {}, scalar=True)
    ('(a + b) · c', 2)
    """
    sign = op.label or op.name
    if sign in _INFIX and len(parts) == 2:
        return infix("·" if sign == "*" and scalar else sign, *parts)
    if op.name == "negative":
        return f"−{bracketed(parts[0], 3)}", 1
    if op.name == "transpose":
        return f"{bracketed(parts[0], ATOM)}ᵀ", ATOM
    told = [f"{k}={v}" for k, v in settings.items() if k == "axis" and v is not None]
    return f"{sign}({', '.join([*(text for text, _ in parts), *told])})", ATOM


def infix(sign: str, left: Text, right: Text) -> Text:
    """Two texts around a sign, in brackets where they bind more loosely than it does.

    >>> infix("−", ("a", ATOM), ("b − c", 1))
    ('a − (b − c)', 1)
    """
    strength = _INFIX["*" if sign == "·" else sign]
    one, other = bracketed(left, strength), bracketed(right, strength + (sign in ("−", "/", "@")))
    return (f"{one}^{other}" if sign == "**" else f"{one} {sign} {other}"), strength


def bracketed(text: Text, needed: int) -> str:
    """The text, in brackets where it binds more loosely than needed.

    >>> bracketed(("a + b", 1), 2), bracketed(("a", ATOM), 2)
    ('(a + b)', 'a')
    """
    return text[0] if text[1] >= needed else f"({text[0]})"
