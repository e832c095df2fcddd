"""The part of a backward pass that leads from given gradients to one quantity's: a linear map of them.

Each step of it carries gradients, so a change at a step is pushed on to the end, and a functional at the
end is pulled back to every step: how much a change anywhere matters costs one product.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.check.rounding import Array, inherited, rules_of
from tinygrad_edu.core import rules
from tinygrad_edu.graph import Program, Ref, Step


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
        self._calls: dict[str, tuple[list[Any], list[tuple[int, str]]]] = {}

    def carried(self, step: Step) -> tuple[str, ...]:
        """The names of the steps whose gradients this one takes."""
        return self._carried[step.name]

    def applied(self, step: Step, known: Mapping[str, Any]) -> Any:
        """The step's operation on other operands, by name; zero for a gradient that is not among them."""
        call = self._calls.get(step.name)
        if call is None:
            call = self._calls[step.name] = self._call(step)
        args = call[0].copy()
        for k, name in call[1]:
            other = known.get(name)
            if other is not None:
                args[k] = other
        return args[0] if step.op is None else step.op.forward(*args, **step.settings)

    def _call(self, step: Step) -> tuple[list[Any], list[tuple[int, str]]]:
        """A step's operands where none is known, and which step each of them is."""
        own: list[Any] = list(step.args)
        refs = [(k, a.name) for k, a in enumerate(own) if isinstance(a, Ref)]
        for k, name in refs:
            value = self.program[name].value
            own[k] = np.zeros(value.shape) if k in self.carriers.get(step.name, ()) else value
        return own, refs


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
        self.applied = backward.applied
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

    def applied_to_many(self, step: Step, known: Mapping[str, Any], many: Collection[str]) -> Array:
        """The same where each operand in ``many`` is a stack, all of one length: the stack of the results."""
        used = [name for name in step.uses if name in many]
        n = len(known[used[0]])

        def one(k: int) -> Any:
            return self.applied(step, {**known, **{name: known[name][k] for name in used}})

        try:
            found, last = np.asarray(self.applied(step, known)), one(n - 1)
        except (ValueError, TypeError):
            found, last = np.zeros(0), None
        if found.shape == (n, *step.shape) and np.array_equal(found[-1], last):
            return found  # it takes them one by one, as entry by entry, and as a product of matrices
        return np.stack([one(k) for k in range(n)])

    def again(self, values: Mapping[str, Any], passed: Mapping[str, str] | None = None) -> Array:
        """The root's gradient where some coefficients, or steps on the way, have other values.

        Args:
            values: their arrays, by the names of their steps. A gradient may have another shape, where only
                numbers multiply it from there on, and addends join it; what moves entries leaves it as it is.
            passed: steps that pass on the gradient of another one as it is.
        """
        passed = passed or {}
        known, moved = {**self.values, **values}, set(values)
        odd = {n for n, v in values.items() if n in self.names and np.shape(v) != self.program[n].shape}
        for step in self.steps[self._first_use(moved) :] if not passed else self.steps:
            if step.name in values:
                continue
            if passed.get(step.name, "") in self.names:
                known[step.name] = known[passed[step.name]]
            elif not odd.isdisjoint(step.uses):
                known[step.name] = self._in_another_shape(step, known)
                odd.add(step.name)
            elif not moved.isdisjoint(step.uses):
                known[step.name] = self.applied(step, known)
            else:
                continue
            moved.add(step.name)
        return np.asarray(known[self.root], float)

    def _in_another_shape(self, step: Step, known: Mapping[str, Any]) -> Any:
        """A step's value from gradients of other shapes.

        Raises:
            ValueError: more than numbers would multiply them.
        """
        first, carriers = self.backward.carried(step)[0], self.backward.carriers[step.name]
        if step.op is None or (step.op.moves and np.shape(known[first]) != self.program[first].shape):
            return known[first]
        others = (self.operand(step, k) for k in range(len(step.args)) if k not in carriers)
        if not step.op.moves and (step.op.kind != "elementwise" or any(np.size(x) > 1 for x in others)):
            raise ValueError(f"{step.name} takes gradients of its own shape alone")
        return self.applied(step, known)

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
        for step in steps:
            name, carried = step.name, self.backward.carried(step)
            above = name in leading and not moved.keys().isdisjoint(carried)
            if name not in using and not above:
                continue
            known = {n: moved[n] if n in moved else self.values[n] for n in carried}
            old = self.applied(step, known) if above else self.values[name]
            new = self.applied(step, {**values, **known}) if name in using else old
            if np.shape(new) != np.shape(self.values[name]):
                return None
            if name in using:
                found[name] = np.asarray(new - old)
            moved[name] = new
        return found

    def _first_use(self, names: Iterable[str]) -> int:
        """The place of the first step that uses one of some values."""
        return min((self._users[name][0] for name in names if name in self._users), default=len(self.steps))

    def between(self, names: Collection[str]) -> list[tuple[Step, tuple[str, ...]]]:
        """The steps from the first of some on that lead to another, each with the gradients that it takes."""
        places = [self.place[name] for name in names if name in self.place]
        steps = self._flow[min(places) : max(places) + 1] if places else []
        leading, found = set(names), []
        for step, above in reversed(steps):
            if step.name in leading:
                leading.update(above)
                found.append((step, above))
        return found[::-1]

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each step is among them."""
        return {step.name: k for k, step in enumerate(self.steps)}

    @cached_property
    def _flow(self) -> list[tuple[Step, tuple[str, ...]]]:
        """Each step with the gradients that it takes."""
        return [(step, self.backward.carried(step)) for step in self.steps]

    @cached_property
    def _users(self) -> dict[str, list[int]]:
        """For each value the places of the steps that use it."""
        found: dict[str, list[int]] = {}
        for k, step in enumerate(self.steps):
            for name in step.uses:
                found.setdefault(name, []).append(k)
        return found

    @cached_property
    def followers(self) -> dict[str, list[Step]]:
        """For each step those that carry it on, in order."""
        found: dict[str, list[Step]] = {}
        for step, above in self._flow:
            for name in dict.fromkeys(above):
                found.setdefault(name, []).append(step)
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
        last = self.place.get(end, len(self.steps))
        for step, above in self._flow[self._first_use(changes) : last + 1]:
            for name in above:
                if name in moved:
                    own = self.applied(step, moved)
                    moved[step.name] = own + moved[step.name] if step.name in moved else own
                    break
        return np.asarray(moved[end], float) if end in moved else np.zeros(np.shape(self.values[end]))

    def pull(self, functional: Array) -> dict[str, Array]:
        """For every step the functional of its value that is this functional of the root."""
        found: dict[str, Any] = {self.root: functional}
        for step in reversed(self.steps):
            u = found.get(step.name)
            if u is None:
                continue
            for k, name in zip(self.backward.carriers[step.name], self.backward.carried(step), strict=True):
                back = self.pulled_through(step, k, u)
                found[name] = found[name] + back if name in found else back
        return found

    def pulled_through(self, step: Step, k: int, u: Array) -> Array:
        """The functional of a step's k-th operand, in which it is linear, that is this one of its value."""
        if step.op is None:
            return u
        args = [self.operand(step, j) for j in range(len(step.args))]
        rule = rules_of(step.op, len(args))[k]
        return fitted(rule(u, self.values[step.name], *args, **step.settings), np.shape(args[k]))


def fitted(given: Any, shape: tuple[int, ...]) -> Array:
    """Broadcasting undone."""
    return np.asarray(rules.fitted(np.asarray(given, float), np.broadcast_to(0.0, shape)))
