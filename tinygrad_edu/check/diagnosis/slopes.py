"""Slopes got wrong: left out, applied once too often, another function's, or taken at another point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import (
    FUNCTIONS,
    LIKELY,
    Banked,
    Pool,
    applied,
    functions,
    functions_of_one,
    remembered,
    slope_at,
)
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.core.op import Op


def of_lost_slopes(target: Target, blocks: list[Block], pool: Pool) -> None:
    """A slope that is left out, or applied twice."""
    slopes = [b for b in blocks if b.slope]
    for block in blocks:
        same = (b for b in slopes if b.entry == block.entry and b.inside < block.inside)
        # what goes on without another factor is no other mistake
        if block.slope or not any(np.array_equal(b.factor, block.factor) for b in same):
            _left_out(target, block, pool)


def of_slopes(target: Target, blocks: list[Block], pool: Pool, *, brief: bool = False) -> None:
    """Every way in which one slope of the formula is got wrong; ``brief``: only what is in the bank."""
    of_lost_slopes(target, blocks, pool)
    seen = set[tuple[str, str]]()
    for block in blocks:
        ends = (block.above or "", block.below or "")
        if all(ends) and ends not in seen:
            seen.add(ends)
            _replaced(target, block, pool, brief)


def _name(block: Block, pool: Pool) -> str:
    x, y = (pool.words.of(n) if n is not None else "?" for n in (block.below, block.above))
    return f"the slope of {y} at {x}"


def _left_out(target: Target, block: Block, pool: Pool) -> None:
    g, S = target.local.values[block.entry], block.factor
    if block.slope:
        name = _name(block, pool)
        ends = [n is not None and pool.graph.find(n).named for n in (block.above, block.below)]
        within = 0.0 if any(ends) else 0.1  # a part of a formula that has no name at either end
        target.at(block.exit, g, Edit(("slope_missing",), f"{name} is missing", 1.0 + within))
        twice = 1.1 if all(ends) else 1.25
        extra = Edit(("slope_extra", "slope_doubled"), f"{name} is applied twice", twice)
        target.at(block.exit, g * S * S, extra)
        _alone(target, block, name, pool)
        return
    whole = block.above is not None and block.below is not None
    named = all(n is not None and pool.graph.find(n).named for n in (block.above, block.below))
    part = 0.0 if named else 0.04 if whole else 0.15
    codes = ("chain_factor_missing",) if whole else ("slope_wrong", "chain_factor_missing")
    mask = _is_mask(S)
    kind = "the mask" if mask else "the factor"

    def edit(codes: tuple[str, ...], text: str, cost: float) -> Callable[[], Edit]:
        def said() -> Edit:
            return Edit(codes, text.replace("{}", f"{kind} {_coefficient(block, pool)}"), cost + part)

        return said

    lost = ("dropout_mask_missing", *codes) if mask else codes
    target.at(block.exit, g, edit(lost, "{} is missing", 1.0))
    if np.any(S < 0):
        target.at(block.exit, -g, edit(lost, "of {} only the sign is there", 1.05))
    doubled = edit(("constant_factor", "slope_extra"), "{} is there twice", 1.15)
    target.at(block.exit, g * S * S, doubled)
    inverted = "{} is inverted: divided by instead of multiplied"
    target.at(block.exit, g / S, edit(("slope_wrong",), inverted, 1.15))
    if whole:
        _alone(target, block, f"{kind} {_coefficient(block, pool)}", pool)


def _alone(target: Target, block: Block, name: str, pool: Pool) -> None:
    """The factor without the gradient that it multiplies."""
    above = pool.words.gradient(block.above) if block.above else "the gradient above"
    text = f"only {name} is there: the gradient above it, {above}, is missing"
    target.at(block.exit, block.factor, Edit(("chain_factor_missing",), text, 1.2))


def _is_mask(S: Array) -> bool:
    levels = np.unique(S)
    return levels.size == 2 and levels[0] == 0 and S.size > 4


def _coefficient(block: Block, pool: Pool) -> str:
    """What a factor is called: the coefficient of its only step, or the value that it equals."""
    known = pool.memo("factor", block.entry, block.exit)
    if known is None:
        known = pool.memo("factor", block.entry, block.exit, found=_named_factor(block, pool))
    return str(known)


def _named_factor(block: Block, pool: Pool) -> str:
    S = block.factor
    top = np.unravel_index(int(np.argmax(np.abs(S))), S.shape) if S.size else ()
    scaled = ""
    for value in pool.shaped(S.shape) if S.size else ():
        wide = np.broadcast_to(value.array, S.shape)
        c = float(S[top] / wide[top]) if wide[top] else 0.0
        if not c or not np.allclose(c * wide, S, rtol=1e-12, atol=0):
            continue
        if abs(c - 1) <= 1e-12:
            return value.text
        if not scaled and value.cost == 0 and block.step is None and np.ptp(S):
            scaled = f"{value.text} * {c:.6g}" if abs(c) < 1 else f"{value.text} / {1 / c:.6g}"
    if scaled:
        return scaled
    if block.step is not None:
        others = [a for a in block.step.uses if a in pool.program]
        carried = [a for a in others if pool.program[a].role not in ("input", "forward")]
        coefficient = [a for a in others if a not in carried] or others
        if coefficient:
            return pool.words.of(coefficient[-1])
    x, y = block.below, block.above
    if x is not None and y is not None:
        return f"between {pool.words.gradient(y)} and {pool.words.gradient(x)}"
    return "of one step"


def _replaced(target: Target, block: Block, pool: Pool, brief: bool) -> None:
    g = target.value(block.entry)
    name = _name(block, pool) if block.slope else f"the factor {_coefficient(block, pool)}"
    own = _function_between(pool, block.below or "", block.above or "") if block.slope else None
    _replace(target, block, pool, name, own[0] if own is not None else None, brief)
    if brief:
        return
    if own is not None:
        op, settings = own
        y = np.asarray(op.forward(g, **settings))
        for value, what in ((y, "the function itself"), (slope_at(op, settings, g), "its slope")):
            text = f"{what} is applied to the gradient above, instead of multiplying it by {name}"
            if value is not None:
                target.at(block.exit, value, Edit(("slope_on_gradient",), text, 1.3))
        codes = ("slope_on_gradient", "slope_wrong")
        for formula in ("{} (1 - {})", "1 - {}²", "({} > 0)"):
            told = formula.replace("{}", "g")
            text = f"{told} of the gradient above, g, stands there: {name} is taken of it"
            target.at(block.exit, FUNCTIONS[formula](g), Edit(codes, text, 1.3))
        text = f"the gradient above is kept where it is positive itself, instead of multiplied by {name}"
        target.at(block.exit, np.maximum(g, 0), Edit(codes, text, 1.32))
    if not block.slope:
        _mask_by_value(target, block, pool, g, name)


def _mask_by_value(target: Target, block: Block, pool: Pool, g: Array, name: str) -> None:
    S = block.factor
    levels = np.unique(S)
    mask = levels.size <= 3 and levels[0] == 0
    codes = ("dropout_mask_missing", "slope_wrong") if mask else ("slope_wrong",)
    what = name.replace("the factor", "the mask") if mask else name
    for value, zero in pool.with_zeros(S.shape):
        text = f"{what} is replaced by 1 where {value.text} is 0"
        target.at(block.exit, g * np.where(zero, 1.0, S), Edit(codes, text, 1.4))
        told = f"({value.text} ≠ 0)" if np.any((value.array != 0) & (value.array != 1)) else value.text
        target.at(block.exit, g * ~zero, Edit(codes, f"{told} stands for {what}", 1.3))
    if mask:
        target.at(block.exit, g * (levels[-1] - S), Edit(codes, f"{what} is applied inverted", 1.2))


@remembered
def _function_between(pool: Pool, below: str, above: str) -> tuple[Op, Mapping[str, Any]] | None:
    """The function that y is of x, if it is one that has a name: found by its values."""
    x, node = np.asarray(pool.graph.find(below).value, float), pool.graph.find(above)
    op = node.op
    if op is not None and op.kind == "elementwise" and len(node.args) == 1 and node.inputs[0].name == below:
        return op, node.settings
    for other in functions_of_one():
        found = applied(other, {}, x)
        if found is not None and np.allclose(found, np.asarray(node.value, float), rtol=1e-6, atol=1e-12):
            return other, {}
    return None


def _replace(target: Target, block: Block, pool: Pool, name: str, own: Op | None, brief: bool) -> None:
    """Everything in the bank that, multiplied with the gradient above, gives the array."""
    g, S = target.value(block.entry), block.factor
    share = 1.03 if np.all((S > 0) & (S < 1)) else 1.3
    for wrong, told, cost in ((1 - S, "1 minus it", share), (1 / S, "its inverse", 1.3)):
        target.at(block.exit, g * wrong, Edit(("slope_wrong",), f"{told} stands for {name}", cost))
    if np.all(np.abs(S) <= 1):
        for wrong, told in ((S - 1, "1 is subtracted from"), (S + 1, "1 is added to")):
            text = f"{told} {name}, which is between 0 and 1 up to its sign: as for the other label"
            target.at(block.exit, g * wrong, Edit(("slope_wrong", "labels_swapped"), text, 1.03))
    bank = pool.bank(S.shape)
    if block.exit not in target.pulled[0] or not bank.entries:
        return
    if target.right.size == 1 and target.eps > _FINE:
        return  # among so many, some number is near any number at single precision
    for k in target.promising(block.exit, bank.rows, g):
        entry = bank.entries[k]
        edit = Edit(_codes(block, entry, own), f"{entry.told} stands for {name}", _cost(block, entry, own))
        target.at(block.exit, g * bank.rows[k].reshape(S.shape), edit)
    if brief:
        return
    _in_one_branch(target, block, pool, name)
    values, rows = pool.gradients_of_shape(S.shape)
    for k in target.promising(block.exit, rows, g):
        value = values[k]
        if value.node is None or value.node.name not in (block.above, block.below):
            edit = Edit(("wrong_layer", "slope_wrong"), f"{value.text} stands for {name}", 1.4 + value.cost)
            target.at(block.exit, g * np.asarray(value.array, float), edit)


def _in_one_branch(target: Target, block: Block, pool: Pool, name: str) -> None:
    """Another slope on one side of 0 alone, as in the lower branch of an ELU."""
    given, right = target.given, target.right
    if block.exit != target.local.root or not block.slope or given.shape != right.shape:
        return
    g = target.value(block.entry)
    x, y = (pool.graph.find(n or "") for n in (block.below, block.above))
    wrong = np.abs(given - right) > target.slack(target.right)
    for side, told in ((x.value > 0, "> 0"), (x.value <= 0, "≤ 0")):
        if np.any(wrong & ~side) or np.count_nonzero(wrong) < _FEW:
            continue
        for node in (x, y):
            v = np.asarray(node.value, float)
            rows = [(f.replace("{}", pool.words.of(node.name)), a) for f, a in functions(v)]
            for c in (*target.vocabulary.constants, *target.vocabulary.scales):
                rows += [(f"{pool.words.of(node.name)} + {c:.6g}", v + c), (f"{c:.6g}", np.full(v.shape, c))]
            for text, row in [*rows, ("1", np.ones(v.shape)), ("0", np.zeros(v.shape))]:
                slope = np.where(side, row, block.factor)
                said = f"where {pool.words.of(x.name)} {told}, {text} stands for {name}"
                codes = ("slope_wrong", *(("slope_at_z",) if node is x else ()))
                target.at(block.exit, g * slope, Edit(codes, said, 1.2))


_FINE = 1e-12
_FEW = 4


def _cost(block: Block, entry: Banked, own: Op | None) -> float:
    """How unlikely it is that this is taken for the slope of y at x."""
    node = entry.value.node
    here = node is not None and node.name in (block.above, block.below)
    cost = 1.05 + (0.0 if here else 0.3) + entry.value.cost
    if entry.op is not None:
        return cost + (0.1 if entry.op is own or entry.op.kernel in LIKELY else 0.3)
    return cost if entry.text == "{}" else cost + 0.12


def _codes(block: Block, entry: Banked, own: Op | None) -> tuple[str, ...]:
    """What it is to take this for the slope of y at x."""
    node = entry.value.node
    is_y, is_x = (node is not None and node.name == n for n in (block.above, block.below))
    if not block.slope or not (is_y or is_x):
        return ("wrong_layer", "slope_wrong")
    if entry.slope:
        return ("slope_at_a" if entry.op is own else "slope_wrong_activation", "slope_wrong")
    if entry.op is not None or (is_y and entry.text == "{}"):
        return ("activation_for_slope", "slope_wrong")
    if is_x:
        return ("slope_at_z", "slope_wrong", "z_for_a")
    other = entry.text in ("{} (1 - {})", "1 - {}²")
    return ("slope_wrong_activation", "slope_wrong") if other else ("slope_wrong",)
