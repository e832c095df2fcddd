"""What a derivation knows beside the formula: names of values, m, labels that sum to 1, guards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.derivation.examples import Examples
from tinygrad_edu.expression.arithmetic import MULTIPLY, SUM, plain
from tinygrad_edu.expression.node import Node, applied
from tinygrad_edu.ops.reduction.sums_and_extrema import sum_to


@dataclass
class Surroundings:
    """The facts that simplification may use."""

    examples: Examples | None
    m: Node
    """The letter for the number of examples."""
    data: Mapping[str, NDArray[Any]]
    """The values of what is constant: given, or computed from that."""
    gradients: set[str]
    """The names of gradients, which stand first in a product."""
    patience: int = 50
    """How long a formula may be and still be simplified."""
    named: dict[Node, Node] = field(default_factory=dict)
    """Forward values by what they are computed with: A for sigmoid(Z)."""
    assumed: dict[str, str] = field(default_factory=dict)
    """What was taken from the data, in words, by the name of the input."""

    def known(self, expression: Node) -> Node:
        """The name of a value that was computed on the way forward, else the expression itself."""
        return self.named.get(expression, expression)

    def count(self, number: int, arg: Node, e: Node) -> Node:
        """The length of the axes that were summed over: m, where the examples stand along one of them."""
        if self.examples is None or not arg.shape:
            return plain(number)
        m, axis = self.examples.m, 0 if self.examples.rows else -1
        if self.examples.alone:
            along = m in arg.shape and m not in e.shape
        else:
            along = arg.shape[axis] == m and (len(e.shape) < len(arg.shape) or e.shape[axis] == 1)
        if not along or number % m:
            return plain(number)
        return self.m if number == m else applied(MULTIPLY, plain(number // m), self.m)

    def sums_to_one(self, e: Node) -> bool:
        """Whether it is a sum over the classes of labels that are shares of 1: one-hot, or probabilities."""
        if not (e.does(SUM) or e.does(sum_to)) or not e.args[0].is_name:
            return False
        labels = self.data.get(e.args[0].called)
        if labels is None or np.shape(labels) == e.shape or labels.size < 2 * math.prod(e.shape):
            return False
        total = e.rule.forward(labels, **e.settings)
        if not np.allclose(total, 1.0, rtol=0, atol=1e-12):
            return False
        self.assumed[e.args[0].called] = "its classes sum to 1 for each example"
        return True
