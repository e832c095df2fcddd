"""The forward passes that the formulas belong to, as the course's own NumPy code computes them.

Each takes the inputs of its sample, and gives the quantities by name.

>>> from tinygrad_edu.course.catalogue import forwards, samples
>>> from tinygrad_edu.course.catalogue.entry import Sizes
>>> given = samples.two_layer(np.random.default_rng(0), Sizes(5, 6, 7, m=8))
>>> sorted(forwards.two_layers(**given))
['A1', 'A2', 'J', 'Z1', 'Z2']
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import activations, costs, l_layer, logistic, two_layer, written_out
from tinygrad_edu.course.catalogue.entry import Values
from tinygrad_edu.course.shapes import Array


def parameters_of(given: Values) -> dict[str, Any]:
    """W1, b1, W2, ... among the inputs."""
    return {name: value for name, value in given.items() if name[0] in "Wb" and name[1:].isdigit()}


def shapes_of(values: Values) -> Values:
    """The shapes of quantities, as outputs of their own."""
    return {f"shape of {name}": tuple(value.shape) for name, value in values.items()}


def logistic_one(w: Array, b: Array, x: Array, y: Array) -> Values:
    """Z, a and the loss of one example."""
    z, a = logistic.forward_one(w, b, x)
    loss = costs.cross_entropy(a, y)
    return {"z": z, "a": a, "L": loss, "J": np.sum(loss)}


def logistic_regression(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """Z, A and the cost J of m examples."""
    Z, A = logistic.forward(w, b, X)
    return {"Z": Z, "A": A, "J": costs.compute_cost(A, Y)}


def two_layers(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    """Z1, A1, Z2, A2 and the cost J."""
    A2, cache = two_layer.forward_propagation(X, parameters, g)
    return {**cache, "J": costs.compute_cost(A2, Y)}


def two_layers_one_example(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    """The same for one example, in small letters: z1, a1, z2, a2."""
    values = two_layers(X, Y, g, **parameters)
    return {"z1": values["Z1"], "a1": values["A1"], "z2": values["Z2"], "a2": values["A2"], "J": values["J"]}


def deep(X: Array, Y: Array, g: tuple[str, ...], **parameters: Array) -> Values:
    """Z1, A1, ..., ZL, AL and the cost J."""
    AL, caches = l_layer.L_model_forward(X, parameters, g)
    L = len(caches)
    Zs = {f"Z{l}": Z for l, (_, Z) in enumerate(caches, start=1)}
    As = {f"A{l}": caches[l][0][0] for l in range(1, L)}
    return {**Zs, **As, f"A{L}": AL, "J": costs.compute_cost(AL, Y)}


def backward_block(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    """Z and A of one layer, and a J whose derivative in A is dA / m."""
    A, (_, Z) = l_layer.linear_activation_forward(A_prev, W, b, g)
    return {"Z": Z, "A": A, "J": np.sum(dA * A) / A_prev.shape[1]}


def output_layer(A_prev: Array, W: Array, b: Array, Y: Array) -> Values:
    """Z, A = σ(Z) and the cost J of a last layer."""
    A, (_, Z) = l_layer.linear_activation_forward(A_prev, W, b, "sigmoid")
    return {"Z": Z, "A": A, "J": costs.compute_cost(A, Y)}


def softmax_layer(Z: Array, Y: Array) -> Values:
    """A = softmax of the columns of Z, and the cost J for C classes."""
    A = activations.softmax(Z)
    return {"A": A, "J": costs.compute_cost_for_classes(A, Y)}


def linear_layers(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Values:
    """S7: two layers without activation."""
    return {"Z2": W2 @ (W1 @ X + b1) + b2}


def two_units(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
    """Z1, Z2, A1, A2 of one layer for one example, and a J whose derivatives in A1, A2 are dA1, dA2."""
    values = written_out.two_unit_forward(p, g)
    return {**values, "J": dA1 * values["A1"] + dA2 * values["A2"]}
