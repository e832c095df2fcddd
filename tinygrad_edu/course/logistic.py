"""Logistic regression, as the notes build it up: one example, a loop over m examples, vectorised.

X (n_x, m), Y (1, m), w (n_x, 1), b a number or an array of shape () or (1, 1). Rows G2, G3 and L1 to L14
of the notes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.course.activations import sigmoid
from tinygrad_edu.course.costs import compute_cost, loss_derivative
from tinygrad_edu.course.initialisation import initialize_with_zeros
from tinygrad_edu.course.shapes import Array, check_binary_labels, check_examples, check_names, shape_of

__all__ = [
    "forward", "forward_loop", "forward_one", "gradients_one", "initialize_with_zeros", "mean_of_examples",
    "model", "optimize", "predict", "propagate", "propagate_loop", "update",
]  # fmt: skip


def forward_one(w: Array, b: Array, x: Array) -> tuple[Array, Array]:
    """L1, L2: z = wᵀx + b and a = σ(z) for one example, x and w (n_x, 1).

    >>> z, a = forward_one(np.array([[1.0], [2.0]]), 1.0, np.array([[3.0], [-2.0]]))
    >>> z.item(), a.item()
    (0.0, 0.5)
    """
    _check("forward_one", w, x)
    z = w.T @ x + b
    return z, sigmoid(z)


def gradients_one(w: Array, b: Array, x: Array, y: Array) -> dict[str, Array]:
    """L7 to L10, one example: da = dL/da, dz = da · a(1 - a) = a - y, dw = x dz, db = dz.

    >>> grads = gradients_one(np.zeros((2, 1)), 0.0, np.array([[4.0], [6.0]]), 1)
    >>> grads["dw"].ravel(), grads["db"].item()
    (array([-2., -3.]), -0.5)
    """
    _, a = forward_one(w, b, x)
    da = loss_derivative(a, y)
    dz = da * a * (1 - a)
    return {"da": da, "dz": dz, "dw": x * dz, "db": dz}


def forward(w: Array, b: Array, X: Array) -> tuple[Array, Array]:
    """L12: Z = wᵀX + b and A = σ(Z), both (1, m).

    >>> forward(np.zeros((2, 1)), 0.0, np.ones((2, 3)))[1]
    array([[0.5, 0.5, 0.5]])
    """
    _check("forward", w, X)
    Z = w.T @ X + b
    return Z, sigmoid(Z)


def forward_loop(w: Array, b: Array, X: Array) -> tuple[Array, Array]:
    """G3 as a loop: z and a of one example after the other, put side by side.

    >>> forward_loop(np.zeros((2, 1)), 0.0, np.ones((2, 3)))[1]
    array([[0.5, 0.5, 0.5]])
    """
    _check("forward_loop", w, X)
    columns = [forward_one(w, b, X[:, [i]]) for i in range(X.shape[1])]
    Z, A = (np.concatenate(part, axis=1) for part in zip(*columns, strict=True))
    return Z, A


def mean_of_examples(w: Array, b: Array, X: Array, Y: Array) -> dict[str, Array]:
    """L14: dw and db as the means of the examples' own derivatives.

    >>> grads = mean_of_examples(np.zeros((1, 1)), 0.0, np.array([[2.0, 4.0]]), np.array([[1, 0]]))
    >>> grads["dw"].item(), grads["db"].item()
    (0.5, 0.0)
    """
    _check("mean_of_examples", w, X)
    check_binary_labels("mean_of_examples", w.T @ X, Y)
    each = [gradients_one(w, b, X[:, [i]], Y[:, [i]]) for i in range(X.shape[1])]
    return {"dw": np.mean([g["dw"] for g in each], axis=0), "db": np.mean([g["db"] for g in each])}


def propagate(w: Array, b: Array, X: Array, Y: Array) -> tuple[dict[str, Array], Array]:
    """L12, vectorised: dZ = A - Y, dw = (1/m) X dZᵀ (n_x, 1), db = (1/m) Σ dZ; and the cost J.

    >>> grads, cost = propagate(np.zeros((1, 1)), 0.0, np.array([[2.0, 4.0]]), np.array([[1, 0]]))
    >>> grads["dw"].item(), grads["db"].item(), round(float(cost), 6)
    (0.5, 0.0, 0.693147)
    """
    _, A = forward(w, b, X)
    cost = compute_cost(A, Y)
    m = X.shape[1]
    dZ = A - Y
    return {"dw": (1 / m) * (X @ dZ.T), "db": (1 / m) * np.sum(dZ)}, cost


def propagate_loop(w: Array, b: Array, X: Array, Y: Array) -> tuple[dict[str, Array], float]:
    """L11, the loop that accumulates J, dw₁, dw₂, ..., db over the examples, and divides by m at the end.

    The same as :func:`propagate`, number by number.

    >>> grads, cost = propagate_loop(np.zeros((1, 1)), 0.0, np.array([[2.0, 4.0]]), np.array([[1, 0]]))
    >>> grads["dw"].item(), grads["db"].item(), round(float(cost), 6)
    (0.5, 0.0, 0.693147)
    """
    _check("propagate_loop", w, X)
    check_binary_labels("propagate_loop", w.T @ X, Y)
    n_x, m = X.shape
    bias = np.asarray(b).item()
    J, dw, db = 0.0, [0.0] * n_x, 0.0
    for i in range(m):
        z = bias
        for j in range(n_x):
            z += w[j, 0] * X[j, i]
        a = 1 / (1 + math.exp(-z))
        J += -(Y[0, i] * math.log(a) + (1 - Y[0, i]) * math.log(1 - a))
        dz = a - Y[0, i]
        for j in range(n_x):
            dw[j] += X[j, i] * dz
        db += dz
    return {"dw": np.array([[d / m] for d in dw]), "db": np.asarray(db / m)}, J / m


def update(w: Array, b: Array, grads: dict[str, Array], learning_rate: float) -> tuple[Array, Array]:
    """L13: w := w - α dw, b := b - α db. New values; the given ones stay as they are.

    >>> update(1.0, 2.0, {"dw": 10.0, "db": -10.0}, learning_rate=0.1)
    (0.0, 3.0)
    """
    check_names("update", "grads", grads, ("dw", "db"))
    return w - learning_rate * grads["dw"], b - learning_rate * grads["db"]


def optimize(
    w: Array, b: Array, X: Array, Y: Array, num_iterations: int, learning_rate: float, record_every: int = 100
) -> tuple[dict[str, Array], dict[str, Array], list[float]]:
    """Gradient descent: (w, b), the gradients of the last step, and every ``record_every``-th cost.

    The cost recorded at iteration i is the one before update i.

    >>> X, Y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0]])
    >>> params, grads, costs = optimize(np.array([[1.0], [2.0]]), 2.0, X, Y, 100, 0.009)
    >>> round(float(params["b"]), 10), round(costs[0], 10)
    (1.5593049248, 6.0000647732)
    """
    if num_iterations < 1:
        raise ValueError(f"optimize: expected at least one iteration, got {num_iterations}")
    grads: dict[str, Array] = {}
    costs: list[float] = []
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        if i % record_every == 0:
            costs.append(float(cost))
        w, b = update(w, b, grads, learning_rate)
    return {"w": w, "b": b}, grads, costs


def predict(w: Array, b: Array, X: Array, threshold: float = 0.5) -> Array:
    """1.0 where A > threshold, else 0.0, (1, m).

    >>> predict(np.array([[1.0]]), 0.0, np.array([[-1.0, 1.0]]))
    array([[0., 1.]])
    """
    _, A = forward(w, b, X)
    return (threshold < A).astype(float)


def model(
    X: Array, Y: Array, num_iterations: int = 2000, learning_rate: float = 0.005, record_every: int = 100
) -> tuple[dict[str, Array], list[float]]:
    """Logistic regression from w = 0, b = 0: the trained parameters, and the recorded costs.

    >>> params, costs = model(np.array([[-1.0, 1.0]]), np.array([[0, 1]]), 200, 0.5)
    >>> predict(params["w"], params["b"], np.array([[-3.0, 3.0]]))
    array([[0., 1.]])
    """
    check_examples("model", X)
    w, b = initialize_with_zeros(X.shape[0])
    params, _, costs = optimize(w, np.asarray(b), X, Y, num_iterations, learning_rate, record_every)
    return params, costs


def _check(where: str, w: Any, X: Any) -> None:
    check_examples(where, X)
    n_x = shape_of(X)[0]
    if shape_of(w) != (n_x, 1):
        raise ValueError(f"{where}: w: expected shape {(n_x, 1)}, as X has {n_x} features, got {shape_of(w)}")
