"""From a step to the result, where only numbers multiply it and only other addends join it.

A value of another shape than the step's own then gives a result of another shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.steps import adds, passes_on
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import Step


@dataclass(frozen=True)
class Tail:
    """The result is ``sum(factor * value) + rest``, over the values of some steps."""

    factors: tuple[float, ...]
    rest: Array | None

    def tried(self, target: Target, value: Array, *edits: Edit) -> None:
        """Whether a sum of other values, each with its factor, gives the array; then that is noted."""
        if self.rest is None:
            target.whole(value, *edits)
            return
        try:
            target.whole(value + self.rest, *edits)
        except ValueError:
            return  # it does not go with the addends beside it

    def promising(self, target: Target, arrays: Array) -> list[int]:
        """Which of many values for the one step may give the array."""
        ends = arrays * self.factors[0]
        if self.rest is not None:
            try:
                shape = np.broadcast_shapes(arrays.shape[1:], self.rest.shape)
            except ValueError:
                return []
            ends = widened(ends, shape) + self.rest
        return [int(k) for k in target.likely(ends)]


def widened(arrays: Array, shape: tuple[int, ...]) -> Array:
    """Each of many arrays broadcast to a shape."""
    lead = arrays.reshape(len(arrays), *(1,) * (len(shape) - arrays.ndim + 1), *arrays.shape[1:])
    return np.broadcast_to(lead, (len(arrays), *shape))


def tail_of(target: Target, steps: Sequence[Step]) -> Tail | None:
    """What comes after some steps; None where something else is done to one of them."""
    factors = [c for step in steps if (c := _factor_after(target, step.name)) is not None]
    if len(factors) < len(steps):
        return None
    parts = (target.local.push({s.name: target.value(s.name)}) for s in steps)
    own = sum(parts, np.zeros(target.right.shape))
    rest = target.right - own
    alone = bool(np.all(np.abs(rest) <= target.slack(own)))
    if not alone and any(s.shape != target.right.shape for s in steps):
        return None
    return Tail(tuple(factors), None if alone else rest)


def _factor_after(target: Target, name: str) -> float | None:
    local = target.local
    reached = {name}
    for step in local.steps:
        if reached.isdisjoint(local.backward.carried(step)) or step.name == name:
            continue
        carriers, op = local.backward.carriers[step.name], step.op
        others = (local.operand(step, k) for k in range(len(step.args)) if k not in carriers)
        numbers = all(np.size(other) == 1 for other in others)
        entries = op is not None and op.kind == "elementwise" and numbers
        if not (entries or passes_on(step)) or (
            len(set(local.backward.carried(step))) > 1 and not adds(step)
        ):
            return None
        reached.add(step.name)
    value = target.value(name)
    if local.root not in reached or not value.any():
        return None
    one = np.zeros(value.shape)
    one.flat[int(np.argmax(np.abs(value)))] = 1.0
    out = local.push({name: one})
    return float(out.flat[int(np.argmax(np.abs(out)))])
