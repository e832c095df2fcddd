"""The generated tests find what they are there to find: each is given an operation with that fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops import test_generated as generated
from tests.ops.cases import Entry, entry_of
from tests.ops.derivatives import agree
from tinygrad_edu.core.application import CallableOp
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.tensor import Tensor

Array = Any


def planted(forward: Callable[..., Any], *pullbacks: Any, shapes: Any = ((3, 4),)) -> Entry:
    """An operation as a careless author would define it; it is in no table."""
    op = CallableOp(
        name=forward.__name__,
        forward=forward,
        pullbacks=pullbacks,
        kind="movement",
        latex="",
        samples=(Sample(shapes),),
        numpy=(getattr(np, forward.__name__),),
    )
    return entry_of(op)


def square(x: Array) -> Array:
    return np.square(x)


def multiply(a: Array, b: Array) -> Array:
    return a * b


def right(g: Array, y: Array, x: Array) -> Array:
    return 2 * g * x


def without_a_second_derivative(g: Array, y: Array, x: Array) -> Array:
    return 2 * g * np.array(getattr(x, "_data", x))


def twice_where_large(g: Array, y: Array, x: Array) -> Array:
    return 2 * g * x * (1 + np.greater(x, 1.9))


def differing_by_layout(g: Array, y: Array, x: Array) -> Array:
    return 2 * g * (x if isinstance(x, Tensor) or x.flags.c_contiguous else -x)


OF_OTHERS = {"test_python_numbers_are_weak", "test_rules_only_read_and_fit_their_input"}  # not of an entry


def test_a_right_rule_passes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = planted(square, right)
    monkeypatch.setattr(tg, "square", entry.call)
    for name, test in vars(generated).items():
        if name.startswith("test_") and name not in OF_OTHERS:
            test(entry)


@pytest.mark.parametrize(
    "entry",
    [
        planted(square, lambda g, y, x: 2.001 * g * x),
        planted(square, lambda g, y, x: -2 * g * x),
        planted(square, lambda g, y, x: 2 * g),
        planted(square, lambda g, y, x: 2 * g * x + 1e-5),
        planted(square, twice_where_large),
        planted(square, without_a_second_derivative),
        planted(multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * b, shapes=((3, 4), (3, 4))),
        planted(multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a * 1.0001, shapes=((2, 3), (3,))),
    ],
)
def test_a_wrong_rule_is_found(entry: Entry) -> None:
    with pytest.raises(AssertionError):
        generated.test_derivatives(entry)


def test_a_wrong_value_is_found() -> None:
    def cube(x: Array) -> Array:
        return x * x * x

    cube.__name__ = "square"
    with pytest.raises(AssertionError):
        generated.test_value_is_numpys(planted(cube, right))


def test_another_dtype_is_found() -> None:
    def wide(x: Array) -> Array:
        return np.square(x).astype(np.float64)

    wide.__name__ = "square"
    with pytest.raises(AssertionError):
        generated.test_float32_gives_what_numpy_gives(planted(wide, right))


def test_a_write_into_an_input_is_found() -> None:
    def scribbling(x: Array) -> Array:
        y = x * x
        x[...] = 0
        return y

    scribbling.__name__ = "square"
    with pytest.raises(ValueError, match="read-only"):
        generated.test_inputs_are_only_read(planted(scribbling, right))


def test_a_write_into_the_incoming_gradient_is_found() -> None:
    def scribbling(g: Array, y: Array, x: Array) -> Array:
        g *= 2 * x
        return g

    with pytest.raises(ValueError, match="read-only"):
        generated.test_rules_only_read_and_fit_their_input(planted(square, scribbling).call)


def test_a_rule_of_another_shape_is_found() -> None:
    with pytest.raises((AssertionError, ValueError)):
        generated.test_rules_only_read_and_fit_their_input(planted(square, lambda g, y, x: g[:2]).call)


def test_a_rule_that_depends_on_the_layout_is_found() -> None:
    with pytest.raises(AssertionError):
        generated.test_gradient_does_not_depend_on_how_the_input_lies_in_memory(
            planted(square, differing_by_layout)
        )


def test_a_rule_that_asks_for_values_is_found() -> None:
    def asking(g: Array, y: Array, x: Array) -> Array:
        return 2 * g * x if np.all(np.greater(abs(x), 0)) else g * 0.0

    with pytest.raises(TypeError, match="for a value"):
        generated.test_the_rule_runs_on_names(planted(square, asking))


def test_a_function_that_differs_from_call_to_call_is_found() -> None:
    calls = []

    def drifting(x: Array) -> Array:
        calls.append(0)
        return np.square(x) + len(calls)

    drifting.__name__ = "square"
    with pytest.raises(AssertionError):
        generated.test_twice_gives_the_same_to_the_bit(planted(drifting, right))


@pytest.mark.parametrize(
    ("function", "analytic", "verdict"),
    [
        (np.sin, 1.0, True),
        (np.sin, 1.0 + 1e-5, False),
        (lambda t: abs(t - 1e-4), 0.0, None),
        (lambda t: np.floor(t + 1e-5), 0.0, None),
        (lambda t: np.inf, 0.0, None),
    ],
)
def test_kinks_are_told_from_mistakes(function: Any, analytic: float, verdict: bool | None) -> None:
    with np.errstate(invalid="ignore"):
        assert agree(analytic, function, 1.0) is verdict
