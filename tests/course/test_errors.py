"""What ``course`` says to inputs that cannot be: what was expected, what came, and where."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.course import (
    activations,
    checking,
    costs,
    features,
    initialisation,
    l_layer,
    logistic,
    models,
    optimisers,
    regularisation,
    two_layer,
    written_out,
)
from tinygrad_edu.course.models import L_layer_model, mini_batch_model

w, X, Y = np.zeros((3, 1)), np.ones((3, 5)), np.array([[0, 1, 1, 0, 1]])
two = initialisation.initialize_parameters(3, 4, 1)
_, two_cache = two_layer.forward_propagation(X, two)
AL, caches = l_layer.L_model_forward(X, two)
masks = regularisation.dropout_masks([3, 4, 1], 5, 0.5)
without_masks = regularisation.backward_propagation_with_dropout
momentum, adam = optimisers.update_parameters_with_momentum, optimisers.update_parameters_with_adam
zeros = optimisers.initialize_velocity(two)
with_dropout = regularisation.forward_propagation_with_dropout

CASES: list[tuple[Callable[[], Any], str]] = [
    # shapes
    (
        lambda: logistic.forward(w, 0.0, np.ones(3)),
        "forward: X: expected one example per column, (n_x, m), got shape (3,)",
    ),
    (lambda: logistic.forward(w, 0.0, np.ones((3, 0))), "at least one example, got shape (3, 0)"),
    (lambda: logistic.forward(w.T, 0.0, X), "w: expected shape (3, 1), as X has 3 features, got (1, 3)"),
    (lambda: logistic.forward_one(w, 0.0, np.ones((4, 1))), "forward_one: w: expected shape (4, 1)"),
    (
        lambda: logistic.propagate(w, 0.0, X, Y.T),
        "Y: expected the shape of the predictions, (1, 5), got (5, 1)",
    ),
    (
        lambda: logistic.propagate_loop(w, 0.0, X, Y[:, :4]),
        "propagate_loop: Y: expected the shape of the predictions, (1, 5), got (1, 4)",
    ),
    (
        lambda: logistic.mean_of_examples(w, 0.0, X, Y[0]),
        "mean_of_examples: Y: expected the shape of the predictions, (1, 5), got (5,)",
    ),
    (lambda: logistic.initialize_with_zeros(0), "expected at least one feature, got dim=0"),
    (lambda: two_layer.layer_sizes(X, Y[:, :4]), "layer_sizes: Y: expected shape (1, 5), got (1, 4)"),
    (
        lambda: two_layer.forward_propagation(X[:2], two),
        "W1 (4, 3) @ A_prev (2, 5): inner dimensions 3 and 2",
    ),
    (lambda: two_layer.forward_by_units(X, two), "forward_by_units: x: expected shape (3, 1), got (3, 5)"),
    (lambda: two_layer.backward_propagation(two, two_cache, X, Y.T), "Y: expected shape (1, 5), got (5, 1)"),
    (
        lambda: two_layer.backward_one(two, two_cache, X, Y),
        "backward_one: x: expected shape (3, 1), got (3, 5)",
    ),
    (
        lambda: l_layer.linear_forward(X, np.ones(3), np.ones((1, 1))),
        "W (3,) @ A_prev (3, 5): expected two matrices",
    ),
    (lambda: l_layer.linear_forward(X, np.ones((4, 3)), np.ones(4)), "b: expected shape (4, 1), got (4,)"),
    (
        lambda: l_layer.linear_backward(AL[:, :4], caches[1][0]),
        "linear_backward: dZ: expected shape (1, 5), got (1, 4)",
    ),
    (
        lambda: l_layer.linear_activation_backward(AL.T, caches[1], "tanh"),
        "dA: expected shape (1, 5), got (5, 1)",
    ),
    (
        lambda: l_layer.hidden_dZ(two["W2"].T, AL, two_cache["Z1"], "tanh"),
        "W_next: expected shape (1, 4), got (4, 1)",
    ),
    (
        lambda: l_layer.L_model_backward(AL, Y.T, caches),
        "L_model_backward: Y: expected shape (1, 5), got (5, 1)",
    ),
    (lambda: l_layer.accuracy(Y.T, Y), "accuracy: predictions: expected shape (1, 5), got (5, 1)"),
    (lambda: activations.sigmoid_backward(X, AL), "sigmoid_backward: dA: expected shape (1, 5), got (3, 5)"),
    (lambda: activations.relu_backward(X, AL), "relu_backward: dA: expected shape (1, 5), got (3, 5)"),
    (lambda: written_out.matmul_by_loops(X, X), "W (3, 5) @ X (3, 5): inner dimensions differ"),
    (
        lambda: features.images_to_columns(X),
        "expected (m, height, width, channels), none of them 0, got shape (3, 5)",
    ),
    (
        lambda: features.images_to_columns_by_loops(X),
        "expected (m, height, width, channels), none of them 0, got shape (3, 5)",
    ),
    (lambda: features.standardise(np.ones(3)), "standardise: X: expected one example per column"),
    (lambda: features.scale_to_range(np.ones((3, 0))), "scale_to_range: X: expected at least one example"),
    (lambda: checking.relative_difference(X, Y), "gradapprox: expected shape (3, 5), got (1, 5)"),
    (
        lambda: checking.gradient_check(np.sum, w, X),
        "gradient_check: grad: expected shape (3, 1), got (3, 5)",
    ),
    (lambda: checking.vector_to_dictionary(w, two), "theta: expected shape (21, 1), got (3, 1)"),
    (lambda: optimisers.random_mini_batches(X, Y[:, :4]), "Y: expected shape (1, 5), got (1, 4)"),
    (lambda: with_dropout(X, two, {"D1": X}, 0.5), "D1: expected shape (4, 5), got (3, 5)"),
    # labels
    (lambda: costs.compute_cost(AL, 2 * Y), "compute_cost: Y: labels of two classes are 0 or 1, got 2"),
    (
        lambda: costs.compute_cost(AL[:, :0], Y[:, :0]),
        "at least one example, got predictions of shape (1, 0)",
    ),
    (lambda: costs.compute_cost_for_classes(X, -X), "Y: expected no negative entries, got -1.0"),
    (
        lambda: costs.compute_cost_for_classes(X, X),
        "columns that sum to 1 (one-hot labels), but column 0 sums to 3.0",
    ),
    (lambda: features.one_hot(np.array([0, 3]), 3), "one_hot: expected classes 0 to 2, got 3"),
    (lambda: features.one_hot(np.array([-1, 2]), 3), "one_hot: expected classes 0 to 2, got -1"),
    (lambda: features.one_hot(np.array([0.5]), 3), "one_hot: expected integers (m,), got float64 (1,)"),
    (lambda: features.one_hot(np.array([[1]]), 3), "one_hot: expected integers (m,), got int64 (1, 1)"),
    (
        lambda: features.integers_of(["red"], {"red": 0}),
        "integers_of: expected a map with an 'other' class, got red",
    ),
    # names
    (
        lambda: activations.activation("softplus"),
        "expected one of sigmoid, tanh, relu, leaky_relu, linear, got 'softplus'",
    ),
    (lambda: l_layer.layer_activations(2, ["softmax", "sigmoid"]), "softmax can only end a network"),
    (lambda: l_layer.L_model_forward(X, {}), "parameters: expected W1, b1, got none"),
    (lambda: l_layer.update_parameters(two, {"dW1": 0}, 0.1), "grads: expected db1, dW2, db2, got dW1"),
    (
        lambda: two_layer.forward_propagation(X, {"W1": w.T, "b1": w[:1]}),
        "expected W1, b1, W2, b2, got W1, b1",
    ),
    (
        lambda: checking.gradients_to_vector({}, two),
        "gradients_to_vector: grads: expected dW1, db1, dW2, db2, got none",
    ),
    (lambda: with_dropout(X, two, {}, 0.5), "forward_propagation_with_dropout: masks: expected D1, got none"),
    (
        lambda: initialisation.initialize_parameters_deep([3, 1], scale="glorot"),
        "or one of zeros, random, xavier, he, got 'glorot'",
    ),
    (
        lambda: mini_batch_model(X, Y, [3, 1], "adagrad"),
        "optimizer: expected one of gd, momentum, adam, got 'adagrad'",
    ),
    (lambda: logistic.update(w, 0.0, {"dw": w}, 0.1), "update: grads: expected db, got dw"),
    (
        lambda: two_layer.backward_propagation(two, {}, X, Y),
        "backward_propagation: cache: expected Z1, A1, A2, got none",
    ),
    (
        lambda: two_layer.backward_one(two, {}, X[:, :1], Y[:, :1]),
        "backward_one: cache: expected Z1, A1, A2, got none",
    ),
    (
        lambda: without_masks(AL, Y, caches, {}, 0.5),
        "backward_propagation_with_dropout: masks: expected D1, got none",
    ),
    (
        lambda: without_masks(AL, Y, caches, {"D1": AL}, 0.5),
        "backward_propagation_with_dropout: D1: expected shape (4, 5)",
    ),
    (
        lambda: momentum(two, {}, zeros, 0.9, 0.1),
        "update_parameters_with_momentum: grads: expected dW1, db1, dW2, db2, got none",
    ),
    (
        lambda: momentum(two, zeros, {}, 0.9, 0.1),
        "update_parameters_with_momentum: v: expected dW1, db1, dW2, db2, got none",
    ),
    (
        lambda: adam(two, zeros, zeros, {}, 1),
        "update_parameters_with_adam: s: expected dW1, db1, dW2, db2, got none",
    ),
    (
        lambda: written_out.two_unit_forward({}, "tanh"),
        "two_unit_forward: p: expected W11, W12, W21, W22, b1, b2, A1_prev",
    ),
    # numbers
    (
        lambda: initialisation.initialize_parameters_deep([3, 0, 1]),
        "layer sizes, each at least 1, got [3, 0, 1]",
    ),
    (lambda: logistic.optimize(w, 0.0, X, Y, 0, 0.1), "optimize: expected at least one iteration, got 0"),
    (lambda: models.L_layer_model(X, Y, [4, 1]), "layers_dims[0]: expected 3, the features of X, got 4"),
    (
        lambda: L_layer_model(X, Y, [3, 2, 1], lambd=0.1, keep_prob=0.5),
        "lambd or dropout, got lambd=0.1 and keep_prob=0.5",
    ),
    (lambda: optimisers.random_mini_batches(X, Y, 0), "expected mini_batch_size >= 1, got 0"),
    (lambda: optimisers.update_parameters_with_adam(two, {}, {}, {}, t=0), "the first step is t = 1, got 0"),
    (lambda: regularisation.L2_cost(two, -1.0, 5), "L2_cost: expected lambd >= 0, got -1.0"),
    (lambda: regularisation.dropout_masks([3, 4, 1], 5, 0.0), "expected 0 < keep_prob <= 1, got 0.0"),
    (
        lambda: regularisation.backward_propagation_with_regularization(AL, Y, caches, 0.1, ["tanh", "tanh"]),
        "expected a network that ends in sigmoid or softmax, got tanh",
    ),
]


@pytest.mark.parametrize(("call", "said"), CASES, ids=[said[:40] for _, said in CASES])
def test_an_error_says_what_was_expected_and_what_came(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        call()
