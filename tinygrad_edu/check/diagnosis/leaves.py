"""Another array in the place of one that the formula uses, in all its uses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from tinygrad_edu.check.diagnosis.coefficients import Coefficients
from tinygrad_edu.check.diagnosis.edit import Array, Edit, Finding
from tinygrad_edu.check.diagnosis.pool import Pool, functions
from tinygrad_edu.check.diagnosis.products import codes_of_gradient, feeds
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import GraphNode, Step

__all__ = ["of_leaves", "of_others", "of_sources", "of_stale"]

_MOST_SIZE = 200_000
_MOST_OTHERS = 100
_UNNAMED = 0.25
_MOST_AXES = 3


def of_leaves(target: Target, pool: Pool) -> None:
    """A quantity turned, shifted, transposed or squared in all its uses."""
    uses = Coefficients(target)
    steps = uses.steps
    with np.errstate(all="ignore"):
        for step in steps:
            node = pool.graph.find(step.name) if step.name in pool.graph else None
            if (
                node is None
                or step.value.size < 2
                or step.value.size > _MOST_SIZE
                or step.value.dtype.kind not in "fiu"
            ):
                continue
            companions = _companions(steps, step) if node.is_leaf and not node.requires_grad else {}
            name = pool.words.of(step.name)
            for before in _before_moves(node):
                told = f"the entries of {before.name} are reshaped to {name} in another order: no transpose"
                value = np.asarray(before.value, float).reshape(step.shape)
                uses.tried({step.name: value}, Edit(("transpose", "wrong_layer"), told, 1.15))
            for value, edit in _moved(np.asarray(step.value, float), name, node):
                along = {name: dict(functions(value))[told] for name, told in companions.items()}
                uses.tried({step.name: value, **along}, edit)


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
    with np.errstate(all="ignore"):
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
        for slices, told in _one_for_all(np.asarray(g, float)):
            text = f"of {belongs}, the entries {told} stand for all: an index of the loop does not move"
            edit = Edit(("wrong_layer", "examples_misaligned", "last_example_only"), text, 1.2)
            target.changed({name: slices - g}, edit)
        for kept, codes, told in _some_places(np.asarray(g, float)):
            text = f"of {belongs}, {told}"
            target.changed({name: kept - g}, Edit(codes, text, 1.4))


def _companions(steps: list[Step], leaf: Step) -> dict[str, str]:
    """The constants that are functions of another, such as 1 - y: they move along with it."""
    found: dict[str, str] = {}
    for told, value in functions(leaf.value):
        for other in steps:
            constant = other.role == "input" and other.name != leaf.name and other.shape == leaf.shape
            if constant and other.name not in found and np.array_equal(other.value, value):
                found[other.name] = told
    return found


def _moved(value: Array, name: str, node: GraphNode) -> Iterator[tuple[Array, Edit]]:
    data = node.is_leaf and not node.requires_grad
    for axis in range(value.ndim):
        n = value.shape[axis]
        if n < 2:
            continue
        codes = ("examples_misaligned", "wrong_layer") if data else ("wrong_layer",)
        for shift in (1, -1):
            told = f"{name} is shifted by one along axis {axis}: out of step"
            yield np.roll(value, shift, axis), Edit(codes, told, 1.2)
        yield np.flip(value, axis), Edit(codes, f"{name} is in reverse order along axis {axis}", 1.25)
    yield from _turned(value, name, whole=node.named or node.is_leaf)
    if data and value.size > 2 and np.isin(value, (0, 1)).all() and value.any() and not value.all():
        text = f"1 - {name} stands where {name} belongs"
        yield 1 - value, Edit(("labels_swapped", "wrong_layer"), text, 1.15)
    yield (
        value * value,
        Edit(("wrong_layer", "slope_wrong"), f"the square of {name} stands where {name} belongs", 1.35),
    )
    yield (
        np.abs(value),
        Edit(("wrong_layer",), f"the absolute value of {name} stands where {name} belongs", 1.4),
    )


def _turned(value: Array, name: str, *, whole: bool) -> Iterator[tuple[Array, Edit]]:
    """Two axes flipped or exchanged; of a ``whole`` quantity, one entry along an axis in the place of all."""
    for one, told in _one_for_all(value) if whole else ():
        text = f"of {name}, the entries {told} stand for all: an index of the loop does not move"
        yield one, Edit(("wrong_layer", "last_example_only", "examples_misaligned"), text, 1.3)
    for first in range(value.ndim):
        for second in range(first + 1, value.ndim):
            if value.ndim > 2:
                turned = np.flip(value, (first, second))
                told = (
                    f"{name} is turned by 180° in the axes {first} and {second} "
                    "(flipped), or is not where it should be"
                )
                yield turned, Edit(("wrong_layer", "inner_transpose"), told, 1.1)
            if value.shape[first] == value.shape[second]:
                told = f"{name} is transposed in the axes {first} and {second}"
                yield np.swapaxes(value, first, second), Edit(("inner_transpose",), told, 1.15)


def _one_for_all(value: Array) -> Iterator[tuple[Array, str]]:
    """One slice along an axis in the place of every slice."""
    for axis in range(value.ndim):
        for k in (0, -1) if value.shape[axis] > 1 else ():
            one = np.broadcast_to(np.take(value, [k], axis), value.shape)
            yield one, f"at {k % value.shape[axis]} along axis {axis}"


def _some_places(value: Array) -> Iterator[tuple[Array, tuple[str, ...], str]]:
    """The first or last place along some axes alone, as of a loop that overwrites; or all places but that."""
    long = [k for k in range(value.ndim) if value.shape[k] > 1]
    for count in range(1, min(len(long), _MOST_AXES) + 1):
        for axes in combinations(long, count):
            for k, which in ((0, "first"), (-1, "last")):
                one = np.zeros(value.shape)
                place = tuple(k if axis in axes else slice(None) for axis in range(value.ndim))
                one[place] = value[place]
                where = f"the {which} place along axis {', '.join(map(str, axes))}"
                yield one, ("last_example_only", "term_missing"), f"only {where} is there"
                yield value - one, ("example_omitted", "term_missing"), f"{where} is left out"


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
    with np.errstate(all="ignore"):
        for step in uses.steps:
            if step.role != "input" or not step.requires_grad or step.value.size > _MOST_SIZE * 10:
                continue
            own = local.program.gradients.get(step.name)
            given = pool.given.get(step.name)
            if own is None:
                continue
            for slope in [
                g for g in (given, np.asarray(own.value, float)) if g is not None and g.shape == step.shape
            ]:
                _along(uses, step, slope)


def _along(uses: Coefficients, step: Step, slope: Array) -> None:
    target = uses.target
    moved, back = (uses.gradient({step.name: step.value + h * slope}) for h in (1.0, -1.0))
    D = (moved - back) / 2
    linear = np.allclose(moved + back, 2 * target.right, rtol=1e-9, atol=1e-12)
    for aspect in target.aspects:
        if not linear or aspect.array.shape != D.shape or D.size < 3:
            continue
        columns = np.stack([target.right.ravel(), D.ravel()], axis=1)
        used = np.any(columns != 0, axis=1)
        if used.sum() < 3:
            continue
        scale = np.abs(columns).max(axis=0)
        if not scale.all():
            continue
        solved, *_ = np.linalg.lstsq(columns / scale, aspect.array.ravel(), rcond=None)
        c, a = solved / scale
        if not c:
            continue
        alpha = -a / c
        whole = target.right + a / c * D
        factor = target.factor(
            aspect.array - (aspect.base if aspect.base is not None else 0),
            whole - (aspect.base if aspect.base is not None else 0),
        )
        if factor is None or not 1e-7 < abs(alpha) < 1e4:
            continue
        told = (
            f"{step.name} was updated before it was used: {step.name} - "
            f"{alpha:.6g} d{step.name} stands there (α ≈ {alpha:.6g})"
        )
        target.found.append(Finding((*aspect.edits, Edit(("stale_parameters",), told, 1.15), *factor)))
