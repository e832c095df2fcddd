"""Activations and their slopes: A1 to A4 of the notes, softmax, and the identity.

Every function takes arrays of any shape and works elementwise, but for softmax, which works on columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygrad_edu.course.shapes import Array, check_shape, shape_of

__all__ = [
    "activation", "leaky_relu", "leaky_relu_slope", "linear", "relu", "relu_backward", "relu_slope",
    "sigmoid", "sigmoid_backward", "sigmoid_by_ez", "sigmoid_slope", "sigmoid_slope_steps", "softmax", "tanh",
    "tanh_by_exponentials", "tanh_slope",
]  # fmt: skip


def sigmoid(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^(-z)).

    Where e^(-z) overflows, 1 / inf = 0 is the right limit, so no warning is given.

    >>> sigmoid(np.array([0.0, 9.2]))
    array([0.5       , 0.99989897])
    """
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def sigmoid_by_ez(z: Array) -> Array:
    """The notes' second form, σ(z) = e^z / (e^z + 1): equal, but inf / inf for z above 709.

    >>> float(sigmoid_by_ez(np.float64(0.0)))
    0.5
    """
    return np.exp(z) / (np.exp(z) + 1)


def sigmoid_slope(a: Array) -> Array:
    """σ'(z) = a (1 - a), from a = σ(z).

    >>> float(sigmoid_slope(np.float64(0.5)))
    0.25
    """
    return a * (1 - a)


def sigmoid_slope_steps(z: Array) -> tuple[Array, ...]:
    """L8: dσ/dz in the six steps of the notes, each equal to the one before.

    -(1 + e^(-z))^(-2) d(1 + e^(-z))/dz; -(1 + e^(-z))^(-2) (-e^(-z)); e^(-z) / (1 + e^(-z))²;
    1/(1 + e^(-z)) · e^(-z)/(1 + e^(-z)); 1/(1 + e^(-z)) · (1 + e^(-z) - 1)/(1 + e^(-z)); a (1 - a).

    >>> [float(step) for step in sigmoid_slope_steps(np.float64(0.0))]
    [0.25, 0.25, 0.25, 0.25, 0.25, 0.25]
    """
    e = np.exp(-z)
    inner = -1 * e  # d(1 + e^(-z))/dz, by the chain rule
    a = 1 / (1 + e)
    return (
        -((1 + e) ** -2) * inner,
        -((1 + e) ** -2) * (-e),
        e / (1 + e) ** 2,
        1 / (1 + e) * (e / (1 + e)),
        1 / (1 + e) * ((1 + e - 1) / (1 + e)),
        a * (1 - a),
    )


def tanh(z: Array) -> Array:
    """The hyperbolic tangent, as NumPy computes it.

    >>> float(tanh(np.float64(0.0)))
    0.0
    """
    return np.tanh(z)


def tanh_by_exponentials(z: Array) -> Array:
    """The notes' form, (e^z - e^(-z)) / (e^z + e^(-z)): equal, but inf / inf for abs(z) above 709.

    >>> float(tanh_by_exponentials(np.float64(0.0)))
    0.0
    """
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def tanh_slope(a: Array) -> Array:
    """tanh'(z) = 1 - a², from a = tanh z.

    >>> float(tanh_slope(np.float64(0.5)))
    0.75
    """
    return 1 - a**2


def relu(z: Array) -> Array:
    """max(0, z).

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(0, z)


def relu_slope(z: Array) -> Array:
    """0 for z < 0, 1 for z > 0, and 0 at 0, where there is no derivative.

    >>> relu_slope(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return np.where(z > 0, 1.0, 0.0)


def leaky_relu(z: Array) -> Array:
    """max(0.01 z, z).

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return np.maximum(0.01 * z, z)


def leaky_relu_slope(z: Array) -> Array:
    """0.01 for z < 0, 1 for z > 0, and 0.01 at 0, where there is no derivative.

    >>> leaky_relu_slope(np.array([-1.0, 2.0]))
    array([0.01, 1.  ])
    """
    return np.where(z > 0, 1.0, 0.01)


def linear(z: Array) -> Array:
    """The identity: no activation at all (S7).

    >>> linear(3.0)
    3.0
    """
    return z


def softmax(Z: Array) -> Array:
    """e^Z / Σ e^Z down each column, for C classes: (C, m) to (C, m).

    The largest entry of a column is subtracted first, which changes nothing but avoids overflow.

    >>> softmax(np.array([[1000.0], [1000.0]]))
    array([[0.5],
           [0.5]])
    """
    e = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


class Activation(NamedTuple):
    """An activation ``g(Z)`` and its ``slope(Z, A)``, for A = g(Z).

    >>> g, slope = ACTIVATIONS["tanh"]
    >>> float(slope(0.0, g(0.0)))
    1.0
    """

    g: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(sigmoid, lambda Z, A: sigmoid_slope(A)),
    "tanh": Activation(tanh, lambda Z, A: tanh_slope(A)),
    "relu": Activation(relu, lambda Z, A: relu_slope(Z)),
    "leaky_relu": Activation(leaky_relu, lambda Z, A: leaky_relu_slope(Z)),
    "linear": Activation(linear, lambda Z, A: np.ones(shape_of(Z))),
}
"""The activations that work on each entry alone. Softmax does not, so it can only end a network."""


def activation(name: str) -> Activation:
    """The activation of that name.

    >>> activation("sigmod")
    Traceback (most recent call last):
    ...
    ValueError: activation: expected one of sigmoid, tanh, relu, leaky_relu, linear, got 'sigmod'
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]


def sigmoid_backward(dA: Array, Z: Array) -> Array:
    """The exercises' name for the sigmoid's half of the backward block: dZ = dA * σ'(Z).

    >>> sigmoid_backward(np.array([[4.0]]), np.array([[0.0]]))
    array([[1.]])
    """
    check_shape("sigmoid_backward", "dA", dA, shape_of(Z))
    return dA * sigmoid_slope(sigmoid(Z))


def relu_backward(dA: Array, Z: Array) -> Array:
    """The exercises' name for the ReLU's half of the backward block: dZ = dA * relu'(Z).

    >>> relu_backward(np.array([[4.0, 4.0]]), np.array([[-1.0, 1.0]]))
    array([[0., 4.]])
    """
    check_shape("relu_backward", "dA", dA, shape_of(Z))
    return dA * relu_slope(Z)
