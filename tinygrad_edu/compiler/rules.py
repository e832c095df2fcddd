"""The book of identities on a step's nodes, and what is no identity of values: dtypes, memory, guards."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache
from itertools import chain, permutations
from itertools import product as combinations
from typing import Any

import numpy as np

from tinygrad_edu.compiler.lowering import ATOMS, built
from tinygrad_edu.compiler.polynomial import ARITHMETIC, ONE, Product, factors_of
from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.expression.arithmetic import (
    ABSOLUTE,
    ADD,
    BROADCAST,
    DIVIDE,
    EQUAL,
    EXP,
    EXPAND_DIMS,
    GREATER,
    LOG,
    MATMUL,
    MAX,
    MAXIMUM,
    MIN,
    MINIMUM,
    MULTIPLY,
    NEGATIVE,
    RESHAPE,
    SQUARE,
    SUBTRACT,
    SUM,
    TANH,
    TRANSPOSE,
    WHERE,
    kernels,
)  # fmt: skip
from tinygrad_edu.expression.book import Identity, good_for
from tinygrad_edu.expression.node import Node, quantity
from tinygrad_edu.expression.walk import in_order, matches
from tinygrad_edu.ops.movement.shapes import astype
from tinygrad_edu.ops.networks.activations import sigmoid
from tinygrad_edu.ops.networks.costs import probabilities

Rule = Callable[[Node, Sheet], Node | None]


def rewritten(node: Node, sheet: Sheet) -> Node:
    """The node by the first rule that applies, again until none does."""
    while True:
        for rule in (*_RULES.get(node.kernel, ()), _by_the_book):
            better = rule(node, sheet)
            if better is not None and better is not node and better.dtype == node.dtype:
                node = better
                break
        else:
            return node


def _by_the_book(node: Node, sheet: Sheet) -> Node | None:
    """The node by the first identity of the book that saves work or digits; None where none applies."""
    for identity in _taken().get(node.kernel, ()):
        if not (sheet.finished and _composes(identity)):
            found = identity.found_in(node, typed=False, surely=True)
            if found is not None:
                made = _made(found, node.dtype, sheet)
                if made in node.args and made.dtype != node.dtype:  # x ** 1 in wider floats
                    return sheet.node(
                        astype, [made], {"dtype": node.dtype}, shape=made.shape, dtype=node.dtype
                    )
                return made
    return None


@cache
def _taken() -> Mapping[str, list[Identity]]:
    """What the compiler takes from the book, by what stands outermost.

    Not taken is what holds in a range alone; what would meet itself again, as softmax, which comes apart into
    e^z / Σ e^z; and where a minus sign is to stand, which is the business of sums of products.
    """
    found: dict[str, list[Identity]] = {}
    for identity in good_for("less work", "more accurate"):
        after = identity.found_in(identity.pattern)
        parts = () if after is None else in_order(_made(after, after.dtype, Sheet()))
        kept = identity.ranges or "signs" in identity.good
        if not kept and not any(identity.found_in(part) for part in parts):
            found.setdefault(identity.pattern.kernel, []).append(identity)
    return found


@cache
def _composes(identity: Identity) -> bool:
    """Whether it gives what the algebra knows by name, and what is taken apart after it."""
    after = identity.found_in(identity.pattern)
    return after is not None and any(part.kernel in ATOMS for part in in_order(after))


def _made(found: Node, dtype: np.dtype[Any], sheet: Sheet) -> Node:
    """What the book gives as nodes of the sheet; a number beside a truth value has the dtype of the whole."""
    done: dict[Node, Node] = {}
    for part in in_order(found):
        if part in sheet.order:
            done[part] = part
        elif part.is_constant:
            value = part.value.item() if isinstance(part.value, np.generic) else part.value
            done[part] = sheet.constant(value, part.shape)
        elif part.op is None:
            done[part] = sheet.input(part.called, part.shape, part.dtype)
        else:
            args = [done[a] for a in part.args]
            weak = all(a.number is not None or a.dtype.kind == "b" or a.dtype == dtype for a in args)
            own = dtype if weak and part.dtype.kind == "f" and part.rule.kind == "elementwise" else part.dtype
            value = np.broadcast_to(np.zeros((), own), part.shape)
            late = frozenset[str]() if sheet.finished else ATOMS
            done[part] = built(part.rule, args, part.settings, value, sheet, late)
    return done[found]


def _transposed(node: Node, sheet: Sheet) -> Node | None:
    """(Aᵀ)ᵀ = A: of two orders of the axes one is made, and none where it changes nothing."""
    (x,) = node.args
    order = _order(node)
    if order == tuple(range(node.ndim)):
        return x
    if not x.does(TRANSPOSE):
        return None
    axes = tuple(_order(x)[k] for k in order)
    return sheet.node(TRANSPOSE, x.args, {"axes": axes}, shape=node.shape, dtype=node.dtype)


def _order(node: Node) -> tuple[int, ...]:
    axes = node.settings.get("axes")
    return tuple(range(node.ndim))[::-1] if axes is None else tuple(k % node.ndim for k in axes)


def _narrowed(node: Node, sheet: Sheet) -> Node | None:
    """One operation on narrow floats that was only widened to be narrowed again is done narrow.

    Of one the result is the same: double precision holds twice the digits of single, and two more. Source:
    S. A. Figueroa, *When is double rounding innocuous?*, SIGNUM Newsletter 30, 1995.
    """
    (wide,) = node.args
    if node.dtype.kind != "f" or wide.dtype.kind != "f":
        return None
    narrow = _as_narrow(wide, node.dtype, sheet)
    if narrow is not None or wide.kernel not in ARITHMETIC or 2 * node.dtype.itemsize > wide.dtype.itemsize:
        return narrow
    args = [a if a.dtype.kind == "b" else _as_narrow(a, node.dtype, sheet) for a in wide.args]
    if any(a is None for a in args):
        return None
    return sheet.node(wide.rule, [a for a in args if a is not None], shape=node.shape, dtype=node.dtype)


def _as_narrow(node: Node, dtype: np.dtype[Any], sheet: Sheet) -> Node | None:
    """The same value in that dtype, where it is one of its numbers."""
    if node.dtype == dtype:
        return node
    if node.does(astype) and node.args[0].dtype == dtype:
        return node.args[0]
    values = _values(node)
    if values is None or any(float(dtype.type(v)) != v for v in values):
        return None
    if node.number is not None:
        return sheet.constant(float(node.number), node.shape, dtype)
    args = [a if a.dtype.kind == "b" else _as_narrow(a, dtype, sheet) for a in node.args]
    if any(a is None for a in args):
        return None
    return sheet.node(node.rule, [a for a in args if a is not None], shape=node.shape, dtype=dtype)


def _values(node: Node, depth: int = 4) -> set[float] | None:
    """All the values that its entries can have, where they are few: sums and products of truth values."""
    if node.dtype.kind == "b":
        return {0.0, 1.0}
    if node.number is not None:
        return {float(node.number)}
    if node.kernel not in _OF_FEW or not depth:
        return None
    operands = [_values(a, depth - 1) for a in node.args]
    if any(v is None for v in operands):
        return None
    found = {_OF_FEW[node.kernel](*pair) for pair in combinations(*(v for v in operands if v is not None))}
    return found if len(found) <= 32 else None


_OF_FEW: dict[str, Callable[..., float]] = {
    ADD.kernel: operator.add,
    SUBTRACT.kernel: operator.sub,
    MULTIPLY.kernel: operator.mul,
    NEGATIVE.kernel: operator.neg,
}


def _of_relu(node: Node, sheet: Sheet) -> Node | None:
    """z > 0 where max(z, 0) is, so that z itself need not be kept."""
    z, zero = node.args
    if zero.number == 0 and (relu := sheet.known(MAXIMUM, (z, sheet.constant(0)), z)) is not None:
        return sheet.node(GREATER, [relu, zero], shape=node.shape, dtype=node.dtype)
    return None


_RULES: dict[str, tuple[Rule, ...]] = {
    TRANSPOSE.kernel: (_transposed,),
    astype.kernel: (_narrowed,),
    GREATER.kernel: (_of_relu,),
}


# Quotients and logarithms that are guarded: n / where(n == 0, 1, d), n log where(n == 0, 1, d).


def resolved(product: Product, sheet: Sheet) -> Product | None:
    """A product with fewer factors; None where no identity applies."""
    return _unguarded(product, sheet) or _factors_by_the_book(product, sheet)


def _factors_by_the_book(product: Product, sheet: Sheet) -> Product | None:
    """Some of its factors by an identity of the book: e^-z σ(z) is 1 - σ(z), whatever else there is."""
    for identity, pattern in () if sheet.finished else _products():
        for factors in permutations(product.factors, len(pattern)):
            chosen = dict(zip(factors, pattern, strict=True))
            if not all(product.factors[f] * e > 0 and f.does(p.rule) for f, (p, e) in chosen.items()):
                continue
            whole = quantity("whole", np.broadcast_shapes(*(f.shape for f in factors)), factors[0].dtype)
            for bound in matches((p, f) for f, (p, _) in chosen.items()):
                found = identity.replacement(bound, whole, surely=True)
                if found is not None:
                    rest = product.times(Product(ONE, {f: e for f, (_, e) in chosen.items()}), -1)
                    return rest.times(Product(ONE, {_made(found, whole.dtype, sheet): 1}))
    return None


@cache
def _products() -> list[tuple[Identity, list[tuple[Node, int]]]]:
    """The identities of products and quotients, with each factor's pattern and exponent."""
    found = []
    for identity in chain(_taken().get(MULTIPLY.kernel, ()), _taken().get(DIVIDE.kernel, ())):
        product = factors_of(identity.pattern)
        if product.coefficient == ONE and not any(p.is_name for p in product.factors):
            found.append((identity, list(product.factors.items())))
    return found


def _unguarded(product: Product, sheet: Sheet) -> Product | None:
    """A product whose guard has become unnecessary.

    n / where(n == 0, 1, d) * d is n, also where n is 0; and so for n log where(n == 0, 1, d), where log d
    is known to be finite.
    """
    for factor, exponent in product.factors.items():
        guarded = factor.args[0] if factor.does(LOG) else factor
        parts = _guard(guarded)
        if parts is None:
            continue
        condition, spare, inner = parts
        if not any(e > 0 and _zero_where(n, condition) for n, e in product.factors.items()):
            continue
        if factor.does(WHERE) and exponent == 1 and spare == 0 and _finite(inner):
            return product.times(Product(ONE, {factor: 1}), -1).times(Product(ONE, {inner: 1}))
        if spare != 1:
            continue
        log = _by_the_book(sheet.node(LOG, [inner], dtype=factor.dtype), sheet) if factor.does(LOG) else None
        if exponent == 1 and log is not None:
            return product.times(Product(ONE, {factor: 1}), -1).times(Product(ONE, {log: 1}))
        if not factor.does(LOG) and exponent < 0 and product.factors.get(inner, 0) > 0:
            return product.times(Product(ONE, {factor: 1})).times(Product(ONE, {inner: 1}), -1)
    return None


def _guard(node: Node) -> tuple[Node, Any, Node] | None:
    """The parts of ``where(x == k, number, d)``."""
    if node.does(WHERE) and node.args[0].does(EQUAL) and node.args[1].number is not None:
        return node.args[0], node.args[1].number, node.args[2]
    return None


def _finite(node: Node, depth: int = 12) -> bool:
    """Whether a value is finite where the inputs are, and nothing overflows."""
    if node.op is None:
        return True
    if node.does(LOG):  # of a sum of exponentials, the largest of which is 1
        return node.args[0].does(SUM) and node.args[0].args[0].does(EXP)
    return depth > 0 and node.kernel in _FINITE and all(_finite(a, depth - 1) for a in node.args)


_FINITE = kernels(
    ADD, SUBTRACT, MULTIPLY, NEGATIVE, SQUARE, ABSOLUTE, EXP, TANH, MAXIMUM, MINIMUM, MAX, MIN, SUM, MATMUL,
    TRANSPOSE, RESHAPE, EXPAND_DIMS, BROADCAST, GREATER, sigmoid, probabilities,
)  # fmt: skip


def _zero_where(node: Node, condition: Node) -> bool:
    """Whether a factor vanishes where ``x == k``: it is k - x or x - k, or x itself and k is 0."""
    x, k = condition.args
    if k.number is None:
        return False
    if node is x:
        return bool(k.number == 0)
    return node.does(SUBTRACT) and (
        (node.args[1] is x and node.args[0].number == k.number)
        or (node.args[0] is x and node.args[1].number == k.number)
    )
