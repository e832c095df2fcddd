"""Products got wrong: a factor of another quantity, not transposed, exchanged, entry by entry, left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool, Value
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import Ref, Step

__all__ = ["of_products", "tail_of"]


def of_products(target: Target, pool: Pool) -> None:
    """Every way in which one product of the formula is got wrong."""
    with np.errstate(all="ignore"):
        for step in target.local.steps:
            op = step.op
            if op is None or len(step.args) != 2 or (0,) not in op.linear or (1,) not in op.linear:
                continue
            (k,) = target.local.backward.carriers[step.name][:1]
            c = 1 - k
            if np.ndim(target.local.operand(step, c)) == 0:
                continue
            if op.kind == "contraction":
                _matrix(target, pool, step, k)
            _other_operand(target, pool, step, k)


def _owner(target: Target, step: Step) -> str:
    """The quantity in whose gradient's formula a step stands."""
    local, name = target.local, step.name
    for _ in range(len(local.steps) + 1):
        if (of := local.program[name].of) is not None:
            return of
        after = [s for s in local.steps if name in local.backward.carried(s)]
        if not after:
            return ""
        name = after[0].name
    return ""


def _called(target: Target, pool: Pool, step: Step, k: int) -> str:
    a = step.args[k]
    if not isinstance(a, Ref):
        return "a constant"
    return pool.words.of(_before_moves(target, a.name))


def _before_moves(target: Target, name: str) -> str:
    """The value that a transposed or reshaped one was made of."""
    step = target.local.program[name]
    while step.role not in ("input", "forward") and step.op is not None and step.op.moves and step.uses:
        if step.of is not None:
            break
        name = step.uses[0]
        step = target.local.program[name]
    return name


def _matrix(target: Target, pool: Pool, step: Step, k: int) -> None:
    g, c = (np.asarray(target.local.operand(step, j), float) for j in (k, 1 - k))
    at = _owner(target, step)
    name, above = _called(target, pool, step, 1 - k), _called(target, pool, step, k)

    def product(a: Array, b: Array) -> Array | None:
        try:
            pair = (a, b) if k == 0 else (b, a)
            assert step.op is not None
            return np.asarray(step.op.forward(*pair, **step.settings), float)
        except ValueError:
            return None

    tail = tail_of(target, step.name)
    candidates: list[tuple[Array | None, Edit]] = []
    for turned, what in (((g, _T(c)), name), ((_T(g), c), above), ((_T(g), _T(c)), f"{name} and {above}")):
        edit = Edit(("inner_transpose",), f"{what}: a transpose is missing, or too many, in the product", 1.0, at)
        candidates.append((product(*turned), edit))
    if g.ndim == c.ndim == 2:
        for a, b in ((g, c), (_T(g), c), (g, _T(c)), (_T(g), _T(c))):
            pair = (b, a) if k == 0 else (a, b)
            if pair[0].shape[1] == pair[1].shape[0]:
                turned_text = f"the factors {above} and {name} are exchanged"
                candidates.append((pair[0] @ pair[1], Edit(("inner_transpose",), turned_text, 1.2, at)))
        for turned in (c, _T(c)):
            try:
                entries = g * turned
            except ValueError:
                continue
            text = f"* instead of @ between {above} and {name}"
            edit = Edit(("elementwise_for_matmul",), text, 1.0, at)
            candidates.append((entries, edit))
            summed = Edit(("elementwise_for_matmul", "sum_all"), f"{text}, and summed over everything", 1.2, at)
            candidates.append((np.full(step.shape, entries.sum()), summed))
            for axis in (0, 1):
                text_axis = f"{text}, and summed over axis {axis}"
                candidates.append((entries.sum(axis=axis, keepdims=True), Edit(("elementwise_for_matmul",), text_axis, 1.3, at)))
    missing = Edit(("chain_factor_missing",), f"the factor {name} is missing", 1.0, at)
    candidates.append((g, missing))
    if g.ndim == 2:
        for axis in (0, 1):
            told = Edit(("chain_factor_missing",), f"the factor {name} is missing: {above} is only summed", 1.25, at)
            candidates.append((g.sum(axis=axis, keepdims=True), told))
    only = Edit(("chain_factor_missing",), f"the gradient {above} is missing: only {name} is there", 1.2, at)
    candidates.append((c, only))
    candidates.append((_T(c), only))
    ones = product(np.ones(g.shape), c)
    candidates.append((ones, Edit(("chain_factor_missing",), f"the gradient {above} is missing: {name} is only summed", 1.4, at)))
    for value, edit in candidates:
        if value is None:
            continue
        if value.shape == step.shape or (value.size <= np.prod(step.shape) and _spreads(value, step)):
            target.at(step.name, value, edit)
        if tail is not None and value.shape != step.shape:
            target.whole(value * tail, edit)


def _spreads(value: Array, step: Step) -> bool:
    try:
        return np.broadcast_shapes(value.shape, step.shape) == step.shape
    except ValueError:
        return False


def _T(a: Array) -> Array:
    return np.swapaxes(a, -1, -2) if a.ndim > 1 else a


def tail_of(target: Target, name: str) -> float | None:
    """What all steps after one multiply it by, if they only multiply by numbers and move entries; else None."""
    local = target.local
    value = np.asarray(local.values[name], float)
    reached = {name}
    for step in local.steps:
        carried = local.backward.carried(step)
        if not reached & set(carried):
            continue
        if len(set(carried)) > 1:
            return None
        others = [local.operand(step, k) for k in range(len(step.args)) if k not in local.backward.carriers[step.name]]
        if step.op is not None and not step.op.moves and (step.op.kind != "elementwise" or any(np.size(o) > 1 for o in others)):
            return None
        reached.add(step.name)
    if local.root not in reached:
        return None
    top = float(np.max(np.abs(value), initial=0.0))
    if not top:
        return None
    k = np.unravel_index(int(np.argmax(np.abs(value))), value.shape) if value.ndim else ()
    one = np.zeros(value.shape)
    one[k] = 1.0
    out = local.push({name: one})
    return float(out.ravel()[int(np.argmax(np.abs(out)))])


def _other_operand(target: Target, pool: Pool, step: Step, k: int) -> None:
    """Another quantity for the coefficient, or another gradient for the one above."""
    at = _owner(target, step)
    local = target.local
    g, c = (np.asarray(local.operand(step, j), float) for j in (k, 1 - k))
    for j, old, values in ((1 - k, c, list(pool.forward) + list(pool.gradients)), (k, g, pool.gradients)):
        belongs = _called(target, pool, step, j)
        gradient = j == k
        for value, array, turned in _alike(values, old.shape):
            if value.text == belongs:
                continue
            other = g if j == 1 - k else c
            pair = (array, other) if j == 0 else (other, array)
            assert step.op is not None
            new = step.op.forward(*pair, **step.settings)
            codes = _codes(target, pool, step, j, value, gradient)
            cost = 1.05 + value.cost + (0.15 if turned else 0.0) + (0.2 if value.gradient and not gradient else 0.0)
            told = f"{value.text}{'.T' if turned else ''} stands where {belongs} belongs"
            target.at(step.name, new, Edit(codes, told, cost, at))


def _alike(values: list[Value], shape: tuple[int, ...]) -> Iterator[tuple[Value, Array, bool]]:
    for value in values:
        array = np.asarray(value.array, float)
        if array.shape == shape:
            yield value, array, False
        if array.ndim == 2 and array.T.shape == shape:
            yield value, array.T, True


def _codes(target: Target, pool: Pool, step: Step, j: int, value: Value, gradient: bool) -> tuple[str, ...]:
    a = step.args[j]
    old = _before_moves(target, a.name) if isinstance(a, Ref) else ""
    if gradient:
        of = target.local.program[old].of if old in target.local.program else None
        if of is not None and value.node is not None and _feeds(value.node, of):
            return ("slope_missing", "wrong_layer")
        return ("wrong_layer",)
    node = pool.graph.find(old) if old in pool.graph else None
    other = value.node
    if node is not None and other is not None and not value.gradient:
        if _feeds(node, other.name) and node.shape == other.shape:
            return ("z_for_a", "wrong_layer")
        if _feeds(other, node.name) and node.shape == other.shape:
            return ("a_for_z", "wrong_layer")
    return ("wrong_layer",)


def _feeds(node: object, name: str) -> bool:
    """Whether a node is computed, entry by entry, from the quantity of that name."""
    queue = [(node, 0)]
    for one, depth in queue:
        if not _plain(one):
            continue
        for other in one.inputs:  # type: ignore[attr-defined]
            if other.name == name:
                return True
            if depth < 6 and other.shape == node.shape and not other.is_leaf:  # type: ignore[attr-defined]
                queue.append((other, depth + 1))
    return False


def _plain(node: object) -> bool:
    op = node.op  # type: ignore[attr-defined]
    return op is not None and (op.kind == "elementwise" or op.moves)
