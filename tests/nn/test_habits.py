"""What people type who come from PyTorch, Keras or scikit-learn: it works, or they are told what to write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

HABITS = [
    re.split(r"\n    ", entry)
    for entry in re.split(r"\n(?! )", (Path(__file__).parent / "habits.txt").read_text("utf-8").strip())
]
"""The lines, each alone where it works, and with what its message says where it doesn't."""


def names() -> dict[str, Any]:
    X = np.random.default_rng(0).normal(size=(2, 20))
    model = tg.nn.MLP([2, 4, 1], seed=1)
    Y = (X[:1] > 0).astype(float)
    return {"tg": tg, "np": np, "X": X, "Y": Y, "model": model, "optimizer": tg.optim.SGD(lr=0.1)}


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit[0][:60])
def test_a_habit_works_or_is_told_what_to_write(
    habit: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line, *said = habit
    if "estimators" in line:
        pytest.importorskip("sklearn")
    if not said:
        exec(line, names())
        return
    with pytest.raises((TypeError, ValueError, AttributeError, KeyError, ImportError), match=said[0]):
        exec(line, names())


def test_there_are_as_many_as_were_promised() -> None:
    assert len(HABITS) >= 80


def test_a_subclass_may_have_what_is_answered_and_nobody_else_is_offered_it() -> None:
    class Scaled(tg.nn.Dense):
        def __init__(self) -> None:
            super().__init__(2, 3)
            self.weight = tg.Tensor([1.0])

    layer = Scaled()
    assert layer.weight.data == 1
    assert "weight" in dir(layer)
    assert "weight" not in dir(tg.nn.Dense(2, 3))
    assert not hasattr(tg.nn.Dense(2, 3), "weight")
