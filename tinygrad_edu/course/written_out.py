"""Formulas written out entry by entry, as the notes do before they have matrices: G1, L15 and D7."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.activations import activation as activation_named
from tinygrad_edu.course.shapes import Array, check_names, shape_of

__all__ = ["example_graph", "matmul_by_loops", "two_unit_backward", "two_unit_forward"]


TWO_UNITS = ("W11", "W12", "W21", "W22", "b1", "b2", "A1_prev", "A2_prev")
"""The names of D7's inputs."""


def example_graph(a: Array, b: Array, c: Array) -> dict[str, Array]:
    """G1: J = 3(a + bc) with u = bc, v = a + u, J = 3v, and all its derivatives.

    >>> example_graph(5.0, 3.0, 2.0)
    {'u': 6.0, 'v': 11.0, 'J': 33.0, 'dv': 3.0, 'da': 3.0, 'du': 3.0, 'db': 6.0, 'dc': 9.0}
    """
    u = b * c
    v = a + u
    J = 3 * v
    dv = 3.0
    da, du = dv, dv
    return {"u": u, "v": v, "J": J, "dv": dv, "da": da, "du": du, "db": du * c, "dc": du * b}


def matmul_by_loops(W: Array, X: Array) -> tuple[Array, int]:
    """L15: RES = W @ X by three nested loops, (n, h) @ (h, m), and how many products that took: n·h·m.

    >>> RES, products = matmul_by_loops(np.ones((2, 3)), np.ones((3, 4)))
    >>> RES[0], products
    (array([3., 3., 3., 3.]), 24)
    """
    if len(shape_of(W)) != 2 or len(shape_of(X)) != 2 or W.shape[1] != X.shape[0]:
        raise ValueError(f"matmul_by_loops: W {shape_of(W)} @ X {shape_of(X)}: inner dimensions differ")
    (n, h), m = W.shape, X.shape[1]
    RES, products = np.zeros((n, m)), 0
    for i in range(n):
        for j in range(m):
            for k in range(h):
                RES[i, j] += W[i, k] * X[k, j]
                products += 1
    return RES, products


def two_unit_forward(p: dict[str, Any], activation: str) -> dict[str, Array]:
    """D7, forward: a layer of two units on two inputs, one example, every Z_i and A_i written out.

    ``p`` holds the scalars W11, W12, W21, W22, b1, b2, A1_prev, A2_prev.

    >>> p = {"W11": 1.0, "W12": 2.0, "W21": 3.0, "W22": 4.0, "b1": 0.0, "b2": 1.0}
    >>> two_unit_forward({**p, "A1_prev": 1.0, "A2_prev": 1.0}, "linear")
    {'Z1': 3.0, 'Z2': 8.0, 'A1': 3.0, 'A2': 8.0}
    """
    check_names("two_unit_forward", "p", p, TWO_UNITS)
    g = activation_named(activation).g
    Z1 = p["W11"] * p["A1_prev"] + p["W12"] * p["A2_prev"] + p["b1"]
    Z2 = p["W21"] * p["A1_prev"] + p["W22"] * p["A2_prev"] + p["b2"]
    return {"Z1": Z1, "Z2": Z2, "A1": g(Z1), "A2": g(Z2)}


def two_unit_backward(p: dict[str, Any], dA1: Array, dA2: Array, activation: str) -> dict[str, Array]:
    """D7, backward: every dZ_i, dW_ij, db_i and dA_prev_j written out, for one example.

    >>> p = {"W11": 1.0, "W12": 2.0, "W21": 3.0, "W22": 4.0, "b1": 0.0, "b2": 1.0}
    >>> grads = two_unit_backward({**p, "A1_prev": 5.0, "A2_prev": 6.0}, 1.0, 10.0, "tanh")
    >>> sorted(grads)
    ['dA1_prev', 'dA2_prev', 'dW11', 'dW12', 'dW21', 'dW22', 'dZ1', 'dZ2', 'db1', 'db2']
    """
    slope = activation_named(activation).slope
    v = two_unit_forward(p, activation)
    dZ1 = dA1 * slope(v["Z1"], v["A1"])
    dZ2 = dA2 * slope(v["Z2"], v["A2"])
    return {
        "dZ1": dZ1,
        "dZ2": dZ2,
        "dW11": dZ1 * p["A1_prev"],
        "dW12": dZ1 * p["A2_prev"],
        "dW21": dZ2 * p["A1_prev"],
        "dW22": dZ2 * p["A2_prev"],
        "db1": dZ1,
        "db2": dZ2,
        "dA1_prev": p["W11"] * dZ1 + p["W21"] * dZ2,
        "dA2_prev": p["W12"] * dZ1 + p["W22"] * dZ2,
    }
