"""The names of axes: m for the examples, n0, n1, ... for units, else letters without meaning."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from tinygrad_edu.graph.axes.walk import Walk

_NEUTRAL = "ijklpqrstuv"


class AxisNames:
    """A name for each atom, in the order in which a forward pass comes to them: n0 are the features."""

    def __init__(self, walk: Walk, examples: int | None) -> None:
        self._atoms = walk.atoms
        of = self._atoms.of
        self._learned = {a for leaf in walk.leaves if leaf.requires_grad for a in of(leaf.terms)}
        self._names: dict[int, str] = {} if examples is None else {examples: "m"}
        self._letters = _letters()
        self._units = map("n{}".format, count())
        steps = [value for value in walk.values.values() if value.step.op is not None]
        for value in steps:
            ended = (end.term for end in value.ends if len(end.operands) > 1)
            for atom in of((*ended, *value.terms)):
                self._call(atom)
        for leaf in walk.leaves:
            for atom in of(leaf.terms):
                self._call(atom)

    def __getitem__(self, atom: int) -> str:
        return self._call(atom)

    def _call(self, atom: int) -> str:
        if atom not in self._names:
            self._names[atom] = self._made(atom)
        return self._names[atom]

    def _made(self, atom: int) -> str:
        cut = self._atoms.cut[atom]
        if cut is not None:
            start, stop, step = cut
            whole = "·".join(map(self._call, self._atoms.of(self._atoms.parents[atom])))
            return f"{whole}[{start}:{stop}" + (f":{step}]" if step != 1 else "]")
        return next(self._units) if atom in self._learned else next(self._letters)


def _letters() -> Iterator[str]:
    yield from _NEUTRAL
    for k in count(1):
        yield from (f"{letter}{k}" for letter in _NEUTRAL)
