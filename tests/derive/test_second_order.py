"""Derivatives of derivatives: graphs made with create_graph are derived too, from shortened formulas."""

import numpy as np

import tinygrad_edu as tg


def test_a_second_derivative(source_agrees):
    x = tg.Tensor(2.0, name="x")
    (dx,) = tg.grad(x**4, [x], create_graph=True)
    derivation = source_agrees(dx, ["x"], names={"x": x, "J": dx})
    assert [s.formula for s in derivation.forward] == ["J = 4 * x**3"]
    assert derivation["dx"].formula == "dx = 12 * x**2"
    assert derivation["dx"].value == 48.0


def test_a_hessian_times_a_vector_of_logistic_regression(source_agrees):
    rng = np.random.default_rng(0)
    X, Y, v = rng.normal(size=(3, 6)), (rng.random((1, 6)) < 0.5) * 1.0, rng.normal(size=(3, 1))
    w, b = tg.Tensor(rng.normal(size=(3, 1))), tg.Tensor(0.1)
    Z = w.T @ X + b
    A = tg.sigmoid(Z)
    J = tg.binary_cross_entropy(A, Y)
    (dw,) = tg.grad(J, [w], create_graph=True)
    s = np.sum(dw * v)
    derivation = source_agrees(s, ["b"])
    assert derivation["dw"].formula == "dw = X @ (A - Y).T / m"
    assert derivation["dA"].formula == "dA = ddw.T @ X"
    assert derivation["dZ"].formula == "dZ = dA * A * (1 - A)"
    assert derivation["db"].formula == "db = np.sum(dZ) / m"


def test_a_hessian_times_vectors_of_two_layers(source_agrees):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(3, 6)), (rng.random((1, 6)) < 0.5) * 1.0
    parameters = {
        name: tg.Tensor(rng.normal(size=shape), name=name)
        for name, shape in (("W1", (4, 3)), ("b1", (4, 1)), ("W2", (1, 4)), ("b2", (1, 1)))
    }
    W1, b1, W2, b2 = parameters.values()
    A = tg.sigmoid(W2 @ np.tanh(W1 @ X + b1) + b2)
    gradients = tg.grad(tg.binary_cross_entropy(A, Y), list(parameters.values()), create_graph=True)
    s = np.sum(gradients[0] * rng.normal(size=(4, 3))) + np.sum(gradients[2] * rng.normal(size=(1, 4)))
    source_agrees(s, list(parameters), names={**parameters, "s": s})


def test_a_second_derivative_by_way_of_a_hidden_quantity(source_agrees):
    x = tg.Tensor([0.5, -1.0], name="x")
    y = np.exp(x)
    (g,) = tg.grad(np.sum(y**3), [y], create_graph=True)
    source_agrees(np.sum(g * g), ["x"], names={"x": x})
