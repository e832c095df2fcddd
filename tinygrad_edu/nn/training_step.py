"""One update of a model: the cost of a batch, its gradients, and the optimiser's step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from tinygrad_edu.autodiff.gradients import grad
from tinygrad_edu.compiler import CompiledStep
from tinygrad_edu.compiler.recording_cache import recordings_of
from tinygrad_edu.compiler.trace import LeftOut
from tinygrad_edu.core.symbol import ValueDependence
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph
from tinygrad_edu.nn.normalise import BatchNorm, noting
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.nn.parameter_discovery import objects_in


class Model(Protocol):
    """What can be trained: it has parameters, and a cost."""

    def parameters(self) -> Mapping[str, Tensor]:
        """The Tensors to train, by name."""

    def loss(self, X: Any, Y: Any) -> Any:
        """The cost J of examples X with labels Y, a scalar Tensor."""


Step: TypeAlias = Callable[..., float]
"""Updates the parameters with the gradient of a batch (X, Y); returns the batch's cost before the update."""


def eager_step(model: Model, parameters: Mapping[str, Tensor], optimizer: Optimizer) -> Step:
    """A step that records the batch's graph and differentiates it."""
    arrays: tuple[Any, ...] = ()
    batch: tuple[Tensor, ...] = ()
    checked = False

    def step(*given: Any) -> float:
        nonlocal arrays, batch, checked
        if len(arrays) != len(given) or any(a is not b for a, b in zip(arrays, given, strict=True)):
            arrays, batch = given, constants(*given)  # the same at every step
        J = model.loss(*batch)
        if not checked:
            _check_all_are_trained(J, parameters)
            checked = True
        gradients = grad(J, list(parameters.values()))
        if optimizer.by_formula:
            optimizer.move({name: p.data for name, p in parameters.items()}, gradients)
            return float(J.item())
        optimizer.begin(gradients)
        for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True):
            optimizer.update(name, parameter.data, gradient)
        return float(J.item())

    return step


def _check_all_are_trained(J: Any, parameters: Mapping[str, Tensor]) -> None:
    """Raises TypeError if the cost depends on a Tensor with a gradient that is not among the parameters."""
    known = set(parameters.values())
    for node in Graph(J, names=False).inputs:
        if node.requires_grad and node.tensor not in known:
            raise _untrained(node.name, node.shape)


def _untrained(name: str, shape: tuple[int, ...]) -> TypeError:
    return TypeError(
        f"fit: the cost depends on the Tensor {name} {shape}, which requires a gradient and is not among "
        "the model's parameters(), so it would never be trained. What is in attributes, lists, dicts and "
        "objects of a model or layer is found, and what is in closures and classes is not. Where two parts "
        "of a model have parameters of the same name, one is lost in a dict: give each its own name. A "
        "Tensor that is to stay as it is: tg.Tensor(value, requires_grad=False)."
    )


def compiled_step(model: Model, parameters: Mapping[str, Tensor], optimizer: Optimizer) -> Step:
    """The step, recorded once for each shape of batch, and from then on run as straight-line NumPy.

    The model keeps the recordings for later training with the same shapes.
    """
    probes = _probes(model)
    moves: Any = _Noting(optimizer, probes) if probes else optimizer
    given = {**parameters, **{key: probe for key, (probe, _) in probes.items()}}

    def loss(_: Any, *batch: Any) -> Any:
        # The layers read their own Tensors, which are the parameters, so the loss needs none.
        if not probes:
            return model.loss(*batch)
        with noting() as seen:
            J = model.loss(*batch)
        layers = [layer for _, layer in probes.values()][::2]
        for layer, *statistics in seen:
            k = next(k for k, known in enumerate(layers) if known is layer)
            for which, value in zip(_STATISTICS, statistics, strict=True):
                J = J + np.sum(probes[f"{k}/{which}"][0] * value)
        return J

    run = CompiledStep(loss, moves, None, recordings_of(model))
    run.trusting = is_ours(optimizer)
    return _CompiledStep(run, given)


def is_ours(part: Any) -> bool:
    """Whether an optimiser, schedule or rate is this package's own, and runs no code of the user's."""
    if isinstance(part, (int, float)):
        return True
    inside = [getattr(part, name, 0.0) for name in ("schedule", "then")]
    return type(part).__module__.startswith("tinygrad_edu.") and all(map(is_ours, inside))


class _CompiledStep:
    """A compiled step on the parameters of a model.

    The global names that the cost reads are checked at ``begin_epoch``, since the user's code may have run.
    """

    def __init__(self, run: CompiledStep, given: dict[str, Tensor]) -> None:
        self.run, self.given = run, given
        self.begin_epoch = run.look_again

    def __call__(self, *batch: Any) -> float:
        try:
            return float(self.run(self.given, *batch))
        except LeftOut as error:
            raise _untrained(error.name, error.shape) from None
        except ValueDependence as error:
            raise ValueDependence(f"{error}\n  fit(..., compile=False) trains without recording.") from error


_STATISTICS = ("mean", "variance")


def _probes(model: Any) -> dict[str, tuple[Tensor, BatchNorm]]:
    """For each statistic of a batch normalisation a Tensor of zeros; their product is added to J.

    J does not change, and its derivative by that Tensor is the statistic. So a compiled step returns the
    statistics among its gradients, without a side effect that a recording would miss.
    """
    return {
        f"{k}/{which}": (Tensor(np.zeros((layer.n, 1)), dtype=layer.gamma.dtype), layer)
        for k, layer in enumerate(objects_in(model, BatchNorm))
        for which in _STATISTICS
    }


class _Noting:
    """An optimiser that passes the statistics among the gradients on to their layers."""

    plain = False

    def __init__(self, optimizer: Optimizer, probes: Mapping[str, tuple[Tensor, BatchNorm]]) -> None:
        self.optimizer, self.probes = optimizer, probes
        self.by_formula, self.source = optimizer.by_formula, optimizer.source
        self.remembers, self._mean = False, None

    def move(self, parameters: Mapping[str, Any], gradients: Sequence[Any], kept: dict[Any, Any]) -> None:
        """One step along the gradients of what is trained; the rest are statistics."""
        trained = {key: W for key, W in parameters.items() if key not in self.probes}
        self.optimizer.move(trained, gradients[: len(trained)], kept)
        for key, gradient in zip([*parameters][len(trained) :], gradients[len(trained) :], strict=True):
            self._note(key, gradient)

    def begin(self, gradients: Iterable[Any]) -> None:
        """Starts a step, with the gradients of what is trained, which come first."""
        self.optimizer.begin(list(gradients)[: -len(self.probes)])

    def update(self, key: str, parameter: Any, gradient: Any) -> None:
        """Updates a parameter, or records a statistic."""
        if key in self.probes:
            self._note(key, gradient)
        else:
            self.optimizer.update(key, parameter, gradient)

    def _note(self, key: str, gradient: Any) -> None:
        """Records a statistic; the mean of a layer comes before its variance."""
        if key.endswith("mean"):
            self._mean = gradient
        else:
            self.probes[key][1].average(self._mean, gradient)


def constants(*arrays: Any) -> tuple[Tensor, ...]:
    """Examples, labels and weights as constant Tensors named X, Y and weights."""
    names = ("X", "Y", "weights")
    return tuple(Tensor(a, requires_grad=False, name=n) for a, n in zip(arrays, names, strict=False))
