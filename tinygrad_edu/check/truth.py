"""The right gradients of a recorded cost, with what rounding can do to each, and the ways to read them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tinygrad_edu.check import quantities
from tinygrad_edu.check.convention import EXACT, Reading, readings
from tinygrad_edu.check.kinks import Tie, ties_of
from tinygrad_edu.check.local import Backward
from tinygrad_edu.check.rounding import Array, errors_of, precision, tolerance
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph, Program, recorded_again
from tinygrad_edu.graph.naming import Names

Convention = Literal["course", "exact"]
CONVENTIONS: tuple[Convention, Convention] = ("course", "exact")


class Truth:
    """What is true of a cost: its quantities, how many examples it is over, and its gradients.

    In the course's convention the gradient of an intermediate quantity is each example's own: ``m`` times the
    derivative of the cost. In the exact one it is the derivative of the cost.

    Raises:
        TypeError: J isn't a Tensor.
        ValueError: J isn't a scalar.
    """

    def __init__(self, J: Tensor, *, m: int | None = None, names: Names = None) -> None:
        if not isinstance(J, Tensor):
            raise TypeError(f"check: expected the cost J as a Tensor, got {type(J).__name__}")
        asked: Any = m
        if asked is not None and (not isinstance(asked, (int, np.integer)) or asked < 1):
            raise ValueError(f"check: m: expected the number of examples, at least 1, got {m!r}")
        self._given = Graph(J, names=names)
        self.graph = self._given
        self.output = self._given.outputs[0].name
        self._asked_m = m
        self._errors: dict[float, dict[str, Array]] = {}
        self._ties: dict[float, list[Tie]] = {}

    @cached_property
    def program(self) -> Program:
        """The cost and the gradients of everything that takes part, as a straight line of steps."""
        return Program.of_graph(self.graph)

    @cached_property
    def backward(self) -> Backward:
        """The steps of the backward pass that carry a gradient."""
        return Backward(self.program)

    @cached_property
    def readings(self) -> list[Reading]:
        """The ways to read a set of gradients; the exact one first."""
        found = readings(self.graph)
        asked = [r for r in found if self._asked_m in (None, r.m) or r is EXACT]
        return asked if len(asked) > 1 or self._asked_m is None else found

    def reading(self, convention: Convention) -> Reading:
        """The likeliest reading in a convention."""
        return next((r for r in self.readings if r.convention == convention), EXACT)

    @property
    def m(self) -> int:
        """The number of examples that the cost is a mean over; 1 where it is no mean."""
        return self._asked_m or self.reading("course").m

    @cached_property
    def values(self) -> dict[str, Array]:
        """The forward values, by name."""
        return {node.name: node.value for node in self.graph}

    def quantities(self, keys: Iterable[Any]) -> tuple[dict[Any, str], list[str]]:
        """For each key the name of its quantity; and what is said of the keys that are none's.

        Raises:
            KeyError: no key is the gradient of any quantity.
            TypeError: a key is neither a string nor a Tensor.
        """
        found: dict[Any, str] = {}
        unknown: list[str] = []
        for key in keys:
            try:
                node = quantities.quantity(self.graph, key)
            except KeyError as error:
                unknown.append(str(error.args[0]))
                continue
            found[key] = node.name
        if not found and unknown:
            raise KeyError(unknown[0])
        if any(not self.graph.find(name).requires_grad for name in found.values()):
            self._differentiate_constants()
        return found, unknown

    def quantity(self, which: str | Tensor) -> str:
        """The name of the quantity whose gradient is meant by ``"dW1"``, or by the tensor W1 itself.

        Raises:
            KeyError: no such quantity; the message has the nearest names.
        """
        return self.quantities([which])[0][which]

    def _differentiate_constants(self) -> None:
        """The same graph with its data as variables, for one who also asks for dX."""
        made = recorded_again(
            self._given, lambda node: Tensor(node.value, dtype=node.dtype, name=node.name), same_values=True
        )
        names = {tensor: node.name for node, tensor in made.items()}
        self.graph = Graph(made[self._given.outputs[0]], names=names)
        for cached in ("program", "values", "backward", "readings"):
            self.__dict__.pop(cached, None)
        self._errors.clear()
        self._ties.clear()

    def gradient(self, name: str, convention: Convention = "exact") -> Array:
        """The derivative of the cost with respect to a quantity; per example in the course's convention."""
        return np.asarray(self.program.gradients[name].value) * self.reading(convention).scale(name)

    def eps(self, given: Array) -> float:
        """The unit in the last place of the coarser of the cost's arithmetic and an array's."""
        own = [s.value.dtype for s in self.program.forward if s.value.dtype.kind == "f"]
        return max([precision(given), *(float(np.finfo(d).eps) for d in dict.fromkeys(own))])

    def errors(self, eps: float) -> dict[str, Array]:
        """How far rounding at that precision carries each step's value, in units of eps."""
        if eps not in self._errors:
            self._errors[eps] = errors_of(self.program.steps, eps)
        return self._errors[eps]

    def ties(self, eps: float) -> list[Tie]:
        """Where the cost has no derivative, to rounding."""
        if eps not in self._ties:
            self._ties[eps] = ties_of(self.graph, self.errors(eps), eps)
        return self._ties[eps]

    def tolerance_forward(self, name: str, eps: float) -> Array:
        """How far each entry of a right forward value may lie off, when computed at that precision."""
        step = self.program[name]
        return tolerance(step.value, self.errors(eps)[step.name], eps)
