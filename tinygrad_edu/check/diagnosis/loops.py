"""One line of a loop got wrong: the same edit in every pass of it, such as in each step of a recurrent net.

A loop leaves the same operation on the same shapes in the graph again and again. Steps that are alike in that
are taken for one line, and an edit is made in all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.passes import (
    Line,
    Made,
    alike,
    lost_addends,
    lost_factors,
    one_gradient_times_a_value,
    other_slices,
    product,
    windows_without_stride,
)
from tinygrad_edu.check.diagnosis.pool import FUNCTIONS, LIKELY, Pool, applied, functions_of_one, slope_at
from tinygrad_edu.check.diagnosis.products import axes_of, feeds, owner_of
from tinygrad_edu.check.diagnosis.sums import part_of_a_product, parts, summed_in_a_product
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.check.local import Local
from tinygrad_edu.graph import GraphNode, Step

__all__ = ["of_loops"]

_FEW_PARTS = 12
_MOST_INPUTS = 24


def of_loops(target: Target, blocks: list[Block], pool: Pool) -> None:
    """Every way in which one line of a loop is got wrong."""
    with np.errstate(all="ignore"):
        for line, edit in _edited(target, blocks, pool):
            try:
                value = _run(target, line)
            except ValueError:
                continue
            if value is not None and value.shape == target.right.shape:
                target.whole(value, edit)


def _edited(target: Target, blocks: list[Block], pool: Pool) -> Iterator[tuple[Line, Edit]]:
    yield from _slopes(blocks, pool)
    yield from _products(target, pool)
    yield from _sums(target)
    yield from lost_factors(target, pool)
    yield from lost_addends(target, pool)
    yield from windows_without_stride(target, pool)
    yield from other_slices(target, pool)


def _run(target: Target, line: Line) -> Array | None:
    """The root's gradient with the edits of a line; None where two products say that it cannot be it."""
    local = target.local
    needed = set(line)
    for step in reversed(local.steps):
        if step.name in needed:
            needed.update(local.backward.carried(step))
    found: dict[str, Any] = dict(local.values)
    other, changes = set[str](), dict[str, Array]()
    for step in local.steps:
        if step.name not in needed:
            continue
        moved = not other.isdisjoint(local.backward.carried(step))
        if not moved and step.name not in line:
            continue
        own = local.applied(step, found) if moved else found[step.name]
        if step.name in line:
            made = np.asarray(line[step.name](found))
            changes[step.name] = np.broadcast_to(made, np.shape(own)) - own
            own = made
        found[step.name] = own
        other.add(step.name)
    return target.right + local.push(changes) if target.may_fit(changes) else None


def _slopes(blocks: list[Block], pool: Pool) -> Iterator[tuple[Line, Edit]]:
    ends = {(b.above, b.below): b for b in blocks if b.slope}

    def kind(block: Block) -> Hashable:
        node = pool.graph.find(block.above or "")
        return node.op and node.op.kernel, block.factor.shape

    def finer(block: Block) -> Hashable:
        below = pool.graph.find(block.below or "")
        return kind(block), below.op and below.op.kernel, str(below.settings)

    def lines(block: Block) -> Hashable:
        return tuple(line_of(pool, end or "") for end in (block.above, block.below))

    groups = [*alike(ends.values(), kind)]
    whole = [b for b in ends.values() if not any(b.inside < other.inside for other in ends.values())]
    for blocks, key in ((list(ends.values()), finer), (whole, lines)):
        groups += [group for group in alike(blocks, key) if group not in groups]
    for group in groups:
        x, y = pool.words.of(group[-1].below or ""), pool.words.of(group[-1].above or "")
        name, told = f"the slope of {y} at {x}", f"and so in each of {len(group)} passes of the loop"
        yield (
            {b.exit: _times(b.entry, np.ones(1)) for b in group},
            Edit(("slope_missing",), f"{name} is missing, {told}", 1.1),
        )
        yield (
            {b.exit: _times(b.entry, b.factor * b.factor) for b in group},
            Edit(("slope_extra", "slope_doubled"), f"{name} is applied twice, {told}", 1.15),
        )
        for at, codes in (("above", ("slope_wrong",)), ("below", ("slope_at_z", "slope_wrong", "z_for_a"))):
            for formula, f in _candidates():
                line = _with_factors(group, [pool.graph.find(getattr(b, at)) for b in group], f)
                itself = ("activation_for_slope",) if at == "above" and formula == "{}" else ()
                what = formula.replace("{}", y if at == "above" else x)
                if line is not None:
                    yield line, Edit((*itself, *codes), f"{what} stands for {name}, {told}", 1.3)
        yield from _slopes_of_others(group, pool, name, told)


def _slopes_of_others(group: list[Block], pool: Pool, name: str, told: str) -> Iterator[tuple[Line, Edit]]:
    """The same slope, taken of what another line of the loop makes by the same function."""
    order = {node.name: k for k, node in enumerate(pool.graph)}
    group = sorted(group, key=lambda b: order[b.above or ""])
    own = [pool.graph.find(b.above or "") for b in group]
    for other in _sequences(pool, len(group)):
        if other == own or (other[0].op, other[0].shape) != (own[-1].op, own[-1].shape):
            continue
        for f in FUNCTIONS.values():
            right = [f(np.asarray(n.value, float)) for n in own]
            if all(np.allclose(r, b.factor) for r, b in zip(right, group, strict=True)):
                line = _with_factors(group, other, f)
                text = f"the slope of {_made_with(pool, other[-1])} stands for {name}, {told}"
                if line is not None:
                    yield line, Edit(("wrong_layer", "slope_wrong"), text, 1.2)


def _times(entry: str, factor: Array) -> Made:
    return lambda found: np.asarray(found[entry]) * factor


def _candidates() -> Iterator[tuple[str, Callable[[Array], Array | None]]]:
    """What people write for a slope, as functions of a value."""
    yield from FUNCTIONS.items()
    for op in functions_of_one():
        if op.kernel in LIKELY:
            yield f"{op.name}({{}})", lambda v, op=op: applied(op, {}, v)  # type: ignore[misc]
            yield f"the slope of {op.name} at {{}}", lambda v, op=op: slope_at(op, {}, v)  # type: ignore[misc]


def _with_factors(
    group: list[Block], nodes: list[GraphNode], f: Callable[[Array], Array | None]
) -> Line | None:
    """The line with the function at a value for every slope; None where it is not finite."""
    line, varies = dict[str, Made](), False
    for block, node in zip(group, nodes, strict=True):
        value = f(np.asarray(node.value, float))
        if value is None or not np.isfinite(value).all() or value.shape != block.factor.shape:
            return None
        line[block.exit] = _times(block.entry, value)
        varies = varies or float(np.ptp(value)) > 0
    return line if varies else None


def _products(target: Target, pool: Pool) -> Iterator[tuple[Line, Edit]]:
    local = target.local

    def kind(step: Step) -> Hashable:
        assert step.op is not None
        shapes = tuple(np.shape(local.operand(step, k)) for k in range(len(step.args)))
        return step.op.kernel, local.backward.carriers[step.name], shapes

    def own_line(step: Step) -> Hashable:
        return kind(step), line_of(pool, owner_of(target, step))

    members = [s for s in local.steps if one_gradient_times_a_value(local, s)]
    groups = list(alike(members, kind))
    for group in groups + [group for group in alike(members, own_line) if group not in groups]:
        (k,) = local.backward.carriers[group[0].name]
        yield from _of_others(target, pool, group, k)
        if group[0].op.kind != "contraction":
            continue
        told = f"and so in each of {len(group)} passes of the loop"
        c = np.asarray(local.operand(group[-1], 1 - k))
        if c.ndim == 2 and c.shape[0] == c.shape[1]:
            name = pool.words.of(_base(target, group[-1].args[1 - k].name)[0])
            text = f"{name}: a transpose is missing, or too many, in the product, {told}"
            line = {s.name: product(s, k, np.asarray(local.operand(s, 1 - k)).T) for s in group}
            yield line, Edit(("inner_transpose",), text, 1.1)
        for n, axis, along in summed_in_a_product(group[0], np.asarray(local.operand(group[0], k)), c, k):
            for kept, codes, which in parts(n) if n <= _FEW_PARTS else ():
                line = {s.name: _product_of_some(local, s, k, (kept, axis, along)) for s in group}
                text = (
                    f"of the {n} that are summed in the product with {pool.words.of(group[0].args[k].name)}"
                )
                yield line, Edit(codes, f"{text}, {which}, {told}", 1.25)


def _of_others(target: Target, pool: Pool, group: list[Step], k: int) -> Iterator[tuple[Line, Edit]]:
    told = f"and so in each of {len(group)} passes of the loop"
    for what, codes, other in _others(target, pool, group, k):
        line, ends, pair = {}, {}, ("", "")
        for step in group:
            base, moves = _base(target, step.args[1 - k].name)
            node = other(pool.graph.find(base)) if base in pool.graph else None
            if node is None or node.shape != pool.graph.find(base).shape:
                ends[step.name] = product(step, k, np.zeros(np.shape(target.local.operand(step, 1 - k))))
                continue
            line[step.name] = product(step, k, _moved(node.value, moves))
            pair = _made_with(pool, node), _made_with(pool, pool.graph.find(base))
        if not line:
            continue
        text = f"{pair[0]} stands where {pair[1]} belongs, {told}: {what}"
        yield line, Edit(codes, text, 1.15)
        if ends:
            yield line | ends, Edit(codes, f"{text}, and nothing where there is none", 1.2)


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
    moves: list[Step] = []
    step = target.local.program[name]
    while (
        step.role not in ("input", "forward")
        and step.op is not None and step.op.moves and step.op.kind == "movement" and step.of is None
    ):  # fmt: skip
        moves.append(step)
        step = target.local.program[step.uses[0]]
    return step.name, moves[::-1]


def _others(
    target: Target, pool: Pool, group: list[Step], k: int
) -> Iterator[tuple[str, tuple[str, ...], Callable[[GraphNode], GraphNode | None]]]:
    """What else a coefficient may be: its neighbour in the sequence, or what is on a slope's other side."""
    order = list(pool.graph)
    bases = [_base(target, s.args[1 - k].name)[0] for s in group]
    known = dict.fromkeys(pool.graph.find(b) for b in bases if b in pool.graph)
    nodes = sorted(known, key=order.index)
    if len(nodes) < 2:
        return
    for by, what in ((1, "one step on in the sequence"), (-1, "one step back in the sequence")):
        sequence = _sequence(order, nodes, by)

        here, there = (sequence[:-1], sequence[1:]) if by > 0 else (sequence[1:], sequence[:-1])
        yield what, ("wrong_layer",), dict(zip(here, there, strict=True)).get
    for by in (1, -1):
        turned = dict(zip(nodes, [*nodes[by:], *nodes[:by]], strict=True))
        yield (
            "shifted by one, and the other end's at the end",
            ("wrong_layer", "examples_misaligned"),
            turned.get,
        )
    for sequence in _sequences(pool, len(nodes)):
        if sequence[0].shape == nodes[-1].shape and sequence != nodes:
            yield "another line's value", ("wrong_layer",), dict(zip(nodes, sequence, strict=True)).get
    for one, which in ((nodes[-1], "last"), (nodes[0], "first")):
        yield f"the {which} of the sequence in each pass", ("wrong_layer",), lambda n, one=one: one  # type: ignore[misc]
    yield "the value before the slope", ("z_for_a", "wrong_layer"), lambda n: _fed_by(pool, n)
    yield "the value behind the slope", ("a_for_z", "wrong_layer"), lambda n: _feeding(pool, n)


def _sequence(order: list[GraphNode], nodes: list[GraphNode], by: int) -> list[GraphNode]:
    """The values that a loop uses one after the other, and the one that it made before, or after, them."""
    computed = [n for n in nodes if n.op is not None]
    if not computed:
        return nodes
    like = _made_as(computed[-1])
    made = [n for n in order if n.named == computed[-1].named and _made_as(n) == like]
    if by > 0:
        behind = made[made.index(computed[-1]) + 1 :] if computed[-1] in made else []
        return [*nodes, *behind[:1]]
    before = made[: made.index(computed[0])] if computed[0] in made and len(computed) == len(nodes) else []
    return [*before[-1:], *nodes]


def _sequences(pool: Pool, passes: int) -> list[list[GraphNode]]:
    """What the other lines of a loop make, one value in each pass."""
    known: list[list[GraphNode]] | None = pool.memo("sequences", passes)
    if known is None:
        lines = alike(
            (n for n in pool.graph if n.op is not None and n.value.size > 1),
            lambda n: (line_of(pool, n.name), n.shape, _made_as(n, 2)),
        )
        known = [line for line in lines if len(line) == passes]
        pool.memo("sequences", passes, found=known)
    return known


def line_of(pool: Pool, name: str) -> tuple[Any, tuple[int, ...], frozenset[str]]:
    """Which line of a loop makes a value: its operation, and the parameters that enter it next."""
    known: tuple[Any, tuple[int, ...], frozenset[str]] | None = pool.memo("line", name)
    if known is None:
        if name not in pool.graph:
            return None, (), frozenset()
        node = pool.graph.find(name)
        found, queue = set[str](), [node]
        for one in queue:
            for other in one.inputs:
                if other.is_leaf and other.requires_grad:
                    found.add(other.name)
                elif len(queue) < _MOST_INPUTS and one.op is not None and one.op.kind != "contraction":
                    queue.append(other)
        known = node.op and node.op.kernel, node.shape, frozenset(found)
        pool.memo("line", name, found=known)
    return known


def _made_with(pool: Pool, node: GraphNode) -> str:
    """What a value is called; without a name, also which parameters enter it, as those of a gate."""
    told = pool.words.of(node.name)
    _, _, entering = line_of(pool, node.name) if node.op is not None else ("", (), frozenset())
    return told if node.named or not entering else f"{told} (of {', '.join(sorted(entering))})"


def _made_as(node: GraphNode, depth: int = 3) -> Hashable:
    """The operations that a value is made with: what one line of code leaves in each pass."""
    if node.op is None or depth == 0:
        return node.shape
    return node.op.kernel, node.shape, tuple(_made_as(n, depth - 1) for n in node.inputs)


def _fed_by(pool: Pool, node: GraphNode) -> GraphNode | None:
    """The first value of the same shape that a node is a function of, entry by entry."""
    known: tuple[GraphNode | None] | None = pool.memo("fed by", node.name)
    if known is None:
        before = (n for n in pool.graph if n is not node and n.shape == node.shape and feeds(node, n.name))
        known = pool.memo("fed by", node.name, found=(next(before, None),))
    return known[0] if known else None


def _feeding(pool: Pool, node: GraphNode) -> GraphNode | None:
    """The first value of the same shape that is a function of a node, entry by entry."""
    known: tuple[GraphNode | None] | None = pool.memo("feeding", node.name)
    if known is None:
        behind = (n for n in pool.graph if n.shape == node.shape and feeds(n, node.name))
        known = pool.memo("feeding", node.name, found=(next(behind, None),))
    return known[0] if known else None


def _sums(target: Target) -> Iterator[tuple[Line, Edit]]:
    local = target.local
    sums = [
        s for s in local.steps if s.op is not None and s.op.kind == "reduction" and s.op.linear == ((0,),)
    ]
    for group in alike(sums, lambda s: (s.op.kernel, np.shape(local.operand(s, 0)), s.shape)):
        shape = np.shape(local.operand(group[0], 0))
        own = axes_of(shape, group[0].shape)
        for axis in own:
            if shape[axis] > _FEW_PARTS:
                continue
            for kept, codes, told in parts(shape[axis]):
                line = {s.name: _part(s, kept, axis, own) for s in group}
                text = f"of the {shape[axis]} that are summed over axis {axis}, {told}"
                yield line, Edit(codes, f"{text}, in each of {len(group)} sums", 1.25)


def _part(step: Step, kept: list[int], axis: int, own: tuple[int, ...]) -> Made:
    carried = step.args[0].name
    return lambda found: np.take(np.asarray(found[carried]), kept, axis).sum(axis=own).reshape(step.shape)
