"""Gradient checking, as in the course's exercise: central differences, and its relative difference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_edu.course.shapes import Array, Parameters, check_names, check_shape, shape_of

__all__ = [
    "backward_propagation_1d", "dictionary_to_vector", "forward_propagation_1d", "gradient_check",
    "gradient_check_n", "gradients_to_vector", "relative_difference", "vector_to_dictionary",
]  # fmt: skip

THRESHOLD = 2e-7
"""A difference above this means a mistake. The first edition's 1e-7 calls its own right gradient wrong."""


def relative_difference(grad: Array, gradapprox: Array) -> float:
    """‖grad - gradapprox‖ / (‖grad‖ + ‖gradapprox‖), between 0 and 1; 0 where both are zero.

    >>> relative_difference(np.array([2.0, 0.0]), np.array([1.0, 0.0]))
    0.3333333333333333
    """
    check_shape("relative_difference", "gradapprox", gradapprox, shape_of(grad))
    scale = np.linalg.norm(grad) + np.linalg.norm(gradapprox)
    return float(np.linalg.norm(grad - gradapprox) / scale) if scale else 0.0


def forward_propagation_1d(x: Array, theta: Array) -> Array:
    """J(θ) = θ x, the exercise's first example.

    >>> forward_propagation_1d(2, 4)
    8
    """
    return theta * x


def backward_propagation_1d(x: Array, theta: Array) -> Array:  # noqa: ARG001  (the exercise passes both)
    """dθ = x, for J(θ) = θ x.

    >>> backward_propagation_1d(2, 4)
    2
    """
    return x


def gradient_check(
    J: Callable[[Array], Array], theta: Array, grad: Array, epsilon: float = 1e-7
) -> tuple[float, Array]:
    """The relative difference of grad from (J(θ + ε) - J(θ - ε)) / 2ε, entry by entry; and the latter.

    θ and grad are columns (n, 1); J gives a scalar.

    >>> theta = np.array([[1.0], [3.0]])
    >>> difference, _ = gradient_check(lambda t: np.sum(t**2), theta, grad=2 * theta)
    >>> difference < THRESHOLD
    True
    """
    theta = np.asarray(theta, dtype=float)
    check_shape("gradient_check", "grad", grad, theta.shape)
    gradapprox = np.zeros_like(theta)
    for i in np.ndindex(theta.shape):
        plus, minus = theta.copy(), theta.copy()
        plus[i] += epsilon
        minus[i] -= epsilon
        gradapprox[i] = (np.asarray(J(plus)).item() - np.asarray(J(minus)).item()) / (2 * epsilon)
    return relative_difference(grad, gradapprox), gradapprox


def dictionary_to_vector(parameters: Parameters) -> Array:
    """All parameters as one column, each flattened row by row, in the order of the mapping.

    >>> dictionary_to_vector({"W1": np.array([[1.0, 2.0]]), "b1": np.array([[3.0]])}).ravel()
    array([1., 2., 3.])
    """
    return np.concatenate([np.reshape(value, (-1, 1)) for value in parameters.values()])


def vector_to_dictionary(theta: Array, like: Parameters) -> dict[str, Array]:
    """The inverse: names and shapes are those of ``like``.

    >>> vector_to_dictionary(np.array([[1.0], [2.0]]), {"W1": np.zeros((1, 2))})
    {'W1': array([[1., 2.]])}
    """
    sizes = [np.size(value) for value in like.values()]
    check_shape("vector_to_dictionary", "theta", theta, (sum(sizes), 1))
    parts = np.split(theta, np.cumsum(sizes)[:-1])
    return {name: part.reshape(np.shape(like[name])) for name, part in zip(like, parts, strict=True)}


def gradients_to_vector(grads: Parameters, parameters: Parameters) -> Array:
    """The gradients dW1, db1, ... as one column, in the order of the parameters.

    >>> gradients_to_vector({"db1": np.array([[3.0]])}, {"b1": np.array([[7.0]])})
    array([[3.]])
    """
    check_names("gradients_to_vector", "grads", grads, (f"d{name}" for name in parameters))
    return dictionary_to_vector({name: grads[f"d{name}"] for name in parameters})


def gradient_check_n(
    J: Callable[[dict[str, Array]], Array], parameters: Parameters, grads: Parameters, epsilon: float = 1e-7
) -> float:
    """The relative difference for a network: J(parameters) is its cost, grads holds ``d`` + each name.

    >>> parameters = {"W1": np.array([[2.0]]), "b1": np.array([[1.0]])}
    >>> J = lambda p: np.sum(p["W1"] ** 2 + p["b1"])
    >>> gradient_check_n(J, parameters, {"dW1": np.array([[4.0]]), "db1": np.array([[1.0]])}) < THRESHOLD
    True
    """
    theta = dictionary_to_vector(parameters)
    grad = gradients_to_vector(grads, parameters)
    difference, _ = gradient_check(lambda t: J(vector_to_dictionary(t, parameters)), theta, grad, epsilon)
    return difference
