"""Reverse accumulation: from a result back to what it was computed from.

A node's gradient is complete before it is passed on, because nodes are visited in the reverse of the
order in which they were recorded. The pullbacks are plain NumPy: given arrays they give arrays; given
Tensors (``create_graph``) they record, and the backward pass is itself a graph.

Source: A. Griewank, A. Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush, heapreplace
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.mode import apart
from tinygrad_edu.core.number_cache import KNOWN
from tinygrad_edu.core.pitfalls import Spent, carried_over
from tinygrad_edu.core.real_arrays import real
from tinygrad_edu.core.rules import fitted, recorded_rule
from tinygrad_edu.core.zero_times_infinity import nan_in, picked_only


class Node(Protocol):
    """What the backward pass needs to know about a tensor."""

    _data: Any
    _pending: Any
    guards: Any
    """What keeps its leaves' arrays read-only; once differentiated, which pass that was; of a constant, how
    it was computed."""
    op: Any
    left: Any
    left_value: Any
    right: Any
    right_value: Any
    requires_grad: bool
    of_any_value: ClassVar[bool]
    scope: tuple[str, ...]
    seq: int
    settings: Mapping[str, Any]

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands: nodes, and None for a number or array."""

    @property
    def saved(self) -> tuple[Any, ...]:
        """The operands' values."""

    def __hash__(self) -> int: ...


_array = np.ndarray
_number = np.float64  # to ask two of these for their shapes and dtypes takes longer than to multiply them
_ONE = np.float64(1.0)
NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})
QUICK: Mapping[str, Any] = MappingProxyType({})
"""No settings either. The operands are arrays of float64 of one shape, or one of them and a Python float:
the operation's quick rules hold, and give gradients of the operands' shape and dtype."""
NUMBERS: Mapping[str, Any] = MappingProxyType({})
"""No settings either. The operands are numbers, and the rules arithmetic: so are the gradients."""

_by_age = attrgetter("seq")


def order(*roots: Any) -> list[Any]:
    """The differentiable nodes that the roots were computed from, consumers before what they consumed."""
    nodes = list(roots)
    seen = set(nodes)
    for node in nodes:  # the list grows while it is walked: an explicit queue, so depth costs nothing
        for parent in node.parents:
            if parent is not None and parent.requires_grad and parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    nodes.sort(key=_by_age, reverse=True)
    return nodes


def gradients(
    root: Any,
    seed: Any,
    *,
    create_graph: bool = False,
    keep: Iterable[Any] | None = None,
    spend: bool = False,
) -> dict[Any, Any]:
    """The gradient of ``seed * root`` with respect to every node that takes part (or those in ``keep``)."""
    return flow({root: seed}, create_graph=create_graph, keep=keep, spend=spend)


def flow(
    seeds: Mapping[Any, Any],
    *,
    create_graph: bool = False,
    keep: Iterable[Any] | None = None,
    spend: bool = False,
) -> dict[Any, Any]:
    """The gradient of the sum of ``seed * root`` over several roots.

    With ``create_graph`` the gradients are Tensors, recorded in the scope of the node they belong to.
    With ``spend`` each node lets go of what it depended on as soon as it is done with.
    """
    kept = None if keep is None else set(keep)
    if create_graph:
        return apart(_walk, seeds, True, kept, spend)
    return _walk(seeds, False, kept, spend)


def _walk(  # noqa: C901  (the small cases written out)
    seeds: Mapping[Any, Any], create_graph: bool, kept: set[Any] | None, spend: bool
) -> dict[Any, Any]:
    found = dict(seeds)
    since = 0 if not kept else min(map(_by_age, kept))  # older nodes cannot depend on them
    waiting: list[tuple[int, Any]] = []  # a heap: the youngest first
    node: Any = None
    for root in found:
        if root.op is None:
            pass
        elif len(found) == 1:
            node = root
        else:
            heappush(waiting, (-root.seq, root))
    older: list[Any] = []  # what the walk does not come to
    leaves: list[Any] = []
    stopped: list[Any] = []  # a nan may end at these, and so reach no leaf
    now = Spent() if spend else None
    quick, numbers = (None, None) if create_graph else (QUICK, NUMBERS)
    before: Any = None  # the first node that an earlier pass has been through
    q: Any
    b: Any
    rules: Any
    while True:
        if node is None:  # all that was computed from the youngest has passed its gradient on
            if not waiting:
                break
            node = heappop(waiting)[1]
        if node.seq < since:
            older.append(node)
            node = None
            continue
        g = found[node] if kept is None or node in kept else found.pop(node)
        guards = node.guards
        if guards is not None and type(guards) is Spent:
            _check_spent(node)
            before = node if before is None else before
        elif spend:
            node.guards = now
        op, y, settings = node.op, node._data, node.settings
        if settings is quick:
            exact, rules = True, op.quick
        elif settings is numbers:
            exact, rules = True, op.numeric
        elif settings is NO_SETTINGS and op.short and not create_graph:
            exact, rules = False, op.pullbacks
        else:
            if op.stops and kept is None:
                stopped.append(node)
            for p, a, rule in zip(node.parents, node.saved, op.pullbacks_of(node), strict=True):
                if p is None or not _wanted(p, a, since, older):
                    continue
                if rule is None:
                    older.append(p)
                    continue
                gx = recorded_rule(rule, g, node) if create_graph else rule(g, y, *node.saved, **settings)
                _arrive(gx, p, a, found, waiting, leaves)
            node = None
            continue
        # Written out for one operand and for two, since a call takes as long as a small product.
        # Where nothing waits, as along a chain, the operand is next, without a turn through the heap.
        p, a = node.left, node.left_value
        if len(rules) == 1:
            node = None
            if (p.requires_grad and (p.op is not None or (p._data is a and p.seq >= since))) or _wanted(
                p, a, since, older
            ):
                rule = rules[0]
                gx = g if rule is None else rule(g, y, a)
                if not exact and (gx.shape != a.shape or gx.dtype is not a.dtype):
                    gx = fitted(gx, a)
                if p in found:
                    found[p] = found[p] + gx
                else:
                    found[p] = gx
                    if p.op is not None:
                        node = p
                    else:
                        leaves.append(p)
        else:
            q, b = node.right, node.right_value
            node = None
            if settings is quick:
                if q is None:
                    b = KNOWN[b]
                elif p is None:
                    a = KNOWN[a]
            if p is not None and (
                (p.requires_grad and (p.op is not None or (p._data is a and p.seq >= since)))
                or _wanted(p, a, since, older)
            ):
                rule = rules[0]
                gx = g if rule is None else rule(g, y, a, b)
                if not exact and (gx.shape != a.shape or gx.dtype is not a.dtype):
                    gx = fitted(gx, a)
                if p in found:
                    found[p] = found[p] + gx
                else:
                    found[p] = gx
                    if p.op is not None:
                        node = p
                    else:
                        leaves.append(p)
            if q is not None and (
                (q.requires_grad and (q.op is not None or (q._data is b and q.seq >= since)))
                or _wanted(q, b, since, older)
            ):
                rule = rules[1]
                gx = g if rule is None else rule(g, y, a, b)
                if not exact and (gx.shape != b.shape or gx.dtype is not b.dtype):
                    gx = fitted(gx, b)
                if q in found:
                    found[q] = found[q] + gx
                else:
                    found[q] = gx
                    if q.op is None:
                        leaves.append(q)
                    elif node is None:
                        node = q
                    elif node.seq > q.seq:
                        heappush(waiting, (-q.seq, q))
                    else:
                        heappush(waiting, (-node.seq, node))
                        node = q
        if waiting and node is not None and waiting[0][0] < -node.seq:
            node = heapreplace(waiting, (-node.seq, node))[1]
    if now is not None:
        if older:
            _let_go(older, now)
            if before is None:
                before = next((p for p in older if type(p.guards) is Spent and p.guards is not now), None)
        if before is not None:
            carried_over(before, [*found, *older], now)
    asked = leaves + stopped if kept is None else [x for x in kept if x in found]
    if nan_in(map(found.__getitem__, asked)) and not any(root.of_any_value for root in seeds):
        return picked_only(seeds, order(*seeds), since, kept, create_graph=create_graph)
    return found


def _arrive(
    g: Any, parent: Any, value: Any, found: dict[Any, Any], waiting: list[tuple[int, Any]], leaves: list[Any]
) -> None:
    """Adds a gradient to the operand's own. With the first one the operand enters the queue."""
    if g.shape != value.shape or g.dtype is not value.dtype:
        g = fitted(g, value)
    if parent in found:
        found[parent] = found[parent] + g
    else:
        found[parent] = g
        if parent.op is None:
            leaves.append(parent)
        else:
            heappush(waiting, (-parent.seq, parent))


def _wanted(parent: Any, value: Any, since: int, older: list[Any]) -> bool:
    """Whether an operand gets a gradient. Raises where a leaf's value has changed since."""
    if parent.op is None and parent._data is not value:
        _check_leaf(parent, value)
    if parent.seq < since:
        older.append(parent)
        return False
    return bool(parent.requires_grad)


def verify(node: Any) -> None:
    """Makes sure that a node's inputs hold what they held when it was recorded, else StaleGraphError."""
    for parent, value in zip(node.parents, node.saved, strict=True):
        if parent is not None and parent.op is None and parent._data is not value:
            _check_leaf(parent, value)
    if type(node.guards) is Spent:
        _check_spent(node)


def _check_leaf(leaf: Any, recorded: Any) -> None:
    if not same_values(leaf._data, recorded):
        raise errors.StaleGraphError(errors.STALE.format(leaf=leaf.name or repr(leaf)))


def _check_spent(node: Any) -> None:
    """Makes the inputs of a differentiated graph writable. Changes are found by computing it again."""
    with np.errstate(all="ignore"):
        again = node.op.forward(*node.saved, **node.settings)
    if not same_values(again, node._data):
        raise errors.StaleGraphError(errors.STALE.format(leaf=f"an input of {node.name or node!r}"))


def seed_for(root: Any, gradient: Any) -> Any:
    """The gradient to start from: 1 for a scalar, else the one given, of the root's shape and dtype."""
    if not root.requires_grad:
        raise RuntimeError(errors.NO_HISTORY.format(tensor=errors.described(root, root.name)))
    value = root._data
    if gradient is None and type(value) is _number:
        return _ONE
    if value.dtype.kind != "f":
        raise TypeError(errors.NOT_DIFFERENTIABLE.format(dtype=value.dtype))
    if gradient is None:
        if value.size != 1:
            raise ValueError(errors.NO_SCALAR.format(shape=value.shape))
        seed = np.ones(value.shape, value.dtype) if value.ndim else value.dtype.type(1)
    else:
        seed = real(getattr(gradient, "_data", gradient), value.dtype, what="gradient: ")
        if seed.shape != value.shape:
            raise ValueError(f"gradient: expected the result's shape {value.shape}, got {seed.shape}")
    return seed if seed.ndim else seed[()]


def accumulate(found: Mapping[Any, Any]) -> None:
    """Adds gradients to those that their nodes have. Not in place, since arrays may be shared."""
    for node, g in found.items():
        node._pending = g if node._pending is None else node._pending + g


def _let_go(nodes: list[Any], now: Spent) -> None:
    """Drops the operands of the nodes, and of all before them, so that the user's arrays are writable."""
    for node in nodes:  # the list grows; an earlier pass has dropped the operands of its nodes already
        if node.op is not None and type(node.guards) is not Spent:
            node.guards = now
            nodes.extend(p for p in node.parents if p is not None and p.requires_grad)
