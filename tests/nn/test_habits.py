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
    with pytest.raises((TypeError, ValueError, AttributeError), match=said[0]):
        exec(line, names())


def test_there_are_as_many_as_were_promised() -> None:
    assert len(HABITS) >= 80
