"""From a recording to a function: lower, simplify, schedule, emit."""

from __future__ import annotations

import linecache
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count, starmap
from operator import call
from types import CodeType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.algebra import simplified
from tinygrad_edu.compiler.blas import apart, less_product
from tinygrad_edu.compiler.descent import subtracted_in_place
from tinygrad_edu.compiler.emit import Emitted, emitted
from tinygrad_edu.compiler.lowering import finished, lowered
from tinygrad_edu.compiler.memory import ALIGNMENT, Buffer
from tinygrad_edu.compiler.scalars import scalars_moved
from tinygrad_edu.compiler.schedule import columns_of, scheduled
from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.compiler.strength_reduction import in_fast_forms
from tinygrad_edu.compiler.threads import spread
from tinygrad_edu.compiler.tiles import tiled
from tinygrad_edu.compiler.trace import Recording, Values
from tinygrad_edu.expression.arithmetic import MULTIPLY
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.walk import in_order
from tinygrad_edu.ops.movement.copying import copied
from tinygrad_edu.ops.networks.embeddings import FEW_NAMED, ColumnsLent, columns_added, columns_left

_number = count(1)


class Moves(Protocol):
    """What a compiled step needs of an optimiser."""

    def begin(self, gradients: Iterable[NDArray[Any]]) -> None:
        """Starts a step, given all its gradients."""

    def update(self, key: Any, parameter: NDArray[Any], gradient: NDArray[Any]) -> None:
        """Moves one parameter in place; the gradient is an array of its own, to write to or to keep."""


Update = Literal["descent", "lent"] | Moves | None


RATE = "rate"


def assembled(
    recording: Recording, keys: Sequence[str], update: Update
) -> tuple[Callable[[], Callable[..., Any]], Emitted]:
    """What makes the function that a recording comes to, each time with memory of its own, and its source.

    Args:
        recording: the loss, recorded.
        keys: the optimiser's key of each parameter.
        update: "descent" writes W := W - rate dW into the function, which then takes the rate as its last
            argument; "lent" makes a function that gives the gradients to be read before the next call; an
            optimiser's methods are called; None makes a function whose gradients the caller may keep.
    """
    program, sheet = recording.program, Sheet()
    assert program is not None
    values = lowered(program, sheet, recording.constants)
    J = values[program.output]
    if not program[program.output].named:
        sheet.names[J] = "J" if "J" not in program else program.output
    gradients = [values[program.gradients[name].name] for name in program.wrt]
    if update == "descent":
        parameters = [values[name] for name in program.wrt]
        rate = sheet.input(_rate(recording), (), np.result_type(*(W.dtype for W in parameters)))
        steps = [
            sheet.node(MULTIPLY, [rate, dW], dtype=W.dtype)
            for W, dW in zip(parameters, gradients, strict=True)
        ]
        J, *steps = _simplest([J, *steps], sheet)
        moves = {W: by for W, by in zip(parameters, steps, strict=True) if by.number != 0}
        named = {W: by for W, by in moves.items() if _names_few(W, by)}
        moves = {W: by for W, by in moves.items() if W not in named}
        arguments = [*recording.arguments, rate.called]
        whole = subtracted_in_place(tiled(scheduled([J], moves, named)))
        written = emitted(whole, sheet.names, arguments)
    elif update == "lent":
        J, *gradients = _simplest([J, *gradients], sheet)
        moves = {values[name]: by for name, by in zip(program.wrt, gradients, strict=True)}
        whole = scheduled([J], moves)
        written = emitted(tiled(whole), sheet.names, recording.arguments, lent=True)
    elif update is None:
        whole = scheduled(_simplest([J, *gradients], sheet))
        written = emitted(tiled(whole), sheet.names, recording.arguments)
    else:
        key = {name: key for name, key in zip(recording.parameters, keys, strict=True) if name is not None}
        handed = [(key[name], name) for name in program.wrt]
        whole = scheduled(_simplest([J, *gradients], sheet))
        written = emitted(tiled(whole), sheet.names, recording.arguments, handed)
    return partial(_function, written, _code(written), update), written


def _rate(recording: Recording) -> str:
    name = RATE
    while name in recording.graph:
        name += "_"
    return name


def _names_few(W: Node, by: Node) -> bool:
    """Whether it moves a few columns of a large table, or a few rows, and leaves the others as they are."""
    added = columns_of(by)
    few = added.does(columns_added) and 0 < FEW_NAMED * added.args[1].entries < added.settings["n"]
    return few and added.dtype == W.dtype


def _simplest(outputs: Sequence[Node], sheet: Sheet) -> list[Node]:
    done = simplified(finished(simplified(outputs, sheet), sheet), sheet)
    return in_fast_forms(simplified(scalars_moved(done, sheet), sheet), sheet)


def _code(written: Emitted) -> CodeType:
    filename = f"<compiled step {next(_number)}>"
    linecache.cache[filename] = (len(written.source), None, written.source.splitlines(True), filename)
    return compile(written.source, filename, "exec")


def _function(written: Emitted, code: CodeType, update: Update) -> Callable[..., Any]:
    """The source, run. Its names: NumPy, the step's memory, constants, operations that NumPy lacks."""
    space: dict[str, Any] = {
        "np": np,
        "deque": deque,
        "starmap": starmap,
        "call": call,
        "apart": apart,
        "columns_left": columns_left,
        "copied": copied,
        "less_product": less_product,
        "in_parts": partial(spread, space=lambda thread: ()),
        **written.constants,
        **{op.name: op.into or op.forward for op in written.ops},
        **{name: ColumnsLent() for name in written.tables},
    }
    shared = [buffer for buffer in written.buffers if buffer.thread is None]
    space |= zip((b.name for b in shared), _laid_out(shared, written.nbytes), strict=True)
    if written.parts:
        of_threads: list[list[NDArray[Any]]] = []

        def memory_of(thread: int) -> list[NDArray[Any]]:
            while len(of_threads) <= thread:
                own = [buffer for buffer in written.buffers if buffer.thread is not None]
                of_threads.append(_laid_out(own, written.tile_nbytes))
            return of_threads[thread]

        space["spread"] = partial(spread, space=memory_of)
    if not isinstance(update, str | None):
        space |= {"begin": update.begin, "update": update.update}
    exec(code, space)  # noqa: S102  (the source was written here)
    function: Callable[..., Any] = space["step"]
    return function


def _laid_out(buffers: Sequence[Buffer], nbytes: int) -> list[NDArray[Any]]:
    """New memory, looked at as those arrays; it begins at a multiple of their alignment."""
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    memory = memory[-memory.ctypes.data % ALIGNMENT :]
    return [memory[b.offset : b.offset + b.nbytes].view(b.dtype).reshape(b.shape) for b in buffers]


def _decided(outputs: Sequence[Node], data: set[str]) -> list[Node]:
    """The nodes that are computed from the data alone, and that other nodes read."""
    alone: set[Node] = set()
    ends: dict[Node, None] = {}
    for node in in_order(*outputs):
        if node.op is not None:
            own = [a in alone or a.is_constant or a.called in data for a in node.args]
            if own and all(own) and not node.random:
                alone.add(node)
            else:
                ends |= dict.fromkeys(a for a in node.args if a in alone)
    return [*(ends | dict.fromkeys(node for node in outputs if node in alone))]


def of_values(recorded: Values) -> tuple[Callable[[], Callable[..., Any]], Callable[..., list[Any]]]:
    """What makes the function that gives the outputs, without a gradient; and what it takes first.

    The second is a function of the data: what they alone decide, such as labels that have been looked at. The
    first makes a function of that, of the data, and of captured arrays.
    """
    sheet = Sheet()
    values = lowered(recorded.program, sheet, recorded.constants)
    outputs = _simplest([values[name] for name in recorded.outputs], sheet)
    data = [name for name in recorded.data if name is not None]
    once = _decided(outputs, set(data))
    taken = {step.name for step in recorded.program.steps}
    free = (name for name in map("once_{}".format, count(1)) if name not in taken)
    known = {node: sheet.input(name, node.shape, node.dtype) for node, name in zip(once, free, strict=False)}
    names = [node.called for node in known.values()]
    outputs = sheet.rebuilt(outputs, lambda node, args: known.get(node))
    written = emitted(tiled(scheduled(outputs)), sheet.names, [*names, *data, *recorded.captured])
    make = partial(_function, written, _code(written), None)
    if not once:
        return make, lambda *_: []
    before = emitted(scheduled(once), sheet.names, data)
    return make, lambda *given: list(_function(before, _code(before), None)(*given))
