"""A student's file with ``forward`` and ``backward``: run, recorded, compared."""

from __future__ import annotations

import ast
import re
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.check.calling import arguments_for, plain, recorded
from tinygrad_edu.check.function import compared_with, random_values
from tinygrad_edu.check.report import Report
from tinygrad_edu.check.runs import several
from tinygrad_edu.core.table import OPS
from tinygrad_edu.core.tensor import Tensor

__all__ = ["StudentFileError", "check_file"]

_UNITS = (7, 6, 5, 9, 8, 10)
"""n_x, n[1], ...: pairwise different, and none of 2, 3, 4, so that no two mistakes coincide."""
_EXAMPLES, _CLASSES, _RUNS = 11, 12, 3


class StudentFileError(Exception):
    """The file can't be checked: it raises, or has no ``forward`` and ``backward``. Trimmed to the file."""


def check_file(path: str | Path, *, seed: int = 0) -> Report:
    """Runs a file, and compares its ``backward`` with the gradients of its own ``forward``.

    ``forward`` takes the data and the parameters by name (``X, Y, W1, b1, ...``, or ``parameters``, a dict),
    and gives the cost J, alone or first in a tuple; if it gives A[L] instead, the cross-entropy with Y is the
    cost. ``backward`` takes what it needs by the names that ``forward`` uses (``A1``, ``Z2``, ``cache``,
    ``m``), and gives a dict such as ``{"dW1": dW1}``. Inputs are random; a dict ``shapes`` in the file sets
    their shapes.

    **The file is run**, with all that it does: check only files that you would run yourself.

    Raises:
        StudentFileError: it raises (with the traceback, trimmed to the file), or lacks one of the functions.
        OSError: it can't be read.
    """
    file = Path(path)
    source = file.read_text("utf-8")
    space = _run(file, source)
    forward, backward = _function(space, "forward", file), _function(space, "backward", file)
    shapes = dict(space.get("shapes") or space.get("SHAPES") or _guessed(source, file))
    reports, notes = [], [f"{file.name} was run, with random inputs of the shapes {_told(shapes)}."]
    for k in range(_RUNS):
        values = random_values(shapes, np.random.default_rng(seed + k))
        report, note = _guarded(file, partial(_once, forward, backward, values))
        reports.append(report)
    return replace(several(reports, backward), notes=(*notes, *note, *several(reports).notes))


def _run(file: Path, source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "student", "__file__": str(file)}

    def run() -> None:
        exec(compile(source, str(file), "exec"), space)  # noqa: S102  (said plainly: the file is run)

    _guarded(file, run)
    return space


def _guarded(file: Path, run: Callable[[], Any]) -> Any:
    """The result; what the file raises is told by the lines of the file alone."""
    try:
        return run()
    except StudentFileError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever a student's file raises)
        raise StudentFileError(_trimmed(file, error)) from None


def _trimmed(file: Path, error: Exception) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    lines = file.read_text("utf-8").splitlines()
    told = [f"{file.name} raises:"]
    if isinstance(error, SyntaxError) and error.lineno:
        told += [f"  line {error.lineno}", f"    {lines[error.lineno - 1].strip()}"]
    for f in frames:
        told.append(f"  line {f.lineno}, in {f.name}")
        if f.lineno and f.lineno <= len(lines):
            told.append(f"    {lines[f.lineno - 1].strip()}")
    return "\n".join([*told, f"{type(error).__name__}: {error}"])


def _function(space: dict[str, Any], name: str, file: Path) -> Callable[..., Any]:
    found = space.get(name)
    if not callable(found):
        raise StudentFileError(f"{file.name}: expected a function {name!r}: def {name}(X, Y, W1, b1, ...)")
    function: Callable[..., Any] = found
    return function


def _guessed(source: str, file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by the names that the file uses: W1, b1, ..., or w, b."""
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(ast.parse(source)) if isinstance(node, ast.arg)}
    names |= set(re.findall(r"""["']([Wb]\d+|w|b)["']""", source))
    m, softmax = _EXAMPLES, "softmax" in source
    layers = sorted(int(n[1:]) for n in names if re.fullmatch(r"W\d+", n))
    last = _CLASSES if softmax else 1
    if not layers and "w" in names:
        return {"w": (_UNITS[0], 1), "b": (), "X": (_UNITS[0], m), "Y": (1, m)}
    if not layers or layers != list(range(1, len(layers) + 1)) or len(layers) > len(_UNITS):
        raise StudentFileError(
            f"{file.name}: no parameters W1, b1, ... (or w, b) found in it; say their shapes in the file: "
            "shapes = {'W1': (4, 3), 'b1': (4, 1), ..., 'X': (3, 7), 'Y': (1, 7)}"
        )
    units = [*_UNITS[: len(layers)], last]
    shapes: dict[str, tuple[int, ...]] = {}
    for l in layers:
        shapes |= {f"W{l}": (units[l], units[l - 1]), f"b{l}": (units[l], 1)}
    return {**shapes, "X": (units[0], m), "Y": (last, m)}


def _told(shapes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items() if isinstance(shape, tuple))


def _once(
    forward: Callable[..., Any], backward: Callable[..., Any], values: dict[str, Any]
) -> tuple[Report, tuple[str, ...]]:
    data = ("X", "Y", "x", "y")
    tensors = {
        n: v if n in data or not isinstance(v, (np.ndarray, float)) else Tensor(v, name=n)
        for n, v in values.items()
    }
    parameters = {name: t for name, t in tensors.items() if isinstance(t, Tensor)}
    result, variables = recorded(forward, arguments_for(forward, tensors, parameters))
    given = result if isinstance(result, tuple) else (result,)
    J, note = _cost(given, values)
    named = {k: v for k, v in variables.items() if k not in ("parameters", "params")}
    for extra in given:
        if isinstance(extra, dict):
            named |= {k: v for k, v in extra.items() if k not in named}
    named |= tensors
    caches = [g for g in given if isinstance(g, (dict, list, tuple))]
    if caches:
        named |= {k: plain(caches[0]) for k in ("cache", "caches", "memory")}
    return compared_with(backward, J, named, list(parameters), None), note


def _cost(given: tuple[Any, ...], values: dict[str, Any]) -> tuple[Tensor, tuple[str, ...]]:
    """The cost among what ``forward`` gives; where there is only A[L], its cross-entropy with Y."""
    tensors = [g for g in given if isinstance(g, Tensor)]
    shape: tuple[int, ...] = np.shape(values.get("Y", 0.0))
    predictions = [t for t in tensors if t.shape == shape and shape]
    if costs := [t for t in tensors if t.size == 1 and t not in predictions]:
        return costs[0], ()
    if not predictions:
        got = ", ".join(
            f"{type(g).__name__} {g.shape}" if isinstance(g, Tensor) else type(g).__name__ for g in given
        )
        raise StudentFileError(
            "forward: expected the cost J, a number, computed from the parameters, or A[L] of the shape of Y "
            f"{shape}; got {got or 'nothing'}"
        )
    A = max(predictions, key=lambda t: t.seq)  # the last that was computed
    note = ("forward gives A[L], so the cost is its cross-entropy with Y.",)
    if A.shape[0] == 1:
        return OPS["binary_cross_entropy"](A, values["Y"]), note
    return OPS["negative"](OPS["sum"](OPS["multiply"](values["Y"], OPS["log"](A)))) / A.shape[1], note
