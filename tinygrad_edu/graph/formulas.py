"""Steps and nodes of a graph as expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.expression.node import Node, applied, number, quantity
from tinygrad_edu.graph.program import Step
from tinygrad_edu.graph.snapshot import GraphNode

LONGEST = 44
"""The most characters of a label."""


def expression_of(one: Step | GraphNode, operand: Callable[[Any], Node]) -> Node:
    """What a step or node computes; ``operand`` gives the expression of each of its operands."""
    if one.op is None:
        return operand(one.args[0]) if one.args else name_of(one)
    return applied(one.op, *map(operand, one.args), settings=one.settings, shape=one.shape, dtype=one.dtype)


def name_of(one: Step | GraphNode) -> Node:
    """Its name as an expression; a number without a name is written as the number."""
    if not (one.named or one.value.ndim or one.args):
        return number(one.value[()])
    return quantity(one.name, one.shape, one.dtype)
