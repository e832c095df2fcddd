"""The computation simplified: each node rebuilt from its simplified operands, by rules and as a polynomial.

A polynomial is taken instead of what was written only where it costs less, so ``A (1 - A)`` stays a product
and ``A - Y A - Y + Y A`` becomes ``A - Y``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_edu.compiler.instructions import is_ufunc
from tinygrad_edu.compiler.polynomial import ARITHMETIC, ONE, Product, TooMany, expanded
from tinygrad_edu.compiler.rules import resolved, rewritten
from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.core.op import Op
from tinygrad_edu.expression.arithmetic import (
    ADD,
    BROADCAST,
    DIVIDE,
    EXP,
    EXPAND_DIMS,
    LOG,
    LOG1P,
    MULTIPLY,
    NEGATIVE,
    POWER,
    RESHAPE,
    SQUARE,
    SUBTRACT,
    TANH,
    WHERE,
    kernels,
)
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.walk import cost, in_order
from tinygrad_edu.ops.networks.activations import sigmoid

_PROMISING = ARITHMETIC | kernels(WHERE, LOG, EXP, sigmoid)
"""Operands that an identity may apply to."""
_ROUNDS = 4
_EXACT = 2**53
_PER_CALL = 500
"""The cost of calling NumPy once, in additions."""
_WEIGHT = {
    DIVIDE.kernel: 1.7,
    EXP.kernel: 4.0,
    LOG.kernel: 4.0,
    LOG1P.kernel: 4.0,
    TANH.kernel: 5.0,
    POWER.kernel: 20.0,
    WHERE.kernel: 12.0,
    sigmoid.kernel: 9.0,
}
"""The cost of an operation for each entry, in additions; where() branches."""


def simplified(outputs: Sequence[Node], sheet: Sheet) -> list[Node]:
    """The same outputs, computed in fewer and cheaper operations."""
    before: list[Node] = []
    now = list(outputs)
    for _ in range(_ROUNDS):  # what one round makes superfluous no longer counts in the next
        if now == before:
            break
        before, now = now, _Simplifier(now, sheet).outputs()
    return now


class _Simplifier:
    def __init__(self, outputs: Sequence[Node], sheet: Sheet) -> None:
        self.wanted, self.sheet = outputs, sheet
        self.new: dict[Node, Node] = {}
        self.computed: set[Node] = set()

    def outputs(self) -> list[Node]:
        nodes = in_order(*self.wanted)
        roots = _roots(nodes, self.wanted)
        self.readers = _readers(nodes, self.wanted)
        for node in nodes:
            made = self._rebuilt(node)
            if node in roots and made.kernel in ARITHMETIC and made.dtype.kind == "f":
                made = self._cheaper(
                    made, _Given(self.computed, {made} | {self.new[n] for n in self._own(node)})
                )
            self.computed.add(made)
            self.new[node] = made
            if node in self.sheet.names and made.op is not None:
                self.sheet.names.setdefault(made, self.sheet.names[node])
        return [self.new[node] for node in self.wanted]

    def _rebuilt(self, node: Node) -> Node:
        if node.op is None:
            return node
        args = tuple(self.new[a] for a in node.args)
        if is_ufunc(node):
            args = tuple(_unbroadcast(a, self.sheet) for a in args)
            if node.shape and not any(a.shape for a in args):  # all entries are one number, computed once
                one = self.sheet.node(node.rule, args, node.settings, shape=(), dtype=node.dtype)
                return self._broadcast(rewritten(one, self.sheet), node)
        return rewritten(self.sheet.on(node, args), self.sheet)

    def _broadcast(self, made: Node, like: Node) -> Node:
        """It in the shape of another one."""
        shape = like.shape
        return self.sheet.node(BROADCAST, [made], {"shape": shape}, shape=shape, dtype=like.dtype)

    def _own(self, root: Node) -> set[Node]:
        """The elementwise operations that nothing but this root needs."""
        own: set[Node] = set()
        waiting = list(root.args)
        for node in waiting:
            if (
                node not in own
                and _entrywise(node)
                and all(r in own or r is root for r in self.readers[node])
            ):
                own.add(node)
                waiting += node.args
        return own

    def _cheaper(self, node: Node, given: AbstractSet[Node]) -> Node:
        """The node as a polynomial, where that costs less."""
        if not any(a.kernel in _PROMISING or a.number is not None for a in node.args):
            return node  # one operation on what is not arithmetic: there is nothing to gain
        try:
            terms = expanded(node, lambda product: resolved(product, self.sheet), given)
        except TooMany:
            return node
        if any(n.dtype.kind == "f" and n.dtype != node.dtype for p in terms for n in p.factors):
            return node
        if not all(_in_range(p.coefficient, node.dtype) for p in terms):
            return node
        built = _Built(self.sheet, node.dtype).sum(terms)
        if built.dtype != node.dtype:
            return node
        if built.shape != node.shape:
            built = self._broadcast(built, node)
        return built if cost(built, _weight, given) < cost(node, _weight, given) else node


def _in_range(coefficient: Fraction, dtype: np.dtype[Any]) -> bool:
    """Whether a number, and what it is over, are neither 0 nor infinite in that dtype."""
    largest = Fraction(*np.finfo(dtype).max.as_integer_ratio())
    return 1 / largest < abs(coefficient) < largest


def _roots(nodes: Iterable[Node], outputs: Iterable[Node]) -> set[Node]:
    """The nodes where arithmetic ends: those that another kind of operation reads, or that nothing reads."""
    roots = set(outputs)
    for node in nodes:
        if node.kernel not in ARITHMETIC:
            roots.update(node.args)
    return roots


def _readers(nodes: Iterable[Node], outputs: Iterable[Node]) -> dict[Node, set[Node | None]]:
    """Who reads each node; None stands for the caller."""
    readers: dict[Node, set[Node | None]] = defaultdict(set)
    for node in nodes:
        for arg in node.args:
            readers[arg].add(node)
    for output in outputs:
        readers[output].add(None)
    return readers


class _Given(AbstractSet[Node]):
    """What is computed anyway: everything so far, except what only the node in question needs."""

    def __init__(self, computed: AbstractSet[Node], own: AbstractSet[Node]) -> None:
        self.computed, self.own = computed, own

    def __contains__(self, node: object) -> bool:
        return node in self.computed and node not in self.own

    def __iter__(self) -> Iterator[Node]:
        return (node for node in self.computed if node not in self.own)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _entrywise(node: Node) -> bool:
    return node.op is not None and (is_ufunc(node) or node.does(WHERE, sigmoid))


def _unbroadcast(node: Node, sheet: Sheet) -> Node:
    """What an elementwise operation broadcasts anyway."""
    if node.number is not None and node.shape:
        return sheet.constant(node.number, (), node.dtype)
    while node.does(BROADCAST) or (node.does(RESHAPE, EXPAND_DIMS) and node.args[0].shape == ()):
        node = node.args[0]
    return node


def _weight(node: Node) -> float:
    """The cost of an operation, in additions of one entry."""
    if node.does(BROADCAST):
        return 0.0
    return (node.entries + (_PER_CALL if node.shape else 1)) * _WEIGHT.get(node.kernel, 1.0)


def _size(node: Node) -> tuple[bool, int]:
    """What to multiply first has the least: numbers are multiplied without calling NumPy."""
    return bool(node.shape), node.entries


class _Built:
    """Nodes for a sum of products: common factors once, small factors first."""

    def __init__(self, sheet: Sheet, dtype: np.dtype[np.generic]) -> None:
        self.sheet, self.dtype = sheet, dtype

    def sum(self, terms: Sequence[Product]) -> Node:
        """``common * (a + b - c)``."""
        if not terms:
            return self.sheet.constant(0.0, (), self.dtype)
        common = _common(terms)
        inner = [t.times(common, -1) for t in terms]
        if len(inner) == 1:
            return self.product(common.times(inner[0]))
        if inner[0].coefficient < 0 and any(t.coefficient > 0 for t in inner):
            inner.sort(key=lambda t: t.coefficient < 0)
        constants = [t for t in inner if not t.factors]
        inner = [t for t in inner if t.factors] + constants if inner[0].factors else inner
        total = self.product(inner[0])
        for term in inner[1:]:
            op = SUBTRACT if term.coefficient < 0 else ADD
            total = self._node(op, total, self.product(Product(abs(term.coefficient), term.factors)))
        return (
            self.product(common.times(Product(ONE, {total: 1})))
            if total.number is None
            else self._scaled(common, total)
        )

    def _scaled(self, common: Product, number: Node) -> Node:
        return self.product(Product(common.coefficient * Fraction(float(number.number)), common.factors))

    def product(self, product: Product) -> Node:
        """``coefficient * a * b / c``, with the coefficient at the smallest factor."""
        above = self._chain([n for n, e in product.factors.items() for _ in range(e)])
        below = self._chain([n for n, e in product.factors.items() for _ in range(-e)])
        c = product.coefficient
        if below is None:
            return self._multiple(c, above)
        if above is None:
            return self._node(DIVIDE, self.sheet.constant(float(c)), below)
        return self._node(DIVIDE, self._multiple(c, above), below)

    def _multiple(self, c: Fraction, node: Node | None) -> Node:
        if node is None:
            return self.sheet.constant(float(c), (), self.dtype)
        if c == 1:
            return node
        if c == -1:
            return self._node(NEGATIVE, node)
        if not node.shape and (1 / c).denominator == 1 and abs(1 / c) < _EXACT:
            return self._node(DIVIDE, node, self.sheet.constant(int(1 / c)))
        if node.does(MULTIPLY) and _size(node.args[0]) < _size(node) and node.args[0].dtype.kind == "f":
            return self._node(MULTIPLY, self._multiple(c, node.args[0]), node.args[1])
        return self._node(MULTIPLY, self.sheet.constant(float(c)), node)

    def _chain(self, factors: list[Node]) -> Node | None:
        """Small factors first, so that few entries are computed; a square where a factor comes twice."""
        if not factors:
            return None
        factors.sort(key=lambda n: (_size(n), n.dtype.kind != "f", self.sheet.order[n]))
        total, *rest = factors
        for factor in rest:
            total = self._node(SQUARE, total) if factor is total else self._node(MULTIPLY, total, factor)
        return total

    def _node(self, op: Op, *args: Node) -> Node:
        return self.sheet.node(op, args, dtype=self.dtype)


def _common(terms: Sequence[Product]) -> Product:
    """The factors that all terms share, and the coefficient where all agree but for the sign."""
    shared: Mapping[Node, int] = terms[0].factors
    for term in terms[1:]:
        both = {n: (e, term.factors[n]) for n, e in shared.items() if n in term.factors}
        shared = {n: min(pair, key=abs) for n, pair in both.items() if pair[0] * pair[1] > 0}
    sizes = {abs(t.coefficient) for t in terms}
    return Product(sizes.pop() if len(sizes) == 1 else ONE, shared)
