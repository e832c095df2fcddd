"""What holds where a derivative does not exist, or is easily lost: ties, zeros, kinks, nan, long sums."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_edu as tg

nan, inf = float("nan"), float("inf")


def slopes(f: Callable[..., Any], *xs: Any) -> Any:
    """The gradient of the sum of f with respect to each input, as lists."""
    ts = [tg.Tensor(x, dtype=float) for x in xs]
    f(*ts).sum().backward()
    found = [None if t.grad is None else t.grad.tolist() for t in ts]
    return found[0] if len(found) == 1 else found


@pytest.fixture(autouse=True)
def _nothing_warns() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.absolute, [0.0, -0.0, -2.0], [0, 0, -1]),
        (np.fabs, [0.0, -2.0], [0, -1]),
        (np.sign, [0.0, 3.0], [0, 0]),
        (np.floor, [1.0, 1.5], [0, 0]),
        (np.max, [2.0, 2.0, 1.0], [0.5, 0.5, 0]),
        (np.min, [2.0, 2.0, 1.0, 1.0], [0, 0, 0.5, 0.5]),
        (np.ptp, [1.0, 1.0], [0, 0]),
        (np.std, [3.0, 3.0], [0, 0]),
        (np.nanstd, [3.0, nan, 3.0], [0, 0, 0]),
        (np.nansum, [3.0, nan], [1, 0]),
        (np.nanmean, [3.0, nan, 1.0], [0.5, 0, 0.5]),
        (np.nanmax, [3.0, nan, 3.0], [0.5, 0, 0.5]),
        (np.nanmin, [3.0, nan, 1.0], [0, 0, 1]),
        (np.nanprod, [3.0, nan, 2.0], [2, 0, 3]),
        (np.nanmedian, [3.0, nan, 2.0], [0.5, 0, 0.5]),
        (np.nan_to_num, [3.0, nan, 2.0], [1, 0, 1]),
        (np.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
        (np.prod, [0.0, 0.0, 3.0], [0, 0, 0]),
        (np.cumprod, [2.0, 0.0, 3.0], [1, 8, 0]),
        (np.cumprod, [0.0, 2.0, 3.0], [9, 0, 0]),
        (np.median, [1.0, 5.0, 3.0], [0, 0, 1]),
        (np.sort, [2.0, 1.0], [1, 1]),
        (np.sinc, [0.0, 1.0], [0, -1]),
        (lambda x: x**0, [0.0, 2.0], [0, 0]),
        (lambda x: x**1, [0.0, 2.0], [1, 1]),
        (lambda x: x**2, [0.0, -3.0], [0, -6]),
        (lambda x: x**3, [-2.0], [12]),
        (lambda x: x**-1, [-2.0], [-0.25]),
        (lambda x: 0.0**x, [2.0], [0]),
        (lambda x: np.clip(x, 0.0, 1.0), [-1.0, 0.0, 0.5, 1.0, 2.0], [0, 0.5, 1, 0.5, 0]),
        (lambda x: np.clip(x, None, 1.0), [-1.0, 2.0], [1, 0]),
        (lambda x: np.maximum(x, nan), [1.0], [0]),
        (lambda x: np.fmax(x, nan), [1.0], [1]),
        (lambda x: np.fmin(nan, x), [1.0], [1]),
        (lambda x: np.heaviside(0.0, x), [1.0], [1]),
        (lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0), [0.0, 2.0], [0, 0.5]),
        (lambda x: np.take(x, [0, 0, -1]), [1.0, 2.0], [2, 1]),
        (lambda x: np.take_along_axis(x, np.array([1, 1]), axis=0), [1.0, 2.0], [0, 2]),
        (lambda x: np.piecewise(x, [x < 0, x >= 0], [0.0, np.sqrt]), [-1.0, 4.0], [0, 0.25]),
    ],
)
def test_the_documented_slope_holds(f: Any, x: list[float], slope: list[float]) -> None:
    np.testing.assert_allclose(slopes(f, x), slope, atol=1e-15)


@pytest.mark.parametrize(
    ("f", "a", "b", "expected"),
    [
        (np.maximum, 1.0, 1.0, [0.5, 0.5]),
        (np.minimum, 1.0, 1.0, [0.5, 0.5]),
        (np.fmax, 1.0, 1.0, [0.5, 0.5]),
        (np.hypot, 0.0, 0.0, [0, 0]),
        (np.remainder, -5.5, 2.0, [1, 3]),
        (np.fmod, -5.5, 2.0, [1, 2]),
        (np.floor_divide, 5.0, 2.0, [0, 0]),
        (np.copysign, -2.0, 3.0, [-1, 0]),
        (np.logaddexp, 1000.0, -1000.0, [1, 0]),
        (np.logaddexp, 0.0, -inf, [1, 0]),
        (np.power, 0.0, 2.0, [0, 0]),
        (np.power, 2.0, 0.0, [0, np.log(2)]),
        (np.arctan2, 0.0, 2.0, [0.5, 0]),
    ],
)
def test_the_documented_slopes_of_two_hold(f: Any, a: float, b: float, expected: list[float]) -> None:
    np.testing.assert_allclose(slopes(f, a, b), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("f", "x", "second"),
    [
        (lambda x: x**2, 0.0, 2.0),
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: x**1, 0.0, 0.0),
        (np.sinc, 0.0, -(np.pi**2) / 3),
        (lambda x: np.logaddexp(x, 1.0), 1.0, 0.25),
        (np.exp, 0.0, 1.0),
        (lambda x: np.prod(np.stack([x, x, 0.0 * x + 2.0])), 0.0, 4.0),
        (lambda x: np.cumprod(np.stack([x, x]))[1], 0.0, 2.0),
        (np.expm1, 0.0, 1.0),
        (np.arcsinh, 0.0, 0.0),
    ],
)
def test_second_derivatives_at_points_where_they_are_easily_lost(f: Any, x: float, second: float) -> None:
    t = tg.Tensor(x)
    (g,) = tg.grad(f(t), [t], create_graph=True)
    h = tg.grad(g, [t])[0] if g.requires_grad else np.array(0.0)
    np.testing.assert_allclose(h, second, atol=1e-12)


MASK = np.array([True, False, True])
LENGTHS: list[Callable[[Any], Any]] = [
    lambda v: np.sum(np.abs(v) ** 2),
    lambda v: np.sum(np.fabs(v) ** 2),
    lambda v: np.sum(np.copysign(v, -1.0) ** 2),
    lambda v: np.hypot(v[0], np.hypot(v[1], v[2])) ** 2,
    lambda v: np.std(v) ** 2,
    lambda v: np.linalg.norm(v) ** 2,
    lambda v: np.linalg.norm(np.reshape(v, (1, 3))) ** 2,
    *(lambda v, p=p: np.linalg.vector_norm(v, ord=p) ** 2 for p in (1, 1.5, 2, 3, np.inf)),
]
"""Smooth or not, these are all made of functions with a kink."""


SPREADS: list[Callable[[Any], Any]] = [
    lambda v: np.std(v, where=MASK) ** 2,
    lambda v: np.std(v, correction=1) ** 2,
    lambda v: np.std(v, mean=np.mean(v)) ** 2,
    lambda v: np.std(np.reshape(v, (1, 3)), axis=1, where=MASK, keepdims=True)[0, 0] ** 2,
    lambda v: np.nanstd(v) ** 2,
    lambda v: np.nanstd(np.concatenate([v, [np.nan]]), ddof=1) ** 2,
    lambda v: np.var(v, where=MASK),
    np.nanvar,
]
"""Of some of the entries, which are written with other operations."""


@pytest.mark.parametrize("f", [*LENGTHS, *SPREADS])
def test_a_second_derivative_at_a_kink_is_right_or_nan(f: Callable[[Any], Any]) -> None:
    for v in map(np.array, itertools.product([0.0, 1.0, -2.0, 3.5], repeat=3)):
        h = tg.func.hessian(f)(v)
        # The function is homogeneous of degree 2: wherever it has a Hessian, v H v is 2 f(v). Along each axis
        # the difference of the values at both sides tells it, from which entries of different size keep away.
        np.testing.assert_allclose(np.where(np.isnan(h).any(), 2 * f(v), v @ h @ v), 2 * f(v), atol=1e-9)
        for k, e in enumerate(np.eye(3) * 1e-4):
            if not np.isnan(h[k, k]) and (not v.any() or len(set(np.abs(v))) == 3):
                around = (f(v + e) - 2 * f(v) + f(v - e)) / 1e-8
                np.testing.assert_allclose(h[k, k], around, atol=1e-3)


def test_the_first_derivative_at_a_kink_stays_0_where_the_second_is_nan() -> None:
    for f in LENGTHS:
        gradient, h = tg.func.grad(f)(np.zeros(3)), tg.func.hessian(f)(np.zeros(3))
        assert not gradient.any()
        assert np.isnan(h).all() or np.isnan(np.diag(h)).all()


def test_derivatives_of_the_fifth_order() -> None:
    t = tg.Tensor(0.7)
    for f, expected in (
        (np.sin, np.cos(0.7)),
        (np.sinc, None),
        (lambda x: np.prod(np.stack([x] * 6)), 720 * 0.7),
    ):
        y = f(t)
        for _ in range(5):
            (y,) = tg.grad(y, [t], create_graph=True)
        if expected is None:
            expected = tg.derivative_of_sinc(np.array(0.7), order=5)
        np.testing.assert_allclose(y.data, expected, rtol=1e-9)


@given(st.integers(0, 8), st.floats(-6, 6))
def test_derivatives_of_sinc_are_those_of_its_power_series(order: int, x: float) -> None:
    # Independent: the Fourier integral sinc(x) = ∫ cos(πkx) dk over k in (0, 1), differentiated inside.
    k, weight = np.polynomial.legendre.leggauss(60)
    k, weight = (k + 1) / 2, weight / 2
    integrand = (np.pi * k) ** order * np.cos(np.pi * k * x + order * np.pi / 2)
    expected = np.sum(weight * integrand)
    got = tg.derivative_of_sinc(np.array(x), order=order)
    np.testing.assert_allclose(got, expected, atol=1e-6 * max(1.0, np.pi**order / (order + 1)))


@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_a_million_float32_rows_add_up_accurately(axis: Any) -> None:
    x = tg.Tensor(np.full((1_000_000, 2), 0.1, np.float32))
    x = x[:, :1] if axis is None else x
    assert np.sum(x, axis=axis).dtype == np.float32
    np.testing.assert_allclose(np.sum(x, axis=axis).data, 2e5 if axis == (0, 1) else 1e5, rtol=1e-6)
    np.testing.assert_allclose(np.mean(x, axis=axis).data, 0.1, rtol=1e-6)
    np.testing.assert_allclose(tg.sum(x.data, axis=axis), np.sum(x, axis=axis).data, rtol=0)


@given(arrays(float, st.integers(1, 6), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])))
def test_the_product_has_the_slope_of_a_polynomial(x: np.ndarray[Any, Any]) -> None:
    others = [np.prod(np.delete(x, k)) for k in range(len(x))]
    np.testing.assert_allclose(slopes(np.prod, x), others)
    runs = [sum(np.prod(np.delete(x[: n + 1], k)) for n in range(k, len(x))) for k in range(len(x))]
    np.testing.assert_allclose(slopes(np.cumprod, x), runs)


@given(arrays(float, (3, 3), elements=st.sampled_from([0.0, 1.0, 2.0])), st.sampled_from([0, 1, None]))
def test_tied_extremes_share_one_slope(x: np.ndarray[Any, Any], axis: int | None) -> None:
    g = np.asarray(slopes(lambda t: np.max(t, axis=axis), x))
    np.testing.assert_allclose(g.sum(axis=axis), np.ones_like(x.max(axis=axis)))
    assert not g[x != np.broadcast_to(x.max(axis=axis, keepdims=True), x.shape)].any()


@given(arrays(float, (2, 4), elements=st.sampled_from([0.0, 1.0, 2.0])))
def test_sorting_moves_each_slope_once(x: np.ndarray[Any, Any]) -> None:
    weights = np.array([1.0, 10.0, 100.0, 1000.0])
    for f in (np.sort, lambda t: np.partition(t, 2)):
        g = np.asarray(slopes(lambda t, f=f: f(t) * weights, x))
        np.testing.assert_array_equal(np.sort(g), np.broadcast_to(weights, x.shape))
        np.testing.assert_allclose((g * x).sum(), (f(x) * weights).sum())


def test_where_all_are_nan_the_extreme_is_nan() -> None:
    assert np.isnan(np.nanmax(tg.Tensor([nan, nan])).item())
    assert np.isnan(np.median(tg.Tensor([nan, 1.0])).item())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: np.reshape(t, (2, 2), order="A"), 'expected "C" or "F" as order'),
        (lambda t: np.take(t, [0], mode="over"), "expected a mode"),
        (lambda t: np.take(t, [7]), "out of bounds"),
        (lambda t: np.pad(t, 1, mode="maximum"), "expected a mode"),
        (lambda t: np.pad(t, 1, constant_values=(1.0, 2.0)), "one number"),
        (lambda t: np.quantile(t, 1.5), "within 0 and 1"),
        (lambda t: np.percentile(t, 150), "within 0 and 100"),
        (lambda t: np.quantile(t, 0.5, method="weibull"), "expected a method"),
        (lambda t: np.quantile(t[:0], 0.5), "at least one entry"),
        (lambda t: np.diff(t, n=-1), "n of 0 or more"),
        (lambda t: np.diff(t.sum()), "at least one axis"),
        (lambda t: np.gradient(t, edge_order=3), "edge_order 1 or 2"),
        (lambda t: np.gradient(t[:1]), "at least 2 entries"),
        (lambda t: np.gradient(t, [1.0, 2.0]), "expected 4 coordinates"),
        (lambda t: np.split(t, 3), "equal sections"),
        (lambda t: np.array_split(t, 0), "at least 1 section"),
        (lambda t: np.vsplit(t, 2), "at least 2 axes"),
        (lambda t: np.stack([t, t[:2]]), "arrays of one shape"),
        (lambda t: np.block([t, [t]]), "nested to one depth"),
        (lambda t: np.cumulative_sum(t.reshape(2, 2)), "expected an axis"),
        (lambda t: np.average(t, weights=[1.0, 2.0]), "expected weights"),
        (lambda t: np.select([[True]], [t, t]), "as many choices"),
        (lambda t: np.piecewise(t, [t > 0], [1, 2, 3]), "expected 1 functions"),
        (lambda t: np.interp(t, [1.0, 2.0], [1.0]), "as many samples"),
        (lambda t: np.meshgrid(t, indexing="xz"), "expected indexing"),
        (lambda t: np.vander(t.reshape(2, 2)), "expected a vector"),
        (lambda t: np.linspace(t, t, num=-1), "num of 0 or more"),
        (np.rot90, "at least 2 axes"),
        (np.fliplr, "at least 2 axes"),
        (lambda t: np.squeeze(t, 0), "size not equal to one"),
    ],
)
def test_what_cannot_be_meant_is_refused(call: Any, said: str) -> None:
    with pytest.raises((ValueError, IndexError), match=said):
        call(tg.Tensor([1.0, 2.0, 3.0, 4.0]))


def test_one_sample_is_the_same_everywhere() -> None:
    x, f = tg.Tensor([0.0, 1.0, 2.0]), tg.Tensor([5.0])
    y = np.interp(x, [1.0], f)
    y.sum().backward()
    assert y.tolist() == [5, 5, 5]
    assert (x.grad.tolist(), f.grad.tolist()) == ([0, 0, 0], [3])


@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min, np.nansum, np.nanmax, np.nanmean, np.cumprod])
@pytest.mark.parametrize("axis", [0, -1])
def test_a_number_may_be_reduced_along_the_axis_that_it_does_not_have(f: Any, axis: int) -> None:
    x = tg.Tensor(3.0)
    f(x, axis=axis).sum().backward()
    assert f(x, axis=axis).shape == f(3.0, axis=axis).shape
    assert x.grad == 1.0


def test_shapes_in_which_there_is_nothing() -> None:
    assert np.resize(tg.Tensor(np.ones((0, 3))), (2, 2)).tolist() == [[0, 0], [0, 0]]
    assert np.pad(tg.Tensor(3.0), 2).item() == 3.0
    assert np.cumulative_sum(tg.Tensor(3.0)).tolist() == np.cumulative_sum(np.array(3.0)).tolist()
    with pytest.raises(ValueError, match="at most two axes"):
        np.cov(tg.Tensor(np.ones((2, 2, 2))))


def test_gradient_needs_a_spacing_for_each_axis() -> None:
    with pytest.raises(TypeError, match="expected 1 or 2 spacings, got 3"):
        np.gradient(tg.Tensor(np.ones((3, 3))), 1.0, 2.0, 3.0)


def test_two_definitions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="already"):
        tg.core.kinds.composed(samples=[])(np.var)
    with pytest.raises(ValueError, match="already"):
        tg.core.kinds.movement(pullback=None, latex="", samples=[], name="exp")(lambda x: x)


def test_what_has_enough_axes_is_not_recorded_again() -> None:
    t = tg.Tensor(np.ones((2, 3)))
    assert np.atleast_2d(t) is t
    assert np.vstack([t, t]).inputs == (t, t)
