"""The formulas derived by hand against somebody else's derivatives.

The course cannot differentiate, so :func:`compare` is given what can:
``differentiate(forward, inputs, cost)`` runs ``forward(**inputs)`` on whatever it records with, and gives the
values of the quantities and the derivative of ``cost`` in each of them, inputs included, as arrays by name;
no derivatives where the cost is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.course.catalogue.entry import Formula, Sizes, Values, random_sizes

__all__ = [
    "TOLERANCE", "Agreement", "Differentiate", "compare", "error",
]  # fmt: skip

TOLERANCE = 1e-12
"""The largest difference, in parts of the largest entry, that rounding may make in float64."""

SHOWS = 1e-6
"""A difference above this is a clear mistake; no slip may show a smaller one."""

Differentiate: TypeAlias = Callable[
    [Callable[..., Values], Mapping[str, Any], str | None], tuple[Values, Values]
]


@dataclass(frozen=True)
class Agreement:
    """How far a formula and the derivatives agree on one sample, and how each slip of the notes shows there.

    Attributes:
        formula: the formula.
        sizes: the sizes of the sample.
        errors: the largest error of each output over the formula's forms; inf where the shape differs.
        shown: for each slip, ``"wrong number"``, ``"wrong shape"``, or ``"raises "`` and what; ``"right"``
            if it does not show.

    >>> from tinygrad_edu.course import formulas
    >>> def no_derivatives(forward, inputs, cost):
    ...     return forward(**inputs), {}
    >>> found = compare(formulas["X22"], no_derivatives, sizes=Sizes(5, 6, 7, 8))
    >>> found.errors, found.shown, found.ok
    ({'Z2': 0.0}, ('raises ValueError',), True)
    """

    formula: Formula
    sizes: Sizes
    errors: Mapping[str, float]
    shown: tuple[str, ...]

    @property
    def found_out(self) -> bool:
        """Whether every slip shows as its entry says."""
        slips = self.formula.misprint.slips if self.formula.misprint else ()
        return self.shown == tuple(slip.expected(self.sizes) for slip in slips)

    @property
    def ok(self) -> bool:
        """Whether the formula is right, and every slip is found out."""
        return self.found_out and max(self.errors.values()) <= TOLERANCE


def compare(
    formula: Formula, differentiate: Differentiate, seed: int = 0, sizes: Sizes | None = None
) -> Agreement:
    """One formula on one random sample; its sizes differ pairwise unless given.

    >>> from tinygrad_edu.course import formulas
    >>> def knows_only_tanh(forward, inputs, cost):
    ...     return forward(**inputs), {"z": 1 / np.cosh(inputs["z"]) ** 2}
    >>> compare(formulas["A2"], knows_only_tanh).ok, compare(formulas["A1"], knows_only_tanh).ok
    (True, False)
    """
    rng = np.random.default_rng(seed)
    sizes = random_sizes(rng) if sizes is None else sizes
    given = formula.sample(rng, sizes)
    for value in given.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    outputs = formula.evaluate(**given)
    wanted = _wanted(formula, given, differentiate, outputs)
    errors = {name: error(value, wanted[name]) for name, value in outputs.items()}
    for form in formula.others:
        for name, value in form(**given).items():
            errors[name] = max(errors[name], error(value, wanted[name]))
    slips = formula.misprint.slips if formula.misprint else ()
    return Agreement(formula, sizes, errors, tuple(_how_it_shows(s.evaluate, given, wanted) for s in slips))


def _wanted(formula: Formula, given: Values, differentiate: Differentiate, outputs: Values) -> Values:
    """What the outputs should be, by differentiation."""
    cost = formula.cost if formula.gradients or formula.derived else None
    values, grads = differentiate(formula.forward, given, cost)
    derived = formula.derived(given, values, grads) if formula.derived else {}
    wanted = {}
    for name in outputs:
        if name in derived:
            wanted[name] = derived[name]
        elif name in formula.gradients:
            slope = np.asarray(grads[name[1:]])
            wanted[name] = slope * slope.shape[1] if name in formula.per_example else slope
        else:
            wanted[name] = values[name]
    return wanted


def error(got: Any, wanted: Any) -> float:
    """The largest difference in parts of the largest entry wanted; inf for another shape, and for NaN.

    Tuples (shapes) are alike or not.

    >>> error(np.array([1.0, 4.0]), np.array([2.0, 4.0])), error(np.ones((2, 1)), np.ones(2))
    (0.25, inf)
    """
    if isinstance(wanted, tuple):
        return 0.0 if got == wanted else np.inf
    if np.shape(got) != np.shape(wanted):
        return np.inf
    if np.size(wanted) == 0:
        return 0.0
    largest = float(np.max(np.abs(wanted)))
    off = float(np.max(np.abs(np.asarray(got, dtype=float) - wanted))) / (largest or 1.0)
    return np.inf if np.isnan(off) else off


def _how_it_shows(printed: Callable[..., Values], given: Values, wanted: Values) -> str:
    """How what is printed shows to be wrong: by what it raises, by a shape, by a number; or ``"right"``.

    >>> _how_it_shows(lambda x: {"y": 2 * x}, {"x": 3}, {"y": 9})
    'wrong number'
    >>> _how_it_shows(lambda x: {"y": x.T}, {"x": 3}, {"y": 9})
    'raises AttributeError'
    """
    try:
        with np.errstate(all="ignore"):
            values = printed(**given)
    except (AttributeError, LookupError, SyntaxError, TypeError, ValueError) as raised:
        return f"raises {type(raised).__name__}"
    if any(np.shape(value) != np.shape(wanted[name]) for name, value in values.items()):
        return "wrong shape"
    for name, value in values.items():
        off = error(value, wanted[name])
        if isinstance(value, tuple) and off:
            return "wrong shape"
        if off > SHOWS:
            return "wrong number"
    return "right"
