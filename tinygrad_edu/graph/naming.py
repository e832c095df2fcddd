"""Names for the nodes of a graph: given, else the caller's variable, else made from the operation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping
from keyword import iskeyword

import numpy as np

from tinygrad_edu.core.callers import values_of_the_caller, variables_of_the_caller
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.tensor import Tensor

__all__ = ["Names", "identifier", "name_nodes", "unique"]

Names = Mapping[str, Tensor] | Mapping[Tensor, str] | bool | None
"""``None`` or True: look the caller's variables up; False: don't; a mapping: these first."""


def name_nodes(tensors: Iterable[Tensor], names: Names = None) -> tuple[dict[Tensor, str], set[Tensor]]:
    """A different name for each tensor, in the given order, and those whose name had to be made."""
    given = _given(names)
    tensors = list(tensors)
    variables = {} if names is False else variables_of_the_caller(Tensor) | _arrays_by_value(tensors)
    taken: dict[str, int] = {}
    found: dict[Tensor, str] = {}
    waiting: list[Tensor] = []
    for tensor in tensors:
        name = given.get(tensor) or tensor.name or variables.get(id(tensor))
        if name is None:
            waiting.append(tensor)
        elif not isinstance(name, str):
            raise TypeError(f"name: expected a string as the name of a Tensor, got {name!r}")
        else:
            found[tensor] = unique(name, taken)
    for tensor in waiting:  # made names come last, so that they never take one that was given
        found[tensor] = unique(f"{tensor.op.name}_1" if tensor.op is not None else "c_1", taken)
    return found, set(waiting)


def _given(names: Names) -> dict[Tensor, str]:
    if names is None or isinstance(names, bool):
        return {}
    if not isinstance(names, Mapping):
        raise TypeError(f"names: expected a mapping of names to Tensors, None or a bool, got {names!r}")
    found: dict[Tensor, str] = {}
    for key, value in names.items():
        tensor, name = (value, key) if isinstance(key, str) else (key, value)
        if not isinstance(tensor, Tensor) or not isinstance(name, str):
            raise TypeError(f"names: expected a mapping of names to Tensors, got {key!r}: {value!r}")
        found[tensor] = name
    return found


def _arrays_by_value(tensors: Iterable[Tensor]) -> dict[int, str]:
    """Plain arrays are copied when recorded, so the caller's array of the same values gives the name."""
    constants = [t for t in tensors if t.op is None and not t.requires_grad and t.ndim]
    found: dict[int, str] = {}
    if constants:
        for name, array in values_of_the_caller(np.ndarray):
            for tensor in constants:
                if id(tensor) not in found and same_values(tensor._data, array):
                    found[id(tensor)] = name
    return found


def identifier(name: str, reserved: Container[str] = frozenset()) -> str:
    """The name as Python takes it, in the form that Python reads it in, and none of the reserved ones.

    >>> identifier("Z⁽¹⁾"), identifier("W₁"), identifier("layer 1"), identifier("lambda")
    ('Z_1', 'W1', 'layer_1', '_lambda')
    """
    plain = unicodedata.normalize("NFKC", name)
    if not plain.isidentifier():
        plain = re.sub(r"\W+", "_", plain).rstrip("_") or "_"
    return plain if plain.isidentifier() and plain not in reserved and not iskeyword(plain) else f"_{plain}"


def unique(name: str, taken: dict[str, int]) -> str:
    """The name, or where it is taken the same with the next number; remembered in ``taken``."""
    if name not in taken:
        taken[name] = 1
        return name
    stem, _, number = name.rpartition("_")
    base = stem if number.isdecimal() and stem else name
    k = taken.get(base + "_", 1)
    while f"{base}_{k}" in taken:
        k += 1
    taken[base + "_"] = k
    taken[f"{base}_{k}"] = 1
    return f"{base}_{k}"
