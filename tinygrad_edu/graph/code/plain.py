"""Evaluates expressions of plain values that only read, so that nothing changes for the caller."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor

__all__ = ["SIGNS", "Operation", "Scope", "Unknown", "gives", "names_in", "operation", "plain", "written"]

_READ = (len, float, int, str, abs)
_OF_NUMPY = (
    np.eye, np.zeros, np.ones, np.full, np.arange, np.linspace, np.zeros_like, np.ones_like, np.asarray,
    np.array, np.copy, np.dot, np.var, np.median, np.ravel, np.squeeze,
)  # fmt: skip
"""Functions that only read, besides the operations."""
SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.Mod: "%",
    ast.FloorDiv: "//",
}  # fmt: skip
"""Python's operators between two operands, as they are written."""
OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.MatMult: lambda a, b: a @ b, ast.Pow: lambda a, b: a**b,
    ast.Mod: lambda a, b: a % b, ast.FloorDiv: lambda a, b: a // b,
}  # fmt: skip
"""Python's operators between two operands, as functions."""
COMPARISONS: dict[type[ast.cmpop], np.ufunc] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}  # fmt: skip
"""Python's comparisons, as NumPy's functions."""


@dataclass(frozen=True)
class Scope:
    """The meaning of names in a function of the caller's. Those of one that it calls may be expressions."""

    names: Mapping[str, Any]
    expressions: Mapping[str, tuple[ast.expr, Any]] = field(default_factory=dict)
    changing: frozenset[str] = frozenset()
    """The names that a loop rebinds. Their present value is not the one of earlier rounds."""
    depth: int = 0


class Unknown(Exception):  # noqa: N818  (nothing went wrong)
    """An expression is not made of plain values."""


def gives(e: ast.expr, number: Any, scope: Scope) -> bool:
    """Whether an expression is that number, of that type."""
    try:
        value = plain(e, scope)
    except Unknown:
        return False
    try:
        return bool(np.ndim(value) == 0 and type(value) is type(number) and value == number)
    except (TypeError, ValueError):
        return False


def plain(e: ast.expr, scope: Scope, *, compared: bool = False) -> Any:
    """The value of an expression of plain values that reads and changes nothing, else Unknown.

    What is ``compared`` may hold Tensors, too: the result of a comparison is a plain array.
    """
    if isinstance(e, ast.Constant):
        return e.value
    if isinstance(e, (ast.Tuple, ast.List)):
        return tuple(plain(part, scope, compared=compared) for part in e.elts)
    if isinstance(e, ast.Name):
        return _looked_up(e.id, scope, compared=compared)
    try:
        doing = operation(e, scope, compared=compared)
        if doing is not None:
            compared = compared or isinstance(e, ast.Compare)
            operands = [plain(part, scope, compared=compared) for part in doing.operands]
            if doing.function is len and isinstance(operands[0], (list, tuple, dict)):
                return len(operands[0])
            with np.errstate(all="ignore"):
                return doing.function(*(_numeric(x, compared) for x in operands), **doing.settings)
        if isinstance(e, ast.Attribute):
            return _attribute(plain(e.value, scope, compared=compared), e.attr)
        if isinstance(e, ast.Subscript):
            return plain(e.value, scope, compared=compared)[_index(e.slice, scope)]
    except Unknown:
        raise
    except Exception as error:
        raise Unknown from error
    raise Unknown


def _looked_up(name: str, scope: Scope, *, compared: bool) -> Any:
    if name in scope.expressions:
        return plain(*scope.expressions[name], compared=compared)
    if name in scope.names:
        return scope.names[name]
    for function in _READ:
        if function.__name__ == name:
            return function
    raise Unknown


@dataclass(frozen=True)
class Operation:
    """What an expression does with values: a function, its operands and settings."""

    function: Callable[..., Any]
    operands: Sequence[ast.expr]
    settings: Mapping[str, Any] = field(default_factory=dict)


def operation(e: ast.expr, scope: Scope, *, compared: bool = False) -> Operation | None:
    """What an expression computes; None where it only looks something up, or may change something.

    Raises:
        Unknown: the function is none of plain values.
    """
    if isinstance(e, ast.BinOp) and type(e.op) in OPERATORS:
        return Operation(OPERATORS[type(e.op)], [e.left, e.right])
    if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub):
        return Operation(np.negative, [e.operand])
    if isinstance(e, ast.Compare) and len(e.ops) == 1 and type(e.ops[0]) in COMPARISONS:
        return Operation(COMPARISONS[type(e.ops[0])], [e.left, e.comparators[0]])
    if isinstance(e, ast.Call):
        return _call(e, scope, compared=compared)
    return None


def _call(e: ast.Call, scope: Scope, *, compared: bool) -> Operation:
    settings = {k.arg: plain(k.value, scope) for k in e.keywords if k.arg is not None}
    if len(settings) < len(e.keywords) or "out" in settings:
        raise Unknown
    try:
        function, operands = plain(e.func, scope), e.args
    except Unknown:
        if not isinstance(e.func, ast.Attribute):
            raise
        if not isinstance(plain(e.func.value, scope, compared=compared), (np.ndarray, Tensor)):
            raise
        function, operands = getattr(np, e.func.attr, None), [e.func.value, *e.args]  # a method: X.mean()
    if function in _READ or function in _OF_NUMPY or isinstance(function, np.ufunc):
        return Operation(function, operands, settings)
    if isinstance(NUMPY.get(function), Op):
        return Operation(function, operands, settings)
    raise Unknown


def _index(e: ast.expr, scope: Scope) -> Any:
    if isinstance(e, ast.Tuple):
        return tuple(_index(part, scope) for part in e.elts)
    if isinstance(e, ast.Slice):
        return slice(*(None if p is None else plain(p, scope) for p in (e.lower, e.upper, e.step)))
    return plain(e, scope)


def _numeric(value: Any, compared: bool) -> Any:
    if compared and isinstance(value, Tensor):
        return value._data
    if isinstance(value, (int, float, np.ndarray, np.generic, str)) or (
        isinstance(value, tuple) and all(isinstance(part, (int, float, np.generic)) for part in value)
    ):
        return value
    raise Unknown


def _attribute(value: Any, name: str) -> Any:
    """An attribute that is only looked up: of a module or array, or one that an object itself holds."""
    if isinstance(value, (np.ndarray, np.generic, Tensor)) and name in ("T", "shape", "size", "ndim"):
        return getattr(value, name)
    own = getattr(value, "__dict__", {})
    if name in own:
        return own[name]
    raise Unknown


def written(e: ast.expr, scope: Scope) -> str | None:
    """The caller's text for it, with arguments in place of parameters; "" for a literal, else None."""
    while isinstance(e, ast.Name) and e.id in scope.expressions:
        e, scope = scope.expressions[e.id]
    if isinstance(e, ast.Constant):
        return ""
    if scope.depth or not names_in(e):
        return None
    return ast.unparse(e)


def names_in(e: ast.AST) -> set[str]:
    """The names that an expression reads."""
    return {n.id for n in ast.walk(e) if isinstance(n, ast.Name)}
