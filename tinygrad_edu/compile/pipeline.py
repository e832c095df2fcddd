"""From a recording to a function: lower, simplify, schedule, emit."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from tinygrad_edu.compile.algebra import simplified
from tinygrad_edu.compile.emit import Emitted, emitted
from tinygrad_edu.compile.lower import finished, lowered
from tinygrad_edu.compile.schedule import scheduled
from tinygrad_edu.compile.sheet import Sheet
from tinygrad_edu.compile.trace import Recording

__all__ = ["assembled"]

_number = count(1)


def assembled(recording: Recording, keys: Sequence[str], optimizer: Any) -> tuple[Callable[..., Any], Emitted]:
    """The function that a recording comes to, and its source.

    Args:
        recording: the loss, recorded.
        keys: what the optimiser knows each parameter by.
        optimizer: moves the parameters; None for a function that gives their gradients.
    """
    program, sheet = recording.program, Sheet()
    values = lowered(program, sheet, recording.constants)
    J = values[program.output]
    if not program[program.output].named:
        sheet.names[J] = "J" if "J" not in program else program.output
    gradients = [values[program.gradients[name].name] for name in program.wrt]
    J, *gradients = simplified(finished(simplified([J, *gradients], sheet), sheet), sheet)
    if optimizer is None:
        written = emitted(scheduled([J, *gradients], {}), sheet.names, recording.arguments)
    else:
        key = {name: key for name, key in zip(recording.parameters, keys, strict=True) if name is not None}
        moves = [(key[name], name, gradient) for name, gradient in zip(program.wrt, gradients, strict=True)]
        written = emitted(scheduled([J], {}, gradients), sheet.names, recording.arguments, moves)
    return _function(written, optimizer), written


def _function(written: Emitted, optimizer: Any) -> Callable[..., Any]:
    """The source, run: its names are NumPy, the step's own memory, constants, and operations that NumPy lacks."""
    memory = np.empty(written.nbytes, np.uint8)
    space: dict[str, Any] = {"np": np, **written.constants, **{op.name: op for op in written.ops}}
    for buffer in written.buffers:
        stretch = memory[buffer.offset : buffer.offset + buffer.nbytes]
        space[buffer.name] = stretch.view(buffer.dtype).reshape(buffer.shape)
    if optimizer is not None:
        space |= {"begin": optimizer.begin, "update": optimizer.update}
    filename = f"<compiled step {next(_number)}>"
    linecache.cache[filename] = (len(written.source), None, written.source.splitlines(True), filename)
    exec(compile(written.source, filename, "exec"), space)  # noqa: S102  (the source was written here)
    function: Callable[..., Any] = space["step"]
    return function
