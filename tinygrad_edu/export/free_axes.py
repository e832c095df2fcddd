"""Sizes that stay free: how every shape of a recording follows an axis of its inputs.

An axis is free where the function takes another length of it and does the same operations. So it is
recorded once more with each axis grown by one, and what grew along with it is read off: nothing here
guesses from equal sizes which axis counts the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.export.recording import Line, Recording
from tinygrad_edu.graph import Ref


@dataclass(frozen=True)
class Axis:
    """An axis of an input."""

    input: str
    position: int
    size: int


@dataclass(frozen=True)
class Sizes:
    """The free axes, each with the recording in which it is one longer."""

    base: Recording
    grown: Mapping[Axis, Recording]

    def growth(self, name: str, position: int) -> dict[Axis, int]:
        """By how much a value's axis grows with each free axis; empty where its size is fixed."""
        size = self.base.values[name][0][position]
        steps = {axis: r.values[name][0][position] - size for axis, r in self.grown.items()}
        return {axis: step for axis, step in steps.items() if step}


def free_sizes(
    record: Callable[[Mapping[str, NDArray[Any]]], Recording], examples: Mapping[str, NDArray[Any]]
) -> Sizes:
    """The recording of the examples, and which axes of them stay free."""
    base = record(examples)
    grown = {}
    for name, array in examples.items():
        for position, size in enumerate(array.shape):
            if not size:
                continue
            longer = np.concatenate([array, np.take(array, [-1], position)], position)
            try:
                other = record({**examples, name: longer})
            except (TypeError, ValueError, IndexError):  # the function wants this length
                continue
            if _same(base, other):
                grown[Axis(name, position, size)] = other
    return Sizes(base, grown)


def _same(one: Recording, other: Recording) -> bool:
    """Whether two recordings do the same, but for the sizes of what they do it with."""
    if len(one.lines) != len(other.lines) or one.output != other.output:
        return False
    if not all(_same_operand(w, other.weights[name]) for name, w in one.weights.items()):
        return False
    return all(map(_same_line, one.lines, other.lines))


def _same_line(a: Line, b: Line) -> bool:
    if a.op is not b.op or a.name != b.name or len(a.shape) != len(b.shape) or len(a.args) != len(b.args):
        return False
    return all(map(_same_operand, a.args, b.args))


def _same_operand(x: Any, y: Any) -> bool:
    """The same value, or one number repeated to another length."""
    if isinstance(x, Ref) or isinstance(y, Ref):
        return bool(x == y)
    x, y = np.asarray(x), np.asarray(y)
    if x.shape == y.shape:
        return bool(np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))
    both = np.concatenate([x.ravel(), y.ravel()])
    return x.ndim == y.ndim and bool((both == both[0]).all())
