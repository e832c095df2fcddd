"""Copies and pickles carry the value, name, requires_grad and .grad, and none of the history."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

WAYS = {
    "pickle": lambda t: pickle.loads(pickle.dumps(t)),
    "oldest pickle": lambda t: pickle.loads(pickle.dumps(t, protocol=0)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture(params=WAYS.values(), ids=list(WAYS))
def again(request):
    return request.param


@pytest.mark.parametrize(
    "value", [3.0, [1.0, 2.0], np.ones((0, 3)), np.float32(2.0), np.ones(2, np.float32), [1, 2], True]
)
def test_the_value_and_its_dtype_stay(again, value):
    t = tg.Tensor(value)
    other = again(t)
    np.testing.assert_array_equal(other.data, t.data)
    assert (other.dtype, other.shape, other.requires_grad) == (t.dtype, t.shape, t.requires_grad)


def test_name_and_gradient_stay(again):
    w = tg.Tensor([1.0, 2.0], name="w")
    np.sum(w * w).backward()
    other = again(w)
    assert other.name == "w"
    np.testing.assert_array_equal(other.grad, [2.0, 4.0])
    other.grad[0] = 100.0
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


def test_a_constant_stays_one(again):
    assert not again(tg.Tensor([1.0], requires_grad=False)).requires_grad


def test_arrays_are_its_own(again):
    w = tg.Tensor([1.0, 2.0])
    again(w).data[0] = 100.0
    assert w.data[0] == 1.0


def test_a_result_becomes_a_leaf(again):
    w = tg.Tensor([1.0, 2.0])
    other = again(w * w)
    assert other.op is None
    assert other.requires_grad
    np.sum(other * 3.0).backward()
    np.testing.assert_array_equal(other.grad, [3.0, 3.0])
    assert w.grad is None


def test_a_locked_leaf_gives_a_writable_copy(again):
    w = tg.Tensor([1.0, 2.0])
    J = np.sum(w * w)
    again(w).data[0] = 5.0
    J.backward()


def test_parameters_in_a_dict_keep_being_shared(again):
    w = tg.Tensor([1.0])
    params = again({"a": w, "b": w}) if again is not copy.copy else copy.deepcopy({"a": w, "b": w})
    assert params["a"] is params["b"]
