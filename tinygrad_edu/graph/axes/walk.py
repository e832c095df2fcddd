"""The walk through a program that joins the axes of its values, by what each operation says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Piece, Regroup
from tinygrad_edu.core.copied_arrays import origin
from tinygrad_edu.core.facts import ALL
from tinygrad_edu.graph.axes.atoms import Atoms, Term
from tinygrad_edu.graph.program import Ref, Step

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op


@dataclass(frozen=True)
class _Leaf:
    """What is given: a parameter, data, or an index array."""

    name: str
    bit: int
    terms: tuple[Term, ...]
    requires_grad: bool


@dataclass(frozen=True)
class _End:
    """An axis that ends at an operation."""

    term: Term
    how: str
    operands: tuple[int, ...]
    """The operands that carry it: two in a contraction."""


@dataclass(slots=True)
class Value:
    """The axes of one value, and where they come from."""

    step: Step
    terms: tuple[Term, ...]
    leaves: int = 0
    """Bits of the leaves that it depends on."""
    past: int = 0
    """Bits of the atoms that ended on the way to it."""
    ends: tuple[_End, ...] = ()
    meets: tuple[Term, ...] = ()
    data: bool = False
    """Whether it is neither a parameter nor made of one, nor a sum of such: the rest is a penalty."""
    known: bool = True
    """Whether the operation told its axes."""
    operands: tuple[Value | None, ...] = field(default=())


class Walk:
    """The axes of the values of some steps, in the order in which they are run."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.atoms = Atoms()
        self.values: dict[str, Value] = {}
        self.leaves: list[_Leaf] = []
        self.unknown: list[str] = []
        """The steps whose operation does not tell how axes go through it, or where they do not fit."""
        self.wide = 0
        """The bits of the leaves that have axes."""
        self._arrays: dict[int, Value] = {}
        for step in steps:
            self.add(step)
        self.atoms.settle()

    def add(self, step: Step) -> Value:
        """The axes of one more step, whose operands were added before."""
        if step.op is None and not step.args:
            value = self._leaf(step, step.name, step.requires_grad)
        elif step.op is None:
            (other,) = step.uses
            same = self.values[other]
            value = Value(step, same.terms, same.leaves, same.past, data=same.data, operands=(same,))
        else:
            value = self._result(step)
        self.values[step.name] = value
        return value

    def _leaf(self, step: Step, name: str, requires_grad: bool) -> Value:
        terms = tuple((self.atoms.fresh(n),) for n in step.shape)
        leaf = _Leaf(name, 1 << len(self.leaves), terms, requires_grad)
        self.leaves.append(leaf)
        self.wide |= leaf.bit if terms else 0
        return Value(step, terms, leaf.bit, data=bool(terms) and not requires_grad)

    def _constant(self, array: Any) -> Value | None:
        """An array that no step holds: one leaf for one object."""
        if not np.ndim(array):
            return None
        key = id(origin(array) or array)
        if key not in self._arrays:
            step = Step("", "input", None, (), {}, np.asarray(array))
            self._arrays[key] = self._leaf(step, "", requires_grad=False)
        return self._arrays[key]

    def _result(self, step: Step) -> Value:
        operands = tuple(self.values[a.name] if isinstance(a, Ref) else self._constant(a) for a in step.args)
        value = Value(step, (), operands=operands)
        for operand in operands:
            if operand is not None:
                value.leaves |= operand.leaves
                value.past |= operand.past
                value.data |= operand.data
        shapes = [() if operand is None else operand.step.shape for operand in operands]
        assert step.op is not None
        value.data = value.data or self._of_several(step.op, operands)
        flow = step.op.axes(shapes, step.settings) if step.op.axes is not None else None
        if isinstance(flow, Regroup):
            terms = self._regrouped(flow, operands)
        elif isinstance(flow, Flow):
            terms = self._follow(flow, step, operands, value)
        else:
            terms = None
        if terms is None or len(terms) != len(step.shape):
            value.known = False
            terms = tuple((self.atoms.fresh(n, "unknown"),) if n != 1 else () for n in step.shape)
        if not value.known:
            self.unknown.append(step.name)
        value.terms = terms
        return value

    def _of_several(self, op: Op, operands: Sequence[Value | None]) -> bool:
        """Whether parameters or Tensors of data are combined other than in a sum."""
        arrays = [k for k, v in enumerate(operands) if v is not None and v.leaves & self.wide]
        leaves = 0
        for k in arrays:
            leaves |= cast("Value", operands[k]).leaves & self.wide
        together = any(group == ALL or set(arrays) <= set(group) for group in op.linear)
        return leaves.bit_count() > 1 and not together

    def _regrouped(self, flow: Regroup, operands: Sequence[Value | None]) -> tuple[Term, ...] | None:
        terms = operands[0].terms if operands[0] is not None else ()
        order = slice(None, None, -1 if flow.order == "F" else 1)
        found = self.atoms.regroup(terms[order], flow.shape[order])
        return None if found is None else tuple(found[order])

    def _follow(
        self, flow: Flow, step: Step, operands: Sequence[Value | None], value: Value
    ) -> tuple[Term, ...]:
        given = self._given(flow, operands, value)
        terms = {letter: self._joined(found, letter in flow.ended, value) for letter, found in given.items()}
        for letter, how in flow.ended.items():
            if letter in terms:
                value.ends += (_End(terms[letter], how, tuple(k for k, _, _ in given[letter] if k >= 0)),)
                for atom in terms[letter]:
                    value.past |= 1 << atom
        value.meets = tuple(terms[letter] for letter in flow.meets if letter in terms)
        return tuple(self._part(part, n, terms) for part, n in zip(flow.result, step.shape, strict=False))

    def _given(
        self, flow: Flow, operands: Sequence[Value | None], value: Value
    ) -> dict[Any, list[tuple[int, Value, int]]]:
        """For each letter where it stands: the operand's number (-1: an index), the operand, the axis."""
        given: dict[Any, list[tuple[int, Value, int]]] = {}
        held = [
            (k, operand, letters)
            for k, (letters, operand) in enumerate(zip(flow.operands, operands, strict=True))
        ]
        held += [(-1, self._constant(array), letters) for array, letters in flow.indices]
        for k, operand, letters in held:
            if operand is None:
                continue
            if k < 0:
                value.leaves |= operand.leaves
                value.data = True
            for axis, letter in enumerate(letters):
                if letter is not None:
                    given.setdefault(letter, []).append((k, operand, axis))
        return given

    def _part(self, part: Any, n: int, terms: Mapping[Any, Term]) -> Term:
        """The term of one axis of a result."""
        if part is None:
            return ()
        if isinstance(part, New):
            return (self.atoms.fresh(n, part.how, (terms[p] for p in part.parents)),)
        if isinstance(part, Piece):
            return (self.atoms.piece(terms[part.of], part.cut, n),)
        return terms[part]

    def _joined(self, found: Sequence[tuple[int, Value, int]], ends: bool, value: Value) -> Term:
        """The term of one letter. A length of 1 beside n is broadcast, so it is not joined with n."""
        n = max(operand.step.shape[axis] for _, operand, axis in found)
        full = [operand for operand in found if operand[1].step.shape[operand[2]] == n]
        if n == 1 and not ends:
            # The 1 of a bias is not the axis of a single example: it is not joined with a named axis.
            firm = [o for o in full if o[1].terms[o[2]] and not self._learned(o[1])]
            full = firm or [o for o in full if o[1].terms[o[2]]][:1] or full[:1]
        first = full[0][1].terms[full[0][2]]
        for _, operand, axis in full[1:]:
            value.known &= self.atoms.join(first, operand.terms[axis])
            first = first or operand.terms[axis]
        return first

    @staticmethod
    def _learned(value: Value) -> bool:
        return value.step.op is None and value.step.requires_grad
