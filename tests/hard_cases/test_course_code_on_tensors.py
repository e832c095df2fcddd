"""The course's own NumPy code, unchanged, with Tensors in place of arrays: it runs, and differentiates.

``course`` never heard of Tensors. Each function is given arrays and Tensors alike; its gradient is compared
with central differences of the run on arrays, and with the course's own backward functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences, slopes
from tinygrad_edu import course

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(3, 4)), np.array([[0.0, 1.0, 1.0, 0.0]])
SIZES = [3, 5, 2, 1]
Z = np.array([[-2.0, -0.3, 0.4, 3.0], [1.5, -1.0, 0.2, -0.1]])
A = np.array([[0.2, 0.9, 0.6, 0.01]])
CLASSES = np.eye(3)[:, [0, 2, 1, 1]]


def parameters(sizes: list[int]) -> dict[str, Any]:
    given = course.initialize_parameters_xavier(sizes, seed=1)
    return {name: p + 0.1 * RNG.normal(size=p.shape) for name, p in given.items()}


def flat(f: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """A function of a dictionary as one of its entries in order."""
    return lambda *values: f(dict(zip(names, values, strict=True)))


ELEMENTWISE = [
    course.sigmoid,
    course.sigmoid_by_ez,
    course.tanh,
    course.tanh_by_exponentials,
    course.relu,
    course.leaky_relu,
    course.linear,
    lambda z: course.sigmoid_slope(course.sigmoid(z)),
    lambda z: course.tanh_slope(np.tanh(z)),
    course.softmax,
]


@pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.__name__)
def test_activations(f):
    weights = np.cos(np.arange(Z.size)).reshape(Z.shape)  # else the sum of a softmax's columns has slope 0
    agrees_with_differences(lambda z: f(z) * weights, Z)


@pytest.mark.parametrize(
    ("activation", "backward"),
    [("sigmoid", course.sigmoid_backward), ("relu", course.relu_backward)],
)
def test_the_slope_by_hand_is_the_slope_of_the_forward_code(activation, backward):
    (dZ,) = slopes(getattr(course, activation), Z)
    np.testing.assert_allclose(dZ, backward(np.ones(Z.shape), Z), rtol=1e-12)


@pytest.mark.parametrize(
    "cost",
    [
        course.compute_cost,
        course.compute_cost_by_products,
        course.cross_entropy,
        course.squared_loss,
        course.likelihood,
    ],
)
def test_costs_of_two_classes(cost):
    agrees_with_differences(lambda a: cost(a, Y), A)


def test_the_cost_of_many_classes():
    probabilities = course.softmax(RNG.normal(size=(3, 4)))
    agrees_with_differences(lambda a: course.compute_cost_for_classes(a, CLASSES), probabilities)


def test_hinge_and_perceptron():
    agrees_with_differences(lambda z: course.hinge_loss(z, 2 * Y - 1), Z[:1])
    agrees_with_differences(lambda z: course.perceptron_loss(z, 2 * Y - 1), Z[:1])


def test_the_course_s_graph():
    a, b, c = T(5.0), T(3.0), T(2.0)
    steps = course.example_graph(a, b, c)
    steps["J"].backward()
    assert (steps["J"].item(), a.grad, b.grad, c.grad) == (33, 3, 6, 9)
    assert (steps["u"].grad, steps["v"].grad) == (3, 3)


def test_logistic_regression_one_example_and_all():
    w, b = RNG.normal(size=(3, 1)), 0.3
    agrees_with_differences(lambda w, b: course.logistic.forward_one(w, b, X[:, :1])[1], w, b)
    agrees_with_differences(lambda w, b: course.compute_cost(course.logistic.forward(w, b, X)[1], Y), w, b)


def test_propagate_gives_the_cost_and_by_hand_what_autodiff_gives():
    w, b = T(RNG.normal(size=(3, 1))), T(0.3)
    by_hand, cost = course.propagate(w, b, X, Y)
    cost.backward(np.ones(cost.shape))
    np.testing.assert_allclose(w.grad, by_hand["dw"].numpy(), rtol=1e-12)
    np.testing.assert_allclose(b.grad, by_hand["db"].numpy(), rtol=1e-12)


def test_linear_forward():
    W, b = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 1))
    agrees_with_differences(lambda A, W, b: course.linear_forward(A, W, b)[0], X, W, b)
    g = RNG.normal(size=(2, 4))
    A_prev, W, b = T(X), T(W), T(b)
    out, cache = course.linear_forward(A_prev, W, b)
    out.backward(g / 4)  # the course's dZ is each example's own; 1/m enters at dW and db
    plain = tuple(t.numpy() for t in cache)
    dA_prev, dW, db = course.linear_backward(g, plain)
    np.testing.assert_allclose(W.grad, dW, rtol=1e-12)
    np.testing.assert_allclose(b.grad, db, rtol=1e-12)
    np.testing.assert_allclose(A_prev.grad, dA_prev / 4, rtol=1e-12)


def test_the_two_layer_network():
    given = parameters([3, 4, 1])

    def cost(p):
        A2, _ = course.forward_propagation(X, p)
        return course.compute_cost(A2, Y)

    agrees_with_differences(flat(cost, list(given)), *given.values())


def test_by_examples_and_vectorised_have_the_same_gradients():
    given = parameters([3, 4, 1])
    found = []
    for forward in (course.forward_propagation, course.forward_by_examples):
        tensors = {name: T(p) for name, p in given.items()}
        out = forward(X, tensors)
        A2 = out[0] if isinstance(out, tuple) else out
        (A2 * np.arange(4.0)).sum().backward()
        found.append([t.grad for t in tensors.values()])
    for vectorised, by_examples in zip(*found, strict=True):
        np.testing.assert_allclose(by_examples, vectorised, rtol=1e-12)


def test_the_deep_network_against_its_backward_pass_by_hand():
    given = parameters(SIZES)
    tensors = {name: T(p, name=name) for name, p in given.items()}
    AL, caches = course.L_model_forward(X, tensors)
    J = course.compute_cost(AL, Y)
    J.backward(np.ones(J.shape))
    AL, caches = course.L_model_forward(X, given)
    by_hand = course.L_model_backward(AL, Y, caches)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(tensor.grad, by_hand[f"d{name}"], rtol=1e-10, atol=1e-14)


def test_the_backward_pass_by_hand_is_itself_differentiable():
    """A student's backward code on Tensors: derivatives of derivatives, in the course's own words."""
    given = parameters([3, 2, 1])
    tensors = {name: T(p) for name, p in given.items()}
    AL, caches = course.L_model_forward(X, tensors)
    dW1 = course.L_model_backward(AL, Y, caches)["dW1"]
    (by_hand_twice,) = tg.grad(np.sum(dW1 * dW1), [tensors["W2"]])
    J = course.compute_cost(course.L_model_forward(X, tensors)[0], Y)
    (slope,) = tg.grad(J, [tensors["W1"]], np.ones(J.shape), create_graph=True)
    (twice,) = tg.grad(np.sum(slope * slope), [tensors["W2"]])
    np.testing.assert_allclose(by_hand_twice, twice, rtol=1e-9)


def test_regularised_cost():
    given = parameters(SIZES)

    def cost(p):
        AL, _ = course.L_model_forward(X, p)
        return course.compute_cost_with_regularization(AL, Y, p, 0.7)

    agrees_with_differences(flat(cost, list(given)), *given.values())


def test_dropout_with_given_masks():
    given, masks = parameters(SIZES), course.dropout_masks(SIZES, 4, 0.8, seed=1)

    def cost(p):
        AL, _ = course.forward_propagation_with_dropout(X, p, masks, 0.8)
        return course.compute_cost(AL, Y)

    agrees_with_differences(flat(cost, list(given)), *given.values())


def test_the_network_of_two_units_written_out():
    names = ["W11", "W12", "W21", "W22", "b1", "b2", "A1_prev", "A2_prev"]
    given = {name: T(v) for name, v in zip(names, RNG.normal(size=8), strict=True)}
    made = course.two_unit_forward(given, "tanh")
    (2.0 * made["A1"] + 3.0 * made["A2"]).backward()
    plain = {name: t.item() for name, t in given.items()}
    by_hand = course.two_unit_backward(plain, 2.0, 3.0, "tanh")
    for name, tensor in given.items():
        np.testing.assert_allclose(tensor.grad, by_hand[f"d{name}"], rtol=1e-12)


def test_the_loop_over_examples():
    w, b = RNG.normal(size=(3, 1)), 0.3
    weights = np.arange(1.0, 5.0)
    agrees_with_differences(lambda w, b: course.forward_loop(w, b, X)[1] * weights, w, b)


def test_python_s_math_on_tensors_is_told():
    with pytest.warns(tg.HistoryLostWarning, match="plain number"):
        course.propagate_loop(T(np.ones((3, 1))), T(0.3), X, Y)


def test_a_loop_that_writes_into_an_array_is_an_error_and_no_number():
    with pytest.raises((TypeError, ValueError)):
        course.matmul_by_loops(T(np.ones((2, 2))), T(np.ones((2, 2))))


def test_parameters_become_a_vector_and_back():
    given = parameters([3, 2, 1])

    def cost(theta):
        AL, _ = course.L_model_forward(X, course.vector_to_dictionary(theta, given))
        return course.compute_cost(AL, Y)

    agrees_with_differences(cost, course.dictionary_to_vector(given))


def test_standardised_features():
    agrees_with_differences(lambda x: course.standardise(x) * np.arange(12.0).reshape(3, 4), X)
    agrees_with_differences(lambda x: course.scale_to_range(x) * np.arange(12.0).reshape(3, 4), X)


def test_an_update_on_tensors_gives_tensors_that_know_their_past():
    given = {name: T(p) for name, p in parameters([3, 2, 1]).items()}
    grads = {f"d{name}": p * 0.5 for name, p in given.items()}
    new = course.update_parameters(given, grads, learning_rate=0.1)
    new["W1"].sum().backward()
    np.testing.assert_allclose(given["W1"].grad, np.full((2, 3), 0.95))


def test_accuracy_and_predictions_need_no_history():
    given = {name: T(p) for name, p in parameters([3, 4, 1]).items()}
    predicted = course.l_layer.predict(X, given)
    assert not isinstance(predicted, tg.Tensor)
    assert set(np.unique(predicted)) <= {0.0, 1.0}
