"""What the rounds of a loop are called: the parts of each layer, and states that a loop moves on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinygrad_edu as tg


class Layer(NamedTuple):
    W: Any
    b: Any


class Held:
    def __init__(self, W: Any, b: Any) -> None:
        self.W, self.b = W, b


def parts() -> list[tuple[Any, Any]]:
    sizes = [(3, 2), (1, 3)]
    return [(tg.Tensor(np.ones(size)), tg.Tensor(np.zeros((size[0], 1)))) for size in sizes]


def names(graph: tg.Graph, *operations: Any) -> list[str]:
    """The names of the leaves, and of the results of these operations."""
    return [node.name for node in graph if node.op is None or node.op in operations]


def by_attribute(make: Callable[..., Any]) -> tg.Graph:
    net = [make(W, b) for W, b in parts()]
    A = X = np.array([[1.0, 2.0], [3.0, 5.0]])
    for layer in net:
        A = np.tanh(layer.W @ A + layer.b)
    return tg.Graph(np.sum(A) * len(X))


def by_key() -> tg.Graph:
    net = [{"W": W, "b": b} for W, b in parts()]
    A = X = np.array([[1.0, 2.0], [3.0, 5.0]])
    for k, layer in enumerate(net):
        A = np.tanh(layer["W"] @ A + layer["b"]) * (k + 1)
    return tg.Graph(np.sum(A) * len(X))


def test_the_layers_of_a_loop_are_numbered_however_they_hold_their_parts() -> None:
    wanted = ["W1", "b1", "W2", "b2", "X", "A1", "A2"]
    assert names(by_attribute(Layer), tg.tanh) == wanted
    assert names(by_attribute(Held), tg.tanh) == wanted
    of_keys = names(by_key(), tg.multiply)
    assert of_keys[: len(wanted)] == wanted


def test_a_state_that_the_loop_computes_with_is_one_in_each_round() -> None:
    k, x, v = tg.Tensor(2.0), tg.Tensor(1.0), tg.Tensor(0.5)
    for _ in range(2):
        v = v - 0.1 * k * x
        x = x + 0.1 * v
    graph = tg.Graph(x**2)
    assert names(graph, tg.add, tg.subtract) == ["k", "x0", "v0", "v1", "x1", "v2", "x2"]


def test_a_product_by_a_layer_is_no_sum() -> None:
    h = X = np.array([[1.0, 2.0], [3.0, 5.0]])
    for W in [tg.Tensor(np.full((2, 2), float(k))) for k in range(3)]:
        h = W @ h
    assert names(tg.Graph(np.sum(h) * len(X)), tg.matmul)[-3:] == ["h1", "h2", "h3"]


def test_a_sum_that_a_loop_only_adds_to_has_no_parts() -> None:
    w, costs = tg.Tensor([1.0, 2.0], name="w"), []
    J = tg.Tensor(0.0, requires_grad=False)
    for k in range(3):
        J = J + np.sum(w**k)
        costs.append(J.item())
    found = names(tg.Graph(J), tg.add)
    assert found[-1] == "J"
    assert "J1" not in found
