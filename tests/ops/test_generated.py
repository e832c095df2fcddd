"""Tests generated from the definitions: what holds for every operation, over what its samples can be.

An operation that is added is tested without writing a test. Values are compared with NumPy, derivatives
with finite differences of the value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.ops import cases
from tests.ops.cases import Case, Entry, as_list, cases_of, drawn_cases, entry_of, plain
from tests.ops.derivatives import Probe
from tinygrad_edu.core import table
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.program import Ref


def each(entries: Mapping[str, Any], name: str = "entry") -> pytest.MarkDecorator:
    """Runs a test for each. Its dictionary is no global here, where graphs would look for names."""
    return pytest.mark.parametrize(name, entries.values(), ids=entries)


every, smooth = each(cases.ENTRIES), each(cases.SMOOTH)


def same(got: Any, want: Any, rtol: float = 1e-12) -> None:
    """Results of equal type, shape, dtype and (to rounding) value."""
    for a, b in zip(as_list(got), as_list(want), strict=True):
        a, b = np.asarray(plain(a)), np.asarray(plain(b))
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def tensors_of(case: Case) -> list[Any]:
    return [Tensor(x) if x.dtype.kind == "f" else x for x in case.xs]


def chosen(case: Case, xs: Sequence[Any]) -> list[Any]:
    """Those of the inputs that have a gradient."""
    return [x for x, yes in zip(xs, case.differentiable, strict=True) if yes]


def squares(case: Case, xs: Sequence[Any]) -> Tensor:
    """The sum of the squares of the results: one number that depends on all of them."""
    return sum((tg.sum(y * y) for y in case.outputs(xs)), start=Tensor(0.0))


def gradients_of(case: Case, xs: Sequence[Any]) -> list[Any]:
    J, wanted = squares(case, xs), chosen(case, xs)
    return tg.grad(J, wanted) if J.requires_grad else [np.zeros(x.shape, x.dtype) for x in wanted]


METHOD_OF = {"compress"}
"""Of these the second operand has the method."""

BY_POSITION = {"reshape": "shape", "transpose": "axes"}
"""The setting that ndarray's method does not take by name."""

IN_PLACE = {"partition", "resize"}
"""ndarray's methods that change the array itself: a Tensor has none of these."""

LAYOUTS = {
    "backwards": lambda x: Tensor(np.flip(x))[(slice(None, None, -1),) * x.ndim],
    "transposed": lambda x: Tensor(x.T.copy()).T,
    "every other": lambda x: Tensor(np.stack([x, x], axis=-1))[..., 0],
    "read off a row": lambda x: Tensor(np.stack([x, x]))[1],
}
"""An intermediate result with the values of x, but not lying in memory entry after entry."""


def run(program: tg.Program) -> dict[str, Any]:
    """The value of every step, each computed from those before it."""
    values: dict[str, Any] = {}
    for step in program.steps:
        xs = [values[a.name] if isinstance(a, Ref) else a for a in step.args]
        values[step.name] = (
            step.op.forward(*xs, **step.settings) if step.op else (xs[0] if xs else step.value)
        )
    return values


@every
def test_value_is_numpys(entry: Entry) -> None:
    for case in cases_of(entry):
        for function in entry.numpy[:1]:
            same(case.call(tensors_of(case)), case.numpy_call(function, case.xs))
            same(case.call(case.xs), case.numpy_call(function, case.xs))


@smooth
def test_derivatives(entry: Entry) -> None:
    compared = 0

    @settings(phases=[Phase.generate])  # a seed does not shrink
    @given(drawn_cases(entry), st.integers(0, 2**20))
    def holds(case: Case, seed: int) -> None:
        nonlocal compared
        probe = Probe(case, seed)
        first, second = probe.agrees(1), probe.agrees(2)
        assert first is not False, "the gradient differs from finite differences of the value"
        assert second is not False, "the second derivative differs from finite differences of the gradient"
        assume(first and second)
        for recorded, eager in zip(probe.recorded_gradients(), probe.gradients(1), strict=True):
            np.testing.assert_allclose(recorded, eager, rtol=1e-9, atol=1e-12)
        compared += 1

    holds()
    assert compared >= settings.default.max_examples


@smooth
def test_third_derivatives(entry: Entry) -> None:
    for k, case in enumerate(cases_of(entry)[:3]):
        assert Probe(case, k).agrees(3) is not False


@every
def test_plain_arrays_give_plain_arrays(entry: Entry) -> None:
    for case in cases_of(entry):
        assert not any(isinstance(y, Tensor) for y in as_list(case.call(case.xs)))


@every
def test_lists_of_numbers_are_arrays(entry: Entry) -> None:
    for case in cases_of(entry):
        in_a_list = entry.sequence or case.arrange is not None
        if not in_a_list and not any(0 in x.shape for x in case.xs):  # an empty list has no shape
            same(case.call([x.tolist() for x in case.xs]), case.call(case.xs))


@every
def test_reached_by_every_name(entry: Entry) -> None:
    for case in cases_of(entry):
        xs = tensors_of(case)
        expected = case.call(xs)
        for function in entry.numpy:
            same(case.numpy_call(function, xs), expected)
        if hasattr(np.ndarray, entry.name) and entry.name not in IN_PLACE:
            self, *others = case.arguments(xs)
            if entry.name in METHOD_OF:
                self, others = others[0], [self]
            if isinstance(self, Tensor):
                by_position = BY_POSITION.get(entry.name)
                others += [v for k, v in case.settings.items() if k == by_position]
                named = {k: v for k, v in case.settings.items() if k != by_position}
                same(getattr(self, entry.name)(*others, **named), expected)
    assert getattr(tg, entry.name, entry.call) is entry.call


@every
def test_inputs_are_only_read(entry: Entry) -> None:
    for case in cases_of(entry):
        before = [x.copy() for x in case.xs]
        for x in case.xs:
            x.setflags(write=False)
        case.call(case.xs)
        if not entry.constant:
            gradients_of(case, tensors_of(case))
        for x, was in zip(case.xs, before, strict=True):
            np.testing.assert_array_equal(x, was)


@each({name: table.OPS[name] for name in cases.SMOOTH if name in table.OPS}, "op")
def test_rules_only_read_and_fit_their_input(op: Op) -> None:
    for case in cases_of(entry_of(op)):
        y = np.asarray(op.forward(*case.xs, **case.settings))
        given = [np.ones_like(y), y, *case.xs]
        before = [x.copy() for x in given]
        for x in given:
            x.setflags(write=False)
        rules = [partial(op.pullbacks[0], k) for k in range(len(case.xs))] if op.variadic else op.pullbacks
        for rule, x in zip(rules, case.xs, strict=True):
            if rule is not None:
                slope = np.asarray(rule(*given, **case.settings))
                assert np.broadcast_shapes(slope.shape, x.shape) in (slope.shape, x.shape)
        for x, was in zip(given, before, strict=True):
            np.testing.assert_array_equal(x, was)


@every
def test_float32_gives_what_numpy_gives(entry: Entry) -> None:
    for wide, narrow in zip(cases_of(entry), cases_of(entry, dtype=np.float32), strict=True):
        got = narrow.outputs(tensors_of(narrow))
        for function in entry.numpy[:1]:
            for y, expected in zip(got, as_list(narrow.numpy_call(function, narrow.xs)), strict=True):
                assert plain(y).dtype == np.asarray(expected).dtype
        for y, expected in zip(got, wide.outputs(wide.xs), strict=True):
            np.testing.assert_allclose(plain(y), expected, rtol=2e-4, atol=2e-4)


@smooth
def test_gradients_of_float32_are_float32(entry: Entry) -> None:
    for wide, narrow in zip(cases_of(entry), cases_of(entry, dtype=np.float32), strict=True):
        expected = gradients_of(wide, tensors_of(wide))
        for g, x, e in zip(
            gradients_of(narrow, tensors_of(narrow)), chosen(narrow, narrow.xs), expected, strict=True
        ):
            assert (g.dtype, g.shape) == (np.dtype(np.float32), x.shape)
            np.testing.assert_allclose(g, e, rtol=5e-3, atol=5e-3 * (1 + np.abs(e).max(initial=0)))


@smooth
def test_gradient_does_not_depend_on_how_the_input_lies_in_memory(entry: Entry) -> None:
    for case in cases_of(entry):
        expected = gradients_of(case, tensors_of(case))
        for lay in LAYOUTS.values():
            xs = [lay(x) if x.dtype.kind == "f" else x for x in case.xs]
            for g, e in zip(gradients_of(case, xs), expected, strict=True):
                np.testing.assert_allclose(g, e, rtol=1e-10, atol=1e-10)


@smooth
def test_each_input_alone_has_the_gradient_it_has_among_others(entry: Entry) -> None:
    for case in cases_of(entry):
        if sum(case.differentiable) < 2:
            continue
        together = iter(gradients_of(case, tensors_of(case)))
        for k in [k for k, yes in enumerate(case.differentiable) if yes]:
            x = Tensor(case.xs[k])
            alone = [x if i == k else other for i, other in enumerate(case.xs)]
            J = squares(case, alone)
            g = tg.grad(J, [x])[0] if J.requires_grad else np.zeros(x.shape)
            np.testing.assert_allclose(g, next(together), rtol=1e-12, atol=1e-12)


@smooth
def test_the_rule_runs_on_names(entry: Entry) -> None:
    """The program that formulas, source and compiled steps read gives the eager gradients when it is run."""
    for case in cases_of(entry):
        xs = tensors_of(case)
        J = squares(case, xs)
        if not J.requires_grad:
            continue
        wanted = chosen(case, xs)
        program = tg.Program.of(J, names={f"x{k}": x for k, x in enumerate(wanted)})
        values = run(program)
        for k, g in enumerate(tg.grad(J, wanted)):
            if f"dx{k}" in values:
                np.testing.assert_allclose(values[f"dx{k}"], g, rtol=1e-10, atol=1e-12)
            else:
                assert not g.any()


@every
def test_without_recording_the_value_is_the_same(entry: Entry) -> None:
    for case in cases_of(entry):
        xs = tensors_of(case)
        with tg.no_grad():
            same(case.call(xs), case.call(tensors_of(case)))
            fresh = [y for y in case.outputs(xs) if not any(y is x for x in xs)]
            assert not any(getattr(y, "requires_grad", False) for y in fresh)


@every
def test_twice_gives_the_same_to_the_bit(entry: Entry) -> None:
    for case in cases_of(entry):
        for a, b in zip(case.outputs(tensors_of(case)), case.outputs(tensors_of(case)), strict=True):
            np.testing.assert_array_equal(plain(a), plain(b))
        if not entry.constant:
            for a, b in zip(
                gradients_of(case, tensors_of(case)), gradients_of(case, tensors_of(case)), strict=True
            ):
                np.testing.assert_array_equal(a, b)


@smooth
def test_precisions_mix_as_in_numpy(entry: Entry) -> None:
    """float32 with float64 gives what NumPy gives; each gradient has its own input's dtype."""
    for case in cases_of(entry):
        xs = tuple(
            x.astype(np.float32) if k % 2 and x.dtype.kind == "f" else x for k, x in enumerate(case.xs)
        )
        case = replace(case, xs=xs)
        got = case.outputs(tensors_of(case))
        for function in entry.numpy[:1]:
            for y, expected in zip(got, as_list(case.numpy_call(function, xs)), strict=True):
                assert plain(y).dtype == np.asarray(expected).dtype
        for g, x in zip(gradients_of(case, tensors_of(case)), chosen(case, xs), strict=True):
            assert (g.shape, g.dtype) == (x.shape, x.dtype)


def whole_numbers(x: Any) -> Any:
    """The ranks of the entries: integers in the same order, all different."""
    return np.argsort(np.argsort(x, axis=None)).reshape(x.shape) + 2 if x.dtype.kind == "f" else x


@each({name: e for name, e in cases.ENTRIES.items() if e.numpy})
def test_integers_give_what_numpy_gives(entry: Entry) -> None:
    """On integers a function is NumPy's, without a gradient, where NumPy takes them."""
    for case in cases_of(entry):
        case = replace(case, xs=tuple(map(whole_numbers, case.xs)))
        try:
            expected = case.numpy_call(entry.numpy[0], case.xs)
        except (TypeError, ValueError, RuntimeWarning, np.linalg.LinAlgError):
            continue
        got = case.call([Tensor(x) for x in case.xs])
        assert not any(isinstance(y, Tensor) and y.requires_grad for y in as_list(got))
        same(got, expected, 1e-10)


@each({name: e for name, e in cases.SMOOTH.items() if e.free_shapes and len(e.samples[0].shapes) == 2})
def test_python_numbers_are_weak(entry: Entry) -> None:
    (function,) = entry.numpy[:1]
    case = cases_of(entry, dtype=np.float32)[0]
    for number in (1.0, 1):
        a, b = case.xs[0], case.xs[1]
        for plain_call, call in (((a, number), (Tensor(a), number)), ((number, b), (number, Tensor(b)))):
            y = entry.call(*call)
            assert plain(y).dtype == function(*plain_call).dtype
            if isinstance(y, Tensor) and y.requires_grad:
                (x,) = (t for t in call if isinstance(t, Tensor))
                assert tg.grad(tg.sum(y), [x])[0].dtype == np.float32
