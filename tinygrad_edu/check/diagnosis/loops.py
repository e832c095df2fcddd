"""One line of a loop got wrong: the same edit in every pass of it, such as in each step of a recurrent net.

A loop leaves the same operation on the same shapes in the graph again and again. Steps that are alike in that
are taken for one line, and an edit is made in all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.loop_slopes import slopes_of_a_line
from tinygrad_edu.check.diagnosis.passes import (
    Edited,
    Line,
    Made,
    late_addends,
    line_of,
    lost_addends,
    lost_factors,
    made_as,
    made_with,
    one_gradient_times_a_value,
    other_slices,
    product,
    sequences,
    windows_without_stride,
)
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.products import axes_of
from tinygrad_edu.check.diagnosis.rerun import Trials, trials_of
from tinygrad_edu.check.diagnosis.steps import adds_up, alike, made_alike, multiplies
from tinygrad_edu.check.diagnosis.sums import part_of_a_product, parts, summed_in_a_product
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import GraphNode, Step

_FEW_PARTS, _MOST_STARTS = 12, 3
_Other = tuple[str, tuple[str, ...], Callable[[GraphNode], GraphNode | None]]
"""What other values are, in words and codes, and which there is for a value."""


def of_loops(target: Target, blocks: list[Block], pool: Pool) -> None:
    """Every way in which one line of a loop is got wrong."""
    _of_other_gradients(target, pool)
    for trials in _trials(target, blocks, pool):
        pool.lines += _tried(target, trials)


def of_known_lines(target: Target, pool: Pool) -> bool:
    """Whether a line of a loop that is wrong in the formula of another gradient explains this one too."""
    names = target.local.names
    own = (({n: made for n, made in line.items() if n in names}, edit) for line, edit in pool.lines)
    fits = [_tried(target, trials) for trials in trials_of(target.local, (one for one in own if one[0]))]
    return any(fits)


def _tried(target: Target, trials: Trials) -> list[tuple[Line, Edit]]:
    """Which of these edits give the array; they are noted."""
    changes, fail = trials.changes(target.local)
    found = []
    for k in target.fitting(changes):
        line, edit = trials.lines[k], trials.edits[k]
        value = target.right + target.local.push({name: change[k] for name, change in changes.items()})
        told = replace(edit, text=f"{edit.text}; and so in each step like it")
        if k not in fail and value.shape == target.right.shape and target.whole(value, told):
            found.append((line, edit))
    return found


def _of_other_gradients(target: Target, pool: Pool) -> None:
    """What another line makes the gradients of, added up."""
    known = {value.node.name: value for value in pool.gradients if value.node is not None}
    for line in sequences(pool):
        values = [known[node.name] for node in line if node.name in known]
        if len(values) == len(line) and values[0].array.shape == target.right.shape:
            text, local = f"{values[-1].text}, and what is like it in each step, is added up", target.local
            codes: tuple[str, ...] = ("wrong_layer",)
            if all(local.program.gradients[node.name].name in local.names for node in line):
                codes, text = ("term_missing", *codes), f"{text} alone: other paths are missing"
            else:
                text = f"{text}: another line's gradients"
            total = sum(np.asarray(value.array, float) for value in values)
            target.whole(total, Edit(codes, text, 1.25 + values[-1].cost))


def _trials(target: Target, blocks: list[Block], pool: Pool) -> Iterator[Trials]:
    """The edits of each line; those of the lines that formulas have in common are run once for all."""
    common = (slopes_of_a_line(blocks, pool), _products(target, pool), _sums(target))
    for family, groups in enumerate(common):
        for names, edits in groups:
            key = ("line", family, bool(target.local.sources), names)
            known: list[Trials] | None = pool.memo(*key)
            yield from pool.memo(*key, found=trials_of(target.local, edits)) if known is None else known
    for find in (lost_factors, lost_addends, late_addends, windows_without_stride, other_slices):
        yield from trials_of(target.local, find(target, pool))


def _products(target: Target, pool: Pool) -> Iterator[Edited]:
    local = target.local

    def kind(step: Step) -> Hashable:
        return made_alike(local, step)

    def own_line(step: Step) -> Hashable:
        return kind(step), line_of(pool, target.owner(step.name))

    members = [s for s in local.steps if one_gradient_times_a_value(local, s)]
    groups = list(alike(members, kind))
    for group in groups + [group for group in alike(members, own_line) if group not in groups]:
        yield tuple(s.name for s in group), _of_a_product(target, pool, group)


def _of_a_product(target: Target, pool: Pool, group: list[Step]) -> Iterator[tuple[Line, Edit]]:
    local = target.local
    (k,) = local.backward.carriers[group[0].name]
    yield from _of_others(target, pool, group, k)
    yield from _of_other_passes(target, pool, group, k)
    if group[0].op is None or group[0].op.kind != "contraction":
        return
    c = np.asarray(local.operand(group[-1], 1 - k))
    if c.ndim == 2 and c.shape[0] == c.shape[1]:
        name = pool.words.of(_base(target, group[-1].args[1 - k].name)[0])
        text = f"{name}: a transpose is missing, or too many, in the product"
        line = {s.name: product(s, k, np.asarray(local.operand(s, 1 - k)).T) for s in group}
        yield line, Edit(("inner_transpose",), text, 1.1)
    for n, axis, along in summed_in_a_product(group[0], np.asarray(local.operand(group[0], k)), c, k):
        for kept, codes, which in parts(n) if n <= _FEW_PARTS else ():
            line = {s.name: _product_of_some(local, s, k, (kept, axis, along)) for s in group}
            text = f"of the {n} that are summed in the product with {pool.words.of(group[0].args[k].name)}"
            yield line, Edit(codes, f"{text}, {which}", 1.25)


def _of_others(target: Target, pool: Pool, group: list[Step], k: int) -> Iterator[tuple[Line, Edit]]:
    for what, codes, other in _others(target, pool, group, k):
        line, ends, pair = {}, {}, ("", "")
        for step in group:
            base, moves = _base(target, step.args[1 - k].name)
            node = other(pool.graph.find(base)) if base in pool.graph else None
            if node is None or node.shape != pool.graph.find(base).shape:
                ends[step.name] = product(step, k, np.zeros(np.shape(target.local.operand(step, 1 - k))))
                continue
            line[step.name] = product(step, k, _moved(node.value, moves))
            both = made_with(pool, node), made_with(pool, pool.graph.find(base))
            pair = both if both[0] != both[1] else pair
        if not line:
            continue
        text = f"{pair[0]} stands where {pair[1]} belongs: {what}"
        yield line, Edit(codes, text, 1.15)
        if ends:
            yield line | ends, Edit(codes, f"{text}, and nothing where there is none", 1.2)


def _of_other_passes(target: Target, pool: Pool, group: list[Step], k: int) -> Iterator[tuple[Line, Edit]]:
    """The gradient of another pass in each product with a value of its own."""
    local = target.local
    steps = sorted(group, key=lambda s: local.backward.index[s.args[k].name])
    names = [s.args[k].name for s in steps]
    if len(set(names)) < len(names):
        return
    n, own = len(names), [pool.words.of(name) for name in names]
    ways = {f"{own[0]} in each": [0] * n, f"{own[-1]} in each": [-1] * n}
    ways |= {f"{own[0]} for {own[1]}, and so on": [0, *range(n - 1)]}
    ways |= {f"{own[1]} for {own[0]}, and so on": [*range(1, n), n - 1]}
    for told, places in ways.items():
        pairs = zip(steps, places, strict=True)
        line = {s.name: product(s, k, local.operand(s, 1 - k), names[j]) for s, j in pairs}
        text = f"the gradient of another pass stands there: {told}"
        yield line, Edit(("wrong_layer", "last_example_only"), text, 1.2)


def _moved(value: Any, moves: list[Step]) -> Array:
    for move in moves:
        assert move.op is not None
        value = move.op.forward(value, **move.settings)
    return np.asarray(value)


def _product_of_some(local: Local, step: Step, k: int, part: tuple[list[int], int, int]) -> Made:
    c = np.asarray(local.operand(step, 1 - k))
    carried = step.args[k].name
    return lambda found: part_of_a_product(step, np.asarray(found[carried]), c, k, *part)


def _base(target: Target, name: str) -> tuple[str, list[Step]]:
    """The quantity that a coefficient is, and the moves that make the coefficient of it."""
    moves, step = list[Step](), target.local.program[name]
    while step.role not in ("input", "forward") and step.of is None:
        if step.op is None or not step.op.moves or step.op.kind != "movement":
            break
        moves.append(step)
        step = target.local.program[step.uses[0]]
    return step.name, moves[::-1]


def _others(target: Target, pool: Pool, group: list[Step], k: int) -> Iterator[_Other]:
    """What else a coefficient may be: its neighbour in the sequence, or what is on a slope's other side."""
    order = list(pool.graph)
    bases = [_base(target, s.args[1 - k].name)[0] for s in group]
    known = dict.fromkeys(pool.graph.find(b) for b in bases if b in pool.graph)
    nodes = sorted(known, key=order.index)
    if len(nodes) < 2:
        return
    yield from _of_the_sequence(pool, order, nodes)
    yield from _of_other_lines(pool, nodes)
    for j in (0, 1):
        codes = ("chain_factor_missing", "wrong_layer")
        yield "a factor is missing", codes, lambda n, j=j: _factor_of(n, j)  # type: ignore[misc]
    yield "the value before the slope", ("z_for_a", "wrong_layer"), lambda n: next(pool.before(n), None)
    yield "the value behind the slope", ("a_for_z", "wrong_layer"), lambda n: next(pool.behind(n), None)


def _factor_of(node: GraphNode, j: int) -> GraphNode | None:
    return node.inputs[j] if multiplies(node) and len(node.inputs) == 2 else None


def _of_the_sequence(pool: Pool, order: list[GraphNode], nodes: list[GraphNode]) -> Iterator[_Other]:
    """The value of another pass."""
    for by, what in ((1, "one step on in the sequence"), (-1, "one step back in the sequence")):
        sequence = _sequence(order, nodes, by)
        here, there = (sequence[:-1], sequence[1:]) if by > 0 else (sequence[1:], sequence[:-1])
        yield what, ("wrong_layer",), dict(zip(here, there, strict=True)).get
    ways = {"in reverse order" if len(nodes) > 2 else "they are exchanged": nodes[::-1]}
    if len(nodes) > 2:
        ways["shifted by one, and the other end's at the end"] = [*nodes[1:], nodes[0]]
        ways["shifted back by one, and the other end's at the end"] = [nodes[-1], *nodes[:-1]]
    starts = [n for n in pool.graph.inputs if n.shape == nodes[0].shape and n not in nodes]
    for start in starts[:_MOST_STARTS]:
        ways[f"one step back in the sequence, from {start.name} on"] = [start, *nodes[:-1]]
    for what, turned in ways.items():
        yield what, ("wrong_layer", "examples_misaligned"), dict(zip(nodes, turned, strict=True)).get
    for one, which in ((nodes[-1], "last"), (nodes[0], "first")):
        yield f"the {which} of the sequence in each pass", ("wrong_layer",), dict.fromkeys(nodes, one).get


def _of_other_lines(pool: Pool, nodes: list[GraphNode]) -> Iterator[_Other]:
    """What another line makes in the same pass, or in a neighbouring one."""
    for sequence in sequences(pool):
        if len(sequence) != len(nodes) or sequence[0].shape != nodes[-1].shape:
            continue
        for line, how in ((sequence, ""), (sequence[::-1], ", in reverse order")):
            ways: dict[str, list[GraphNode | None]] = {"": [*line], ", one step on": [*line[1:], None]}
            ways[", one step back"] = [None, *line[:-1]]
            for step, values in ways.items():
                if values != nodes:
                    text = f"another line's value{how}{step}"
                    yield text, ("wrong_layer",), dict(zip(nodes, values, strict=True)).get


def _sequence(order: list[GraphNode], nodes: list[GraphNode], by: int) -> list[GraphNode]:
    """The values that a loop uses one after the other, and the one that it made before, or after, them."""
    computed = [n for n in nodes if n.op is not None]
    if not computed:
        return nodes
    like = made_as(computed[-1])
    made = [n for n in order if n.named == computed[-1].named and made_as(n) == like]
    if by > 0:
        behind = made[made.index(computed[-1]) + 1 :] if computed[-1] in made else []
        return [*nodes, *behind[:1]]
    before = made[: made.index(computed[0])] if computed[0] in made and len(computed) == len(nodes) else []
    return [*before[-1:], *nodes]


def _sums(target: Target) -> Iterator[Edited]:
    local = target.local
    sums = [s for s in local.steps if adds_up(s)]
    for group in alike(sums, lambda s: (s.op.kernel, np.shape(local.operand(s, 0)), s.shape)):
        yield tuple(s.name for s in group), _of_a_sum(group, np.shape(local.operand(group[0], 0)))


def _of_a_sum(group: list[Step], shape: tuple[int, ...]) -> Iterator[tuple[Line, Edit]]:
    own = axes_of(shape, group[0].shape)
    for axis in own:
        for kept, codes, told in parts(shape[axis]) if shape[axis] <= _FEW_PARTS else ():
            line = {s.name: _part(s, kept, axis, own) for s in group}
            text = f"of the {shape[axis]} that are summed over axis {axis}, {told}"
            yield line, Edit(codes, text, 1.25)


def _part(step: Step, kept: list[int], axis: int, own: tuple[int, ...]) -> Made:
    carried = step.args[0].name
    return lambda found: np.take(np.asarray(found[carried]), kept, axis).sum(axis=own).reshape(step.shape)
