"""What recording costs: a leaf's array is copied only where somebody else holds it, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

RECORDED = [np.exp, np.sum, lambda x: x + 1.0, lambda x: 2.0 * x, lambda x: x * x, lambda x: x @ x]


@pytest.mark.parametrize("function", RECORDED)
@pytest.mark.parametrize("in_a_scope", [False, True])
def test_an_array_that_nobody_else_holds_is_not_copied(function: Any, in_a_scope: bool) -> None:
    leaf = tg.Tensor(np.ones((2, 2)))
    if in_a_scope:
        with tg.scope("layer 1"):
            result = function(leaf)
    else:
        result = function(leaf)
    assert all(value is leaf._data for value in result.saved if np.ndim(value))


def test_nor_is_it_the_second_time() -> None:
    leaf = tg.Tensor(np.ones((2, 2)))
    np.sum(leaf * leaf).backward()
    assert all(value is leaf._data for value in (leaf * leaf).saved)


def test_nor_are_those_of_two_leaves() -> None:
    x, y = tg.Tensor(np.ones((2, 2))), tg.Tensor(np.ones((2, 2)))
    result = x * y
    assert [value is leaf._data for value, leaf in zip(result.saved, (x, y), strict=True)] == [True, True]


@pytest.mark.parametrize("function", RECORDED)
def test_an_array_that_somebody_holds_a_view_of_is_copied(function: Any) -> None:
    leaf = tg.Tensor(np.ones((2, 2)))
    view = leaf.data[:1]
    result = function(leaf)
    before = [np.array(value) for value in result.saved if np.ndim(value)]
    view[...] = 7.0  # a flag cannot revoke a view that was made earlier
    assert all(
        np.array_equal(a, b) for a, b in zip(before, (v for v in result.saved if np.ndim(v)), strict=True)
    )
