"""What an operation gives for operands of known shape and dtype, without computing more than it must."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op
    from tinygrad_edu.expression.node import Node


@cache
def defaults_of(op: Op) -> Mapping[str, Any]:
    """The default settings."""
    parameters = inspect.signature(op.forward).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def told(op: Op, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from their defaults.

    >>> import tinygrad_edu as tg
    >>> told(tg.sum, {"axis": 1, "keepdims": False})
    {'axis': 1}
    """
    if not settings:
        return {}
    defaults = defaults_of(op)
    return {k: v for k, v in settings.items() if not _same(defaults.get(k, inspect.Parameter.empty), v)}


def _same(default: Any, value: Any) -> bool:
    return type(default) is type(value) and bool(np.all(default == value))


def hashable(value: Any) -> Any:
    """A setting as part of a key: equal settings have equal ones, of whatever kind they are."""
    if isinstance(value, Mapping):
        return tuple((k, hashable(v)) for k, v in sorted(value.items()))
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(hashable, value))
    if isinstance(value, slice):
        return slice, hashable((value.start, value.stop, value.step))
    if isinstance(value, np.ndarray):
        return getattr(value, "called", ""), value.shape, value.dtype, value.tobytes()
    return type(value), getattr(value, "called", ""), value if value.__hash__ else id(value)


def shape_of(op: Op, args: Sequence[Node], settings: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of the result."""
    shapes = [a.shape for a in args]
    if op.kind == "elementwise" and "axis" not in settings:
        return np.broadcast_shapes(*shapes)
    if op.kind == "reduction" and set(settings) <= {"axis", "keepdims"} and len(args) == 1:
        return _reduced(op, shapes[0], settings)
    return tuple(_tried(op, args, settings).shape)


def _reduced(op: Op, shape: tuple[int, ...], settings: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape for one operand, found on a small array of the same rank."""
    short = np.ones(tuple(2 + k for k in range(len(shape))))
    with np.errstate(all="ignore"):
        result = np.shape(op.forward(short, **settings))
    sizes = {2 + k: n for k, n in enumerate(shape)}
    return tuple(sizes.get(n, n) for n in result)


def dtype_of(op: Op, args: Sequence[Node], settings: Mapping[str, Any]) -> np.dtype[Any]:
    """The dtype of the result, Python's numbers being weak."""
    if op.kind == "elementwise" and not settings:
        weak = tuple(type(a.value) if type(a.value) in (int, float, bool) else None for a in args)
        found: np.dtype[Any] = _elementwise_dtype(op, tuple(a.dtype for a in args), weak)
    else:
        found = _tried(op, args, settings).dtype
    return found


@cache
def _elementwise_dtype(op: Op, dtypes: tuple[Any, ...], weak: tuple[Any, ...]) -> np.dtype[Any]:
    ones = [w(1) if w else np.ones(1, d) for w, d in zip(weak, dtypes, strict=True)]
    with np.errstate(all="ignore"):
        return np.dtype(np.asarray(op.forward(*ones)).dtype)


def _tried(op: Op, args: Sequence[Node], settings: Mapping[str, Any]) -> Any:
    """What it gives for ones in that shape, which lie in memory as one."""
    ones = [a.value if a.is_number else np.broadcast_to(np.ones((), a.dtype), a.shape)[()] for a in args]
    if op.kind != "elementwise":  # which may ask its operands for their axes
        ones = [np.asarray(x) for x in ones]
    with np.errstate(all="ignore"):
        return np.asarray(op.forward(*ones, **settings))
