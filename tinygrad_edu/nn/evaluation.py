"""The cost and accuracy of a model on validation examples: one forward pass, without gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.forward import CompiledForward
from tinygrad_edu.compiler.recording_cache import recordings_of
from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.symbol import ValueDependence
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.dropout import training
from tinygrad_edu.nn.training_step import constants

Array = NDArray[Any]


class Judge:
    """The cost, and for a classifier the accuracy, on the same examples each time it is called.

    Args:
        model: has ``loss``; a classifier also ``classifies``, ``answers`` and ``decided``.
        X, Y: the examples, as arrays.
        compiled: whether to record the pass once and then run it as straight-line NumPy. A model whose
            code depends on values is not compiled.
    """

    def __init__(self, model: Any, X: Array, Y: Array, *, compiled: bool) -> None:
        self.classifies = bool(getattr(model, "classifies", False))
        self.data, self.outcome = (X, Y), partial(_outcome, model, self.classifies)
        self._run: Callable[[], Sequence[Any]] = self._as_it_stands
        if compiled:
            self._run = CompiledForward(self.outcome, self.data, recordings_of(model), self.classifies)

    def __call__(self) -> tuple[float, float | None]:
        """The cost, and the accuracy where there is one."""
        try:
            outcome = self._run()
        except ValueDependence:
            self._run = self._as_it_stands
            outcome = self._run()
        if self.classifies:
            J, right = outcome
            return float(J), np.count_nonzero(right) / right.size
        return float(outcome[0]), None

    def look_again(self) -> None:
        """At the next call, looks whether what the model finds by name is what it was."""
        if isinstance(self._run, CompiledForward):
            self._run.look_again()

    def _as_it_stands(self) -> Sequence[Any]:
        with no_grad():
            return [getattr(t, "_data", t) for t in self.outcome(*self._constants)]

    @cached_property
    def _constants(self) -> tuple[Tensor, ...]:
        return constants(*self.data)


def _outcome(model: Any, classified: bool, X: Any, Y: Any) -> list[Any]:
    """The cost and, of a model of classes, which examples it answers right: in one pass."""
    with training(False):
        J = model.loss(X, Y)
        return [J, model.right(model(X), Y)] if classified else [J]
