"""What a training has recorded is kept for the next, and not used where anything it reads has changed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.compiler import forward, step

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 70)), (RNG.random((1, 70)) > 0.5) * 1
STRENGTH = 1.0


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each recording."""
    made: list[str] = []

    def noting(where: Any, name: str) -> None:
        function = getattr(where, name)

        def run(*args: Any, **settings: Any) -> Any:
            made.append(name)
            return function(*args, **settings)

        monkeypatch.setattr(where, name, run)

    noting(step, "record")
    noting(forward, "record_values")
    return made


class Own:
    """A model of one's own: numbers in globals, attributes, a closure, a list of layers, a flag."""

    def __init__(self) -> None:
        self.w, self.b = tg.Tensor(np.full((1, 5), 0.1), name="w"), tg.Tensor(np.zeros((1, 1)), name="b")
        self.power, self.layers, self.noisy = 2, [np.tanh], False
        scale = [1.5]
        self.scale = scale
        self.cost: Callable[[Any], Any] = lambda E: scale[0] * np.mean(E**self.power)

    def parameters(self) -> dict[str, tg.Tensor]:
        return {"w": self.w, "b": self.b}

    def loss(self, X: Any, Y: Any) -> Any:
        A = self.w @ X + self.b
        for layer in self.layers:
            A = layer(A)
        return self.cost(A - Y) * STRENGTH + (np.sum(self.w**2) if self.noisy else 0)


def net() -> Any:
    dense, drop = tg.nn.Dense, tg.nn.Dropout(0.8, seed=3)
    layers = [dense(5, 6, activation="relu", seed=1), drop, dense(6, 1, activation="sigmoid", seed=2)]
    return tg.nn.Sequential(layers, l2=0.1)


def trained(model: Any, optimizer: Any = None, **settings: Any) -> Any:
    given = {"epochs": 2, "batch_size": 32, "progress": False, **settings}
    return tg.nn.fit(model, X, Y, optimizer=optimizer or optim.Adam(lr=0.01), **given)


def test_a_second_training_records_nothing(recorded: list[str]) -> None:
    model = net()
    trained(model, validation=(X, Y))
    assert sorted(recorded) == ["record", "record", "record_values"]  # the last batch is a short one
    for optimizer in (optim.Adam(lr=0.2), optim.RMSProp(lr=0.01), optim.Adam(lr=0.1, clip_norm=1.0)):
        trained(model, optimizer, validation=(X, Y))
    assert len(recorded) == 3
    trained(model, optim.SGD(lr=0.1))  # has its rate multiplied in
    trained(model, optim.SGD(lr=0.2))
    assert len(recorded) == 5


def test_what_is_kept_gives_the_same_as_what_is_recorded() -> None:
    model = net()
    trained(model)
    again = copy.deepcopy(model)
    assert trained(model).cost == trained(again).cost
    for name, p in model.parameters().items():
        np.testing.assert_array_equal(p.data, again.parameters()[name].data)


def _set(name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(model, name, value)


def _other_layer(model: Any) -> None:
    model.layers = (tg.nn.Dense(5, 6, activation="tanh", seed=5), *model.layers[1:])


def _more_layers(model: Any) -> None:
    model.layers = (model.layers[0], tg.nn.Dense(6, 6, activation="relu", seed=5), *model.layers[1:])


def _frozen(model: Any) -> None:
    model.layers[0].W.requires_grad = False


def _other_tensor(model: Any) -> None:
    model.layers[0].W = tg.Tensor(np.full((6, 5), 0.2), name="W")


def _strength(_: Any) -> None:
    globals()["STRENGTH"] = 3.0


CHANGES: list[tuple[Callable[[], Any], Callable[[Any], None]]] = [
    (net, _set("l2", 0.7)),
    (net, _set("l1", 0.7)),
    (net, _other_layer),
    (net, _more_layers),
    (net, _frozen),
    (net, _other_tensor),
    (net, lambda model: setattr(model.layers[0], "activation", "tanh")),
    (net, lambda model: setattr(model.layers[1], "keep_prob", 0.3)),
    (net, lambda model: setattr(model.layers[1], "rng", np.random.default_rng(9))),
    (net, lambda model: setattr(model, "layers", model.layers[::2])),
    (Own, _set("power", 4)),
    (Own, _set("noisy", True)),
    (Own, _set("cost", lambda E: np.mean(np.abs(E)))),
    (Own, lambda model: model.layers.append(np.sin)),
    (Own, lambda model: model.scale.__setitem__(0, 4.0)),
    (Own, lambda model: setattr(model, "w", tg.Tensor(np.full((1, 5), 0.3), name="w"))),
    (Own, _strength),
]


@pytest.mark.parametrize("k", range(len(CHANGES)))
def test_nothing_stale_is_used(k: int, recorded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    make, change = CHANGES[k]
    monkeypatch.setitem(globals(), "STRENGTH", 1.0)
    kept, fresh = make(), make()
    short = {"epochs": 1, "batch_size": 35}
    trained(kept, **short)
    trained(fresh, compile=False, **short)
    before = len(recorded)
    for model in (kept, fresh):
        change(model)
    ours, theirs = trained(kept, **short), trained(fresh, compile=False, **short)
    assert len(recorded) > before
    np.testing.assert_allclose(ours.cost, theirs.cost, rtol=1e-9)
    for name, p in kept.parameters().items():
        np.testing.assert_allclose(p.data, fresh.parameters()[name].data, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_trains_itself(copied: Any) -> None:
    model = net()
    trained(model, epochs=1)
    other = copied(model)
    before = {name: p.data.copy() for name, p in model.parameters().items()}
    shared = copied is copy.copy
    trained(other)
    same = [np.array_equal(p.data, before[name]) for name, p in model.parameters().items()]
    assert same == [not shared] * len(same)
    trained(model)


def test_data_of_another_dtype_or_shape_is_recorded(recorded: list[str]) -> None:
    model = tg.nn.Sequential([tg.nn.Dense(5, 1, activation="sigmoid", dtype=np.float32)])
    for m, count in ((70, 1), (70, 1), (60, 2)):
        tg.nn.fit(model, X[:, :m], Y[:, :m], optimizer=optim.Adam(), epochs=1, progress=False)
        assert len(recorded) == count


def test_no_memory_is_kept() -> None:
    model = net()
    trained(model, validation=0.3)
    kept = model.__dict__["_recordings"]
    assert kept.steps
    assert not any(compiled.spare for found in kept.steps.values() for compiled in found)
    model = Own()
    for m in range(30, 40):
        tg.nn.fit(model, X[:, :m], Y[:, :m], optimizer=optim.SGD(), epochs=1, progress=False)
    kept = model.__dict__["_recordings"]
    assert len(kept.steps) <= 8


@pytest.mark.parametrize("by", ["callback", "schedule", "shuffle"])
def test_what_code_of_the_user_s_changes_on_the_way_is_seen(by: str) -> None:
    def run(**settings: Any) -> Any:
        model, steps = Own(), [0]

        def change(*_: Any) -> None:
            steps[0] += 1
            model.power = 2 + 2 * (steps[0] > 2)

        def rate(t: int) -> float:
            change()
            return 0.01 / (1 + t)

        def order(epoch: int, m: int) -> Any:
            change()
            return np.arange(m)

        if by == "callback":
            settings["callbacks"] = change
        elif by == "shuffle":
            settings["shuffle"] = order
        sgd = optim.SGD(lr=rate if by == "schedule" else 0.1)
        return trained(model, sgd, epochs=5, batch_size=35, **settings).cost

    np.testing.assert_allclose(run(), run(compile=False), rtol=1e-9)


class Block:
    """A layer of one's own with a batch normalisation inside."""

    def __init__(self) -> None:
        self.dense = tg.nn.Dense(5, 4, seed=1)
        self.inside = {"norms": [tg.nn.BatchNorm(4)]}

    def __call__(self, A: Any) -> Any:
        return np.maximum(self.inside["norms"][0](self.dense(A)), 0)


def test_batch_normalisation_inside_a_layer_of_one_s_own() -> None:
    def make() -> Any:
        last = tg.nn.Dense(4, 1, activation="sigmoid", seed=2)
        return tg.nn.Sequential([Block(), tg.nn.BatchNorm(4), last])

    compiled, eager = make(), make()
    ours, theirs = trained(compiled), trained(eager, compile=False)
    np.testing.assert_allclose(ours.cost, theirs.cost, rtol=1e-9)
    for model in (compiled, eager):
        assert not np.allclose(model.layers[0].inside["norms"][0].mean.data, 0)
    for a, b in ((compiled.layers[k], eager.layers[k]) for k in (0, 1)):
        a, b = (x.inside["norms"][0] if isinstance(x, Block) else x for x in (a, b))
        np.testing.assert_allclose(a.mean.data, b.mean.data, rtol=1e-7)
        np.testing.assert_allclose(a.variance.data, b.variance.data, rtol=1e-7)
    np.testing.assert_allclose(compiled(X).data, eager(X).data, rtol=1e-7)
    assert "inside_norms_0_mean1" in compiled.state_dict()
    other = make()
    other.load_state_dict(compiled.state_dict())
    np.testing.assert_array_equal(other(X).data, compiled(X).data)


@pytest.mark.slow
def test_running_statistics_inside_a_layer_are_resumed(tmp_path: Any) -> None:
    def run(model: Any, epochs: int, **settings: Any) -> Any:
        return trained(model, optim.Adam(lr=0.01), epochs=epochs, checkpoint=tmp_path / "run.npz", **settings)

    def make() -> Any:
        return tg.nn.Sequential([Block(), tg.nn.Dense(4, 1, activation="sigmoid", seed=2)])

    whole = make()
    trained(whole, optim.Adam(lr=0.01), epochs=4)
    run(make(), 2)
    resumed = make()
    run(resumed, 4, resume=True)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, resumed.state_dict()[name])
