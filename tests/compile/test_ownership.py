"""What a step hands over is the receiver's own; an update is whole or not at all."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.compile.stopped import interrupted_at


class Greedy(tg.optim.Optimizer):
    """Descent that writes all over what it is given, and keeps it."""

    def rule(self, W: Any, dW: Any, **_: Any) -> None:
        step = self.lr * dW
        dW[...] = np.nan
        W -= step


OPTIMIZERS: list[Callable[[], Any]] = [
    lambda: tg.optim.SGD(lr=0.05),
    lambda: tg.optim.SGD(lr=lambda t: 0.05 / (1 + t)),
    lambda: tg.optim.SGD(lr=0.05, weight_decay=0.1),
    lambda: tg.optim.SGD(lr=0.05, clip_value=0.3),
    lambda: tg.optim.SGD(lr=0.05, clip_norm=0.5),
    lambda: tg.optim.Momentum(lr=0.05, weight_decay=0.1),
    lambda: tg.optim.Nesterov(lr=0.05, clip_norm=0.5),
    lambda: tg.optim.RMSProp(lr=0.01),
    lambda: tg.optim.Adam(lr=0.05, clip_value=0.3),
    lambda: tg.optim.AdamW(lr=0.05),
    lambda: Greedy(lr=0.05),
]

# Each gives a parameter a gradient of a kind of its own: constant, the data, another parameter, a view of
# one, the same array for two, a number for all entries, nothing at all.
TERMS: dict[str, Callable[[Any, Any], Any]] = {
    "constant": lambda p, X: (3 * p["a"]).sum(),
    "nothing": lambda p, X: (p["a"] * 0).sum(),
    "data": lambda p, X: (p["a"] * X).sum(),
    "data turned": lambda p, X: (p["a"] * X.T).sum(),
    "data flipped": lambda p, X: (p["b"] * np.flip(X, 0)).sum(),
    "each other": lambda p, X: (p["a"] * p["b"]).sum(),
    "each other, turned": lambda p, X: (p["a"].T * np.flip(p["b"])).sum(),
    "rows of another": lambda p, X: (p["a"] * p["b"][::-1]).sum(),
    "itself": lambda p, X: (p["c"] ** 2).sum() / 2,
    "one for two": lambda p, X: np.tanh(p["a"] + p["b"]).sum(),
    "one for two, turned": lambda p, X: np.tanh(p["a"] + p["b"].T).sum(),
    "one for three": lambda p, X: np.tanh(p["a"] + p["b"] - p["c"] + X).sum(),
    "an entry": lambda p, X: p["c"][0, 0] * p["d"],
    "a number": lambda p, X: p["d"] * 2,
    "the mean": lambda p, X: (X * p["d"] + p["a"]).mean(),
    "chosen": lambda p, X: np.where(X > 0, p["a"], p["b"]).sum(),
    "joined": lambda p, X: (np.concatenate([p["a"], p["b"]]) * np.concatenate([X, X])).sum(),
    "product": lambda p, X: np.tanh(p["a"] @ X + p["d"]).sum(),
}


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(sorted(TERMS)), min_size=1, max_size=4),
    st.sampled_from(OPTIMIZERS),
    st.integers(1, 3),
    st.sampled_from([np.float64, np.float32]),
)
def test_compiled_training_is_eager_training(terms: list[str], make: Any, n: int, dtype: Any) -> None:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, n)).astype(dtype)
    start = {k: rng.normal(size=(n, n) if k != "d" else ()).astype(dtype) for k in "abcd"}

    def loss(p: Any, X: Any) -> Any:
        total = TERMS[terms[0]](p, X)
        for term in terms[1:]:
            total = total + TERMS[term](p, X)
        return total

    params = {k: np.array(v) for k, v in start.items()}
    tensors = {k: tg.Tensor(v, name=k) for k, v in start.items()}
    data, optimizer = X.copy(), make()
    step = tg.compile(loss, optimizer=make())
    optimizer.bind(tensors)
    rtol = 1e-9 if dtype == np.float64 else 1e-4
    for _ in range(4):
        optimizer.zero_grad()
        J = loss(tensors, X)
        J.backward()
        assert step(params, data) == pytest.approx(J.item(), rel=rtol, abs=rtol)
        del J
        optimizer.step()
    for k, t in tensors.items():
        np.testing.assert_allclose(params[k], t.data, rtol=rtol, atol=rtol)
        assert params[k].dtype == dtype
    np.testing.assert_array_equal(data, X)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(sorted(TERMS)), min_size=1, max_size=4))
def test_gradients_belong_to_the_caller(terms: list[str]) -> None:
    X = np.random.default_rng(0).normal(size=(2, 2))
    params = {k: np.full((2, 2) if k != "d" else (), 0.5) for k in "abcd"}
    step = tg.compile(lambda p, X: sum((TERMS[t](p, X) for t in terms[1:]), TERMS[terms[0]](p, X)))
    _, grads = step(params, X)
    everything = [X, *params.values(), *grads.values()]
    for k, gradient in enumerate(grads.values(), start=5):
        assert not any(np.shares_memory(gradient, other) for i, other in enumerate(everything) if i != k)
        gradient[...] = np.nan
    assert np.isfinite(X).all()
    assert all(np.isfinite(g).all() for g in step(params, X)[1].values())


def test_the_cost_is_that_before_the_update() -> None:
    w = np.array(3.0)
    assert tg.compile(lambda p: p["w"], optimizer=tg.optim.SGD(lr=1.0))({"w": w}) == 3.0
    assert tg.compile(lambda p: p["w"][0].reshape(()), optimizer=tg.optim.SGD(lr=1.0))({"w": w[None]}) == 2.0


def test_parameters_may_have_any_names() -> None:
    names = [
        "m0",
        "c0",
        "c1",
        "rng0",
        "t1",
        "gradients",
        "update",
        "begin",
        "result",
        "deque",
        "tile",
        "start",
        "np",
        "step",
        "range",
        "float",
        "X_",
        "slots",
    ]
    params = {name: np.full((3, 2), 0.1 * k) for k, name in enumerate(names)}
    X = np.ones((3, 2))
    for optimizer in (None, tg.optim.SGD(lr=0.1), Greedy(lr=0.1)):
        step = tg.compile(
            lambda p, X: sum(np.sum(np.tanh(v * X + 1.5)) for v in p.values()), optimizer=optimizer
        )
        J = step(params, X)
        expected = sum(np.tanh(0.1 * k + 1.5) for k in range(len(names))) * 6
        assert (J if optimizer else J[0]) == pytest.approx(expected)
        params = {name: np.full((3, 2), 0.1 * k) for k, name in enumerate(names)}


@pytest.mark.slow
@pytest.mark.parametrize("make", [OPTIMIZERS[0], OPTIMIZERS[4], OPTIMIZERS[8], OPTIMIZERS[10]])
def test_an_interrupted_update_is_whole_or_not_at_all(make: Any) -> None:
    X = np.random.default_rng(0).normal(size=(2, 5))

    def loss(p: Any, X: Any) -> Any:
        return np.sum(np.tanh(p["W"] @ X + p["b"]) ** 2)

    def new() -> tuple[Any, Any, Any]:
        params = {"W": np.full((3, 2), 0.5), "b": np.full((3, 1), 0.1)}
        step = tg.compile(loss, optimizer=make())
        step(params, X)
        return step, params, {k: v.copy() for k, v in params.items()}

    step, done, _ = new()
    step(done, X)
    n, at = 1, 0
    while True:
        step, params, before = new()
        if not interrupted_at(lambda step=step, params=params: step(params, X), n):
            break
        same = [all(np.array_equal(params[k], other[k]) for k in params) for other in (before, done)]
        assert any(same), f"half an update at line {n}"
        assert all(v.flags.writeable for v in params.values())
        at += same[1]
        n += 1
        step(params, X)  # and goes on
    assert n > 10
    assert at < n


def quadratic(p: Any) -> Any:
    return ((p["w"] - 3) ** 2).sum()


@pytest.mark.parametrize("make", [OPTIMIZERS[0], OPTIMIZERS[7], OPTIMIZERS[8]])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda step: pickle.loads(pickle.dumps(step))])
def test_a_copy_of_a_step_that_has_run(copied: Any, make: Any) -> None:
    step = tg.compile(quadratic, optimizer=make())
    w, v = np.array([1.0]), np.array([1.0])
    step({"w": w})
    v[...] = w
    first, second = copied(step), copy.deepcopy(step)
    mine, other = (w, v) if copied is copy.copy else (v, w)
    assert first({"w": mine}) == second({"w": other})
    assert mine == other


def test_one_step_does_not_mix_the_averages_of_two_models() -> None:
    a, b = np.array([1.0]), np.array([5.0])
    adam = tg.optim.Adam(lr=0.1)
    step = tg.compile(quadratic, optimizer=adam)
    step({"w": a})
    for another in (b, a.copy(), tg.Tensor([5.0])):
        with pytest.raises(ValueError, match=r"already moves other arrays.*\n?.*\[\.\.\.\] = values"):
            step({"w": another})
        with pytest.raises(ValueError, match="already moves other arrays"):
            tg.compile(quadratic, optimizer=adam)({"w": another})
    a[...] = b  # from other values
    assert step({"w": a}) == 4.0
    plain = tg.compile(quadratic, optimizer=tg.optim.SGD(lr=0.1))
    assert [plain({"w": np.array([x])}) for x in (1.0, 2.0)] == [4.0, 1.0]  # nothing is remembered
