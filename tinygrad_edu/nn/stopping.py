"""Early stopping: ending a training when the validation cost no longer falls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.settings import at_least, whole, yes_or_no


@dataclass(frozen=True)
class EarlyStopping:
    """Stop after ``patience`` epochs in which the validation cost did not fall by more than ``min_delta``.

    ``restore_best`` puts the parameters of the best epoch back. An epoch of the whole batch is one
    update, so there the patience should be long.

    Source: L. Prechelt, *Early Stopping — But When?*, 1998.

    >>> EarlyStopping(patience=10)
    EarlyStopping(patience=10, min_delta=0.0, restore_best=True)
    """

    patience: int
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        whole("EarlyStopping: patience", self.patience, 1)
        at_least("EarlyStopping: min_delta", self.min_delta, 0)
        yes_or_no("EarlyStopping: restore_best", self.restore_best)


@dataclass
class Stopping:
    """The state of early stopping: the best epoch so far. With ``rule`` None it never stops."""

    rule: EarlyStopping | None
    best_cost: float = math.inf
    waited: int = 0
    best: dict[str, NDArray[Any]] = field(default_factory=dict)

    def improved(self, cost: float) -> bool:
        """Records the validation cost of an epoch; returns whether it is the least so far."""
        if cost < self.best_cost - (self.rule.min_delta if self.rule else 0.0):
            self.best_cost, self.waited = cost, 0
            return True
        self.waited += 1
        return False

    def keep(self, state: Mapping[str, Tensor]) -> None:
        """Stores a model's state as the best so far, if ``restore_best``."""
        if self.rule and self.rule.restore_best:
            self.best = {name: np.array(p._data) for name, p in state.items()}

    @property
    def over(self) -> bool:
        """Whether patience has run out."""
        return self.rule is not None and self.waited >= self.rule.patience

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restores the best state if one was stored, also if training ended before patience ran out."""
        for name, array in self.best.items():
            state[name].data[...] = array


def stopping_rule(value: Any) -> EarlyStopping | None:
    """The argument ``early_stopping``: a rule, its patience in epochs, or None.

    >>> stopping_rule(2.5)
    Traceback (most recent call last):
    ...
    TypeError: early_stopping: expected a tg.nn.EarlyStopping, or its patience in whole epochs, got 2.5
    """
    if value is None or isinstance(value, EarlyStopping):
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return EarlyStopping(whole("early_stopping: patience", value, 1))
    raise TypeError(
        f"early_stopping: expected a tg.nn.EarlyStopping, or its patience in whole epochs, got {value!r}"
    )
