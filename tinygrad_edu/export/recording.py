"""A function as lines of operations that another format knows; what is composed of others is taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.decomposition import decomposed, recorded_since, stand_in
from tinygrad_edu.graph import Graph, Program, Ref, Step
from tinygrad_edu.graph.naming import unique


@dataclass(frozen=True, eq=False)
class Line:
    """``name = op(args, **settings)``, of a known shape and dtype."""

    name: str
    op: Op
    args: tuple[Ref | Any, ...]
    """References to inputs, weights and earlier lines; numbers and arrays."""
    settings: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Recording:
    """What a function did with its inputs."""

    inputs: dict[str, NDArray[Any]]
    """What is given anew at each call: the examples they were recorded with."""
    weights: dict[str, NDArray[Any]]
    """What stays: parameters, and arrays that the function found elsewhere."""
    lines: tuple[Line, ...]
    output: str
    values: dict[str, tuple[tuple[int, ...], np.dtype[Any]]]
    """Shape and dtype of everything that has a name."""


def recorded(
    function: Callable[..., Any], examples: Mapping[str, NDArray[Any]], known: Callable[[Op], bool]
) -> Recording:
    """Runs ``function(*examples)`` on Symbols and reads off what it did.

    Args:
        function: Tensor code of the inputs, which gives a Tensor.
        examples: an array for each input, by name.
        known: whether an operation may stand as it is; any other is taken apart, if it can be.

    Raises:
        TypeError: the function gives something else than a Tensor that depends on its inputs.
        ValueDependence: it asks for a value; the message names what asked.
    """
    symbols = {
        name: Symbol.standing_for(Tensor(array, requires_grad=False), name=name)
        for name, array in examples.items()
    }
    with np.errstate(all="ignore"):
        output = function(*symbols.values())
    if not isinstance(output, Symbol):
        raise TypeError(
            "export: expected the function to give a Tensor computed from its input, got "
            + ("one that does not depend on it" if isinstance(output, Tensor) else type(output).__name__)
        )
    graph = Graph(output, names=dict(symbols))
    return _Flattened(known).recording(Program.recorded(graph), dict(examples))


@dataclass
class _Flattened:
    """The steps of a program as lines, while they are written."""

    known: Callable[[Op], bool]
    lines: list[Line] = field(default_factory=list)
    values: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = field(default_factory=dict)
    called: dict[str, Ref | Any] = field(default_factory=dict)
    """What a step's name stands for: a line, or where nothing was to be done, its operand."""
    taken: dict[str, int] = field(default_factory=dict)

    def recording(self, program: Program, inputs: dict[str, NDArray[Any]]) -> Recording:
        weights: dict[str, NDArray[Any]] = {}
        self.taken = dict.fromkeys((step.name for step in program.steps), 1)
        for name, array in inputs.items():
            self.values[name] = np.shape(array), np.asarray(array).dtype
        for step in program.steps:
            if step.role == "input":
                if step.name not in inputs:
                    weights[step.name] = np.asarray(step.value)
                self.values[step.name] = step.shape, step.dtype
                self.called[step.name] = Ref(step.name)
            else:
                self.called[step.name] = self._step(step)
        output = self.called[program.output]
        assert isinstance(output, Ref)
        return Recording(inputs, weights, tuple(self.lines), output.name, self.values)

    def _step(self, step: Step) -> Ref | Any:
        assert step.op is not None
        args = [self.called[a.name] if isinstance(a, Ref) else a for a in step.args]
        return self._operation(step.name, step.op, args, step.settings, step.shape, step.dtype)

    def _operation(
        self,
        name: str,
        op: Op,
        args: Sequence[Ref | Any],
        settings: Mapping[str, Any],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> Ref | Any:
        if not self.known(op):
            symbols = [stand_in(*self.values[a.name]) if isinstance(a, Ref) else a for a in args]
            result = None if op.opaque else decomposed(op, symbols, settings)
            if result is not None:
                return self._parts(name, result, dict(zip(map(id, symbols), args, strict=True)), symbols)
        self.lines.append(Line(name, op, tuple(args), dict(settings), shape, dtype))
        self.values[name] = shape, dtype
        return Ref(name)

    def _parts(
        self, name: str, result: Tensor, operands: Mapping[int, Ref | Any], symbols: Sequence[Any]
    ) -> Ref | Any:
        """What an operation is composed of; the last part takes its name."""
        known = {s: operands[id(s)] for s in symbols if isinstance(s, Tensor)}
        for tensor in recorded_since(result, known):
            assert tensor.op is not None
            args = [v if p is None else known[p] for p, v in zip(tensor.parents, tensor.saved, strict=True)]
            own = name if tensor is result else unique(f"{name}_1", self.taken)
            shape, dtype = np.shape(tensor._data), np.asarray(tensor._data).dtype
            known[tensor] = self._operation(own, tensor.op, args, tensor.settings, shape, dtype)
        return known[result]
