"""Reductions where they break: ties, nothing to reduce, nan, infinities, equal entries, awkward axes."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences, slopes

nan, inf = np.nan, np.inf
REDUCTIONS = [
    np.sum,
    np.mean,
    np.prod,
    np.max,
    np.min,
    np.var,
    np.std,
    np.ptp,
    np.median,
    tg.logsumexp,
    np.linalg.norm,
]
AXES = [None, 0, 1, 2, -1, -3, (0,), (0, 1), (2, 0), (-1, -2), (0, 1, 2), ()]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize(
    "f", [np.sum, np.mean, np.prod, np.max, np.var, np.std, tg.logsumexp], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_every_axis(f, axis, keepdims):
    x = np.cos(np.arange(24.0)).reshape(2, 3, 4)
    shape = np.sum(x, axis=axis, keepdims=keepdims).shape
    weights = np.sin(1.0 + np.arange(int(np.prod(shape)))).reshape(shape)
    agrees_with_differences(lambda x: f(x, axis=axis, keepdims=keepdims) * weights, x, rtol=1e-5)


@pytest.mark.parametrize("f", REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [3, -4])
def test_an_axis_that_is_not_there_is_named(f, axis):
    with pytest.raises(ValueError, match=r"axis|dimension"):
        f(T(np.ones((2, 3, 4))), axis=axis)


@pytest.mark.parametrize(
    ("x", "slope"),
    [
        ([2.0, 5.0, 5.0], [0, 0.5, 0.5]),
        ([5.0, 5.0, 5.0], [1 / 3, 1 / 3, 1 / 3]),
        ([inf, 1.0, inf], [0.5, 0, 0.5]),
        ([-inf, -inf], [0.5, 0.5]),
        ([0.0, -0.0], [0.5, 0.5]),
        ([-0.0, 0.0, -1.0], [0.5, 0.5, 0]),
    ],
)
def test_ties_share(x, slope):
    np.testing.assert_allclose(slopes(np.max, x)[0], slope)
    np.testing.assert_allclose(slopes(lambda x: np.min(-x), x)[0], np.negative(slope))


def test_ties_share_along_each_line_of_its_own():
    x = np.array([[1.0, 1.0, 0.0], [2.0, 3.0, 3.0]])
    np.testing.assert_allclose(slopes(lambda x: np.max(x, axis=1), x)[0], [[0.5, 0.5, 0], [0, 0.5, 0.5]])
    np.testing.assert_allclose(slopes(lambda x: np.max(x, axis=0), x)[0], [[0, 0, 0], [1, 1, 1]])
    np.testing.assert_allclose(slopes(lambda x: np.max(x, axis=(0, 1)), x)[0], [[0, 0, 0], [0, 0.5, 0.5]])


def test_a_maximum_of_a_maximum_still_sums_to_one():
    (g,) = slopes(lambda x: np.max(np.max(x, axis=1)), [[5.0, 5.0], [5.0, 1.0]])
    assert g.sum() == 1.0


@pytest.mark.parametrize("f", [np.sum, np.prod, np.cumsum, np.cumprod, np.sort, tg.relu, np.ravel, np.diff])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_what_empty_arrays_can_do(f, shape):
    x = T(np.ones(shape))
    y = f(x)
    np.testing.assert_array_equal(y.data, f(np.ones(shape)))
    y.backward(np.ones(y.shape))
    assert x.grad.shape == shape


@pytest.mark.parametrize(
    "f",
    [np.max, np.min, np.ptp, np.median, lambda x: np.quantile(x, 0.5), tg.softmax, np.argmax, tg.log_softmax],
)
def test_what_empty_arrays_cannot_do_is_a_value_error(f):
    with pytest.raises(ValueError, match=r"empty|zero-size|at least one"):
        f(T(np.ones((0,))))


def test_reducing_an_axis_beside_an_empty_one():
    x = T(np.ones((0, 3)))
    y = np.max(x, axis=1)
    assert y.shape == (0,)
    y.backward(np.ones(0))
    assert x.grad.shape == (0, 3)
    assert np.sum(T(np.ones((3, 0))), axis=1).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("f", [np.var, np.std, np.ptp, np.linalg.norm])
def test_equal_entries_have_slope_zero_and_no_warning(f):
    with np.errstate(all="raise"):
        (g,) = slopes(f, np.full(4, 0.0 if f is np.linalg.norm else 3.0))
    assert np.isfinite(g).all()
    np.testing.assert_array_equal(g, np.zeros(4))


def test_only_the_equal_line_has_slope_zero():
    (g,) = slopes(lambda x: np.std(x, axis=1), [[3.0, 3.0], [1.0, 3.0]])
    np.testing.assert_allclose(g, [[0, 0], [-0.5, 0.5]])
    (g,) = slopes(lambda x: np.linalg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(g, [[0, 0], [0.6, 0.8]])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_products_with_zeros_to_the_second_order(zeros):
    x = np.array([2.0, 3.0, -1.5, 0.5])
    x[:zeros] = 0.0
    for f in (np.prod, lambda x: np.sum(np.cumprod(x))):
        with np.errstate(all="raise"):
            agrees_with_differences(f, x)
            check = tg.check.gradients(f, x, order=2)
        assert check.ok, str(check)


def test_nan_is_said_and_not_swallowed():
    with np.errstate(invalid="ignore"):
        (g,) = slopes(np.max, [nan, 1.0, 2.0])
    assert np.isnan(g).any()
    assert np.isnan(np.max(T([nan, 1.0])).item())
    assert slopes(np.nanmax, [nan, 1.0, 2.0])[0].tolist() == [0, 0, 1]
    assert slopes(np.nansum, [nan, 1.0, 2.0])[0].tolist() == [0, 1, 1]
    assert slopes(np.nanmean, [nan, 1.0, 2.0])[0].tolist() == [0, 0.5, 0.5]
    x = T([nan, 1.0])
    np.sum(x * 2).backward()
    assert x.grad.tolist() == [2.0, 2.0]  # a sum's slope does not depend on its entries


def test_infinities_are_added_up_without_spoiling_other_entries():
    (g,) = slopes(lambda x: np.sum(np.where(np.isfinite(x), x, 0.0) ** 2), [inf, 3.0, -inf])
    assert g.tolist() == [0.0, 6.0, 0.0]


def test_mean_of_many_float32_is_the_mean():
    x = T(np.full((100_000, 3), 0.1), np.float32)
    np.testing.assert_allclose(np.mean(x, axis=0).data, 0.1, rtol=1e-5)
    np.testing.assert_allclose(np.var(x, axis=0).data, 0.0, atol=1e-9)


def test_variance_does_not_cancel():
    x = 1e8 + np.array([1.0, 2.0, 3.0])
    assert np.var(T(x)).item() == pytest.approx(2 / 3)
    np.testing.assert_allclose(slopes(np.var, x)[0], [-2 / 3, 0, 2 / 3], atol=1e-9)
