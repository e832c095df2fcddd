"""The slope of a function in a loop, got wrong in every pass of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import Block
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.passes import (
    Edited,
    Line,
    Made,
    Times,
    line_of,
    made_as,
    made_with,
    sequences,
)
from tinygrad_edu.check.diagnosis.pool import FUNCTIONS, LIKELY, Pool, applied, functions_of_one, slope_at
from tinygrad_edu.check.diagnosis.steps import alike
from tinygrad_edu.graph import GraphNode


def slopes_of_a_line(blocks: list[Block], pool: Pool) -> Iterator[Edited]:
    """Every way in which the slope that one line of a loop applies is got wrong."""
    ends = {(b.above, b.below): b for b in blocks if b.slope}
    whole = [b for b in ends.values() if not any(b.inside < other.inside for other in ends.values())]
    named = {node.name for node in pool.graph if node.named}
    own = [b for b in ends.values() if b in whole or {b.above, b.below} <= named]

    def kind(block: Block) -> Hashable:
        node = pool.graph.find(block.above or "")
        return node.op and node.op.kernel, block.factor.shape

    def finer(block: Block) -> Hashable:
        below = pool.graph.find(block.below or "")
        return kind(block), below.op and below.op.kernel, str(below.settings)

    def formed(block: Block) -> Hashable:
        return kind(block), made_as(pool.graph.find(block.below or ""), 2)

    def lines(block: Block) -> Hashable:
        return tuple(line_of(pool, end or "") for end in (block.above, block.below))

    groups = [*alike(own, kind)]
    for blocks, key in ((own, finer), (own, formed), (whole, lines)):
        groups += [group for group in alike(blocks, key) if group not in groups]
    for group in groups:
        names = (n for b in group for n in (b.above, b.entry, b.exit, b.below))
        yield tuple(n or "" for n in names), _of_a_line(group, pool)


def _of_a_line(group: list[Block], pool: Pool) -> Iterator[tuple[Line, Edit]]:
    x, y = pool.words.of(group[-1].below or ""), pool.words.of(group[-1].above or "")
    name = f"the slope of {y} at {x}"
    missing = Edit(("slope_missing",), f"{name} is missing", 1.1)
    yield {b.exit: Times(b.entry, np.ones(1)) for b in group}, missing
    twice = Edit(("slope_extra", "slope_doubled"), f"{name} is applied twice", 1.15)
    yield {b.exit: Times(b.entry, b.factor * b.factor) for b in group}, twice
    for at, codes in (("above", ("slope_wrong",)), ("below", ("slope_at_z", "slope_wrong", "z_for_a"))):
        for formula, f in _candidates():
            line = _with_factors(group, [pool.graph.find(getattr(b, at)) for b in group], f)
            itself = ("activation_for_slope",) if at == "above" and formula == "{}" else ()
            what = formula.replace("{}", y if at == "above" else x)
            if line is not None:
                yield line, Edit((*itself, *codes), f"{what} stands for {name}", 1.3)
    yield from _of_other_values(group, pool, name)


def _of_other_values(group: list[Block], pool: Pool, name: str) -> Iterator[tuple[Line, Edit]]:
    """The same slope, taken of what another line makes by the same function, or a neighbouring pass."""
    order = {node.name: k for k, node in enumerate(pool.graph)}
    group = sorted(group, key=lambda b: order[b.above or ""])
    own = [pool.graph.find(b.above or "") for b in group]
    lines: list[tuple[list[Block], list[GraphNode], str, float]] = []
    for other in sequences(pool):
        alike = (other[0].op, other[0].shape) == (own[-1].op, own[-1].shape)
        if alike and len(other) == len(own) and other != own:
            lines.append((group, other, f"the slope of {made_with(pool, other[-1])} stands for {name}", 1.2))
    near = f"{name} is taken of what the pass {{}} made"
    starts = [n for n in pool.graph.inputs if n.shape == own[0].shape]
    for trained in (False, True):
        ends = [n for n in starts if n.requires_grad == trained][:2]
        lines += [(group, [end, *own[:-1]], near.format("before"), 1.15) for end in ends]
    lines.append((group[1:], own[:-1], near.format("before"), 1.15))
    lines.append((group[:-1], own[1:], near.format("after"), 1.15))
    for f in FUNCTIONS.values():
        pairs = zip(own, group, strict=True)
        if all(np.allclose(f(np.asarray(n.value, float)), b.factor) for n, b in pairs):
            for blocks, nodes, text, cost in lines:
                line = _with_factors(blocks, nodes, f) if blocks else None
                if line is not None:
                    yield line, Edit(("wrong_layer", "slope_wrong"), text, cost)


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
        line[block.exit] = Times(block.entry, value)
        varies = varies or float(np.ptp(value)) > 0
    return line if varies else None
