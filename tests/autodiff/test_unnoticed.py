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


def unchanged(x: Any) -> Any:
    return 1.0 * x


@pytest.mark.parametrize("domain", [(1.0, 1.0), (3, 1), ("a", "b"), "ab", 3.0, (1.0, 2.0, 3.0)])
def test_a_domain_is_an_interval_the_lower_end_first(domain: Any) -> None:
    with pytest.raises(ValueError, match="domain: expected an interval such as"):
        tg.define(pullback=lambda g, y, x: g, domain=domain)(unchanged)


def test_two_inputs_have_two_intervals() -> None:
    def logs(a: Any, b: Any) -> Any:
        return np.log(1.5 - a) + np.log(b - 1.5)

    rules = (lambda g, y, a, b: -g / (1.5 - a), lambda g, y, a, b: g / (b - 1.5))
    assert tg.define(pullback=rules, domain=((0.5, 1.0), (2.0, 3.0)))(logs)(0.5, 2.5) == 0.0
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="logs"):
        tg.define(pullback=rules, domain=((2.0, 3.0), (0.5, 1.0)))(logs)


def test_the_tolerance_of_a_rule_grows_with_the_result() -> None:
    @tg.define(pullback=lambda g, y, x: g * (4 * x**3 + 1e-3), samples=[(np.array([0.0, 300.0]),)])
    def fourth_power(x):  # type: ignore[no-untyped-def]
        return x**4 + 1e-3 * x  # beside 300⁴ the differences do not see 1e-3

    assert fourth_power(tg.Tensor(2.0)).item() == 16.002


def test_what_a_user_s_operation_does_not_declare_is_not_assumed() -> None:
    @tg.define(pullback=lambda g, y, x: 3 * g * x**2)
    def cube(x):  # type: ignore[no-untyped-def]
        return x * x * x

    assert (cube.linear, cube.moves) == ((), False)


def test_a_compiled_step_differentiates_by_its_data() -> None:
    def penalty(w: Any, X: Any) -> Any:  # of the gradient by the input, as adversarial training has it
        slopes = tg.func.grad(lambda x, w: np.sum(w * x**2))(X, w)
        return np.sum(slopes**2)

    w, X = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
    J, dw = tg.compile(penalty)(w, X)
    np.testing.assert_allclose(J, np.sum((2 * w * X) ** 2))
    np.testing.assert_allclose(dw, 8 * w * X**2)
