"""Small graphs with one mistake each, drawn from one generator that starts anew for each test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

Case = tuple[tg.Tensor, dict[str, Any], str, str, str]
"""J, gradients of which one is wrong, which one, a code that names the mistake, words of the sentence."""
r = np.random.default_rng(11)
_START = r.bit_generator.state


@pytest.fixture
def the_same_numbers_in_any_order() -> None:
    """Starts the generator anew, so that a case draws what it draws when it is run alone."""
    r.bit_generator.state = _START


def tensor(name: str, *shape: int) -> tg.Tensor:
    return tg.Tensor(r.standard_normal(shape), name=name)


def named(name: str, value: tg.Tensor) -> tg.Tensor:
    value.name = name
    return value


def judged(case: Case) -> None:
    """Makes sure that what is wrong is found, and named."""
    J, given, wrong, code, words = case
    report = tg.check.compare(J, given)
    assert [entry.name for entry in report if not entry.ok] == [wrong], str(report)
    assert code in report[wrong].diagnosis.codes, report[wrong].diagnosis
    assert words in report[wrong].diagnosis.sentence, report[wrong].diagnosis
