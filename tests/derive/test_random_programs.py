"""Any graph derives: random programs over the whole vocabulary, and chains without names."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.random_programs.programs import draw

# A random program spreads a column against a row on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.OuterBroadcastWarning")


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_the_source_of_random_programs_agrees_with_autodiff(first, source_agrees):
    derived = 0
    for seed in range(first, first + 10):
        program = draw(seed)
        leaves = {f"x{k}": tg.Tensor(leaf, name=f"x{k}") for k, leaf in enumerate(program.leaves)}
        J = program.run(np, list(leaves.values()))
        if isinstance(J, tg.Tensor) and J.requires_grad:
            taking_part = [name for name in leaves if name in tg.Graph(J, names=False)]
            derivation = source_agrees(J, taking_part, names={**leaves, "J": J}, rtol=1e-10)
            assert derivation.latex().count("{") == derivation.latex().count("}")
            derived += 1
    assert derived > 5


def test_a_long_chain_without_names(source_agrees):
    x = tg.Tensor([0.3, -0.4, 0.5], name="x")
    y = x
    for _ in range(12):
        y = 1.01 * np.sin(y) + 0.001 * y
    source_agrees(np.sum(y), ["x"], names={"x": x})


def test_a_value_used_over_and_over_is_computed_once(source_agrees):
    x = tg.Tensor([0.3, -0.4, 0.5], name="x")
    y = x
    for _ in range(20):
        y = y * y + 0.1
    derivation = source_agrees(np.sum(y), ["x"], names={"x": x})
    assert len(derivation.numpy_source()) < 10_000


def test_float32_stays_float32(source_agrees):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 50)).astype(np.float32)
    w = tg.Tensor(rng.normal(size=(1, 3)).astype(np.float32), name="w")
    b = tg.Tensor(np.zeros((1, 1), np.float32), name="b")
    J = np.mean(np.tanh(w @ X + b) ** 2)
    derivation = source_agrees(J, ["w", "b"], rtol=1e-5)
    assert {step.value.dtype for step in derivation.steps} == {np.dtype(np.float32)}


def test_a_number_between_two_precisions_is_cast(source_agrees):
    rng = np.random.default_rng(0)
    a = tg.Tensor(rng.normal(size=(3, 4)), name="a")
    b = tg.Tensor(rng.normal(size=(3, 4)).astype(np.float32), name="b")
    source_agrees(np.mean(np.tanh(b) * a + b * 3 * b), ["a", "b"], rtol=1e-6)
    source_agrees(np.sum((b - b) * a + b**0 * a), ["a", "b"], rtol=1e-6)


def test_a_reshape_to_one_number_of_entries_derives(source_agrees):
    X = np.random.default_rng(0).normal(size=(3, 6))
    w = tg.Tensor(np.array([[0.2, -0.3, 0.4]]), name="w")
    source_agrees(np.mean((w @ X).reshape(-1) ** 2), ["w"])
    source_agrees(np.mean((w @ X).reshape(6) ** 2), ["w"])
