"""A line of a loop run again as it was edited: all edits of the same steps at once, as stacks of arrays.

An edit in a loop changes what the next pass starts from, so nothing but the run itself tells what it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.passes import Line, Made, Times
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import Step

_MOST_AT_ONCE = 64
_MOST_NUMBERS = 4_000_000


@dataclass
class Trials:
    """Edits of one line: what each makes of the same steps, and what to say of it."""

    lines: list[Line]
    edits: list[Edit]
    _changes: dict[str, Array] | None = None
    _fail: frozenset[int] = frozenset()

    def changes(self, local: Local) -> tuple[dict[str, Array], frozenset[int]]:
        """What each line adds to what the passes before leave at its steps, stacked; and which do not run."""
        if self._changes is None:
            self._changes, self._fail = _changes(local, self.lines)
        return self._changes, self._fail


def trials_of(local: Local, edited: Iterable[tuple[Line, Edit]]) -> list[Trials]:
    """These edits, those of the same steps together."""
    alike: dict[frozenset[str], list[tuple[Line, Edit]]] = {}
    for line, edit in edited:
        alike.setdefault(frozenset(line), []).append((line, edit))
    found = []
    for names, group in alike.items():
        size = sum(np.size(local.values[name]) for name in names if name in local.names)
        most = max(1, min(_MOST_AT_ONCE, _MOST_NUMBERS // max(size, 1)))
        parts = (group[k : k + most] for k in range(0, len(group), most))
        found += [Trials([line for line, _ in part], [edit for _, edit in part]) for part in parts]
    return found


def _changes(local: Local, lines: Sequence[Line]) -> tuple[dict[str, Array], frozenset[int]]:
    flow = local.between(lines[0])
    last = {name: k for k, (_, above) in enumerate(flow) for name in above}
    stacks, changes, fail = dict[str, Any](), dict[str, Array](), set[int]()
    for k, (step, above) in enumerate(flow):
        name = step.name
        moved = not stacks.keys().isdisjoint(above)
        if not moved and name not in lines[0]:
            continue
        known = {**{n: local.values[n] for n in above}, **{n: stacks[n] for n in above if n in stacks}}
        own = local.applied_to_many(step, known, stacks) if moved else local.values[name]
        if name in lines[0]:
            made = _made(local, [line[name] for line in lines], step, stacks, fail)
            changes[name], own = made - own, made
        stacks[name] = own
        for other in above:
            if last[other] == k:
                stacks.pop(other, None)  # nothing uses it any more
    return changes, frozenset(fail)


def _made(
    local: Local, all_made: Sequence[Made], step: Step, stacks: Mapping[str, Any], fail: set[int]
) -> Array:
    """What several edits make of a step, stacked; those that cannot be made are noted as failing."""
    if (times := _times(all_made, step)) is not None:
        entry, factors = times
        found = stacks[entry] if entry in stacks else local.values[entry]
        return np.asarray(found * factors)
    rows = np.zeros((len(all_made), *step.shape))
    for k, made in enumerate(all_made):
        if k not in fail:
            try:
                rows[k] = np.broadcast_to(made(_Slice(local.values, stacks, k)), step.shape)
            except (ValueError, TypeError):
                fail.add(k)
    return rows


def _times(all_made: Sequence[Made], step: Step) -> tuple[str, Array] | None:
    """The gradient that all multiply entry by entry, and the factors as a stack; None where they do not."""
    times = [made for made in all_made if isinstance(made, Times)]
    if len(times) < len(all_made) or any(made.entry != times[0].entry for made in times):
        return None
    try:
        return times[0].entry, np.stack([np.broadcast_to(made.factor, step.shape) for made in times])
    except ValueError:
        return None


class _Slice(Mapping[str, Any]):
    """The values of all steps, as one of several edits leaves them."""

    def __init__(self, values: Mapping[str, Any], stacks: Mapping[str, Any], k: int) -> None:
        self._values, self._stacks, self._k = values, stacks, k

    def __getitem__(self, name: str) -> Any:
        return self._stacks[name][self._k] if name in self._stacks else self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
