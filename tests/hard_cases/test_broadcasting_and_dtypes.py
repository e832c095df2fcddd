"""Broadcasting undone, precision kept: float32 stays float32, and only real numbers enter."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences

SHAPES = [(), (1,), (3,), (2, 1), (1, 3), (2, 3), (1, 1, 3), (4, 2, 3), (0, 3), (2, 0), (1, 1, 1, 1)]


def fits(*shapes):
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


PAIRS = [pair for pair in itertools.product(SHAPES, SHAPES) if fits(*pair)]
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "max": np.maximum,
    "where": lambda a, b: np.where(a > b, a, b),
    "hypot": np.hypot,
}


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=str)
def test_every_pair_of_shapes_gets_gradients_of_its_own_shape(left, right):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 1.5, left), rng.uniform(0.5, 1.5, right)
    agrees_with_differences(lambda a, b: a * b + a / b, a, b)


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_python_numbers_never_widen(sign, dtype):
    f = OPERATORS[sign]
    for number in (2, 2.5, True):
        for result in (
            f(T([1.0, 3.0], dtype), number),
            f(number, T([1.0, 3.0], dtype)),
            f(T(3.0, dtype), number),
        ):
            assert result.dtype == dtype


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(
    "other",
    [
        np.float32(2),
        np.float64(2),
        np.int64(2),
        np.ones(2),
        np.ones(2, np.float32),
        np.array([1, 2], np.int8),
    ],
)
def test_arrays_and_numpy_numbers_mix_as_in_numpy(sign, other):
    f, x = OPERATORS[sign], np.array([1.0, 3.0], np.float32)
    t = T(x, np.float32)
    assert f(t, other).dtype == f(x, other).dtype
    y = np.sum(f(t, other))
    y.backward()
    assert t.grad.dtype == np.float32


FLOAT32 = [
    np.exp,
    np.log,
    np.sqrt,
    np.tanh,
    np.sum,
    np.mean,
    np.var,
    np.std,
    np.prod,
    np.cumsum,
    np.cumprod,
    np.max,
    np.sort,
    np.median,
    np.ptp,
    np.linalg.norm,
    np.linalg.det,
    np.linalg.inv,
    np.trace,
    np.diff,
    np.ravel,
    tg.sigmoid,
    tg.relu,
    tg.leaky_relu,
    tg.gelu,
    tg.softplus,
    tg.softmax,
    tg.log_softmax,
    tg.logsumexp,
    lambda x: np.quantile(x, 0.3),
    lambda x: np.clip(x, 0, 1.5),
    lambda x: np.pad(x, 1),
    lambda x: np.where(x > 1, x, 0.0),
    lambda x: x @ x,
    lambda x: np.einsum("ij,jk->", x, x),
    lambda x: np.average(x, axis=0),
    lambda x: x**0.5,
    lambda x: np.concatenate([x, x]),
    lambda x: x / 3,
    lambda x: np.logaddexp(x, 0.5),
    np.trapezoid,
    lambda x: tg.conv2d(x.reshape(1, 2, 2, 1), x.reshape(2, 2, 1, 1)),
    lambda x: tg.max_pool2d(x.reshape(1, 2, 2, 1), 2),
    lambda x: tg.binary_cross_entropy_with_logits(x, np.ones((2, 2), np.float32)),
    lambda x: tg.softmax_cross_entropy(x, np.eye(2, dtype=np.float32)),
    lambda x: tg.dropout(x, 0.5, rng=np.random.default_rng(0)),
]


@pytest.mark.parametrize("f", FLOAT32, ids=range(len(FLOAT32)))
def test_single_precision_stays_single(f):
    x = T([[1.0, 0.5], [0.25, 2.0]], np.float32)
    y = f(x)
    assert y.dtype == np.float32
    (g,) = tg.grad(y, [x], np.ones(y.shape), create_graph=True)
    assert g.dtype == np.float32
    y.backward(np.ones(y.shape))
    assert x.grad.dtype == np.float32


def test_gradients_arrive_in_each_leaf_s_own_precision():
    half, single, double = (T([1.0, 2.0], d) for d in (np.float16, np.float32, np.float64))
    np.sum(half * single * double).backward()
    assert [t.grad.dtype for t in (half, single, double)] == [np.float16, np.float32, np.float64]


@pytest.mark.parametrize(
    "spread",
    [
        lambda b, C: b * C,
        lambda b, C: np.where(C > 0, b * np.float32(0.1), C),
        lambda b, C: np.broadcast_to(b, C.shape) * C,
        lambda b, C: np.tile(b, (len(C), 1)) * C,
        lambda b, C: np.repeat(b, len(C), axis=0) * C,
        lambda b, C: b[[0] * len(C)] * C,
    ],
)
def test_many_equal_float32_add_up(spread):
    b = T(np.ones((1, 2)), np.float32)
    spread(b, np.full((200_000, 2), 0.1, np.float32)).sum().backward()
    np.testing.assert_allclose(b.grad, 20_000, rtol=1e-4)


@pytest.mark.parametrize("order", [">f8", "<f8", ">f4"])
def test_either_byte_order(order):
    values = np.array([[1.0, 2.0], [3.0, 5.0]], order)
    x = tg.Tensor(values)
    np.sum(np.linalg.inv(x) @ x + np.exp(x)).backward()
    np.testing.assert_allclose(x.grad, np.exp(values), rtol=1e-4)


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda a: a.T.copy().T,
        lambda a: a[::-1, ::-1],
        lambda a: np.repeat(a, 2, 1)[:, ::2],
        lambda a: np.lib.stride_tricks.as_strided(a, a.shape, a.strides),
        lambda a: a.astype(np.float64, subok=True),
    ],
)
def test_memory_layout_does_not_matter(layout):
    base = np.arange(1.0, 7.0).reshape(2, 3)
    x = layout(base)
    t, w = tg.Tensor(x), T(np.ones((3, 2)))
    np.sum(np.tanh(t @ w) * t[:, :2]).backward()
    plain, v = T(x.copy()), T(np.ones((3, 2)))
    np.sum(np.tanh(plain @ v) * plain[:, :2]).backward()
    np.testing.assert_array_equal(t.grad, plain.grad)
    np.testing.assert_array_equal(w.grad, v.grad)


NOT_REAL = [
    1j,
    np.complex128(1j),
    np.complex64(1),
    np.array([1j, 2.0]),
    "abc",
    np.str_("abc"),
    b"abc",
    None,
    object(),
    np.array([1.0, None], dtype=object),
    np.datetime64("2020-01-01"),
    np.timedelta64(1, "D"),
    np.array(["2020"], "M8[D]"),
    np.zeros(2, dtype=[("a", float)]),
    {"a": 1},
    {1.0},
    Fraction(1, 2),
    Decimal(2),
    np.ma.masked_array([1.0, 2.0], [0, 1]),
    lambda: 1,
]


@pytest.mark.parametrize("value", NOT_REAL, ids=lambda v: type(v).__name__)
def test_nothing_but_real_numbers_becomes_a_tensor(value):
    with pytest.raises(TypeError):
        tg.Tensor(value)


@pytest.mark.parametrize("value", NOT_REAL, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize(
    "use",
    [
        lambda t, v: t * v,
        lambda t, v: v * t,
        lambda t, v: t + v,
        np.multiply,
        lambda t, v: np.maximum(v, t),
        lambda t, v: t @ v,
        lambda t, v: np.where([True, False], t, v),
        lambda t, v: t**v,
    ],
)
def test_nothing_but_real_numbers_meets_a_tensor(use, value):
    t = T([1.0, 2.0])
    with pytest.raises((TypeError, ValueError)):
        use(t, value)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_np_matrix_is_refused_because_its_product_is_another():
    M, t = np.matrix([[1.0, 2.0], [3.0, 4.0]]), T(np.eye(2))
    for use in (lambda: M * t, lambda: t * M, lambda: t @ M, lambda: tg.Tensor(M)):
        with pytest.raises(TypeError, match=r"np\.matrix"):
            use()


@pytest.mark.parametrize("f", [np.ma.exp, np.ma.sum, np.ma.array, lambda t: np.ma.multiply(t, 2.0)])
def test_masked_arrays_do_not_take_the_value_past_its_history(f):
    with pytest.raises(TypeError, match="history"):
        f(T([1.0, 2.0]))
    with pytest.raises(TypeError, match="history"):
        np.ma.masked_array([1.0, 2.0], [0, 1]) * T([1.0, 2.0])


@pytest.mark.parametrize("dtype", [complex, object, "U5", "M8[D]", np.complex64])
def test_no_dtype_but_real_ones(dtype):
    with pytest.raises(TypeError, match="expected real numbers"):
        tg.Tensor([1.0, 2.0], dtype=dtype)


@pytest.mark.parametrize("put", ["x.data = v", "x.grad = v", "(x * 2).backward(v)", "tg.grad(x * 2, [x], v)"])
def test_complex_numbers_are_refused_where_numpy_would_only_warn(put):
    with pytest.raises(TypeError, match="expected real numbers"):
        exec(put, {"x": T([1.0, 2.0]), "v": np.array([1j, 1.0]), "tg": tg})


@pytest.mark.parametrize(
    "value", [np.array([1, 2]), np.array([True]), [1, 2], True, np.int32(3), np.array(2)]
)
def test_integers_and_booleans_are_constants(value):
    x = tg.Tensor(value)
    assert not x.requires_grad
    with pytest.raises(TypeError, match="floating-point"):
        tg.Tensor(value, requires_grad=True)
    with pytest.raises(TypeError, match="constant"):
        tg.grad(T(1.0) * 2, [x])


def test_a_gradient_of_integers_is_refused_when_asked_for_later_too():
    x = tg.Tensor([1, 2])
    x.requires_grad = True
    for y in (np.sum(x * 2.0), np.sum(x), np.sum(np.exp(x))):
        with pytest.raises(TypeError, match="dtype int64"):
            y.backward()


def test_python_numbers_become_doubles():
    for number in (3, 3.0, 10**30, np.float64(3), -0.0):
        assert tg.Tensor(number).dtype == np.float64
        assert tg.Tensor(number).requires_grad


def test_integers_times_floats_are_differentiated():
    n, x = tg.Tensor([1, 2, 3]), T([1.0, 1.0, 1.0])
    J = np.sum(n * x) / 2
    J.backward()
    np.testing.assert_array_equal(x.grad, [0.5, 1.0, 1.5])
    assert n.grad is None
