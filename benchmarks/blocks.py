"""One training step of an attention block, a small convolutional net, a large embedding by three optimisers.

    python benchmarks/blocks.py                                      # prints the tables
    python benchmarks/blocks.py --write docs/benchmarks-blocks.md    # and writes the page

Each engine has the layout that is its own: images are (m, n_H, n_W, n_C) here and in JAX, (m, n_C, n_H, n_W)
in PyTorch. How it is measured: ``turns.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module as imported
from typing import Any

from turns import OWN, THREADS, arguments, page, second_core, table, taking_turns, verified, written

# After turns, which sets the number of threads:
import numpy as np  # isort: skip
from step_by_hand import Step
from step_engines import eager_descent, jax_descent, torch_descent
from step_workloads import RATE, Params

F32 = np.float32


class Attention:
    """Four heads over 16 sequences of 64 words of 128 numbers; the cost is the mean square of an error."""

    name = "attention, 16 × 64 words × 128, four heads, float32"
    m, words, width, heads = 16, 64, 128, 4

    def parameters(self, rng: np.random.Generator) -> Params:
        """The four matrices."""
        n = self.width
        return {f"W{part}": rng.standard_normal((n, n)) / np.sqrt(n) for part in "qkvo"}

    def data(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """X and what the block should give."""
        X, Y = rng.standard_normal((2, self.m, self.words, self.width)).astype(F32)
        return X, Y

    def loss(self, xp: Any, softmax: Callable[..., Any], p: Params, X: Any, Y: Any) -> Any:
        """The cost, in the functions of an array library."""
        split = (self.m, self.words, self.heads, self.width // self.heads)
        q, k, v = (xp.transpose(xp.reshape(X @ p[f"W{part}"], split), (0, 2, 1, 3)) for part in "qkv")
        A = softmax(q @ xp.transpose(k, (0, 1, 3, 2)) / split[-1] ** 0.5, axis=-1)
        Z = xp.reshape(xp.transpose(A @ v, (0, 2, 1, 3)), X.shape) @ p["Wo"]
        return xp.mean((Z - Y) ** 2)

    def ours(self, p: Params, X: Any, Y: Any) -> Any:
        """tinygrad_edu."""
        return self.loss(np, imported("tinygrad_edu").softmax, p, X, Y)

    def jax(self, p: Params, X: Any, Y: Any) -> Any:
        """JAX."""
        return self.loss(imported("jax.numpy"), imported("jax").nn.softmax, p, X, Y)

    def torch(self, p: Params, X: Any, Y: Any) -> Any:
        """PyTorch."""
        torch = imported("torch")
        split = (self.m, self.words, self.heads, self.width // self.heads)
        q, k, v = ((X @ p[f"W{part}"]).reshape(split).transpose(1, 2) for part in "qkv")
        A = torch.softmax(q @ k.transpose(-1, -2) / split[-1] ** 0.5, -1)
        return torch.mean(((A @ v).transpose(1, 2).reshape(X.shape) @ p["Wo"] - Y) ** 2)

    def for_torch(self, _: str, value: Any) -> Any:
        """A parameter, or "X", in PyTorch's layout: the same."""
        return value


class Images:
    """64 images of 28 × 28, two convolutions of 3 × 3 with ReLU and pooling, and a softmax of ten classes."""

    name = "convolutional net, 64 images 28 × 28, 8 and 16 filters 3 × 3, float32"
    m, size, filters = 64, 28, (8, 16)

    def parameters(self, rng: np.random.Generator) -> Params:
        """Filters, biases, and the last layer."""
        a, b = self.filters
        n = (self.size // 4) ** 2 * b
        W1, W2 = rng.standard_normal((3, 3, 1, a)) / 3, rng.standard_normal((3, 3, a, b)) / np.sqrt(9 * a)
        W3 = rng.standard_normal((10, n)) / np.sqrt(n)
        bias = {"b1": np.zeros((1, 1, 1, a)), "b2": np.zeros((1, 1, 1, b)), "b3": np.zeros((10, 1))}
        return {"W1": W1, "W2": W2, "W3": W3, **bias}

    def data(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """Images, and labels in columns."""
        X = rng.standard_normal((self.m, self.size, self.size, 1)).astype(F32)
        return X, np.eye(10, dtype=F32)[:, rng.integers(10, size=self.m)]

    def ours(self, p: Params, X: Any, Y: Any) -> Any:
        """tinygrad_edu."""
        tg = imported("tinygrad_edu")
        A = X
        for W, b in (("W1", "b1"), ("W2", "b2")):
            A = tg.max_pool2d(tg.relu(tg.conv2d(A, p[W], padding="same") + p[b]), size=2)
        return tg.softmax_cross_entropy(p["W3"] @ np.reshape(A, (self.m, -1)).T + p["b3"], Y)

    def jax(self, p: Params, X: Any, Y: Any) -> Any:
        """JAX."""
        jax, jnp = imported("jax"), imported("jax.numpy")
        A = X
        for W, b in (("W1", "b1"), ("W2", "b2")):
            Z = jax.lax.conv_general_dilated(
                A, p[W], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            A = jax.nn.relu(Z + p[b])
            A = jax.lax.reduce_window(A, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        Z = p["W3"] @ jnp.reshape(A, (self.m, -1)).T + p["b3"]
        return -jnp.sum(Y * jax.nn.log_softmax(Z, axis=0)) / self.m

    def torch(self, p: Params, X: Any, Y: Any) -> Any:
        """PyTorch."""
        torch = imported("torch")
        F, A = torch.nn.functional, X
        for W, b in (("W1", "b1"), ("W2", "b2")):
            A = F.max_pool2d(torch.relu(F.conv2d(A, p[W], p[b], padding="same")), 2)
        return F.cross_entropy(F.linear(A.flatten(1), p["W3"], p["b3"]), Y.T)

    def for_torch(self, name: str, value: Any) -> Any:
        """A parameter, or "X", in PyTorch's layout."""
        if name == "X":
            return value.transpose(0, 3, 1, 2)
        if name == "W3":
            last = self.size // 4
            return value.reshape(10, last, last, -1).transpose(0, 3, 1, 2).reshape(10, -1)
        return value.transpose(3, 2, 0, 1) if name[0] == "W" else value.reshape(-1)


class Embedding:
    """64 texts of 32 words out of 50,000, the mean of their rows of 64 numbers, and a softmax of ten classes.

    The gradient of the table is dense in PyTorch and in JAX; by plain descent the compiled step moves the
    rows that are named, and by another optimiser all of them.
    """

    n, width, m, words = 50_000, 64, 64, 32

    def __init__(self, rule: str = "") -> None:
        self.rule = rule
        self.name = f"embedding, 50,000 × 64, 64 texts of 32 words, float32{', ' * bool(rule)}{rule}"

    def parameters(self, rng: np.random.Generator) -> Params:
        """The table, and the last layer."""
        return {
            "E": rng.standard_normal((self.n, self.width)),
            "W": rng.standard_normal((self.width, 10)) / np.sqrt(self.width),
            "b": np.zeros((1, 10)),
        }

    def data(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """Words by number, and one-hot labels in rows."""
        X = rng.integers(self.n, size=(self.m, self.words))
        return X, np.eye(10, dtype=F32)[rng.integers(10, size=self.m)]

    def ours(self, p: Params, X: Any, Y: Any) -> Any:
        """tinygrad_edu."""
        tg = imported("tinygrad_edu")
        return tg.softmax_cross_entropy(np.mean(p["E"][X], axis=1) @ p["W"] + p["b"], Y, axis=1)

    def jax(self, p: Params, X: Any, Y: Any) -> Any:
        """JAX."""
        jax, jnp = imported("jax"), imported("jax.numpy")
        Z = jnp.mean(p["E"][X], axis=1) @ p["W"] + p["b"]
        return -jnp.sum(Y * jax.nn.log_softmax(Z, axis=1)) / self.m

    def torch(self, p: Params, X: Any, Y: Any) -> Any:
        """PyTorch."""
        F = imported("torch").nn.functional
        return F.cross_entropy(F.embedding(X, p["E"]).mean(1) @ p["W"] + p["b"], Y)

    def for_torch(self, _: str, value: Any) -> Any:
        """A parameter, or "X", in PyTorch's layout: the same."""
        return value


BLOCKS: tuple[Any, ...] = (Attention(), Images(), Embedding(), Embedding("momentum"), Embedding("Adam"))
RULES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "": (lambda optim: optim.SGD(lr=RATE), lambda optim, p: optim.SGD(p, lr=RATE)),
    "momentum": (
        lambda optim: optim.Momentum(lr=RATE, beta=0.9),
        lambda optim, p: optim.SGD(p, lr=RATE * (1 - 0.9), momentum=0.9),
    ),
    "Adam": (lambda optim: optim.Adam(lr=1e-4), lambda optim, p: optim.Adam(p, lr=1e-4)),
}
"""A block's optimiser, here and in PyTorch: plain gradient descent where it names none."""


def start(block: Any) -> tuple[Params, tuple[Any, Any]]:
    """Parameters and data of a block, always the same."""
    rng = np.random.default_rng(0)
    return {k: v.astype(F32) for k, v in block.parameters(rng).items()}, block.data(rng)


def rule_of(k: int) -> str:
    """The name of a block's optimiser."""
    return getattr(BLOCKS[k], "rule", "")


def compiled(k: int) -> Step:
    """tg.compile."""
    tg = imported("tinygrad_edu")
    p, data = start(BLOCKS[k])
    ours, _ = RULES[rule_of(k)]
    step = tg.compile(BLOCKS[k].ours, optimizer=ours(tg.optim))
    return lambda: float(step(p, *data)), p


def eager(k: int) -> Step:
    """tinygrad_edu, recording a graph each time."""
    arrays, data = start(BLOCKS[k])
    return eager_descent(BLOCKS[k].ours, arrays, *data)


def torch_step(k: int, *, compile_it: bool = False) -> Step:
    """PyTorch, with the update in place under no_grad. Its parameters are not shown: they lie otherwise."""
    torch, block = imported("torch"), BLOCKS[k]
    arrays, (X, Y) = start(block)

    def placed(name: str, v: Any) -> Any:
        return torch.from_numpy(np.ascontiguousarray(block.for_torch(name, v)))

    p = {name: placed(name, v).requires_grad_() for name, v in arrays.items()}
    X, Y = placed("X", X), torch.from_numpy(Y)
    loss = torch.compile(block.torch) if compile_it else block.torch
    if not rule_of(k):
        return torch_descent(loss, p, X, Y)[0], {}
    optimizer = RULES[rule_of(k)][1](torch.optim, p.values())

    def step() -> float:
        optimizer.zero_grad()
        J = loss(p, X, Y)
        J.backward()
        optimizer.step()
        return float(J.detach())

    return step, {}


def jax_jit(k: int) -> Step:
    """JAX, the whole update under jit, the parameters donated."""
    arrays, data = start(BLOCKS[k])
    return jax_descent(BLOCKS[k].jax, arrays, *data)


ENGINES: dict[str, Callable[..., Step]] = {
    OWN: compiled,
    "tinygrad_edu, eager": eager,
    "PyTorch eager": torch_step,
    "torch.compile": partial(torch_step, compile_it=True),
    "JAX jit": jax_jit,
}


def report() -> str:
    """The whole page."""
    body: list[str] = []
    for k, block in enumerate(BLOCKS):
        if arguments.only and arguments.only not in block.name:
            continue
        body += [f"## {block.name}", "", *(line.strip() for line in block.__doc__.strip().splitlines()), ""]
        own: dict[int, list[float]] = {}
        for threads in THREADS:
            known = (OWN, "PyTorch eager") if rule_of(k) else ENGINES
            makes = {name: partial(ENGINES[name], k) for name in known}
            engines, missing = verified(makes, threads, 2e-4, block.name)
            times = taking_turns(engines, arguments.turns)
            for engine in engines.values():
                engine.close()
            own[threads] = times[OWN]
            lines = [*table(threads, times), *missing]
            print(block.name, *lines, sep="\n", file=sys.stderr)
            body += lines
        body += second_core(own)
    return page(
        "Blocks: attention, images, an embedding",
        "blocks.py",
        [
            "Forward pass, backward pass and update: plain gradient descent where no other is named. Each",
            "engine runs in a process of its own; they take turns. Their costs over three steps agreed",
            "first. Below 1 ×, the compiled step is faster.",
            "",
            *body,
        ],
    )


if __name__ == "__main__":
    written(report())
