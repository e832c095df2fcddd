"""``margins[rows, y] = 0`` in somebody's forward pass, which a recorded value can't take: as a new value.

An assignment to entries of a variable of a function is run as ``margins = assigned(margins, (rows, y), 0)``:
an array is written into as before, and of a Tensor a new one is made.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tinygrad_edu.core.tensor import Tensor

_ASSIGNED, _INDEX = "__assigned__", "__index_of__"


class _Index:
    """What stands between brackets."""

    def __getitem__(self, index: Any) -> Any:
        return index


def assigned(target: Any, index: Any, value: Any) -> Any:
    """What a variable is after ``target[index] = value``.

    >>> a = np.zeros(3)
    >>> assigned(a, 1, 2.0) is a, a.tolist()
    (True, [0.0, 2.0, 0.0])
    >>> assigned(Tensor([1.0, 2.0]), 0, 5.0).data.tolist()
    [5.0, 2.0]
    """
    if not isinstance(target, Tensor) or isinstance(value, Tensor):
        target[index] = value
        return target
    there, values = np.zeros(target.shape, bool), np.zeros(target.shape)
    there[index], values[index] = True, value
    return np.where(there, values, target)


def without_writes(tree: ast.Module) -> ast.Module:
    """The code with these assignments written so; its lines stay where they are."""
    _Writer().visit(tree)
    return ast.fix_missing_locations(tree)


class _Writer(ast.NodeTransformer):
    def __init__(self) -> None:
        self.own: set[str] = set()

    def visit_FunctionDef(self, function: ast.FunctionDef) -> ast.AST:
        outer, self.own = self.own, _variables(function)
        self.generic_visit(function)
        self.own = outer
        return function

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if len(node.targets) != 1 or not isinstance(target, ast.Subscript):
            return node
        name, index = target.value, target.slice
        keyed = any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in ast.walk(index))
        if not isinstance(name, ast.Name) or name.id not in self.own or keyed:
            return node
        between = ast.Subscript(ast.Name(_INDEX, ast.Load()), index, ast.Load())
        arguments: list[ast.expr] = [ast.Name(name.id, ast.Load()), between, node.value]
        call = ast.Call(ast.Name(_ASSIGNED, ast.Load()), arguments, [])
        return ast.copy_location(ast.Assign([ast.Name(name.id, ast.Store())], call), node)


def _variables(function: ast.FunctionDef) -> set[str]:
    """The names that a function gives values: only these are its own to give another."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    stored = (n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    elsewhere = {
        name for n in ast.walk(function) if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names
    }
    return {*(a.arg for a in arguments), *stored} - elsewhere


HELPERS = {_ASSIGNED: assigned, _INDEX: _Index()}
"""What code that was written so needs to find."""
