"""What the calling code calls the tensors: the variables, lists and dicts that lead to each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.callers import Reached, reached
from tinygrad_edu.core.copied_arrays import origin
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.named_settings import parts_in
from tinygrad_edu.graph.code import Said

_PLACE = re.compile(r"(.*?)\[(\d+)\](.*)")
_LAST_PLACE = re.compile(r"\[(\d+)\]$")
_NUMBERED = re.compile(r"(.*?)_?\d+$")
_LARGEST = 2_000_000  # entries of an array that slices are looked for in


class Found:
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
        wanted = {*map(of_the_caller, in_settings(tensors)), *map(id, said.read.values())}
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


def of_the_caller(array: NDArray[Any]) -> int:
    """The id of the caller's array that this is, or is a copy of."""
    source = origin(array)
    whole = None if source is None else source()
    return id(array if whole is None else whole)


def in_settings(tensors: Iterable[Tensor]) -> Iterator[NDArray[Any]]:
    """The arrays in settings."""
    for tensor in tensors:
        for part in parts_in(tensor.settings) if tensor.settings else ():
            if isinstance(part, np.ndarray):
                yield part


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
