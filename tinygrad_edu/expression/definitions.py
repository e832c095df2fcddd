"""The functions that source calls by name, as source: an operation's kernel with all that it needs.

The kernel is read where it is defined. Its annotations and its docstring's examples stay behind; the
functions and constants of its module that it uses come along.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op

_KNOWN = ("numpy", "itertools", "functools", "math")
"""Modules that source may import from: NumPy, and Python's own."""


def definitions(ops: Iterable[Op], *, floats: bool = False) -> str:
    """Source of functions named as the operations, that need NumPy (as ``np``) and nothing else.

    Args:
        ops: the operations.
        floats: whether they get nothing but floats; then lines that give those back are left out.

    Raises:
        TypeError: a kernel's source can't be had, or it uses something that has no source.

    >>> import tinygrad_edu as tg
    >>> print(definitions([tg.leaky_relu]))
    def leaky_relu(z, *, slope=0.01):
        # max(slope z, z); at 0 the slope is the lower one. Course: A4, with slope 0.01.
        return np.where(z > 0, z, slope * z)
    """
    book = _Book(floats)
    for op in ops:
        book.enter(op.name, op.forward)
    return "\n\n\n".join(book.texts.values())


class _Book:
    """Definitions in an order in which each stands before those that use it."""

    def __init__(self, floats: bool) -> None:
        self.floats = floats
        self.texts: dict[str, str] = {}
        self.entered: dict[str, Any] = {}

    def enter(self, name: str, value: Any) -> None:
        value = value.forward if isinstance(value, Op) else value
        if name in self.entered:
            if self.entered[name] is not value:
                raise TypeError(f"source: two different things are called {name}")
            return
        self.entered[name] = value
        if isinstance(value, FunctionType):
            function = _parsed(name, value)
            idle = [line for line in function.body if self.floats and _gives_floats_back(line, value)]
            function.body = [line for line in function.body if line not in idle]
            for used in _names_read(function):
                self._needed(name, used, value)
            self.texts[name] = _text(name, function, value, {line.lineno for line in idle})
        else:
            self.texts[name] = f"{name} = {value!r}"

    def _needed(self, by: str, used: str, function: FunctionType) -> None:
        """A name that is not local to the function: of its module, or of its closure."""
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if used in cells:
            value = cells[used].cell_contents
        elif used in function.__globals__:
            value = function.__globals__[used]
        else:
            return  # its own, or Python's
        if value is np:
            return
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] == __name__.partition(".")[0]:
                raise TypeError(f"source: {by} uses the module {value.__name__}, so it cannot be NumPy alone")
            self.texts[used] = f"import {value.__name__}" + (f" as {used}" if used != value.__name__ else "")
        elif isinstance(value, (FunctionType, Op, int, float, str, tuple)):
            self.enter(used, value)
        elif getattr(value, "__module__", "").partition(".")[0] in _KNOWN:
            self.texts[used] = f"from {value.__module__} import {value.__name__}"
        else:
            raise TypeError(f"source: {by} uses {used}, a {type(value).__name__} that has no source")


def _parsed(name: str, function: Callable[..., Any]) -> ast.FunctionDef:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError) as error:
        raise TypeError(f"source: the kernel of {name} has no source to show; define it in a file") from error
    found = tree.body[0]
    if not isinstance(found, ast.FunctionDef):
        raise TypeError(f"source: the kernel of {name} is a lambda; give it a def, so that it can be shown")
    return found


def _gives_floats_back(line: ast.stmt, function: FunctionType) -> bool:
    """Whether a line is ``z = f(z)`` with a function of the module's that leaves floats as they are."""
    match line:
        case ast.Assign([ast.Name(x)], ast.Call(ast.Name(f), [ast.Name(y)], [])) if x == y:
            called, given = function.__globals__.get(f), [np.ones(2), np.ones(2, np.float32), 0.5]
            return isinstance(called, FunctionType) and all(called(z) is z for z in given)
    return False


def _names_read(function: ast.FunctionDef) -> list[str]:
    """The names that the body and the defaults read, in order; annotations and decorators are left out."""
    defaults = [*function.args.defaults, *filter(None, function.args.kw_defaults)]
    nodes = [node for part in [*function.body, *defaults] for node in ast.walk(part)]
    types = [node.annotation for node in nodes if isinstance(node, ast.AnnAssign)]
    in_types = {id(node) for annotation in types for node in ast.walk(annotation)}
    names = [node for node in nodes if isinstance(node, ast.Name) and id(node) not in in_types]
    own = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    own |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    read = [node.id for node in names if isinstance(node.ctx, ast.Load)]
    return [name for name in dict.fromkeys(read) if name not in own]


def _text(name: str, function: ast.FunctionDef, source: FunctionType, left_out: Collection[int]) -> str:
    """The function as it stands in its file, without decorators, annotations, examples and those lines."""
    lines = textwrap.dedent(inspect.getsource(source)).splitlines()
    arguments = function.args
    for arg in (n for n in ast.walk(arguments) if isinstance(n, ast.arg)):
        arg.annotation = None
    doc = ast.get_docstring(function)
    head = [f"def {name}({ast.unparse(arguments)}):"]
    start = function.body[0].lineno - 1
    if doc is not None:
        head.append(f"    # {doc.splitlines()[0]}")
        start = function.body[0].end_lineno or start
    end = function.end_lineno or len(lines)
    body = "\n".join(lines[k] for k in range(start, end) if k + 1 not in left_out)
    return "\n".join([*head, body.strip("\n")])
