"""Bad input is refused in words."""

import sys

import numpy as np
import pytest

import tinygrad_edu as tg


@pytest.fixture
def graph():
    W1, x = tg.Tensor(np.ones((2, 3)), name="W1"), tg.Tensor(np.ones((3, 1)), requires_grad=False, name="x")
    return np.sum(W1 @ x)


def test_an_unknown_name_gets_the_nearest_ones(graph):
    with pytest.raises(KeyError, match="'W11' is not in this graph; did you mean W1"):
        tg.derive(graph, ["W11"])


def test_a_tensor_that_takes_no_part(graph):
    with pytest.raises(KeyError, match="not in this graph"):
        tg.derive(graph, [tg.Tensor(1.0)])


def test_a_constant(graph):
    with pytest.raises(TypeError, match="x is a constant"):
        tg.derive(graph, ["x"])


def test_something_that_is_neither_tensor_nor_name(graph):
    with pytest.raises(TypeError, match="expected tensors or names in wrt, got int"):
        tg.derive(graph, [3])


def test_nothing_wanted(graph):
    with pytest.raises(ValueError, match="at least one"):
        tg.derive(graph, [])


def test_a_vector():
    with pytest.raises(ValueError, match=r"expected a scalar, got shape \(2,\)"):
        tg.derive(tg.Tensor([1.0, 2.0]) * 2)


def test_something_else_than_a_tensor():
    with pytest.raises(TypeError, match="expected a Tensor, got float"):
        tg.derive(3.0)


def test_an_output_that_depends_on_nothing():
    with pytest.raises(RuntimeError, match="nothing to differentiate"):
        tg.derive(tg.Tensor(1.0, requires_grad=False))


def test_an_unknown_convention(graph):
    with pytest.raises(ValueError, match=r'expected the convention "course" or "exact", got .other.'):
        tg.derive(graph, convention="other")


def test_a_graph_whose_values_changed():
    x = tg.Tensor([2.0], name="x")
    J = np.sum(x * x)
    J.backward()
    x.data[0] = 5.0
    with pytest.raises(tg.StaleGraphError):
        tg.derive(J)


def test_sympy_missing_names_the_extra(graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(tg.MissingExtraError, match="extra 'derive'"):
        tg.derive(graph)


def test_a_line_that_is_not_there(graph):
    with pytest.raises(KeyError, match="'dZ' has no line in this derivation; it has: "):
        tg.derive(graph)["dZ"]


def test_a_formula_with_an_unknown_quantity(graph):
    with pytest.raises(ValueError, match="'Q' is not in this derivation"):
        tg.derive(graph).proves("dW1", "Q @ x.T")


def test_what_is_no_formula(graph):
    with pytest.raises(ValueError, match="not a formula"):
        tg.derive(graph).proves("dW1", "[x for x in W1]")
