"""Places without ``dot``, for graphs that would keep it busy for minutes: ranks, and in each rank a stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_APART = 18.0  # from box to box of a stack
_SWEEPS = 3


def stacked(
    sizes: Sequence[tuple[float, float]], arrows: Iterable[tuple[int, int]], between: float = 90.0
) -> list[tuple[float, float]]:
    """The centre of each box; y grows upward, as in Graphviz.

    Args:
        sizes: width and height of each.
        arrows: from which to which, by number. They don't form a ring.
        between: room between one rank and the next.

    >>> stacked([(10.0, 10.0), (30.0, 10.0)], [(0, 1)])
    [(5.0, 0.0), (115.0, 0.0)]
    """
    tails: list[set[int]] = [set() for _ in sizes]
    heads: list[set[int]] = [set() for _ in sizes]
    for tail, head in arrows:
        if tail != head:
            tails[head].add(tail)
            heads[tail].add(head)
    rank = _ranks(tails, heads)
    columns: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for k, r in enumerate(rank):
        columns[r].append(k)
    height = dict.fromkeys(range(len(sizes)), 0.0)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            _stack(column, tails if sweep % 2 == 0 else heads, height, sizes)
    found = [(0.0, 0.0)] * len(sizes)
    x = 0.0
    for column in columns:
        wide = max(sizes[k][0] for k in column)
        for k in column:
            found[k] = x + wide / 2, height[k]
        x += wide + between
    return found


def _ranks(tails: Sequence[set[int]], heads: Sequence[set[int]]) -> list[int]:
    """The longest way to each; what is given stands right before its first user."""
    waiting = [len(t) for t in tails]
    rank = [0] * len(tails)
    ready = [k for k, n in enumerate(waiting) if n == 0]
    for k in ready:
        for head in heads[k]:
            rank[head] = max(rank[head], rank[k] + 1)
            waiting[head] -= 1
            if waiting[head] == 0:
                ready.append(head)
    for k, given in enumerate(tails):
        if not given and heads[k]:
            rank[k] = min(rank[head] for head in heads[k]) - 1
    return rank


def _stack(
    column: list[int],
    neighbours: Sequence[set[int]],
    height: dict[int, float],
    sizes: Sequence[tuple[float, float]],
) -> None:
    """Orders a column by the mean of its neighbours, and stacks it about their middle."""
    wanted = {k: _mean([height[n] for n in neighbours[k]], height[k]) for k in column}
    column.sort(key=lambda k: -wanted[k])
    whole = sum(sizes[k][1] for k in column) + _APART * (len(column) - 1)
    y = _mean(list(wanted.values()), 0.0) + whole / 2
    for k in column:
        height[k] = y - sizes[k][1] / 2
        y -= sizes[k][1] + _APART


def _mean(numbers: Sequence[float], without: float) -> float:
    return sum(numbers) / len(numbers) if numbers else without
