"""Formulas as mathematics has them: without repeats, and without guards against 0/0."""

from __future__ import annotations

from collections.abc import Mapping
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
_OTHERS = (_SOME, 2 * _SOME, -_SOME)
"""Values for what is not known, where something may hold for all of them."""


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


def _but_at_a_point(node: Node) -> tuple[Guard, Node] | None:
    """A choice that is another expression at one value of a part of it alone: ``where(a == 0, 1, a)``."""
    found = match(spelled(_guarded), node) if node.does(op_of(np.where)) else None
    if found is None:
        return None
    tested, at, spare, inside = found.values()
    own = at.is_number and not tested.is_number and any(part is tested for part in parts(inside))
    return (Guard(tested, at, inside), spare) if own and _ends(spare, tested) else None


def _differs(guard: Guard, spare: Node) -> bool:
    """Whether the branch that holds elsewhere has a value there, and another than the choice."""
    branches = (replaced(branch, {guard.tested: guard.at}) for branch in (spare, guard.inside))
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
    """Whether a guard is in a term that vanishes where it holds, or has no value there without the guard."""
    there: dict[Node, Any] = {guard.tested: guard.at.value}
    if any(_fate(one, there, whole)):
        return True
    inside = replaced(guard.inside, {guard.tested: guard.at})
    return inside.is_number and _fate(one, there | {one: inside.value}, whole)[1]


def _fate(one: Node, there: Mapping[Node, Any], whole: Node) -> tuple[bool, bool]:
    """Whether the term that ``one`` is in is 0 or has no value, and whether the whole has none.

    ``there`` has the values of some parts.
    """
    known = {e: np.float64(value) for e, value in there.items()}  # Python's numbers may not be divided by 0
    vanishing, undefined, seen = set[Node](), set[Node](), {one}
    for e in in_order(whole):
        if e in there or e is one:
            continue
        if e.is_number:
            known[e] = np.float64(e.value)
        elif e.op is not None and e.op.kind == "elementwise" and all(a in known for a in e.args):
            with np.errstate(all="ignore"):
                known[e] = e.op.forward(*(known[a] for a in e.args), **e.settings)
        groups = e.op.linear if e.op is not None and e.op.kind == "elementwise" else ()
        args = dict(enumerate(e.args))
        if not np.isfinite(known.get(e, 0)) or any(a in undefined for a in e.args):
            undefined.add(e)
        elif _is_lost(e, known) or any(all(args.get(k) in vanishing for k in group) for group in groups):
            vanishing.add(e)
        elif any(a in seen for a in e.args):
            seen.add(e)
    return whole not in seen, whole in undefined


def _is_lost(e: Node, there: Mapping[Node, Any]) -> bool:
    """Whether its value is 0, or none at all, for every value of what is not known: a power of 0."""
    if e.op is None or e.op.kind != "elementwise" or not any(a in there for a in e.args):
        return bool(there.get(e) == 0)
    with np.errstate(all="ignore"):
        found = [
            e.op.forward(*(there.get(a, np.float64(some)) for a in e.args), **e.settings) for some in _OTHERS
        ]
    return all(x.dtype.kind == "f" and (x == 0 or not np.isfinite(x)) for x in map(np.asarray, found))


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
        if guard is not None and _is_needless(e, guard, node):
            return on_paper(guard.inside)
        choice = _but_at_a_point(e)
        if choice is not None and (not _differs(*choice) or _is_needless(e, choice[0], node)):
            return on_paper(choice[0].inside)
        return None

    return rebuilt(node, change)
