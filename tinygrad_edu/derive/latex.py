"""Formulas as LaTeX, from the template that each operation carries."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

import numpy as np

from tinygrad_edu.derive.expression import Applied, Constant, Expression, Number, Quantity, guard_of
from tinygrad_edu.derive.notation import letter

__all__ = ["Letters", "aligned", "latex"]

Letters = Mapping[str, str]
"""How the quantities are written that are not written as their name."""

# How tightly a text binds; a prefix (log x, a sum) takes what follows it along, so not as a left factor.
COMPARE, SUM, PRODUCT, PREFIX, FRACTION, RAISED, ATOM = range(7)

_SIGNS = {"add": "+", "subtract": "-"}
_COMPARES = {
    "greater": ">",
    "greater_equal": r"\ge",
    "less": "<",
    "less_equal": r"\le",
    "equal": "=",
    "not_equal": r"\ne",
}
_CLOSED = (
    ("{", "}"),
    ("(", ")"),
    ("[", "]"),
    (r"\left|", r"\right"),
    (r"\lfloor", r"\rfloor"),
    (r"\lceil", r"\rceil"),
)
_BIG = re.compile(r"\\(sum|prod|operatorname\{\{(mean|cumsum|cumprod)\}\})\{settings\} \{\w+\}")

Text = tuple[str, int]


def latex(expression: Expression, letters: Letters | None = None) -> str:
    r"""The expression as LaTeX.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.derive.expression import applied
    >>> Y, A, m = Quantity("Y", (1, 5)), Quantity("A1", (1, 5)), Quantity("m")
    >>> print(latex(applied("divide", applied("subtract", A, Y), m)))
    \frac{1}{m} \left(A^{[1]} - Y\right)
    """
    return _text(expression, letters or {})[0]


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


def _text(e: Expression, letters: Letters) -> Text:
    if isinstance(e, Quantity):
        text = letters.get(e.name) or letter(e.name, len(e.shape))
        return text, RAISED if "^" in text else ATOM
    if isinstance(e, Number):
        return _number(e.value)
    if isinstance(e, Constant):
        return r"\left[" + r" \times ".join(map(str, e.shape)) + r"\right]", ATOM
    own = _OWN.get(e.op.name)
    found = own(e, letters) if own is not None else None
    return found or _templated(e, letters)


def _number(value: float) -> Text:
    if not np.isfinite(value):
        return {"nan": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}[repr(float(value))], ATOM
    text = f"{value:.6g}"
    if "e" in text:
        digits, power = text.split("e")
        text = rf"{digits} \cdot 10^{{{int(power)}}}"
        return text, PRODUCT if value >= 0 else SUM
    return text, ATOM if value >= 0 else SUM


def _bracketed(text: Text, needed: int) -> str:
    return text[0] if text[1] >= needed else rf"\left({text[0]}\right)"


# Operations with a form of their own: each gives None where the template is right.


def _sum(e: Applied, letters: Letters) -> Text:
    left, right = (_text(a, letters) for a in e.args)
    subtracts = e.op.name == "subtract"
    return f"{_bracketed(left, SUM)} {_SIGNS[e.op.name]} {_bracketed(right, SUM + subtracts)}", SUM


def _product(e: Applied, letters: Letters) -> Text:
    left, right = (_text(a, letters) for a in e.args)
    signed = left[0].startswith("-") and not _is_sum(e.args[0])  # a sign in front of all needs no brackets
    one = left[0] if signed else _bracketed(left, FRACTION if left[1] == PREFIX else PRODUCT)
    other = _bracketed(right, PRODUCT)
    if all(a.shape for a in e.args):
        sign = r" \odot "
    else:
        sign = r" \cdot " if isinstance(e.args[1], Number) or other[:1].isdigit() else r" \, "
    return f"{one}{sign}{other}", SUM if signed else PRODUCT


def _is_sum(e: Expression) -> bool:
    return isinstance(e, Applied) and e.op.name in _SIGNS


def _quotient(e: Applied, letters: Letters) -> Text:
    above, below = e.args
    top, bottom = _text(above, letters), _text(below, letters)[0]
    signed = top[0].startswith("-") and not _is_sum(above)
    sign, text = ("-", (top[0][1:], PRODUCT)) if signed else ("", top)
    if not below.shape and (above.shape or top[1] == PREFIX):  # a scalar stands in front
        return rf"{sign}\frac{{1}}{{{bottom}}} {_bracketed(text, PRODUCT)}", SUM if sign else PRODUCT
    return rf"{sign}\frac{{{text[0]}}}{{{bottom}}}", SUM if sign else FRACTION


def _negative(e: Applied, letters: Letters) -> Text:
    return f"-{_bracketed(_text(e.args[0], letters), PRODUCT)}", SUM


def _comparison(e: Applied, letters: Letters) -> Text:
    left, right = (_bracketed(_text(a, letters), SUM) for a in e.args)
    return rf"\left[{left} {_COMPARES[e.op.name]} {right}\right]", ATOM


def _raised(e: Applied, letters: Letters) -> Text:
    exponent = _text(e.args[1], letters)[0] if len(e.args) == 2 else "2"
    return f"{_bracketed(_text(e.args[0], letters), ATOM)}^{{{exponent}}}", RAISED


def _transposed(e: Applied, letters: Letters) -> Text | None:
    if e.key and len(e.shape) > 2:
        return rf"{_bracketed(_text(e.args[0], letters), ATOM)}^{{\top({e.key})}}", RAISED
    text, binds = _text(e.args[0], letters)
    if isinstance(e.args[0], Quantity) and text.endswith("}") and "^{" in text:
        return rf"{text[:-1]}\top}}", RAISED
    return rf"{_bracketed((text, binds), ATOM)}^{{\top}}", RAISED


def _guarded(e: Applied, letters: Letters) -> Text | None:
    """What a guard keeps from 0 is written bare: where it is 0 the term vanishes."""
    guard = guard_of(e)
    return _text(guard[2], letters) if guard is not None else None


def _as_it_is(e: Applied, letters: Letters) -> Text:
    return _text(e.args[0], letters)


def _matrix_product(e: Applied, letters: Letters) -> Text:
    left, right = (_text(a, letters) for a in e.args)
    one = _bracketed(left, FRACTION if left[1] == PREFIX else PRODUCT)
    factor = isinstance(e.args[1], Applied) and e.args[1].op.name == "multiply"
    return rf"{one} \, {_bracketed(right, FRACTION if factor else PRODUCT)}", PRODUCT


_OWN: dict[str, Any] = {
    "add": _sum,
    "subtract": _sum,
    "multiply": _product,
    "divide": _quotient,
    "negative": _negative,
    "matmul": _matrix_product,
    "power": _raised,
    "square": _raised,
    "transpose": _transposed,
    "where": _guarded,
    "broadcast_to": _as_it_is,
    "astype": _as_it_is,
    **dict.fromkeys(_COMPARES, _comparison),
}


# All others


def _templated(e: Applied, letters: Letters) -> Text:
    """The operation's template, with brackets around operands that it does not enclose."""
    template = e.op.latex
    texts = [_text(a, letters) for a in e.args]
    fields = dict(zip(e.op.parameters, texts, strict=False))
    filled = {name: _operand(template, name, text) for name, text in fields.items()}
    if e.op.variadic:
        filled = {e.op.parameters[0]: ", ".join(text for text, _ in texts)}
    values = {
        name: _number(v)[0] if isinstance(v, (int, float)) else str(v) for name, v in e.settings.items()
    }
    needed = {field for _, field, _, _ in Formatter().parse(template) if field}
    settings = _settings(e, template) if "settings" in needed else ""
    signature = inspect.signature(e.op.forward).parameters
    defaults = {name: signature[name].default for name in needed & set(e.op.settings)}
    text = template.format(**{**defaults, **values, **filled, "settings": settings})
    return text, _strength(template, text)


def _strength(template: str, text: str) -> int:
    """How tightly the filled template binds, by how it ends: log x takes along what follows."""
    if re.search(r"(?<!\{)\{\w+\}$", template):
        return PREFIX
    if re.search(r"[\^_](\w|\\\w+|\{\{.*\}\})$|_\{\{.*\}\}$", template):
        return RAISED
    return ATOM if text.endswith((")", "]", r"\right|", r"\rfloor", r"\rceil", "}")) else PREFIX


def _operand(template: str, name: str, text: Text) -> str:
    before, _, after = template.partition(f"{{{name}}}")
    before, after = before.replace("{{", "{").rstrip(), after.replace("}}", "}").lstrip()
    if any(before.endswith(left) and after.startswith(right) for left, right in _CLOSED):
        return text[0]
    if after.startswith(", ") or before.endswith(","):
        return text[0]
    if after.startswith("^") or (after.startswith("_") and "_" in text[0]):
        return (
            _bracketed(text, ATOM)
            if text[1] == RAISED or after.startswith("^")
            else rf"\left({text[0]}\right)"
        )
    return _bracketed(text, PRODUCT if _BIG.search(template) else RAISED)


def _settings(e: Applied, template: str) -> str:
    axis = e.settings.get("axis")
    if set(e.settings) <= {"axis", "keepdims", "shape"}:
        told = _over(axis, len(e.args[0].shape))
        if e.op.name == "sum_to":
            told = _over(_repeated(e), len(e.args[0].shape))
    else:
        told = rf"\mathtt{{{e.key.replace('_', chr(92) + '_')}}}"
    return told if re.search(r"_\{\{\{settings\}", template) else f"_{{{told}}}" * bool(told)


def _repeated(e: Applied) -> tuple[int, ...]:
    wide, narrow = e.args[0].shape, e.shape
    lead = len(wide) - len(narrow)
    return (*range(lead), *(lead + k for k, n in enumerate(narrow) if n == 1 and wide[lead + k] != 1))


def _over(axis: Any, ndim: int) -> str:
    """Which entries are taken together, in words where it is a matrix: axis 1 runs over the columns."""
    axes = [a % max(ndim, 1) for a in (axis if isinstance(axis, tuple) else () if axis is None else (axis,))]
    if not axes or len(axes) == ndim:
        return ""
    if ndim == 2:
        return r"\mathrm{columns}" if axes == [1] else r"\mathrm{rows}"
    return rf"\mathrm{{axis}}\,{', '.join(map(str, axes))}"
