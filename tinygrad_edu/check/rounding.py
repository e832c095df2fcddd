"""How far rounding alone can carry each entry of a program's results.

The program is run again with every operation's result nudged by about one unit in its last place, a few
times, each nudge up or down at random. What that does to a result is what rounding does to it: entries that
are the small difference of large numbers move a lot, others hardly at all. So a right answer that was
computed in another order, or in another but equal formula, is told from a wrong one without a threshold.

Source: J. Vignes, *A stochastic arithmetic for reliable scientific computation*, Mathematics and Computers
in Simulation 35 (1993).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.graph import Program, Ref, Step

__all__ = ["SAFETY", "precision", "run", "spread"]

Array = NDArray[Any]
SAFETY = 24.0
"""Times the largest shift seen in a few runs: nobody's rounding is that unlucky."""
_RUNS = 3
_MOVES = frozenset({"movement", "indexing"})
_EXACT = frozenset(
    {"negative", "positive", "abs", "maximum", "minimum", "where", "sign", "relu", "max", "min", "greater"}
    | {"greater_equal", "less", "less_equal", "equal", "not_equal"}
)
_SUMS = frozenset({"add", "subtract", "sum", "mean", "sum_to", "matmul"})


def precision(*arrays: Array) -> float:
    """The unit in the last place of the coarsest of the arrays, by their dtypes or their digits.

    >>> bool(precision(np.ones(3)) == np.finfo(np.float64).eps)
    True
    >>> bool(precision(np.ones(3), np.ones(3, np.float32)) == np.finfo(np.float32).eps)
    True
    """
    coarsest = float(np.finfo(np.float64).eps)
    for array in arrays:
        if array.dtype.kind == "f":
            coarsest = max(coarsest, float(np.finfo(array.dtype).eps))
            if array.dtype == np.float64 and _single(array):
                coarsest = max(coarsest, float(np.finfo(np.float32).eps))
    return coarsest


def _single(array: Array) -> bool:
    """Whether double-precision numbers came out of single precision: their last 29 bits are all zero."""
    finite = array[np.isfinite(array) & (array != np.round(array))]
    with np.errstate(all="ignore"):
        return finite.size > 0 and bool(np.all(finite.astype(np.float32) == finite))


def run(program: Program, nudge: Callable[[Step, list[Any], Any], Any] | None = None) -> dict[str, Array]:
    """The value of every step, computed again from the inputs, each result passed through ``nudge``."""
    values: dict[str, Any] = {}
    for step in program.steps:
        args = [values[a.name] if isinstance(a, Ref) else a for a in step.args]
        if step.op is None:
            value = args[0] if args else step.value
        elif "rng" in step.settings:
            value = step.value  # a draw stays what it was
        else:
            value = step.op.forward(*args, **step.settings)
        values[step.name] = value if nudge is None else nudge(step, args, value)
    return values


def spread(program: Program, eps: float, seed: int = 0) -> dict[str, Array]:
    """For each step of a program: how far rounding at ``eps`` moves the entries of its result."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}

    def nudge(step: Step, args: list[Any], value: Any) -> Any:
        size = _size(step, args, value, eps)
        if size is None:
            return value
        return value + size * eps * rng.choice([-1.0, 1.0], np.shape(value)) * rng.uniform(0.6, 1.0)

    with np.errstate(all="ignore"):
        for _ in range(_RUNS):
            values = run(program, nudge)
            for step in program.steps:
                name = step.name
                moved = np.abs(np.asarray(values[name], float) - step.value)
                found[name] = np.maximum(found[name], moved) if name in found else moved
    return {name: np.where(np.isfinite(moved), moved, 0.0) for name, moved in found.items()}


def _size(step: Step, args: list[Any], value: Any, eps: float) -> Any:
    """What a result's rounding error is proportional to; None where there is none."""
    op = step.op
    if np.asarray(value).dtype.kind != "f":
        return None
    if op is None:
        exact = step.role != "input" or step.dtype.kind != "f" or eps <= np.finfo(step.dtype).eps
        return None if exact else _cast_error(step.value, eps)
    if (op.kind in _MOVES and op.name not in _SUMS) or op.name in _EXACT:
        return None
    if op.name in _SUMS:
        return _of_a_sum(op.name, args, value, step.settings)
    return np.abs(value)


def _cast_error(value: Array, eps: float) -> Array:
    """Whole numbers and few-digit fractions survive a cast to a narrower dtype."""
    narrow = np.float32 if eps < 1e-4 else np.float16
    with np.errstate(all="ignore"):
        return np.where(value.astype(narrow) == value, 0.0, np.abs(value))


def _of_a_sum(name: str, args: list[Any], value: Any, settings: Mapping[str, Any]) -> Any:
    """The sum of the magnitudes of what was added; and a little more where many terms were."""
    if name in ("add", "subtract"):
        a, b = (np.asarray(arg) for arg in args)
        whole = (a == np.round(a)) & (b == np.round(b))
        return np.where(whole, 0.0, np.abs(a) + np.abs(b))
    if name == "matmul":
        a, b = (np.abs(np.asarray(arg)) for arg in args)
        terms, total = a.shape[-1], a @ b
    else:
        x = np.abs(np.asarray(args[0]))
        terms = x.size / max(np.size(value), 1)
        total = _BY_NAME[name](x, settings)
    return total * max(1.0, np.sqrt(terms) / 8)


def _summed_to(x: Array, settings: Mapping[str, Any]) -> Any:
    shape = settings["shape"]
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        k + lead for k, n in enumerate(shape) if n == 1 and x.shape[k + lead] != 1
    )
    return np.sum(x, axis=axes).reshape(shape)


_BY_NAME: dict[str, Callable[[Array, Mapping[str, Any]], Any]] = {
    "sum": lambda x, settings: np.sum(x, **settings),
    "mean": lambda x, settings: np.mean(x, **settings),
    "sum_to": _summed_to,
}
