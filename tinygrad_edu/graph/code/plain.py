"""Expressions of plain values, worked out: only what reads, so that the caller notices nothing."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["SIGNS", "Scope", "Unknown", "gives", "plain"]

_READ = (len, float, int, str, abs)
SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.Mod: "%",
    ast.FloorDiv: "//",
}  # fmt: skip
"""Python's operators between two operands, as they are written."""


@dataclass(frozen=True)
class Scope:
    """What names mean in a function of the caller's, or in one it calls, whose arguments are expressions."""

    names: Mapping[str, Any]
    expressions: Mapping[str, tuple[ast.expr, Any]] = field(default_factory=dict)
    changing: frozenset[str] = frozenset()
    """The names that a loop binds anew: what they are now says nothing of before."""
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


def plain(e: ast.expr, scope: Scope) -> Any:  # noqa: C901  (one case for each kind of expression)
    """The value of an expression of plain values that reads and changes nothing, else Unknown."""
    if isinstance(e, ast.Constant):
        return e.value
    if isinstance(e, ast.Name):
        if e.id in scope.expressions:
            return plain(*scope.expressions[e.id])
        if e.id in scope.names:
            return scope.names[e.id]
        return _builtin(e.id)
    try:
        if isinstance(e, ast.BinOp) and type(e.op) in SIGNS:
            one, other = (_numeric(plain(part, scope)) for part in (e.left, e.right))
            with np.errstate(all="ignore"):
                return _OPERATORS[type(e.op)](one, other)
        if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub):
            return -_numeric(plain(e.operand, scope))
        if isinstance(e, ast.Attribute):
            return _attribute(plain(e.value, scope), e.attr)
        if isinstance(e, ast.Subscript):
            return plain(e.value, scope)[_index(e.slice, scope)]
        if isinstance(e, ast.Call) and not e.keywords:
            function = plain(e.func, scope)
            if function in _READ or isinstance(function, np.ufunc):
                given = [plain(part, scope) for part in e.args]
                if function is len and isinstance(given[0], (list, tuple, dict)):
                    return len(given[0])
                return function(*map(_numeric, given))
    except Unknown:
        raise
    except Exception as error:
        raise Unknown from error
    raise Unknown


def _index(e: ast.expr, scope: Scope) -> Any:
    if isinstance(e, ast.Tuple):
        return tuple(_index(part, scope) for part in e.elts)
    if isinstance(e, ast.Slice):
        return slice(*(None if p is None else plain(p, scope) for p in (e.lower, e.upper, e.step)))
    return plain(e, scope)


_OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.MatMult: lambda a, b: a @ b, ast.Pow: lambda a, b: a**b,
    ast.Mod: lambda a, b: a % b, ast.FloorDiv: lambda a, b: a // b,
}  # fmt: skip


def _numeric(value: Any) -> Any:
    if isinstance(value, (int, float, np.ndarray, np.generic, str)):
        return value
    raise Unknown


def _attribute(value: Any, name: str) -> Any:
    """An attribute that is only looked up: of a module or array, or one that an object itself holds."""
    if isinstance(value, (np.ndarray, np.generic)) and name in ("T", "shape", "size", "ndim"):
        return getattr(value, name)
    own = getattr(value, "__dict__", {})
    if name in own:
        return own[name]
    raise Unknown


def _builtin(name: str) -> Any:
    for function in _READ:
        if function.__name__ == name:
            return function
    raise Unknown
