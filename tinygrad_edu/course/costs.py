"""Losses of one example, and the costs over m examples: L3 to L6, D5, D6 and E1 of the notes.

The notes' formulas in log A and log(1 - A) hold for predictions strictly between 0 and 1: at 0 and 1 (a
saturated sigmoid) they give NaN, with NumPy's warning. :func:`compute_cost` does not.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.course.shapes import Array, check_binary_labels, check_class_labels

__all__ = [
    "compute_cost", "compute_cost_by_products", "compute_cost_for_classes", "cross_entropy",
    "cross_entropy_curvature", "hinge_loss", "hinge_slope", "likelihood", "loss_derivative",
    "perceptron_loss", "perceptron_slope", "squared_loss", "squared_loss_curvature", "zero_one_loss",
]  # fmt: skip


def squared_loss(a: Array, y: Array) -> Array:
    """L3: ½ (a - y)², elementwise.

    >>> squared_loss(0.5, 1)
    0.125
    """
    return 0.5 * (a - y) ** 2


def squared_loss_curvature(w: Array, x: Array, y: Array) -> Array:
    """The second derivative of ½ (σ(wx) - y)² in w: negative for some w, so the loss is not convex in w.

    >>> bool(squared_loss_curvature(w=-3.0, x=1.0, y=1.0) < 0)
    True
    """
    a = 1 / (1 + np.exp(-w * x))
    slope = a * (1 - a)
    return x**2 * slope * (slope + (a - y) * (1 - 2 * a))


def cross_entropy_curvature(w: Array, x: Array) -> Array:
    """The second derivative of the cross-entropy of σ(wx) in w, x² a(1 - a): never negative, so convex.

    >>> float(cross_entropy_curvature(w=0.0, x=2.0))
    1.0
    """
    a = 1 / (1 + np.exp(-w * x))
    return x**2 * a * (1 - a)


def likelihood(a: Array, y: Array) -> Array:
    """L4: p(y given x) = a^y (1 - a)^(1 - y): a where y is 1, and 1 - a where y is 0.

    >>> likelihood(0.75, 0)
    0.25
    """
    return a**y * (1 - a) ** (1 - y)


def cross_entropy(a: Array, y: Array) -> Array:
    """L5: the loss -(y log a + (1 - y) log(1 - a)) of each example, the natural logarithm throughout.

    >>> float(cross_entropy(np.exp(-2.0), 1))
    2.0
    """
    return -(y * np.log(a) + (1 - y) * np.log(1 - a))


def loss_derivative(a: Array, y: Array) -> Array:
    """L7, D4: da = dL/da = -y/a + (1 - y)/(1 - a), one column per example.

    >>> loss_derivative(0.5, 1)
    -2.0
    """
    return -y / a + (1 - y) / (1 - a)


def compute_cost(A: Array, Y: Array) -> Array:
    """L6: J = (1/m) Σ L over the m columns; A and Y (1, m), Y of 0 and 1. A scalar.

    L is taken as -log p of the likelihood (L4), which is right where a sigmoid saturates too: 0⁰ is 1.

    Source: the exercises of the course, "Building your deep neural network: step by step".

    >>> round(float(compute_cost(np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 1]]))), 12)
    0.414931599615
    """
    check_binary_labels("compute_cost", A, Y)
    m = A.shape[1]
    return -(1 / m) * np.sum(np.log(likelihood(A, Y)))


def compute_cost_by_products(A: Array, Y: Array) -> Array:
    """D5: J = -(1/m) (Y log Aᵀ + (1 - Y) log(1 - A)ᵀ), a (1, 1): two products of a row with a column.

    >>> compute_cost_by_products(np.array([[0.5, 0.5]]), np.array([[1, 0]])).shape
    (1, 1)
    """
    check_binary_labels("compute_cost_by_products", A, Y)
    m = A.shape[1]
    return -(1 / m) * (Y @ np.log(A).T + (1 - Y) @ np.log(1 - A).T)


def compute_cost_for_classes(A: Array, Y: Array) -> Array:
    """D6: J = -(1/m) 1ᵀ (Y * log A) 1 for C classes; A and Y (C, m), columns of Y one-hot. A scalar.

    >>> round(float(compute_cost_for_classes(np.full((4, 2), 0.25), np.eye(4)[:, :2])), 12)
    1.38629436112
    """
    check_class_labels("compute_cost_for_classes", A, Y)
    m = A.shape[1]
    return -(1 / m) * np.sum(Y * np.log(A))


def zero_one_loss(z: Array, y: Array) -> Array:
    """E1: 1 where the sign of the score z is not that of the label y, one of -1 and 1, else 0.

    >>> zero_one_loss(np.array([2.0, -0.5]), np.array([1, 1]))
    array([0., 1.])
    """
    return np.where(y * z > 0, 0.0, 1.0)


def perceptron_loss(z: Array, y: Array) -> Array:
    """E1: max(0, -y z) for a score z and a label y of -1 or 1.

    >>> perceptron_loss(np.array([2.0, -0.5]), np.array([1, 1]))
    array([0. , 0.5])
    """
    return np.maximum(0, -y * z)


def hinge_loss(z: Array, y: Array) -> Array:
    """E1: max(0, 1 - y z) for a score z and a label y of -1 or 1: a margin of 1 is asked for.

    >>> hinge_loss(np.array([2.0, -0.5]), np.array([1, 1]))
    array([0. , 1.5])
    """
    return np.maximum(0, 1 - y * z)


def perceptron_slope(z: Array, y: Array) -> Array:
    """The derivative of the perceptron loss in z: -y where the sign is wrong, else 0.

    >>> perceptron_slope(np.array([2.0, -0.5]), np.array([1, 1]))
    array([ 0., -1.])
    """
    return np.where(y * z < 0, -1.0 * y, 0.0)


def hinge_slope(z: Array, y: Array) -> Array:
    """The derivative of the hinge loss in z: -y within the margin, else 0.

    >>> hinge_slope(np.array([2.0, 0.5]), np.array([1, 1]))
    array([ 0., -1.])
    """
    return np.where(y * z < 1, -1.0 * y, 0.0)
