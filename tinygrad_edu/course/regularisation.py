"""L2 regularisation and inverted dropout, as in the course's exercise "Regularization"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygrad_edu.course.initialisation import Seed, generator
from tinygrad_edu.course.l_layer import (
    Cache,
    backward_from_output,
    cost_of_network,
    layer_activations,
    linear_activation_backward,
    linear_activation_forward,
    linear_backward,
)
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
    "L2_cost", "backward_propagation_with_dropout", "backward_propagation_with_regularization",
    "compute_cost_with_regularization", "dropout_masks", "forward_propagation_with_dropout",
]  # fmt: skip


def L2_cost(parameters: Parameters, lambd: float, m: int) -> Array:
    """(λ / 2m) Σ_l Σ W[l]²: the weights of all layers, not the biases.

    >>> float(L2_cost({"W1": np.array([[3.0, 4.0]]), "b1": np.ones((1, 1))}, lambd=2.0, m=5))
    5.0
    """
    if lambd < 0:
        raise ValueError(f"L2_cost: expected lambd >= 0, got {lambd}")
    L = check_parameters("L2_cost", parameters)
    return lambd / (2 * m) * sum(np.sum(parameters[f"W{l}"] ** 2) for l in range(1, L + 1))


def compute_cost_with_regularization(
    AL: Array, Y: Array, parameters: Parameters, lambd: float, activations: Sequence[str] | None = None
) -> Array:
    """The cross-entropy cost plus (λ / 2m) Σ W².

    >>> parameters = {"W1": np.array([[1.0]]), "b1": np.zeros((1, 1))}
    >>> A, Y = np.array([[0.5, 0.5]]), np.array([[0, 1]])
    >>> round(float(compute_cost_with_regularization(A, Y, parameters, lambd=4.0)), 6)
    1.693147
    """
    return cost_of_network(AL, Y, activations) + L2_cost(parameters, lambd, AL.shape[1])


def backward_propagation_with_regularization(
    AL: Array, Y: Array, caches: Sequence[Cache], lambd: float, activations: Sequence[str] | None = None
) -> dict[str, Array]:
    """The backward pass with dW[l] = (1/m) dZ[l] A[l-1]ᵀ + (λ/m) W[l]; db as without regularisation.

    The network ends in σ or softmax: the pass starts with dZ[L] = A[L] - Y.

    >>> from tinygrad_edu.course.l_layer import L_model_forward
    >>> parameters = {"W1": np.array([[2.0]]), "b1": np.zeros((1, 1))}
    >>> AL, caches = L_model_forward(np.zeros((1, 4)), parameters)
    >>> backward_propagation_with_regularization(AL, np.ones((1, 4)), caches, lambd=1.0)["dW1"]
    array([[0.5]])
    """
    names = layer_activations(len(caches), activations)
    dZL = _output_dZ("backward_propagation_with_regularization", AL, Y, names)
    grads = backward_from_output(dZL, caches, names)
    m = AL.shape[1]
    for l, ((_, W, _), _) in enumerate(caches, start=1):
        grads[f"dW{l}"] = grads[f"dW{l}"] + lambd / m * W
    return grads


def dropout_masks(layers_dims: Sequence[int], m: int, keep_prob: float, seed: Seed = 1) -> dict[str, Array]:
    """A mask ``D{l}`` (n[l], m) of 0 and 1 for each hidden layer: uniform random numbers below keep_prob.

    >>> dropout_masks([3, 2, 1], m=5, keep_prob=0.7)["D1"]
    array([[1., 0., 1., 1., 1.],
           [1., 1., 1., 1., 1.]])
    """
    if not 0 < keep_prob <= 1:
        raise ValueError(f"dropout_masks: expected 0 < keep_prob <= 1, got {keep_prob}")
    rng = generator(seed)
    return {
        f"D{l}": (rng.random((n, m)) < keep_prob).astype(float)
        for l, n in enumerate(layers_dims[1:-1], start=1)
    }


def forward_propagation_with_dropout(
    X: Array,
    parameters: Parameters,
    masks: Mapping[str, Array],
    keep_prob: float,
    activations: Sequence[str] | None = None,
) -> tuple[Array, list[Cache]]:
    """Forward with inverted dropout: after each hidden layer A[l] := A[l] * D[l] / keep_prob.

    >>> parameters = {"W1": np.eye(2), "b1": np.zeros((2, 1)), "W2": np.ones((1, 2)), "b2": np.zeros((1, 1))}
    >>> masks = {"D1": np.array([[1.0], [0.0]])}
    >>> _, caches = forward_propagation_with_dropout(np.ones((2, 1)), parameters, masks, keep_prob=0.5)
    >>> caches[1][0][0].ravel()
    array([2., 0.])
    """
    where = "forward_propagation_with_dropout"
    L = check_parameters(where, parameters)
    check_examples(where, X)
    _check_masks(where, masks, [parameters[f"W{l}"].shape[0] for l in range(1, L + 1)], X.shape[1])
    A, caches = X, []
    for l, name in enumerate(layer_activations(L, activations), start=1):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        check_layer(where, W, b, A, l)
        A, cache = linear_activation_forward(A, W, b, name)
        if l < L:
            A = A * masks[f"D{l}"] / keep_prob
        caches.append(cache)
    return A, caches


def backward_propagation_with_dropout(
    AL: Array,
    Y: Array,
    caches: Sequence[Cache],
    masks: Mapping[str, Array],
    keep_prob: float,
    activations: Sequence[str] | None = None,
) -> dict[str, Array]:
    """Backward through inverted dropout: the same mask and scale, dA[l] := dA[l] * D[l] / keep_prob.

    ``dA{l}`` is the derivative with respect to A[l] before it is masked. The network ends in σ or softmax.

    >>> parameters = {"W1": np.eye(2), "b1": np.zeros((2, 1)), "W2": np.ones((1, 2)), "b2": np.zeros((1, 1))}
    >>> masks = {"D1": np.array([[1.0], [0.0]])}
    >>> AL, caches = forward_propagation_with_dropout(np.ones((2, 1)), parameters, masks, keep_prob=0.5)
    >>> backward_propagation_with_dropout(AL, np.ones((1, 1)), caches, masks, 0.5)["dA1"][1]
    array([-0.])
    """
    L = len(caches)
    names = layer_activations(L, activations)
    where = "backward_propagation_with_dropout"
    dZL = _output_dZ(where, AL, Y, names)
    _check_masks(where, masks, [W.shape[0] for (_, W, _), _ in caches], AL.shape[1])
    grads: dict[str, Array] = {}
    grads[f"dA{L - 1}"], grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(dZL, caches[-1][0])
    for l in range(L - 1, 0, -1):
        grads[f"dA{l}"] = grads[f"dA{l}"] * masks[f"D{l}"] / keep_prob
        block = linear_activation_backward(grads[f"dA{l}"], caches[l - 1], names[l - 1])
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = block
    return grads


def _output_dZ(where: str, AL: Array, Y: Array, names: Sequence[str]) -> Array:
    check_shape(where, "Y", Y, shape_of(AL))
    if names[-1] not in ("sigmoid", "softmax"):
        raise ValueError(f"{where}: expected a network that ends in sigmoid or softmax, got {names[-1]}")
    return AL - Y


def _check_masks(where: str, masks: Mapping[str, Array], units: Sequence[int], m: int) -> None:
    L = len(units)
    check_names(where, "masks", masks, (f"D{l}" for l in range(1, L)))
    for l in range(1, L):
        check_shape(where, f"D{l}", masks[f"D{l}"], (units[l - 1], m))
