"""Promises whose breach went unnoticed: whose gradients are whose, and in what order things are done."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.backward import order


def test_no_two_tensors_share_their_gradient() -> None:
    a, b = tg.Tensor(np.ones(3)), tg.Tensor(np.ones(3))
    u = a + b
    J = np.sum(u.reshape(3) + a)
    J.backward()
    owners = [a.grad, b.grad, u.grad]
    assert all(g is not None and g.flags.writeable for g in owners)
    for k, g in enumerate(owners):
        assert not any(np.shares_memory(g, other) for other in owners[:k])
    owners[1][:] = 7.0
    assert owners[0].tolist() == [2, 2, 2]
    assert owners[2].tolist() == [1, 1, 1]


def test_consumers_come_before_what_they_consumed() -> None:
    x = tg.Tensor(0.5)
    u = np.sin(x)  # met first from J, and needed by a longer way as well
    J = u + np.exp(np.exp(np.exp(u)))
    place = {node: k for k, node in enumerate(order(J))}
    for node, k in place.items():
        assert all(place[parent] > k for parent in node.inputs)
    (slope,) = tg.grad(J, [x])
    e1, e2, e3 = (f := np.exp(np.sin(0.5))), (g := np.exp(f)), np.exp(g)
    assert slope == pytest.approx(np.cos(0.5) * (1 + e1 * e2 * e3))


@pytest.mark.parametrize("first", [0, 1])
def test_a_compiled_step_draws_in_the_recorded_order(first: int) -> None:
    def loss_with(rng: np.random.Generator):
        def loss(params, X):
            drawn = [tg.dropout(X * w, 0.5, rng=rng) for w in (params["v"], params["w"])]
            return np.sum(np.exp(drawn[first])) + np.sum(drawn[1 - first] ** 2)

        return loss

    params = {"v": np.full((1, 1), 0.3), "w": np.full((1, 1), 0.7)}
    X = np.arange(1.0, 13.0).reshape(1, 12) / 12
    eager = loss_with(np.random.default_rng(5))
    step = tg.compile(loss_with(np.random.default_rng(5)))
    for _ in range(3):
        leaves = {name: tg.Tensor(p) for name, p in params.items()}
        J = eager(leaves, X)
        slopes = tg.grad(J, list(leaves.values()))
        cost, grads = step(params, X)
        assert cost == pytest.approx(J.item(), rel=1e-12)
        for g, slope in zip(grads.values(), slopes, strict=True):
            np.testing.assert_allclose(g, slope, rtol=1e-12)


def test_a_compiled_step_adds_up_narrow_floats_exactly_enough() -> None:
    n = 2**18
    X = np.full((n, 2), 0.1, np.float32)  # NumPy adds the rows of several columns one by one
    step = tg.compile(lambda p, X: np.sum(X * (p["b"] + X)))
    _, grads = step({"b": np.zeros((1, 2), np.float32)}, X)
    assert grads["b"].dtype == np.float32
    exact = n * float(np.float32(0.1))
    assert np.abs(grads["b"] - exact).max() < 1e-6 * exact


def test_operands_given_as_a_list_meet_the_warning_about_columns_and_rows() -> None:
    pair = tg.Tensor([[1.0], [2.0], [3.0]]), tg.Tensor([[4.0, 5.0, 6.0]])
    with pytest.warns(tg.OuterBroadcastWarning):
        difference = tg.subtract(*pair)
    assert difference.shape == (3, 3)
