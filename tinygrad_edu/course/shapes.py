"""Checks of shapes and labels: an error says what was expected, what came, and where.

Only ``.shape`` is asked of a value, so that everything that is written like NumPy passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""An ndarray, a number, or anything that is written like one: the formulas run on Tensors unchanged."""
Parameters: TypeAlias = Mapping[str, Array]


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an array; a bare number has ``()``.

    >>> shape_of(np.zeros((2, 3))), shape_of(0.5)
    ((2, 3), ())
    """
    return tuple(getattr(value, "shape", ()))


def check_shape(where: str, name: str, value: Any, expected: tuple[int, ...]) -> None:
    """Raises unless the value has that shape.

    >>> check_shape("linear_forward", "b", np.zeros(4), (4, 1))
    Traceback (most recent call last):
    ...
    ValueError: linear_forward: b: expected shape (4, 1), got (4,)
    """
    if shape_of(value) != expected:
        raise ValueError(f"{where}: {name}: expected shape {expected}, got {shape_of(value)}")


def check_names(where: str, name: str, values: Mapping[str, Any], expected: Iterable[str]) -> None:
    """Raises unless all the names expected are there; others may be.

    >>> check_names("update_parameters", "grads", {"dW1": 0.0}, ["dW1", "db1"])
    Traceback (most recent call last):
    ...
    ValueError: update_parameters: grads: expected db1, got dW1
    """
    missing = [key for key in expected if key not in values]
    if missing:
        raise ValueError(f"{where}: {name}: expected {', '.join(missing)}, got {_listed(values)}")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(map(str, values)) or "none"


def check_examples(where: str, X: Any, name: str = "X") -> None:
    """Raises unless X is (features, examples) with at least one example.

    >>> check_examples("predict", np.zeros((3, 0)))
    Traceback (most recent call last):
    ...
    ValueError: predict: X: expected at least one example, got shape (3, 0)
    """
    shape = shape_of(X)
    if len(shape) != 2:
        raise ValueError(f"{where}: {name}: expected one example per column, (n_x, m), got shape {shape}")
    if shape[1] == 0:
        raise ValueError(f"{where}: {name}: expected at least one example, got shape {shape}")


def check_layer(where: str, W: Any, b: Any, A_prev: Any, l: int | str = "") -> None:
    """Raises unless ``W[l] @ A[l-1] + b[l]`` is a layer: (n, n_prev) @ (n_prev, m) + (n, 1).

    >>> check_layer("forward", np.zeros((4, 3)), np.zeros((4, 1)), np.zeros((2, 9)), 1)
    Traceback (most recent call last):
    ...
    ValueError: forward: W1 (4, 3) @ A_prev (2, 9): inner dimensions 3 and 2 differ
    """
    w, a = shape_of(W), shape_of(A_prev)
    if len(w) != 2 or len(a) != 2 or w[1] != a[0]:
        inner = (
            f"inner dimensions {w[1]} and {a[0]} differ" if len(w) == len(a) == 2 else "expected two matrices"
        )
        raise ValueError(f"{where}: W{l} {w} @ A_prev {a}: {inner}")
    check_shape(where, f"b{l}", b, (w[0], 1))


def check_parameters(where: str, parameters: Parameters) -> int:
    """The number of layers L of ``{"W1": ..., "b1": ..., ..., "WL": ..., "bL": ...}``.

    >>> check_parameters("L_model_forward", {"W1": np.ones((1, 2)), "c1": np.ones((1, 1))})
    Traceback (most recent call last):
    ...
    ValueError: L_model_forward: parameters: expected W1, b1, got W1, c1
    """
    L = max(1, (len(parameters) + 1) // 2)
    expected = [f"{kind}{l}" for l in range(1, L + 1) for kind in "Wb"]
    if set(parameters) != set(expected):
        raise ValueError(f"{where}: parameters: expected {', '.join(expected)}, got {_listed(parameters)}")
    return L


def check_binary_labels(where: str, A: Any, Y: Any) -> None:
    """Raises unless Y has the shape of the predictions A and holds only 0 and 1.

    >>> check_binary_labels("compute_cost", np.full((1, 3), 0.5), np.array([[0], [1], [1]]))
    Traceback (most recent call last):
    ...
    ValueError: compute_cost: Y: expected the shape of the predictions, (1, 3), got (3, 1)
    """
    _check_like(where, A, Y)
    labels = np.asarray(Y)
    wrong = labels[(labels != 0) & (labels != 1)]
    if wrong.size:
        raise ValueError(f"{where}: Y: labels of two classes are 0 or 1, got {wrong.flat[0]}")


def check_class_labels(where: str, A: Any, Y: Any) -> None:
    """Raises unless Y (C, m) has the shape of A, and every column is a distribution over the C classes.

    >>> check_class_labels("cost", np.full((3, 1), 1 / 3), np.array([[1.0], [1.0], [0.0]]))
    Traceback (most recent call last):
    ...
    ValueError: cost: Y: expected columns that sum to 1 (one-hot labels), but column 0 sums to 2.0
    """
    _check_like(where, A, Y)
    labels = np.asarray(Y)
    if np.any(labels < 0):
        raise ValueError(f"{where}: Y: expected no negative entries, got {labels[labels < 0].flat[0]}")
    sums = labels.sum(axis=0)
    wrong = np.flatnonzero(~np.isclose(sums, 1.0))
    if wrong.size:
        k = wrong[0]
        raise ValueError(
            f"{where}: Y: expected columns that sum to 1 (one-hot labels), but column {k} sums to {sums[k]}"
        )


def _check_like(where: str, A: Any, Y: Any) -> None:
    if shape_of(Y) != shape_of(A):
        raise ValueError(
            f"{where}: Y: expected the shape of the predictions, {shape_of(A)}, got {shape_of(Y)}"
        )
    if 0 in shape_of(A):
        raise ValueError(f"{where}: expected at least one example, got predictions of shape {shape_of(A)}")
