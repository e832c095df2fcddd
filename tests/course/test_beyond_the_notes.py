"""The course's second part, and what the formulas are used for: laws, and autodiff as the witness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tinygrad_edu as tg
from tinygrad_edu.course import checking, features, l_layer, logistic, models, optimisers, regularisation
from tinygrad_edu.course.initialisation import initialize_parameters_deep

SIZES = [6, 7, 5, 1]
HIDDEN = ["tanh", "relu", "sigmoid"]


def network(seed: int, classes: int = 1) -> tuple[Any, Any, dict[str, Any]]:
    """X, labels, and parameters of SIZES, but for the number of classes."""
    rng = np.random.default_rng(seed)
    parameters = initialize_parameters_deep([*SIZES[:-1], classes], rng, "he")
    parameters = {k: v + 0.1 * rng.standard_normal(v.shape) for k, v in parameters.items()}
    X, m = rng.standard_normal((SIZES[0], 9)), 9
    return (
        X,
        rng.integers(2, size=(1, m)) if classes == 1 else np.eye(classes)[:, rng.integers(classes, size=m)],
        parameters,
    )


def by_autodiff(cost: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    tensors = {name: tg.Tensor(value, name=name) for name, value in parameters.items()}
    grads = tg.grad(cost(tensors), list(tensors.values()))
    return {f"d{name}": grad for name, grad in zip(tensors, grads, strict=True)}


def assert_agree(grads: dict[str, Any], witness: dict[str, Any]) -> None:
    for name, expected in witness.items():
        assert grads[name].shape == expected.shape
        assert_allclose(
            grads[name], expected, rtol=1e-12, atol=1e-12 * np.max(np.abs(expected)), err_msg=name
        )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("lambd", [0.0, 0.7])
def test_the_regularised_gradients_agree_with_autodiff(seed: int, classes: int, lambd: float) -> None:
    X, Y, parameters = network(seed, classes)
    names = ["tanh", "leaky_relu", "sigmoid" if classes == 1 else "softmax"]

    def cost(p: Any) -> Any:
        AL, _ = l_layer.L_model_forward(X, p, names)
        return regularisation.compute_cost_with_regularization(AL, Y, p, lambd, names)

    AL, caches = l_layer.L_model_forward(X, parameters, names)
    grads = regularisation.backward_propagation_with_regularization(AL, Y, caches, lambd, names)
    assert_agree(grads, by_autodiff(cost, parameters))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("keep_prob", [1.0, 0.6])
def test_the_gradients_through_dropout_agree_with_autodiff(seed: int, keep_prob: float) -> None:
    X, Y, parameters = network(seed)
    masks = regularisation.dropout_masks(SIZES, X.shape[1], keep_prob, seed)

    def cost(p: Any) -> Any:
        AL, _ = regularisation.forward_propagation_with_dropout(X, p, masks, keep_prob, HIDDEN)
        return l_layer.cost_of_network(AL, Y)

    AL, caches = regularisation.forward_propagation_with_dropout(X, parameters, masks, keep_prob, HIDDEN)
    grads = regularisation.backward_propagation_with_dropout(AL, Y, caches, masks, keep_prob, HIDDEN)
    assert_agree(grads, by_autodiff(cost, parameters))


def test_dropout_keeps_the_expected_activation() -> None:
    masks = regularisation.dropout_masks([1, 100, 1], 1000, 0.8, seed=3)["D1"]
    assert np.mean(masks) / 0.8 == pytest.approx(1.0, abs=0.01)
    assert set(np.unique(masks)) == {0.0, 1.0}


def test_gradient_checking_passes_a_right_gradient_and_finds_each_wrong_entry() -> None:
    X, Y, parameters = network(0)
    AL, caches = l_layer.L_model_forward(X, parameters, HIDDEN)
    grads = l_layer.L_model_backward(AL, Y, caches, HIDDEN)

    def J(p: Any) -> Any:
        return l_layer.cost_of_network(l_layer.L_model_forward(X, p, HIDDEN)[0], Y)

    assert checking.gradient_check_n(J, parameters, grads) < checking.THRESHOLD
    for name in parameters:
        wrong = grads[f"d{name}"].copy()
        wrong.flat[-1] += 0.01
        assert checking.gradient_check_n(J, parameters, {**grads, f"d{name}": wrong}) > checking.THRESHOLD


def test_the_difference_of_two_zero_gradients_is_zero() -> None:
    assert checking.relative_difference(np.zeros(3), np.zeros(3)) == 0.0


def test_parameters_survive_the_way_to_a_vector_and_back() -> None:
    _, _, parameters = network(0)
    back = checking.vector_to_dictionary(checking.dictionary_to_vector(parameters), parameters)
    assert list(back) == list(parameters)
    for name, value in parameters.items():
        assert_array_equal(back[name], value)


# Optimisers


@given(m=st.integers(1, 40), size=st.integers(1, 45), seed=st.integers(0, 99))
def test_mini_batches_are_all_examples_once_with_their_labels(m: int, size: int, seed: int) -> None:
    X = np.arange(3 * m).reshape(3, m)
    batches = optimisers.random_mini_batches(X, X[:1] % 2, size, seed)
    assert [batch.shape[1] for batch, _ in batches[:-1]] == [size] * (len(batches) - 1)
    assert 1 <= batches[-1][0].shape[1] <= size
    assert_array_equal(np.sort(np.hstack([batch for batch, _ in batches])), X)
    for batch, labels in batches:
        assert_array_equal(labels, batch[:1] % 2)


def test_momentum_without_memory_is_gradient_descent() -> None:
    X, Y, parameters = network(0)
    AL, caches = l_layer.L_model_forward(X, parameters)
    grads = l_layer.L_model_backward(AL, Y, caches)
    v = {
        name: np.full(value.shape, 7.0) for name, value in optimisers.initialize_velocity(parameters).items()
    }
    stepped, _ = optimisers.update_parameters_with_momentum(parameters, grads, v, 0.0, 0.1)
    for name, expected in optimisers.update_parameters_with_gd(parameters, grads, 0.1).items():
        assert_allclose(stepped[name], expected, rtol=1e-15)


@given(scale=st.sampled_from([1e-4, 1.0, 1e6]), t=st.integers(1, 30))
def test_adam_steps_by_the_learning_rate_while_the_gradient_stays(scale: float, t: int) -> None:
    # The corrected averages of a constant gradient are the gradient and its square, at every t.
    W = {"W1": np.zeros((2, 2)), "b1": np.zeros((2, 1))}
    grads = {"dW1": scale * np.array([[1.0, -2.0], [3.0, -4.0]]), "db1": np.zeros((2, 1))}
    v, s = optimisers.initialize_adam(W)
    for k in range(1, t + 1):
        W, v, s = optimisers.update_parameters_with_adam(W, grads, v, s, k, learning_rate=0.5)
    assert_allclose(W["W1"], -0.5 * t * np.sign(grads["dW1"]), rtol=2e-4)
    assert_array_equal(W["b1"], 0.0)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam"])
def test_mini_batches_of_the_whole_set_lower_the_cost(optimizer: str) -> None:
    X, Y = np.array([[-1.0, -0.5, 0.5, 1.0]]), np.array([[0, 1, 1, 0]])
    _, costs = models.mini_batch_model(X, Y, [1, 8, 1], optimizer, 0.05, 4, 600, record_every=100)
    assert costs[-1] < 0.6 * costs[0]


def test_training_with_dropout_and_with_L2_lowers_the_cost() -> None:
    X, Y = np.array([[-1.0, -0.5, 0.5, 1.0]]), np.array([[0, 1, 1, 0]])
    for settings in ({"keep_prob": 0.9}, {"lambd": 0.01}):
        _, costs = models.L_layer_model(X, Y, [1, 20, 1], 0.3, 1001, scale="he", **settings)
        assert costs[-1] < 0.6 * costs[0]


def test_softmax_learns_three_classes() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=60)
    X = rng.standard_normal((2, 60)) * 0.2 + np.array([[0, 2, -2], [2, -1, -1]])[:, labels]
    Y, names = features.one_hot(labels, 3), ["tanh", "softmax"]
    parameters, _ = models.L_layer_model(X, Y, [2, 6, 3], 0.5, 200, activations=names)
    assert l_layer.accuracy(l_layer.predict(X, parameters, names), Y) == 1.0


# Features


@given(st.lists(st.integers(0, 5), min_size=1))
def test_different_categories_are_the_square_root_of_two_apart(integers: list[int]) -> None:
    X = features.one_hot(np.array(integers), 6)
    assert_array_equal(np.sum(X, axis=0), 1.0)
    assert_array_equal(np.argmax(X, axis=0), integers)
    apart = np.linalg.norm(X[:, :1] - X, axis=0)
    assert_allclose(apart, np.sqrt(2) * (np.array(integers) != integers[0]))


def test_scaling_takes_its_numbers_from_the_training_set() -> None:
    train, test = np.array([[0.0, 10.0], [4.0, 4.0]]), np.array([[20.0], [5.0]])
    assert_array_equal(features.standardise(test, train), [[3.0], [1.0]])
    assert_array_equal(features.scale_to_range(test, train), [[2.0], [1.0]])


def test_gradient_descent_on_logistic_regression_falls_at_every_step() -> None:
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((4, 30)), rng.integers(2, size=(1, 30))
    _, costs = logistic.model(X, Y, 50, 0.1, record_every=1)
    assert len(costs) == 50
    assert np.all(np.diff(costs) < 0)


def test_training_leaves_what_it_was_given_as_it_was() -> None:
    X, Y, parameters = network(2)
    before = {name: value.copy() for name, value in parameters.items()}
    AL, caches = l_layer.L_model_forward(X, parameters)
    l_layer.update_parameters(parameters, l_layer.L_model_backward(AL, Y, caches), 0.5)
    for name, value in before.items():
        assert_array_equal(parameters[name], value)
