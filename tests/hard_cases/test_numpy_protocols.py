"""NumPy's functions and arrays meet Tensors: a Tensor comes out, or an error that says what to do."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

LEFT = [
    np.ones((2, 2)),
    np.float64(2),
    np.float32(2),
    np.int64(2),
    np.bool_(True),
    2,
    2.0,
    True,
    [[1.0, 1.0], [1.0, 1.0]],
]
SIGNS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("left", LEFT, ids=lambda v: type(v).__name__)
def test_whatever_stands_on_the_left(sign, left):
    x = np.array([[1.5, 2.5], [3.5, 4.5]])
    for result, expected in (
        (SIGNS[sign](left, T(x)), SIGNS[sign](np.asarray(left), x)),
        (SIGNS[sign](T(x), left), SIGNS[sign](x, np.asarray(left))),
    ):
        assert isinstance(result, tg.Tensor)
        np.testing.assert_array_equal(result.data, expected)


def test_matmul_from_the_left():
    for left in (np.ones((3, 2)), [[1.0, 1.0]], np.ones(2)):
        assert isinstance(left @ T(np.ones((2, 2))), tg.Tensor)


@pytest.mark.parametrize(
    "write", ["a += t", "a -= t", "a *= t", "a /= t", "a **= t", "a @= t", "a //= t", "a %= t"]
)
def test_an_array_does_not_take_a_tensor_in_place(write):
    with pytest.raises((TypeError, ValueError), match="Tensor"):
        exec(write, {"a": np.ones((2, 2)), "t": T(np.ones((2, 2)))})


@pytest.mark.parametrize("write", ["a += t", "a *= t", "a /= t"])
def test_a_number_does(write):
    for number in (2.0, np.float64(2.0)):
        scope = {"a": number, "t": T(3.0)}
        exec(write, scope)
        assert isinstance(scope["a"], tg.Tensor)


LOSSES = {
    "np.array": np.array,
    "np.asarray": np.asarray,
    "asanyarray": np.asanyarray,
    "np.array of a list": lambda t: np.array([t, t]),
    "object array": lambda t: np.array([t, t], dtype=object),
    "float": float,
    "int": int,
    "complex": complex,
    "np.float64": np.float64,
    "math.exp": math.exp,
    "math.sqrt": math.sqrt,
    "math.floor": math.floor,
    "math.ceil": math.ceil,
    "math.isclose": lambda t: math.isclose(t, 1.0),
    "math.fsum": lambda t: math.fsum([t]),
    "%f": "%f".__mod__,
    "a[0] = t": lambda t: np.zeros(2).__setitem__(0, t),
    "a[:] = t": lambda t: np.zeros(2).__setitem__(slice(None), t),
    "np.full": lambda t: np.full(3, t),
    "np.fromiter": lambda t: np.fromiter([t], float),
    "np.arange": np.arange,
    "np.r_": lambda t: np.r_[t, 1.0],
    "np.vectorize": np.vectorize(lambda v: v + 1.0),
    "np.random": lambda t: np.random.default_rng(0).normal(t),
    "np.copyto": lambda t: np.copyto(np.zeros(()), t),
    "np.matrix": np.matrix,
    "out=": lambda t: np.exp(t, out=np.zeros(())),
    "np.add.at": lambda t: np.add.at(np.zeros(2), 0, t),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_history_is_never_lost_without_a_word(lose):
    with pytest.raises((TypeError, ValueError, tg.HistoryLostWarning)):
        lose(T(1.0))


@pytest.mark.parametrize(
    "take", [np.array, float, math.exp, np.float64, "%f".__mod__, lambda t: np.full(1, t)]
)
def test_constants_are_taken_as_they_are(take):
    take(tg.Tensor(1.0, requires_grad=False))
    take(T(1.0).detach())


def test_the_error_says_what_to_do():
    with pytest.raises(TypeError, match=r"history.*np\.stack.*detach"):
        np.array([T(1.0), T(2.0)])
    with pytest.raises(TypeError, match=r"histogram"):
        np.histogram(T([1.0]))
    with pytest.raises(TypeError, match=r"np\.fft\.fft.*complex"):
        np.fft.fft(T([1.0]))
    with pytest.raises(TypeError, match=r"tg\.define"):
        np.frompyfunc(lambda v: v, 1, 1)(T([1.0]))


UFUNC_METHODS = [
    np.add.accumulate,
    lambda t: np.add.outer(t, t),
    lambda t: np.add.reduceat(t, [0]),
    lambda t: np.add.at(t, [0], 1.0),
    np.logaddexp.reduce,
    np.power.accumulate,
]


@pytest.mark.parametrize("call", UFUNC_METHODS)
def test_a_method_of_a_ufunc_works_or_is_refused(call):
    try:
        result = call(T([1.0, 2.0]))
    except TypeError:
        with pytest.raises(TypeError, match=r"np\..*derivative rule"):
            call(T([1.0, 2.0]))
    else:
        assert isinstance(result, tg.Tensor)


@pytest.mark.parametrize(
    ("ufunc", "function"),
    [(np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max), (np.minimum, np.min)],
)
@pytest.mark.parametrize("settings", [{}, {"axis": 1}, {"axis": None}, {"axis": 0, "keepdims": True}])
def test_ufunc_reduce_is_the_reduction(ufunc, function, settings):
    values = np.array([[1.0, 2.0], [3.0, 5.0]])
    x, y = T(values), T(values)
    result, wanted = ufunc.reduce(x, **settings), function(y, **{"axis": 0, **settings})
    np.testing.assert_array_equal(result.data, ufunc.reduce(values, **settings))
    result.sum().backward()
    wanted.sum().backward()
    np.testing.assert_array_equal(x.grad, y.grad)


SETTINGS = [
    lambda x: np.sum(x, dtype=np.float64),
    lambda x: np.sum(x, where=[True, False]),
    lambda x: np.sum(x, initial=5.0),
    lambda x: np.max(x, initial=1.5),
    lambda x: np.add(x, 1.0, dtype=np.float64),
    lambda x: np.mean(x, where=[True, False]),
    lambda x: np.clip(x, None, 1.5),
    lambda x: np.clip(x, 1.5, None),
    lambda x: np.std(x, ddof=1),
    lambda x: np.round(x, 1),
    lambda x: np.sum(x, None),
    lambda x: np.sum(x, 0),
    lambda x: np.concatenate([x, x], axis=None),
    lambda x: np.exp(x, where=[True, False]),
]


@pytest.mark.parametrize("call", SETTINGS, ids=range(len(SETTINGS)))
def test_a_setting_is_honoured_or_refused_never_ignored(call):
    values = np.array([1.0, 2.0])
    try:
        result = call(T(values))
    except TypeError:
        with pytest.raises(TypeError, match=r"support|settings"):
            call(T(values))
    else:
        np.testing.assert_allclose(result.data, call(values))


@pytest.mark.parametrize(
    "name",
    [
        "isnan",
        "isfinite",
        "argmax",
        "argsort",
        "any",
        "count_nonzero",
        "shape",
        "ndim",
        "iscomplexobj",
        "result_type",
        "zeros_like",
        "ones_like",
        "sign",
        "signbit",
        "nonzero",
        "array_equal",
        "allclose",
        "isclose",
        "logical_not",
    ],
)
def test_questions_are_answered(name):
    values = np.array([[1.0, 0.0], [np.inf, 2.0]])
    f = getattr(np, name)
    args = (values,) if name in ("array_equal", "allclose", "isclose") else ()
    got, want = f(T(values), *args), f(values, *args)
    np.testing.assert_equal(getattr(got, "data", got) if isinstance(got, tg.Tensor) else got, want)


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons_give_plain_booleans_either_way_round(sign):
    values, other = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])
    want = eval(f"a {sign} b", {"a": values, "b": other})
    for a, b in ((T(values), other), (values, T(other)), (T(values), T(other))):
        got = eval(f"a {sign} b", {"a": a, "b": b})
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, want)


def test_printing_and_saving_a_tensor_is_about_its_value(tmp_path):
    x = T([1.0, 2.0])
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), [1.0, 2.0])
    assert np.array2string(x) == "[1. 2.]"


def test_matplotlib_gets_numbers():
    plt = pytest.importorskip("matplotlib.pyplot", reason="needs the extra 'plot'")
    figure, axes = plt.subplots()
    x = T([1.0, 2.0, 3.0])
    for draw in (axes.plot, axes.hist, lambda t: axes.scatter(t, t), lambda t: axes.imshow(t.reshape(1, 3))):
        draw(x)
    figure.canvas.draw()
    axes.plot(x.detach())
    axes.plot(x.data)
    plt.close(figure)


def test_scipy_s_functions_are_refused_by_name():
    special = pytest.importorskip("scipy.special", reason="needs the extra 'sklearn'")
    with pytest.raises(TypeError, match="expit"):
        special.expit(T([1.0]))


def test_np_testing_takes_constants():
    np.testing.assert_allclose(T([1.0, 2.0]).detach(), [1.0, 2.0])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(T([1.0, 2.0]).detach(), [1.0, 3.0])
    with pytest.raises(TypeError, match="history"):
        np.testing.assert_allclose(T([1.0, 2.0]), [1.0, 2.0])
