"""The workloads of ``steps.py``: networks, their data, and the matrix products that no step can spare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Params = dict[str, Any]
RATE = 0.01


@dataclass(frozen=True)
class Workload:
    """One update of a network on m examples: ReLU, then σ or softmax, cross-entropy, gradient descent."""

    name: str
    dims: tuple[int, ...]
    m: int
    dtype: str
    course: bool
    """One of the course's own networks."""

    @property
    def classes(self) -> int:
        return self.dims[-1]

    @property
    def layers(self) -> int:
        return len(self.dims) - 1

    def parameters(self) -> Params:
        """He's initialisation, always the same."""
        rng = np.random.default_rng(1)
        found: Params = {}
        for l, (n, k) in enumerate(zip(self.dims[1:], self.dims, strict=False), start=1):
            found[f"W{l}"] = (rng.standard_normal((n, k)) * np.sqrt(2 / k)).astype(self.dtype)
            found[f"b{l}"] = np.zeros((n, 1), self.dtype)
        return found

    def data(self) -> tuple[Any, Any]:
        """X (n_x, m), and Y (1, m) or one-hot (C, m)."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.dims[0], self.m), dtype=np.float32).astype(self.dtype)
        if self.classes == 1:
            return X, (rng.random((1, self.m)) < 0.5).astype(self.dtype)
        return X, np.eye(self.classes, dtype=self.dtype)[:, rng.integers(self.classes, size=self.m)]

    def bound(self) -> Callable[[], Any]:
        """The matrix products alone: W A forward, dZ Aᵀ for each layer, Wᵀ dZ for each but the first."""
        X, _ = self.data()
        params = self.parameters()
        W = [params[f"W{l}"] for l in range(1, self.layers + 1)]
        A = [X, *(np.ones((n, self.m), self.dtype) for n in self.dims[1:])]
        Z = [np.empty_like(a) for a in A]
        dW = [np.empty_like(w) for w in W]

        def products() -> None:
            for l, w in enumerate(W):
                np.matmul(w, A[l], out=Z[l + 1])
            for l in reversed(range(len(W))):
                np.matmul(A[l + 1], A[l].T, out=dW[l])
                if l:
                    np.matmul(W[l].T, A[l + 1], out=Z[l])

        return products


WORKLOADS = (
    Workload("logistic regression, 12288 × 209, float64", (12288, 1), 209, "float64", True),
    Workload("logistic regression, 100 × 200,000, float64", (100, 1), 200_000, "float64", True),
    Workload("logistic regression, 100 × 200,000, float32", (100, 1), 200_000, "float32", True),
    Workload("[12288, 20, 7, 5, 1], m = 209, float64", (12288, 20, 7, 5, 1), 209, "float64", True),
    Workload("softmax [784, 512, 256, 10], m = 128, float32", (784, 512, 256, 10), 128, "float32", False),
    Workload("softmax [784, 512, 256, 10], m = 4096, float32", (784, 512, 256, 10), 4096, "float32", False),
)
