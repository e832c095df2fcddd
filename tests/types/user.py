"""What a user writes: operators, functions, methods, layers, training and a comparison."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinygrad_edu as tg

Array = NDArray[np.float64]


@tg.define(pullback=lambda g, y, x: g * np.tanh(x), domain=(-3.0, 3.0))
def log_cosh(x: Any) -> Any:
    """An operation of the user's own."""
    a = np.abs(x)
    return a + np.log1p(np.exp(-2.0 * a)) - np.log(2.0)


class Scaled:
    """A layer of the user's own."""

    def __init__(self) -> None:
        self.scale = tg.Tensor(1.0, name="scale")

    def __call__(self, X: tg.Tensor) -> tg.Tensor:
        return X * self.scale


def forward(X: tg.Tensor, W: tg.Tensor, b: tg.Tensor) -> tg.Tensor:
    """The cost of one layer."""
    Z = W @ X + b
    A = tg.sigmoid(Z)
    softer = (2.0 * A - 1.0) / (1.0 + abs(A)) ** 2
    held = tg.where(softer > 0, softer, -softer)
    return tg.mean(log_cosh(held), axis=0).sum() + 0.1 * (W**2).mean()


def main() -> None:
    """Differentiates, trains and compares."""
    rng = np.random.default_rng(0)
    X: Array = rng.normal(size=(2, 5))
    Y: Array = (X[:1] > 0).astype(float)
    x, W, b = (
        tg.Tensor(X),
        tg.Tensor(rng.normal(size=(3, 2)), name="W"),
        tg.Tensor(np.zeros((3, 1)), name="b"),
    )
    J = forward(x, W, b)
    J.backward()
    rows = tg.concatenate([W, b], axis=1).reshape(-1, 3).T
    first, _ = tg.split(rows[:2], 2)
    total: float = first.clip(-1.0, 1.0).max().item()
    slope = tg.grad(forward(x, W, b), [W])[0]
    report = tg.check.compare(J, {"dW": slope}, convention="exact")
    model = tg.nn.Sequential(
        [tg.nn.Dense(2, 4, activation="relu", seed=1), tg.nn.Dense(4, 1, activation="sigmoid")]
    )
    history = tg.nn.fit(model, X, Y, optimizer=tg.optim.Adam(lr=0.1), epochs=3)
    moved = W - 0.1 * slope
    step = tg.compile(lambda p, X, Y: tg.binary_cross_entropy(tg.sigmoid(p["W"] @ X), Y))
    cost, _ = step({"W": np.zeros((1, 2))}, X, Y)
    print(total, report.ok, history.cost[-1], cost, Scaled()(moved).shape, tg.derive(J, wrt=[W]).latex())


if __name__ == "__main__":
    main()
