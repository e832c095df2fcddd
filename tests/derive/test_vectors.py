"""Products with vectors, in code as one writes them, on the board with vectors as columns."""

import numpy as np

import tinygrad_edu as tg

rng = np.random.default_rng(4)
X, y = rng.standard_normal((7, 3)), rng.standard_normal(7)


def formulas(derivation):
    return {
        step.name: (step.formula.partition(" = ")[2], step.latex.partition(" = ")[2])
        for step in derivation.steps
    }


def test_the_gradient_of_a_weight_vector():
    w = tg.Tensor(rng.standard_normal(3))
    r = X @ w - y
    found = formulas(tg.derive(r @ r))
    assert found["dw"] == ("X.T @ dr", r"X^{\top} \, dr")


def test_the_gradient_of_a_vector_on_the_left():
    h, W = tg.Tensor(rng.standard_normal(3)), rng.standard_normal((3, 4))
    s = h @ W
    found = formulas(tg.derive(np.sum(s * s)))
    assert found["dh"][0] == "W @ ds"


def test_two_vectors_side_by_side_are_a_row_and_a_column():
    u, v = tg.Tensor(rng.standard_normal(3)), tg.Tensor(rng.standard_normal(3))
    J = u @ v
    assert tg.derive(J, [u]).forward[-1].latex == r"J = u^{\top} \, v"
    assert tg.derive(J, [u]).forward[-1].formula == "J = u @ v"


def test_an_average_of_a_product_and_a_softmax_along_another_axis_have_one_reading():
    A, W = tg.Tensor(rng.standard_normal((3, 3))), tg.Tensor(rng.standard_normal((3, 3)))
    P = tg.softmax(A, axis=1)
    J = np.mean(P * W)
    lines = {step.name: step.latex for step in tg.derive(J).forward}
    assert lines["J"] == r"J = \operatorname{mean} \left(P \odot W\right)"
    assert lines["P"] == r"P = \operatorname{softmax}_{\mathrm{columns}}(A)"


def test_a_number_that_no_code_explains_has_the_value_it_had():
    def scaled(W):
        return np.sum(W * _root())

    W = tg.Tensor(rng.standard_normal((2, 2)), name="W")
    J = scaled(W)
    space = {}
    exec(tg.derive(J, ["W"]).numpy_source(), space)
    np.testing.assert_allclose(space["gradients"](W=W.data)["dW"], tg.grad(J, [W])[0])


def _root(kept=iter([np.sqrt(3.0)])):  # noqa: B008
    return next(kept)
