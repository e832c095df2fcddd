"""Comparisons and tests of each entry: booleans, without a gradient. On Tensors they give plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.facts import AND, COMPARE, OR, XOR, infix
from tinygrad_edu.core.kinds import elementwise

__all__ = [
    "equal", "greater", "greater_equal", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "less",
    "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "not_equal", "signbit",
]  # fmt: skip

Array = Any


@elementwise(
    pullback=(None, None), latex=r"({a} > {b})", label=">", range=(0.0, 1.0),
    sign=infix(">", COMPARE, left=OR, right=OR, label=">", latex=r">"), onnx="Greater",
)  # fmt: skip
def greater(a: Array, b: Array) -> Array:
    """Whether a > b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.greater(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [False, True]
    """
    return np.greater(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} \ge {b})", label=">=", range=(0.0, 1.0),
    sign=infix(">=", COMPARE, left=OR, right=OR, label="≥", latex=r"\ge"), onnx="GreaterOrEqual",
)  # fmt: skip
def greater_equal(a: Array, b: Array) -> Array:
    """Whether a >= b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.greater_equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [True, True]
    """
    return np.greater_equal(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} < {b})", label="<", range=(0.0, 1.0),
    sign=infix("<", COMPARE, left=OR, right=OR, label="<", latex=r"<"), onnx="Less",
)  # fmt: skip
def less(a: Array, b: Array) -> Array:
    """Whether a < b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.less(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [False, False]
    """
    return np.less(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} \le {b})", label="<=", range=(0.0, 1.0),
    sign=infix("<=", COMPARE, left=OR, right=OR, label="≤", latex=r"\le"), onnx="LessOrEqual",
)  # fmt: skip
def less_equal(a: Array, b: Array) -> Array:
    """Whether a <= b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.less_equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [True, False]
    """
    return np.less_equal(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} = {b})", label="==", range=(0.0, 1.0), commutative=True,
    sign=infix("==", COMPARE, left=OR, right=OR, label="=", latex=r"="), onnx="Equal",
)  # fmt: skip
def equal(a: Array, b: Array) -> Array:
    """Whether a equals b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [True, False]
    """
    return np.equal(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} \ne {b})", label="!=", range=(0.0, 1.0), commutative=True,
    sign=infix("!=", COMPARE, left=OR, right=OR, label="≠", latex=r"\ne"),
)  # fmt: skip
def not_equal(a: Array, b: Array) -> Array:
    """Whether a differs from b, entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.not_equal(tg.Tensor([1.0, 2.0]), 1.0).tolist()
    [False, True]
    """
    return np.not_equal(a, b)


@elementwise(pullback=None, latex=r"\operatorname{{isnan}}({x})", range=(0.0, 1.0), onnx="IsNaN")
def isnan(x: Array) -> Array:
    """Whether an entry is nan: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.isnan(tg.Tensor([0.0, float("nan")])).tolist()
    [False, True]
    """
    return np.isnan(x)


@elementwise(pullback=None, latex=r"\operatorname{{isinf}}({x})", range=(0.0, 1.0), onnx="IsInf")
def isinf(x: Array) -> Array:
    """Whether an entry is infinite: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.isinf(tg.Tensor([0.0, float("-inf")])).tolist()
    [False, True]
    """
    return np.isinf(x)


@elementwise(pullback=None, latex=r"\operatorname{{isfinite}}({x})", range=(0.0, 1.0))
def isfinite(x: Array) -> Array:
    """Whether an entry is neither infinite nor nan: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.isfinite(tg.Tensor([0.0, float("nan")])).tolist()
    [True, False]
    """
    return np.isfinite(x)


@elementwise(pullback=None, latex=r"({x} = \infty)", range=(0.0, 1.0))
def isposinf(x: Array) -> Array:
    """Whether an entry is +infinity: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.isposinf(tg.Tensor([float("inf"), float("-inf")])).tolist()
    [True, False]
    """
    return np.isposinf(x)


@elementwise(pullback=None, latex=r"({x} = -\infty)", range=(0.0, 1.0))
def isneginf(x: Array) -> Array:
    """Whether an entry is -infinity: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.isneginf(tg.Tensor([float("inf"), float("-inf")])).tolist()
    [False, True]
    """
    return np.isneginf(x)


@elementwise(pullback=None, latex=r"\operatorname{{signbit}}({x})", range=(0.0, 1.0))
def signbit(x: Array) -> Array:
    """Whether an entry has a minus sign, as -0.0 has: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.signbit(tg.Tensor([1.0, -0.0])).tolist()
    [False, True]
    """
    return np.signbit(x)


@elementwise(pullback=None, latex=r"\neg {x}", range=(0.0, 1.0), onnx="Not")
def logical_not(x: Array) -> Array:
    """Whether an entry is 0, that is false: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.logical_not(tg.Tensor([1.0, 0.0])).tolist()
    [False, True]
    """
    return np.logical_not(x)


@elementwise(
    pullback=(None, None), latex=r"({a} \land {b})", range=(0.0, 1.0), commutative=True, associative=True,
    sign=infix("&", AND, label="∧", latex=r"\land", booleans=True), onnx="And",
)  # fmt: skip
def logical_and(a: Array, b: Array) -> Array:
    """Whether both are true (not 0), entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.logical_and(tg.Tensor([1.0, 0.0]), 1.0).tolist()
    [True, False]
    """
    return np.logical_and(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} \lor {b})", range=(0.0, 1.0), commutative=True, associative=True,
    sign=infix("|", OR, label="∨", latex=r"\lor", booleans=True), onnx="Or",
)  # fmt: skip
def logical_or(a: Array, b: Array) -> Array:
    """Whether one or both are true (not 0), entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.logical_or(tg.Tensor([1.0, 0.0]), 1.0).tolist()
    [True, True]
    """
    return np.logical_or(a, b)


@elementwise(
    pullback=(None, None), latex=r"({a} \oplus {b})", range=(0.0, 1.0), commutative=True, associative=True,
    sign=infix("^", XOR, label="⊕", latex=r"\oplus", booleans=True), onnx="Xor",
)  # fmt: skip
def logical_xor(a: Array, b: Array) -> Array:
    """Whether exactly one is true (not 0), entry by entry: plain booleans, without a gradient.

    >>> import tinygrad_edu as tg
    >>> tg.logical_xor(tg.Tensor([1.0, 0.0]), 1.0).tolist()
    [False, True]
    """
    return np.logical_xor(a, b)
