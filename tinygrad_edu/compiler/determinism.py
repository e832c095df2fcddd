"""Whether a function gives the same when it is run again: if not, a recording of it would be wrong."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.compiler.free_variables import FreeVariables
from tinygrad_edu.core.symbol import Symbol, ValueDependence
from tinygrad_edu.core.tensor import Tensor


def steady(
    function: Callable[..., Any],
    run: Callable[[dict[Tensor, str], dict[Tensor, str] | None], Sequence[Tensor]],
    names: dict[Tensor, str],
) -> tuple[Sequence[Tensor], FreeVariables]:
    """What the function gives, and what it found by name; run again where it may give something else.

    Raises:
        ValueDependence: it drew random numbers, or read something that is another value each time.
    """
    found = FreeVariables(function)
    before = _states(found.generators)
    outputs = run(names, None)
    drawn = _states(found.generators) != before
    written = found.changed() is not None
    if not (drawn or written or found.unsteady):
        return outputs, found
    lines: dict[Tensor, str] = {}
    found = FreeVariables(function) if written else found
    again = run({}, lines)
    pairs = (_differing(one, two) for one, two in zip(outputs, again, strict=True))
    where = next((tensor for tensor in pairs if tensor is not None), None)
    _refuse_unsteady(where, lines, drawn=drawn, written=found.settled())
    return outputs, found


def _refuse_unsteady(
    where: Tensor | None, lines: Mapping[Tensor, str], *, drawn: bool, written: str | None
) -> None:
    if drawn:
        what = "draws random numbers with NumPy or Python"
        instead = "Draw them outside and pass them in as data, or use tg.dropout."
    elif written is not None:
        what = f"changes {written}, which it reads, each time it runs"
        instead = "Change it outside, and pass it in as data. It may append to a list that it doesn't read."
    elif where is not None:
        what = "reads a value that is another one each time it runs"
        instead = "Read it outside, and pass it in as data."
    else:
        return
    place = f"\n  {lines[where]}" if where is not None and where in lines else ""
    raise ValueDependence(
        f"compile: the function {what}, which would be frozen into the compiled step. {instead}{place}"
    )


def _states(generators: Sequence[Any]) -> list[Any]:
    """Where NumPy's and Python's random streams stand, the shared ones and those that were found."""
    everywhere = np.random.get_state(legacy=False)  # noqa: NPY002  (to see that it is not used)
    return [random.getstate(), pickle.dumps(everywhere), *(pickle.dumps(g) for g in generators)]


def _differing(first: Tensor, second: Tensor) -> Tensor | None:
    """Where a second recording has another value than the first: the second's Tensor that reads it."""
    pairs, seen = [(first, second)], set()
    while pairs:
        one, two = pairs.pop()
        if two in seen or one is two:
            continue
        seen.add(two)
        if one.op is not two.op or len(one.parents) != len(two.parents):
            return two
        if one.op is None and type(one) is not Symbol and not _alike(one._data, two._data):
            return two
        if not _alike(dict(one.settings), dict(two.settings)):
            return two
        for p, q, u, v in zip(one.parents, two.parents, one.saved, two.saved, strict=True):
            if p is not None and q is not None:
                pairs.append((p, q))
            elif p is not q or not _alike(u, v):
                return two
    return None


def _alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_alike(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, (np.ndarray, np.generic, float)):
        return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")
    return isinstance(a, np.random.Generator) or bool(a == b)
