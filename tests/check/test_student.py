"""A student's file: checked, with its own lines; and told plainly when it raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli.entry_point import main

TWO_LAYERS = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def forward(X, Y, parameters):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    J = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1]
    return J, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def backward(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dZ1": dZ1}
"""
LOGISTIC = """
import numpy as np

def forward(w, b, X):
    Z = np.dot(w.T, X) + b
    A = 1 / (1 + np.exp(-Z))
    return A

def backward(A, X, Y):
    dZ = A - Y
    dw = np.dot(X, dZ.T)
    db = np.sum(dZ) / X.shape[1]
    return dw, db
"""
SOFTMAX = """
import numpy as np

def softmax(Z):
    e = np.exp(Z)
    return e / np.sum(e, axis=0, keepdims=True)

def forward(X, Y, W1, b1):
    Z1 = W1 @ X + b1
    A1 = softmax(Z1)
    return A1, (Z1, A1)

def backward(A1, X, Y):
    return {"dW1": (A1 - Y) @ X.T / X.shape[1], "db1": np.mean(A1 - Y, axis=1, keepdims=True)}
"""


def checked(folder: Path, source: str) -> tg.check.Report:
    file = folder / "student.py"
    file.write_text(source, "utf-8")
    return tg.check.student.check_file(file)


@pytest.mark.parametrize("source", [TWO_LAYERS, SOFTMAX, LOGISTIC.replace("dZ.T)", "dZ.T) / X.shape[1]")])
def test_a_right_file_is_right_and_said_to_be_run(source: str, tmp_path: Path) -> None:
    report = checked(tmp_path, source)
    assert report.ok, report
    assert "student.py was run" in report.notes[0]


def test_the_mistake_and_its_line_are_named(tmp_path: Path) -> None:
    report = checked(tmp_path, TWO_LAYERS.replace("(1 - np.power(A1, 2))", "(1 - A1)"))
    assert report["dZ1"].diagnosis.codes[0] == "slope_wrong"
    assert report["dZ1"].diagnosis.line is not None
    assert report["dZ1"].diagnosis.line[0] == 1 + TWO_LAYERS.splitlines().index(
        '    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(A1, 2))'
    )
    assert report["dW1"].verdict == "follows"
    assert report["dW2"].ok


def test_the_line_is_that_of_the_mistake_even_in_a_quantity_that_is_not_returned(tmp_path: Path) -> None:
    source = TWO_LAYERS.replace(" * (1 - np.power(A1, 2))", "").replace(', "dZ1": dZ1}', "}")
    report = checked(tmp_path, source)
    assert report["dZ1"].diagnosis.codes[0] == "slope_missing"
    assert report["dZ1"].diagnosis.line is not None
    assert report["dZ1"].diagnosis.line[1].startswith("dZ1 = ")
    assert report["dW1"].verdict == "follows"


def test_a_file_without_a_cost_gets_the_cross_entropy(tmp_path: Path) -> None:
    report = checked(tmp_path, LOGISTIC)
    assert report["dw"].diagnosis.codes == ("factor_m_missing",)
    assert report["db"].ok
    assert "cross-entropy" in report.notes[1]


def test_shapes_may_be_said_in_the_file(tmp_path: Path) -> None:
    shapes = '\nshapes = {"W1": (3, 4), "b1": (3, 1), "W2": (1, 3), "b2": (1, 1), "X": (4, 6), "Y": (1, 6)}\n'
    report = checked(tmp_path, TWO_LAYERS + shapes)
    assert report.ok
    assert report["dW1"].shape == (3, 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("A1, A2 = cache", "A1, A2 = cash"), ["in backward", 'A1, A2 = cash["A1"]', "NameError"]),
        (("np.tanh(Z1)", "np.tanh(Z1"), ["SyntaxError"]),
        (("def backward(", "def backwards("), ["expected a function 'backward'"]),
        (
            ("import numpy as np", "import numpy as np\nraise RuntimeError('no')"),
            ["line 3", "RuntimeError: no"],
        ),
    ],
)
def test_a_file_that_raises_is_told_by_its_own_lines(
    change: tuple[str, str], said: list[str], tmp_path: Path
) -> None:
    with pytest.raises(tg.check.StudentFileError) as told:
        checked(tmp_path, TWO_LAYERS.replace(*change))
    assert all(part in str(told.value) for part in said), str(told.value)
    assert "tinygrad_edu" not in str(told.value)


def test_the_command_gives_1_for_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "student.py"
    file.write_text(TWO_LAYERS, "utf-8")
    assert main(["check", str(file)]) == 0
    assert "5 of 5 right" in capsys.readouterr().out
    file.write_text(TWO_LAYERS.replace("A2 - Y", "Y - A2"), "utf-8")
    assert main(["check", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    file.write_text("1 / 0", "utf-8")
    assert main(["check", str(file)]) != 0
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "none.py")]) == 2


LOOSE = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def forward(X, W1, b1, W2, b2):
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    return Z1, A1, Z2, A2

def backward(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1, A1, Z2, A2 = forward(X, W1, b1, W2, b2)
    dZ2 = (A2 - Y) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1)
    return {"dW1": np.dot(dZ1, X.T), "dW2": np.dot(dZ2, A1.T)}
"""


def test_the_last_prediction_stands_for_the_cost(tmp_path: Path) -> None:
    assert "forward gives A[L], so the cost is its cross-entropy with Y." in checked(tmp_path, LOOSE).notes


def test_a_mistake_is_traced_to_the_variable_that_it_began_in(tmp_path: Path) -> None:
    report = checked(tmp_path, LOOSE)
    assert report["dZ1"].diagnosis.line == (18, "dZ1 = np.dot(W2.T, dZ2) * (1 - A1)")
    assert report["dW1"].diagnosis.codes == ("follows_from",)
    assert report["dZ2"].ok


def test_variables_on_the_way_are_not_judged_where_the_result_is_right(tmp_path: Path) -> None:
    report = checked(tmp_path, LOOSE.replace("(1 - A1)", "(1 - A1**2)"))
    assert report.ok
    assert "dZ1" not in report


def test_neither_cost_nor_prediction_is_said_with_what_came(tmp_path: Path) -> None:
    with pytest.raises(tg.check.student.StudentFileError, match=r"got Tensor \(6, 11\)"):
        checked(tmp_path, LOOSE.replace("return Z1, A1, Z2, A2", "return Z1"))


def test_a_mistake_in_a_quantity_that_others_only_pass_on_is_blamed_where_it_is_made(tmp_path: Path) -> None:
    shared = """
import numpy as np
shapes = {"a": (4,), "b": (4,)}
def forward(a, b):
    u = a * b
    return np.sum(u**2 + a * u)
def backward(a, b):
    u = a * b
    du = 2 * u
    dt = du
    return {"da": b * dt + u, "db": a * dt}
"""
    report = checked(tmp_path, shared)
    assert report["du"].verdict == "wrong"
    assert report["db"].diagnosis.root == "du"
    assert checked(tmp_path, shared.replace("du = 2 * u", "du = 2 * u + a")).ok


def test_gradients_that_are_not_given_are_told(tmp_path: Path) -> None:
    partial = TWO_LAYERS.replace('return {"dW1": dW1, "db1": db1, ', "return {")
    report = checked(tmp_path, partial)
    assert report.ok
    assert report.notes[0].endswith("Not judged, as backward does not give it: dW1, db1.")
    assert "Not judged" not in str(checked(tmp_path, TWO_LAYERS))


@pytest.mark.parametrize("returned", ["", "None", "{}"])
def test_a_backward_pass_that_gives_nothing_is_told(returned: str, tmp_path: Path) -> None:
    nothing = TWO_LAYERS[: TWO_LAYERS.index("    return {")] + f"    return {returned}\n"
    with pytest.raises(tg.check.student.StudentFileError, match=f"it returns {returned or None}\n"):
        checked(tmp_path, nothing)
