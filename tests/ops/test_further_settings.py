"""NumPy's ``dtype``, ``initial`` and ``where`` of reductions: its values, and the derivatives of those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.cases import Case, Entry, plain
from tests.ops.derivatives import Probe

MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])
WEIGHTS = np.arange(4.0)

CALLS: list[tuple[Any, Mapping[str, Any]]] = [
    (np.sum, {"where": MASK}),
    (np.sum, {"where": MASK[0], "axis": 1, "keepdims": True}),
    (np.sum, {"initial": 3.0, "axis": 0}),
    (np.sum, {"dtype": np.float64}),
    (np.sum, {"axis": 1, "dtype": np.float32}),
    (np.prod, {"where": MASK, "axis": 0}),
    (np.prod, {"initial": 2.0, "dtype": np.float64}),
    (np.max, {"initial": -1.0, "where": MASK, "axis": 1}),
    (np.max, {"initial": 0.5, "axis": 0}),
    (np.min, {"initial": 1.0, "where": MASK, "keepdims": True}),
    (np.mean, {"where": MASK, "axis": 1}),
    (np.mean, {"where": MASK, "dtype": np.float64}),
    (np.mean, {"dtype": np.float64, "axis": 0}),
    (np.var, {"where": MASK, "axis": 0}),
    (np.var, {"where": MASK, "ddof": 1, "keepdims": True}),
    (np.std, {"where": MASK, "axis": 1}),
    (np.std, {"where": MASK, "ddof": 1}),
]


@pytest.mark.parametrize(("function", "settings"), CALLS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_value_is_numpys(function: Any, settings: Mapping[str, Any], dtype: Any) -> None:
    x = np.random.default_rng(0).uniform(-2, 2, (3, 4)).astype(dtype)
    got, expected = function(tg.Tensor(x), **settings), function(x, **settings)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(plain(got), expected, rtol=1e-5, atol=1e-6 if dtype == np.float32 else 1e-14)


PRECISE = [call for call in CALLS if call[1].get("dtype") is not np.float32]  # differences need all digits


@pytest.mark.parametrize(("function", "settings"), PRECISE)
def test_the_derivatives_are_those_of_the_value(function: Any, settings: Mapping[str, Any]) -> None:
    entry = Entry(function.__name__, function, (), ())
    for seed in range(5):
        x = np.random.default_rng(seed).uniform(-2, 2, (3, 4))
        probe = Probe(Case(entry, (x,), settings), seed)
        assert probe.agrees(1)
        assert probe.agrees(2)


def test_what_is_not_chosen_has_no_gradient_even_if_it_is_nan() -> None:
    for function in (np.sum, np.mean, np.var, np.std):
        x = tg.Tensor(np.where(MASK, 1.0 + np.arange(12.0).reshape(3, 4), np.nan))
        function(x, where=MASK).backward()
        assert x.grad is not None
        assert np.isfinite(x.grad).all()
        assert not x.grad[~MASK].any()


def test_the_dtype_may_stand_where_numpy_has_it() -> None:
    t = tg.Tensor(np.ones((2, 2), np.float32))
    assert np.sum(t, 0, np.float64).dtype == np.float64
    np.sum(t, 0, np.float64).sum().backward()
    assert t.grad is not None
    assert t.grad.dtype == np.float32


@pytest.mark.parametrize("function", [np.max, np.min])
def test_an_extreme_of_some_needs_a_value_for_none(function: Any) -> None:
    with pytest.raises(ValueError, match="where= needs initial="):
        function(tg.Tensor([1.0, 2.0]), where=[True, False])


def test_the_initial_value_may_be_differentiated() -> None:
    start = tg.Tensor(2.0)
    np.prod(tg.Tensor([3.0, 5.0]), initial=start).backward()
    assert start.grad == 15.0
