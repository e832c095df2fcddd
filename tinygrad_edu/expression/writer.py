"""The one writer: an expression in a style, its brackets placed by how tightly each sign binds.

A style says how names, numbers and calls look. Where a sign stands and which operands need brackets is said
here, from the operation's own facts, for all of them alike: so pictures, formulas and source cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.core.facts import ATOM, MATRIX, PRODUCT, SUM, Sign
from tinygrad_edu.expression.book import Good, rewritten
from tinygrad_edu.expression.node import FLOAT, Node
from tinygrad_edu.expression.shapes import told
from tinygrad_edu.expression.tidy import tidied
from tinygrad_edu.expression.walk import in_order

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op


@dataclass(frozen=True)
class Text:
    """Something written: how tightly it binds, and what it comes to."""

    text: str
    binds: int = ATOM
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] = FLOAT
    trailing: bool = False
    """Whether what follows would be read as part of it, as after ``log x``: it needs brackets then."""

    def __str__(self) -> str:
        return self.text

    @property
    def subject(self) -> str:
        """The text before a dot or square bracket: a number needs round ones."""
        return f"({self.text})" if self.text[:1].isdecimal() else bracketed(self, ATOM)


def bracketed(text: Text, needed: int, brackets: tuple[str, str] = ("(", ")")) -> str:
    """The text, in brackets where it binds less tightly than needed."""
    return text.text if text.binds >= needed else f"{brackets[0]}{text.text}{brackets[1]}"


class Style:
    """How expressions are written. Subclasses say how a name, a number, an array, a sign and a call look."""

    brackets: tuple[str, str] = ("(", ")")
    typed = False
    """Whether a factor of 1.0 is written for the dtype that it gives: in source, not on a board."""
    board: tuple[Good, ...] = ()
    """The identities that make mathematics of it, in which a vector is a column; none for code."""

    def written(
        self,
        op: Op,
        operands: Sequence[Text],
        settings: Mapping[str, Any],
        *,
        shape: tuple[int, ...] = (),
        dtype: np.dtype[Any] = FLOAT,
    ) -> Text:
        """An operation on operands that are written already; ``shape`` and ``dtype`` are the result's."""
        given = told(op, settings)
        found = self.own(op, operands, given, shape)
        if found is None and op.sign is not None and self.has(op.sign, operands, given):
            found = self.signed(op.sign, operands)
        if found is None:
            found = self.call(op, operands, given)
        return replace(found, shape=shape, dtype=dtype)

    def signed(self, sign: Sign, operands: Sequence[Text]) -> Text:
        """The sign with its operands, in brackets where they bind more loosely than it needs."""
        text = self.sign(sign, operands)
        if sign.place == "infix":
            left, right = operands
            one, other = self.bracketed(left, sign.left), self.bracketed(right, sign.right)
            if left.trailing and one == left.text and PRODUCT <= sign.strength <= MATRIX:
                one = self.bracketed(left, ATOM + 1)
            if sign.strength == SUM and other[:1] in ("-", "−"):  # no two signs beside each other
                other = self.bracketed(right, ATOM + 1)
            return Text(f"{one}{text}{other}", sign.strength, trailing=right.trailing and other == right.text)
        if sign.place == "prefix":
            (x,) = operands
            return Text(f"{text}{self.bracketed(x, sign.right)}", sign.strength, trailing=x.trailing)
        return Text(f"{self.bracketed(operands[0], sign.left)}{text}", sign.strength)

    def bracketed(self, text: Text, needed: int) -> str:
        """The text, in this style's brackets where it binds less tightly than needed."""
        return bracketed(text, needed, self.brackets)

    # What a style says

    def name(self, node: Node) -> Text:
        """A name."""
        return Text(node.called, ATOM, node.shape, node.dtype)

    def number(self, value: Any) -> Text:
        """A number without shape."""
        raise NotImplementedError

    def array(self, node: Node) -> Text:
        """An array that has no name."""
        raise NotImplementedError

    def own(
        self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any], shape: tuple[int, ...]
    ) -> Text | None:
        """A form that neither sign nor call gives; None where there is none."""
        raise NotImplementedError

    def has(self, sign: Sign, operands: Sequence[Text], settings: Mapping[str, Any]) -> bool:
        """Whether the sign says all of it: settings would be lost, but for the order of two axes."""
        return not settings or (sign.place == "postfix" and len(operands[0].shape) == 2)

    def sign(self, sign: Sign, operands: Sequence[Text]) -> str:
        """The sign, with the space around it."""
        raise NotImplementedError

    def call(self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any]) -> Text:
        """An operation without a sign."""
        raise NotImplementedError

    def operand(self, text: Text, node: Node, user: Node) -> Text:  # noqa: ARG002
        """An operand as its user needs it."""
        return text


STYLES: dict[str, Style] = {}
"""By name: ``label`` (pictures, terminals), ``numpy`` (source), ``latex``."""


def text_of(node: Node, style: Style) -> Text:
    """The expression as it stands, with how tightly it binds."""
    done: dict[Node, Text] = {}
    for one in in_order(node):
        if one.op is not None:
            operands = [style.operand(done[a], a, one) for a in one.args]
            done[one] = style.written(one.op, operands, one.settings, shape=one.shape, dtype=one.dtype)
        elif one.is_name:
            done[one] = style.name(one)
        else:
            text = style.array(one) if one.is_array else style.number(one.value)
            done[one] = replace(text, shape=one.shape, dtype=one.dtype)
    return done[node]


def write(node: Node, style: Style | str = "numpy") -> str:
    r"""The expression in a style: ``"label"``, ``"numpy"``, ``"latex"``, or one made with options.

    What can be written shorter without changing one bit of its value is: x for x¹ and 1 x, K for (Kᵀ)ᵀ, a -
    b for a + (-b).

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression import applied, number, quantity
    >>> A, B, C = (quantity(n, (2, 2)) for n in "ABC")
    >>> product = applied(tg.multiply, A, applied(tg.matmul, B, applied(tg.transpose, C)))
    >>> print(*(write(product, style) for style in ("numpy", "label", "latex")), sep="; ")
    A * (B @ C.T); A * (B @ Cᵀ); A \odot \left(B \, C^{\top}\right)
    """
    chosen = STYLES[style] if isinstance(style, str) else style
    shown = tidied(node, typed=chosen.typed)
    return text_of(rewritten(shown, *chosen.board) if chosen.board else shown, chosen).text
