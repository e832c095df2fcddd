"""Networks to plant mistakes on, of any depth, activation, output and cost, in NumPy and in Tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_edu as tg

Array = NDArray[Any]


def sigmoid(z: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


VALUE = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": sigmoid,
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
}
SLOPE = {
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "leaky_relu": lambda z: np.where(z > 0, 1.0, 0.01),
}


@dataclass(frozen=True)
class Network:
    """dims: n_x, n[1], ..., n[L]. hidden: the activation. output: sigmoid, softmax, or line with squares."""

    dims: tuple[int, ...]
    m: int = 11
    hidden: str = "tanh"
    output: str = "sigmoid"
    lambd: float = 0.0
    keep: float = 1.0
    seed: int = 1
    dtype: type = np.float64
    scale: float = 1.0
    uneven: bool = False
    """Whether the features differ in size by many powers of ten."""

    @property
    def L(self) -> int:
        return len(self.dims) - 1

    def arrays(self) -> dict[str, Any]:
        """Every quantity of the derivation by its name, gradients in the course's convention."""
        r, m, L = np.random.default_rng(self.seed), self.m, self.L
        v: dict[str, Any] = {"np": np, "m": m, "lambd": self.lambd or 0.7, "keep": self.keep, "L": L}
        keep = self.dtype(self.keep)
        v |= {"sigmoid": sigmoid, "softmax": softmax, "g": VALUE[self.hidden], "slope": SLOPE[self.hidden]}
        X = r.standard_normal((self.dims[0], m)) * self.scale
        if self.uneven:
            X *= 10.0 ** r.integers(-5, 5, (self.dims[0], 1))
        v["X"] = v["A0"] = A = X.astype(self.dtype)
        for l in range(1, L + 1):
            W = (r.standard_normal((self.dims[l], self.dims[l - 1])) * 0.5).astype(self.dtype)
            b = (r.standard_normal((self.dims[l], 1)) * 0.3).astype(self.dtype)
            Z = W @ A + b
            if l < L:
                A = VALUE[self.hidden](Z).astype(self.dtype)
                v[f"g{l}"] = SLOPE[self.hidden](Z).astype(self.dtype)
                if self.keep < 1:
                    v[f"D{l}"] = (r.random(A.shape) < self.keep).astype(self.dtype)
                    v[f"H{l}"], A = A, A * v[f"D{l}"] / keep
            else:
                A = {"sigmoid": sigmoid, "softmax": softmax, "line": lambda z: z}[self.output](Z)
            v |= {f"W{l}": W, f"b{l}": b, f"Z{l}": Z, f"A{l}": A}
        self._labels(v, r)
        self._backward(v)
        return v

    def _labels(self, v: dict[str, Any], r: np.random.Generator) -> None:
        if self.output == "softmax":
            v["Y"] = np.eye(self.dims[-1])[r.integers(0, self.dims[-1], self.m)].T
        elif self.output == "sigmoid":
            v["Y"] = (r.random((self.dims[-1], self.m)) > 0.4).astype(float)
        else:
            v["Y"] = r.standard_normal((self.dims[-1], self.m))
        v["Y"] = v["Y"].astype(self.dtype)

    def _backward(self, v: dict[str, Any]) -> None:
        L, m = self.L, self.m
        dZ = v[f"A{L}"] - v["Y"]
        for l in range(L, 0, -1):
            v[f"dZ{l}"] = dZ
            v[f"dW{l}"] = dZ @ v[f"A{l - 1}"].T / m + self.lambd / m * v[f"W{l}"]
            v[f"db{l}"] = dZ.sum(axis=1, keepdims=True) / m
            if l > 1:
                v[f"dA{l - 1}"] = v[f"W{l}"].T @ dZ
                dH = v[f"dA{l - 1}"]
                if self.keep < 1:
                    dH = dH * v[f"D{l - 1}"] / self.keep
                dZ = dH * v[f"g{l - 1}"]
        with np.errstate(all="ignore"):
            A, Y = v[f"A{L}"], v["Y"]
            of_cost = {"sigmoid": -Y / A + (1 - Y) / (1 - A), "softmax": -Y / A, "line": A - Y}
            v[f"dA{L}"] = of_cost[self.output]

    def cost(self, v: dict[str, Any], logits: bool = False) -> tg.Tensor:
        """J, recorded from the same arrays, its intermediates under their names."""
        A: Any = v["X"]
        weights = []
        for l in range(1, self.L + 1):
            W, b = tg.Tensor(v[f"W{l}"], name=f"W{l}"), tg.Tensor(v[f"b{l}"], name=f"b{l}")
            weights.append(W)
            Z = W @ A + b
            Z.name = f"Z{l}"
            if l < self.L:
                A = getattr(tg, self.hidden)(Z)
                if self.keep < 1:
                    A.name = f"H{l}"
                    A = A * v[f"D{l}"] / self.keep
            elif self.output == "line":
                break
            else:
                A = tg.sigmoid(Z) if self.output == "sigmoid" else tg.softmax(Z, axis=0)
            A.name = f"A{l}"
        J = self._of_output(A, Z, v["Y"], logits)
        for W in weights if self.lambd else []:
            J = J + self.lambd / (2 * self.m) * np.sum(W * W)
        J.name = "J"
        return J

    def _of_output(self, A: Any, Z: Any, Y: Array, logits: bool) -> tg.Tensor:
        if self.output == "line":
            return np.sum((Z - Y) ** 2) / (2 * self.m)
        if logits:
            return (
                tg.binary_cross_entropy_with_logits(Z, Y)
                if self.output == "sigmoid"
                else tg.softmax_cross_entropy(Z, Y)
            )
        if self.output == "softmax":
            return -np.sum(Y * np.log(A)) / self.m
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / self.m
