"""Points without a derivative: any value between the slopes of the two sides is right there, and no other.

Where an operand ties, to rounding, each tied entry gives a direction: how the gradient changes while the
slope goes from one side to the other. A given gradient is right if it is the engine's plus such directions,
each taken by a share between 0 and 1. What one maximum over several equal entries passes on adds up to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.check.local import Local, fitted
from tinygrad_edu.check.rounding import SAFETY, Array, rules_of
from tinygrad_edu.graph import Graph, GraphNode
from tinygrad_edu.ops.reduction.sums_and_extrema import expanded

_MOST_SINGLY = 200


@dataclass(frozen=True)
class Tie:
    """A node at some entries of which there is no derivative."""

    node: GraphNode
    tied: Array
    """Which entries: of the result, or of the operand of a reduction."""
    step: Array
    """How far an operand is to be moved to be clearly on one side."""
    shared: bool = False
    """Whether the entries of one group share a gradient: the largest of several."""


def ties_of(graph: Graph, errors: Mapping[str, Array], eps: float) -> list[Tie]:
    """Every tie of a graph, given how far each value is off in units of eps."""
    with np.errstate(all="ignore"):
        nodes = [node for node in graph if node.op is not None and node.requires_grad]
        return [tie for node in nodes for tie in _ties(node, errors, eps)]


def _ties(node: GraphNode, errors: Mapping[str, Array], eps: float) -> Iterator[Tie]:
    op = node.op
    assert op is not None
    xs = _operands(node)
    off = [errors[a.name] if isinstance(a, GraphNode) else np.zeros(np.shape(a)) for a in node.args]
    widths = [SAFETY * eps * each for each in off]
    if op.kink is None:
        if (1, 2) in op.linear and len(xs) == 3 and op.kind == "elementwise":
            yield from _branches(node, xs, widths)
        return
    if op.kind == "reduction":
        yield from _largest(node, xs[0], widths[0])
        return
    if "axis" in op.settings:
        return
    width = sum(np.broadcast_to(w, node.shape) for w in widths) + 1e-300
    gap = np.abs(np.asarray(op.kink(*xs, **node.settings), float))
    tied = np.broadcast_to(gap, node.shape) <= width
    if tied.any():
        sizes = sum(np.abs(np.broadcast_to(np.asarray(x, float), node.shape)) for x in xs)
        yield Tie(node, tied, 4 * width + 1e-9 * np.maximum(sizes, 1e-3))


def _operands(node: GraphNode) -> list[Array]:
    return [np.asarray(a.value if isinstance(a, GraphNode) else a) for a in node.args]


def _branches(node: GraphNode, xs: list[Array], widths: list[Array]) -> Iterator[Tie]:
    """``where``, when it chooses the larger, or the smaller, of its branches: tied where they are equal."""
    chosen, a, b = (np.broadcast_to(x, node.shape) for x in xs)
    width = np.broadcast_to(widths[1], node.shape) + np.broadcast_to(widths[2], node.shape) + 1e-300
    tied = np.abs(a - b) <= width
    clear = ~tied
    if not tied.any() or tied.all() or chosen.dtype != bool:
        return
    larger = a[clear] > b[clear]
    if np.array_equal(larger, chosen[clear]) or np.array_equal(~larger, chosen[clear]):
        yield Tie(node, tied, np.zeros(node.shape))


def _largest(node: GraphNode, x: Array, width: Array) -> Iterator[Tie]:
    """A maximum over several entries that are equal."""
    axes: dict[str, Any] = {"axis": node.settings.get("axis"), "keepdims": True}
    y = expanded(np.asarray(node.value), x, axes["axis"], node.settings.get("keepdims", False))
    tied = np.abs(x - y) <= width + np.max(np.where(x == y, width, 0.0), **axes) + 1e-300
    tied &= np.sum(tied, **axes) > 1
    if tied.any():
        yield Tie(node, tied, y, shared=True)


@dataclass(frozen=True)
class _Direction:
    """How the root moves while one share goes from 0 to 1."""

    start: Mapping[str, Array]
    """What taking the share back to 0 adds at the operands' gradients."""
    whole: Mapping[str, Array]
    """What the whole share adds there."""
    tied: Array
    group: Array | None = None


def between_sides(local: Local, ties: list[Tie], given: Array, bound: Array) -> bool:
    """Whether an array is the local gradient for some choice of the slopes at its ties."""
    with np.errstate(all="ignore"):
        directions = [d for tie in ties if (d := _direction(local, tie)) is not None]
        if not directions or given.shape != np.shape(local.value):
            return False
        start = np.asarray(local.value, float) + local.push(_together([d.start for d in directions]))
        away = np.asarray(given, float) - start
        if not np.isfinite(away).all() or _too_far(local, directions, away, bound):
            return False
        if _pointwise(local, directions) and _each_between(local, directions[0], away, bound):
            return True
        together = [(local.push(d.whole), d.group is None) for d in directions]
        if _reached([c for c, _ in together], away, bound, []):
            return True
        if sum(int(d.tied.sum()) for d in directions) > _MOST_SINGLY:
            return False
        columns, groups = list[Array](), list[list[int]]()
        for d in directions:
            first, where = len(columns), np.argwhere(d.tied)
            for index in map(tuple, where):
                one = {name: _only(whole, d.tied, index) for name, whole in d.whole.items()}
                columns.append(local.push(one))
            if d.group is not None:
                owner = [int(d.group[tuple(index)]) for index in where]
                groups += [[first + k for k, o in enumerate(owner) if o == g] for g in dict.fromkeys(owner)]
        return _reached(columns, away, bound, groups)


def _together(changes: Iterable[Mapping[str, Array]]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for change in changes:
        for name, what in change.items():
            _add(found, name, what)
    return found


def _too_far(local: Local, directions: list[_Direction], away: Array, bound: Array) -> bool:
    """Whether no shares reach that far: told from how much each takes in its direction, with one product."""
    pulled = local.pull(away)
    along = sum(
        float(np.sum(np.maximum(pulled[name] * whole, 0.0)))
        for d in directions
        for name, whole in d.whole.items()
        if name in pulled
    )
    rounding = float(np.vdot(np.abs(away), np.broadcast_to(bound, away.shape)))
    return float(np.vdot(away, away)) > (1 + 1e-9) * (along + 2 * rounding)


def _only(whole: Array, tied: Array, index: tuple[int, ...]) -> Array:
    """The same at one tied entry; an operand that was broadcast gets its own entry."""
    mask = np.zeros(tied.shape)
    mask[index] = 1.0
    return fitted(np.broadcast_to(whole, tied.shape) * mask, np.shape(whole))


def _direction(local: Local, tie: Tie) -> _Direction | None:
    gradients, node = local.program.gradients, tie.node
    own = gradients.get(node.name)
    if own is None or own.name not in local.names or own.name == local.root:
        return None
    g = np.asarray(local.values[own.name], float)
    its = ((k, gradients.get(a.name)) for k, a in enumerate(node.args) if isinstance(a, GraphNode))
    made = [(k, step.name) for k, step in its if step is not None]
    targets = [(k, name) for k, name in made if name in local.names and name not in local.sources]
    if not targets:
        return None
    if tie.shared:
        return _of_shares(tie, g, targets)
    if node.op is not None and node.op.kink is None:
        return _of_branches(tie, g, targets)
    return _of_slopes(tie, g, targets)


def _of_slopes(tie: Tie, g: Array, targets: list[tuple[int, str]]) -> _Direction:
    node, op = tie.node, tie.node.op
    assert op is not None
    xs = _operands(node)
    moving = targets[0][0]
    sides = []
    for sign in (-1.0, 0.0, 1.0):
        moved: list[Any] = list(xs)
        if sign:
            wide = np.broadcast_to(np.asarray(xs[moving], float), node.shape)
            moved[moving] = wide + sign * tie.step * tie.tied
        y = op.forward(*moved, **node.settings) if sign else node.value
        slopes = [
            g * 0 if rule is None else rule(g, y, *moved, **node.settings) for rule in rules_of(op, len(xs))
        ]
        sides.append([np.broadcast_to(slope, node.shape) for slope in slopes])
    low, at, high = sides
    return _of_operands(tie, targets, {k: (low[k] - at[k], high[k] - low[k]) for k, _ in targets})


def _of_branches(tie: Tie, g: Array, targets: list[tuple[int, str]]) -> _Direction:
    back = np.where(_operands(tie.node)[0], -g, 0.0)
    return _of_operands(tie, targets, {1: (back, g), 2: (-back, -g)})


def _of_operands(
    tie: Tie, targets: list[tuple[int, str]], changes: Mapping[int, tuple[Array, Array]]
) -> _Direction:
    """The direction in which the gradients of some operands change: back to its start, and from there."""
    start, whole = dict[str, Array](), dict[str, Array]()
    for k, name in targets:
        for found, change in zip((start, whole), changes[k], strict=True):
            own = fitted(np.where(tie.tied, change, 0.0), np.shape(tie.node.args[k].value))
            _add(found, name, own)
    return _Direction(start, whole, tie.tied)


def _of_shares(tie: Tie, g: Array, targets: list[tuple[int, str]]) -> _Direction | None:
    node = tie.node
    op: Any = node.op
    x = np.asarray(node.args[0].value)
    at = np.asarray(op.pullbacks[0](g, node.value, x, **node.settings), float)
    wide = np.broadcast_to(g.reshape(tie.step.shape), x.shape)
    group = np.broadcast_to(np.arange(tie.step.size).reshape(tie.step.shape), x.shape)
    name = targets[0][1]
    # a group with a tie is taken back whole: what the engine gave its members is not among the shares
    members = np.isin(group, np.unique(group[tie.tied]))
    return _Direction(
        {name: np.where(members, -at, 0.0)}, {name: np.where(tie.tied, wide, 0.0)}, tie.tied, group
    )


def _add(found: dict[str, Array], name: str, what: Array) -> None:
    found[name] = found[name] + what if name in found else what


def _pointwise(local: Local, directions: list[_Direction]) -> bool:
    """Whether each tied entry moves one entry of the root, and no two the same."""
    if len(directions) != 1 or len(directions[0].whole) != 1 or directions[0].group is not None:
        return False
    (name,) = directions[0].whole
    reached = {name}
    for step in local.steps:
        if step.name == name or not reached & set(local.backward.carried(step)):
            continue
        reached.add(step.name)
        alone, op = len(set(local.backward.carried(step)) & reached) == 1, step.op
        entries = op is None or op.moves or (op.kind == "elementwise" and "axis" not in op.settings)
        if not (alone and entries and step.value.size == local.program[name].value.size):
            return False
    return True


def _each_between(local: Local, direction: _Direction, away: Array, bound: Array) -> bool:
    whole = local.push(direction.whole)
    low, high = np.minimum(whole, 0.0), np.maximum(whole, 0.0)
    return bool(np.all((away >= low - bound) & (away <= high + bound)))


def _reached(columns: list[Array], away: Array, bound: Array, groups: list[list[int]]) -> bool:
    """Whether shares between 0 and 1 of the columns add up to it, those of each group to one."""
    if not columns:
        return False
    matrix = np.stack([c.ravel() for c in columns], axis=1)
    weights = 1.0 / np.maximum(np.broadcast_to(bound, away.shape).ravel(), 1e-300)
    used = np.any(matrix != 0, axis=1)
    rest = ~used
    if np.any(np.abs(away.ravel()[rest]) * weights[rest] > 1):
        return False
    weights = weights / weights[used].max() if used.any() else weights
    rows = [matrix[used] * weights[used, None]]
    right = [away.ravel()[used] * weights[used]]
    scale = float(np.abs(rows[0]).max(initial=0.0)) or 1.0
    for group in groups:
        row = np.zeros((1, matrix.shape[1]))
        row[0, group] = scale
        rows.append(row)
        right.append(np.array([scale]))
    shares = _boxed(np.concatenate(rows), np.concatenate(right))
    if any(abs(shares[group].sum() - 1) > 1e-6 for group in groups):
        return False
    left = np.abs(matrix @ shares - away.ravel())
    return bool(np.all(left <= np.broadcast_to(bound, away.shape).ravel() * 2))


def _boxed(matrix: Array, right: Array) -> Array:
    """Least squares with every unknown between 0 and 1: those that leave the box are held at its edge."""
    n = matrix.shape[1]
    x = np.full(n, 0.5)
    free = np.ones(n, bool)
    for _ in range(3 * n + 10):
        if free.any():
            target = right - matrix[:, ~free] @ x[~free]
            best, *_ = np.linalg.lstsq(matrix[:, free], target, rcond=1e-12)
            outside = (best < -1e-9) | (best > 1 + 1e-9)
            x[free] = np.clip(best, 0.0, 1.0)
            if outside.any():
                free[np.flatnonzero(free)[outside]] = False
                continue
        slope = matrix.T @ (matrix @ x - right)
        wanting = ~free & (((x <= 0) & (slope < -1e-12)) | ((x >= 1) & (slope > 1e-12)))
        if not wanting.any():
            break
        free[np.argmax(np.where(wanting, np.abs(slope), -1.0))] = True
    return x
