"""The shortest path of one small operation.

:func:`apply` in ``op`` handles every case. These closures handle the common one, one or two operands
that are Tensors or Python numbers, nothing locked, no scope, no ``no_grad``, and leave the rest to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.application import apply
from tinygrad_edu.core.backward import NO_SETTINGS, NUMBERS, QUICK
from tinygrad_edu.core.guard import hold
from tinygrad_edu.core.kernel_analysis import on_numbers
from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.number_cache import FLOAT64, KNOWN
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.pitfalls import with_repeats
from tinygrad_edu.core.tensor import Tensor, recorded_at

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
    on_number, of_array, quick = on_numbers(op), op.ufunc or op.forward, op.quick is not None

    def record(x: Any) -> Any:
        if type(x) is not Tensor or not x.requires_grad or _surroundings() is not None:
            return apply(op, (x,), {})
        a = x._data
        guards: Any = None
        compute, settings = on_number, NO_SETTINGS
        if type(a) is _array:
            compute = of_array
            if quick and a.dtype is FLOAT64:
                settings = QUICK
            if x.op is None:
                a = None  # hold copies an array that somebody else refers to
                guards = (x._guard and x._guard()) or hold(x)
                a = guards.value
        elif quick and type(a) is _number:
            settings = NUMBERS
        t = _new(Tensor)
        try:
            t._data = compute(a)
        except Exception:  # noqa: BLE001  (the same again, with an error that names the operands)
            guards = None  # the error keeps this frame, and must not keep arrays read-only
            return apply(op, (x,), {})
        t._pending = t.name = None
        t.scope = ()
        t.requires_grad = True
        t.op = op
        t.left, t.left_value = x, a
        t.settings, t.guards = settings, guards
        t.seq = recorded_at()
        return t

    return record


def _binary(op: Op) -> Callable[[Any, Any], Any]:  # noqa: C901  (two operands, each a Tensor or a number)
    on_number, of_array, quick = on_numbers(op), op.ufunc or op.forward, op.quick is not None
    entrywise = op.kind == "elementwise"

    def record(x: Any, y: Any) -> Any:  # noqa: C901
        if _surroundings() is not None:
            return apply(op, (x, y), {})
        guards: Any = None
        numbers = True
        if type(x) is Tensor:
            a, p, differentiable = x._data, x, x.requires_grad
            if type(a) is _array:
                numbers = False
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
                numbers = False
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
        settings = NO_SETTINGS
        of_one_shape = True
        try:
            if numbers:
                t._data = on_number(a, b)
                if quick and (p is None or type(a) is _number) and (q is None or type(b) is _number):
                    settings = NUMBERS
            elif p is None:
                if quick and b.dtype is FLOAT64:
                    if type(a) is float:
                        settings = QUICK
                    t._data = of_array(KNOWN[a], b)
                else:
                    t._data = of_array(a, b)
            elif q is None:
                if quick and a.dtype is FLOAT64:
                    if type(b) is float:
                        settings = QUICK
                    t._data = of_array(a, KNOWN[b])
                else:
                    t._data = of_array(a, b)
            else:
                of_one_shape = a.shape == b.shape
                if quick and of_one_shape and a.dtype is FLOAT64 is b.dtype:
                    settings = QUICK
                t._data = of_array(a, b)
        except Exception:  # noqa: BLE001
            guards = guard = None  # type: ignore[assignment]
            return apply(op, (x, y), {})
        if not of_one_shape and entrywise:
            shape = t._data.shape
            if shape != a.shape and shape != b.shape:
                with_repeats((x, y), shape)
        t._pending = t.name = None
        t.scope = ()
        t.requires_grad = True
        t.op = op
        t.left, t.right = p, q
        t.left_value, t.right_value = a, b
        t.settings, t.guards = settings, guards
        t.seq = recorded_at()
        return t

    return record
