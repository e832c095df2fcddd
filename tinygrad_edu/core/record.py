"""The shortest path of one small operation.

:func:`apply` in ``op`` handles every case. These closures handle the common one, one or two operands
that are Tensors or Python numbers, nothing locked, no scope, no ``no_grad``, and leave the rest to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.application import apply
from tinygrad_edu.core.backward import NO_SETTINGS
from tinygrad_edu.core.guard import hold
from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.number_cache import FLOAT64, KNOWN
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.pitfalls import with_repeats
from tinygrad_edu.core.tensor import Tensor, recorded_at

__all__ = ["shortest_path"]

_new = object.__new__
_surroundings = ambient.get
_array = np.ndarray
_number = np.float64


def shortest_path(op: Op) -> Callable[..., Any]:
    """How to record the operation on its inputs alone; the operation itself where no shorter way is known."""
    if not op.short:
        return op
    return _unary(op) if len(op.pullbacks) == 1 else _binary(op)


def _unary(op: Op) -> Callable[[Any], Any]:
    forward = op.forward

    def record(x: Any) -> Any:
        if type(x) is not Tensor or not x.requires_grad or _surroundings() is not None:
            return apply(op, (x,), {})
        a, guards = x._data, None
        if x.op is None and type(a) is _array:
            a = None  # hold copies an array that somebody else refers to
            guards = (x._guard and x._guard()) or hold(x)
            a = guards.value
        t = _new(Tensor)
        try:
            t._data = forward(a)
        except Exception:  # noqa: BLE001  (the same again, with an error that names the operands)
            guards = None  # the error keeps this frame, and must not keep arrays read-only
            return apply(op, (x,), {})
        t._pending = t._grad = t._guard = t.name = None
        t.scope = ()
        t.requires_grad = True
        t.op = op
        t.operands = (x, a)
        t.settings, t.guards = NO_SETTINGS, guards
        t.seq = recorded_at()
        return t

    return record


def _binary(op: Op) -> Callable[[Any, Any], Any]:  # noqa: C901  (two operands, each a Tensor or a number)
    forward, of_array, entrywise, quick = (
        op.forward,
        op.ufunc or op.forward,
        op.kind == "elementwise",
        op.quick,
    )

    def record(x: Any, y: Any) -> Any:  # noqa: C901
        if _surroundings() is not None:
            return apply(op, (x, y), {})
        guards: Any = None
        compute = forward
        if type(x) is Tensor:
            a, p, differentiable = x._data, x, x.requires_grad
            if type(a) is _array:
                compute = of_array
                if x.op is None:
                    a = None
                    guards = (x._guard and x._guard()) or hold(x)
                    a = guards.value
        elif type(x) is float or type(x) is int:
            a, p, differentiable = x, None, False
        else:
            return apply(op, (x, y), {})
        if type(y) is Tensor:
            b, q = y._data, y
            if not differentiable and not y.requires_grad:
                return apply(op, (x, y), {})
            if type(b) is _array:
                compute = of_array
                if y.op is None:
                    b = None
                    guard = (y._guard and y._guard()) or hold(y)
                    guards = guard if guards is None else (guards, guard)
                    b = guard.value
        elif differentiable and (type(y) is float or type(y) is int):
            b, q = y, None
        else:
            return apply(op, (x, y), {})
        t = _new(Tensor)
        try:
            if q is None:
                known = quick is not None and type(a) is _array and a.dtype is FLOAT64
                t._data = compute(a, KNOWN[b] if known else b)
            elif p is None:
                known = quick is not None and type(b) is _array and b.dtype is FLOAT64
                t._data = compute(KNOWN[a] if known else a, b)
            else:
                t._data = compute(a, b)
        except Exception:  # noqa: BLE001
            guards = guard = None  # type: ignore[assignment]
            return apply(op, (x, y), {})
        if entrywise and p is not None and q is not None and type(t._data) is not _number:
            shape = t._data.shape
            if shape != a.shape and shape != b.shape:
                with_repeats((x, y), shape)
        t._pending = t.name = None
        t.scope = ()
        t.requires_grad = True
        t.op = op
        t.operands = (p, q, a, b)
        t.settings, t.guards = NO_SETTINGS, guards
        t.seq = recorded_at()
        return t

    return record
