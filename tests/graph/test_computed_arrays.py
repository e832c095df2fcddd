"""What NumPy computed of plain arrays before anything was recorded is in the graph."""

import numpy as np
import pytest

import tinygrad_edu as tg

rng = np.random.default_rng(0)
PIXELS = rng.integers(0, 256, (3, 6))
LABELS = np.array([[1.0, 0.0, 0.0, 1.0, 1.0, 0.0]])
CLASSES = np.array([2, 0, 1, 1, 2, 0])


def made_of(graph, name):
    """The leaves under the node that a matrix product takes beside w."""
    product = next(node for node in graph if node.op is not None and node.op.name == name)
    waiting, leaves = [a for a in product.inputs if not a.requires_grad], set()
    for node in waiting:
        leaves |= {node.name} if node.is_leaf else set()
        waiting += node.inputs
    return leaves


def test_an_expression_of_an_array_is_computed_in_the_graph():
    X, w = PIXELS, tg.Tensor(np.ones((1, 3)))
    graph = tg.Graph(np.sum(w @ (X / 255)))
    assert [repr(node) for node in graph][1:3] == ["X (3, 6)", "divide_1 (3, 6) = divide(X, 255)"]


def test_a_statistic_of_the_data_is_computed_in_the_graph():
    X, w = PIXELS, tg.Tensor(np.ones((1, 3)))
    graph = tg.Graph(np.sum(w @ ((X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True))))
    assert made_of(graph, "matmul") == {"X"}


def test_a_comparison_is_computed_in_the_graph():
    y, w = CLASSES, tg.Tensor(np.ones(6))
    assert made_of(tg.Graph(np.sum(w * (y == 1))), "multiply") == {"y"}


def test_what_a_function_computed_is_in_the_graph():
    def cost(A, Y):
        return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    A = tg.Tensor(np.full((1, 6), 0.3))
    J = cost(A, LABELS)
    assert [node.name for node in tg.Graph(J).inputs] == ["A", "LABELS"]


def test_what_a_method_computed_is_told_by_its_values():
    class Net:
        def cost(self, A, Y):
            return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    A, Y = tg.Tensor(np.full((1, 6), 0.3)), LABELS
    J = Net().cost(A, Y)
    assert [node.name for node in tg.Graph(J).inputs] == ["A", "Y"]


def test_an_array_that_has_changed_since_is_given():
    X, w = PIXELS.astype(float), tg.Tensor(np.ones((1, 3)))
    J = np.sum(w @ (X / 255))
    X[0, 0] += 1
    assert [node.name for node in tg.Graph(J).inputs] == ["w", "array_1"]


def test_an_array_in_a_variable_is_given():
    Y, w = LABELS, tg.Tensor(np.ones((1, 6)))
    negatives = 1 - Y
    graph = tg.Graph(np.sum(w * Y + w * negatives))
    assert [node.name for node in graph.inputs] == ["w", "Y", "negatives"]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_number_throughout_is_not_told_by_its_values(value):
    holder = iter([np.full((1, 6), value)])
    Y, w = np.full((1, 6), 1 - value), tg.Tensor(np.ones((1, 6)))
    graph = tg.Graph(np.sum(w * Y + w * next(holder)))
    assert len(graph.inputs) == 3


def test_a_derived_source_serves_other_data():
    X, Y, w, n = PIXELS, LABELS, tg.Tensor(np.ones((1, 3)), name="w"), 255.0
    J = np.sum((w @ ((X - X.mean()) / n) - (2 * Y - 1)) ** 2)
    space = {}
    exec(tg.derive(J, ["w"]).numpy_source(), space)
    other = {"X": rng.integers(0, 256, (3, 4)), "Y": np.array([[0.0, 1.0, 1.0, 0.0]]), "n": 10.0}
    scaled = (other["X"] - other["X"].mean()) / other["n"]
    right = 2 * (w.data @ scaled - (2 * other["Y"] - 1)) @ scaled.T
    np.testing.assert_allclose(space["gradients"](w=w.data, **other)["dw"], right, rtol=1e-12)


def test_many_arrays_that_nobody_holds_are_looked_at_quickly():
    w = tg.Tensor(np.ones((1, 6)))
    total = w * 0
    for _ in range(1500):
        total = total + w * (rng.random((1, 6)) < 0.5)
    assert len(tg.Graph(np.sum(total))) > 3000
