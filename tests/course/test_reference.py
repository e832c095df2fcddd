"""``course`` gives the figures that the course's exercises have published, to the last printed digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.course import reference
from tests.course.reference import SHARED, Case
from tinygrad_edu.course import checking, l_layer, models, optimisers

CASES = reference.load()
needs_the_cases = pytest.mark.skipif(not CASES, reason="needs the folder 'shared' beside the checkout")


def _parameter(case: Case) -> Any:
    marks = [pytest.mark.slow] if case["kind"] == "model" else []
    if case["inputs"].get("dataset") == "dataset/football":
        there = (SHARED / "data" / "data.mat").is_file()
        reason = "needs the exercise's own data.mat in the folder shared/data"
        marks.append(pytest.mark.skipif(not there, reason=reason))
    return pytest.param(case, id=case["id"], marks=marks)


@needs_the_cases
@pytest.mark.parametrize("case", [_parameter(case) for case in CASES])
def test_the_published_figures(case: Case) -> None:
    got = reference.run(case)
    for name, expected in case["expected"].items():
        assert np.shape(got[name]) == np.shape(expected), name
        off = np.abs(np.asarray(got[name], dtype=float) - expected)
        assert np.all(off <= case["tolerance"][name]), f"{name}: got {got[name]}, published {expected}"


def _case(identity: str) -> Case:
    return next(case for case in CASES if case["id"] == identity)


@needs_the_cases
def test_gradient_checking_finds_the_planted_mistakes_of_the_exercise() -> None:
    # The exercise multiplies dW2 by 2 and has 4/m in db1, and prints the difference that follows.
    case = _case("gradcheck/n-right")
    J, parameters, grads = reference.network(case, reference.inputs_of(case))
    wrong = {**grads, "dW2": 2 * grads["dW2"], "db1": 4 * grads["db1"]}
    difference = checking.gradient_check_n(J, parameters, wrong)
    assert abs(difference - 0.285093156781) <= 1e-9
    assert difference > checking.THRESHOLD > checking.gradient_check_n(J, parameters, grads)


@needs_the_cases
def test_db_summed_over_the_units_too_changes_every_cost_but_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first edition's mistake: one number for a whole layer's db.
    case = _case("init/train-he")
    settings = {"learning_rate": 0.01, "num_iterations": 3001, "seed": 3, "scale": "he", "record_every": 1000}
    train, _ = reference.toy_set("circles")
    _, right = models.L_layer_model(*train, case["params"]["layers"], **settings)

    def summed_over_units(dZ: Any, cache: Any) -> Any:
        dA_prev, dW, db = linear_backward(dZ, cache)
        return dA_prev, dW, np.full(db.shape, np.sum(db))

    linear_backward = l_layer.linear_backward
    monkeypatch.setattr(l_layer, "linear_backward", summed_over_units)
    _, wrong = models.L_layer_model(*train, case["params"]["layers"], **settings)
    published = case["expected"]["costs"][:4]
    assert right == pytest.approx(published, abs=1e-9)
    assert wrong[0] == pytest.approx(published[0], abs=1e-9)
    assert np.all(np.abs(np.subtract(wrong, published))[1:] > 1e-4)


@needs_the_cases
def test_adam_with_epsilon_inside_the_root_does_not_give_the_published_step() -> None:
    case = _case("opt/adam")
    v = reference.inputs_of(case)
    parameters, settings = reference.parameters_in(v), case["params"]
    start = optimisers.initialize_adam(parameters)
    # sqrt(s + 1e-8) with the s of a small gradient is what the first edition computes.
    right, _, s = optimisers.update_parameters_with_adam(parameters, v, *start, t=2)
    scale = 1 - settings["beta2"] ** 2
    inside = np.sqrt(s["dW2"] / scale + 1e-8)
    m_hat = 0.1 * v["dW2"] / (1 - settings["beta1"] ** 2)
    wrong = parameters["W2"] - settings["learning_rate"] * m_hat / inside
    off = np.abs(wrong - case["expected"]["W2"])
    assert off.max() > case["tolerance"]["W2"] >= np.abs(right["W2"] - case["expected"]["W2"]).max()
