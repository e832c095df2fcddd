"""LaTeX of scalar arithmetic read by SymPy: a small reader of its own, which knows nothing of the writer.

SymPy's own reader of LaTeX needs a library that is no dependency of anything here. This one turns what a page
shows into SymPy's input by the rules of a page: juxtaposition multiplies, a function takes the next atom.
"""

from __future__ import annotations

import re

import sympy

_TOKEN = re.compile(
    r"\\left\(|\\right\)|\\left\||\\right\||\\frac|\\sqrt|\\[a-zA-Z]+|\\,|\d+(?:\.\d+)?|[a-zA-Z]|[-+^{}()\[\]=<>|*/_]"
)
_FUNCTIONS = {r"\log": sympy.log, r"\tanh": sympy.tanh}


class _Reader:
    def __init__(self, text: str, values: dict[str, sympy.Expr]) -> None:
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens).replace(" ", "") == text.replace(" ", ""), text
        self.values = values
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        assert wanted is None or token == wanted, (token, wanted)
        self.place += 1
        return token

    def sum(self) -> sympy.Expr:
        total = -self.product() if self.peek() == "-" and self.take() else self.product()
        while self.peek() in ("+", "-"):
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self) -> sympy.Expr:
        total = self.power()
        while self.peek() not in ("", "+", "-", "}", ")", r"\right)", r"\right|"):
            if self.peek() in (r"\,", r"\cdot"):
                self.take()
            total = total * self.power()
        return total

    def power(self) -> sympy.Expr:
        base = self.atom()
        if self.peek() == "^":
            self.take()
            return base ** self.group()
        return base

    def group(self) -> sympy.Expr:
        self.take("{")
        inside = self.sum()
        self.take("}")
        return inside

    def atom(self) -> sympy.Expr:
        token = self.take()
        if token in (r"\left(", "("):
            inside = self.sum()
            self.take(r"\right)" if token == r"\left(" else ")")
            return inside
        if token == r"\left|":
            inside = self.sum()
            self.take(r"\right|")
            return sympy.Abs(inside)
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return sympy.sqrt(self.group())
        if token in _FUNCTIONS:
            return _FUNCTIONS[token](self.power())
        if token == "e":
            return sympy.E
        return self.values[token] if token in self.values else sympy.Float(token, 30)


def read_latex(text: str, values: dict[str, sympy.Expr]) -> sympy.Expr:
    """The value of a scalar formula, to 30 digits, for those values of its letters."""
    reader = _Reader(text, values)
    found = reader.sum()
    assert reader.place == len(reader.tokens), text
    return found.evalf(30)
