"""A backward pass as a function: run on several inputs, with the line that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

SHAPES = {"W1": (5, 7), "b1": (5, 1), "W2": (1, 5), "b2": (1, 1), "X": (7, 11), "Y": (1, 11)}


def loss(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Any:
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = tg.sigmoid(Z2)
    return tg.binary_cross_entropy(A2, Y)


def right(params: Any, cache: Any, X: Any, Y: Any, m: Any) -> Any:
    dZ2 = cache["A2"] - Y
    dW2 = dZ2 @ cache["A1"].T / m
    dZ1 = params["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    grads = {"dZ2": dZ2, "dW2": dW2, "dZ1": dZ1}
    grads["dW1"] = dZ1 @ X.T / m
    grads["db1"] = np.mean(dZ1, axis=1, keepdims=True)
    return grads


def wrong(W2: Any, A1: Any, A2: Any, X: Any, Y: Any) -> Any:
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / X.shape[1]
    dZ1 = W2.T @ dZ2 * (1 - A1)
    dW1 = dZ1 @ X.T / X.shape[1]
    return dZ2, dW2, dZ1, dW1


def test_a_right_backward_pass_is_right() -> None:
    report = tg.check.function(right, loss, SHAPES)
    assert report.ok
    assert len(report) == 5


def test_the_wrong_line_is_pointed_at() -> None:
    report = tg.check.function(wrong, loss, SHAPES)
    assert [e.name for e in report if e.verdict == "wrong"] == ["dZ1"]
    assert report["dW1"].verdict == "follows"
    line = report["dZ1"].diagnosis.line
    assert line is not None
    assert line[1] == "dZ1 = W2.T @ dZ2 * (1 - A1)"
    with open(__file__, encoding="utf-8") as source:  # noqa: PTH123
        assert source.readlines()[line[0] - 1].strip() == line[1]


def test_a_mistake_in_a_dict_is_pointed_at() -> None:
    def backward(A2: Any, A1: Any, Y: Any) -> Any:
        return {"dZ2": A2 - Y, "dW2": (A2 - Y) @ A1.T}

    line = tg.check.function(backward, loss, SHAPES)["dW2"].diagnosis.line
    assert line is not None
    assert line[1] == "'dW2': (A2 - Y) @ A1.T"


def test_the_line_is_that_of_the_step_in_which_the_mistake_is_made() -> None:
    def backward(A1: Any, A2: Any, W2: Any, X: Any, Y: Any) -> Any:
        grads = {"dZ1": W2.T @ (A2 - Y)}
        grads["dW1"] = grads.pop("dZ1") @ X.T / X.shape[1]
        return grads

    diagnosis = tg.check.function(backward, loss, SHAPES)["dW1"].diagnosis
    assert diagnosis.at == "dZ1"
    assert diagnosis.line is not None
    assert diagnosis.line[1] == "'dZ1': W2.T @ (A2 - Y)"


def test_several_inputs_tell_coinciding_mistakes_apart() -> None:
    def backward(A2: Any, A1: Any, X: Any, Y: Any) -> Any:
        return {"dW2": (A2 - Y) @ A1.T / 5}  # n[1], which one shape could take for a bare constant

    codes = tg.check.function(backward, loss, SHAPES, runs=2)["dW2"].diagnosis.codes
    assert "wrong_m" in codes


def test_a_model_is_as_good_as_a_function() -> None:
    class Model:
        def __init__(self) -> None:
            self.W, self.b = tg.Tensor(np.zeros((1, 7)), name="W1"), tg.Tensor(np.zeros((1, 1)), name="b1")

        def parameters(self) -> dict[str, tg.Tensor]:
            return {"W1": self.W, "b1": self.b}

        def loss(self, X: Any, Y: Any) -> Any:
            Z1 = self.W @ X + self.b
            A1 = tg.sigmoid(Z1)
            return tg.binary_cross_entropy(A1, Y)

    def backward(A1: Any, X: Any, Y: Any) -> Any:
        return {"dW1": (A1 - Y) @ X.T / X.shape[1], "db1": np.sum(A1 - Y, axis=1, keepdims=True)}

    report = tg.check.function(backward, Model(), {"X": (7, 11), "Y": (1, 11)})
    assert report["dW1"].ok
    assert report["db1"].diagnosis.codes == ("factor_m_missing",)


def test_a_backward_pass_that_writes_into_its_inputs_harms_nobody() -> None:
    def backward(A2: Any, Y: Any) -> Any:
        A2 -= Y
        return {"dZ2": A2}

    assert tg.check.function(backward, loss, SHAPES).ok


def test_bad_functions_are_told() -> None:
    def unknown(A7: Any) -> Any:
        return {"dW1": A7}

    with pytest.raises(TypeError, match=r"no quantity is called 'A7'; there are: .*A1"):
        tg.check.function(unknown, loss, SHAPES)
    with pytest.raises(TypeError, match="expected a dict such as"):
        tg.check.function(lambda A1: 3.0, loss, SHAPES)
    with pytest.raises(TypeError, match="unnamed arrays"):
        tg.check.function(lambda A1, W1: (A1 * 2, W1 * 2), loss, SHAPES)
    with pytest.raises(TypeError, match="expected the loss to give a Tensor, got float"):
        tg.check.function(right, lambda W1: 3.0, SHAPES)
    with pytest.raises(ValueError, match="at least one run"):
        tg.check.function(right, loss, SHAPES, runs=0)


def test_gradients_may_be_returned_with_the_cost() -> None:
    def loss(w, b, X, Y):  # type: ignore[no-untyped-def]
        return tg.binary_cross_entropy(tg.sigmoid(w.T @ X + b), Y)

    def propagate(w, b, X, Y):  # type: ignore[no-untyped-def]
        A = 1 / (1 + np.exp(-(w.T @ X + b)))
        cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
        return {"dw": X @ (A - Y).T / X.shape[1], "db": np.mean(A - Y)}, cost

    shapes = {"w": (3, 1), "b": (), "X": (3, 6), "Y": (1, 6)}
    assert tg.check.function(propagate, loss, shapes).ok
