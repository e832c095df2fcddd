"""Rules as formulas: compiled and as they stand give the same; a step is whole; settings may change."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.compiler import updates


class Lookahead(optim.Optimizer):
    """A rule of one's own, with a condition, and a number of its own."""

    slots = ("v", "u")
    beta = 0.5

    def __init__(self, *args: Any, floor: float = 0.1, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.floor = floor

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, v: Any, u: Any) -> tuple[Any, ...]:
        v = self.beta * v + dW / t
        return W * 0.9 - rate * np.where(np.abs(v) > self.floor, v, 0.1 * v) * np.sqrt(1 + t), v, u + W


class Layerwise(optim.Optimizer):
    """A rule that looks at a whole parameter."""

    slots = ("v",)

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, v: Any) -> tuple[Any, ...]:  # noqa: ARG002
        v = v + dW / (1 + np.sqrt(np.sum(dW * dW)))
        return W - rate * v, v


class Exchanging(optim.Optimizer):
    """Averages that become one another, the gradient, and a number."""

    slots = ("v", "u", "last", "half")

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, **slots: Any) -> tuple[Any, ...]:  # noqa: ARG002
        v, u, last, half = slots.values()
        return W - rate * (v - 2 * u + last * half), u, v + dW, dW, 0.5


def clipped_sgd(**settings: Any) -> optim.Optimizer:
    return optim.SGD(lr=0.1, weight_decay=0.2, clip_value=0.3, clip_norm=2.0, **settings)


MAKERS: list[Callable[[], optim.Optimizer]] = [
    lambda: optim.SGD(lr=0.1),
    clipped_sgd,
    lambda: optim.Momentum(lr=0.1, weight_decay=0.1),
    lambda: optim.Nesterov(lr=optim.StepDecay(0.1, 0.5, 2), clip_norm=0.5),
    lambda: optim.RMSProp(lr=0.01, clip_value=0.5),
    lambda: optim.Adam(lr=lambda t: 0.1 / (1 + t)),
    lambda: optim.AdamW(lr=0.05, weight_decay=0.2, clip_norm=1.0),
    lambda: Lookahead(lr=0.05, weight_decay=0.1),
    lambda: Layerwise(lr=0.05, clip_norm=1.0),
    lambda: Exchanging(lr=0.05),
]
SHAPES = [(), (1,), (0, 3), (3, 1), (70, 80), (4097,), (2, 3, 5), (1, 40_000)]
LAYOUTS: list[Callable[[Any], Any]] = [
    lambda a: a,
    lambda a: a.copy(order="F"),
    lambda a: np.repeat(a, 2, axis=0)[::2] if a.ndim else a,
]


def as_written(optimizer: optim.Optimizer, values: Any, grads: Any, kept: Any, t: int) -> None:
    """The formula on whole arrays of float64."""
    norm = np.sqrt(sum(np.sum(g.astype(float) ** 2) for g in grads.values()))
    for key, W in values.items():
        old = kept.setdefault(key, {slot: np.zeros(W.shape) for slot in optimizer.slots})
        W, *new = optimizer.moved(
            W, grads[key].astype(float), rate=optimizer.rate(t), t=t, norm=float(norm), **old
        )
        values[key], kept[key] = W, dict(zip(optimizer.slots, new, strict=True))


@given(
    st.sampled_from(MAKERS),
    st.lists(st.sampled_from(SHAPES), min_size=1, max_size=5),
    st.lists(st.sampled_from([np.float64, np.float64, np.float32]), min_size=5, max_size=5),
    st.lists(st.sampled_from(LAYOUTS), min_size=10, max_size=10),
)
def test_moving_is_the_formula(make: Any, shapes: Any, dtypes: Any, layouts: Any) -> None:
    rng, by_move, by_update, known = np.random.default_rng(0), make(), make(), make()
    start = {k: rng.normal(size=shape).astype(dtypes[k]) for k, shape in enumerate(shapes)}
    moved = {k: layouts[k](np.array(v)) for k, v in start.items()}
    updated = {k: np.array(v) for k, v in start.items()}
    expected: dict[Any, Any] = {k: v.astype(float) for k, v in start.items()}
    averages: dict[Any, Any] = {}
    kept: dict[Any, Any] = {}
    for t in range(1, 4):
        grads = {k: layouts[5 + k](rng.normal(size=v.shape).astype(v.dtype)) for k, v in start.items()}
        before = {k: g.copy() for k, g in grads.items()}
        by_move.move(moved, list(grads.values()), kept)
        assert all(np.array_equal(before[k], g) for k, g in grads.items())  # read, and no more
        by_update.begin([np.array(g) for g in grads.values()])
        for k, g in grads.items():
            by_update.update(k, updated[k], np.array(g))
        as_written(known, expected, grads, averages, t)
    for k, v in start.items():
        assert moved[k].dtype == v.dtype
        rtol = 1e-12 if v.dtype == np.float64 and set(dtypes) == {np.float64} else 2e-4
        np.testing.assert_allclose(moved[k], expected[k], rtol=rtol, atol=rtol)
        np.testing.assert_allclose(moved[k], updated[k], rtol=1e-6, atol=1e-7)
        if not known.clip_norm:  # the norm is summed in another order where arrays lie otherwise
            np.testing.assert_array_equal(moved[k], updated[k])


@pytest.mark.parametrize("make", MAKERS)
def test_a_step_by_hand_is_a_compiled_step_to_the_bit(make: Any) -> None:
    def loss(p: Any, X: Any) -> Any:
        return np.sum(p["W"] * X) + np.sum(p["b"] * 2.5)

    X = np.random.default_rng(0).normal(size=(30, 40))
    start = {"W": np.ones((30, 40)), "b": np.ones((3, 1))}
    tensors, params = {k: tg.Tensor(v) for k, v in start.items()}, {k: v.copy() for k, v in start.items()}
    by_hand = make()
    step = tg.compile(loss, optimizer=make())
    for _ in range(4):
        step(params, X)
        by_hand.step(tensors, tg.grad(loss(tensors, X), list(tensors.values())))
    plain = type(by_hand) is optim.SGD and not by_hand.weight_decay  # there the rate is multiplied in earlier
    for k, t in tensors.items():
        np.testing.assert_allclose(params[k], t.data, rtol=1e-14 if plain else 0)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    defined = updates._space

    def noting(source: str) -> Any:
        made.append(source)
        return defined(source)

    monkeypatch.setattr(updates, "_space", noting)
    return made


def test_a_schedule_records_nothing_anew_and_a_setting_does(monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch)
    adam, other = (
        optim.Adam(lr=optim.CosineDecay(0.1, steps=12)),
        optim.Adam(lr=optim.CosineDecay(0.1, steps=12)),
    )
    W = np.ones(3)
    for _ in range(9):
        adam.move({"W": W}, [np.ones(3)])
    assert len(made) == 1
    adam.beta1 = 0.5
    adam.clip_value = 0.01
    before, v = W.copy(), adam.state["W"]["v"].copy()
    adam.move({"W": W}, [np.ones(3)])
    assert len(made) == 2
    np.testing.assert_allclose(adam.state["W"]["v"], 0.5 * v + 0.5 * 0.01)
    assert not np.array_equal(before, W)
    adam.lr = 0.5
    adam.move({"W": W}, [np.ones(3)])
    assert len(made) == 2
    other.move({"W": W}, [np.ones(3)])
    assert other.state["W"]["v"][0] == pytest.approx(0.1)


STRENGTH = 1.0


def test_a_number_that_a_formula_finds_elsewhere_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Strong(optim.Optimizer):
        def formula(self, W: Any, dW: Any, *, rate: Any, t: Any) -> tuple[Any, ...]:  # noqa: ARG002
            return (W - rate * STRENGTH * dW,)

    optimizer, W = Strong(lr=1.0), np.zeros(2)
    optimizer.move({"W": W}, [np.ones(2)])
    monkeypatch.setitem(globals(), "STRENGTH", 3.0)
    optimizer.move({"W": W}, [np.ones(2)])
    assert W.tolist() == [-4.0, -4.0]


def test_a_setting_that_is_an_array_is_looked_at_each_time() -> None:
    class Masked(optim.Optimizer):
        def __init__(self, mask: Any) -> None:
            super().__init__(lr=1.0)
            self.mask = mask

        def formula(self, W: Any, dW: Any, *, rate: Any, t: Any) -> tuple[Any, ...]:  # noqa: ARG002
            return (W - rate * self.mask * dW,)

    optimizer, W = Masked(np.array([1.0, 0.0])), np.zeros(2)
    optimizer.move({"W": W}, [np.ones(2)])
    optimizer.mask[:] = [0.0, 1.0]
    optimizer.move({"W": W}, [np.ones(2)])
    assert W.tolist() == [-1.0, -1.0]


def test_the_step_shows_the_rule() -> None:
    step = tg.compile(lambda p: np.sum(p["w"] ** 2), optimizer=optim.Adam(lr=0.1))
    step({"w": np.ones(3)})
    assert "t2 = float(1e-08 * np.sqrt(1 - 0.999**t))" in step.source
    assert "(np.add, m1, t2, m1),  # root" in step.source
    layerwise = tg.compile(lambda p: np.sum(p["w"] ** 2), optimizer=Layerwise(lr=0.1))
    layerwise({"w": np.ones(3)})
    assert "v = v + dW / (1 + np.sqrt(np.sum(dW * dW)))" in layerwise.source


def test_errors_of_the_user_s_numpy_settings_leave_a_step_whole() -> None:
    """np.errstate(over="raise"): the step is done to its end, and the error is told."""
    momentum = optim.Momentum(lr=1e200)
    params = {"a": np.ones((40, 5000)), "b": np.ones((40, 5000))}
    grads = [np.ones((40, 5000)), np.full((40, 5000), 1e200)]
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        momentum.move(params, grads)
    moved = [np.all(params["a"] != 1), np.all(params["b"] != 1)]
    assert momentum.t == 1
    assert moved == [True, True]


def test_a_parameter_that_cannot_be_written_to_is_refused_before_anything_moves() -> None:
    adam, W, locked = optim.Adam(lr=0.1), np.ones(3), np.ones(3)
    locked.setflags(write=False)
    with pytest.raises(ValueError, match="b: expected an array that can be written to"):
        adam.move({"W": W, "b": locked}, [np.ones(3), np.ones(3)])
    assert (W.tolist(), adam.t) == ([1.0] * 3, 0)


def test_a_copy_has_its_own_averages() -> None:
    adam, W = optim.Adam(lr=0.1), np.ones(3)
    adam.move({"W": W}, [np.ones(3)])
    V = W.copy()
    again = pickle.loads(pickle.dumps(adam))
    for optimizer, array in ((adam, W), (again, V)):
        optimizer.move({"W": array}, [np.full(3, 2.0)])
    np.testing.assert_array_equal(V, W)
    assert not np.shares_memory(adam.state["W"]["v"], again.state["W"]["v"])
