"""The operations of arithmetic, by the NumPy functions that they answer to, and numbers as on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.expression.node import Node, array, number
from tinygrad_edu.expression.recording import op_of

__all__ = [
    "ABSOLUTE", "ADD", "BROADCAST", "DIVIDE", "EQUAL", "EXP", "MATMUL", "MEAN", "MULTIPLY", "NEGATIVE",
    "POWER", "RECIPROCAL", "SQUARE", "SUBTRACT", "SUM", "TRANSPOSE", "WHERE", "constant", "plain",
]  # fmt: skip

ADD, SUBTRACT, MULTIPLY, DIVIDE = op_of(np.add), op_of(np.subtract), op_of(np.multiply), op_of(np.divide)
NEGATIVE, SQUARE, POWER = op_of(np.negative), op_of(np.square), op_of(np.power)
RECIPROCAL, ABSOLUTE, EXP = op_of(np.reciprocal), op_of(np.absolute), op_of(np.exp)
EQUAL, WHERE = op_of(np.equal), op_of(np.where)
MATMUL, TRANSPOSE, BROADCAST = op_of(np.matmul), op_of(np.transpose), op_of(np.broadcast_to)
SUM, MEAN = op_of(np.sum), op_of(np.mean)


def plain(value: Any) -> Node:
    """A number as one writes it on paper: 2 for 2.0, whatever its dtype.

    >>> plain(2.0) is plain(np.float32(2)), plain(0.5)
    (True, <0.5>)
    """
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return number(value)


def constant(value: Any) -> Node:
    """A number; an array whose entries are all alike is one too, and takes its shape from what it meets."""
    found = np.asarray(value)
    if found.ndim == 0 or (found.size and (found == found.flat[0]).all()):
        return plain(found.flat[0])
    return array(value)
