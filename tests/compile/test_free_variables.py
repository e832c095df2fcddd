"""What the function finds by name is read as it is at each call; what differs between two runs is refused."""

from __future__ import annotations

import copy
import functools
import itertools
import random
import sys
import warnings
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.compiler.step import CACHE_LIMIT
from tinygrad_edu.core.symbol import ValueDependence

BATCH = np.ones(3)
SCALES = {"all": [2.0]}


class Holder:
    def __init__(self) -> None:
        self.X = np.ones(3)

    def loss(self, p: Any) -> Any:
        return np.sum((p["w"] - self.X) ** 2)


def of_a_global(p: Any) -> Any:
    return np.sum((p["w"] - BATCH) ** 2) * SCALES["all"][0]


ACTIONS = ("write", "rebind", "attribute", "list", "default", "global", "nothing")


@settings(max_examples=25)
@given(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=6))
def test_what_is_found_by_name_is_read_anew(actions: list[str]) -> None:
    inner, here, factors = np.ones(3), SimpleNamespace(X=np.ones(3), k=1.0), [1.0, np.ones(3)]

    def loss(p: Any, scale: Any = factors) -> Any:
        return np.sum((p["w"] * scale[1] - inner) ** 2) * here.k + np.sum(p["w"] * here.X) + of_a_global(p)

    step, w = tg.compile(loss), np.array([0.5, -1.0, 2.0])
    try:
        for k, action in enumerate(actions, start=2):
            if action == "write":
                inner[k % 3] = k
            elif action == "rebind":
                inner = np.full(3, 0.1 * k)
            elif action == "attribute":
                here.k, here.X = 0.5 * k, here.X + k
            elif action == "list":
                factors[1] = np.full(3, 1.0 / k)
            elif action == "default":
                loss.__defaults__ = ([1.0, np.full(3, 0.3 * k)],)
            elif action == "global":
                BATCH[0], SCALES["all"] = k, [0.2 * k]
            t = tg.Tensor(w)
            J = loss({"w": t})
            (expected,) = tg.grad(J, [t])
            found, grads = step({"w": w})
            assert found == pytest.approx(J.item())
            np.testing.assert_allclose(grads["w"], expected)
    finally:
        BATCH[0], SCALES["all"] = 1.0, [2.0]


ODD = np.arange(1500) % 3
ASKED: dict[str, Any] = {  # w is a parameter, t a Tensor that is found by name
    "data": lambda w, t: np.sum(w * t.data),
    "numpy": lambda w, t: np.sum(w * np.exp(t.numpy())),
    "asarray": lambda w, t: np.sum(w * np.asarray(t)),
    "tolist": lambda w, t: np.sum(w * np.array(t.tolist())),
    "detach": lambda w, t: np.sum(w * t.detach()),
    "another Tensor": lambda w, t: np.sum(w * tg.Tensor(t, requires_grad=False)),
    "float": lambda w, t: np.sum(w * float(t[0] * 2.0)),
    "int": lambda w, t: np.sum(w[int(t[0]) - 1 :]),
    "item": lambda w, t: np.sum(w * t[1].item()),
    "format": lambda w, t: np.sum(w * float(f"{t[0]:.1f}")),
    "a mask": lambda w, t: np.sum(w * (t > 2.5)),
    "where": lambda w, t: np.sum(np.where(t > 2.5, w * t, w)),
    "a branch": lambda w, t: np.sum(w * t) if t.sum() > 7.0 else np.sum(w) * 3.0,
    "argmax": lambda w, t: np.sum(w) * np.argmax(np.abs(t - 2.9)),
    "a question of NumPy's": lambda w, t: np.sum(w) * (2.0 if np.allclose(t, [1.0, 2.0, 3.0]) else 1.0),
    "in": lambda w, t: np.sum(w) * (2.0 if 3.5 in t else 1.0),
    "many of its entries": lambda w, t: np.sum(w) * np.sum(t[ODD]),
    "a long computation": lambda w, t: np.sum(w * functools.reduce(lambda u, k: u + k, range(20), t)),
    "a copy": lambda w, t: np.sum(w * copy.deepcopy(t)),
}


@pytest.mark.parametrize(
    ("how", "change", "profiled"),
    [
        *zip(sorted(ASKED), itertools.cycle(["replaced", "written", "rebound"]), itertools.repeat(False)),
        *((how, "replaced", True) for how in ("data", "a mask", "a branch")),
    ],
)
def test_a_tensor_whose_value_is_asked_for_is_read_anew(how: str, change: str, profiled: bool) -> None:
    t = tg.Tensor([1.0, 2.0, 3.0], requires_grad=False)

    def loss(p: Any) -> Any:
        return ASKED[how](p["w"], t)

    step = tg.compile(loss)
    before = sys.getprofile()
    try:
        for new in ([1.0, 2.0, 3.0], [2.0, 3.5, 2.5]):
            if change == "replaced":
                t.data = np.array(new)
            elif change == "written":
                t.data[:] = new
            else:
                t = tg.Tensor(new, requires_grad=False)
            w = tg.Tensor([1.0, 0.5, -2.0])
            J = loss({"w": w})
            sys.setprofile((lambda *_: None) if profiled else before)
            found, grads = step({"w": w.data})
            sys.setprofile(before)
            assert found == pytest.approx(J.item())
            np.testing.assert_allclose(grads["w"], tg.grad(J, [w])[0])
    finally:
        sys.setprofile(before)


def test_the_value_of_a_parameter_is_read_anew_too() -> None:
    w = tg.Tensor([1.0, 2.0], name="w")
    step = tg.compile(lambda p: np.sum(p["w"]) * float(np.sum(w.data)))
    for new in ([1.0, 2.0], [3.0, 5.0]):
        w.data = np.array(new)
        J, grads = step({"w": w})
        assert pytest.approx(J) == sum(new) ** 2
        np.testing.assert_array_equal(grads["w"], np.full(2, sum(new)))


def test_a_module_made_by_hand_is_read_as_any_other() -> None:
    settings_of_mine = ModuleType("settings_of_mine")
    settings_of_mine.rate = 2.0  # type: ignore[attr-defined]
    step = tg.compile(lambda p: np.sum(p["w"]) * settings_of_mine.rate)
    assert step({"w": np.ones(2)})[0] == 4.0
    settings_of_mine.rate = 3.0  # type: ignore[attr-defined]
    assert step({"w": np.ones(2)})[0] == 6.0


def test_an_attribute_that_there_was_not_is_seen() -> None:
    held = SimpleNamespace()
    step = tg.compile(lambda p: np.sum(p["w"]) * (held.rate if hasattr(held, "rate") else 1.0))
    assert step({"w": np.ones(2)})[0] == 2.0
    held.rate = 3.0
    assert step({"w": np.ones(2)})[0] == 6.0


def test_a_bound_method_reads_its_object() -> None:
    rates = {"rate": 1.0}
    rate_of = rates.get
    step = tg.compile(lambda p: np.sum(p["w"]) * rate_of("rate"))
    assert step({"w": np.ones(2)})[0] == 2.0
    rates["rate"] = 3.0
    assert step({"w": np.ones(2)})[0] == 6.0


def test_a_method_reads_its_objects_arrays() -> None:
    held = Holder()
    step = tg.compile(held.loss)
    assert step({"w": np.zeros(3)})[0] == 3.0
    held.X = np.full(3, 2.0)
    assert step({"w": np.zeros(3)})[0] == 12.0
    held.X[:] = 0.0
    assert step({"w": np.zeros(3)})[0] == 0.0


def test_nothing_changed_costs_no_recording() -> None:
    runs, X = [], np.ones(3)

    def loss(p: Any) -> Any:
        runs.append(1)
        return np.sum(p["w"] * X)

    step = tg.compile(loss)
    for _ in range(5):
        step({"w": np.zeros(3)})
    assert len(runs) == 1


def test_a_flag_that_goes_back_and_forth_is_recorded_twice() -> None:
    runs, mode = [], {"square": True}

    def loss(p: Any) -> Any:
        runs.append(1)
        return np.sum(p["w"] ** 2 if mode["square"] else p["w"])

    step, w = tg.compile(loss), np.full(2, 3.0)
    for k in range(6):
        mode["square"] = k % 2 == 0
        assert step({"w": w})[0] == (18.0 if mode["square"] else 6.0)
    assert len(runs) == 2


def test_recording_anew_each_time_is_said_once() -> None:
    X = np.ones(2)
    step = tg.compile(lambda p: np.sum(p["w"] * X))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for k in range(CACHE_LIMIT + 4):
            X = np.full(2, float(k))
            step({"w": np.ones(2)})
    assert [str(w.message) for w in told if "recorded anew" in str(w.message)]
    assert len(told) == 1
    assert "because X" in str(told[0].message)


def test_what_differs_between_two_runs_is_refused() -> None:
    rng, count, items = np.random.default_rng(0), {"n": 0}, itertools.count()

    def draws(p: Any) -> Any:
        return np.sum(p["w"] * rng.normal(size=2))

    def draws_pythons(p: Any) -> Any:
        return np.sum(p["w"] * random.random())

    def counts(p: Any) -> Any:
        count["n"] = count["n"] + 1
        return np.sum(p["w"] * count["n"])

    def iterates(p: Any) -> Any:
        return np.sum(p["w"] * next(items))

    for loss, message in (
        (draws, "draws random numbers"),
        (draws_pythons, "draws random numbers"),
        (counts, "changes count"),
        (iterates, "another one each time|changes items"),
    ):
        with pytest.raises(ValueDependence, match=message):
            tg.compile(loss)({"w": np.ones(2)})


def test_masked_arrays_and_matrices_are_refused() -> None:
    step = tg.compile(lambda p, X: np.sum(p["w"] * X))
    for X in (np.ma.masked_array([1.0, 2.0], [True, False]), np.ones((1, 2)).view(np.matrix)):
        with pytest.raises(TypeError, match="expected an array, got"):
            step({"w": np.ones(2)}, X)
        with pytest.raises(TypeError, match="expected an array, got"):
            step({"w": X}, np.ones(2))


class Halved:
    factor = 0.5

    def __call__(self, p: Any, X: Any) -> Any:
        return np.sum(p * X) * self.factor


def test_an_attribute_of_the_class_that_the_object_gets_as_its_own_is_noticed() -> None:
    loss = Halved()
    step = tg.compile(loss)
    assert step(np.ones(2), np.ones(2))[0] == 1.0
    loss.factor = 2.0
    assert step(np.ones(2), np.ones(2))[0] == 4.0
    del loss.factor
    assert step(np.ones(2), np.ones(2))[0] == 1.0
