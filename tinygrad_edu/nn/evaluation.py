"""The cost and accuracy of a model on validation examples: one forward pass, without gradients."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.forward import CompiledForward
from tinygrad_edu.compiler.recording_cache import recordings_of
from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.symbol import ValueDependence
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.dropout import training

__all__ = ["Judge"]

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
        self.model, self.data = model, (X, Y)
        classified = bool(getattr(model, "classifies", False))
        self.answers = model.answers(Y) if classified else None
        self._run: CompiledForward | None = None
        if compiled:
            outcome = partial(_outcome, model, classified)
            self._run = CompiledForward(outcome, recordings_of(model), classified, fixed=True)
        self._constants: tuple[Tensor, ...] | None = None

    def __call__(self) -> tuple[float, float | None]:
        """The cost, and the accuracy (None without classes)."""
        if self._run is not None:
            try:
                found = self._run(*self.data)
            except ValueDependence:
                self._run = None
        if self._run is None:
            with no_grad():
                found = [
                    t._data for t in _outcome(self.model, self.answers is not None, *self._as_constants())
                ]
        if self.answers is None:
            return float(found[0]), None
        right = self.model.decided(found[1]) == self.answers
        return float(found[0]), np.count_nonzero(
            right if len(right) == 1 else right.all(axis=0)
        ) / right.shape[1]

    def look_again(self) -> None:
        """Makes the next call check whether the global names that the model reads have changed."""
        if self._run is not None:
            self._run.look_again()

    def _as_constants(self) -> tuple[Tensor, ...]:
        if self._constants is None:
            self._constants = tuple(
                Tensor(a, requires_grad=False, name=name) for a, name in zip(self.data, "XY", strict=True)
            )
        return self._constants


def _outcome(model: Any, classified: bool, X: Any, Y: Any) -> list[Tensor]:
    """The cost and, for a classifier, the output, from one forward pass."""
    with training(False):
        J = model.loss(X, Y)
        return [J, model(X)] if classified else [J]
