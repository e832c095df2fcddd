"""A compiled step against the eager pass: kinks, cancellations, shapes, layouts, names, threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

LOSSES = {
    "x*y/x": lambda x, y: x * y / x,
    "x-x": lambda x, y: x - x + y,
    "0*x": lambda x, y: 0 * x + y,
    "x**0": lambda x, y: x**0 + y,
    "x**1": lambda x, y: x**1 * y,
    "relu": lambda x, y: tg.relu(x) * y,
    "abs": lambda x, y: np.abs(x) * y,
    "maximum": np.maximum,
    "minimum": lambda x, y: np.minimum(x, 0.0) * y,
    "max": lambda x, y: np.max(x) * y,
    "where": lambda x, y: np.where(x > 0, x, y),
    "clip": lambda x, y: np.clip(x, 0.0, 1.0) * y,
    "root of a square": lambda x, y: np.sqrt(x * x + 1e-3) * y,
    "exp of log": lambda x, y: np.exp(np.log(np.abs(x) + 1)) * y,
    "log of exp": lambda x, y: np.log(np.exp(x)) * y,
    "sigmoid": lambda x, y: tg.sigmoid(x) * y,
    "tanh": lambda x, y: np.tanh(x) * y,
    "softmax": lambda x, y: tg.softmax(x, axis=0) * y,
    "logsumexp": lambda x, y: tg.logsumexp(x, axis=0) * y,
    "power": lambda x, y: (np.abs(x) + 1) ** y,
    "remainder": lambda x, y: x % (np.abs(y) + 1),
    "prod": lambda x, y: np.prod(x) * y,
    "cumprod": lambda x, y: np.cumprod(x) * y,
    "transpose": lambda x, y: np.reshape(x, (-1, 1)).T * y * np.reshape(x, (-1, 1)),
    "square of a transpose": lambda x, y: np.reshape(x, (1, 3)).T ** 2 + y[0],
    "broadcast": lambda x, y: x * np.reshape(y, (3, 1)) - y,
    "std": lambda x, y: np.std(x) * y,
    "norm": lambda x, y: np.linalg.norm(x) * y,
    "sort": lambda x, y: np.sort(x) * y,
    "matmul": lambda x, y: (x @ y) * (x @ y),
    "1/(1/x)": lambda x, y: 1 / (1 / (x + 10)) * y,
    "difference of squares": lambda x, y: (x - 1.0) * (x + 1.0) - x * x + y,
    "index": lambda x, y: x[[0, 0, 2]] * y,
    "cross-entropy": lambda x, y: -np.log(tg.sigmoid(x)) * y - np.log(1 - tg.sigmoid(x)) * (1 - y),
    "pieces": lambda x, y: np.concatenate([x[:1], y[1:], x * 2.0]),
}
POINTS = {
    "apart": ([0.5, -1.5, 2.0], [1.0, 2.0, 0.5]),
    "ties": ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
    "zeros": ([0.0, -0.0, 2.0], [1.0, 0.0, 2.0]),
    "large": ([300.0, -300.0, 1e-3], [1.0, 2.0, 3.0]),
}


def eager(f, *arrays):
    leaves = [tg.Tensor(a) for a in arrays]
    J = np.sum(f(*leaves))
    return J.item(), tg.grad(J, leaves)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
@pytest.mark.parametrize("f", LOSSES.values(), ids=LOSSES)
def test_where_the_eager_pass_is_finite_the_compiled_one_agrees(f, point):
    arrays = [np.array(a) for a in point]
    J, gradients = eager(f, *arrays)
    step = tg.compile(lambda p: np.sum(f(p[0], p[1])))
    for _ in range(2):  # the second time in buffers that the first has used
        value, found = step([a.copy() for a in arrays])
        if np.isfinite(J):
            assert value == pytest.approx(J, rel=1e-9, abs=1e-12)
        for got, want in zip(found, gradients, strict=True):
            fine = np.isfinite(want)
            np.testing.assert_allclose(got[fine], want[fine], rtol=1e-9, atol=1e-12)


def square(params, X):
    return np.sum((params["W"] @ X) ** 2)


def test_results_are_the_caller_s_own():
    step, X = tg.compile(square), np.ones((3, 2))
    params = {"W": np.ones((2, 3))}
    _J, first = step(params, X)
    kept = first["W"].copy()
    step({"W": np.zeros((2, 3))}, X)
    np.testing.assert_array_equal(first["W"], kept)
    first["W"][:] = 0.0
    np.testing.assert_array_equal(step(params, X)[1]["W"], kept)
    np.testing.assert_array_equal(params["W"], np.ones((2, 3)))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f8"])
def test_layouts_and_precisions_may_change_between_calls(order, dtype):
    step = tg.compile(square)
    for shape, m in (((2, 3), 4), ((5, 3), 4), ((2, 3), 1), ((2, 3), 4)):
        W = np.asarray(np.random.default_rng(0).normal(size=shape), dtype=dtype, order=order)
        X = np.random.default_rng(1).normal(size=(m, 3)).astype(dtype).T
        _, found = step({"W": W}, X)
        (want,) = eager(lambda W, X=X: square({"W": W}, X), W)[1]
        assert found["W"].shape == shape
        np.testing.assert_allclose(found["W"], want, rtol=1e-4 if dtype == np.float32 else 1e-12)


def test_arrays_and_tensors_alike_are_updated_where_they_stand():
    for make in (np.array, T):
        params = {"W": make(np.ones((1, 3)))}
        kept = params["W"]
        step = tg.compile(square, optimizer=tg.optim.SGD(lr=0.1))
        J = step(params, np.ones((3, 2)))
        assert isinstance(J, float)
        assert params["W"] is kept
        np.testing.assert_allclose(
            getattr(kept, "data", kept) if make is T else kept, np.full((1, 3), 1.0 - 0.1 * 12.0)
        )


def test_a_read_only_parameter_is_refused_before_anything_moves():
    W, b = np.ones((1, 2)), np.ones((1, 1))
    b.setflags(write=False)
    step = tg.compile(lambda p, X: np.sum((p["W"] @ X + p["b"]) ** 2), optimizer=tg.optim.SGD(lr=0.1))
    with pytest.raises((TypeError, ValueError, RuntimeError), match=r"read-only"):
        step({"W": W, "b": b}, np.ones((2, 3)))
    np.testing.assert_array_equal(b, [[1.0]])


def test_one_step_in_several_threads():
    step, X = tg.compile(square), np.ones((3, 2))
    wrong = []

    def work(k):
        W = np.full((2, 3), float(k))
        for _ in range(50):
            J, found = step({"W": W}, X)
            if abs(J - 36.0 * k * k) > 1e-9 or not np.allclose(found["W"], 12.0 * k):
                wrong.append((k, J))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert wrong == []


NAMES = ["np", "lambda", "1x", "J", "dW", "step", "m0", "t1", 'a"\n; raise SystemExit', "None", "X"]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_of_any_name(name):
    J, found = tg.compile(lambda p, X: np.sum(p[name] * X * X))({name: np.ones(2)}, np.full(2, 3.0))
    assert J == 18.0
    np.testing.assert_array_equal(found[name], [9.0, 9.0])


REFUSED = {
    "if": lambda p, X: np.sum(p["W"]) if np.sum(p["W"]) > 0 else np.sum(X),
    "float": lambda p, X: np.sum(p["W"]) * float(np.sum(p["W"])),
    "item": lambda p, X: np.sum(p["W"]) * np.sum(p["W"]).item(),
    "data": lambda p, X: np.sum(p["W"]) * p["W"].data[0],
    "while": lambda p, X: next(w for w in p["W"] if w > 0),
    "max of a list": lambda p, X: max(p["W"][0], p["W"][1]),
    "np.array": lambda p, X: np.sum(np.array(p["W"])),
    "an index": lambda p, X: np.sum(p["W"][X > 0]),
    "a number": lambda p, X: 3.0,
    "a vector": lambda p, X: p["W"] * X,
    "nothing": lambda p, X: None,
    "data alone": lambda p, X: np.sum(X),
}


@pytest.mark.parametrize("loss", REFUSED.values(), ids=REFUSED)
def test_what_would_be_frozen_in_or_has_no_gradient_is_refused(loss):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        tg.compile(loss)({"W": np.array([1.0, -2.0])}, np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    "bad", ["a", None, np.array([1j, 1.0]), np.array([1, 2]), np.array(["a"]), {}, slice(None)], ids=str
)
def test_parameters_that_are_no_floats_are_refused(bad):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        tg.compile(lambda p, X: np.sum(p["W"] * X))({"W": bad}, np.ones(2))
