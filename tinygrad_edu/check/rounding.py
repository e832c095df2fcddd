"""How far rounding alone can carry each entry of a program's results.

One pass over the steps, to first order and in units of eps. The error of a result is what it inherits from
its operands, independent errors added in squares, and what its own arithmetic adds: the sizes of the terms
that were added, not the size of what came out. So the small difference of large numbers may be off by much,
and hardly anything else by more than a few units in its last place.

Source: N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM 2002, chapters 3 and
4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.graph import Ref, Step

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

Array = NDArray[Any]
SAFETY = 16.0
"""Times the error that is estimated: rounding errors do not add up to more in practice."""
_DRAWS = 8
_TINIEST = 1e-8
_BESIDE = 1e-4


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
    finite = array[np.isfinite(array) & (array != np.round(array * 1024) / 1024)]
    with np.errstate(all="ignore"):
        return finite.size > 0 and bool(np.all(finite.astype(np.float32) == finite))


def tolerance(value: Array, error: Array, eps: float) -> Array:
    """How far each entry of a right answer may lie from a value with these errors, in units of eps.

    Nothing lies near an infinite entry, or near one that is no number: only the same is right there.

    >>> tolerance(np.array([0.0, np.inf, np.nan]), np.zeros(3), 0.5) > 0
    array([ True, False, False])
    """
    sizes = np.abs(np.asarray(value, float))
    finite = sizes[np.isfinite(sizes)]
    smallest = float(np.finfo(np.float32 if eps > 1e-12 else np.float64).tiny)
    floor = 2 * eps * (float(finite.max()) if finite.size else 0.0) + smallest
    with np.errstate(invalid="ignore"):
        bound = SAFETY * eps * (np.where(np.isfinite(error), error, 0.0) + sizes) + floor
    return np.where(np.isfinite(sizes), bound, 0.0)


def errors_of(steps: Iterable[Step], eps: float) -> dict[str, Array]:
    """The error of each step's result, in units of eps, where the inputs are as exact as their dtype."""
    found: dict[str, Array] = {}
    values: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        for step in steps:
            values[step.name] = step.value
            if step.op is None:
                known = step.uses and found[step.uses[0]]
                found[step.name] = np.asarray(known) if step.uses else _cast_error(step, eps)
                continue
            xs = [values[a.name] if isinstance(a, Ref) else a for a in step.args]
            es = [found[a.name] if isinstance(a, Ref) else np.zeros(np.shape(a)) for a in step.args]
            found[step.name] = inherited(step.op, xs, es, step.value, step.settings) + _guard(step, xs) / eps
    return found


def _guard(step: Step, xs: Sequence[Any]) -> Array:
    """What a tiny number that is added, as in log(p + 1e-12), changes: formulas leave it out."""
    numbers = [abs(float(x)) for x in xs if np.ndim(x) == 0]
    if step.role != "forward" or step.op is None or step.op.linear != ((0, 1),) or len(numbers) != 1:
        return np.zeros(step.shape)
    tiny = numbers[0] <= _TINIEST and step.value.dtype.kind == "f"
    return np.where(tiny & (numbers[0] <= _BESIDE * np.abs(step.value)), numbers[0] / 2, 0.0)


def _cast_error(step: Step, eps: float) -> Array:
    """Whole numbers and few-digit fractions survive a cast to a narrower dtype."""
    value = step.value
    if step.role != "input" or value.dtype.kind != "f" or eps <= np.finfo(value.dtype).eps:
        return np.zeros(value.shape)
    narrow = np.float32 if eps < 1e-4 else np.float16
    return np.asarray(np.where(value.astype(narrow) == value, 0.0, np.abs(value)), float)


def inherited(
    op: Op, xs: Sequence[Any], es: Sequence[Array], value: Any, settings: Mapping[str, Any]
) -> Array:
    """The error of a result of an operation on operands with errors, its own rounding included."""
    value = np.asarray(value)
    if value.dtype.kind != "f" or "rng" in settings:
        return np.zeros(value.shape)
    xs = [np.asarray(x, float) if np.asarray(x).dtype.kind == "f" else x for x in xs]
    value = value.astype(float)
    if op.moves and op.kind != "reduction":
        same = es[0].shape == value.shape and op.kind == "elementwise"
        return es[0] if same else np.abs(np.asarray(op.forward(es[0], *xs[1:], **settings), float))
    if op.kind == "elementwise" and "axis" not in op.settings:
        return _of_entries(op, xs, es, value, settings)
    # where as many come out as went in, as of a cumulative product, an entry goes into several results
    reduced = "axis" in op.settings and value.shape != np.shape(xs[0])
    if op.kind == "reduction" and len(xs) == 1 and (op.linear or reduced):
        return _of_a_reduction(op, xs[0], es[0], value, settings)
    if op.linear and op.kind in ("contraction", "indexing", "movement", "joining"):
        return _of_products(op, xs, es, settings)
    if value.size == 1 and not op.variadic:
        return _of_a_number(op, xs, es, value, settings)
    return _of_anything(op, xs, es, value, settings)


def rules_of(op: Any, count: int) -> list[Any]:
    """The pullback for each operand; a variadic operation has one for all, which takes the position."""
    return [partial(op.pullbacks[0], k) for k in range(count)] if op.variadic else list(op.pullbacks)


def _of_entries(
    op: Op, xs: Sequence[Any], es: Sequence[Array], value: Array, settings: Mapping[str, Any]
) -> Array:
    total: Any = np.zeros(value.shape)
    one = np.ones(value.shape)
    for rule, e in zip(op.pullbacks, es, strict=True):
        if rule is not None and np.any(e):
            slope = np.asarray(rule(one, value, *xs, **settings), float)
            total = total + np.where(e == 0, 0.0, slope * e) ** 2
    jointly = [group for group in op.linear if len(group) > 1]
    if jointly and op.rounding:  # a sum: what was added counts
        whole = all(np.all(np.asarray(xs[k]) == np.round(xs[k])) for k in jointly[0])
        own: Any = 0.0 if whole else sum(np.abs(np.asarray(xs[k], float)) for k in jointly[0])
    else:
        own = np.abs(value) if op.rounding else 0.0
    return np.asarray(np.sqrt(total) + own)


def _of_a_reduction(op: Any, x: Any, e: Array, value: Array, settings: Mapping[str, Any]) -> Array:
    """Each operand's entry goes into one result, so one pullback gives every derivative."""
    axes = {k: settings[k] for k in ("axis", "keepdims") if k in settings}
    if op.linear and not op.moves:
        size = np.abs(op.forward(np.ones(x.shape), **settings)) * (value.size / max(x.size, 1))
        total = np.asarray(size * op.forward(np.square(e), **settings))
    elif np.any(e):
        slope = np.asarray(op.pullbacks[0](np.ones(value.shape), value, x, **settings), float)
        total = np.sum(np.where(e == 0, 0.0, slope * e) ** 2, **axes).reshape(value.shape)
    else:
        total = np.zeros(value.shape)
    own = op.forward(np.abs(x), **settings) if op.linear else np.abs(value)
    return np.asarray(np.sqrt(total) + 2 * np.asarray(own, float) * bool(op.rounding))


def _of_a_number(
    op: Op, xs: Sequence[Any], es: Sequence[Array], value: Array, settings: Mapping[str, Any]
) -> Array:
    """One result: each pullback gives its derivative by every entry of an operand.

    A determinant is a sum of products that may cancel: a unit in the last place of each entry counts, too.
    """
    total = 0.0
    for rule, x, e in zip(op.pullbacks, xs, es, strict=True):
        if rule is not None:
            slope = np.asarray(rule(np.ones(value.shape), value, *xs, **settings), float)
            wide = np.sqrt(np.square(e) + np.square(x))
            total += float(np.sum(np.where(wide == 0, 0.0, slope * wide) ** 2))
    return np.asarray(np.sqrt(total) + 2 * np.abs(value))


def _of_products(op: Op, xs: Sequence[Any], es: Sequence[Array], settings: Mapping[str, Any]) -> Array:
    """A sum of products: its own forward pass on squares, each operand's errors in turn."""
    factors = {k for group in op.linear for k in group}  # the others say where to: an index, an axis
    squares = [np.square(np.asarray(x, float)) if k in factors else x for k, x in enumerate(xs)]
    total: Any = 0.0
    jointly = len(op.linear) == 1 and (len(op.linear[0]) > 1 or op.variadic)
    if jointly:
        total = op.forward(*[np.square(e) for e in es], **settings)
    else:
        for k, e in enumerate(es):
            if np.any(e):
                operands = [np.square(e) if j == k else s for j, s in enumerate(squares)]
                total = total + op.forward(*operands, **settings)
    sizes = [np.abs(np.asarray(x, float)) if op.variadic or k in factors else x for k, x in enumerate(xs)]
    own = op.forward(*sizes, **settings)
    return np.asarray(np.sqrt(total) + 2 * np.abs(own) * bool(op.rounding), float)


def _of_anything(
    op: Op, xs: Sequence[Any], es: Sequence[Array], value: Array, settings: Mapping[str, Any]
) -> Array:
    """What its operands' errors, and a unit in each one's last place, do to it: tried in a few directions.

    An algorithm for matrices is exact for a matrix near its own, not entry by entry: the largest counts.
    """
    rng, sized = np.random.default_rng(0), _largest if op.kind == "linalg" else np.abs
    widths = [
        np.sqrt(e**2 + np.square(sized(x))) if np.asarray(x).dtype.kind == "f" else e
        for x, e in zip(xs, es, strict=True)
    ]
    largest = max((float(np.max(w, initial=0.0)) for w in widths), default=0.0)
    if not largest or not np.isfinite(largest):
        return np.asarray(sized(value))
    size = max((float(np.max(np.abs(np.asarray(x, float)), initial=0.0)) for x in xs), default=1.0)
    h = 1e-7 * max(size, 1e-300) / largest
    total = np.zeros(value.shape)
    for _ in range(_DRAWS):
        moved = [
            x + h * w * rng.choice([-1.0, 1.0], np.shape(x)) if np.any(w) else x
            for x, w in zip(xs, widths, strict=True)
        ]
        total = total + np.square((np.asarray(op.forward(*moved, **settings), float) - value) / h)
    found = np.sqrt(total / _DRAWS)
    return np.asarray(np.where(np.isfinite(found), 2 * found, 0.0) + sized(value))


def _largest(a: Any) -> Array:
    """Of each matrix the largest entry's size, at every entry."""
    sizes = np.abs(np.asarray(a, float))
    return np.broadcast_to(
        np.max(sizes, axis=(-2, -1)[2 - min(sizes.ndim, 2) :], initial=0.0, keepdims=True), sizes.shape
    )
