"""The optimisers of the course's second part: mini-batches, momentum, Adam; one update at a time."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.course.initialisation import Seed, generator
from tinygrad_edu.course.l_layer import update_parameters
from tinygrad_edu.course.shapes import Array, Parameters, check_examples, check_names, check_shape

__all__ = [
    "initialize_adam", "initialize_velocity", "random_mini_batches", "update_parameters_with_adam",
    "update_parameters_with_gd", "update_parameters_with_momentum",
]  # fmt: skip

update_parameters_with_gd = update_parameters


def random_mini_batches(
    X: Array, Y: Array, mini_batch_size: int = 64, seed: Seed = 0
) -> list[tuple[Array, Array]]:
    """The columns of X and Y in a random order, cut into slices of ``mini_batch_size``; the last may be less.

    >>> batches = random_mini_batches(np.zeros((3, 148)), np.zeros((1, 148)), 64)
    >>> [(X.shape, Y.shape) for X, Y in batches]
    [((3, 64), (1, 64)), ((3, 64), (1, 64)), ((3, 20), (1, 20))]
    """
    check_examples("random_mini_batches", X)
    m = X.shape[1]
    check_shape("random_mini_batches", "Y", Y, (Y.shape[0], m))
    if mini_batch_size < 1:
        raise ValueError(f"random_mini_batches: expected mini_batch_size >= 1, got {mini_batch_size}")
    order = generator(seed).permutation(m)
    slices = [order[k : k + mini_batch_size] for k in range(0, m, mini_batch_size)]
    return [(X[:, columns], Y[:, columns]) for columns in slices]


def initialize_velocity(parameters: Parameters) -> dict[str, Array]:
    """Zeros in the shape of every parameter, under the names ``dW1``, ``db1``, ...

    >>> initialize_velocity({"W1": np.ones((1, 2))})
    {'dW1': array([[0., 0.]])}
    """
    return {f"d{name}": np.zeros(np.shape(value)) for name, value in parameters.items()}


def update_parameters_with_momentum(
    parameters: Parameters, grads: Parameters, v: Parameters, beta: float, learning_rate: float
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The step v := β v + (1 - β) dW, W := W - α v. Gives the parameters and v.

    >>> W = {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}
    >>> g = {"dW1": np.array([[10.0]]), "db1": np.array([[0.0]])}
    >>> update_parameters_with_momentum(W, g, initialize_velocity(W), beta=0.5, learning_rate=0.1)[0]["W1"]
    array([[0.5]])
    """
    _check("update_parameters_with_momentum", parameters, grads=grads, v=v)
    v = {name: beta * v[name] + (1 - beta) * grads[name] for name in v}
    return update_parameters(parameters, v, learning_rate), v


def initialize_adam(parameters: Parameters) -> tuple[dict[str, Array], dict[str, Array]]:
    """Adam starts from v = 0 and s = 0, in the shape of every parameter.

    >>> initialize_adam({"W1": np.ones((1, 2))})[1]
    {'dW1': array([[0., 0.]])}
    """
    return initialize_velocity(parameters), initialize_velocity(parameters)


def update_parameters_with_adam(
    parameters: Parameters,
    grads: Parameters,
    v: Parameters,
    s: Parameters,
    t: int,
    learning_rate: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Adam's step t = 1, 2, ...: W := W - α v̂ / (√ŝ + ε). Gives the parameters, v and s.

    v := β₁ v + (1 - β₁) dW and s := β₂ s + (1 - β₂) dW²; v̂ = v / (1 - β₁ᵗ), ŝ = s / (1 - β₂ᵗ).

    Source: D. P. Kingma, J. Ba, *Adam*, ICLR 2015, algorithm 1. (The course's first edition has ε inside
    the root.)

    >>> W = {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}
    >>> g = {"dW1": np.array([[10.0]]), "db1": np.array([[0.0]])}
    >>> update_parameters_with_adam(W, g, *initialize_adam(W), t=1, learning_rate=0.5)[0]["W1"].round(6)
    array([[0.5]])
    """
    if t < 1:
        raise ValueError(f"update_parameters_with_adam: the first step is t = 1, got {t}")
    _check("update_parameters_with_adam", parameters, grads=grads, v=v, s=s)
    v = {name: beta1 * v[name] + (1 - beta1) * grads[name] for name in v}
    s = {name: beta2 * s[name] + (1 - beta2) * grads[name] ** 2 for name in s}
    step = {name: (v[name] / (1 - beta1**t)) / (np.sqrt(s[name] / (1 - beta2**t)) + epsilon) for name in v}
    return update_parameters(parameters, step, learning_rate), v, s


def _check(where: str, parameters: Parameters, **of_gradients: Parameters) -> None:
    """Each of the mappings has an entry for each parameter, and no other."""
    expected = [f"d{name}" for name in parameters]
    for name, values in of_gradients.items():
        check_names(where, name, values, expected)
