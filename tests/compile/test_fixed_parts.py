"""Names, None and slices beside arrays belong to the structure; another one records anew."""

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

X = np.arange(6.0).reshape(2, 3)


class Kind(enum.Enum):
    SUM = 1
    MEAN = 2


@dataclass
class Layer:
    W: Any
    b: Any = None
    activation: str = "tanh"


def forward(layers: Any, X: Any) -> Any:
    for layer in layers:
        X = layer.W @ X if layer.b is None else layer.W @ X + layer.b
        X = np.tanh(X) if layer.activation == "tanh" else X
    return np.sum(X**2)


@pytest.mark.parametrize("activation", ["tanh", "linear"])
@pytest.mark.parametrize("b", [None, np.ones((2, 1))])
def test_parameters_may_have_names_and_none_beside_them(activation: str, b: Any) -> None:
    layers = [Layer(np.full((2, 2), 0.3), b, activation), Layer(np.full((1, 2), 0.5))]
    J, gradients = tg.compile(forward)(layers, X)
    W = tg.Tensor(layers[0].W)
    expected = forward([Layer(W, b, activation), layers[1]], X)
    assert pytest.approx(expected.item()) == J
    np.testing.assert_allclose(gradients[0].W, tg.grad(expected, [W])[0])
    assert gradients[0].activation == activation
    assert (gradients[0].b is None) == (b is None)


@pytest.mark.parametrize(
    "pair", [("sum", "mean"), (None, "mean"), (Kind.SUM, Kind.MEAN), (slice(1), slice(2))]
)
def test_another_fixed_part_is_another_signature(pair: tuple[Any, Any]) -> None:
    def loss(p: Any, batch: Any) -> Any:
        by = batch["by"]
        if isinstance(by, slice):
            return np.sum(p * batch["x"][by])
        return np.mean(p * batch["x"]) if by in ("mean", Kind.MEAN) else np.sum(p * batch["x"])

    step = tg.compile(loss)
    for by in (*pair, *pair):
        batch = {"x": X, "by": by}
        assert step(np.array(2.0), batch)[0] == pytest.approx(loss(np.array(2.0), batch))


def test_an_optimiser_moves_what_is_beside_none() -> None:
    params = {"W": np.ones(2), "b": None}
    tg.compile(lambda p: np.sum(p["W"] ** 2), optimizer=tg.optim.Adam(lr=0.1))(params)
    assert params["b"] is None
    np.testing.assert_allclose(params["W"], [0.9, 0.9])


def test_rows_of_different_lengths_are_arrays_of_their_own() -> None:
    sentences = [[0, 1, 2], [2], [1, 1]]
    E = np.arange(6.0).reshape(3, 2)
    J, dE = tg.compile(lambda p, rows: sum(np.sum(p[row] ** 2) for row in rows))(E, sentences)
    assert np.sum(E[np.concatenate(sentences)] ** 2) == J
    np.testing.assert_allclose(dE, 2 * E * np.bincount(np.concatenate(sentences))[:, None])
    assert tg.compile(lambda p, row: np.sum(p * row))(np.ones(3), [1.0, 2.0, 3.0])[0] == 6.0
