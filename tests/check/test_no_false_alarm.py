"""A right answer is never called wrong; a slightly wrong one is."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.right_answers import derivation, random_network

ANSWERS = 400


@pytest.mark.slow
def test_right_answers_give_no_alarm() -> None:
    rng = np.random.default_rng(2024)
    answers, alarms, singles = 0, [], 0
    while answers < ANSWERS:
        n = random_network(rng)
        with np.errstate(all="ignore"):
            v = n.arrays()
            J = n.cost(v, logits=n.output != "line" and rng.random() < 0.5)
            right = derivation(n, v, rng)
            if not np.isfinite(J.item()):
                continue
            if rng.random() < 0.2:  # the derivation at single precision, the engine at double
                right = {k: a.astype(np.float32) for k, a in right.items()}
            right = {k: a for k, a in right.items() if k[1:] in {node.name for node in tg.Graph(J)}}
            report = tg.check.compare(J, right, m=n.m)
        answers += len(right)
        singles += len(right) if n.dtype is np.float32 else 0
        alarms += [(n, entry.name, entry.error, entry.tolerance) for entry in report if not entry.ok]
    assert not alarms, "\n".join(map(str, alarms[:10]))
    assert singles > ANSWERS / 5
