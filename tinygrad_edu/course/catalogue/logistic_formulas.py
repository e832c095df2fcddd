"""The functions of G, L and their rows of X: the graph, logistic regression. ``rows.toml`` names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import activations, costs, logistic, written_out
from tinygrad_edu.course.catalogue import forwards, samples
from tinygrad_edu.course.catalogue.entry import Sizes, Values
from tinygrad_edu.course.shapes import Array


def scalars(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:  # noqa: ARG001  (scalars have no size)
    """G1: the inputs."""
    return {name: np.asarray(value) for name, value in zip("abc", rng.uniform(1.0, 6.0, 3), strict=True)}


def example_graph(a: Array, b: Array, c: Array) -> Values:
    """G1: its forward pass."""
    u = b * c
    v = a + u
    return {"u": u, "v": v, "J": 3 * v}


def loop(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """G3: the formula."""
    Z, A = logistic.forward_loop(w, b, X)
    return {"Z": Z, "A": A, "J": logistic.propagate_loop(w, b, X, Y)[1]}


def mean_loss(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """L6: the formula."""
    return {"J": np.mean(costs.cross_entropy(logistic.forward_loop(w, b, X)[1], Y))}


def sum_of_products(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    """L1: the formula."""
    return {"z": sum(w_j * x_j for w_j, x_j in zip(w, x, strict=True)).reshape(1, 1) + b}


def squared_loss_forward(a: Array, y: Array) -> Values:
    """L3: its forward pass."""
    return {"L": costs.squared_loss(a, y), "J": np.sum(costs.squared_loss(a, y))}


def cross_entropy_forward(a: Array, y: Array) -> Values:
    """L5, L7: its forward pass."""
    loss = costs.cross_entropy(a, y)
    return {"L": loss, "J": np.sum(loss)}


def sigmoid_forward(z: Array) -> Values:
    """L2, L8: its forward pass."""
    a = activations.sigmoid(z)
    return {"a": a, "J": np.sum(a)}


def looped(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """L11: the formula."""
    grads, J = logistic.propagate_loop(w, b, X, Y)
    return {"J": J, **grads}


def each_dw(w: Array, b: Array, x: Array, y: Array) -> Values:
    """L10: another form of it."""
    dz = logistic.gradients_one(w, b, x, y)["dz"].item()
    return {"dw": np.array([[x_j * dz] for x_j in x[:, 0]]), "db": np.array([[dz]])}


def update_by_gradients(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    """L13: what follows from the gradients."""
    return {f"new {name}": given[name] - given["alpha"] * grads[name] for name in "wb"}


def cost_with_the_parenthesis(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X1: as printed."""
    _, A = logistic.forward(w, b, X)
    return {"J": -np.mean(Y * np.log(A) + (1 - Y * np.log(1 - A)))}


def one_label_in_J(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X2: as printed."""
    _, A = logistic.forward(w, b, X)
    return {"J": np.mean(costs.cross_entropy(A, Y[:, :1]))}


def one_label_in_the_derivative(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X2: as printed."""
    _, A = logistic.forward(w, b, X)
    return {"dw": X @ (A - Y[:, :1]).T / X.shape[1]}


def Z_after_the_first(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X3: as printed."""
    Z, A = logistic.forward(w, b, X)
    return {"dZ": np.hstack([A[:, :1], Z[:, 1:]]) - Y}


def row_of_products(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X4: as printed."""
    _, A = logistic.forward(w, b, X)
    dZ = A - Y
    columns = [X[:, [i]] * dZ[0, i] for i in range(X.shape[1])]
    return {"dw": np.hstack(columns) / X.shape[1]}


def index_as_power(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X25: as printed."""
    _, A = logistic.forward(w, b, X)
    i = np.arange(1, X.shape[1] + 1)
    return {"J": np.mean(costs.cross_entropy(A**i, Y))}


def w_of_each_example(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """The derivatives in w⁽ⁱ⁾ and b⁽ⁱ⁾: as many as there are examples."""
    _, A = logistic.forward(w, b, X)
    return {"dw": X * (A - Y) / X.shape[1], "db": (A - Y) / X.shape[1]}


def if_it_were_linear(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """What dJ/dw would be, halfway between 0 and 2w, if it were linear in w."""
    ends = [logistic.propagate(c * w, b, X, Y)[0]["dw"] for c in (0, 2)]
    return {"dw": sum(ends) / 2}


def with_rate(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """A learning rate, and a step t along -dJ/dw, at 0."""
    return {**samples.logistic(rng, n), "alpha": float(rng.uniform(0.01, 0.5)), "t": np.asarray(0.0)}


def steps(alpha: float, t: Array, **given: Array) -> Values:  # noqa: ARG001
    """X13: the formula."""
    grads, _ = logistic.propagate(**given)
    return {"Δw": alpha * grads["dw"], "dt": -(np.sum(grads["dw"] ** 2) + grads["db"] ** 2)}


def along_the_slope(w: Array, b: Array, X: Array, Y: Array, alpha: float, t: Array) -> Values:  # noqa: ARG001
    """J(w - t dJ/dw, b - t dJ/db)."""
    grads, _ = logistic.propagate(w, b, X, Y)
    return forwards.logistic_regression(*logistic.update(w, b, grads, t), X, Y)


def rate_times_gradient(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    """X13: what follows from the gradients."""
    return {"Δw": given["alpha"] * grads["w"]}


def height_as_rate(alpha: float, t: Array, **given: Array) -> Values:  # noqa: ARG001
    """X13: as printed."""
    grads, J = logistic.propagate(**given)
    w, b = logistic.update(given["w"], given["b"], grads, alpha)
    _, J_after = logistic.propagate(w, b, given["X"], given["Y"])
    return {"Δw": (J - J_after) * grads["dw"]}


def row_times_column(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    """X12: the formula; X28: another form of it."""
    return {"z": np.dot(x.T, w) + b}


def column_times_row(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    """X12: as printed."""
    return {"z": np.dot(w, x.T) + b}


def transposed_beside_a_row(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    """X28: as printed."""
    return {"z": w.T @ x.T + b}


def likelihood_and_loss(a: Array, y: Array) -> Values:
    """X24, X29: its forward pass."""
    loss = costs.cross_entropy(a, y)
    return {"log p": -loss, "L": loss, "J": np.sum(loss)}


def columns(examples: Array) -> Values:
    """X32: the formula."""
    m, n = examples.shape
    return {"X": np.array([[examples[i, j] for i in range(m)] for j in range(n)])}


def one_feature_for_the_last(examples: Array) -> Values:
    """X32: as printed."""
    X = examples.T.copy()
    X[-1, 1:-1] = examples[1:-1, 3]  # the row ends in x_4i, but for its first and last entry
    return {"X": X}


def sigmoid_value(z: Array) -> Values:
    """L2: the formula."""
    return {"a": activations.sigmoid(z)}


def sigmoid_by_ez(z: Array) -> Values:
    """L2: another form of it."""
    return {"a": activations.sigmoid_by_ez(z)}


def squared_loss_and_slope(a: Array, y: Array) -> Values:
    """L3: the formula."""
    return {"L": costs.squared_loss(a, y), "da": a - y}


def likelihood_and_its_loss(a: Array, y: Array) -> Values:
    """L4: the formula."""
    return {"p": costs.likelihood(a, y), "L": -np.log(costs.likelihood(a, y))}


def likelihood_by_cases(a: Array, y: Array) -> Values:
    """L4: another form of it."""
    return {"p": np.where(y == 1, a, 1 - a), "L": costs.cross_entropy(a, y)}


def likelihood_forward(a: Array, y: Array) -> Values:
    """L4: its forward pass."""
    return {"p": a**y * (1 - a) ** (1 - y), **cross_entropy_forward(a, y)}


def cross_entropy(a: Array, y: Array) -> Values:
    """L5, X29: the formula."""
    return {"L": costs.cross_entropy(a, y)}


def cross_entropy_by_cases(a: Array, y: Array) -> Values:
    """L5: another form of it."""
    return {"L": np.where(y == 1, -np.log(a), -np.log(1 - a))}


def loss_derivative(a: Array, y: Array) -> Values:
    """L7: the formula."""
    return {"da": costs.loss_derivative(a, y)}


def sigmoid_slope(z: Array) -> Values:
    """L8: the formula."""
    return {"dz": activations.sigmoid_slope(activations.sigmoid(z))}


def a_minus_y(w: Array, b: Array, x: Array, y: Array) -> Values:
    """L9: another form of it."""
    return {"dz": logistic.forward_one(w, b, x)[1] - y}


def sample_with_rate(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """L13: the inputs."""
    return {**samples.logistic(rng, n), "alpha": float(rng.uniform(0.01, 0.5))}


def forward_without_rate(alpha: float, **given: Array) -> Values:  # noqa: ARG001
    """L13: its forward pass."""
    return forwards.logistic_regression(**given)


def sample_of_W1_and_X(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """L15, X34: the inputs."""
    return {k: v for k, v in samples.two_layer(rng, n).items() if k in ("W1", "X")}


def product_by_loops(W1: Array, X: Array) -> Values:
    """L15: the formula."""
    return dict(zip(("RES", "products"), written_out.matmul_by_loops(W1, X), strict=True))


def product_and_count(W1: Array, X: Array) -> Values:
    """L15: its forward pass."""
    return {"RES": W1 @ X, "products": W1.shape[0] * W1.shape[1] * X.shape[1]}


def cost_by_loop(**given: Array) -> Values:
    """X1, X25: the formula."""
    return {"J": logistic.propagate_loop(**given)[1]}


def dw_as_mean_of_examples(**given: Array) -> Values:
    """X2: another form of it."""
    return {"dw": logistic.mean_of_examples(**given)["dw"]}


def w_not_transposed(w: Array, b: Array, X: Array, Y: Array) -> Values:  # noqa: ARG001
    """X5: as printed."""
    return {"Z": np.dot(w, X) + b}


def log_likelihood(a: Array, y: Array) -> Values:
    """X24: the formula."""
    return {"log p": np.log(costs.likelihood(a, y))}


def sample_of_examples(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """X32: the inputs."""
    return {"examples": rng.standard_normal((n.m, n.n0))}


def examples_transposed(examples: Array) -> Values:
    """X32: its forward pass."""
    return {"X": examples.T}


def dw_in_one_line(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """X33: the formula."""
    return {"dw": X @ (activations.sigmoid(w.T @ X + b) - Y).T / X.shape[1]}


def sigmoid_slope_step(z: Array, step: int) -> Values:
    """L8: another form of it."""
    return {"dz": activations.sigmoid_slope_steps(z)[step]}


def loss_to_base(a: Array, y: Array, base: int) -> Values:
    """X29: as printed."""
    return {"L": costs.cross_entropy(a, y) / np.log(base)}
