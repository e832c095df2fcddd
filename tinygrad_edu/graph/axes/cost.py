"""The way from the cost back to where axes end linearly, and what the cost is divided by on it.

From the output, through what is linear: a sum or mean there is the cost's own, and what it ends may be the
examples. Terms without data are penalties and do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import AVERAGED, SUMMED, each
from tinygrad_edu.core.facts import ALL, EACH
from tinygrad_edu.graph.axes.atoms import Term
from tinygrad_edu.graph.axes.walk import Value, Walk


@dataclass(frozen=True)
class _Division:
    """Where something on the way to the cost is divided by a number, or by the size of axes that end."""

    step: str
    number: float
    terms: tuple[Term, ...] | None
    """The axes of a mean; None where a plain number divides."""
    scalar: bool
    """Whether a single number is divided, rather than each entry."""


class Cost:
    """What the last step of a program, its scalar cost, says about the axes."""

    def __init__(self, walk: Walk, output: str) -> None:
        self.walk = walk
        self.grad_mask = sum(leaf.bit for leaf in walk.leaves if leaf.requires_grad)
        self.ended: dict[int, list[Value]] = {}
        """Where atoms end linearly, in terms with data."""
        self.contracted: set[int] = set()
        """Those of them that end in a product with a single leaf."""
        self.divisions: list[_Division] = []
        self.steps: set[str] = set()
        """The steps that are the cost's own."""
        end = walk.values[output]
        self._everything = not end.data
        for value in self._linear(end):
            self._read(value)

    def single(self, value: Value) -> bool:
        """Whether a value is made of one parameter and of nothing else."""
        return value.leaves.bit_count() == 1 and bool(value.leaves & self.grad_mask)

    def _linear(self, end: Value) -> Iterator[Value]:
        waiting, seen = [end], {end.step.name}
        for value in waiting:
            yield value
            for operand in self._operands(value):
                new = operand.step.name not in seen and (self._everything or operand.data)
                if new and operand.step.op is not None:
                    seen.add(operand.step.name)
                    waiting.append(operand)

    def _operands(self, value: Value) -> Iterator[Value]:
        """The operands in which a step is linear; of a function of single numbers, all."""
        op = value.step.op
        if op is None:
            yield from (operand for operand in value.operands if operand is not None)
            return
        scalar = value.step.value.size == 1 and op.axes is each
        everywhere = tuple(range(len(value.operands)))
        groups = [
            g for group in op.linear for g in ([(k,) for k in everywhere] if group == EACH else [group])
        ]
        for k, operand in enumerate(value.operands):
            if operand is None:
                continue
            mine = [everywhere if group == ALL else group for group in groups if group == ALL or k in group]
            others = [other for j, other in enumerate(value.operands) if not mine or j not in mine[0]]
            if scalar or (mine and all(other is None or self._fixed(other) for other in others)):
                yield operand

    def _fixed(self, value: Value) -> bool:
        return not value.leaves & self.grad_mask or value.leaves.bit_count() == 1

    def _read(self, value: Value) -> None:
        step = value.step
        self.steps.add(step.name)
        atoms = self.walk.atoms
        averaged = []
        for end in value.ends:
            if end.how not in (SUMMED, AVERAGED):
                continue
            found = atoms.expand(end.term)
            for atom in found:
                self.ended.setdefault(atom, []).append(value)
            if any(operand is not None and self.single(operand) for operand in self._at(value, end.operands)):
                self.contracted.update(found)
            if end.how == AVERAGED:
                averaged.append(end.term)
        if averaged:
            size = float(np.prod([atoms.size[a] for a in atoms.of(averaged)]))
            self.divisions.append(_Division(step.name, size, tuple(averaged), step.value.size == 1))
        factor = self._factor(value)
        if factor is not None and factor not in (0, 1, -1) and np.isfinite(factor):
            self.divisions.append(_Division(step.name, 1 / factor, None, step.value.size == 1))

    @staticmethod
    def _at(value: Value, operands: tuple[int, ...]) -> Iterator[Value | None]:
        if len(operands) > 1:
            yield from (value.operands[k] for k in operands)

    def _factor(self, value: Value) -> float | None:
        """The factor by which a step multiplies its only operand that is not a fixed number."""
        op, args = value.step.op, value.step.args
        if op is None or op.axes is not each or len(args) != 2:
            return None
        for k in (0, 1):
            other = value.operands[1 - k]
            number: Any = args[1 - k] if other is None else other.step.value
            fixed = np.ndim(number) == 0 and (other is None or not other.leaves & self.grad_mask)
            if (k,) in op.linear and fixed and value.operands[k] is not None:
                given = (1.0, float(number)) if k == 0 else (float(number), 1.0)
                with np.errstate(all="ignore"):
                    return float(op.forward(*map(np.float64, given)))
        return None
