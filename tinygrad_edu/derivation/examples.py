"""m: which numbers of a program are the number of examples, and which quantities hold one entry for each.

A constant 200 in a formula may be the number of examples, or just 200. To tell, the program is recorded
once more with another number of examples: what changed with it is m.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation.sizes import counted, given_arrays, resized
from tinygrad_edu.expression.held import Held
from tinygrad_edu.graph import Graph, GraphNode, Program, Ref, Step, recorded_again

__all__ = ["Examples", "examples_of"]

_SHORT_DECIMAL = 8  # a longer decimal, such as 0.3333333333333333, is written as a fraction, 1/3
_TOO_SMALL_TO_TELL = 5  # a 2, 3 or 4 that somebody wrote is more likely a factor of the formula


@dataclass(frozen=True)
class Examples:
    """What is known of the examples in a program."""

    m: int
    axis: int
    """0 or -1: whether the examples stand in rows or in columns."""
    source: str
    """An input whose shape tells m."""
    per_example: frozenset[str]
    """The steps that hold one entry or column for each."""
    counted: dict[tuple[str, int], int]
    """``(step, operand) -> k`` where that operand is k m: counted by a rule, not written by anybody."""
    written: bool
    """Whether a number that is m wherever it stands may be taken for it."""
    sized: Mapping[str, Mapping[str, Any]]
    """The settings of steps with :attr:`other` examples in place of m."""
    other: int
    alone: bool
    """Whether no other size in the program is m."""

    def settings(self, step: Step, called: str) -> Mapping[str, Any]:
        """A step's settings, with m by its name where they count the examples."""
        other = self.sized.get(step.name, step.settings)
        return {k: counted(v, other[k], self.m, self.other, called) for k, v in step.settings.items()}

    def multiple(self, step: str, operand: int, value: Any) -> tuple[float, int] | None:
        """``c, p`` where that operand is c mᵖ with p 1 or -1; None where it has nothing to do with m."""
        if (step, operand) in self.counted:
            return self.counted[step, operand], 1
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        for factor in (1, -1, 2, -2):  # 2 m, of squares
            if value == factor * self.m and self.written:
                return factor, 1
            if value == 1 / (factor * self.m) and (self.written or len(repr(value)) > _SHORT_DECIMAL):
                return 1 / factor, -1
        return None


def examples_of(
    graph: Graph, program: Program, variables: Sequence[int], count: str | None = None
) -> Examples | None:
    """The examples of a program, or None where it has none, or none that can be told.

    Args:
        graph: the graph that the program was made from.
        program: its program.
        variables: the integers that the caller keeps in variables: a number m may have come from one.
        count: the input that holds m itself, if there is one.
    """
    arrays = {array.called: array for node in graph for array in given_arrays(node.settings)}
    other = _other_size(graph)
    for axis, m, data in _candidates(graph, program.wrt, arrays.values()):
        for shapes in (False, True):
            again = _recorded_again(graph, program, data, (m, other), count, shapes=shapes)
            if again is None or not _alike(program, again):
                continue
            changed = [s.name for s, t in zip(program, again, strict=True) if s.shape != t.shape]
            changed += [name for name, array in arrays.items() if m in array.shape]
            source = next(node.name for node in graph if axis in data.get(node, ())) if data else changed[-1]
            written = m >= _TOO_SMALL_TO_TELL or m in variables
            numbers = dict(_counted(program, again, m, other))
            sized = {step.name: step.settings for step in again}
            alone = not any(
                a == b == m
                for s, t in zip(program, again, strict=True)
                for a, b in zip(s.shape, t.shape, strict=True)
            )
            return Examples(m, axis, source, frozenset(changed), numbers, written, sized, other, alone)
    return None


def _candidates(
    graph: Graph, wrt: Sequence[str], arrays: Iterable[Held]
) -> Iterator[tuple[int, int, dict[GraphNode, list[int]]]]:
    """Axis, size, and the data with the axes that have that size (none: index arrays have it)."""
    leaves = [node for node in graph.inputs if node.shape]
    constants = [node for node in leaves if not node.requires_grad]
    others = [node for node in leaves if node.name not in wrt or node.name in ("X", "Y")]
    for data in (constants, None, others, leaves):
        if data is None:
            counts = Counter(array.shape[0] for array in arrays if array.ndim)
            yield from ((0, m, {}) for m, _ in counts.most_common() if m > 1)
            continue
        for axis in (-1, 0):
            sizes = Counter(node.shape[axis] for node in data if len(node.shape) > 1 or axis == -1)
            for m, _ in sizes.most_common():
                if m > 1:
                    yield axis, m, {node: [axis] for node in data if node.shape[axis] == m}
                    # X.T has them along its other axis, and a sum of squares along both.
                    everywhere = {
                        node: [k - len(node.shape) * (axis < 0) for k, n in enumerate(node.shape) if n == m]
                        for node in data
                    }
                    yield axis, m, {node: axes for node, axes in everywhere.items() if axes}


def _other_size(graph: Graph) -> int:
    """A number of examples that is no other size of the graph."""
    taken = {n for node in graph for n in node.shape}
    return next(n for n in range(_TOO_SMALL_TO_TELL, len(taken) + 2 * _TOO_SMALL_TO_TELL) if n not in taken)


def _recorded_again(
    graph: Graph,
    program: Program,
    data: Mapping[GraphNode, Sequence[int]],
    sizes: tuple[int, int],
    count: str | None,
    *,
    shapes: bool,
) -> Program | None:
    """The program with n examples for m, the first ones over and over; None where shapes don't fit any more.

    ``shapes``: whether m in the shapes of settings becomes n, too.
    """
    before, m = sizes

    def leaf(node: GraphNode) -> Tensor:
        value = np.asarray(m) if node.name == count else node.value
        for along in data.get(node, ()):
            value = np.take(value, np.arange(m), along, mode="wrap")
        return Tensor(value, requires_grad=node.requires_grad, dtype=node.dtype)

    try:
        with np.errstate(all="ignore"):
            fit = partial(resized, m=before, n=m, shapes=shapes)
            made = recorded_again(graph, leaf, settings=fit)
            names = {tensor: node.name for node, tensor in made.items()}
            return Program.of_graph(Graph(made[graph.outputs[0]], names=names), program.wrt)
    except (ValueError, IndexError, TypeError, RuntimeError):
        return None  # this was not the axis of the examples


def _alike(one: Program, other: Program) -> bool:
    if len(one) != len(other):
        return False
    return all(s.name == t.name and s.op is t.op for s, t in zip(one, other, strict=True))


def _counted(one: Program, other: Program, m: int, n: int) -> Iterator[tuple[tuple[str, int], int]]:
    """Operands that are k m in one program and k n in the other."""
    for s, t in zip(one, other, strict=True):
        for k, (a, b) in enumerate(zip(s.args, t.args, strict=True)):
            if isinstance(a, Ref) or isinstance(b, Ref) or np.ndim(a) or a == b:
                continue
            if a % m == 0 and b % n == 0 and a // m == b // n:
                yield (s.name, k), int(a // m)
