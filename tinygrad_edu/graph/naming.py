"""Names for the nodes of a graph: given, else the caller's, else made from the operation or the value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.named_settings import Held, Picked, held, index_parts, replaced_in
from tinygrad_edu.expression.numpy_style import counts_up
from tinygrad_edu.graph.code import Said
from tinygrad_edu.graph.variables import Found, in_settings, of_the_caller

Names = Mapping[str, Tensor] | Mapping[Tensor, str] | bool | None
"""``None`` or True: look the caller's variables up; False: don't; a mapping: these first."""


@dataclass
class Called:
    """What the nodes of a graph are called."""

    names: dict[Tensor, str] = field(default_factory=dict)
    """A different name for each."""
    made: set[Tensor] = field(default_factory=set)
    """Those whose name had to be made."""
    told: set[Tensor] = field(default_factory=set)
    """Those that no variable holds, whose name the source or their values tell: X_0 is ``X[0]``."""
    also: dict[str, Tensor] = field(default_factory=dict)
    """Other names in the caller's code: the loop's ``W``, ``P["W1"]``, ``caches[0][1]``."""
    arrays: dict[int, str] = field(default_factory=dict)
    """The caller's arrays in settings, such as indices: what each is called, by its id."""
    reads: dict[str, str] = field(default_factory=dict)
    """What code that made arrays reads: what each is called, by its name in the code."""
    written: dict[Any, str] = field(default_factory=dict)
    """How code writes arrays in settings, by their ids, and indices, by the node and the place."""
    counts: dict[tuple[Tensor, int], str] = field(default_factory=dict)
    """Plain operands that count something in arrays, by the node and the place."""
    taken: dict[str, int] = field(default_factory=dict)

    def new(self, name: str) -> str:
        """The name, or one like it that is not taken."""
        return unique(_plain(name), self.taken)

    def is_unknown_data(self, leaf: Tensor) -> bool:
        """Whether it is a plain array that no variable holds."""
        known = leaf in self.names and leaf not in self.made and leaf not in self.told
        return leaf.op is None and bool(leaf.ndim) and not leaf.requires_grad and not known

    def origins(self, nodes: Iterable[Tensor]) -> set[int]:
        """The ids of the caller's arrays that the leaves and the settings are."""
        leaves = (node._data for node in nodes if node.op is None)
        return {of_the_caller(array) for array in (*leaves, *in_settings(nodes))}

    def unknown_in_settings(self, nodes: Iterable[Tensor]) -> dict[int, NDArray[Any]]:
        """The arrays in settings that no variable holds, by their ids."""
        arrays = {of_the_caller(part): part for part in in_settings(nodes) if not _is_told(part)}
        return {key: array for key, array in arrays.items() if key not in self.arrays}

    def settings_of(self, node: Tensor) -> dict[str, Any]:
        """A node's settings, with the arrays and indices in them under their names."""
        if not node.settings:
            return {}
        settings: dict[str, Any] = replaced_in(node.settings, self._under_its_name)
        index = settings.get("index")
        parts = index_parts(index)
        if any((node, k) in self.written for k in range(len(parts))):
            named = (self._picked(node, k, part) for k, part in enumerate(parts))
            settings["index"] = tuple(named) if isinstance(index, tuple) else next(named)
        return settings

    def _picked(self, node: Tensor, k: int, part: Any) -> Any:
        return Picked(part, self.written[node, k], given=True) if (node, k) in self.written else part

    def _under_its_name(self, part: Any) -> Any:
        if not isinstance(part, np.ndarray):
            return part
        key = of_the_caller(part)
        name = self.arrays.get(key, self.written.get(key))
        return part if name is None else held(part, name)


def name_nodes(
    tensors: Sequence[Tensor], names: Names, users: Mapping[Tensor, Tensor], said: Said | None
) -> Called:
    """Names for tensors, in the given order.

    Args:
        tensors: the nodes.
        names: as for :class:`Graph`.
        users: where a node stands in for a Tensor of the user's: that one.
        said: what the caller's code says of them; None: nothing, and variables are not looked up either.
    """
    given = _given(names)
    found = None if said is None else Found(tensors, users, said)
    called = Called()
    taken = called.taken
    spelt: dict[Tensor, str] = {}
    for tensor in tensors:
        own = users.get(tensor, tensor)
        name = given.get(own) or own.name or (found.name(tensor) if found else None)
        if name is None:
            called.made.add(tensor)
        elif not isinstance(name, str):
            raise TypeError(f"name: expected a string as the name of a Tensor, got {name!r}")
        elif tensor.op is None and own not in given and _plain(name) != name:
            spelt[tensor] = name
        else:
            called.names[tensor] = unique(name, taken)
    for tensor, name in spelt.items():  # later than the plain names, which keep theirs
        called.names[tensor] = unique(_plain(name), taken)
        called.also.setdefault(name, tensor)
    # A graph made of this one's nodes answers to the names that they were given, too.
    own_names = {tensor.name: tensor for tensor in called.names if tensor.op is None and tensor.name}
    called.also = own_names | called.also
    for tensor in tensors:  # made names come last, so that they never take one that was given
        if tensor in called.made:
            called.names[tensor] = unique(_made(tensor), taken)
    if found is not None and said is not None:
        called.told = found.sliced | ({*said.locals} - found.ways.keys()) | {*said.loops}
        called.also = found.also | called.also
        _name_arrays(called, found, said)
    return called


def _name_arrays(called: Called, found: Found, said: Said) -> None:
    """Names for the arrays in settings, and for what the code that made arrays reads."""
    for key, name in found.arrays.items():
        node = found.held.get(key)
        called.arrays[key] = called.new(name) if node is None else called.names[node]
    for key, name in said.held.items():
        if isinstance(key, int):
            called.arrays[key] = called.new(name)
    for local, value in said.read.items():
        node = found.held.get(id(value))
        known = called.arrays.get(id(value)) if node is None else called.names[node]
        called.reads[local] = known or called.new(local)


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


def _is_told(part: NDArray[Any]) -> bool:
    return isinstance(part, Held) or counts_up(part)


def _made(tensor: Tensor) -> str:
    """A name that says what it is: its operation, or what it holds."""
    if tensor.op is not None:
        return f"{tensor.op.name}_1"
    if tensor.requires_grad or not tensor.ndim:
        return "c_1"
    value = np.asarray(tensor._data)
    if value.dtype.kind == "b":
        return "mask_1"
    if value.dtype.kind in "iu":
        return "integers_1"
    first = value.flat[0] if value.size else 0.0
    if value.size and (value == first).all():
        return {0.0: "zeros_1", 1.0: "ones_1"}.get(float(first), "constant_1")
    bits = bool(((value == 0) | (value == 1)).all())
    if bits and value.ndim == 2 and any((value.sum(axis=k) == 1).all() for k in (0, 1)):
        return "one_hot_1"
    return "bits_1" if bits else "array_1"


def identifier(name: str, reserved: Container[str] = frozenset()) -> str:
    """The name as Python takes it, in the form that Python reads it in, and none of the reserved ones.

    >>> identifier("Z⁽¹⁾"), identifier("W₁"), identifier("layer 1"), identifier("lambda")
    ('Z_1', 'W1', 'layer_1', '_lambda')
    """
    plain = unicodedata.normalize("NFKC", name)
    if not plain.isidentifier():
        plain = re.sub(r"\W+", "_", plain).rstrip("_") or "_"
    return plain if plain.isidentifier() and plain not in reserved and not iskeyword(plain) else f"_{plain}"


def _plain(name: str) -> str:
    """The name of an input as a function's parameter can have it, where Python spells its letters otherwise.

    Python takes µ and μ for one name, and W₁, x² and Z⁽¹⁾ for none. Any other name stays as it is.
    """
    spelt = any(c.isalnum() and unicodedata.normalize("NFKC", c) != c for c in name)
    return identifier(name) if spelt else name


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
