"""The whole gradient: times a constant, times a quantity too many, with a penalty that does not belong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit, along
from tinygrad_edu.check.diagnosis.pool import Pool, fits
from tinygrad_edu.check.diagnosis.target import Aspect, Target
from tinygrad_edu.check.diagnosis.terms import Term

_MOST_AXES, _MOST_PLACES = 5, 12
_MOST_SIZE = 20_000
_ENTRIES = 4
"""From fewer entries no quotient is read: some two values would give it."""


def of_the_whole(target: Target) -> None:
    """A constant, a transpose, a lost axis."""
    target.whole(target.right, free=True)
    right = target.right
    if target.found:
        _averaged(target)
    _axes_exchanged(target)
    if right.ndim == 2 and 1 not in right.shape and right.shape[0] != right.shape[1]:
        text = "the transposed result's entries are only put into the shape: .reshape where .T belongs"
        target.whole(right.T.reshape(right.shape), Edit(("transpose", "inner_transpose"), text, 1.05))


def _axes_exchanged(target: Target) -> None:
    """Two axes of the result exchanged, as of "fc" for "cf" in an einsum."""
    right = target.right
    for a, b in combinations(range(right.ndim), 2) if 2 < right.ndim <= _MOST_AXES else ():
        if 1 not in (right.shape[a], right.shape[b]):
            text = f"the result is transposed: its axes {a} and {b} are exchanged"
            target.whole(np.swapaxes(right, a, b), Edit(("transpose", "inner_transpose"), text, 1.0))


def _averaged(target: Target) -> None:
    """The same factor where it is that of a mean: 1/m twice is also a mean for a sum over m examples."""
    local = target.local
    if target.given.shape != target.right.shape:
        return
    for step in local.steps:
        op = step.op
        if op is None or op.kind != "reduction" or not op.linear_in(0) or not step.value.size:
            continue
        count = np.size(local.operand(step, 0)) / step.value.size
        if count > 1 and np.all(np.abs(target.given * count - target.right) <= 8 * count * target.bound):
            text = f"it is averaged over {count:.6g} entries instead of summed"
            target.note(Edit(("mean_for_sum",), text, 1.05))
            return


def of_extra_factors(target: Target, pool: Pool) -> None:
    """A value, a function or a slope of one, that multiplies the result, or a gradient above, too often."""
    local = target.local
    owned = (s.name for s in local.steps if s.of is not None and s.name != local.root)
    for step in [local.root, *local.sources, *owned][:_MOST_PLACES]:
        v = target.value(step)
        if v.ndim == 0 or v.size > _MOST_SIZE or step not in target.pulled[0]:
            continue
        cost = 1.3 if step == local.root else 1.45
        what = "the result" if step == local.root else pool.words.of(step)
        bank = pool.bank(v.shape)
        for k in target.promising(step, bank.rows, v):
            entry = bank.entries[k]
            text = f"{what} is multiplied by {entry.told} once too often"
            more = entry.value.cost + (0.0 if entry.text == "{}" else 0.1)
            edit = Edit(("slope_extra", "chain_factor_missing", "slope_wrong"), text, cost + more)
            target.at(step, v * bank.rows[k].reshape(v.shape), edit)


def of_exchanged_factors(target: Target, pool: Pool) -> None:
    """One quantity in the place of another, such as the variance for the standard deviation.

    Their quotient then multiplies the result, wherever in the formula they stand.
    """
    right, given = target.right, target.given
    if right.shape != given.shape or right.size < _ENTRIES:
        return
    ratio = given / right
    told = np.isfinite(ratio) & (ratio != 0)
    if np.count_nonzero(told) < _ENTRIES or np.ptp(ratio[told]) == 0:
        return
    near = [*pool.shaped(right.shape), *(v for _, v in pool.misread if fits(v.array.shape, right.shape))]
    values = [(v, np.broadcast_to(np.asarray(v.array, float), right.shape)) for v in near]
    first = tuple(np.argwhere(told)[0])
    for one, a in values:
        for other, b in values:
            if abs(a[first] - ratio[first] * b[first]) <= 1e-6 * abs(a[first]) and one is not other:
                text = f"{one.text} and {other.text} are taken for each other"
                text += f": the result is {one.text} / {other.text} times what it should be"
                edit = Edit(("wrong_layer", "slope_wrong"), text, 1.6 + one.cost + other.cost)
                target.whole(right * a / b, edit)


def of_extra_penalty(target: Target, value: Array, name: str, groups: Sequence[Sequence[Term]] = ()) -> None:
    """A multiple of the quantity itself, or of its sign, added where none belongs, or with another factor.

    ``groups``: the addends of the right gradient; what is along one of them is likelier to be in that one.
    """
    few = bool(np.count_nonzero(value) < 3)
    columns = [("", value, few), ("the sign of ", np.sign(value), few)]
    if target.local.program[name].role == "input":
        squares = np.full(value.shape, np.sum(value**2))
        columns.append(("the sum of the squares of ", squares, True))  # one number, whatever its shape
    signs = columns[1][1]
    for parts, told in (([value], ""), ([signs], "the sign of "), ([value, signs], "")):
        for aspect in target.aspects:
            if aspect.array.shape == value.shape and aspect.base is None:
                _where_none_belongs(target, aspect, parts, f"{told}{name}")
    for told, extra, few in columns:
        for aspect in target.aspects:
            if aspect.array.shape != extra.shape or not extra.any() or aspect.base is not None:
                continue
            likelier = any(along(t.array, extra) for group in groups for t in group if t.data)
            cost = 1.5 if likelier or target.local.program[name].role != "input" else 1.1
            _solved(target, aspect, extra, f"{told}{name}", few, cost)


def _where_none_belongs(target: Target, aspect: Aspect, extra: list[Array], told: str) -> None:
    """A penalty that also covers entries that J's leaves out, such as the bias among the weights."""
    given = aspect.array
    if target.penalty is None or given.shape != target.penalty.shape:
        return
    out = (target.penalty == 0) & (extra[0] != 0)
    inside = ~out & (extra[0] != 0)
    if not out.any() or inside.sum() < len(extra):
        return
    columns = np.stack([e[inside] for e in extra], axis=1)
    c, *_ = np.linalg.lstsq(columns, target.penalty[inside], rcond=None)
    size = float(np.max(np.abs(given)))
    rest = given - target.right - np.where(out, np.tensordot(c, np.stack(extra), 1), 0)
    if c.all() and np.all(np.abs(rest) <= target.bound + 256 * target.eps * size):
        text = f"the penalty is taken of all of {told}: J leaves some entries out of it, as the bias"
        target.note(*aspect.edits, Edit(("regularisation_extra",), text, 1.0))


def _solved(target: Target, aspect: Aspect, extra: Array, told: str, few: bool, cost: float) -> None:
    bases = [(target.right, "regularisation_extra")]
    if target.penalty is not None:
        other = (target.right - target.penalty, "regularisation_factor")
        bases = [other] if along(target.penalty, extra) else [*bases, other]
    for base, code in bases:
        rest = aspect.array - base
        c = float(np.vdot(extra, rest)) / float(np.vdot(extra, extra))
        size = float(np.max(np.abs(aspect.array)))
        if abs(c) < 1e-9 or not np.all(np.abs(rest - c * extra) <= target.bound + 256 * target.eps * size):
            continue
        if few and not _a_factor_of_a_penalty(target, c):
            continue
        edit = Edit((code,), f"a penalty is there that J does not have: {c:.6g} times {told}", cost)
        if code == "regularisation_factor":
            text = f"the penalty's term is {c:.6g} times {told}, which it is not in J"
            edit = Edit((code, "constant_factor"), text, cost)
        target.note(*aspect.edits, edit)


def _a_factor_of_a_penalty(target: Target, c: float) -> bool:
    """Whether a number may be the factor of a penalty: one of J's, or a simple multiple."""
    m = target.vocabulary.m
    known = [k * f for k in target.vocabulary.constants for f in (1, 2, 0.5, m, 2 * m, 1 / m, 2 / m)]
    return any(abs(abs(c) - k) <= target.close * k for k in known)
