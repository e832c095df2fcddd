"""How one node is written in NumPy: into a buffer where NumPy can (``out=``), else as an expression."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_edu.compile.sheet import CONSTANT, INPUT, Node
from tinygrad_edu.graph.source import Code, in_numpy, literal, written

__all__ = ["called", "constant_code", "is_ufunc", "is_view", "own_memory", "takes_out", "text"]

_REDUCTIONS = {"sum": "np.add", "max": "np.maximum", "min": "np.minimum", "prod": "np.multiply"}
_VIEWS = frozenset({"transpose", "reshape", "expand_dims", "squeeze", "broadcast_to"})


def is_ufunc(node: Node) -> bool:
    """Whether it computes entry by entry, so that it may overwrite an operand."""
    return node.op not in ("matmul", CONSTANT, INPUT) and any(
        isinstance(f, np.ufunc) for f in node.rule.numpy
    )


def is_view(node: Node) -> bool:
    """Whether its value is its operand's memory, looked at differently."""
    if node.op == "getitem":
        index = node.settings["index"]
        parts = index if isinstance(index, tuple) else (index,)
        return bool(node.shape) and all(
            p is None or p is Ellipsis or isinstance(p, (slice, int)) for p in parts
        )
    return node.op in _VIEWS


def own_memory(node: Node) -> bool:
    """Whether its value lies where nothing else does: in no operand, constant or array of the caller's.

    What NumPy hands out without ``out=`` may be an operand, or a view of one.
    """
    if node.op in (INPUT, CONSTANT):
        return False
    return takes_out(node) or (not node.shape and (is_ufunc(node) or node.op in _REDUCTIONS))


def takes_out(node: Node) -> bool:
    """Whether NumPy can write the result where it is told to."""
    if not node.shape or not all(a.shape or a.number is not None for a in node.args if node.op == "matmul"):
        return False
    if node.op in _REDUCTIONS:
        return node.args[0].dtype == node.dtype
    if node.op == "matmul":
        return all(a.dtype == node.dtype for a in node.args)
    return node.op == "dot_all" or (is_ufunc(node) and len(node.args) <= 2)


def constant_code(node: Node) -> Code:
    """A constant number; its dtype is written where it decides the result's."""
    value = node.value
    if isinstance(value, np.generic) and value.dtype.kind in "fiu":
        return Code(f"np.{value.dtype}({literal(value.item())})", dtype=value.dtype)
    return literal(value)


def text(node: Node, code: Callable[[Node], Code], out: str | None) -> str:
    """The right-hand side of the statement that computes a node.

    Args:
        node: what to compute.
        code: what an operand is called.
        out: the buffer to write into, for a node that ``takes_out``.
    """
    if node.op in _REDUCTIONS and (takes_out(node) or not node.shape):
        return _reduction(node, code(node.args[0]), out)
    operands = [constant_code(a) if _is_number(a, node) else code(a) for a in node.args]
    if out is None:
        return written(node.rule, operands, node.settings, shape=node.shape, dtype=node.dtype).text
    facts = [f"{k}={literal(v)}" for k, v in node.settings.items() if v is not None and v is not False]
    return f"{called(node)}({', '.join([*map(str, operands), *facts, f'out={out}'])})"


def _reduction(node: Node, x: Code, out: str | None) -> str:
    """The reduction itself: ``np.sum`` is a function around it, which takes as long on small arrays."""
    facts = [f"axis={literal(node.settings.get('axis'))}"]
    facts += ["keepdims=True"] * bool(node.settings.get("keepdims")) + ([f"out={out}"] if out else [])
    return f"{_REDUCTIONS[node.op]}.reduce({x}, {', '.join(facts)})"


def _is_number(operand: Node, node: Node) -> bool:
    """Whether an operand is written as a number; a row of numbers where that is faster."""
    return (
        is_ufunc(node)
        and operand.number is not None
        and not (operand.shape and node.op in ("maximum", "minimum"))
    )


def called(node: Node) -> str:
    """NumPy's function for it: the ufunc, where several answer to the name."""
    for function in node.rule.numpy:
        if isinstance(function, np.ufunc):
            return f"np.{function.__name__}"
    return in_numpy(node.rule) or node.op
