"""What is wrong in some entries only, and by what pattern; what nothing explains is localised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit, Finding
from tinygrad_edu.check.diagnosis.target import Given, Target
from tinygrad_edu.check.report import Diagnosis

_MOST_SLICES = 64
_TELLING = 8
"""So many entries that are equal to one contribution each are no chance."""


def of_entries(target: Given) -> None:
    """Cut to a range, zero in places, rounded down, or with one slice in the place of another."""
    given, right = target.given, target.right
    if given.shape == (right.size, right.size) and right.size > 2:
        _every_pair(target)
    if given.shape != right.shape or not right.size or not np.isfinite(given).all():
        return
    slack = target.slack(target.right)
    same = np.abs(given - right) <= slack
    if not given.any():
        text = "it is zero everywhere (a division of integers, never filled in, or added to itself?)"
        target.note(Edit(("unknown", "integer_division"), text, 1.3))
        return
    if right.size < 2:
        return
    low, high = float(given.min()), float(given.max())
    inside = (right > low) & (right < high)
    clipped = np.all(np.abs(given - np.clip(right, low, high)) <= slack) and not same.all()
    if clipped and (~inside).sum() > 1 and high - low > 8 * slack:
        target.note(Edit(("clipped", "unknown"), f"it is cut to the range from {low:.6g} to {high:.6g}", 1.2))
    floored = np.floor(right * target.vocabulary.m)
    if np.array_equal(given, floored) or np.array_equal(given, np.floor(right)):
        target.note(Edit(("integer_division",), "it is rounded down: // instead of /", 1.1))
    wrong = ~same
    if wrong.any() and same.sum() >= 1 and np.all(given[wrong] == 0):
        _zeros(target, wrong, np.abs(right) > slack)
    if right.ndim and wrong.any() and same.any():
        _slices(target, same)
    if right.ndim and wrong.any():
        _permuted(target, slack)


def _every_pair(target: Given) -> None:
    """A row that meets a column: the numbers of every pair, the right ones on the diagonal."""
    n, diagonal = target.right.size, np.diagonal(target.given)
    if np.count_nonzero(target.given) > n and target.factor(diagonal, target.right.ravel()) is not None:
        text = f"a row and a column of {n} are broadcast to ({n}, {n}): every pair is there"
        target.note(Edit(("wrong_shape", "sum_missing"), text, 1.1))


def _zeros(target: Given, wrong: Array, there: Array) -> None:
    spans = _spans(wrong)
    where = _where(spans, wrong)
    if np.any(there[np.ix_(*spans)] & ~wrong[np.ix_(*spans)]):  # they are scattered
        text = f"{int(wrong.sum())} entries are 0 that should not be, the others are right: another mask"
        target.note(Edit(("slope_wrong", "dropout_mask_missing", "wrong_layer"), text, 1.5))
    elif where:
        text = f"it is right elsewhere, and 0 {where}: a part is never filled in (the loop stops early?)"
        target.note(Edit(("term_missing", "unknown"), text, 1.25))


def _spans(wrong: Array) -> list[list[int]]:
    return [sorted({int(i) for i in index}) for index in np.nonzero(wrong)]


def _where(spans: list[list[int]], wrong: Array) -> str:
    """The rows or columns in which all that is wrong lies, if it is not everywhere."""
    told = []
    for axis, span in enumerate(spans):
        n = wrong.shape[axis]
        if len(span) < n:
            name = ("rows" if axis == 0 else "columns") if wrong.ndim == 2 else f"axis {axis}"
            told.append(f"in {name} {_run(span)}")
    return " and ".join(told)


def _run(span: list[int]) -> str:
    if len(span) > 1 and span == list(range(span[0], span[-1] + 1)):
        return f"{span[0]}:{span[-1] + 1}"
    return ", ".join(map(str, span[:6])) + (", …" if len(span) > 6 else "")


def _permuted(target: Given, slack: float) -> None:
    """The right slices along an axis, in another order."""
    given, right = target.given, target.right
    for axis in range(right.ndim):
        n = right.shape[axis]
        if not 1 < n <= _MOST_SLICES:
            continue
        a, b = (np.moveaxis(x, axis, 0).reshape(n, -1) for x in (given, right))
        alike = np.all(np.abs(a[:, None] - b[None]) <= slack, axis=2)
        if np.all(alike.sum(axis=1) == 1) and np.all(alike.sum(axis=0) == 1) and a.size > 2:
            order = np.argmax(alike, axis=1)
            text = f"along axis {axis} the right slices are in another order: {_order(order)}"
            target.note(Edit(("wrong_layer", "examples_misaligned"), text, 1.2))
            return
    for axes in ((-2, -1), (-3, -2, -1)):
        if right.ndim >= len(axes) and np.all(np.abs(given - np.flip(right, axes)) <= slack):
            text = f"it is turned by 180° in its last {len(axes)} axes (flipped)"
            target.note(Edit(("wrong_layer", "inner_transpose"), text, 1.2))


def _order(order: Array) -> str:
    n = order.size
    if np.array_equal(order, np.arange(n)[::-1]):
        return "reversed (flipped)"
    if np.array_equal(order, np.roll(np.arange(n), k := (n - order[0]) % n)):
        return f"shifted by {k if 2 * k <= n else k - n}"
    shown = ", ".join(map(str, order[:8])) + (", …" if n > 8 else "")
    return f"where 0, 1, 2, … belong, {shown} stand"


def _slices(target: Given, same: Array) -> None:
    """Another slice of the right gradient where one belongs."""
    given, right = target.given, target.right
    for axis in range(right.ndim):
        others = tuple(k for k in range(right.ndim) if k != axis)
        bad = np.flatnonzero(~np.all(same, axis=others)) if others else np.flatnonzero(~same)
        n = right.shape[axis]
        if not 0 < bad.size < n or bad[-1] - bad[0] + 1 != bad.size:
            continue
        part = np.take(given, bad, axis)
        for start in range(n - bad.size + 1):
            if start == bad[0]:
                continue
            other = np.take(right, range(start, start + bad.size), axis)
            slack = target.slack(target.right)
            if part.size > 1 and np.all(np.abs(part - other) <= slack) and np.ptp(part) > 0:
                text = f"[{bad[0]}:{bad[-1] + 1}] along axis {axis} holds what belongs to "
                text += f"[{start}:{start + bad.size}]: another gate's or slice's gradient"
                target.note(Edit(("wrong_layer",), text, 1.15))
                return


def of_overwriting(target: Target, contributions: Iterable[list[Array]]) -> None:
    """Of several contributions that overlap each entry holds but one: assigned where it should be added."""
    if target.given.shape != target.right.shape or target.given.size < 8:
        return
    for every in contributions:
        terms = [t for t in every if np.any(t)]
        if len(terms) < 3:
            continue
        slack = target.slack(target.right)
        counts = sum((t != 0).astype(int) for t in terms)
        if not np.any(counts > 1):
            continue
        covered = np.zeros(target.right.shape, bool)
        for term in terms:
            covered |= (np.abs(target.given - term) <= slack) & ((term != 0) | (counts == 0))
        nothing = np.abs(target.given) <= slack  # what was put there last may itself be 0, as behind a mask
        told = covered & ~nothing
        if np.all(covered | nothing) and told.sum() >= max(_TELLING, np.sum(counts > 0) / 4):
            text = f"each entry holds only one of the {len(terms)} contributions that overlap there"
            text += ": they are assigned one over the other instead of added up"
            target.note(Edit(("term_missing", "last_example_only"), text, 1.2))
            return


def told_of(found: Iterable[Finding], alike: float) -> Diagnosis:
    """The cheapest finding, with those that cost no more than so much above it as alternatives."""
    best = sorted(found, key=lambda f: f.cost)
    best = [f for f in best if f.cost <= best[0].cost + alike]
    codes = tuple(dict.fromkeys(code for f in best for code in f.codes))
    first, *others = dict.fromkeys(f.text for f in best)
    return Diagnosis(codes, first, tuple(others), at=best[0].at and f"d{best[0].at}")


def localised(given: Array, right: Array, tolerance: Array) -> Diagnosis:
    """Where an array that nothing explains is off."""
    with np.errstate(all="ignore"):
        off = ~(np.abs(given - right) <= tolerance)
    places = np.argwhere(off)
    count, of = int(off.sum()), int(right.size)
    where: dict[str, Any] = {"count": count, "of": of}
    if places.size:
        where["first"] = [int(k) for k in places[0]]
    if right.ndim == 2:
        where["rows"] = sorted({int(k) for k in places[:, 0]})[:20]
        where["columns"] = sorted({int(k) for k in places[:, 1]})[:20]
    told = f"not explained by any known mistake; {count} of {of} entries differ"
    if count < of and right.ndim:
        told += f", the first at {where.get('first')}"
        spans = _where(_spans(off), off)
        told += f", all of them {spans}" if spans else ""
    elif count == of and right.size > 2:
        with np.errstate(all="ignore"):
            relative = np.max(np.abs(given - right)) / np.max(np.abs(right))
        if relative < 1e-2:
            told += f", all by little (1 part in {1 / relative:.0f})"
            told += ": a numerical derivative, or a constant that was rounded?"
    return Diagnosis(("unknown",), told, where=where)


def wrong_shape(given: Array, right: Array) -> Diagnosis:
    """A shape that nothing explains."""
    return Diagnosis(("wrong_shape",), f"expected shape {right.shape}, got {given.shape}")
