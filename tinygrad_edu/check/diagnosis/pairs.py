"""Two edits in one formula: a likely first one is made, and a second one is sought in what is left.

A first edit gives one step another value. From there on the formula is a local one again, with that value
as a gradient that is given; so the families that look for one edit look for the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Edit, Finding
from tinygrad_edu.check.diagnosis.target import Said, Target, told_at
from tinygrad_edu.check.local import Local

Family = Callable[[Target], None]
_MOST_FIRST = 150
_DEAREST_FIRST = 1.25
_MOST_SIZE = 20_000
_USUAL_SIZE = 1_000
_MOST_STEPS, _OF_A_NUMBER = 120, 40
"""In a longer formula, a recurrent net's say, pairs are too many to be tried, and to mean anything;
to explain one number they are in a shorter one already."""


class _Tries(Target):
    """A target that notes what is tried on it, without judging it."""

    def __init__(self, target: Target) -> None:
        self.__dict__.update(target.__dict__)
        self.found: list[Finding] = []
        self.tried: list[tuple[str, Any, tuple[Said, ...]]] = []

    def at(self, step: str, value: Any, *edits: Said) -> bool:
        if step != self.local.root and np.shape(value) == np.shape(self.local.values[step]):
            self.tried.append((step, np.asarray(value), edits))
        return False


def of_pairs(target: Target, first: list[Family], second: Callable[[Target], None]) -> None:
    """Every pair of a first edit, by those families, and a second one."""
    most_steps = _MOST_STEPS if target.right.size > 1 else _OF_A_NUMBER
    if target.right.size > _MOST_SIZE or len(target.local.steps) > most_steps:
        return
    largest = max((step.value.size for step in target.local.steps), default=1)
    most = max(20, int(_MOST_FIRST * min(1.0, _USUAL_SIZE / max(1, largest))))
    for step, value, edits in list(_first(target, first))[:most]:
        local = _with(target.local, step, value)
        other = Target(local, target.given, target.bound, target.eps, target.vocabulary, target.penalty)
        second(other)
        said = tuple(told_at(edit, target.owner(step)) for edit in edits)
        target.found += [Finding((*said, *finding.edits)) for finding in other.found]


def _first(target: Target, families: list[Family]) -> Iterator[tuple[str, Any, tuple[Said, ...]]]:
    """What is likely to be wrong beside something else, the nearest to the result first."""
    tries = _Tries(target)
    for family in families:
        family(tries)
    nearest = target.local.backward.index
    for step, value, edits in sorted(tries.tried, key=lambda tried: -nearest[tried[0]]):
        cheap = all(not isinstance(edit, Edit) or edit.cost <= _DEAREST_FIRST for edit in edits)
        if cheap and np.isfinite(value).all():
            yield step, value, edits


def _with(local: Local, step: str, value: Any) -> Local:
    """The formula in which one step has another value."""
    given = {**local.sources, step: np.asarray(value, float)}
    return Local(local.backward, local.root, given, local.coefficient_errors)
