"""Names for the nodes of a graph: given, else the caller's, else made from the operation or the value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.callers import Reached, reached
from tinygrad_edu.core.copied_arrays import origin
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.named_settings import Held, Picked, held, parts_in, replaced_in
from tinygrad_edu.expression.numpy_style import counts_up
from tinygrad_edu.graph.code import Said

Names = Mapping[str, Tensor] | Mapping[Tensor, str] | bool | None
"""``None`` or True: look the caller's variables up; False: don't; a mapping: these first."""

_PLACE = re.compile(r"(.*?)\[(\d+)\](.*)")
_LAST_PLACE = re.compile(r"\[(\d+)\]$")
_NUMBERED = re.compile(r"(.*?)_?\d+$")
_LARGEST = 2_000_000  # entries of an array that slices are looked for in


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
        return {_of_the_caller(array) for array in (*leaves, *_in_settings(nodes))}

    def unknown_in_settings(self, nodes: Iterable[Tensor]) -> dict[int, NDArray[Any]]:
        """The arrays in settings that no variable holds, by their ids."""
        arrays = {_of_the_caller(part): part for part in _in_settings(nodes) if not _is_told(part)}
        return {key: array for key, array in arrays.items() if key not in self.arrays}

    def settings_of(self, node: Tensor) -> dict[str, Any]:
        """A node's settings, with the arrays and indices in them under their names."""
        if not node.settings:
            return {}
        settings: dict[str, Any] = replaced_in(node.settings, self._under_its_name)
        index = settings.get("index")
        parts = index if isinstance(index, tuple) else (index,)
        if any((node, k) in self.written for k in range(len(parts))):
            named = (self._picked(node, k, part) for k, part in enumerate(parts))
            settings["index"] = tuple(named) if isinstance(index, tuple) else next(named)
        return settings

    def _picked(self, node: Tensor, k: int, part: Any) -> Any:
        return Picked(part, self.written[node, k], given=True) if (node, k) in self.written else part

    def _under_its_name(self, part: Any) -> Any:
        if not isinstance(part, np.ndarray):
            return part
        key = _of_the_caller(part)
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
    found = None if said is None else _Found(tensors, users, said)
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


def _name_arrays(called: Called, found: _Found, said: Said) -> None:
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


class _Found:
    """What the calling code calls the tensors, and the arrays that constants were made of."""

    def __init__(self, tensors: Sequence[Tensor], users: Mapping[Tensor, Tensor], said: Said) -> None:
        own = {users.get(tensor, tensor).name for tensor in tensors}
        once = said.locals | {t: name for t, name in said.held.items() if isinstance(t, Tensor)}
        free = {tensor: name for tensor, name in said.loops.items() if name not in own}
        self.rounds, self.calls = free, {t: name for t, name in once.items() if name not in own}
        self.held: dict[int, Tensor] = {}
        """The nodes, by the ids of the Tensors and arrays of the caller's that they are."""
        constants = []
        for tensor in tensors:
            self.held[id(users.get(tensor, tensor))] = tensor
            source = origin(tensor._data) if tensor.op is None and not tensor.requires_grad else None
            array = None if source is None else source()
            if array is not None:
                self.held[id(array)] = tensor
            elif tensor.op is None and not tensor.requires_grad and tensor.ndim:
                constants.append(tensor)
        self.ways: dict[Tensor, list[Reached]] = {}
        self.sliced: set[Tensor] = set()
        """Those that were told to be slices by their values."""
        self.also: dict[str, Tensor] = {}
        self.arrays: dict[int, str] = {}
        """What the arrays in settings are called, by their ids."""
        wanted = {*map(_of_the_caller, _in_settings(tensors)), *map(id, said.read.values())}
        unclaimed: list[Reached] = []
        for way in reached((Tensor, np.ndarray)):
            if id(way.value) in wanted:
                self.arrays.setdefault(id(way.value), way.name)
            node = self.held.get(id(way.value))
            if node is not None:
                self.ways.setdefault(node, []).append(way)
                self.also.setdefault(way.path, node)
            elif isinstance(way.value, np.ndarray):
                unclaimed.append(way)
        for tensor, name in (self.calls | self.rounds).items():
            self.also.setdefault(name, tensor)
        self._by_value(constants, unclaimed)
        self.columns = self._columns()

    def _by_value(self, constants: Sequence[Tensor], arrays: Sequence[Reached]) -> None:
        """An array that is gone, such as a copy, is named by the one array left that has its values."""
        for tensor in constants:
            first = tensor._data.flat[0] if tensor.size else None
            if first is None or (tensor._data == first).all():  # zeros are like any zeros
                continue
            alike = {id(way.value): way for way in reversed(arrays) if same_values(tensor._data, way.value)}
            if len(alike) == 1:
                self.ways[tensor] = list(alike.values())
            elif not alike and (way := _sliced(tensor._data, arrays)) is not None:
                self.ways[tensor] = [way]
                self.sliced.add(tensor)

    def _columns(self) -> dict[tuple[str, str], tuple[str, int]]:
        """``caches[i][2]`` that the loop calls Z: the name, and the number of the first.

        What stands in a list under one name is numbered, from 1; from 0 where the first is known otherwise.
        A list of quantities that have names of their own, ``params = [w, b]``, was not made by a loop.
        """
        direct = {tensor: [way.name for way in ways if not way.depth] for tensor, ways in self.ways.items()}
        rows: dict[tuple[str, str], dict[int, Tensor]] = {}
        for tensor, ways in self.ways.items():
            for way in ways:
                found = _PLACE.fullmatch(way.path)
                if found is not None and found[1] != way.record:
                    rows.setdefault((found[1], found[3]), {}).setdefault(int(found[2]), tensor)
        ends = {
            place: [name for name in direct[row[max(row)]] if not _NUMBERED.fullmatch(name)]
            for place, row in rows.items()
        }
        ended = {name for names in ends.values() for name in names}
        called: dict[tuple[str, str], str] = {}
        for (base, rest), row in rows.items():
            before = (row[k] for k in row if k != max(row) and not (k == 0 and _starts(row)))
            last = ends[base, rest] if all(ended.issuperset(direct[tensor]) for tensor in before) else []
            key = rest.strip(".[]'\"")
            name = last[0] if last else key if key.isidentifier() else None
            of_rounds = {_stem(self.rounds.get(tensor, "")) for tensor in row.values()}
            if last and len(of_rounds) == 1:  # after the loop, AL = A is a name of the last one alone
                name = of_rounds.pop() or name
            if name is not None and len(row) > 1:
                called[base, rest] = name
        columns = {}
        for place, name in called.items():  # what another column is called says nothing: A_prev is A1
            first = direct.get(rows[place][0], []) if 0 in rows[place] else []
            columns[place] = name, 0 if set(first).difference(called.values()) else 1
        return columns

    def name(self, tensor: Tensor) -> str | None:
        """The name to show: for the loop's W the numbered name, W1."""
        ways = self.ways.get(tensor)
        of_a_round, once = self.rounds.get(tensor), self.calls.get(tensor)
        if not ways:
            return of_a_round or once
        rebound = {name for name, _ in self.columns.values()}
        numbered = [name for way in ways if (name := self._numbered(way)) is not None]
        direct = [way.name for way in ways if not way.depth]
        firm = [name for name in direct if name not in rebound]
        keyed = [w.name for w in ways if w.depth and w.name not in rebound and not _is_counted(w)]
        stems = {match[1] for name in keyed if (match := _NUMBERED.fullmatch(name))}
        if firm and firm[0] in stems:
            return next(name for name in keyed if _NUMBERED.fullmatch(name))
        if of_a_round is not None:
            numbered.append(of_a_round)
        of_a_call = [] if once is None else [once]
        order = (
            (numbered, firm, of_a_call, keyed, direct)
            if tensor.op is not None or (of_a_round is not None and _stem(of_a_round) in firm)
            else (firm, keyed, numbered, direct)
        )
        return next((names[0] for names in order if names), ways[0].name)

    def _numbered(self, way: Reached) -> str | None:
        place = _PLACE.fullmatch(way.path)
        column = self.columns.get((place[1], place[3])) if place is not None else None
        if column is None or place is None:
            return None
        return f"{column[0]}{int(place[2]) + column[1]}"


def _starts(row: Mapping[int, Tensor]) -> bool:
    """Whether a loop that computes the others may have started from the first, as A0 is X."""
    return row[0].op is None and row[max(row)].op is not None


def _of_the_caller(array: NDArray[Any]) -> int:
    """The id of the caller's array that this is, or is a copy of."""
    source = origin(array)
    whole = None if source is None else source()
    return id(array if whole is None else whole)


def _in_settings(tensors: Iterable[Tensor]) -> Iterator[NDArray[Any]]:
    """The arrays in settings."""
    for tensor in tensors:
        for part in parts_in(tensor.settings) if tensor.settings else ():
            if isinstance(part, np.ndarray):
                yield part


def _is_told(part: NDArray[Any]) -> bool:
    return isinstance(part, Held) or counts_up(part)


def _sliced(value: NDArray[Any], arrays: Sequence[Reached]) -> Reached | None:
    """The array that it is one slice of, along the first or the last axis: a loop over X takes ``X[t]``.

    One that it is but for axes of length 1, as of ``mask[:, None]``, comes first.
    """
    if not value.ndim or (value == value.flat[0]).all():
        return None
    found: dict[int, Reached] = {}
    for way in arrays:
        whole = way.value
        if whole.size == value.size and same_values(np.squeeze(value), np.squeeze(whole)):
            return way
        if whole.ndim != value.ndim + 1 or whole.size > _LARGEST or id(whole) in found:
            continue
        for axis in (0, -1):
            rows = np.moveaxis(whole, axis, 0)
            if rows.shape[1:] == value.shape and len(rows) > 1:
                places = np.flatnonzero((rows == value).reshape(len(rows), -1).all(axis=1))
                if len(places) == 1:
                    path, name = f"{way.path}[{places[0]}]", f"{way.name}_{places[0]}"
                    found[id(whole)] = Reached(value, path, name, 0)
    return next(iter(found.values())) if len(found) == 1 else None


def _is_counted(way: Reached) -> bool:
    """Whether its name is that of a list and a number, which nobody gave it."""
    last = _LAST_PLACE.search(way.path)
    return not way.name.isidentifier() or (last is not None and way.name.endswith(last[1]))


def _stem(name: str) -> str:
    match = _NUMBERED.fullmatch(name)
    return match[1] if match else name


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
