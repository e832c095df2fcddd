"""Keeps formulas from overflowing where they compute with integers, and the recording used floats."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from tinygrad_edu.expression.node import FLOAT, Node, applied, number
from tinygrad_edu.expression.recording import op_of
from tinygrad_edu.expression.shapes import dtype_of
from tinygrad_edu.expression.walk import in_order
from tinygrad_edu.ops.movement.shapes import astype


def computed_in_floats(node: Node, dtype: np.dtype[Any], recorded: AbstractSet[Node]) -> Node:
    """The formula of a float, with integers made floats before arithmetic that was not done in integers.

    Where ``w * X * X`` was recorded with bytes X, its derivative ``X * X`` would wrap at 256.

    Args:
        node: the formula, rewritten.
        dtype: that of its value.
        recorded: what was computed as it stands, and so keeps NumPy's dtypes, wrapping or not.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression import number, quantity, write
    >>> from tinygrad_edu.expression.node import FLOAT
    >>> X = quantity("X", (2,), np.uint8)
    >>> write(computed_in_floats(applied(tg.multiply, number(3), X), FLOAT, frozenset()))
    '3 * X.astype(np.float64)'
    >>> write(computed_in_floats(applied(tg.greater, X, number(3)), FLOAT, frozenset()))
    '1.0 * (X > 3)'
    """
    if dtype.kind != "f":
        return node
    done: dict[Node, Node] = {}
    for one in in_order(node):
        if one.op is None or (one in recorded and one.dtype.kind != "f"):
            done[one] = one
            continue
        args = [done[a] for a in one.args]
        if _wraps(one, args):
            k = max(range(len(args)), key=lambda k: (not args[k].is_number, args[k].dtype.itemsize, -k))
            args[k] = applied(astype, args[k], settings={"dtype": dtype})
        changed = tuple(args) != one.args
        done[one] = applied(one.rule, *args, settings=one.settings, shape=one.shape) if changed else one
    found = done[node]
    if found.dtype.kind != "b":
        return found
    if dtype == FLOAT:  # a comparison gives 1 or 0, and no gradient is True
        return applied(op_of(np.multiply), number(1.0), found, shape=found.shape)
    return applied(astype, found, settings={"dtype": dtype})


def _wraps(node: Node, args: list[Node]) -> bool:
    """Whether NumPy does the arithmetic in integers or booleans, except in a product of comparisons."""
    op = node.rule
    if op.constant or op.moves or op.silent or any(a.dtype.kind == "f" and not a.is_number for a in args):
        return False
    if all(a.is_number for a in args):
        return False
    found: np.dtype[Any] = dtype_of(op, args, node.settings)
    asked = all(a.dtype.kind == "b" for a in args) and op.linear_in(0) and op.linear_in(1)
    return found.kind in "iub" and not asked
