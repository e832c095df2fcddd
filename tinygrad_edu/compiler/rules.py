"""Identities that are true for every value of the range in question, one function each."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product as combinations
from typing import Any

import numpy as np

from tinygrad_edu.compiler.polynomial import ARITHMETIC, ONE, Product
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
    LOG1P,
    MATMUL,
    MAX,
    MAXIMUM,
    MEAN,
    MIN,
    MINIMUM,
    MULTIPLY,
    NEGATIVE,
    POWER,
    RESHAPE,
    SQRT,
    SQUARE,
    SUBTRACT,
    SUM,
    TANH,
    TRANSPOSE,
    WHERE,
    kernels,
)
from tinygrad_edu.expression.node import Node
from tinygrad_edu.ops.movement.shapes import astype
from tinygrad_edu.ops.networks.activations import sigmoid
from tinygrad_edu.ops.networks.costs import probabilities

__all__ = ["resolved", "rewritten"]

Rule = Callable[[Node, Sheet], Node | None]


def rewritten(node: Node, sheet: Sheet) -> Node:
    """The node by the first rule that applies, again until none does."""
    while True:
        for rule in _RULES.get(node.kernel, ()):
            better = rule(node, sheet)
            if better is not None and better is not node and better.dtype == node.dtype:
                node = better
                break
        else:
            return node


def _power(node: Node, sheet: Sheet) -> Node | None:
    """x² is a square, x³ a product, x^½ a root, and with a minus one over it; x¹ = x, x⁰ = 1."""
    base, exponent = node.args
    n = exponent.number
    if n == 1 and base.shape == node.shape:
        wider = {"dtype": node.dtype}
        return (
            base if base.dtype == node.dtype else sheet.node(astype, [base], wider, shape=node.shape, **wider)
        )
    if n == 0:
        return sheet.constant(1.0, node.shape, node.dtype)
    if n is None or abs(n) not in (0.5, 1, 2, 3) or base.dtype != node.dtype:
        return None
    size: dict[str, Any] = {"shape": node.shape, "dtype": node.dtype}
    power = base if abs(n) == 1 else sheet.node(SQRT if abs(n) == 0.5 else SQUARE, [base], **size)
    power = sheet.node(MULTIPLY, [base, power], **size) if abs(n) == 3 else power
    return power if n > 0 else sheet.node(DIVIDE, [sheet.constant(1.0), power], **size)


def _mean(node: Node, sheet: Sheet) -> Node | None:
    """The mean is the sum over the number of entries."""
    (x,) = node.args
    if node.dtype != x.dtype or not node.entries or node.dtype.itemsize < 4:
        return None
    total = sheet.node(SUM, [x], node.settings, shape=node.shape, dtype=node.dtype)
    return sheet.node(DIVIDE, [total, sheet.constant(x.entries // node.entries)], dtype=node.dtype)


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


def _chosen(node: Node, sheet: Sheet) -> Node | None:
    """``where(c, 1, e)`` for e in [0, 1] is ``max(e, c)``: without a branch for each entry."""
    condition, a, b = node.args
    if a.number == 1 and _within_0_and_1(b) and condition.dtype.kind == "b" and b.dtype == node.dtype:
        return sheet.node(MAXIMUM, [b, condition], shape=node.shape, dtype=node.dtype)
    return None


def _within_0_and_1(node: Node) -> bool:
    """exp of what is at most 0."""
    return node.does(EXP) and node.args[0].does(NEGATIVE) and node.args[0].args[0].does(ABSOLUTE)


def _masked(node: Node, sheet: Sheet) -> Node | None:
    """``where(c, g, s g)`` is ``g (s + (1 - s) c)``: a slope, without a branch for each entry."""
    condition, a, b = node.args
    if b.does(MULTIPLY) and b.args[0].number is not None and b.args[1] is a and condition.dtype.kind == "b":
        s = float(b.args[0].number)
        if s + (1 - s) != 1:  # nan, infinite, or so large that the 1 is lost
            return None
        scaled = sheet.node(MULTIPLY, [sheet.constant(1 - s), condition], dtype=node.dtype)
        slope = sheet.node(ADD, [scaled, sheet.constant(s)], dtype=node.dtype)
        return sheet.node(MULTIPLY, [a, slope], shape=node.shape, dtype=node.dtype)
    return None


def _log(node: Node, sheet: Sheet) -> Node | None:
    """log σ(z) = z - log(1 + e^z), and log(1 - σ(z)) = -log(1 + e^z), without cancellation."""
    return _log_of(node.args[0], sheet) if node.dtype == node.args[0].dtype else None


def _log_of(x: Node, sheet: Sheet) -> Node | None:
    if x.does(sigmoid):
        z = _in_dtype(x.args[0], x.dtype, sheet)
        return sheet.node(SUBTRACT, [z, _softplus(z, sheet)])
    if x.does(SUBTRACT) and x.args[0].number == 1 and x.args[1].does(sigmoid):
        return sheet.node(NEGATIVE, [_softplus(_in_dtype(x.args[1].args[0], x.dtype, sheet), sheet)])
    return None


def _in_dtype(node: Node, dtype: np.dtype[Any], sheet: Sheet) -> Node:
    """The operand, converted to the dtype in which the operation computes."""
    if node.dtype == dtype:
        return node
    return sheet.node(astype, [node], {"dtype": dtype}, shape=node.shape, dtype=dtype)


def _softplus(z: Node, sheet: Sheet) -> Node:
    """log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)."""
    e = sheet.node(EXP, [sheet.node(NEGATIVE, [sheet.node(ABSOLUTE, [z])])])
    return sheet.node(ADD, [sheet.node(MAXIMUM, [z, sheet.constant(0)]), sheet.node(LOG1P, [e])])


def _logistic(node: Node, sheet: Sheet) -> Node | None:
    """1 / (1 + e^-z) is σ(z)."""
    above, below = node.args
    z = _of_one_plus_exp(below) if above.number == 1 and not sheet.finished else None
    return (
        sheet.node(sigmoid, [z])
        if z is not None and z.shape == node.shape and z.dtype == node.dtype
        else None
    )


def _of_one_plus_exp(node: Node) -> Node | None:
    """z, where a node is 1 + e^-z."""
    if not node.does(ADD):
        return None
    for one, other in (node.args, node.args[::-1]):
        if one.number == 1 and other.does(EXP) and other.args[0].does(NEGATIVE):
            z = other.args[0].args[0]
            return z if z.dtype == other.dtype == node.dtype else None  # -z of an unsigned one has wrapped
    return None


def _of_relu(node: Node, sheet: Sheet) -> Node | None:
    """z > 0 where max(z, 0) is, so that z itself need not be kept."""
    z, zero = node.args
    if zero.number == 0 and (relu := sheet.known(MAXIMUM, (z, sheet.constant(0)), z)) is not None:
        return sheet.node(GREATER, [relu, zero], shape=node.shape, dtype=node.dtype)
    return None


_RULES: dict[str, tuple[Rule, ...]] = {
    POWER.kernel: (_power,),
    MEAN.kernel: (_mean,),
    TRANSPOSE.kernel: (_transposed,),
    astype.kernel: (_narrowed,),
    WHERE.kernel: (_chosen, _masked),
    LOG.kernel: (_log,),
    DIVIDE.kernel: (_logistic,),
    GREATER.kernel: (_of_relu,),
}


# Quotients and logarithms that are guarded: n / where(n == 0, 1, d), n log where(n == 0, 1, d).


def resolved(product: Product, sheet: Sheet) -> Product | None:
    """A product with fewer factors; None where no identity applies."""
    return _unguarded(product, sheet) or _with_sigmoids(product, sheet)


def _with_sigmoids(product: Product, sheet: Sheet) -> Product | None:
    """1 / (1 + e^-z) is σ(z), and e^-z σ(z) is 1 - σ(z)."""
    if sheet.finished:
        return None
    for factor, exponent in product.factors.items():
        if exponent < 0 and (z := _of_one_plus_exp(factor)) is not None:
            return product.times(Product(ONE, {factor: 1})).times(Product(ONE, {sheet.node(sigmoid, [z]): 1}))
        if exponent > 0 and factor.does(sigmoid):
            (z,) = factor.args
            e = sheet.node(EXP, [sheet.node(NEGATIVE, [z])])
            if product.factors.get(e, 0) > 0:
                rest = product.times(Product(ONE, {e: 1, factor: 1}), -1)
                return rest.times(Product(ONE, {sheet.node(SUBTRACT, [sheet.constant(1), factor]): 1}))
    return None


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
        if factor.does(LOG) and exponent == 1 and (log := _log_of(inner, sheet)) is not None:
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
