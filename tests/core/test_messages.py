"""What errors say: what was expected, what came, what to write. Arrays are told by their shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg

W = tg.Tensor(np.arange(12.0).reshape(3, 4), name="W")
x = tg.Tensor(np.ones((4, 5)), name="x", requires_grad=False)
Z = W @ x
J = tg.mean(Z)


def set_data() -> None:
    (W @ x).data = np.zeros((3, 5))


@pytest.mark.parametrize(
    ("act", "error", "told"),
    [
        (set_data, TypeError, r"data: expected a leaf, .* \(3, 5\) is the result of matmul; .*t.detach"),
        (lambda: tg.Tensor([[1, 2], [3]]), ValueError, "Tensor: expected rows of equal length, got list"),
        (lambda: tg.grad(J, [x]), TypeError, r"grad: .* x \(4, 5\) is a constant; .*requires_grad=True"),
        (lambda: tg.grad(Z, [W]), ValueError, r"grad\(\) start from a scalar, .* \(3, 5\)"),
        (lambda: tg.derive(J, wrt=[x]), TypeError, "derive: .* x is a constant; .*requires_grad=True"),
        (lambda: tg.Graph(J).find(tg.Tensor(np.ones(99))), KeyError, r"Tensor \(99,\) is not in this graph"),
        (lambda: tg.optim.SGD([x], lr=1), TypeError, r"SGD: 0: .* got x \(4, 5\), a constant"),
        (lambda: tg.optim.SGD([Z], lr=1), TypeError, r"SGD: 0: .* \(3, 5\), the result of matmul"),
        (tg.log, TypeError, r"log: expected 1 array \(x\), got 0"),
        (lambda: tg.func.grad(lambda w: (w, w))(W), TypeError, "grad: expected one number .* got tuple"),
        (lambda: tg.sigmoyd, AttributeError, "'sigmoyd'; did you mean sigmoid"),
        (lambda: tg.nn.Dence, AttributeError, "tg.nn has no Dence; did you mean Dense?"),
        (lambda: tg.optim.Adma, AttributeError, "tg.optim has no Adma; did you mean Adam"),
        (lambda: tg.data.moonz, AttributeError, "tg.data has no moonz; did you mean moons?"),
        (lambda: tg.nn.MLP([2, 1]).predct, AttributeError, "MLP has no predct; did you mean predict"),
        (lambda: tg.nn.LogisticRegression("a"), ValueError, "Neuron: n_x: expected an integer"),
        (lambda: tg.data.flower("a"), ValueError, "flower: expected an even number of examples"),
        (lambda: tg.data.Scaling.of("a"), TypeError, "Scaling: expected an array of numbers, .* got 'a'"),
        (lambda: tg.step_through(J, 3), TypeError, "step_through: expected the path of a file"),
    ],
)  # fmt: skip
def test_an_error_says_what_was_expected_what_came_and_what_to_write(
    act: Callable[[], object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        act()
    assert len(str(caught.value)) < 400


def test_a_file_that_save_did_not_write(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    other.write_text("no archive")
    with pytest.raises(ValueError, match=r"no .npz archive; expected a file that tg.save wrote.*np.load"):
        tg.load(other)


def test_an_empty_csv_file(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(ValueError, match=r"expected a first line .* the file is empty"):
        tg.data.csv(empty, "y")
