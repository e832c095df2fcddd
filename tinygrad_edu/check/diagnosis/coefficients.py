"""The coefficients of a formula: what carries no gradient, and what becomes of the formula with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import Program, Ref, Step


class Coefficients:
    """The coefficients of a formula, and what becomes of it where some of them are other values.

    What is computed from a changed one alone moves along with it; with ``forward`` all that is computed from
    it in the forward pass too.
    """

    def __init__(self, target: Target, *, forward: bool = False) -> None:
        self.target = target
        program = target.local.program

        def follows(step: Step) -> bool:
            recorded = step.role in ("input", "forward")
            return (forward and step.op is not None) or not recorded or _moves_along(step, program)

        self.steps = _coefficients(target.local, follows)
        """These steps, in order."""
        self._users: dict[str, list[int]] = {}
        self._follow = [step for step in self.steps if follows(step)]
        for k, step in enumerate(self._follow):
            for name in step.uses:
                self._users.setdefault(name, []).append(k)

    def gradient(self, values: Mapping[str, Any], passed: Mapping[str, str] | None = None) -> Array:
        """The local gradient with other values; ``passed`` as of :meth:`Local.again`."""
        return self.target.local.again(self._along(values), passed)

    def _along(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """These values, and those of the coefficients that move along with them."""
        known = dict(values)
        queue = [k for name in values for k in self._users.get(name, ())]
        heapify(queue)  # each comes before what uses it
        while queue:
            step = self._follow[heappop(queue)]
            if step.name not in known:
                known[step.name] = self.target.local.applied(step, known)
                for k in self._users.get(step.name, ()):
                    heappush(queue, k)
        return known

    def tried(self, values: Mapping[str, Any], *edits: Edit) -> bool:
        """Whether these values give the array; then that is noted."""
        target = self.target
        try:
            known = self._along(values)
            changes = target.local.differences(known)
        except (ValueError, IndexError, TypeError):
            return False  # these values do not go through its steps
        return (changes is None or target.may_fit(changes)) and target.again(known, *edits)


def _coefficients(local: Local, follows: Callable[[Step], bool]) -> list[Step]:
    """The steps without a gradient that a local formula uses, and what those are made of that follow."""
    program = local.program
    needed, queue = set[str](), [a.name for s in local.steps for a in s.args if isinstance(a, Ref)]
    for name in queue:
        if name not in local.names and name not in needed:
            needed.add(name)
            if follows(program[name]):
                queue += program[name].uses
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
