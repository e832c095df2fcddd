"""W := W - A B in one call, where A B is all that a step of gradient descent takes from a parameter W.

The product then needs no memory, W is read once, and on several threads each changes what it multiplied for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tinygrad_edu.compiler.schedule import Schedule
from tinygrad_edu.compiler.views import behind
from tinygrad_edu.expression.arithmetic import MATMUL
from tinygrad_edu.expression.node import Node

WORTH = 1 << 18
"""Bytes of W from which on it pays: the call takes 5 µs beside its work."""


def subtracted_in_place(schedule: Schedule) -> Schedule:
    """The schedule with such products put off to the end, where nothing else reads them; else the same."""
    if schedule.loop is not None:  # there they are sums over tiles
        return schedule
    reads = Counter([*(a for node in schedule.after for a in node.args), *schedule.ends])
    moved = {*schedule.moves, *schedule.named}
    products = {
        W: by for W, by in schedule.moves.items() if reads[by] == 1 and _fits(W, by) and _apart(by, moved)
    }
    return replace(
        schedule,
        after=tuple(node for node in schedule.after if node not in products.values()),
        moves={W: by for W, by in schedule.moves.items() if W not in products},
        products=products,
    )


def _fits(W: Node, by: Node) -> bool:
    """Whether W is a large matrix, and keeping the operands to the end takes no more memory than A B."""
    return (
        by.does(MATMUL)
        and W.dtype.char in "fd"
        and W.nbytes >= WORTH
        and W.shape == by.shape
        and W.ndim == 2
        and all(a.ndim == 2 and a.dtype == W.dtype for a in by.args)
        and sum(x.nbytes for x in set(map(behind, by.args)) if x.op is not None) <= W.nbytes
    )


def _apart(by: Node, moved: Iterable[Node]) -> bool:
    """Whether no operand is a parameter that changes as well."""
    return set(moved).isdisjoint(map(behind, by.args))
