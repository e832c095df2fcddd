"""tg.func: transforms of functions, against closed forms, and against JAX."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import func

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4))
X = RNG.normal(size=4)
V = RNG.normal(size=4)


def quadratic(x):
    return 0.5 * (x @ (A @ x))


def network(params, X, Y):
    A1 = np.tanh(params["layers"][0]["W"] @ X + params["layers"][0]["b"])
    A2 = params["layers"][1]["W"] @ A1 + params["layers"][1]["b"]
    return np.sum((A2 - Y) ** 2) / X.shape[1]


def parameters():
    rng = np.random.default_rng(1)
    sizes = [(3, 2), (1, 3)]
    return {"layers": [{"W": rng.normal(size=s), "b": rng.normal(size=(s[0], 1))} for s in sizes]}


# closed forms


def test_gradient_of_a_quadratic_form():
    np.testing.assert_allclose(func.grad(quadratic)(X), 0.5 * (A + A.T) @ X)


def test_value_and_gradient_come_from_one_pass():
    calls = []
    J, g = func.value_and_grad(lambda x: (calls.append(1), quadratic(x))[1])(X)
    assert len(calls) == 1
    np.testing.assert_allclose(J, 0.5 * X @ A @ X)
    np.testing.assert_allclose(g, 0.5 * (A + A.T) @ X)


def test_hessian_of_a_quadratic_form_is_its_symmetric_part():
    np.testing.assert_allclose(func.hessian(quadratic)(X), 0.5 * (A + A.T))


def test_hessian_times_vector_without_the_hessian():
    np.testing.assert_allclose(func.hvp(quadratic, X, V), 0.5 * (A + A.T) @ V)


@pytest.mark.parametrize("rows", [1, 4, 9])
def test_jacobian_of_a_linear_map_is_its_matrix(rows):
    M = RNG.normal(size=(rows, 4))
    np.testing.assert_allclose(func.jacobian(lambda x: M @ x)(X), M)


def test_products_with_the_jacobian_from_either_side():
    M, g = RNG.normal(size=(3, 4)), RNG.normal(size=3)
    y, pull = func.vjp(lambda x: np.exp(M @ x), X)
    J = np.exp(M @ X)[:, None] * M
    np.testing.assert_allclose(y, np.exp(M @ X))
    np.testing.assert_allclose(pull(g)[0], g @ J)
    value, pushed = func.jvp(lambda x: np.exp(M @ x), (X,), (V,))
    np.testing.assert_allclose(value, y)
    np.testing.assert_allclose(pushed, J @ V)


def test_pull_may_be_called_again():
    _, pull = func.vjp(lambda x: x**3, X)
    np.testing.assert_array_equal(pull(V)[0], pull(V)[0])


@pytest.mark.parametrize("order", range(7))
def test_transforms_nest_to_any_depth(order):
    f = np.exp
    for _ in range(order):
        f = func.grad(f)
    np.testing.assert_allclose(f(0.7), np.exp(0.7))


def test_powers_run_out_of_derivatives():
    def f(x):
        return x**3

    for expected in (12.0, 12.0, 6.0, 0.0, 0.0):
        f = func.grad(f)
        assert f(2.0) == expected


# perturbation confusion: http://www.bcl.hamilton.ie/~qobi/nesting
def test_an_inner_derivative_does_not_mix_with_the_outer():
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert func.grad(lambda x: x * func.grad(lambda y: x * y)(2.0))(3.0) == 6.0


def test_the_same_tensor_inside_and_outside():
    # d/dx of x · d/dy(y²)|y=x = d/dx 2x² = 4x
    assert func.grad(lambda x: x * func.grad(lambda y: y * y)(x))(3.0) == 12.0


def test_every_transform_in_every_other():
    def cube(x):
        return np.sum(x**3)

    diagonal = np.diag(6 * X)
    np.testing.assert_allclose(func.jacobian(func.grad(cube))(X), diagonal)
    np.testing.assert_allclose(func.jacobian(lambda x: func.vjp(cube, x)[1](1.0)[0])(X), diagonal)
    np.testing.assert_allclose(func.jacobian(lambda x: func.jvp(cube, x, V)[1])(X), 6 * X * V)
    np.testing.assert_allclose(func.grad(lambda x: func.jvp(cube, (x,), (V,))[1])(X), 6 * X * V)
    np.testing.assert_allclose(func.grad(lambda x: np.sum(func.hvp(cube, x, V)))(X), 6 * V)
    np.testing.assert_allclose(func.grad(lambda x: np.sum(func.hessian(cube)(x)))(X), np.full(4, 6.0))
    np.testing.assert_allclose(func.jvp(func.grad(cube), (X,), (V,))[1], 6 * X * V)
    np.testing.assert_allclose(func.hvp(lambda x: np.sum(func.jacobian(np.exp)(x)), X, V), np.exp(X) * V)


def test_derivatives_by_the_direction():
    def cube(x):
        return np.sum(x**3)

    np.testing.assert_allclose(func.grad(lambda v: func.jvp(cube, X, v)[1])(V), 3 * X**2)
    np.testing.assert_allclose(func.grad(lambda v: np.sum(func.hvp(cube, X, v)))(V), 6 * X)
    _, pull = func.vjp(lambda x: x**2, X)
    np.testing.assert_allclose(func.jacobian(lambda g: pull(g)[0])(V), np.diag(2 * X))


# structures


def test_gradients_have_the_structure_of_the_argument():
    params, inputs, labels = parameters(), RNG.normal(size=(2, 5)), RNG.normal(size=(1, 5))
    found = func.grad(network)(params, inputs, labels)
    for layer, gradient in zip(params["layers"], found["layers"], strict=True):
        assert {k: v.shape for k, v in layer.items()} == {k: v.shape for k, v in gradient.items()}
    np.testing.assert_allclose(found["layers"][1]["b"], [[2 * np.mean(by_hand(params, inputs) - labels)]])


def by_hand(params, inputs):
    first, second = params["layers"]
    return second["W"] @ np.tanh(first["W"] @ inputs + first["b"]) + second["b"]


class Line(NamedTuple):
    slope: Any
    height: Any


def test_a_named_tuple_stays_one():
    found = func.grad(lambda line: line.slope * 3.0 + line.height)(Line(2.0, 1.0))
    assert found == Line(3.0, 1.0)
    assert type(found) is Line


def test_several_argnums_give_a_tuple():
    def f(a, b, c):
        return a * b**2 * c

    assert func.grad(f, argnums=(0, 2))(2.0, 3.0, 5.0) == (45.0, 18.0)
    assert func.grad(f, argnums=-1)(2.0, 3.0, 5.0) == 18.0
    assert func.grad(f, argnums=1)(2.0, 3.0, c=5.0) == 60.0


def test_jacobian_of_structures_by_structures():
    J = func.jacobian(lambda p: {"sum": p["a"] + p["b"], "products": [p["a"] * p["b"]]})({"a": X, "b": V})
    np.testing.assert_allclose(J["sum"]["a"], np.eye(4))
    np.testing.assert_allclose(J["products"][0]["b"], np.diag(X))


def test_hessian_of_several_arguments_in_blocks():
    def f(a, b):
        return np.sum(a * b**2)

    H = func.hessian(f, argnums=(0, 1))(X, V)
    np.testing.assert_allclose(H[0][0], np.zeros((4, 4)))
    np.testing.assert_allclose(H[0][1], np.diag(2 * V))
    np.testing.assert_allclose(H[1][1], np.diag(2 * X))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,), (0, 3)])
@pytest.mark.parametrize("other", [(), (2,), (0,)])
def test_jacobians_of_all_shapes(shape, other):
    J = func.jacobian(lambda x: np.sum(x) * np.ones(other))(np.ones(shape))
    assert J.shape == other + shape
    assert (J == 1).all()


def test_products_of_structures():
    def f(p, q):
        return {"y": p["a"] * q}

    y, dy = func.jvp(f, ({"a": 2.0}, 3.0), ({"a": 1.0}, 10.0))
    assert (y["y"], dy["y"]) == (6.0, 23.0)
    y, pull = func.vjp(f, {"a": 2.0}, 3.0)
    assert pull({"y": 1.0}) == ({"a": 3.0}, 2.0)
    assert func.hvp(lambda p, q: p["a"] ** 2 * q, ({"a": 2.0}, 3.0), ({"a": 1.0}, 0.0)) == ({"a": 6.0}, 4.0)


def test_auxiliary_results_pass_through():
    def f(x):
        return (x**2, {"seen": x.shape})

    assert func.grad(f, has_aux=True)(3.0) == (6.0, {"seen": ()})
    assert func.value_and_grad(f, has_aux=True)(3.0) == ((9.0, {"seen": ()}), 6.0)


# arrays and Tensors


def test_arrays_at_the_outside():
    J, g = func.value_and_grad(quadratic)(X)
    for result in (J, g, func.jacobian(np.exp)(X), func.hvp(quadratic, X, V), *func.jvp(np.exp, X, V)):
        assert type(result) is np.ndarray
        assert result.flags.writeable


def test_tensors_that_require_a_gradient_keep_being_differentiated():
    x = tg.Tensor(3.0)
    J = x * func.grad(lambda y: y**2)(x)
    J.backward()
    assert x.grad == 12.0


def test_tensors_are_read_and_left_alone():
    x = tg.Tensor(X)
    func.grad(quadratic)(x)
    assert x.grad is None
    x.data[0] = 1.0  # unlocked


def test_a_constant_tensor_is_differentiated_as_its_array():
    g = func.grad(quadratic)(tg.Tensor(X, requires_grad=False))
    assert type(g) is np.ndarray
    np.testing.assert_allclose(g, func.grad(quadratic)(X))


def test_single_precision_stays():
    x = X.astype(np.float32)
    assert func.grad(lambda x: np.sum(np.exp(x)))(x).dtype == np.float32
    assert func.jacobian(np.exp)(x).dtype == np.float32
    assert func.hvp(lambda x: np.sum(np.exp(x)), x, V).dtype == np.float32


def test_derivatives_under_no_grad_are_arrays():
    with tg.no_grad():
        assert type(func.grad(lambda x: x * x)(tg.Tensor(3.0))) is np.ndarray


def test_no_grad_inside_makes_a_constant():
    def f(x):
        with tg.no_grad():
            slope = func.grad(lambda y: y**3)(x)
        return slope * x

    assert func.grad(f)(2.0) == 12.0


def test_a_result_that_does_not_depend_on_the_input_has_slope_zero():
    w = tg.Tensor(2.0)
    assert func.grad(lambda x: w * 3.0)(1.0) == 0.0
    assert func.jacobian(lambda x: w * np.ones(2))(X).tolist() == np.zeros((2, 4)).tolist()
    assert w.grad is None


def test_results_that_depend_on_the_input_and_results_that_do_not():
    w = tg.Tensor(2.0, requires_grad=False)
    J = func.jacobian(lambda x: {"depends": x * w, "constant": w})(3.0)
    assert J == {"depends": 2.0, "constant": 0.0}


def test_the_input_itself_as_result():
    assert func.grad(lambda x: x)(2.0) == 1.0
    _y, pull = func.vjp(lambda x: (x, x), 2.0)
    assert pull((1.0, 10.0)) == (11.0,)


def test_names_follow_the_original():
    assert func.grad(quadratic).__name__ == "quadratic"


def test_threads_do_not_see_one_another():
    kinds = []

    def inner(x):
        other = threading.Thread(target=lambda: kinds.append(type(func.grad(np.exp)(1.0))))
        other.start()
        other.join()
        return x * x

    func.grad(inner)(1.0)
    assert kinds == [np.ndarray]


# errors


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: func.grad(np.exp)(X), ValueError, r"\(4,\).*jacobian"),
        (lambda: func.hessian(np.exp)(X), ValueError, r"hessian.*\(4,\)"),
        (lambda: func.hvp(np.exp, X, V), ValueError, r"hvp.*\(4,\)"),
        (lambda: func.grad(lambda x: (x, x))(1.0), TypeError, "tuple.*has_aux"),
        (lambda: func.grad(lambda x: x, has_aux=True)(1.0), TypeError, "has_aux=True.*Tensor"),
        (lambda: func.grad(lambda x: x.item())(1.0), TypeError, "float.*no history"),
        (lambda: func.jacobian(lambda x: {"a": [x, 1.0]})(1.0), TypeError, r"float at a\.1"),
        (lambda: func.grad(np.exp)(np.array(1)), TypeError, "argument 0: .*int64"),
        (lambda: func.grad(np.exp)({"w": [1j]}), TypeError, r"argument 0\.w\.0: .*real numbers"),
        (lambda: func.grad(np.exp)({"w": ["text"]}), TypeError, r"argument 0: .*real numbers"),
        (lambda: func.grad(np.exp, argnums=1)(1.0), ValueError, "argument 1, and the call has 1"),
        (lambda: func.grad(np.exp, argnums=5)(1.0), ValueError, "argument 5, and the call has 1"),
        (func.grad(np.exp), ValueError, "argument 0, and the call has 0"),
        (lambda: func.grad(3.0)(1.0), TypeError, "grad: expected a function, got float"),
        (lambda: func.jvp(np.exp, (X,), (V, V)), TypeError, "structure of the primals"),
        (lambda: func.jvp(np.exp, (X,), (V[:2],)), ValueError, r"tangent: expected shape \(4,\), got \(2,\)"),
        (lambda: func.vjp(np.exp, X)[1](V[:2]), ValueError, r"gradient: expected shape \(4,\), got \(2,\)"),
        (lambda: func.vjp(np.exp, X)[1]((V,)), TypeError, "structure of the output, got tuple"),
    ],
)
def test_errors_say_what_was_expected(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_an_error_inside_the_function_leaves_nothing_behind():
    def broken(x):
        raise KeyError("inside")

    with pytest.raises(KeyError):
        func.grad(broken)(1.0)
    assert type(func.grad(np.exp)(1.0)) is np.ndarray


# against JAX


@pytest.fixture(scope="module")
def jax():
    module = pytest.importorskip("jax", reason="JAX is the independent witness")
    module.config.update("jax_enable_x64", True)
    return module


def close(got, expected, path=""):
    """Both structures, leaf by leaf."""
    if isinstance(expected, dict):
        assert set(got) == set(expected)
        for key in expected:
            close(got[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            close(one, other)
    else:
        np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-10, atol=1e-12)


def nonlinear(xp):
    def f(p, x):
        h = xp.tanh(p["W"] @ x + p["b"])
        return xp.concatenate([h * h, xp.reshape(xp.sum(xp.exp(-h) * x), (1,))]) * xp.max(h)

    return f


def network_for(xp):
    def J(params, inputs, labels):
        first, second = params["layers"]
        A1 = xp.tanh(first["W"] @ inputs + first["b"])
        return xp.mean((second["W"] @ A1 + second["b"] - labels) ** 2)

    return J


@pytest.mark.slow
def test_a_network_s_gradient_hessian_and_product_agree_with_jax(jax):
    params, inputs, labels = parameters(), RNG.normal(size=(2, 5)), RNG.normal(size=(1, 5))
    ours, theirs = network_for(np), network_for(jax.numpy)
    close(func.grad(ours)(params, inputs, labels), jax.grad(theirs)(params, inputs, labels))
    close(func.grad(ours, (0, 1))(params, inputs, labels), jax.grad(theirs, (0, 1))(params, inputs, labels))
    close(func.hessian(ours)(params, inputs, labels), jax.hessian(theirs)(params, inputs, labels))
    direction = func.grad(ours)(params, inputs, labels)
    product = jax.jvp(lambda p: jax.grad(theirs)(p, inputs, labels), (params,), (direction,))[1]
    close(func.hvp(lambda p: ours(p, inputs, labels), params, direction), product)


def test_jacobians_and_products_agree_with_jax(jax):
    p, x = {"W": A, "b": X}, V
    ours, theirs = nonlinear(np), nonlinear(jax.numpy)
    close(func.jacobian(ours, (0, 1))(p, x), jax.jacobian(theirs, (0, 1))(p, x))
    tangents = ({"W": A.T, "b": V}, X)
    close(func.jvp(ours, (p, x), tangents), jax.jvp(theirs, (p, x), tangents))
    y, pull = func.vjp(ours, p, x)
    _, expected = jax.vjp(theirs, p, x)
    close(pull(y), expected(y))
    close(func.jacobian(func.jacobian(ours, 1), 1)(p, x), jax.jacobian(jax.jacobian(theirs, 1), 1)(p, x))
