"""What the nodes of a graph are called, and which of them are one: told by the code, never by values."""

import ast
import gc
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.graph.code import plain as plain_values


def names(graph):
    return [node.name for node in graph]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# one object, one node


@given(st.integers(2, 4), st.integers(2, 4))
def test_equal_arrays_are_two_nodes_and_one_array_is_one(rows, columns):
    Y, D = np.ones((rows, columns)), np.ones((rows, columns))
    w = tg.Tensor(np.full((rows, columns), 2.0))
    graph = tg.Graph((w * Y + D) * Y)
    assert {"Y", "D"} <= set(names(graph))
    assert len(graph.inputs) == 3


def test_a_derivation_keeps_a_mask_that_equals_the_labels():
    Y = np.array([1.0, 0.0, 1.0])
    D = Y.copy()
    w = tg.Tensor([0.3, -0.2, 0.1], name="w")
    J = np.sum((w * D - Y) ** 2)
    space = {}
    exec(tg.derive(J, ["w"], convention="exact").numpy_source(), space)
    other = {"w": w.data, "D": np.array([0.0, 1.0, 1.0]), "Y": np.array([2.0, 3.0, 4.0])}
    found = space["gradients"](**other)["dw"]
    np.testing.assert_allclose(found, 2 * (w.data * other["D"] - other["Y"]) * other["D"])


def test_an_array_written_to_in_between_is_two_nodes():
    X = np.array([1.0, 2.0])
    w = tg.Tensor([1.0, 1.0])
    first = w * X
    X = X * 1.0
    X[0] = 5.0
    graph = tg.Graph(first + w * X)
    assert len([n for n in graph.inputs if not n.requires_grad]) == 2


# what was computed from constants


def test_what_was_computed_from_constant_tensors_is_in_the_graph():
    X = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=False)
    W = tg.Tensor([[1.0, 2.0]])
    Xn = (X - np.mean(X)) / 255
    graph = tg.Graph(np.sum(W @ Xn))
    assert {"X", "W", "Xn"} <= set(names(graph))
    assert [n.name for n in graph.inputs] == ["X", "W"]
    assert graph.find(Xn).name == "Xn"
    np.testing.assert_array_equal(graph.find("Xn").value, Xn.data)


def test_a_constant_whose_operand_has_changed_is_given():
    X = tg.Tensor(np.arange(3.0), requires_grad=False)
    W = tg.Tensor(np.ones(3))
    half = X / 2
    X.data = X.data + 1
    graph = tg.Graph(np.sum(W * half))
    assert graph.find(half).is_leaf
    np.testing.assert_array_equal(graph.find(half).value, [0.0, 0.5, 1.0])


def test_a_constant_whose_operand_is_gone_is_given():
    def data():
        return tg.Tensor(np.arange(3.0), requires_grad=False) / 2

    half = data()
    gc.collect()
    W = tg.Tensor(np.ones(3))
    assert tg.Graph(np.sum(W * half)).find(half).is_leaf


def test_a_constant_that_is_updated_for_ever_remembers_little():
    average = tg.Tensor(np.zeros(3), requires_grad=False)
    for _ in range(200):
        average = average * 0.9 + 0.1
    W = tg.Tensor(np.ones(3))
    assert len(tg.Graph(np.sum(W * average))) < 40


# names


@dataclass
class Layer:
    W: tg.Tensor
    b: tg.Tensor
    notes: dict = field(default_factory=dict)


class Net:
    def __init__(self):
        self.params = {"W1": tg.Tensor(np.ones((2, 3))), "b1": tg.Tensor(np.zeros((2, 1)))}
        self.V = tg.Tensor(np.ones((1, 2)))

    def cost(self, X):
        return np.mean((self.V @ np.tanh(self.params["W1"] @ X + self.params["b1"])) ** 2)


def test_names_in_attributes_and_dicts():
    net = Net()
    X = np.ones((3, 4))
    assert {"W1", "b1", "V", "X"} <= set(names(tg.Graph(net.cost(X))))


@pytest.mark.parametrize("made", [list, tuple])
def test_quantities_with_names_keep_them_in_a_list(made):
    X = np.ones((3, 4))
    w, b = tg.Tensor(np.ones((1, 3))), tg.Tensor(np.ones((1, 1)))
    Z = w @ X + b
    A = np.tanh(Z)
    params, cache = made([w, b]), made([Z, A])
    J = np.sum(A**2)
    assert len(params) == len(cache) == 2
    assert {"w", "b", "Z", "A"} <= set(names(tg.Graph(J)))


def test_names_in_a_method():
    class Drawn(Net):
        def names(self):
            return names(tg.Graph(self.cost(np.ones((3, 4)))))

    assert {"W1", "b1", "V"} <= set(Drawn().names())


def test_names_of_fields_in_a_list():
    layers = [Layer(tg.Tensor(np.eye(2)), tg.Tensor(np.zeros((2, 1)))) for _ in range(2)]
    A = np.ones((2, 3))
    for layer in layers:
        A = np.tanh(layer.W @ A + layer.b)
    graph = tg.Graph(np.sum(A))
    assert [graph.find(layer.W).name for layer in layers] == ["W1", "W2"]
    assert "layers[0].W" in graph.names_of("W1")


def test_a_tensor_answers_to_every_name_that_reaches_it():
    P = {"W1": tg.Tensor(2.0)}
    W = P["W1"]
    graph = tg.Graph(W * W)
    assert graph.find("W1") is graph.find("W") is graph.find("P['W1']") is graph.find(W)


@pytest.mark.parametrize(
    ("array", "name"),
    [
        (np.zeros((2, 2)), "zeros_1"),
        (np.array([[1.0, 0.0], [0.0, 1.0]]), "one_hot_1"),
        (np.array([[True, False], [True, True]]), "mask_1"),
        (np.array([[1.5, 2.0], [0.0, 1.0]]), "array_1"),
    ],
)
def test_an_array_without_a_name_says_what_it_is(array, name):
    holder = iter([array.copy()])
    del array
    w = tg.Tensor(np.ones((2, 2)))
    assert name in names(tg.Graph(w * next(holder)))


# the notes' loop over layers


def network(L, rng, m):
    dims = [3, *rng.integers(2, 5, L - 1), 1]
    P = {}
    for l in range(1, L + 1):
        P["W" + str(l)] = tg.Tensor(rng.standard_normal((dims[l], dims[l - 1])))
        P["b" + str(l)] = tg.Tensor(rng.standard_normal((dims[l], 1)))
    return P, rng.standard_normal((3, m)), (rng.random((1, m)) < 0.5) * 1.0


@pytest.mark.parametrize("L", [2, 3, 5])
def test_the_loop_over_layers_with_caches(L):
    P, X, Y = network(L, np.random.default_rng(L), 7)
    A, caches = X, []
    for l in range(1, L + 1):
        A_prev, W, b = A, P["W" + str(l)], P["b" + str(l)]
        Z = np.dot(W, A_prev) + b
        A = np.tanh(Z) if l < L else sigmoid(Z)
        caches.append((A_prev, W, Z, A))
    J = -1 / 7 * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    graph = tg.Graph(J)
    for l in range(1, L + 1):
        _, W, Z, A = caches[l - 1]
        assert [graph.find(t).name for t in (W, Z, A)] == [f"W{l}", f"Z{l}", f"A{l}"]
        assert graph.find(f"caches[{l - 1}][2]").name == f"Z{l}"


@pytest.mark.parametrize("L", [2, 3, 5])
def test_the_loop_over_layers_without_caches(L):
    P, X, Y = network(L, np.random.default_rng(L), 7)
    A = X
    for l in range(1, L + 1):
        Z = P["W" + str(l)] @ A + P[f"b{l}"]
        A = np.tanh(Z) if l < L else sigmoid(Z)
    J = -1 / 7 * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    graph = tg.Graph(J)
    wanted = {f"{q}{l}" for l in range(1, L + 1) for q in "WbZA"}
    assert wanted <= set(names(graph))
    for l in range(1, L + 1):
        assert graph.find(f"b{l}") in graph.find(f"Z{l}").inputs


@pytest.mark.parametrize("start", ["np.zeros((4, 5))", "rng.normal(size=(4, 5))"])
def test_a_recurrent_loop_is_numbered_from_its_first_step(start):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 3, 5))
    Wx = tg.Tensor(rng.normal(size=(4, 3)), requires_grad=True)
    Wh = tg.Tensor(rng.normal(size=(4, 4)), requires_grad=True)
    h = eval(start)
    for t in range(6):
        h = np.tanh(Wx @ X[t] + Wh @ h)
    J = np.mean(h**2)
    steps = [node.name for node in tg.Graph(J).nodes if node.op is not None and node.op.name == "tanh"]
    assert steps == ["h1", "h2", "h3", "h4", "h5", "h6"]


def test_a_loop_over_examples_is_numbered_above():
    X, Y = np.arange(6.0).reshape(2, 3), np.array([1.0, 0.0, 1.0])
    w, b = tg.Tensor(np.ones(2)), tg.Tensor(0.0)
    J = 0
    for i in range(3):
        z = np.sum(w * X[:, i]) + b
        a = sigmoid(z)
        J += -(Y[i] * np.log(a) + (1 - Y[i]) * np.log(1 - a))
    J /= 3
    assert {"z⁽¹⁾", "z⁽²⁾", "z⁽³⁾", "a⁽¹⁾", "a⁽³⁾", "w", "b"} <= set(names(tg.Graph(J)))


# plain numbers


def said(graph):
    return {text for node in graph for text in node.said if text}


@pytest.mark.parametrize("y", [0.0, 1.0, 1])
def test_one_example_keeps_its_plain_numbers_by_name(y):
    x1, x2 = 1.0, 2.0
    w1, w2, b = tg.Tensor(0.3), tg.Tensor(-0.2), tg.Tensor(0.1)
    z = w1 * x1 + w2 * x2 + b
    a = sigmoid(z)
    loss = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    assert {"x1", "x2", "y", "1 - y"} <= said(tg.Graph(loss))


def test_a_literal_and_a_number_of_another_value_say_nothing():
    m = 4
    w = tg.Tensor([1.0, 2.0])
    J = np.sum(w) / 5 + m
    assert said(tg.Graph(J)) == {"m"}
    K = np.sum(w * w) / m
    m = 3
    assert said(tg.Graph(K)) == set()


def test_nothing_of_the_caller_is_run_but_reading():
    calls = []

    class Counted:
        @property
        def rate(self):
            calls.append(1)
            return 2.0

        def __getattr__(self, name):
            calls.append(name)
            raise AttributeError(name)

    counted = Counted()
    w = tg.Tensor(1.0)
    J = w * 2.0
    K = J * counted.rate
    calls.clear()
    tg.Graph(K)
    assert calls == []


def test_an_expression_is_worked_out_only_where_it_reads():
    scope = plain_values.Scope({"x": [3.0], "f": print, "X": np.ones((2, 3))})
    worked_out = {"x[0] * 2": 6.0, "X.shape[1]": 3, "-x[0]": -3.0, "len(x)": 1, "1 / (2 * X.shape[0])": 0.25}
    for text, value in worked_out.items():
        assert plain_values.plain(ast.parse(text, mode="eval").body, scope) == value
    for text in ("f(1)", "x.append(1)", "[y for y in x]", "(lambda: 1)()", "open('a')", "missing"):
        with pytest.raises(plain_values.Unknown):
            plain_values.plain(ast.parse(text, mode="eval").body, scope)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("W₁", "W1"), ("x²", "x2"), ("Z⁽¹⁾", "Z_1"), ("θ₁", "θ1"), ("a½", "a1_2"), ("W[1]", "W[1]")],
)
def test_an_input_is_called_what_a_parameter_can_be_called(name, plain):
    x = tg.Tensor(2.0, name=name)
    graph = tg.Graph(x * x)
    assert [node.name for node in graph.inputs] == [plain]
    assert graph.find(name).tensor is x
    y = tg.Tensor(3.0) * 2.0
    y.name = name
    assert tg.Graph(y).outputs[0].name == name  # what is computed is no parameter


@pytest.mark.parametrize("pair", [("\u00b5", "\u03bc"), ("\ufb01", "fi"), ("\U0001d416", "W"), ("W₁", "W1")])
def test_names_that_python_takes_for_one_are_told_apart(pair):
    a, b = (tg.Tensor(value, name=name) for value, name in zip((2.0, 3.0), pair, strict=True))
    J = a * a * b
    graph = tg.Graph(J)
    assert [graph.find(name).tensor for name in pair] == [a, b]
    assert {node.name for node in graph.inputs} == {pair[1], f"{pair[1]}_1"}
    space = {}
    exec(tg.derive(J, pair).numpy_source(), space)
    values = {node.name: node.value for node in graph.inputs}
    assert list(space["gradients"](**values).values()) == [12.0, 4.0]


@pytest.mark.parametrize("name", ["W₁", "x²", "Z⁽¹⁾"])
def test_an_input_answers_to_the_name_it_was_given(name):
    x = tg.Tensor(2.0, name=name)
    J = x * x * 3.0
    for key in (name, f"d{name}", x):
        assert tg.check.compare(J, {key: 12.0}).ok
    assert tg.derive(J, name)[f"d{name}"].shape == ()


def test_a_named_number_of_one_example_is_an_input_and_no_node():
    c, k = 1e20, 10**20
    x = tg.Tensor(2.0, name="x")
    J = c * x * x
    graph = tg.Graph(J)
    assert [node.name for node in graph.inputs] == ["x", "c"]
    assert [node.name for node in graph if node.is_leaf] == ["x"]
    assert [node.name for node in tg.Graph(J, names=False).inputs] == ["x"]
    assert len(tg.Graph(x * k)) == 2
    space = {}
    exec(tg.derive(J).numpy_source(), space)
    assert space["gradients"](**{node.name: node.value for node in graph.inputs}) == {"dx": 4e20}


def test_a_slice_of_an_array_is_called_by_its_place():
    X = np.random.default_rng(0).normal(size=(3, 2, 4))
    w = tg.Tensor(np.ones((1, 2)), name="w")
    out_of_sight = (X[t].copy() for t in (0, 2))
    J = np.sum(w @ next(out_of_sight)) + np.sum(w @ next(out_of_sight))
    assert {node.name for node in tg.Graph(J).inputs} == {"w", "X_0", "X_2"}
    last = np.sum(w @ np.ascontiguousarray(X[:, :, 1].T))
    assert {node.name for node in tg.Graph(last).inputs} != {"w", "X_1"}  # turned, it is no slice


def test_where_something_is_in_memory_is_no_name():
    w = tg.Tensor(1.0, name="w")
    J = np.exp(w) * 2.0
    by_place = {id(t): t for t in (J, J.inputs[0])}
    assert all(str(key) not in node.name for node in tg.Graph(J) for key in by_place)


class Settings:
    def __init__(self, **given: float) -> None:
        self.__dict__["given"] = given

    def __getattr__(self, name: str) -> float:
        return self.given[name]


def test_an_object_is_not_asked_for_attributes_that_the_code_does_not_name() -> None:
    """It may raise another error than AttributeError where it has none."""
    params, of = {"W": tg.Tensor(np.ones((1, 3)))}, Settings(rate=0.1)
    for k in range(3):
        X = np.full((3, 2), 1.0 + k)
        J = np.sum((params["W"] @ (X * of.rate)) ** 2)
        assert tg.Graph(J).find("W")


def test_an_array_with_new_axes_has_the_name_of_the_one_whose_entries_it_has():
    x, mask = tg.Tensor(np.arange(12.0).reshape(3, 4)), np.array([1.0, 0, 1])
    out_of_sight = (factor * mask[:, None] for factor in (1, 2))
    assert "mask" in {node.name for node in tg.Graph(np.sum(x * next(out_of_sight)))}
    assert "mask" not in {node.name for node in tg.Graph(np.sum(x * next(out_of_sight)))}
