"""Another array in the place of one that the formula uses, in all its uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.coefficients import Coefficients
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import FUNCTIONS, Pool
from tinygrad_edu.check.diagnosis.products import codes_of_gradient
from tinygrad_edu.check.diagnosis.steps import alike, feeds, made_alike, outer
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.diagnosis.turns import some_places, turns
from tinygrad_edu.graph import GraphNode, Step

_MOST_SIZE = 200_000
_MOST_OTHERS = 100
_MOST_COMPUTED = 40
_UNNAMED = 0.25


def of_leaves(target: Target, pool: Pool) -> None:
    """A value turned, shifted, transposed or squared in all its uses, alone or with those like it."""
    uses = Coefficients(target)
    steps = [s for s in uses.steps if 1 < s.value.size <= _MOST_SIZE and s.value.dtype.kind in "fiub"]
    few = sum(step.name not in pool.graph for step in steps) <= _MOST_COMPUTED
    for step in outer(steps, lambda s: (made_alike(target.local, s), s.shape, s.requires_grad)):
        node = pool.graph.find(step.name) if step.name in pool.graph else None
        if node is not None:
            _reordered(uses, pool, node)
            _swapped_labels(uses, pool, step)
        elif not few or step.op is None or step.op.moves:
            continue  # where it repeats a value, that is turned itself
        data = step.role == "input" and not step.requires_grad
        companions = _companions(steps, step)
        for turn in turns(step.shape, data=data):
            one = turn.of(np.asarray(step.value, float))
            along = {name: f(one) for name, f in companions.items()}
            uses.tried({step.name: one, **along}, turn.edit(pool.words.of(step.name)))
    slices = (s for s in steps if s.role == "input" and not s.requires_grad)
    for group in alike(slices, lambda s: s.shape):
        for turn in turns(group[0].shape, data=True):
            edit = turn.edit(pool.words.of(group[0].name), f", and so each of {len(group)} arrays like it")
            uses.tried({s.name: turn.of(np.asarray(s.value, float)) for s in group}, edit)


def _reordered(uses: Coefficients, pool: Pool, node: GraphNode) -> None:
    """A value put into its shape without the permutation that belongs before it."""
    for before in _before_moves(node):
        name = pool.words.of(node.name)
        text = f"the entries of {before.name} are reshaped to {name} in another order: no transpose"
        value = np.asarray(before.value, float).reshape(node.shape)
        uses.tried({node.name: value}, Edit(("transpose", "wrong_layer"), text, 1.15))


def _swapped_labels(uses: Coefficients, pool: Pool, step: Step) -> None:
    value, name = np.asarray(step.value, float), pool.words.of(step.name)
    labels = step.role == "input" and not step.requires_grad and np.isin(value, (0, 1)).all()
    if labels and value.size > 2 and np.ptp(value):
        along = {other: f(1 - value) for other, f in _companions(uses.steps, step).items()}
        edit = Edit(("labels_swapped", "wrong_layer"), f"1 - {name} stands where {name} belongs", 1.15)
        uses.tried({step.name: 1 - value, **along}, edit)


def of_others(target: Target, pool: Pool) -> None:
    """Another quantity in the place of one, in all its uses and in what is a function of it alone."""
    uses = Coefficients(target)
    steps = [s for s in uses.steps if s.value.dtype.kind == "f" and s.value.size > 1 and s.named]
    pairs = [
        (step, other)
        for step in steps
        for other in pool.forward
        if other.array.shape == step.shape and other.cost == 0 and other.text != step.name
    ]
    if len(pairs) > _MOST_OTHERS or target.right.size > _MOST_SIZE:
        return
    for step, other in pairs:
        text = f"{other.text} stands wherever {pool.words.of(step.name)} belongs"
        codes: tuple[str, ...] = ("wrong_layer",)
        if step.name in pool.graph and feeds(pool.graph.find(step.name), other.text):
            codes = ("z_for_a", "wrong_layer")
        elif other.node is not None and feeds(other.node, step.name):
            codes = ("a_for_z", "wrong_layer")
        uses.tried({step.name: np.asarray(other.array)}, Edit(codes, text, 1.2))
    for node, other in pool.misread:
        if any(s.name == node.name for s in uses.steps):
            text = f"{other.text} stands wherever {pool.words.of(node.name)} belongs"
            uses.tried({node.name: other.array}, Edit(("slope_wrong", "constant_factor"), text, 1.2))
    for k, step in enumerate(steps):
        for second in (s for s in steps[k + 1 :] if s.shape == step.shape):
            text = f"{step.name} and {second.name} are exchanged: each stands where the other belongs"
            swapped = {step.name: second.value, second.name: step.value}
            uses.tried(swapped, Edit(("wrong_layer",), text, 1.25))


def of_other_axes(target: Target, pool: Pool) -> None:
    """A sum or mean of the forward pass over another axis, where the formula of the gradient uses it."""
    uses = Coefficients(target)
    for step in uses.steps:
        if (
            step.op is None
            or step.op.kind != "reduction"
            or "axis" not in step.settings
            or len(step.uses) != 1
        ):
            continue
        x, own = np.asarray(target.local.program[step.uses[0]].value), step.settings["axis"]
        for axis in range(x.ndim) if x.size <= _MOST_SIZE else ():
            if axis != own and axis - x.ndim != own:
                value = np.asarray(step.op.forward(x, **{**step.settings, "axis": axis}))
                text = f"{pool.words.of(step.name)} is taken over axis {axis} instead of axis {own}"
                uses.tried({step.name: value}, Edit(("sum_axis", "wrong_layer"), text, 1.2))


def of_turned(target: Target, pool: Pool) -> None:
    """A gradient on the way, or the result, turned, squared, or of which only the sign is left."""
    for step in target.places:
        if step.of is not None and 1 < step.value.size <= _MOST_SIZE:
            dearer = 0.1 if pool.graph.find(step.of).named else _UNNAMED
            for turn in turns(step.shape):
                edit = turn.edit(pool.words.gradient(step.of), dearer=dearer)
                target.at(step.name, turn.of(target.value(step.name)), edit)


def of_sources(target: Target, pool: Pool) -> None:
    """Another array in the place of a given gradient, wherever the formula uses it, as in each window."""
    for name, g in target.local.sources.items():
        belongs, size = pool.words.of(name), np.shape(g)
        of = target.local.program[name].of or ""
        for value in (*pool.forward, *pool.gradients):
            if value.array.shape == size and value.text != belongs and value.cost < _UNNAMED:
                change = {name: np.asarray(value.array, float) - g}
                codes, missing = codes_of_gradient(pool, value, of if value.gradient else None)
                text = f"{value.text} stands where {belongs} belongs{missing}"
                target.changed(change, Edit(codes, text, 1.05 + value.cost))
        for turn in turns(size, data=True):
            target.changed({name: turn.of(np.asarray(g, float)) - g}, turn.edit(belongs))
        for kept, codes, told in some_places(np.asarray(g, float)):
            text = f"of {belongs}, {told}"
            target.changed({name: kept - g}, Edit(codes, text, 1.4))


def _companions(steps: list[Step], leaf: Step) -> dict[str, Callable[[Array], Array]]:
    """The constants that are functions of data, such as 1 - y of y: they are turned along with it."""
    found: dict[str, Callable[[Array], Array]] = {}
    if leaf.role != "input" or leaf.requires_grad:
        return found
    others = [s for s in steps if s.role == "input" and s.name != leaf.name and s.shape == leaf.shape]
    for f in FUNCTIONS.values() if others else ():
        value = f(np.asarray(leaf.value, float))
        for other in others:
            if other.name not in found and np.array_equal(other.value, value):
                found[other.name] = f
    return found


def _before_moves(node: GraphNode) -> Iterator[GraphNode]:
    """The values of which another is only a rearrangement."""
    size = node.value.size
    while node.op is not None and node.op.moves and len(node.inputs) == 1:
        node = node.inputs[0]
        if node.value.size != size:
            return
        yield node


def of_stale(target: Target, pool: Pool) -> None:
    """Parameters that were updated before they were used: a step of unknown length along their gradients."""
    local = target.local
    uses = Coefficients(target)
    for step in uses.steps:
        if step.role != "input" or not step.requires_grad or step.value.size > _MOST_SIZE * 10:
            continue
        own = local.program.gradients.get(step.name)
        given = pool.given.get(step.name)
        if own is None:
            continue
        for slope in (given, np.asarray(own.value, float)):
            if slope is not None and slope.shape == step.shape:
                _updated(uses, step, slope)


def _updated(uses: Coefficients, step: Step, slope: Array) -> None:
    target = uses.target
    moved, back = (uses.gradient({step.name: step.value + h * slope}) for h in (1.0, -1.0))
    D = (moved - back) / 2
    linear = np.allclose(moved + back, 2 * target.right, rtol=1e-9, atol=1e-12)
    for aspect in target.aspects:
        if not linear or aspect.array.shape != D.shape or D.size < 3:
            continue
        columns = np.stack([target.right.ravel(), D.ravel()], axis=1)
        scale = np.abs(columns).max(axis=0)
        if np.any(columns != 0, axis=1).sum() < 3 or not scale.all():
            continue
        solved, *_ = np.linalg.lstsq(columns / scale, aspect.array.ravel(), rcond=None)
        c, a = solved / scale
        if not c:
            continue
        alpha, base = -a / c, 0.0 if aspect.base is None else aspect.base
        factor = target.factor(aspect.array - base, target.right + a / c * D - base)
        if factor is None or not 1e-7 < abs(alpha) < 1e4:
            continue
        told = f"{step.name} was updated before it was used"
        told += f": {step.name} - {alpha:.6g} d{step.name} stands there (α ≈ {alpha:.6g})"
        target.note(*aspect.edits, Edit(("stale_parameters",), told, 1.15), *factor)
