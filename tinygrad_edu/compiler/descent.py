"""A step of gradient descent as one call, W := (1 - d) W - c A B, where that is what moves a parameter W.

The product then needs no memory, W is read once, and on several threads each changes what it multiplied for.
A cost with λ/2m ΣW² has d = α λ / m.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tinygrad_edu.compiler.schedule import InPlace, Schedule
from tinygrad_edu.compiler.views import behind
from tinygrad_edu.expression.arithmetic import ADD, MATMUL, MULTIPLY
from tinygrad_edu.expression.node import Node

WORTH = 1 << 18
"""Bytes of W from which on it pays: the call takes 5 µs beside its work."""


def subtracted_in_place(schedule: Schedule) -> Schedule:
    """The schedule with such products put off to the end, where nothing else reads them; else the same."""
    if schedule.loop is not None:  # there they are sums over tiles
        return schedule
    reads = Counter([*(a for node in schedule.after for a in node.args), *schedule.ends])
    moved = {*schedule.moved}
    found: dict[Node, InPlace] = {}
    left_out: set[Node] = set()
    for W, by in schedule.moves.items():
        inner: set[Node] = set()
        step = _in_place(W, [*_terms(by, (), reads, inner)])
        if step is None or step.product not in inner:  # something else reads the product, too
            continue
        if moved.isdisjoint(map(behind, step.product.args)):  # none that changes as well
            found[W] = step
            left_out |= inner
    return replace(
        schedule,
        after=tuple(node for node in schedule.after if node not in left_out),
        moves={W: by for W, by in schedule.moves.items() if W not in found},
        products=found,
    )


Term = tuple[tuple[Node, ...], Node]
"""Numbers, and what they are multiplied by."""


def _terms(
    node: Node, times: tuple[Node, ...], reads: Mapping[Node, int], inner: set[Node]
) -> Iterator[Term]:
    """What a node adds up, through nodes that nothing else reads; those are put into ``inner``."""
    if reads[node] == 1 and node.does(ADD):
        inner.add(node)
        for arg in node.args:
            yield from _terms(arg, times, reads, inner)
    elif reads[node] == 1 and node.does(MULTIPLY) and not node.args[0].shape:
        inner.add(node)
        yield from _terms(node.args[1], (*times, node.args[0]), reads, inner)
    else:
        if reads[node] == 1 and node.does(MATMUL):
            inner.add(node)
        yield times, node


def _in_place(W: Node, terms: list[Term]) -> InPlace | None:
    """The step, where it is one product, and W itself any number of times."""
    products = [(times, node) for times, node in terms if node is not W]
    if len(products) != 1 or not _fits(W, products[0][1]):
        return None
    return InPlace(products[0][1], products[0][0], tuple(times for times, node in terms if node is W))


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
