"""LaTeX that compiles, and reads as the notes do."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.expression.notation import letter


@pytest.fixture(scope="module")
def derivation():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(3, 7)), (rng.random((1, 7)) < 0.5) * 1.0
    W1, b1 = tg.Tensor(rng.normal(size=(4, 3))), tg.Tensor(np.zeros((4, 1)))
    W2, b2 = tg.Tensor(rng.normal(size=(1, 4))), tg.Tensor(np.zeros((1, 1)))
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = tg.sigmoid(Z2)
    J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return tg.derive(J, [W1, b1, W2, b2])


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("Z1", r"Z^{[1]} = W^{[1]} \, X + b^{[1]}"),
        ("A2", r"A^{[2]} = \sigma(Z^{[2]})"),
        ("dA2", r"dA^{[2]} = \frac{1 - Y}{1 - A^{[2]}} - \frac{Y}{A^{[2]}}"),
        ("dZ2", "dZ^{[2]} = A^{[2]} - Y"),
        ("dW2", r"dW^{[2]} = \frac{1}{m} dZ^{[2]} \, A^{[1]\top}"),
        ("db2", r"db^{[2]} = \frac{1}{m} \sum_{\mathrm{columns}} dZ^{[2]}"),
        ("dZ1", r"dZ^{[1]} = dA^{[1]} \odot \left(1 - \left(A^{[1]}\right)^{2}\right)"),
    ],
)
def test_formulas_are_written_as_in_the_notes(derivation, name, formula):
    assert derivation[name].latex == formula


def test_every_formula_can_be_typeset(derivation):
    figure = plt.figure()
    for step in (*derivation.forward, *derivation.steps):
        figure.text(0, 0, f"${step.latex}$")
    figure.canvas.draw()  # mathtext raises on what it cannot read
    plt.close(figure)


def test_all_lines_are_aligned_at_their_equals_signs(derivation):
    lines = derivation.latex().splitlines()
    assert lines[0] == r"\begin{aligned}"
    assert lines[-1] == r"\end{aligned}"
    assert all(" &= " in line for line in lines[1:-1])
    assert len(lines) - 2 == len(derivation.forward) + len(derivation.steps)


def test_markdown_has_the_formulas_the_shapes_and_the_notes(derivation):
    text = derivation.markdown()
    assert text.count("$$") == 4
    assert "| `dW2` | (1, 4) | ∂Z2/∂W2 = · A1ᵀ |" in text
    assert "- `dZ2`: A2 * (1 - A2) has cancelled" in text


def test_a_notebook_gets_formulas(derivation):
    bundle = derivation._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/latex", "text/markdown"}
    assert bundle["text/latex"].startswith(r"$\displaystyle \begin{aligned}")
    assert bundle["text/plain"] == str(derivation)


@pytest.mark.parametrize(
    ("name", "ndim", "written"),
    [
        ("W12", 2, "W^{[12]}"),
        ("w1", 1, "w_{1}"),
        ("x_1", 0, "x_{1}"),
        ("alpha", 0, r"\alpha"),
        ("theta2", 2, r"\theta_{2}"),
        ("lambd", 0, r"\lambda"),
        ("W_out", 2, r"W_{\mathrm{out}}"),
        ("100% of x&y", 0, r"\mathrm{100\% of x\&y}"),
    ],
)
def test_names_are_printed_as_a_textbook_prints_them(name, ndim, written):
    assert letter(name, ndim) == written


def test_brackets_stand_where_they_are_needed():
    a, b, c = (tg.Tensor(np.full((2, 2), k), name=n) for n, k in (("a", 1.5), ("b", 2.0), ("c", 3.0)))
    J = np.sum((a - (b - c)) * (a + b) / (c * b) - np.log(a * b) ** 2)
    assert tg.derive(J, ["a"]).forward[0].latex == (
        r"J = \sum \left(\frac{\left(a - \left(b - c\right)\right) \odot \left(a + b\right)}{c \odot b} "
        r"- \left(\log \left(a \odot b\right)\right)^{2}\right)"
    )
