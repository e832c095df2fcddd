"""Weights of examples and classes, metrics, modes of a model, and what fit says once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 24))
Y = (X[:1] + 0.3 * X[1:] > 0.4).astype(float)
Y3 = tg.data.one_hot(np.digitize(X[0], [-0.5, 0.5]), 3)


def trained(X: Any = X, Y: Any = Y, **settings: Any) -> dict[str, Any]:
    model = settings.pop("model", None) or nn.MLP(
        [2, 4, len(Y)], output="softmax" if len(Y) > 1 else "sigmoid", seed=1
    )
    nn.fit(model, X, Y, **({"optimizer": optim.SGD(lr=0.5), "epochs": 5} | settings))
    return model.state_dict()  # type: ignore[no-any-return]


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-9, atol=1e-12)


@settings(max_examples=25)  # each compiles two steps
@given(st.lists(st.integers(0, 3), min_size=24, max_size=24).filter(any))
def test_a_whole_weight_is_an_example_that_stands_there_so_often(counts: list[int]) -> None:
    weights = np.array(counts)
    often = np.repeat(np.arange(24), weights)
    m = len(often)
    rate = 0.5 * 24 / m  # the mean is over m examples
    same(
        trained(sample_weight=weights, epochs=2, optimizer=optim.SGD(lr=rate)),
        trained(X[:, often], Y[:, often], epochs=2, optimizer=optim.SGD(lr=0.5)),
    )


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("labels", [Y, Y3], ids=["two", "three"])
def test_weights_of_classes_are_weights_of_their_examples(
    labels: Any, batch: int | None, compiled: bool
) -> None:
    classes = labels[0].astype(int) if len(labels) == 1 else labels.argmax(axis=0)
    weights = {int(c): 1.0 + c for c in np.unique(classes)}
    settings: dict[str, Any] = {"batch_size": batch, "compile": compiled, "validation": 0.25}
    same(
        trained(Y=labels, class_weight=weights, **settings),
        trained(Y=labels, sample_weight=[weights[int(c)] for c in classes], **settings),
    )
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    balanced = sklearn.compute_sample_weight("balanced", classes)
    same(
        trained(Y=labels, class_weight="balanced", **settings),
        trained(Y=labels, sample_weight=balanced, **settings),
    )


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"sample_weight": np.ones(23)}, "sample_weight: expected one for each of the 24 examples"),
    ({"sample_weight": -np.ones(24)}, "sample_weight: expected numbers of at least 0"),
    ({"sample_weight": np.zeros(24)}, "sample_weight: expected numbers of at least 0, and not all"),
    ({"sample_weight": np.full(24, np.nan)}, "sample_weight: expected finite numbers"),
    ({"sample_weight": "balanced"}, "sample_weight: expected numbers"),
    ({"class_weight": {0: 1.0}}, "class_weight: the class 1 has none"),
    ({"class_weight": {0: 1.0, 1: -1.0}}, "class_weight: expected numbers of at least 0"),
    ({"class_weight": "even"}, "class_weight: expected a weight for each class"),
    ({"class_weight": [1.0, 2.0]}, "class_weight: expected a weight for each class"),
    (
        {"class_weight": "balanced", "model": nn.MLP([2, 1], output="linear")},
        "class_weight: expected a model",
    ),
]


@pytest.mark.parametrize(("settings", "said"), WRONG, ids=[said[:50] for _, said in WRONG])
def test_weights_that_mean_nothing_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        trained(**settings)


# metrics


def test_metrics_are_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    two, three = nn.MLP([2, 4, 1], seed=1), nn.MLP([2, 4, 3], output="softmax", seed=1)
    named = ["f1", "precision", "recall", "roc_auc", "log_loss", "confusion_matrix"]
    cost, accuracy, *found = two.evaluate(X, Y, named)
    y, answers, shares = Y[0], two.predict(X)[0], two.predict_proba(X)[0]
    assert (cost, accuracy) == (two.loss(X, Y).item(), two.accuracy(X, Y))
    assert found[:5] == pytest.approx(
        [
            metrics.f1_score(y, answers),
            metrics.precision_score(y, answers), metrics.recall_score(y, answers),
            metrics.roc_auc_score(y, shares), metrics.log_loss(y, shares),
        ]
    )  # fmt: skip
    assert np.array_equal(found[5], metrics.confusion_matrix(y, answers))
    scores = three.evaluate(X, Y3, ["f1", "roc_auc"])
    y3 = Y3.argmax(axis=0)
    assert scores["f1"] == pytest.approx(metrics.f1_score(y3, three.predict(X)[0], average="macro"))
    assert scores["roc_auc"] == pytest.approx(
        metrics.roc_auc_score(y3, three.predict_proba(X).T, multi_class="ovr")
    )
    line = nn.MLP([2, 1], output="linear", seed=1)
    assert line.evaluate(X, Y, "r2")["r2"] == pytest.approx(metrics.r2_score(y, line.predict(X)[0]))
    mine = line.evaluate(X, Y, lambda truth, answer: truth.shape == answer.shape == (24,))
    assert mine[1] is True or mine[1] == 1.0
    with pytest.raises(ValueError, match=r"metrics: expected the name of one in sklearn\.metrics"):
        two.evaluate(X, Y, ["f2"])
    with pytest.raises(KeyError, match="known are cost, accuracy"):
        two.evaluate(X, Y)["f1"]


# modes


def test_a_model_computes_as_it_was_told_and_answers_as_it_is_used() -> None:
    model = nn.Sequential(
        nn.Dense(2, 6, "relu", seed=1),
        nn.BatchNorm(6),
        nn.Dropout(0.5, seed=2),
        nn.Dense(6, 1, "sigmoid", seed=3),
    )
    used = model(X).data
    assert model.train() is model
    assert not np.array_equal(model(X).data, used)
    used = model.eval()(X).data  # the running averages have moved
    model.train()
    for answered in (model.predict_proba(X), model.predict_proba(X)):
        assert np.array_equal(answered, used)
    assert model.evaluate(X, Y)["cost"] == pytest.approx(model.eval().loss(X, Y).item())
    model.train()
    with nn.training(False):
        assert np.array_equal(model(X).data, used)
    history = nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=2, validation=(X, Y))
    assert history.validation_cost[-1] == pytest.approx(model.eval().loss(X, Y).item())


def test_pytorchs_loop_trains_as_fit_does() -> None:
    model = nn.MLP([2, 4, 1], seed=1)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        loss = model.loss(X, Y)
        loss.backward()
        optimizer.step()
    same(model.state_dict(), trained(optimizer=optim.Adam(lr=0.05)))


# what is said once


def said(model: Any, **settings: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        nn.fit(model, X, Y, **({"optimizer": optim.SGD(lr=0.1), "epochs": 3} | settings))
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("g", ["relu", "tanh", "sigmoid"])
def test_equal_units_are_told_of_and_stay_equal(g: str) -> None:
    model = nn.MLP([2, 4, 1], activation=g, init="zeros")
    (told,) = said(model)
    assert "the units of layer 1 are equal" in told
    assert f'tg.nn.Dense(2, 4, {g!r}, init="he")' in told
    W = model.state_dict()["W1"]
    assert np.array_equal(W, np.broadcast_to(W[:1], W.shape))


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Dense(2, 4, seed=1), nn.Dense(4, 1, "sigmoid", seed=2)],
        [nn.Dense(2, 4, seed=1), nn.Dropout(0.9, seed=1), nn.Dense(4, 1, "sigmoid", seed=2)],
    ],
    ids=["bare", "dropout"],
)
def test_a_network_that_is_one_linear_layer_is_told_of(layers: Any) -> None:
    (told,) = said(nn.Sequential(layers))
    assert "layers 1 and 2 are linear" in told
    assert 'tg.nn.Dense(2, 4, "relu")' in told


@pytest.mark.parametrize(
    "model",
    [
        nn.LogisticRegression(2),
        nn.MLP([2, 4, 1], seed=1),
        nn.MLP([2, 1, 1], activation="tanh", init="zeros"),
        nn.Sequential(nn.Dense(2, 1, seed=1), tg.tanh, nn.Dense(1, 1, "sigmoid", seed=2)),
        nn.Sequential(nn.Dense(2, 4, seed=1), tg.relu, nn.Dense(4, 1, "sigmoid", seed=2)),
        nn.Sequential(nn.Dense(2, 4, "relu", init="zeros"), nn.Dense(4, 1, "sigmoid", seed=2)),
    ],
    ids=repr,
)
def test_nothing_is_said_of_a_model_that_can_learn(model: Any) -> None:
    assert said(model) == []


@pytest.mark.parametrize(("rate", "epochs"), [(2.5, 4), (5.0, 30), (1.9, 40)])
def test_a_rate_under_which_the_cost_rises_is_told_of_once(rate: float, epochs: int) -> None:
    model = nn.Sequential(nn.Dense(2, 1, seed=1), cost="squared")
    inputs = np.vstack([X, np.ones(24)])
    lr = rate / np.linalg.eigvalsh(inputs @ inputs.T / 24)[-1]  # 2 over it is where descent diverges
    told = said(model, optimizer=optim.SGD(lr=lr), epochs=epochs)
    if rate < 2:
        assert told == []
    else:
        assert [t for t in told if "the cost rises" in t] == told[:1]
        assert f"such as lr={lr / 10:.3g}" in told[0]


@pytest.mark.parametrize("labels", [Y, Y3])
def test_a_metric_is_given_the_same_by_name_and_as_a_function(labels: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    model = nn.MLP([2, 4, len(labels)], output="softmax" if len(labels) > 1 else "sigmoid", seed=1)
    names = ["f1_score", "roc_auc_score", "log_loss", "accuracy_score"]
    by_function = model.evaluate(X, labels, [getattr(metrics, name) for name in names])
    assert by_function == model.evaluate(X, labels, names)


def test_the_hinge_is_taken_of_scores_and_of_nothing_else() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    model = nn.MLP([2, 1], output="linear", cost="hinge", seed=1)
    expected = metrics.hinge_loss(2 * Y[0] - 1, model(X).data[0])
    assert model.evaluate(X, 2 * Y - 1, ["hinge_loss"])["hinge_loss"] == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"^metrics: hinge_loss takes scores of both signs"):
        nn.MLP([2, 1]).evaluate(X, Y, ["hinge_loss"])


def test_offsets_in_a_vector_are_not_penalised() -> None:
    class Shifted:
        def __init__(self) -> None:
            self.K, self.c, self.b = (tg.Tensor(np.ones(shape)) for shape in ((2, 2), (2,), (2, 1)))

        def __call__(self, A: Any) -> Any:
            return self.K @ A + self.c[:, None] + self.b

    model = nn.Sequential(Shifted(), nn.Dense(2, 1, "sigmoid", init="zeros"), l2=2.0)
    J, plain = (nn.Sequential(*model.layers, l2=l2).loss(X, Y).item() for l2 in (2.0, 0.0))
    assert [W.name for W in model.weights()] == ["K1", "W2"]
    assert J - plain == pytest.approx(2.0 / (2 * 24) * 4)


@pytest.mark.parametrize("join", [
    lambda a, b: a | b, lambda a, b: a.update(b), lambda a, b: a.update(**b), lambda a, b: a.__ior__(b),
])  # fmt: skip
def test_equal_names_of_two_layers_are_not_joined(join: Any) -> None:
    a, b = nn.Dense(2, 3).parameters(), nn.Dense(3, 1).parameters()
    with pytest.raises(ValueError, match="both have parameters called W, b"):
        join(a, b)
    assert join(a, dict(a)) in (a, None)


def test_a_layer_of_another_dtype_is_told_of() -> None:
    def model(dtype: Any) -> nn.Sequential:
        return nn.Sequential(
            nn.Dense(2, 3, "relu", seed=1, dtype=np.float32), nn.BatchNorm(3, dtype=dtype),
            nn.Dense(3, 1, "sigmoid", seed=1, dtype=np.float32),
        )  # fmt: skip

    with pytest.warns(
        UserWarning, match=r"^fit: the layers are of float32 \(Dense\) and float64 \(BatchNorm\)"
    ):
        trained(model=model(np.float64), epochs=1)
    trained(model=model(np.float32), epochs=1)
