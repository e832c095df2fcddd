"""NumPy functions that are answered with plain values: NumPy's own answer, and nothing recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.symbol import Symbol, ValueDependence

X = np.array([[3.0, 1.0], [2.0, 2.0]])
N = np.array([[6, 4], [3, 9]])

CALLS: list[Any] = [
    np.shape,
    np.ndim,
    np.size,
    lambda x: np.size(x, 1),
    np.zeros_like,
    np.ones_like,
    lambda x: np.zeros_like(x, dtype=np.float32),
    lambda x: np.result_type(x, np.float32),
    np.iscomplexobj,
    np.triu_indices_from,
    lambda x: np.isclose(x, 2.0),
    lambda x: np.allclose(x, x + 1e-12),
    lambda x: np.array_equal(x, x),
    lambda x: np.array_equal(x, [x]),
    lambda x: np.array_equiv(x, [x[0], x[1]]),
    lambda x: np.lexsort((x[0], x[1])),
    np.nonzero,
    np.argwhere,
    lambda x: np.digitize(x, [1.5, 2.5]),
    lambda x: np.searchsorted(x[0][::-1], 2.0),
    lambda x: np.isin(x, [2.0]),
    np.nanargmax,
    lambda x: np.argpartition(x, 1, axis=1),
    np.array_repr,
    np.isreal,
    np.imag,
]


def alike(got: Any, want: Any) -> bool:
    if isinstance(want, tuple) and isinstance(got, tuple):
        return len(got) == len(want) and all(map(alike, got, want))
    return type(got) is type(want) and np.array_equal(np.asarray(got), np.asarray(want))


@pytest.mark.parametrize("call", CALLS)
def test_the_answer_is_numpys_own(call: Any) -> None:
    got = call(tg.Tensor(X))
    if isinstance(got, str):
        assert "3." in got
    else:
        assert alike(got, call(X)), got


@pytest.mark.parametrize("f", [np.bitwise_and, np.gcd, np.lcm, np.left_shift])
def test_operations_on_integers_are_numpys_own(f: Any) -> None:
    assert alike(f(tg.Tensor(N), 2), f(N, 2))


def test_methods_that_ask_are_answered() -> None:
    t = tg.Tensor(X)
    assert alike(t.nonzero(), X.nonzero())
    assert alike(t[0].argpartition(1), X[0].argpartition(1))
    assert alike(t.conj().data, X)
    assert alike(t.real.data, X)
    assert alike(t.mT.data, X.mT)
    assert alike(t.flatten().data, X.flatten())
    assert alike(t.copy().data, X)


@pytest.fixture
def symbol() -> Symbol:
    return Symbol.standing_for(tg.Tensor(X, name="x"))


def test_shapes_are_known_while_recording_for_all_values(symbol: Symbol) -> None:
    assert np.shape(symbol) == (2, 2)
    assert alike(np.zeros_like(symbol), np.zeros_like(X))


@pytest.mark.parametrize(
    "call", [np.nonzero, np.argwhere, lambda x: np.allclose(x, 1.0), lambda x: np.isclose(1.0, x)]
)
def test_values_are_not_known_while_recording_for_all_values(call: Any, symbol: Symbol) -> None:
    with pytest.raises(ValueDependence):
        call(symbol)


def test_full_like_keeps_the_history_of_what_it_is_filled_with() -> None:
    t = tg.Tensor(3.0)
    np.full_like(tg.Tensor(X), t).sum().backward()
    assert t.grad == 4.0
    assert np.full_like(tg.Tensor(X), 2, dtype=int).dtype == int


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.array([t, t]),
        np.array,
        np.asarray,
        lambda t: np.bincount([0, 1], weights=t),
        np.histogram,
        lambda t: np.full(3, t[0]),
        lambda t: np.copyto(np.zeros(2), t),
        lambda t: np.nextafter(t, 1.0),
        np.frexp,
        lambda t: np.zeros(2).__setitem__(slice(None), t),
        lambda t: np.add.reduceat(t, [0]),
        np.fft.fft,
    ],
)
def test_nothing_becomes_a_plain_array_without_its_history(call: Any) -> None:
    with pytest.raises(TypeError):
        call(tg.Tensor([1.0, 2.0]))
