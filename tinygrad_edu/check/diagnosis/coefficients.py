"""The coefficients of a formula: what carries no gradient, and what becomes of the formula with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import Program, Ref, Step

__all__ = ["Coefficients"]


class Coefficients:
    """The coefficients of a formula, and what becomes of it where some of them are other values."""

    def __init__(self, target: Target) -> None:
        self.target, self.steps = target, _coefficients(target)
        self._program = program = target.local.program
        self._follow = [
            s for s in self.steps if s.role not in ("input", "forward") or _moves_along(s, program)
        ]

    def gradient(self, values: Mapping[str, Any]) -> Array:
        """The local gradient with other values; what is computed from them alone moves along."""
        known = dict(values)
        for step in self._follow:
            if step.name not in known and any(u in known for u in step.uses):
                args = [
                    known.get(a.name, self._program[a.name].value) if isinstance(a, Ref) else a
                    for a in step.args
                ]
                known[step.name] = args[0] if step.op is None else step.op.forward(*args, **step.settings)
        return self.target.local.again(known)

    def tried(self, values: Mapping[str, Any], *edits: Edit) -> bool:
        """Whether these values give the array; then that is noted."""
        try:
            return self.target.whole(self.gradient(values), *edits)
        except (ValueError, IndexError, TypeError):
            return False  # these values do not go through its steps


def _coefficients(target: Target) -> list[Step]:
    """The steps of the backward pass that carry no gradient and that the local formula uses, in order."""
    program, local = target.local.program, target.local
    needed, queue = set[str](), [a.name for s in local.steps for a in s.args if isinstance(a, Ref)]
    for name in queue:
        step = program[name]
        if name not in local.names and name not in needed:
            needed.add(name)
            if step.role not in ("input", "forward") or _moves_along(step, program):
                queue += step.uses
    return [s for s in program.steps if s.name in needed]


def _moves_along(step: Step, program: Program) -> bool:
    """Whether a forward value is another with other places, or, without a name, a function of it alone."""
    op = step.op
    if step.role != "forward" or op is None:
        return False
    if op.moves and op.kind != "reduction":
        return True
    arrays = {name for name in step.uses if program[name].value.size > 1}
    return not step.named and op.kind == "elementwise" and len(arrays) == 1
