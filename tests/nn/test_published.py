"""The course's trainings, through tg.nn and through bare Tensors: its published costs and accuracies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.course.reference import toy_set
from tinygrad_edu import data, nn, optim

Case = Mapping[str, Any]
CATS = ["cat/logistic", "cat/logistic-lr-0.001", "cat/two-layer", "cat/four-layer"]
PLANE = ["planar/nn-model-2", "planar/flower-1-hidden", "init/train-he", "init/train-zeros"]
INITIAL = {
    "cat/two-layer": ("random", 1),
    "cat/four-layer": ("xavier", 1),
    "init/train-he": ("he", 3),
    "init/train-zeros": ("zeros", 0),
    "opt/train-gd": ("he", 3),
    "opt/train-adam": ("he", 3),
    "planar/nn-model-2": ("random", 2),
    "planar/flower-1-hidden": ("random", 2),
}


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Case]:
    return {case["id"]: case for case in json.loads((shared / "cases" / "course_reference.json").read_text())}


@pytest.fixture(scope="module")
def cats(shared: Path) -> data.DataSet:
    pytest.importorskip("h5py", reason="needs the extra 'h5'")
    return data.cats(shared / "data")


def model_of(case: Case) -> nn.Sequential:
    params = case["params"]
    if params.get("model") == "logistic":
        return nn.LogisticRegression(params["layers"][0])
    scheme, seed = INITIAL[case["id"]]
    hidden, *_, output = params["activations"]
    return nn.MLP(params["layers"], activation=hidden, output=output, init=scheme, seed=seed)


def is_published(case: Case, costs: Any, **figures: Any) -> None:
    """Every figure of the case, to its printed digits."""
    expected, tolerance = case["expected"], case["tolerance"]
    if "costs" in expected:
        costs = np.asarray(costs)[case["params"]["iterations_of_costs"]]
        assert np.all(np.abs(costs - expected["costs"]) <= tolerance["costs"])
    for name in figures.keys() & expected.keys():
        assert np.all(np.abs(np.subtract(figures[name], expected[name])) <= tolerance[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("name", CATS)
def test_the_cat_models_by_nn(name: str, cases: dict[str, Case], cats: data.DataSet) -> None:
    case = cases[name]
    model, params = model_of(case), case["params"]
    optimizer = optim.SGD(lr=params["learning_rate"])
    history = nn.fit(model, *cats.train, optimizer=optimizer, epochs=params["num_iterations"])
    is_published(
        case,
        history.cost,
        train_accuracy=model.accuracy(*cats.train),
        test_accuracy=model.accuracy(*cats.test),
        prediction_test_5=model.predict(cats.X_test)[0, 5],
    )


@pytest.mark.filterwarnings("ignore:fit. the units of layer . are equal")  # the course shows what zeros do
@pytest.mark.slow
@pytest.mark.parametrize("name", PLANE)
def test_the_models_of_the_plane_by_nn(name: str, cases: dict[str, Case]) -> None:
    case = cases[name]
    model, params, v = model_of(case), case["params"], case["inputs"]
    train, test = (
        ((np.array(v["X"]), np.array(v["Y"])), ()) if "X" in v else toy_set(v["dataset"].partition("/")[2])
    )
    optimizer = optim.SGD(lr=params["learning_rate"])
    history = nn.fit(model, *train, optimizer=optimizer, epochs=params["num_iterations"])
    accuracy = model.accuracy(*train)
    figures = {"test_accuracy": model.accuracy(*test)} if test else {}
    parameters = {name: p.data for name, p in model.parameters().items()}
    is_published(case, history.cost, accuracy=accuracy, train_accuracy=accuracy, **figures, **parameters)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["opt/train-gd", "opt/train-adam"])
def test_the_mini_batch_models_by_nn(name: str, cases: dict[str, Case]) -> None:
    pytest.importorskip("sklearn", reason="needs the extra 'sklearn'")
    case = cases[name]
    model, params, (train, _) = model_of(case), case["params"], toy_set("moons")
    history = nn.fit(
        model,
        *train,
        optimizer={"gd": optim.SGD, "adam": optim.Adam}[params["optimizer"]](lr=params["learning_rate"]),
        epochs=params["num_epochs"],
        batch_size=params["mini_batch_size"],
        shuffle=lambda epoch, m: np.random.RandomState(11 + epoch).permutation(m),
    )
    of_the_last_batch = history.cost[history.steps_per_epoch - 1 :: history.steps_per_epoch]
    is_published(case, of_the_last_batch, train_accuracy=model.accuracy(*train))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cat/logistic", "cat/two-layer", "cat/four-layer"])
def test_the_cat_models_by_bare_tensors(name: str, cases: dict[str, Case], cats: data.DataSet) -> None:
    case = cases[name]
    L, alpha = len(case["params"]["layers"]) - 1, case["params"]["learning_rate"]
    model = model_of(case)
    parameters = {key: tg.Tensor(p.data) for key, p in model.parameters().items()}
    if L == 1:  # the notes' w and b
        parameters = {"W1": tg.Tensor(parameters["w"].data.T), "b1": parameters["b"]}
    X, m = tg.Tensor(cats.X_train, requires_grad=False), cats.X_train.shape[1]

    def forward(X: Any) -> Any:
        A = X
        for l in range(1, L + 1):
            Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
            A = np.maximum(Z, 0) if l < L else 1 / (1 + np.exp(-Z))
        return A

    def step() -> float:
        A = forward(X)
        J = -np.sum(cats.Y_train * np.log(A) + (1 - cats.Y_train) * np.log(1 - A)) / m
        J.backward()
        for p in parameters.values():
            p.data -= alpha * p.grad
            p.zero_grad()
        return float(J.item())

    costs = [step() for _ in range(case["params"]["num_iterations"])]

    def accuracy(X: Any, Y: Any) -> float:
        return float(np.mean((forward(X).data > 0.5) == Y))

    is_published(case, costs, train_accuracy=accuracy(*cats.train), test_accuracy=accuracy(*cats.test))


def test_db_summed_over_the_units_too_does_not_give_the_published_costs(
    cases: dict[str, Case], cats: data.DataSet
) -> None:
    # The first edition's mistake: one number, summed over the whole layer, for every entry of db.
    class Mistaken(optim.SGD):
        def update(self, key: Any, parameter: Any, gradient: Any) -> None:
            super().update(
                key, parameter, np.full_like(gradient, gradient.sum()) if key[0] == "b" else gradient
            )

    case = cases["cat/two-layer"]
    published, tolerance = case["expected"]["costs"][1], case["tolerance"]["costs"]
    settings = {"epochs": case["params"]["iterations_of_costs"][1] + 1}
    right = nn.fit(model_of(case), *cats.train, optimizer=optim.SGD(lr=0.0075), **settings)
    wrong = nn.fit(model_of(case), *cats.train, optimizer=Mistaken(lr=0.0075), **settings)
    assert abs(right.cost[-1] - published) <= tolerance < 1e-6 < abs(wrong.cost[-1] - published)
    assert right.cost[0] == wrong.cost[0]
