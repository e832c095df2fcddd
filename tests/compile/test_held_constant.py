"""What a loss holds constant has the value of each call, and no gradient flows through it."""

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.core.symbol import ValueDependence


def without_gradient(t: Any) -> Any:
    with tg.no_grad():
        return np.sum(t**2) + t


HELD = {
    "detach": lambda t: t.detach(),
    "a Tensor of it": tg.Tensor,
    "a Tensor of it that is a constant": lambda t: tg.Tensor(t, requires_grad=False),
    "no_grad": without_gradient,
    "a gradient": lambda t: tg.grad(np.sum(t**3), [t])[0],
}
OF = {"a parameter": lambda p: p, "a result": lambda p: np.tanh(p) * 1.3}


def agrees(loss: Any, seed: int) -> None:
    """Whether a step recorded with some values does with others what the eager engine does."""
    rng = np.random.default_rng(seed)
    step = tg.compile(loss)
    for _ in range(2):
        P, X = rng.standard_normal((2, 3))
        J, gradient = step(P, X)
        t = tg.Tensor(P)
        expected = loss(t, X)
        assert pytest.approx(expected.item()) == J
        np.testing.assert_allclose(gradient, tg.grad(expected, [t])[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("way", HELD)
@given(seed=st.integers(0, 2**16))
def test_a_constant_is_that_of_the_call(way: str, of: str, seed: int) -> None:
    agrees(lambda p, X: np.sum(p**2 * HELD[way](OF[of](p)) + p * X), seed)


@given(seed=st.integers(0, 2**16))
def test_data_may_be_made_a_tensor(seed: int) -> None:
    agrees(lambda p, X: np.sum(np.tanh(p * tg.Tensor(X, requires_grad=False))), seed)


@given(seed=st.integers(0, 2**16))
def test_a_derivative_by_data_is_that_of_the_call(seed: int) -> None:
    agrees(lambda p, X: np.sum(p * tg.func.grad(lambda x: np.sum(x**3))(X)), seed)


def test_what_is_detached_in_a_block_without_gradients_is_compiled_there_too() -> None:
    with tg.no_grad():
        _, gradient = tg.compile(lambda p: np.sum(p * p.detach()))(np.array([2.0, 3.0]))
    assert gradient.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("ask", [lambda t: np.sum(t).backward(), lambda t: 1.0 in t])
def test_what_needs_a_value_is_refused(ask: Any) -> None:
    with pytest.raises(ValueDependence, match="asks for a value"):
        tg.compile(lambda p: np.sum(p) * (ask(p) or 1.0))(np.ones(2))


INDICES = [(..., 0), (..., -1), (0, ...), (..., slice(1)), (0,), (slice(None, None, -1),), (..., None, 1)]


@given(st.lists(st.sampled_from(INDICES), min_size=1, max_size=3), st.integers(0, 2**16))
def test_an_entry_stays_what_it_was_while_it_is_read(indices: list[Any], seed: int) -> None:
    def loss(p: Any, X: Any) -> Any:
        masks = [np.sort(p * X)[index] < 0.3 for index in indices]
        total = p**2
        for mask in masks:
            total = total * np.where(mask, 0.5, np.sum(total))
        return np.sum(np.sin(total))

    agrees(loss, seed)


OPERATORS = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "~": lambda a, b: ~a & b,
    "an array first": lambda a, b: np.array([True, False, True]) & a | b,
}


@pytest.mark.parametrize("of", OPERATORS)
@given(seed=st.integers(0, 2**16))
def test_masks_are_combined_by_operators(of: str, seed: int) -> None:
    agrees(lambda p, X: np.sum(np.where(OPERATORS[of](p > 0, X > 0), p**2, p)), seed)


@pytest.mark.parametrize("of", OPERATORS)
def test_tensors_of_booleans_are_combined_as_their_arrays(of: str) -> None:
    a, b = np.array([True, False, True]), np.array([True, True, False])
    np.testing.assert_array_equal(OPERATORS[of](tg.Tensor(a), tg.Tensor(b)), OPERATORS[of](a, b))


def caught(p: Any, X: Any) -> Any:
    try:
        return np.sum(p * X) if X[0] > 0 else np.sum(p)
    except TypeError:
        return np.sum(p) * 2


def suppressed(p: Any, X: Any) -> Any:
    with contextlib.suppress(Exception):
        return np.sum(p) * float(X[0])
    return np.sum(p)


@pytest.mark.parametrize("loss", [caught, suppressed])
def test_a_question_for_a_value_is_refused_where_the_code_catches_the_refusal(loss: Any) -> None:
    with pytest.raises(ValueDependence, match="asks for a value") as told:
        tg.compile(loss)(np.ones(3), np.ones(3))
    assert f"in {loss.__name__}" in str(told.value)


@pytest.mark.parametrize("generator", [np.random.default_rng(0), np.random.RandomState(0)])
def test_random_numbers_of_a_generator_elsewhere_are_refused(generator: Any) -> None:
    with pytest.raises(ValueDependence, match="draws random numbers"):
        tg.compile(lambda p: np.sum(p * generator.standard_normal(3)))(np.ones(3))


class Named:
    """Finds its attributes by name, and raises what a dictionary raises."""

    def __init__(self) -> None:
        self.found = {"rate": 2.0}

    def __getattr__(self, name: str) -> Any:
        return vars(self)["found"][name]


def test_an_object_that_finds_its_attributes_by_name_is_read_anew() -> None:
    settings = Named()
    step = tg.compile(lambda p: np.sum(p) * settings.rate)
    assert step(np.ones(2))[0] == 4.0
    settings.found["rate"] = 3.0
    assert step(np.ones(2))[0] == 6.0


@pytest.mark.parametrize("pick", [lambda t, mask: t[mask], lambda t, mask: t[np.nonzero(mask)[0]]])
def test_what_a_mask_picks_is_refused_and_says_what_to_write(pick: Any) -> None:
    with pytest.raises(ValueDependence, match=r"picking by a mask.* np\.where\(mask, t, 0\.0\)"):
        tg.compile(lambda p, mask: np.sum(pick(p, mask)))(np.ones(3), np.array([True, False, True]))
