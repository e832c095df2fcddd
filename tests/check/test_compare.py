"""The report: what it says of right and wrong arrays, in both conventions, and of bad input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.networks import Network
from tinygrad_edu.check import Report

NETWORK = Network((7, 5, 4, 1), hidden="relu", lambd=0.7)


@pytest.fixture(scope="module")
def v() -> dict[str, Any]:
    return NETWORK.arrays()


@pytest.fixture(scope="module")
def J(v: dict[str, Any]) -> tg.Tensor:
    return NETWORK.cost(v)


def gradients(v: dict[str, Any]) -> dict[str, Any]:
    return {k: a for k, a in v.items() if (k[0] == "d" and k[1].isupper()) or k[:2] == "db"}


def test_every_quantity_is_compared_and_right(v: dict[str, Any], J: tg.Tensor) -> None:
    report = tg.check.compare(J, gradients(v))
    assert report.ok
    assert {e.name for e in report} == {f"d{q}{l}" for q in "WbZA" for l in (1, 2, 3)}
    assert all(e.diagnosis.codes == () and e.verdict == "right" for e in report)


def test_the_exact_convention_divides_the_intermediates_by_m(v: dict[str, Any], J: tg.Tensor) -> None:
    exact = {k: a / v["m"] if k[1] in "ZA" else a for k, a in gradients(v).items()}
    assert tg.check.compare(J, exact, convention="exact").ok
    assert tg.check.compare(J, exact).convention == "exact"
    report = tg.check.compare(J, exact, convention="course")
    assert not report.ok
    assert "convention='exact'" in report.notes[0]
    assert report["dA3"].diagnosis.codes[0] == "factor_m_doubled"


def test_a_tensor_is_a_key_and_data_can_be_asked_for() -> None:
    X, Y = tg.Tensor([[1.0, 2.0, 4.0]]), np.array([[0.0, 1.0, 1.0]])
    w = tg.Tensor([[0.5]])
    A = tg.sigmoid(w @ X)
    J = tg.binary_cross_entropy(A, Y)
    dZ = A.data - Y
    report = tg.check.compare(J, {w: dZ @ X.data.T / 3, X: w.data.T @ dZ})
    assert report.ok
    assert report[w].name == "dw"


def test_the_gradient_of_constant_data_is_compared(v: dict[str, Any], J: tg.Tensor) -> None:
    dX = v["W1"].T @ v["dZ1"]
    assert tg.check.compare(J, {"dA0": dX}).ok
    assert tg.check.compare(J, {"dX": -dX})["dX"].diagnosis.codes == ("sign",)


def test_any_graph_will_do() -> None:
    a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    u = b * c
    J = 3 * (a + u)
    report = tg.check.compare(J, {"da": 3, "db": 6, "dc": 9, "du": [3.0]})
    assert report.ok
    assert tg.check.compare(J, {"db": -6})["db"].diagnosis.codes[0] == "sign"


def test_single_precision_is_judged_by_its_own_rounding(v: dict[str, Any], J: tg.Tensor) -> None:
    singles = {k: a.astype(np.float32) for k, a in gradients(v).items()}
    assert tg.check.compare(J, singles).ok
    assert tg.check.compare(J, {k: a.astype(float) for k, a in singles.items()}).ok
    assert not tg.check.compare(J, {"dW1": v["dW1"] * (1 + 1e-7)}).ok


@pytest.mark.parametrize("off", [1.0005, 1 + 1e-6, 1 + 1e-9])
def test_a_planted_error_is_found(off: float, v: dict[str, Any], J: tg.Tensor) -> None:
    report = tg.check.compare(J, {k: a * off for k, a in gradients(v).items()})
    assert not any(e.ok for e in report if v[e.name].any())


def test_one_wrong_entry_is_found_and_located(v: dict[str, Any], J: tg.Tensor) -> None:
    dW1 = v["dW1"].copy()
    dW1[3, 2] += 0.25
    entry = tg.check.compare(J, {"dW1": dW1})["dW1"]
    assert entry.diagnosis.codes == ("unknown",)
    assert entry.diagnosis.where == {"count": 1, "of": 35, "first": [3, 2], "rows": [3], "columns": [2]}
    assert entry.error == pytest.approx(0.25)


def test_what_follows_from_a_mistake_names_its_root(v: dict[str, Any], J: tg.Tensor) -> None:
    dZ2 = v["W3"].T @ v["dZ3"]
    dA1 = v["W2"].T @ dZ2
    report = tg.check.compare(
        J, {"dZ3": v["dZ3"], "dZ2": dZ2, "dA1": dA1, "db2": dZ2.mean(axis=1, keepdims=True)}
    )
    assert report["dZ3"].ok
    assert report["dZ2"].diagnosis.codes[0] == "slope_missing"
    for name in ("dA1", "db2"):
        assert report[name].verdict == "follows"
        assert report[name].diagnosis.root == "dZ2"


def test_a_second_mistake_on_top_of_an_inherited_one_is_named(v: dict[str, Any], J: tg.Tensor) -> None:
    dZ2 = v["W3"].T @ v["dZ3"]
    given = {"dZ2": dZ2, "db2": dZ2.sum(axis=1, keepdims=True)}
    report = tg.check.compare(J, given, convention="course")
    assert set(report["db2"].diagnosis.codes) == {"factor_m_missing", "follows_from"}


def test_coinciding_mistakes_are_told_as_alternatives() -> None:
    n = Network((7, 5, 1))
    v = n.arrays()
    report = tg.check.compare(n.cost(v), {"db2": v["dZ2"].sum(axis=0, keepdims=True) / n.m})
    entry = report["db2"]
    assert "tells them apart" in report.notes[-1]
    assert entry.diagnosis.alternatives
    assert entry.diagnosis.confidence == "one of several"
    assert {"sum_missing", "sum_axis"} <= set(entry.diagnosis.codes)


def test_the_report_as_text_html_and_data(v: dict[str, Any], J: tg.Tensor) -> None:
    report = tg.check.compare(J, {"dW1": v["dW1"] * 2, "db1": v["db1"]})
    headline, _, *lines = str(report).splitlines()
    assert headline == "dW1 is wrong: off by the factor 2."
    assert [cell.strip() for cell in lines[0].split("|")] == [
        "quantity",
        "shape",
        "max error",
        "verdict",
        "diagnosis",
    ]
    assert "1 of 2 right" in str(report)
    assert "\x1b[31m" in report.text(colour=True)
    assert "\x1b" not in str(report)
    data = json.loads(report.to_json())
    assert data["ok"] is False
    assert [e["codes"] for e in data["entries"]] == [["constant_factor"], []]
    html = report._repr_mimebundle_()["text/html"]
    assert "<table>" in html
    assert "off by the factor 2" in html
    assert isinstance(report, Report)
    assert len(report) == 2
    assert "db1" in report
    with pytest.raises(KeyError, match="it has: dW1, db1"):
        report["dW7"]


def test_a_function_is_probed_on_other_parameters(v: dict[str, Any], J: tg.Tensor) -> None:
    def backward(A3, Y, W3):  # type: ignore[no-untyped-def]
        dZ3 = A3 - Y
        return {"dZ3": dZ3, "dA2": W3.T @ dZ3 / Y.shape[1]}

    report = tg.check.compare(J, backward, probe=True)
    assert report["dZ3"].ok
    assert "factor_m_doubled" in report["dA2"].diagnosis.codes
    assert report["dA2"].diagnosis.line is not None
    assert "W3.T @ dZ3" in report["dA2"].diagnosis.line[1]
    with pytest.raises(TypeError, match="give the function"):
        tg.check.compare(J, {"dZ3": v["dZ3"]}, probe=True)


# bad input


@pytest.mark.parametrize(
    ("manual", "error", "said"),
    [
        ({"dW9": np.ones(3)}, KeyError, "did you mean"),
        ({"dW1": "X @ dZ1.T"}, TypeError, "dW1: expected an array of real numbers, got the string"),
        ({"dW1": None}, TypeError, "dW1: expected an array of real numbers, got NoneType"),
        ({"dW1": [[1.0], [1.0, 2.0]]}, TypeError, "rows of different lengths"),
        ({"dW1": np.ones((5, 7)) * 1j}, TypeError, "complex128"),
        ({3: np.ones(3)}, TypeError, "as key, got 3"),
        ({}, ValueError, "nothing to compare"),
        ([np.ones(3)], TypeError, "expected a mapping"),
    ],
)
def test_bad_input_is_told(manual: Any, error: type[Exception], said: str, J: tg.Tensor) -> None:
    with pytest.raises(error, match=said):
        tg.check.compare(J, manual)


def test_bad_costs_and_conventions_are_told(v: dict[str, Any], J: tg.Tensor) -> None:
    with pytest.raises(ValueError, match="'course' or 'exact', got 'mean'"):
        tg.check.compare(J, {"dW1": v["dW1"]}, convention="mean")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected the cost J as a Tensor, got float"):
        tg.check.compare(3.0, {"dW1": v["dW1"]})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(5, 7\)"):
        tg.check.compare(tg.Tensor(v["W1"], name="W1") * 2, {"dW1": v["dW1"]})


@pytest.mark.parametrize(("bad", "said"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_entries_that_are_not_finite_are_pointed_at(
    bad: float, said: str, v: dict[str, Any], J: tg.Tensor
) -> None:
    dW1 = v["dW1"].copy()
    dW1[2, 5] = bad
    entry = tg.check.compare(J, {"dW1": dW1})["dW1"]
    assert not entry.ok
    assert said in entry.diagnosis.text
    assert "[2, 5]" in entry.diagnosis.text


INFINITE = np.array([np.inf, 0.25])
NAN = np.array([np.nan, 1.0])


@pytest.mark.parametrize(
    ("f", "right", "given", "ok"),
    [
        (np.sqrt, INFINITE, INFINITE, True),
        (np.sqrt, INFINITE, [-np.inf, 0.25], False),
        (np.sqrt, INFINITE, [1e300, 0.25], False),
        (np.sqrt, INFINITE, [0.0, 0.25], False),
        (np.sqrt, INFINITE, [np.nan, 0.25], False),
        (np.sqrt, INFINITE, [np.inf, 0.26], False),
        (lambda x: np.sqrt(x) ** 2, NAN, NAN, True),
        (lambda x: np.sqrt(x) ** 2, NAN, [1.0, 1.0], False),
        (lambda x: np.sqrt(x) ** 2, NAN, [np.inf, 1.0], False),
        (lambda x: np.sqrt(x) ** 2, NAN, [np.nan, 1.1], False),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_where_the_right_gradient_is_no_finite_number_only_the_same_is_right(
    f: Any, right: Any, given: Any, ok: bool
) -> None:
    x = tg.Tensor([0.0, 4.0], name="x")
    J = np.sum(f(x))
    np.testing.assert_array_equal(tg.grad(J, [x])[0], right)
    report = tg.check.compare(J, {"dx": np.array(given)})
    assert report.ok == ok
    where = f"of the right gradient, 1 of 2 entries is {'infinite' if right is INFINITE else 'NaN'}: [0]"
    assert where in str(report.notes if ok else report["dx"].diagnosis.text)


def test_a_wrong_shape_is_a_diagnosis(v: dict[str, Any], J: tg.Tensor) -> None:
    entry = tg.check.compare(J, {"dW1": np.ones((2, 3, 4))})["dW1"]
    assert entry.diagnosis.codes == ("wrong_shape",)
    assert "expected shape (5, 7), got (2, 3, 4)" in entry.diagnosis.text
    assert tg.check.compare(J, {"dW1": np.ones((0, 7))})["dW1"].diagnosis.codes
