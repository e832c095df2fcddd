"""Tensors that stand for an array while a function is run to be differentiated. Nobody else has them."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from tinygrad_edu.core.tensor import Tensor

_known: WeakValueDictionary[int, Tensor] = WeakValueDictionary()


def stand_in(array: Any) -> Tensor:
    """A new Tensor for an array.

    >>> is_stand_in(stand_in(1.0)), is_stand_in(Tensor(1.0))
    (True, False)
    """
    made = Tensor(array, requires_grad=True)
    _known[id(made)] = made
    return made


def is_stand_in(tensor: Tensor) -> bool:
    """Whether a Tensor was made by :func:`stand_in`."""
    return _known.get(id(tensor)) is tensor
