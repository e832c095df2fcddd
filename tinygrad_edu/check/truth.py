"""The right gradients of a recorded cost, in both conventions, with what rounding can do to each."""

from __future__ import annotations

import difflib
from collections import Counter
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.check.rounding import SAFETY, spread
from tinygrad_edu.core.op import apply
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph, GraphNode, Program, Step
from tinygrad_edu.graph.naming import Names

__all__ = ["CONVENTIONS", "Convention", "Truth"]

Array = NDArray[Any]
Convention = Literal["course", "exact"]
CONVENTIONS: tuple[Convention, Convention] = ("course", "exact")


class Truth:
    """What is true of a cost: its quantities, how many examples it is over, and its gradients.

    In the course's convention the gradient of an intermediate quantity is each example's own, in its column:
    ``m`` times the derivative of the cost. In the exact one it is the derivative of the cost.

    Raises:
        TypeError: J isn't a Tensor.
        ValueError: J isn't a scalar.
    """

    def __init__(self, J: Tensor, *, m: int | None = None, names: Names = None) -> None:
        if not isinstance(J, Tensor):
            raise TypeError(f"check: expected the cost J as a Tensor, got {type(J).__name__}")
        self._given = Graph(J, names=names)
        self.graph = self._given
        self.output = self._given.outputs[0].name
        self.m, self.axis = (m, -1) if m is not None else _examples(self._given)
        self._spread: dict[float, dict[str, Array]] = {}

    @cached_property
    def program(self) -> Program:
        """The cost and the gradients of everything that takes part, as a straight line of steps."""
        return Program.of_graph(self.graph)

    @cached_property
    def values(self) -> dict[str, Array]:
        """The forward values, by name."""
        return {node.name: node.value for node in self.graph}

    @cached_property
    def per_example(self) -> frozenset[str]:
        """The quantities that have one column for each example."""
        return _with_examples(self.graph, self.m, self.axis)

    def quantity(self, which: str | Tensor) -> str:
        """The name of the quantity whose gradient is meant by ``"dW1"``, or by the tensor W1 itself.

        Raises:
            KeyError: no such quantity; the message has the nearest names.
        """
        if isinstance(which, Tensor):
            return self._given.find(which).name
        if not isinstance(which, str):
            raise TypeError(f"check: expected 'd' + a name, or a Tensor, as key, got {which!r}")
        for name in (which[1:], _ALIASES.get(which[1:], "")):
            if which.startswith("d") and name in self.values:
                if not self.graph.find(name).requires_grad:
                    self._differentiate_constants()
                if self.graph.find(name).requires_grad:
                    return name
        known = [f"d{node.name}" for node in self.graph if node.named and node.requires_grad]
        raise KeyError(f"{which!r} is not the gradient of a quantity of this graph; {_nearest(which, known)}")

    def forward_quantity(self, which: str | Tensor) -> str:
        """The name of the quantity meant by its name, or by the tensor itself.

        Raises:
            KeyError: no such quantity; the message has the nearest names.
        """
        if not isinstance(which, (str, Tensor)):
            raise TypeError(f"check: expected a name, or a Tensor, as key, got {which!r}")
        if which in self._given:
            return self._given.find(which).name
        known = [node.name for node in self.graph if node.named]
        called = which if isinstance(which, str) else str(which.name)
        raise KeyError(f"{called!r} is not a quantity of this graph; {_nearest(called, known)}")

    def _differentiate_constants(self) -> None:
        """The same graph with its data as variables, for one who also asks for dX."""
        made: dict[GraphNode, Any] = {}
        for node in self._given:
            if node.op is None:
                value = node.value
                made[node] = Tensor(value, dtype=value.dtype, name=node.name)
            else:
                args = tuple(made[a] if isinstance(a, GraphNode) else a for a in node.args)
                made[node] = apply(node.op, args, node.tensor.settings, value=node.tensor._data)
        names = {node.name: made[node] for node in self._given if isinstance(made[node], Tensor)}
        self.graph = Graph(made[self._given.outputs[0]], names=names)
        for cached in ("program", "per_example", "values"):
            self.__dict__.pop(cached, None)
        self._spread.clear()

    def gradient(self, name: str, convention: Convention = "exact") -> Array:
        """The derivative of the cost with respect to a quantity; per example in the course's convention."""
        value = np.asarray(self.program.gradients[name].value)
        return value * self.scale(name) if convention == "course" else value

    def scale(self, name: str) -> int:
        """What the course's convention multiplies the derivative of the cost by: m, or 1 for parameters."""
        return self.m if name in self.per_example else 1

    def tolerance(self, name: str, eps: float, convention: Convention = "exact") -> Array:
        """How far each entry of a right answer may lie from the gradient, when computed at that precision."""
        bound = self._bound(self.program.gradients[name], eps)
        return bound * self.scale(name) if convention == "course" else bound

    def tolerance_forward(self, name: str, eps: float) -> Array:
        """The same for a forward value."""
        return self._bound(self.program[name], eps)

    def _bound(self, step: Step, eps: float) -> Array:
        if eps not in self._spread:
            self._spread[eps] = spread(self.program, eps)
        right = np.abs(np.asarray(step.value, float))
        finite = right[np.isfinite(right)]
        smallest = np.finfo(np.float32 if eps > 1e-12 else np.float64).tiny  # below it, precision is lost
        floor = eps * (float(finite.max()) if finite.size else 0.0) + float(smallest)
        bound: Array = SAFETY * (self._spread[eps][step.name] + eps * right) + floor
        return bound


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"


_ALIASES = {"A0": "X", "a0": "x"}


def _examples(graph: Graph) -> tuple[int, int]:
    """How many examples the cost is over, and on which axis they stand: the last, in the course's layout."""
    data = [node for node in graph.inputs if not node.requires_grad and node.value.ndim]
    if not data:
        data = [node for node in _right_operands(graph) if node.is_leaf and node.value.ndim]
    lengths = Counter(node.shape[-1] for node in data if node.value.ndim)
    if not lengths:
        return 1, -1
    if _examples_are_rows(data, graph):
        return data[0].shape[0], 0
    return max(lengths, key=lambda n: (lengths[n], n)), -1


def _right_operands(graph: Graph) -> list[GraphNode]:
    pairs = [node.args for node in graph if node.op is not None and node.op.name == "matmul"]
    return [right for _, right in pairs if isinstance(right, GraphNode)]


def _examples_are_rows(data: list[GraphNode], graph: Graph) -> bool:
    """X @ W rather than W @ X: data on the left of a product with a parameter, all of the same length."""
    on_the_left = any(
        node.op is not None and node.op.name == "matmul" and node.args[0] in data and node.args[1] not in data
        for node in graph
    )
    return on_the_left and len({node.shape[0] for node in data}) == 1


def _with_examples(graph: Graph, m: int, axis: int) -> frozenset[str]:
    rights = set(_right_operands(graph))
    found: set[GraphNode] = set()
    for node in graph:
        fits = bool(node.value.ndim) and node.shape[axis] == m
        if node.is_leaf:
            data = (
                not node.requires_grad
                or node.name in ("X", "A0", "Y", "x", "y")
                or _is_data(node, rights, graph)
            )
            if fits and data:
                found.add(node)
        elif fits and any(a in found for a in node.inputs):
            found.add(node)
    return frozenset(node.name for node in found)


def _is_data(node: GraphNode, rights: set[GraphNode], graph: Graph) -> bool:
    """A leaf that something is multiplied onto from the left, and that is never a left factor itself."""
    lefts = {a for n in graph if n.op is not None and n.op.name == "matmul" for a in n.args[:1]}
    return node in rights and node not in lefts
