"""``state_dict`` and ``load_state_dict``: a model's arrays by name, also from PyTorch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.arguments import plain
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.images import Flatten
from tinygrad_edu.nn.layer_chain import Layer, numbered
from tinygrad_edu.nn.optim.base import check_unlocked
from tinygrad_edu.nn.parameter_discovery import Parameters, buffers_of, parameters_of
from tinygrad_edu.nn.pytorch import is_pytorchs, translated
from tinygrad_edu.settings import numbers, yes_or_no


class Keys(NamedTuple):
    """The names missing from what :meth:`Stateful.load_state_dict` was given, and those it does not know."""

    missing: list[str]
    unexpected: list[str]


class Stateful(ABC):
    """A model of layers, whose arrays have names."""

    layers: Sequence[Layer]

    @abstractmethod
    def parameters(self) -> Parameters:
        """The Tensors that are trained."""

    @abstractmethod
    def buffers(self) -> Parameters:
        """What layers keep beside them."""

    def state(self) -> dict[str, Tensor]:
        """All Tensors of the model: its parameters and the untrained state of its layers."""
        return {**self.parameters(), **self.buffers()}

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copies of the model's arrays by name: parameters, and running statistics.

        >>> import tinygrad_edu as tg
        >>> tg.nn.LogisticRegression(2).state_dict()
        {'w': array([[0.],
               [0.]]), 'b': array(0.)}
        """
        return {name: np.array(t._data, order="C") for name, t in self.state().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Keys:
        """Sets the model's arrays from what :meth:`state_dict` gave, or from PyTorch's ``state_dict()``.

        Args:
            state: arrays, Tensors or PyTorch's tensors by name. PyTorch's names are matched to layers in
                their order, and the shapes are turned. Behind Flatten PyTorch's order of images, channels
                first, and of sequences, time first, is taken into account; images flattened at once have one
                channel.
            strict: whether every name must be there on both sides.

        Returns:
            The names that are missing, and those that the model doesn't have: both empty where ``strict``.

        Raises:
            TypeError, ValueError: other names or shapes; then no number of the model is changed.
            RuntimeError: a graph that was recorded before, and not differentiated, still needs a number.

        >>> import tinygrad_edu as tg
        >>> model = tg.nn.LogisticRegression(2)
        >>> model.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3.0])})
        Keys(missing=[], unexpected=[])
        >>> model.w.tolist(), model.b.item()
        ([[1.0], [2.0]], 3.0)
        """
        yes_or_no("load_state_dict: strict", strict)
        own = self.state()
        given = _arrays(state)
        if not given.keys() & own.keys() and is_pytorchs([*given]):
            given = translated(given, self._with_names())
        keys = Keys([n for n in own if n not in given], [n for n in given if n not in own])
        if strict and (keys.missing or keys.unexpected):
            told = [f"{', '.join(keys.missing)} missing"] if keys.missing else []
            told += [f"no place for {', '.join(keys.unexpected)}"] if keys.unexpected else []
            raise ValueError(f"load_state_dict: {'; '.join(told)}; the model has {', '.join(own)}")
        taken = {name: array for name, array in given.items() if name in own}
        for name, array in taken.items():
            if array.shape != own[name].shape:
                raise ValueError(
                    f"load_state_dict: {name}: expected shape {own[name].shape}, got {array.shape}"
                )
        check_unlocked("load_state_dict", {name: own[name] for name in taken})
        for name, array in taken.items():
            own[name].data[...] = array
        return keys

    def _with_names(self) -> list[tuple[Layer, dict[str, str]]]:
        """The layers that have arrays, with the names of these in the model; and the Flatten layers."""
        names = {id(t): name for name, t in self.state().items()}
        found = []
        for _, layer in numbered(self.layers):
            parts = {**parameters_of(layer), **buffers_of(layer)}
            if parts or isinstance(layer, Flatten):
                found.append((layer, {kind: names[id(t)] for kind, t in parts.items()}))
        return found


def _arrays(state: Any) -> dict[str, NDArray[Any]]:
    if not isinstance(state, Mapping):
        raise TypeError(
            f"load_state_dict: state: expected arrays by name, got {type(state).__name__}; "
            + ("of a model: its state_dict()" if hasattr(state, "state_dict") else "")
            + ("of a file: model.load_state_dict(tg.load(path))" if isinstance(state, str) else "")
        )
    found = {}
    for name, value in state.items():
        if not isinstance(value, Tensor) and hasattr(value, "detach"):  # PyTorch's, bfloat16 too
            value = value.detach().cpu().double().numpy()
        found[str(name)] = numbers(f"load_state_dict: {name}", plain(value))
    return found
