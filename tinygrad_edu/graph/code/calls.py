"""The functions of the caller's that an expression calls, with their arguments put in."""

from __future__ import annotations

import ast
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any

from tinygrad_edu.core.callers import closed_over
from tinygrad_edu.graph.code.scope import Meaning, Scope, Unknown
from tinygrad_edu.graph.code.source import body_of, source_of

_DEEPEST = 5
"""Calls inside calls that are followed."""
_MOST_OBJECTS = 50
"""Of a list whose members' method is called in a loop."""

Evaluate = Callable[[ast.expr, Scope], Any]


def called(call: ast.Call, scope: Scope, evaluate: Evaluate) -> list[Scope]:
    """What names mean in the function that is called; none where its source is out of sight.

    Several where it is the method of what a loop goes through: ``for layer in layers: A = layer.forward(A)``.
    """
    if call not in scope.inner:
        scope.inner[call] = []  # of a function that calls itself
        if scope.depth < _DEEPEST:
            found = (_inside(call, scope, evaluate, *way) for way in _functions(call, scope, evaluate))
            scope.inner[call] = [inner for inner in found if inner is not None]
    return scope.inner[call]


def _functions(
    call: ast.Call, scope: Scope, evaluate: Evaluate
) -> Iterator[tuple[FunctionType, Sequence[ast.expr], tuple[Any, ...]]]:
    """The functions, the expressions of their positional arguments, and the values of those before."""
    if isinstance(call.func, ast.Name) and call.func.id in scope.changing:
        for owner in _objects(call.func, scope, evaluate):
            yield from _as_function(owner, call)
        return
    try:
        function = evaluate(call.func, scope)
    except Unknown:
        if isinstance(call.func, ast.Attribute):
            for owner in _objects(call.func.value, scope, evaluate):
                method = inspect.getattr_static(type(owner), call.func.attr, None)
                if isinstance(method, staticmethod) and isinstance(method.__func__, FunctionType):
                    yield method.__func__, call.args, ()
                elif isinstance(method, FunctionType):
                    yield method, call.args, (owner,)
        return
    yield from _as_function(function, call)


def _as_function(
    value: Any, call: ast.Call
) -> Iterator[tuple[FunctionType, Sequence[ast.expr], tuple[Any, ...]]]:
    if isinstance(value, FunctionType):
        yield value, call.args, ()
    elif inspect.ismethod(value) and isinstance(value.__func__, FunctionType):
        yield value.__func__, call.args, (value.__self__,)
    elif isinstance(method := inspect.getattr_static(type(value), "__call__", None), FunctionType):
        yield method, call.args, (value,)


def _objects(e: ast.expr, scope: Scope, evaluate: Evaluate) -> list[Any]:
    """The object that an expression gives; of a loop's variable those that the loop goes through."""
    if not (isinstance(e, ast.Name) and e.id in scope.changing):
        try:
            return [evaluate(e, scope)]
        except Unknown:
            return []
    found: list[Any] = []
    for loop in scope.body.loops if scope.body is not None else ():
        over = _gone_through(e.id, loop.target, loop.iter)
        try:
            members = () if over is None else evaluate(over, scope)
        except Unknown:
            continue
        if isinstance(members, (list, tuple)) and len(members) <= _MOST_OBJECTS:
            found += members
    return found


def _gone_through(name: str, target: ast.expr, over: ast.expr) -> ast.expr | None:
    """The list whose members a loop calls by that name: ``for k, layer in enumerate(layers)``."""
    function = over.func if isinstance(over, ast.Call) else None
    called = function.id if isinstance(function, ast.Name) else ""
    parts = over.args if isinstance(over, ast.Call) else []
    if called == "reversed" and parts:
        return _gone_through(name, target, parts[0])
    if isinstance(target, ast.Name):
        return over if target.id == name else None
    if not isinstance(target, ast.Tuple) or called not in ("zip", "enumerate"):
        return None
    beside = zip(target.elts[called == "enumerate" :], parts, strict=False)
    return next((found for one, part in beside if (found := _gone_through(name, one, part))), None)


def _inside(
    call: ast.Call,
    scope: Scope,
    evaluate: Evaluate,
    function: FunctionType,
    parts: Sequence[ast.expr],
    values: tuple[Any, ...],
) -> Scope | None:
    source = source_of(function.__code__, function.__globals__)
    if not isinstance(source, ast.FunctionDef):
        return None
    arguments = [a.arg for a in (*source.args.posonlyargs, *source.args.args)]
    own = dict(zip(arguments, values, strict=False))
    known = ChainMap(own, closed_over(function), function.__globals__)
    outside = Scope(function.__globals__, depth=scope.depth + 1)
    defaults = zip(arguments[::-1], source.args.defaults[::-1], strict=False)
    by_name = [a.arg for a in source.args.kwonlyargs]
    named = zip(by_name, source.args.kw_defaults, strict=True)
    given: dict[str, Meaning] = {name: (e, outside) for name, e in (*defaults, *named) if e is not None}
    given |= {name: (e, scope) for name, e in zip(arguments[len(own) :], parts, strict=False)}
    for keyword in call.keywords:
        if keyword.arg is not None:
            given[keyword.arg] = keyword.value, scope
            continue
        try:
            members = evaluate(keyword.value, scope)
        except Unknown:
            return None
        if isinstance(members, dict):  # f(**parameters)
            inside = {name: ast.Subscript(keyword.value, ast.Constant(name), ast.Load()) for name in members}
            given |= {name: (e, scope) for name, e in inside.items()}
    return Scope(known, body_of(source), given, scope.depth + 1)
