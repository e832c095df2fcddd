"""Formulas in SymPy: entry-by-entry arithmetic as algebra, anything else as one symbol in it.

``dA * A * (1 - A)`` becomes a product of SymPy symbols; in ``W.T @ dZ * (1 - A**2)`` the matrix product
is one symbol. Factors are pulled out of what is linear, so that 1/m comes to stand in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinygrad_edu.core.axes import positions
from tinygrad_edu.core.op import Op
from tinygrad_edu.derivation.context import Surroundings
from tinygrad_edu.derivation.fractions import Form, is_monomial
from tinygrad_edu.derivation.from_sympy import read
from tinygrad_edu.derivation.simplification import Guard, Shortener
from tinygrad_edu.errors import require_extra
from tinygrad_edu.expression.arithmetic import (
    BROADCAST,
    DIVIDE,
    EXP,
    MATMUL,
    MEAN,
    POWER,
    RECIPROCAL,
    SUM,
    TRANSPOSE,
    WHERE,
    plain,
)  # fmt: skip
from tinygrad_edu.expression.book import in_shape
from tinygrad_edu.expression.guards import guard_of
from tinygrad_edu.expression.node import Node, applied, number
from tinygrad_edu.expression.walk import evaluate, parts, quantities
from tinygrad_edu.ops.reduction.sums_and_extrema import broadcast_axes, sum_to


class Algebra:
    """One derivation's symbols, and what each stands for."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.sympy = require_extra("sympy", extra="derive")
        self.given = surroundings
        self.symbols: dict[Node, Form] = {}
        self.meaning: dict[Form, Node] = {}
        self.shortener = Shortener(self.sympy, self.meaning, surroundings.m, surroundings.patience)
        self._formed: dict[Node, Form] = {}
        self._forms: dict[Op, Callable[[Node], Form]] = {
            POWER: self._power,
            EXP: self._exponential,
            WHERE: self._where,
            RECIPROCAL: lambda e: 1 / self.form(e.args[0]),
        }
        self.unbounded: set[Form] = set()

    def symbol(self, expression: Node) -> Form:
        """The letter for an expression that is not taken apart."""
        if expression not in self.symbols:
            name = f"_{expression.called or f'_{len(self.symbols)}'}"
            letter = self.sympy.Symbol(name, real=True)  # no Dummy: SymPy remembers what it did with a Symbol
            while letter in self.meaning:
                letter = self.sympy.Symbol(f"{letter.name}'", real=True)
            self.symbols[expression], self.meaning[letter] = letter, expression
        return self.symbols[expression]

    def define(self, quantity: Node, expression: Node) -> None:
        """Enters a forward value, so that later formulas call it by its name."""
        self.shortener.define(self.symbol(quantity), self.form(expression))
        self.given.named[expression] = quantity
        self._formed[expression] = self.symbol(quantity)

    def form(self, expression: Node) -> Form:
        """The expression, its entry-by-entry arithmetic as SymPy's."""
        if expression not in self._formed:
            self._formed[expression] = self._form(expression)
        return self._formed[expression]

    def _form(self, e: Node) -> Form:
        if e.is_number:
            return self._number(e)
        if e.op is None or self._wrapped(e):
            return self.symbol(e)
        if _is_arithmetic(e.rule):
            return self._bounded(e, [self.form(a) for a in e.args])
        if _leaves_entries(e):
            return self.form(e.args[0])
        for op, form in self._forms.items():
            if e.does(op):
                return form(e)
        if e.rule.kind == "elementwise" and "axis" not in e.settings:
            return self._entry_by_entry(e)
        return self._over_axes(e)

    def _wrapped(self, e: Node) -> bool:
        """Whether it was computed in integers that overflowed, so that algebra does not hold for it."""
        data = self.given.data
        if e.dtype.kind not in "iu" or not all(q.called in data for q in quantities(e)):
            return False
        floats = {q.called: np.asarray(data[q.called], float) for q in quantities(e)}
        try:
            with np.errstate(all="ignore"):
                return not np.allclose(evaluate(e, data), evaluate(e, floats))
        except (TypeError, IndexError):  # bits and indices, which are never floats
            return False

    def _bounded(self, e: Node, args: list[Form]) -> Form:
        """Whether it is x / 0, 0 * inf or inf - inf, which stay as NumPy has them: algebra cancels them."""
        if e.does(DIVIDE) and args[1] == 0:
            with np.errstate(all="ignore"):
                value = number(float(np.divide(float(args[0]), 0.0))) if args[0].is_number else None
            letter = self._entry_by_entry(e) if value is None else self.symbol(value)
            self.unbounded.add(letter)
            return letter
        assert e.rule.sign is not None
        form = e.rule.sign.function(*args)
        lost = self.unbounded & {letter for arg in args for letter in arg.free_symbols}
        return self.symbol(number(math.nan)) if lost and not lost & form.free_symbols else form

    def _number(self, e: Node) -> Form:
        """Whole numbers, halves and quarters as numbers; others as symbols, so that they are not rounded."""
        if math.isfinite(e.value) and float(e.value * 64).is_integer():
            return self.sympy.Rational(int(e.value * 64), 64)
        if e.value < 0:
            return -self.symbol(plain(-e.value))
        return self.symbol(e)

    def _power(self, e: Node) -> Form:
        b, n = map(self.form, e.args)
        # a ** 0.5 is not taken apart: (a²)^½ isn't a, and a letter's sign is not known.
        if n.is_integer or not n.is_number:
            return b**n
        return self._entry_by_entry(e)

    def _entry_by_entry(self, e: Node) -> Form:
        """One letter: log(1 - A), Z > 0. Only what it is applied to is simplified."""
        args = [self.tree(self.simplest(self.form(a))) for a in e.args]
        if e.rule.commutative and args[0].is_number:
            args.reverse()
        return self.symbol(self.given.known(applied(e.rule, *args, dtype=e.dtype, settings=e.settings)))

    def _exponential(self, e: Node) -> Form:
        """e^-z is 1 / e^z where e^z has come up before."""
        inverse = applied(e.rule, self.tree(self.simplest(-self.form(e.args[0]))), dtype=e.dtype)
        return 1 / self.symbols[inverse] if inverse in self.symbols else self._entry_by_entry(e)

    def _where(self, e: Node) -> Form:
        """``where(c, 2 x / m, x / m)`` is ``where(c, 2, 1) x / m``."""
        guard = guard_of(e)
        if guard is not None:
            letter = self.symbol(e)
            self.shortener.guards[letter] = Guard(*map(self.form, guard))
            return letter
        condition, a, b = (self.simplest(self.form(arg)) for arg in e.args)
        if a != 0 and b != 0:
            outside = self.sympy.gcd(*map(self.sympy.factor_terms, (a, b)))
        else:
            outside = self._scalars(a + b)
            given = [self.meaning[s] for s in outside.free_symbols]
            if not all(n.is_number and np.isfinite(n.value) for n in given):  # nan times 0 is not 0
                outside = self.sympy.S.One
        branches = [self.tree(x) for x in (condition, a / outside, b / outside)]
        return outside * self.symbol(self.given.known(applied(e.rule, *branches, dtype=e.dtype)))

    def _scalars(self, form: Form) -> Form:
        """The factor of numbers and scalars: what may stand before a sum or a matrix product."""
        scalar = self.sympy.S.One
        for factor in self.sympy.Mul.make_args(form if is_monomial(form) else self.sympy.factor_terms(form)):
            if all(self.meaning[s].shape == () for s in factor.free_symbols):
                scalar *= factor
        return scalar

    # What mixes entries: sums, matrix products, moves

    def _over_axes(self, e: Node) -> Form:
        e = _as_one_sum(e)
        args = [self.simplest(self.form(a)) for a in e.args]
        for special in (self._sum_of_a_scalar(e, args), self._product_with_a_scalar(e, args)):
            if special is not None:
                return special
        outside = self.sympy.S.One
        for k, form in enumerate(args):
            linear = e.rule.kind != "elementwise" and e.rule.linear_in(k)
            if form != 0 and linear:
                factor = self._scalars(form)
                outside *= factor
                args[k] = self.simplest(form / factor)
            elif form == 0 and linear:
                return self.sympy.S.Zero
        inside = [in_shape(self.tree(form), a.shape, a.dtype) for form, a in zip(args, e.args, strict=True)]
        settings = e.settings
        letter = self.given.known(applied(e.rule, *inside, shape=e.shape, dtype=e.dtype, settings=settings))
        if letter.op is not None:
            turned_back = _transposed(letter)
            if turned_back is not None:
                return outside * self.form(turned_back)
            if self.given.sums_to_one(letter):
                return outside
        return outside * self.symbol(letter)

    def _sum_of_a_scalar(self, e: Node, args: list[Form]) -> Form | None:
        """A scalar summed over axes is it times their length; its mean, and it reshaped, is itself."""
        adds_up = e.does(SUM) or e.does(sum_to)
        if e.op is None or not (adds_up or e.does(MEAN) or e.rule.silent):
            return None
        (form,), (arg,) = args, e.args
        if any(self.meaning[s].shape != () for s in form.free_symbols):
            return None
        if not adds_up:
            return form
        number = math.prod(arg.shape) // max(math.prod(e.shape), 1)
        return form * self.form(self.given.count(number, arg, e))

    def _product_with_a_scalar(self, e: Node, args: list[Form]) -> Form | None:
        """A column times a (1, 1) is the column times that number."""
        if not e.does(MATMUL) or any(len(a.shape) != 2 for a in e.args):
            return None
        if not any(a.shape == (1, 1) for a in e.args):
            return None
        return args[0] * args[1]

    # Back

    def tree(self, form: Form) -> Node:
        """The expression for a SymPy form, in the order of a textbook."""
        return read(self.sympy, form, self.meaning, self.given)

    def measure(self, form: Form) -> float:
        """The length of a form when it is written."""
        return self.shortener.measure(form)

    def denominator(self, expression: Node) -> list[Form]:
        """The factors that are divided by, one after the other, in the chain rule as it stands."""
        below = self.sympy.S.One
        for part in parts(expression):
            if part.does(DIVIDE):
                below = self.sympy.lcm(below, self.form(part.args[1]))
        factors = self.sympy.Mul.make_args(self.sympy.factor(below))
        return [f for f in factors if any(self.meaning[s].shape != () for s in f.free_symbols)]

    def simplest(self, form: Form, *, on_paper: bool = False) -> Form:
        """The shortest form that is found."""
        return self.shortener.shortest(form, on_paper=on_paper)


def _is_arithmetic(op: Op) -> bool:
    """Whether SymPy has it as arithmetic: what is linear entry by entry, and the square."""
    return (
        op.kind == "elementwise" and op.sign is not None and (bool(op.linear) or op.sign.place == "postfix")
    )


def _leaves_entries(e: Node) -> bool:
    """Whether its entries are those of its operand: repeated, copied, or viewed."""
    if e.does(TRANSPOSE) and e.shape == ():
        return True
    return e.does(BROADCAST) or (
        e.rule.silent and e.rule.kind == "elementwise" and e.dtype == e.args[0].dtype
    )


def _as_one_sum(e: Node) -> Node:
    """The same sum under one name: what undoes broadcasting is a sum over the axes that were repeated."""
    wide = e.args[0].shape
    if e.does(sum_to) and e.dtype.itemsize >= 8:
        axes = broadcast_axes(wide, e.shape)
        lead = len(wide) - len(e.shape)
        keepdims = len(axes) > lead
        if lead and keepdims:
            return e
    elif e.does(SUM):
        axis, keepdims = e.settings.get("axis"), e.settings.get("keepdims", False)
        axes = tuple(sorted(positions(axis, len(wide))))
    else:
        return e
    which = None if len(axes) == len(wide) else axes[0] if len(axes) == 1 else axes
    settings = {"axis": which, "keepdims": keepdims}
    return applied(SUM, *e.args, shape=e.shape, dtype=e.dtype, settings=settings)


def _transposed(e: Node) -> Node | None:
    """``(-Y.T * B.T).T`` is ``-Y * B``, and ``(G @ X.T).T`` is ``X @ G.T``; None where nothing is gained."""
    if not e.does(TRANSPOSE) or e.settings:
        return None
    inside = e.args[0]
    if inside.does(MATMUL) and len(inside.shape) == 2:
        turned = [_untransposed(a) for a in inside.args]
        if any(t is not None for t in turned) and all(len(a.shape) == 2 for a in inside.args):
            left, right = (t or applied(TRANSPOSE, a) for t, a in zip(turned, inside.args, strict=True))
            return applied(MATMUL, right, left, shape=e.shape, dtype=e.dtype)
    return _untransposed(inside)


def _untransposed(e: Node) -> Node | None:
    if set(e.shape) <= {1}:  # a number equals its transpose
        return e
    if e.does(TRANSPOSE) and not e.settings:
        return e.args[0]
    if e.op is None or e.rule.kind != "elementwise" or "axis" in e.settings:
        return None
    args = [_untransposed(a) for a in e.args]
    return applied(e.rule, *(a for a in args if a), dtype=e.dtype, settings=e.settings) if all(args) else None
