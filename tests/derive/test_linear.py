"""What is linear takes 0 to 0 in a derivation, and only that: log(1 + 1 + 1) is not 0."""

from __future__ import annotations

import pytest

import tinygrad_edu as tg

pytest.importorskip("sympy", reason="needs the extra 'derive'")


def slope_of_weighted(function):
    """The derivation of sum(x f(0)), where the zero is only seen as one on paper: x - x."""
    x = tg.Tensor([0.3, -1.2, 2.0], name="x")
    return str(tg.derive(tg.sum(x * function(x - x)), wrt=[x]))


def test_zero_through_what_is_not_linear_stays():
    assert "dx = logsumexp(" in slope_of_weighted(tg.logsumexp)


@pytest.mark.parametrize("function", [tg.cumsum, lambda x: tg.flip(x, 0)], ids=["cumsum", "flip"])
def test_zero_through_what_is_linear_is_zero(function):
    assert "dx = 0\n" in slope_of_weighted(function) + "\n"
