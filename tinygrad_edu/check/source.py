"""The line of a function's source that assigns a quantity."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any


def line_assigning(f: Callable[..., Any], name: str) -> tuple[int, str] | None:
    """``number, text`` of the last line that gives ``name`` its value: in a variable, or in a dict.

    >>> def backward(dZ, X):
    ...     grads = {}
    ...     grads["dW"] = dZ @ X.T
    ...     return grads
    >>> line_assigning(backward, "dB") is None
    True
    """
    try:
        lines, first = inspect.getsourcelines(f)
    except (OSError, TypeError):
        return None
    tree = ast.parse(textwrap.dedent("".join(lines)))
    found = list(_assigning(tree, name))
    if not found:
        return None
    variables = [node for node in found if not isinstance(node, ast.expr)]
    node = (variables or found)[-1]
    text = ast.unparse(node) if isinstance(node, ast.stmt) else f"{name!r}: {ast.unparse(node)}"
    return first + node.lineno - 1, text


def _assigning(tree: ast.AST, name: str) -> Iterator[ast.stmt | ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_is(part, name) for target in targets for part in _parts(target)):
                yield node
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    yield value


def _parts(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, (ast.Tuple, ast.List)) else [target]


def _is(target: ast.expr, name: str) -> bool:
    if isinstance(target, ast.Name):
        return target.id == name
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return bool(target.slice.value == name)
    return False
