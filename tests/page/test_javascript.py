"""What a page computes is what the engine computes, for each operation and for whole programs."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.page.running import computed
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS
from tinygrad_edu.graph import Program, Ref
from tinygrad_edu.page.javascript import javascript, kernels


def test_the_kernels_are_those_of_the_file() -> None:
    racer = pytest.importorskip("py_mini_racer").MiniRacer()
    source = files("tinygrad_edu.page").joinpath("engine.js").read_text("utf-8")
    assert set(racer.eval(f"{source}; Object.keys(engine.kernels).join(' ')").split()) == kernels()


SAMPLES = [
    pytest.param(op, sample, id=f"{name}-{k}")
    for name, op in sorted(OPS.items())
    if op.kernel in kernels() or (op.moves and op.kind in ("movement", "indexing") and not op.opaque)
    for k, sample in enumerate(op.samples)
]


@pytest.mark.parametrize(("op", "sample"), SAMPLES)
def test_a_kernel_gives_what_numpy_gives(op: Any, sample: Sample) -> None:
    xs = sample.draw(np.random.default_rng(0))
    args = [tg.core.symbol.Symbol.standing_for(tg.Tensor(x, requires_grad=False)) for x in xs]
    for k, symbol in enumerate(args):
        symbol.name = f"x{k}"
    y = op(*(sample.arrange(*args) if sample.arrange else args), **sample.settings)
    program = Program.recorded(tg.Graph(y, names={"y": y}))
    if javascript(program).missing:
        pytest.skip("where it moves the entries depends on their values")
    expected = np.asarray(op.forward(*(sample.arrange(*xs) if sample.arrange else xs), **sample.settings))
    found = computed(program)["y"]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected.astype(float), rtol=1e-12, atol=1e-14)


def network() -> Any:
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(3, 5)), (rng.random((1, 5)) < 0.5) * 1.0
    W1, b1 = tg.Tensor(rng.normal(size=(4, 3)), name="W1"), tg.Tensor(np.zeros((4, 1)), name="b1")
    W2, b2 = tg.Tensor(rng.normal(size=(1, 4)), name="W2"), tg.Tensor([[0.1]], name="b2")
    A2 = tg.sigmoid(W2 @ np.tanh(W1 @ X + b1) + b2)
    return tg.binary_cross_entropy(A2, Y)


def softmax() -> Any:
    rng = np.random.default_rng(2)
    W = tg.Tensor(rng.normal(size=(3, 4)), name="W")
    return tg.softmax_cross_entropy(W @ rng.normal(size=(4, 6)), np.eye(3)[:, [0, 1, 2, 0, 1, 2]])


def recurrent() -> Any:
    rng = np.random.default_rng(3)
    Wx, Wh = tg.Tensor(rng.normal(size=(4, 2)), name="Wx"), tg.Tensor(rng.normal(size=(4, 4)), name="Wh")
    X, h = rng.normal(size=(2, 5, 3)), np.zeros((4, 5))
    for t in range(3):
        h = np.tanh(Wx @ X[:, :, t] + Wh @ h)
    return np.mean(h**2)


def attention() -> Any:
    rng = np.random.default_rng(4)
    X, W = rng.normal(size=(5, 6)), tg.Tensor(rng.normal(size=(6, 3)), name="W")
    Q = X @ W
    return np.sum(tg.softmax(Q @ Q.T / np.sqrt(3), axis=1) @ Q[:, :2])


def embedding() -> Any:
    E = tg.Tensor(np.random.default_rng(5).normal(size=(4, 3)), name="E")
    return np.sum(E[[0, 2, 2, 1]] ** 2) + np.max(E) + np.sum(np.where(E > 0, E, 0.1 * E)[1:, ::-1])


@pytest.mark.parametrize("make", [network, softmax, recurrent, attention, embedding])
def test_a_program_gives_what_the_engine_gives(make: Any) -> None:
    program = Program.of(make())
    found = computed(program)
    for step in program.steps:
        if step.role != "input":
            np.testing.assert_allclose(found[step.name], step.value, rtol=1e-12, atol=1e-13)


def test_other_values_give_other_results() -> None:
    a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    J = 3 * (a + b * c)
    program = Program.of(J, names={"J": J})
    found = computed(program, {"a": 5.0, "b": 4.0, "c": 2.0})
    assert (found["J"], found["dc"]) == (39.0, 12.0)


def test_what_has_no_kernel_is_named() -> None:
    x = tg.Tensor(np.eye(2) + 0.1, name="x")
    assert javascript(Program.of(np.sum(np.linalg.inv(x)))).missing == ("inv",)


def test_a_name_cannot_break_out() -> None:
    x = tg.Tensor(2.0, name='"]; alert(1); //</script>')
    J = x * 3
    assert computed(Program.of(J, names={"J": J}))["J"] == 6


@pytest.mark.parametrize("make", [network, softmax, recurrent, attention, embedding])
def test_changed_inputs_are_computed_as_by_the_engine(make: Any) -> None:
    program = Program.of(make())
    rng = np.random.default_rng(7)
    given = {s.name: s.value + 0.3 * rng.normal(size=s.shape) * s.requires_grad for s in program.inputs}
    expected = dict(given)
    for step in program.steps:
        args = [expected[a.name] if isinstance(a, Ref) else a for a in step.args]
        if step.op is not None:
            expected[step.name] = step.op.forward(*args, **step.settings)
        elif step.role != "input":
            expected[step.name] = args[0] if args else step.value
    found = computed(program, given)
    for name in found.keys() & expected.keys():
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-13)
