"""Runs an optimiser's formula: compiled where it is elementwise, else as the Python it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from inspect import getsource
from textwrap import dedent
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.free_variables import FreeVariables
from tinygrad_edu.compiler.pieces import Update
from tinygrad_edu.compiler.updates import Rule, rule_of

Array = NDArray[Any]
NUMBERS = ("rate", "t", "norm")


class Step(Protocol):
    """The update of the parameters of one dtype."""

    @property
    def begun(self) -> bool:
        """Whether any of them was touched since the last reset."""

    def reset(self) -> None:
        """Before a step."""

    def __call__(self, rate: float, t: int, norm: float, /) -> None:
        """Does a step."""

    def go_on(self, rate: float, t: int, norm: float, /) -> None:
        """Does the rest of a step, after an error or an interrupt."""


class _AsItStands:
    """The formula as the Python it is, on one parameter after the other."""

    def __init__(self, optimizer: Any, targets: Sequence[tuple[Array, ...]]) -> None:
        self.optimizer, self.targets = optimizer, targets
        self.done = np.zeros(())

    @property
    def begun(self) -> bool:
        return bool(self.done)

    def reset(self) -> None:
        self.done[...] = 0

    def __call__(self, rate: float, t: int, norm: float) -> None:
        optimizer, done = self.optimizer, int(self.done)
        for k, (W, dW, *averages) in enumerate(self.targets[done:], done + 1):
            slots = dict(zip(optimizer.slots, averages, strict=True))
            new = optimizer.moved(W, dW, rate=rate, t=t, norm=norm, **slots)
            deque(map(np.positive, [*new, float(k)], [W, *averages, self.done]), 0)  # all of them, or none

    go_on = __call__


class Rules:
    """The compiled formula of one optimiser, for each dtype; recorded again when its settings change."""

    def __init__(self) -> None:
        self._known: dict[np.dtype[Any], tuple[Rule | None, _Read]] = {}

    def of(self, optimizer: Any, dtype: np.dtype[Any]) -> Rule | None:
        """The compiled rule; None if the formula is not elementwise, or reads something mutable."""
        found = self._known.get(dtype)
        if found is None or not found[1].holds(optimizer):
            read = _Read(optimizer)
            rule = rule_of(read.formula, ("W", "dW", *optimizer.slots), NUMBERS, dtype)
            found = self._known[dtype] = (rule if read.settled(optimizer) else None), read
        return found[0]

    def source(self, optimizer: Any, dtype: np.dtype[Any]) -> str:
        """The compiled source; the formula's own source where it is not compiled."""
        rule = self.of(optimizer, dtype)
        return rule.source if rule is not None else dedent(getsource(type(optimizer).formula))

    def moves(
        self,
        optimizer: Any,
        parameters: Mapping[Any, Array],
        gradients: Sequence[Array],
        kept: dict[Any, Any],
    ) -> list[Step]:
        """The updates of parameters with their gradients, one for each dtype."""
        targets: dict[np.dtype[Any], list[tuple[Array, ...]]] = {}
        for (key, W), dW in zip(parameters.items(), gradients, strict=True):
            if dW.shape != W.shape:
                raise ValueError(f"{key}: expected a gradient of shape {W.shape}, got {dW.shape}")
            if not W.flags.writeable:
                raise ValueError(f"{key}: expected an array that can be written to, got a read-only one")
            targets.setdefault(W.dtype, []).append((W, dW, *optimizer.averages(key, W).values()))
        return [self._step(optimizer, dtype, group, kept) for dtype, group in targets.items()]

    def _step(
        self, optimizer: Any, dtype: np.dtype[Any], targets: list[tuple[Array, ...]], kept: dict[Any, Any]
    ) -> Step:
        rule = self.of(optimizer, dtype)
        arrays = [array for target in targets for array in target]
        known = kept.get(dtype)
        memory: list[Array] = []
        if known is not None and known[0] is rule:
            step: Step = known[2]
            memory = known[3]
            if all(map(_lie_alike, known[1], arrays)):
                step.reset()
                return step
        made = _AsItStands(optimizer, targets) if rule is None else Update(rule, targets, memory)
        kept[dtype] = (rule, arrays, made, memory)
        return made


def _lie_alike(a: Array, b: Array) -> bool:
    """Whether two arrays are one, or views of the same place."""
    return a is b or (a.base is b.base is not None and a.__array_interface__ == b.__array_interface__)


class _Read:
    """The settings and global names that a formula reads, to notice when they change."""

    def __init__(self, optimizer: Any) -> None:
        self.read: dict[str, Any] = {}
        noted, cls = self.read, type(optimizer)

        def look(seen: Any, name: str) -> Any:
            value = object.__getattribute__(seen, name)
            if name in optimizer.__dict__ or isinstance(getattr(cls, name, None), property):
                noted[name] = value
            return value

        seen: Any = object.__new__(type(cls.__name__, (cls,), {"__getattribute__": look}))
        seen.__dict__.update(optimizer.__dict__)
        self.slots = optimizer.slots
        self.formula = lambda W, dW, *averages, **numbers: seen.moved(
            W, dW, **dict(zip(self.slots, averages, strict=True)), **numbers
        )
        self.elsewhere = [
            FreeVariables(getattr(c, name))
            for c in cls.__mro__
            if not c.__module__.startswith("tinygrad_edu.nn.optim.") and c is not object
            for name, member in vars(c).items()
            if callable(member) and name in ("formula", "decayed", "moved")
        ]

    def holds(self, optimizer: Any) -> bool:
        """Whether none of it has changed."""
        now = optimizer.__dict__
        for name, value in self.read.items():
            if now.get(name, self) is not value:
                return False
        return all(found.changed() is None for found in self.elsewhere)

    def settled(self, optimizer: Any) -> bool:
        """Whether every change can be noticed: only of values that cannot be changed in place."""
        own = optimizer.__dict__
        return all(
            name in own and isinstance(v, (int, float, str, type(None))) for name, v in self.read.items()
        )
