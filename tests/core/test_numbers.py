"""Python's numbers beside arrays, and rules that are arithmetic: nobody can tell but by the clock."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_edu as tg
from tinygrad_edu.core import number_cache as numbers
from tinygrad_edu.core.kernel_analysis import in_float64, is_arithmetic, ufunc_of
from tinygrad_edu.core.table import OPS

ARITHMETIC = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}
NUMBERS = st.one_of(
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 0.0, -0.0, 1, 1.0, 2**53, 2**53 + 1, float("inf"), float("nan"), 5e-324]),
)
QUICK = sorted(name for name, op in OPS.items() if op.quick)
UFUNCS = sorted(name for name, op in OPS.items() if op.ufunc is not None)


def identical(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())


def test_arithmetic_takes_the_short_way() -> None:
    assert {*ARITHMETIC, "tanh", "exp", "square", "negative"} <= {*QUICK}
    assert OPS["power"].quick is None, "NumPy squares where the exponent is the number 2"


@given(
    name=st.sampled_from(sorted(ARITHMETIC)),
    x=st.sampled_from([np.float64, np.float32]).flatmap(
        lambda dtype: arrays(dtype, (3,), elements=st.floats(width=32))
    ),
    number=NUMBERS,
)
def test_the_same_bits_and_dtype_as_numpy_on_either_side(name: str, x: Any, number: float) -> None:
    ufunc, t = ARITHMETIC[name], tg.Tensor(x)
    with np.errstate(all="ignore"):
        for _ in range(2):  # the first meets the number, the second finds it
            assert identical(OPS[name](t, number).data, ufunc(x, number))
            assert identical(OPS[name](number, t).data, ufunc(number, x))


@given(number=NUMBERS, x=arrays(np.float64, (3,), elements=st.floats(-1e3, 1e3)))
def test_the_gradient_has_the_same_bits_too(number: float, x: Any) -> None:
    t = tg.Tensor(x)
    with np.errstate(all="ignore"):
        (dt,) = tg.grad(t * number, [t], np.ones(3))
        assert identical(dt, np.ones(3) * number)
        (dt,) = tg.grad(number * t, [t], np.ones(3))
        assert identical(dt, np.ones(3) * number)


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.filterwarnings("ignore")
def test_an_operation_is_the_universal_function_that_it_is_taken_for(name: str) -> None:
    op = OPS[name]
    for sample in op.samples:
        inputs = sample.draw(np.random.default_rng(0))
        assert identical(op.forward(*inputs), op.ufunc(*inputs))


@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=15)
@given(
    arrays(np.float64, (4, 3, 2), elements=st.floats(-1e300, 1e300)),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_quick_rules_keep_shape_and_dtype_and_take_a_number_as_an_array(
    name: str, arguments: Any, number: float
) -> None:
    op = OPS[name]
    assert op.quick is not None
    as_it_is: Any = lambda g, *_: g  # noqa: E731
    rules = [quick or as_it_is for quick in op.quick]
    g, y, *operands = arguments[: 2 + op.arity]
    with np.errstate(all="ignore"):
        for rule, quick in zip(op.pullbacks, rules, strict=True):
            found = quick(g, y, *operands)
            assert identical(found, rule(g, y, *operands))
            assert found.shape == g.shape
            assert found.dtype == np.float64
        if op.arity == 2:
            known = numbers.KNOWN[number]
            first, second = op.pullbacks
            assert identical(rules[0](g, y, operands[0], known), first(g, y, operands[0], number))
            assert identical(rules[1](g, y, known, operands[1]), second(g, y, number, operands[1]))


def test_what_is_not_arithmetic_is_not_taken_for_it() -> None:
    k = 2.0
    others: list[Any] = [
        lambda g, y, x: g**2, lambda g, y, x: g * k, lambda g, y, x: g if y else x, lambda g, y, x: y,
        lambda g, y, x: 1.0, lambda g, y, x: g @ x, lambda g, y, x: None, lambda g, y, x=1.0: g * x,
        lambda g, y, x, *, s=3.0: g * s, lambda g, y, x: g * np.float64(2), lambda g, y, x: g // 2,
        lambda g, y, x: g * True, lambda g, y, x: g[0], np.add,
    ]  # fmt: skip
    assert not any(map(is_arithmetic, others))
    assert is_arithmetic(lambda g, y, x: -g / (2 * y - x + 1.5))


def test_what_is_another_function_is_not_taken_for_one_of_numpys() -> None:
    class Mine:
        tanh = staticmethod(np.cosh)

    elsewhere = FunctionType((lambda x: np.tanh(x)).__code__, {"np": Mine})  # noqa: PLW0108
    others: list[Any] = [
        elsewhere, np.tanh, lambda a, b: b - a, lambda a, b: a - a, lambda a: np.add(a, a),
        lambda a: np.sum(a), lambda a: np.exp(a) + 1, lambda a: np.frexp(a),  # noqa: PLW0108
    ]  # fmt: skip
    assert [ufunc_of(other) for other in others] == [None] * len(others)
    assert ufunc_of(lambda a, b: a - b) is np.subtract


def test_the_numbers_of_a_rule_are_arrays_already_and_the_rule_is_as_it_was() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * (1 - y * 0.5) / (x + 2**60)

    quick = in_float64(rule)
    assert [np.ndarray.item(number) for number in quick.__defaults__] == [1.0, 0.5]
    assert rule.__defaults__ is None
    ones = np.ones(2)
    assert identical(quick(ones, ones, ones), rule(ones, ones, ones))


def test_the_record_keeps_the_number_as_it_was_written() -> None:
    x = tg.Tensor([1.0, 2.0])
    assert [type(v) for v in (x * 2).saved[1:] + (0.5 * x).saved[:1]] == [int, float]


def test_no_more_numbers_are_kept_than_a_program_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "_MOST", len(numbers.KNOWN) + 2)
    new = [0.123456 + k for k in range(5)]
    assert [type(numbers.KNOWN[number]) for number in new] == [np.ndarray] * 2 + [float] * 3
    for number in new:
        numbers.KNOWN.pop(number, None)
