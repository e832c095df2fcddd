"""An epoch of training, fit and what comes with it beside other libraries' and beside the bare compiled step.

60,000 examples of 784 numbers in ten classes, MLP [784, 512, 256, 10], float32, mini-batches in a new order
each epoch, plain gradient descent. The examples are rows, as data sets have them, and X is their transpose. A
call trains two epochs from the arrays on; its time is halved. Below 1 ×, ``fit`` is faster.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from time import sleep
from typing import Any

from turns import IDLE, OWN, THREADS, Engine, arguments, clock, page, spread, table, written

# After the number of threads is set:
import numpy as np  # isort: skip
import tinygrad_edu as tg  # isort: skip

M, SIZES, EPOCHS, RATE = 60_000, (784, 512, 256, 10), 2, 0.01
SMALL = {
    "[2, 1], 100 examples": ((2, 1), 100, None),
    "[2, 4, 1], 200 examples": ((2, 4, 1), 200, None),
    "[30, 16, 1], 569 examples": ((30, 16, 1), 569, None),
    "[64, 32, 10], 1,797 examples by 64": ((64, 32, 10), 1797, 64),
    "[784, 512, 256, 10], 6,400 examples by 128": (SIZES, 6400, 128),
}
Made = tuple[Callable[[], float], dict[str, Any]]


def data(sizes: Sequence[int], m: int, dtype: Any) -> tuple[Any, Any]:
    """Examples in columns, the transpose of rows, and labels in classes of about the same size."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((m, sizes[0]), dtype).T
    Z = rng.standard_normal((sizes[-1], sizes[0]), dtype) @ X
    return X, (np.eye(sizes[-1])[:, Z.argmax(axis=0)] if sizes[-1] > 1 else Z > 0).astype(dtype)


def network(sizes: Sequence[int], dtype: Any) -> tg.nn.MLP:
    """A softmax of several classes, or the sigmoid of one."""
    return tg.nn.MLP(sizes, output="softmax" if sizes[-1] > 1 else "sigmoid", seed=1, dtype=dtype)


def own(size: int) -> Made:
    """nn.fit."""
    X, Y = data(SIZES, M, np.float32)
    model, rate = network(SIZES, np.float32), tg.optim.SGD(lr=RATE)
    return lambda: tg.nn.fit(
        model, X, Y, optimizer=rate, epochs=EPOCHS, batch_size=size, progress=False
    ).cost[-1], {}


def torch_loop(size: int) -> Made:
    """PyTorch's usual loop, the batches picked from a tensor in memory (a DataLoader takes longer)."""
    torch = __import__("torch")
    X, Y = data(SIZES, M, np.float32)
    X, labels = torch.from_numpy(X.T), torch.from_numpy(Y.argmax(axis=0))
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    net = torch.nn.Sequential(linear(784, 512), relu(), linear(512, 256), relu(), linear(256, 10))
    optimizer, cost = torch.optim.SGD(net.parameters(), lr=RATE), torch.nn.CrossEntropyLoss()

    def run() -> float:
        for _ in range(EPOCHS):
            order = torch.randperm(M)
            for k in range(0, M, size):
                chosen = order[k : k + size]
                optimizer.zero_grad()
                J = cost(net(X[chosen]), labels[chosen])
                J.backward()
                optimizer.step()
                last = J.item()
        return float(last)

    return run, {}


def sklearn_fit(size: int) -> Made:
    """scikit-learn's MLPClassifier, with plain gradient descent."""
    classifier = __import__("sklearn.neural_network").neural_network.MLPClassifier
    X, Y = data(SIZES, M, np.float32)
    X, labels = X.T, Y.argmax(axis=0)
    settings = {
        "solver": "sgd",
        "momentum": 0.0,
        "alpha": 0.0,
        "batch_size": size,
        "learning_rate_init": RATE,
    }
    return lambda: classifier((512, 256), **settings, max_iter=EPOCHS, tol=0.0).fit(X, labels).loss_, {}


def products(size: int) -> Made:
    """The matrix products of the steps and nothing else, into arrays that are there."""
    X, _ = data(SIZES, size, np.float32)
    A = [X, *(np.ones((n, size), np.float32) for n in SIZES[1:])]
    W = [np.ones((n, before), np.float32) for before, n in pairwise(SIZES)]
    dW = [w.copy() for w in W]

    def run() -> float:
        for _ in range(EPOCHS * (M // size)):
            for before, w, after in zip(A, W, A[1:], strict=False):
                np.matmul(w, before, out=after)
            for before, w, dw, dZ in zip(A[::-1][1:], W[::-1], dW[::-1], A[::-1], strict=False):
                np.matmul(dZ, before.T, out=dw)
                if before is not X:
                    np.matmul(w.T, dZ, out=before)
        return 0.0

    return run, {}


ENGINES = {
    OWN: own,
    "its matrix products alone": products,
    "PyTorch eager": torch_loop,
    "scikit-learn": sklearn_fit,
}


def epochs(size: int, threads: int) -> list[str]:
    """One size of batch: the engines take turns, each in a process of its own."""
    engines = {name: Engine(partial(make, size), threads) for name, make in ENGINES.items()}
    for engine in engines.values():
        engine.ask("make")
    times: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(arguments.turns + 1):
        for name, engine in engines.items():
            sleep(IDLE)
            took = engine.ask("run", 1) / EPOCHS
            times[name] += [took] * (turn > 0)  # the first is for warming up
    for engine in engines.values():
        engine.close()
    return table(threads, times)


def overhead(name: str) -> str:
    """A row: fit over the bare compiled step, and with validation and a checkpoint over fit."""
    sizes, m, size = SMALL[name]
    dtype = np.float32 if m > 5000 else np.float64
    X, Y = data(sizes, m, dtype)
    size = size or m
    epochs = max(10, 2000 * size // m) if m < 5000 else 5
    model, rate = network(sizes, dtype), tg.optim.SGD(lr=RATE)
    kept = X[:, : m // 6].copy(), Y[:, : m // 6].copy()
    cut = [slice(k, k + size) for k in range(0, m, size)]
    batches = [(np.ascontiguousarray(X[:, k]), np.ascontiguousarray(Y[:, k])) for k in cut]

    def loss(p: Any, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, len(sizes)):
            Z = p[f"W{l}"] @ A + p[f"b{l}"]
            A = tg.relu(Z)
        cost = tg.softmax_cross_entropy if sizes[-1] > 1 else tg.binary_cross_entropy_with_logits
        return cost(Z, Y)

    step = tg.compile(loss, optimizer=tg.optim.SGD(lr=RATE))
    p = {key: t.data.copy() for key, t in model.parameters().items()}

    def bare() -> None:
        for _ in range(epochs):
            for batch in batches:
                step(p, *batch)

    with tempfile.TemporaryDirectory() as folder:
        fit = partial(tg.nn.fit, model, X, Y, optimizer=rate, epochs=epochs, batch_size=size, progress=False)
        ways: tuple[Callable[[], Any], ...] = (
            bare,
            fit,
            partial(fit, validation=kept),
            partial(fit, validation=kept, checkpoint=f"{folder}/run.npz"),
        )
        found = []
        for _ in range(arguments.turns + 1):
            times = []
            for way in ways:
                start = clock()
                way()
                times.append(clock() - start)
            found.append([times[1] / times[0], times[2] / times[1], times[3] / times[1]])
    return f"| {name} | {' | '.join(spread(list(column)) for column in zip(*found[1:], strict=True))} |"


def report() -> str:
    """The whole page."""
    body = []
    for size in (128, 4096):
        if not arguments.only or arguments.only in f"batches of {size}":
            body += [f"## Batches of {size}: an epoch", ""]
            for threads in THREADS:
                lines = epochs(size, threads)
                print(*lines, sep="\n", file=sys.stderr)
                body += lines
    if not arguments.only or arguments.only in "overhead":
        body += ["## fit over the bare step, and a checkpoint and validation over fit, by default", ""]
        body += [
            "| | fit / bare step | with validation / fit | and a checkpoint / fit |",
            "|---|---|---|---|",
        ]
        body += [*map(overhead, SMALL), ""]
    return page("An epoch of training", "epochs.py", [*(__doc__ or "").strip().splitlines(), "", *body])


if __name__ == "__main__":
    written(report())
