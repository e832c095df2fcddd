"""What is left out, or put elsewhere, in every pass of a loop: a factor, an addend, a slice, the stride."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool, remembered
from tinygrad_edu.check.diagnosis.scatters import other_parts
from tinygrad_edu.check.diagnosis.steps import (
    adds,
    alike,
    made_alike,
    multiplies,
    picks_a_part,
    puts,
    sliced,
)
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.local import Local
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph import GraphNode, Ref, Step

Made = Callable[[Mapping[str, Any]], Any]
"""A step's value, from those of the steps before it."""
Line = dict[str, Made]
"""The edited steps of one line of a loop."""
Edited = tuple[tuple[str, ...], Iterator[tuple[Line, Edit]]]
"""By which steps a line is known, and its edits."""


@dataclass(frozen=True)
class Times:
    """The gradient at another step, entry by entry times a factor."""

    entry: str
    factor: Array

    def __call__(self, found: Mapping[str, Any]) -> Array:
        """The step's value; of a stack of gradients, with a stack of factors, a stack of them."""
        return np.asarray(found[self.entry] * self.factor)


_FURTHER = 3
"""So many operations after the first parameter is met, others still enter the same line."""
_MOST_ADDENDS = 5


def one_gradient_times_a_value(local: Local, step: Step) -> bool:
    """Whether a step is a product, of any kind, of one gradient and a value that is no number."""
    carriers = local.backward.carriers[step.name]
    if not multiplies(step) or len(carriers) != 1:
        return False
    other = step.args[1 - carriers[0]]
    return isinstance(other, Ref) and local.program[other.name].value.size > 1


def lost_factors(target: Target, pool: Pool) -> Iterator[tuple[Line, Edit]]:
    """A factor, entry by entry, left out in every pass, such as the masks of the windows of a pooling."""
    local = target.local
    products = (s for s in local.steps if one_gradient_times_a_value(local, s))
    for group in alike(products, lambda s: made_alike(local, s)):
        if group[0].op.kind != "elementwise":
            continue
        (k,) = local.backward.carriers[group[0].name]
        name = pool.words.of(group[-1].args[1 - k].name)
        mask = all(np.isin(local.operand(s, 1 - k), (0, 1)).all() for s in group)
        codes = (*(("dropout_mask_missing",) if mask else ()), "chain_factor_missing", "slope_missing")
        text = f"the {'mask' if mask else 'factor'} {name} is missing: every entry gets it all"
        yield {s.name: _passed_on(s.args[k].name, s.shape) for s in group}, Edit(codes, text, 1.2)


def _passed_on(name: str, shape: tuple[int, ...]) -> Made:
    return lambda found: np.broadcast_to(np.asarray(found[name]), shape)


def other_slices(target: Target, pool: Pool) -> Iterator[tuple[Line, Edit]]:
    """Another part of a gradient than the one that is picked, in every pass."""
    local = target.local
    picked = [s for s in local.steps if picks_a_part(s)]

    def kind(step: Step) -> Hashable:
        return np.shape(local.operand(step, 0)), step.shape, str(step.settings["index"])

    for group in alike(picked, kind):
        for index, told in other_parts(group[0].settings["index"], np.shape(local.operand(group[0], 0))):
            line = {s.name: _part_of(s.args[0].name, index) for s in group}
            text = f"of {pool.words.of(group[-1].args[0].name)} another slice is taken, {told}"
            yield line, Edit(("wrong_layer",), text, 1.2)


def _part_of(name: str, index: Any) -> Made:
    return lambda found: np.asarray(found[name])[index]


def lost_addends(target: Target, pool: Pool) -> Iterator[tuple[Line, Edit]]:
    """Addends left out in every pass, such as the way through the cell of the next step."""
    local = target.local
    sums = {s.name: s for s in local.steps if adds(s)}
    inner = {n for s in sums.values() for n in local.backward.carried(s) if _part_of_a_sum(local, n, sums)}
    whole = [(s, _addends(local, s, sums)) for s in sums.values() if s.name not in inner]

    def kind(one: tuple[Step, list[str]]) -> Hashable:
        return one[0].shape, tuple(_kernels(local, name) for name in one[1])

    for group in alike((one for one in whole if len(one[1]) <= _MOST_ADDENDS), kind):
        n = len(group[0][1])
        for size in range(1, n):
            for lost in combinations(range(n), size):
                kept = [k for k in range(n) if k not in lost]
                line = {s.name: _sum_of([names[k] for k in kept], s.shape) for s, names in group}
                called = [pool.words.of(name) for name in group[-1][1]]
                told, other = (" and ".join(called[k] for k in ks) for ks in (lost, kept))
                paths, verb = ("a path is", "is") if size == 1 else ("paths are", "are")
                text = f"{paths} missing: {told} {verb} not added to {other}"
                yield line, Edit(("term_missing",), text, 1.1 + 0.05 * size)


def late_addends(target: Target, pool: Pool) -> Iterator[tuple[Line, Edit]]:
    """An addend that joins only after the slope of its sum, in every pass."""
    local = target.local
    ways = [(s, way) for s in local.steps if adds(s) and (way := _entry_by_entry_after(local, s))]

    def kind(one: tuple[Step, list[Step]]) -> Hashable:
        names = local.backward.carried(one[0])
        return one[0].shape, len(one[1]), tuple(_kernels(local, name) for name in names)

    for group in alike(ways, kind):
        for k in range(len(local.backward.carried(group[0][0]))):
            for depth in range(len(group[0][1])):
                line: Line = {}
                for top, way in group:
                    late = local.backward.carried(top)[k]
                    others = [n for j, n in enumerate(local.backward.carried(top)) if j != k]
                    line[top.name] = _sum_of(others, top.shape)
                    line[way[depth].name] = _and_added(local, way[depth], late)
                lone = _without_a_sum(local, group[-1][1][depth], depth, _kernels(local, late))
                line |= {name: _passed_on(base, local.program[name].shape) for name, base in lone}
                top, way = group[-1]
                names = local.backward.carried(top)
                beside = " + ".join(pool.words.of(n) for j, n in enumerate(names) if j != k)
                text = f"{pool.words.of(names[k])} is added only after the slope that {beside} goes through"
                yield line, Edit(("slope_missing", "slope_wrong", "term_missing"), text, 1.2)


def _entry_by_entry_after(local: Local, step: Step) -> list[Step]:
    """The steps after one that multiply it entry by entry, one after the other."""
    found = list[Step]()
    while len(found) < _MOST_ADDENDS and step.name in local.followers:
        step = local.followers[step.name][0]
        if len(local.backward.carried(step)) != 1 or step.op is None or step.op.kind != "elementwise":
            break
        found.append(step)
    return [s for s in found if s.shape == found[0].shape]


def _without_a_sum(local: Local, like: Step, depth: int, late: Hashable) -> Iterator[tuple[str, str]]:
    """Steps like one in a pass that adds nothing up, such as the last, and the gradient that enters there."""
    for step in local.steps:
        if step.op is not like.op or step.shape != like.shape or len(local.backward.carried(step)) != 1:
            continue
        base = step.name
        for _ in range(depth + 1):
            above = local.backward.carried(local.program[base])
            base = above[0] if len(above) == 1 else ""
            if not base:
                break
        if base and _kernels(local, base) == late:
            yield step.name, base


def _and_added(local: Local, step: Step, late: str) -> Made:
    return lambda found: np.asarray(local.applied(step, found)) + np.asarray(found[late])


def _addends(local: Local, top: Step, sums: Mapping[str, Step]) -> list[str]:
    found = list[str]()
    for name in local.backward.carried(top):
        found += _addends(local, sums[name], sums) if _part_of_a_sum(local, name, sums) else [name]
    return found


def _part_of_a_sum(local: Local, name: str, sums: Mapping[str, Step]) -> bool:
    """Whether a step is but a part of the sum after it, and no gradient of its own."""
    return name in sums and local.program[name].of is None


def _sum_of(names: list[str], shape: tuple[int, ...]) -> Made:
    return lambda found: np.broadcast_to(sum(np.asarray(found[name]) for name in names), shape)


def _kernels(local: Local, name: str, depth: int = 2) -> Hashable:
    step = local.program[name]
    if step.op is None or name not in local.names or depth == 0:
        return None
    above = tuple(_kernels(local, n, depth - 1) for n in local.backward.carried(step))
    return step.op.kernel, str(step.settings.get("index", "")), above


def windows_without_stride(target: Target, pool: Pool) -> Iterator[tuple[Line, Edit]]:
    """Windows that are put back, or read, without the stride between them, or between their entries."""
    local = target.local
    codes = ("wrong_layer", "examples_misaligned")
    put = [s for s in local.steps if puts(s) and sliced(s.settings["index"])]
    for group in alike(put, lambda s: (np.shape(local.operand(s, 0)), s.shape)):
        for places, told in _closer([(s.settings["index"], s.shape) for s in group]):
            line = {s.name: _put(s, index) for s, index in zip(group, places, strict=True)}
            yield line, Edit(codes, f"each window is put {told}", 1.15)
    read = [s for s in local.steps if one_gradient_times_a_value(local, s) and _window(local, pool, s)]
    for group in alike(read, lambda s: (s.shape, _window(local, pool, s)[0].name)):  # type: ignore[index]
        windows = [w for s in group if (w := _window(local, pool, s)) is not None]
        for places, told in _closer([(index, whole.shape) for whole, index in windows]):
            line = {
                s.name: product(s, local.backward.carriers[s.name][0], _read(local, s, whole.value[index]))
                for s, (whole, _), index in zip(group, windows, places, strict=True)
            }
            yield line, Edit(codes, f"each window is read {told}", 1.15)


def _window(local: Local, pool: Pool, step: Step) -> tuple[GraphNode, Any] | None:
    """The value, and the part of it, that multiplies a gradient, if it is a part of one."""
    name = step.args[1 - local.backward.carriers[step.name][0]].name
    node = pool.graph.find(name) if name in pool.graph else None
    if node is None or node.op is None or node.op.kind != "indexing" or len(node.inputs) != 1:
        return None
    index = node.settings.get("index")
    return (node.inputs[0], index) if sliced(index) else None


def _closer(windows: list[tuple[Any, tuple[int, ...]]]) -> Iterator[tuple[list[tuple[slice, ...]], str]]:
    """The windows without the stride between them, and without the one between their entries."""
    spans = [
        [part.indices(n) for part, n in zip(_slices(index), shape, strict=False)] for index, shape in windows
    ]
    known = [sorted({first for first, _, _ in axis}) for axis in zip(*spans, strict=True)]
    beside = [
        tuple(slice(k.index(a), k.index(a) + b - a, by) for k, (a, b, by) in zip(known, own, strict=True))
        for own in spans
    ]
    inside = [tuple(slice(a, a + len(range(a, b, by))) for a, b, by in own) for own in spans]
    its = [tuple(slice(*span) for span in own) for own in spans]
    if beside != its:
        yield beside, "one place after the one before it: the stride between them is missing"
    if any(by > 1 for own in spans for _, _, by in own):
        yield inside, "without the stride between its entries"


def product(step: Step, k: int, c: Array, carried: str = "") -> Made:
    """A product with another coefficient: of the gradient that is its k-th operand, or of another one."""
    name, op, settings = carried or step.args[k].name, step.op, step.settings
    assert op is not None
    if op.kind == "elementwise":
        return Times(name, np.asarray(op.forward(1.0, c, **settings)))
    return lambda found: op.forward(*((found[name], c) if k == 0 else (c, found[name])), **settings)


def _read(local: Local, step: Step, window: Array) -> Array:
    """A window in the shape of the coefficient that it stands for, which may have new axes."""
    (k,) = local.backward.carriers[step.name]
    shape = np.shape(local.operand(step, 1 - k))
    return window.reshape(shape) if window.size == np.prod(shape) else window


def _slices(index: Any) -> list[slice]:
    """The slices of an index, without its new axes."""
    return [part for part in index_parts(index) if part is not None]


def _put(step: Step, index: tuple[slice, ...]) -> Made:
    def made(found: Mapping[str, Any]) -> Array:
        whole = np.zeros(step.shape)
        part = whole[index]  # a view
        part[...] = np.reshape(found[step.args[0].name], part.shape)
        return whole

    return made


@remembered
def sequences(pool: Pool) -> list[list[GraphNode]]:
    """What each line of a loop makes, one value in each pass."""
    computed = (n for n in pool.graph if n.op is not None and n.value.size > 1)
    return list(alike(computed, lambda n: (line_of(pool, n.name), n.shape, made_as(n, 2))))


@remembered
def line_of(pool: Pool, name: str) -> tuple[Any, tuple[int, ...], frozenset[str]]:
    """Which line of a loop makes a value: its operation, and the parameters that enter it next."""
    if name not in pool.graph:
        return None, (), frozenset()
    node = pool.graph.find(name)
    found, seen, level, left = set[str](), {node}, [node], _FURTHER
    while level and left:
        inputs = [(one, other) for one in level for other in one.inputs]
        found.update(other.name for _, other in inputs if other.is_leaf and other.requires_grad)
        beyond = (o for one, o in inputs if one.op is not None and one.op.kind != "contraction")
        level = [o for o in dict.fromkeys(beyond) if not o.is_leaf and o not in seen]
        seen.update(level)
        left -= bool(found)
    return node.op and node.op.kernel, node.shape, frozenset(found)


def made_with(pool: Pool, node: GraphNode) -> str:
    """What a value is called; without a name, also which parameters enter it, as those of a gate."""
    told = pool.words.of(node.name)
    _, _, entering = line_of(pool, node.name) if node.op is not None else ("", (), frozenset())
    return told if node.named or not entering else f"{told} (of {', '.join(sorted(entering))})"


def made_as(node: GraphNode, depth: int = 3) -> Hashable:
    """The operations that a value is made with: what one line of code leaves in each pass."""
    if node.op is None or depth == 0:
        return node.shape
    return node.op.kernel, node.shape, tuple(made_as(n, depth - 1) for n in node.inputs)
