"""Inputs to try the formulas on: random, of given sizes, well away from where sigmoids saturate.

Labels are integers, so that differentiation takes them for constants.

>>> from tinygrad_edu.course.catalogue import samples
>>> given = samples.logistic(np.random.default_rng(0), Sizes(5, 6, 7, m=8))
>>> {name: value.shape for name, value in given.items()}
{'w': (5, 1), 'b': (), 'X': (5, 8), 'Y': (1, 8)}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.course.catalogue.entry import Sizes

HIDDEN = ("tanh", "relu", "leaky_relu", "sigmoid")
"""The activations of a hidden layer; a sample has one of them."""

SMOOTH = ("tanh", "sigmoid")
"""Those whose slope differs wherever it is taken."""

Inputs = dict[str, Any]


def _labels(rng: np.random.Generator, *shape: int) -> Any:
    labels = (rng.random(shape) < 0.5).astype(int)
    labels.flat[:2] = [0, 1][: labels.size]  # both occur, where there is room
    return labels


def _layer(rng: np.random.Generator, n: int, n_prev: int) -> tuple[Any, Any]:
    return rng.standard_normal((n, n_prev)) / np.sqrt(n_prev), 0.3 * rng.standard_normal((n, 1))


def logistic(rng: np.random.Generator, n: Sizes) -> Inputs:
    """w (n0, 1), b (), X (n0, m), Y (1, m)."""
    w, b = _layer(rng, n.n0, 1)
    X = rng.standard_normal((n.n0, n.m))
    return {"w": w / np.sqrt(n.n0), "b": np.asarray(b[0, 0]), "X": X, "Y": _labels(rng, 1, n.m)}


def one_example(rng: np.random.Generator, n: Sizes) -> Inputs:
    """w (n0, 1), b (1, 1), x (n0, 1), y (1, 1)."""
    given = logistic(rng, n._replace(m=1))
    y = rng.integers(2, size=(1, 1))
    return {"w": given["w"], "b": given["b"].reshape(1, 1), "x": given["X"], "y": y}


def predictions(rng: np.random.Generator, n: Sizes) -> Inputs:
    """a (1, m) strictly between 0 and 1, and y (1, m)."""
    return {"a": rng.uniform(0.05, 0.95, (1, n.m)), "y": _labels(rng, 1, n.m)}


def scores(rng: np.random.Generator, n: Sizes) -> Inputs:
    """z (n1, m) of both signs, none near 0, where ReLU has a corner."""
    z = rng.uniform(0.1, 3.0, (n.n1, n.m)) * rng.choice([-1.0, 1.0], (n.n1, n.m))
    z.flat[:2] = [-1.5, 1.5]
    return {"z": z}


def two_layer(rng: np.random.Generator, n: Sizes, hidden: Sequence[str] = HIDDEN) -> Inputs:
    """X (n0, m), W1, b1, W2, b2, Y (n2, m), and an activation."""
    W1, b1 = _layer(rng, n.n1, n.n0)
    W2, b2 = _layer(rng, n.n2, n.n1)
    X, Y = rng.standard_normal((n.n0, n.m)), _labels(rng, n.n2, n.m)
    return {"X": X, "Y": Y, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "g": str(rng.choice(hidden))}


def two_layer_one_example(rng: np.random.Generator, n: Sizes, hidden: Sequence[str] = HIDDEN) -> Inputs:
    """The same with one example, X (n0, 1) and Y (n2, 1)."""
    return two_layer(rng, n._replace(m=1), hidden)


def deep(rng: np.random.Generator, n: Sizes, hidden: Sequence[str] = HIDDEN) -> Inputs:
    """Three layers, n0 to n1 to n2 to 1: X, Y (1, m), W1, b1, ..., W3, b3, and three activations."""
    given = two_layer(rng, n)
    W3, b3 = _layer(rng, 1, n.n2)
    names = (*(str(name) for name in rng.choice(hidden, size=2)), "sigmoid")
    return {**given, "Y": _labels(rng, 1, n.m), "W3": W3, "b3": b3, "g": names}


def two_units(rng: np.random.Generator, n: Sizes, hidden: Sequence[str] = HIDDEN) -> Inputs:  # noqa: ARG001
    """One layer of two units on two inputs, entry by entry; its dA1 and dA2; and an activation."""
    names = ("W11", "W12", "W21", "W22", "b1", "b2", "A1_prev", "A2_prev", "dA1", "dA2")
    scalars = {name: np.asarray(rng.standard_normal()) for name in names}
    return {**scalars, "g": str(rng.choice(hidden))}


def backward_block(rng: np.random.Generator, n: Sizes, hidden: Sequence[str] = HIDDEN) -> Inputs:
    """dA (n1, m), A_prev (n0, m), W (n1, n0), b (n1, 1), and an activation."""
    W, b = _layer(rng, n.n1, n.n0)
    dA, A_prev = rng.standard_normal((n.n1, n.m)), rng.standard_normal((n.n0, n.m))
    return {"dA": dA, "A_prev": A_prev, "W": W, "b": b, "g": str(rng.choice(hidden))}


def output_layer(rng: np.random.Generator, n: Sizes) -> Inputs:
    """A_prev (n1, m), W (1, n1), b (1, 1) of a last layer, and Y (1, m)."""
    W, b = _layer(rng, 1, n.n1)
    return {"A_prev": rng.standard_normal((n.n1, n.m)), "W": W, "b": b, "Y": _labels(rng, 1, n.m)}


def _one_hot_labels(rng: np.random.Generator, C: int, m: int) -> Any:
    """Y (C, m), one 1 in every column."""
    return np.eye(C, dtype=int)[:, rng.integers(C, size=m)]


def softmax_layer(rng: np.random.Generator, n: Sizes) -> Inputs:
    """Z (C, m) of a last layer with C = n2 classes, and one-hot Y (C, m)."""
    return {"Z": rng.standard_normal((n.n2, n.m)), "Y": _one_hot_labels(rng, n.n2, n.m)}
