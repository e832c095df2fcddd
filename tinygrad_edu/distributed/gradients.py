"""The work of a worker: the cost and the gradients of its examples."""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler import CompiledStep
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.dropout import training

Array = NDArray[Any]
_MOST_KEPT = 4
"""The number of compiled models that a thread keeps: those of the last trainings."""
_threads = threading.local()


@dataclass(frozen=True)
class Share:
    """Sums over some of a batch's examples: of the cost, and of its gradients."""

    cost: float
    gradients: Mapping[str, Array]
    m: int


def share(
    model: bytes,
    parameters: Mapping[str, Array],
    shard: tuple[Array, Array],
    places: Array | None,
    training_key: str,
    draw: tuple[int, ...],
) -> Share:
    """The share of one shard.

    Args:
        model: pickled; its parameters do not count.
        parameters: where they stand.
        shard: X and Y, the examples in columns.
        places: which of them belong to the batch; None for all.
        training_key: of the training, under which the compiled model is kept.
        draw: seeds what the model draws (dropout), so that it does not depend on the worker.
    """
    X, Y = shard if places is None else (part[:, places] for part in shard)
    local = _local(training_key, model)
    for name, value in parameters.items():
        local.parameters[name].data[...] = value
    for k, generator in enumerate(local.generators):
        generator.bit_generator.state = np.random.default_rng((*draw, k)).bit_generator.state
    try:
        with training():
            J, gradients = local.step(local.parameters, X, Y)
    except Exception:  # what was recorded until then keeps the parameters read-only
        _kept().pop(training_key)
        raise
    m = X.shape[1]
    return Share(m * J, {name: m * g for name, g in gradients.items()}, m)


def added(one: Share, other: Share) -> Share:
    """Two shares as one."""
    sums = {name: g + other.gradients[name] for name, g in one.gradients.items()}
    return Share(one.cost + other.cost, sums, one.m + other.m)


class _Local:
    """A thread's own copy of a model, with its compiled step."""

    def __init__(self, model: Any) -> None:
        self.parameters: dict[str, Tensor] = {n: p for n, p in model.parameters().items() if p.requires_grad}
        self.generators = model.generators() if hasattr(model, "generators") else ()
        self.step = CompiledStep(lambda _, X, Y: model.loss(X, Y), None, None)


def _kept() -> OrderedDict[str, _Local]:
    found: OrderedDict[str, _Local] = _threads.__dict__.setdefault("kept", OrderedDict())
    return found


def _local(key: str, model: bytes) -> _Local:
    kept = _kept()
    if key not in kept:
        kept[key] = _Local(pickle.loads(model))
        while len(kept) > _MOST_KEPT:
            kept.popitem(last=False)
    return kept[key]
