"""From SymPy's forms back to formulas, in the order of a textbook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

from tinygrad_edu.derivation.context import Surroundings
from tinygrad_edu.derivation.fractions import Form
from tinygrad_edu.expression.arithmetic import (
    ABSOLUTE,
    ADD,
    DIVIDE,
    MULTIPLY,
    NEGATIVE,
    POWER,
    SQUARE,
    SUBTRACT,
    plain,
)
from tinygrad_edu.expression.node import Node, applied
from tinygrad_edu.expression.walk import quantities


def read(sympy: Any, form: Form, meaning: Mapping[Form, Node], given: Surroundings) -> Node:
    """The expression that a SymPy form stands for."""
    return _Reader(sympy, meaning, given).read(form)


def _as_number(e: Node) -> Node:
    """1 and 0 for True and False, which NumPy neither adds up nor takes the negative of."""
    return applied(MULTIPLY, plain(1), e) if e.dtype.kind == "b" else e


def _times(a: Node, b: Node) -> Node:
    return applied(MULTIPLY, a, b)


def _numbers_together(factors: list[Node]) -> list[Node]:
    """Numbers that SymPy had as letters, so that rounding left them alone, as one number in front."""
    product = math.prod(f.value for f in factors if f.is_number)
    others: list[Node] = [f for f in factors if not f.is_number]
    return others if product == 1 and others else [plain(product), *others]


def _is_negative(form: Form) -> bool:
    return bool(form.as_coeff_Mul()[0] < 0)


def _turned(form: Form) -> bool:
    """A - 1, which reads better as 1 - A."""
    return form.is_Add and any(t.is_Number and t < 0 for t in form.args)


class _Reader:
    def __init__(self, sympy: Any, meaning: Mapping[Form, Node], given: Surroundings) -> None:
        self.sympy = sympy
        self.meaning = meaning
        self.given = given
        self.age = {letter: k for k, letter in enumerate(meaning)}

    def read(self, form: Form) -> Node:
        if form.is_Symbol:
            return self.meaning[form]
        if form.is_Number:
            return plain(int(form) if form.is_Integer else float(form))
        if form.is_Add:
            return self._sum(form)
        if form.is_Mul or (form.is_Pow and form.exp.is_number and _is_negative(form.exp)):
            return self._product(form)
        if form.func == self.sympy.Abs:
            return applied(ABSOLUTE, self.read(form.args[0]))
        assert form.is_Pow, form
        if form.exp == 2:
            return applied(SQUARE, self.read(form.base))
        return applied(POWER, self.read(form.base), self.read(form.exp))

    def _sum(self, form: Form) -> Node:
        """The terms of a sum: those that are added first, numbers before the rest: 1 - A."""
        content, rest = form.as_content_primitive()
        if content != 1 and rest.is_Add and all(abs(t.as_coeff_Mul()[0]) == 1 for t in rest.args):
            return self._times_a_number(content, self.read(rest))
        terms = sorted(form.args, key=lambda t: (_is_negative(t), not t.is_Number, self._place(t)))
        first, *others = [self.read(-t if _is_negative(t) and t is not terms[0] else t) for t in terms]
        total = _as_number(first) if all(x.dtype.kind == "b" for x in (first, *others)) else first
        for term, x in zip(terms[1:], others, strict=True):
            total = applied(SUBTRACT if _is_negative(term) else ADD, total, x)
        return total

    def _product(self, form: Form) -> Node:
        above, below = self.sympy.fraction(form)
        negative = _is_negative(above)
        top, bottom = self._factors(-above if negative else above), self._factors(below)
        negative = self._signs_taken_in(negative, top, bottom)
        factors = _numbers_together([self.read(f) for f in top])
        if negative:
            first = factors[0]
            factors[0] = plain(-first.value) if first.is_number else applied(NEGATIVE, _as_number(first))
        product = reduce(_times, factors)
        return product if below == 1 else applied(DIVIDE, product, reduce(_times, map(self.read, bottom)))

    def _times_a_number(self, number: Form, expression: Node) -> Node:
        """2 (A - Y), (A - Y) / 2."""
        above, below = map(int, self.sympy.fraction(number))
        product = expression if above == 1 else _times(plain(above), expression)
        return product if below == 1 else applied(DIVIDE, product, plain(below))

    def _factors(self, form: Form) -> list[Form]:
        """The factors in order, numbers first."""
        factors = sorted(self.sympy.Mul.make_args(form), key=lambda f: (not f.is_Number, self._place(f)))
        return [f for f in factors if f != 1] or [self.sympy.S.One]

    def _signs_taken_in(self, negative: bool, top: list[Form], bottom: list[Form]) -> bool:
        """Signs taken into differences: (1 - A) for -(A - 1), and for two of them. Whether one is left."""
        places = [(factors, k) for factors in (top, bottom) for k, f in enumerate(factors) if _turned(f)]
        if len(places) % 2 != negative and not top[0].is_Number:
            spare = [
                k for k, f in enumerate(top) if f.is_Add and any(map(_is_negative, f.args)) and not _turned(f)
            ]
            places += [(top, k) for k in spare[:1]]
        if len(places) % 2 != negative:
            places = places[:-1]
        for factors, k in places:
            factors[k] = -factors[k]
        return negative != (len(places) % 2 == 1)

    def _place(self, form: Form) -> tuple[int, int, bool]:
        """Scalars first, gradients next, then the others as they came up."""
        letters = form.free_symbols
        if not letters:
            return 0, 0, False
        meanings = [self.meaning[letter] for letter in letters]
        holds_gradient = any(q.called in self.given.gradients for e in meanings for q in quantities(e))
        scalar = all(e.shape == () and e.is_name for e in meanings)
        rank = 1 if holds_gradient else 0 if scalar else 2
        return rank, min(self.age[letter] for letter in letters), form.is_Add
