"""What a function of the caller's computed keeps its names and its history when the function has returned."""

import inspect
import linecache

import numpy as np
import pytest

import tinygrad_edu as tg

rng = np.random.default_rng(0)


def names(J):
    return [node.name for node in tg.Graph(J)]


def parameters(**shapes):
    draw = np.random.default_rng(7)
    return {name: tg.Tensor(0.5 * draw.standard_normal(shape)) for name, shape in shapes.items()}


# a cost in the forms in which people write it

SHAPES = {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}
QUANTITIES = ["Xn", "Z1", "A1", "Z2", "A2", "logprobs"]


def of_arguments(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Xn = (X - np.mean(X, axis=1, keepdims=True)) / np.std(X, axis=1, keepdims=True)
    Z1 = np.dot(W1, Xn) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return -1 / m * np.sum(logprobs)


def of_a_dictionary(X, Y, P):
    m = Y.shape[1]
    W1, b1 = P["W1"], P["b1"]
    Xn = (X - np.mean(X, axis=1, keepdims=True)) / np.std(X, axis=1, keepdims=True)
    Z1 = np.dot(W1, Xn) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(P["W2"], A1) + P["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    cost = -1 / m * np.sum(logprobs)
    return cost, {"A2": A2}


class Net:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        Xn = (X - np.mean(X, axis=1, keepdims=True)) / np.std(X, axis=1, keepdims=True)
        Z1 = np.dot(self.W1, Xn) + self.b1
        A1 = np.maximum(0, Z1)
        Z2 = np.dot(self.W2, A1) + self.b2
        return 1 / (1 + np.exp(-Z2))

    def cost(self, X, Y):
        m = Y.shape[1]
        A2 = self.forward(X)
        logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
        return -1 / m * np.sum(logprobs)


def by_arguments(X, Y, P):
    J = of_arguments(X, Y, **P)
    return J, tg.Graph(J), tg.derive(J, list(P))


def by_a_dictionary(X, Y, P):
    J, _cache = of_a_dictionary(X, Y, P)
    return J, tg.Graph(J), tg.derive(J, list(P))


def by_methods(X, Y, P):
    net = Net(**P)
    J = net.cost(X, Y)
    return J, tg.Graph(J), tg.derive(J, list(P))


FORMS = pytest.mark.parametrize("form", [by_arguments, by_a_dictionary, by_methods])


def data(m, seed):
    draw = np.random.default_rng(seed)
    return draw.standard_normal((3, m)), (draw.random((1, m)) > 0.5) * 1


@FORMS
def test_its_variables_name_what_it_computed(form):
    _, graph, _ = form(*data(7, 1), parameters(**SHAPES))
    assert [name for name in QUANTITIES if name in graph] == QUANTITIES


@FORMS
def test_a_derivation_is_written_in_its_variables(form):
    _, _, derivation = form(*data(7, 1), parameters(**SHAPES))
    formulas = [step.formula for step in derivation.steps]
    assert "dZ2 = A2 - Y" in formulas
    assert "dZ1 = dA1 * (Z1 > 0)" in formulas
    assert "dW1 = dZ1 @ Xn.T / m" in formulas


@FORMS
def test_the_derived_source_serves_other_examples(form):
    _, _, derivation = form(*data(7, 1), parameters(**SHAPES))
    space = {}
    exec(derivation.numpy_source(), space)
    X, Y = data(5, 2)
    P = parameters(**SHAPES)
    J, _, _ = form(X, Y, P)
    right = dict(zip(P, tg.grad(J, list(P.values())), strict=True))
    found = space["gradients"](X=X, Y=Y, **{name: W.data for name, W in P.items()})
    for name, gradient in right.items():
        np.testing.assert_allclose(found[f"d{name}"], gradient.data, rtol=1e-10)


def test_gradients_are_compared_by_its_variables():
    (X, Y), P = data(7, 1), parameters(**SHAPES)
    J = of_arguments(X, Y, **P)
    A2 = tg.Graph(J).find("A2").value
    assert tg.check.compare(J, {"dZ2": A2 - Y}).ok
    assert not tg.check.compare(J, {"dZ2": A2 + Y}).ok


def test_the_cost_is_written_with_m():
    _, _, derivation = by_arguments(*data(7, 1), parameters(**SHAPES))
    assert derivation.forward[-1].formula == "J = -1 / m * np.sum(logprobs)"


# calls


def layer(A, W, b):
    Z = W @ A + b
    return np.tanh(Z)


def test_a_function_that_is_called_often_names_its_values_in_order():
    P = parameters(W1=(4, 3), b1=(4, 1), W2=(2, 4), b2=(2, 1))
    X = rng.standard_normal((3, 5))
    J = np.sum(layer(layer(X, P["W1"], P["b1"]), P["W2"], P["b2"]))
    assert [name for name in names(J) if name[0] == "Z"] == ["Z1", "Z2"]


def test_a_function_that_only_transforms_is_one_step():
    def squashed(z):
        e = np.exp(-z)
        return 1 / (1 + e)

    W, X = tg.Tensor(rng.standard_normal((2, 3))), rng.standard_normal((3, 5))
    J = np.sum(squashed(W @ X))
    assert "e" not in tg.Graph(J)


class Layer:
    def __init__(self, W):
        self.W = W

    def forward(self, A):
        Z = self.W @ A
        return np.tanh(Z)


def test_a_method_of_the_members_of_a_list_is_that_of_each():
    layers = [Layer(tg.Tensor(rng.standard_normal((3, 3)))) for _ in range(3)]
    A = rng.standard_normal((3, 5))
    for each in layers:
        A = each.forward(A)
    graph = tg.Graph(np.sum(A))
    assert [graph.find(f"Z{k}").args[0].tensor is layers[k - 1].W for k in (1, 2, 3)] == [True] * 3


def test_a_live_variable_has_the_first_word():
    def cost(A):
        S = A @ np.ones((3, 1))
        return np.sum(S)

    B = tg.Tensor(rng.standard_normal((2, 3))) * 2.0
    assert "B" in tg.Graph(cost(B))


def test_a_function_that_calls_itself_is_read():
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    x = tg.Tensor(1.5)
    assert len(tg.Graph(power(x, 3))) == 3


@pytest.mark.parametrize("flag", [True, False])
def test_a_name_that_is_bound_twice_is_none_of_the_two_for_sure(flag):
    def cost(W, X):
        Z = W @ X
        if flag:
            Z = np.tanh(Z)
        return np.sum(Z)

    W, X = tg.Tensor(rng.standard_normal((2, 3))), rng.standard_normal((3, 5))
    J = cost(W, X)
    assert sorted(name for name in names(J) if name[0] == "Z") == (["Z1", "Z2"] if flag else ["Z"])


# numbers and parts of arrays


def test_a_number_that_was_computed_of_data_is_computed_in_the_graph():
    R, M = rng.standard_normal((4, 5)), rng.random((4, 5)) > 0.4
    U = tg.Tensor(rng.standard_normal((4, 5)), name="U")
    J = np.sum(M * (U - R) ** 2) / np.sum(M)
    space = {}
    exec(tg.derive(J, ["U"]).numpy_source(), space)
    M = rng.random((4, 5)) > 0.7
    right = 2 * M * (U.data - R) / np.sum(M)
    np.testing.assert_allclose(space["gradients"](R=R, M=M, U=U.data)["dU"], right, rtol=1e-12)


def test_a_number_that_numpy_computed_of_data_is_computed_though_a_variable_holds_it():
    M, U = rng.random((4, 5)) > 0.4, tg.Tensor(rng.standard_normal((4, 5)), name="U")
    n = np.sum(M)
    J = np.sum(M * U**2) / n
    derived = _function_of(tg.derive(J, ["U"]))
    assert set(inspect.signature(derived).parameters) == {"M", "U"}
    np.testing.assert_allclose(derived(~M, U.data)["dU"], ~M * 2 * U.data / np.sum(~M))


def test_a_number_that_a_variable_holds_stays_one():
    M, U = rng.random((4, 5)) > 0.4, tg.Tensor(rng.standard_normal((4, 5)), name="U")
    n = 12.5
    J = np.sum(M * U**2) / n
    assert "n" in inspect.signature(_function_of(tg.derive(J, ["U"]))).parameters


def _function_of(derivation):
    space = {}
    exec(derivation.numpy_source(), space)
    return space["gradients"]


def recurrent(X, Wx, Wh):
    h = np.zeros((4, X.shape[2]))
    for t in range(X.shape[0]):
        h = np.tanh(Wx @ X[t] + Wh @ h)
    return np.sum(h**2)


def test_what_a_loop_takes_out_of_an_array_is_a_part_of_it():
    X, P = rng.standard_normal((3, 2, 5)), parameters(Wx=(4, 2), Wh=(4, 4))
    J = recurrent(X, **P)
    formulas = [step.formula for step in tg.derive(J, list(P)).forward]
    assert formulas[:2] == ["h1 = np.tanh(Wx @ X[0] + Wh @ h0)", "h2 = np.tanh(Wx @ X[1] + Wh @ h1)"]


def test_equal_parts_of_an_array_are_told_apart_by_where_they_are():
    X, P = np.ones((3, 2, 5)), parameters(Wx=(4, 2), Wh=(4, 4))
    graph = tg.Graph(recurrent(X, **P))
    assert [n.settings["index"] for n in graph if n.op is not None and n.op.name == "getitem"] == [0, 1, 2]


def test_a_part_that_was_written_to_since_is_given():
    X, P = rng.standard_normal((3, 2, 5)), parameters(Wx=(4, 2), Wh=(4, 4))
    J = recurrent(X, **P)
    X[1] = 0
    taken = [n.settings["index"] for n in tg.Graph(J) if n.op is not None and n.op.name == "getitem"]
    assert taken == [0, 2]


def test_labels_that_pick_rows_of_an_array_are_an_argument():
    def cost(W, X, labels):
        Y = np.eye(3)[labels].T
        A = tg.softmax(W @ X, axis=0)
        return -np.sum(Y * np.log(A)) / X.shape[1]

    W, X, labels = (
        tg.Tensor(rng.standard_normal((3, 2)), name="W"),
        rng.standard_normal((2, 6)),
        np.arange(6) % 3,
    )
    J = cost(W, X, labels)
    assert "labels" in inspect.signature(_function_of(tg.derive(J, ["W"]))).parameters


def test_what_a_loop_bound_is_numbered():
    W, V = tg.Tensor(rng.standard_normal((4, 6))), tg.Tensor(rng.standard_normal((4, 4)))
    h = np.zeros((4, 1))
    for k in (2, 0, 5):
        x = np.zeros((6, 1))
        x[k] = 1
        h = np.tanh(W @ x + V @ h)
    assert [name for name in names(np.sum(h)) if name[0] in "xh"] == [
        "x1",
        "h0",
        "h1",
        "x2",
        "h2",
        "x3",
        "h3",
    ]


def another_experiment():
    for _ in range(2):
        a, b = tg.Tensor(2.0, name="a"), tg.Tensor(3.0, name="b")
        total = a + b
    return total.item()


def test_tensors_of_other_values_were_none_of_these():
    another_experiment()
    c, d = tg.Tensor(1.3), tg.Tensor(0.7)
    J = np.log(c + d)
    assert names(J) == ["c", "d", "add_1", "J"]


def test_what_each_line_uses_twice_is_read_once():
    lines = [f"    b{k + 1} = b{k} + b{k}\n" for k in range(60)]
    text = ["def doubled(x, w):\n", "    b0 = x * 0.5\n", *lines, "    return np.sum(w * b60)\n"]
    linecache.cache["doubled.py"] = sum(map(len, text)), None, text, "doubled.py"
    space = {"np": np}
    exec(compile("".join(text), "doubled.py", "exec"), space)
    w, doubled = tg.Tensor([1.0, 2.0]), space["doubled"]
    for k in range(2):
        x = np.array([1.0, 2.0 + k])
        J = doubled(x, w)
    assert "b60" in names(J)


def first_form(W, X):
    out = W @ X
    out = np.tanh(out)
    return out  # noqa: RET504  (its name is looked for)


def other_form(W, X):
    z = W @ X
    a = np.tanh(z)
    return a  # noqa: RET504


def test_a_function_that_computed_another_result_says_nothing_of_this_one():
    """Their code is alike, so that either could have computed both."""
    P, X = parameters(W=(2, 3)), rng.standard_normal((3, 4))
    one = np.mean(first_form(P["W"], X) ** 2)
    assert names(one)[2:4] == ["out1", "out2"]
    two = np.mean(other_form(P["W"], X) ** 2)
    assert names(two)[2:4] == ["z", "a"]
    assert names(one)[2:4] == ["out1", "out2"]
