"""The recording: the user's function run once on Symbols, and what it did as a Program."""

from __future__ import annotations

import builtins
import inspect
import linecache
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import CodeType, FrameType, TracebackType
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import errors
from tinygrad_edu.compiler.arguments import native
from tinygrad_edu.compiler.determinism import steady
from tinygrad_edu.compiler.free_variables import FreeVariables, is_engine
from tinygrad_edu.compiler.value_reads import asked, sources
from tinygrad_edu.core.mode import Ambient, ambient
from tinygrad_edu.core.stand_ins import is_stand_in
from tinygrad_edu.core.structure import leaves, rebuilt
from tinygrad_edu.core.symbol import Symbol, ValueDependence, without_values
from tinygrad_edu.core.table import OPS
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.numpy_style import in_numpy
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.graph.naming import identifier

_RESERVED = {
    *dir(builtins),
    *[
        "np",
        "step",
        "deque",
        "begin",
        "update",
        "gradients",
        "result",
        "start",
        "tile",
        "part",
        "tiles",
        "spread",
        "copied",
        "starmap",
        "call",
        "apart",
        "changes",
        "columns_left",
        "in_parts",
        "less_product",
    ],
}
"""Names that the source of a step uses."""


class LeftOut(TypeError):  # noqa: N818  (names what was found)
    """A Tensor that requires a gradient is used, and is not among the parameters."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.name, self.shape = name, shape
        super().__init__(
            f"compile: the function uses the Tensor {name} {shape}, which is not among the parameters it is "
            "given. Pass it with them, or make it a constant with .detach()."
        )


@dataclass(frozen=True)
class Recording:
    """A loss as a Program, and which of its inputs is which.

    ``parameters`` and ``data`` hold names of inputs, None where one takes no part; ``captured`` are
    Tensors that the function found elsewhere, read anew on each call.
    """

    graph: Graph
    program: Program | None
    parameters: tuple[str | None, ...]
    data: tuple[str | None, ...]
    captured: Mapping[str, Tensor]
    free_variables: FreeVariables
    """What else it read by name, as it was."""

    @property
    def arguments(self) -> list[str]:
        """The inputs that differ from call to call, in order: parameters, data, captured Tensors."""
        return [name for name in (*self.parameters, *self.data) if name is not None] + list(self.captured)

    @property
    def constants(self) -> dict[str, NDArray[Any]]:
        """The arrays that the function found elsewhere: inputs that the caller does not pass."""
        known = set(self.arguments)
        return {node.name: node.value for node in self.graph if node.is_leaf and node.name not in known}

    def without_values(self) -> Recording:
        """The recording without the arrays of one call, which may be large."""
        for node in self.graph:
            tensor = node.tensor
            if type(tensor) is Symbol and tensor.ndim:
                tensor._data = np.broadcast_to(np.zeros((), tensor.dtype), tensor.shape)
                if tensor.op is not None:
                    operands = zip(tensor.parents, tensor.saved, strict=True)
                    values = [v if p is None else p._data for p, v in operands]
                    tensor.came_from(tensor.op, tensor.parents, values)
        return replace(self, program=None)


def record(
    loss: Callable[..., Any],
    build: Callable[[Sequence[Symbol]], Any],
    parameters: Sequence[tuple[str | None, Any]],
    data: Sequence[Any],
) -> Recording:
    """Runs ``loss(build(symbols), *data)`` on Symbols that stand for the parameters and the data.

    Args:
        loss: ordinary Tensor code that gives a scalar.
        build: puts the parameters' symbols into the structure that ``loss`` expects.
        parameters: ``name, value`` of each; a Tensor among them is also known by itself, so a model's
            own method that reads ``layer.W`` finds the symbol's place.
        data: arrays, or dicts, tuples and dataclasses of them.

    Raises:
        ValueDependence: the function asks for a value; the message names its line.
        TypeError: it writes in place, or gives something else than a scalar Tensor.
        ValueError: its result isn't a scalar.
        RuntimeError: its result depends on no parameter.
    """
    symbols = [_symbol(value, name, differentiable=True) for name, value in parameters]
    places = [path for path, _ in leaves(tuple(data))]
    arrays = [_symbol(value, None, differentiable=False) for _, value in leaves(tuple(data))]
    names: dict[Tensor, str] = {}
    values: set[Tensor] = set()

    def run(names: dict[Tensor, str], lines: dict[Tensor, str] | None) -> list[Tensor]:
        with np.errstate(all="ignore"), _fresh_surroundings(), naming(names, lines, values):
            output = _located(loss, build(symbols), *rebuilt(tuple(data), iter(arrays)))
        if not isinstance(output, Tensor):
            raise TypeError(
                f"compile: expected the function to give a scalar Tensor, got {type(output).__name__}"
            )
        return [output]

    (output,), free_variables = steady(loss, run, names)
    elsewhere = {value for _, value in parameters if isinstance(value, Tensor)}
    free_variables.watch(_values_read(values, free_variables, elsewhere))
    names |= {s: s.name for s in symbols if s.name is not None}
    given = dict(enumerate(_arguments(loss)))
    for array, path in zip(arrays, places, strict=True):
        name = path[-1] if len(path) > 1 else given.get(int(path[0]))
        if name is not None and name.isidentifier():
            names[array] = name
    graph = _named(output, names)
    owners = {
        value: symbol
        for (_, value), symbol in zip(parameters, symbols, strict=True)
        if isinstance(value, Tensor)
    }
    leaf = {node.tensor: node.name for node in graph.inputs}
    return _recording(graph, symbols, arrays, owners, leaf, free_variables)


def _recording(
    graph: Graph,
    symbols: Sequence[Symbol],
    arrays: Sequence[Symbol],
    owners: Mapping[Tensor, Symbol],
    leaf: Mapping[Tensor, str],
    free_variables: FreeVariables,
) -> Recording:
    """Which input is which, and the gradients of the parameters that take part."""
    itself = {symbol: tensor for tensor, symbol in owners.items()}
    parameters = []
    for symbol in symbols:
        found = [t for t in (symbol, itself.get(symbol)) if t is not None and t in leaf]
        if len(found) == 2:
            raise TypeError(
                f"compile: the function uses the parameter {leaf[found[0]]} both as it is passed in and "
                "as the Tensor that it found elsewhere; use the one that is passed in"
            )
        parameters.append(leaf[found[0]] if found else None)
    known = {*symbols, *arrays, *owners}
    captured = {
        name: tensor
        for tensor, name in leaf.items()
        if tensor not in known and type(tensor) is Tensor and not is_stand_in(tensor)
    }
    for name, tensor in captured.items():
        if tensor.requires_grad:
            raise LeftOut(name, tensor.shape)
    wanted = [name for name in parameters if name is not None and graph.find(name).requires_grad]
    if not wanted:
        raise RuntimeError(errors.NO_HISTORY.format(tensor=graph.outputs[0].name))
    with np.errstate(all="ignore"):
        program = Program.of_graph(graph, wanted).without_held_arrays()
    for (
        node
    ) in graph:  # the step moves a model's own arrays where they stand: the recording does not lock them
        node.tensor.guards = None
    data = tuple(leaf.get(symbol) for symbol in arrays)
    return Recording(graph, program, tuple(parameters), data, captured, free_variables)


@dataclass(frozen=True)
class Values:
    """A function of data as a Program of values alone: what it gives, and what it reads."""

    program: Program
    outputs: tuple[str, ...]
    data: tuple[str | None, ...]
    captured: Mapping[str, Tensor]
    constants: Mapping[str, NDArray[Any]]
    free_variables: FreeVariables


def record_values(function: Callable[..., Sequence[Tensor]], data: Sequence[Any]) -> Values:
    """Runs a function on Symbols that stand for the data; Tensors that it finds elsewhere are read anew.

    Raises:
        ValueDependence: the function asks for a value.
    """
    arrays = [_symbol(value, None, differentiable=False) for value in data]
    values: set[Tensor] = set()

    def run(names: dict[Tensor, str], lines: dict[Tensor, str] | None) -> Sequence[Tensor]:
        with (
            np.errstate(all="ignore"),
            _fresh_surroundings(Ambient(constants=True)),
            naming(names, lines, values),
        ):
            return without_values(function, *arrays)

    outputs, free_variables = steady(function, run, {})
    free_variables.watch(_values_read(values, free_variables, set()))
    called: dict[Tensor, str] = {
        tensor: identifier(name) for tensor, name in zip(arrays, _arguments(function, 0), strict=False)
    }
    graph = Graph(*outputs, names=called)
    leaf = {node.tensor: node.name for node in graph.inputs}
    captured = {name: t for t, name in leaf.items() if type(t) is Tensor}
    known = {*captured, *(leaf[t] for t in arrays if t in leaf)}
    return Values(
        Program.recorded(graph).without_held_arrays(),
        tuple(node.name for node in graph.outputs),
        tuple(leaf.get(symbol) for symbol in arrays),
        captured,
        {node.name: node.value for node in graph if node.is_leaf and node.name not in known},
        free_variables,
    )


def _values_read(
    values: set[Tensor], free_variables: FreeVariables, parameters: set[Any]
) -> Iterable[Tensor]:
    """The Tensors on whose values a recording depends; where a profiler is in the way, all found by name."""
    if sys.getprofile() is None:
        return sources(values)
    return [tensor for tensor, _ in free_variables.tensors if tensor not in parameters]


def _symbol(value: Any, name: str | None, *, differentiable: bool) -> Symbol:
    """A symbol of a value's shape and dtype, which shows the value itself: nothing is copied."""
    if isinstance(value, Tensor):
        differentiable = differentiable and value.requires_grad
        value = value._data
    array = native(np.asarray(value, np.float64 if isinstance(value, (int, float)) else None))
    symbol = Symbol(0.0, requires_grad=differentiable and array.dtype.kind == "f", name=name)
    symbol._data = array if array.ndim else array[()]
    return symbol


def _arguments(loss: Callable[..., Any], after: int = 1) -> list[str]:
    """The names of the function's parameters after the first."""
    try:
        return list(inspect.signature(loss).parameters)[after:]
    except (TypeError, ValueError):
        return []


def _named(output: Tensor, names: Mapping[Tensor, str]) -> Graph:
    """The graph, its names as Python may have them, and none that the source calls."""
    reserved = _RESERVED | {name for name, op in OPS.items() if in_numpy(op) is None}
    graph = Graph(output, names={tensor: identifier(name, reserved) for tensor, name in names.items()})
    if all(identifier(node.name, reserved) == node.name for node in graph):
        return graph
    return Graph(output, names={node.tensor: identifier(node.name, reserved) for node in graph if node.named})


@contextmanager
def _fresh_surroundings(here: Ambient | None = None) -> Iterator[None]:
    """Compiled under ``no_grad`` or in a scope, a function is still recorded, and by itself."""
    outside = ambient.set(here)
    try:
        yield
    finally:
        ambient.reset(outside)


def _located(loss: Callable[..., Any], *args: Any) -> Any:
    """The function's result, or its refusal with the line of the user's code that was refused."""
    try:
        return without_values(loss, *args)
    except TypeError as error:
        place = _user_line(error.__traceback__)
        if place is None or not (isinstance(error, ValueDependence) or str(error) == errors.ITEM_ASSIGNMENT):
            raise
        raise type(error)(f"{error}\n  {place}") from error


def _user_line(traceback: TracebackType | None) -> str | None:
    place = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not _engine(traceback.tb_frame):
            place = _written(code, traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


def _place(frame: FrameType | None) -> str | None:
    """The innermost line outside the engine from which a frame is reached."""
    while frame is not None and _engine(frame):
        frame = frame.f_back
    return None if frame is None else _written(frame.f_code, frame.f_lineno)


def _written(code: CodeType, number: int) -> str:
    line = linecache.getline(code.co_filename, number).strip()
    return f'File "{code.co_filename}", line {number}, in {code.co_name}: {line}'


def _engine(frame: FrameType) -> bool:
    return is_engine(frame.f_globals.get("__name__"))


class _Here:
    """Lives as long as the frame that holds it."""


@contextmanager
def naming(
    names: dict[Tensor, str], lines: dict[Tensor, str] | None = None, values: set[Tensor] | None = None
) -> Iterator[None]:
    """While the function runs, the variables that its results are kept in: its locals are gone afterwards.

    Where ``lines`` is given, also the line that each result is computed in; into ``values``, Tensors whose
    values it asks for.
    """
    here = _Here()
    still_here = ref(here)

    def look(frame: FrameType | None, event: str, result: Any) -> None:
        if still_here() is None:  # an interrupt came before the profile was taken away
            sys.setprofile(None)
            return
        if values is not None and frame is not None:
            values.update(asked(frame, event, result))
        if lines is not None and event == "return" and type(result) is Symbol and result not in lines:
            place = _place(frame)
            if place is not None:
                lines[result] = place
        frame = frame if event == "return" or frame is None else frame.f_back
        if event in ("call", "return") and frame is not None and not _engine(frame):
            for name, value in frame.f_locals.items():
                if type(value) is Symbol and name != "self":
                    names.setdefault(value, name)

    if sys.getprofile() is not None:  # somebody is profiling: the source will have made-up names
        yield
        return
    try:  # before the profile is set: an interrupt may come between any two lines
        sys.setprofile(look)
        yield
    finally:
        sys.setprofile(None)
