"""Formulas as mathematics has them: without repeats, and without guards against 0/0."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.expression.book import in_shape
from tinygrad_edu.expression.node import Node, number
from tinygrad_edu.expression.recording import op_of, spelled
from tinygrad_edu.expression.walk import (
    evaluate,
    in_order,
    match,
    parts,
    quantities,
    rebuilt,
    replaced,
    with_args,
)

_SOME = 0.7
"""A value for a name whose value does not matter."""


class Guard(NamedTuple):
    """``where(tested == at, spare, inside)``: where they are equal the whole term vanishes, 0/0 or not."""

    tested: Node
    at: Node
    inside: Node


def _guarded(x: Any, k: Any, spare: Any, inside: Any) -> Any:
    return np.where(x == k, spare, inside)


def _turned(one: Any, x: Any) -> Any:
    return one - x  # 1 - Y == 0


def guard_of(node: Node) -> Guard | None:
    """The parts of a guard; None for anything else.

    >>> from tinygrad_edu.expression import quantity
    >>> from tinygrad_edu.expression.recording import built
    >>> guard_of(built(lambda Y, A: np.where(1 - Y == 0, 1, 1 - A), [quantity("Y"), quantity("A")]))
    Guard(tested=<Y>, at=<1>, inside=<1 - A>)
    """
    if not node.does(op_of(np.where)):
        return None
    found = match(spelled(_guarded), node)
    if found is None:
        return None
    tested, at, spare, inside = found.values()
    turned = match(spelled(_turned), tested)
    if turned is not None and at.is_number and (one := next(iter(turned.values()))).is_number:
        tested, at = list(turned.values())[1], number(one.value - at.value)
    if not (tested.is_name and at.is_number and spare.is_number) or inside.is_number:
        return None
    return Guard(tested, at, inside)


def unguarded(node: Node) -> Node:
    """The expression without any guard, where none is needed: what was divided by."""
    return rebuilt(node, lambda e: None if (guard := guard_of(e)) is None else unguarded(guard.inside))


def _but_at_a_point(node: Node) -> Node | None:
    """The branch of a choice that holds except at one value of a part: ``where(a == 0, 1, a)`` is a."""
    found = match(spelled(_guarded), node) if node.does(op_of(np.where)) else None
    if found is None:
        return None
    tested, at, spare, inside = found.values()
    own = at.is_number and not tested.is_number and any(part is tested for part in parts(inside))
    return inside if own and _ends(spare, tested) and not _differs(tested, at, spare, inside) else None


def _differs(tested: Node, at: Node, spare: Node, inside: Node) -> bool:
    """Whether the branch that holds elsewhere has a value there, and another than the choice."""
    branches = (replaced(branch, {tested: at}) for branch in (spare, inside))
    with np.errstate(all="ignore"):
        try:
            chosen, value = (evaluate(e, {q.called: _SOME for q in quantities(e)}) for e in branches)
        except (TypeError, ValueError, IndexError):  # an operation that needs axes
            return False
        return bool(np.all(np.isfinite(value)) and np.any(value != chosen))


def _ends(spare: Node, tested: Node) -> bool:
    """Whether a choice ends in numbers and in what is tested."""
    if spare.does(op_of(np.where)):
        return all(_ends(end, tested) for end in spare.args[1:])
    return spare.is_number or spare is tested


def _is_needless(one: Node, guard: Guard, whole: Node) -> bool:
    """Whether a guard is in a term that vanishes where it holds, or has no value there, guarded or not."""
    there: dict[Node, Any] = {guard.tested: guard.at.value}
    vanishing, undefined, seen = set[Node](), set[Node](), {one}
    for e in in_order(whole):
        if e is one:
            continue
        if e.is_number:
            there[e] = e.value
        elif e.op is not None and e.op.kind == "elementwise" and all(a in there for a in e.args):
            with np.errstate(all="ignore"):
                there[e] = e.op.forward(*(there[a] for a in e.args), **e.settings)
        groups = e.op.linear if e.op is not None and e.op.kind == "elementwise" else ()
        args = dict(enumerate(e.args))
        if not np.isfinite(there.get(e, 0)) or any(a in undefined for a in e.args):
            undefined.add(e)
        elif there.get(e) == 0 or any(all(args.get(k) in vanishing for k in group) for group in groups):
            vanishing.add(e)
        elif any(a in seen for a in e.args):
            seen.add(e)
    return whole not in seen


def on_paper(node: Node) -> Node:
    """The expression without guards and repeats, but where an operation needs the axes of its operands.

    A guard goes where it guards something: a choice that changes the value is none.
    """
    repeat = op_of(np.broadcast_to)

    def change(e: Node) -> Node | None:
        if e.does(repeat):
            return on_paper(e.args[0])
        if e.op is not None and e.op.kind != "elementwise":
            return with_args(e, (in_shape(on_paper(a), a.shape, a.dtype) for a in e.args))
        guard = guard_of(e)
        if guard is not None and not _is_needless(e, guard, node):
            guard = None
        inside = _but_at_a_point(e) if guard is None else guard.inside
        return None if inside is None else on_paper(inside)

    return rebuilt(node, change)
