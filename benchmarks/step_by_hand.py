"""The step in bare NumPy: as a good student writes the formulas, and as an expert does with ``out=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from step_workloads import RATE, Workload

Step = tuple[Callable[[], float], dict[str, Any]]


def student(w: Workload, *, lean: bool = False) -> Step:
    """D1 to D6 and L13, vectorised, line by line; dZ[L] = A[L] - Y.

    The backward block of the course, D2, gives dA[l-1] for every layer; ``lean`` leaves out dA[0], which
    nobody asks for. Logistic regression (L12) has no such block.
    """
    (X, Y), p = w.data(), w.parameters()
    m, L = w.m, w.layers

    def step() -> float:
        A, Z = {0: X}, {}
        for l in range(1, L + 1):
            Z[l] = np.dot(p[f"W{l}"], A[l - 1]) + p[f"b{l}"]
            A[l] = np.maximum(0, Z[l]) if l < L else sigma(Z[l]) if w.classes == 1 else softmax(Z[l])
        if w.classes == 1:
            cost = -1 / m * np.sum(Y * np.log(A[L]) + (1 - Y) * np.log(1 - A[L]))
        else:
            cost = -1 / m * np.sum(Y * np.log(A[L]))
        grads = {}
        dZ = A[L] - Y
        for l in range(L, 0, -1):
            grads[f"W{l}"] = 1 / m * np.dot(dZ, A[l - 1].T)
            grads[f"b{l}"] = 1 / m * np.sum(dZ, axis=1, keepdims=True)
            if l > 1 or not (lean or L == 1):
                dA = np.dot(p[f"W{l}"].T, dZ)
            if l > 1:
                dZ = dA * (Z[l - 1] > 0)
        for name, gradient in grads.items():
            p[name] = p[name] - RATE * gradient
        return float(cost)

    return step, p


def lean_student(w: Workload) -> Step:
    """The student's, without dA[0]."""
    return student(w, lean=True)


def sigma(z: Any) -> Any:
    """L2."""
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    """Shifted by the largest, as everybody learns to."""
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def expert(w: Workload) -> Step:
    """The same with every array made beforehand and written into: no temporary of a layer's size."""
    (X, Y), p = w.data(), w.parameters()
    m, L, dtype = w.m, w.layers, np.dtype(w.dtype)
    W = [None, *(p[f"W{l}"] for l in range(1, L + 1))]
    b = [None, *(p[f"b{l}"] for l in range(1, L + 1))]
    A = [X, *(np.empty((n, m), dtype) for n in w.dims[1:])]
    dA = [None, *(np.empty((n, m), dtype) for n in w.dims[1:])]
    on = [None, *(np.empty((n, m), bool) for n in w.dims[1:-1])]
    dW = [None, *(np.empty_like(x) for x in W[1:])]
    off = np.empty_like(Y) if w.classes == 1 else None
    row = np.empty((1, m), dtype)

    def output(Z: Any, dZ: Any) -> float:
        """A[L] over Z, dZ[L] = (A[L] - Y) / m, and the cost."""
        if w.classes == 1:
            np.negative(Z, out=dZ)
            np.exp(dZ, out=dZ)
            np.add(dZ, 1, out=dZ)
            np.divide(1, dZ, out=dZ)
            np.subtract(1, dZ, out=off)
            np.log(off, out=off)
            cost = off.sum() - np.vdot(Y, off)
            np.log(dZ, out=off)
            cost += np.vdot(Y, off)
        else:
            np.max(Z, axis=0, keepdims=True, out=row)
            np.subtract(Z, row, out=Z)
            np.exp(Z, out=dZ)
            np.sum(dZ, axis=0, keepdims=True, out=row)
            np.divide(dZ, row, out=dZ)
            np.log(row, out=row)
            cost = np.vdot(Y, Z) - row.sum()
        np.subtract(dZ, Y, out=dZ)
        np.divide(dZ, m, out=dZ)
        return float(-cost / m)

    def step() -> float:
        for l in range(1, L + 1):
            np.matmul(W[l], A[l - 1], out=A[l])
            np.add(A[l], b[l], out=A[l])
            if l < L:
                np.greater(A[l], 0, out=on[l])
                np.maximum(A[l], 0, out=A[l])
        cost = output(A[L], dA[L])
        for l in range(L, 0, -1):
            np.matmul(dA[l], A[l - 1].T, out=dW[l])
            db = np.sum(dA[l], axis=1, keepdims=True)
            if l > 1:
                np.matmul(W[l].T, dA[l], out=dA[l - 1])
                np.multiply(dA[l - 1], on[l - 1], out=dA[l - 1])
            np.multiply(dW[l], RATE, out=dW[l])
            np.subtract(W[l], dW[l], out=W[l])
            b[l] -= RATE * db
        return cost

    return step, p
