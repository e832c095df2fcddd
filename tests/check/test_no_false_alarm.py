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


@pytest.mark.parametrize("seed", range(20))
def test_an_inverse_may_be_off_by_the_rounding_of_its_largest_entries(seed: int) -> None:
    rng = np.random.default_rng(seed)
    B, y = rng.standard_normal((5, 5)), rng.standard_normal(5)
    K = tg.Tensor(B @ B.T + 5 * np.eye(5), name="K")
    J = np.sum(y * np.linalg.solve(K, y)) + np.log(np.linalg.det(K))
    inverse = np.linalg.inv(K.data)
    assert tg.check.compare(J, {"dK": inverse.T - np.outer(inverse.T @ y, inverse @ y)}).ok


# The largest entries of three rows: the first two, the middle one, the last two; with the gradients 2, 3, 5.
OF_A_MAXIMUM = [
    ([[2, 0, 0], [0, 3, 0], [0, 5, 0]], True),
    ([[0.5, 1.5, 0], [0, 3, 0], [0, 0, 5]], True),
    ([[1, 1, 0], [0, 3, 0], [0, 2, 3]], True),
    ([[2, 2, 0], [0, 3, 0], [0, 5, 0]], False),
    ([[1, 0, 0], [0, 3, 0], [0, 5, 0]], False),
    ([[2, 0, 0], [3, 0, 0], [0, 5, 0]], False),
]


@pytest.mark.parametrize(("dx", "right"), OF_A_MAXIMUM)
def test_the_largest_entries_share_a_gradient_in_any_way_that_adds_up(dx: list, right: bool) -> None:
    x = tg.Tensor(np.array([[1.0, 1.0, 0.0], [2.0, 4.0, 3.0], [0.0, 3.0, 3.0]]), name="x")
    J = np.sum(np.max(x, axis=1) * np.array([2.0, 3.0, 5.0]))
    assert tg.check.compare(J, {"dx": np.array(dx, float)}).ok is right


@pytest.mark.parametrize(
    ("first", "right"), [(0.0, True), (0.3, True), (1.0, True), (1.5, False), (-0.2, False)]
)
def test_where_the_larger_of_two_is_chosen_a_tie_goes_to_either(first: float, right: bool) -> None:
    a, b = (
        tg.Tensor(np.array(values), name=name) for name, values in (("a", [1.0, 2, 3]), ("b", [1.0, 0, 5]))
    )
    J = np.sum(np.where(a.data > b.data, a, b))
    assert tg.check.compare(J, {"da": np.array([first, 1.0, 0.0])}).ok is right


@pytest.mark.parametrize(
    ("shares", "right"), [([0, 1, 0.5], True), ([0.2, 0.9, 0.1], True), ([0, 1.2, 0.5], False)]
)
def test_each_entry_at_a_kink_has_a_slope_of_its_own_between_the_two_sides(shares: list, right: bool) -> None:
    z, w = tg.Tensor(np.zeros(3), name="z"), np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0], [1.0, 1.0, 1.0]])
    J = np.sum(np.maximum(z @ w, 0))
    assert tg.check.compare(J, {"dz": w @ np.array(shares, float)}).ok is right
