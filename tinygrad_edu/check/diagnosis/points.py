"""A slope taken at another point than its own: the function that was recorded, made again from another value.

It needs no name of the function: the steps between x and y, and those of its slope, are run again.
What asks a question about x, such as ``x > 0`` in ``np.where``, is recorded as a constant and is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import Ref, Step

__all__ = ["of_points"]

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
    seen = set[tuple[str, str]]()
    for block in blocks:
        x, y = block.below, block.above
        if not block.slope or x is None or y is None or (x, y) in seen or block.factor.size > _MOST_SIZE:
            continue
        seen.add((x, y))
        function = _Function(target, block, pool)
        if not function.several:
            continue  # one operation: its slope is in the bank
        g = np.asarray(target.local.values[block.entry], float)
        for value in _points(pool, block):
            factor = function.slope_at(np.asarray(value.array))
            if factor is None:
                continue
            at_y = value.node is not None and value.node.name == y
            codes = ("slope_at_a", "slope_wrong") if at_y else ("wrong_layer", "slope_wrong")
            text = f"the slope of {pool.words.of(y)} is taken at {value.text} instead of {pool.words.of(x)}"
            target.at(block.exit, g * factor, Edit(codes, text, 1.1 + value.cost, x))
        for step, u in function.applied:
            factor = function.slope_without(step, u)
            if factor is not None:
                made, of = pool.words.of(step.name), pool.words.of(u)
                text = f"{made} is differentiated as if it were {of}: its own slope is missing too"
                target.at(block.exit, g * factor, Edit(("slope_missing", "z_for_a"), text, 1.0, x))


def _points(pool: Pool, block: Block) -> Iterator[Any]:
    others = [
        v
        for v in pool.forward
        if v.array.shape == block.factor.shape and v.node is not None and v.node.name != block.below
    ]
    yield from sorted(others, key=lambda v: v.cost)[:_MOST_POINTS]


class _Function:
    """What leads from x to y, and from the gradient of y to that of x."""

    def __init__(self, target: Target, block: Block, pool: Pool) -> None:
        self.local, self.block = target.local, block
        program = self.program = target.local.program
        x = np.asarray(program[block.below or ""].value)
        self.asked: dict[str, Callable[[Array], Array]] = {}
        for node in pool.graph.inputs:
            if node.shape == x.shape and not node.requires_grad and np.isin(node.value, (0, 1)).all():
                for question in _QUESTIONS:
                    if np.array_equal(node.value, question(x)):
                        self.asked[node.name] = question
                        break
        touched = {block.below or "", *self.asked}
        between = [s for s in target.local.steps if s.name in block.inside]
        wanted = {u for s in between for u in s.uses if u not in target.local.names}
        self.steps: list[Step] = []
        for step in program.steps:
            if step.op is not None and step.name not in target.local.names and touched & set(step.uses):
                if step.op.kind != "elementwise" or step.shape != x.shape:
                    continue
                touched.add(step.name)
                self.steps.append(step)
        needed = set(wanted)
        for step in reversed(self.steps):
            if step.name in needed:
                needed.update(step.uses)
        self.steps = [s for s in self.steps if s.name in needed]
        self.between = between
        self.several = len({s for s in self.steps if s.role == "forward"}) > 1 or bool(self.asked)

    def slope_at(self, value: Array) -> Array | None:
        """The factor between the two gradients, were x another value; None where it is not finite."""
        known: dict[str, Any] = {self.block.below or "": value}
        known |= {name: question(value) for name, question in self.asked.items()}
        found: dict[str, Any] = {self.block.entry: np.ones(self.block.factor.shape)}
        try:
            for step in self.steps:
                known[step.name] = self._run(step, known)
            for step in self.between:
                found[step.name] = self._run(step, {**known, **found})
        except (ValueError, TypeError):
            return None
        factor = np.asarray(found[self.block.exit], float)
        usable = factor.shape == self.block.factor.shape and np.isfinite(factor).all()
        return factor if usable else None

    @property
    def applied(self) -> Iterator[tuple[Step, str]]:
        """The functions of one value that it is made of, and of which value each is."""
        own = {s.name for s in self.steps} | {self.block.below}
        for step in self.steps:
            arrays = {u for u in step.uses if self.program[u].value.size > 1}
            linear = step.op is not None and bool(step.op.linear)
            if step.role == "forward" and len(arrays) == 1 and arrays <= own and not linear:
                yield step, next(iter(arrays))

    def slope_without(self, step: Step, of: str) -> Array | None:
        """The factor, were one of its functions left out; None where it is not finite."""
        gradients = self.program.gradients
        if step.name not in gradients or of not in gradients:
            return None
        above, below = gradients[step.name].name, gradients[of].name
        if {above, below} - {self.block.entry, *self.block.inside}:
            return None
        known: dict[str, Any] = {step.name: np.asarray(self.program[of].value)}
        found: dict[str, Any] = {self.block.entry: np.ones(self.block.factor.shape)}
        for other in self.steps:
            if other is not step:
                known[other.name] = self._run(other, known)
        for other in self.between:
            found[other.name] = found[above] if other.name == below else self._run(other, {**known, **found})
        factor = np.asarray(found[self.block.exit], float)
        return factor if factor.shape == self.block.factor.shape and np.isfinite(factor).all() else None

    def _run(self, step: Step, known: dict[str, Any]) -> Any:
        args = []
        carriers = self.local.backward.carriers.get(step.name, ())
        for k, a in enumerate(step.args):
            if not isinstance(a, Ref):
                args.append(a)
            elif a.name in known:
                args.append(known[a.name])
            else:
                own = self.program[a.name]
                args.append(np.zeros(own.shape) if k in carriers else own.value)
        return args[0] if step.op is None else step.op.forward(*args, **step.settings)
