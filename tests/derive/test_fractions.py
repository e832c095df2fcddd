"""Fractions of polynomials: what SymPy's cancel and factor give, structure and sign included."""

from operator import add, mul, sub, truediv

import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_edu.derivation.fractions import fraction_of, is_monomial

LETTERS = sympy.symbols("_A1 _Y _m", real=True)
FORMS = st.recursive(
    st.sampled_from([*LETTERS, sympy.Integer(1), sympy.Integer(-2), sympy.Rational(3, 4)]),
    lambda forms: st.builds(lambda f, a, b: f(a, b), st.sampled_from([add, sub, mul, truediv]), forms, forms),
    max_leaves=8,
)


@given(FORMS)
def test_a_fraction_is_cancelled_and_factored_as_sympy_does_it(form: sympy.Expr) -> None:
    assume(form.free_symbols and not form.has(sympy.zoo, sympy.nan))
    fraction = fraction_of(sympy, form)
    assert fraction.cancelled == sympy.cancel(sympy.together(form))
    assert fraction.factored == sympy.factor(fraction.cancelled)


def test_a_letter_in_an_exponent_is_left_to_sympy() -> None:
    a, b, _ = LETTERS
    assert fraction_of(sympy, (a ** (2 * b) - 1) / (a**b - 1)).cancelled == a**b + 1


@given(FORMS)
def test_what_is_called_a_monomial_cannot_be_written_otherwise(form: sympy.Expr) -> None:
    if is_monomial(form):
        assert sympy.factor(sympy.expand(form)) == sympy.factor_terms(form) == form
