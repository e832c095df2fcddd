"""Models: values and costs against the course's formulas, gradients, names, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.course import costs, l_layer, regularisation

X = np.random.default_rng(0).normal(size=(3, 7))
Y = (X.sum(axis=0, keepdims=True) > 0).astype(float)
CLASSES = np.eye(4)[:, np.arange(7) % 4]


def arrays(model: nn.Sequential) -> dict[str, Any]:
    return {name: p.data for name, p in model.parameters().items()}


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    hidden=st.sampled_from(["relu", "tanh", "sigmoid", "leaky_relu"]),
    output=st.sampled_from(["sigmoid", "softmax"]),
    l2=st.sampled_from([0.0, 0.7]),
    seed=st.integers(0, 1000),
)
def test_value_cost_and_gradients_are_those_of_the_notes(
    sizes: list[int], hidden: str, output: str, l2: float, seed: int
) -> None:
    labels = Y if output == "sigmoid" else CLASSES
    sizes = [3, *sizes, len(labels)]
    model = nn.MLP(sizes, activation=hidden, output=output, init="xavier", seed=seed, l2=l2)
    names = [hidden] * (len(sizes) - 2) + [output]
    AL, caches = l_layer.L_model_forward(X, arrays(model), names)
    np.testing.assert_allclose(model(X).data, AL, rtol=1e-12)
    J = model.loss(X, labels)
    expected = regularisation.compute_cost_with_regularization(AL, labels, arrays(model), l2, names)
    assert J.item() == pytest.approx(float(expected), rel=1e-12)
    by_hand = regularisation.backward_propagation_with_regularization(AL, labels, caches, l2, names)
    parameters = model.parameters()
    for name, gradient in zip(parameters, tg.grad(J, list(parameters.values())), strict=True):
        np.testing.assert_allclose(gradient, by_hand[f"d{name}"], rtol=1e-10, atol=1e-14)


def test_a_linear_output_takes_half_the_squared_error() -> None:
    model = nn.MLP([3, 2], output="linear", seed=1)
    A, target = model(X).data, np.ones((2, 7))
    J = model.loss(X, target)
    loss = [sum(costs.squared_loss(A[k, i], target[k, i]) for k in range(2)) for i in range(7)]
    assert J.item() == pytest.approx(np.mean(loss))
    assert model.predict(X) == pytest.approx(A)


def test_the_cost_is_exact_where_the_output_saturates() -> None:
    model = nn.LogisticRegression(1)
    model.w.data[...] = 1000.0
    x, y = np.array([[1.0, -1.0]]), np.array([[0, 0]])
    assert model(x).tolist() == [[1.0, 0.0]]
    assert model.loss(x, y).item() == 500.0


def test_parameters_are_the_models_own_in_order() -> None:
    model = nn.MLP([3, 4, 1], seed=1)
    parameters = model.parameters()
    assert list(parameters) == ["W1", "b1", "W2", "b2"]
    assert parameters["W2"] is model.dense[1].W
    assert [p.shape for p in parameters.values()] == [(4, 3), (4, 1), (1, 4), (1, 1)]
    assert [p.name for p in parameters.values()] == list(parameters)


def test_what_a_layer_computes_has_its_name_and_scope() -> None:
    model = nn.MLP([3, 4, 1], seed=1)
    graph = tg.Graph(model.loss(X, Y))
    assert {n.name for n in graph if n.named} == {
        "X",
        "Y",
        "W1",
        "b1",
        "W2",
        "b2",
        "Z1",
        "A1",
        "Z2",
        "A2",
        "J",
    }
    assert graph.find("A1").scope == ("layer 1",)
    assert graph.find("Z2").scope == ("layer 2",)
    assert graph.find("J").scope == ()
    assert tg.Graph(model(X)).outputs[0].name == "A2"


def test_functions_may_stand_between_layers() -> None:
    split = nn.Sequential([nn.Dense(3, 4, seed=1), tg.tanh, nn.Dense(4, 1, "sigmoid", seed=2)])
    whole = nn.Sequential([nn.Dense(3, 4, "tanh", seed=1), nn.Dense(4, 1, "sigmoid", seed=2)])
    assert split(X).tolist() == whole(X).tolist()
    assert tg.Graph(split(X)).find("A1").scope == ("layer 1",)


def test_an_activation_may_be_given_as_the_function_that_it_is() -> None:
    by_function = nn.MLP([3, 4, 1], activation=tg.relu, output=tg.sigmoid, seed=1)
    by_name = nn.MLP([3, 4, 1], activation="relu", output="sigmoid", seed=1)
    assert by_function.loss(X, Y).item() == by_name.loss(X, Y).item()
    assert by_function.output == "sigmoid"


def test_a_cost_of_ones_own() -> None:
    layers = [nn.Dense(3, 1, "sigmoid", seed=1)]
    assert nn.Sequential(layers, cost=tg.binary_cross_entropy).loss(X, Y).item() == pytest.approx(
        nn.Sequential(layers).loss(X, Y).item()
    )


def test_float32_stays_float32() -> None:
    model = nn.MLP([3, 4, 1], seed=1, dtype=np.float32)
    J = model.loss(X.astype(np.float32), Y.astype(np.float32))
    assert J.dtype == np.float32
    assert {g.dtype for g in tg.grad(J, list(model.parameters().values()))} == {np.dtype(np.float32)}


def test_a_model_is_a_sequence_of_its_layers() -> None:
    layers = [nn.Dense(3, 4), tg.tanh, nn.Dense(4, 1, "sigmoid")]
    model = nn.Sequential(layers)
    assert list(model) == layers
    assert len(model) == 3
    assert repr(model) == "Sequential([Dense(3, 4, 'linear'), tanh, Dense(4, 1, 'sigmoid')])"


def test_predictions_and_accuracy() -> None:
    model = nn.LogisticRegression(1)
    model.w.data[...] = 1.0
    x = np.array([[-2.0, -1.0, 0.0, 3.0]])
    assert model.predict(x).tolist() == [[0, 0, 0, 1]]  # A = 0.5 is not above one half
    assert model.accuracy(x, np.array([[0, 1, 0, 1]])) == 0.75
    many = nn.MLP([1, 3], output="softmax", init="zeros")
    many.dense[0].b.data[...] = [[0.0], [2.0], [1.0]]
    assert many.predict(x).tolist() == [[1, 1, 1, 1]]
    assert many.accuracy(x, np.eye(3)[:, [1, 1, 0, 2]]) == 0.5


def of_classes() -> nn.Sequential:
    return nn.MLP([3, 4], output="softmax")


def test_several_sigmoids_answer_each_for_itself() -> None:
    model = nn.MLP([3, 2], init="zeros")
    model.dense[0].b.data[...] = [[1.0], [-1.0]]
    assert model.predict(X).tolist() == [[1] * 7, [0] * 7]
    assert model.accuracy(X, np.array([[1.0] * 7, [0.0] * 6 + [1.0]])) == pytest.approx(6 / 7)


def test_a_model_without_classes_answers_with_its_output() -> None:
    model = nn.Sequential([nn.Dense(3, 1, "tanh", seed=1)], cost=lambda A, Y: np.mean((A - Y) ** 2))
    assert model.predict(X).tolist() == model(X).tolist()
    with pytest.raises(TypeError, match="answers with numbers"):
        model.accuracy(X, Y)


def model_of_three() -> nn.Sequential:
    return nn.MLP([3, 4, 1], seed=1)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda m: m(X.T), ValueError, r"W1 \(4, 3\) @ X \(7, 3\): inner dimensions 3 and 7 .* transposed"),
        (lambda m: m(X[:2]), ValueError, r"W1 \(4, 3\) @ X \(2, 7\): inner dimensions 3 and 2 differ"),
        (lambda m: m(X[0]), ValueError, r"W1 \(4, 3\) @ X \(7,\): expected one example a column, \(3, m\)"),
        (lambda m: m(X[:, :0]), ValueError, "at least one example"),
        (lambda m: m([["a"]]), TypeError, "X: expected numbers, got dtype <U1"),
        (lambda m: m.loss(X[:, :0], Y[:, :0]), ValueError, r"empty data set, \(3, 0\)"),
        (lambda m: m.loss(X, Y.T), ValueError, r"Y: expected labels \(1, 7\) for X \(3, 7\).* got \(7, 1\)"),
        (lambda m: m.loss(X, 2 * Y), ValueError, "expected labels 0 or 1 .* from 0.0 to 2.0"),
        (lambda m: m.loss(X, Y - np.inf), ValueError, "expected labels 0 or 1"),
        (lambda m: m.accuracy(X, Y[0]), ValueError, r"got \(7,\); take Y.reshape\(1, -1\)"),
        (lambda m: of_classes().loss(X, CLASSES * 2), ValueError, "values from 0.0 to 2.0"),
        (lambda m: of_classes().loss(X, CLASSES + np.roll(CLASSES, 1, 0)), ValueError, "0 sums to 2.0"),
        (lambda m: of_classes().loss(X, np.arange(7)), ValueError, r"one-hot.*np.eye\(4\)\[:, labels\]"),
        (lambda m: nn.MLP([3, 4], output="linear").accuracy(X, CLASSES), TypeError, "answers with numbers"),
        (lambda m: nn.MLP([3]), ValueError, r"at least two sizes.* got \[3\]"),
        (lambda m: nn.MLP([3, 0]), ValueError, r"sizes\[1\]: expected a whole number of at least 1, got 0"),
        (lambda m: nn.Dense(2.5, 1), ValueError, "n_in: expected a whole number of at least 1, got 2.5"),
        (lambda m: nn.Dense(2, 1, "relu6"), ValueError, "activation: expected a function or one of linear"),
        (lambda m: nn.Dense(2, 1, dtype=int), TypeError, "dtype: expected a floating-point dtype, got int64"),
        (lambda m: nn.MLP([3, 1], output="tanh"), ValueError, "no cost goes with the output 'tanh'"),
        (lambda m: nn.Sequential([]), ValueError, "layers: expected at least one"),
        (lambda m: nn.Sequential([nn.Dense(2, 3), nn.Dense(4, 1)]), ValueError, "layer 2 expects 4"),
        (lambda m: nn.Sequential([m.dense[0], 5]), TypeError, "expected Dense layers and functions, got 5"),
        (lambda m: nn.Sequential([d := nn.Dense(2, 2), d]), ValueError, "there twice"),
        (lambda m: nn.LogisticRegression(2, l2=-1), ValueError, "l2: expected a number of at least 0"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call(model_of_three())
