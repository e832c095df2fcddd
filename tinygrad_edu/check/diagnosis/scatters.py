"""Entries that are gathered forward are added up on the way back: overwritten instead, or put elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.labels import counts, indices_of
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.products import axes_of
from tinygrad_edu.check.diagnosis.steps import adds, adds_up, picks_a_part, puts, puts_a_part
from tinygrad_edu.check.diagnosis.sums import one_along, part_of_a_product, parts, summed_in_a_product
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.local import Local
from tinygrad_edu.core.copied_arrays import called
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph import Step

_MOST_PARTS = 64
_FEW_PLACES = 12
_MOST_ENTRIES = 5_000_000


def of_scatters(target: Target, pool: Pool) -> None:
    """``dE[index] = g`` for ``+=``, an index off by one, a mean over the repeats, another slice."""
    for step in target.places:
        _one_of_all(target, pool, step)
        if picks_a_part(step):
            _another_part(target, pool, step)
        index = step.settings.get("index")
        if index is None or not puts(step):
            continue
        g = target.operand(step, 0)
        if not any(isinstance(part, np.ndarray) for part in index_parts(index)):
            _put_elsewhere(target, pool, step, g)
            _put_everywhere(target, pool, step, g)
            continue
        _not_picked(target, pool, step, g)
        _counted_once(target, pool, step)
        _by_another_index(target, pool, step, g)
        _one_place(target, pool, step, g)
        _within_rows(target, step, g)
        _repeated(target, step, g)
        _misplaced(target, step, g)


def _misplaced(target: Target, step: Step, g: Array) -> None:
    """An index whose numbers are off by one, or which stands beside another example than its own."""
    parts = index_parts(step.settings["index"])
    for k, part in enumerate(parts):
        if (
            not isinstance(part, np.ndarray)
            or part.dtype.kind not in "iu"
            or (counts(part) and len(parts) > 1)
        ):
            continue
        name = called(part) or "the index"
        off, moved = ("wrong_layer", "labels_swapped"), ("examples_misaligned", "labels_swapped")
        for by, which in ((1, "previous"), (-1, "next")):
            shifted = f"{name} is shifted by one: the entries go where the {which} ones belong"
            for other, codes, text in (
                ((part + by) % step.shape[k], off, f"{name} is off by one ({by:+})"),
                (np.roll(part, by, 0), moved, shifted),
            ):
                value = _added((*parts[:k], other, *parts[k + 1 :]), g, step.shape)
                target.at(step.name, value, Edit((*codes, "unknown"), text, 1.2))


def _added(index: Any, g: Array | float, shape: tuple[int, ...]) -> Array:
    """Zeros, with entries added up where an index says."""
    whole = np.zeros(shape)
    np.add.at(whole, index, g)
    return whole


def _repeated(target: Target, step: Step, g: Array) -> None:
    """The entries of an index that repeats: one of them alone, or their mean."""
    counts = _added(step.settings["index"], 1.0, step.shape)
    if counts.max() > 1:
        text = (
            "an index that repeats counts once only: the same row is overwritten (=, "
            "or += with an index array) instead of added up (np.add.at)"
        )
        for last, cost in ((True, 1.0), (False, 1.1)):
            edit = Edit(("last_example_only", "term_missing"), text, cost)
            target.at(step.name, _one_of(step, g, last), edit)
        text = "the entries of an index that repeats are averaged instead of added up"
        mean = target.value(step.name) / np.maximum(counts, 1)
        target.at(step.name, mean, Edit(("mean_for_sum",), text, 1.1))


def _one_of(step: Step, g: Array, last: bool) -> Array:
    """The last, or first, of the entries that a sum or an index adds up for each place."""
    index = step.settings.get("index")
    if index is None:
        return one_along(g, axes_of(g.shape, step.shape), last).reshape(step.shape)
    return _put_once(step.shape, index, g, last)


def _put_once(shape: tuple[int, ...], index: Any, g: Array, last: bool) -> Array:
    """Entries put where an index says; of those for the same place the last, or the first."""
    chosen = np.full(shape, -1 if last else g.size)
    (np.maximum if last else np.minimum).at(chosen, index, np.arange(g.size).reshape(g.shape))
    hit = (chosen >= 0) & (chosen < g.size)
    return np.where(hit, g.ravel()[np.where(hit, chosen, 0)], 0.0)


def _within_rows(target: Target, step: Step, g: Array) -> None:
    """An index of several axes, as of words in sentences, added row by row: in one, repeats count once."""
    index = step.settings["index"]
    if not isinstance(index, np.ndarray) or index.ndim < 2 or len(index) > _MOST_PARTS:
        return
    codes = ("last_example_only", "term_missing")
    text = "an index that repeats within one row of it counts once only: += with an index array, row by row"
    other = "what one row of the index adds is assigned over what the rows before it have added there"
    for order in (slice(None), slice(None, None, -1)):
        target.at(step.name, _row_over_row(step.shape, index[order], g[order]), Edit(codes, other, 1.1))
    for last in (True, False):
        rows = (_put_once(step.shape, row, part, last) for row, part in zip(index, g, strict=True))
        target.at(step.name, sum(rows, np.zeros(step.shape)), Edit(codes, text, 1.05))


def _row_over_row(shape: tuple[int, ...], index: Array, g: Array) -> Array:
    """What each row of an index adds, in the place of what those before it have added."""
    whole = np.zeros(shape)
    for row, part in zip(index, g, strict=True):
        whole[row] = _added(row, part, shape)[row]
    return whole


def _several_to_one(step: Step, local: Local) -> bool:
    if len(step.uses) != 1 or local.program[step.uses[0]].shape == step.shape:
        return False
    return puts(step) or (adds_up(step) and step.shape != ())


def _one_of_all(target: Target, pool: Pool, end: Step) -> None:
    """Of the entries that several sums in a row add up, as those of a block of an image, one alone."""
    local, run = target.local, list[Step]()
    known = {s.name: s for s in local.steps}
    step: Step | None = end
    while step is not None and step.op is not None and (step.op.moves or _several_to_one(step, local)):
        if len(step.uses) != 1 or len(local.backward.carried(step)) != 1:
            break
        run.append(step)
        step = known.get(step.uses[0])
    sums = [s.name for s in run if _several_to_one(s, local)]
    if len(sums) < 2 or end.name != sums[0]:
        return
    start = run[-1].uses[0]
    for last, told in ((False, "first"), (True, "last")):
        value = np.asarray(local.values[start], float)
        for one in reversed(run):
            if one.name in sums:
                value = _one_of(one, value, last)
            elif one.op is not None:
                value = np.asarray(one.op.forward(value, **one.settings))
        text = f"of the entries of {pool.words.of(start)} that are added up, only the {told} is there"
        target.at(end.name, value, Edit(("last_example_only", "term_missing", "sum_missing"), text, 1.2))


def last_contributions(target: Target) -> Iterator[list[Array]]:
    """What each window contributes, of what is summed before it the last alone: of the filters the last."""
    local = target.local
    known = {s.name: s for s in local.steps}
    found = []
    for end in local.steps:
        if not puts(end):
            continue
        run, step = [end], known.get(end.uses[0])
        while step is not None and step.op is not None and step.op.moves and len(step.uses) == 1:
            run.append(step)
            step = known.get(step.uses[0])
        value = None if step is None else _last_of_the_sum(local, step)
        if value is None or len(local.steps) * target.right.size > _MOST_ENTRIES:
            continue
        for one in reversed(run):
            assert one.op is not None
            value = np.asarray(one.op.forward(value, **one.settings))
        found.append(local.push({end.name: value}))
    yield found


def of_assigned(target: Target) -> None:
    """Parts that are put into an array one after the other, and overlap: assigned instead of added up."""
    local = target.local
    sums = {s.name: local.backward.carried(s) for s in local.steps if adds(s)}
    inner = {name for carried in sums.values() for name in carried if local.program[name].of is None}
    for top in (name for name in sums if name not in inner):
        parts, rest, stack = list[Step](), list[str](), [top]
        while stack:
            name = stack.pop()
            step = local.program[name]
            if name in sums and (name == top or step.of is None):
                stack += sums[name]
            elif name in local.names and puts(step):
                parts.append(step)
            else:
                rest.append(name)
        others = sum((np.asarray(local.values[name], float) for name in rest), np.zeros(()))
        for order in (parts, parts[::-1]) if len(parts) > 1 else ():
            whole = np.zeros(local.program[top].shape)
            for step in order:
                whole[step.settings["index"]] = local.operand(step, 0)
            text = f"the {len(parts)} parts that overlap are assigned one over the other, not added up"
            target.at(top, whole + others, Edit(("term_missing", "last_example_only"), text, 1.1))


def _last_of_the_sum(local: Local, step: Step) -> Array | None:
    """The last of what a sum, or a product, adds up; None where a step adds nothing up."""
    if _several_to_one(step, local):
        return _one_of(step, np.asarray(local.operand(step, 0), float), last=True)
    carriers = local.backward.carriers[step.name]
    if step.op is None or step.op.kind != "contraction" or len(carriers) != 1:
        return None
    k = carriers[0]
    g, c = (np.asarray(local.operand(step, j), float) for j in (k, 1 - k))
    summed = list(summed_in_a_product(step, g, c, k))
    if len(summed) != 1:
        return None
    n, axis, other = summed[0]
    return part_of_a_product(step, g, c, k, [n - 1], axis, other)


def _one_place(target: Target, pool: Pool, step: Step, g: Array) -> None:
    """Of an index of several axes, as of words in sentences, one place alone counts, or all but one."""
    index = step.settings["index"]
    if not isinstance(index, np.ndarray) or index.ndim < 2 or g.shape[: index.ndim] != index.shape:
        return
    above = pool.words.of(step.args[0].name)
    for axis in range(index.ndim):
        n = index.shape[axis]
        for kept, codes, told in parts(n) if n <= _FEW_PLACES else ():
            part = _added(np.take(index, kept, axis), np.take(g, kept, axis), step.shape)
            text = f"of the {n} along axis {axis} of the index that {above} is added by, {told}"
            target.at(step.name, part, Edit(codes, text, 1.15))


def other_parts(index: Any, shape: tuple[int, ...]) -> Iterator[tuple[Any, str]]:
    """Parts as long as those of an index, elsewhere along one axis, and how they are written."""
    own = index_parts(index)
    spans = [_span(part, n) for part, n in zip(own, shape, strict=False)]
    open_ = [k for k, (a, b, by) in enumerate(spans) if by == 1 and b - a < shape[k] <= _MOST_PARTS]
    places = {k: range(shape[k] - (spans[k][1] - spans[k][0]) + 1) for k in open_}
    for axes in (open_, *([k] for k in open_ if len(open_) > 1)):
        if not axes or np.prod([len(places[k]) for k in axes]) > _MOST_PARTS:
            continue
        for moved in product(*(places[k] for k in axes)):
            if all(m != spans[k][0] for k, m in zip(axes, moved, strict=True)):
                ends = {k: (m, m + spans[k][1] - spans[k][0]) for k, m in zip(axes, moved, strict=True)}
                there = {k: slice(*e) if isinstance(own[k], slice) else e[0] for k, e in ends.items()}
                told = " and ".join(
                    f"[{_written(own[k], *e)}] instead of [{_written(own[k], *spans[k][:2])}] along axis {k}"
                    for k, e in ends.items()
                )
                yield tuple(there.get(k, part) for k, part in enumerate(own)), told


def _span(part: Any, n: int) -> tuple[int, int, int]:
    """Where a slice, or the one entry of a number, begins and ends."""
    return part.indices(n) if isinstance(part, slice) else (int(part) % n, int(part) % n + 1, 1)


def _written(part: Any, start: int, stop: int) -> str:
    return f"{start}:{stop}" if isinstance(part, slice) else str(start)


def _another_part(target: Target, pool: Pool, step: Step) -> None:
    g = target.operand(step, 0)
    for index, told in other_parts(step.settings["index"], g.shape):
        text = f"of {pool.words.of(step.args[0].name)} another slice is taken: {told}"
        target.at(step.name, g[index], Edit(("wrong_layer",), text, 1.1))


def _put_elsewhere(target: Target, pool: Pool, step: Step, g: Array) -> None:
    """A slice's gradient put in the place of another slice."""
    if not puts_a_part(step):
        return
    for index, told in other_parts(step.settings["index"], step.shape):
        moved = np.zeros(step.shape)
        moved[index] = g
        text = f"{pool.words.of(step.args[0].name)} is put into another slice: {told}"
        target.at(step.name, moved, Edit(("wrong_layer",), text, 1.15))


def _put_everywhere(target: Target, pool: Pool, step: Step, g: Array) -> None:
    """The gradient of one row, as E[word], given to every row."""
    if isinstance(step.settings["index"], (int, np.integer)) and g.shape == step.shape[1:]:
        text = f"{pool.words.of(step.args[0].name)} is given to every row, not only where the index picks"
        codes = ("dropout_mask_missing", "chain_factor_missing", "term_extra")
        target.at(step.name, np.broadcast_to(g, step.shape), Edit(codes, text, 1.05))


def _not_picked(target: Target, pool: Pool, step: Step, g: Array) -> None:
    """The gradient of picked entries given to all in their row; or to the largest, not the one picked."""
    parts, shape = index_parts(step.settings["index"]), step.shape
    vectors = all(isinstance(p, np.ndarray) and p.ndim == 1 for p in parts)
    if len(shape) < 2 or len(parts) != len(shape) or not vectors:
        return
    at, above = target.owner(step.name), pool.words.of(step.args[0].name)
    node = pool.graph.find(at) if at in pool.graph else None
    for axis, part in enumerate(parts):
        before, after = parts[:axis], parts[axis + 1 :]
        every = _added((*before, slice(None), *after), np.expand_dims(g, -1 if axis else 0), shape)
        text = f"{above} is given to every entry along axis {axis}, not only where the index picks"
        codes = ("dropout_mask_missing", "chain_factor_missing", "term_extra")
        target.at(step.name, every, Edit(codes, text, 1.05))
        if node is None or node.shape != shape or part.size != np.prod(shape) // shape[axis]:
            continue
        for picks, which in ((np.argmax, "largest"), (np.argmin, "smallest")):
            moved = _added((*before, picks(node.value, axis=axis).ravel(), *after), g, shape)
            text = f"the {which} entry of {at} along axis {axis} gets {above}, not the one of the index"
            target.at(step.name, moved, Edit(("wrong_layer", "labels_swapped"), text, 1.15))


def _counted_once(target: Target, pool: Pool, step: Step) -> None:
    """Picked entries that get a count, as of the classes above a margin: one is counted, however many."""
    R, index = target.right, step.settings["index"]
    if step.shape != R.shape:
        return
    picked = np.zeros(R.shape, bool)
    picked[index] = True
    rest = np.abs(R[~picked])
    unit = float(rest.max(initial=0.0))
    if unit == 0 or np.any((rest > 1e-9 * unit) & (rest < (1 - 1e-9) * unit)):
        return
    text = f"where the index picks, one entry of {pool.words.of(step.args[0].name)} is counted, however many"
    value = np.where(picked, np.sign(R.sum(where=picked)) * unit, R)
    edit = Edit(("term_missing", "sum_missing"), f"{text} there are", 1.2, target.owner(step.name))
    target.whole(value, edit)


def _by_another_index(target: Target, pool: Pool, step: Step, g: Array) -> None:
    """Entries put where another array of indices points, as the items' for the users'."""
    parts, shape = index_parts(step.settings["index"]), step.shape
    at, above = target.owner(step.name), pool.words.of(step.args[0].name)
    text = f"{above} is added up by another index than the one that {at} was picked by"
    for k, part in enumerate(parts):
        for axes in range(1, part.ndim + 1) if isinstance(part, np.ndarray) else ():
            for other in indices_of(pool, axes):
                fits = other.shape == part.shape[:axes] and (axes == part.ndim or len(parts) == 1)
                if fits and other.max() < shape[k] and not np.array_equal(other, part):
                    own = g.sum(axis=tuple(range(axes, part.ndim)))
                    moved = _added((*parts[:k], other, *parts[k + 1 :]), own, shape)
                    target.at(step.name, moved, Edit(("wrong_layer", "examples_misaligned"), text, 1.15))
