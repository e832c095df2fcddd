"""What a function reads from its surroundings: a derivative by its argument goes on to depend on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import func

X = np.linspace(-1.0, 1.0, 6).reshape(3, 2)
TRANSFORMS: dict[str, Callable[..., Any]] = {
    "grad": lambda f, g: func.grad(f)(X),
    "value_and_grad": lambda f, g: func.value_and_grad(f)(X)[1],
    "vjp": lambda f, g: func.vjp(g, X)[1](np.ones((2, 2)))[0],
    "jvp": lambda f, g: func.jvp(g, (X,), (np.ones((3, 2)),))[1],
    "jacobian": lambda f, g: func.jacobian(g)(X),
    "hessian": lambda f, g: func.hessian(f)(X),
    "hvp": lambda f, g: func.hvp(f, X, np.ones((3, 2))),
}


def penalty(name: str, params: Any) -> Any:
    """The squares of a derivative by the input: a cost that depends on the parameters through it alone."""
    W = params["W"]
    return np.sum(TRANSFORMS[name](lambda x: np.sum(np.tanh(W @ x) ** 3), lambda x: np.tanh(W @ x)) ** 2)


def by_differences(name: str, W: Any) -> Any:
    found = np.empty_like(W)
    for k in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[k] = 1e-5
        found[k] = (penalty(name, {"W": W + step}) - penalty(name, {"W": W - step})) / 2e-5
    return found


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_cost_of_a_derivative_has_its_gradient(name: str) -> None:
    W = tg.Tensor([[0.5, -1.0, 0.3], [0.2, 0.7, -0.4]])
    (found,) = tg.grad(penalty(name, {"W": W}), [W])
    np.testing.assert_allclose(found, by_differences(name, W.data), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_compiled_step_reads_the_parameters_in_each_call(name: str) -> None:
    step = tg.compile(lambda params: penalty(name, params))
    for scale in (1.0, 2.0):
        W = scale * np.array([[0.5, -1.0, 0.3], [0.2, 0.7, -0.4]])
        J, grads = step({"W": W})
        assert pytest.approx(penalty(name, {"W": W})) == J
        np.testing.assert_allclose(grads["W"], by_differences(name, W), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("compiled", [False, True])
def test_under_no_grad_the_derivative_is_a_constant(compiled: bool) -> None:
    def cost(params: Any) -> Any:
        with tg.no_grad():
            slope = func.grad(lambda x: np.sum(params["W"] ** 2 * x))(np.ones(2))
        return np.sum(params["W"] * slope)

    W = np.array([2.0, 3.0])
    if compiled:
        step = tg.compile(cost)
        step({"W": W + 1})
        grads = step({"W": W})[1]["W"]
    else:
        t = tg.Tensor(W)
        (grads,) = tg.grad(cost({"W": t}), [t])
    np.testing.assert_allclose(grads, W**2)


def test_without_such_tensors_arrays_come_out() -> None:
    c = tg.Tensor([1.0, 2.0], requires_grad=False)
    assert type(func.grad(lambda x: np.sum(c * x))(np.ones(2))) is np.ndarray
