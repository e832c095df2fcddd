"""The numbers of a PyTorch model, from its ``state_dict()``, in the shapes that the layers here have.

PyTorch has one example a row, convolutions (n_C, n_C_prev, f_H, f_W), images (m, n_C, n_H, n_W) and two
offsets in a recurrent layer, which are added up. Layers are matched in their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.nn.images import Conv2D, Flatten
from tinygrad_edu.nn.layers import Dense, Neuron
from tinygrad_edu.nn.normalise import BatchNorm, LayerNorm
from tinygrad_edu.nn.sequences import RNN, Embedding

Array = NDArray[Any]


def _same(array: Array) -> Array:
    return array


def _column(array: Array) -> Array:
    return array.reshape(-1, 1)


_Turn = Callable[[Array], Array]
_Rules = dict[str, tuple[str, Callable[[Array], Array]]]
_LINEAR: _Rules = {"weight": ("W", _same), "bias": ("b", _column)}
_SCALED: _Rules = {"weight": ("gamma", _column), "bias": ("beta", _column)}
RULES: dict[type, _Rules] = {
    Dense: _LINEAR,
    Neuron: {"weight": ("w", np.transpose), "bias": ("b", lambda b: b.reshape(()))},
    Conv2D: {
        "weight": ("W", lambda W: W.transpose(2, 3, 1, 0)),
        "bias": ("b", lambda b: b.reshape(1, 1, 1, -1)),
    },
    LayerNorm: _SCALED,
    BatchNorm: {**_SCALED, "running_mean": ("mean", _column), "running_var": ("variance", _column)},
    Embedding: {"weight": ("E", np.transpose)},
    RNN: {
        "weight_ih": ("Wax", _same),
        "weight_hh": ("Waa", _same),
        "bias_ih": ("ba", _column),
        "bias_hh": ("ba", _column),
    },
}
"""For each layer: PyTorch's names of its arrays, the names here, and the change of layout."""

FEATURES = {"W": 1, "w": 0, "gamma": 0, "beta": 0, "mean": 0, "variance": 0}
"""The arrays that have an entry for each feature of what a layer takes, with the axis of these."""

COUNTER = "num_batches_tracked"
_KNOWN = {COUNTER, *(name for rules in RULES.values() for name in rules)}
_OF_LAYER = re.compile(r"_l(\d+)$")


def is_pytorchs(names: Sequence[str]) -> bool:
    """Whether these are names that PyTorch gives.

    >>> is_pytorchs(["0.weight", "0.bias", "rnn.weight_ih_l0"]), is_pytorchs(["W1", "b1"])
    (True, False)
    """
    return bool(names) and all(_split(name)[1] in _KNOWN for name in names)


def translated(
    state: Mapping[str, Array], layers: Sequence[tuple[Any, Mapping[str, str]]]
) -> dict[str, Array]:
    """The numbers under the names that they have here.

    Args:
        state: PyTorch's, as arrays.
        layers: those with numbers, in their order, each with ``{kind: name in the model}``; and Flatten.

    Raises:
        ValueError: other layers than these; the message says which.
    """
    groups: dict[str, dict[str, Array]] = {}
    for name, array in state.items():
        group, kind = _split(name)
        if kind != COUNTER:
            groups.setdefault(group, {})[kind] = array
    counted = [(layer, names) for layer, names in layers if names]
    if len(groups) != len(counted):
        theirs = ", ".join(groups)
        raise ValueError(
            f"load_state_dict: PyTorch's state has {len(groups)} layers with numbers ({theirs}), the model "
            f"{len(counted)} ({', '.join(type(layer).__name__ for layer, _ in counted)})"
        )
    found: dict[str, Array] = {}
    turns = _behind_flatten(layers)
    for (group, arrays), (layer, names) in zip(groups.items(), counted, strict=True):
        turn = turns.get(id(layer))
        for name, array in _of_layer(group, arrays, layer):
            if turn is not None and name in FEATURES and array.ndim == 2:
                array = np.moveaxis(turn(np.moveaxis(array, FEATURES[name], 0)), 0, FEATURES[name])
            here = names[name]
            found[here] = found[here] + array if here in found else array
    return found


def _of_layer(group: str, arrays: Mapping[str, Array], layer: Any) -> Iterator[tuple[str, Array]]:
    rules = RULES.get(type(layer))
    for kind, array in arrays.items():
        if rules is None or kind not in rules:
            raise ValueError(
                f"load_state_dict: {group}.{kind} of PyTorch's state is nothing that {layer!r} has; "
                "layers are matched in their order"
            )
        name, turned = rules[kind]
        try:
            yield name, turned(array)
        except ValueError:
            raise ValueError(
                f"load_state_dict: {group}.{kind} {array.shape} of PyTorch's state does not fit {layer!r}"
            ) from None


def _behind_flatten(layers: Sequence[tuple[Any, Any]]) -> dict[int, _Turn]:
    """For each layer that works on flattened features how these are brought into the order here.

    PyTorch's are in the order (n_C, n_H n_W) for images and (T, n) for sequences.
    """
    found: dict[int, _Turn] = {}
    before: Any = None
    turn: _Turn | None = None
    for layer, _ in layers:
        keeps_order = isinstance(layer, (BatchNorm, LayerNorm))
        if isinstance(layer, Flatten):
            turn = _turned(before)
        elif turn is not None:
            found[id(layer)] = turn
            turn = turn if keeps_order else None
        if not (isinstance(layer, Flatten) or (keeps_order and before is not None)):
            before = layer
    return found


def _turned(before: Any) -> _Turn:
    """The order of features behind Flatten, from PyTorch's. ``before`` is the layer that made them."""
    n: int = getattr(before, "n_out", getattr(before, "n", 1))
    in_time = isinstance(before, (Embedding, RNN))

    def turn(rows: Array) -> Array:
        if len(rows) % n:
            return rows
        parts = rows.reshape(-1, n, *rows.shape[1:]) if in_time else rows.reshape(n, -1, *rows.shape[1:])
        return parts.swapaxes(0, 1).reshape(rows.shape)

    return turn


def _split(name: str) -> tuple[str, str]:
    """The layer and the kind of number: ``net.0.weight``, ``rnn.weight_ih_l1``."""
    group, _, kind = name.rpartition(".")
    number = _OF_LAYER.search(kind)
    return (f"{group}, layer {number[1]}", kind[: number.start()]) if number else (group, kind)
