"""One update of a model: the cost of a batch, its gradients, and the optimiser's move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from tinygrad_edu.autodiff.grad import grad
from tinygrad_edu.compile import CompiledStep
from tinygrad_edu.core.symbol import ValueDependence
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.optim import Optimizer

__all__ = ["Model", "Step", "compiled_step", "constants", "eager_step"]


class Model(Protocol):
    """What can be trained: it has parameters, and a cost."""

    def parameters(self) -> Mapping[str, Tensor]:
        """The Tensors to train, by name."""

    def loss(self, X: Any, Y: Any) -> Any:
        """The cost J of examples X with labels Y, a scalar Tensor."""


Step: TypeAlias = Callable[[Any, Any], float]
"""Moves the parameters along the gradient of a batch (X, Y); gives the batch's cost before that."""


def eager_step(model: Model, parameters: Mapping[str, Tensor], optimizer: Optimizer) -> Step:
    """A step that records the batch's graph and differentiates it."""
    arrays: tuple[Any, Any] = (None, None)
    batch: tuple[Tensor, ...] = ()

    def step(X: Any, Y: Any) -> float:
        nonlocal arrays, batch
        if X is not arrays[0] or Y is not arrays[1]:  # the whole batch is the same at every step: copied once
            arrays, batch = (X, Y), constants(X, Y)
        J = model.loss(*batch)
        gradients = grad(J, list(parameters.values()))
        optimizer.begin(gradients)
        for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True):
            optimizer.update(name, parameter.data, gradient)
        return float(J.item())

    return step


def compiled_step(model: Model, parameters: Mapping[str, Tensor], optimizer: Optimizer) -> Step:
    """The same, recorded once for each shape of batch, and from then on run as straight-line NumPy."""
    # The layers read their own Tensors, which are the parameters, so the loss needs none.
    run = CompiledStep(lambda _, X, Y: model.loss(X, Y), optimizer, None)

    def step(X: Any, Y: Any) -> float:
        try:
            return float(run(parameters, X, Y))
        except ValueDependence as error:
            raise ValueDependence(f"{error}\n  fit(..., compile=False) trains without recording.") from error

    return step


def constants(X: Any, Y: Any) -> tuple[Tensor, Tensor]:
    """Examples and labels as Tensors of these names, which nothing is differentiated by."""
    return Tensor(X, requires_grad=False, name="X"), Tensor(Y, requires_grad=False, name="Y")
