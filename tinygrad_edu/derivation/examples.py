"""The number of examples m: which numbers of a program are m, and which quantities have an entry for each.

A constant 200 in a formula may be the number of examples, or just 200. To tell, the program is recorded
once more with another number of examples: what changed with it is m.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation.m_in_settings import counted, given_arrays, resized
from tinygrad_edu.expression.arithmetic import POWER
from tinygrad_edu.expression.named_settings import Held
from tinygrad_edu.graph import Axes, Graph, GraphNode, Made, Program, Ref, Step, recorded_again
from tinygrad_edu.graph.code.scope import Unknown

NUMBERS_OF_EXAMPLES = ("m", "N", "n_examples", "n_samples", "batch_size")
"""Variables that may hold the number of examples, so that a small number can be told to be it."""

_SHORT_DECIMAL = 8  # a longer decimal, such as 0.3333333333333333, is written as a fraction, 1/3
_TOO_SMALL_TO_TELL = 5  # a 2, 3 or 4 that somebody wrote is more likely a factor of the formula


@dataclass(frozen=True)
class Told:
    """What the caller's code says of plain numbers."""

    integers: AbstractSet[int]
    """The numbers in variables that may count the examples."""
    literals: AbstractSet[float]
    """Written as they are, and nowhere computed: 0.1 is λ and not 1/m, though there be ten examples."""
    computed: AbstractSet[float]
    """The values of expressions such as ``1 / m``."""

    @classmethod
    def of(cls, graph: Graph, integers: AbstractSet[int]) -> Told:
        """What the code says from which a graph was recorded."""
        said = [
            (value, text)
            for node in graph
            for value, text in zip(node.args, node.said, strict=False)
            if isinstance(value, (int, float))
        ]
        computed = {value for value, text in said if text}
        return cls(integers, {value for value, text in said if text == ""} - computed, computed)

    def of_others(self, m: int, n: int) -> Told:
        """What it says where there are n examples in place of m."""
        changed = dict(zip(numbers_of(m), numbers_of(n), strict=True))
        more = {changed[value] for value in self.computed if value in changed}
        return Told(self.integers | {n}, self.literals, self.computed | more)


@dataclass(frozen=True)
class Examples:
    """What is known of the examples in a program."""

    m: int
    rows: bool
    """Whether the examples stand in rows; else in columns."""
    along: Mapping[str, tuple[int, ...]]
    """The steps and index arrays that hold one entry, row or column for each: along which of their axes."""
    counted: dict[tuple[str, int], int]
    """``(step, operand) -> k`` where that operand is k m: counted by a rule, not written by anybody."""
    masked: dict[tuple[str, int], Held]
    """``(step, operand) -> mask`` where that operand is the number of places that the mask names."""
    written: bool
    """Whether any number with m's value may be taken for m."""
    sized: Mapping[str, Mapping[str, Any]]
    """The settings of steps with :attr:`other` examples in place of m."""
    other: int
    literals: AbstractSet[float]
    """Numbers that are not 1/m or 2 m, whatever their value."""
    shares: AbstractSet[float]
    """Short decimals that are 1/m."""
    sizes: AbstractSet[int]
    """The sizes that are always a multiple of the number of examples."""
    factors: AbstractSet[tuple[str, float]]
    """``(kernel, number)`` of the forward steps. A rule passes such a number on, any other is its own."""
    count: str | None
    """The input that holds m itself, if there is one."""
    counted_by: int
    """What the caller's variables that count the examples hold."""
    shapes: int
    """Whether m stands in shapes of settings; see :func:`resized`."""
    among: Mapping[GraphNode, Sequence[int]]
    """The leaves with the axes along which the examples lie."""

    @property
    def alone(self) -> bool:
        """Whether no other size in the program is m."""
        return self.m in self.sizes

    def settings(self, step: Step, called: str) -> Mapping[str, Any]:
        """A step's settings, with m by its name where they count the examples."""
        other = self.sized.get(step.name, step.settings)
        return {k: counted(v, other[k], self.m, self.other, called) for k, v in step.settings.items()}

    def multiple(self, step: Step, operand: int, value: Any) -> tuple[float, int] | None:
        """``c, p`` where that operand is c mᵖ with p 1 or -1; None where it has nothing to do with m."""
        if (step.name, operand) in self.counted:
            return self.counted[step.name, operand], 1
        if isinstance(value, bool) or not isinstance(value, (int, float)) or _exponent(step, operand):
            return None
        if any(isinstance(arg, Ref) and arg.name == self.count for arg in step.args):
            return None  # the 2 of 2 m
        own = step.role != "forward" or step.requires_grad
        if own and step.op is not None and (step.op.kernel, value) not in self.factors:
            return None  # the 2 of (x²)' = 2 x
        return self._multiple_of_m(value)

    def factor(self, op: Op, operand: int, value: Any) -> tuple[float, int] | None:
        """The same of a number in a formula as it was written."""
        if (op.kernel, value) not in self.factors:
            return None
        return None if op.kernel == POWER.kernel and operand == 1 else self._multiple_of_m(value)

    def _multiple_of_m(self, value: Any) -> tuple[float, int] | None:
        literal = value in self.literals
        if literal and isinstance(value, float):
            return None
        for factor in (1, -1) if literal else (1, -1, 2, -2):  # 2 m, of squares
            if value == factor * self.m and self.written:
                return factor, 1
            if value == 1 / (factor * self.m) and (value in self.shares or len(repr(value)) > _SHORT_DECIMAL):
                return 1 / factor, -1
        return None


def examples_of(graph: Graph, program: Program, told: Told, count: str | None, made: Made) -> Examples | None:
    """The examples of a program, or None where it has none, or none that can be told.

    Args:
        graph: the graph that the program was made from.
        program: its program.
        told: what the caller's code says of plain numbers.
        count: the input that holds m itself, if there is one.
        made: the code of some inputs.
    """
    axes = Axes(program)
    m = axes.examples.size
    if m < 2:
        return None
    data = _data(axes, graph)
    other = _other_size(graph, made)
    for shapes in range(3):
        found = _recorded_again(graph, program.wrt, data, m, other, count, made, shapes=shapes)
        if found is not None and _alike(program, found[1]):
            again = found[1]
            break
    else:
        return None
    along = {s.name: tuple(_different(s.shape, t.shape)) for s, t in zip(program, again, strict=True)}
    for node in graph:
        for array in given_arrays(node.settings):
            along[array.called] = _places(array, m)
    along |= {name: _places(value, m) for name, value in made.reads.values() if name not in along}
    written = m >= _TOO_SMALL_TO_TELL or m in told.integers
    return Examples(
        m=m,
        rows=axes.layout == "rows",
        along={name: places for name, places in along.items() if places},
        counted=dict(_counted(program, again, m, other)),
        masked=dict(_masked(program, again)),
        written=written,
        sized={step.name: step.settings for step in again},
        other=other,
        literals=told.literals,
        shares=told.computed | (_by_which_it_is_divided(axes) if written else set()),
        sizes=_multiples(program, again, m, other),
        factors=_factors(program, told, m),
        count=count,
        counted_by=m,
        among=data,
        shapes=shapes,
    )


def apart(
    graph: Graph, program: Program, examples: Examples, told: Told, count: str | None, made: Made
) -> tuple[Program, Examples] | None:
    """The program and its examples with so many of them as no other size has; None where that cannot be.

    Args:
        graph: the graph that the program was made from.
        program: its program.
        examples: of the program.
        told: what the caller's code says of plain numbers.
        count: the input that holds m itself, if there is one.
        made: the code of some inputs.
    """
    m, n = examples.m, examples.other

    def number(node: GraphNode, k: int, value: Any) -> Any:
        found = None if node.op is None else examples.factor(node.op, k, value)
        return value if found is None else type(value)(found[0] * float(n) ** found[1])

    moved = _recorded_again(
        graph, program.wrt, examples.among, m, n, count, made, shapes=examples.shapes, number=number
    )
    if moved is None:
        return None
    other, again, read = moved
    found = examples_of(other, again, told.of_others(m, n), count, read)
    return None if found is None or found.m != n else (again, replace(found, counted_by=m))


def numbers_of(m: int) -> tuple[float, ...]:
    """The numbers in which a formula of the course has m.

    >>> numbers_of(4)
    (4, -4, 0.25, -0.25, 8, 0.125)
    """
    return m, -m, 1 / m, -1 / m, 2 * m, 1 / (2 * m)


def holds_m(name: str, value: Any, m: int) -> bool:
    """Whether it is a variable that counts the examples."""
    return name in NUMBERS_OF_EXAMPLES and np.ndim(value) == 0 and value == m


def _places(array: Any, m: int) -> tuple[int, ...]:
    return tuple(k for k, n in enumerate(np.shape(array)) if n == m)


def _multiples(one: Program, other: Program, m: int, n: int) -> set[int]:
    """The sizes that are k m in one program and always k n in the other."""
    pairs = {pair for s, t in zip(one, other, strict=True) for pair in zip(s.shape, t.shape, strict=True)}
    counted = {size for size, now in pairs if size % m == 0 and size // m * n == now != size}
    return counted - {size for size, now in pairs if size // m * n != now}


def _factors(program: Program, told: Told, m: int) -> set[tuple[str, float]]:
    """The numbers that rules pass on; where the code names m, none that it writes as it is."""
    names_m = not told.computed.isdisjoint(numbers_of(m))
    return {
        (step.op.kernel, arg)
        for step in program
        if step.role == "forward" and step.op is not None and step.requires_grad
        for k, arg in enumerate(step.args)
        if isinstance(arg, (int, float)) and not _exponent(step, k)
        if not (names_m and step.said and step.said[k] == "")
    }


def _exponent(step: Step, operand: int) -> bool:
    return step.op is not None and step.op.kernel == POWER.kernel and operand == 1


def _by_which_it_is_divided(axes: Axes) -> set[float]:
    """The numbers 1/m by which the cost's data term is multiplied, where it is no ``mean`` that divides."""
    m = axes.examples.size
    if not any(not a.mean and axes.examples.axis in a.axes for a in axes.averaged):
        return set()
    return {sign / (k * m) for k in (1, 2) for sign in (1, -1)}


def _data(axes: Axes, graph: Graph) -> dict[GraphNode, tuple[int, ...]]:
    """The leaves with the axes along which the examples lie, those of several batches of one size alike."""
    tied = [axis for axis in axes.examples.ambiguous if axis.size == axes.examples.size]
    places = {node: [axes.along(node.name, axis) for axis in tied] for node in graph}
    apart = all(sum(map(bool, found)) < 2 for found in places.values())
    if len(tied) < 2 or not apart:
        return {node: axes.along(node.name) for node in graph.inputs if node.shape}
    return {node: sum(places[node], ()) for node in graph.inputs if node.shape}


def _different(one: Sequence[int], other: Sequence[int]) -> Iterator[int]:
    return (k for k, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)


def _other_size(graph: Graph, made: Made) -> int:
    """A number of examples that is no other size of the graph."""
    taken = {n for node in graph for n in node.shape}
    taken |= {n for _, value in made.reads.values() for n in np.shape(value)}
    return next(n for n in range(_TOO_SMALL_TO_TELL, len(taken) + 2 * _TOO_SMALL_TO_TELL) if n not in taken)


def _recorded_again(
    graph: Graph,
    wrt: Sequence[str],
    data: Mapping[GraphNode, Sequence[int]],
    m: int,
    n: int,
    count: str | None,
    code: Made,
    *,
    shapes: int,
    number: Callable[[GraphNode, int, Any], Any] = lambda node, k, value: value,
) -> tuple[Graph, Program, Made] | None:
    """The graph and program with n examples for m, the first ones over and over; None where shapes don't fit.

    ``shapes``: as for :func:`resized`. ``number``: what to take for plain numbers.
    """

    def repeated(value: NDArray[Any], places: Iterable[int]) -> NDArray[Any]:
        for along in places:
            value = np.take(value, np.arange(n), along, mode="wrap")
        return value

    given: dict[str, Any] = {node.name: repeated(node.value, data.get(node, ())) for node in graph.inputs}
    for name, value in code.reads.values():
        if name not in given and np.ndim(value):
            given[name] = repeated(np.asarray(value), _places(value, m))
        elif holds_m(name, value, m):
            given[name] = n

    def leaf(node: GraphNode) -> Tensor:
        value = np.asarray(n) if node.name == count else given[node.name]
        return Tensor(value, requires_grad=node.requires_grad, dtype=node.dtype)

    try:
        with np.errstate(all="ignore"):
            given |= code.values(given)
            fit = partial(resized, m=m, n=n, shapes=shapes, known=given)
            made = recorded_again(graph, leaf, number, fit)
            names = {tensor: node.name for node, tensor in made.items()}
            again = Graph(made[graph.outputs[0]], names=names, look=False)
            return again, Program.of_graph(again, wrt), code.reading(given)
    except (ValueError, IndexError, TypeError, RuntimeError, Unknown):
        return None  # this was not the axis of the examples


def _alike(one: Program, other: Program) -> bool:
    if len(one) != len(other):
        return False
    return all(s.name == t.name and s.op is t.op for s, t in zip(one, other, strict=True))


def _counted(one: Program, other: Program, m: int, n: int) -> Iterator[tuple[tuple[str, int], int]]:
    """Operands that are k m in one program and k n in the other."""
    for place, a, b in _changed_numbers(one, other):
        if a % m == 0 and b % n == 0 and a // m == b // n:
            yield place, int(a // m)


def _masked(one: Program, other: Program) -> Iterator[tuple[tuple[str, int], Held]]:
    """Operands that in both programs are as many as a mask names places."""
    masks: dict[tuple[int, int], Held] = {}
    for s, t in zip(one, other, strict=True):
        for a, b in zip(given_arrays(s.settings), given_arrays(t.settings), strict=True):
            if isinstance(a, Held) and a.dtype == np.bool_:
                masks[int(np.count_nonzero(a)), int(np.count_nonzero(b))] = a
    for place, a, b in _changed_numbers(one, other):
        if type(a) is int and (a, b) in masks:
            yield place, masks[a, b]


def _changed_numbers(one: Program, other: Program) -> Iterator[tuple[tuple[str, int], Any, Any]]:
    for s, t in zip(one, other, strict=True):
        for k, (a, b) in enumerate(zip(s.args, t.args, strict=True)):
            if not (isinstance(a, Ref) or isinstance(b, Ref) or np.ndim(a) or a == b):
                yield (s.name, k), a, b
