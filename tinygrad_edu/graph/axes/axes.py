"""The axes of a graph or program, as readers ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal

from tinygrad_edu.graph.axes.atoms import Term
from tinygrad_edu.graph.axes.cost import Cost
from tinygrad_edu.graph.axes.examples import Found, examples_axis
from tinygrad_edu.graph.axes.names import AxisNames
from tinygrad_edu.graph.axes.walk import Value, Walk
from tinygrad_edu.graph.program import Program
from tinygrad_edu.graph.snapshot import Graph

_SIMPLE = (1.0, 2.0, 0.5)


@dataclass(frozen=True)
class Axis:
    """One axis of a computation: the same in all values that have it, apart from others of its size."""

    name: str
    size: int
    atom: int

    def __repr__(self) -> str:
        return f"{self.name}={self.size}"


@dataclass(frozen=True)
class Examples:
    """The axis that counts the examples, and how sure that is."""

    axis: Axis | None
    """None where there is none, as for a single example."""
    found: Literal["use", "habit", "none"]
    """use: found from what the operations do. habit: several fit, and a usual name or order decided."""
    ambiguous: tuple[Axis, ...]
    """The axes between which use does not decide. A reader accepts any of them."""
    candidates: tuple[Axis, ...]
    """All that could be it, most likely first."""

    @property
    def size(self) -> int:
        """m, the number of examples: 1 without an axis."""
        return 1 if self.axis is None else self.axis.size


@dataclass(frozen=True)
class Average:
    """A count by which the cost is divided on the way to it."""

    step: str
    """Where."""
    count: float
    """The count: of a mean, what it divides by; of a number such as ``1 / (2 * m)``, m."""
    axes: tuple[Axis, ...]
    """The axes that it counts; empty for a number that is no axis' size."""
    scalar: bool
    """Whether a single number is divided, rather than each entry of an array."""
    mean: bool
    """Whether an operation averages, so that the axes are sure; else a number was written."""


class Axes:
    """The axes of a scalar cost's computation.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> X, Y = np.ones((3, 5)), np.ones((2, 5))
    >>> W, b = tg.Tensor(np.ones((2, 3)), name="W"), tg.Tensor(np.zeros((2, 1)), name="b")
    >>> Z = W @ X + b
    >>> axes = Axes.of(tg.Graph(np.sum((Z - Y) ** 2) / 5, names={"Z": Z}))
    >>> axes.examples.axis, axes.named("Z"), axes.named("W"), axes.layout
    (m=5, ('n1', 'm'), ('n1', 'n0'), 'columns')
    >>> [(average.count, average.axes) for average in axes.averaged]
    [(5.0, (m=5,))]
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._walk = Walk(s for s in program.steps if s.role in ("input", "forward"))
        self._cost = Cost(self._walk, program.output)
        self._found: Found = examples_axis(self._walk, self._cost)
        self._backward = [s for s in program.steps if s.role not in ("input", "forward")]

    @classmethod
    def of(cls, source: Graph | Program) -> Axes:
        """The axes of a graph or of a program, with those of its gradients."""
        return cls(Program.recorded(source) if isinstance(source, Graph) else source)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The steps whose axes could not be followed. The axes after them are less certain."""
        return tuple(self._walk.unknown)

    @cached_property
    def examples(self) -> Examples:
        """The axis of the examples."""
        found = self._found
        return Examples(
            None if found.atom is None else self._axis(found.atom),
            found.how,
            tuple(map(self._axis, found.ties)),
            tuple(map(self._axis, found.candidates)),
        )

    def terms(self, name: str) -> tuple[tuple[Axis, ...], ...]:
        """For each axis of a value, or of a gradient, the axes that it is the product of: none for a made 1.

        Raises:
            KeyError: no step has that name.
        """
        return tuple(self._axes(term) for term in self._value(name).terms)

    def named(self, name: str) -> tuple[str, ...]:
        """The name of each axis of a value, or of a gradient: a flattened one is a product, a made 1 is "1".

        A second axis that counts the same is primed, as in attention.

        Raises:
            KeyError: no step has that name.
        """
        found: list[str] = []
        for term in self.terms(name):
            text = "·".join(axis.name for axis in term) or "1"
            while text in found and text != "1":
                text += "′"
            found.append(text)
        return tuple(found)

    def along(self, name: str, axis: Axis | None = None) -> tuple[int, ...]:
        """The positions at which a value has an axis, by default the examples'.

        Raises:
            KeyError: no step has that name.
        """
        wanted = self.examples.axis if axis is None else axis
        return tuple(k for k, term in enumerate(self.terms(name)) if wanted in term)

    @cached_property
    def averaged(self) -> tuple[Average, ...]:
        """The counts by which the cost is divided, from the output backwards; penalties aside."""
        return tuple(self._averages())

    def _averages(self) -> Iterator[Average]:
        for division in self._cost.divisions:
            if division.terms is not None:
                axes = tuple(map(self._axis, self._walk.atoms.of(division.terms)))
                yield Average(division.step, division.number, axes, division.scalar, mean=True)
                continue
            count, axes = self._counted(abs(division.number))
            yield Average(division.step, count, axes, division.scalar, mean=False)

    def _counted(self, number: float) -> tuple[float, tuple[Axis, ...]]:
        """A number as the size of axes that end in the cost, times a simple factor; the examples first."""
        ended = sorted(self._cost.ended, key=lambda atom: (atom != self._found.atom, atom))
        choices = [*((a,) for a in ended), tuple(ended)]
        for atoms in choices:
            size = float(prod(self._walk.atoms.size[atom] for atom in atoms))
            if number > 2 and any(abs(number / size - s) < 1e-9 for s in _SIMPLE):
                return size, tuple(map(self._axis, atoms))
        return number, ()

    @cached_property
    def layout(self) -> Literal["columns", "rows"] | None:
        """Whether the examples stand in columns (not the first axis of what has several) or in rows."""
        first: Counter[bool] = Counter()
        for name, value in self._walk.values.items():
            if len(value.step.shape) > 1:
                first.update(k == 0 for k in self.along(name))
        if self.examples.axis is None:
            return None
        return "columns" if first[False] > first[True] else "rows"

    # names

    def _value(self, name: str) -> Value:
        while name not in self._walk.values and self._backward:
            step = self._backward.pop(0)
            value = self._walk.add(step)
            if step.of is not None:
                own = self._walk.values[step.of].terms
                for one, other in zip(own, value.terms, strict=True):
                    self._walk.atoms.join(one, other)
                value.terms = own
        return self._walk.values[name]

    def _axes(self, term: Term) -> tuple[Axis, ...]:
        return tuple(map(self._axis, self._walk.atoms.expand(term)))

    def _axis(self, atom: int) -> Axis:
        return Axis(self._names[atom], self._walk.atoms.size[atom], atom)

    @cached_property
    def _names(self) -> AxisNames:
        return AxisNames(self._walk, self._found.atom)
