"""One example, written with plain numbers as in the notes, derives to the notes' formulas for any other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


NUMBERS = st.floats(-2, 2).map(lambda x: round(x, 2))


@pytest.mark.slow
@given(NUMBERS, st.sampled_from([0, 1, 0.0, 1.0]), NUMBERS, st.sampled_from([0.0, 1.0]))
def test_the_source_serves_another_example(x1, y, other_x, other_y):
    w1, b = tg.Tensor(0.3), tg.Tensor(0.1)
    z = w1 * x1 + b
    a = sigmoid(z)
    loss = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    derivation = tg.derive(loss, wrt=["w1", "b"])
    assert derivation["dz"].formula == "dz = a - y"
    assert derivation["dw1"].formula == "dw1 = x1 * dz"
    space = {}
    exec(derivation.numpy_source(), space)
    found = space["gradients"](x1=other_x, y=other_y, w1=0.3, b=0.1)
    dz = sigmoid(0.3 * other_x + 0.1) - other_y
    np.testing.assert_allclose([found["dw1"], found["db"]], [other_x * dz, dz], atol=1e-12)


def test_a_tensor_inside_may_be_asked_for():
    x, t = 3.0, 0.5
    w = tg.Tensor(2.0)
    z = w * x
    J = (z - t) ** 2
    assert tg.derive(J, [z])["dz"].formula == "dz = 2 * (z - t)"


def test_single_precision_stays():
    x = 0.1
    w = tg.Tensor(np.float32(2.0))
    J = w * x
    derivation = tg.derive(J, [w])
    assert derivation["dw"].formula == "dw = x"
    assert np.asarray(derivation["dw"].value).dtype == np.float32


def test_a_parameter_moved_since_is_noticed():
    x = 3.0
    w = tg.Tensor(2.0)
    J = w * x
    w.data = w.data - 1
    with pytest.raises(tg.StaleGraphError):
        tg.derive(J, [w])
