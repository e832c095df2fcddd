"""The ways in which people write their passes: each is found, run, and judged, right or wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.check.hints import hints

HEAD = "import numpy as np\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"

PROPAGATE = (
    HEAD
    + """
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    cost = np.squeeze(np.array(cost))
    return {"dw": dw, "db": db}, cost
"""
)
COURSE = (
    HEAD
    + """
def initialize_parameters(n_x, n_h, n_y):
    return {"W1": np.random.randn(n_h, n_x), "b1": np.zeros((n_h, 1)), "W2": np.random.randn(n_y, n_h),
            "b2": np.zeros((n_y, 1))}

def forward_propagation(X, parameters):
    W1, b1, W2, b2 = parameters["W1"], parameters["b1"], parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2, W2 = cache["A1"], cache["A2"], parameters["W2"]
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""
)
LOOP = (
    HEAD
    + """
def initialize_parameters_deep(layer_dims):
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.5
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters

def L_model_forward(X, parameters):
    caches, A, L = [], X, len(parameters) // 2
    for l in range(1, L + 1):
        A_prev = A
        W, b = parameters["W" + str(l)], parameters["b" + str(l)]
        Z = np.dot(W, A_prev) + b
        A = np.maximum(0, Z) if l < L else sigmoid(Z)
        caches.append((A_prev, W, b, Z))
    return A, caches

def compute_cost(AL, Y):
    m = Y.shape[1]
    return -1 / m * np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL))

def L_model_backward(AL, Y, caches):
    grads, L, m = {}, len(caches), AL.shape[1]
    dA = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in reversed(range(L)):
        A_prev, W, b, Z = caches[l]
        dZ = dA * (sigmoid(Z) * (1 - sigmoid(Z)) if l == L - 1 else (Z > 0))
        grads["dW" + str(l + 1)] = np.dot(dZ, A_prev.T) / m
        grads["db" + str(l + 1)] = np.sum(dZ, axis=1, keepdims=True) / m
        dA = np.dot(W.T, dZ)
    return grads
"""
)
CLASS = (
    HEAD
    + """
class Net:
    def __init__(self, n_x, n_h, n_y):
        self.W1 = np.random.randn(n_h, n_x)
        self.b1 = np.zeros((n_h, 1))
        self.W2 = np.random.randn(n_y, n_h)
        self.b2 = np.zeros((n_y, 1))

    def forward(self, X, Y):
        self.X, self.Y = X, Y
        self.Z1 = self.W1 @ X + self.b1
        self.A1 = np.tanh(self.Z1)
        self.Z2 = self.W2 @ self.A1 + self.b2
        self.A2 = sigmoid(self.Z2)
        return -np.mean(Y * np.log(self.A2) + (1 - Y) * np.log(1 - self.A2))

    def backward(self):
        m = self.X.shape[1]
        dZ2 = self.A2 - self.Y
        self.dW2 = dZ2 @ self.A1.T / m
        self.db2 = np.sum(dZ2, axis=1, keepdims=True) / m
        dZ1 = self.W2.T @ dZ2 * (1 - self.A1**2)
        self.dW1 = dZ1 @ self.X.T / m
        self.db1 = np.sum(dZ1, axis=1, keepdims=True) / m
"""
)
IN_A_DICT = (
    HEAD
    + """
class Net:
    def __init__(self, input_size=7, hidden_size=6, output_size=1):
        self.params = {"W1": np.random.randn(input_size, hidden_size), "b1": np.zeros(hidden_size),
                       "W2": np.random.randn(hidden_size, output_size), "b2": np.zeros(output_size)}

    def forward(self, X, y):
        p = self.params
        h = np.maximum(0, X @ p["W1"] + p["b1"])
        out = h @ p["W2"] + p["b2"]
        self.cache = X, y, h, out
        return np.sum((out - y) ** 2)

    def backward(self):
        X, y, h, out = self.cache
        dout = 2 * (out - y)
        dh = dout @ self.params["W2"].T * (h > 0)
        self.grads = {"W2": h.T @ dout, "b2": dout.sum(axis=0), "W1": X.T @ dh, "b1": dh.sum(axis=0)}

net = Net()
"""
)
ROWS = """
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def forward(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    P = softmax(A1 @ W2 + b2)
    loss = -np.log(P[np.arange(len(y)), y]).mean()
    return loss, (A1, P)

def backward(cache, X, y, W2):
    A1, P = cache
    dZ2 = P.copy()
    dZ2[np.arange(len(y)), y] -= 1
    dZ2 /= len(y)
    dZ1 = dZ2 @ W2.T * (A1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dZ2, dZ2.sum(axis=0)
"""
TORCH_LAYOUT = """
import numpy as np

def forward(X, Y, W1, b1, W2, b2):
    h = np.tanh(X @ W1.T + b1)
    out = h @ W2.T + b2
    return ((out - Y) ** 2).mean()

def backward(X, Y, W1, W2, h, out):
    dout = 2 * (out - Y) / out.size
    dW2 = dout.T @ h
    db2 = dout.sum(axis=0)
    dz = dout @ W2 * (1 - h**2)
    return {"W1": dz.T @ X, "b1": dz.sum(axis=0), "W2": dW2, "b2": db2}
"""
OBJECT = (
    HEAD
    + """
from dataclasses import dataclass

@dataclass
class Gradients:
    dw: np.ndarray
    db: float

def forward(w, b, X, Y):
    A = sigmoid(w.T @ X + b)
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))

def backward(A, X, Y):
    return Gradients(X @ (A - Y).T / X.shape[1], np.mean(A - Y))
"""
)

LOSS_OF_A_CLASS = """import numpy as np

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape
        scores = None
        z1 = X.dot(W1) + b1
        h1 = np.maximum(0, z1)
        scores = h1.dot(W2) + b2
        if y is None:
            return scores
        loss = None
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(shifted)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        correct_logprobs = -np.log(probs[range(N), y])
        loss = np.sum(correct_logprobs) / N
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        dscores = probs.copy()
        dscores[range(N), y] -= 1
        dscores /= N
        grads['W2'] = np.dot(h1.T, dscores) + 2 * reg * W2
        grads['b2'] = np.sum(dscores, axis=0)
        dhidden = np.dot(dscores, W2.T)
        dhidden[h1 <= 0] = 0
        grads['W1'] = X.T.dot(dhidden) + 2 * reg * W1
        grads['b1'] = np.sum(dhidden, axis=0)
        return loss, grads
"""
LOSS_OF_WEIGHTS = """import numpy as np
def svm_loss_vectorized(W, X, y, reg):
    loss = 0.0
    dW = np.zeros(W.shape)
    N = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(N), y].reshape(N, 1)
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N + reg * np.sum(W * W)
    mask = np.zeros(margins.shape)
    mask[margins > 0] = 1
    mask[np.arange(N), y] = -np.sum(mask, axis=1)
    dW = X.T.dot(mask) / N + 2 * reg * W
    return loss, dW
"""

OTHER_NAMES = (
    HEAD
    + """
def forward(x, y, θ1, c1, θ2, c2):
    h = np.tanh(θ1 @ x + c1)
    p = sigmoid(np.dot(θ2, h) + c2)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)), h, p

def backward(x, y, h, p, θ2):
    d = (p - y) / x.shape[1]
    dz = θ2.T @ d * (1 - h * h)
    return {"dθ1": dz @ x.T, "dc1": dz.sum(axis=1, keepdims=True),
            "dθ2": d @ h.T, "dc2": d.sum(axis=1, keepdims=True)}
"""
)
LINE = """
import numpy as np
def forward(X, slope, shift, Y):
    return np.sum((slope @ X + shift - Y) ** 2) / (2 * X.shape[1])

def backward(X, slope, shift, Y):
    error = slope @ X + shift - Y
    return {"dslope": error @ X.T / X.shape[1], "dshift": np.sum(error) / X.shape[1]}
"""
WAYS = {
    "names of one's own": OTHER_NAMES,
    "a line": LINE,
    "loss of a class": LOSS_OF_A_CLASS,
    "loss of weights": LOSS_OF_WEIGHTS,
    "propagate": PROPAGATE,
    "cost and gradients": PROPAGATE.replace('"db": db}, cost', '"db": db}, cost').replace(
        'return {"dw": dw, "db": db}, cost', 'return cost, {"dw": dw, "db": db}'
    ),
    "course": COURSE,
    "loop": LOOP,
    "class": CLASS,
    "class with dicts": IN_A_DICT,
    "rows": ROWS,
    "torch layout": TORCH_LAYOUT,
    "object": OBJECT,
}
MISTAKES = {
    "names of one's own": ("(1 - h * h)", "(1 - h)", "dθ1", None),
    "a line": ("error @ X.T / X.shape[1]", "error @ X.T", "dslope", 8),
    "loss of a class": ("dhidden[h1 <= 0] = 0", "pass", "dW1", None),
    "loss of weights": ("/ N + 2 * reg * W", "/ N + reg * W", "dW", 14),
    "propagate": ("1 / m * np.dot(X, (A - Y).T)", "np.dot(X, (A - Y).T)", "dw", 9),
    "course": ("(1 - np.power(A1, 2))", "(1 - A1)", "dZ1", 27),
    "loop": ("np.dot(dZ, A_prev.T) / m", "np.dot(dZ, A_prev.T)", "dW1", 32),
    "class": ("self.db2 = np.sum(dZ2, axis=1, keepdims=True) / m", "self.db2 = np.sum(dZ2)", "db2", 24),
    "rows": ("dZ1.sum(axis=0), ", "dZ1.mean(axis=0), ", "db1", None),
    "torch layout": ("(1 - h**2)", "1", None, None),
    "object": ("/ X.shape[1], np", ", np", "dw", None),
}


def checked(folder: Path, source: str, name: str = "hw.py") -> tg.check.Report:
    (folder / name).write_text(source, "utf-8")
    return tg.check.student.check_file(folder / name)


@pytest.mark.parametrize("way", WAYS)
def test_a_right_file_is_right(way: str, tmp_path: Path) -> None:
    report = checked(tmp_path, WAYS[way])
    assert report.ok, report


@pytest.mark.parametrize("way", MISTAKES)
def test_a_mistake_is_found_where_it_is(way: str, tmp_path: Path) -> None:
    right, wrong, quantity, line = MISTAKES[way]
    report = checked(tmp_path, WAYS[way].replace(right, wrong))
    assert not report.ok
    if quantity is not None:
        assert report[quantity].verdict == "wrong", report
    if line is not None:
        assert report[quantity].diagnosis.line is not None
        assert report[quantity].diagnosis.line[0] == line


def test_functions_of_any_name_are_said(tmp_path: Path) -> None:
    source = COURSE.replace("forward_propagation", "ahead").replace("backward_propagation", "astern")
    (tmp_path / "hw.py").write_text(source, "utf-8")
    assert tg.check.student.check_file(tmp_path / "hw.py", forward="ahead", backward="astern").ok


def test_what_is_missing_is_said_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(tg.check.StudentFileError, match=r"expected a function 'forward'.*it has: sigmoid"):
        checked(tmp_path, HEAD)


def test_a_wrong_name_is_said_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "hw.py").write_text(COURSE, "utf-8")
    with pytest.raises(tg.check.StudentFileError, match="no function is called ahead; it has: sigmoid"):
        tg.check.student.check_file(tmp_path / "hw.py", forward="ahead")


NOTEBOOK_NET = """
class Net:
    def __init__(self, nx, nh):
        r = np.random.RandomState(1)
        self.w1, self.c1 = r.randn(nh, nx) * 0.1, np.zeros((nh, 1))
        self.w2, self.c2 = r.randn(1, nh) * 0.1, np.zeros((1, 1))
    def forward(self, x, y):
        self.x, self.y = x, y
        self.h = np.tanh(self.w1 @ x + self.c1)
        self.p = sigmoid(self.w2 @ self.h + self.c2)
        return -np.mean(y * np.log(self.p) + (1 - y) * np.log(1 - self.p))
    def backward(self):
        d = (self.p - self.y) / self.x.shape[1]
        self.dw2, self.dc2 = d @ self.h.T, d.sum(axis=1, keepdims=True)
        dz = self.w2.T @ d * SLOPE
        self.dw1, self.dc1 = dz @ self.x.T, dz.sum(axis=1, keepdims=True)
"""
NOTEBOOK_RUN = """
net = Net(4, 3)
X = np.random.randn(4, 30)
Y = (X[:1] > 0) * 1.0
net.forward(X, Y)
net.backward()
"""


def notebook(*cells: str) -> str:
    code = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": cell.splitlines(True)}
        for cell in cells
    ]
    text = [{"cell_type": "markdown", "metadata": {}, "source": ["def forward(:"]}]
    return json.dumps({"cells": text + code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_notebook_is_run_without_its_magics(tmp_path: Path) -> None:
    cells = [
        HEAD + "%matplotlib inline\n!pip install numpy\n",
        "%%bash\nnot python",
        *COURSE.split("\n\ndef ")[:1],
    ]
    cells += ["def " + part for part in COURSE.split("\n\ndef ")[1:]]
    assert checked(tmp_path, notebook(*cells), "hw.ipynb").ok


@pytest.mark.parametrize(("slope", "wrong"), [("(1 - self.h ** 2)", []), ("(1 - self.h)", ["dw1", "dc1"])])
def test_a_notebook_that_has_run_its_own_passes_is_judged(
    slope: str, wrong: list[str], tmp_path: Path
) -> None:
    """Its object has sizes of its own, and holds what its passes left in it."""
    cells = [HEAD + NOTEBOOK_NET.replace("SLOPE", slope), NOTEBOOK_RUN]
    report = checked(tmp_path, notebook(*cells), "hw.ipynb")
    assert [entry.name for entry in report] == ["dw2", "dc2", "dw1", "dc1"]
    assert [entry.name for entry in report if not entry.ok] == wrong


def test_a_backward_pass_that_updates_the_parameters_is_judged(tmp_path: Path) -> None:
    update = "\n        self.w1 -= 0.1 * self.dw1\n        self.c1 = self.c1 - 0.1 * self.dc1\n"
    begun = "\n        self.h, self.dw1 = None, np.zeros_like(self.w1)\n    def forward"
    source = NOTEBOOK_NET.replace("SLOPE", "(1 - self.h ** 2)").replace("\n    def forward", begun)
    report = checked(tmp_path, HEAD + source + update + NOTEBOOK_RUN)
    assert report.ok, report
    assert [entry.name for entry in report] == ["dw1", "dw2", "dc2", "dc1"]


def test_parameters_may_be_made_by_a_base_class(tmp_path: Path) -> None:
    source = HEAD + NOTEBOOK_NET.replace("SLOPE", "(1 - self.h ** 2)").replace("class Net:", "class Base:")
    begun, passes = source.split("    def forward")
    update = "\n        self.w1 -= 0.1 * self.dw1\n"
    report = checked(tmp_path, f"{begun}\nclass Net(Base):\n    def forward{passes}{update}{NOTEBOOK_RUN}")
    assert report.ok, report
    assert "dw1" in [entry.name for entry in report]


def test_data_fits_an_object_of_any_sizes(tmp_path: Path) -> None:
    source = HEAD + NOTEBOOK_NET.replace("SLOPE", "(1 - self.h ** 2)") + "net = Net(4, 3)\n"
    report = checked(tmp_path, source)
    assert report.ok, report
    assert report["dw1"].shape == (3, 4)


def test_data_has_its_name_where_it_stands_in_a_formula_without_one(tmp_path: Path) -> None:
    source = HEAD + NOTEBOOK_NET.replace("SLOPE", "(1 - np.tanh(self.h) ** 2)")
    said = str(checked(tmp_path, source + NOTEBOOK_RUN))
    assert "(w1 @ x) + c1" in said
    assert "array_1" not in said


def test_a_notebook_s_error_is_told_by_its_cell(tmp_path: Path) -> None:
    with pytest.raises(tg.check.StudentFileError, match="cell 2, line 3"):
        checked(tmp_path, notebook("x = 1", "y = 2\n\n1 / 0"), "hw.ipynb")


def test_a_mistake_in_a_notebook_is_told_by_its_cell_everywhere(tmp_path: Path) -> None:
    wrong = COURSE.replace("(1 - np.power(A1, 2))", "(1 - A1)")
    assert wrong != COURSE
    begun, backward = wrong.split("\n\ndef backward", 1)
    report = checked(tmp_path, notebook(begun, "def backward" + backward), "hw.ipynb")
    (line,) = (k for k, text in enumerate(backward.splitlines(), 1) if "(1 - A1)" in text)
    place = f"cell 2, line {line}"
    assert f"is wrong ({place}): " in str(report)
    assert f"[{place}: " in report["dZ1"].diagnosis.sentence
    assert f"dZ1 is wrong ({place})." in hints(report, 1)
    assert report["dZ1"].diagnosis.line[0] == line


@pytest.mark.parametrize("text", ["not json", "{}", '{"cells": [{}]}'])
def test_what_is_no_notebook_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(tg.check.StudentFileError, match="expected a Jupyter notebook"):
        checked(tmp_path, text, "hw.ipynb")


def test_a_module_beside_the_file_is_imported(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text(HEAD, "utf-8")
    assert checked(tmp_path, "from helpers import *\n" + COURSE.removeprefix(HEAD)).ok


def test_a_module_beside_another_file_is_another(tmp_path: Path) -> None:
    for k, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helpers.py").write_text(f"{HEAD}factor = {k + 1}\n", "utf-8")
    source = "from helpers import *\n" + PROPAGATE.removeprefix(HEAD).replace("dw = 1 / m", "dw = factor / m")
    assert [checked(tmp_path / name, source).ok for name in "ab"] == [True, False]


def test_code_for_pytorch_is_answered_with_what_to_change(tmp_path: Path) -> None:
    source = "import torch_that_is_not_there\n".replace("torch_that_is_not_there", "tensorflow")
    with pytest.raises(tg.check.StudentFileError, match=r"This is TensorFlow code\. Write forward in NumPy"):
        checked(tmp_path, source)


def test_arrays_of_the_file_give_the_shapes(tmp_path: Path) -> None:
    data = "w, b = np.zeros((4, 1)), 0.0\nX, Y = np.random.randn(4, 6), np.array([[0., 1, 1, 0, 1, 0]])\n"
    report = checked(tmp_path, PROPAGATE + data)
    assert report.ok, report
    assert report["dw"].shape == (4, 1)


def test_a_class_that_picks_by_labels_gets_labels(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import numpy as np\n"
        "class Net:\n"
        "    def __init__(self, n_in=6, n_out=3):\n"
        "        self.W1 = np.random.randn(n_in, n_out)\n"
        "        self.b1 = np.zeros(n_out)\n"
        "    def forward(self, X, y):\n"
        "        self.X, self.y = X, y\n"
        "        e = np.exp(X @ self.W1 + self.b1)\n"
        "        self.p = e / e.sum(axis=1, keepdims=True)\n"
        "        return -np.log(self.p[np.arange(len(y)), y]).mean()\n"
        "    def backward(self):\n"
        "        d = self.p.copy()\n"
        "        d[np.arange(len(self.y)), self.y] -= 1\n"
        "        self.dW1 = self.X.T @ d / len(self.y)\n"
        "        self.db1 = d.sum(axis=0)\n",
        encoding="utf-8",
    )
    report = tg.check.student.check_file(path)
    assert report["dW1"].ok
    assert "factor_m_missing" in report["db1"].diagnosis.codes


ANY_DEPTH = (
    HEAD
    + """
def L_model_forward(X, parameters):
    caches, A, L = [], X, len(parameters) // 2
    for l in range(1, L + 1):
        W, b = parameters["W" + str(l)], parameters["b" + str(l)]
        Z = np.dot(W, A) + b
        caches.append((A, W, Z))
        A = sigmoid(Z) if l == L else np.maximum(0, Z)
    return A, caches

def compute_cost(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]

def L_model_backward(AL, Y, caches):
    grads, L, m = {}, len(caches), Y.shape[1]
    dA = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in reversed(range(L)):
        A_prev, W, Z = caches[l]
        dZ = dA * sigmoid(Z) * (1 - sigmoid(Z)) if l == L - 1 else dA * (Z > 0)
        grads["dW" + str(l + 1)] = dZ.dot(A_prev.T) / m
        grads["db" + str(l + 1)] = np.sum(dZ, axis=1, keepdims=True) / m
        dA = W.T.dot(dZ)
        if l:
            grads["dA" + str(l)] = dA
    return grads
"""
)


def test_parameters_of_any_depth_without_an_initialiser(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text(ANY_DEPTH)
    assert tg.check.student.check_file(tmp_path / "deep.py").ok


def test_one_line_that_errs_in_every_layer_is_blamed_and_not_what_it_takes(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text(ANY_DEPTH.replace("keepdims=True) / m", "keepdims=True)"))
    report = tg.check.student.check_file(tmp_path / "deep.py")
    assert [e.name for e in report if not e.ok] == ["db3", "db2", "db1"]
    assert all(e.diagnosis.codes[0] == "factor_m_missing" for e in report if not e.ok)


NAMELESS = (
    HEAD
    + """
def forward(X, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    return sigmoid(W2 @ A1 + b2), (Z1, A1)

def backward(X, Y, A2, cache, W2):
    Z1, A1 = cache
    m = X.shape[1]
    dZ2 = A2 - Y
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    return {"dW2": dZ2 @ A1.T / m, "dW1": dZ1 @ X.T / m}
"""
)


def test_what_forward_returns_without_a_name_has_the_name_that_backward_takes(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NAMELESS)
    assert tg.check.student.check_file(tmp_path / "net.py").ok


def test_a_backward_pass_that_raises_is_told_with_the_shapes(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NAMELESS.replace("A1.T", "A1"))
    with pytest.raises(
        tg.check.student.StudentFileError, match=r"in backward[^$]*ValueError[^$]*W1 \(6, 7\)"
    ):
        tg.check.student.check_file(tmp_path / "net.py")


def test_a_cell_that_raises_is_left_out_and_told(tmp_path: Path) -> None:
    cells = ["plt.plot([1])", COURSE, "data = np.load('missing.npy')"]
    code = [{"cell_type": "code", "source": c, "metadata": {}, "outputs": []} for c in cells]
    (tmp_path / "net.ipynb").write_text(json.dumps({"cells": code, "nbformat": 4}))
    report = tg.check.student.check_file(tmp_path / "net.ipynb")
    assert report.ok
    assert "Cell 1 was left out, as it raises NameError" in report.notes[0]
    assert "Cell 3 was left out" in report.notes[0]
