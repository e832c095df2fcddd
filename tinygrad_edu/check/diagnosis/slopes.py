"""Slopes got wrong: left out, applied once too often, another function's, or taken at another point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import (
    LIKELY,
    Banked,
    Pool,
    applied,
    functions,
    functions_of_one,
    slope_at,
)
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.core.op import Op

__all__ = ["of_lost_slopes", "of_slopes"]


def of_lost_slopes(target: Target, blocks: list[Block], pool: Pool) -> None:
    """A slope that is left out, or applied twice."""
    slopes = [b for b in blocks if b.slope]
    for block in blocks:
        same = (b for b in slopes if b.entry == block.entry and b.inside < block.inside)
        if block.slope or not any(
            np.array_equal(b.factor, block.factor) for b in same
        ):  # what goes on without another factor is no other mistake
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
    g = target.local.values[block.entry]
    S, at = block.factor, block.below or ""
    if block.slope:
        name = _name(block, pool)
        ends = [n is not None and pool.graph.find(n).named for n in (block.above, block.below)]
        within = 0.0 if any(ends) else 0.1  # a part of a formula that has no name at either end
        target.at(block.exit, g, Edit(("slope_missing",), f"{name} is missing", 1.0 + within, at))
        twice = 1.1 if all(ends) else 1.25
        extra = Edit(("slope_extra", "slope_doubled"), f"{name} is applied twice", twice, at)
        target.at(block.exit, g * S * S, extra)
        _alone(target, block, name, at, pool)
        return
    part = 0.0 if block.above is not None and block.below is not None else 0.15
    codes = ("chain_factor_missing",) if part == 0 else ("slope_wrong", "chain_factor_missing")
    mask = _is_mask(S)

    def edit(codes: tuple[str, ...], text: str, cost: float) -> Callable[[], Edit]:
        def said() -> Edit:
            name = ("the mask " if mask else "") + _coefficient(block, pool)
            return Edit(codes, text.replace("{}", name), cost + part, at)

        return said

    lost = ("dropout_mask_missing", *codes) if mask else codes
    target.at(block.exit, g, edit(lost, "the factor {} is missing", 1.0))
    if np.any(S < 0):
        target.at(block.exit, -g, edit(lost, "of the factor {} only the sign is there", 1.05))
    target.at(
        block.exit, g * S * S, edit(("constant_factor", "slope_extra"), "the factor {} is there twice", 1.15)
    )
    inverted = "the factor {} is inverted: divided by instead of multiplied"
    target.at(block.exit, g / S, edit(("slope_wrong",), inverted, 1.15))
    if part == 0:
        _alone(target, block, f"the factor {_coefficient(block, pool)}", at, pool)


def _alone(target: Target, block: Block, name: str, at: str, pool: Pool) -> None:
    """The factor without the gradient that it multiplies; or applied to that gradient."""
    above = pool.words.gradient(block.above) if block.above else "the gradient above"
    alone = Edit(
        ("chain_factor_missing",),
        f"only {name} is there: the gradient above it, {above}, is missing",
        1.2,
        at,
    )
    target.at(block.exit, block.factor, alone)


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
    for value in pool.shaped(block.factor.shape):
        wide = np.broadcast_to(value.array, block.factor.shape)
        one = block.factor.size and abs(wide.flat[0] - block.factor.flat[0]) > 1e-9 * abs(
            block.factor.flat[0]
        )
        if not one and np.allclose(wide, block.factor, rtol=1e-12, atol=0):
            return value.text
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
    g, S = target.value(block.entry), block.factor
    at = block.below or ""
    name = _name(block, pool) if block.slope else f"the factor {_coefficient(block, pool)}"
    own = _own_function(block, pool) if block.slope else None
    _replace(target, block, pool, name, own[0] if own is not None else None, brief)
    if brief:
        return
    if block.slope and own is not None:
        op, settings = own
        y = np.asarray(op.forward(g, **settings))
        slope = slope_at(op, settings, g)
        for value, what in ((y, "the function itself"), (slope, "its slope")):
            text = f"{what} is applied to the gradient above, instead of multiplying it by {name}"
            if value is not None:
                target.at(block.exit, value, Edit(("slope_on_gradient",), text, 1.3, at))
        for told, value in functions(g):
            if told in ("{} (1 - {})", "1 - {}²", "({} > 0)"):
                text = (
                    f"{told.replace('{}', 'g')} of the gradient above, g, stands there: {name} is taken of it"
                )
                target.at(block.exit, value, Edit(("slope_on_gradient", "slope_wrong"), text, 1.3, at))
        text = f"the gradient above is kept where it is positive itself, instead of multiplied by {name}"
        target.at(block.exit, np.maximum(g, 0), Edit(("slope_on_gradient", "slope_wrong"), text, 1.32, at))
    if not block.slope:
        _mask_by_value(target, block, pool, g, S, name, at)


def _mask_by_value(target: Target, block: Block, pool: Pool, g: Array, S: Array, name: str, at: str) -> None:
    levels = np.unique(S)
    mask = levels.size <= 3 and levels[0] == 0
    codes = ("dropout_mask_missing", "slope_wrong") if mask else ("slope_wrong",)
    what = f"the mask {name}" if mask else name
    for value, zero in pool.with_zeros(S.shape):
        text = f"{what} is replaced by 1 where {value.text} is 0"
        target.at(block.exit, g * np.where(zero, 1.0, S), Edit(codes, text, 1.4, at))
        target.at(block.exit, g * ~zero, Edit(codes, f"({value.text} ≠ 0) stands for {what}", 1.3, at))
    if mask:
        kept = levels[-1]
        target.at(
            block.exit,
            g * (kept - S),
            Edit(("dropout_mask_missing", "slope_wrong"), f"{what} is applied inverted", 1.2, at),
        )


def _own_function(block: Block, pool: Pool) -> tuple[Op, dict[str, Any]] | None:
    """The function that y is of x, if it is one that has a name: found by its values."""
    known = pool.memo("function", block.above, block.below)
    if known is None:
        known = pool.memo("function", block.above, block.below, found=_found_function(block, pool) or ())
    return known or None


def _found_function(block: Block, pool: Pool) -> tuple[Op, Mapping[str, Any]] | None:
    x = np.asarray(pool.graph.find(block.below or "").value, float)
    node = pool.graph.find(block.above or "")
    y = np.asarray(node.value, float)
    if (
        node.op is not None
        and node.op.kind == "elementwise"
        and len(node.args) == 1
        and node.inputs[0].name == block.below
    ):
        return node.op, node.settings
    for op in functions_of_one():
        if (found := applied(op, {}, x)) is not None and np.allclose(found, y, rtol=1e-6, atol=1e-12):
            return op, {}
    return None


def _replace(target: Target, block: Block, pool: Pool, name: str, own: Op | None, brief: bool) -> None:
    """Everything in the bank that, multiplied with the gradient above, gives the array."""
    g = target.value(block.entry)
    S, at = block.factor, block.below or ""
    share = 1.1 if np.all((S > 0) & (S < 1)) else 1.3
    for wrong, told, cost in ((1 - S, "1 minus it", share), (1 / S, "its inverse", 1.3)):
        text = f"{told} stands for {name}"
        target.at(block.exit, g * wrong, Edit(("slope_wrong",), text, cost, at))
    if np.all((np.abs(S) >= 0) & (np.abs(S) <= 1)):
        for wrong, told in ((S - 1, "1 is subtracted from"), (S + 1, "1 is added to")):
            text = f"{told} {name}, which is between 0 and 1 up to its sign: as for the other label"
            target.at(block.exit, g * wrong, Edit(("slope_wrong", "labels_swapped"), text, 1.05, at))
    bank = pool.bank(S.shape)
    if block.exit not in target.pulled[0] or not bank.entries:
        return
    if target.right.size == 1 and target.eps > _FINE:
        return  # among so many, some number is near any number at single precision
    for k in target.promising(block.exit, bank.rows, g):
        entry = bank.entries[k]
        codes, cost = _codes(block, entry, own)
        text = f"{entry.told} stands for {name}"
        target.at(block.exit, g * bank.rows[k].reshape(S.shape), Edit(codes, text, cost, at))
    if brief:
        return
    _in_one_branch(target, block, pool, name)
    values, rows = pool.gradients_of_shape(S.shape)
    for k in target.promising(block.exit, rows, g):
        value = values[k]
        if value.node is None or value.node.name not in (block.above, block.below):
            text = f"{value.text} stands for {name}"
            edit = Edit(("wrong_layer", "slope_wrong"), text, 1.4 + value.cost, at)
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
                target.at(block.exit, g * slope, Edit(codes, said, 1.2, block.below or ""))


_FINE = 1e-12
_FEW = 4


def _codes(block: Block, entry: Banked, own: Op | None) -> tuple[tuple[str, ...], float]:
    """What it is to take this for the slope of y at x, and how unlikely."""
    node = entry.value.node
    is_y, is_x = (node is not None and node.name == n for n in (block.above, block.below))
    here, mine = is_y or is_x, own is not None and entry.op is own
    cost = 1.05 + (0.0 if here else 0.3) + entry.value.cost
    if entry.op is not None:
        cost += 0.1 if mine or entry.op.kernel in LIKELY else 0.3
    elif entry.text != "{}":
        cost += 0.12
    if not block.slope:
        return (("wrong_layer", "slope_wrong"), cost)
    if not here:
        return (("wrong_layer", "slope_wrong"), cost)
    if entry.slope:
        return (("slope_at_a" if mine else "slope_wrong_activation", "slope_wrong"), cost)
    if entry.op is not None or (is_y and entry.text == "{}"):
        return (("activation_for_slope", "slope_wrong"), cost)
    if is_x:
        return (("slope_at_z", "slope_wrong", "z_for_a"), cost)
    if entry.text in ("{} (1 - {})", "1 - {}²"):
        return (("slope_wrong_activation", "slope_wrong"), cost)
    return (("slope_wrong",), cost)
