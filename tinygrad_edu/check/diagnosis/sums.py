"""Sums got wrong: over another axis, over everything, left out, too early, a mean or a maximum for a sum."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.products import axes_of, codes_of_gradient
from tinygrad_edu.check.diagnosis.steps import adds_up, alike
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import Step

_MOST_AXES = 5
_MOST_ALONE = 32
"""Of more examples only the first and the last are tried alone, or left out."""


def of_sums(target: Target, pool: Pool) -> None:
    """Every way in which a sum of the formula is got wrong, or one is there that does not belong."""
    for step in target.places:
        op = step.op
        if adds_up(step):
            _one(target, pool, step)
        elif op is not None and op.kind == "contraction" and step.value.ndim:
            _of_a_product(target, pool, step)
        elif op is not None and op.moves and op.kind == "movement":
            _reordered(target, step)
    _lines(target, pool)
    _too_early(target)
    _of_others(target, pool)


def _one(target: Target, pool: Pool, step: Step) -> None:
    g, above, at = target.operand(step, 0), pool.words.of(step.uses[0]), target.owner(step.name)
    own = axes_of(g.shape, step.shape)
    _either(target, step, g, Edit(("sum_missing",), f"{above} is not summed", 1.0, at))
    for axes, value in _summed(g):
        if axes == own:
            continue
        everything = len(axes) == g.ndim
        codes = ("sum_all", "sum_axis") if everything and g.ndim > 1 else ("sum_axis",)
        where = "over everything" if everything else f"over axis {_told(axes)}"
        if everything and own:
            where = f"over the units too: {where}"
        edit = Edit(codes, f"{above} is summed {where} instead of axis {_told(own)}", 1.0, at)
        _either(target, step, value, edit)
        if everything:
            target.at(step.name, np.full(step.shape, value.ravel()[0]), edit)
    if own and g.size:
        belongs = f"of {above} stands where its sum over axis {_told(own)} belongs"
        largest = np.max(g, axis=own).reshape(step.shape)
        target.at(step.name, largest, Edit(("unknown",), f"the maximum {belongs}", 1.3))
        for last, which in ((True, "last"), (False, "first")):
            edit = Edit(("last_example_only", "sum_missing"), f"the {which} entry {belongs}", 1.3)
            target.at(step.name, one_along(g, own, last).reshape(step.shape), edit)
    _counted_once(target, step, g, own, above)
    _partly(target, step, g, own, above)
    _another(target, pool, step, own)
    count = int(np.prod([g.shape[a] for a in own])) if own else 1
    if count > 1:
        text = f"{above} is averaged over its {count} entries instead of summed"
        target.at(step.name, target.value(step.name) / count, Edit(("mean_for_sum",), text, 1.05))


def _counted_once(target: Target, step: Step, g: Array, own: tuple[int, ...], above: str) -> None:
    """A sum that counts, as the classes above a margin: one is taken, however many there are."""
    unit = np.max(np.abs(g), initial=0.0)
    if not own or unit == 0 or np.any((g != 0) & (abs(abs(g) - unit) > 1e-9 * unit)):
        return
    sign = np.sign(g.sum())
    text = f"of {above} one entry along axis {_told(own)} is counted, however many there are"
    for one in (np.sign(target.value(step.name)) * unit, np.full(step.shape, sign * unit)):
        target.at(step.name, one, Edit(("term_missing", "sum_missing"), text, 1.2))


def _partly(target: Target, step: Step, g: Array, own: tuple[int, ...], above: str) -> None:
    """Only some of the examples that are summed."""
    for axis in own:
        for kept, codes, told in parts(g.shape[axis]):
            part = np.take(g, kept, axis).sum(axis=own).reshape(step.shape)
            text = f"of the {g.shape[axis]} that are summed of {above}, {told}"
            target.at(step.name, part, Edit(codes, text, 1.2))


def _another(target: Target, pool: Pool, step: Step, own: tuple[int, ...]) -> None:
    """Another gradient in the place of the one that is summed, over the same axes or others."""
    at, belongs = target.owner(step.name), pool.words.of(step.uses[0])
    of, shape = target.local.program[target.before_moves(step.uses[0])].of, target.operand(step, 0).shape
    values, rows = pool.gradients_of_shape(shape)
    arrays = rows.reshape(len(rows), *shape)
    for axes, summed in _summed(arrays, first=1):
        same = axes == own
        also, told = ((), "") if same else (("sum_axis",), f", and is summed over axis {_told(axes)}")
        for k in _promising(target, step, summed):
            if values[k].text != belongs:
                codes, missing = codes_of_gradient(pool, values[k], of)
                text = f"{values[k].text} stands where {belongs} belongs{missing}{told}"
                cost = (1.05 if same else 1.25) + values[k].cost
                _either(target, step, summed[k], Edit((*codes, *also), text, cost, at))


def _promising(target: Target, step: Step, arrays: Array) -> list[int]:
    """Which of many arrays may give the array in the place of the step, or of the result."""
    shape = arrays.shape[1:]
    if not len(arrays):
        return []
    first = arrays[0], np.squeeze(arrays[0])
    if shape != step.shape and any(target.ends_alike(step.name, one) for one in first):
        return [*range(len(arrays))]
    if arrays[0].size == step.value.size:
        return [*map(int, target.promising_values(step.name, arrays))]
    lead = arrays.reshape(len(arrays), *(1,) * (len(step.shape) - len(shape)), *shape)
    try:
        wide = np.broadcast_to(lead, (len(arrays), *step.shape))
    except ValueError:
        return []
    return [*map(int, target.promising_values(step.name, wide))]


def one_along(a: Array, axes: tuple[int, ...], last: bool) -> Array:
    """The last, or the first, entry along some axes, which are kept."""
    one = slice(-1, None) if last else slice(0, 1)
    return a[tuple(one if k in axes else slice(None) for k in range(a.ndim))]


def _either(target: Target, step: Step, value: Array, edit: Edit) -> None:
    """In the place of the step, and where its shape does not fit, in the place of the result."""
    if value.shape != step.shape:
        target.again({step.name: value}, edit)
        if value.ndim > 1 and value.size != step.value.size:
            target.again({step.name: np.squeeze(value)}, edit)
        if value.size == step.value.size:
            target.at(step.name, value.reshape(step.shape), edit)
    target.at(step.name, value, edit)


def _lines(target: Target, pool: Pool) -> None:
    """Sums that are added up, as those of each pass of a loop: none of them taken, or all over other axes."""
    sums = (s for s in target.local.steps if adds_up(s))
    for group in alike(sums, lambda s: (target.operand(s, 0).shape, s.shape)):
        every = {s.name: target.operand(s, 0) for s in group}
        own, above = axes_of(every[group[0].name].shape, group[0].shape), pool.words.of(group[-1].uses[0])
        text = f"{above} is not summed, and so in each step like it"
        target.again(every, Edit(("sum_missing",), text, 1.05))
        for summed in zip(*map(_summed, every.values()), strict=True):
            axes = summed[0][0]
            if axes != own:
                text = f"{above}, and what is like it in each step, is summed over axis {_told(axes)}"
                edit = Edit(("sum_axis",), f"{text} instead of axis {_told(own)}", 1.05)
                target.again(dict(zip(every, (value for _, value in summed), strict=True)), edit)


def _summed(g: Array, first: int = 0) -> Iterator[tuple[tuple[int, ...], Array]]:
    """The sums over each set of axes, with these kept and without; from the ``first`` axis on."""
    for count in range(1, g.ndim - first + 1):
        for axes in combinations(range(g.ndim - first), count):
            over = tuple(axis + first for axis in axes)
            yield axes, g.sum(axis=over, keepdims=True)
            yield axes, g.sum(axis=over)


def _told(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(axes)


def _of_a_product(target: Target, pool: Pool, step: Step) -> None:
    """A sum over examples inside a product: only some of them."""
    (k,) = target.local.backward.carriers[step.name][:1]
    g, c = (target.operand(step, j) for j in (k, 1 - k))
    above = pool.words.of(step.args[k].name)
    for n, axis, other in summed_in_a_product(step, g, c, k):
        for kept, codes, told in parts(n):
            value = part_of_a_product(step, g, c, k, kept, axis, other)
            text = f"of the {n} that are summed in the product with {above}, {told}"
            target.at(step.name, value, Edit(codes, text, 1.15))
    _of_other_letters(target, step)


def _of_other_letters(target: Target, step: Step) -> None:
    """Other letters behind the arrow of an einsum: axes of the same lengths are kept, the others summed."""
    subscripts = str(step.settings.get("subscripts", "..."))
    inputs, _, own = subscripts.partition("->")
    if "." in subscripts or len(own) > _MOST_AXES:
        return
    operands = [target.operand(step, k) for k in range(len(step.args))]
    length = {
        letter: n
        for part, a in zip(inputs.split(","), operands, strict=True)
        for letter, n in zip(part, a.shape, strict=True)
    }
    for kept in permutations(length, len(own)):
        if "".join(kept) != own and [length[n] for n in kept] == list(step.shape):
            wrong = f"{inputs}->{''.join(kept)}"
            edit = Edit(
                ("sum_axis", "inner_transpose"),
                f"einsum sums over other axes: {wrong} instead of {subscripts}",
                1.1,
            )
            target.at(step.name, np.einsum(wrong, *operands), edit)


def summed_in_a_product(step: Step, g: Array, c: Array, k: int) -> Iterator[tuple[int, int, int]]:
    """The lengths of the axes that a product sums over, and which they are in g and in c."""
    subscripts = step.settings.get("subscripts")
    if isinstance(subscripts, str):
        inputs, _, result = subscripts.partition("->")
        own = inputs.split(",")
        if len(own) == 2 and "..." not in subscripts:
            for letter in dict.fromkeys(own[k]):
                if letter not in result and own[1 - k].count(letter) == 1 == own[k].count(letter):
                    axis, other = own[k].index(letter), own[1 - k].index(letter)
                    yield g.shape[axis], axis, other
    elif isinstance(axes := step.settings.get("axes"), tuple) and len(axes) == 2:
        for axis, other in zip(axes[k], axes[1 - k], strict=True):
            yield g.shape[axis], axis, other
    elif min(g.ndim, c.ndim) >= 2 == (c.ndim, g.ndim)[k]:
        axis, other = (g.ndim - 1, 0) if k == 0 else (0, c.ndim - 1)
        if g.shape[axis] == c.shape[other]:
            yield g.shape[axis], axis, other


def part_of_a_product(
    step: Step, g: Array, c: Array, k: int, kept: list[int], axis: int, other: int
) -> Array:
    """The product of only some of what it sums over."""
    a, b = np.take(g, kept, axis), np.take(c, kept, other)
    assert step.op is not None
    return np.asarray(step.op.forward(*((a, b) if k == 0 else (b, a)), **step.settings))


def parts(n: int) -> Iterator[tuple[list[int], tuple[str, ...], str]]:
    """Which of several examples are summed by mistake: one alone, or all but one."""
    if n < 2:
        return
    for k in range(n) if n <= _MOST_ALONE else (0, n - 1):
        which = {0: "first", n - 1: "last"}.get(k, f"one at {k}")
        yield [k], ("last_example_only", "term_missing"), f"only the {which} is there"
        yield [*range(k), *range(k + 1, n)], ("example_omitted", "term_missing"), f"the {which} is left out"


def _reordered(target: Target, step: Step) -> None:
    """A reshape in another order of the axes."""
    a = target.operand(step, 0)
    if a.size != step.value.size or a.ndim == 0 or step.value.ndim < 2 or a.shape == step.shape:
        return
    shape = step.shape
    text = "the reshape takes the entries in another order (an axis is permuted before it)"
    told = Edit(("transpose", "wrong_shape"), text, 1.1)
    target.at(step.name, a.reshape(shape, order="F"), told)
    if len(shape) <= _MOST_AXES:
        for order in [*permutations(range(len(shape)))][1:]:  # the first is the right one
            permuted = a.reshape([shape[k] for k in order])
            target.at(step.name, permuted.transpose(np.argsort(order)), told)
    if 1 < a.ndim <= _MOST_AXES:
        for order in [*permutations(range(a.ndim))][1:]:
            target.at(step.name, a.transpose(order).reshape(shape), told)


def _too_early(target: Target) -> None:
    """The right gradient itself, summed where it should not be."""
    R = target.right
    if R.size < 2:
        return
    for axes, value in _summed(R):
        if not np.ptp(R, axis=axes).any():
            continue  # all are the same: that is a number times it
        everything = len(axes) == R.ndim
        where = "over everything" if everything else f"over axis {_told(axes)}"
        codes = ("summed_too_early", "sum_extra", *(("sum_all",) if everything else ()))
        codes += ("sum_axis",) if any(adds_up(step) for step in target.local.steps) else ()
        edit = Edit(codes, f"it is summed {where}, which it should not be yet", 1.1)
        target.whole(value, edit)
        if value.ndim == R.ndim:
            target.whole(np.broadcast_to(value, R.shape), edit)
    if target.given.ndim == R.ndim + 1 and R.ndim:
        text = "the Jacobian's diagonal stands there instead of its product with the gradient above"
        target.whole(np.diagflat(R), Edit(("unknown",), text, 1.4))


def _of_others(target: Target, pool: Pool) -> None:
    """Another gradient, or one summed: db as the row sums of dW."""
    shape = target.given.shape
    for value in pool.gradients:
        g = np.asarray(value.array, float)
        if g.ndim and g.shape != target.right.shape and g.size > 1:
            leaf = value.node is not None and value.node.is_leaf
            codes: tuple[str, ...] = ("bias_from_weights",) if leaf else ("wrong_layer", "sum_axis")
            for axes, summed in _summed(g):
                if summed.shape == shape and (leaf or summed.size > 1):
                    text = f"{value.text} is summed over axis {_told(axes)}, instead of the gradient above"
                    target.whole(summed, Edit(codes, text, 1.3 + value.cost))
        same = g.shape == target.right.shape and np.allclose(g, target.right, rtol=1e-9, atol=0)
        scalar = g.size == 1 and (value.node is None or not value.node.named or value.node.shape == ())
        if same or scalar or shape != target.right.shape or g.ndim > len(shape):
            continue
        try:
            wide = np.broadcast_to(g, shape)
        except ValueError:
            continue
        codes, missing = codes_of_gradient(pool, value, pool.own if g.shape == shape else None)
        text = f"{value.text} stands there: another quantity's gradient{missing}"
        target.whole(wide, Edit(codes, text, 1.2 + value.cost))
