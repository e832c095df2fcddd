"""NumPy code run on names: what it does with them is an expression."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.decomposition import recorded_since, stand_in
from tinygrad_edu.expression.node import Node, applied, array, quantity
from tinygrad_edu.expression.walk import Open


def op_of(function: Callable[..., Any]) -> Op:
    """The operation that answers to a NumPy function.

    >>> op_of(np.where)
    <op where>
    """
    op = NUMPY[function]
    assert isinstance(op, Op)
    return op


def recorded(result: Any, known: Mapping[Tensor, Node], *, sized: bool = True) -> Node:
    """What was recorded on the way from the known Tensors to the result.

    Where it is not ``sized``, the Tensors stand in for others of their ranks, whose shapes are the names'.
    """
    if not isinstance(result, Tensor):
        return array(np.asarray(result)) if isinstance(result, np.ndarray) else said(result)
    found = dict(known)
    for tensor in recorded_since(result, known):
        if tensor.op is None:
            found[tensor] = array(np.asarray(tensor._data))
            continue
        args = [
            said(value) if parent is None else found[parent]
            for parent, value in zip(tensor.parents, tensor.saved, strict=True)
        ]
        shape, dtype = (tensor.shape, tensor.dtype) if sized else (None, None)
        found[tensor] = applied(tensor.op, *args, settings=tensor.settings, shape=shape, dtype=dtype)
    return found[result]


def said(value: Any) -> Node:
    """An operand that stands in code: a number, or an array."""
    return array(
        value if np.ndim(value) else np.asarray(value)[()] if isinstance(value, np.ndarray) else value
    )


def built(
    function: Callable[..., Any],
    operands: Sequence[Node],
    settings: Mapping[str, Any] | None = None,
    *,
    sized: bool = False,
) -> Node:
    """The expression that a function of NumPy makes of these operands; numbers it sees as such.

    It may ask them for their ranks, and for their sizes where it is ``sized``.

    >>> a, b = quantity("a"), quantity("b")
    >>> built(lambda x, y: np.exp(x) / y, [a, b])
    <(exp(a)) / b>
    """
    stand_ins = [  # with axes of one length, where the shapes are told from the operands'
        one.value if one.is_number else stand_in(one.shape if sized else (2,) * one.ndim, one.dtype)
        for one in operands
    ]
    known = {s: operand for s, operand in zip(stand_ins, operands, strict=True) if isinstance(s, Tensor)}
    return recorded(_run(function, stand_ins, settings or {}), known, sized=sized)


@cache
def spelled(function: Callable[..., Any], ndim: int = 0) -> Node:
    """A function of NumPy as a pattern: its parameters are names, its keyword-only ones open settings."""
    parameters = inspect.signature(function).parameters.values()
    given = [quantity(p.name, (2,) * ndim) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return built(function, given, {p.name: Open(0) for p in parameters if p.kind is p.KEYWORD_ONLY})


def _run(function: Callable[..., Any], operands: Sequence[Any], settings: Mapping[str, Any]) -> Any:
    outside = ambient.set(None)
    try:
        with np.errstate(all="ignore"):
            return function(*operands, **settings)
    finally:
        ambient.reset(outside)
