"""The source of the caller's functions, as syntax trees: their statements, and what is assigned in them."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from tinygrad_edu.core.call_sites import parsed
from tinygrad_edu.core.callers import of_a_library
from tinygrad_edu.graph.code.sharing import Sharing, sharing_in, with_shared
from tinygrad_edu.graph.code.statements import written

_MOST_LINES = 5000

Function = ast.FunctionDef | ast.Module


class _Parsed(NamedTuple):
    lines: list[str]
    tree: ast.Module
    functions: dict[tuple[str, int], ast.FunctionDef]
    """By their names and first lines, as code objects give them."""
    lambdas: dict[tuple[int, int], ast.FunctionDef]
    """By the lines and columns at which their expressions begin."""


_parsed: dict[str, _Parsed] = {}


def _read(filename: str, module: Any) -> _Parsed | None:
    if of_a_library(filename):
        return None
    lines = linecache.getlines(filename, module)
    if not lines or len(lines) > _MOST_LINES:
        return None
    known = _parsed.get(filename)
    if known is None or known.lines != lines:
        try:
            tree = parsed("".join(lines))
        except (SyntaxError, ValueError):  # a notebook's magic, or no Python
            return None
        found = list(ast.walk(tree))
        named = [node for node in found if isinstance(node, ast.FunctionDef)]
        functions = {
            (node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)])): node
            for node in reversed(named)
        }
        lambdas = {
            (node.body.lineno, node.body.col_offset): _returning(node)
            for node in found
            if isinstance(node, ast.Lambda)
        }
        known = _parsed[filename] = _Parsed(lines, tree, functions, lambdas)
    return known


def _returning(e: ast.Lambda) -> ast.FunctionDef:
    """``lambda z: z**2`` as a function that returns its expression."""
    body: list[ast.stmt] = [ast.copy_location(ast.Return(e.body), e.body)]
    return ast.copy_location(ast.FunctionDef("<lambda>", e.args, body, []), e)


def source_of(code: CodeType, module: Any) -> Function | None:
    """The syntax tree of a function, or of a module's own statements; None where there is no source."""
    known = _read(code.co_filename, module)
    if known is None or code.co_name == "<module>":
        return None if known is None else known.tree
    if code.co_name == "<lambda>":
        places = [(line or 0, column or 0) for line, _, column, end in code.co_positions() if end]
        return known.lambdas.get(min(places, default=(0, 0)))
    return known.functions.get((code.co_name, code.co_firstlineno))


@dataclass(frozen=True)
class Binding:
    """``name = value``, of an assignment taken apart."""

    name: str
    value: ast.expr
    loop: ast.stmt | None
    """The innermost loop around it."""

    @property
    def of_itself(self) -> bool:
        """Whether it is computed from what the name meant before."""
        return any(isinstance(n, ast.Name) and n.id == self.name for n in ast.walk(self.value))

    @property
    def adds_to(self) -> bool:
        """Whether a sum is accumulated in a loop. Its partial sums are not quantities of their own.

        What the loop also computes with, as the x of ``x = x + dt * v``, is a quantity in each round.
        """
        return _is_side(self.name, self.value) and not (
            self.loop is not None and _is_used(self.loop, self.name)
        )


def _is_side(name: str, e: ast.expr | None) -> bool:
    """Whether a sum or difference has the name on one of its sides."""
    sides = (e.left, e.right) if isinstance(e, ast.BinOp) and isinstance(e.op, (ast.Add, ast.Sub)) else ()
    return any(isinstance(side, ast.Name) and side.id == name for side in sides)


@lru_cache(maxsize=256)
def _is_used(loop: ast.stmt, name: str) -> bool:
    """Whether a loop computes with a variable, other than to add to it, or to show or keep it."""
    reads = 0
    for statement, _ in _statements([loop]):
        parts = () if isinstance(statement, ast.Expr) else ast.iter_child_nodes(statement)
        whole = [part for e in parts if isinstance(e, ast.expr) for part in ast.walk(e)]
        computing = (e for e in whole if isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Call)))
        reads += len(
            {e for one in computing for e in ast.walk(one) if isinstance(e, ast.Name) and e.id == name}
        )
        bound = _assigned(statement) if isinstance(statement, ast.Assign) else ()
        reads -= sum(target == name and _is_side(name, value) for target, value in bound)
    return reads > 0


@dataclass(frozen=True, eq=False)
class Body:
    """What a function does; functions in it apart."""

    bindings: tuple[Binding, ...]
    expressions: tuple[ast.expr, ...]
    """Every expression in it, parts included."""
    returned: tuple[ast.expr, ...]
    loops: tuple[ast.For, ...]
    block: tuple[ast.stmt, ...]
    sharing: Sharing
    """The variables whose memory may be one."""
    written: set[str]
    """The variables whose contents it may change, also through another."""


@lru_cache(maxsize=256)
def body_of(function: Function) -> Body:
    """What a function does, read once."""
    every = list(_statements(function.body))
    bindings: list[Binding] = []
    parts: list[ast.AST] = []
    for statement, loop in every:
        bound = [Binding(name, value, loop) for name, value in _assigned(statement)]
        bindings += bound
        children = (
            (binding.value for binding in bound)
            if isinstance(statement, ast.AugAssign)
            else ast.iter_child_nodes(statement)
        )
        parts += (part for e in children if isinstance(e, ast.expr) for part in ast.walk(e))
    sharing = sharing_in(function.body)
    return Body(
        tuple(bindings),
        tuple(part for part in parts if isinstance(part, ast.expr)),
        tuple(s.value for s, _ in every if isinstance(s, ast.Return) and s.value is not None),
        tuple(s for s, _ in every if isinstance(s, ast.For)),
        tuple(function.body),
        sharing,
        with_shared(written(function.body), sharing),
    )


def _statements(
    body: Sequence[ast.stmt], loop: ast.stmt | None = None
) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """The statements, each with the innermost loop around it; not those of functions among them."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            continue
        yield statement, loop
        around = statement if isinstance(statement, (ast.For, ast.While)) else loop
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, []), around)


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
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
    elif isinstance(target, (ast.Tuple, ast.List)):
        given = value.elts if isinstance(value, (ast.Tuple, ast.List)) else None
        for k, part in enumerate(target.elts):
            if given is None:  # of what is worked out or returned: a part
                picked = ast.Subscript(value, ast.Constant(k), ast.Load())
                yield from _bound(part, ast.copy_location(picked, value))
            elif k < len(given):
                yield from _bound(part, given[k])
