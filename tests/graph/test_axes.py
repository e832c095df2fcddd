"""Axes have names: which holds the examples, in every layout, whatever the sizes, told from use alone."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.graph.axes_cases import CASES, Maker, Sizes
from tinygrad_edu.graph import Axes
from tinygrad_edu.graph.axes.atoms import Atoms


def built(name: str, same: int | None, tensors: bool) -> tuple[Axes, int]:
    build, _ = CASES[name]
    sizes = Sizes(same)
    with np.errstate(all="ignore"):
        J, t = build(sizes, Maker(tensors))
    return Axes.of(tg.Graph(J, names={"t": t, "J": J})), sizes.m


@pytest.mark.parametrize("tensors", [False, True], ids=["arrays", "tensors"])
@pytest.mark.parametrize("same", [None, 4, 2], ids=["sizes differ", "all 4", "all 2"])
@pytest.mark.parametrize("name", CASES)
def test_the_examples_are_found(name: str, same: int | None, tensors: bool) -> None:
    axes, m = built(name, same, tensors)
    position = CASES[name][1]
    if position is None:
        assert axes.examples.axis is None
        assert axes.examples.size == 1
    else:
        assert axes.along("t")[:1] == (position,)
        assert axes.examples.size == m
        assert axes.layout == ("rows" if position == 0 else "columns")


@pytest.mark.parametrize("tensors", [False, True], ids=["arrays", "tensors"])
@pytest.mark.parametrize("name", [n for n, (_, position) in CASES.items() if position is not None])
def test_sizes_decide_nothing(name: str, tensors: bool) -> None:
    """With all sizes equal every axis has the name that it has when they differ."""
    one, other = built(name, None, tensors)[0], built(name, 4, tensors)[0]
    assert one.named("t") == other.named("t")
    assert one.examples.found == other.examples.found


def test_a_single_example_is_no_axis_that_a_bias_carries() -> None:
    x, y = np.ones((4, 1)), np.ones((3, 1))
    W, b = tg.Tensor(np.ones((3, 4))), tg.Tensor(np.ones((3, 1)))
    z = W @ x + b
    axes = Axes.of(tg.Graph(np.sum((z - y) ** 2)))
    assert axes.examples.size == 1
    assert axes.named("z") == ("n1", "m")
    assert axes.along("b") == ()


def test_what_cannot_be_told_is_said() -> None:
    """Two axes of one array, each position treated alike: either could count the examples."""
    X, Y = np.ones((3, 5, 2)), np.ones((3, 5, 4))
    W = tg.Tensor(np.ones((2, 4)))
    examples = Axes.of(tg.Graph(np.mean((X @ W - Y) ** 2))).examples
    assert examples.found == "habit"
    assert [axis.size for axis in examples.ambiguous] == [3, 5]
    assert examples.size == 3


def test_the_count_is_told_from_the_mean() -> None:
    X, Y = np.ones((6, 4)), np.ones((6, 3))
    W = tg.Tensor(np.ones((4, 3)))
    P = X @ W

    def averages(J: Any) -> list[tuple[float, list[str], bool]]:
        axes = Axes.of(tg.Graph(J, names={"P": P}))
        return [(a.count, [x.name for x in a.axes], a.mean) for a in axes.averaged]

    assert averages(np.mean((P - Y) ** 2)) == [(18.0, ["m", "n1"], True)]
    assert averages(np.sum((P - Y) ** 2) / 6) == [(6.0, ["m"], False)]
    assert averages(1 / 12 * np.sum((P - Y) ** 2) + 0.3 * np.sum(W * W)) == [(6.0, ["m"], False)]
    assert averages(np.mean(np.sum((P - Y) ** 2, axis=1))) == [(6.0, ["m"], True)]
    assert averages(np.sum((P - Y) ** 2)) == []


def test_gradients_have_the_axes_of_what_they_belong_to() -> None:
    X, Y = np.ones((5, 5)), np.zeros((5, 5))
    W, b = tg.Tensor(np.ones((5, 5)), name="W"), tg.Tensor(np.ones((5, 1)), name="b")
    Z = W @ X + b
    axes = Axes.of(tg.Program.of(np.sum((Z - Y) ** 2) / 5, names={"Z": Z}))
    assert axes.named("dZ") == axes.named("Z") == ("n1", "m")
    assert axes.named("dW") == ("n1", "n0")
    assert axes.named("db")[0] == "n1"


def test_attention_has_one_axis_twice() -> None:
    X = np.ones((2, 3, 4))
    Q, K = tg.Tensor(np.ones((4, 4))), tg.Tensor(np.ones((4, 4)))
    S = (X @ Q) @ np.swapaxes(X @ K, 1, 2)
    m, one, other = Axes.of(tg.Graph(np.mean(tg.softmax(S, axis=-1) ** 2), names={"S": S})).named("S")
    assert (m, other) == ("m", one + "′")


def test_pieces_of_one_axis_are_one_where_the_cut_is() -> None:
    x = tg.Tensor(np.ones(6), name="x")
    J = np.sum(x[1:4] * x[1:4] + x[2:5])
    axes = Axes.of(tg.Graph(J))
    whole = axes.terms("x")[0][0]
    assert all(axis != whole for name in ("getitem_1", "getitem_2") for axis in axes.terms(name)[0])
    assert axes.terms("getitem_1") == axes.terms("getitem_2")


def test_an_operation_that_does_not_say_is_unknown() -> None:
    @tg.define(pullback=lambda g, y, x: g @ np.ones((3, 3)), kind="opaque", samples=[(np.ones((2, 3)),)])
    def mixed(x: Any) -> Any:
        return x @ np.ones((3, 3))

    t = mixed(tg.Tensor(np.ones((2, 3))))
    assert Axes.of(tg.Graph(np.sum(t), names={"t": t})).unknown == ("t",)


@pytest.mark.parametrize(
    ("sizes", "shape", "terms"),
    [
        ((2, 3, 4), (6, 4), [(0, 1), (2,)]),
        ((2, 3, 4), (2, 12), [(0,), (1, 2)]),
        ((2, 1, 3), (2, 3, 1), [(0,), (2,), ()]),
        ((1, 3, 2), (1, 6), [(0,), (1, 2)]),
        ((6,), (2, 3), [(1,), (2,)]),
        ((2, 3), (3, 2), None),
        ((4,), (2, 1, 2), [(1,), (), (2,)]),
    ],
)
def test_axes_are_regrouped_by_partial_products(
    sizes: tuple[int, ...], shape: tuple[int, ...], terms: list[tuple[int, ...]] | None
) -> None:
    atoms = Atoms()
    given = [(atoms.fresh(n),) for n in sizes]
    assert atoms.regroup(given, shape) == terms


def test_what_was_flattened_gets_its_axes_back() -> None:
    atoms = Atoms()
    given = [(atoms.fresh(n),) for n in (2, 3, 4)]
    flat = atoms.regroup(given, (24,))
    assert flat is not None
    assert atoms.regroup(flat, (2, 3, 4)) == given


# The published collections

REAL = ("right", "wrong")


@pytest.fixture(scope="module")
def real(shared: Path) -> Any:
    """Real people's backward passes, and how many examples each has."""
    sys.path.insert(0, str(shared / "real"))
    try:
        kit: Any = importlib.import_module("real_kit")
        for part in REAL:
            importlib.import_module(f"real_{part}_public")
    finally:
        sys.path.remove(str(shared / "real"))
    return kit


SIZES = {
    "columns-quadratic-one-example": 1, "columns-course-l2-over-m": 9, "columns-course-many-labels": 6,
    "rows-two-layer-integer-labels": 6, "rows-softmax-reg-without-half": 7,
    "rows-logistic-bias-column-not-regularised": 9, "rows-course-like-flat-predictions": 8,
    "rows-tied-autoencoder": 6, "rows-single-precision": 16, "rows-huber": 8, "rows-variational": 5,
    "rows-policy-gradient": 7, "scalar-expression": 1, "torch-linear": 6, "torch-mlp-integer-labels": 7,
    "norm-root-mean-square": 5, "sequence-rnn-batch-rows": 3, "sequence-rnn-course-columns": 5,
    "sequence-lstm-two-steps-columns": 1, "embedding-negative-sampling": 4, "embedding-bag-of-words": 5,
    "images-convolution-channels-first": 2, "images-average-pool": 3, "kink-relu-slope-zero-at-zero": 1,
    "kink-hinge-on-the-margin": 3, "rows-course-like-integer-labels": 7, "norm-course-like-batchnorm": 8,
    "images-course-like-convolution": 4, "shared-course-like-two-heads": 6, "rows-softmax-relu": 7,
    "rows-course-like": 7, "rows-equal-widths": 9, "rows-mean-over-all-entries": 6, "rows-dropout": 7,
    "rows-svm": 8, "columns-continuous-words": 8, "columns-sum-loss": 6, "torch-square": 7,
    "shared-tied-autoencoder": 7, "norm-layernorm": 5, "sequence-rnn": 1, "sequence-lstm-two-steps": 3,
    "sequence-attention": 5, "embedding-context-mean": 5, "images-convolution": 3, "images-max-pool": 4,
}  # fmt: skip


COLUMNS = {
    "columns-course-l2-over-m", "columns-course-many-labels", "columns-continuous-words", "columns-sum-loss",
    "sequence-rnn-course-columns", "norm-course-like-batchnorm", "shared-course-like-two-heads",
}  # fmt: skip


@pytest.mark.parametrize("tensors", [False, True], ids=["arrays", "tensors"])
def test_the_examples_of_real_backward_passes(
    real: Any, tensors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tensors:
        plain = real.Tape.data

        def data(self: Any, name: str, array: Any) -> Any:
            array = np.asarray(array)
            made = tg.Tensor(array.copy()) if self.tg is not None and array.dtype.kind == "f" else array
            return self._keep(name, made, False) if made is not array else plain(self, name, array)

        monkeypatch.setattr(real.Tape, "data", data)
    wrong = []
    for case in (*real.RIGHT, *real.NETS):
        J, named, _ = case.build(tg)
        names = {name: t for name, t in named.items() if isinstance(t, tg.Tensor)}
        axes = Axes.of(tg.Graph(J, names=names))
        m = SIZES.get(case.id)
        if m is not None and axes.examples.size != m:
            wrong.append((case.id, axes.examples))
        if m is not None and m > 1 and axes.layout != ("columns" if case.id in COLUMNS else "rows"):
            wrong.append((case.id, axes.layout))
    assert not wrong


@pytest.mark.parametrize("context", ["logistic", "two_layer", "l_layer", "softmax"])
def test_a_derived_source_runs_at_another_number_of_examples(contexts: Any, context: str) -> None:
    """Against the course's own backward pass, which knows nothing of the engine."""
    given = contexts.arrays(context, 1, m=11)
    X, Y = given["X"], given["Y"]  # what the derivation calls them
    J = contexts.tensors(tg, context, given)
    room: dict[str, Any] = {}
    exec(tg.derive(J).numpy_source(), room)
    function = room["gradients"]
    for m in (11, 14, 4, 1):
        other = contexts.arrays(context, 2, m=m)
        found = function(*(other[name] for name in inspect.signature(function).parameters))
        assert found
        assert {"X", "Y"} <= set(inspect.signature(function).parameters), (X.shape, Y.shape)
        for name, gradient in found.items():
            np.testing.assert_allclose(gradient, other[name], rtol=1e-9, atol=1e-12)


WIDTHS = [((7, 5, 4, 3), 11), ((4, 4, 4, 4), 4), ((2, 2, 2, 2), 2), ((7, 5, 4, 3), 1)]


@pytest.mark.parametrize("sizes", WIDTHS)
@pytest.mark.parametrize("tensors", ["", "X", "XY"])
def test_the_examples_of_the_courses_networks(
    contexts: Any, sizes: tuple[tuple[int, ...], int], tensors: str
) -> None:
    n, m = sizes
    for context in ("logistic", "two_layer", "l_layer", "softmax"):
        for penalty in ("", "_l2"):
            given = contexts.arrays(context + penalty, 1, n=n, m=m)
            given |= {name: tg.Tensor(given[name]) for name in tensors}
            graph = tg.Graph(contexts.tensors(tg, context + penalty, given))
            axes = Axes.of(graph)
            last = [node.name for node in graph if node.name.startswith("Z")][-1]
            assert (axes.examples.size, axes.named(last)[1], axes.layout) == (m, "m", "columns")
