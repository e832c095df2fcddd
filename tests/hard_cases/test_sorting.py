"""Sorting and its kin: ties keep one place each, nan goes last, second derivatives follow the entries."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences, slopes

TIED = np.array([[2.0, 1.0, 2.0, 3.0], [5.0, 5.0, 5.0, -1.0]])
APART = np.array([[2.0, 1.0, 7.0, 3.0], [5.0, -4.0, 0.5, -1.0]])


@pytest.mark.parametrize("axis", [None, 0, 1, -1, -2])
@pytest.mark.parametrize("f", [np.sort, lambda x, axis: np.partition(x, 1, axis=axis)])
def test_sorting_moves_gradients_with_the_entries(f, axis):
    shape = f(APART, axis=axis).shape
    weights = np.arange(8.0).reshape(shape)
    if f is np.sort:
        agrees_with_differences(lambda x: f(x, axis=axis) ** 2 * weights, APART)
    else:
        (g,) = slopes(lambda x: f(x, axis=axis) ** 2, APART)
        np.testing.assert_allclose(g, 2 * APART)


@pytest.mark.parametrize("x", [TIED, np.zeros((3, 3)), [[np.inf, 1.0, np.inf]], [[-0.0, 0.0]]])
def test_every_tied_entry_receives_one_of_the_gradients(x):
    weights = np.arange(1.0, np.size(x) + 1).reshape(np.shape(x))
    (g,) = slopes(lambda x: np.sort(x, axis=1) * weights, x)
    np.testing.assert_array_equal(np.sort(g, axis=1), weights)


def test_nan_goes_last_and_takes_its_gradient_with_it():
    (g,) = slopes(lambda x: np.sort(x)[:2], [np.nan, 2.0, 1.0])
    assert g.tolist() == [0.0, 1.0, 1.0]


def test_sorted_by_another_array():
    x = APART[0]
    order = np.argsort(T(x))
    assert type(order) is np.ndarray
    np.testing.assert_array_equal(order, np.argsort(x))
    agrees_with_differences(lambda x: x[order] * np.arange(4.0), x)
    agrees_with_differences(
        lambda x: np.take_along_axis(x, np.argsort(APART, axis=1), axis=1) * np.arange(4.0), APART
    )


def test_sorting_does_not_touch_the_original():
    x = T([3.0, 1.0, 2.0])
    y = x.sort()
    assert x.tolist() == [3.0, 1.0, 2.0]
    assert y.tolist() == [1.0, 2.0, 3.0]
    np.sort(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("q", [0.0, 0.25, 0.3, 0.5, 1.0, [0.1, 0.9]])
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(q, method):
    x = APART[0]
    agrees_with_differences(lambda x: np.quantile(x, q, method=method), x)
    agrees_with_differences(lambda x: np.percentile(x, np.multiply(q, 100), axis=1, method=method), APART)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_weights_of_a_median_add_up_to_one(n):
    for x in (np.arange(n, dtype=float), np.zeros(n)):
        (g,) = slopes(np.median, x)
        assert g.sum() == pytest.approx(1.0)
        assert (g >= 0).all()


@pytest.mark.parametrize("q", [-0.1, 1.1, [0.5, 2.0]])
def test_shares_outside_are_refused(q):
    with pytest.raises(ValueError, match="within 0 and 1"):
        np.quantile(T([1.0, 2.0]), q)


def test_second_derivatives_through_sorting():
    x = T([3.0, 1.0, 2.0])
    (g,) = tg.grad(np.sum(np.sort(x) ** 3 * [1.0, 10.0, 100.0]), [x], create_graph=True)
    (h,) = tg.grad(np.sum(g), [x])
    np.testing.assert_allclose(h, [6 * 3.0 * 100, 6 * 1.0, 6 * 2.0 * 10])


def test_the_largest_few():
    x = T([3.0, 9.0, 1.0, 7.0])
    np.sum(np.sort(x)[-2:]).backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize("f", [np.argsort, np.argmax, np.argmin, np.argpartition])
def test_places_are_plain_integers(f):
    args = (1,) if f is np.argpartition else ()
    got = f(T(APART), *args, axis=1)
    assert not isinstance(got, tg.Tensor)
    np.testing.assert_array_equal(got, f(APART, *args, axis=1))
