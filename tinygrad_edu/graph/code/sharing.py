"""Which variables of a function may share their memory: after ``B = A.T`` a write into A changes B."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY

_NEW: tuple[Any, ...] = (
    np.array, np.copy, np.eye, np.zeros, np.ones, np.full, np.arange, np.zeros_like, np.ones_like,
    len, int, float, bool, str,
)  # fmt: skip
"""Functions whose result has memory of its own, besides the operations that compute."""


Sharing = Mapping[str, set[str]]
"""Of each variable that shares its memory: all that it may share it with."""


def sharing_in(block: Sequence[ast.stmt]) -> Sharing:
    """Of each variable that shares its memory by what a block assigns: all that it may share it with.

    >>> code = ast.parse("A = np.exp(Z); B = A.T; row, m = B[0], len(B); C = B + 1").body
    >>> [(name, sorted(others)) for name, others in sorted(sharing_in(code).items())]
    [('A', ['A', 'B', 'row']), ('B', ['A', 'B', 'row']), ('row', ['A', 'B', 'row'])]
    """
    groups: dict[str, set[str]] = {}
    for name, value in _assigned(block):
        for other in _seen_through(value):
            together = groups.get(name, {name}) | groups.get(other, {other})
            groups |= dict.fromkeys(together, together)
    return groups


def with_shared(names: set[str], sharing: Sharing) -> set[str]:
    """The variables, and those whose memory may be theirs."""
    return names.union(*(sharing[name] for name in names & sharing.keys()))


def _assigned(block: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Variables with the expressions that they may be a part of, those of loops included."""
    for statement in (part for outer in block for part in ast.walk(outer)):
        if isinstance(statement, ast.Assign):
            given = [(target, statement.value) for target in statement.targets]
        elif isinstance(statement, (ast.For, ast.comprehension)):
            given = [(statement.target, statement.iter)]
        elif isinstance(statement, (ast.AnnAssign, ast.NamedExpr)) and statement.value is not None:
            given = [(statement.target, statement.value)]
        else:
            continue
        for target, value in given:
            yield from _bound(target, value)


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """``a, b = c, d`` taken apart."""
    if isinstance(target, (ast.Tuple, ast.List)):
        given = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        alike = len(given) == len(target.elts) and not any(
            isinstance(e, ast.Starred) for e in (*given, *target.elts)
        )
        for part, one in zip(target.elts, given if alike else [value] * len(target.elts), strict=True):
            yield from _bound(part, one)
    elif isinstance(target, ast.Starred):
        yield from _bound(target.value, value)
    elif isinstance(target, ast.Name):
        yield target.id, value


def _seen_through(e: ast.expr) -> set[str]:
    """The variables whose memory an expression may give a view of."""
    if isinstance(e, ast.Name):
        return {e.id}
    if isinstance(e, (ast.Attribute, ast.Subscript, ast.Starred)):
        return _seen_through(e.value)
    parts: list[ast.expr] = []
    if isinstance(e, (ast.Tuple, ast.List)):
        parts = e.elts
    elif isinstance(e, ast.Dict):
        parts = e.values
    elif isinstance(e, ast.IfExp):
        parts = [e.body, e.orelse]
    elif isinstance(e, (ast.ListComp, ast.GeneratorExp)):
        parts = [e.elt, *(g.iter for g in e.generators)]
    elif isinstance(e, ast.Call) and not _is_new(e):
        parts = [*e.args, *(k.value for k in e.keywords), *_owner(e.func)]
    return set().union(*map(_seen_through, parts))


def _owner(function: ast.expr) -> list[ast.expr]:
    return [function.value] if isinstance(function, ast.Attribute) else []


def _is_new(e: ast.Call) -> bool:
    """Whether a call gives an array of its own, as far as its name tells."""
    called = e.func.attr if isinstance(e.func, ast.Attribute) else getattr(e.func, "id", "")
    function = vars(np).get(called, vars(builtins).get(called))
    known = NUMPY.get(function) if callable(function) else None
    computes = isinstance(known, Op) and not known.moves and not known.silent
    return (computes or function in _NEW) and all(k.arg not in ("copy", "out") for k in e.keywords)
