"""Derivatives checked against the value alone, by finite differences in a random direction.

A rule that is off in one entry is off in a random direction, too. Where two step sizes disagree the
function has a kink or a jump within the step, and there is nothing to compare with.
Source: S. Tokui et al., *Chainer*, KDD 2019, ``gradient_check``: directions, and points without derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        self.directions = [self.rng.standard_normal(np.shape(case.xs[k])) for k in self.wanted]
        self.again = [self.rng.standard_normal(np.shape(case.xs[k])) for k in self.wanted]
        values = [plain(y) for y in case.outputs(case.xs)]
        self.weights = [self.rng.uniform(0.5, 1.5, np.shape(y)) for y in values]
        self.scale = 10 + sum(float(np.sum(np.abs(y))) for y in values)

    def moved(self, t: float) -> list[Any]:
        xs = list(self.case.xs)
        for k, v in zip(self.wanted, self.directions, strict=True):
            xs[k] = xs[k] + t * v
        return xs

    def value(self, t: float) -> float:
        ys = self.case.outputs(self.moved(t))
        return float(sum(np.sum(w * y) for w, y in zip(self.weights, ys, strict=True)))

    def tensors(self, xs: Sequence[Any]) -> tuple[list[Any], list[Tensor]]:
        arguments = [tg.Tensor(x) if k in self.wanted else x for k, x in enumerate(xs)]
        return arguments, [arguments[k] for k in self.wanted]

    def weighted(self, arguments: Sequence[Any]) -> Tensor:
        ys = self.case.outputs(arguments)
        return sum((tg.sum(w * y) for w, y in zip(self.weights, ys, strict=True)), start=tg.Tensor(0.0))

    def gradients(self, t: float = 0.0) -> list[Any]:
        arguments, wanted = self.tensors(self.moved(t))
        J = self.weighted(arguments)
        return tg.grad(J, wanted) if J.requires_grad else [np.zeros(w.shape) for w in wanted]

    def first(self) -> bool | None:
        """The gradient along a direction against differences of the value."""
        along = sum(float(np.sum(g * v)) for g, v in zip(self.gradients(), self.directions, strict=True))
        return agree(along, self.value, self.scale + abs(along))

    def second(self) -> bool | None:
        """The derivative of the gradient along a direction against differences of the gradient."""
        arguments, wanted = self.tensors(self.case.xs)
        J = self.weighted(arguments)
        along, size = 0.0, self.scale
        if J.requires_grad:
            gs = tg.grad(J, wanted, create_graph=True)
            for recorded, eager in zip(gs, self.gradients(), strict=True):
                np.testing.assert_allclose(recorded.data, eager, rtol=1e-9, atol=1e-12)
            H = sum((tg.sum(u * g) for u, g in zip(self.again, gs, strict=True)), start=tg.Tensor(0.0))
            if H.requires_grad:
                hs = tg.grad(H, wanted)
                along = sum(float(np.sum(h * v)) for h, v in zip(hs, self.directions, strict=True))
                size += sum(float(np.sum(np.abs(g.data))) for g in gs)

        def gradient_along(t: float) -> float:
            return sum(float(np.sum(u * g)) for u, g in zip(self.again, self.gradients(t), strict=True))

        return agree(along, gradient_along, size + abs(along))
