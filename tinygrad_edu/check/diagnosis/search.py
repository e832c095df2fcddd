"""Which small edits of the right formula give the array that was given, the cheapest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.addends import (
    of_a_factor,
    of_addends,
    of_exchanged,
    of_misplaced,
    of_sides,
    of_weights,
)
from tinygrad_edu.check.diagnosis.blocks import Block, blocks_of, sums_in_slopes
from tinygrad_edu.check.diagnosis.edit import Array, along
from tinygrad_edu.check.diagnosis.entries import localised, of_entries, of_overwriting, told_of, wrong_shape
from tinygrad_edu.check.diagnosis.forms import of_forms, of_shortcut
from tinygrad_edu.check.diagnosis.functions_within import of_functions_within
from tinygrad_edu.check.diagnosis.leaves import (
    of_leaves,
    of_other_axes,
    of_others,
    of_sources,
    of_stale,
    of_turned,
)
from tinygrad_edu.check.diagnosis.loops import of_known_lines, of_loops
from tinygrad_edu.check.diagnosis.naming import TermNames
from tinygrad_edu.check.diagnosis.pairs import Family, of_pairs
from tinygrad_edu.check.diagnosis.points import of_left_out, of_other_functions, of_points
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.products import of_products
from tinygrad_edu.check.diagnosis.scatters import last_contributions, of_assigned, of_scatters
from tinygrad_edu.check.diagnosis.sequences import of_sequences
from tinygrad_edu.check.diagnosis.slopes import of_lost_slopes, of_slopes
from tinygrad_edu.check.diagnosis.sums import of_sums
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.diagnosis.terms import Terms, depends_on_data
from tinygrad_edu.check.diagnosis.vocabulary import vocabulary
from tinygrad_edu.check.diagnosis.whole import (
    of_exchanged_factors,
    of_extra_factors,
    of_extra_penalty,
    of_the_whole,
)
from tinygrad_edu.check.diagnosis.words import Words
from tinygrad_edu.check.judge import Judged, Judgement
from tinygrad_edu.check.local import Local
from tinygrad_edu.check.manual import not_finite
from tinygrad_edu.check.report import Diagnosis
from tinygrad_edu.check.rounding import tolerance
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.core.callers import values_of_the_caller

_SURE, _LIKELY, _UNKNOWN = 1.1, 1.35, 5.0
_MOST_TWICE = 50_000
_LONG = 120
"""The steps from which on a formula is one of a loop, where one line of it is the likeliest mistake."""
_MOST_ASIDE, _MOST_ALTERNATIVES = 20, 3
ALIKE = 0.12
"""Findings that cost no more than this above the cheapest are told as alternatives."""


def diagnose(truth: Truth, judgements: list[Judgement]) -> tuple[Judgement, dict[str, Diagnosis]]:
    """What is wrong with each quantity that is not right, in the likeliest reading.

    Of several as likely it is the one in which the least has to be changed.
    """
    found, tried = [], list[Judgement]()
    for judgement in judgements:
        if judgement.rank == judgements[0].rank and not any(_same(truth, judgement, t) for t in tried):
            tried.append(judgement)
            search = _Search(truth, judgement)
            said = {
                name: search.diagnosis(one) for name, one in judgement.of.items() if one.verdict != "right"
            }
            found.append((search.cost, judgement, said))
    _, best, said = min(found, key=lambda each: each[0])
    return best, said


def _same(truth: Truth, one: Judgement, other: Judgement) -> bool:
    """Whether two readings read every array alike, and know the same constants."""
    alike = all(one.reading.scale(name) == other.reading.scale(name) for name in one.of)
    return alike and vocabulary(truth, one.reading) == vocabulary(truth, other.reading)


@dataclass
class _Search:
    truth: Truth
    judgement: Judgement

    def __post_init__(self) -> None:
        program = self.truth.program
        self.words = Words(program, dict(values_of_the_caller(np.ndarray)))
        self.cost = 0.0
        self.data = depends_on_data(program)
        given = {name: one.given for name, one in self.judgement.of.items() if np.isfinite(one.given).all()}
        self.pool = Pool(
            self.truth.graph, program, given, self.words, _aside(self.truth, given, self.words.arrays)
        )
        self.vocabulary = vocabulary(self.truth, self.judgement.reading)

    def diagnosis(self, one: Judged) -> Diagnosis:
        if one.verdict == "follows":
            told = ", ".join(f"d{name}" for name in one.above)
            verb = "is" if len(one.above) == 1 else "are"
            return Diagnosis(("follows_from",), f"wrong only because {told} {verb}", root=f"d{one.above[0]}")
        right = np.asarray(one.local.value, float)
        alike = one.given.shape == right.shape
        if (bad := not_finite(one.given)) and not (alike and not_finite(right)):
            return Diagnosis(("unknown",), bad)
        if bad := not_finite(right):
            return Diagnosis(("unknown",), f"of the right gradient, {bad}; there only the same is right")
        if not one.given.size or not right.size:
            return wrong_shape(one.given, right)
        with np.errstate(all="ignore"):
            bound = tolerance(right, one.local.errors[one.local.root], one.eps)
        target = self.explained(one, one.local, bound)
        least = _least(target)
        unsure = (least > _SURE and not self._right_above(one)) or _LIKELY < least < _UNKNOWN
        small = one.given.size <= _MOST_TWICE
        if one.local.sources and (unsure or (small and not target.found)):
            # where the given gradients above explain nothing, the right ones may, or what made them
            alone = Local(self.truth.backward, one.local.root, {}, self.truth.errors(one.eps))
            other = self.explained(one, alone, bound, pairs=not target.found)
            target = other if _least(other) < _least(target) else target
        self.cost += _least(target)
        if target.found:
            best = told_of(target.found, ALIKE)
            best = replace(best, alternatives=best.alternatives[:_MOST_ALTERNATIVES])
            if wrong := self._wrong_above(one):
                best = replace(best, codes=(*best.codes, "follows_from"), root=f"d{wrong[0]}")
            return best
        if one.given.shape != right.shape:
            return wrong_shape(one.given, right)
        return localised(one.given, right, bound)

    def _right_above(self, one: Judged) -> bool:
        owners = (self.truth.program[s].of for s in one.local.sources)
        return all(self.judgement.of[of].verdict == "right" for of in owners if of is not None)

    def _wrong_above(self, one: Judged) -> list[str]:
        others = (other for other in self.judgement.of.values() if other.verdict != "right")
        return [other.name for other in others if other is not one and other.local.root in one.local.sources]

    def explained(self, one: Judged, local: Local, bound: Array, *, pairs: bool = True) -> Target:
        """What explains an array; ``pairs``: two edits too, which are dearer than one that is known."""
        self.pool.own = one.name
        groups = Terms(local, self.data).groups
        leaf = not self.data[one.name] and self.truth.program[one.name].role == "input"
        penalty = _penalty(groups, np.asarray(local.value, float)) if leaf else None
        target = Target(local, one.given, bound, one.eps, self.vocabulary, penalty)
        with np.errstate(all="ignore"):
            if float(np.max(np.abs(one.given))) <= target.bound:
                self._nothing(target)
                return target
            of_the_whole(target)
            if _enough(target, 1.0) or of_known_lines(target, self.pool):
                return target
            blocks = list(blocks_of(local, self.truth.graph))
            names = TermNames(self.truth.graph, self.words, one.name)
            of_addends(target, groups, names, penalised=leaf, dearer=0.1 * sums_in_slopes(local, blocks))
            of_exchanged(target, groups, names, self.pool)
            of_sources(target, self.pool)
            if leaf:
                of_extra_penalty(target, self.truth.values[one.name], one.name, groups)
            if _enough(target, 1.0):
                return target
            self._one_step(target, blocks)
            if _enough(target, _LIKELY):
                return target
            of_entries(target)
            of_a_factor(target, groups, names, self.pool)
            of_misplaced(target, self.pool)
            of_assigned(target)
            of_overwriting(target, [[t.array for t in group] for group in groups])
            of_overwriting(target, last_contributions(target))
            if not leaf:
                of_extra_penalty(target, self.truth.values[one.name], one.name, groups)
            self._each(
                target, of_turned, of_leaves, of_functions_within, of_others, of_other_axes, of_sequences
            )
            if len(local.steps) <= _LONG:
                of_loops(target, blocks, self.pool)
            self._each(target, of_stale, of_shortcut, of_extra_factors, of_exchanged_factors)
            if not target.found and pairs:
                self._two_edits(target, blocks)
            if not target.found and pairs:
                of_weights(target, groups, names)
        return target

    def _one_step(self, target: Target, blocks: list[Block]) -> None:
        """What is wrong at one step, or, in a long formula, at the same step of each pass of a loop."""
        if len(target.local.steps) > _LONG:
            of_loops(target, blocks, self.pool)
            if _enough(target, _LIKELY):
                return
        places = {step.name for step in target.places}
        blocks = [block for block in blocks if block.exit in places]
        for of_blocks in (of_slopes, of_points, of_other_functions):
            of_blocks(target, blocks, self.pool)
        self._each(target, of_left_out, of_products, of_sums, of_scatters, of_forms, of_sides)

    def _each(self, target: Target, *families: Callable[[Target, Pool], None]) -> None:
        for family in families:
            family(target, self.pool)

    def _nothing(self, target: Target) -> None:
        """What may have left nothing, or nothing but rounding."""
        of_entries(target)
        if target.given.any():
            of_sums(target, self.pool)

    def _two_edits(self, target: Target, blocks: list[Block]) -> None:
        pool = self.pool
        first: list[Family] = [
            lambda t: of_lost_slopes(t, blocks, pool),
            lambda t: of_products(t, pool, others=False),
            lambda t: of_forms(t, pool),
        ]

        def second(other: Target) -> None:
            of_the_whole(other)
            of_slopes(other, [b for b in blocks if b.within(other.local)], pool, brief=True)
            of_products(other, pool, others=False)

        of_pairs(target, first, second)


def _aside(truth: Truth, given: Mapping[str, Array], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The caller's arrays that J does not have, and that are no gradient: of the shape of one that it has."""
    known: dict[tuple[int, ...], list[Array]] = {}
    for array in (*given.values(), *truth.values.values()):
        known.setdefault(array.shape, []).append(np.asarray(array))
    found: dict[str, Array] = {}
    for name, array in arrays.items():
        gradient = name.startswith("d") and name[1:] in truth.graph
        usable = array.dtype.kind in "fiu" and 1 < array.size <= _MOST_TWICE and len(found) < _MOST_ASIDE
        if gradient or not usable or array.shape not in known:
            continue
        value = np.asarray(array, float)
        varies = np.isfinite(value).all() and np.ptp(value)
        if varies and not any(along(value, a) for a in known[value.shape]):
            found[name] = value
    return found


def _enough(target: Target, cost: float) -> bool:
    return any(f.cost <= cost for f in target.found)


def _least(target: Target) -> float:
    return min((f.cost for f in target.found), default=_UNKNOWN)


def _penalty(groups: list[list[Any]], right: Array) -> Array | None:
    for group in groups:
        without = [t.array for t in group if not t.data]
        if without and len(without) < len(group) and without[0].shape == right.shape:
            return np.asarray(sum(without), float)
    return None
