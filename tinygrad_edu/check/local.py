"""The part of a backward pass that leads from given gradients to one quantity's: a linear map of them.

Each step of it carries gradients, so a change at a step is pushed on to the end, and a functional at the
end is pulled back to every step: how much a change anywhere matters costs one product.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.check.rounding import inherited, rules_of
from tinygrad_edu.graph import Program, Ref, Step
from tinygrad_edu.ops.reduction.sums_and_extrema import sum_to

__all__ = ["Backward", "Local"]

Array = NDArray[Any]


class Backward:
    """A program's backward pass: which steps carry a gradient, and in which operands."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.carriers: dict[str, tuple[int, ...]] = {}
        self.coefficients: list[Step] = []
        for step in program.backward:
            carrying = tuple(
                k for k, a in enumerate(step.args) if isinstance(a, Ref) and a.name in self.carriers
            )
            if step.role == "seed" or carrying:
                self.carriers[step.name] = carrying
            else:
                self.coefficients.append(step)
        self.index = {step.name: k for k, step in enumerate(program.steps)}
        self._carried = {
            step.name: tuple(step.args[k].name for k in self.carriers.get(step.name, ()))
            for step in program.steps
        }

    def carried(self, step: Step) -> tuple[str, ...]:
        """The names of the steps whose gradients this one takes."""
        return self._carried[step.name]


class Local:
    """How one gradient comes out of the given ones above it, or of the seed.

    Args:
        backward: the whole backward pass.
        root: the step that ends it.
        given: arrays by the name of the step that they stand for; the walk back stops there.
        errors: how far each coefficient is off, in units of eps.
    """

    def __init__(
        self, backward: Backward, root: str, given: Mapping[str, Array], errors: Mapping[str, Array]
    ) -> None:
        self.backward, self.program, self.root = backward, backward.program, root
        self.coefficient_errors = errors
        self.sources: dict[str, Array] = {}
        self.exact: list[str] = []
        seen, queue = {root}, [root]
        for name in queue:
            step = self.program[name]
            above = backward.carried(step)
            if name != root and name in given:
                self.sources[name] = given[name]
                continue
            if not above:
                self.exact.append(name)
            for other in above:
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
        ends = {*self.sources, *self.exact}
        self.steps = [self.program[n] for n in sorted(seen - ends, key=backward.index.__getitem__)]
        self.names = frozenset(seen)

    @cached_property
    def values(self) -> dict[str, Array]:
        """The gradient at every step, computed from the given ones."""
        found = {**self.sources, **{name: self.program[name].value for name in self.exact}}
        if not self.sources:
            return found | {step.name: step.value for step in self.steps}
        for step in self.steps:
            found[step.name] = np.asarray(self.applied(step, found))
        return found

    @property
    def value(self) -> Array:
        """The gradient that the root would have, were each given one above it right."""
        return self.values[self.root]

    def operand(self, step: Step, k: int) -> Any:
        """The k-th operand of a step: a carried gradient, or a coefficient."""
        a = step.args[k]
        if not isinstance(a, Ref):
            return a
        return self.values[a.name] if a.name in self.names else self.program[a.name].value

    def applied(self, step: Step, known: Mapping[str, Any]) -> Any:
        """The step's operation on other operands, by name; zero for a gradient that is not among them."""
        carriers = self.backward.carriers.get(step.name, ())
        args = []
        for k, a in enumerate(step.args):
            if isinstance(a, Ref):
                own = self.program[a.name]
                other = known.get(a.name)
                a = other if other is not None else np.zeros(own.shape) if k in carriers else own.value
            args.append(a)
        return args[0] if step.op is None else step.op.forward(*args, **step.settings)

    def again(self, values: Mapping[str, Any], passed: Mapping[str, str] | None = None) -> Array:
        """The root's gradient where some coefficients have other values.

        Args:
            values: the coefficients' arrays, by the names of their steps.
            passed: steps that pass on the gradient of another one as it is.
        """
        found = dict[str, Any]()
        known = ChainMap(found, dict(values), self.values)
        for step in self.steps:
            above = (passed or {}).get(step.name, "")
            if above in self.names:
                found[step.name] = found.get(above, self.values[above])
            elif any(u in found or u in values for u in step.uses):
                found[step.name] = self.applied(step, known)
        return np.asarray(found.get(self.root, self.value), float)

    def differences(self, values: Mapping[str, Any]) -> dict[str, Array] | None:
        """What other values of coefficients add at the steps that use them; pushed on it is the change.

        Only what leads to such a step is computed again. None where they change the shape of a step.
        """
        places = sorted({k for name in values for k in self._users.get(name, ())})
        steps = self.steps[places[0] : places[-1] + 1] if places else []
        using = {self.steps[k].name for k in places}
        leading = set(using)
        for step in reversed(steps if len(using) > 1 else []):
            if step.name in leading:
                leading.update(self.backward.carried(step))
        moved, found = dict[str, Any](), dict[str, Array]()
        changed, before = ChainMap(moved, dict(values), self.values), ChainMap(moved, self.values)
        for step in steps:
            above = step.name in leading and any(name in moved for name in self.backward.carried(step))
            if step.name not in using and not above:
                continue
            old = self.applied(step, before) if above else self.values[step.name]
            new = self.applied(step, changed) if step.name in using else old
            if np.shape(new) != np.shape(self.values[step.name]):
                return None
            if step.name in using:
                found[step.name] = np.asarray(new - old)
            moved[step.name] = new
        return found

    @cached_property
    def _users(self) -> dict[str, list[int]]:
        """For each coefficient the places of the steps that use it."""
        found: dict[str, list[int]] = {}
        for k, step in enumerate(self.steps):
            for name in step.uses:
                found.setdefault(name, []).append(k)
        return found

    @cached_property
    def followers(self) -> dict[str, str]:
        """For each step the first one that carries it on."""
        found: dict[str, str] = {}
        for step in self.steps:
            for name in self.backward.carried(step):
                found.setdefault(name, step.name)
        return found

    @cached_property
    def errors(self) -> dict[str, Array]:
        """How far rounding carries each step's value, the given gradients taken as they are."""
        found = {name: np.zeros(np.shape(self.values[name])) for name in (*self.sources, *self.exact)}
        with np.errstate(all="ignore"):
            for step in self.steps:
                xs = [self.operand(step, k) for k in range(len(step.args))]
                es = [self._error(a, found) for a in step.args]
                found[step.name] = (
                    es[0]
                    if step.op is None
                    else inherited(step.op, xs, es, self.values[step.name], step.settings)
                )
        return found

    def _error(self, a: Any, found: Mapping[str, Array]) -> Array:
        if not isinstance(a, Ref):
            return np.zeros(np.shape(a))
        return found[a.name] if a.name in found else self.coefficient_errors[a.name]

    def push(self, changes: Mapping[str, Any], end: str | None = None) -> Array:
        """What changes of some steps' values do to the root, or to another step on the way."""
        moved: dict[str, Any] = dict(changes)
        end = self.root if end is None else end
        for step in self.steps:
            if any(name in moved for name in self.backward.carried(step)):
                own = self.applied(step, moved)
                moved[step.name] = own + moved[step.name] if step.name in moved else own
            if step.name == end:
                break
        return np.asarray(moved[end], float) if end in moved else np.zeros(np.shape(self.values[end]))

    def pull(self, functional: Array) -> dict[str, Array]:
        """For every step the functional of its value that is this functional of the root."""
        found: dict[str, Any] = {self.root: functional}
        for step in reversed(self.steps):
            u = found.get(step.name)
            if u is None:
                continue
            args = [self.operand(step, k) for k in range(len(step.args))]
            for k in self.backward.carriers[step.name]:
                name = step.args[k].name
                if step.op is None:
                    back = u
                else:
                    rule = rules_of(step.op, len(args))[k]
                    back = _fitted(rule(u, self.values[step.name], *args, **step.settings), np.shape(args[k]))
                found[name] = found[name] + back if name in found else back
        return found


def _fitted(given: Any, shape: tuple[int, ...]) -> Array:
    """Broadcasting undone."""
    u: Array = np.asarray(given, float)
    if u.shape == shape:
        return u
    wide = np.broadcast_shapes(u.shape, shape)
    spread = np.broadcast_to(u, wide)
    return np.asarray(spread if wide == shape else sum_to.forward(spread, shape=shape))
