"""The functions of G, L and their rows of X: the graph, logistic regression. ``rows.toml`` names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import logistic
from tinygrad_edu.course.catalogue import forwards, samples
from tinygrad_edu.course.catalogue.entry import Sizes, Values
from tinygrad_edu.course.shapes import Array


def scalars(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:  # noqa: ARG001  (scalars have no size)
    """G1: the inputs."""
    return {name: np.asarray(value) for name, value in zip("abc", rng.uniform(1.0, 6.0, 3), strict=True)}


def loop(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """G3: the formula."""
    Z, A = logistic.forward_loop(w, b, X)
    return {"Z": Z, "A": A, "J": logistic.propagate_loop(w, b, X, Y)[1]}


def looped(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """L11: the formula."""
    grads, J = logistic.propagate_loop(w, b, X, Y)
    return {"J": J, **grads}


def each_dw(w: Array, b: Array, x: Array, y: Array) -> Values:
    """L10: another form of it."""
    dz = logistic.gradients_one(w, b, x, y)["dz"].item()
    return {"dw": np.array([[x_j * dz] for x_j in x[:, 0]]), "db": np.array([[dz]])}


def update_by_gradients(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    """L13: what follows from the gradients."""
    return {f"new {name}": given[name] - given["alpha"] * grads[name] for name in "wb"}


def with_rate(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """A learning rate, and a step t along -dJ/dw, at 0."""
    return {**samples.logistic(rng, n), "alpha": float(rng.uniform(0.01, 0.5)), "t": np.asarray(0.0)}


def steps(alpha: float, t: Array, **given: Array) -> Values:  # noqa: ARG001
    """X13: the formula."""
    grads, _ = logistic.propagate(**given)
    return {"Δw": alpha * grads["dw"], "dt": -(np.sum(grads["dw"] ** 2) + grads["db"] ** 2)}


def along_the_slope(w: Array, b: Array, X: Array, Y: Array, alpha: float, t: Array) -> Values:  # noqa: ARG001
    """J(w - t dJ/dw, b - t dJ/db)."""
    grads, _ = logistic.propagate(w, b, X, Y)
    return forwards.logistic_regression(*logistic.update(w, b, grads, t), X, Y)


def rate_times_gradient(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    """X13: what follows from the gradients."""
    return {"Δw": given["alpha"] * grads["w"]}


def height_as_rate(alpha: float, t: Array, **given: Array) -> Values:  # noqa: ARG001
    """X13: as printed."""
    grads, J = logistic.propagate(**given)
    w, b = logistic.update(given["w"], given["b"], grads, alpha)
    _, J_after = logistic.propagate(w, b, given["X"], given["Y"])
    return {"Δw": (J - J_after) * grads["dw"]}


def columns(examples: Array) -> Values:
    """X32: the formula."""
    m, n = examples.shape
    return {"X": np.array([[examples[i, j] for i in range(m)] for j in range(n)])}


def one_feature_for_the_last(examples: Array) -> Values:
    """X32: as printed."""
    X = examples.T.copy()
    X[-1, 1:-1] = examples[1:-1, 3]  # the row ends in x_4i, but for its first and last entry
    return {"X": X}


def sample_with_rate(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """L13: the inputs."""
    return {**samples.logistic(rng, n), "alpha": float(rng.uniform(0.01, 0.5))}


def forward_without_rate(alpha: float, **given: Array) -> Values:  # noqa: ARG001
    """L13: its forward pass."""
    return forwards.logistic_regression(**given)


def sample_of_examples(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """X32: the inputs."""
    return {"examples": rng.standard_normal((n.m, n.n0))}
