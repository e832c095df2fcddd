"""The costs by name: the output each goes with, the labels it takes, and the cost of one example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.ops.elementwise.arithmetic import absolute
from tinygrad_edu.ops.elementwise.selection import maximum, where
from tinygrad_edu.ops.networks.activations import log_softmax, softplus
from tinygrad_edu.ops.networks.costs import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    softmax_cross_entropy,
)
from tinygrad_edu.settings import one_of, with_labels


def _half_squared_error(A: Any, Y: Any) -> Any:
    """J = (1/m) Σ ½ (A - Y)², summed over the outputs and averaged over the examples. Course: L3, L6.

    >>> import numpy as np
    >>> _half_squared_error(np.array([[1.0, 5.0]]), np.array([[1.0, 1.0]])).item()
    4.0
    """
    return np.sum(np.square(A - Y)) / (2 * A.shape[-1])


@dataclass(frozen=True)
class Cost:
    """A cost: the mean over the examples of what each costs.

    ``of_output`` takes A[L] and Y; ``of_logits`` takes Z[L] and Y, for costs that are more exact from Z[L].
    ``each`` and ``each_of_logits`` are the same for every entry, before the mean.
    """

    of_output: Callable[[Any, Any], Any]
    each: Callable[[Any, Any], Any]
    labels: str = "numbers"
    """probabilities (0 to 1), shares (and columns that sum to 1), signs (-1 or 1), or any numbers."""
    of_logits: Callable[[Any, Any], Any] | None = None
    each_of_logits: Callable[[Any, Any], Any] | None = None


def _mean(each: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda A, Y: np.sum(each(A, Y)) / A.shape[-1]


def _absolute(A: Any, Y: Any) -> Any:
    return absolute(A - Y)


def _huber(A: Any, Y: Any) -> Any:
    """½ e² for |e| < 1, else |e| - ½. Source: P. J. Huber, Ann. Math. Statist. 35, 1964."""
    e = absolute(A - Y)
    return where(np.less(e, 1), np.square(e) / 2, e - 0.5)


def _hinge(A: Any, Y: Any) -> Any:
    """max(0, 1 - Y A), for labels -1 and 1."""
    return maximum(0.0, 1 - Y * A)


def _perceptron(A: Any, Y: Any) -> Any:
    """max(0, -Y A), for labels -1 and 1. Source: F. Rosenblatt, 1958."""
    return maximum(0.0, -(Y * A))


def _surprise(A: Any, Y: Any) -> Any:
    """-Y log A, and 0 where Y is 0."""
    return -(Y * np.log(where(np.equal(Y, 0), 1.0, A)))


_TWO = Cost(
    binary_cross_entropy,
    lambda A, Y: _surprise(A, Y) + _surprise(1 - A, 1 - Y),
    "probabilities",
    binary_cross_entropy_with_logits,
    lambda Z, Y: softplus(Z) - Y * Z,
)
_MANY = Cost(
    categorical_cross_entropy,
    _surprise,
    "shares",
    softmax_cross_entropy,
    lambda Z, Y: -(Y * log_softmax(Z, axis=0)),
)
_SQUARED = Cost(_half_squared_error, lambda A, Y: np.square(A - Y) / 2)

LOSSES: dict[str, Cost] = {
    "binary_cross_entropy": _TWO,
    "categorical_cross_entropy": _MANY,
    "squared": _SQUARED,
    "absolute": Cost(_mean(_absolute), _absolute),
    "huber": Cost(_mean(_huber), _huber),
    "hinge": Cost(_mean(_hinge), _hinge, "signs"),
    "perceptron": Cost(_mean(_perceptron), _perceptron, "signs"),
}
"""The costs by the name that ``cost=`` takes."""

COSTS = {"sigmoid": "binary_cross_entropy", "softmax": "categorical_cross_entropy", "linear": "squared"}
"""The cost that goes with the activation of the last layer."""


def checked_cost(name: str, cost: Any, output: str, n_out: int | None) -> Any:
    """A cost by its name, or a function (A, Y) -> J, if it goes with the output.

    Args:
        name: what messages call the argument.
        cost: the cost.
        output: the activation of the last layer; empty where it has none.
        n_out: its units.

    >>> checked_cost("cost", "hinge", "sigmoid", 1)
    Traceback (most recent call last):
    ...
    ValueError: cost: hinge takes numbers of both signs, as the output linear or tanh gives, got sigmoid
    """
    found = one_of(name, cost, LOSSES, function_of="A, Y")
    if not isinstance(found, str):
        for known, of in LOSSES.items():
            if found is of.of_output:
                return checked_cost(name, known, output, n_out)
            if found is of.of_logits and output in _OUTPUTS[of.labels][0]:
                raise ValueError(
                    f"{name}: {found.__name__} takes Z, and the output is A = {output}(Z): {known}, which is "
                    "computed from Z by itself"
                )
        return with_labels(name, found, 1, "(A, Y), the labels last")
    labels = LOSSES[found].labels
    fitting, what = _OUTPUTS.get(labels, ((), ""))
    if fitting and output and output not in fitting:
        wanted = f"{what}, as the output {' or '.join(fitting)} gives"
        raise ValueError(f"{name}: {found} takes {wanted}, got {output}")
    if labels == "shares" and n_out == 1:
        raise ValueError(
            f"{name}: {found} takes an output for each class, got one; binary_cross_entropy takes one"
        )
    return found


_OUTPUTS = {
    "probabilities": (("sigmoid", "softmax"), "probabilities"),
    "shares": (("softmax", "sigmoid"), "probabilities"),
    "signs": (("linear", "tanh"), "numbers of both signs"),
}
"""The outputs whose values labels of a kind are compared with, and what these values are."""


def check_examples(
    X: Any, Y: Any, n_x: int | None, n_out: int | None, axes: tuple[int, int] = (1, 1)
) -> None:
    """Raises unless X (n_x, m) and Y (n_out, m) hold the same number of examples, at least one.

    ``n_x`` is None for an X of another layout; ``axes`` are the example axes of X and Y.

    >>> import numpy as np
    >>> check_examples(np.ones((2, 3)), np.ones((3, 1)), 2, 1)
    Traceback (most recent call last):
    ...
    ValueError: Y: expected labels (1, 3) for X (2, 3), one example a column, got (3, 1); ...
    """
    shape = tuple(X.shape)
    if n_x is not None and (len(shape) != 2 or shape[0] != n_x):
        hint = "; it looks transposed" if len(shape) == 2 and shape[1] == n_x else ""
        raise ValueError(f"X: expected one example a column, ({n_x}, m), got shape {shape}{hint}")
    if len(shape) <= axes[0]:
        raise ValueError(f"X: expected examples along axis {axes[0]}, got shape {shape}")
    m = shape[axes[0]]
    if not m:
        raise ValueError(f"X: expected at least one example, got an empty data set, {shape}")
    if n_out is not None and tuple(Y.shape) != (n_out, m):
        hint = ""
        if Y.size == m:
            hint = f"; one-hot: np.eye({n_out})[:, labels]" if n_out > 1 else "; take Y.reshape(1, -1)"
        raise ValueError(
            f"Y: expected labels ({n_out}, {m}) for X {shape}, one example a column, "
            f"got {tuple(Y.shape)}{hint}"
        )
    if n_out is None and (not Y.shape or Y.shape[-1] != m):
        raise ValueError(f"Y: expected {m} labels for X {shape}, along the last axis, got {tuple(Y.shape)}")


def check_labels(Y: Any, labels: str) -> None:
    """Raises unless the labels are of the kind that ``Cost.labels`` describes.

    >>> import numpy as np
    >>> check_labels(np.array([[0.0, 1.0, 2.0]]), "probabilities")
    Traceback (most recent call last):
    ...
    ValueError: Y: expected labels 0 or 1 (or probabilities), got values from 0.0 to 2.0
    """
    if labels == "numbers":
        return
    low, high = np.min(Y), np.max(Y)
    if labels == "signs":
        if not np.isin(Y, (-1, 1)).all():
            hint = "; from 0 and 1 they are 2 * Y - 1" if low >= 0 and high <= 1 else ""
            raise ValueError(f"Y: expected labels -1 or 1, got values from {low} to {high}{hint}")
        return
    if not (low >= 0 and high <= 1):  # false for nan, too
        raise ValueError(f"Y: expected labels 0 or 1 (or probabilities), got values from {low} to {high}")
    if labels == "shares":
        sums = np.sum(Y, axis=0)
        (wrong,) = np.nonzero(np.abs(sums - 1) > 1e-6)  # float32 probabilities may miss 1 by a little
        if wrong.size:
            raise ValueError(
                "Y: expected columns that sum to 1 (one-hot labels), "
                f"but column {wrong[0]} sums to {sums[wrong[0]]}"
            )
