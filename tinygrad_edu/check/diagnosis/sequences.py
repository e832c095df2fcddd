"""One step on, or back, in a sequence: in every use of a value, or in every given gradient, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.coefficients import Coefficients
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import Pool
from tinygrad_edu.check.diagnosis.target import Target
from tinygrad_edu.graph import GraphNode, Step


def of_sequences(target: Target, pool: Pool) -> None:
    """In every use at once the next value of a sequence, or the gradient on the other side of a slope."""
    uses = Coefficients(target)
    for told, mapping in _shifts(pool, uses.steps):
        uses.tried(mapping, Edit(("wrong_layer",), told, 1.15))
    _sources(target, pool)


def _shifts(pool: Pool, steps: list[Step]) -> Iterator[tuple[str, dict[str, Array]]]:
    """Coefficients of the same kind and shape, taken for a sequence in the order of recording."""
    used = [pool.graph.find(s.name) for s in steps if s.name in pool.graph]
    kinds: dict[Any, list[GraphNode]] = {}
    for node in used:
        if node.op is not None and node.value.size > 1 and node.value.dtype.kind == "f":
            kinds.setdefault((node.op.kernel, node.shape), []).append(node)
    for nodes in kinds.values():
        alike = _alike(pool, nodes[0])
        if len(alike) < 2:
            continue
        starts = [n for n in used if n.is_leaf and n.shape == nodes[0].shape]
        first = sorted(starts, key=lambda n: n.requires_grad)[:1]
        sequence = [*first, *alike]
        for by, what in ((1, "one step on"), (-1, "one step back")):
            places = [(sequence.index(node) + by, node) for node in (*first, *nodes)]
            pairs = [(sequence[k], node) for k, node in places if 0 <= k < len(sequence)]
            if pairs:
                new, old = (pool.words.of(node.name) for node in pairs[-1])
                text = f"{new} stands where {old} belongs, and so in each step: {what} in the sequence"
                yield text, {node.name: np.asarray(other.value) for other, node in pairs}


def _sources(target: Target, pool: Pool) -> None:
    """Each given gradient replaced by that of what is computed from it, or comes after it."""
    local = target.local
    owners = {local.program[s].of: s for s in local.sources if local.program[s].of is not None}
    relations: list[tuple[str, tuple[str, ...], Callable[[GraphNode], GraphNode | None]]] = [
        ("before the slope", ("slope_missing", "wrong_layer"), lambda n: _named(pool.behind(n))),
        ("after the slope", ("slope_extra", "wrong_layer"), lambda n: _named(pool.before(n))),
        ("one step on", ("wrong_layer",), lambda n: _neighbour(pool, n, 1)),
        ("one step back", ("wrong_layer",), lambda n: _neighbour(pool, n, -1)),
    ]
    gradients = {v.node.name: v for v in pool.gradients if v.node is not None}
    for what, codes, relation in relations:
        changes, pairs = {}, []
        for owner, step in owners.items():
            other = relation(pool.graph.find(owner or ""))
            if other is None or other.name not in gradients:
                continue
            new = np.asarray(gradients[other.name].array, float)
            if new.shape == np.shape(local.sources[step]):
                changes[step] = new - local.sources[step]
                pairs.append((gradients[other.name].text, f"d{owner}"))
        if len(changes) > 1:
            text = "{} stands where {} belongs, and so in each step: the gradient {}".format(*pairs[-1], what)
            target.changed(changes, Edit(codes, text, 1.15))


def _named(found: Iterator[GraphNode]) -> GraphNode | None:
    return next((n for n in found if n.named and not n.is_leaf), None)


def _neighbour(pool: Pool, node: GraphNode, by: int) -> GraphNode | None:
    alike = [n for n in _alike(pool, node) if n.named]
    k = alike.index(node) + by if node in alike else -1
    return alike[k] if 0 <= k < len(alike) else None


def _alike(pool: Pool, node: GraphNode) -> list[GraphNode]:
    """The values of its shape that are made by its operation, in the order of recording."""
    op = node.op
    return [
        n
        for n in pool.of_shape(node.shape)
        if op is not None and n.op is not None and n.op.kernel == op.kernel
    ]
