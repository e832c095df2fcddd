"""Learning-rate schedules: functions of the step t = 0, 1, ... Course, L13: α starts large and decays.

A schedule counts steps (updates), not epochs; ``every`` makes an epoch of so many steps one unit.
Any function of t will do in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.settings import above_zero, at_least, taking, whole

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class InverseTimeDecay:
    """α = α₀ / (1 + decay · t / every): the course's.

    >>> [InverseTimeDecay(0.2, decay=1.0)(t) for t in (0, 1, 3)]
    [0.2, 0.1, 0.05]
    """

    lr: float
    decay: float
    every: int = 1

    def __post_init__(self) -> None:
        _rate(self)
        at_least("InverseTimeDecay: decay", self.decay, 0)
        whole("InverseTimeDecay: every", self.every, 1)

    def __call__(self, t: int) -> float:
        """α at step t."""
        return self.lr / (1 + self.decay * t / self.every)


@dataclass(frozen=True)
class ExponentialDecay:
    """α = α₀ · factor^(t / every).

    >>> [ExponentialDecay(0.8, factor=0.5)(t) for t in (0, 1, 2)]
    [0.8, 0.4, 0.2]
    """

    lr: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        _rate(self)
        above_zero("ExponentialDecay: factor", self.factor)
        whole("ExponentialDecay: every", self.every, 1)

    def __call__(self, t: int) -> float:
        """α at step t."""
        return self.lr * float(self.factor ** (t / self.every))


@dataclass(frozen=True)
class StepDecay:
    """α₀, times ``factor`` after each ``every`` steps.

    >>> [StepDecay(0.8, factor=0.5, every=2)(t) for t in (0, 1, 2, 4)]
    [0.8, 0.8, 0.4, 0.2]
    """

    lr: float
    factor: float
    every: int

    def __post_init__(self) -> None:
        _rate(self)
        above_zero("StepDecay: factor", self.factor)
        whole("StepDecay: every", self.every, 1)

    def __call__(self, t: int) -> float:
        """α at step t."""
        return self.lr * float(self.factor ** (t // self.every))


@dataclass(frozen=True)
class CosineDecay:
    """Falls along half a cosine from α₀ to ``floor`` at step ``steps``, and stays there.

    Source: I. Loshchilov, F. Hutter, *SGDR*, ICLR 2017, equation 5, without restarts.

    >>> [CosineDecay(0.8, steps=10)(t) for t in (0, 10, 20)]
    [0.8, 0.0, 0.0]
    """

    lr: float
    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        _rate(self)
        whole("CosineDecay: steps", self.steps, 1)
        at_least("CosineDecay: floor", self.floor, 0)
        if self.floor > self.lr:
            raise ValueError(f"CosineDecay: floor: expected at most lr, {self.lr}, got {self.floor}")

    def __call__(self, t: int) -> float:
        """α at step t."""
        done = min(t / self.steps, 1.0)
        return self.floor + (self.lr - self.floor) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class WarmUp:
    """Grows linearly over the first ``steps`` steps to the first rate of ``then``, then follows ``then``.

    >>> [WarmUp(2, then=ExponentialDecay(0.8, 0.5))(t) for t in (0, 1, 2, 3)]
    [0.4, 0.8, 0.8, 0.4]
    """

    steps: int
    then: Schedule | float

    def __post_init__(self) -> None:
        whole("WarmUp: steps", self.steps, 1)
        if not callable(self.then) or isinstance(self.then, type):
            above_zero("WarmUp: then", self.then)
        else:
            taking("WarmUp: then", self.then, "t")

    def __call__(self, t: int) -> float:
        """α at step t."""
        after = max(t - self.steps, 0)
        rate = self.then(after) if callable(self.then) else self.then
        return rate * min((t + 1) / self.steps, 1.0)


def _rate(schedule: Any) -> None:
    above_zero(f"{type(schedule).__name__}: lr", schedule.lr)
