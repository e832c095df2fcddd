"""Which of a set of given gradients are right, which follow from a wrong one above them, and which are wrong.

A gradient is right if it equals the truth, to rounding and up to the choices at kinks; or if it comes out
of given ones above it that are right. It follows where it comes out of given ones of which some are wrong.
Else it is wrong itself. That is tried in each reading of the set; the one that leaves the fewest lines to
change is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tinygrad_edu.check.convention import EXACT, Reading
from tinygrad_edu.check.kinks import between_sides
from tinygrad_edu.check.local import Local
from tinygrad_edu.check.rounding import Array, tolerance
from tinygrad_edu.check.truth import Convention, Truth


@dataclass(frozen=True)
class Judged:
    """One given gradient, as a derivative of J, and what is made of it."""

    name: str
    given: Array
    """Divided by what the reading multiplies the derivative of J by."""
    verdict: str
    """``right``, ``follows`` or ``wrong``."""
    local: Local
    """How it comes out of the given ones above it."""
    eps: float
    above: tuple[str, ...] = ()
    """The wrong quantities that it follows from."""


@dataclass(frozen=True)
class Judgement:
    """What is made of a set of gradients in one reading."""

    reading: Reading
    of: Mapping[str, Judged]
    equal: int
    """How many equal the truth."""
    odd: int
    """How many equal it although a given one above them is wrong and they do not come out of it."""

    @cached_property
    def wrong(self) -> list[str]:
        """The quantities that are wrong themselves."""
        return [name for name, one in self.of.items() if one.verdict == "wrong"]

    @property
    def rank(self) -> tuple[int, int, int]:
        """The fewest lines to change: of the wrong, and of the true that do not come of a wrong one above.

        Then the fewest wrong, then the most that are true.
        """
        return len(self.wrong) + self.odd, len(self.wrong), -self.equal


def judged(truth: Truth, arrays: Mapping[str, Array], convention: Convention | None) -> list[Judgement]:
    """The set in every reading that is open, the likeliest first; of several alike the exact one."""
    asked = [r for r in truth.readings if convention in (None, r.convention)] or [EXACT]
    found = [_in_reading(truth, arrays, reading) for reading in asked]
    return sorted(found, key=lambda judgement: judgement.rank)


def _in_reading(truth: Truth, arrays: Mapping[str, Array], reading: Reading) -> Judgement:
    gradients = truth.program.gradients
    order = sorted(arrays, key=lambda name: truth.backward.index[gradients[name].name])
    unscaled = {name: np.asarray(arrays[name], float) / reading.scale(name) for name in arrays}
    given = {gradients[name].name: unscaled[name] for name in arrays
             if arrays[name].shape == gradients[name].shape and np.isfinite(arrays[name]).all()}  # fmt: skip
    owners = {gradients[name].name: name for name in arrays}
    found: dict[str, Judged] = {}
    equal = odd = 0
    for name in order:
        step = gradients[name]
        eps = truth.eps(arrays[name])
        others = {s: a for s, a in given.items() if s != step.name}
        local = Local(truth.backward, step.name, others, truth.errors(eps))
        same = _agrees(truth, Local(truth.backward, step.name, {}, truth.errors(eps)), unscaled[name], eps)
        equal += same
        if same and any(found[owners[s]].verdict != "right" for s in local.sources):
            odd += not _agrees_locally(truth, local, unscaled[name], eps)
        verdict = "right"
        above: tuple[str, ...] = ()
        if not same:
            verdict, above = _by_the_given(truth, local, unscaled[name], arrays, owners, found)
        found[name] = Judged(name, unscaled[name], verdict, local, eps, above)
    return Judgement(reading, {name: found[name] for name in arrays}, equal, odd)


def _by_the_given(
    truth: Truth,
    local: Local,
    given: Array,
    arrays: Mapping[str, Array],
    owners: Mapping[str, str],
    found: Mapping[str, Judged],
) -> tuple[str, tuple[str, ...]]:
    above = [owners[s] for s in local.sources]
    eps = max([truth.eps(given), *(truth.eps(arrays[name]) for name in above)])
    if not above or not _agrees_locally(truth, local, given, eps):
        return "wrong", ()
    wrong = tuple(name for name in above if found[name].verdict != "right")
    return ("follows", wrong) if wrong else ("right", ())


def _agrees(truth: Truth, local: Local, given: Array, eps: float) -> bool:
    """Whether an array is the gradient itself."""
    return _near(truth, local, given, tolerance(local.value, truth.errors(eps)[local.root], eps), eps)


def _agrees_locally(truth: Truth, local: Local, given: Array, eps: float) -> bool:
    """Whether an array comes out of the given ones above it."""
    with np.errstate(all="ignore"):
        return _near(truth, local, given, tolerance(local.value, local.errors[local.root], eps), eps)


def _near(truth: Truth, local: Local, given: Array, bound: Array, eps: float) -> bool:
    value = np.asarray(local.value, float)
    if given.shape != value.shape:
        return False
    with np.errstate(all="ignore"):
        close = np.abs(given - value) <= bound
        if np.all(close | (given == value) | (np.isnan(given) & np.isnan(value))):
            return True
    ties = truth.ties(eps)
    return bool(ties) and between_sides(local, ties, given, bound)
