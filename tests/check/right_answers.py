"""Right answers, in other but equal formulas, other orders of summation, at single and double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.check.networks import Network

Array = NDArray[Any]
Rng = np.random.Generator


def random_network(rng: Rng) -> Network:
    """Depth 1 to 4, any activation, output and penalty."""
    L = int(rng.integers(1, 5))
    output = str(rng.choice(["sigmoid", "softmax", "line"]))
    last = 1 if output == "sigmoid" else int(rng.integers(2, 6))
    return Network(
        dims=(*(int(n) for n in rng.integers(1, 12, L)), last),
        m=int(rng.choice([1, 2, 5, 17, 60, 300])),
        hidden=str(rng.choice(["tanh", "relu", "sigmoid", "leaky_relu"])),
        output=output,
        lambd=float(rng.choice([0.0, 0.7])),
        keep=float(rng.choice([1.0, 0.8])),
        seed=int(rng.integers(1 << 30)),
        dtype=np.float32 if rng.random() < 0.4 else np.float64,
        scale=float(rng.choice([1e-6, 1e-2, 1.0, 1.0, 30.0, 1e3])),
        uneven=bool(rng.random() < 0.3),
    )


def products(rng: Rng) -> Callable[[Array, Array], Array]:
    """A way to compute a @ b."""
    ways: list[Callable[[Array, Array], Array]] = [
        lambda a, b: a @ b,
        lambda a, b: (b.T @ a.T).T,
        lambda a, b: np.einsum("ik,kj->ij", a, b),
        lambda a, b: np.tensordot(a, b, axes=([1], [0])),
        lambda a, b: sum((a[:, [k]] @ b[[k]] for k in range(1, a.shape[1])), a[:, [0]] @ b[[0]]),
        lambda a, b: sum((a[:, [k]] * b[k] for k in reversed(range(a.shape[1] - 1))), a[:, [-1]] * b[-1]),
        lambda a, b: a[:, ::-1] @ b[::-1],
    ]
    return ways[int(rng.integers(len(ways)))]


def sums(rng: Rng) -> Callable[[Array], Array]:
    """A way to sum over the examples."""
    ways: list[Callable[[Array], Array]] = [
        lambda g: g.sum(axis=1, keepdims=True),
        lambda g: g @ np.ones((g.shape[1], 1), g.dtype),
        lambda g: np.cumsum(g, axis=1)[:, -1:],
        lambda g: np.mean(g, axis=1, keepdims=True) * g.dtype.type(g.shape[1]),
        lambda g: np.sum(g[:, ::-1], axis=1, keepdims=True),
        lambda g: np.sum(np.sort(g, axis=1), axis=1, keepdims=True),
    ]
    return ways[int(rng.integers(len(ways)))]


def slopes(n: Network, z: Array, a: Array, rng: Rng) -> Array:
    """A way to compute g'(Z)."""
    one = z.dtype.type(1)
    ways: dict[str, list[Callable[[], Array]]] = {
        "tanh": [lambda: one - a * a, lambda: (one - a) * (one + a), lambda: one - np.tanh(z) ** 2],
        "sigmoid": [lambda: a * (one - a), lambda: a - a * a],
        "relu": [lambda: (z > 0).astype(z.dtype), lambda: np.sign(a), lambda: np.where(a > 0, one, 0 * one)],
        "leaky_relu": [lambda: np.where(z > 0, one, z.dtype.type(0.01))],
    }
    some = ways[n.hidden]
    return some[int(rng.integers(len(some)))]()


def derivation(n: Network, v: dict[str, Any], rng: Rng) -> dict[str, Array]:
    """All gradients, each step in a way chosen at random."""
    m, L = n.dtype(n.m), n.L
    A, Y = v[f"A{L}"], v["Y"]
    dZ = A - Y
    saturated = n.output == "line" or bool(np.any(A < 1e-5) | np.any(A > 1 - 1e-5))
    if n.output == "sigmoid" and not saturated and rng.random() < 0.5:
        dZ = (-Y / A + (1 - Y) / (1 - A)) * A * (1 - A)
    found: dict[str, Array] = {}
    for l in range(L, 0, -1):
        found[f"dZ{l}"] = dZ
        product, total = products(rng), sums(rng)
        data = product(dZ, v[f"A{l - 1}"].T)
        data = data / m if rng.random() < 0.5 else product(dZ / m, v[f"A{l - 1}"].T)
        found[f"dW{l}"] = data + n.dtype(n.lambd) / m * v[f"W{l}"] if n.lambd else data
        found[f"db{l}"] = (1 / m) * total(dZ)
        if l > 1:
            dA = products(rng)(v[f"W{l}"].T, dZ)
            found[f"dA{l - 1}"] = dA
            h = v[f"A{l - 1}"]
            if n.keep < 1:
                found[f"dH{l - 1}"] = dA = dA * v[f"D{l - 1}"].astype(n.dtype) / n.dtype(n.keep)
                h = v[f"H{l - 1}"]
            dZ = dA * slopes(n, v[f"Z{l - 1}"], h, rng)
    return found
