"""Which cost goes with which output, taken from Z[L], so exact at saturation; and the labels it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.ops.costs import binary_cross_entropy_with_logits, softmax_cross_entropy

__all__ = ["COSTS", "Cost", "check_examples", "check_labels", "half_squared_error"]


def half_squared_error(A: Any, Y: Any) -> Any:
    """J = (1/m) Σ ½ (A - Y)², summed over the outputs and averaged over the examples. Course: L3, L6.

    >>> import numpy as np
    >>> half_squared_error(np.array([[1.0, 5.0]]), np.array([[1.0, 1.0]])).item()
    4.0
    """
    return np.sum(np.square(A - Y)) / (2 * A.shape[1])


@dataclass(frozen=True)
class Cost:
    """A cost as a function of Z[L] and Y, and whether its labels are classes."""

    of_logits: Callable[[Any, Any], Any]
    classes: bool = True


COSTS = {
    "sigmoid": Cost(binary_cross_entropy_with_logits),
    "softmax": Cost(softmax_cross_entropy),
    "linear": Cost(half_squared_error, classes=False),
}
"""The cost by the activation of the last layer."""


def check_examples(X: Any, Y: Any, n_x: int, n_out: int) -> None:
    """Raises unless X (n_x, m) and Y (n_out, m) are examples in columns, at least one.

    >>> import numpy as np
    >>> check_examples(np.ones((2, 3)), np.ones((3, 1)), 2, 1)
    Traceback (most recent call last):
    ...
    ValueError: Y: expected labels (1, 3) for X (2, 3), one example a column, got (3, 1); ...
    """
    if len(X.shape) != 2 or X.shape[0] != n_x:
        hint = "; it looks transposed" if len(X.shape) == 2 and X.shape[1] == n_x else ""
        raise ValueError(f"X: expected one example a column, ({n_x}, m), got shape {tuple(X.shape)}{hint}")
    m = X.shape[1]
    if not m:
        raise ValueError(f"X: expected at least one example, got an empty data set, {X.shape}")
    if tuple(Y.shape) != (n_out, m):
        hint = ""
        if Y.size == m:
            hint = f"; one-hot: np.eye({n_out})[:, labels]" if n_out > 1 else "; take Y.reshape(1, -1)"
        raise ValueError(
            f"Y: expected labels ({n_out}, {m}) for X {tuple(X.shape)}, one example a column, "
            f"got {tuple(Y.shape)}{hint}"
        )


def check_labels(Y: Any, output: str) -> None:
    """Raises unless the labels fit the output: 0 or 1 (or a probability); for softmax, columns that sum to 1.

    >>> import numpy as np
    >>> check_labels(np.array([[0.0, 1.0, 2.0]]), "sigmoid")
    Traceback (most recent call last):
    ...
    ValueError: Y: expected labels 0 or 1 (or probabilities), got values from 0.0 to 2.0
    """
    if output not in COSTS or not COSTS[output].classes:
        return
    low, high = np.min(Y), np.max(Y)
    if not (low >= 0 and high <= 1):  # false for nan, too
        raise ValueError(f"Y: expected labels 0 or 1 (or probabilities), got values from {low} to {high}")
    if output == "softmax":
        sums = np.sum(Y, axis=0)
        (wrong,) = np.nonzero(np.abs(sums - 1) > 1e-6)  # float32 probabilities may miss 1 by a little
        if wrong.size:
            raise ValueError(
                "Y: expected columns that sum to 1 (one-hot labels), "
                f"but column {wrong[0]} sums to {sums[wrong[0]]}"
            )
