"""The course's networks: the formulas are the notes', and their source gives autodiff's gradients."""

import ast
import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.derive.conftest import inputs_of, run_source

TWO_LAYERS = """\
Z1 = W1 @ X + b1
A1 = np.tanh(Z1)
Z2 = W2 @ A1 + b2
A2 = sigmoid(Z2)
J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
dA2 = (1 - Y) / (1 - A2) - Y / A2
dZ2 = A2 - Y
db2 = np.sum(dZ2, axis=1, keepdims=True) / m
dW2 = dZ2 @ A1.T / m
dA1 = W2.T @ dZ2
dZ1 = dA1 * (1 - A1**2)
db1 = np.sum(dZ1, axis=1, keepdims=True) / m
dW1 = dZ1 @ X.T / m"""
EXACT = {
    "dA2": "((1 - Y) / (1 - A2) - Y / A2) / m",
    "dZ2": "(A2 - Y) / m",
    "dW2": "dZ2 @ A1.T",
    "db2": "np.sum(dZ2, axis=1, keepdims=True)",
    "dZ1": "dA1 * (1 - A1**2)",
}


def two_layers(rng, n0=3, n1=4, n2=1, m=7, g=np.tanh, **options):
    X, Y = rng.normal(size=(n0, m)), (rng.random((n2, m)) < 0.5) * 1.0
    W1, b1 = tg.Tensor(rng.normal(size=(n1, n0))), tg.Tensor(rng.normal(size=(n1, 1)))
    W2, b2 = tg.Tensor(rng.normal(size=(n2, n1))), tg.Tensor(rng.normal(size=(n2, 1)))
    Z1 = W1 @ X + b1
    A1 = g(Z1)
    Z2 = W2 @ A1 + b2
    A2 = tg.sigmoid(Z2)
    J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    given = {"X": X, "Y": Y, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
    return J, given, tg.derive(J, [W1, b1, W2, b2], **options)


def sizes(rng):
    return dict(
        zip(("n0", "n1", "m"), (int(n) for n in rng.choice(np.arange(2, 12), 3, replace=False)), strict=True)
    )


def arrays(given):
    return {name: v.detach().data if isinstance(v, tg.Tensor) else v for name, v in given.items()}


def test_two_layers_give_the_formulas_of_the_notes():
    _, _, derivation = two_layers(np.random.default_rng(0))
    assert [s.formula for s in (*derivation.forward, *derivation.steps)] == TWO_LAYERS.splitlines()


def test_the_exact_convention_gives_the_derivatives_of_J():
    _, _, derivation = two_layers(np.random.default_rng(0), convention="exact")
    assert derivation.convention == "exact"
    for name, formula in EXACT.items():
        assert derivation[name].formula == f"{name} = {formula}"


@pytest.mark.parametrize("seed", range(10))
def test_the_source_agrees_with_autodiff_on_random_shapes(seed):
    g = (np.tanh, tg.relu, tg.sigmoid, tg.leaky_relu)[seed % 4]
    rng = np.random.default_rng(seed)
    J, given, derivation = two_layers(rng, **sizes(rng), g=g)
    parameters = {name: v for name, v in given.items() if isinstance(v, tg.Tensor)}
    found = run_source(derivation, arrays(given))
    for name, gradient in zip(parameters, tg.grad(J, list(parameters.values())), strict=True):
        np.testing.assert_allclose(found[f"d{name}"], gradient, rtol=1e-12, atol=1e-13)


def test_a_source_derived_for_some_examples_holds_for_any_number_of_them():
    _, _, derivation = two_layers(np.random.default_rng(0), m=6)
    J, given, _ = two_layers(np.random.default_rng(1), m=11)
    found = run_source(derivation, arrays(given))
    for name in ("W1", "b1", "W2", "b2"):
        (gradient,) = tg.grad(J, [given[name]], create_graph=True)
        np.testing.assert_allclose(found[f"d{name}"], gradient.data, rtol=1e-12, atol=1e-13)


def test_what_belongs_to_single_examples_is_m_times_the_derivative():
    J, _, derivation = two_layers(np.random.default_rng(0), m=7)
    assert derivation.convention == "course"
    J.backward()
    for step in derivation.steps:
        tensor = next(node.tensor for node in derivation.graph if node.name == step.of)
        factor = 7 if step.name[1] in "ZA" else 1
        np.testing.assert_allclose(step.value, factor * tensor.grad, rtol=1e-12)


def test_the_source_needs_numpy_alone_and_has_no_line_for_nothing():
    _, _, derivation = two_layers(np.random.default_rng(0))
    tree = ast.parse(derivation.numpy_source())
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports == ["import numpy as np"]
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        assert stored <= {n.id for n in names if isinstance(n.ctx, ast.Load)}
    assert max(map(len, derivation.numpy_source().splitlines())) <= 110


def test_the_docstring_of_the_source_has_the_shapes():
    _, _, derivation = two_layers(np.random.default_rng(0))
    space = {}
    exec(derivation.numpy_source(), space)
    doc = inspect.getdoc(space["gradients"])
    assert "with respect to W1, b1, W2 and b2" in doc
    assert "X (3, m), Y (1, m), W1 (4, 3), b1 (4, 1)" in doc
    assert list(inspect.signature(space["gradients"]).parameters) == ["X", "Y", "W1", "b1", "W2", "b2"]


@pytest.mark.parametrize("cost", ["op", "mean", "sum"])
@pytest.mark.parametrize("unit", ["op", "e^-z", "e^z"])
def test_sigmoid_with_cross_entropy_gives_A_minus_Y(unit, cost):
    rng = np.random.default_rng(3)
    X, Y, m = rng.normal(size=(3, 6)), (rng.random((1, 6)) < 0.5) * 1.0, 6
    w, b = tg.Tensor(rng.normal(size=(3, 1))), tg.Tensor(0.3)
    Z = w.T @ X + b
    A = {
        "op": lambda: tg.sigmoid(Z),
        "e^-z": lambda: 1 / (1 + np.exp(-Z)),
        "e^z": lambda: np.exp(Z) / (np.exp(Z) + 1),
    }[unit]()
    J = {
        "op": lambda: tg.binary_cross_entropy(A, Y),
        "mean": lambda: -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
        "sum": lambda: -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
    }[cost]()
    derivation = tg.derive(J, [w, b])
    assert derivation["dZ"].formula == "dZ = A - Y"
    assert derivation["dw"].formula == "dw = X @ dZ.T / m"
    assert derivation["db"].formula == "db = np.sum(dZ) / m"


@pytest.mark.parametrize("cost", ["softmax of Z", "log A", "mean of sums", "written out", "named on the way"])
def test_softmax_with_cross_entropy_gives_A_minus_Y(cost, source_agrees):
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(3, 6)), np.eye(4)[:, rng.integers(0, 4, 6)]
    W, b = tg.Tensor(rng.normal(size=(4, 3))), tg.Tensor(np.zeros((4, 1)))
    Z = W @ X + b
    e = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    A = {
        "written out": lambda: np.exp(Z) / np.sum(np.exp(Z), axis=0, keepdims=True),
        "named on the way": lambda: e / np.sum(e, axis=0, keepdims=True),
    }.get(cost, lambda: tg.softmax(Z, axis=0))()
    J = {
        "softmax of Z": lambda: tg.softmax_cross_entropy(Z, Y),
        "log A": lambda: -np.sum(Y * np.log(A)) / X.shape[1],
        "mean of sums": lambda: -np.mean(np.sum(Y * np.log(A), axis=0)),
    }.get(cost, lambda: -np.sum(Y * np.log(A)) / X.shape[1])()
    derivation = source_agrees(J, ["W", "b"], names={"W": W, "b": b, "Z": Z, "A": A, "J": J})
    assert derivation["dZ"].formula == ("dZ = softmax(Z) - Y" if cost == "softmax of Z" else "dZ = A - Y")
    assert "sum to 1" in derivation.assumptions[-1]


def test_labels_that_are_no_shares_of_1_are_not_taken_for_such(source_agrees):
    rng = np.random.default_rng(4)
    Z, Y = (
        tg.Tensor(rng.normal(size=(4, 6)), name="Z"),
        tg.Tensor(rng.random((4, 6)), requires_grad=False, name="Y"),
    )
    derivation = source_agrees(tg.softmax_cross_entropy(Z, Y), ["Z"])
    assert "np.sum(Y, axis=0, keepdims=True)" in derivation["dZ"].formula
    assert derivation.assumptions[1:] == ()


def test_a_cancellation_that_it_removes_is_named():
    _, _, derivation = two_layers(np.random.default_rng(0))
    assert derivation["dZ2"].note.startswith("A2 * (1 - A2) has cancelled")
    assert derivation["dZ1"].note == ""


def test_an_overflow_that_it_removes_is_named():
    x = tg.Tensor([0.5, -800.0])
    with np.errstate(over="ignore", invalid="ignore"):
        a = 1 / (1 + np.exp(-x))
        J = np.sum(a * a)
        derivation = tg.derive(J, [x])
    assert derivation["dx"].formula == "dx = da * a * (1 - a)"
    assert derivation["dx"].value[1] == 0.0  # where the chain rule, factor by factor, gives inf * 0
    assert derivation["dx"].note == "np.exp(-x) does not enter, which overflows where its argument is large"


def test_where_the_chain_rule_divides_by_0_the_source_does_not():
    X, Y = np.array([[1.0, -1.0]]), np.array([[0.0, 1.0]])
    w = tg.Tensor([[1000.0]])
    Z = w @ X
    A = tg.sigmoid(Z)
    with np.errstate(divide="ignore", invalid="ignore"):
        J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
        derivation = tg.derive(J, [w], names={"w": w, "Z": Z, "A": A, "J": J})
    found = run_source(derivation, inputs_of(J, {"w": w, "Z": Z, "A": A, "J": J}))
    np.testing.assert_array_equal(found["dw"], [[1.0]])  # (1/2) ((1 - 0) 1 + (0 - 1) (-1))


def test_regularisation_keeps_its_own_term(source_agrees):
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(3, 6)), (rng.random((1, 6)) < 0.5) * 1.0
    w, b = tg.Tensor(rng.normal(size=(3, 1)), name="w"), tg.Tensor(0.3, name="b")
    A = tg.sigmoid(w.T @ X + b)
    J = tg.binary_cross_entropy(A, Y) + 0.25 * np.sum(np.square(w))
    derivation = source_agrees(J, ["w", "b"])
    assert derivation["dw"].formula == "dw = w / 2 + X @ (A - Y).T / m"


def test_a_number_that_rounding_has_touched_is_shown_as_it_was_meant():
    W = tg.Tensor(np.ones((2, 2)))
    J = 0.7 / (2 * 7) * np.sum(np.square(W))
    assert 0.7 / (2 * 7) != 0.05
    assert tg.derive(J, [W])["dW"].formula == "dW = 0.1 * W"


def test_examples_may_stand_in_rows(source_agrees):
    rng = np.random.default_rng(6)
    X, Y = rng.normal(size=(7, 3)), (rng.random((7, 1)) < 0.5) * 1.0
    W, b = tg.Tensor(rng.normal(size=(3, 1))), tg.Tensor(np.zeros(1))
    Z = X @ W + b
    A = tg.sigmoid(Z)
    J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    derivation = tg.derive(J, [W, b])
    assert derivation["dW"].formula == "dW = X.T @ dZ / m"
    assert "m = X.shape[0]" in derivation.numpy_source()
    assert "one row each" in derivation.assumptions[0]


def test_a_sum_over_examples_has_no_m(source_agrees):
    rng = np.random.default_rng(7)
    X, Y = rng.normal(size=(3, 6)), rng.normal(size=(1, 6))
    w = tg.Tensor(rng.normal(size=(3, 1)))
    Z = w.T @ X
    J = np.sum((Z - Y) ** 2)
    derivation = tg.derive(J, [w])
    assert derivation.convention == "exact"
    assert derivation["dZ"].formula == "dZ = 2 * (Z - Y)"
    assert derivation["dw"].formula == "dw = X @ dZ.T"


def test_a_factor_that_happens_to_be_the_number_of_examples_is_left_alone():
    X = np.ones((3, 2))  # two examples, and a 2 that somebody wrote
    w = tg.Tensor(np.ones((3, 1)))
    Z = w.T @ X
    J = np.sum(Z * Z) / 2
    assert tg.derive(J, [w])["dZ"].formula == "dZ = Z"


def test_one_over_few_examples_is_told_from_a_factor():
    rng = np.random.default_rng(9)
    X, Y = rng.normal(size=(3, 3)), rng.normal(size=(1, 3))
    w = tg.Tensor(rng.normal(size=(3, 1)))
    Z = w.T @ X
    J = 1 / X.shape[1] * np.sum((Z - Y) ** 2)
    assert tg.derive(J, [w])["dw"].formula == "dw = X @ dZ.T / m"


def test_what_was_drawn_is_given_to_the_source(source_agrees):
    rng = np.random.default_rng(8)
    x = tg.Tensor(rng.normal(size=(5, 4)), name="x")
    y = tg.dropout(x, 0.5, rng=rng)
    J = np.sum(y * y)
    state = rng.bit_generator.state
    source_agrees(J, ["x"])
    assert rng.bit_generator.state == state


def test_what_is_not_chosen_stays_out_whatever_its_value() -> None:
    c = tg.Tensor(np.array([True, False]), name="c")
    w, k = tg.Tensor(np.array([1.0, 2.0]), name="w"), tg.Tensor(np.nan, name="k", requires_grad=False)
    J = np.sum(tg.where(c, k, 0.0) * w)
    derived = run_source(tg.derive(J, wrt=[w]), {"c": c.data, "w": w.data, "k": k.data})
    np.testing.assert_array_equal(derived["dw"], [np.nan, 0.0])
