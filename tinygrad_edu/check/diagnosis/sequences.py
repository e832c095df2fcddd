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

__all__ = ["of_sequences"]


def of_sequences(target: Target, pool: Pool) -> None:
    """In every use at once the next value of a sequence, or the gradient on the other side of a slope."""
    uses = Coefficients(target)
    for told, codes, mapping in _shifts(pool, uses.steps):
        uses.tried(mapping, Edit(codes, told, 1.15))
    _sources(target, pool)


def _shifts(pool: Pool, steps: list[Step]) -> Iterator[tuple[str, tuple[str, ...], dict[str, Array]]]:
    """Coefficients of the same kind and shape, taken for a sequence in the order of recording."""
    used = [pool.graph.find(s.name) for s in steps if s.name in pool.graph]
    order = list(pool.graph)
    kinds: dict[Any, list[GraphNode]] = {}
    for node in used:
        if node.op is not None and node.value.size > 1 and node.value.dtype.kind == "f":
            kinds.setdefault((node.op.kernel, node.shape), []).append(node)
    for (kernel, shape), nodes in kinds.items():
        alike = [n for n in order if n.op is not None and n.op.kernel == kernel and n.shape == shape]
        if len(alike) < 2:
            continue
        first = [n for n in used if n.is_leaf and n.shape == shape and not n.requires_grad]
        first += [n for n in used if n.is_leaf and n.shape == shape and n.requires_grad]
        sequence = [*first[:1], *alike]
        for by, what in ((1, "one step on"), (-1, "one step back")):
            mapping = {}
            pairs = []
            for node in (*first[:1], *nodes):
                k = sequence.index(node) + by
                if 0 <= k < len(sequence):
                    mapping[node.name] = np.asarray(sequence[k].value)
                    pairs.append((sequence[k], node))
            if mapping:
                new, old = pairs[-1]
                text = (
                    f"{pool.words.of(new.name)} stands where {pool.words.of(old.name)} "
                    f"belongs, and so in each step: {what} in the sequence"
                )
                yield text, ("wrong_layer",), mapping


def _sources(target: Target, pool: Pool) -> None:
    """Each given gradient replaced by that of what is computed from it, or comes after it."""
    local = target.local
    owners = {local.program[s].of: s for s in local.sources if local.program[s].of is not None}
    relations: list[tuple[str, tuple[str, ...], Callable[[GraphNode], GraphNode | None]]] = [
        ("before the slope", ("slope_missing", "wrong_layer"), lambda n: _named(pool.behind(n))),
        (
            "after the slope",
            ("slope_extra", "wrong_layer"),
            lambda n: _named(pool.before(n)),
        ),
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
        if changes and len(changes) > 1:
            new_text, old_text = pairs[-1]
            text = f"{new_text} stands where {old_text} belongs, and so in each step: the gradient {what}"
            target.changed(changes, Edit(codes, text, 1.15))


def _named(found: Iterator[GraphNode]) -> GraphNode | None:
    return next((n for n in found if n.named and not n.is_leaf), None)


def _neighbour(pool: Pool, node: GraphNode, by: int) -> GraphNode | None:
    if node.op is None:
        return None
    alike = [
        n
        for n in pool.graph
        if n.op is not None and n.op.kernel == node.op.kernel and n.shape == node.shape and n.named
    ]
    k = alike.index(node) + by if node in alike else -1
    return alike[k] if 0 <= k < len(alike) else None
