"""Which variables statements change, and which statements a variable needs."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import numpy as np

from tinygrad_edu.graph.code.sharing import Sharing, with_shared


def names_in(e: ast.AST) -> set[str]:
    """The names that stand in an expression or statement."""
    return {n.id for n in ast.walk(e) if isinstance(n, ast.Name)}


def written_into(e: ast.Call) -> str:
    """The variable whose contents a call changes, such as that of ``rows.append(x)``."""
    if isinstance(e.func, ast.Attribute) and e.func.attr == "append":
        owner = e.func.value
    else:
        owner = e.args[0] if e.args else e.func
    return owner.id if isinstance(owner, ast.Name) else ""


def changed_by(statement: ast.stmt) -> set[str]:
    """The variables that a statement assigns, or whose contents it changes."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return _changed_by_call(statement.value)
    if isinstance(statement, (ast.For, ast.If, ast.While, ast.With, ast.Try)):
        inner = [*statement.body, *getattr(statement, "orelse", []), *getattr(statement, "finalbody", [])]
        inner += [part for handler in getattr(statement, "handlers", []) for part in handler.body]
        own = names_in(statement.target) if isinstance(statement, ast.For) else set()
        return own.union(*map(changed_by, inner))
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    found: set[str] = set()
    for target in targets:
        parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
        for part in parts:
            while isinstance(part, (ast.Subscript, ast.Starred, ast.Attribute)):
                part = part.value
            if isinstance(part, ast.Name):
                found.add(part.id)
    return found


def _changed_by_call(e: ast.Call) -> set[str]:
    """The variables whose contents a call may change: any that it is given, but for what is printed."""
    if isinstance(e.func, ast.Attribute) and (e.func.attr == "append" or e.func.attr in vars(np)):
        root = written_into(e)
        return {root} if root else names_in(e.func)  # A.sort()
    if isinstance(e.func, ast.Name) and e.func.id == "print":
        return set()
    return set().union(*map(names_in, [*e.args, *(k.value for k in e.keywords)]))


def changed(block: Sequence[ast.stmt], sharing: Sharing) -> set[str]:
    """The variables that statements change, also through another whose memory is shared."""
    return set().union(*map(changed_by, block)) | with_shared(written(block), sharing)


def written(block: Sequence[ast.stmt]) -> set[str]:
    """The variables whose contents statements may change; those that are only assigned anew are left out."""
    found: set[str] = set()
    for statement in block:
        if isinstance(statement, (ast.For, ast.If)):
            found |= written([*statement.body, *statement.orelse])
        elif not isinstance(statement, ast.Assign) or not all(
            isinstance(target, ast.Name) for target in statement.targets
        ):
            found |= changed_by(statement)
    return found


def needed(
    block: Sequence[ast.stmt], names: set[str], sharing: Sharing, among: set[str] | None = None
) -> list[tuple[ast.stmt, ast.stmt]]:
    """The statements that names need, in order; of loops only what the names need, beside the whole loops.

    Args:
        block: the statements.
        names: the names. What the statements read is added.
        sharing: the variables whose memory may be one, so that a write into one changes another.
        among: the only names to add; by default any.
    """
    kept: list[tuple[ast.stmt, ast.stmt]] = []
    for statement in reversed(block):
        if not changed_by(statement) & names and not written([statement]) & with_shared(names, sharing):
            continue
        found: ast.stmt = statement
        if isinstance(statement, (ast.For, ast.If)):
            while True:  # what a round needs, the round before may give
                before = set(names)
                body, orelse = (
                    [inner for inner, _ in needed(part, names, sharing, among)]
                    for part in (statement.body, statement.orelse)
                )
                names |= _read_in(statement.iter if isinstance(statement, ast.For) else statement.test, among)
                if names == before:
                    break
            if isinstance(statement, ast.For):
                found = ast.For(statement.target, statement.iter, body, orelse)
            else:
                found = ast.If(statement.test, body, orelse)
            found = ast.copy_location(found, statement)
        else:
            names |= _read_in(statement, among)
        kept.append((found, statement))
    return kept[::-1]


def _read_in(part: ast.AST, among: set[str] | None) -> set[str]:
    found = names_in(part)
    return found if among is None else found & among
