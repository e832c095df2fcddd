"""What a person types wrong: refused before the first epoch, by a message with the argument's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 20))
Y = (X[:1] > 0).astype(float)


class Never(nn.LogisticRegression):
    """A model that must not be asked for its cost."""

    def judged(self, *_: Any) -> Any:
        raise AssertionError("an epoch has begun")


class Hooks:
    """A callback as in Keras, of which a part would never be called."""

    def on_train_begin(self, logs: Any = None) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...


def fit(**settings: Any) -> None:
    given = {"X": X, "Y": Y, "optimizer": optim.SGD(lr=0.1), "epochs": 2} | settings
    nn.fit(given.pop("model", None) or Never(2), given.pop("X"), given.pop("Y"), **given)


WORDS = ["many", "10", [1, 2], {}, object()]
WRONG: dict[str, list[Any]] = {
    "epochs": [-1, 1.5, 2.0, np.nan, np.inf, None, True, *WORDS],
    "batch_size": [0, -3, 2.5, 32.0, np.nan, True, *WORDS],
    "seed": [-1, 0.5, np.random.default_rng(0), None, True, *WORDS],
    "shuffle": ["yes", 1, 0, None, [3, 1, 2], 0.5, lambda: 1, lambda epoch: 1],
    "sample_weight": [np.ones(19), np.ones((20, 1)), -np.ones(20), np.zeros(20), 2.0, "x", [np.nan] * 20],
    "class_weight": [{0: 1.0}, {0: -1, 1: 1}, {0: 0, 1: 0}, {0: "a", 1: 1}, {0: None, 1: 1},
                     {0: [1, 2], 1: 1}, {0: 1, 1: 1, 2: 1}, "balance", 2.0, [1.0, 2.0]],
    "compile": ["yes", 1, None, "numba"],
    "resume": ["run.npz", 1, None, "yes"],
    "progress": ["yes", 1, "bar", 0.5],
    "validation": [0, 0.0, 1, 1.0, 2.0, -0.1, np.nan, "some", True, X, (X,), (X, Y, X), {"X": X}, object()],
    "early_stopping": [0, -1, 2.5, "3", True, [3], {"patience": 3}, object(), nn.EarlyStopping],
    "checkpoint": ["", 3, True, [], ".", "nowhere/run.npz", "run.h5", "run.pt", object()],
    "checkpoint_every": [0, -1, 1.5, "30", True],
    "checkpoint_seconds": [-1, "30", np.nan, None, True],
    "callbacks": [3, "print", Hooks(), object(), [3], ["print"], [object()], nn.EarlyStopping, True,
                  lambda: None, lambda history, epoch: None, {"after": print}],
    "optimizer": ["sgd", "adam", optim.SGD, 0.1, None, {}, object()],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG.items() for value in values],
    ids=lambda v: v if isinstance(v, str) else type(v).__name__,
)
def test_a_wrong_value_is_refused_with_the_name_of_its_argument(
    name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    more = {
        "early_stopping": {"validation": 0.2},
        "resume": {"checkpoint": "a.npz"},
        "checkpoint_every": {"checkpoint": "a.npz"},
    }
    with pytest.raises((ValueError, TypeError, OSError), match=name):
        fit(**{name: value, **more.get(name, {})})


masked = np.ma.masked_greater(X, 1)
DATA: dict[str, list[Any]] = {
    "X": [
        X.T, X[0], X[:1], X[:, :0], None, "data.csv", 3.0, object(), masked, X.astype(str), X + 0j,
        np.where(X > 1, np.nan, X), np.where(X > 1, np.inf, X), [[1.0, 2.0], [3.0]], {"a": 1},
        X.astype("datetime64[s]"), X.astype(object),
    ],
    "Y": [
        Y.T, Y[0], Y[:, 1:], Y + 1, 2 * Y - 1, Y * np.nan, None, "y.csv", np.ma.masked_equal(Y, 1),
        Y.astype(str), np.eye(2)[:, Y[0].astype(int)], Y + 0j, [["cat"] * 20], Y.astype(object),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "k"), [(name, k) for name, values in DATA.items() for k in range(len(values))]
)
def test_wrong_data_are_refused_by_their_name(name: str, k: int) -> None:
    wrong = DATA[name][k]
    with pytest.raises((ValueError, TypeError), match=f"^{name}: "):
        fit(**{name: wrong})
    pair = (wrong, Y) if name == "X" else (X, wrong)
    with pytest.raises((ValueError, TypeError), match=f"^validation: {name}: "):
        fit(validation=pair)
    if name == "X":
        with pytest.raises((ValueError, TypeError), match="X"):
            nn.LogisticRegression(2).predict(wrong)


def test_a_checkpoint_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    (tmp_path / "run.npz.part").mkdir()  # stands in the way, whoever runs the test
    with pytest.raises(OSError, match=r"checkpoint: .*run.npz cannot be written"):
        fit(checkpoint=tmp_path / "run.npz")


RATES: list[Any] = [0, -0.1, 0.0, np.nan, np.inf, "fast", "0.1", None, True, [0.1], object()]
SHARES: list[Any] = [-0.1, 1.0, 2, "0.9", np.nan, None, True]


@pytest.mark.parametrize(
    ("make", "name", "values"),
    [
        (lambda v: optim.SGD(lr=v), "SGD: lr", RATES),
        (lambda v: optim.Momentum(lr=v), "Momentum: lr", RATES),
        (lambda v: optim.Adam(lr=v), "Adam: lr", RATES),
        (lambda v: optim.SGD(weight_decay=v), "SGD: weight_decay", [-1, np.nan, "0", None, True]),
        (lambda v: optim.SGD(clip_norm=v), "SGD: clip_norm", [0, -1, np.nan, "1", True]),
        (lambda v: optim.SGD(clip_value=v), "SGD: clip_value", [0, -1, np.nan, "1", True]),
        (lambda v: optim.Momentum(lr=1, beta=v), "Momentum: beta", SHARES),
        (lambda v: optim.RMSProp(beta=v), "RMSProp: beta", SHARES),
        (lambda v: optim.RMSProp(epsilon=v), "RMSProp: epsilon", RATES),
        (lambda v: optim.Adam(beta1=v), "Adam: beta1", SHARES),
        (lambda v: optim.Adam(beta2=v), "Adam: beta2", SHARES),
        (lambda v: optim.Adam(epsilon=v), "Adam: epsilon", RATES),
        (lambda v: optim.InverseTimeDecay(v, 1.0), "InverseTimeDecay: lr", RATES),
        (lambda v: optim.InverseTimeDecay(0.1, v), "InverseTimeDecay: decay", [-1, np.nan, "1", None]),
        (lambda v: optim.InverseTimeDecay(0.1, 1.0, every=v), "InverseTimeDecay: every", [0, -1, 1.5, None]),
        (lambda v: optim.ExponentialDecay(v, 0.5), "ExponentialDecay: lr", RATES),
        (lambda v: optim.ExponentialDecay(0.1, v), "ExponentialDecay: factor", RATES),
        (lambda v: optim.ExponentialDecay(0.1, 0.5, every=v), "ExponentialDecay: every", [0, -1, 1.5, "9"]),
        (lambda v: optim.StepDecay(v, 0.5, 3), "StepDecay: lr", RATES),
        (lambda v: optim.StepDecay(0.1, v, 3), "StepDecay: factor", RATES),
        (lambda v: optim.StepDecay(0.1, 0.5, v), "StepDecay: every", [0, -1, 1.5, "9", None]),
        (lambda v: optim.CosineDecay(v, 10), "CosineDecay: lr", RATES),
        (lambda v: optim.CosineDecay(0.1, v), "CosineDecay: steps", [0, -1, 1.5, "9", None, True]),
        (lambda v: optim.CosineDecay(0.1, 9, floor=v), "CosineDecay: floor", [-1, 0.2, "0", np.nan, None]),
        (lambda v: optim.WarmUp(v, 0.1), "WarmUp: steps", [0, -1, 1.5, "9", None]),
        (lambda v: optim.WarmUp(3, v), "WarmUp: then", [*RATES, lambda: 1, optim.CosineDecay]),
        (nn.EarlyStopping, "patience", [0, -1, 2.5, "3", None, True]),
        (lambda v: nn.EarlyStopping(3, min_delta=v), "min_delta", [-1, "0", np.nan, None, True]),
        (lambda v: nn.EarlyStopping(3, restore_best=v), "restore_best", ["yes", 1, None]),
        (nn.Dropout, "keep_prob", [0, -1, 1.5, "0.5", np.nan, None, True]),
        (lambda v: nn.MLP([2, 1], l2=v), "l2", [-1, "0", np.nan, None, True]),
        (lambda v: nn.MLP([2, 1], l1=v), "l1", [-1, "0", np.nan, None, True]),
        (lambda v: nn.MLP([2, 1], cost=v), "cost", ["mse", 3, nn.Dense]),
        (lambda v: nn.MLP([2, 3, 1], activation=v), "activation", ["rleu", 3, None, nn.Dense]),
        (lambda v: nn.MLP([2, 3, 1], output=v), "activation|output", ["sigmiod", 3, None]),
        (lambda v: nn.MLP([2, 3, 1], init=v), "init", ["xaver", [], "0.1"]),
        (lambda v: nn.MLP([2, 3, 1], keep_prob=v), "keep_prob", [0, -1, 1.5, "0.5", None, True]),
        (lambda v: nn.MLP([2, 3, 1], dtype=v), "dtype", [int, "flaot32", complex, str]),
        (lambda v: nn.MLP([2, 3, 1], seed=v), "seed", [-1, 1.5, "1", True]),
        (nn.MLP, "MLP|Dense", [[], [2], 3, "2, 1", {4, 2, 1}, [2, 0, 1], [2, 1.5], ["2", "1"], None]),
        (nn.LogisticRegression, "n_x", [0, -1, 1.5, "2", None, True]),
        (nn.Sequential, "Sequential", [[], [3], ["relu"], [nn.Dense], 3, None]),
    ],
)  # fmt: skip
def test_settings_are_looked_at_where_they_are_made(make: Any, name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises((ValueError, TypeError), match=name):
            make(value)


model = nn.MLP([2, 3, 1])
WEIGHTS: list[Any] = [np.ones(19), np.ones((20, 1)), "x", -np.ones(20), np.full(20, np.nan), 3.0]
CALLS: list[tuple[Any, str, list[Any]]] = [
    (lambda v: model.loss(X, Y, v), "^weights: ", WEIGHTS),
    (lambda v: model.evaluate(X, Y, v), "^metrics: ", [3, [3], [lambda a: 1], {"f1": 1}, [nn.Dense]]),
    (lambda v: model.evaluate(X, np.where(Y > 0, v, Y)), "^Y: ", [np.nan, np.inf]),
    (model.set_weights, "weights|W1", [None, 3, "w.npz", {"W1": 1}, [np.ones(2)], [np.ones(2)] * 4]),
    (lambda v: model.load_state_dict(model.state_dict(), v), "strict", ["no", None, 2]),
    (lambda v: model.load_state_dict(model.state_dict() | {"W1": v}), "W1", [None, "x", [[1], [2, 3]]]),
    (lambda v: tg.save(model, "a.npz", about=v), "about", ["me", [1], {"x": np.ones(2)}, 3]),
    (lambda v: optim.SGD(model.parameters()).step(gradients=v), "gradient", [3, [1], [np.ones(3)] * 4, {}]),
    (lambda v: tg.export.write("a.npz", {}, v), "meta", [None, 3, {"x": np.ones(2)}]),
    (lambda v: tg.export.write("a.npz", v, {}), "arrays", [None, 3, [np.ones(2)]]),
    (tg.export.read, "read", [None, 3, ""]),
    (nn.BatchNorm(3), "expected", [None, "x", [[1.0], [2.0]], [1.0]]),
    (nn.RNN(3, 5), "expected", [None, "x", [[1.0]]]),
    (nn.Conv2D(3, 5, 2), "expected", [None, "x", [[1.0]]]),
    (nn.training, "^training: on", ["yes", 1, None]),
    (nn.Dense(2, 3), "expected", [None, "x", 3.0, [[1, 2], [3]], [1.0, 2.0]]),
    (lambda v: nn.Sequential(nn.Dense(2, 4), nn.LayerNorm(v), nn.Dense(4, 1)), "^Sequential: layer 1", [3]),
    (lambda v: nn.Sequential(nn.Dense(2, 4), nn.LayerNorm(4), nn.Dense(v, 1)), "^Sequential: .*layer 2", [3]),
    (lambda v: optim.SGD([tg.Tensor(1.0)], lr=lambda t: v).step(gradients=[np.ones(())]), "^SGD: lr", ["x"]),
    (nn.init.zeros, "zeros", ["x", None, 3, (2, -1), (1.5, 2)]),
    (nn.init.normal, "normal", ["x", None, 3, (2, -1)]),
    (lambda v: nn.init.normal((2, 1), scale=v), "scale", ["x", -1, None]),
]  # fmt: skip


@pytest.mark.parametrize(("call", "name", "value"), [(c, n, v) for c, n, values in CALLS for v in values])
def test_a_wrong_value_of_a_call_is_refused_by_name(
    call: Any, name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = model.state_dict()
    with pytest.raises((ValueError, TypeError), match=name):
        call(value)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("rate", [lambda t: -0.1, lambda t: "fast", lambda t: None, lambda t: np.nan])
def test_a_schedule_of_ones_own_is_asked_before_the_first_epoch(rate: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="optimizer: the learning rate"):
        fit(optimizer=optim.SGD(lr=rate))


network = nn.MLP([2, 3, 1], seed=1)


@pytest.mark.parametrize(
    "given",
    [
        network.parameters(),
        network.parameters().values(),
        list(network.parameters().values()),
        tuple(network.parameters().values()),
        (p for p in network.parameters().values()),
        network.parameters()["W1"],
        set(network.parameters().values()),
    ],
    ids=["mapping", "values", "list", "tuple", "generator", "one", "set"],
)
def test_an_optimiser_takes_parameters_in_any_form(given: Any) -> None:
    optimizer = optim.SGD(given, lr=0.1)
    assert optimizer.parameters is not None
    before = network.parameters()["W1"].tolist()
    network.loss(X, Y).backward()
    optimizer.step()
    assert network.parameters()["W1"].tolist() != before
    optimizer.zero_grad()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (network.parameters().keys(), r"got their names \('W1', .*model.parameters\(\).values\(\)"),
        (list(network.parameters()), r"model.parameters\(\).values\(\)"),
        (network, r"SGD\(model.parameters\(\), lr=0.1\)"),
        (0.1, r"the learning rate goes by name: SGD\(lr=0.1\)"),
        ("W1", "expected Tensors as parameters, got 'W1'"),
        (np.ones(3), "expected Tensors"),
        ([np.ones(3)], "0: expected a leaf Tensor"),
        ([{"params": [network.parameters()["W1"]]}], "optimisers of their own"),
        ([network.parameters()["W1"]] * 2, "given twice"),
    ],
)
def test_what_is_no_parameter_is_answered_with_what_to_write(given: Any, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        optim.SGD(given, lr=0.1)


@pytest.mark.parametrize(("name", "value"), [("checkpoint_every", 2), ("checkpoint_seconds", 2.0)])
def test_when_to_write_says_that_there_is_no_file(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name}: .*checkpoint="):
        fit(**{name: value})


def test_the_names_of_the_arguments_are_those_that_were_written() -> None:
    with pytest.raises(ValueError, match="epochs"):
        nn.fit(nn.LogisticRegression(2), X, Y, optimizer=optim.SGD(lr=0.1), epochs=-1)
    with pytest.raises(ValueError, match=r"early_stopping: .* validation="):
        fit(early_stopping=3)
    with pytest.raises(ValueError, match=r"resume: .* checkpoint="):
        fit(resume=True)


LAYERS: list[tuple[Any, str, list[Any]]] = [
    (lambda v: nn.Dense(3, 2, init=v), "init",
     [-1.0, np.nan, np.inf, "hi", [1], lambda: 1, lambda s, g: "x", lambda s, g: np.full(s, np.nan)]),
    (lambda v: nn.Dense(3, 2, init="zeros", seed=v), "seed", ["x", 1.5, -1]),
    (lambda v: nn.Dropout(0.5, seed=v), "Dropout: seed", [-1, "x", 1.5]),
    (nn.Neuron, "Neuron: n_in", [0, -1, 2.5, "x", None, True]),
    (nn.LogisticRegression, "LogisticRegression: n_x", [0, -1, 2.5, "x", None, True]),
    (lambda v: nn.MLP([3, v, 1]), "MLP: sizes", [0, -1, 2.5, "x", None, True]),
    (lambda v: nn.MLP([3, 1], output=v), "MLP: output", ["sofmax", 3, None]),
    (nn.Sequential, "layers", [[]]),
    (optim.SGD, "parameters", [[1], ["W1"], 0.1]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "name", "value"), [(make, name, value) for make, name, values in LAYERS for value in values]
)
def test_a_wrong_setting_of_a_layer_is_refused_by_name(make: Any, name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=name):
        make(value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("alpha", [-1.0, np.nan, np.inf, "x"]),
        ("learning_rate_init", [0, -1.0, np.nan, np.inf, "x"]),
        ("max_iter", [0, 1.5, "x", True]),
        ("warm_start", ["x", None, 2]),
        ("random_state", ["x", -1, 1.5]),
        ("batch_size", [0, -1, 2.5, "x"]),
    ],
)
def test_a_wrong_setting_of_an_estimator_is_refused_by_name(name: str, values: list[Any]) -> None:
    pytest.importorskip("sklearn")
    estimators = pytest.importorskip("tinygrad_edu.estimators")
    for value in values:
        for kind in (estimators.LogisticRegression, estimators.MLPClassifier, estimators.MLPRegressor):
            with pytest.raises((TypeError, ValueError), match=name):
                kind(**{name: value}).fit(X.T, Y[0])
