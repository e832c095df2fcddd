"""Arrays that the caller's code makes are that code in a derived source, so that it serves other data."""

import ast
import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.graph.code.sharing import sharing_in

rng = np.random.default_rng(3)


def gradients(J, wrt):
    """The derived function."""
    space = {}
    exec(tg.derive(J, wrt).numpy_source(), space)
    return space["gradients"]


def arguments(function):
    return set(inspect.signature(function).parameters)


def check(cost, data, other, params):
    """The source derived from one call gives what autodiff gives for another; returns it."""
    derived = gradients(cost(**data, **params), [*params.values()])
    expected = tg.grad(cost(**other, **params), [*params.values()])
    given = {name: value for name, value in other.items() if name in arguments(derived)}
    found = derived(**given, **{name: t.data for name, t in params.items()})
    for name, value in zip(params, expected, strict=True):
        np.testing.assert_allclose(found[f"d{name}"], value, rtol=1e-9, atol=1e-12)
    return derived


def parameter(name, *shape):
    return tg.Tensor(rng.normal(size=shape), name=name)


def examples(m):
    return {"X": rng.normal(size=(3, m)), "y": rng.integers(0, 4, m)}


def assigned(X, y, W):
    Z = W @ X
    Y = np.zeros((4, X.shape[1]))
    Y[y, np.arange(X.shape[1])] = 1
    return -np.sum(Y * tg.log_softmax(Z, axis=0)) / X.shape[1]


def from_a_table(X, y, W):
    Y = np.eye(4)[y].T
    return -np.sum(Y * tg.log_softmax(W @ X, axis=0)) / len(y)


def one_hot(labels, K=4):
    rows = np.zeros((labels.size, K))
    for k, label in enumerate(labels):
        rows[k, label] = 1
    return rows


def by_a_function(X, y, W):
    return -np.mean(np.sum(one_hot(y).T * tg.log_softmax(W @ X, axis=0), axis=0))


def smoothed(X, y, W):
    eps = 0.1
    Y = np.eye(4)[y].T
    Y = (1 - eps) * Y + eps / 4
    return -np.mean(np.sum(Y * tg.log_softmax(W @ X, axis=0), axis=0))


@pytest.mark.parametrize("cost", [assigned, from_a_table, by_a_function, smoothed])
def test_labels_made_one_hot_are_made_from_the_labels(cost):
    derived = check(cost, examples(5), examples(9), {"W": parameter("W", 4, 3)})
    assert arguments(derived) <= {"X", "y", "W", "eps"}


def test_a_list_of_columns_is_stacked():
    def cost(x, t, w):
        Phi = np.stack([x**k for k in range(4)])
        return np.mean((w @ Phi - t) ** 2)

    data = [{"x": rng.normal(size=m), "t": rng.normal(size=m)} for m in (6, 9)]
    assert arguments(check(cost, *data, {"w": parameter("w", 4)})) == {"x", "t", "w"}


def test_a_mask_of_sizes_alone_is_made_from_the_sizes():
    def cost(X, Y, W):
        T = X.shape[1]
        later = np.triu(np.ones((T, T)), 1)
        scores = X @ W @ np.transpose(X, (0, 2, 1)) - 1e9 * later
        return np.mean((tg.softmax(scores, axis=-1) @ X - Y) ** 2)

    data = [{name: rng.normal(size=(m, 5, 4)) for name in ("X", "Y")} for m in (3, 7)]
    assert arguments(check(cost, *data, {"W": parameter("W", 4, 4)})) == {"X", "Y", "W"}


def test_an_index_that_data_gives_in_a_loop_is_read_from_the_data():
    def cost(tokens, targets, W, V):
        h = np.zeros((3, 1))
        J = 0
        for t in range(len(tokens)):
            x = np.zeros((4, 1))
            x[tokens[t]] = 1
            h = np.tanh(W @ x + h)
            J = J - tg.log_softmax(V @ h, axis=0)[targets[t], 0]
        return J

    data = [
        {"tokens": np.array(a), "targets": np.array(b)}
        for a, b in (([0, 2, 0], [2, 2, 1]), ([3, 1, 1], [0, 3, 3]))
    ]
    derived = check(cost, *data, {"W": parameter("W", 3, 4), "V": parameter("V", 4, 3)})
    assert arguments(derived) == {"tokens", "targets", "W", "V"}


def test_an_index_without_code_is_an_argument():
    W = parameter("W", 4)
    J = W[next(iter([np.int64(2)]))] ** 2
    derived = gradients(J, [W])
    assert arguments(derived) == {"W", "index_1"}
    np.testing.assert_array_equal(derived(W=W.data, index_1=1)["dW"], 2 * W.data * [0, 1, 0, 0])


def test_a_size_that_the_cost_is_divided_by_is_read_from_the_array():
    def cost(X, y, W):
        return -np.sum(np.eye(4)[y] * tg.log_softmax(X @ W, axis=-1)) / y.size

    data = [{"X": rng.normal(size=(m, 2, 3)), "y": rng.integers(0, 4, (m, 2))} for m in (5, 8)]
    check(cost, *data, {"W": parameter("W", 3, 4)})


def test_a_number_that_numpy_counted_is_counted_in_the_source():
    def cost(R, P, Q):
        known = (R > 0).sum()
        return np.sum(((R > 0) * (R - P @ Q)) ** 2) / known

    data = [{"R": rng.integers(0, 4, (5, 6)).astype(float)} for _ in range(2)]
    check(cost, *data, {"P": parameter("P", 5, 2), "Q": parameter("Q", 2, 6)})


def test_a_size_that_happens_to_be_m_does_not_stay_that_number():
    def cost(words, U, W):  # five units, and five examples
        h = np.tanh(U[words] @ W)
        return -np.mean(tg.log_softmax(h, axis=1)[np.arange(len(words)), words])

    data = [{"words": rng.integers(0, 5, m)} for m in (5, 8)]
    check(cost, *data, {"U": parameter("U", 5, 5), "W": parameter("W", 5, 5)})


def test_an_array_that_a_variable_holds_is_an_argument():
    X, y, W = rng.normal(size=(3, 5)), rng.integers(0, 4, 5), parameter("W", 4, 3)
    Y = np.eye(4)[y].T
    J = -np.mean(np.sum(Y * tg.log_softmax(W @ X, axis=0), axis=0))
    assert arguments(gradients(J, [W])) == {"X", "Y", "W"}


def test_code_that_does_more_than_read_is_left_alone():
    calls = []

    def drawn(shape):
        calls.append(shape)
        return rng.random(shape) < 0.5

    def cost(X, W):
        return np.mean((W @ X) ** 2 * drawn((4, 5)))

    W = parameter("W", 4, 3)
    derived = gradients(cost(rng.normal(size=(3, 5)), W), [W])
    assert calls == [(4, 5)]
    assert len(arguments(derived)) == 3


def test_two_arrays_that_are_equal_by_chance_are_not_taken_for_one_another():
    def cost(x, y, w):
        a = x > 0
        b = y > 0
        return np.sum(w * a) + np.sum(w**2 * b)

    signs = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    data = [{"x": signs, "y": 2 * signs}, {"x": -signs, "y": np.roll(signs, 2)}]
    check(cost, *data, {"w": parameter("w", 5)})


def scaled(k, Y):
    Y *= k


def changed_by_a_function(X, y, W, k):
    Y = np.eye(4)[y].T
    scaled(k, Y)
    return np.sum(Y * (W @ X))


def sorted_in_place(X, y, W, k):
    Y = np.eye(4)[y]
    Y.sort(axis=1)
    return np.sum((Y * k).T * (W @ X))


def changed_as_an_attribute(X, y, W, k):
    Y = np.eye(4)[y].T
    Y.T[:] = Y.T * k
    return np.sum(Y * (W @ X))


def changed_in_a_try(X, y, W, k):
    Y = np.eye(4)[y].T
    try:
        Y = Y * k
    finally:
        k = 0
    return np.sum(Y * (W @ X))


@pytest.mark.parametrize(
    "cost", [changed_by_a_function, sorted_in_place, changed_as_an_attribute, changed_in_a_try]
)
def test_code_that_may_change_an_array_is_not_left_out(cost):
    """Here nothing happens to change: that is chance, and other data would be given wrong numbers."""
    X, y, W = np.ones((3, 5)), np.array([3, 3, 3, 3, 3]), parameter("W", 4, 3)
    assert "eye" not in tg.derive(cost(X, y, W, 1.0), W).numpy_source()


def a_view(X, y, W):
    A = np.maximum(X, 0)
    B = A.T
    A[:, y == 0] = 0
    return np.sum(W * np.mean(B, 0))


def another_name(X, y, W):
    A = np.maximum(X, 0)
    B = A
    A *= y != 0
    return np.sum(W * np.mean(B, 1))


def columns(X, y, W):
    A = np.maximum(X, 0)
    B = A[:, 1:]
    A[:, y == 0] = 0
    return np.sum(W * np.mean(B, 1))


def reshaped(X, y, W):
    A = np.maximum(X, 0)
    B = np.ravel(A).reshape(3, -1)
    A[:, y == 0] = 0
    return np.sum(W * np.mean(B, 1))


def repeated(X, y, W):
    A = np.maximum(X, 0)
    B = np.broadcast_to(A, (2, 3, len(y)))
    A[:, y == 0] = 0
    return np.sum(W * np.mean(B, (0, 2)))


def through_the_view(X, y, W):
    A = np.maximum(X, 0)
    B = A.T
    B[y == 0] = 0
    return np.sum(W * np.mean(A, 1))


def row_by_row(X, y, W):
    A = np.maximum(X, 0)
    for row in A:
        row[y == 0] = 0
    return np.sum(W * np.mean(A, 1))


def members(X, y, W):
    A = np.maximum(X, 0)
    rows = [A[0], A[1], A[2]]
    A[:, y == 0] = 0
    return np.sum(W * np.mean(np.stack(rows), 1))


def by_a_function_of_the_caller(X, y, W):
    A = np.maximum(X, 0)
    B = flipped(A)
    A[:, y == 0] = 0
    return np.sum(W * np.mean(B, 1))


def flipped(A):
    return A[::-1]


def before_and_after(X, y, W):
    A = np.maximum(X, 0)
    B = A.T
    s = np.mean(B, 0)
    A[:, y == 0] = 0
    return np.sum(W * s) + np.sum(W**2 * np.mean(B, 0))


def used_before(X, y, W):
    A = np.maximum(X, 0)
    B = A[:, :]
    J = np.sum(W * np.mean(B * B, 1))
    A[:, y == 0] = 0
    return J


def a_copy(X, y, W):
    A = np.maximum(X, 0)
    B = A.T.copy()
    A[:, y == 0] = 0
    return np.sum(W * np.mean(B, 0))


SHARED = [
    a_view, another_name, columns, reshaped, repeated, through_the_view, row_by_row, members,
    by_a_function_of_the_caller, before_and_after, used_before, a_copy,
]  # fmt: skip
SOME_ZERO = {"X": rng.normal(size=(3, 6)), "y": np.array([0, 1, 0, 2, 1, 0])}
NONE_ZERO = {"X": rng.normal(size=(3, 5)), "y": np.array([1, 2, 1, 2, 1])}


@pytest.mark.parametrize("cost", SHARED)
@pytest.mark.parametrize(("data", "other"), [(SOME_ZERO, NONE_ZERO), (NONE_ZERO, SOME_ZERO)])
def test_a_write_into_an_array_reaches_what_shares_its_memory(cost, data, other):
    """With one of the two data nothing is written: the source must hold for the other all the same."""
    assert arguments(check(cost, data, other, {"W": parameter("W", 3)})) <= {"X", "y", "W"}


def an_input(X, y, W):
    B = X.T
    X[:, y == 0] = 0
    return np.sum(W * np.mean(B, 0))


def cleared(A, y):
    A[:, y == 0] = 0


def in_another_function(X, y, W):
    A = np.maximum(X, 0)
    B = A.T
    cleared(A, y)
    return np.sum(W * np.mean(B, 0))


def into_an_output(X, y, W):
    A = np.maximum(X, 0)
    B = A.T
    np.multiply(A, y != 0, out=A)
    return np.sum(W * np.mean(B, 0))


@pytest.mark.parametrize("cost", [an_input, in_another_function, into_an_output])
def test_an_array_written_into_out_of_sight_is_given(cost):
    data, W = {name: array.copy() for name, array in NONE_ZERO.items()}, parameter("W", 3)
    derived = gradients(cost(**data, W=W), [W])
    assert arguments(derived) == {"array_1", "W"}
    mean = rng.normal(size=3)
    np.testing.assert_array_equal(derived(W=W.data, array_1=mean)["dW"], mean)


def test_a_number_that_numpy_computed_out_of_sight_is_given():
    def cost(X, W):
        A = X.copy()
        A.sort(axis=1)
        return W * A[0, 0]

    data, W = rng.normal(size=(3, 4)), parameter("W")
    derived = gradients(cost(data, W), [W])
    assert arguments(derived) == {"number_1", "W"}
    assert derived(W=W.data, number_1=7.0)["dW"] == 7.0


KNOWN = {op.name: (function, op) for function, op in NUMPY.items() if isinstance(op, Op) and op.samples}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_said_to_give_new_memory_shares_none(name):
    function, op = KNOWN[name]
    if "x" in sharing_in(ast.parse(f"y = np.{function.__name__}(x)").body):
        return
    for k, sample in enumerate(op.samples):
        xs = sample.draw(np.random.default_rng(k), np.float64)
        with np.errstate(all="ignore"):
            value = op.forward(*xs, **sample.settings)
        assert not any(np.shares_memory(x, value) for x in xs if np.size(x))
