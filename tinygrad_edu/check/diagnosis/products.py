"""Products got wrong: a factor of another quantity, not transposed, exchanged, entry by entry, left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool, Value, fits
from tinygrad_edu.check.diagnosis.steps import feeds, multiplies
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.rounding import rules_of
from tinygrad_edu.graph import Ref, Step
from tinygrad_edu.ops.reduction.sums_and_extrema import broadcast_axes

_FEW_PLACES = 12


def of_products(target: Target, pool: Pool, *, others: bool = True) -> None:
    """Every way in which one product of the formula is got wrong; with ``others`` by another quantity too."""
    for step in target.places:
        op = step.op
        if op is not None and op.kind not in ("elementwise", "contraction"):
            _the_map_itself(target, pool, step)
        if op is None or not multiplies(step):
            continue
        (k,) = target.local.backward.carriers[step.name][:1]
        c = 1 - k
        if np.ndim(target.local.operand(step, c)) == 0 and not pool.numbers:
            continue
        if op.kind == "contraction":
            _matrix(target, pool, step, k)
        elif np.shape(target.local.operand(step, k)) != step.shape:
            _spread(target, pool, step, k)
        if others:
            _other_operand(target, pool, step, k)
            _too_late(target, pool, step, k)


def _the_map_itself(target: Target, pool: Pool, step: Step) -> None:
    """A linear map where its transpose belongs, such as a cumulative sum from the wrong end."""
    carriers, op = target.local.backward.carriers[step.name], step.op
    if op is None or len(carriers) != 1 or not op.linear_in(carriers[0]):
        return
    args = [target.local.operand(step, k) for k in range(len(step.args))]
    g = np.asarray(args[carriers[0]], float)
    if g.shape != step.shape or g.ndim == 0:
        return
    rule = rules_of(op, len(args))[carriers[0]]
    turned = rule(g, target.local.values[step.name], *args, **step.settings)
    text = (
        f"{op.name} of {pool.words.of(step.args[carriers[0]].name)} runs in the wrong direction: on the way "
        "back it starts from the other end (its transpose)"
    )
    target.at(step.name, turned, Edit(("inner_transpose",), text, 1.1))


def _too_late(target: Target, pool: Pool, step: Step, k: int) -> None:
    """A factor that multiplies the result, and not the gradient that is summed, or multiplied, after it."""
    g, c, op = target.operand(step, k), target.operand(step, 1 - k), step.op
    if op is None or op.kind != "elementwise" or g.shape != step.shape or not np.ptp(c):
        return
    if any(a not in pool.graph for a in step.uses if a not in target.local.names):
        return  # computed on the way back, it is a slope's
    if step.name not in target.local.followers or not fits(c.shape, target.right.shape):
        return
    without = target.right + target.local.push({step.name: g - target.value(step.name)})
    name, above = (_called(target, pool, step, j) for j in (1 - k, k))
    text = f"the factor {name} multiplies the result, and not {above} where it belongs: it comes too late"
    target.whole(
        without * c, Edit(("wrong_layer", "chain_factor_missing"), text, 1.15), at=target.owner(step.name)
    )


def axes_of(shape: tuple[int, ...], result: tuple[int, ...]) -> tuple[int, ...]:
    """Which axes end between two shapes."""
    lead = len(shape) - len(result)
    if lead >= 0 and all(r in (1, n) for n, r in zip(shape[lead:], result, strict=True)):
        return broadcast_axes(shape, result)
    left = list(range(len(shape)))
    for n in result:
        for k in left:
            if shape[k] == n:
                left.remove(k)
                break
    return tuple(left)


def _called(target: Target, pool: Pool, step: Step, k: int) -> str:
    a = step.args[k]
    return pool.words.of(target.before_moves(a.name)) if isinstance(a, Ref) else "a constant"


def _matrix(target: Target, pool: Pool, step: Step, k: int) -> None:
    at = target.owner(step.name)
    for value, edit in _Factors(target, pool, step, k).wrong():
        edit = replace(edit, at=at)
        if value.size <= step.value.size:
            target.at(step.name, value, edit)
        if value.shape != step.shape:
            target.again({step.name: value}, edit)


def _spread(target: Target, pool: Pool, step: Step, k: int) -> None:
    """A gradient that several entries share, without the factor by which each takes its part."""
    g, c = (target.operand(step, j) for j in (k, 1 - k))
    a = step.args[1 - k]
    name = _called(target, pool, step, 1 - k)
    codes: tuple[str, ...] = ("chain_factor_missing", "slope_missing")
    text = f"the factor {name} is missing: every entry gets the gradient in full"
    if np.isin(c, (0, 1)).all():
        codes = ("dropout_mask_missing", *codes)
        text = f"the mask {name} is missing: every entry gets the gradient, not only those where it is 1"
    if isinstance(a, Ref):
        wide = np.broadcast_to(g, step.shape)
        target.at(step.name, wide, Edit(codes, text, 1.05))
        even = f"{text}, and in equal parts, as behind a mean"
        target.at(step.name, wide * g.size / wide.size, Edit((*codes, "mean_for_sum"), even, 1.1))
        if codes[0] == "dropout_mask_missing":
            _another_picked(target, pool, step, wide, name)


def _another_picked(target: Target, pool: Pool, step: Step, wide: Array, name: str) -> None:
    """A gradient that belongs to the entry that was picked, as the largest, given to another one."""
    (k,) = target.local.backward.carriers[step.name][:1]
    axes, of = axes_of(step.shape, np.shape(target.local.operand(step, k))), target.owner(step.name)
    if len(axes) != 1:
        return
    (axis,), n = axes, step.shape[axes[0]]
    indices = np.moveaxis(np.broadcast_to(np.arange(n), (*np.delete(step.shape, axis), n)), -1, axis)
    hot = [(indices == j, f"the entry at index {j}") for j in range(n if n <= _FEW_PLACES else 0)]
    if of in pool.graph and pool.graph.find(of).shape == step.shape:
        least = np.argmin(pool.graph.find(of).value, axis=axis, keepdims=True)
        hot = [(indices == least, "the smallest entry"), *hot]
    for picked, told in hot:
        text = f"{told} along axis {axis} gets the gradient, not the one that the mask {name} picks"
        target.at(step.name, wide * picked, Edit(("wrong_layer", "slope_wrong"), text, 1.1))


class _Factors:
    """The two factors of a product: the gradient above, g, and the coefficient, c."""

    def __init__(self, target: Target, pool: Pool, step: Step, k: int) -> None:
        self.step, self.k = step, k
        self.g, self.c = (target.operand(step, j) for j in (k, 1 - k))
        self.name, self.above = (_called(target, pool, step, j) for j in (1 - k, k))

    def wrong(self) -> Iterator[tuple[Array, Edit]]:
        """What the product may be by mistake."""
        for value, edit in (*self._turned(), *self._without()):
            if value is not None:
                yield value, edit
        if self.g.ndim == 1 and self.c.ndim == 2:
            yield from self._not_summed()
        if self.g.ndim == self.c.ndim == 2:
            yield from self._of_sums()
            yield from self._exchanged()
            yield from self._by_entries()

    def _product(self, g: Array, c: Array) -> Array | None:
        op = self.step.op
        try:
            pair = (g, c) if self.k == 0 else (c, g)
            return None if op is None else np.asarray(op.forward(*pair, **self.step.settings), float)
        except ValueError:
            return None

    def _turned(self) -> Iterator[tuple[Array | None, Edit]]:
        g, c = self.g, self.c
        both = f"{self.name} and {self.above}"
        for a, b, what in ((g, _T(c), self.name), (_T(g), c, self.above), (_T(g), _T(c), both)):
            text = f"{what}: a transpose is missing, or too many, in the product"
            yield self._product(a, b), Edit(("inner_transpose",), text)
        for a, b, x, what in ((g, _reshaped(c), c, self.name), (_reshaped(g), c, g, self.above)):
            if x.shape != _T(x).shape:  # of a square it is that transpose
                text = f"{what}: the entries are only put into the shape, .reshape where .T belongs"
                yield self._product(a, b), Edit(("transpose", "inner_transpose"), text, 1.05)

    def _without(self) -> Iterator[tuple[Array | None, Edit]]:
        g, c, name, above = self.g, self.c, self.name, self.above
        missing, codes = f"the factor {name} is missing", ("chain_factor_missing",)
        yield g, Edit(codes, missing)
        for axis in (0, 1) if g.ndim == 2 else ():
            yield g.sum(axis=axis, keepdims=True), Edit(codes, f"{missing}: {above} is only summed", 1.25)
        only = Edit(codes, f"the gradient {above} is missing: only {name} is there", 1.2)
        yield c, only
        yield _T(c), only
        text = f"the gradient {above} is missing: {name} is only summed"
        yield self._product(np.ones(g.shape), c), Edit(codes, text, 1.4)

    def _not_summed(self) -> Iterator[tuple[Array, Edit]]:
        c = self.c if self.k == 1 else _T(self.c)
        if c.shape[1] == self.g.size:
            text = f"* instead of @ between {self.above} and {self.name}: each example's own is not summed"
            for entries in (c * self.g, _T(c * self.g)):
                yield entries, Edit(("elementwise_for_matmul", "sum_missing"), text)

    def _of_sums(self) -> Iterator[tuple[Array, Edit]]:
        left, right = (self.g, self.c) if self.k == 0 else (self.c, self.g)
        if left.shape[1] == right.shape[0] > 1:
            text = f"{self.above} and {self.name} are summed before they are multiplied, not after"
            value = left.sum(axis=1, keepdims=True) @ right.sum(axis=0, keepdims=True)
            yield value, Edit(("summed_too_early",), text, 1.2)
            yield value / left.shape[1], Edit(("summed_too_early",), f"{text}; one of them averaged", 1.2)

    def _exchanged(self) -> Iterator[tuple[Array, Edit]]:
        g, c = self.g, self.c
        for a, b in ((g, c), (_T(g), c), (g, _T(c)), (_T(g), _T(c))):
            left, right = (b, a) if self.k == 0 else (a, b)
            if left.shape[1] == right.shape[0]:
                text = f"the factors {self.above} and {self.name} are exchanged"
                yield left @ right, Edit(("inner_transpose",), text, 1.2)

    def _by_entries(self) -> Iterator[tuple[Array, Edit]]:
        text = f"* instead of @ between {self.above} and {self.name}"
        for other in (self.c, _T(self.c)):
            if not all(a == b or 1 in (a, b) for a, b in zip(self.g.shape, other.shape, strict=True)):
                continue
            entries = self.g * other
            for one in (entries, _T(entries)):
                yield one, Edit(("elementwise_for_matmul", "sum_missing"), text)
            total = Edit(("elementwise_for_matmul", "sum_all"), f"{text}, and summed over everything", 1.2)
            yield np.full(self.step.shape, entries.sum()), total
            for axis in (0, 1):
                summed = Edit(("elementwise_for_matmul",), f"{text}, and summed over axis {axis}", 1.3)
                yield entries.sum(axis=axis, keepdims=True), summed


def _T(a: Array) -> Array:
    return np.swapaxes(a, -1, -2) if a.ndim > 1 else a


def _reshaped(a: Array) -> Array:
    """What a transposed array is without its transposition, in the same shape."""
    return _T(a).reshape(a.shape)


def _other_operand(target: Target, pool: Pool, step: Step, k: int) -> None:
    """Another quantity for the coefficient, or another gradient for the one above."""
    g, c = (target.operand(step, j) for j in (k, 1 - k))
    a = step.args[1 - k]
    # a coefficient that is no quantity, but was computed on the way back, is a slope's
    base = target.local.program[target.before_moves(a.name)] if isinstance(a, Ref) else step
    a_slope = isinstance(a, Ref) and base.role not in ("input", "forward")
    for j, old, other in ((k, g, c),) if a_slope else ((1 - k, c, g), (k, g, c)):
        belongs, mirrored = _called(target, pool, step, j), _is_turned(target, step.args[j], old)
        for value, array, turned in _alike(target, pool, step, j, old.shape, forward=j != k):
            if value.text == belongs:
                continue
            assert step.op is not None
            new = step.op.forward(*((array, other) if j == 0 else (other, array)), **step.settings)
            cost = 1.05 + value.cost + 0.15 * turned + 0.2 * (value.gradient and j != k)
            told = f"{value.text}{'.T' if turned != mirrored else ''} stands where {belongs} belongs"

            def edit(j: int = j, value: Value = value, told: str = told, cost: float = cost) -> Edit:
                return Edit(_codes_of_another(target, pool, step, j, value, j == k), told, cost)

            target.at(step.name, new, edit)


def _is_turned(target: Target, a: Any, value: Array) -> bool:
    """Whether an operand is the transpose of the quantity that it is called by."""
    if not isinstance(a, Ref) or value.ndim != 2:
        return False
    base = np.asarray(target.local.program[target.before_moves(a.name)].value)
    return base.ndim == 2 and base.shape == value.shape[::-1] and np.array_equal(base.T, value)


def _alike(
    target: Target, pool: Pool, step: Step, j: int, shape: tuple[int, ...], *, forward: bool
) -> Iterator[tuple[Value, Array, bool]]:
    """The values that may stand for an operand, or their transposes, and give the array."""
    for of_shape in [pool.forward_of_shape] * forward + [pool.gradients_of_shape]:
        for turned in (False, True) if len(shape) == 2 else (False,):
            its = shape[::-1] if turned else shape
            values, rows = of_shape(its)
            arrays = rows.reshape(len(rows), *its)
            arrays = np.swapaxes(arrays, 1, 2) if turned else arrays
            for n in target.promising_operands(step, j, arrays.reshape(rows.shape)):
                yield values[n], arrays[n], turned


def _codes_of_another(
    target: Target, pool: Pool, step: Step, j: int, value: Value, gradient: bool
) -> tuple[str, ...]:
    """The codes of a product whose ``j``-th operand is another value, or another gradient."""
    a = step.args[j]
    old = target.before_moves(a.name) if isinstance(a, Ref) else ""
    if gradient:
        of = target.local.program[old].of if old in target.local.program else None
        return codes_of_gradient(pool, value, of)[0]
    node, other = pool.graph.find(old) if old in pool.graph else None, value.node
    if node is not None and other is not None and not value.gradient and node.shape == other.shape:
        if feeds(node, other.name):
            return ("z_for_a", "wrong_layer")
        if feeds(other, node.name):
            return ("a_for_z", "wrong_layer")
    return ("wrong_layer",)


def codes_of_gradient(pool: Pool, value: Value, of: str | None) -> tuple[tuple[str, ...], str]:
    """What it is to take a value's gradient for that of ``of``; and what is then missing, in words."""
    node = value.node
    if of is None or node is None or not feeds(node, of):
        return ("wrong_layer",), ""
    factors = [n for n in node.inputs if n.name != of and n.value.size > 1 and not feeds(n, of)]
    if not multiplies(node) or len(factors) != 1:
        return ("slope_missing", "wrong_layer"), ""
    told = f": the factor {pool.words.of(factors[0].name)} is missing"
    return ("chain_factor_missing", "slope_missing", "wrong_layer"), told
