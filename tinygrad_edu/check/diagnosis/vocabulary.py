"""Constants that people put in, or leave out: what a number is, if it is one of those."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from tinygrad_edu.check.convention import Reading
from tinygrad_edu.check.diagnosis.edit import Edit
from tinygrad_edu.check.diagnosis.terms import addends_of_the_cost
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.graph import GraphNode

_LOGARITHMS = {
    "1/ln 2": 1 / math.log(2),
    "1/ln 10": 1 / math.log(10),
    "ln 2": math.log(2),
    "ln 10": math.log(10),
}

_SMALL = {2.0: "2", 0.5: "1/2", 3.0: "3", 4.0: "4", 0.25: "1/4", 1 / 3: "1/3", 10.0: "10", 0.1: "0.1"}


@dataclass(frozen=True)
class Vocabulary:
    """What may multiply a quantity by mistake.

    Args:
        m: the number of examples, if J is divided by it; else 1.
        sizes: the lengths of axes.
        constants: numbers in J by what they are called there.
        kept: the factors of dropout masks, 1 / the keep probability.
        scales: numbers that J multiplies arrays by, even those that have another meaning too.
        counts: how many entries of several axes are added up, or averaged, at once.
        values: the numbers that J computes, such as a norm, by name.
    """

    m: int = 1
    sizes: tuple[int, ...] = ()
    constants: tuple[float, ...] = ()
    kept: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    values: tuple[tuple[str, float], ...] = ()

    @cached_property
    def _words(self) -> list[tuple[float, Edit]]:
        return list(self._said())

    def _said(self) -> Iterator[tuple[float, Edit]]:
        yield -1.0, Edit(("sign",), "the sign is wrong")
        if self.m > 1:
            m = self.m
            yield float(m), Edit(("factor_m_missing",), f"the factor 1/m is missing (m = {m})")
            yield 1 / m, Edit(("factor_m_doubled",), f"the factor 1/m is there twice (m = {m})")
            yield from self._other_counts()
        yield from ((c, _factor(told)) for c, told in _SMALL.items())
        yield from self._of_the_cost()
        yield from self._of_sizes()
        yield from self._exchanged()
        for name, c in self.values:
            powers = ((c, name), (1 / c, f"1/{name}"), (c * c, f"{name}²"), (1 / c**2, f"1/{name}²"))
            for value, told in powers:
                codes = ("constant_factor", "chain_factor_missing")
                yield value, Edit(codes, f"off by the factor {told}", 1.1)

    def _of_the_cost(self) -> Iterator[tuple[float, Edit]]:
        for name, c in _LOGARITHMS.items():
            base = "2" if "2" in name else "10"
            text = f"off by the factor {name}: a logarithm to base {base}"
            yield c, Edit(("log_base", "constant_factor"), text, 1.05)
        for c in self.kept:
            for value, told in ((c, "is there once too often"), (1 / c, "is missing")):
                text = f"the division by the keep probability {1 / c:.6g} {told}"
                yield value, Edit(("dropout_scale", "constant_factor"), text, 1.05)
            text = f"it is multiplied by the keep probability {1 / c:.6g}, by which it has to be divided"
            yield 1 / c**2, Edit(("dropout_scale", "constant_factor"), text, 1.1)
            text = f"the division is by {1 - 1 / c:.6g}, the probability of dropping, and not by {1 / c:.6g}"
            yield 1 / (c - 1), Edit(("dropout_scale", "constant_factor"), text, 1.1)
        for c in self.constants:
            for value in (c, 1 / c):
                yield value, _factor(f"{_number(value)}, which is {_number(c)} of J or 1 over it", 1.1)
                told = "multiplied by it instead of divided, or the reverse"
                yield (
                    value**2,
                    _factor(f"{_number(value**2)}: the square of {_number(value)} of J, {told}", 1.2),
                )

    def _exchanged(self) -> Iterator[tuple[float, Edit]]:
        """One number of J in the place of another."""
        for a, b in permutations(self.constants[:8], 2):
            yield a / b, Edit(("constant_factor",), f"{_number(a)} stands where {_number(b)} belongs", 1.3)

    def _other_counts(self) -> Iterator[tuple[float, Edit]]:
        m = self.m
        for n in dict.fromkeys((*self.sizes, m - 1, m + 1)):
            if n not in (0, 1, m):
                text = f"divided by {n} instead of m = {m}"
                yield m / n, Edit(("wrong_m", "constant_factor"), text, 1.15)
                text = f"divided by m = {m} again, and by {n}"
                yield 1 / (m * n), Edit(("factor_m_doubled", "wrong_m"), text, 1.8)

    def _of_sizes(self) -> Iterator[tuple[float, Edit]]:
        told = dict.fromkeys(self.sizes, "the length of an axis")
        for n, what in (told | dict.fromkeys(self.counts, "the number of entries of a sum or mean")).items():
            yield float(n), _factor(f"{n}, {what}", 1.15)
            text = f"divided by {n}, {what}: a mean for a sum"
            yield 1 / n, Edit(("constant_factor", "mean_for_sum"), text, 1.15)
        for n in self.sizes:
            yield math.sqrt(n), _factor(f"√{n}", 1.2)
            yield 1 / math.sqrt(n), _factor(f"1/√{n}", 1.2)
        for a, b in permutations(self.sizes, 2):
            yield a / b, _factor(f"{a}/{b}, a ratio of lengths", 1.35)
            if a < b:
                yield float(a * b), _factor(f"{a} · {b}, a product of lengths", 1.35)
                yield 1 / (a * b), _factor(f"1/({a} · {b}), a product of lengths", 1.35)

    def read(self, c: float, close: float = 1e-8) -> tuple[Edit, ...] | None:
        """What a factor is: no edit for 1, else one or two; None if it is no constant that is known."""
        if abs(c - 1) <= close:
            return ()
        best: tuple[Edit, ...] | None = None
        for value, edit in self._words:
            if abs(c - value) <= close * abs(value) and (best is None or edit.cost < best[0].cost):
                best = (edit,)
        if best is not None:
            return best
        sign = self._words[0][1]
        if c < 0 and (rest := self.read(-c, close)) is not None and len(rest) == 1:
            return (sign, rest[0])
        if self.m > 1 and c > 0:
            for value, edit in self._words[1:3]:
                for other, name in _SMALL.items():
                    if abs(c - value * other) <= close * abs(c):
                        return (edit, _factor(name))
        return None

    def also(self, c: float, close: float = 1e-8) -> Edit | None:
        """What else the factor 1/m, or m, may be: a number that scales an array of J, such as √d."""
        if self.m > 1 and any(abs(c - v) <= close * v for v in (self.m, 1 / self.m)):
            for scale in self.scales:
                for value in (scale, 1 / scale):
                    if abs(c - value) <= close * value:
                        return _factor(f"{_number(value)}, which is {_number(scale)} of J or 1 over it", 1.05)
        return None

    def free(self, c: float) -> Edit:
        """A factor that has no name."""
        return Edit(("constant_factor",), f"off by the factor {_number(c)}", 2.2)


def _factor(told: str, cost: float = 1.0) -> Edit:
    return Edit(("constant_factor",), f"off by the factor {told}", cost)


def _number(c: float) -> str:
    return f"{c:.6g}"


def vocabulary(truth: Truth, reading: Reading) -> Vocabulary:
    """The constants that a computation has names for, in one reading of its gradients."""
    counts = [r.m for r in truth.readings if r.m > 1]
    m = reading.m if reading.m > 1 else (counts[0] if counts else 1)
    sizes = tuple(dict.fromkeys(n for node in truth.graph for n in node.shape if n > 1))
    numbers = (a for node in truth.graph for a in node.args if isinstance(a, (int, float, np.number)))
    magnitudes = dict.fromkeys(abs(float(a)) for a in numbers)
    constants = [c for c in magnitudes if c not in (1.0, 0.5, 2.0, float(m)) and 1e-6 < c < 1e6]
    kept: dict[float, None] = {}
    for node in truth.graph.inputs:
        if not node.requires_grad and node.value.size > 4 and node.value.dtype.kind == "f":
            levels = np.unique(node.value)
            if levels.size == 2 and levels[0] == 0 and levels[1] > 1:
                kept[float(levels[1])] = None
    for node in truth.graph:
        if (scale := _scale_of_a_mask(node)) is not None:
            kept[scale] = None
            constants = [c for c in constants if abs(c * scale - 1) > 1e-9]
    averaged = {n.inputs[0].value.size // n.value.size: None for n in truth.graph if _sums(n)}
    averaged[len(addends_of_the_cost(truth.program))] = None  # such as a loop over the examples adds up
    added = tuple(c for c in averaged if c > 1 and c not in (*sizes, m))
    scales, values = _scales(truth), tuple(_numbers(truth))
    return Vocabulary(m, sizes[:12], tuple(constants)[:24], tuple(kept), scales, added[:8], values[:12])


def _numbers(truth: Truth) -> Iterator[tuple[str, float]]:
    """The numbers with a name that J computes; none where it computes with numbers alone."""
    if any(node.requires_grad and node.value.size > 1 for node in truth.graph):
        for node in truth.graph:
            c = float(node.value.flat[0]) if node.value.size == 1 and node.value.dtype.kind == "f" else 0.0
            if node.named and node.op is not None and 1e-6 < abs(c) < 1e6:
                yield node.name, c


def _sums(node: GraphNode) -> bool:
    return node.op is not None and node.op.kind == "reduction" and node.value.size > 0


def _scales(truth: Truth) -> tuple[float, ...]:
    """The numbers by which an array of J is multiplied or divided."""
    products = [n for n in truth.graph if n.op is not None and (n.op.linear_in(0) or n.op.linear_in(1))]
    args = [a for n in products if n.value.size > 1 for a in n.args]
    known = (abs(float(a)) for a in args if isinstance(a, (int, float, np.number)))
    return tuple(dict.fromkeys(a for a in known if np.isfinite(a) and a not in (0.0, 1.0)))


def _scale_of_a_mask(node: GraphNode) -> float | None:
    """What a value that was multiplied by a mask of 0 and 1 is multiplied by in addition, as in dropout."""
    inputs = node.inputs
    if node.op is None or node.op.kind != "elementwise" or len(inputs) != 1 or inputs[0].op is None:
        return None
    masked = inputs[0]
    masks = [n for n in masked.inputs if n.is_leaf and not n.requires_grad and n.value.size > 4]
    if len(masked.inputs) != 2 or not any(np.isin(n.value, (0, 1)).all() for n in masks):
        return None
    places = np.flatnonzero(masked.value)
    if not places.size:
        return None
    with np.errstate(all="ignore"):
        scale = float(node.value.flat[places[0]] / masked.value.flat[places[0]])
        alike = np.allclose(node.value, scale * masked.value, rtol=1e-6, atol=0)
    return round(scale, 12) if scale > 1 and alike else None
