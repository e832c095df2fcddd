"""``check.forward``: values computed by hand against the recorded ones: a wrong J is told from a wrong dJ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.check.diagnosis.entries import localised, of_entries, told_of, wrong_shape
from tinygrad_edu.check.diagnosis.target import Given
from tinygrad_edu.check.diagnosis.vocabulary import vocabulary
from tinygrad_edu.check.forward_edits import edited
from tinygrad_edu.check.manual import given_arrays, not_finite
from tinygrad_edu.check.quantities import forward_quantity
from tinygrad_edu.check.report import OK, Diagnosis, Entry, Report
from tinygrad_edu.check.rounding import Array, precision
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.graph import GraphNode

_ALIKE = 0.25


@arguments_explained
def forward(J: Tensor, manual: Mapping[str | Tensor, ArrayLike | Tensor], *, m: int | None = None) -> Report:
    """Compares forward values (Z, A, J) computed by hand with the recorded ones, and names the mistake.

    Args:
        J: the recorded cost.
        manual: arrays by the names of quantities (``"Z1"``, ``"A2"``, ``"J"``), or by tensor.
        m: the number of examples, where the graph's data don't show it.

    Raises:
        KeyError: no quantity of that name; the message has the nearest ones.
        TypeError, ValueError: as for :func:`compare`.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> X, Y = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 1.0, 1.0]])
    >>> w, b = tg.Tensor([[0.5]]), tg.Tensor([[0.1]])
    >>> Z = w.T @ X + b
    >>> J = tg.binary_cross_entropy(tg.sigmoid(Z), Y)
    >>> report = tg.check.forward(J, {"Z": 0.5 * X, "J": 3 * J.item()})
    >>> report["Z"].diagnosis.codes, report["J"].diagnosis.codes
    (('term_missing',), ('factor_m_missing',))
    """
    given = given_arrays(manual, "forward")
    truth = Truth(J, m=m)
    names = {key: forward_quantity(truth.graph, key) for key in given}
    arrays = {names[key]: value for key, value in given.items()}
    right = {name: _agrees(truth, name, array) for name, array in arrays.items()}
    with np.errstate(all="ignore"):
        wrong = {name for name in arrays if not right[name]}
        entries = tuple(_entry(truth, name, arrays, right[name], wrong) for name in arrays)
    return Report(entries, "forward", (), names)


def _agrees(truth: Truth, name: str, given: Array) -> bool:
    right = truth.values[name]
    if given.shape != right.shape:
        return False
    with np.errstate(all="ignore"):
        close = np.abs(given - right) <= truth.tolerance_forward(name, precision(given))
        return bool(np.all(close | (given == right)))


def _entry(truth: Truth, name: str, arrays: Mapping[str, Array], right: bool, wrong: set[str]) -> Entry:
    given = arrays[name]
    value = truth.values[name]
    tolerance = truth.tolerance_forward(name, precision(given))
    error = float(np.max(np.abs(given - value), initial=0.0)) if given.shape == value.shape else float("inf")
    diagnosis = OK if right else _diagnosis(truth, name, arrays, wrong, tolerance)
    return Entry(name, given.shape, right, error, float(np.max(tolerance, initial=0.0)), diagnosis)


def _diagnosis(
    truth: Truth, name: str, arrays: Mapping[str, Array], wrong: set[str], tolerance: Array
) -> Diagnosis:
    given, node = arrays[name], truth.graph.find(name)
    right = node.value
    if bad := not_finite(given):
        return Diagnosis(("unknown",), bad)
    above = [other for other in wrong if other != name and node.depends_on(truth.graph.find(other))]
    if above:
        carried = _from(truth, node, {other: arrays[other] for other in above})
        if carried.shape == given.shape and np.allclose(given, carried, rtol=1e-9, atol=4 * tolerance.max()):
            told = ", ".join(sorted(above))
            return Diagnosis(("follows_from",), f"wrong only because {told} is", root=sorted(above)[0])
    known = vocabulary(truth, next((r for r in truth.readings if r.m > 1), truth.readings[0]))
    target = Given(right, given, tolerance, precision(given), known)
    target.whole(right, free=True)
    if right.ndim or not target.found:
        of_entries(target)
    for edit, value in edited(truth, name):
        target.whole(value, edit)
    if target.found:
        return told_of(target.found, _ALIKE)
    return wrong_shape(given, right) if given.shape != right.shape else localised(given, right, tolerance)


def _from(truth: Truth, node: GraphNode, given: Mapping[str, Array]) -> Array:
    """The quantity, computed from the student's own arrays above it."""
    known = dict(given)
    try:
        for step in truth.program.forward:
            drawn = "rng" in step.settings  # a draw stays what it was
            if step.name not in given and not drawn and not known.keys().isdisjoint(step.uses):
                known[step.name] = np.asarray(truth.backward.applied(step, known))
    except ValueError:
        return np.empty(0)
    return known.get(node.name, node.value)
