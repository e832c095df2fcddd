"""Hints tell as much as the level says, and assert_gradients fails with the report."""

from __future__ import annotations

import pytest

import tinygrad_edu as tg
from tinygrad_edu.check.hints import hints


def report() -> tg.check.Report:
    w = tg.Tensor(3.0, name="w")
    return tg.check.compare(w**2, {"dw": -6.0})


def test_the_first_level_says_where_alone() -> None:
    assert hints(report(), 1) == "dw is wrong."


def test_the_second_level_says_of_what_kind() -> None:
    assert hints(report(), 2) == "dw is wrong. Look at: a sign."


def test_the_third_level_has_the_right_formula() -> None:
    assert "right: dw = 2 * w" in hints(report(), 3, {"dw": "dw = 2 * w"})


def test_another_level_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 1, 2 or 3, got 4"):
        hints(report(), 4)


def test_nothing_wrong_is_said() -> None:
    w = tg.Tensor(3.0, name="w")
    assert hints(tg.check.compare(w**2, {"dw": 6.0}), 1) == "Everything is right."


def test_the_assertion_passes_where_all_is_right() -> None:
    w = tg.Tensor(3.0, name="w")
    tg.check.assert_gradients(w**2, {"dw": 6.0})


def test_the_assertion_s_message_is_the_report() -> None:
    w = tg.Tensor(3.0, name="w")
    with pytest.raises(AssertionError, match=r"dw: sign[\s\S]*0 of 1 right"):
        tg.check.assert_gradients(w**2, {"dw": -6.0})
