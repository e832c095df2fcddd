"""Checks with central differences that a rule gives the derivative of the value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.backward import flow
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.rules import fitted
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor

Array = NDArray[Any]
ENTRIES = 40
"""How many entries of an input are checked; drawn at random where there are more."""

RTOL, ATOL = 1e-5, 1e-7
"""Central differences of step ε^(1/3) are good to about 1e-9; a rule that is off by less than RTOL passes."""


def prove(op: Op, *, order: int) -> None:
    """Raises a ValueError where a rule of the operation fails or is wrong at one of its samples."""
    if not op.samples:
        raise ValueError(f"define: {op.name!r} needs samples, tuples of arrays, to be checked at")
    for number, sample in enumerate(op.samples):
        at = _Point(op, sample, number)
        at.first_derivatives()
        if order > 1:
            at.second_derivatives()
            at.all_values()


class _Point:
    """An operation at one of its samples."""

    def __init__(self, op: Op, sample: Sample, number: int) -> None:
        self.op, self.settings, self.number = op, dict(sample.settings), number
        self.rng = np.random.default_rng(number)
        self.xs = sample.draw(self.rng)
        for x in self.xs:
            x.setflags(write=False)
        self.y = self._tried("the function", partial(op.forward, *self.xs, **self.settings))
        if np.asarray(self.y).dtype.kind != "f" or not np.all(np.isfinite(self.y)):
            raise self._wrong(
                f"expected finite floating-point values, got {self.y!r}: say where it has them, as in "
                "domain=(0.1, 3.0)"
            )
        self.g = self._weights(np.shape(self.y))
        rules = op.pullbacks * len(self.xs) if op.variadic else op.pullbacks
        self.operands = [k for k, rule in enumerate(rules) if rule and self.xs[k].dtype.kind == "f"]

    def first_derivatives(self) -> None:
        """The rule on arrays, against differences of the value."""
        for k in self.operands:
            self._compare(k, self._pulled(k, self.xs), lambda *xs: self._cost(xs), "rule")

    def second_derivatives(self) -> None:
        """The rule on Tensors, differentiated, against differences of the rule on arrays."""
        leaves = {k: Tensor(self.xs[k]) for k in self.operands}
        operands = list(leaves.values())
        directions = {k: self._weights(x.shape) for k, x in leaves.items()}
        y = self.op(*(leaves.get(k, x) for k, x in enumerate(self.xs)), **self.settings)
        first = self._on_tensors(lambda: flow({y: Tensor(self.g)}, create_graph=True, keep=operands))
        roots = {first[leaves[k]]: d[()] for k, d in directions.items() if first[leaves[k]].requires_grad}
        found = self._on_tensors(lambda: flow(roots, keep=operands))

        def slope(*xs: Array) -> float:
            return float(sum(np.sum(directions[k] * self._pulled(k, xs)) for k in self.operands))

        for k, leaf in leaves.items():
            self._compare(k, found.get(leaf, np.zeros(leaf.shape)), slope, "derivative of the rule")

    def all_values(self) -> None:
        """The rule on symbols: it must not ask which values they have."""
        symbols = [Symbol.standing_for(Tensor(x)) for x in self.xs]
        y = self.op(*symbols, **self.settings)
        seed = Symbol.standing_for(Tensor(self.g))
        self._on_tensors(lambda: flow({y: seed}, create_graph=True, keep=[symbols[k] for k in self.operands]))

    def _weights(self, shape: tuple[int, ...]) -> Array:
        return self.rng.uniform(0.5, 1.5, shape)

    def _cost(self, xs: Sequence[Array]) -> float:
        return float(np.sum(self.g * self.op.forward(*xs, **self.settings)))

    def _pulled(self, k: int, xs: Sequence[Array]) -> Any:
        rule: Any = self.op.pullbacks[0 if self.op.variadic else k]
        rule = partial(rule, k) if self.op.variadic else rule
        y = self.op.forward(*xs, **self.settings)
        who = f"the rule for {self._operand(k)}"
        return self._tried(who, lambda: fitted(np.asarray(rule(self.g, y, *xs, **self.settings)), xs[k]))

    def _compare(self, k: int, got: Any, cost: Callable[..., float], what: str) -> None:
        """Every entry of one operand, or some of them."""
        x, scale = self.xs[k], abs(cost(*self.xs))
        for index, expected in self._differences(k, cost):
            entry = float(np.asarray(got)[index])
            if not abs(entry - expected) <= RTOL * max(abs(entry), abs(expected)) + ATOL * max(1.0, scale):
                place = f"{self._operand(k)}[{', '.join(map(str, index))}]" if index else self._operand(k)
                raise self._wrong(
                    f"the {what} for {self._operand(k)} is wrong at {place} = {x[index]:.4g}: "
                    f"expected {expected:.6g} (by central differences of Σ g y), got {entry:.6g}"
                )

    def _differences(self, k: int, cost: Callable[..., float]) -> Iterator[tuple[tuple[int, ...], float]]:
        x = self.xs[k]
        flat = np.arange(x.size) if x.size <= ENTRIES else self.rng.choice(x.size, ENTRIES, replace=False)
        for place in flat:
            index = tuple(int(i) for i in np.unravel_index(place, x.shape))
            h = np.finfo(float).eps ** (1 / 3) * max(1.0, abs(float(x[index])))
            ends = []
            for step in (h, -h):
                moved = x.copy()
                moved[index] += step
                ends.append(cost(*self.xs[:k], moved, *self.xs[k + 1 :]))
            yield index, (ends[0] - ends[1]) / (2 * h)

    def _operand(self, k: int) -> str:
        return f"{self.op.parameters[0]}[{k}]" if self.op.variadic else self.op.parameters[k]

    def _wrong(self, problem: str) -> ValueError:
        shapes = ", ".join(f"{self._operand(k)} {x.shape}" for k, x in enumerate(self.xs))
        settings = f", {self.settings}" if self.settings else ""
        return ValueError(f"define: {self.op.name}: {problem}. At sample {self.number}: {shapes}{settings}.")

    def _tried(self, who: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            told = f"{type(error).__name__}: {error}"
            if "truth value" in told:  # NumPy advises a.any(), which would be wrong here
                told = "it decides by a value; choose entry by entry, as in np.where(x > 0, g, -g)"
            raise self._wrong(f"{who} fails: {told}") from error

    def _on_tensors(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._wrong(
                "the rule runs on arrays, not on Tensors, so there are no higher derivatives or formulas: "
                f"{type(error).__name__}: {error}; define(order=1) is content with first derivatives"
            ) from error
