"""What an expression looks like in source, in a picture and in LaTeX, as a textbook and NumPy have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.expression import quantity, write
from tinygrad_edu.expression.recording import built

MATRICES, NUMBERS = ("A", "B", "C", "W1"), ("a", "b")
NAMED = {n: quantity(n, (2, 2)) for n in MATRICES} | {n: quantity(n, ()) for n in NUMBERS}


@pytest.mark.parametrize(
    ("formula", "source", "label", "latex"),
    [
        # A question is 1 or 0, in square brackets.
        (lambda A: A > 0, "A > 0", "[A > 0]", r"\left[A > 0\right]"),
        (lambda A, B: A * (B > 0), "A * (B > 0)", "A * [B > 0]", r"A \odot \left[B > 0\right]"),
        # The layer's number and the ⊤ share a superscript.
        (lambda W1, A: W1.T @ A, "W1.T @ A", "W1ᵀ @ A", r"W^{[1]\top} \, A"),
        (lambda A, B: (A + B).T, "(A + B).T", "(A + B)ᵀ", r"\left(A + B\right)^{\top}"),
        # A B ⊙ C could be read in two ways; a scalar beside a product could not.
        (lambda A, B, C: (A @ B) * C, "A @ B * C", "A @ B * C", r"\left(A \, B\right) \odot C"),
        (lambda A, a, B: (A @ B) * a, "A @ B * a", "A @ B · a", r"A \, B \, a"),
        # A scalar that divides an array stands in front; a minus stands before the fraction.
        (lambda A, a: A / a, "A / a", "A / a", r"\frac{1}{a} A"),
        (lambda A, a: -A / a, "-A / a", "−A / a", r"-\frac{1}{a} A"),
        (lambda A, B, a: (A + B) / a, "(A + B) / a", "(A + B) / a", r"\frac{1}{a} \left(A + B\right)"),
        (lambda a, b: (-a / b) ** 2, "(-a / b)**2", "(−a / b)²", r"\left(-\frac{a}{b}\right)^{2}"),
        (lambda a, b: 2 * (a / b), "2 * (a / b)", "2 · (a / b)", r"2 \cdot \frac{a}{b}"),
        (lambda a: 2 * (-a), "2 * (-a)", "2 · (−a)", r"2 \cdot \left(-a\right)"),
        # A function without brackets takes along what follows.
        (lambda a, b: np.log(a) * b, "np.log(a) * b", "log(a) · b", r"\left(\log a\right) \, b"),
        (lambda a, b: b * np.log(a), "b * np.log(a)", "b · log(a)", r"b \, \log a"),
        # Numbers: four digits in a picture, powers of ten in LaTeX.
        (lambda a: 1e-7 * a, "1e-07 * a", "1e-07 · a", r"10^{-7} \, a"),
        (lambda a: -1e8 * a, "-100000000.0 * a", "−1e+08 · a", r"-10^{8} \, a"),
        (lambda a: a**-1, "a**-1", "a^−1", "a^{-1}"),
        # A root is one, where its digits say nothing.
        (lambda A: A / 8**0.5, "A / 2.8284271247461903", "A / 2.828", r"\frac{1}{\sqrt{8}} A"),
        # An axis is named; a sum over all is not.
        (lambda A: -np.sum(A), "-np.sum(A)", "−Σ(A)", r"-\sum A"),
        (lambda A: np.sum(A, axis=0), "np.sum(A, axis=0)", "Σ(A, axis=0)", r"\sum_{\mathrm{rows}} A"),
        (lambda A: np.max(A, axis=1), "np.max(A, axis=1)", "max(A, axis=1)", r"\max_{\mathrm{columns}} A"),
        # An array without a name is its shape; source has its numbers, and a dtype that they do not have.
        (
            lambda A: A * np.array([[1, 2], [3, 4]], np.float32),
            "A * np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)",
            "A * [2×2]",
            r"A \odot \left[2 \times 2\right]",
        ),
        (
            lambda A: A + np.array([[1, 2], [3, 5]]),
            "A + np.array([[1, 2], [3, 5]])",
            "A + [2×2]",
            r"A + \left[2 \times 2\right]",
        ),
        # Only a function of NumPy's that knows the settings is called by its name.
        (lambda A: np.cumsum(A, axis=0), "np.cumsum(A, axis=0)", "cumsum(A, axis=0)", None),
        (lambda A: tg.leaky_relu(A, slope=0.1), "leaky_relu(A, slope=0.1)", None, r"\max(0.1A, A)"),
        (lambda A: A[[1, 0]], "A[[1, 0]]", "A[[1, 0]]", None),
    ],
)
def test_an_expression_is_written_as_on_paper(
    formula: Any, source: str, label: str | None, latex: str | None
) -> None:
    names = formula.__code__.co_varnames[: formula.__code__.co_argcount]
    node = built(formula, [NAMED[n] for n in names])
    for style, text in (("numpy", source), ("label", label), ("latex", latex)):
        assert text is None or write(node, style) == text
