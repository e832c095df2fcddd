"""Entries that the result does not use have gradient 0, also where their slope is infinite or nan.

``np.sqrt(x)[1]`` does not depend on ``x[0]``. The chain rule multiplies 0 by the slope of the root, and at 0
that is 0 · ∞, which is nan. So where a gradient comes out nan, the walk is done again with a note for each
entry: whether it reaches the result at all. What does not is set to 0.

An entry is left out by an index, a mask, a triangle; by ``where``, ``maximum``, ``sort``, away from their
kinks; by a factor that is always 0. A gradient that only happens to be 0 leaves nothing out: that of
``np.sqrt(x)**2`` at 0 stays nan.

Which entries reach the result is found with the rules themselves. A rule that is linear, or that belongs to
an operation which only chooses, gives 0 for what does not come through, whatever comes in. So it is given
positive numbers at the entries that reach the result, drawn at random, lest they cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import each
from tinygrad_edu.core.facts import ALL, EACH
from tinygrad_edu.core.rules import fitted, recorded_rule
from tinygrad_edu.core.table import OPS

_array, _number = np.ndarray, np.float64
_lowest = np.minimum.reduce


def nan_in(gradients: Iterable[Any]) -> bool:
    """Whether one of some gradients, numbers, arrays or Tensors, holds a nan.

    >>> nan_in([np.float64(1.0), np.array([np.inf, 2.0])]), nan_in([np.array([1.0, np.nan])])
    (False, True)
    """
    for g in gradients:
        if type(g) is not _number:
            value = getattr(g, "_data", g)
            g = _lowest(value, axis=None, initial=0.0) if type(value) is _array else value
        if g != g:
            return True
    return False


def picked_only(
    seeds: Mapping[Any, Any], nodes: Iterable[Any], since: int, kept: set[Any] | None, *, create_graph: bool
) -> dict[Any, Any]:
    """The gradients of the nodes (consumers first, down to ``since``), 0 where an entry reaches no root."""
    nodes = list(nodes)
    live = _not_always_0(nodes)
    found = dict(seeds)
    reached = {root: _of_seed(seed) for root, seed in seeds.items()}
    for node in nodes:
        if node.op is None or node.seq < since or node not in found:
            continue
        g = found[node] if kept is None or node in kept else found.pop(node)
        mine = reached.pop(node)
        through = _reaching(node, mine, live)
        for k, (p, rule) in enumerate(zip(node.parents, node.op.pullbacks_of(node), strict=True)):
            if p is None or rule is None or not p.requires_grad or p.seq < since:
                continue
            counts = through[k]
            gx = _pulled(node, k, rule, g, through, create_graph)
            if _entrywise(node):
                gx = _where(np.broadcast_to(mine, np.broadcast_shapes(mine.shape, gx.shape)), gx)
            gx = _where(counts, fitted(gx, node.saved[k]))
            found[p] = found[p] + gx if p in found else gx
            reached[p] = reached[p] | counts if p in reached else counts
    return found


def _reaching(node: Any, mine: Any, live: Mapping[Any, Any]) -> list[Any]:
    """For each operand of a node which of its entries reach those of the node; None where it has no rule.

    ``live`` has, for operands, which of their entries may be other than 0.

    >>> import tinygrad_edu as tg
    >>> node = tg.Tensor([1.0, 2.0, 3.0])[:2]
    >>> _reaching(node, np.array([True, False]), {})
    [array([ True, False, False])]
    """
    return [
        _reached_by(node, k, rule, mine, live) if rule is not None and _is_float(x) else None
        for k, (x, rule) in enumerate(zip(node.saved, node.op.pullbacks_of(node), strict=True))
    ]


def _not_always_0(nodes: Sequence[Any]) -> dict[Any, Any]:
    """Which entries of nodes, consumers first, may be other than 0: not those with a constant factor of 0.

    A gradient that nothing picked is such a one when it is differentiated in its turn.
    """
    live: dict[Any, Any] = {}
    for node in reversed(nodes):
        op, n = node.op, len(node.parents)
        linear = [] if op is None else [k for k in range(n) if _held_fixed(op, k, n) is not None]
        if not linear or op.kind == "linalg" or not any(_is_float(node.saved[k]) for k in linear):
            continue
        xs = []
        for k, (p, x) in enumerate(zip(node.parents, node.saved, strict=True)):
            varies = p is not None and p.requires_grad
            if k in linear:
                shape = np.shape(x)
                counts = live.get(p, np.ones(shape, bool)) if varies else np.asarray(x) != 0
                xs.append(_drawn(counts, k))
            else:
                xs.append(_drawn(np.ones(np.shape(x), bool), k) if varies else x)
        counts = np.asarray(op.forward(*xs, **node.settings)) != 0
        if not counts.all():
            live[node] = counts
    return live


def _of_seed(seed: Any) -> Any:
    """A weight of 0 picks nothing, unless somebody differentiates by it."""
    if getattr(seed, "requires_grad", False):
        return np.ones(seed.shape, bool)
    return np.asarray(getattr(seed, "_data", seed)) != 0


def _is_float(x: Any) -> bool:
    return isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", "") == "f"


def _where(counts: Any, gx: Any) -> Any:
    """The gradient where it counts, else 0."""
    if counts.all():
        return gx
    if hasattr(gx, "seq"):
        return OPS["where"](counts, gx, 0.0)
    chosen = np.where(counts, gx, gx.dtype.type(0))
    return chosen if chosen.ndim else chosen[()]


def _pulled(
    node: Any, k: int, rule: Callable[..., Any], g: Any, through: Sequence[Any], create_graph: bool
) -> Any:
    """What a rule gives. In a sum of products, an entry that was not picked counts 0, never nan."""
    taken = _out(node, k, through)
    if create_graph:
        return recorded_rule(rule, g, node, taken)
    xs = [_where(taken[j], x) if j in taken else x for j, x in enumerate(node.saved)]
    return rule(g, node._data, *xs, **node.settings)


def _out(node: Any, k: int, through: Sequence[Any]) -> dict[int, Any]:
    """For operands that hold no numbers where nothing reaches the result: where it does."""
    if node.op.kind != "contraction":
        return {}
    return {
        j: counts
        for j, (x, counts) in enumerate(zip(node.saved, through, strict=True))
        if j != k and counts is not None and np.ndim(x) and not np.all(np.isfinite(x) | counts)
    }


def _entrywise(node: Any) -> bool:
    return node.op.kind == "elementwise" and node.op.axes is each


def _reached_by(node: Any, k: int, rule: Callable[..., Any], mine: Any, live: Mapping[Any, Any]) -> Any:
    """Which entries of the k-th operand reach the result through this node."""
    op, x = node.op, node.saved[k]
    everywhere = np.full(np.shape(x), mine.any())
    others = _held_fixed(op, k, len(node.parents))
    if others is not None:
        varying = [j for j in others if node.parents[j] is not None and node.parents[j].requires_grad]
        if varying and op.kind not in ("elementwise", "contraction"):
            return everywhere
        chosen = _chooses(node.parents[k])
        xs = list(node.saved)
        for j in varying:
            everything = np.ones(np.shape(xs[j]), bool)
            xs[j] = _drawn(everything if chosen else live.get(node.parents[j], everything))
        return _nonzero(rule(_drawn(mine), node._data, *xs, **node.settings), x)
    if op.rounding == 0.0:  # it gives one of its operands, or a constant: a slope of 0 is no accident
        came = _nonzero(rule(_drawn(mine), node._data, *node.saved, **node.settings), x)
        if op.kink is None or not _entrywise(node):
            return came
        with np.errstate(all="ignore"):
            at_kink = np.asarray(op.kink(*node.saved, **node.settings)) == 0
        return came | _nonzero(_drawn(mine & at_kink), x)
    if _entrywise(node):
        return _nonzero(_drawn(mine), x)
    if op.kind == "reduction" and set(node.settings) <= {"axis", "keepdims", "ddof", "ord"}:
        axes = {name: node.settings[name] for name in ("axis", "keepdims") if name in node.settings}
        total = OPS["sum"]
        if np.shape(total.forward(x, **axes)) == mine.shape:
            return _nonzero(total.pullbacks[0](_drawn(mine), None, x, **axes), x)  # type: ignore[misc]
    return everywhere


def _chooses(operand: Any) -> bool:
    """Whether an operand has slope 0 except at kinks. A nan there is kept, since it may be on purpose."""
    op = None if operand is None else operand.op
    return op is not None and op.rounding == 0.0 and not op.linear and not op.moves


def _held_fixed(op: Any, k: int, n: int) -> list[int] | None:
    """The operands which the k-th one's rule may use, where it is linear in that one; else None."""
    if op.moves and k == 0:
        return [*range(1, n)]
    for group in op.linear:
        if group == EACH or k in group:
            return [j for j in range(n) if j != k and (group == EACH or j not in group)]
        if group == ALL:
            return []
    return None


def _drawn(counts: Any, seed: int = 0) -> Any:
    """A positive number wherever it counts, else 0."""
    numbers = np.where(counts, np.random.default_rng(seed).uniform(0.5, 1.0, np.shape(counts)), 0.0)
    return numbers if numbers.ndim else numbers[()]


def _nonzero(g: Any, x: Any) -> Any:
    """Where a gradient is not 0, in the shape of an operand."""
    return np.asarray(fitted(g.astype(np.float64), np.empty(np.shape(x)))) != 0
