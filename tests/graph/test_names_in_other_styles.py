"""One net in the ways in which different people write it: each value has the name that its author gave it."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.graph.test_functions_that_returned import Layer

rng = np.random.default_rng(3)
X, L = rng.standard_normal((3, 5)), 3


def weights():
    return [tg.Tensor(0.5 * rng.standard_normal((3, 3))) for _ in range(L)]


def called(J):
    return {node.name for node in tg.Graph(J)}


# What a function returns in a tuple, with the cache beside it


def relu(Z):
    A = np.maximum(0, Z)
    return A, Z


def squash(Z):
    A = np.tanh(Z)
    return A, Z


def linear(A, W):
    Z = W @ A
    return Z, (A, W)


def layer_forward(A_prev, W, kind):
    if kind == "relu":
        Z, linear_cache = linear(A_prev, W)
        A, activation_cache = relu(Z)
    else:
        Z, linear_cache = linear(A_prev, W)
        A, activation_cache = squash(Z)
    return A, (linear_cache, activation_cache)


def test_results_that_come_in_a_tuple_with_their_caches():
    A, caches = X, []
    for W in weights():
        A, cache = layer_forward(A, W, "relu" if len(caches) < L - 1 else "tanh")
        caches.append(cache)
    assert {"Z1", "Z2", "Z3", "A1", "A2"} <= called(np.sum(A))


def cell(x, h_prev, W, U):
    both = np.concatenate((h_prev, x))
    gate = 1 / (1 + np.exp(-(W @ both)))
    new = np.tanh(U @ both)
    h_next = gate * h_prev + (1 - gate) * new
    return h_next, (h_next, h_prev, gate, new, x, W)


def test_a_tuple_is_a_record_and_no_series():
    """Its last member is x, and the others are no x1, x2, ... for that."""
    W, U = tg.Tensor(rng.standard_normal((4, 7))), tg.Tensor(rng.standard_normal((4, 7)))
    steps, h = rng.standard_normal((3, 3, 5)), np.zeros((4, 5))
    caches = []
    for t in range(3):
        x = steps[t]
        h, cache = cell(x, h, W, U)
        caches.append(cache)
    graph = tg.Graph(np.sum(h))
    for k, (_, _, gate, new, _, _) in enumerate(caches):
        assert [graph.find(gate).name, graph.find(new).name] == [f"gate{k + 1}", f"new{k + 1}"]


def test_a_loop_whose_first_round_begins_with_plain_arrays():
    """NumPy joins the first h and x; what is recorded is numbered by the rounds, all the same."""
    W, U = tg.Tensor(rng.standard_normal((4, 7))), tg.Tensor(rng.standard_normal((4, 7)))
    steps, h, made = rng.standard_normal((3, 3, 5)), np.zeros((4, 5)), []
    for x in steps:
        both = np.concatenate([h, x])
        gate = 1 / (1 + np.exp(-(W @ both)))
        new = np.tanh(U @ both)
        h = gate * h + (1 - gate) * new
        made.append((both, gate, new, h))
    graph = tg.Graph(np.sum(h * 1.0))
    for k, values in enumerate(made[:-1], 1):
        told = zip(values, ("both", "gate", "new", "h"), strict=True)
        assert all(graph.find(v).name == f"{name}{k}" for v, name in told if isinstance(v, tg.Tensor))


def test_numbers_of_a_loop_around_are_no_tensors():
    """A statement of which nothing is known but that it subtracts names nothing."""

    def labels(names):
        Y = tg.Tensor(np.array([[1.0, 0.0]]), requires_grad=False)
        A = tg.Tensor(np.array([[0.3, 0.4]]))
        for name in names:
            twice = len(name) - len(set(name))
            J = np.sum((1 - Y) * np.log(A)) + twice
        return called(J)

    assert not {"twice", "twice1", "twice2"} & labels(["aa", "ab"])


# Functions without names


def test_a_lambda_is_read():
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    A = X
    for W in weights():
        Z = W @ A
        A = sigmoid(Z)
    assert {"Z1", "A1", "Z2", "A2"} <= called(np.sum(A))


def test_lambdas_on_one_line_are_told_apart():
    first, second = (lambda z: np.tanh(z) + 0), lambda z: np.maximum(z, 0.1) * 2
    a = b = X
    for W in weights():
        a = first(W @ a)
        b = second(W @ b)
    graph = tg.Graph(np.sum(a) + np.sum(b))
    assert [graph.find(f"{n}1").op.name for n in "ab"] == ["add", "multiply"]


def dense(W, act):
    def forward(A):
        Z = W @ A
        return act(Z)

    return forward


def test_layers_that_are_functions_have_the_names_around_them():
    layers = [dense(W, act) for W, act in zip(weights(), (np.tanh, np.sin, lambda z: z * z), strict=True)]
    A = X
    for layer in layers:
        A = layer(A)
    assert {"W1", "W2", "W3", "Z1", "Z2", "A1", "A2"} <= called(np.sum(A))


# The ways of going through layers


def plainly(layers, A):
    for layer in layers:
        A = layer.forward(A)
    return A


def numbered(layers, A):
    for _k, layer in enumerate(layers):
        A = layer.forward(A)
    return A


def side_by_side(layers, A):
    for layer, _kind in zip(layers, "abc", strict=True):
        A = layer.forward(A)
    return A


def from_the_back(layers, A):
    behind = layers[::-1]
    for layer in reversed(behind):
        A = layer.forward(A)
    return A


@pytest.mark.parametrize("through", [plainly, numbered, side_by_side, from_the_back])
def test_layers_are_gone_through(through):
    layers = [Layer(W) for W in weights()]
    A = through(layers, X)
    assert {"Z1", "Z2", "Z3"} <= called(np.sum(A))


# Plain numbers, functions of several operations, statements that look alike


def test_examples_in_lists_of_numbers():
    w, b = tg.Tensor(0.4), tg.Tensor(0.1)
    xs, ys, J = [0.5, -1.5, 2.0], [1, 0, 1], 0
    for i in range(3):
        z = w * xs[i] + b
        a = 1 / (1 + np.exp(-z))
        J = J - (ys[i] * np.log(a) + (1 - ys[i]) * np.log(1 - a))
    assert {"z⁽¹⁾", "a⁽¹⁾", "z⁽²⁾", "a⁽²⁾"} <= called(J)


def cut_and_logged(p):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    loss = -np.log(p)
    return np.mean(loss)


def test_a_function_that_records_several_operations_is_the_last_of_them():
    """What went in has the same values here, and is no result of the cut for that."""
    z = tg.Tensor(np.array([0.3, -0.2]))
    a = 1 / (1 + np.exp(-z))
    graph = tg.Graph(cut_and_logged(a))
    assert [graph.find(name).op.name for name in ("a", "p", "loss")] == ["divide", "minimum", "negative"]


def test_statements_alike_are_told_apart_by_their_order():
    u = v = tg.Tensor(rng.standard_normal((2, 2)))
    pairs = []
    for _ in range(3):
        u, v = np.tanh(v * 2), np.tanh(u * 2)
        pairs.append((u, v))
    graph = tg.Graph(np.sum(u * v))
    for k, (first, second) in enumerate(pairs[:-1]):
        assert [graph.find(first).name, graph.find(second).name] == [f"u{k + 1}", f"v{k + 1}"]
