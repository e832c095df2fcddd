"""The shortest form of a formula: simplified by SymPy, values by their names, without needless guards."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from tinygrad_edu.derivation.fractions import Form, fraction_of, is_monomial
from tinygrad_edu.expression.node import Node

_TOO_LONG_TO_FACTOR = 24
_TOO_MANY_LETTERS = 7
_TOO_MANY_TERMS = 100
"""Factoring polynomials takes exponential time in both."""


class Guard(NamedTuple):
    """``where(tested == at, 1, inside)``: where ``tested`` is ``at`` the whole term vanishes, 0/0 or not."""

    tested: Form
    at: Form
    inside: Form


class Shortener:
    """Looks for shorter forms.

    Args:
        sympy: the module.
        meaning: what the letters stand for.
        m: the number of examples, which counts for little.
        patience: operations beyond which a formula is left as it is; simplifying takes more than linear time.
    """

    def __init__(self, sympy: Any, meaning: Mapping[Form, Node], m: Node, patience: int) -> None:
        self.sympy = sympy
        self.m = m
        self.patience = patience
        self.meaning = meaning
        self.guards: dict[Form, Guard] = {}
        self._found: dict[tuple[Form, bool], Form] = {}
        self._values: dict[Form, list[tuple[Form, Form]]] = defaultdict(list)

    def define(self, value: Form, form: Form) -> None:
        """A forward value of one letter, as A = 1 / (1 + e) with e for e^-Z: e can be told from A."""
        if len(form.free_symbols) == 1:
            (letter,) = form.free_symbols
            if form != letter and self.meaning[letter].op is not None:
                self._values[letter].append((value, form))

    def shortest(self, form: Form, *, on_paper: bool = False) -> Form:
        """The shortest of the forms of it that are tried, itself included.

        On paper 0/0 does no harm where the term vanishes, so every guard goes; in code only those do that
        nothing needs any more.
        """
        on_paper = on_paper and not self.guards.keys().isdisjoint(form.free_symbols)
        if (form, on_paper) not in self._found:
            self._found[form, on_paper] = self._shortest(form, on_paper)
        return self._found[form, on_paper]

    def _shortest(self, form: Form, on_paper: bool) -> Form:
        if form.is_Atom or form.count_ops() > self.patience:
            return form
        forms = []
        for named in (form, *self._by_name(form)):
            for other in (named, *self._unguarded(named, on_paper)):
                forms += [other, *self._rewritten(other)]
        return min(forms, key=self.measure)

    def _rewritten(self, form: Form) -> list[Form]:
        if is_monomial(form):
            return []
        if self._terms(form) > _TOO_MANY_TERMS:
            return [self.sympy.factor_terms(form)]
        try:
            return list(self._rewritings(form))
        except (self.sympy.PolynomialError, NotImplementedError):  # a power of a power is no polynomial
            return [self.sympy.expand(form)]

    def _rewritings(self, form: Form) -> Iterator[Form]:
        sympy = self.sympy
        yield sympy.factor_terms(form)
        yield sympy.expand(form)
        if any(not p.exp.is_number for p in form.atoms(sympy.Pow)):
            together = sympy.powsimp(sympy.expand(form))
            yield together
            yield sympy.cancel(sympy.together(together))
        before = self._divisions(form)
        fraction = fraction_of(sympy, form)
        cancelled = fraction.cancelled if before else form
        # -Y/A + (1-Y)/(1-A) stays as it is: one fraction is no gain unless it divides by less.
        if not before or self._divisions(cancelled) < before:
            yield cancelled
            if cancelled.count_ops() <= _TOO_LONG_TO_FACTOR and len(form.free_symbols) <= _TOO_MANY_LETTERS:
                yield fraction.factored

    def _terms(self, form: Form) -> int:
        """How many terms it has once it is multiplied out: ((x² + 1)² + 1)² is short, and has few powers."""
        if form.is_Add:
            return sum(map(self._terms, form.args))
        if form.is_Mul:
            return math.prod(map(self._terms, form.args))
        if form.is_Pow and form.exp.is_Integer:
            n = self._terms(form.base)
            return math.comb(n + abs(int(form.exp)) - 1, n - 1)
        return 1

    def _divisions(self, form: Form) -> int:
        """The number of letters in denominators that may be 0; scalars are not counted."""
        walk = self.sympy.preorder_traversal
        powers = [p for p in walk(form) if p.is_Pow and _divides(p)]
        letters = [s for p in powers for s in walk(p.base) if s.is_Symbol]
        return sum(self.meaning[s].shape != () for s in letters)

    def measure(self, form: Form) -> float:
        """The length when written: letters, numbers, and a little for each sign."""
        if form.is_Symbol:
            meaning = self.meaning[form]
            if meaning == self.m:
                return 0.3
            if meaning.is_number:
                return 0.5
            return 1 + meaning.size if meaning.op is not None else 1
        if form.is_Number:
            return 0.2 if form in (1, -1) else 1
        if form.is_Pow:
            sign = 0.6 if _divides(form) else 0.3
            return self.measure(form.base) + sign + (0 if form.exp.is_number else self.measure(form.exp))
        return sum(map(self.measure, form.args), 0.2 if form.is_Add else 0.0)

    # Values by their names

    def _by_name(self, form: Form) -> Iterator[Form]:
        """A(1 - A) for e / (1 + e)², where A = 1 / (1 + e)."""
        for letter in (known for known in self._values if known in form.free_symbols):
            for value, definition in self._values[letter]:
                with suppress(self.sympy.PolynomialError):
                    yield from self._solved(form, letter, value, definition)
                    yield from self._as_polynomial(form, letter, value, definition)

    def _solved(self, form: Form, letter: Form, value: Form, definition: Form) -> Iterator[Form]:
        """The letter as a fraction of the value, where the definition can be solved for it."""
        equation = self.sympy.Poly(self.sympy.numer(self.sympy.together(value - definition)), letter)
        if equation.degree() == 1:
            slope, rest = equation.all_coeffs()
            yield form.subs(letter, -rest / slope)

    def _as_polynomial(self, form: Form, letter: Form, value: Form, definition: Form) -> Iterator[Form]:
        """The factors of the letter as c0 + c1 A + c2 A²: the slopes of sigmoid and tanh are such."""
        sympy = self.sympy
        written_out = sympy.factor(sympy.together(form.subs(value, definition)))
        factors = sympy.Mul.make_args(written_out)
        slope = sympy.Mul(*(f for f in factors if letter in f.free_symbols))
        if slope.free_symbols != {letter}:
            return
        unknown = sympy.symbols("c:3")
        guess = sum(c * definition**k for k, c in enumerate(unknown))
        gap = sympy.Poly(sympy.numer(sympy.together(slope - guess)), letter)
        for found in sympy.linsolve(gap.all_coeffs(), unknown):
            if not found.free_symbols:
                yield written_out / slope * sum(c * value**k for k, c in enumerate(found))

    # Guards

    def _unguarded(self, form: Form, on_paper: bool) -> Iterator[Form]:
        """The form without guards that make no difference; in code, if by then nothing new is divided by."""
        free = form
        for letter, (tested, at, inside) in self.guards.items():
            if letter not in form.free_symbols:
                continue
            if letter not in self.sympy.expand(free.subs(tested, at)).free_symbols:
                free = free.subs(letter, inside)
        if free != form:
            free = min([free, *self._rewritten(free)], key=self.measure)
            if on_paper or self._divisors(free) <= self._divisors(form):
                yield free

    def _divisors(self, form: Form) -> set[Form]:
        """The factors of the denominator, without scalars."""
        below = self.sympy.Mul.make_args(self.sympy.factor(self.sympy.denom(self.sympy.together(form))))
        return {abs(f) for f in below if any(self.meaning[s].shape != () for s in f.free_symbols)}


def _divides(power: Form) -> bool:
    """Whether it is written in a denominator."""
    return bool(power.exp.is_number and power.exp < 0)
