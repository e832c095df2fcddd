"""The two traps of the notes: what warns, once for its line, and what does not."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes

import tinygrad_edu as tg
from tinygrad_edu.core.pitfalls import _both_repeated

rng = np.random.default_rng(0)
m, n = 6, 4
X = rng.standard_normal((3, m))
COLUMN, ROW = (rng.random((m, 1)) > 0.5) * 1.0, (rng.random((1, m)) > 0.5) * 1.0


def told(run, category):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [w for w in caught if w.category is category]


def predictions():
    return tg.sigmoid(tg.Tensor(np.full((1, 3), 0.1), name="W") @ X)


# labels (m, 1) against predictions (1, m)


def repeated(run):
    return told(run, tg.OuterBroadcastWarning)


def cost_of_columns():
    A, Y = predictions(), COLUMN
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def bias_and_its_gradient():
    b, db = tg.Tensor(np.zeros((n, 1)), name="b"), np.ones(n)
    return b - 0.1 * db


def bias_in_place():
    b, db = tg.Tensor(np.zeros((n, 1)), name="b"), np.ones(n)
    b -= 0.1 * db


def accuracy():
    A, Y = predictions(), COLUMN
    return np.mean((A > 0.5) == Y), np.mean(Y == A)


def by_numpy_s_functions():
    A, Y = predictions(), COLUMN
    return np.subtract(A, Y), np.multiply(Y, A), np.maximum(A, Y)


def without_a_gradient():
    A, Y = predictions(), COLUMN
    with tg.no_grad():
        return A - Y


def two_tensors():
    return predictions() - tg.Tensor(COLUMN, name="Y")


MISTAKES = {
    cost_of_columns: ["Y (6, 1)", "np.log(A) (1, 6)", "(6, 6)", "Y.reshape(1, 6)", "keepdims=True"],
    bias_and_its_gradient: ["b (4, 1)", "0.1 * db (4,)", "(4, 4)", "(0.1 * db).reshape(4, 1)"],
    bias_in_place: ["b (4, 1)", "0.1 * db (4,)"],
    accuracy: ["Y (6, 1)", "A (1, 6)"],
    by_numpy_s_functions: ["A (1, 6)", "Y (6, 1)"],
    without_a_gradient: ["A (1, 6)", "Y (6, 1)"],
    two_tensors: ["predictions() (1, 6)", "(6, 1)"],
}


@pytest.mark.parametrize(("run", "words"), MISTAKES.items())
def test_both_operands_repeated_are_told_once_for_the_line(run, words):
    found = repeated(run)
    assert len(found) == 1
    assert found[0].filename == __file__
    message = str(found[0].message)
    assert [word for word in words if word not in message] == []


def test_once_for_each_line_in_a_loop():
    def loop():
        for _ in range(3):
            A, Y = predictions(), COLUMN
            J = np.sum(A - Y)
            J = J + np.sum((A - Y) ** 2)

    assert len(repeated(loop)) == 2


def test_a_compiled_step_tells_while_it_records():
    step = tg.compile(lambda p, Y: np.mean((p["a"] - Y) ** 2))
    assert len(repeated(lambda: step({"a": np.zeros((1, m))}, COLUMN))) == 1


def axis_by_none():
    x = tg.Tensor(np.arange(4.0))
    return (
        x[:, None] - x,
        x[:, None] * np.ones(4),
        np.ones(4)[:, np.newaxis] / (x + 1),
        x[None] - np.ones((4, 1)),
    )


def axis_by_expand_dims():
    x = tg.Tensor(np.arange(4.0))
    return (
        np.expand_dims(x, 1) - np.ones(4),
        np.expand_dims(np.ones(4), 1) * x,
        -np.expand_dims(x, 1) * np.ones(4),
    )


def axis_by_reshape():
    x = tg.Tensor(np.arange(4.0))
    return np.reshape(x, (4, 1)) - np.ones(4), x * np.ones(4).reshape(-1, 1)


def axis_given_on_another_line():
    x, ones = tg.Tensor(np.arange(4.0)), np.ones(4)
    by_none, by_two, by_function, negative = x[:, None], x[None], np.expand_dims(x, 1), -x[:, None]
    return by_none - ones, by_two + np.ones((4, 1)), by_function * ones, negative / (ones + 1)


def outer_products():
    x = tg.Tensor(np.arange(4.0))
    return np.outer(x, np.ones(4)), np.add.outer(x, x)


def distances():
    x = tg.Tensor(X)
    square = np.sum(x**2, axis=0, keepdims=True)
    return square.T + square - 2 * x.T @ x, square - square.T


def pairs_of_itself():
    x = tg.Tensor(np.ones((1, 4)))
    y = np.arange(4.0)
    return x - x.T, x.reshape(4, 1) * x, np.exp(x) / (2 * x).T, tg.Tensor(y).reshape(-1, 1) + y.sum()


def lengths_that_differ():
    return tg.Tensor(np.ones((3, 1))) * tg.Tensor(np.ones((1, 4))), tg.Tensor(np.ones((3, 1))) + np.ones(5)


def one_operand_repeated():
    Z, b = tg.Tensor(np.ones((4, 4))), tg.Tensor(np.ones((4, 1)))
    return Z + b, Z * np.ones(4), b + 1.0, Z - np.mean(Z, axis=0)


def one_example():
    return tg.Tensor(np.ones((1, 1))) - np.ones(1), tg.Tensor(2.0) * np.ones((3, 1))


@pytest.mark.parametrize(
    "run",
    [
        axis_by_none, axis_by_expand_dims, axis_by_reshape, axis_given_on_another_line,
        outer_products, distances, pairs_of_itself,
        lengths_that_differ, one_operand_repeated, one_example,
    ],
)  # fmt: skip
def test_no_warning_where_it_is_meant(run):
    assert repeated(run) == []


def test_the_package_s_own_arithmetic_never_warns():
    x = tg.Tensor(rng.standard_normal((4, 4)))

    def work():
        J = np.var(np.linalg.inv(x)) + np.sum(tg.softmax(x, axis=0) ** 2) + np.linalg.norm(x) + np.ptp(x)
        (g,) = tg.grad(J, [x], create_graph=True)
        np.sum(g * g).backward()

    assert repeated(work) == []


shapes = array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)


@given(shapes, shapes)
def test_both_are_repeated_where_numpy_says_so(a, b):
    """An independent telling: NumPy's strides of 0, along axes of one length."""
    try:
        wide = np.broadcast_arrays(np.empty(a), np.empty(b))
    except ValueError:
        return
    lengths = [
        {length for length, stride in zip(w.shape, w.strides, strict=True) if stride == 0 and length > 1}
        for w in wide
    ]
    assert _both_repeated(a, b) == bool(lengths[0] & lengths[1])


# updates that are recorded


def recorded(run):
    return told(run, tg.RecordedUpdateWarning)


def by_a_new_name(w, g):
    w = w - 0.1 * g  # a name for it, as people write
    return w  # noqa: RET504


def by_the_operator(w, g):
    w -= 0.1 * g
    return w


def by_two_steps(w, g):
    w = w * 0.99
    return w - 0.1 * g


def loop(update, *, gradient="backward", times=12):
    w = tg.Tensor(np.zeros((1, 3)), name="w")
    for _ in range(times):
        J = np.mean((w @ X - ROW) ** 2)
        if gradient == "backward":
            J.backward()
            g = w.grad
        else:
            (g,) = tg.grad(J, [w])
        w = update(w, g)
    return w


@pytest.mark.parametrize("gradient", ["backward", "grad"])
@pytest.mark.parametrize("update", [by_a_new_name, by_the_operator, by_two_steps])
def test_a_recorded_update_is_told_once_with_its_line(update, gradient):
    found = recorded(lambda: loop(update, gradient=gradient))
    assert len(found) == 1
    assert found[0].filename == __file__
    first = update.__code__.co_firstlineno
    assert first < found[0].lineno <= first + 2
    assert "w.data -= " in str(found[0].message)


def test_each_line_that_records_an_update_is_told():
    def run():
        W, b = tg.Tensor(np.zeros((1, 3)), name="W"), tg.Tensor(0.0, name="b")
        for _ in range(9):
            np.mean((W @ X + b - ROW) ** 2).backward()
            W = W - 0.1 * W.grad
            b = b - 0.1 * b.grad

    assert len(recorded(run)) == 2


def change_data(w, g):
    w.data -= 0.1 * g
    return w


def change_without_recording(w, g):
    with tg.no_grad():
        w -= 0.1 * g
    return w


def make_anew(w, g):
    return tg.Tensor(w.data - 0.1 * g, name="w")


@pytest.mark.parametrize("gradient", ["backward", "grad"])
@pytest.mark.parametrize("update", [change_data, change_without_recording, make_anew])
def test_an_update_in_the_way_shown_is_not_told(update, gradient):
    assert recorded(lambda: loop(update, gradient=gradient)) == []


def test_values_are_the_same_either_way():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(loop(by_a_new_name).data, loop(make_anew).data)


def test_a_state_that_is_carried_on_is_told():
    def run(last):
        W, h = tg.Tensor(np.eye(3) * 0.5), tg.Tensor(np.zeros((3, 1)))
        for k in range(12):
            h = last(np.tanh(W @ h + X[:, k % m : k % m + 1]))
            np.sum(h**2 + W[0, 0]).backward()

    assert ["detach" in str(w.message) for w in recorded(lambda: run(lambda h: h))] == [True]
    assert recorded(lambda: run(lambda h: h.detach())) == []


def test_several_passes_over_one_graph_are_not_told():
    def run():
        w = tg.Tensor([1.0, 2.0])
        trunk = np.exp(w)
        for k in range(12):
            (trunk * float(k)).sum().backward()
        J = np.sum(w * w)
        for _ in range(12):
            J.backward()
        (trunk - np.ones(2)).sum().backward()

    assert recorded(run) == []


def test_what_is_watched_behaves_as_any_tensor():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w = loop(by_a_new_name)
        np.mean((w @ X - ROW) ** 2).backward()
    copy = pickle.loads(pickle.dumps(w))
    assert type(copy) is tg.Tensor
    np.testing.assert_array_equal(copy.data, w.data)
    assert repr(w).startswith("Tensor(")


def test_letting_go_stops_where_an_earlier_pass_has_been():
    """Under ``tg.grad`` a step costs as much after 300 recorded updates as after 3: as many lines run."""
    from .interrupts import lines_of

    def lines(times):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            w = loop(by_a_new_name, gradient="grad", times=times)
            J = np.mean((w @ X - ROW) ** 2)
            return len(lines_of(lambda: tg.grad(J, [w])))

    lines(3)
    assert lines(300) < lines(30) + 30
