"""The array that was given, and whether an edited formula gives it, up to a constant that is known.

Two random functionals of the root, pulled back to every step, judge a change anywhere by two products; what
passes is evaluated in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit, Finding
from tinygrad_edu.check.diagnosis.steps import made_alike, outer
from tinygrad_edu.check.diagnosis.vocabulary import Vocabulary
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import Step

Said = Edit | Callable[[], Edit]
"""An edit, or what makes its sentence once it is known to fit."""
INSIDE = Edit(("sign_inside", "sign"), "the sign of everything but the penalty's term is wrong")
NO_PENALTY = Edit(("regularisation_missing", "term_missing"), "the penalty's term is missing")
_CLOSEST = 1e-6
_FEW = 4
"""A free constant is not read off fewer entries: it would fit anything."""


@dataclass(frozen=True)
class Aspect:
    """The given array with an outer edit undone; ``base`` is the part that no constant multiplies."""

    array: Array
    edits: tuple[Edit, ...] = ()
    base: Array | None = None


class Given:
    """An array that is to be explained, beside the right one, and what explains it.

    Args:
        right: what it should be.
        given: the array, in the same units.
        bound: how far rounding may carry the right one.
        eps: the unit in the last place of the arithmetic that made it.
        vocabulary: the constants that are known.
        penalty: the part of a gradient that no data entered, if there is one beside another.
    """

    def __init__(
        self,
        right: Array,
        given: Array,
        bound: Array | float,
        eps: float,
        vocabulary: Vocabulary,
        penalty: Array | None = None,
    ) -> None:
        self.given, self.eps, self.vocabulary = given, eps, vocabulary
        self.right = np.asarray(right, float)
        self.bound = float(np.max(bound, initial=0.0))
        self.penalty = penalty
        self.found: list[Finding] = []
        size = float(np.max(np.abs(self.right), initial=0.0))
        self.close = max(1e-8, 512 * eps, min(_CLOSEST, 4 * self.bound / size if size else 0.0))
        self.aspects = list(self._aspects())

    def _aspects(self) -> Iterator[Aspect]:
        given, right, penalty = self.given, self.right, self.penalty
        shapes = [Aspect(given)]
        if (
            given.ndim == 2
            and given.size > 1
            and (right.shape != given.shape or right.shape == given.T.shape)
        ):
            shapes.append(Aspect(given.T, (Edit(("transpose",), "the result is transposed"),)))
        if (told := self._of_shape()) is not None:
            shapes.append(Aspect(given.reshape(right.shape), (told,)))
        yield from shapes
        for aspect in shapes if penalty is not None else ():
            if aspect.array.shape == right.shape:
                yield Aspect(aspect.array - penalty, aspect.edits, penalty)
                yield Aspect(aspect.array, (*aspect.edits, NO_PENALTY), penalty)

    def _of_shape(self) -> Edit | None:
        """What it is to give the same entries in another shape; None where that is not so."""
        given, right = self.given, self.right
        if given.shape == right.shape or given.size != right.size:
            return None
        told = f"the shape is {given.shape} instead of {right.shape}"
        if [n for n in given.shape if n != 1] != [n for n in right.shape if n != 1]:
            return Edit(("wrong_shape",), told, 1.4) if given.ndim else None
        if given.ndim < right.ndim:
            return Edit(("sum_keepdims",), f"{told}: keepdims=True is missing")
        if given.ndim > right.ndim or right.size == 1:
            return Edit(("sum_keepdims", "wrong_shape"), f"{told}: a dimension too many")
        return None

    def note(self, *edits: Edit) -> None:
        """These edits give the array."""
        self.found.append(Finding(edits))

    def slack(self, array: Array) -> float:
        """How far an array of these sizes may be off, when it is computed in another order."""
        return self.bound + 64 * self.eps * float(np.max(np.abs(array), initial=0.0))

    def whole(self, value: Any, *edits: Said, free: bool = False, at: str = "") -> bool:
        """Whether an array, times a constant, is the given one in some aspect; then that is noted.

        ``at``: the quantity in whose gradient's formula the edits are made.
        """
        value = np.asarray(value, float)
        fits = False
        for aspect in self.aspects:
            if aspect.array.shape != value.shape:
                continue
            base = aspect.base if aspect.base is not None and value.shape == self.right.shape else None
            own = value if base is None else value - base
            factor = self.factor(aspect.array, own, free)
            if factor is not None and (edits or aspect.edits or factor):
                said = [told_at(edit, at) for edit in edits]
                if base is not None:
                    factor = tuple(INSIDE if edit.codes == ("sign",) else edit for edit in factor)
                self.note(*aspect.edits, *said, *factor)
                c = float(np.vdot(own, aspect.array)) / float(np.vdot(own, own))
                if (other := self.vocabulary.also(c, self.close)) is not None:
                    self.note(*aspect.edits, *said, other)
                fits = True
        return fits

    def factor(self, given: Array, value: Array, free: bool = False) -> tuple[Edit, ...] | None:
        """What the constant between two arrays is; None where it is none, or none that is known."""
        square = float(np.vdot(value, value))
        if not np.isfinite(square) or square == 0:
            return None
        c = float(np.vdot(value, given)) / square
        size, wanted = float(np.max(np.abs(value))), float(np.max(np.abs(given)))
        if max(size, wanted) <= self.bound:
            return ()  # both are nothing but rounding, as a sum over everything may be
        if c == 0 or not np.isfinite(c) or abs(c) * self.bound > 1e-3 * wanted:
            return None
        slack = max(1.0, abs(c)) * self.bound + 64 * self.eps * size * abs(c)
        near = np.abs(given - value) <= self.bound + 64 * self.eps * size
        if abs(c - 1) <= self.close * 4 and np.all(near):
            return ()
        if not np.all(np.abs(given - c * value) <= slack):
            return None
        entries = int(np.count_nonzero(np.abs(value) > 1e-12 * size))
        read = self.vocabulary.read(c, self.close)
        if read is not None and (entries >= 2 or self.eps < 1e-12 or sum(e.cost for e in read) <= 1.0):
            return read
        return (self.vocabulary.free(c),) if free and entries >= _FEW else None


class Target(Given):
    """A gradient that is to be explained by edits of the formula by which it comes about.

    Args:
        local: how the gradient comes about; the others as of :class:`Given`.
    """

    def __init__(
        self,
        local: Local,
        given: Array,
        bound: Array | float,
        eps: float,
        vocabulary: Vocabulary,
        penalty: Array | None = None,
    ) -> None:
        super().__init__(np.asarray(local.value, float), given, bound, eps, vocabulary, penalty)
        self.local = local
        rng = np.random.default_rng(0)
        self._pulled_by_shape: dict[tuple[int, ...], tuple[list[str], list[Array]]] = {}
        self._functionals = [rng.standard_normal(self.right.shape) for _ in range(2)]

    @cached_property
    def places(self) -> list[Step]:
        """The steps to be edited one at a time: of many alike, as a long loop leaves them, the outer ones."""
        return outer(self.local.steps, lambda step: made_alike(self.local, step))

    def value(self, step: str) -> Array:
        """The gradient at a step of the formula."""
        return np.asarray(self.local.values[step], float)

    def operand(self, step: Step, k: int) -> Array:
        """The k-th operand of a step: a gradient, or a coefficient."""
        return np.asarray(self.local.operand(step, k), float)

    def owner(self, name: str) -> str:
        """The quantity in whose gradient's formula a step stands."""
        while (of := self.local.program[name].of) is None and name in self.local.followers:
            name = self.local.followers[name][0].name
        return of or ""

    def before_moves(self, name: str) -> str:
        """The value that a transposed or reshaped one was made of."""
        step = self.local.program[name]
        while step.role not in ("input", "forward") and step.op is not None and step.op.moves and step.uses:
            if step.of is not None:
                break
            step = self.local.program[step.uses[0]]
        return step.name

    @cached_property
    def pulled(self) -> list[dict[str, Array]]:
        """The functionals at every step."""
        return [self.local.pull(u) for u in self._functionals]

    @cached_property
    def _numbers(self) -> list[list[tuple[float, ...]]]:
        """For each aspect of the right shape, what the functionals give of it, and of the right array."""
        found = []
        for aspect in self.aspects:
            if aspect.array.shape == self.right.shape:
                right = self.right if aspect.base is None else self.right - aspect.base
                both = aspect.array, right
                found.append([tuple(float(np.vdot(u, a)) for a in both) for u in self._functionals])
        return found

    @cached_property
    def _likely(self) -> tuple[float, ...]:
        m = float(self.vocabulary.m)
        return tuple(dict.fromkeys((1.0, -1.0, m, 1 / m)))

    def at(self, step: str, value: Any, *edits: Said) -> bool:
        """Whether the given array comes out when a step has another value; then that is noted."""
        v = self.local.values[step]
        value = np.asarray(value)
        if value.shape != np.shape(v):
            try:
                value = np.broadcast_to(value, np.shape(v))
            except ValueError:
                return False
        if step not in self.pulled[0]:
            return False
        change = value - v
        if not self.may_fit({step: change}):
            return False
        return self.whole(self.right + self.local.push({step: change}), *edits, at=self.owner(step))

    def changed(self, changes: dict[str, Any], *edits: Said) -> bool:
        """The same for several steps whose values change by this much."""
        known = {s: c for s, c in changes.items() if s in self.pulled[0]}
        return self.may_fit(known) and self.whole(self.right + self.local.push(known), *edits)

    def again(self, values: Mapping[str, Any], *edits: Said) -> bool:
        """The same where the formula is run again with these values, which may have other shapes."""
        try:
            return self.whole(self.local.again(values), *edits)
        except (ValueError, IndexError, TypeError):
            return False  # these values do not go through its steps

    def ends_alike(self, step: str, value: Array) -> bool:
        """Whether a value of another shape for a step leaves a result of the shape that was given."""
        try:
            shape = self.local.again({step: value}).shape
        except (ValueError, IndexError, TypeError):
            return False
        return any(aspect.array.shape == shape for aspect in self.aspects)

    def may_fit(self, changes: dict[str, Any]) -> bool:
        """Whether changes of some steps' values may give the array: two products a step tell."""
        known = [(s, c) for s, c in changes.items() if s in self.pulled[0]]
        moved = [sum(float(np.vdot(p[s], c)) for s, c in known) for p in self.pulled]
        for (t0, r0), (t1, r1) in self._numbers:
            a, b = t0 * (r1 + moved[1]), t1 * (r0 + moved[0])
            if (t0 or t1) and abs(a - b) <= 20 * self.close * (abs(a) + abs(b)):
                return True
        return False

    def fitting(self, changes: dict[str, Array]) -> Array:
        """Which of several changes of the same steps, each a row of their stacks, may give the array."""
        moved = np.zeros((max((len(c) for c in changes.values()), default=0), 2))
        for step, change in changes.items():
            if step in self.pulled[0]:
                pulled = np.stack([p[step].ravel() for p in self.pulled], axis=1)
                moved += change.reshape(len(moved), -1) @ pulled
        return np.arange(len(moved)) if self.right.size == 1 else np.flatnonzero(self._fit(moved))

    def promising(self, step: str, rows: Array, g: Array, rest: Array | float = 0.0) -> Array:
        """Which rows of a matrix may give the array: each, times g, with ``rest``, as a step's value."""
        pulled = np.stack([p[step].ravel() for p in self.pulled], axis=1)
        own = np.asarray(self.local.values[step] - rest, float).ravel()
        return np.flatnonzero(self._fit(rows @ (g.reshape(-1, 1) * pulled) - own @ pulled))

    def promising_operands(self, step: Step, k: int, rows: Array) -> Array:
        """Which rows of a matrix, each for an operand in which the step is linear, may give the array."""
        if step.name not in self.pulled[0]:
            return np.zeros(0, int)
        pulled = [self.local.pulled_through(step, k, p[step.name]).ravel() for p in self.pulled]
        v = self.local.values[step.name]
        own = np.array([np.vdot(p[step.name], v) for p in self.pulled])
        return np.flatnonzero(self._fit(rows @ np.stack(pulled, axis=1) - own))

    def promising_values(self, step: str, arrays: Array) -> Array:
        """Which of many arrays of the shape of a step, each a value for it, may give the array."""
        rows = arrays.reshape(len(arrays), -1)
        return (
            self.promising(step, rows, np.ones(rows.shape[1])) if step in self.pulled[0] else np.zeros(0, int)
        )

    def joined(self, step: str, addend: Array) -> list[str]:
        """The steps to which an addend of this one may have been added instead."""
        if addend.shape != np.shape(self.local.values[step]):
            return []
        names, pulled = self._pulled_of_shape(addend.shape)
        own = [np.vdot(p[step], addend) for p in self.pulled]
        moved = np.stack([rows @ addend.ravel() for rows in pulled], axis=1) - own
        return [names[k] for k in np.flatnonzero(self._fit(moved)) if names[k] != step]

    def _pulled_of_shape(self, shape: tuple[int, ...]) -> tuple[list[str], list[Array]]:
        """The steps of a shape, and the functionals at them as rows of two matrices."""
        if shape not in self._pulled_by_shape:
            names = [name for name, u in self.pulled[0].items() if np.shape(u) == shape]
            rows = [np.stack([p[name].ravel() for name in names]) for p in self.pulled]
            self._pulled_by_shape[shape] = names, rows
        return self._pulled_by_shape[shape]

    def _fit(self, moved: Array) -> Array:
        """Whether changes, each given by what the two functionals make of it, may give the array."""
        fit = np.zeros(len(moved), bool)
        for (t0, r0), (t1, r1) in self._numbers:
            if self.right.size == 1:
                # a number is any other up to a constant: so up to the likeliest constants alone
                for c in self._likely:
                    fit |= np.abs(t0 - c * (r0 + moved[:, 0])) <= 20 * self.close * abs(t0)
            elif t0 or t1:
                a, b = t0 * (r1 + moved[:, 1]), t1 * (r0 + moved[:, 0])
                fit |= np.abs(a - b) <= 20 * self.close * (np.abs(a) + np.abs(b))
        return fit


def told_at(edit: Said, at: str) -> Edit:
    """An edit with its sentence, and where it is made unless it says so itself."""
    edit = edit if isinstance(edit, Edit) else edit()
    return edit if edit.at or not at else replace(edit, at=at)
