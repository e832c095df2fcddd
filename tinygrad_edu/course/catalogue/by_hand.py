"""The derivations by hand, whole: every quantity that the notes derive for a model, by name.

Each takes a sample's inputs, as its counterpart in :mod:`forwards` does; an entry of the catalogue picks the
quantities that its row is about.

>>> import numpy as np
>>> from tinygrad_edu.course.catalogue import by_hand, samples
>>> from tinygrad_edu.course.catalogue.entry import Sizes
>>> given = samples.two_layer(np.random.default_rng(0), Sizes(5, 6, 7, m=8))
>>> sorted(by_hand.two_layers(**given))
['A1', 'A2', 'Z1', 'Z2', 'dW1', 'dW2', 'dZ1', 'dZ2', 'db1', 'db2']
"""

from __future__ import annotations

from tinygrad_edu.course import costs, l_layer, logistic, two_layer
from tinygrad_edu.course.activations import activation
from tinygrad_edu.course.catalogue.entry import Values
from tinygrad_edu.course.shapes import Array


def logistic_one(w: Array, b: Array, x: Array, y: Array) -> Values:
    """G2, L1, L7 to L10: z, a, the loss L, and da, dz, dw, db of one example."""
    z, a = logistic.forward_one(w, b, x)
    return {"z": z, "a": a, "L": costs.cross_entropy(a, y), **logistic.gradients_one(w, b, x, y)}


def logistic_regression(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """L12: Z, A, J, dZ, dw, db."""
    Z, A = logistic.forward(w, b, X)
    grads, J = logistic.propagate(w, b, X, Y)
    return {"Z": Z, "A": A, "J": J, "dZ": A - Y, **grads}


def updated(alpha: float, **given: Array) -> Values:
    """L13: the parameters after one step."""
    grads, _ = logistic.propagate(**given)
    w, b = logistic.update(given["w"], given["b"], grads, alpha)
    return {"new w": w, "new b": b}


def two_layers(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    """S2, S4: Z1, A1, Z2, A2, and dZ, dW, db of both layers."""
    _, cache = two_layer.forward_propagation(X, parameters, g)
    return {**cache, **two_layer.backward_propagation(parameters, cache, X, Y, g)}


def two_layers_one_example(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    """S3: dz, dW, db of both layers."""
    _, cache = two_layer.forward_propagation(X, parameters, g)
    return two_layer.backward_one(parameters, cache, X, Y, g)


def deep_forward(X: Array, g: tuple[str, ...], **others: Array) -> Values:
    """D1, layer after layer: Z[l] = W[l] A[l-1] + b[l], A[l] = g[l](Z[l])."""
    A = X
    values: dict[str, Array] = {}
    for l, name in enumerate(g, start=1):
        Z = others[f"W{l}"] @ A + others[f"b{l}"]
        A = activation(name).g(Z)
        values |= {f"Z{l}": Z, f"A{l}": A}
    return values


def deep(X: Array, Y: Array, g: tuple[str, ...], **parameters: Array) -> Values:
    """D1, D2, D4: all Z and A, and all dZ, dA, dW, db."""
    AL, caches = l_layer.L_model_forward(X, parameters, g)
    return {**deep_forward(X, g, **parameters), **l_layer.L_model_backward(AL, Y, caches, g)}


def backward_block(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    """D2: dZ, dA_prev, dW, db of one layer, from its dA."""
    A, cache = l_layer.linear_activation_forward(A_prev, W, b, g)
    dA_prev, dW, db = l_layer.linear_activation_backward(dA, cache, g)
    return {"dZ": dA * activation(g).slope(cache[1], A), "dA_prev": dA_prev, "dW": dW, "db": db}


def output_layer(A_prev: Array, W: Array, b: Array, Y: Array) -> Values:
    """D4, D5: A, J, dA and dZ = A - Y of a last layer with σ."""
    A = activation("sigmoid").g(W @ A_prev + b)
    return {"A": A, "J": costs.compute_cost_by_products(A, Y), "dA": costs.loss_derivative(A, Y), "dZ": A - Y}
