"""What readers need to know about an operation beside its value and its rule.

Each fact is a field of :class:`~tinygrad_edu.core.op.Op`, said where the operation is defined, and tried by
the generated tests at its sample inputs. Readers look up facts, never names, so an operation under
another name, or one that somebody adds, is printed, derived, compiled and diagnosed by what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from tinygrad_edu.core.axes import AxesRule, each, ending

Group = tuple[int, ...]
"""Positions of operands: with the others held fixed, the operation is linear in these together."""

ALL: Group = (-1,)
"""The group of all operands of an operation that takes any number, as ``concatenate``."""

EACH: Group = (-2,)
"""Any one operand of an operation that takes any number, the others held fixed, as ``einsum``."""

COMPARE, OR, XOR, AND, SUM, PRODUCT, MATRIX, SIGN, POWER, ATOM = range(1, 11)
"""How tightly an operator binds, loosest first: Python's order, except that ``@`` is above ``*``. So in
``(A * B) @ C`` the brackets stay, which Python does not need and readers do."""

Kink = Callable[..., Any]
"""``(*xs, **settings)``: the distance of each entry from the nearest point without derivative."""

Axes = AxesRule | None
"""How axes go through an operation; None: unknown."""


@dataclass(frozen=True)
class Sign:
    """How an operation is written between, before or behind its operands.

    ``left`` and ``right`` are the strengths that the operands need there; one that binds more loosely is put
    in brackets. ``label`` and ``latex`` are the sign in pictures and formulas.
    """

    text: str
    strength: int
    place: Literal["infix", "prefix", "postfix"]
    left: int
    right: int
    label: str
    latex: str
    booleans: bool = False
    """Whether Python's operator stands for the operation on booleans alone, as ``&`` does."""

    @cached_property
    def function(self) -> Callable[..., Any]:
        """What Python's operator does on anything that has it: arrays, Tensors, another library's symbols.

        >>> infix("-", SUM).function(5, 2), prefix("-", SIGN).function(5)
        (3, -5)
        """
        text = {"infix": "a, b: a {} b", "prefix": "x: {}x", "postfix": "x: x{}"}[self.place]
        made: Callable[..., Any] = eval(f"lambda {text.format(self.text)}")  # noqa: S307
        return made


def infix(
    text: str,
    strength: int,
    *,
    left: int | None = None,
    right: int | None = None,
    label: str | None = None,
    latex: str | None = None,
    booleans: bool = False,
) -> Sign:
    """A sign between two operands; by default read from the left, so that ``a - (b - c)`` keeps its brackets.

    >>> infix("-", SUM).right == SUM + 1
    True
    """
    left = strength if left is None else left
    right = strength + 1 if right is None else right
    label = text if label is None else label
    return Sign(text, strength, "infix", left, right, label, text if latex is None else latex, booleans)


def prefix(text: str, strength: int, *, label: str | None = None, latex: str | None = None) -> Sign:
    """A sign before its operand."""
    label = text if label is None else label
    return Sign(text, strength, "prefix", ATOM, strength, label, text if latex is None else latex)


def postfix(text: str, strength: int, *, label: str, latex: str) -> Sign:
    """A sign behind its operand, such as ``.T``."""
    return Sign(text, strength, "postfix", ATOM, ATOM, label, latex)


OF_KIND: Mapping[str, Mapping[str, Any]] = {
    "elementwise": {"rounding": 4.0, "axes": each},
    "movement": {"linear": ((0,),), "moves": True, "rounding": 0.0},
    "indexing": {"linear": ((0,),), "moves": True, "rounding": 0.0},
    "reduction": {"rounding": 1.0, "axes": ending()},
    "contraction": {"linear": ((0,), (1,)), "rounding": 1.0},
}
"""The facts that hold for all operations of a kind."""
