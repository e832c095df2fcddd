"""Warnings about a training: a model that cannot learn, one that is not in training, or a cost that rises."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.images import Flatten
from tinygrad_edu.nn.layer_chain import numbered
from tinygrad_edu.nn.layers import Dense, in_own_way
from tinygrad_edu.nn.normalise import BatchNorm
from tinygrad_edu.nn.parameter_discovery import objects_in, parameters_of

MUCH = 10.0
"""A cost so many times the first one is warned of at once."""
SOME, LITTLE = 1.5, 1.01
"""The same at the end of training: with batches or dropout, whose costs vary, and without."""


def beforehand(model: Any) -> list[str]:
    """The warnings about a model before it is trained.

    >>> import tinygrad_edu as tg
    >>> for said in beforehand(tg.nn.MLP([2, 3, 1], activation="linear", seed=1)):
    ...     print(said)
    layers 1 and 2 are linear, and compute no more than one layer does; give layer 1 an activation: ...
    """
    found = []
    for (l, layer), (k, after), between in _neighbours(getattr(model, "layers", ())):
        made = f"tg.nn.Dense({layer.n_in}, {layer.n_out}"
        if _alike(layer, after) and not any(isinstance(part, Dropout) for part in between):
            found.append(
                f"the units of layer {l} are equal, and so are the weights ahead: they stay as one unit; "
                f'start from random weights: {made}, {layer.activation!r}, init="he"), or '
                'tg.nn.MLP(..., init="he")'
            )
        straight = layer.activation == "linear" and _only(between, (Dropout, Flatten, BatchNorm))
        if straight and layer.n_out >= min(layer.n_in, after.n_out):  # a narrow one: low rank
            found.append(
                f"layers {l} and {k} are linear, and compute no more than one layer does; "
                f'give layer {l} an activation: {made}, "relu"), or tg.nn.MLP(..., activation="relu")'
            )
            break
    return found + _of_several_dtypes(model)


def _of_several_dtypes(model: Any) -> list[str]:
    """The warning about layers of float32 among others of float64: all is computed in float64 then."""
    dtypes: dict[Any, list[str]] = {}
    for layer in getattr(model, "layers", ()):
        for parameter in parameters_of(layer).values():
            dtypes.setdefault(parameter.dtype, []).append(type(layer).__name__)
    if len(dtypes) < 2:
        return []
    told = " and ".join(f"{dtype} ({', '.join(dict.fromkeys(kinds))})" for dtype, kinds in dtypes.items())
    return [f"the layers are of {told}, and all is computed in the larger one; give each the same dtype="]


UNSAID: WeakValueDictionary[int, Any] = WeakValueDictionary()
"""The models, by id, that were last recorded as in use, without anybody having said so."""


def warn_of_use(parameters: Iterable[Tensor]) -> None:
    """Warns where a loop of one's own trains a model as it is used; PyTorch's models begin in training."""
    moved = {*map(id, parameters)}
    for model in [
        m for known in UNSAID.valuerefs() if (m := known()) is not None
    ]:  # others may train meanwhile
        acting = {type(part).__name__: None for part in objects_in(model.layers, (Dropout, BatchNorm))}
        if acting and not moved.isdisjoint(map(id, model.parameters().values())):
            warnings.warn(
                f"step: {' and '.join(acting)} of this model: computed as in use, not as in training; write "
                "model.train() before the loop, or model.eval() where that is meant",
                stacklevel=3,
            )


def rising(history: History, rate: float, *, ended: bool, certain: bool) -> str:
    """The warning about a cost that rises; empty where it doesn't.

    >>> rising(History(cost=[0.7, 9.0]), 30.0, ended=False, certain=True)
    'the cost rises, from 0.7 to 9: steps are too long; try a smaller learning rate, such as lr=3'
    """
    n = history.steps_per_epoch
    if history.epochs < 2:
        return ""
    first, last = (float(np.mean(part)) for part in (history.cost[:n], history.cost[-n:]))
    least = MUCH if not ended else LITTLE if certain else SOME
    if not (first > 0 and np.isfinite(last) and last > least * first):
        return ""
    return (
        f"the cost rises, from {first:.4g} to {last:.4g}: steps are too long; try a smaller learning rate, "
        f"such as lr={rate / 10:.3g}"
    )


def _neighbours(chain: Sequence[Any]) -> Iterator[tuple[tuple[int, Dense], tuple[int, Dense], Sequence[Any]]]:
    """Pairs of successive Dense layers, with their numbers and the layers between them."""
    places = [(k, layer) for k, layer in enumerate(chain) if _only([layer], (Dense,))]
    number = {id(layer): l for l, layer in numbered(chain)}
    for (k, layer), (later, after) in pairwise(places):
        yield (number[id(layer)], layer), (number[id(after)], after), chain[k + 1 : later]


def _alike(layer: Dense, after: Dense) -> bool:
    """Whether all units of a layer have the same weights and gradients, so that they stay equal."""
    W, b, ahead = layer.W._data, layer.b._data, after.W._data
    equal = layer.n_out > 1 and ahead.shape[1] == layer.n_out
    return equal and bool((W[:1] == W).all() and (b == b[:1]).all() and (ahead == ahead[:, :1]).all())


def _only(between: Sequence[Any], kinds: tuple[type, ...]) -> bool:
    return all(isinstance(part, kinds) and not in_own_way(part) for part in between)
