"""Exponents, factors and the numbers of rules that happen to equal m are not m: few examples, many powers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

COSTS: dict[str, Callable[..., Any]] = {
    "squares over 2 m": lambda w, X, Y, m: np.sum((w @ X - Y) ** 2) / (2 * m),
    "mean of cubes": lambda w, X, Y, m: np.mean((w @ X - Y) ** 3),
    "mean of fourth powers": lambda w, X, Y, m: np.mean((w @ X - Y) ** 4),
    "fifth powers over m": lambda w, X, Y, m: np.sum((w @ X - Y) ** 5) / m,
    "roots": lambda w, X, Y, m: np.sum(np.sqrt((w @ X - Y) ** 2 + 1)) / m,
    "tanh": lambda w, X, Y, m: np.sum((np.tanh(w @ X) - Y) ** 2) / m,
    "root of the mean": lambda w, X, Y, m: np.sqrt(np.sum((w @ X - Y) ** 2) / m),
}


def data(m: int, seed: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(1, 3)), rng.normal(size=(3, m)), rng.normal(size=(1, m))


@pytest.mark.parametrize("m", [2, 3, 4, 5])
@pytest.mark.parametrize("name", COSTS)
def test_the_source_holds_for_another_m(name: str, m: int) -> None:
    w, X, Y = data(m, 0)
    given = tg.Tensor(w, name="w")
    J = COSTS[name](given, X, Y, m)
    space: dict[str, Any] = {}
    exec(tg.derive(J, wrt=[given]).numpy_source(), space)
    for n in (m, 7):
        w, X, Y = data(n, n)
        other = tg.Tensor(w)
        expected = tg.grad(COSTS[name](other, X, Y, n), [other])[0]
        np.testing.assert_allclose(space["gradients"](X=X, Y=Y, w=w)["dw"], expected, rtol=1e-9)
