"""``check.compare``: gradients derived by hand against the ones derived by the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.check.calling import gradients_of
from tinygrad_edu.check.convention import EXACT
from tinygrad_edu.check.diagnosis import diagnose
from tinygrad_edu.check.diagnosis.words import Words
from tinygrad_edu.check.judge import Judgement, judged
from tinygrad_edu.check.manual import given_arrays, not_finite
from tinygrad_edu.check.report import OK, Entry, Report
from tinygrad_edu.check.rounding import Array, tolerance
from tinygrad_edu.check.runs import several
from tinygrad_edu.check.truth import CONVENTIONS, Convention, Truth
from tinygrad_edu.check.unnamed import unnamed
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.graph import Graph, GraphNode, recorded_again

_PROBES = 3
_TELL_APART = (
    "Where several mistakes give the same numbers, check.function runs your function at other shapes and "
    "values (layer sizes and m pairwise different, none of them 2, 3 or 4), which tells them apart."
)


@arguments_explained
def compare(
    J: Tensor,
    manual: Mapping[str | Tensor, ArrayLike | Tensor] | Callable[..., Any],
    convention: Convention | None = None,
    *,
    m: int | None = None,
    probe: bool = False,
) -> Report:
    """Compares gradients derived by hand with the recorded cost's own, and says what is wrong in them.

    Args:
        J: the cost, a scalar Tensor.
        manual: the derivation's arrays. A key is ``"d"`` + the name of a quantity, or its Tensor. Or a
            function that takes quantities by the names of its parameters and gives such a dict. Where
            the right gradient itself is infinite or NaN, only the same is right; a note says where.
        convention: ``"course"``: the gradients of intermediate quantities (dZ, dA) hold each example's own
            in its column, so that 1/m enters at dW and db. ``"exact"``: all are the derivative of J.
        m: the number of examples, where the graph's data don't show it.
        probe: runs a derivation that is given as a function again, on other parameters, to tell apart
            mistakes that coincide. (On other shapes: :func:`function`.)

    Returns:
        A :class:`Report`. Rounding is judged by dtype and conditioning.

    Raises:
        KeyError: a key is not the gradient of any quantity; the message has the nearest names.
        TypeError: J isn't a Tensor, or a value isn't made of real numbers.
        ValueError: J isn't a scalar, there is nothing to compare, or the convention is unknown.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> X, Y = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 1.0, 1.0]])
    >>> w, b = tg.Tensor([[0.5]]), tg.Tensor([[0.1]])
    >>> A = tg.sigmoid(w.T @ X + b)
    >>> J = tg.binary_cross_entropy(A, Y)
    >>> dZ = A.data - Y
    >>> report = tg.check.compare(J, {"dw": X @ dZ.T, "db": np.mean(dZ, axis=1, keepdims=True)})
    >>> report.ok, report["db"].ok, report["dw"].diagnosis.codes
    (False, True, ('factor_m_missing',))
    """
    if probe and not callable(manual):
        raise TypeError(
            "compare: probe=True runs the derivation again: give the function instead of its arrays"
        )
    truth = Truth(J, m=m)
    if not callable(manual):
        report = compared(truth, given_arrays(manual), convention)
        several_fit = any(entry.diagnosis.alternatives for entry in report)
        return replace(report, notes=(*report.notes, _TELL_APART)) if several_fit else report
    reports = []
    for k in range(_PROBES if probe else 1):
        again = truth if k == 0 else Truth(_replayed(J, np.random.default_rng(k)), m=truth.m)
        values = {**again.values, "m": again.m}
        own = {node.name: node.value for node in again.graph.inputs if node.requires_grad}
        reports.append(compared(again, given_arrays(gradients_of(manual, values, own)[0]), convention))
    return several(reports, manual)


def compared(truth: Truth, given: Mapping[Any, Array], convention: Convention | None) -> Report:
    """The report on arrays, by name or tensor, against what is true of a cost."""
    if convention not in (None, *CONVENTIONS):
        raise ValueError(f"compare: convention: expected 'course' or 'exact', got {convention!r}")
    names, unknown = truth.quantities(given)
    others = unnamed(truth, given, names)
    nobodys = [key for key in given if key not in names]
    unknown = [told for key, told in zip(nobodys, unknown, strict=True) if key not in others]
    shown = {name: str(key) for key, name in others.items()}
    names |= others
    arrays = {name: _number(given[key], truth.gradient(name)) for key, name in names.items()}
    best, diagnoses = diagnose(truth, judged(truth, arrays, convention))
    entries = []
    for name, array in arrays.items():
        one, scale = best.of[name], best.reading.scale(name)
        right = truth.gradient(name) * scale
        bound = tolerance(right, truth.errors(one.eps)[truth.program.gradients[name].name] * scale, one.eps)
        diagnosis = diagnoses.get(name, OK)
        entries.append(
            Entry(
                shown.get(name, f"d{name}"),
                array.shape,
                one.verdict == "right",
                _error(array, right),
                _largest(bound),
                diagnosis,
            )
        )
    keys = {key: shown.get(name, f"d{name}") for key, name in names.items()}
    words = Words(truth.program)
    read = [f"{key} is read as the gradient of {words.of(name)}." for name, key in shown.items()]
    return Report(
        tuple(entries),
        best.reading.convention,
        (*_notes(truth, arrays, best, convention), *read, *_without_a_number(best, keys.values(), truth)),
        keys,
        how=_how(best),
        unknown=tuple(unknown),
    )


def _how(best: Judgement) -> str:
    """Which convention, layout and number of examples the quantities were read in."""
    reading = best.reading
    if reading is EXACT:
        return "the derivatives of J itself"
    layout = f"; examples in {reading.layout}" if reading.layout else ""
    how = f", {reading.how}" if reading.how else ""
    return f"each example's own, m = {reading.m} times the derivative of J{layout}{how}"


def _notes(
    truth: Truth, arrays: Mapping[str, Array], best: Judgement, convention: Convention | None
) -> tuple[str, ...]:
    """A note where the wrong intermediates are all right in the convention that was asked against."""
    if convention is None or not best.wrong:
        return ()
    for other in judged(truth, arrays, None):
        if other.reading.convention == convention or len(other.wrong) >= len(best.wrong):
            continue
        fixed = [f"d{name}" for name in best.wrong if name not in other.wrong]
        if fixed:
            meant = {
                "exact": "the derivative of J itself, with 1/m in it",
                "course": "each example's own, without 1/m",
            }[other.reading.convention]
            told = (
                f"In the other convention, convention={other.reading.convention!r} "
                f"({meant}), {', '.join(fixed)} would be right."
            )
            return (told,)
    return ()


def _without_a_number(best: Judgement, keys: Iterable[str], truth: Truth) -> Iterator[str]:
    """A note on each gradient that is right where J has no finite slope."""
    for key, (name, one) in zip(keys, best.of.items(), strict=True):
        where = not_finite(truth.gradient(name))
        if one.verdict == "right" and where and not_finite(one.given):
            yield f"{key}: of the right gradient, {where}. The given one has the same there, and is right."


def _number(given: Array, right: Array) -> Array:
    """Where a number is wanted an array of one entry will do, and a number where one entry is wanted."""
    alike = given.size == right.size == 1 and 0 in (given.ndim, right.ndim)
    return given.reshape(right.shape) if alike else given


def _replayed(J: Tensor, rng: np.random.Generator) -> Tensor:
    """The same computation on other parameters: random numbers of the same spread."""
    graph = Graph(J)

    def leaf(node: GraphNode) -> Tensor:
        if not node.requires_grad:
            return Tensor(node.value, dtype=node.dtype, requires_grad=False, name=node.name)
        spread = float(np.std(node.value)) or 0.5
        value = rng.standard_normal(node.shape) * spread
        return Tensor(value.astype(node.dtype), name=node.name)

    made = recorded_again(graph, leaf)
    for node, tensor in made.items():
        tensor.name = node.name if node.named or node.is_leaf else None
    return made[graph.outputs[0]]


def _error(given: Array, right: Array) -> float:
    if given.shape != right.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        difference = np.where(given == right, 0.0, np.abs(given.astype(np.float64) - right))
    return _largest(difference)


def _largest(array: Array) -> float:
    return float(np.max(array, initial=0.0)) if not np.isnan(array).any() else float("inf")
