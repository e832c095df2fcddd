"""Facts that are worked out once, when an operation is defined, to save time in each small call.

Nothing here changes a value. An operation whose function is one universal function of NumPy's is computed by
that, without the call around it. A rule that is nothing but + − × ÷ gives an entry-by-entry result of the
operands' shape and dtype, and computes the same with a Python number as with that number in a 0-d array,
which NumPy need not convert first. Both are read from the bytecode; what is not known takes the long way.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dis import get_instructions, opmap
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu.core.number_cache import convert

_OPERATORS: dict[Any, tuple[Callable[..., Any], Callable[..., Any]]] = {
    np.add: (lambda a, b: a + b, operator.add),
    np.subtract: (lambda a, b: a - b, operator.sub),
    np.multiply: (lambda a, b: a * b, operator.mul),
    np.divide: (lambda a, b: a / b, operator.truediv),
    np.matmul: (lambda a, b: a @ b, operator.matmul),
    np.negative: (lambda a: -a, operator.neg),
}
"""Python's operator of a universal function: a function of it, for its bytecode, and as a function in C."""
_CALLS: tuple[Callable[..., Any], ...] = (
    lambda a: np.exp(a),  # noqa: PLW0108  (its bytecode is what is wanted)
    lambda a, b: np.hypot(a, b),  # noqa: PLW0108
    # Compiled apart from the import of np, as in a notebook, it is other bytecode.
    *(eval(f"lambda {xs}: np.f({xs})") for xs in ("a", "a, b")),  # noqa: S307
)
_SIGNS = {"+", "-", "*", "/"}


def ufunc_of(function: Callable[..., Any]) -> Any:
    """The universal function that a function is, on arrays; None where it is another.

    >>> def tanh(x):
    ...     return np.tanh(x)
    >>> ufunc_of(tanh), ufunc_of(lambda a, b: a * b), ufunc_of(lambda x: np.sum(x))
    (<ufunc 'tanh'>, <ufunc 'multiply'>, None)
    """
    code = getattr(function, "__code__", None)
    if code is None or function.__globals__.get("np") is not np:
        return None
    if not code.co_names:
        return next((u for u, (f, _) in _OPERATORS.items() if code.co_code == f.__code__.co_code), None)
    ufunc = getattr(np, code.co_names[-1], None)
    called = code.co_names[:-1] == ("np",) and any(code.co_code == f.__code__.co_code for f in _CALLS)
    if called and isinstance(ufunc, np.ufunc) and (ufunc.nin, ufunc.nout) == (code.co_argcount, 1):
        return ufunc
    return None


def on_numbers(op: Any) -> Any:
    """The function of an operation for NumPy's scalars, on which Python's operators are the quickest."""
    return _OPERATORS[op.ufunc][1] if op.ufunc in _OPERATORS else op.forward


def keeps_float64(ufunc: Any) -> bool:
    """Whether a universal function is computed entry by entry, and of arrays of float64 gives one.

    >>> keeps_float64(np.tanh), keeps_float64(np.isnan), keeps_float64(np.matmul)
    (True, False, False)
    """
    return ufunc is not None and ufunc.signature is None and f"{'d' * ufunc.nin}->d" in ufunc.types


def is_arithmetic(rule: Any) -> bool:
    """Whether a rule is one expression of its operands and numbers, ``g`` among them, no sign but + − × ÷.

    >>> is_arithmetic(lambda g, y, x: g * (1 - y * y)), is_arithmetic(lambda g, y, x: g * x**2)
    (True, False)
    """
    if not isinstance(rule, FunctionType) or rule.__defaults__ or rule.__kwdefaults__:
        return False
    loaded: set[Any] = set()
    for step in get_instructions(rule):
        if step.opname.startswith("LOAD_FAST"):
            loaded.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
        elif step.opname == "BINARY_OP":
            if step.argrepr not in _SIGNS:
                return False
        elif step.opname == "LOAD_CONST":
            if type(step.argval) not in (int, float):
                return False
        elif step.opname not in ("RESUME", "LOAD_SMALL_INT", "UNARY_NEGATIVE", "RETURN_VALUE"):
            return False
    return rule.__code__.co_varnames[0] in loaded


def hands_on(rule: Any) -> bool:
    """Whether a rule gives the incoming gradient as it is, as that of a sum does.

    >>> hands_on(lambda g, y, a, b: g), hands_on(lambda g, y, a, b: -g)
    (True, False)
    """
    return bool(rule.__code__.co_code == (lambda g: g).__code__.co_code)


def in_float64(rule: Any) -> Any:
    """An arithmetic rule for arrays of float64: its numbers are further arguments, 0-d arrays by default.

    >>> in_float64(lambda g, y, x: g * (1 - y * y)).__defaults__
    (array(1.),)
    """
    code = rule.__code__
    instructions = bytearray(code.co_code)
    defaults: list[Any] = []
    for step in get_instructions(rule):
        number = convert(step.argval) if type(step.argval) in (int, float) else None
        if step.opname in ("LOAD_CONST", "LOAD_SMALL_INT") and type(number) is np.ndarray:
            place = code.co_nlocals + len(defaults)
            instructions[step.offset : step.offset + 2] = opmap["LOAD_FAST"], place
            defaults.append(number)
    further = len(defaults)
    names = (*code.co_varnames, *(f"number_{k}" for k in range(further)))
    code = code.replace(
        co_code=bytes(instructions),
        co_varnames=names,
        co_argcount=code.co_argcount + further,
        co_nlocals=code.co_nlocals + further,
    )
    return FunctionType(code, rule.__globals__, rule.__name__, tuple(defaults))
