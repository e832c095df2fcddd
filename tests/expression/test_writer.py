"""The writer: what it writes as NumPy, Python reads back to the same value; in LaTeX, SymPy does."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.expression.expressions import SHAPES, VALUES, expressions, many
from tests.expression.read_latex import read_latex
from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression import Node, applied, number, quantity, write
from tinygrad_edu.expression.recording import built
from tinygrad_edu.expression.walk import evaluate, in_order
from tinygrad_edu.expression.writer import text_of

SCALARS = {k: sympy.Float(float(v), 30) for k, v in VALUES.items() if v.shape == ()}
NAMES = {"np": np, "sigmoid": tg.sigmoid.forward, **VALUES}
SOME = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
any_shape = st.sampled_from(SHAPES).flatmap(expressions)
NEVER = re.compile(r"\*\*[01](?:\.0)?(?![\d.e]|\*\*)|[+] -|[+] −|- -|− −|\.T\.T|ᵀᵀ|\(\)|…|\.\.\.(?!\])")
TIMES_ONE = re.compile(r"(?<![\w.])(?<!// )(?<!% )(?<!\*\*)(?<!\*\*-)1 \* ")  # a // 1 * b is another thing


def value(node: Node) -> np.ndarray:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.asarray(evaluate(node, VALUES))


def read_back(text: str) -> np.ndarray:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.asarray(eval(text, dict(NAMES)))


def round_trip(node: Node) -> None:
    text = write(node)
    want = value(node)
    got = np.broadcast_to(read_back(text), want.shape)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=0, equal_nan=True, err_msg=text)
    assert not NEVER.search(text), text
    assert not TIMES_ONE.search(text), text
    assert not NEVER.search(write(node, "label")), write(node, "label")


@given(any_shape)
@SOME
def test_python_reads_back_what_is_written(node: Node) -> None:
    round_trip(node)


@pytest.mark.slow
def test_python_reads_back_what_is_written_ten_thousand_times() -> None:
    for node in many(10_000, seed=1):
        round_trip(node)


def is_finite(node: Node) -> bool:
    """On the way to its value, too: SymPy has no numbers that are not."""
    return all(np.abs(value(part)) < 1e100 for part in in_order(node))


def in_latex(node: Node) -> None:
    text = write(node, "latex")
    want = exactly(node)
    got = read_latex(text, SCALARS)
    assert not re.search(r"(?<!e)\^\{[01]\}|(?<![\d.])1 \\[,c]|[+] -|- -", text), text
    assert abs(got - want) <= 1e-12 * max(abs(want), 1e-30), (text, got, want)


def exactly(node: Node) -> sympy.Expr:
    """The value to 30 digits, so that what nearly cancels does not hide a bracket that is missing."""
    found: dict[Node, sympy.Expr] = {}
    for one in in_order(node):
        if one.op is None:
            found[one] = SCALARS[one.called] if one.is_name else sympy.Float(str(one.value), 30)
            continue
        xs = [found[a] for a in one.args]
        by_name = {"absolute": sympy.Abs}.get(one.op.name) or getattr(sympy, one.op.name, None)
        found[one] = one.op.sign.function(*xs) if one.op.sign is not None else by_name(*xs)
    return found[node].evalf(30)


@given(expressions((), scalar=True))
@SOME
def test_latex_of_scalars_is_read_back(node: Node) -> None:
    assume(is_finite(node))
    in_latex(node)


@pytest.mark.slow
def test_latex_of_scalars_is_read_back_ten_thousand_times() -> None:
    read = 0
    for node in many(40_000, seed=2, scalar=True):
        if is_finite(node):
            in_latex(node)
            read += 1
        if read == 10_000:
            return
    pytest.fail(f"only {read} of them were finite")


@given(any_shape)
@SOME
def test_the_brackets_of_a_label_are_those_of_numpy(node: Node) -> None:
    """But for calls, and the square brackets around questions, which stand on the board for 1 and 0."""
    label = write(node, "label")
    assert label.count("(") == label.count(")")
    assert "…" not in label


a, b, c = map(quantity, "abc")
A, B, K = (quantity(n, (2, 2)) for n in "ABK")


# fmt: off
@pytest.mark.parametrize(
    ("node", "numpy", "label", "latex"),
    [
        (built(lambda a, b, c: (a**b) ** c, [a, b, c]), "(a**b)**c", "(a^b)^c", "(a^{b})^{c}"),
        (built(lambda A, B, K: A * (B @ K), [A, B, K]), "A * (B @ K)", "A * (B @ K)",
         r"A \odot \left(B \, K\right)"),
        (built(lambda A, B, K: (A * B) @ K, [A, B, K]), "(A * B) @ K", "(A * B) @ K",
         r"\left(A \odot B\right) \, K"),
        (built(lambda A, B, K: A @ B * K, [A, B, K]), "A @ B * K", "A @ B * K",
         r"\left(A \, B\right) \odot K"),
        (built(lambda K: K.T.T, [K]), "K", "K", "K"),
        (built(lambda a, b: a + -b, [a, b]), "a - b", "a − b", "a - b"),
        (built(lambda a, b: a + (-b) * a, [a, b]), "a - b * a", "a − b · a", r"a - b \, a"),
        (built(lambda a, b: a * -b, [a, b]), "a * (-b)", "a · (−b)", r"a \, \left(-b\right)"),
        (built(lambda a: 1 * a**1 * a**0, [a]), "a", "a", "a"),
        (built(lambda n: 1.0 * n, [quantity("n", (2,), int)]), "1.0 * n", "n", "n"),
        (built(lambda A: A**0, [A]), "np.broadcast_to(1.0, (2, 2))", "ones(2×2)", r"\mathbf{1}_{2 \times 2}"),
        (built(lambda A: A**0 @ A, [A]), "np.broadcast_to(1.0, (2, 2)) @ A", "ones(2×2) @ A",
         r"\mathbf{1}_{2 \times 2} \, A"),
        (built(lambda A, K: A - K**0, [A, K]), "A - 1.0", "A − 1", "A - 1"),
        (built(lambda a: -(a**2), [a]), "-a**2", "−a²", "-a^{2}"),
        (built(lambda a, b, c: a / b / c, [a, b, c]), "a / b / c", "a / b / c", r"\frac{\frac{a}{b}}{c}"),
        (built(np.abs, [a]), "np.absolute(a)", "|a|", r"\left|a\right|"),
    ],
)
def test_each_style_has_it_as_its_reader_does(node: Node, numpy: str, label: str, latex: str) -> None:
    assert [write(node, style) for style in ("numpy", "label", "latex")] == [numpy, label, latex]
# fmt: on


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.sign is not None], ids=lambda op: op.name)
def test_a_copy_under_another_name_is_written_alike(op: object) -> None:
    from dataclasses import replace

    operands = [A, B][: len(op.parameters)]
    twin = replace(op, name="twin")
    for style in ("numpy", "label", "latex"):
        assert write(applied(twin, *operands), style) == write(applied(op, *operands), style)


def test_a_style_may_be_written_without_what_is_tidied() -> None:
    from tinygrad_edu.expression.numpy_style import NUMPY

    assert text_of(applied(tg.multiply, number(1), a), NUMPY).text == "1 * a"


# fmt: off
@pytest.mark.parametrize(
    ("node", "latex"),
    [
        (built(lambda A, B: np.log((A @ B).T), [A, B]), r"\log \left(\left(A \, B\right)^{\top}\right)"),
        (built(lambda A, B: np.log(A @ B).T, [A, B]), r"\left(\log \left(A \, B\right)\right)^{\top}"),
        (built(lambda A: np.square(A.T), [A]), r"\left(A^{\top}\right)^{2}"),
        (applied(tg.inv, applied(tg.transpose, A), shape=(2, 2), dtype=float), r"\left(A^{\top}\right)^{-1}"),
        (built(lambda A: A.T[0], [A]), r"\left(A^{\top}\right)_{\mathtt{0}}"),
        (built(lambda A: np.reciprocal(A) ** 2, [A]), r"\left(\frac{1}{A}\right)^{2}"),
        (built(lambda A: np.log1p(A) ** 2, [A]), r"\left(\log(1 + A)\right)^{2}"),
        (built(lambda A: np.linalg.norm(A) ** 2, [A]), r"\left\|A\right\|^{2}"),
        (built(lambda A, B: np.mean(A * B), [A, B]), r"\operatorname{mean} \left(A \odot B\right)"),
        (built(lambda u, v: u @ v, [quantity("u", (2,)), quantity("v", (2,))]), r"u^{\top} \, v"),
        (built(np.outer, [quantity("u", (2,)), quantity("v", (2,))]), r"u \, v^{\top}"),
    ],
)
def test_a_formula_in_latex_has_one_reading(node: Node, latex: str) -> None:
    assert write(node, "latex") == latex


SCRIPTS = re.compile(r"[\^_](?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?\w+)([\^_])")


@given(any_shape)
@SOME
def test_no_superscript_stands_on_a_superscript(node: Node) -> None:
    """LaTeX refuses x^{a}^{b}, and x_{a}_{b}."""
    text = write(node, "latex")
    assert not any(one[0][0] == one[1] for one in SCRIPTS.finditer(text)), text
# fmt: on


@pytest.mark.parametrize(
    ("value", "text"), [(0.99999999, "0.99999999"), (2.5, "2.5"), (1 / 3, "0.3333"), (2.0, "2")]
)
def test_a_number_is_not_rounded_to_a_whole_one(value: float, text: str) -> None:
    assert write(number(value), "label") == text
