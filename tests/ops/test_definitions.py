"""What every definition has to say, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from string import Formatter
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.cases import ENTRIES, Entry, cases_of
from tinygrad_edu.core.application import CallableOp
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import OPS


def formula_faults(op: Op) -> list[str]:
    """What keeps an operation's formula from being written."""
    known = {*op.parameters, *op.settings, "settings"}
    try:
        fields = {field for _, field, _, _ in Formatter().parse(op.latex) if field is not None}
    except ValueError as error:
        return [str(error)]
    if fields - known:
        return [f"no parameter or setting {fields - known}"]
    text = op.latex.format(**dict.fromkeys(known, "x"))
    return [f"braces do not match in {text}"] if text.count("{") != text.count("}") else []


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_the_formula_can_be_written(op: Op) -> None:
    assert formula_faults(op) == []


def formula(latex: str) -> Op:
    return CallableOp("f", lambda x: x, (None,), "elementwise", latex, ())


@pytest.mark.parametrize("latex", [r"\sin {z}", r"\sqrt{{{x}}", r"\sqrt{{{x}", r"{}"])
def test_a_formula_that_cannot_be_written_is_found(latex: str) -> None:
    assert formula_faults(formula(latex)) != []


STRICT = {name: e for name, e in ENTRIES.items() if name != "piecewise"}  # hands what it gets on to functions


@pytest.mark.parametrize("entry", STRICT.values(), ids=STRICT)
def test_an_unknown_setting_is_refused_by_name(entry: Entry) -> None:
    case = entry.samples[0]
    xs = [tg.Tensor(x) if x.dtype.kind == "f" else x for x in case.draw(np.random.default_rng(0))]
    arguments = xs if case.arrange is None else case.arrange(*xs)
    with pytest.raises(TypeError, match="no_such_setting"):
        entry.call(*arguments, **{**case.settings, "no_such_setting": 1})


ALONG = {
    name: e for name, e in ENTRIES.items() if any(type(s.settings.get("axis")) is int for s in e.samples)
}


@pytest.mark.parametrize("axis", [99, -99])
@pytest.mark.parametrize("entry", ALONG.values(), ids=ALONG)
def test_an_axis_that_is_not_there_is_an_error(entry: Entry, axis: int) -> None:
    for case in cases_of(entry):
        if type(case.settings.get("axis")) is int:
            case = replace(case, settings={**case.settings, "axis": axis})
            xs = [tg.Tensor(x) if x.dtype.kind == "f" else x for x in case.xs]
            with pytest.raises((ValueError, IndexError), match="axis"):
                case.call(xs)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: np.sum(t, where=[True, False], out=np.zeros(())), "sum: 'out' is not supported"),
        (lambda t: np.sum(t, 0, None, np.zeros(())), "sum: 'out' is not supported"),
        (lambda t: tg.mean(t, initial=1.0), "mean: 'initial' is not supported"),
        (lambda t: np.exp(t, where=[True, False]), "exp: 'where' is not supported"),
        (lambda t: np.exp(t, dtype=np.int32), "exp: 'dtype' is not supported"),
        (lambda t: np.exp(t, out=np.zeros(2)), "out="),
        (lambda t: np.sum(t, out=np.zeros(())), "out"),
        (lambda t: np.var(t, out=np.zeros(())), "out"),
        (lambda t: np.exp(t, dtype="f", casting="no"), "cast the operands with t.astype"),
        (lambda t: tg.var(t, unbiased=False), "write ddof="),
        (lambda t: t.sum(keepdim=True), "write keepdims="),
        (lambda t: t.mean(dim=0), "write axis="),
        (lambda t: tg.sum(np.zeros(2), axis=t), "expected whole numbers as axis, got Tensor"),
        (np.subtract.reduce, "np.subtract.reduce has no derivative rule"),
        (np.maximum.accumulate, "np.maximum.accumulate has no derivative rule"),
        (lambda t: np.nextafter.outer(t, t), "np.nextafter: it is about the gaps"),
        (lambda t: np.add.at(np.zeros(2), [0, 1], t), "np.add.at"),
        (tg.add, "expected 2 arrays"),
    ],
)
def test_what_an_operation_does_not_take_is_refused(call: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said.replace("(", r"\(")):
        call(tg.Tensor([1.0, 2.0]))


UFUNC_METHODS = [
    *(f.reduce for f in (np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or)),
    np.add.accumulate,
    np.multiply.accumulate,
]


@pytest.mark.parametrize("settings", [{}, {"axis": 1}, {"axis": -1}])
@pytest.mark.parametrize("method", UFUNC_METHODS, ids=lambda m: f"{m.__self__.__name__}.{m.__name__}")
def test_methods_of_ufuncs_are_answered(method: Any, settings: Mapping[str, Any]) -> None:
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    got = method(t, **settings)
    assert np.array_equal(getattr(got, "data", got), method(t.numpy(), **settings))


@pytest.mark.parametrize("axis", [None, (0, 1)])
def test_reduce_over_all_axes(axis: Any) -> None:
    assert np.add.reduce(tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=axis).item() == 10


@pytest.mark.parametrize("f", [np.add, np.multiply, np.hypot, np.greater])
def test_outer_of_a_ufunc_pairs_all_entries(f: Any) -> None:
    a, b = np.array([[1.0, 2.0, 3.0]]), np.array([4.0, 5.0])
    for left, right in ((tg.Tensor(a), tg.Tensor(b)), (a, tg.Tensor(b)), (tg.Tensor(a), b)):
        got = f.outer(left, right)
        assert np.array_equal(getattr(got, "data", got), f.outer(a, b))


@pytest.mark.parametrize(
    "settings",
    [{"index": np.array([0, 1])}, {"index": [0, 1]}, {"index": (np.array([0, 1]), slice(None))}],
)
def test_an_index_that_is_written_to_later_does_not_reach_the_graph(settings: Mapping[str, Any]) -> None:
    x = tg.Tensor([[1.0], [2.0], [4.0]])
    y = tg.getitem(x, **settings)
    index = settings["index"][0] if isinstance(settings["index"], tuple) else settings["index"]
    index[0] = 2
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.ravel().tolist() == [1, 1, 0]
