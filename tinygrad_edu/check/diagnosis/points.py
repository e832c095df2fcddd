"""A slope taken at another point than its own: the function that was recorded, made again from another value.

It needs no name of the function: the steps between x and y, and those of its slope, are run again.
What asks a question about x, such as ``x > 0`` in ``np.where``, is recorded as a constant and is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block, blocks_of
from tinygrad_edu.check.diagnosis.coefficients import Coefficients
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool, Value
from tinygrad_edu.check.diagnosis.steps import made_alike, outer
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import Step
from tinygrad_edu.ops.elementwise.selection import where

_MOST_POINTS = 40
_MOST_SIZE = 100_000
_QUESTIONS: tuple[Callable[[Array], Array], ...] = (
    lambda x: x > 0,
    lambda x: x >= 0,
    lambda x: x < 0,
    lambda x: x <= 0,
)


def of_points(target: Target, blocks: list[Block], pool: Pool) -> None:
    """The slope of a function of several steps at each other value of the shape."""
    for block, x, y in _ends_of(blocks):
        function = _Function(target.local, block, pool)
        if not function.several:
            continue  # one operation: its slope is in the bank
        g, slope, its = target.value(block.entry), f"the slope of {pool.words.of(y)}", pool.words.of(x)
        swapped = function.slope_at(np.asarray(pool.graph.find(x).value), inverted=True)
        if swapped is not None and function.asked:
            text = f"the branches of {slope} are exchanged: the condition is inverted"
            target.at(block.exit, g * swapped, Edit(("slope_wrong",), text, 1.1))
        of_g = function.slope_at(g)
        if of_g is not None:
            text = f"{slope} is that at the gradient above, not at {its}"
            target.at(block.exit, g * of_g, Edit(("slope_on_gradient", "slope_wrong"), text, 1.15))
        for value in _points(pool, block):
            factor = function.slope_at(np.asarray(value.array))
            if factor is not None:
                at_y = value.node is not None and value.node.name == y
                codes = ("slope_at_a" if at_y else "wrong_layer", "slope_wrong")
                text = f"{slope} is taken at {value.text} instead of {its}"
                dearer = 0.0 if pool.graph.find(x).named else 0.05
                target.at(block.exit, g * factor, Edit(codes, text, 1.1 + value.cost + dearer))


def _ends_of(blocks: list[Block]) -> Iterator[tuple[Block, str, str]]:
    """The first block that is the slope from each x to each y, with these."""
    seen = set[tuple[str, str]]()
    for block in blocks:
        ends = block.below or "", block.above or ""
        if block.slope and all(ends) and ends not in seen and block.factor.size <= _MOST_SIZE:
            seen.add(ends)
            yield block, *ends


def of_other_functions(target: Target, blocks: list[Block], pool: Pool) -> None:
    """The slope of another function of the same graph, one that has no name and several steps."""
    local = target.local
    every: list[_Function] | None = pool.memo("functions of several steps", pool.own)
    if every is None:
        alone = Local(local.backward, local.root, {}, local.coefficient_errors)
        whole = blocks_of(alone, pool.graph) if local.sources else blocks
        slopes = [b for b in whole if b.slope and b.below and b.above]
        slopes = [b for b in slopes if b.factor.size <= _MOST_SIZE and pool.graph.find(b.below or "").named]
        every = [f for f in (_Function(alone, b, pool) for b in slopes[-_MOST_POINTS:]) if f.several]
        pool.memo("functions of several steps", pool.own, found=every)
    for block, x, y in _ends_of(blocks):
        for other in every:
            ends = other.block.below or "", other.block.above or ""
            factor = other.slope_at(np.asarray(pool.graph.find(x).value)) if ends != (x, y) else None
            if factor is not None and not np.allclose(factor, block.factor):
                its = pool.words.of(ends[1])
                text = f"the slope of the function that makes {its} stands for that of {pool.words.of(y)}"
                edit = Edit(("slope_wrong_activation", "slope_wrong"), text, 1.2)
                target.at(block.exit, np.asarray(local.values[block.entry]) * factor, edit)


def of_left_out(target: Target, pool: Pool) -> None:
    """The right gradient of another formula: one in which a function, or a mask, is left out."""
    local, program = target.local, target.local.program
    uses = Coefficients(target, forward=True)
    steps = [s for s in uses.steps if s.op is not None]
    if sum(s.value.size for s in steps) + sum(s.value.size for s in local.steps) > _MOST_SIZE:
        return
    tried = 0
    for step in outer(steps, lambda s: made_alike(local, s)):
        u = _of_one(step, pool)
        if u is None or tried >= _MOST_POINTS:
            continue
        tried += 1
        above, below = (program.gradients[n].name if n in program.gradients else "" for n in (step.name, u))
        try:
            value = uses.gradient({step.name: program[u].value}, {below: above} if below else None)
        except (ValueError, TypeError):
            continue
        made, of = pool.words.of(step.name), pool.words.of(u)
        text = f"{made} is differentiated as if it were {of}: its own slope is missing too"
        codes: tuple[str, ...] = ("slope_missing", "z_for_a")
        if _masks(step):
            text = f"the mask that makes {made} of {of} is left out wherever it counts"
            codes = ("dropout_mask_missing", "chain_factor_missing")
        if value.shape == target.right.shape and np.isfinite(value).all():
            target.whole(value, Edit(codes, text, 1.0, u))


def _of_one(step: Step, pool: Pool) -> str | None:
    """The value that a forward step is a function of, entry by entry, or of which it masks some entries."""
    arrays = [u for u in dict.fromkeys(step.uses) if u in pool.graph and pool.graph.find(u).requires_grad]
    op = step.op
    if step.role != "forward" or op is None or op.kind != "elementwise" or len(arrays) != 1:
        return None
    if pool.graph.find(arrays[0]).shape != step.shape or (op.linear and not _masks(step)):
        return None
    others = [u for u in step.uses if u != arrays[0] and pool.program[u].value.size > 1]
    return arrays[0] if not others or _masks(step) else None


def _masks(step: Step) -> bool:
    return step.op is not None and step.op.kernel == where.kernel


def _points(pool: Pool, block: Block) -> list[Value]:
    values, _ = pool.forward_of_shape(block.factor.shape)
    others = [v for v in values if v.node is not None and v.node.name != block.below]
    return sorted(others, key=lambda v: v.cost)[:_MOST_POINTS]


class _Function:
    """What leads from x to y, and from the gradient of y to that of x."""

    def __init__(self, local: Local, block: Block, pool: Pool) -> None:
        self.local, self.block = local, block
        x = np.asarray(local.program[block.below or ""].value)
        self.asked: dict[str, Callable[[Array], Array]] = {}
        for node in pool.graph.inputs:
            if node.shape == x.shape and not node.requires_grad and np.isin(node.value, (0, 1)).all():
                for question in _QUESTIONS:
                    if np.array_equal(node.value, question(x)):
                        self.asked[node.name] = question
                        break
        touched, steps = {block.below or "", *self.asked}, list[Step]()
        for step in local.program.steps:
            own = step.op is not None and step.op.kind == "elementwise" and step.shape == x.shape
            if own and step.name not in local.names and touched & set(step.uses):
                touched.add(step.name)
                steps.append(step)
        self.between = [s for s in local.steps if s.name in block.inside]
        needed = {u for s in self.between for u in s.uses if u not in local.names}
        for step in reversed(steps):
            if step.name in needed:
                needed.update(step.uses)
        self.steps = [s for s in steps if s.name in needed]
        made_of = [node.name for node in pool.graph.find(block.above or "").inputs]
        self.several = made_of != [block.below] or bool(self.asked)

    def slope_at(self, value: Array, *, inverted: bool = False) -> Array | None:
        """The factor between the two gradients, were x another value; None where it is not finite.

        ``inverted``: with the opposite answer to every question about x.
        """
        known: dict[str, Any] = {self.block.below or "": value}
        known |= {name: question(value) ^ inverted for name, question in self.asked.items()}
        found: dict[str, Any] = {self.block.entry: np.ones(np.shape(value))}
        try:
            for step in self.steps:
                known[step.name] = self.local.applied(step, known)
            for step in self.between:
                found[step.name] = self.local.applied(step, {**known, **found})
        except (ValueError, TypeError):
            return None
        factor = np.asarray(found[self.block.exit], float)
        usable = factor.shape == np.shape(value) and np.isfinite(factor).all()
        return factor if usable else None
