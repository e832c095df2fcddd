"""An optimiser's rule on parameters, piece by piece.

A piece of W, dW and the averages lies in the cache while all of the rule is computed on it, so each is read
from memory once. One function that is written in C makes all calls of a step: no interrupt comes between two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import starmap
from operator import call
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.updates import Call, Rule

PIECE = 1 << 18
"""The bytes of a piece of each array (measured: half and twice as much are as fast)."""
FEW = 1 << 12
"""Entries up to which a parameter is put beside others, since a call costs more than its work."""

Array = NDArray[Any]


class Update:
    """A rule on parameters, in pieces. Called with the numbers of a step, it does the step.

    An error of NumPy's (``np.errstate(over="raise")``) comes when its call is done, so a step can go on then.

    Args:
        rule: what is computed.
        targets: of each parameter W, dW and the averages.
        memory: that of another update by the same rule, which is over; what is new is put there.

    >>> from tinygrad_edu.compiler.updates import rule_of
    >>> rule = rule_of(lambda W, dW, rate: [W - rate * dW], ["W", "dW"], ["rate"], np.float64)
    >>> W = np.array([1.0, 2.0])
    >>> Update(rule, [(W, np.ones(2))])(0.5)
    >>> W
    array([0.5, 1.5])
    """

    def __init__(
        self, rule: Rule, targets: Sequence[tuple[Array, ...]], memory: list[Array] | None = None
    ) -> None:
        self._numbers = rule.numbers
        self._held = [np.zeros((), rule.dtype) for _ in range(rule.held)]
        self._begun = np.zeros(())
        self._calls: list[Call] = [(np.positive, 1.0, self._begun)]
        self._rest: Iterator[Call] = iter(())
        long = PIECE // max(rule.dtype.itemsize, 1)
        parts: list[tuple[list[tuple[Array, ...]], tuple[Array, ...]]] = []
        for group in _groups([arrays for arrays in targets if arrays[0].size <= FEW], long):
            parts += [(group, _side_by_side(group)) if len(group) > 1 else ([], group[0])]
        for arrays in targets:
            if arrays[0].size > FEW:
                parts += (([], part) for part in _cut(arrays, long))
        memory = [] if memory is None else memory
        size = max((part[0].size for _, part in parts), default=0)
        if not memory or memory[0].size < size:
            memory[:] = [np.empty(size, dtype) for dtype in rule.scratch]
        for group, part in parts:
            work = [m[: part[0].size].reshape(part[0].shape) for m in memory]
            beside = [_spread(array, [g[0] for g in group]) for array in part] if group else []
            rows = [
                (g[i], view) for i, views in enumerate(beside) for g, view in zip(group, views, strict=True)
            ]
            self._calls += ((np.positive, a, view) for a, view in rows)
            self._calls += (_prepared(made, rule.dtype) for made in rule.calls(*part, *work, *self._held))
            self._calls += (
                (np.positive, view, a) for k, (a, view) in enumerate(rows) if k // len(group) != 1
            )

    def reset(self) -> None:
        """Before a step."""
        self._begun[...] = 0

    @property
    def begun(self) -> bool:
        """Whether a call of the step was made."""
        return bool(self._begun)

    def __call__(self, *numbers: Any) -> None:
        """Makes all calls of a step."""
        for held, number in zip(self._held, self._numbers(*numbers), strict=True):
            held[...] = number
        self._rest = iter(self._calls)
        deque(starmap(call, self._rest), 0)

    def go_on(self, *numbers: Any) -> None:
        """Makes the remaining calls of a step, after an error or an interrupt."""
        if not self.begun:
            self(*numbers)
        deque(starmap(call, self._rest), 0)


def _prepared(made: Call, dtype: np.dtype[Any]) -> Call:
    """A call with arrays of one number in place of Python's numbers: NumPy takes as long to convert these."""
    if not any(type(x) is np.ndarray and x.dtype == dtype for x in made[1:-1]):
        return made
    return tuple(np.array(x, dtype) if type(x) in (int, float) else x for x in made)


def _groups(few: Sequence[tuple[Array, ...]], long: int) -> list[list[tuple[Array, ...]]]:
    groups: list[list[tuple[Array, ...]]] = []
    room = 0
    for arrays in few:
        room -= arrays[0].size
        if room < 0 or not groups:
            groups.append([])
            room = long - arrays[0].size
        groups[-1].append(arrays)
    return groups


def _side_by_side(group: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    size = sum(arrays[0].size for arrays in group)
    return tuple(np.empty(size, array.dtype) for array in group[0])


def _spread(row: Array, like: Sequence[Array]) -> list[Array]:
    """A row's stretches, in the shapes of the arrays that are put there."""
    starts = np.cumsum([0, *(a.size for a in like)])
    return [row[i : i + a.size].reshape(a.shape) for i, a in zip(starts, like, strict=False)]


def _cut(arrays: tuple[Array, ...], long: int) -> Iterator[tuple[Array, ...]]:
    if not all(a.flags.c_contiguous for a in arrays):
        yield arrays
        return
    rows = [a.reshape(-1) for a in arrays]
    for start in range(0, rows[0].size, long):
        yield tuple(row[start : start + long] for row in rows)
