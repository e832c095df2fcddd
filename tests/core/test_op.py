"""An operation: how it may be called, what it says when called wrongly, and the tables it stands in."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.backward import verify
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.kinds import composed, elementwise, operation
from tinygrad_edu.core.mode import Ambient, Block
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.table import OPS, RECORD

A = np.arange(6.0).reshape(2, 3)


def test_without_a_tensor_it_is_a_numpy_function():
    assert type(tg.sigmoid(A)) is np.ndarray
    assert tg.add(2, 3) == 5


def test_without_a_tensor_its_errors_name_it_too():
    with pytest.raises(ValueError, match=r"add: ndarray.*could not be broadcast together"):
        tg.add(np.ones(2), np.ones(3))


def test_settings_by_keyword_and_in_numpy_s_order():
    np.testing.assert_array_equal(tg.sum(tg.Tensor(A), axis=1).data, A.sum(axis=1))
    np.testing.assert_array_equal(np.sum(tg.Tensor(A), 1).data, A.sum(axis=1))
    np.testing.assert_array_equal(tg.concatenate([A, tg.Tensor(A)], 1).data, np.concatenate([A, A], 1))


def test_arrays_by_keyword():
    t = tg.Tensor(A)
    np.testing.assert_array_equal(tg.where(A > 2, a=t, b=0.0).data, np.where(A > 2, A, 0.0))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda t: tg.exp(t, nothing=1), TypeError, "exp: 'nothing' is not supported; its settings are: "),
        (tg.multiply, TypeError, r"multiply: expected 2 arrays \(a, b\), got 1"),
        (lambda t: tg.sigmoid(t, 1), TypeError, "sigmoid: takes by position at most"),
        (
            lambda t: tg.sum(t, axis=tg.Tensor(1.0)),
            TypeError,
            "sum: expected whole numbers as axis, got Tensor",
        ),
        (lambda t: tg.sum(t, 0, None, None, 1, 2, 3, 4, 5), TypeError, "by position at most"),
        (lambda t: t + "text", TypeError, "real numbers, got str"),
        (lambda t: t * 1j, TypeError, "real numbers, got complex"),
        (lambda t: t + np.array(["a"]), TypeError, "real numbers, got ndarray"),
        (lambda t: t + np.ones(4), ValueError, r"t \(2, 3\) \+ ndarray \(4,\)"),
        (
            lambda t: tg.concatenate([t, np.ones((3, 2))]),
            ValueError,
            r"concatenate: t \(2, 3\) with ndarray \(3, 2\)",
        ),
        (lambda t: t[5], IndexError, r"getitem: t \(2, 3\)"),
    ],
)
def test_errors_say_what_was_expected(call, error, said):
    with pytest.raises(error, match=said):
        call(tg.Tensor(A))


def test_a_kernel_s_warning_raised_as_an_error_comes_through():
    t = tg.Tensor([0.0])
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        np.log(t)
    t.data[0] = 1.0  # and nothing is left locked


def test_an_operation_is_frozen_and_shown_by_name():
    assert repr(tg.exp) == "<op exp>"
    with pytest.raises(FrozenInstanceError):
        tg.exp.name = "other"


def test_an_operation_pickles_by_name():
    assert pickle.loads(pickle.dumps(tg.exp)) is tg.exp


def test_names_are_given_once():
    with pytest.raises(ValueError, match="already is an operation named 'exp'"):
        elementwise(pullback=lambda g, y, x: g, latex="{x}", name="exp")(lambda x: x)
    with pytest.raises(ValueError, match="already is a function named 'exp'"):
        composed(samples=[Sample(((),))], name="exp")(lambda x: x)


def test_a_rule_is_needed_for_each_operand():
    with pytest.raises(TypeError, match=r"test_two: expected a pullback for each of \('a', 'b'\), got 1"):
        operation(kind="opaque", pullback=lambda g, y, a, b: g, latex="", samples=(), name="test_two")(
            lambda a, b: a
        )
    assert "test_two" not in OPS
    assert "test_two" not in RECORD


def test_constants_are_kept_as_copies():
    X = np.ones(3)
    u = tg.Tensor([1.0, 2.0, 3.0]) * X
    assert u.saved[1] is not X


def test_a_constant_of_integers_stays_one():
    u = tg.Tensor([1.0, 2.0]) * np.array([2, 3])
    u.backward(np.ones(2))
    assert u.saved[1].dtype == np.int64


def test_under_no_grad_a_result_has_no_record():
    with tg.no_grad():
        u = np.sum(tg.Tensor(A), axis=1)
    assert (u.op, u.inputs, u.saved) == (None, (), ())


def test_verify_tells_a_spent_graph_that_changed():
    w = tg.Tensor([1.0, 2.0])
    u = w * w
    verify(u)
    np.sum(u).backward()
    verify(u)
    w.data[0] = 5.0
    with pytest.raises(tg.StaleGraphError, match="input of"):
        verify(u)
    v = w * w
    w.data = [7.0, 8.0]
    with pytest.raises(tg.StaleGraphError):
        verify(v)


def test_equal_values_are_equal_to_the_bit():
    nan = np.array([np.nan])
    assert same_values(nan, nan)
    assert same_values(nan, nan.copy())
    assert not same_values(np.array([0.0]), np.array([-0.0]))
    assert not same_values(np.ones(2), np.ones(2, np.float32))
    assert not same_values(np.ones(2), np.ones(3))


def test_a_block_of_surroundings_says_what_is_inside():
    with pytest.raises(NotImplementedError):
        Block()._inside(Ambient())


def test_a_random_operation_recorded_for_all_values_draws_nothing():
    rng = np.random.default_rng(0)
    tg.dropout(Symbol.standing_for(tg.Tensor(np.ones(5))), 0.5, rng=rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_the_rows_of_a_tensor_are_joined():
    t = tg.Tensor(A)
    np.testing.assert_array_equal(tg.concatenate(t).data, A.ravel())


def test_an_operation_in_a_class_is_called_without_the_object() -> None:
    class Layer:
        activation = tg.tanh

    assert Layer().activation(tg.Tensor(0.5)).item() == np.tanh(0.5)
    assert Layer.activation is tg.tanh
