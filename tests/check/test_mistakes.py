"""Planted mistakes are named: the published collection, and a larger one of the same kinds."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.networks import Network
from tests.check.planted import planted
from tinygrad_edu.check.comparison import compared
from tinygrad_edu.check.manual import given_arrays
from tinygrad_edu.check.truth import Truth

NETWORKS = [
    Network((7, 1)),
    Network((7, 5, 1)),
    Network((8, 6, 4, 1), hidden="relu", lambd=0.7, m=13),
    Network((7, 5, 3), output="softmax"),
    Network((6, 5, 5, 1), hidden="sigmoid"),
    Network((6, 5, 4, 3), hidden="leaky_relu", output="softmax", m=13),
    Network((7, 5, 4, 1), hidden="relu", keep=0.8, m=13),
    Network((5, 6, 4, 2), output="line", m=9),
    Network((7, 5, 1), dtype=np.float32),
]

SOME = 0.06
"""How many of them are tried: what one network leaves out, another has."""


@pytest.mark.slow
def test_the_published_mistakes_are_named(shared: Path, tmp_path: Path) -> None:
    cases = json.loads((shared / "cases" / "mistakes.json").read_text("utf-8"))
    some = tmp_path / "some.json"  # all of them: python ../shared/cases/run_mistakes.py
    some.write_text(json.dumps(cases[::6]), "utf-8")
    run = subprocess.run(
        [sys.executable, str(shared / "cases" / "run_mistakes.py"), str(some)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert "false alarms 0 of" in run.stdout


@pytest.mark.slow
def test_mistakes_of_every_kind_are_named() -> None:
    rng = np.random.default_rng(7)
    missed, count = [], 0
    for n in NETWORKS:
        v = replace(n, seed=7).arrays()
        truth = Truth(n.cost(v))
        for quantity, expression, codes in planted(n):
            if rng.random() > SOME:
                continue
            with np.errstate(all="ignore"):
                given = np.asarray(eval(expression, {**v})).astype(n.dtype)
            # declared, since 1/m at dZ is no mistake in the other convention, but right
            report = compared(truth, given_arrays({quantity: given}), "course")
            if report.ok:
                close = (
                    {"rtol": 1e-9, "atol": 1e-12} if n.dtype is np.float64 else {"rtol": 1e-4, "atol": 1e-6}
                )
                assert np.allclose(given, v[quantity], **close), f"{quantity} = {expression}"
                continue
            count += 1
            if not set(report[quantity].diagnosis.codes) & set(codes):
                missed.append((quantity, expression, codes, report[quantity].diagnosis.codes))
    assert count > 80
    assert len(missed) <= 0.03 * count, "\n".join(map(str, missed))


def test_a_reading_that_makes_it_right_is_found_where_none_is_declared() -> None:
    n = Network((7, 5, 1))
    v = n.arrays()
    exact = {"dA1": v["W2"].T @ v["dZ2"] / n.m}
    assert tg.check.compare(n.cost(v), exact).ok
    assert not tg.check.compare(n.cost(v), exact, convention="course").ok


PAIRS = [
    ("dW1", "-2 * (({W}.T @ dZ2) @ X.T / m)", {"slope_missing", "constant_factor"}),
    ("dW1", "({W}.T @ dZ2 * A1) @ X.T", {"activation_for_slope", "factor_m_missing"}),
    ("dW1", "(({W}.T @ dZ2 * (1 - A1)) @ X.T / m).T", {"slope_wrong", "transpose"}),
    ("dW2", "-(dZ2 @ Z1.T)", {"z_for_a", "sign"}),
    ("dW1", "(({W}.T @ (Z2 - Y)) * (1 - A1)) @ X.T / m", {"z_for_a", "slope_wrong"}),
    ("db1", "np.sum({W}.T @ dZ2, axis=0, keepdims=True) / m", {"slope_missing", "sum_axis"}),
    ("dZ1", "-(({W} - 0.1 * dW2).T @ dZ2 * g1)", {"stale_parameters", "sign"}),
    ("dZ1", "(({W} - 0.1 * dW2).T @ dZ2 * g1).T", {"stale_parameters", "transpose"}),
    ("dW2", "-(dZ2[:, 1:] @ A1[:, 1:].T / m)", {"example_omitted", "sign"}),
]


@pytest.mark.parametrize(("quantity", "expression", "codes"), PAIRS)
def test_two_mistakes_in_one_quantity_are_both_named(quantity: str, expression: str, codes: set[str]) -> None:
    n = Network((8, 6, 5), output="softmax", m=13)
    v = n.arrays()
    given = eval(expression.format(W="W2"), {**v})
    assert codes <= set(tg.check.compare(n.cost(v), {quantity: given})[quantity].diagnosis.codes)


def test_two_mistakes_with_a_penalty_are_both_named() -> None:
    n = Network((8, 6, 4, 1), lambd=0.7, m=13)
    v = n.arrays()
    given = (v["W3"].T @ v["dZ3"]) @ v["A1"].T / v["m"]
    codes = tg.check.compare(n.cost(v), {"dW2": given})["dW2"].diagnosis.codes
    assert {"slope_missing", "regularisation_missing"} <= set(codes)


@pytest.mark.parametrize("alpha", [0.3, 0.0075, 2.0])
def test_the_learning_rate_of_stale_parameters_is_estimated(alpha: float) -> None:
    n = Network((7, 5, 4, 1), hidden="tanh")
    v = n.arrays()
    given = (v["W2"] - alpha * v["dW2"]).T @ v["dZ2"]
    diagnosis = tg.check.compare(n.cost(v), {"dA1": given})["dA1"].diagnosis
    assert diagnosis.codes[0] == "stale_parameters"
    assert f"{alpha:.6g}" in diagnosis.text


def test_a_cost_from_logits_is_diagnosed_like_one_from_probabilities() -> None:
    for output, last in (("sigmoid", 1), ("softmax", 5)):
        n = Network((8, 6, last), output=output, m=13)
        v = n.arrays()
        J = n.cost(v, logits=True)
        with np.errstate(all="ignore"):
            given = {"dZ2": v["Z2"] - v["Y"], "dW2": -v["dW2"], "dZ1": v["W2"].T @ v["dZ2"]}
        report = tg.check.compare(J, given)
        assert "z_for_a" in report["dZ2"].diagnosis.codes
        assert "sign" in report["dW2"].diagnosis.codes
        assert "slope_missing" in report["dZ1"].diagnosis.codes


def test_random_arrays_are_not_explained_away() -> None:
    n = Network((7, 5, 1))
    v = n.arrays()
    J, rng = n.cost(v), np.random.default_rng(0)
    for some in (("dW1", "db1"), ("dZ1", "dW2")):
        report = tg.check.compare(J, {k: rng.standard_normal(v[k].shape) for k in some}, convention="course")
        assert all(e.diagnosis.codes == ("unknown",) for e in report), repr(report)


def test_a_large_network_is_compared() -> None:
    n = Network((12288, 20, 7, 5, 1), m=209, hidden="relu", scale=0.01)
    v = n.arrays()
    J = n.cost(v)
    wrong = {f"db{l}": np.sum(v[f"dZ{l}"], keepdims=True) / n.m for l in range(1, 5)}
    given = {f"d{q}{l}": v[f"d{q}{l}"] for q in "WZ" for l in range(1, 5)}
    report = tg.check.compare(J, {**given, **wrong, "dW1": v["dZ1"] @ v["X"].T})
    assert {e.name for e in report if not e.ok} == {"db1", "db2", "db3", "dW1"}
    assert report["dW1"].diagnosis.codes == ("factor_m_missing",)
    assert all("sum_all" in report[f"db{l}"].diagnosis.codes for l in (1, 2, 3))
