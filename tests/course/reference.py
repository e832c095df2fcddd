"""The published cases of the course's exercises, and how each kind of case is computed with ``course``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.course import (
    activations,
    checking,
    costs,
    initialisation,
    l_layer,
    logistic,
    models,
    optimisers,
    regularisation,
    two_layer,
)

SHARED = Path(__file__).resolve().parents[3] / "shared"
FILE = SHARED / "cases" / "course_reference.json"

Case = Mapping[str, Any]
Arrays = dict[str, Any]
Got = Mapping[str, Any]


def load() -> list[Case]:
    """All cases; none where the folder of cases is not beside the checkout."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else []


def inputs_of(case: Case) -> Arrays:
    """The arrays given, with lists made arrays."""
    return {k: np.array(v) if isinstance(v, list) else v for k, v in case["inputs"].items()}


def parameters_in(values: Arrays) -> Arrays:
    """W1, b1, W2, ... of the inputs."""
    return {k: v for k, v in values.items() if k[0] in "Wb" and k[1:].isdigit()}


def _sigmoid(case: Case, v: Arrays) -> Got:
    return {"s": activations.sigmoid(v["z"])}


SCHEMES = {
    "randn * 0.01, b = 0": "random",
    "randn * 10, b = 0": 10.0,
    "randn * sqrt(2 / n[l-1]), b = 0": "he",
    "randn / sqrt(n[l-1]), b = 0": "xavier",
}


def _initialize(case: Case, v: Arrays) -> Got:
    params = case["params"]
    if "dim" in params:
        return dict(zip("wb", initialisation.initialize_with_zeros(params["dim"]), strict=True))
    if "v = 0" in params["scheme"]:
        return {f"v_{name}": value for name, value in optimisers.initialize_velocity(v).items()}
    if params["scheme"] == "zeros":
        return initialisation.initialize_parameters_zeros(params["layers"])
    return initialisation.initialize_parameters_deep(
        params["layers"], params["seed"], SCHEMES[params["scheme"]]
    )


def _propagate(case: Case, v: Arrays) -> Got:
    grads, cost = logistic.propagate(**v)
    return {**grads, "cost": cost}


def _optimize(case: Case, v: Arrays) -> Got:
    params, grads, _ = logistic.optimize(**v, **case["params"])
    return {**params, **grads}


def _predict(case: Case, v: Arrays) -> Got:
    return {"predictions": logistic.predict(**v, **case["params"])}


def _shapes(case: Case, v: Arrays) -> Got:
    return dict(zip(("n_x", "n_h", "n_y"), two_layer.layer_sizes(**v, **case["params"]), strict=True))


def _forward(case: Case, v: Arrays) -> Got:
    if "theta" in v:
        return {"J": checking.forward_propagation_1d(**v)}
    hidden, _ = case["params"]["activations"]
    _, cache = two_layer.forward_propagation(v["X"], parameters_in(v), hidden)
    return {f"mean_{name}": np.mean(value) for name, value in cache.items()}


def _backward(case: Case, v: Arrays) -> Got:
    if "theta" in v:
        return {"dtheta": checking.backward_propagation_1d(**v)}
    hidden, _ = case["params"]["activations"]
    return two_layer.backward_propagation(parameters_in(v), v, v["X"], v["Y"], hidden)


def _compute_cost(case: Case, v: Arrays) -> Got:
    A = next(value for name, value in v.items() if name.startswith("A"))
    return {"cost": costs.compute_cost(A, v["Y"])}


def _update_parameters(case: Case, v: Arrays) -> Got:
    return l_layer.update_parameters(parameters_in(v), v, **case["params"])


def _linear_forward(case: Case, v: Arrays) -> Got:
    return {"Z": l_layer.linear_forward(**v)[0]}


def _activation_forward(case: Case, v: Arrays) -> Got:
    return {"A": l_layer.linear_activation_forward(**v, **case["params"])[0]}


def _L_model_forward(case: Case, v: Arrays) -> Got:
    AL, caches = l_layer.L_model_forward(v["X"], parameters_in(v), case["params"]["activations"])
    return {"AL": AL, "caches": len(caches)}


BLOCK = ("dA_prev", "dW", "db")


def _linear_backward(case: Case, v: Arrays) -> Got:
    return dict(zip(BLOCK, l_layer.linear_backward(v["dZ"], (v["A_prev"], v["W"], v["b"])), strict=True))


def _linear_activation_backward(case: Case, v: Arrays) -> Got:
    cache = ((v["A_prev"], v["W"], v["b"]), v["Z"])
    block = l_layer.linear_activation_backward(v["dA"], cache, case["params"]["activation"])
    return dict(zip(BLOCK, block, strict=True))


def _L_model_backward(case: Case, v: Arrays) -> Got:
    names = case["params"]["activations"]
    caches = [((v[f"A{l - 1}"], v[f"W{l}"], v[f"b{l}"]), v[f"Z{l}"]) for l in range(1, len(names) + 1)]
    return l_layer.L_model_backward(v["AL"], v["Y"], caches, names)


def network(case: Case, v: Arrays) -> tuple[Callable[[Arrays], Any], Arrays, Arrays]:
    """The cost as a function of the parameters, the parameters, and their gradients."""
    names = case["params"]["activations"]
    parameters = parameters_in(v)
    AL, caches = l_layer.L_model_forward(v["X"], parameters, names)

    def J(parameters: Arrays) -> Any:
        return costs.compute_cost(l_layer.L_model_forward(v["X"], parameters, names)[0], v["Y"])

    return J, parameters, l_layer.L_model_backward(AL, v["Y"], caches, names)


def _grad_check(case: Case, v: Arrays) -> Got:
    return {"difference": checking.gradient_check_n(*network(case, v), epsilon=case["params"]["epsilon"])}


def _regularised_cost(case: Case, v: Arrays) -> Got:
    AL = next(value for name, value in v.items() if name.startswith("A"))
    lambd = case["params"]["lambda"]
    return {"cost": regularisation.compute_cost_with_regularization(AL, v["Y"], parameters_in(v), lambd)}


def _dropout_forward(case: Case, v: Arrays) -> Got:
    keep_prob, parameters = case["params"]["keep_prob"], parameters_in(v)
    sizes = [v["X"].shape[0], *(len(value) for name, value in parameters.items() if name[0] == "b")]
    masks = regularisation.dropout_masks(sizes, v["X"].shape[1], keep_prob, seed=1)
    for name, mask in masks.items():
        np.testing.assert_array_equal(mask, v[name])
    AL, _ = regularisation.forward_propagation_with_dropout(v["X"], parameters, masks, keep_prob)
    return {f"A{len(sizes) - 1}": AL}


def _minibatch(case: Case, v: Arrays) -> Got:
    rng = np.random.RandomState(1)
    X, Y = rng.randn(12288, 148), rng.randn(1, 148) < 0.5
    params = case["params"]
    batches = optimisers.random_mini_batches(X, Y, params["mini_batch_size"], params["seed"])
    return {
        "shapes_X": [X.shape for X, _ in batches],
        "shapes_Y": [Y.shape for _, Y in batches],
        "first_row_first_three": batches[0][0][0, :3],
    }


def _adam(case: Case, v: Arrays) -> Got:
    settings = {k: value for k, value in case["params"].items() if k not in "vs"}
    parameters = parameters_in(v)
    start = optimisers.initialize_adam(parameters)
    parameters, *averages = optimisers.update_parameters_with_adam(parameters, v, *start, **settings)
    named = {
        f"{kind}_{name}": a for kind, part in zip("vs", averages, strict=True) for name, a in part.items()
    }
    return {**parameters, **named}


def _dataset(case: Case, v: Arrays) -> Got:
    name = case["id"].partition("/")[2]
    if name == "dataset":
        cats = data.cats(SHARED / "data")
        return {
            "m_train": cats.X_train.shape[1],
            "m_test": cats.X_test.shape[1],
            "num_px": np.sqrt(cats.n_x / 3),
            "train_flat_shape": cats.X_train.shape,
            "test_flat_shape": cats.X_test.shape,
            "first_pixels": cats.X_train[:5, 0] * 255,
            "y_train_25": cats.Y_train[0, 25],
            "y_train_10": cats.Y_train[0, 10],
            "y_test_5": cats.Y_test[0, 5],
        }
    train, test = toy_set(name)
    for key, value in zip(("X", "Y", "X_test", "Y_test"), (*train, *test), strict=False):
        np.testing.assert_allclose(value, v[key], atol=1e-15)
    return {"shape_X": train.X.shape, "shape_Y": train.Y.shape, "m": train.X.shape[1]}


def toy_set(name: str) -> tuple[data.Examples, tuple[Any, ...]]:
    """The exercises' planar sets: the training part, and the test part where there is one."""
    if name == "circles":
        found = data.circles()
        return found.train, found.test
    return {"flower": data.flower, "moons": data.moons}[name](), ()


def _model(case: Case, v: Arrays) -> Got:
    train, test = _examples(case, v)
    params = dict(case["params"])
    run = _trainer(params)
    every = params.get("iterations_of_costs", [0, 100])[1]
    parameters, history, predict = run(train, params, every)
    got: dict[str, Any] = {**parameters, "costs": history[: len(params.get("iterations_of_costs", history))]}
    accuracy = l_layer.accuracy(predict(train.X), train.Y)
    got |= {"accuracy": accuracy, "train_accuracy": accuracy, "accuracy_percent_int": int(100 * accuracy)}
    if test:
        predictions = predict(test[0])
        got |= {
            "test_accuracy": l_layer.accuracy(predictions, test[1]),
            "prediction_test_5": predictions[0, 5],
        }
    return got


def _examples(case: Case, v: Arrays) -> tuple[data.Examples, tuple[Any, ...]]:
    if "X" in v:
        return data.Examples(v["X"], v["Y"]), ()
    name = v["dataset"].rpartition("/")[2]
    if name == "catvnoncat":
        cats = data.cats(SHARED / "data")
        return cats.train, cats.test
    if name == "football":
        football = data.football(SHARED / "data" / "data.mat")
        return football.train, football.test
    return toy_set(name)


Trained = tuple[Arrays, list[float], Callable[[Any], Any]]


def _trainer(params: Arrays) -> Callable[[data.Examples, Arrays, int], Trained]:
    if params.get("model") == "logistic":
        return _train_logistic
    if "optimizer" in params:
        return _train_mini_batches
    return _train_two_layers if len(params["layers"]) == 3 else _train_L_layers


def _train_logistic(train: data.Examples, params: Arrays, every: int) -> Trained:
    trained, history = logistic.model(*train, params["num_iterations"], params["learning_rate"], every)
    return trained, history, lambda X: logistic.predict(trained["w"], trained["b"], X)


def _train_two_layers(train: data.Examples, params: Arrays, every: int) -> Trained:
    hidden, output = params["activations"]
    assert output == "sigmoid"
    assert "0.01" in params["init"]
    trained, history = two_layer.nn_model(
        *train,
        params["layers"][1],
        params["num_iterations"],
        params["learning_rate"],
        _seed(params),
        hidden,
        every,
    )
    return trained, history, lambda X: two_layer.predict(trained, X, hidden)


def _train_L_layers(train: data.Examples, params: Arrays, every: int) -> Trained:
    trained, history = models.L_layer_model(
        *train,
        params["layers"],
        params["learning_rate"],
        params["num_iterations"],
        _seed(params),
        _scale(params),
        params["activations"],
        params.get("lambda_", 0.0),
        params.get("keep_prob", 1.0),
        every,
    )
    return trained, history, lambda X: l_layer.predict(X, trained, params["activations"])


def _train_mini_batches(train: data.Examples, params: Arrays, every: int) -> Trained:
    assert _scale(params) == "he"
    trained, history = models.mini_batch_model(
        *train,
        params["layers"],
        params["optimizer"],
        params["learning_rate"],
        params["mini_batch_size"],
        params["num_epochs"],
        _seed(params),
        activations=params["activations"],
        record_every=every,
    )
    return trained, history, lambda X: l_layer.predict(X, trained, params["activations"])


def _seed(params: Arrays) -> int:
    """The n of ``np.random.seed(n)`` in the words of the case; zeros need none."""
    return int(params["init"].partition("seed(")[2].partition(")")[0] or 0)


def _scale(params: Arrays) -> str | float:
    forms = {"sqrt(2 / n[l-1])": "he", "/ sqrt(n[l-1])": "xavier", "* 0.01": 0.01, "* 10": 10.0, "zeros": 0.0}
    return next(scale for words, scale in forms.items() if words in params["init"])


COMPUTE: dict[str, Callable[[Case, Arrays], Got]] = {
    "L_model_backward": _L_model_backward,
    "L_model_forward": _L_model_forward,
    "activation_forward": _activation_forward,
    "adam": _adam,
    "backward": _backward,
    "compute_cost": _compute_cost,
    "dataset": _dataset,
    "dropout_forward": _dropout_forward,
    "forward": _forward,
    "grad_check": _grad_check,
    "initialize": _initialize,
    "linear_activation_backward": _linear_activation_backward,
    "linear_backward": _linear_backward,
    "linear_forward": _linear_forward,
    "minibatch": _minibatch,
    "model": _model,
    "optimize": _optimize,
    "predict": _predict,
    "propagate": _propagate,
    "regularised_cost": _regularised_cost,
    "shapes": _shapes,
    "sigmoid": _sigmoid,
    "update_parameters": _update_parameters,
}


def run(case: Case) -> Got:
    """What ``course`` gives for the case, under the names of its expected results."""
    return COMPUTE[case["kind"]](case, inputs_of(case))
