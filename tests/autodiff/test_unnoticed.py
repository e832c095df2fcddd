"""Promises of derivatives whose breach went unnoticed when the code was changed at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg


def test_a_recorded_gradient_depends_on_the_weights_it_started_from() -> None:
    x, v = tg.Tensor([1.0, 2.0]), tg.Tensor([3.0, 4.0])
    (g,) = tg.grad(x**2, [x], gradient=v, create_graph=True)
    np.testing.assert_array_equal(g.data, [6.0, 16.0])
    (by_v,) = tg.grad(np.sum(g), [v])
    np.testing.assert_array_equal(by_v, 2 * x.data)


def test_the_second_derivative_of_what_is_linear_is_zero() -> None:
    x = tg.Tensor([1.0, 2.0])
    (g,) = tg.grad(np.sum(3 * x), [x], create_graph=True)
    np.testing.assert_array_equal(tg.grad(np.sum(g), [x])[0], [0.0, 0.0])


def test_arguments_are_counted_from_the_end_as_well() -> None:
    by_first = tg.func.grad(lambda a, b: a**2 * b, argnums=-2)
    by_last = tg.func.grad(lambda a, b: a**2 * b, argnums=-1)
    assert by_first(3.0, 5.0) == pytest.approx(30.0)
    assert by_last(3.0, 5.0) == pytest.approx(9.0)
    with pytest.raises(ValueError, match="argnums names argument -3, and the call has 2"):
        tg.func.grad(lambda a, b: a * b, argnums=-3)(1.0, 2.0)


def test_an_operation_of_any_number_of_arrays_can_be_defined() -> None:
    samples = [(np.array([1.0, 2.0]), np.array([3.0, 5.0])), (np.array([2.0]),)]

    @tg.define(pullback=lambda k, g, y, *xs: g * y / xs[k], samples=samples)
    def product_of(*xs: Any) -> Any:
        y = xs[0]
        for x in xs[1:]:
            y = y * x
        return y

    assert product_of.kind == "opaque"
    a, b = tg.Tensor([2.0, 3.0]), tg.Tensor([5.0, 7.0])
    da, db = tg.grad(np.sum(product_of(a, b)), [a, b])
    np.testing.assert_allclose(da, b.data)
    np.testing.assert_allclose(db, a.data)
    assert "product" in tg.derive(np.sum(product_of(a, b)), wrt=[a]).latex()


def test_an_input_without_a_rule_is_not_checked_and_has_no_gradient() -> None:
    @tg.define(pullback=(lambda g, y, x, w: g * w, None))
    def held(x: Any, w: Any) -> Any:
        return x * w

    x, w = tg.Tensor(2.0), tg.Tensor(3.0)
    dx, dw = tg.grad(held(x, w) + w, [x, w])
    assert (dx, dw) == (3.0, 1.0)


def test_a_gradient_of_another_structure_is_refused() -> None:
    _, pull = tg.func.vjp(lambda x: {"s": np.sum(x), "x": x}, np.ones(2))
    with pytest.raises(TypeError, match="vjp: expected gradients in the structure of the output, got float"):
        pull(1.0)


@pytest.mark.parametrize(("inputs", "outputs"), [((2, 3), (2, 2)), ((2,), (3, 2)), ((1, 2), (2, 1, 3))])
def test_each_entry_of_a_jacobian_is_in_its_place(inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    M = rng.normal(size=(*outputs, *inputs))
    x = rng.normal(size=inputs)
    places = list(range(len(inputs)))
    J = tg.func.jacobian(
        lambda x: np.tensordot(M, np.sin(x), axes=([k - len(inputs) for k in places], places))
    )
    np.testing.assert_allclose(J(x), M * np.cos(x), rtol=1e-12)


def test_a_rule_that_mixes_the_entries_of_the_gradient_is_refused() -> None:
    with pytest.raises(ValueError, match="define: mixed: the rule for x is wrong"):

        @tg.define(pullback=lambda g, y, x: 2 * x * np.mean(g))
        def mixed(x: Any) -> Any:
            return x * x
