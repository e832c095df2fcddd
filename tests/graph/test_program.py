"""Program: forward and backward as one straight line of typed, named steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.graph import Ref


def run(program):
    """An independent reading of a program: every step from the values of earlier ones alone."""
    values = {}
    for step in program:
        args = [values[a.name] if isinstance(a, Ref) else a for a in step.args]
        if step.op is not None:
            values[step.name] = step.op.forward(*args, **step.settings)
        else:
            values[step.name] = args[0] if args else step.value
    return values


def two_layers(rng, n=(3, 4, 1), m=5):
    X, Y = rng.normal(size=(n[0], m)), (rng.random((1, m)) < 0.5) * 1.0
    W1, b1 = tg.Tensor(rng.normal(size=(n[1], n[0]))), tg.Tensor(np.zeros((n[1], 1)))
    W2, b2 = tg.Tensor(rng.normal(size=(1, n[1]))), tg.Tensor(np.zeros((1, 1)))
    Z1 = W1 @ X + b1
    A1 = tg.relu(Z1)
    Z2 = W2 @ A1 + b2
    A2 = tg.sigmoid(Z2)
    J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return tg.Program.of(J), J, {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "Z1": Z1, "A1": A1}


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_its_gradients_are_those_of_backward(seed):
    program, J, tensors = two_layers(np.random.default_rng(seed))
    J.backward()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(program.gradients[name].value, tensor.grad, rtol=1e-12, atol=1e-15)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_run_step_by_step_it_gives_the_recorded_values(seed):
    program, _, _ = two_layers(np.random.default_rng(seed))
    values = run(program)
    for step in program:
        np.testing.assert_array_equal(values[step.name], step.value, err_msg=step.name)


def test_names_are_those_of_the_course():
    program, _, _ = two_layers(np.random.default_rng(0))
    assert {"dW1", "db1", "dW2", "db2", "dZ1", "dZ2", "dA1", "dA2"} <= {s.name for s in program}


def test_every_name_is_given_once():
    program, _, _ = two_layers(np.random.default_rng(0))
    assert len({s.name for s in program}) == len(program)


def test_a_mask_is_computed_not_frozen():
    program, _, _ = two_layers(np.random.default_rng(0))
    assert any(s.op is not None and s.op.name == "greater" for s in program.backward)


def test_a_gradient_passed_on_unchanged_is_an_alias():
    a, b = tg.Tensor(1.0), tg.Tensor(2.0)
    v = a + b
    J = v * 3
    program = tg.Program.of(J)
    assert program["da"].role == "alias"
    assert program["da"].uses == ("dv",)


def test_only_what_is_wanted_is_computed():
    x, w = tg.Tensor(2.0), tg.Tensor(3.0)
    J = x * w
    program = tg.Program.of(J, wrt=["w"])
    assert "dw" in program
    assert "dx" not in program


def test_a_tensor_without_influence_has_a_zero_gradient():
    x = tg.Tensor([1.0, 2.0])
    y = np.sign(x)
    J = np.sum(y)
    assert not tg.Program.of(J).gradients["x"].value.any()


def test_the_seed_is_one():
    x = tg.Tensor(2.0)
    J = x * x
    assert tg.Program.of(J)["dJ"].value == 1.0


def test_printed_it_is_typed_and_named():
    x = tg.Tensor(np.ones((2, 3), np.float32))
    J = np.sum(x)
    assert str(tg.Program.of(J)).splitlines()[:2] == ["x: f32[2,3]", "J: f32[] = sum x"]


def test_a_vector_output_is_refused():
    x = tg.Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="scalar"):
        tg.Program.of(x * 2)


def test_an_output_without_parameters_is_refused():
    with pytest.raises(RuntimeError, match="nothing to differentiate"):
        tg.Program.of(tg.Tensor(1.0, requires_grad=False))


def test_an_unknown_wanted_name_is_refused():
    x = tg.Tensor(2.0)
    with pytest.raises(KeyError, match="dx"):
        tg.Program.of(x * x, wrt=["dx"])


def test_the_graph_may_have_been_differentiated():
    x = tg.Tensor(2.0)
    J = x * x
    J.backward()
    assert tg.Program.of(J).gradients["x"].value == 4.0


def test_a_changed_leaf_is_noticed():
    x = tg.Tensor([2.0])
    J = np.sum(x * x)
    J.backward()
    x.data[0] = 5.0
    with pytest.raises(tg.StaleGraphError):
        tg.Program.of(J)


def test_a_graph_that_needs_no_gradient_has_a_forward_program():
    x = tg.Tensor([1.0, 2.0])
    program = tg.Program.recorded(tg.Graph(x * 2.0))
    assert [s.role for s in program] == ["input", "forward"]
    assert program.backward == ()
