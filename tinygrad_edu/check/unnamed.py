"""A key that no quantity has, and whose array is the gradient of a value that has no name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.check.rounding import tolerance
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.graph import GraphNode


def unnamed(truth: Truth, given: Mapping[Any, NDArray[Any]], taken: Mapping[Any, str]) -> dict[Any, str]:
    """For each key that is none's, the unnamed value whose gradient its array is, if it is one's.

    ``Z2`` in ``A2 = sigmoid(W2 @ A1 + b2)`` is in no variable, and ``dZ2`` is right for all that. What
    is the gradient of none stays unknown: there is nothing to compare it with.
    """
    found: dict[Any, str] = {}
    for key, array in given.items():
        # A single number, or the same everywhere, would be many a value's gradient by chance.
        if key not in taken and array.size > 1 and np.isfinite(array).all() and np.ptp(array) > 0:
            name = _whose(truth, array)
            if name is not None:
                found[key] = name
    return found


def _whose(truth: Truth, array: NDArray[Any]) -> str | None:
    eps = truth.eps(array)
    for node in truth.graph:
        if node.named or node.name not in truth.program.gradients or _a_multiple(node):
            continue
        step = truth.program.gradients[node.name]
        if step.shape != array.shape:
            continue
        for reading in truth.readings:
            scale = reading.scale(node.name)
            with np.errstate(all="ignore"):
                bound = tolerance(step.value, truth.errors(eps)[step.name], eps) * scale
                if np.all(np.abs(array - np.asarray(step.value, float) * scale) <= bound):
                    return node.name
    return None


def _a_multiple(node: GraphNode) -> bool:
    """Whether it is -z or 2 z: its gradient would make a sign or a factor got wrong look right."""
    op = node.op
    numbers = [a for a in node.args if not isinstance(a, GraphNode)]
    return (
        op is not None and op.kind == "elementwise" and bool(op.linear) and len(numbers) == len(node.args) - 1
    )
