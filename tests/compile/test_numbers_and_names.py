"""Numbers of any size, and names of any letters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg

NUMBERS: list[Any] = [
    0, 1, -3, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**20, 10**300,
    0.0, -0.0, 0.1, 1e10, 1e16, 2.0**40, -1e30, 6.02214076e23, 1e-170, 1e200, 5e-324,
    float("inf"), float("-inf"), float("nan"), np.float32(1e20), np.float64(1e10), np.int64(2**40),
]  # fmt: skip
FORMS = {
    "x + c": lambda x, c: x + c,
    "c - x": lambda x, c: c - x,
    "c x": lambda x, c: c * x,
    "x / c": lambda x, c: x / c,
    "c / x": lambda x, c: c / x,
    "(x / c)^2": lambda x, c: (x / c) ** 2,
    "c (c x)": lambda x, c: c * (c * x),
    "x (c - x)": lambda x, c: x * (c - x),
    "max(x, c)": np.maximum,
    "c x - c x": lambda x, c: c * x - c * x,
    "exp(x) / c": lambda x, c: np.exp(x) / c,
    "x where x > c": lambda x, c: np.where(x > c, x, c),
}


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@given(
    st.sampled_from(sorted(FORMS)),
    st.one_of(st.sampled_from(NUMBERS), st.floats(), st.integers(-(10**30), 10**30)),
    st.sampled_from([(), (3,)]),
    st.booleans(),
)
def test_numbers_mean_what_they_mean_in_numpy(form: str, c: Any, shape: Any, mean: bool) -> None:
    def loss(x: Any) -> Any:
        y = FORMS[form](x, c)
        return np.mean(y) / c if mean else np.sum(y)

    x = np.full(shape, 0.75)
    t = tg.Tensor(x)
    J = loss(t)
    expected = tg.grad(J, [t])[0]
    found, grad = tg.compile(loss)(x)
    scale = np.abs(np.asarray(c, float)) if np.isfinite(np.asarray(c, float)) else 1.0
    # Where the algebra spares an overflow or a cancellation, its number is the better one.
    if np.isfinite(J.item()):
        np.testing.assert_allclose(found, J.item(), rtol=1e-9, atol=1e-9 * min(scale, 1.0))
    if np.isfinite(expected).all():
        np.testing.assert_allclose(grad, expected, rtol=1e-9, atol=1e-300)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_what_is_no_number_is_not_swallowed() -> None:
    assert tg.compile(lambda x: x / 0.0)(np.array(2.0))[0] == np.inf
    assert np.isnan(tg.compile(lambda x: np.var(x, ddof=1))(np.array([3.0]))[1]).all()
    assert np.isnan(tg.compile(lambda x: np.sum(x * 0.0 * np.inf))(np.ones(2))[1]).all()
    long = np.full((1, 30_011), 0.0)
    J, _ = tg.compile(lambda w, X: 1 / np.sum((w @ X) ** 2))(np.ones((1, 50)), np.zeros((50, 30_011)))
    assert np.isinf(J), long.shape


@given(st.lists(st.text(max_size=6), min_size=1, max_size=4, unique=True))
def test_parameters_of_any_name(names: list[str]) -> None:
    def loss(p: Any) -> Any:
        total = 0.0
        for k, name in enumerate(names, start=1):
            p[name].name = name
            total = total + k * (p[name] ** 2).sum()
        return total

    _, grads = tg.compile(loss)({name: np.array([1.0, 2.0]) for name in names})
    assert {name: grads[name].tolist() for name in names} == {
        name: [2.0 * k, 4.0 * k] for k, name in enumerate(names, start=1)
    }


@pytest.mark.parametrize(
    "name", ["W₁", "x²", "Z⁽¹⁾", "θ₁", "a½", "µ", "lambda", "W^{[1]}", "1st", "", "w_", "def "]
)
def test_names_of_the_notes(name: str) -> None:
    step = tg.compile(lambda p: (p[name] ** 2).sum())
    assert step({name: np.array([2.0, 3.0])})[1][name].tolist() == [4.0, 6.0]


@pytest.mark.parametrize("pair", [("\u00b5", "\u03bc"), ("\ufb01", "fi"), ("\U0001d416", "W"), ("W₁", "W1")])
def test_names_that_python_takes_for_one(pair: tuple[str, str]) -> None:
    a, b = pair
    _, g = tg.compile(lambda p: p[a] * p[a] * p[b])({a: np.array(2.0), b: np.array(3.0)})
    assert (g[a], g[b]) == (12.0, 4.0)
