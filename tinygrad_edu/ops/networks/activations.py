"""The networks' own operations: activations, and softmax and its kin. All are exact at saturation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import along
from tinygrad_edu.core.kinds import elementwise, reduction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.reduction.sums_and_extrema import expanded

__all__ = [
    "elu", "erf", "erfc", "gelu", "leaky_relu", "log_softmax", "logsumexp", "relu", "sigmoid", "silu",
    "softmax", "softplus",
]  # fmt: skip

Array = Any
Axis = int | tuple[int, ...] | None


def _in_floats(z: Array) -> Array:
    """Whole numbers, whose negation or difference could wrap, as the floats that ``np.exp`` gives."""
    dtype = getattr(z, "dtype", None)
    if dtype is None or dtype.kind == "f" or dtype == np.int64:
        return z
    return z.astype(np.result_type(dtype, np.float16))


# Activations


@elementwise(
    pullback=lambda g, y, z: g * y * (1 - y), latex=r"\sigma({z})", label="σ", onnx="Sigmoid",
    domain=(-4.0, 4.0), range=(0.0, 1.0), monotone=1,
)  # fmt: skip
def sigmoid(z: Array) -> Array:
    """σ(z) = 1 / (1 + e^-z), which neither overflows nor warns. Course: L2; σ' = a (1 - a), L8.

    >>> import tinygrad_edu as tg
    >>> tg.sigmoid(tg.Tensor([0.0, 1000.0, -1000.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    z = _in_floats(z)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


@elementwise(
    pullback=lambda g, y, z: g * np.greater(z, 0), latex=r"\max(0, {z})", label="relu", onnx="Relu",
    range=(0.0, np.inf), rounding=0.0, monotone=1, kink=lambda z: z,
)  # fmt: skip
def relu(z: Array) -> Array:
    """max(0, z); the slope at 0 is 0. Course: A3.

    >>> import tinygrad_edu as tg
    >>> tg.relu(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, 0.0]
    """
    return np.maximum(z, 0)


@elementwise(
    pullback=lambda g, y, z, *, slope=0.01: np.where(np.greater(z, 0), g, slope * g),
    latex=r"\max({slope}{z}, {z})", label="leaky relu", onnx="LeakyRelu", kink=lambda z, *, slope=0.01: z,
)  # fmt: skip
def leaky_relu(z: Array, *, slope: float = 0.01) -> Array:
    """max(slope z, z); at 0 the slope is the lower one. Course: A4, with slope 0.01.

    >>> import tinygrad_edu as tg
    >>> tg.leaky_relu(tg.Tensor([1.0, -2.0])).tolist()
    [1.0, -0.02]
    """
    return np.where(z > 0, z, slope * z)


@elementwise(
    pullback=lambda g, y, z: g * sigmoid(z), latex=r"\log(1 + e^{{{z}}})", onnx="Softplus",
    domain=(-4.0, 4.0), range=(0.0, np.inf), monotone=1,
)  # fmt: skip
def softplus(z: Array) -> Array:
    """log(1 + e^z), a smooth relu, without overflow. Its slope is the sigmoid.

    >>> import tinygrad_edu as tg
    >>> tg.softplus(tg.Tensor([1000.0, -1000.0])).tolist()
    [1000.0, 0.0]
    """
    z = _in_floats(z)
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _through_silu(g: Array, y: Array, z: Array) -> Array:
    s = sigmoid(z)
    return g * (s + y * (1 - s))


@elementwise(pullback=_through_silu, latex=r"{z} \, \sigma({z})", label="silu", domain=(-4.0, 4.0))
def silu(z: Array) -> Array:
    """z σ(z), also called swish. Source: D. Hendrycks, K. Gimpel, arXiv:1606.08415.

    >>> import tinygrad_edu as tg
    >>> tg.silu(tg.Tensor([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """
    return z * sigmoid(z)


def _through_elu(g: Array, y: Array, z: Array, *, alpha: float = 1.0) -> Array:
    return g * np.where(np.greater(z, 0), 1.0, alpha * np.exp(np.minimum(z, 0)))


@elementwise(
    pullback=_through_elu, latex=r"\operatorname{{elu}}({z})", onnx="Elu",
    kink=lambda z, *, alpha=1.0: z if alpha != 1 else z + np.inf, monotone=1,
)  # fmt: skip
def elu(z: Array, *, alpha: float = 1.0) -> Array:
    """z where it is positive, else alpha (e^z - 1); at 0 the slope is alpha.

    Source: D. Clevert et al., arXiv:1511.07289.

    >>> import tinygrad_edu as tg
    >>> tg.elu(tg.Tensor([2.0, -1000.0])).tolist()
    [2.0, -1.0]
    """
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _of_each_entry(f: Callable[[float], float], x: Array) -> Array:
    """Python's own f, which NumPy lacks."""
    flat = np.fromiter(map(f, np.ravel(x).tolist()), np.result_type(x, 0.0), np.size(x))
    return np.reshape(flat, np.shape(x))[()]


@elementwise(
    pullback=lambda g, y, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x),
    latex=r"\operatorname{{erf}} {x}", onnx="Erf", opaque=True, range=(-1.0, 1.0), monotone=1,
)  # fmt: skip
def erf(x: Array) -> Array:
    """The error function, 2/√π ∫₀ˣ e^(-t²) dt, to the last digit: Python's, entry by entry.

    >>> import tinygrad_edu as tg
    >>> round(tg.erf(tg.Tensor(1.0)).item(), 6)
    0.842701
    """
    return _of_each_entry(math.erf, x)


@elementwise(
    pullback=lambda g, y, x: -g * (2 / math.sqrt(math.pi)) * np.exp(-x * x),
    latex=r"\operatorname{{erfc}} {x}", opaque=True, range=(0.0, 2.0), monotone=-1,
)  # fmt: skip
def erfc(x: Array) -> Array:
    """1 - erf x, without cancellation for large x.

    >>> import tinygrad_edu as tg
    >>> f"{tg.erfc(tg.Tensor(10.0)).item():.4e}"
    '2.0885e-45'
    """
    return _of_each_entry(math.erfc, x)


_CUBIC = 0.044715
_SCALE = math.sqrt(2 / math.pi)


def _by_tanh(approximate: bool | str) -> bool:
    """Which formula of gelu is meant, in our words or in PyTorch's."""
    if approximate not in (True, False, "tanh", "none"):
        raise ValueError(f"approximate: expected True, False, 'tanh' or 'none', got {approximate!r}")
    return approximate in (True, "tanh")


def _through_gelu(g: Array, y: Array, z: Array, *, approximate: bool | str = False) -> Array:
    if _by_tanh(approximate):
        t = np.tanh(_SCALE * (z + _CUBIC * z * z * z))
        return g * (0.5 * (1 + t) + 0.5 * z * (1 - t * t) * _SCALE * (1 + 3 * _CUBIC * z * z))
    return g * (0.5 * erfc(-z / math.sqrt(2)) + z * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


_GELU = [Sample((shape,), {"approximate": a}) for a in (False, True) for shape in ((3, 4), (), (0, 3))]


@elementwise(pullback=_through_gelu, latex=r"{z} \, \Phi({z})", label="gelu", samples=_GELU, rounding=np.inf)
def gelu(z: Array, *, approximate: bool | str = False) -> Array:
    """z Φ(z), where Φ is the normal distribution's; ``approximate`` takes its tanh formula, which is faster.

    Source: D. Hendrycks, K. Gimpel, arXiv:1606.08415.

    >>> import tinygrad_edu as tg
    >>> tg.gelu(tg.Tensor([0.0, 1.0])).round(6).tolist()
    [0.0, 0.841345]
    """
    if _by_tanh(approximate):
        return 0.5 * z * (1 + np.tanh(_SCALE * (z + _CUBIC * z * z * z)))
    return 0.5 * z * erfc(-(z / math.sqrt(2)))


# Softmax and its kin

_AXES = [Sample(((3, 4),), {"axis": a}) for a in (0, 1, -1, (0, 1), None)]
_AXES += [
    Sample(((5,),)),
    Sample(((2, 3, 4),), {"axis": (0, 2)}),
    Sample(((2, 3, 4),), {"axis": 1}),
    Sample(((3, 0),)),
]


@elementwise(
    axes=along(0, flattens=False),
    pullback=lambda g, y, z, *, axis=0: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
    latex=r"\operatorname{{softmax}}{settings}({z})", onnx="Softmax", samples=_AXES, range=(0.0, 1.0),
)  # fmt: skip
def softmax(z: Array, *, axis: Axis = 0) -> Array:
    """e^z / Σ e^z over axes: by default the classes of one example, which stand in its column.

    ``axis`` is one axis or several, over which e^z is added up.

    >>> import tinygrad_edu as tg
    >>> tg.softmax(tg.Tensor([[0.0], [0.0]])).tolist()
    [[0.5], [0.5]]
    """
    z = _in_floats(z)
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@elementwise(
    axes=along(0, flattens=False),
    pullback=lambda g, y, z, *, axis=0: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
    latex=r"\log\operatorname{{softmax}}{settings}({z})", onnx="LogSoftmax", samples=_AXES,
    range=(-np.inf, 0.0), rounding=np.inf)  # fmt: skip
def log_softmax(z: Array, *, axis: Axis = 0) -> Array:
    """log(e^z / Σ e^z) over axes, exact where a probability would round to 0.

    ``axis`` is one axis or several, over which e^z is added up.

    >>> import tinygrad_edu as tg
    >>> tg.log_softmax(tg.Tensor([[1000.0], [0.0]])).tolist()
    [[0.0], [-1000.0]]
    """
    z = _in_floats(z)
    z = z - np.max(z, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def _through_logsumexp(g: Array, y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    y = expanded(y, x, axis, keepdims)
    weights = np.exp(x - np.where(np.equal(y, -np.inf), 0.0, y))
    total = np.sum(weights, axis=axis, keepdims=True)  # 1, but for the digits y lost where x is large
    return expanded(g, x, axis, keepdims) * weights / np.where(np.equal(total, 0), 1.0, total)


@reduction(
    pullback=_through_logsumexp, latex=r"\log \sum{settings} e^{{{x}}}", onnx="ReduceLogSumExp",
    empty=False, monotone=1, rounding=np.inf,
)  # fmt: skip
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """log Σ e^x over axes, shifted by the largest entry so that nothing overflows. Its slope is the softmax.

    Where every entry is -inf, so is the sum, and the slope is 0.

    ``axis`` is one axis or several, None for all; with ``keepdims`` they stay, of length 1.

    >>> import tinygrad_edu as tg
    >>> round(tg.logsumexp(tg.Tensor([1000.0, 1000.0])).item(), 4)
    1000.6931
    """
    top = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis=axis)
