"""The source of the calling functions, as syntax trees: their statements, and what is assigned in them."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any

from tinygrad_edu.core.callers import of_a_library

__all__ = ["Function", "assigned", "source_of", "statements"]

_MOST_LINES = 5000

Function = ast.FunctionDef | ast.Module

_parsed: dict[str, tuple[Any, ast.Module]] = {}


def _tree(filename: str, module: Any) -> ast.Module | None:
    if of_a_library(filename):
        return None
    lines = linecache.getlines(filename, module)
    if not lines or len(lines) > _MOST_LINES:
        return None
    known = _parsed.get(filename)
    if known is None or known[0] != lines:
        try:
            known = _parsed[filename] = lines, ast.parse("".join(lines))
        except (SyntaxError, ValueError):  # a notebook's magic, or no Python
            return None
    return known[1]


def source_of(code: CodeType, module: Any) -> Function | None:
    """The syntax tree of a function, or of a module's own statements; None where there is no source."""
    tree = _tree(code.co_filename, module)
    if tree is None or code.co_name == "<module>":
        return tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


def statements(
    body: Sequence[ast.stmt], loop: ast.stmt | None = None
) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """The statements of a function, each with the innermost loop around it; not those of functions in it."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            continue
        yield statement, loop
        around = statement if isinstance(statement, (ast.For, ast.While)) else loop
        for part in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, part, []), around)


def assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """``name, expression`` of an assignment, tuples taken apart."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _bound(target, statement.value)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield from _bound(statement.target, statement.value)
    elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        left = ast.Name(statement.target.id, ast.Load())
        yield (
            statement.target.id,
            ast.copy_location(ast.BinOp(left, statement.op, statement.value), statement),
        )


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _bound(one, other)
