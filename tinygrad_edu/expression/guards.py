"""Formulas as mathematics has them: without repeats, and without guards against 0/0."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.expression.book import in_shape
from tinygrad_edu.expression.node import Node, number
from tinygrad_edu.expression.recording import op_of, spelled
from tinygrad_edu.expression.walk import match, parts, rebuilt, with_args

__all__ = ["Guard", "guard_of", "on_paper"]


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


def _but_at_a_point(node: Node) -> Node | None:
    """The branch of a choice that holds except at one value of a part: ``where(a == 0, 1, a)`` is a."""
    found = match(spelled(_guarded), node) if node.does(op_of(np.where)) else None
    if found is None:
        return None
    tested, at, spare, inside = found.values()
    own = at.is_number and not tested.is_number and any(part is tested for part in parts(inside))
    return inside if own and _ends(spare, tested) else None


def _ends(spare: Node, tested: Node) -> bool:
    """Whether a choice ends in numbers and in what is tested."""
    if spare.does(op_of(np.where)):
        return all(_ends(end, tested) for end in spare.args[1:])
    return spare.is_number or spare is tested


def on_paper(node: Node) -> Node:
    """The expression without guards and repeats, but where an operation needs the axes of its operands."""
    repeat = op_of(np.broadcast_to)

    def change(e: Node) -> Node | None:
        if e.does(repeat):
            return on_paper(e.args[0])
        if e.op is not None and e.op.kind != "elementwise":
            return with_args(e, (in_shape(on_paper(a), a.shape, a.dtype) for a in e.args))
        guard = guard_of(e)
        inside = _but_at_a_point(e) if guard is None else guard.inside
        return None if inside is None else on_paper(inside)

    return rebuilt(node, change)
