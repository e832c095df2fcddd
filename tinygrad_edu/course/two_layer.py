"""The two-layer network of the notes: S1 to S7. Hidden layer g (tanh unless said otherwise), output σ.

X (n0, m), W1 (n1, n0), b1 (n1, 1), W2 (n2, n1), b2 (n2, 1), Y (n2, m).
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.course.activations import activation as activation_named
from tinygrad_edu.course.activations import sigmoid
from tinygrad_edu.course.costs import compute_cost
from tinygrad_edu.course.initialisation import Seed, initialize_parameters
from tinygrad_edu.course.l_layer import update_parameters
from tinygrad_edu.course.shapes import (
    Array,
    Parameters,
    check_examples,
    check_layer,
    check_names,
    check_parameters,
    check_shape,
    shape_of,
)

__all__ = [
    "backward_one", "backward_propagation", "collapse", "forward_by_examples", "forward_by_units",
    "forward_propagation", "initialize_parameters", "layer_sizes", "nn_model", "predict", "update_parameters",
]  # fmt: skip


def layer_sizes(X: Array, Y: Array, n_h: int = 4) -> tuple[int, int, int]:
    """S5: (n_x, n_h, n_y), from X (n_x, m) and Y (n_y, m).

    >>> layer_sizes(np.ones((5, 3)), np.ones((2, 3)))
    (5, 4, 2)
    """
    check_examples("layer_sizes", X)
    check_shape("layer_sizes", "Y", Y, (shape_of(Y)[0] if shape_of(Y) else 1, X.shape[1]))
    return X.shape[0], n_h, Y.shape[0]


def collapse(parameters: Parameters) -> tuple[Array, Array]:
    """S7: with linear activations the two layers are one, W = W2 W1 and b = W2 b1 + b2.

    >>> W, b = collapse(initialize_parameters(2, 4, 1))
    >>> W.shape, b.shape
    ((1, 2), (1, 1))
    """
    W1, b1, W2, b2 = _unpack("collapse", parameters)
    return W2 @ W1, W2 @ b1 + b2


def forward_propagation(
    X: Array, parameters: Parameters, activation: str = "tanh"
) -> tuple[Array, dict[str, Array]]:
    """S2: Z1 = W1 X + b1, A1 = g(Z1), Z2 = W2 A1 + b2, A2 = σ(Z2). Gives A2 (n2, m) and all four.

    >>> A2, cache = forward_propagation(np.ones((2, 3)), initialize_parameters(2, 4, 1))
    >>> A2.shape, cache["Z1"].shape
    ((1, 3), (4, 3))
    """
    W1, b1, W2, b2 = _unpack("forward_propagation", parameters)
    check_examples("forward_propagation", X)
    check_layer("forward_propagation", W1, b1, X, 1)
    Z1 = W1 @ X + b1
    A1 = activation_named(activation).g(Z1)
    check_layer("forward_propagation", W2, b2, A1, 2)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def forward_by_examples(
    X: Array, parameters: Parameters, activation: str = "tanh"
) -> tuple[Array, dict[str, Array]]:
    """S2 as a loop over the examples, one column at a time. The same values.

    >>> X, parameters = np.ones((2, 3)), initialize_parameters(2, 4, 1)
    >>> np.allclose(forward_by_examples(X, parameters)[0], forward_propagation(X, parameters)[0])
    True
    """
    check_examples("forward_by_examples", X)
    columns = [forward_propagation(X[:, [i]], parameters, activation)[1] for i in range(X.shape[1])]
    cache = {name: np.concatenate([column[name] for column in columns], axis=1) for name in columns[0]}
    return cache["A2"], cache


def forward_by_units(x: Array, parameters: Parameters) -> tuple[Array, Array]:
    """S1, the hidden layer unit by unit: z_i = w_iᵀ x + b_i, a_i = σ(z_i), stacked to (n1, 1) each.

    The rows of W1 are the w_iᵀ; x is one example (n0, 1).

    >>> z, a = forward_by_units(np.ones((2, 1)), initialize_parameters(2, 4, 1))
    >>> z.shape, a.shape
    ((4, 1), (4, 1))
    """
    W1, b1, _, _ = _unpack("forward_by_units", parameters)
    check_shape("forward_by_units", "x", x, (W1.shape[1], 1))
    check_layer("forward_by_units", W1, b1, x, 1)
    z = np.array([[w_i @ x[:, 0] + b_i[0]] for w_i, b_i in zip(W1, b1, strict=True)])
    return z, sigmoid(z)


def backward_propagation(
    parameters: Parameters, cache: Parameters, X: Array, Y: Array, activation: str = "tanh"
) -> dict[str, Array]:
    """S4: dZ2 = A2 - Y; dW2 = (1/m) dZ2 A1ᵀ; dZ1 = W2ᵀ dZ2 * g'(Z1); dW1 = (1/m) dZ1 Xᵀ; db: row sums / m.

    dZ2 (n2, m) and dZ1 (n1, m) hold each example's own derivative, m times that of the cost.

    >>> X, Y, parameters = np.ones((2, 3)), np.array([[1, 0, 1]]), initialize_parameters(2, 4, 1)
    >>> _, cache = forward_propagation(X, parameters)
    >>> {k: v.shape for k, v in backward_propagation(parameters, cache, X, Y).items() if k[:2] == "dW"}
    {'dW2': (1, 4), 'dW1': (4, 2)}
    """
    _, _, W2, _ = _unpack("backward_propagation", parameters)
    check_examples("backward_propagation", X)
    check_names("backward_propagation", "cache", cache, ("Z1", "A1", "A2"))
    Z1, A1, A2 = cache["Z1"], cache["A1"], cache["A2"]
    check_shape("backward_propagation", "Y", Y, shape_of(A2))
    m = X.shape[1]
    dZ2 = A2 - Y
    dW2 = (1 / m) * dZ2 @ A1.T
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * activation_named(activation).slope(Z1, A1)
    dW1 = (1 / m) * dZ1 @ X.T
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}


def backward_one(
    parameters: Parameters, cache: Parameters, x: Array, y: Array, activation: str = "tanh"
) -> dict[str, Array]:
    """S3, one example: dz2 = a2 - y, dW2 = dz2 a1ᵀ; dz1 = W2ᵀ dz2 * g'(z1), dW1 = dz1 xᵀ; each db is dz.

    >>> x, parameters = np.ones((2, 1)), initialize_parameters(2, 4, 1)
    >>> _, cache = forward_propagation(x, parameters)
    >>> backward_one(parameters, cache, x, np.array([[1]]))["dW1"].shape
    (4, 2)
    """
    _, _, W2, _ = _unpack("backward_one", parameters)
    check_names("backward_one", "cache", cache, ("Z1", "A1", "A2"))
    z1, a1, a2 = cache["Z1"], cache["A1"], cache["A2"]
    check_shape("backward_one", "x", x, (shape_of(x)[0] if shape_of(x) else 1, 1))
    check_shape("backward_one", "y", y, shape_of(a2))
    dz2 = a2 - y
    dW2 = dz2 @ a1.T
    db2 = dz2
    dz1 = W2.T @ dz2 * activation_named(activation).slope(z1, a1)
    dW1 = dz1 @ x.T
    db1 = dz1
    return {"dz2": dz2, "dW2": dW2, "db2": db2, "dz1": dz1, "dW1": dW1, "db1": db1}


def nn_model(
    X: Array,
    Y: Array,
    n_h: int = 4,
    num_iterations: int = 10000,
    learning_rate: float = 1.2,
    seed: Seed = 2,
    activation: str = "tanh",
    record_every: int = 1000,
) -> tuple[dict[str, Array], list[float]]:
    """Gradient descent from W = 0.01 · standard normal: the trained parameters, and the recorded costs.

    The cost recorded at iteration i is the one before update i.

    >>> X, Y = np.array([[-1.0, 0.5, 1.0]]), np.array([[0, 1, 1]])
    >>> parameters, costs = nn_model(X, Y, num_iterations=500)
    >>> predict(parameters, X)
    array([[0., 1., 1.]])
    """
    parameters = initialize_parameters(*layer_sizes(X, Y, n_h), seed)
    costs: list[float] = []
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, parameters, activation)
        if i % record_every == 0:
            costs.append(float(compute_cost(A2, Y)))
        grads = backward_propagation(parameters, cache, X, Y, activation)
        parameters = update_parameters(parameters, grads, learning_rate)
    return parameters, costs


def predict(parameters: Parameters, X: Array, activation: str = "tanh") -> Array:
    """1.0 where A2 > 0.5, else 0.0, (n2, m).

    >>> predict(initialize_parameters(2, 4, 1), np.zeros((2, 3)))
    array([[0., 0., 0.]])
    """
    A2, _ = forward_propagation(X, parameters, activation)
    return (A2 > 0.5).astype(float)


def _unpack(where: str, parameters: Parameters) -> tuple[Array, Array, Array, Array]:
    if check_parameters(where, parameters) != 2:
        raise ValueError(f"{where}: parameters: expected W1, b1, W2, b2, got {', '.join(parameters)}")
    return parameters["W1"], parameters["b1"], parameters["W2"], parameters["b2"]
