"""A story: the costs that a first edition published follow from one line, and the tool finds it.

Copies of the course's first edition sum a layer's db over its units as well as over the examples: one number
a layer. Their costs agree with the right ones at iteration 0 and at no later one.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course import l_layer

ITERATIONS = 101


def cases(shared: Path) -> list[dict[str, Any]]:
    found = json.loads((shared / "cases" / "course_reference.json").read_text("utf-8"))
    return [
        c for c in found if c["kind"] == "model" and c["id"].startswith("cat/") and "logistic" not in c["id"]
    ]


def images(shared: Path) -> tuple[Any, Any]:
    h5py = pytest.importorskip("h5py")
    with h5py.File(shared / "data" / "train_catvnoncat.h5") as file:
        x, y = file["train_set_x"][:], file["train_set_y"][:]
    return x.reshape(x.shape[0], -1).T / 255.0, y.reshape(1, -1).astype(float)


def initial(layers: list[int]) -> dict[str, Any]:
    rng = np.random.RandomState(1)
    parameters = {}
    for l, (n_prev, n) in enumerate(pairwise(layers), start=1):
        scale = 0.01 if len(layers) == 3 else 1 / np.sqrt(n_prev)
        parameters |= {f"W{l}": rng.randn(n, n_prev) * scale, f"b{l}": np.zeros((n, 1))}
    return parameters


def of_the_first_edition(grads: dict[str, Any], m: int) -> dict[str, Any]:
    """db summed over the units too."""
    return grads | {
        name: np.sum(g, keepdims=True) * np.ones_like(g) for name, g in grads.items() if name[:2] == "db"
    }


def costs(X: Any, Y: Any, layers: list[int], *, mistaken: bool, iterations: int = ITERATIONS) -> list[float]:
    parameters, found = initial(layers), []
    for k in range(iterations):
        AL, caches = l_layer.L_model_forward(X, parameters)
        if k % 100 == 0:
            found.append(float(l_layer.cost_of_network(AL, Y)))
        grads = l_layer.L_model_backward(AL, Y, caches)
        if mistaken:
            grads = of_the_first_edition(grads, X.shape[1])
        parameters = l_layer.update_parameters(parameters, grads, 0.0075)
    return found


@pytest.mark.slow
def test_one_line_makes_the_difference_and_is_found(shared: Path) -> None:
    X, Y = images(shared)
    runs: dict[tuple[tuple[int, ...], bool], list[float]] = {}
    for case in cases(shared):
        layers, published = case["params"]["layers"], case["expected"]["costs"]
        tolerance = np.max(case["tolerance"]["costs"])
        mistaken = "mistake" in case["params"]
        key = tuple(layers)
        for way in (False, True):
            if (key, way) not in runs:
                runs[key, way] = costs(X, Y, layers, mistaken=way)
        reproduced, other = runs[key, mistaken], runs[key, not mistaken]
        assert np.max(np.abs(np.subtract(reproduced, published[: len(reproduced)]))) <= tolerance, case["id"]
        assert abs(other[0] - published[0]) <= tolerance
        assert abs(other[1] - published[1]) > 1e-6, "the mistake shows after iteration 0"


@pytest.mark.parametrize("layers", [[12288, 7, 1], [12288, 20, 7, 5, 1]], ids=str)
def test_the_tool_finds_it_in_their_formulas(layers: list[int], shared: Path) -> None:
    X, Y = images(shared)
    parameters = initial(layers)
    tensors = {name: tg.Tensor(value, name=name) for name, value in parameters.items()}
    A: Any = X
    for l in range(1, len(layers)):
        Z = tensors[f"W{l}"] @ A + tensors[f"b{l}"]
        A = tg.relu(Z) if l < len(layers) - 1 else tg.sigmoid(Z)
    J = tg.binary_cross_entropy(A, Y)
    AL, caches = l_layer.L_model_forward(X, parameters)
    grads = of_the_first_edition(l_layer.L_model_backward(AL, Y, caches), X.shape[1])
    report = tg.check.compare(J, {name: g for name, g in grads.items() if name[1] in "Wb"})
    wrong = {e.name for e in report if not e.ok}
    assert wrong == {f"db{l}" for l in range(1, len(layers) - 1)}
    assert all("sum_all" in report[name].diagnosis.codes for name in wrong)
    assert "over the units" in report["db1"].diagnosis.text
