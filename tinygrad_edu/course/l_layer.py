"""The L-layer network of the notes: D1 to D8, under the names of the course's exercises.

A[0] = X (n[0], m), W[l] (n[l], n[l-1]), b[l] (n[l], 1), Z[l] and A[l] (n[l], m). dZ and dA hold each
example's own derivative in its column, m times that of the cost; the factor 1/m enters at dW and db.
The hidden layers are ReLU and the output σ unless ``activations`` names others; an output of softmax goes
with the cost for C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from tinygrad_edu.course.activations import activation as activation_named
from tinygrad_edu.course.activations import softmax
from tinygrad_edu.course.costs import compute_cost, compute_cost_for_classes, loss_derivative
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
    "Cache", "L_model_backward", "L_model_forward", "accuracy", "backward_from_output", "cost_of_network",
    "count_parameters", "hidden_dZ", "layer_activations", "linear_activation_backward",
    "linear_activation_forward", "linear_backward", "linear_forward", "network_shapes", "predict",
    "update_parameters",
]  # fmt: skip

Cache: TypeAlias = tuple[tuple[Array, Array, Array], Array]
"""What the way back needs of layer l: ``((A[l-1], W[l], b[l]), Z[l])``."""


def layer_activations(L: int, activations: Sequence[str] | None = None) -> list[str]:
    """The names of the L activations: ReLU, ..., ReLU, sigmoid where none are given.

    >>> layer_activations(3)
    ['relu', 'relu', 'sigmoid']
    >>> layer_activations(3, ["tanh", "sigmoid"])
    Traceback (most recent call last):
    ...
    ValueError: activations: expected one for each of the 3 layers, got ['tanh', 'sigmoid']
    """
    names = ["relu"] * (L - 1) + ["sigmoid"] if activations is None else list(activations)
    if len(names) != L:
        raise ValueError(f"activations: expected one for each of the {L} layers, got {names}")
    if "softmax" in names[:-1]:
        raise ValueError(f"activations: softmax can only end a network, got {names}")
    return names


def network_shapes(layers_dims: Sequence[int], m: int = 1) -> dict[str, tuple[int, int]]:
    """S5, D8: the shape of every quantity, for one example (n[l], 1) and for m of them (n[l], m).

    Sums keep their dimensions, so that dW, db, dZ and dA have the shapes of W, b, Z and A.

    >>> network_shapes([3, 4, 1])["Z1"], network_shapes([3, 4, 1], m=7)["Z1"]
    ((4, 1), (4, 7))
    """
    found = {"A0": (layers_dims[0], m)}
    for l in range(1, len(layers_dims)):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        found |= {f"W{l}": (n, n_prev), f"b{l}": (n, 1), f"Z{l}": (n, m), f"A{l}": (n, m)}
    return found


def count_parameters(layers_dims: Sequence[int]) -> int:
    """D9: how many numbers are learnt, Σ n[l] (n[l-1] + 1): the weights and the biases.

    >>> count_parameters([12288, 20, 7, 5, 1])
    245973
    """
    return sum(layers_dims[l] * (layers_dims[l - 1] + 1) for l in range(1, len(layers_dims)))


def linear_forward(A: Array, W: Array, b: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """D1: Z[l] = W[l] A[l-1] + b[l], and (A[l-1], W[l], b[l]) for the way back.

    >>> Z, _ = linear_forward(np.ones((3, 2)), np.ones((1, 3)), np.array([[5.0]]))
    >>> Z
    array([[8., 8.]])
    >>> linear_forward(np.ones((2, 400)), np.ones((4, 3)), np.zeros((4, 1)))
    Traceback (most recent call last):
    ...
    ValueError: linear_forward: W (4, 3) @ A_prev (2, 400): inner dimensions 3 and 2 differ
    """
    check_layer("linear_forward", W, b, A)
    return W @ A + b, (A, W, b)


def linear_activation_forward(A_prev: Array, W: Array, b: Array, activation: str) -> tuple[Array, Cache]:
    """D1: A[l] = g(W[l] A[l-1] + b[l]), and the layer's cache.

    >>> A, _ = linear_activation_forward(np.ones((3, 2)), np.ones((1, 3)), np.array([[-3.0]]), "sigmoid")
    >>> A
    array([[0.5, 0.5]])
    """
    Z, linear_cache = linear_forward(A_prev, W, b)
    A = softmax(Z) if activation == "softmax" else activation_named(activation).g(Z)
    return A, (linear_cache, Z)


def L_model_forward(
    X: Array, parameters: Parameters, activations: Sequence[str] | None = None
) -> tuple[Array, list[Cache]]:
    """D1 for l = 1..L: A[L] (n[L], m), and the caches of the L layers in order.

    >>> from tinygrad_edu.course.initialisation import initialize_parameters_he
    >>> AL, caches = L_model_forward(np.ones((3, 5)), initialize_parameters_he([3, 4, 1]))
    >>> AL.shape, len(caches)
    ((1, 5), 2)
    """
    L = check_parameters("L_model_forward", parameters)
    check_examples("L_model_forward", X)
    A, caches = X, []
    for l, name in enumerate(layer_activations(L, activations), start=1):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        check_layer("L_model_forward", W, b, A, l)
        A, cache = linear_activation_forward(A, W, b, name)
        caches.append(cache)
    return A, caches


def linear_backward(dZ: Array, cache: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    """D2: dA[l-1] = W[l]ᵀ dZ[l], dW[l] = (1/m) dZ[l] A[l-1]ᵀ, db[l] = (1/m) Σ_columns dZ[l].

    >>> cache = np.ones((3, 2)), np.ones((4, 3)), np.ones((4, 1))
    >>> dA_prev, dW, db = linear_backward(np.ones((4, 2)), cache)
    >>> dA_prev.shape, dW.shape, db.shape
    ((3, 2), (4, 3), (4, 1))
    """
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    check_shape("linear_backward", "dZ", dZ, (W.shape[0], m))
    dW = (1 / m) * dZ @ A_prev.T
    db = (1 / m) * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = W.T @ dZ
    return dA_prev, dW, db


def linear_activation_backward(dA: Array, cache: Cache, activation: str) -> tuple[Array, Array, Array]:
    """D2, the whole block: in dA[l]; dZ[l] = dA[l] * g'(Z[l]); out dA[l-1], dW[l], db[l].

    >>> cache = ((np.ones((3, 2)), np.ones((1, 3)), np.zeros((1, 1))), np.array([[3.0, -3.0]]))
    >>> linear_activation_backward(np.array([[2.0, 2.0]]), cache, "relu")[0][0]
    array([2., 0.])
    """
    linear_cache, Z = cache
    check_shape("linear_activation_backward", "dA", dA, shape_of(Z))
    return linear_backward(_slope_times(dA, Z, activation), linear_cache)


def hidden_dZ(W_next: Array, dZ_next: Array, Z: Array, activation: str) -> Array:
    """D3: dZ[l] = W[l+1]ᵀ dZ[l+1] * g'(Z[l]), a hidden layer's in one line.

    >>> hidden_dZ(np.ones((1, 2)), np.array([[3.0]]), np.array([[-1.0], [1.0]]), "relu").ravel()
    array([0., 3.])
    """
    check_shape("hidden_dZ", "W_next", W_next, (shape_of(dZ_next)[0], shape_of(Z)[0]))
    return _slope_times(W_next.T @ dZ_next, Z, activation)


def L_model_backward(
    AL: Array, Y: Array, caches: Sequence[Cache], activations: Sequence[str] | None = None
) -> dict[str, Array]:
    """D2 for l = L..1: the gradients ``dA{l}``, ``dZ{l}``, ``dW{l}``, ``db{l}``, and ``dA0``.

    As in the exercise it starts with D4, dA[L] = -Y/A[L] + (1-Y)/(1-A[L]), which is 0/0 where σ saturates;
    :func:`backward_from_output` can start with the short form. After softmax only the short form is known.

    >>> from tinygrad_edu.course.initialisation import initialize_parameters_he
    >>> AL, caches = L_model_forward(np.ones((3, 5)), initialize_parameters_he([3, 4, 1]))
    >>> grads = L_model_backward(AL, np.ones((1, 5)), caches)
    >>> grads["dW1"].shape, grads["db2"].shape, grads["dA0"].shape
    ((4, 3), (1, 1), (3, 5))
    """
    names = layer_activations(len(caches), activations)
    check_shape("L_model_backward", "Y", Y, shape_of(AL))
    if names[-1] == "softmax":
        return backward_from_output(AL - Y, caches, names)
    dAL = loss_derivative(AL, Y)
    dZL = _slope_times(dAL, caches[-1][1], names[-1])
    return {f"dA{len(caches)}": dAL, **backward_from_output(dZL, caches, names)}


def backward_from_output(
    dZL: Array, caches: Sequence[Cache], activations: Sequence[str] | None = None
) -> dict[str, Array]:
    """D2 for l = L..1, given dZ[L]: A[L] - Y for a network that ends in σ or softmax, however saturated.

    >>> from tinygrad_edu.course.initialisation import initialize_parameters_he
    >>> AL, caches = L_model_forward(np.ones((3, 5)), initialize_parameters_he([3, 4, 1]))
    >>> sorted(backward_from_output(AL - np.ones((1, 5)), caches))
    ['dA0', 'dA1', 'dW1', 'dW2', 'dZ1', 'dZ2', 'db1', 'db2']
    """
    names = layer_activations(len(caches), activations)
    grads, dZ = {}, dZL
    for l in range(len(caches), 0, -1):
        linear_cache, _ = caches[l - 1]
        grads[f"dZ{l}"] = dZ
        dA_prev, grads[f"dW{l}"], grads[f"db{l}"] = linear_backward(dZ, linear_cache)
        grads[f"dA{l - 1}"] = dA_prev
        if l > 1:
            dZ = _slope_times(dA_prev, caches[l - 2][1], names[l - 2])
    return grads


def update_parameters(parameters: Parameters, grads: Parameters, learning_rate: float) -> dict[str, Array]:
    """L13 for every layer: W[l] := W[l] - α dW[l], b[l] := b[l] - α db[l]. New arrays.

    >>> update_parameters({"W1": np.ones((1, 1)), "b1": np.ones((1, 1))},
    ...                   {"dW1": np.ones((1, 1)), "db1": np.zeros((1, 1))}, learning_rate=0.25)
    {'W1': array([[0.75]]), 'b1': array([[1.]])}
    """
    check_parameters("update_parameters", parameters)
    check_names("update_parameters", "grads", grads, (f"d{name}" for name in parameters))
    for name, value in parameters.items():
        check_shape("update_parameters", f"d{name}", grads[f"d{name}"], shape_of(value))
    return {name: value - learning_rate * grads[f"d{name}"] for name, value in parameters.items()}


def cost_of_network(AL: Array, Y: Array, activations: Sequence[str] | None = None) -> Array:
    """The cost that belongs to the output: for C classes (D6) after softmax, else for two (D5). A scalar.

    >>> round(float(cost_of_network(np.full((4, 2), 0.25), np.eye(4)[:, :2], ["softmax"])), 6)
    1.386294
    """
    if activations is not None and list(activations)[-1:] == ["softmax"]:
        return compute_cost_for_classes(AL, Y)
    return compute_cost(AL, Y)


def predict(X: Array, parameters: Parameters, activations: Sequence[str] | None = None) -> Array:
    """1.0 where A[L] > 0.5, else 0.0; after softmax, 1.0 at the largest entry of each column. (n[L], m).

    >>> predict(np.ones((2, 3)), {"W1": np.array([[1.0, -2.0]]), "b1": np.zeros((1, 1))})
    array([[0., 0., 0.]])
    """
    AL, _ = L_model_forward(X, parameters, activations)
    if activations is not None and list(activations)[-1] == "softmax":
        return np.eye(AL.shape[0])[:, np.argmax(AL, axis=0)]
    return (AL > 0.5).astype(float)


def accuracy(predictions: Array, Y: Array) -> float:
    """The share of the m examples whose whole column is right.

    >>> accuracy(np.array([[1.0, 0.0, 1.0, 1.0]]), np.array([[1, 0, 0, 1]]))
    0.75
    """
    check_examples("accuracy", Y, "Y")
    check_shape("accuracy", "predictions", predictions, shape_of(Y))
    return float(np.mean(np.all(predictions == Y, axis=0)))


def _slope_times(dA: Array, Z: Array, name: str) -> Array:
    g, slope = activation_named(name)
    return dA * slope(Z, g(Z))
