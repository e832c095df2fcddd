"""A derivation entry by entry, and with dimensions: each printed entry is run, and is the matrix's entry."""

from __future__ import annotations

import builtins
import re
from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.random_programs.programs import draw
from tinygrad_edu.core.table import OPS


def room(derivation: Any) -> dict[str, Any]:
    """What printed entries may name: the operations, the quantities, and m."""
    made: dict[str, Any] = {"np": np}
    made |= {op.name: op for op in OPS.values() if not hasattr(builtins, op.name)}
    made |= {node.name: node.value for node in derivation.graph if node.named or node.op is None}
    made |= {step.name: step.value for step in (*derivation.forward, *derivation.steps)}
    chain = derivation._chain
    made |= {step.name: step.value for step in chain.inputs}
    return made | ({} if chain.examples is None else {chain.m.called: chain.examples.m})


def check_entries(derivation: Any, rtol: float = 1e-10) -> int:
    """Every entry that is printed, at every value of the letters on its left side."""
    made, tried = room(derivation), 0
    for step in (*derivation.forward, *derivation.steps):
        value = np.asarray(step.value)
        met = np.zeros(value.shape, int)
        for entry in step.entries:
            left, right = entry.split(" = ", 1)
            index = re.findall(r"\w+", left.partition("[")[2])
            letters = [k for k in index if k.isalpha()]
            sizes = [range(n) for k, n in zip(index, value.shape, strict=True) if k.isalpha()]
            for places in product(*sizes):
                known = dict(zip(letters, places, strict=True))
                place = tuple(known[k] if k.isalpha() else int(k) for k in index)
                with np.errstate(all="ignore"):
                    found = eval(right, {**made, **known})
                np.testing.assert_allclose(
                    found, value[place], rtol=rtol, atol=rtol * np.max(np.abs(value)), err_msg=entry
                )
                met[place] += 1
                tried += 1
        if step.entries:
            assert (met == 1).all(), step.formula
    return tried


@pytest.mark.parametrize("context", ["logistic", "two_layer", "l_layer", "softmax"])
def test_the_networks_of_the_course(contexts: Any, context: str) -> None:
    given = contexts.arrays(context, 1, m=5)
    J = contexts.tensors(tg, context, given)
    derivation = tg.derive(J, entries=True)
    assert check_entries(derivation) > 20


def test_examples_in_rows() -> None:
    rng = np.random.default_rng(0)
    m = 6
    X, Y = rng.normal(size=(m, 3)), rng.normal(size=(m, 2))
    W, b = tg.Tensor(rng.normal(size=(3, 2))), tg.Tensor(np.zeros(2))
    Z = X @ W + b
    A = np.tanh(Z)
    J = np.sum((A - Y) ** 2) / (2 * m)
    derivation = tg.derive(J, [W, b], entries=True)
    assert check_entries(derivation) > 20
    assert derivation["dW"].entries[0] == "dW[0, 0] = sum(X[i, 0] * dZ[i, 0] for i in range(m)) / m"


def test_a_normalisation_over_the_examples_has_a_letter_of_its_own() -> None:
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(3, 6)), rng.normal(size=(2, 6))
    W = tg.Tensor(rng.normal(size=(2, 3)))
    Z = W @ X
    mu = np.mean(Z, axis=1, keepdims=True)
    var = np.mean((Z - mu) ** 2, axis=1, keepdims=True)
    H = (Z - mu) / np.sqrt(var + 1e-5)
    J = np.mean((H - Y) ** 2)
    assert check_entries(tg.derive(J, [W], entries=True)) > 20


def test_what_mixes_entries_is_called_as_a_whole() -> None:
    Z = tg.Tensor(np.random.default_rng(2).normal(size=(3, 5)))
    A = tg.softmax(Z)
    J = np.sum(A**2)
    derivation = tg.derive(J, [Z], entries=True)
    assert derivation["A"].entries[0] == "A[0, j] = softmax(Z)[0, j]"
    assert check_entries(derivation) > 5


def test_a_wide_layer_has_letters_for_its_units() -> None:
    rng = np.random.default_rng(3)
    X, W = rng.normal(size=(7, 9)), tg.Tensor(rng.normal(size=(6, 7)))
    A = np.tanh(W @ X)
    J = np.sum(A) / 9
    derivation = tg.derive(J, [W], entries=True)
    assert len(derivation["dW"].entries) == 1
    assert check_entries(derivation) > 40


def test_a_quantity_called_like_a_letter_keeps_its_name() -> None:
    rng = np.random.default_rng(4)
    i, X = tg.Tensor(rng.normal(size=(2, 3)), name="i"), rng.normal(size=(3, 5))
    J = np.mean((i @ X) ** 2)
    derivation = tg.derive(J, [i], entries=True)
    assert all("for i in" not in entry for entry in derivation["di"].entries)
    assert check_entries(derivation) > 5


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.OuterBroadcastWarning")
@pytest.mark.parametrize("seed", range(20))
def test_random_programs(seed: int) -> None:
    program = draw(seed)
    leaves = {f"x{k}": tg.Tensor(leaf, name=f"x{k}") for k, leaf in enumerate(program.leaves)}
    J = program.run(np, list(leaves.values()))
    if not (isinstance(J, tg.Tensor) and J.requires_grad):
        pytest.skip("the result does not depend on the leaves")
    derivation = tg.derive(J, names={**leaves, "J": J}, entries=True)
    assert all(step.entries or not step.shape for step in derivation.steps)
    check_entries(derivation, rtol=1e-4)  # numbers are printed to six digits


def test_the_course_notation_in_latex() -> None:
    rng = np.random.default_rng(5)
    m = 5
    X, Y = rng.normal(size=(2, m)), rng.normal(size=(2, m))
    W1, b1 = tg.Tensor(rng.normal(size=(2, 2))), tg.Tensor(np.zeros((2, 1)))
    Z1 = W1 @ X + b1
    J = np.sum((Z1 - Y) ** 2) / (2 * m)
    derivation = tg.derive(J, [W1, b1], entries=True)
    assert derivation["Z1"].entries_latex[1] == (
        r"z^{[1](i)}_{2} = w^{[1]}_{21} \, x^{(i)}_{1} + w^{[1]}_{22} \, x^{(i)}_{2} + b^{[1]}_{2}"
    )
    assert derivation["dW1"].entries_latex[1] == (
        r"dw^{[1]}_{12} = \frac{1}{m} \sum_{i=1}^{m} dz^{[1](i)}_{1} \, x^{(i)}_{2}"
    )


def test_dimensions_stand_under_each_term_and_under_the_transpose() -> None:
    rng = np.random.default_rng(6)
    m = 5
    X, Y = rng.normal(size=(3, m)), rng.normal(size=(2, m))
    W1 = tg.Tensor(rng.normal(size=(2, 3)))
    Z1 = W1 @ X
    J = np.sum((Z1 - Y) ** 2) / (2 * m)
    derivation = tg.derive(J, [W1])
    last = derivation.latex(shapes=True).splitlines()[-2]
    assert last == (
        r"\underset{2 \times 3}{dW^{[1]}} &= \frac{1}{m} \underset{2 \times m}{dZ^{[1]}} \, "
        r"\underset{m \times 3}{X^{\top}}"
    )


def test_without_being_asked_for_there_are_none() -> None:
    x = tg.Tensor([1.0, 2.0])
    derivation = tg.derive(np.sum(x * x), [x])
    assert not any(step.entries or step.entries_latex for step in derivation.steps)
    assert "\n    " not in str(derivation)
