"""Mathematics in one line of text, for pictures and terminals: ``A * (B @ C)``, ``−y / x``, ``Kᵀ``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.core.facts import ATOM, COMPARE, POWER, SIGN, SUM, Sign
from tinygrad_edu.expression.named_settings import Held, held, replaced_in
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.numpy_style import counts_up, index_text
from tinygrad_edu.expression.writer import STYLES, Style, Text

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

_ALL_DIGITS = 1e6  # below which a number that would be rounded to a whole one keeps its digits
_FEW = 4  # entries of an index array that are written out
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_OPEN = re.compile(
    r"[^\W\d]\w*[′'*]?(\[[^\[\]]*\]|\([^()]*\)|\^\{[^{}]*\}|_\{[^{}]*\})*|⟦[^⟧]*⟧|[①-⑩]|\(\d+\)"
)
"""A letter with what belongs to it, a place that is kept for a number, or the mark of what has no name."""


class Label(Style):
    """Plain text with Unicode.

    Args:
        called: what to write for a name that has another one here.
        unsaid: whether broadcasts and reshapes are left out, as in the backward pass.
    """

    board = ("board",)

    def __init__(self, called: Callable[[Node], str | None] | None = None, *, unsaid: bool = True) -> None:
        self.called, self.unsaid = called, unsaid

    def name(self, node: Node) -> Text:
        """As it is; one that is a formula itself gets brackets where it is an operand."""
        text = (self.called and self.called(node)) or node.called
        binds = ATOM if _OPEN.fullmatch(text) else POWER if re.fullmatch(r"\S+", text) else 0
        return Text(text, binds, node.shape, node.dtype)

    def number(self, value: Any) -> Text:
        """To four digits."""
        text = digits(value)
        if text.lstrip("−").isdecimal() and abs(value) < _ALL_DIGITS:  # 1 - 1e-8 is not to become 1
            text = f"{value:.12g}".replace("-", "−", 1)
        return Text(text, SIGN if text.startswith("−") else ATOM)

    def array(self, node: Node) -> Text:
        """By its shape."""
        return Text(f"[{'×'.join(map(str, node.shape))}]")

    def own(
        self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any], shape: tuple[int, ...]
    ) -> Text | None:
        """Broadcasts and casts are left out, but not where a number becomes an array. Powers are raised."""
        if op.silent:
            (x,) = operands
            if x.shape or not shape or not re.match(r"−?\d", x.text):
                return x if self.unsaid or op.source in (None, "{x}") else None
            ones = f"ones({'×'.join(map(str, shape))})"
            return Text(ones) if x.text == "1" else Text(f"{x} · {ones}", SUM + 1)
        if op.sign is not None and op.sign.label == "^" and re.fullmatch(r"\d+", operands[1].text):
            return Text(self.bracketed(operands[0], ATOM) + operands[1].text.translate(_RAISED), POWER)
        if "index" in settings and op.source is not None:
            return Text(f"{operands[0].subject}[{index_text(replaced_in(settings['index'], _brief))}]")
        return None

    def signed(self, sign: Sign, operands: Sequence[Text]) -> Text:
        """Comparisons stand in square brackets: 1 where true, else 0."""
        text = super().signed(sign, operands)
        return Text(f"[{text}]") if sign.strength == COMPARE else text

    def sign(self, sign: Sign, operands: Sequence[Text]) -> str:
        """A dot where a number or scalar is a factor."""
        text = sign.label
        if text == "*" and any(x.shape == () for x in operands):
            text = "·"
        return f" {text} " if sign.place == "infix" and sign.strength < SIGN else text

    def call(self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any]) -> Text:
        """The operation's label, around its operand where it names it: ``|x|``."""
        label = op.label or op.name
        place = rf"(?<![^\W_]){re.escape(op.parameters[0])}(?![^\W_])"  # |x|, but not the x of "max pool"
        said = [f"{k}={v}" for k, v in settings.items() if k == "axis" and v is not None]
        if len(operands) == 1 and not label.isidentifier() and re.search(place, label):
            if set(settings) <= {"keepdims"}:
                return Text(re.sub(place, lambda _: operands[0].text, label))
            label, said = op.name, [f"{k}={v}" for k, v in settings.items() if k != "keepdims"]
        return Text(f"{label}({', '.join([*map(str, operands), *said])})")


def _brief(part: Any) -> Any:
    """An index array without a name by a few entries."""
    if not isinstance(part, np.ndarray) or counts_up(part) or (isinstance(part, Held) and part.called):
        return part
    entries = [str(entry) for entry in part.ravel()]
    if len(entries) > _FEW:
        entries[_FEW - 1 : -1] = ["…"]
    return held(part, f"[{' '.join(entries)}]", given=False)


def digits(x: Any) -> str:
    """Four significant digits, with a real minus sign, and none before 0.

    >>> digits(33.0), digits(-0.6931471), digits(2e-7), digits(-0.0), digits(True)
    ('33', '−0.6931', '2e-07', '0', 'True')
    """
    text = str(x) if isinstance(x, (bool, np.bool_)) else f"{float(x) + 0.0:.4g}"
    return f"−{text[1:]}" if text.startswith("-") else text


STYLES["label"] = Label()
