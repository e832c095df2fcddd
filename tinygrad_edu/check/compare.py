"""``check.compare``: gradients derived by hand against the ones derived by the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.check.calling import gradients_of
from tinygrad_edu.check.diagnosis import diagnose
from tinygrad_edu.check.manual import given_arrays
from tinygrad_edu.check.report import OK, Entry, Report
from tinygrad_edu.check.rounding import precision
from tinygrad_edu.check.runs import several
from tinygrad_edu.check.truth import CONVENTIONS, Convention, Truth
from tinygrad_edu.core.op import apply
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph, GraphNode

__all__ = ["agrees", "compare", "compared"]

Array = NDArray[Any]
_PROBES = 3
_TELL_APART = (
    "Where several mistakes give the same numbers, check.function runs your function at other shapes and "
    "values (layer sizes and m pairwise different, none of them 2, 3 or 4), which tells them apart."
)


def compare(
    J: Tensor,
    manual: Mapping[str | Tensor, ArrayLike | Tensor] | Callable[..., Any],
    convention: Convention = "course",
    *,
    m: int | None = None,
    probe: bool = False,
) -> Report:
    """Compares gradients derived by hand with the recorded cost's own, and says what is wrong in them.

    Args:
        J: the cost, a scalar Tensor.
        manual: the derivation's arrays. A key is ``"d"`` + the name of a quantity, or its Tensor. Or a
            function that takes quantities by the names of its parameters and gives such a dict.
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
        again = truth if k == 0 else Truth(replayed(J, np.random.default_rng(k)), m=truth.m)
        values = {**again.values, "m": again.m}
        own = {node.name: node.value for node in again.graph.inputs if node.requires_grad}
        reports.append(compared(again, given_arrays(gradients_of(manual, values, own)[0]), convention))
    return several(reports, manual)


def compared(truth: Truth, given: Mapping[Any, Array], convention: Convention) -> Report:
    """The report on arrays, by name or tensor, against what is true of a cost."""
    if convention not in CONVENTIONS:
        raise ValueError(f"compare: convention: expected 'course' or 'exact', got {convention!r}")
    names = {key: truth.quantity(key) for key in given}
    arrays = {names[key]: _number(array, truth.gradient(names[key])) for key, array in given.items()}
    right = {name: agrees(truth, name, array, convention) for name, array in arrays.items()}
    wrong = {name: arrays[name] for name in arrays if not right[name]}
    diagnoses = diagnose(truth, wrong, arrays, convention)
    entries = tuple(
        Entry(
            f"d{name}",
            array.shape,
            right[name],
            _error(array, truth.gradient(name, convention)),
            _largest(truth.tolerance(name, precision(array), convention)),
            diagnoses.get(name, OK),
        )
        for name, array in arrays.items()
    )
    keys = {key: f"d{name}" for key, name in names.items()}
    return Report(entries, convention, _other_convention(truth, arrays, right, convention), keys)


def _number(given: Array, right: Array) -> Array:
    """Where a number is wanted, an array of one entry will do."""
    return given.reshape(()) if right.ndim == 0 and given.size == 1 else given


def replayed(J: Tensor, rng: np.random.Generator) -> Tensor:
    """The same computation on other parameters: random numbers of the same spread."""
    graph, made = Graph(J), dict[GraphNode, Any]()
    for node in graph:
        if node.op is not None:
            args = tuple(made[a] if isinstance(a, GraphNode) else a for a in node.args)
            made[node] = apply(node.op, args, node.tensor.settings)
        elif node.requires_grad:
            spread = float(np.std(node.value)) or 0.5
            value = rng.standard_normal(node.shape) * spread
            made[node] = Tensor(value.astype(node.dtype), name=node.name)
        else:
            made[node] = Tensor(node.value, dtype=node.dtype, requires_grad=False, name=node.name)
        if node.op is not None and isinstance(made[node], Tensor):
            made[node].name = node.name if node.named else None
    result: Tensor = made[graph.outputs[0]]
    return result


def agrees(truth: Truth, name: str, given: Array, convention: Convention) -> bool:
    """Whether an array is the right gradient, to rounding."""
    right = truth.gradient(name, convention)
    if given.shape != right.shape:
        return False
    tolerance = truth.tolerance(name, precision(given), convention)
    with np.errstate(all="ignore"):
        close = np.abs(given.astype(np.float64) - right) <= tolerance
    return bool(np.all(close | (given == right) | (np.isnan(given) & np.isnan(right))))


def _error(given: Array, right: Array) -> float:
    if given.shape != right.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        difference = np.where(given == right, 0.0, np.abs(given.astype(np.float64) - right))
    return _largest(difference)


def _largest(array: Array) -> float:
    return float(np.max(array, initial=0.0)) if not np.isnan(array).any() else float("inf")


def _other_convention(
    truth: Truth, arrays: Mapping[str, Array], right: Mapping[str, bool], convention: Convention
) -> tuple[str, ...]:
    """A note where the wrong intermediates are all right in the convention that was not asked for."""
    (other,) = set(CONVENTIONS) - {convention}
    wrong = [name for name, fine in right.items() if not fine and truth.scale(name) != 1]
    if not wrong or not all(agrees(truth, name, arrays[name], other) for name in wrong):
        return ()
    told = ", ".join(f"d{name}" for name in wrong)
    meant = {
        "exact": "the derivative of J itself, with 1/m in it",
        "course": "each example's own in its column, without 1/m",
    }[other]
    return (f"In the other convention, convention={other!r} ({meant}), {told} would be right.",)
