"""Addends left out, counted twice, or taken with another factor: read off one least-squares problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from tinygrad_edu.check.diagnosis.coefficients import Coefficients
from tinygrad_edu.check.diagnosis.edit import Array, Edit, Finding, along
from tinygrad_edu.check.diagnosis.naming import TermNames
from tinygrad_edu.check.diagnosis.pool import Pool, Value
from tinygrad_edu.check.diagnosis.products import codes_of_gradient
from tinygrad_edu.check.diagnosis.steps import adds, feeds, joins
from tinygrad_edu.check.diagnosis.target import NO_PENALTY, Aspect, Target
from tinygrad_edu.check.diagnosis.terms import Term, merged
from tinygrad_edu.graph import Ref

_MOST_SUBSETS = 10
_MOST_LOST = 1.4
_FEW = 4
_MOST_SIDES = 24


def of_addends(
    target: Target, groups: Sequence[Sequence[Term]], names: TermNames, *, penalised: bool, dearer: float
) -> None:
    """Every way in which the given array is a sum of the addends with other factors.

    ``penalised``: an addend that no data enters is called a penalty's. ``dearer``: what such a finding costs
    more, where the addends are the branches of one function, of which another slope says more.
    """
    for group in groups:
        terms = merged(group, target.bound)
        if not penalised:
            terms = [replace(term, data=True) for term in terms]
        if len(terms) < 2:
            continue
        whole = sum((t.array for t in group), np.zeros(target.right.shape))
        rest = target.right - whole
        called = names.of(terms)
        for aspect in target.aspects:
            if aspect.array.shape == target.right.shape and aspect.base is None:
                _solved(target, terms, called, rest, aspect, dearer)


def of_sides(target: Target, pool: Pool) -> None:
    """One side of a sum or difference among the coefficients, as of A - Y, lost, negated, or scaled alone."""
    uses = Coefficients(target)
    for step in [s for s in uses.steps if joins(s) and s.value.size > 1][:_MOST_SIDES]:
        assert step.op is not None
        both = [np.asarray(pool.program[a.name].value if isinstance(a, Ref) else a) for a in step.args]
        zeros = [np.zeros(a.shape) for a in both]
        values = step.op.forward(both[0], zeros[1]), step.op.forward(zeros[0], both[1])
        sides = [np.asarray(uses.gradient({step.name: np.broadcast_to(v, step.shape)})) for v in values]
        if not np.allclose(sides[0] + sides[1], target.right, rtol=1e-9, atol=target.bound) or along(*sides):
            continue
        whole = pool.words.of(step.name)
        called = [f"{pool.words.of(a.name) if isinstance(a, Ref) else a} of ({whole})" for a in step.args]
        for aspect in target.aspects:
            if aspect.array.shape == target.right.shape and aspect.base is None:
                terms = [Term(side, frozenset(), True) for side in sides]
                _solved(target, terms, called, np.zeros(()), aspect, 0.15)


def _solved(
    target: Target, terms: list[Term], called: list[str], rest: Array, aspect: Aspect, dearer: float
) -> None:
    """The same as :func:`_solve`, what it finds made dearer."""
    before = len(target.found)
    _solve(target, terms, called, rest, aspect)
    if dearer:
        target.found[before:] = [
            Finding((replace(f.edits[0], cost=f.edits[0].cost + dearer), *f.edits[1:]))
            for f in target.found[before:]
        ]


def of_exchanged(target: Target, groups: Sequence[Sequence[Term]], names: TermNames, pool: Pool) -> None:
    """Another gradient in the place of one addend, as behind a slope of the sum."""
    slack = target.slack(target.given)
    for name, term, rest in _each(target, groups[:1], names) if target.right.size >= 3 else ():
        for value in pool.gradients:
            if value.array.shape == rest.shape and np.all(np.abs(rest - value.array) <= slack):
                of = next((n for n in term.path if value.node is not None and feeds(value.node, n)), None)
                codes, missing = codes_of_gradient(pool, value, of)
                text = f"{value.text} stands there for {name}{missing}"
                target.note(Edit(codes, text, 1.1 + value.cost))


def _each(
    target: Target, groups: Sequence[Sequence[Term]], names: TermNames
) -> Iterator[tuple[str, Term, Array]]:
    """What each addend of some groups is called, the addend, and what is given in its place."""
    given, right = target.given, target.right
    for group in groups if given.shape == right.shape else ():
        terms = merged(group, target.bound)
        if 1 < len(terms) <= _MOST_SUBSETS:
            for name, term in zip(names.of(terms), terms, strict=True):
                yield name, term, given - (right - term.array)


def of_misplaced(target: Target, pool: Pool) -> None:
    """An addend that joins another step than its own: before a slope that it passes by, or after."""
    local = target.local
    for step in target.places:
        if not adds(step):
            continue
        both = dict.fromkeys(local.backward.carried(step))
        for name in both:
            addend = np.asarray(local.values[name], float)
            beside = " + ".join(pool.words.of(n) for n in both if n != name)
            for other in target.joined(step.name, addend) if addend.any() else ():
                if other not in both:
                    text = f"{pool.words.of(name)} is added to {pool.words.of(other)}, not to {beside}"
                    codes = ("wrong_layer", "term_missing", "slope_wrong")
                    target.changed({step.name: -addend, other: addend}, Edit(codes, text, 1.25))


def of_a_factor(target: Target, groups: Sequence[Sequence[Term]], names: TermNames, pool: Pool) -> None:
    """A factor that is missing in one addend alone, there once too often, or another's."""
    slack = target.slack(target.given)
    for name, term, rest in _each(target, groups[:2], names) if target.right.size >= _FEW else ():
        there = np.abs(term.array) > 1e3 * slack
        if there.sum() < _FEW or np.any((np.abs(rest) > slack) & ~there):
            continue
        for value, told, codes in _between(target, term.array, rest, there, pool):
            text = f"in {name}, the factor {value.text} {told}"
            target.note(Edit((*codes, "chain_factor_missing"), text, 1.25 + value.cost))


def of_weights(target: Target, groups: Sequence[Sequence[Term]], names: TermNames) -> None:
    """One addend, or all, times a number of its own for each row, or column: weights got wrong."""
    given, right = target.given, target.right
    if given.shape != right.shape or right.ndim != 2 or min(right.shape) < 3:
        return
    whole = [("the result", right, given)]
    for name, t, rest in _each(target, groups[:3], names):
        whole.append((name if t.data else "the penalty's term", t.array, rest))
    slack = target.slack(target.given)
    for name, term, rest in whole:
        for axis, each in ((1, "row"), (0, "column")):
            square = np.sum(term * term, axis=axis, keepdims=True)
            weights = np.sum(term * rest, axis=axis, keepdims=True) / np.where(square, square, 1)
            used = np.count_nonzero(term, axis=axis) > 1
            if used.sum() >= 3 and np.all(np.abs(rest - weights * term) <= slack * (1 + np.abs(weights))):
                text = f"in {name}, each {each} is multiplied by another number than it should be"
                codes = ("chain_factor_missing", "wrong_layer", "examples_misaligned")
                target.note(Edit(codes, text, 2.0))
                return


def _between(
    target: Target, term: Array, rest: Array, there: Array, pool: Pool
) -> Iterator[tuple[Value, str, tuple[str, ...]]]:
    """The values by which an addend is multiplied, or divided, where another is given for it."""
    slack = target.slack(target.given)
    for value, array in _as_factors(pool, term.shape):
        if np.ptp(array[there]) == 0:
            continue
        extra, lost = term * array, term / array
        for made, told, codes in (
            (extra, "is there once too often", ("slope_extra", "slope_wrong")),
            (lost, "is missing", ("chain_factor_missing",)),
        ):
            sign = np.sign(np.vdot(made[there], rest[there]))  # a cost has -w in it, the formula w
            near = slack * (1 + np.abs(made[there] / term[there]))
            if np.all(np.abs(rest - sign * made)[there] <= near):
                yield value, told, codes


def _as_factors(pool: Pool, shape: tuple[int, ...]) -> Iterator[tuple[Value, Array]]:
    """The values that may multiply an array entry by entry, those for each row as a column too."""
    for value in pool.shaped(shape):
        yield value, np.broadcast_to(np.asarray(value.array, float), shape)
    if len(shape) == 2 and shape[0] != shape[1]:
        for value in pool.forward:
            if value.array.shape == shape[:1]:
                yield value, np.broadcast_to(np.asarray(value.array, float)[:, None], shape)


def _solve(target: Target, terms: list[Term], called: list[str], rest: Array, aspect: Aspect) -> None:
    wanted = aspect.array - rest
    columns = np.stack([t.array.ravel() for t in terms], axis=1)
    used = np.any(columns != 0, axis=1)
    if used.sum() > len(terms):
        scale = np.abs(columns).max(axis=0)
        found, *_, sizes = np.linalg.lstsq(columns[used] / scale, wanted.ravel()[used], rcond=None)
        factors = found / scale
        if sizes.min(initial=1.0) > 1e-6 * sizes.max(initial=1.0):
            if not _read(target, terms, columns, called, factors, wanted, aspect):
                _exchanged_weights(target, columns, called, factors, wanted)
            return
    slack = 2 * target.bound + 128 * target.eps * float(np.max(np.abs(wanted), initial=0.0))
    for factors in _patterns(len(terms)):
        if np.any(np.abs(columns @ factors - wanted.ravel()) > slack):
            continue
        if _read(target, terms, columns, called, factors, wanted, aspect) and len(terms) > _MOST_SUBSETS:
            return


def _exchanged_weights(
    target: Target, columns: Array, called: list[str], factors: Array, wanted: Array
) -> None:
    """The numbers that two addends are multiplied by, as shares of a cost, in one another's place."""
    a, *others = [k for k, f in enumerate(factors) if abs(f - 1) > 1e-6] or [0]
    fits = np.abs(columns @ factors - wanted.ravel()) <= target.slack(wanted)
    if len(others) == 1 and len(wanted.ravel()) > len(factors) + 1 and np.all(fits):
        b = others[0]
        if factors[a] > 0 and abs(factors[a] * factors[b] - 1) <= 1e-6:
            text = f"the weights of {called[a]} and {called[b]} are exchanged"
            text += f": they are {factors[a]:.6g} and {factors[b]:.6g} times what they should be"
            target.note(Edit(("constant_factor", "wrong_layer"), text, 1.3))


def _patterns(n: int) -> Iterator[Array]:
    """The likely sets of factors where entries are too few to solve for them."""
    one = np.ones(n)
    for k in range(n):
        for c in (0.0, 2.0, -1.0):
            changed = one.copy()
            changed[k] = c
            yield changed
    yield from np.eye(n)
    for k in range(2, n - 1):
        yield np.where(np.arange(n) < k, 1.0, 0.0)
        yield np.where(np.arange(n) >= n - k, 1.0, 0.0)
    if 3 < n <= _MOST_SUBSETS:
        for size in range(2, n - 1):
            for kept in combinations(range(n), size):
                yield np.isin(np.arange(n), kept).astype(float)


def _read(
    target: Target,
    terms: list[Term],
    columns: Array,
    called: list[str],
    factors: Array,
    wanted: Array,
    aspect: Aspect,
) -> bool:
    """Whether the factors give the array, and each is one that is known; then that is noted."""
    for scale, outer in _common(target, factors):
        known = [one for f in factors if (one := _known(target, f / scale)) is not None]
        if len(known) < len(factors):
            continue
        exact = np.array([value for value, _ in known])
        total = (columns @ exact).reshape(wanted.shape) * scale
        size = float(np.max(np.abs(total), initial=0.0))
        slack = target.bound * max(1.0, float(np.max(np.abs(exact * scale)))) + 64 * target.eps * size
        if not np.all(np.abs(wanted - total) <= slack):
            continue
        edits = tuple(_said(terms, called, exact, [read for _, read in known]))
        if edits:
            target.note(*aspect.edits, *edits, *outer)
            return True
    return False


def _common(target: Target, factors: Array) -> Iterator[tuple[float, tuple[Edit, ...]]]:
    """A factor that all have, if there is one besides 1."""
    yield 1.0, ()
    for c in dict.fromkeys(round(float(f), 9) for f in factors):
        if c and sum(abs(f - c) < 1e-7 * abs(c) for f in factors) > 1:
            exact = float(np.mean([f for f in factors if abs(f - c) < 1e-7 * abs(c)]))
            read = target.vocabulary.read(exact, target.close)
            if read:
                yield exact, read


def _known(target: Target, factor: float) -> tuple[float, tuple[Edit, ...]] | None:
    close = max(1e-6, 4096 * target.eps)
    for value in (1.0, 0.0, 2.0, -1.0):
        if abs(factor - value) <= close:
            return value, ()
    read = target.vocabulary.read(factor, max(target.close, 1e-7))
    return None if read is None else (factor, read)


def _said(
    terms: list[Term], called: list[str], factors: Array, read: list[tuple[Edit, ...]]
) -> Iterator[Edit]:
    penalty = [not t.data and any(o.data for o in terms) for t in terms]
    lost = [k for k, f in enumerate(factors) if f == 0]
    kept = [k for k, f in enumerate(factors) if f != 0]
    if len(lost) == 1 or (lost and len(lost) <= len(kept)):
        yield from (NO_PENALTY for k in lost if penalty[k])
        if paths := [called[k] for k in lost if not penalty[k]]:
            yield _lost(paths)
    elif lost:
        yield _only([called[k] for k in kept], [called[k] for k in lost], kept in ([len(terms) - 1], [0]))
    for k, factor in enumerate(factors):
        if factor in (0.0, 1.0):
            continue
        if penalty[k]:
            told = "has the wrong sign" if factor == -1 else f"is {factor:.6g} times what it should be"
            codes = ("regularisation_factor", *(("sign_inside",) if factor < 0 else ()))
            yield Edit(codes, f"the penalty's term {told}")
        elif factor == 2:
            yield Edit(("term_doubled", "constant_factor"), f"{called[k]} is counted twice")
        elif factor == -1:
            yield Edit(("sign_inside", "sign"), f"{called[k]} has the wrong sign")
        else:
            for edit in read[k]:
                yield Edit(edit.codes, f"in {called[k]}, {edit.text}", edit.cost + 0.1)


def _lost(names: list[str]) -> Edit:
    told = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    verb, cost = "is" if len(names) == 1 else "are", min(1.0 + 0.2 * (len(names) - 1), _MOST_LOST)
    return Edit(("term_missing",), f"{told} {verb} missing", cost)


def _only(kept: list[str], lost: list[str], end: bool) -> Edit:
    codes = ("term_missing", *(("last_example_only",) if end else ()))
    told = ", ".join(kept)
    missing = ", ".join(lost) if len(lost) <= 3 else f"{len(lost)} others"
    text = f"only {told} are there; missing: {missing}"
    if len(kept) == 1:
        uses = f"of {len(kept) + len(lost)} uses only one is there: {told}"
        text = f"{uses} (assigned instead of added up?); missing: {missing}"
    return Edit(codes, text, 1.2)
