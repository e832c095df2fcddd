"""Elementwise arithmetic as sums of products, in which equal factors cancel.

``((1 - Y)/(1 - A) - Y/A) A (1 - A)`` is what the chain rule gives for the sigmoid under the cross-entropy.
Written as a sum of products of factors it comes to ``A - Y``, by itself: nothing here knows of either.

A factor that is itself a sum stays whole until the others have had their chance to cancel against it. Where
nothing of it cancelled it is put together again: far out ``x (1 - a²)`` is 0, and ``x - x a²`` is rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_edu.expression.arithmetic import ADD, DIVIDE, MULTIPLY, NEGATIVE, SQUARE, SUBTRACT, kernels
from tinygrad_edu.expression.node import Node

ARITHMETIC = kernels(ADD, SUBTRACT, MULTIPLY, DIVIDE, NEGATIVE, SQUARE)
_SUMS = kernels(ADD, SUBTRACT, NEGATIVE)
ONE = Fraction(1)
MOST = 12


class TooMany(Exception):  # noqa: N818  (says what there were)
    """The sum has too many terms, is nested too deeply, or has a number that is not finite."""


@dataclass(frozen=True)
class Product:
    """``coefficient * Π factor ** exponent``."""

    coefficient: Fraction
    factors: Mapping[Node, int]

    def times(self, other: Product, sign: int = 1) -> Product:
        """The product with the other, or with its inverse."""
        factors = dict(self.factors)
        for node, exponent in other.factors.items():
            factors[node] = factors.get(node, 0) + sign * exponent
        return Product(self.coefficient * other.coefficient**sign, {n: e for n, e in factors.items() if e})

    @property
    def key(self) -> frozenset[tuple[Node, int]]:
        """What makes two products multiples of each other."""
        return frozenset(self.factors.items())


Sum = list[Product]
Resolve = Callable[[Product], Product | None]


def expanded(node: Node, resolve: Resolve, given: AbstractSet[Node]) -> Sum:
    """The node as a sum of products of nodes that are not arithmetic themselves, or are given.

    Args:
        node: an elementwise arithmetic expression.
        resolve: rewrites a product, for example where a guarded quotient has found its denominator.
        given: nodes that are computed anyway. They are taken apart, too, so that what is in them can
            cancel, and put together again where it did not.

    Raises:
        TooMany: the sum is long.
    """
    return _Expansion(node, resolve, given).sum()


def factors_of(node: Node) -> Product:
    """A node as one product; sums are factors of their own."""
    return _Expansion(node, lambda product: None, frozenset()).factored(node)


class _Expansion:
    def __init__(self, node: Node, resolve: Resolve, given: AbstractSet[Node]) -> None:
        self.node, self.resolve, self.given = node, resolve, given
        self.opened: dict[Node, None] = {}
        """The sums that have been taken apart: those that are given, and factors."""

    def sum(self) -> Sum:
        found = _combined(self.distributed(self.terms(self.node)))
        for whole in reversed(self.opened):  # the inner ones first
            parts = _combined(self.terms(whole))
            found = _put_together(found, whole, parts) if len(parts) > 1 else found
        return found

    def terms(self, node: Node, depth: int = 0) -> Sum:
        """The terms of a sum, each a product whose factors may be sums."""
        if depth > MOST:
            raise TooMany
        if not self.opens(node):
            return [self.factored(node)]
        if node.kernel in _SUMS and node in self.given:
            self.opened[node] = None
        if node.does(ADD):
            return self.terms(node.args[0], depth + 1) + self.terms(node.args[1], depth + 1)
        if node.does(SUBTRACT):
            taken = [_negated(p) for p in self.terms(node.args[1], depth + 1)]
            return self.terms(node.args[0], depth + 1) + taken
        if node.does(NEGATIVE):
            return [_negated(p) for p in self.terms(node.args[0], depth + 1)]
        return [self.factored(node)]

    def factored(self, node: Node, depth: int = 0) -> Product:
        """A node as one product; sums are factors of their own."""
        if depth > MOST:
            raise TooMany
        if node.number is not None:
            if not math.isfinite(node.number):  # it would be lost where a factor of 0 comes
                raise TooMany
            return Product(Fraction(_python(node.number)), {})
        if not self.opens(node):
            return Product(ONE, {node: 1})
        if node.does(MULTIPLY):
            return self.factored(node.args[0], depth + 1).times(self.factored(node.args[1], depth + 1))
        if node.does(DIVIDE):
            below = self.factored(node.args[1], depth + 1)
            if not below.coefficient:
                raise TooMany
            return self.factored(node.args[0], depth + 1).times(below, -1)
        if node.does(SQUARE):
            inner = self.factored(node.args[0], depth + 1)
            return inner.times(inner)
        if node.does(NEGATIVE):
            return _negated(self.factored(node.args[0], depth + 1))
        return Product(ONE, {node: 1})

    def opens(self, node: Node) -> bool:
        """Whether a node is arithmetic in the dtype of the whole: what integers came to may have wrapped."""
        return node.dtype == self.node.dtype

    def distributed(self, products: Iterable[Product]) -> Sum:
        done: Sum = []
        waiting = list(products)
        while waiting:
            product = self.resolved(waiting.pop(0))
            sums = [n for n, e in product.factors.items() if e > 0 and n.kernel in _SUMS and self.opens(n)]
            if not sums:
                done.append(product)
            else:  # quotients first, so that what they are multiplied with can still cancel
                chosen = max(sums, key=self.has_quotients)
                self.opened[chosen] = None  # 1 - a², where nothing cancels, is more exact than its terms
                rest = product.times(Product(ONE, {chosen: 1}), -1)
                waiting = [rest.times(term) for term in self.terms(chosen)] + waiting
            if len(done) + len(waiting) > MOST:
                raise TooMany
        return done

    def resolved(self, product: Product) -> Product:
        while (better := self.resolve(product)) is not None:
            product = better
        return product

    def has_quotients(self, node: Node) -> bool:
        return any(e < 0 for p in self.terms(node) for e in p.factors.values())


def _put_together(terms: Sum, whole: Node, parts: Sum) -> Sum:
    """``q a + q b`` as ``q whole``, where ``whole`` is a + b."""
    by_key = {term.key: term for term in terms}
    for term in terms:
        q = term.times(parts[0], -1)
        others = [q.times(part) for part in parts]
        if all((t := by_key.get(o.key)) is not None and t.coefficient == o.coefficient for o in others):
            for other in others:
                by_key.pop(other.key, None)
            product = q.times(Product(ONE, {whole: 1}))
            by_key[product.key] = product
    return list(by_key.values())


def _negated(product: Product) -> Product:
    return Product(-product.coefficient, product.factors)


def _combined(products: Sum) -> Sum:
    """Multiples of the same product added up, in the order in which they came."""
    total: dict[frozenset[tuple[Node, int]], Product] = {}
    for product in products:
        before = total.get(product.key)
        coefficient = product.coefficient + (before.coefficient if before else 0)
        total[product.key] = Product(coefficient, product.factors)
    return [p for p in total.values() if p.coefficient]


def _python(number: Any) -> int | float:
    """A NumPy number as Python's."""
    value: int | float = number.item() if isinstance(number, np.generic) else number
    return value
