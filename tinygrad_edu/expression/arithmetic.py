"""The operations of arithmetic, by the NumPy functions that they answer to, and numbers as on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op
from tinygrad_edu.expression.node import Node, array, number
from tinygrad_edu.expression.recording import op_of

ADD, SUBTRACT, MULTIPLY, DIVIDE = op_of(np.add), op_of(np.subtract), op_of(np.multiply), op_of(np.divide)
NEGATIVE, POSITIVE, COPYSIGN = op_of(np.negative), op_of(np.positive), op_of(np.copysign)
SQUARE, POWER, SQRT, RECIPROCAL = op_of(np.square), op_of(np.power), op_of(np.sqrt), op_of(np.reciprocal)
ABSOLUTE, EXP, LOG, LOG1P = op_of(np.absolute), op_of(np.exp), op_of(np.log), op_of(np.log1p)
TANH, MAXIMUM, MINIMUM = op_of(np.tanh), op_of(np.maximum), op_of(np.minimum)
LOGADDEXP = op_of(np.logaddexp)
EQUAL, WHERE, GREATER, LESS = op_of(np.equal), op_of(np.where), op_of(np.greater), op_of(np.less)
GREATER_EQUAL, LESS_EQUAL = op_of(np.greater_equal), op_of(np.less_equal)
MATMUL, TRANSPOSE, BROADCAST = op_of(np.matmul), op_of(np.transpose), op_of(np.broadcast_to)
RESHAPE, EXPAND_DIMS = op_of(np.reshape), op_of(np.expand_dims)
SUM, MEAN, PROD, MAX, MIN = op_of(np.sum), op_of(np.mean), op_of(np.prod), op_of(np.max), op_of(np.min)


def kernels(*ops: Op) -> frozenset[str]:
    """The names of their kernels, by which copies of them are recognised too."""
    return frozenset(op.kernel for op in ops)


def plain(value: Any) -> Node:
    """A number as written on paper: 2 for 2.0, whatever its dtype.

    >>> plain(2.0) is plain(np.float32(2)), plain(0.5)
    (True, <0.5>)
    """
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return number(value)


def constant(value: Any) -> Node:
    """A number. An array of equal entries counts as one, and takes its shape from the other operand."""
    found = np.asarray(value)
    if found.ndim == 0 or (found.size and (found == found.flat[0]).all()):
        return plain(found.flat[0])
    return array(value)
