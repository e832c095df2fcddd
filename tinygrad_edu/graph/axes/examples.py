"""Which axis holds the examples: found from the axes that the cost sums, and those that parameters have.

Sizes are never used. Names are used last, as habits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from tinygrad_edu.core.axes import SUMMED
from tinygrad_edu.graph.axes.cost import Cost
from tinygrad_edu.graph.axes.walk import Value, Walk

How = Literal["use", "habit", "none"]

_HABITS = ("X", "x", "inputs", "data", "features", "Y", "y", "targets", "labels")


@dataclass(frozen=True, order=True)
class _Evidence:
    """The evidence that an atom is the examples. Ordered: the smallest is the most likely."""

    made: bool
    carried: bool
    """Whether a leaf that is differentiated carries it."""
    otherwise: bool
    """Whether it does not end linearly in the cost."""
    split: bool
    absent: int
    """How many steps do not have it."""
    contracted: bool
    carriers: int
    served: int
    """Minus the number of parameters that are applied to it without having it."""
    meets: bool
    """Whether its entries are combined: a statistic, attention, a recurrence."""


@dataclass(frozen=True)
class Found:
    """The examples' atom, how it was told, and what else it could be."""

    atom: int | None
    how: How
    ties: tuple[int, ...]
    """The atoms between which only habits decide, or nothing."""
    candidates: tuple[int, ...]
    """All that could be it, most likely first."""


class _Search:
    def __init__(self, walk: Walk, cost: Cost) -> None:
        self.walk, self.cost, self.atoms = walk, cost, walk.atoms
        self.steps = [v for v in walk.values.values() if v.step.op is not None and v.data]
        self.roots: dict[int, frozenset[int]] = {}
        self.carried: dict[int, set[int]] = {}
        """For each atom the leaves that carry it, also by a piece or a part of it."""
        for k, leaf in enumerate(walk.leaves):
            for atom in self.atoms.of(leaf.terms):
                self.carried.setdefault(atom, set()).add(k)
        self.present: dict[int, set[str]] = {}
        """The steps with data whose values have it."""
        self.served: dict[int, int] = {}
        self.meeting: set[int] = set()
        self.units: set[int] = set()
        for value in self.steps:
            self._look_at(value)

    def _look_at(self, value: Value) -> None:
        past = self._resolved(value.past)
        for atom in set(self.atoms.of(value.terms)):
            self.present.setdefault(atom, set()).add(value.step.name)
            self.served[atom] = self.served.get(atom, 0) | value.leaves
            if atom in past:
                self.meeting.add(atom)
        self.meeting.update(self.atoms.of(value.meets))
        if value.step.name in self.cost.steps:
            return
        for end in value.ends:
            if end.how == SUMMED and len(end.operands) > 1:
                for k in end.operands:
                    operand = value.operands[k]
                    if operand is not None and self.cost.single(operand):
                        self.units.update(self.atoms.expand(end.term))

    def _resolved(self, mask: int) -> frozenset[int]:
        if mask not in self.roots:
            bits = (k for k in range(mask.bit_length()) if mask >> k & 1)
            self.roots[mask] = frozenset(self.atoms.of((k,) for k in bits))
        return self.roots[mask]

    def carriers(self, atom: int) -> set[int]:
        """The leaves that carry it; a piece is carried by what carries the whole."""
        found = set[int]()
        waiting, seen = [atom], {atom}  # joins may close a ring: a piece of a piece is the whole
        for one in waiting:
            found |= self.carried.get(one, set())
            for member in self.atoms.members[one]:
                if self.atoms.made[member] in ("piece", "joined"):
                    new = [p for p in self.atoms.of(self.atoms.parents[member]) if p not in seen]
                    seen.update(new)
                    waiting += new
        return found

    def _made(self, atom: int) -> bool:
        """Whether it came to be in the graph: parts that were stacked, windows, or unknown.

        Different cuts of one axis that came to be one are windows, laid over each other.
        """
        made = {self.atoms.made[k] for k in self.atoms.members[atom]}
        if made & {"joined", "windowed", "flattened", "placed"} or made <= {"unknown", "repeated"}:
            return True
        cuts = {
            (self.atoms.parents[k], self.atoms.cut[k]) for k in self.atoms.members[atom] if self.atoms.cut[k]
        }
        return len({whole for whole, _ in cuts}) < len(cuts)

    def _absent(self, atom: int) -> int:
        """How many of the steps before the atom ends lack it; where it does not end, of all steps.

        Those without parameters say nothing: a mask over time is the same for every example.
        """
        ends = self.cost.ended.get(atom)
        learned = self.cost.grad_mask
        if ends is None:
            return sum(bool(v.leaves & learned) and v.step.name not in self.present[atom] for v in self.steps)
        waiting, seen = list(ends), {value.step.name for value in ends}
        absent = -len(ends)
        for value in waiting:
            counts = value.step.op is not None and value.data and bool(value.leaves & learned)
            absent += counts and value.step.name not in self.present[atom]
            for operand in value.operands:
                if operand is not None and operand.step.name not in seen:
                    seen.add(operand.step.name)
                    waiting.append(operand)
        return absent

    def evidence(self, atom: int) -> _Evidence:
        """The evidence for it."""
        own = self.carriers(atom)
        learned = {k for k in own if self.walk.leaves[k].requires_grad}
        carrying = sum(self.walk.leaves[k].bit for k in own)
        return _Evidence(
            made=self._made(atom),
            carried=bool(learned),
            otherwise=atom not in self.cost.ended,
            split=self.atoms.made[atom] == "split",
            absent=self._absent(atom),
            contracted=atom in self.cost.contracted,
            carriers=len(learned),
            served=-(self.served.get(atom, 0) & self.cost.grad_mask & ~carrying).bit_count(),
            meets=atom in self.meeting,
        )

    def found(self) -> Found:
        """The atom of the examples, if one is."""
        wide = {k for k, leaf in enumerate(self.walk.leaves) if leaf.requires_grad and leaf.terms}
        everywhere = [a for a in self.present if wide and wide <= self.carriers(a)]
        others = [a for a in self.present if a not in everywhere]
        ended = self.cost.ended
        likely = self._likely(a for a in others if a not in self.units)
        likely = likely or self._likely(a for a in others if a in self.units and a in ended)
        if not likely:
            return self._by_divisor([a for a in everywhere if a in ended and a not in self.units])
        order = sorted(likely, key=lambda a: (likely[a], a))
        first = likely[order[0]]
        stacked = [a for a in order if likely[a].made and not likely[a].carried and not likely[a].otherwise]
        if stacked and first.carried and 2 * first.absent > len(self.steps):
            # Units of the last layer alone: rather what was stacked, as by a loop over examples.
            return Found(stacked[0], "habit", (stacked[0], order[0]), (*stacked, *order))
        ties = tuple(atom for atom in order if likely[atom] == first)
        if len(ties) == 1:
            return Found(order[0], "use", (), tuple(order))
        chosen = self._by_habit(ties)
        return Found(chosen, "none" if chosen is None else "habit", ties, tuple(order))

    def _likely(self, atoms: Iterable[int]) -> dict[int, _Evidence]:
        """Those that parameters serve; one that a parameter carries has to end linearly."""
        found = {atom: self.evidence(atom) for atom in atoms}
        return {a: e for a, e in found.items() if e.served and not (e.carried and e.otherwise)}

    def _divided_by(self, atoms: Sequence[int]) -> list[int]:
        """Those that the cost averages over, else those by whose size it is divided."""
        size = self.atoms.size
        means = {a for d in self.cost.divisions for a in self.atoms.of(d.terms or ())}
        numbers = [abs(d.number) for d in self.cost.divisions if d.terms is None]
        averaged = [a for a in atoms if a in means]
        return averaged or [a for a in atoms if any(n in (size[a], 2 * size[a]) for n in numbers)]

    def _by_divisor(self, atoms: Sequence[int]) -> Found:
        """Where every parameter carries every axis, the cost's divisor tells, and then their order."""
        divided = self._divided_by(sorted(atoms))
        if not divided:
            return Found(None, "none", (), ())
        return Found(divided[0], "habit", tuple(divided) if len(divided) > 1 else (), tuple(divided))

    def _by_habit(self, ties: tuple[int, ...]) -> int | None:
        longer = [atom for atom in ties if self.atoms.size[atom] > 1] or list(ties)
        divided = self._divided_by(longer) if len(longer) > 1 else longer
        if len(divided) == 1:
            return divided[0]
        alike = len({frozenset(self.carriers(atom)) for atom in ties}) == 1
        apart = not any(self.present[a] & self.present[b] for a, b in combinations(ties, 2))
        of_leaves = (a for leaf in self.walk.leaves for a in self.atoms.of(leaf.terms))
        first = next((a for a in of_leaves if a in ties), None)
        if (alike or apart) and first is not None:  # of the same arrays, or each of its own
            return first
        for habit in _HABITS:
            for leaf in self.walk.leaves:
                own = [a for a in self.atoms.of(leaf.terms) if a in ties]
                if leaf.name == habit and own:
                    return own[0]
        return None


def examples_axis(walk: Walk, cost: Cost) -> Found:
    """The axis of the examples of a scalar cost."""
    return _Search(walk, cost).found()
