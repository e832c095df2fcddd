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


# masks


def test_a_mask_of_computed_values_is_computed_in_the_graph():
    X, W = PIXELS / 255, tg.Tensor(rng.normal(size=(2, 3)))
    Z = W @ X
    graph = tg.Graph(np.sum(np.where(np.abs(Z) > 0.3, Z, 0.01 * Z)))
    assert repr(graph.find("greater_1")) == "greater_1 (2, 6) = greater(absolute_1, 0.3)"


def test_a_mask_in_a_loop_over_layers_is_that_of_its_own_layer():
    A, layers = PIXELS / 255, [tg.Tensor(rng.normal(size=(3, 3))) for _ in range(3)]
    for V in layers:
        Z = V @ A
        A = np.where(Z > 0.1, Z, 0.2 * Z)
    graph = tg.Graph(np.sum(A))
    found = [(n.args[0].name, n.args[1]) for n in graph if n.op is not None and n.op.name == "greater"]
    assert found == [("Z1", 0.1), ("Z2", 0.1), ("Z3", 0.1)]


def test_a_mask_out_of_sight_is_told_as_the_sign_of_what_it_picks_from():
    class Net:
        def active(self, Z):
            return np.where(Z > 0, Z, 0.2 * Z)

    W, X = tg.Tensor(rng.normal(size=(2, 3))), rng.normal(size=(3, 6))
    graph = tg.Graph(np.sum(Net().active(W @ X)))
    assert "greater(matmul_1, 0)" in repr(graph.find("greater_1"))


def test_a_mask_that_is_no_sign_of_what_it_picks_from_is_given():
    W, X = tg.Tensor(rng.normal(size=(2, 3))), rng.normal(size=(3, 6))
    holder = iter([rng.random((2, 6)) < 0.5])
    graph = tg.Graph(np.sum((W @ X) * next(holder)))
    assert "mask_1" in graph


def test_a_derived_source_computes_a_mask_of_computed_values():
    X, w = rng.normal(size=(3, 6)), tg.Tensor(rng.normal(size=(1, 3)), name="w")
    e = w @ X
    J = np.mean(np.where(np.abs(e) <= 1, 0.5 * e**2, np.abs(e) - 0.5))
    space = {}
    exec(tg.derive(J, ["w"]).numpy_source(), space)
    other = rng.normal(size=(3, 9))
    v = w.data @ other
    right = np.clip(v, -1, 1) @ other.T / 9
    np.testing.assert_allclose(space["gradients"](X=other, w=w.data)["dw"], right, rtol=1e-12)
