"""What is passed in as data: arrays of any kind, and structures of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg

X, MASK, N = np.array([[1.0, -2.0], [3.0, 0.5]]), np.array([[True, False], [True, True]]), np.array([3, 1])


@dataclass(frozen=True)
class Batch:
    X: Any
    mask: Any
    n: Any


class Row(NamedTuple):
    X: Any
    mask: Any
    n: Any


def cost(w: Any, X: Any, mask: Any, n: Any) -> Any:
    return np.sum(np.where(mask, w * X, 0.0) ** 2 * n) / np.sum(mask)


SHAPED: dict[str, tuple[Any, Any]] = {
    "dict": (
        lambda p, b: cost(p["w"], b["X"], b["mask"], b["n"]),
        lambda X, m, n: {"X": X, "mask": m, "n": n},
    ),
    "dataclass": (lambda p, b: cost(p["w"], b.X, b.mask, b.n), Batch),
    "named tuple": (lambda p, b: cost(p["w"], b.X, b.mask, b.n), Row),
    "tuple": (lambda p, b: cost(p["w"], *b), lambda X, m, n: (X, m, n)),
    "nested": (
        lambda p, b: cost(p["w"], b[0]["X"], b[1][0], b[1][1]),
        lambda X, m, n: [{"X": X}, (m, n.tolist())],
    ),
}


@pytest.mark.parametrize("kind", SHAPED)
def test_structures_of_arrays(kind: str) -> None:
    loss, shaped = SHAPED[kind]
    step, w = tg.compile(loss), np.array([0.5, 2.0])
    for x, mask, n in ((X, MASK, N), (2 * X, ~MASK, N + 1), (X[:1], MASK[:1], N)):
        t = tg.Tensor(w)
        J = cost(t, x, mask, n)
        found, grads = step({"w": w}, shaped(x, mask, n))
        assert found == pytest.approx(J.item())
        np.testing.assert_allclose(grads["w"], tg.grad(J, [t])[0])


def test_one_structure_is_not_taken_for_another() -> None:
    def loss(p: Any, *data: Any) -> Any:
        first, second = data if len(data) == 2 else data[0]
        return np.sum(p["w"] * first) - np.sum(second) * (1 if len(data) == 2 else 2)

    step, p, a, b = tg.compile(loss), {"w": np.ones(2)}, np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for _ in range(2):
        assert step(p, (a, b))[0] == -11.0
        assert step(p, a, b)[0] == -4.0
        assert step(p, [a, b])[0] == -11.0


def test_what_is_no_number_is_refused() -> None:
    step = tg.compile(lambda p, b: np.sum(p["w"] * b["X"]))
    for bad in (np.array("text"), 1j, object()):
        with pytest.raises(TypeError, match="expected data of real numbers"):
            step({"w": np.ones(2)}, {"X": X, "other": bad})
