"""Writes between recording and differentiating: an error at the line, or the right number."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

READERS = {
    "backward": lambda J, x: J.backward(),
    "grad": lambda J, x: tg.grad(J, [x]),
    "create_graph": lambda J, x: tg.grad(J, [x], create_graph=True),
    "derive": lambda J, x: tg.derive(J),
    "compare": lambda J, x: tg.check.compare(J, {x: [2.0, 4.0]}),
    "program": lambda J, x: tg.Program.of(J),
}
REPLACEMENTS = {
    "data =": lambda x: setattr(x, "data", [3.0, 4.0]),
    "data = nan": lambda x: setattr(x, "data", [np.nan, 2.0]),
    "a zero of the other sign": lambda x: setattr(x, "data", [-0.0, 2.0]),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("replace", REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_a_replaced_leaf_is_noticed_by_every_reader(read, replace):
    x = T([0.0, 2.0], name="x")
    J = (x * x).sum()
    replace(x)
    with pytest.raises(tg.StaleGraphError, match="x"):
        read(J, x)


def test_after_an_update_the_recorded_graph_can_still_be_drawn():
    w = tg.Tensor(2.0, name="w")
    J = (w - 3) ** 2
    J.backward()
    w.data -= 0.1 * w.grad
    assert "w" in str(tg.draw(J))


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_replaced_constant_is_noticed_too(read):
    c, x = tg.Tensor([1.0, 2.0], requires_grad=False, name="c"), T([1.0, 2.0])
    J = (x * c).sum()
    c.data = [5.0, 6.0]
    with pytest.raises(tg.StaleGraphError, match="c"):
        read(J, x)


GIVEN = {
    "operand": (lambda x, a: x * a, [1.0, 2.0], [1.0, 2.0]),
    "exponent": (lambda x, a: x**a, [1.0, 2.0], [1.0, 4.0]),
    "matrix": (lambda x, a: x @ a, [[1.0], [2.0]], [1.0, 2.0]),
    "index": (lambda x, a: x[a], [0, 0], [2.0, 0.0]),
    "mask": (lambda x, a: x[a], [True, False], [1.0, 0.0]),
    "condition": (lambda x, a: np.where(a, x, 0.0), [True, False], [1.0, 0.0]),
    "places": (np.take, [1, 1], [0.0, 2.0]),
    "repeats": (np.repeat, [1, 2], [1.0, 2.0]),
    "weights": (lambda x, a: np.average(x, weights=a), [1.0, 3.0], [0.25, 0.75]),
    "pad width": (lambda x, a: np.pad(x, a, mode="edge"), [1, 2], [2.0, 3.0]),
    "sections": (lambda x, a: np.split(x, a)[0], [1], [1.0, 0.0]),
    "labels": (lambda x, a: tg.binary_cross_entropy_with_logits(x * 0.0, a), [1.0, 0.0], [0.0, 0.0]),
    "interp": (lambda x, a: np.interp(np.array([0.5]), a, x), [0.0, 1.0], [0.5, 0.5]),
    "taps": (np.convolve, [1.0, 1.0], [2.0, 2.0]),
    "gradient": (lambda x, a: x.backward(a) or x, [1.0, 1.0], None),
}


@pytest.mark.parametrize("kind", [k for k in GIVEN if GIVEN[k][2] is not None])
def test_an_array_given_to_an_operation_may_be_written_afterwards(kind):
    f, given, slope = GIVEN[kind]
    a = np.array(given)
    x = T([1.0, 2.0])
    J = f(x, a).sum()
    a[...] = a[::-1] if a.ndim == 1 and len(set(a.tolist())) > 1 else 1 - a
    J.backward()
    np.testing.assert_allclose(x.grad, slope)


def test_lists_inside_settings_may_be_written_afterwards():
    x, index, axes = T([[1.0, 2.0], [3.0, 4.0]]), [0, 0], [[0], [1]]
    J = np.sum(x[index]) + np.sum(np.tensordot(x, np.eye(2), axes=axes))
    index[0], axes[0][0] = 1, 1
    J.backward()
    np.testing.assert_array_equal(x.grad, [[3.0, 3.0], [1.0, 1.0]])


UPDATES = {
    "+=": (lambda w: w.__iadd__(1.0), 5.0),
    "-=": (lambda w: w.__isub__(1.0), 3.0),
    "*=": (lambda w: w.__imul__(2.0), 8.0),
    "/=": (lambda w: w.__itruediv__(2.0), 2.0),
    "//=": (lambda w: w.__ifloordiv__(3.0), 1.0),
    "%=": (lambda w: w.__imod__(3.0), 1.0),
    "**=": (lambda w: w.__ipow__(2.0), 16.0),
}


@pytest.mark.parametrize("sign", UPDATES)
@pytest.mark.parametrize("value", [4.0, [4.0], [[4.0, 4.0]]])
def test_every_operator_in_place_updates_a_parameter_in_no_grad(sign, value):
    update, expected = UPDATES[sign]
    w = T(value, name="w")
    with tg.no_grad():
        assert update(w) is w
    assert w.requires_grad
    np.testing.assert_array_equal(w.data, np.full(np.shape(value), expected))
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad, np.full(np.shape(value), 2 * expected))


@pytest.mark.parametrize("sign", UPDATES)
def test_and_makes_a_new_tensor_while_recording(sign):
    update, expected = UPDATES[sign]
    w = T([4.0])
    v = update(w)
    assert v is not w
    assert (w.tolist(), v.tolist()) == ([4.0], [expected])
    assert v.requires_grad


def test_a_matrix_product_in_place():
    W = T([[1.0, 2.0]])
    with tg.no_grad():
        W @= np.array([[0.0, 1.0], [1.0, 0.0]])
    assert W.tolist() == [[2.0, 1.0]]
    with tg.no_grad(), pytest.raises(ValueError, match=r"expected a result of shape \(1, 2\), got \(1, 3\)"):
        W @= np.ones((2, 3))


def test_floats_do_not_vanish_in_an_integer_tensor():
    n = tg.Tensor([1, 2])
    with tg.no_grad(), pytest.raises(TypeError, match="float64"):
        n += 0.5
    assert n.tolist() == [1, 2]


def test_a_float32_parameter_takes_a_float64_step():
    w = T([1.0, 2.0], np.float32)
    with tg.no_grad():
        w -= np.array([0.5, 0.5])
    assert w.dtype == np.float32
    assert w.tolist() == [0.5, 1.5]


def test_a_parameter_used_in_two_losses_is_free_only_after_both():
    w = T([1.0, 2.0])
    first, second = (w * w).sum(), np.exp(w).sum()
    first.backward()
    with pytest.raises(ValueError, match="read-only"):
        w.data[0] = 5.0
    second.backward()
    w.data[0] = 5.0


def test_a_gradient_written_to_changes_no_other():
    x, y = T([1.0, 2.0]), T([1.0, 2.0])
    u = x + y
    v = u.T
    v.sum().backward()
    for t in (x, y, u, v):
        t.grad[0] = 50.0
        t.grad = None
    for found in (tg.grad((x + y).sum(), [x, y, x]), tg.grad(x + y, [x, y], np.ones(2))):
        found[0][0] = 50.0
        assert all(g[0] == 1.0 for g in found[1:])


def test_what_a_tensor_hands_out_or_takes_in_is_a_copy():
    array = np.array([1.0, 2.0])
    x = tg.Tensor(array)
    array[0] = 7.0
    x.numpy()[0] = 8.0
    x.detach().data[0] = 9.0
    x.tolist()[0] = 10.0
    new = np.array([1.0, 2.0])
    x.data = new
    new[0] = 11.0
    assert x.tolist() == [1.0, 2.0]
    g = np.ones(2)
    x.grad = g
    g[0] = 12.0
    assert x.grad.tolist() == [1.0, 1.0]


def test_interleaved_graphs_keep_their_own_values():
    w = T([1.0, 2.0])
    old = (w * w).sum()
    w.data = [3.0, 4.0]
    new = (w * w).sum()
    new.backward()
    np.testing.assert_array_equal(w.grad, [6.0, 8.0])
    with pytest.raises(tg.StaleGraphError):
        old.backward()
    np.testing.assert_array_equal(w.grad, [6.0, 8.0])


def test_back_to_the_old_value_is_right_again():
    w = T([1.0, 2.0])
    J = (w * w).sum()
    w.data = [3.0, 4.0]
    w.data = [1.0, 2.0]
    J.backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


def test_a_training_loop_of_each_idiom_goes_the_same_way():
    def by_data(w):
        w.data -= 0.1 * w.grad
        w.zero_grad()

    def by_no_grad(w):
        with tg.no_grad():
            w -= 0.1 * w.grad
        w.grad = None

    def by_assignment(w):
        w.data = w.data - 0.1 * w.grad
        w.zero_grad()

    def by_entries(w):
        for k in range(2):
            w.data[k] -= 0.1 * w.grad[k]
        w.zero_grad()

    ways = []
    for update in (by_data, by_no_grad, by_assignment, by_entries):
        w = T([1.0, -2.0])
        for _ in range(5):
            np.sum(np.exp(w) + w * w).backward()
            update(w)
        ways.append(w.tolist())
    assert all(way == ways[0] for way in ways)
