"""A graph recorded again, on other leaves or other numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu.core.application import apply, with_history
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.snapshot import Graph, GraphNode


def recorded_again(
    graph: Graph,
    leaf: Callable[[GraphNode], Tensor],
    number: Callable[[GraphNode, int, Any], Any] = lambda node, k, value: value,
    settings: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    *,
    same_values: bool = False,
) -> dict[GraphNode, Tensor]:
    """The Tensor of each node, with the same operations between them.

    Args:
        graph: what to record again.
        leaf: the Tensor for a leaf.
        number: what to take for a plain number, given the node, the operand's place and the number.
        settings: what to take for a node's settings.
        same_values: whether the values are the graph's, which is quicker than to compute them.
    """
    made: dict[GraphNode, Tensor] = {}
    for node in graph:
        if node.op is None:
            made[node] = leaf(node)
            continue
        args = tuple(
            made[value] if isinstance(value, GraphNode) else number(node, k, value)
            for k, value in enumerate(node.args)
        )
        own = settings(copy.deepcopy(node.settings))  # a generator of random numbers stays where it was
        value = {"value": node.tensor._data} if same_values else {}
        found = apply(node.op, args, own, **value)
        made[node] = with_history(found, node.op, args, own)
    return made
