"""A function that a gradient is written with, though J has it not: σ(z) in the slope of log(1 + exp(z)).

Whether a gradient is α + β f(z), entry by entry, is told by running its formula at three values of z. What
stands for f(z) by mistake is then any other value at hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_edu.check.diagnosis.coefficients import Coefficients
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.core.op import Op
from tinygrad_edu.graph import Step
from tinygrad_edu.ops.elementwise.exponential import exp, tanh
from tinygrad_edu.ops.networks.activations import sigmoid

_FUNCTIONS: tuple[tuple[Op, Callable[[float], float]], ...] = (
    (sigmoid, lambda c: float(np.log(c / (1 - c)))),
    (tanh, lambda c: float(np.arctanh(c))),
    (exp, lambda c: float(np.log(c))),
)
"""Functions, and where they have a value."""
_LOW, _MIDDLE, _HIGH = 0.25, 0.5, 0.75
_MOST_VALUES, _MOST_SIZE = 8, 20_000


def of_functions_within(target: Target, pool: Pool) -> None:
    """Another value in the place of such a function."""
    if target.right.size > _MOST_SIZE or not target.right.ndim:
        return
    uses = Coefficients(target, forward=True)
    values = [s for s in uses.steps if s.requires_grad and s.named and s.shape == target.right.shape]
    for step in values[-_MOST_VALUES:]:
        for op, inverse in _FUNCTIONS:
            try:
                _replaced(target, pool, uses, step, op, inverse)
            except (ValueError, TypeError):
                break  # its steps do not take another value


def _replaced(
    target: Target, pool: Pool, uses: Coefficients, step: Step, op: Op, inverse: Callable[[float], float]
) -> None:
    def at(c: float) -> Array:
        return uses.gradient({step.name: np.full(step.shape, inverse(c))})

    low, high = at(_LOW), at(_HIGH)
    slope = (high - low) / (_HIGH - _LOW)
    rest, f = low - _LOW * slope, op.forward(step.value)
    straight = _same(rest + _MIDDLE * slope, at(_MIDDLE)) and _same(rest + slope * f, target.right)
    if not slope.any() or not straight:
        return
    name = pool.words.of(step.name)
    bank = pool.bank(step.shape)
    for k in target.promising(target.local.root, bank.rows, slope, rest):
        entry, row = bank.entries[k], bank.rows[k]
        its = entry.value.node is not None and entry.value.node.name == step.name
        codes = ("z_for_a", "slope_wrong") if its and entry.text == "{}" else ("slope_wrong", "wrong_layer")
        edit = Edit(codes, f"{entry.told} stands where {op.name}({name}) belongs", 1.25 + entry.value.cost)
        target.at(target.local.root, rest + slope * row.reshape(step.shape), edit)


def _same(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12 * float(np.max(np.abs(b), initial=0.0))))
