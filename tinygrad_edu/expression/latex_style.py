r"""LaTeX, from the template and the sign that each operation carries: ``W^{[2]\top} \, dZ^{[2]}``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.core.axes import positions
from tinygrad_edu.core.facts import ATOM, COMPARE, MATRIX, POWER, PRODUCT, SIGN, SUM, Sign
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.notation import letter
from tinygrad_edu.expression.numpy_style import index_text
from tinygrad_edu.expression.shapes import defaults_of
from tinygrad_edu.expression.writer import STYLES, Style, Text
from tinygrad_edu.ops.reduction.sums_and_extrema import broadcast_axes

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

_CLOSED = (
    ("{", "}"), ("(", ")"), ("[", "]"), (r"\left|", r"\right"), (r"\left\|", r"\right"),
    (r"\lfloor", r"\rfloor"), (r"\lceil", r"\rceil"),
)  # fmt: skip
_LOW = re.compile(r"(?:[\w\s+\-.]|\\,|\^\{?\w\}?)+")
"""Names, numbers and simple powers: no taller than a bracket."""
_BIG = re.compile(r"\\(sum|prod)(\{settings\}|_\{.*\}\^\{.*\}) \{\w+\}")

_LAYER = re.compile(r"[^{}^]*\^\{(\[[^{}]*\])\}")
"""The name of a layer's matrix: ``W^{[1]}``."""
_SUM_IN_BRACKETS = re.compile(r"\w\([^()]*[+-][^()]*\)$")
"""A function of more than its operand, as ``log(1 + x)``, whose square would have two readings."""


class LaTeX(Style):
    """Formulas. ``letters`` has the names that are written otherwise than :func:`letter` has them."""

    brackets = (r"\left(", r"\right)")
    board = ("board", "columns")

    def __init__(self, letters: Mapping[str, str] | None = None) -> None:
        self.letters = letters or {}

    def name(self, node: Node) -> Text:
        """As a textbook prints it."""
        text = self.letters.get(node.called) or letter(node.called, len(node.shape))
        return Text(text, POWER if "^" in text else ATOM, node.shape, node.dtype)

    def number(self, value: Any) -> Text:
        """To six digits where they say it, else as a root, or to as many as give it back to 1e-12."""
        if not np.isfinite(value):
            return Text({"nan": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}[repr(float(value))])
        written = (f"{float(value):.{digits}g}" for digits in range(6, 18))
        text = next(t for t in written if abs(float(t) - float(value)) <= 1e-12 * abs(float(value)))
        square = round(float(value) ** 2) if len(text) > 10 and 0 < value < 100 else 0
        if square and abs(float(value) ** 2 - square) <= 1e-12 * square:
            return Text(rf"\sqrt{{{square}}}")
        if "e" in text:
            first, power = text.split("e")
            raised = f"10^{{{int(power)}}}"
            if first in ("1", "-1"):
                return Text(f"{first[:-1]}{raised}", SIGN if first == "-1" else POWER)
            return Text(rf"{first} \cdot {raised}", PRODUCT)
        return Text(text, SIGN if text.startswith("-") else ATOM)

    def array(self, node: Node) -> Text:
        """By its shape."""
        return Text(r"\left[" + r" \times ".join(map(str, node.shape)) + r"\right]")

    def own(
        self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any], shape: tuple[int, ...]
    ) -> Text | None:
        """Fractions, powers, and what need not be written. A number that fills an array is times ones."""
        if op.silent:
            (x,) = operands
            if x.shape or not shape or not x.text.lstrip("-")[:1].isdigit():
                return x if "order" not in settings else None
            sizes = r" \times ".join(map(str, shape))
            ones = rf"\mathbf{{1}}_{{{sizes}}}"
            return Text(ones, POWER) if x.text == "1" else Text(rf"{x.text} \, {ones}", PRODUCT)
        if op.sign is None:
            return None
        if op.sign.latex == r"\frac":
            return self._fraction(*operands)
        if op.sign.latex == "^":
            return Text(f"{self._base(operands[0])}^{{{operands[1].text}}}", POWER)
        return None

    def _base(self, text: Text) -> str:
        """What is raised, in brackets that grow only where it is taller than they are: ``(a^{b})^{c}``."""
        if text.binds < ATOM and _LOW.fullmatch(text.text):
            return f"({text.text})"
        return self.bracketed(text, ATOM)

    def _fraction(self, above: Text, below: Text) -> Text:
        minus = "-" if above.text.startswith("-") and above.binds > SUM else ""
        text = above.text[len(minus) :]
        if not below.shape and (above.shape or above.trailing):  # a scalar stands in front
            front = Text(
                text, above.binds if not minus else max(above.binds, PRODUCT), trailing=above.trailing
            )
            factor = self.bracketed(front, PRODUCT)
            return Text(
                rf"{minus}\frac{{1}}{{{below.text}}} {factor}",
                PRODUCT,
                trailing=factor == text and above.trailing,
            )
        return Text(rf"{minus}\frac{{{text}}}{{{below.text}}}", SIGN if minus else POWER)

    def signed(self, sign: Sign, operands: Sequence[Text]) -> Text:
        r"""Comparisons stand in square brackets; ``W^{[1]}`` takes a ⊤ into its own superscript."""
        if sign.place == "postfix" and not sign.latex[2:3].isdigit():
            (x,) = operands
            if x.binds == POWER and _LAYER.fullmatch(x.text):
                return Text(f"{x.text[:-1]}{sign.latex[2:]}", POWER)
        if sign.latex == r"\odot" and all(x.shape for x in operands):  # A B ⊙ C would have two readings
            operands = [replace(x, binds=SUM) if x.binds == MATRIX else x for x in operands]
        text = super().signed(sign, operands)
        if sign.place == "postfix":  # a superscript takes no other one
            return Text(text.text, POWER)
        return Text(rf"\left[{text}\right]") if sign.strength == COMPARE else text

    def sign(self, sign: Sign, operands: Sequence[Text]) -> str:
        """⊙ between arrays, a thin space or a dot beside a scalar; a thin space in a matrix product."""
        if sign.place != "infix":
            return sign.latex
        if not sign.latex:
            return r" \, "
        if sign.latex == r"\odot" and not all(x.shape for x in operands):
            right = operands[1].text
            return (
                r" \cdot "
                if right[:1].isdigit()
                or (right.startswith((r"\frac{", "-")) and operands[0].text[-1:].isdigit())
                else r" \, "
            )
        return f" {sign.latex} "

    # Templates

    def call(self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any]) -> Text:
        """The operation's template, with brackets around operands that it does not enclose."""
        template = op.latex
        fields = dict(zip(op.parameters, operands, strict=False))
        filled = {name: self._operand(template, name, text) for name, text in fields.items()}
        if op.variadic:
            filled = {op.parameters[0]: ", ".join(x.text for x in operands)}
        values = {
            k: self.number(v).text if isinstance(v, (int, float)) else str(v) for k, v in settings.items()
        }
        needed = {field for _, field, _, _ in Formatter().parse(template) if field}
        said = _settings(settings, operands, template) if "settings" in needed else ""
        defaults = {k: v for k, v in defaults_of(op).items() if k in needed}
        text = template.format(**{**defaults, **values, **filled, "settings": said})
        binds, trailing = _strength(template, text)
        return Text(text, binds, trailing=trailing)

    def _operand(self, template: str, name: str, text: Text) -> str:
        before, _, after = template.partition(f"{{{name}}}")
        before, after = before.replace("{{", "{").rstrip(), after.replace("}}", "}").lstrip()
        if any(before.endswith(left) and after.startswith(right) for left, right in _CLOSED):
            return text.text
        if after.startswith(", ") or before.endswith(","):
            return text.text
        powered = text.binds == POWER and "^" in text.text and not _LAYER.fullmatch(text.text)
        if after.startswith("^") or (after.startswith("_") and ("_" in text.text or powered)):
            return self.bracketed(text, ATOM if text.binds == POWER or after.startswith("^") else ATOM + 1)
        if _BIG.search(template):
            return self.bracketed(text, PRODUCT)
        raised = text.text.startswith(("(", self.brackets[0]))  # sin (a + b)² would have two readings
        return self.bracketed(text, ATOM + 1 if raised and text.binds == POWER else POWER)


def _strength(template: str, text: str) -> tuple[int, bool]:
    """How tightly the filled template binds, by how it ends; and whether it takes along what follows."""
    if re.search(r"(?<!\{)\{\w+\}$", template.removesuffix("{settings}")):
        return POWER, True
    if re.search(r"[\^_](\w|\\\w+|\{\{.*\}\})$|_\{\{.*\}\}$", template):
        return POWER, False
    if template.startswith((r"\frac", r"\begin")) or _SUM_IN_BRACKETS.search(template):
        return POWER, False
    closed = text.endswith((")", "]", r"\right|", r"\right\|", r"\rfloor", r"\rceil", "}"))
    return (ATOM, False) if closed else (POWER, True)


def _settings(settings: Mapping[str, Any], operands: Sequence[Text], template: str) -> str:
    ndim = len(operands[0].shape)
    if set(settings) <= {"axis", "keepdims"}:
        said = _over(settings.get("axis"), ndim)
    elif set(settings) == {"shape"}:
        said = _over(broadcast_axes(operands[0].shape, settings["shape"]), ndim)
    else:
        told = ", ".join(
            index_text(v).replace("np.", "") if k == "index" else f"{k}={v}" for k, v in settings.items()
        )
        said = rf"\mathtt{{{told.replace('_', chr(92) + '_')}}}"
    return said if re.search(r"_\{\{\{settings\}", template) else f"_{{{said}}}" * bool(said)


def _over(axis: Any, ndim: int) -> str:
    """Which entries are taken together, in words where it is a matrix: axis 1 runs over the columns."""
    axes = positions(axis, ndim)
    if not axes or len(axes) == ndim:
        return ""
    if ndim == 2:
        return r"\mathrm{columns}" if axes == (1,) else r"\mathrm{rows}"
    return rf"\mathrm{{axis}}\,{', '.join(map(str, axes))}"


def aligned(formulas: Iterable[str]) -> str:
    r"""Formulas in lines, aligned at their first equals sign.

    >>> print(aligned(["u = bc", "v = a + u"]))
    \begin{aligned}
    u &= bc \\
    v &= a + u
    \end{aligned}
    """
    lines = (" &= ".join(formula.split(" = ", 1)) for formula in formulas)
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


STYLES["latex"] = LaTeX()
