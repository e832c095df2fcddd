"""Derivatives checked against the value alone, by finite differences in a random direction.

A rule that is off in one entry is off in a random direction, too. Where two step sizes disagree the
function has a kink or a jump within the step, and there is nothing to compare with.
Source: S. Tokui et al., *Chainer*, KDD 2019, ``gradient_check``: directions, and points without derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tests.ops.cases import Case, plain
from tinygrad_edu.core.tensor import Tensor

STEP = 2e-4
TOLERANCE = 2e-7


def slope(f: Callable[[float], float]) -> tuple[float, float]:
    """f'(0) by extrapolated central differences, and how far the two step sizes are apart."""
    coarse = (f(STEP) - f(-STEP)) / (2 * STEP)
    fine = (f(STEP / 2) - f(-STEP / 2)) / STEP
    return (4 * fine - coarse) / 3, abs(fine - coarse)


def agree(analytic: float, f: Callable[[float], float], scale: float) -> bool | None:
    """Whether a derivative agrees with the finite difference; None where there is no derivative."""
    numeric, spread = slope(f)
    if not np.isfinite(numeric) or spread > 1e-4 * scale:
        return None
    return bool(abs(analytic - numeric) <= TOLERANCE * scale + 1e-2 * spread)


class Probe:
    """A case weighted to one number J, and directions in which to differentiate it."""

    def __init__(self, case: Case, seed: int = 0) -> None:
        self.case = case
        self.rng = np.random.default_rng(seed)
        self.wanted = [k for k, wanted in enumerate(case.differentiable) if wanted]
        self.directions = self.random_directions()
        self.contractions = [self.random_directions(), self.random_directions()]
        values = [plain(y) for y in case.outputs(case.xs)]
        self.weights = [self.rng.uniform(0.5, 1.5, np.shape(y)) for y in values]
        self.scale = 10 + sum(float(np.sum(np.abs(y))) for y in values)
        self.gradients = cache(self._gradients)

    def random_directions(self) -> list[Any]:
        return [self.rng.standard_normal(np.shape(self.case.xs[k])) for k in self.wanted]

    def moved(self, t: float) -> list[Any]:
        xs = list(self.case.xs)
        for k, v in zip(self.wanted, self.directions, strict=True):
            xs[k] = xs[k] + t * v
        return xs

    def value(self, t: float) -> float:
        ys = self.case.outputs(self.moved(t))
        return float(sum(np.sum(w * y) for w, y in zip(self.weights, ys, strict=True)))

    def tensors(self, t: float) -> tuple[Tensor, list[Tensor]]:
        """J, and the inputs that it is differentiated with respect to."""
        arguments = [tg.Tensor(x) if k in self.wanted else x for k, x in enumerate(self.moved(t))]
        J = contracted(self.weights, self.case.outputs(arguments))
        return J, [arguments[k] for k in self.wanted]

    def _gradients(self, order: int, t: float = 0.0) -> list[Any]:
        """The gradient of J, or of its gradient along a contraction, or of the gradient of that along one."""
        J, wanted = self.tensors(t)
        for k in range(order - 1):
            if J.requires_grad:
                J = contracted(self.contractions[k], tg.grad(J, wanted, create_graph=True))
        return tg.grad(J, wanted) if J.requires_grad else [np.zeros(x.shape) for x in wanted]

    def agrees(self, order: int) -> bool | None:
        """The derivative of that order along a direction against differences of the one below it."""
        gs = self.gradients(order)
        along = sum(float(np.sum(g * v)) for g, v in zip(gs, self.directions, strict=True))
        size = self.scale + abs(along)
        if order == 1:
            return agree(along, self.value, size)
        weights = self.contractions[order - 2]

        def below(t: float) -> float:
            return sum(
                float(np.sum(u * g)) for u, g in zip(weights, self.gradients(order - 1, t), strict=True)
            )

        return agree(along, below, size + sum(float(np.sum(np.abs(g))) for g in self.gradients(order - 1)))

    def recorded_gradients(self) -> list[Any]:
        """The gradient as a backward pass that is itself recorded gives it."""
        J, wanted = self.tensors(0.0)
        if not J.requires_grad:
            return [np.zeros(x.shape) for x in wanted]
        return [g.data for g in tg.grad(J, wanted, create_graph=True)]


def contracted(weights: Sequence[Any], values: Sequence[Any]) -> Tensor:
    """The sum of the products of both."""
    return sum((tg.sum(w * y) for w, y in zip(weights, values, strict=True)), start=tg.Tensor(0.0))
