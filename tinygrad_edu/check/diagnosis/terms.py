"""The addends of a gradient: one for each path by which it comes from the gradients above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.steps import adds, joins, made_alike, outer
from tinygrad_edu.check.local import Local
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph import Program, Ref, Step

_MOST_PATHS = 24
_MOST_FLAT = 80
_MOST_ENTRIES = 20_000_000


@dataclass(frozen=True)
class Term:
    """One addend, as it arrives at the root."""

    array: Array
    path: frozenset[str]
    """The quantities whose gradients it comes through."""
    data: bool
    """Whether anything but parameters and numbers entered it."""


def depends_on_data(program: Program) -> dict[str, bool]:
    """For each step whether a value of it depends on data: arrays that are no parameters, or indices."""
    found: dict[str, bool] = {}
    for step in program.steps:
        if step.role == "input":
            found[step.name] = not step.requires_grad and step.value.size > 1
        else:
            found[step.name] = any(found[name] for name in step.uses) or _indexed(step)
    return found


def _indexed(step: Step) -> bool:
    parts = index_parts(step.settings.get("index", step.settings.get("indices")))
    picked = (int, np.integer, np.ndarray)  # an entry, as E[word]: no penalty is of one entry
    return any(isinstance(part, picked) for part in parts) or any(
        isinstance(a, np.ndarray) and a.size > 1 for a in step.args
    )


class Terms:
    """How a local gradient splits into addends."""

    def __init__(self, local: Local, data: dict[str, bool]) -> None:
        self.local, self._data = local, data

    @cached_property
    def groups(self) -> list[list[Term]]:
        """Sets of addends whose sum is the root, up to what passes by them.

        All paths, where they are few; else the addends of each sum on the way.
        """
        found = []
        if (paths := self._paths()) is not None and len(paths) > 1:
            found.append(paths)
            flat = (*self._flat(whole=True), *self._flat())
            found += [group for group in flat if len(group) < len(paths)]
        else:
            found += list(self._flat())
        found += [group for group in (self._of_the_cost(),) if len(group) > 1]
        return found

    def _of_the_cost(self) -> list[Term]:
        """What each addend of J itself contributes, beside what comes from each given gradient."""
        local = self.local
        given = ((name, local.push({name: g})) for name, g in local.sources.items() if name != local.root)
        found = [Term(array, frozenset(self._owner(name)), True) for name, array in given]
        for name in addends_of_the_cost(local.program):
            own = local.program.gradients.get(name)
            if own is not None and own.name in local.names and own.name != local.root:
                array = local.push({own.name: local.values[own.name]})
                if array.any():
                    found.append(Term(array, frozenset({name}), self._data[name]))
        return found

    def _paths(self) -> list[Term] | None:
        local = self.local
        known: dict[str, list[tuple[Any, frozenset[str], bool]]] = {}
        for name in local.exact:
            known[name] = [(local.values[name], frozenset(), self._data[name])]
        for name, value in local.sources.items():
            owner = self._owner(name)
            known[name] = [(value, frozenset(owner), True)]
        entries = 0
        for step in local.steps:
            found = []
            data = self._coefficients_have_data(step)
            for carrier in dict.fromkeys(local.backward.carried(step)):
                for value, path, has in known[carrier]:
                    moved = np.asarray(local.applied(step, {carrier: value}))
                    found.append((moved, path | frozenset(self._owner(step.name)), has or data))
            entries += sum(v.size for v, _, _ in found)
            if len(found) > _MOST_PATHS or entries > _MOST_ENTRIES:
                return None
            known[step.name] = found
        return [Term(np.asarray(v, float), path, has) for v, path, has in known[local.root]]

    def _owner(self, name: str) -> tuple[str, ...]:
        of = self.local.program[name].of
        return () if of is None else (of,)

    def _coefficients_have_data(self, step: Step) -> bool:
        carriers = self.local.backward.carriers[step.name]
        own = [a.name for k, a in enumerate(step.args) if isinstance(a, Ref) and k not in carriers]
        return any(self._data[name] for name in own) or _indexed(step)

    def _flat(self, *, whole: bool = False) -> Iterator[list[Term]]:
        """The addends of each sum; ``whole``: of the last one, the gradient of each quantity taken as one."""
        local = self.local
        sums = {s.name for s in local.steps if adds(s)}
        if whole:
            sums = {n for n in sums if n == local.root or local.program[n].of is None}
        inner = {name for name in sums for name in local.backward.carried(local.program[name])}
        tops = [step for step in local.steps if step.name in sums and step.name not in inner]
        for step in reversed(outer(tops, lambda step: made_alike(local, step))):
            parts = list(self._parts(step.name, sums))
            if 1 < len(parts) <= _MOST_FLAT and len(parts) * np.size(local.value) <= _MOST_ENTRIES:
                values = [np.broadcast_to(np.asarray(local.values[n], float), step.shape) for n in parts]
                yield [
                    Term(local.push({step.name: value}), self._reach(name), self._has_data[name])
                    for name, value in zip(parts, values, strict=True)
                ]

    @cached_property
    def _has_data(self) -> dict[str, bool]:
        """For each step whether anything but parameters entered its gradient."""
        local = self.local
        found = {name: self._data[name] for name in local.exact} | dict.fromkeys(local.sources, True)
        for step in local.steps:
            above = any(found[name] for name in local.backward.carried(step))
            found[step.name] = above or self._coefficients_have_data(step)
        return found

    def _parts(self, name: str, sums: set[str]) -> Iterator[str]:
        """The addends of nested sums, in order."""
        stack = [name]
        while stack:
            top = stack.pop()
            if top in sums:
                stack += reversed(self.local.backward.carried(self.local.program[top]))
            else:
                yield top

    def _reach(self, name: str) -> frozenset[str]:
        """The quantities nearest above a step: what its gradient was just passed on from."""
        local, found, queue = self.local, set[str](), [name]
        for top in queue:
            of = self._owner(top)
            found |= set(of)
            if top in local.sources or of:
                continue
            if top in local.names and top not in local.exact:
                queue += local.backward.carried(local.program[top])
        return frozenset(found)


def addends_of_the_cost(program: Program) -> list[str]:
    """The forward values whose sum, up to signs and numbers, J is."""
    found, queue = [], [program.forward[-1].name]
    for name in queue:
        step = program[name]
        arrays = [u for u in step.uses if u in program.gradients]
        linear = joins(step) or (step.op is not None and step.op.linear and len(arrays) == 1)
        if linear and arrays and all(program[u].value.ndim == 0 for u in arrays):
            queue += arrays
        else:
            found.append(name)
    return list(dict.fromkeys(found))


def merged(terms: Sequence[Term], bound: float) -> list[Term]:
    """Without those that are nothing to rounding, and those along the same array taken together."""
    found: list[Term] = []
    for term in terms:
        size = float(np.max(np.abs(term.array), initial=0.0))
        if size <= bound or not np.isfinite(size):
            continue
        for k in _along(term.array, [other.array for other in found], 1e-9 * size + bound):
            other = found[k]
            if np.max(np.abs(other.array), initial=0.0) <= bound:
                continue
            if term.array.size == 1 and other.path != term.path:
                continue  # all numbers are along one another
            found[k] = Term(other.array + term.array, other.path & term.path, other.data or term.data)
            break
        else:
            found.append(term)
    return [t for t in found if np.max(np.abs(t.array), initial=0.0) > bound]


def _along(array: Array, others: list[Array], slack: float) -> Iterator[int]:
    """Of which arrays one is a multiple."""
    if not others:
        return
    rows, a = np.stack(others).reshape(len(others), -1), array.ravel()
    c = rows @ a / np.maximum(np.einsum("ij,ij->i", rows, rows), np.finfo(float).tiny)
    yield from np.flatnonzero(np.all(np.abs(a - c[:, None] * rows) <= slack, axis=1)).tolist()
