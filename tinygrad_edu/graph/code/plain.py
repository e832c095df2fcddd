"""Evaluates expressions of plain values that only read, so that nothing changes for the caller."""

from __future__ import annotations

import ast
import copy
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType
from typing import Any, cast

import numpy as np

from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.code.calls import called
from tinygrad_edu.graph.code.scope import Scope, Unknown
from tinygrad_edu.graph.code.statements import names_in

_READ = (len, float, int, str, abs)
_OF_NUMPY = (
    np.eye, np.zeros, np.ones, np.full, np.arange, np.linspace, np.zeros_like, np.ones_like, np.asarray,
    np.array, np.copy, np.dot, np.var, np.median, np.ravel, np.squeeze, np.identity, np.tri, np.full_like,
    np.indices, np.meshgrid, np.vander, np.bincount, np.unique, np.argmax, np.argmin,
    np.argsort, np.isin, np.searchsorted, np.flatnonzero, np.nonzero, np.all, np.any,
)  # fmt: skip
"""Functions that only read, besides the operations."""
_NOT_TWICE = (np.save, np.savetxt, np.savez, np.savez_compressed, np.empty_like)
"""Functions that write files, or give what the memory held."""
_LOOKED_UP = tuple(
    kind.__getitem__ for kind in (list, tuple, dict, str, range, np.ndarray, np.memmap, Tensor)
)
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
    part = part_of(e, scope)
    return _worked_out(e, scope, compared=compared) if part is None else plain(*part, compared=compared)


def _worked_out(e: ast.expr, scope: Scope, *, compared: bool) -> Any:
    try:
        doing = operation(e, scope, compared=compared)
        if doing is not None:
            compared = compared or isinstance(e, ast.Compare)
            operands = [plain(part, scope, compared=compared) for part in doing.operands]
            if doing.function is len and isinstance(operands[0], (list, tuple, dict)):
                return len(operands[0])
            with np.errstate(all="ignore"):
                return _result(doing, [_numeric(x, compared) for x in operands])
        if isinstance(e, ast.Attribute):
            return _attribute(plain(e.value, scope, compared=compared), e.attr)
        if isinstance(e, ast.Subscript):
            return _entry(plain(e.value, scope, compared=compared), index_of(e.slice, scope))
    except Unknown:
        raise
    except Exception as error:
        raise Unknown from error
    raise Unknown


def _result(doing: Operation, operands: Sequence[Any]) -> Any:
    """What an operation gives; the arrays that it is of cannot be written into."""
    whole = [read_only(x) for x in operands]
    result = doing.function(*whole, **{name: read_only(x) for name, x in doing.settings.items()})
    return next((x for x, seen in zip(operands, whole, strict=True) if seen is result), result)


def _entry(whole: Any, index: Any) -> Any:
    """A member of a list, dictionary or array, and of nothing that makes it when it is asked."""
    kind = type(whole)
    looked_up = getattr(kind, "__getitem__", None) in _LOOKED_UP and not hasattr(kind, "__missing__")
    if not looked_up and not isinstance(whole, np.generic):
        raise Unknown
    return whole[index]


def recorded_by(e: ast.expr, scope: Scope) -> Any:
    """What a function gives on copies of its operands: where these are Tensors, what it records last.

    Raises:
        Unknown: it is no function of plain values and Tensors.
    """
    try:
        doing = operation(e, scope, compared=True)
        if doing is None:
            raise Unknown
        given = [plain(part, scope, compared=True) for part in doing.operands]
        data = [read_only(_numeric(x, compared=True)) for x in given]
        copies = [Tensor(x) if isinstance(t, Tensor) else x for x, t in zip(data, given, strict=True)]
        with np.errstate(all="ignore"):
            return doing.function(*copies, **doing.settings)
    except Exception as error:
        raise Unknown from error


def part_of(e: ast.expr, scope: Scope) -> tuple[ast.expr, Scope] | None:
    """What a function of the caller's returns, or a part of a tuple or dictionary, by its expression."""
    if isinstance(e, ast.Call):
        scopes = called(e, scope, plain)
        if len(scopes) == 1 and scopes[0].body is not None and len(scopes[0].body.returned) == 1:
            return scopes[0].body.returned[0], scopes[0]
    if isinstance(e, ast.Subscript) and isinstance(e.slice, ast.Constant):
        whole: tuple[ast.expr, Scope] | None = (e.value, scope)
        while whole is not None and not isinstance(whole[0], (ast.Tuple, ast.List, ast.Dict)):
            inner, outer = whole
            if isinstance(inner, ast.Name) and inner.id in outer.expressions:
                whole = outer.expressions[inner.id]
            else:
                whole = part_of(inner, outer)
        if whole is not None:
            part = _member(whole[0], e.slice.value)
            return None if part is None else (part, whole[1])
    return None


def alternatives(e: ast.expr, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
    """What an expression may compute: in functions that it calls, on either side of ``if``.

    Of variables, those of functions that have returned.
    """
    part = scope.expressions.get(e.id) if isinstance(e, ast.Name) else part_of(e, scope)
    inner = called(e, scope, plain) if isinstance(e, ast.Call) and part is None else []
    ways = [(way, one) for one in inner if one.body is not None for way in one.body.returned]
    if part is not None:
        ways = [part]
    if ways:
        for way in ways:
            yield from alternatives(*way)
    elif isinstance(e, ast.IfExp):
        yield from alternatives(e.body, scope)
        yield from alternatives(e.orelse, scope)
    elif not isinstance(e, ast.Name):
        yield e, scope


def _member(e: ast.expr, key: Any) -> ast.expr | None:
    if isinstance(e, ast.Dict):
        named = zip(e.keys, e.values, strict=True)
        return next((v for k, v in named if isinstance(k, ast.Constant) and k.value == key), None)
    if isinstance(e, (ast.Tuple, ast.List)) and isinstance(key, int) and -len(e.elts) <= key < len(e.elts):
        return e.elts[key]
    return None


def _looked_up(name: str, scope: Scope, *, compared: bool) -> Any:
    if name in scope.expressions:
        known = scope.values
        key = f"{name} compared" if compared else name
        if key not in known:
            known[key] = Unknown  # of a name that is worked out from itself
            known[key] = plain(*scope.expressions[name], compared=compared)
        if known[key] is Unknown or (name in scope.written and _holds_arrays(known[key])):
            raise Unknown
        return known[key]
    if name in scope.names:
        return scope.names[name]
    for function in _READ:
        if function.__name__ == name:
            return function
    raise Unknown


def _holds_arrays(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return isinstance(value, np.ndarray) or any(isinstance(part, np.ndarray) for part in parts)


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
        return Operation(operator.neg, [e.operand])
    if isinstance(e, ast.Compare) and len(e.ops) == 1 and type(e.ops[0]) in COMPARISONS:
        return Operation(COMPARISONS[type(e.ops[0])], [e.left, e.comparators[0]])
    if isinstance(e, ast.Call):
        return _call(e, scope, compared=compared)
    return None


def _call(e: ast.Call, scope: Scope, *, compared: bool) -> Operation:
    settings = {k.arg: _setting(plain(k.value, scope)) for k in e.keywords if k.arg is not None}
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
    if any(function is known for known in _READ) or only_reads(function):
        return Operation(function, operands, settings)
    raise Unknown


def only_reads(function: Any) -> bool:
    """Whether it is a function of NumPy's that changes nothing, and calls nothing of the caller's."""
    if isinstance(function, np.ufunc):
        return any(set(loop) - set("O->") for loop in function.types)  # no np.frompyfunc
    if type(function) not in (type(np.sum), FunctionType, BuiltinFunctionType, type):
        return False
    return (function in NUMPY or function in _OF_NUMPY) and function not in _NOT_TWICE


def index_of(e: ast.expr, scope: Scope) -> Any:
    """The index that an expression in square brackets gives; Unknown where it is not made of plain values."""
    if isinstance(e, ast.Tuple):
        return tuple(index_of(part, scope) for part in e.elts)
    if isinstance(e, ast.Slice):
        return slice(*(None if p is None else plain(p, scope) for p in (e.lower, e.upper, e.step)))
    return plain(e, scope)


def is_data(value: Any) -> bool:
    """Whether it is a number or array as NumPy makes them: no masked array, and none of objects."""
    if isinstance(value, np.ndarray):
        return type(value) in (np.ndarray, np.memmap) and not value.dtype.hasobject
    return type(value) in (bool, int, float) or isinstance(value, (np.number, np.bool_))


def read_only(value: Any) -> Any:
    """The same array, which cannot be written into; of anything else that."""
    if not isinstance(value, np.ndarray):
        return value
    seen = value.view(np.ndarray)
    seen.setflags(write=False)
    return seen


def _numeric(value: Any, compared: bool) -> Any:
    if compared and isinstance(value, Tensor):
        value = value._data
    if is_data(value) or type(value) is str or (type(value) is tuple and all(map(is_data, value))):
        return value
    raise Unknown


def _setting(value: Any) -> Any:
    """A setting such as ``axis=0`` or ``dtype=float``, and no function or object of the caller's."""
    if value is None or isinstance(value, np.dtype):
        return value
    if isinstance(value, type) and issubclass(value, (bool, int, float, np.generic)):
        return value
    return _numeric(value, compared=False)


def _attribute(value: Any, name: str) -> Any:
    """An attribute that is only looked up: of a module or array, or one that an object itself holds."""
    if isinstance(value, (np.ndarray, np.generic, Tensor)) and name in ("T", "shape", "size", "ndim"):
        return getattr(value, name)
    fields = getattr(type(value), "_fields", ()) if isinstance(value, tuple) else ()
    if name in fields:
        return tuple.__getitem__(value, fields.index(name))
    try:
        own = object.__getattribute__(value, "__dict__")  # no __getattr__ of the caller's
    except AttributeError:
        raise Unknown from None
    if name in own:
        return own[name]
    raise Unknown


def written(e: ast.expr, scope: Scope) -> str | None:
    """The caller's text for it, with arguments in place of parameters; "" for a literal, else None."""
    e = _spelt(e, scope)
    if isinstance(e, ast.Constant):
        return ""
    return ast.unparse(e) if names_in(e) else None


def _spelt(e: ast.expr, scope: Scope) -> ast.expr:
    """An expression with the arguments for the parameters."""
    given = scope.parameters.keys() & scope.expressions.keys()
    if isinstance(e, ast.Name) and e.id in given:
        return _spelt(*scope.expressions[e.id])
    inside = names_in(e) & given
    return cast("ast.expr", _Arguments(scope).visit(copy.deepcopy(e))) if inside else e


class _Arguments(ast.NodeTransformer):
    """Puts arguments for parameters."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _spelt(node, self.scope) if node.id in self.scope.parameters else node
