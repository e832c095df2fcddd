"""Forms as fractions of two polynomials without a common factor, multiplied out and factored."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

Form = Any
"""A SymPy expression."""


class Fraction(Protocol):
    """A form, its common factors cancelled."""

    @property
    def cancelled(self) -> Form:
        """Both polynomials multiplied out."""

    @property
    def factored(self) -> Form:
        """Both as products."""


def fraction_of(sympy: Any, form: Form) -> Fraction:
    """The form as a fraction. Where every exponent is a whole number, SymPy's fields are faster.

    >>> import sympy
    >>> a, b = sympy.symbols("a b")
    >>> fraction = fraction_of(sympy, (a**2 - b**2) / (a - b) / 2)
    >>> fraction.cancelled, fraction.factored
    (a/2 + b/2, (a + b)/2)
    """
    try:
        return _Rational(sympy, _field(sympy, frozenset(form.free_symbols)).from_sympy(form))
    except ValueError:
        return _Other(sympy, form)


def is_monomial(form: Form) -> bool:
    """Whether it is a product of letters and numbers, and of their powers: it cannot be written shorter.

    >>> import sympy
    >>> a, b = sympy.symbols("a b")
    >>> is_monomial(-a / b**2), is_monomial(a - b), is_monomial(2**a)
    (True, False, False)
    """
    factors = [f.as_base_exp() for f in (form.args if form.is_Mul else (form,))]
    return all(base.is_Atom and exponent.is_Integer for base, exponent in factors)


@lru_cache(maxsize=512)
def _field(sympy: Any, letters: frozenset[Form]) -> Any:
    return sympy.ZZ.frac_field(*sympy.Add(*letters).as_poly().gens)  # in SymPy's order


class _Rational:
    def __init__(self, sympy: Any, element: Any) -> None:
        self._sympy = sympy
        self._element = element

    @property
    def cancelled(self) -> Form:
        return self._element.as_expr()

    @property
    def factored(self) -> Form:
        sympy = self._sympy
        above, factors = self._element.numer.factor_list()
        below, divisors = self._element.denom.factor_list()
        powers = [*factors, *((f, -k) for f, k in divisors)]
        product = sympy.Mul(*(f.as_expr() ** k for f, k in powers))
        number = sympy.Rational(int(above), int(below))
        if number == 1:
            return product
        return sympy.Mul(number, product, evaluate=number == -1 or not product.is_Add)  # not 2a + 2b


class _Other:
    """Where a letter is an exponent."""

    def __init__(self, sympy: Any, form: Form) -> None:
        self._sympy = sympy
        self.cancelled = sympy.cancel(sympy.together(form))

    @property
    def factored(self) -> Form:
        return self._sympy.factor(self.cancelled)
