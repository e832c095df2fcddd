"""Every form of index against NumPy and differences; repeated places, Tensors as indices, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences, slopes

CUBE = np.arange(24.0).reshape(2, 3, 4)
MASK = CUBE % 3 == 0
INDICES = [
    0,
    -1,
    np.int64(1),
    True,
    False,
    None,
    ...,
    (),
    (0, 1),
    (0, ..., -1),
    (..., None),
    (None, ..., None),
    slice(None, None, -1),
    (slice(None), slice(None, None, -2)),
    slice(5, 1),
    slice(100, 200),
    [0, 0, 1],
    [[0, 1], [1, 1]],
    ([0, 1], [2, 2]),
    ([0, 1], slice(None), [3, 3]),
    (slice(None), [0, 0], 1),
    ([0, 1], None, [1, 1]),
    (1, [0, 0, 2]),
    ([[0], [1]], [0, 2, 2]),
    np.ix_([0, 1], [0, 0], [3, 1]),
    MASK,
    np.array([True, False]),
    (0, MASK[0]),
    (slice(None), MASK[0]),
    (MASK[:, :, 0], 1),
    (MASK[:, 0, 0], [0]),
    np.array([], int),
    np.zeros((2, 0), int),
    np.zeros((2, 3, 4), bool),
    ([], [], []),
    np.array([1, 0], np.uint8),
    np.array(1),
    (np.array(0), 2),
    (slice(None), None, [1, 1], ..., 0),
]


@pytest.mark.parametrize("index", INDICES, ids=lambda i: repr(i).replace("\n", "")[:60])
def test_every_index(index):
    weights = np.cos(np.arange(CUBE[index].size)).reshape(CUBE[index].shape)
    y = T(CUBE)[index]
    assert isinstance(y, tg.Tensor)
    assert y.shape == CUBE[index].shape
    agrees_with_differences(lambda x: x[index] * weights, CUBE)


@pytest.mark.parametrize("index", [[0, 0, 0, 1], ([0, 0], [1, 1]), (slice(None), [2, 2, 2])])
def test_places_named_twice_receive_both(index):
    counts = np.zeros((3, 3))
    np.add.at(counts, index, 1.0)
    (g,) = slopes(lambda x: x[index], np.ones((3, 3)))
    np.testing.assert_array_equal(g, counts)


def test_the_second_derivative_through_a_repeated_index():
    x = T([1.0, 2.0, 3.0])
    (g,) = tg.grad(np.sum(x[[0, 0, 2]] ** 3), [x], create_graph=True)
    (h,) = tg.grad(np.sum(g), [x])
    np.testing.assert_allclose(h, [12.0, 0.0, 18.0])


@pytest.mark.parametrize(
    ("index", "plain"),
    [
        (tg.Tensor(np.array([0, 0, 2])), [0, 0, 2]),
        (tg.Tensor(np.int64(1)), 1),
        (tg.Tensor(np.array([True, False, True])), [True, False, True]),
        ((tg.Tensor(np.array([0, 1])), tg.Tensor(np.array([2, 2]))), ([0, 1], [2, 2])),
        ((slice(None), tg.Tensor(np.array([1, 1]))), (slice(None), [1, 1])),
        (slice(tg.Tensor(np.int64(1)), None), slice(1, None)),
    ],
)
def test_tensors_of_integers_and_booleans_are_indices(index, plain):
    square = np.arange(9.0).reshape(3, 3)
    weights = np.cos(np.arange(square[plain].size)).reshape(square[plain].shape)
    got, want = (slopes(lambda x, i=i: x[i] * weights, square) for i in (index, plain))
    np.testing.assert_array_equal(got, want)


def test_an_index_tensor_written_to_later_changes_nothing():
    x, i = T([1.0, 2.0, 3.0]), tg.Tensor(np.array([0, 0]))
    y = x[i].sum()
    i.data[:] = 2
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 0.0])


def test_tensors_index_arrays_lists_and_ranges():
    one = tg.Tensor(np.int64(1))
    assert np.arange(3)[one] == 1
    assert [5, 6, 7][one] == 6
    assert list(range(one)) == [0]
    np.testing.assert_array_equal(np.arange(3)[tg.Tensor(np.array([2, 0]))], [2, 0])


@pytest.mark.parametrize("index", [10, -4, [0, 3], (0, 0), "a", 0.5, [0.5], [True, False]])
def test_what_no_array_takes_is_an_index_error(index):
    with pytest.raises(IndexError):
        T([1.0, 2.0, 3.0])[index]


@pytest.mark.parametrize("index", [T(1.0), T([0.0, 1.0])])
def test_floats_are_no_index(index):
    with pytest.raises((TypeError, IndexError)):
        T([1.0, 2.0, 3.0])[index]
    with pytest.raises(TypeError):
        T([1.0, 2.0, 3.0])[: tg.Tensor(2.0, requires_grad=False)]


def test_the_error_names_the_tensor():
    W1 = T(np.ones((2, 3)))
    with pytest.raises(IndexError, match=r"W1 \(2, 3\).*out of bounds"):
        W1[5]


@pytest.mark.parametrize("write", ["x[0] = 1.0", "x[0] += 1.0", "x[x > 0] = 0.0", "del x[0]"])
def test_entries_are_not_assigned(write):
    with pytest.raises(TypeError, match=r"assignment.*np\.where"):
        exec(write, {"x": T([1.0, 2.0])})


def test_a_view_taken_before_and_the_whole_share_one_gradient():
    x = T(np.arange(6.0).reshape(2, 3))
    row, column = x[0], x[:, 1]
    np.sum(row * column[0] + x[1]).backward()
    np.testing.assert_array_equal(x.grad, [[1.0, 4.0, 1.0], [1.0, 1.0, 1.0]])


def test_np_take_put_and_along_axis_count_repeats():
    x = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    agrees_with_differences(lambda x: np.take(x, [0, 0, 2], axis=1) ** 2, x)
    agrees_with_differences(lambda x: np.take(x, [[-1, 0]]) ** 2, x)
    agrees_with_differences(lambda x: np.take_along_axis(x, np.array([[0, 0], [2, 1]]), axis=1) ** 2, x)
    agrees_with_differences(lambda x: np.compress([True, False, True], x, axis=1) ** 2, x)
    agrees_with_differences(lambda x: np.delete(x, 1, axis=1) ** 2, x)
    agrees_with_differences(lambda x: np.insert(x, 1, x[:, 0], axis=1) ** 2, x)
    agrees_with_differences(lambda x: np.repeat(x, [2, 0, 1], axis=1) ** 2, x)


def test_picking_one_entry_of_a_large_array_again_and_again_stays_linear():
    x = T(np.ones(2000))
    J = sum(x[k] for k in range(2000))
    J.backward()
    np.testing.assert_array_equal(x.grad, np.ones(2000))
