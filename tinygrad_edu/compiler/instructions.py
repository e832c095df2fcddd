"""How one node is written in NumPy: into a buffer where NumPy can (``out=``), else as an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.compiler.views import is_copied
from tinygrad_edu.expression.arithmetic import ADD, MATMUL, MAX, MAXIMUM, MIN, MINIMUM, MULTIPLY, PROD, SUM
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.numpy_style import NUMPY, in_numpy, literal
from tinygrad_edu.expression.writer import Text

_REDUCTIONS = {
    op.kernel: f"np.{by.name}" for op, by in ((SUM, ADD), (MAX, MAXIMUM), (MIN, MINIMUM), (PROD, MULTIPLY))
}


def is_ufunc(node: Node) -> bool:
    """Whether it computes entry by entry, so that it may overwrite an operand."""
    return (
        node.op is not None
        and not node.does(MATMUL)
        and any(isinstance(f, np.ufunc) for f in node.rule.numpy)
    )


def own_memory(node: Node) -> bool:
    """Whether its value lies where nothing else does: in no operand, constant or array of the caller's.

    What NumPy hands out without ``out=`` may be an operand, or a view of one.
    """
    if node.op is None:
        return False
    return takes_out(node) or (not node.shape and (is_ufunc(node) or _is_reduction(node)))


def takes_out(node: Node) -> bool:
    """Whether NumPy can write the result where it is told to."""
    if is_copied(node) or (node.shape and node.rule.into is not None):
        return True
    if not node.shape or not all(a.shape or a.number is not None for a in node.args if node.does(MATMUL)):
        return False
    if node.kernel in _REDUCTIONS:
        return _is_reduction(node)
    if node.does(MATMUL):
        return all(a.dtype == node.dtype for a in node.args)
    return is_ufunc(node) and len(node.args) <= 2


def computes_in(node: Node) -> np.dtype[Any]:
    """The dtype in which NumPy computes it by itself; the node's own where that is not known.

    Where a rewriting has narrower operands than what it stands for (labels that are integers, beside floats),
    the node's dtype is the one that NumPy would have computed in before it, and the source says so.
    """
    if _is_reduction(node):
        kind, wide = node.args[0].dtype, np.dtype(int)
        adds = node.does(SUM, PROD) and kind.kind in "iub" and kind.itemsize < wide.itemsize
        return kind if not adds else np.dtype(np.uint) if kind.kind == "u" else wide
    function = np.matmul if node.does(MATMUL) else _ufunc(node)
    if function is None or function.nout != 1:
        return node.dtype
    kinds = [type(a.value) if type(a.number) in (int, float) else a.dtype for a in node.args]
    try:
        return function.resolve_dtypes((*kinds, None))[-1]
    except TypeError:  # it does not compute with those (None would pass for float64)
        return np.dtype(np.void)


def _is_reduction(node: Node) -> bool:
    return node.kernel in _REDUCTIONS and node.settings.keys() <= {"axis", "keepdims"}


def constant_code(node: Node) -> Text:
    """A constant number; its dtype is written where it decides the result's."""
    value = node.value
    if isinstance(value, np.generic) and value.dtype.kind in "fiu":
        return Text(f"np.{value.dtype}({literal(value.item())})", dtype=value.dtype)
    return literal(value)


def text(node: Node, code: Callable[[Node], Text], out: str | None) -> str:
    """The right-hand side of the statement that computes a node.

    Args:
        node: what to compute.
        code: what an operand is called.
        out: the buffer to write into, for a node that ``takes_out``.
    """
    if _is_reduction(node) and (takes_out(node) or not node.shape):
        return _reduction(node, code(node.args[0]), out)
    if is_copied(node):
        told = f", out={out}" if out else ""
        return f"copied({code(node.args[0])}, shape={node.shape}{told})"
    operands = [constant_code(a) if _is_number(a, node) else code(a) for a in node.args]
    wide = [] if computes_in(node) == node.dtype else [f"dtype=np.{node.dtype}"]
    if out is None and not wide:
        return NUMPY.written(node.rule, operands, node.settings, shape=node.shape, dtype=node.dtype).text
    facts = [f"{k}={literal(v)}" for k, v in node.settings.items() if v is not None and v is not False]
    facts += ([f"out={out}"] if out else []) + wide
    whole = out is None or out.isidentifier()
    return f"{called(node, whole=whole)}({', '.join([*map(str, operands), *facts])})"


def _reduction(node: Node, x: Text, out: str | None) -> str:
    """The reduction itself: ``np.sum`` is a function around it, which takes as long on small arrays."""
    facts = [f"axis={literal(node.settings.get('axis'))}"]
    facts += ["keepdims=True"] * bool(node.settings.get("keepdims")) + ([f"out={out}"] if out else [])
    facts += [f"dtype=np.{node.dtype}"] * (computes_in(node) != node.dtype)
    return f"{_REDUCTIONS[node.kernel]}.reduce({x}, {', '.join(facts)})"


def _is_number(operand: Node, node: Node) -> bool:
    """Whether an operand is written as a number; a row of numbers where that is faster."""
    return (
        is_ufunc(node) and operand.number is not None and not (operand.shape and node.does(MAXIMUM, MINIMUM))
    )


SMALL = 2048
"""Entries of the arrays of a product up to which it matters how long NumPy takes to begin."""


def called(node: Node, *, whole: bool = True) -> str:
    """NumPy's function for it: the ufunc, where several answer to the name.

    ``np.dot`` begins sooner, and writes into a ``whole`` array alone, not into some of its columns.
    """
    if whole and _is_small_product(node):
        return "np.dot"
    function = _ufunc(node)
    return f"np.{function.__name__}" if function is not None else in_numpy(node.rule) or node.rule.name


def _is_small_product(node: Node) -> bool:
    """Whether ``np.dot`` gives the same. Beside a matrix of one entry, 0, it gives 0 for nan and inf."""
    few = all(1 < a.entries <= SMALL and a.ndim == 2 and a.dtype == node.dtype for a in node.args)
    fits = few and node.entries <= SMALL and computes_in(node) == node.dtype
    return node.does(MATMUL) and node.dtype.char in "fd" and fits


def _ufunc(node: Node) -> np.ufunc | None:
    return next((f for f in node.rule.numpy if isinstance(f, np.ufunc)), None)
