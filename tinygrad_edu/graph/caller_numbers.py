"""Plain numbers in the caller's variables, as quantities of the graph: x1, y, and ``1 - y`` in terms of y."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.call_sites import parsed
from tinygrad_edu.core.callers import values_of_the_caller
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import ADD, DIVIDE, MULTIPLY, POWER, SUBTRACT

_OPERATIONS = {
    ast.Add: ADD, ast.Sub: SUBTRACT, ast.Mult: MULTIPLY, ast.Div: DIVIDE, ast.Pow: POWER,
}  # fmt: skip


class Numbers:
    """The caller's numbers as Tensors, by name.

    Args:
        taken: names that mean something else.
        more: numbers that no variable holds any more.
    """

    def __init__(self, taken: set[str], more: Mapping[str, Any]) -> None:
        self.leaves: dict[str, Tensor] = {}
        self._taken = taken
        self._values: dict[str, Any] = {}
        for name, value in values_of_the_caller((int, float, np.number)):
            self._values.setdefault(name, value)
        for name, value in more.items():
            self._values.setdefault(name, value)

    def value(self, name: str) -> Any:
        """What the caller's variable holds; None where it holds no number."""
        return self._values.get(name)

    def quantity(self, text: str | None, value: Any, dtype: Any) -> Any:
        """The value of the text, computed from named numbers; the number itself where there is no text."""
        if not text:
            return value
        before = dict(self.leaves)
        try:
            found = self._of(parsed(text, "eval").body, dtype)
        except (KeyError, SyntaxError, ArithmeticError, ValueError, TypeError):
            found = None
        if isinstance(found, Tensor) and found._data == value:
            return found
        self.leaves = before
        return value

    def _of(self, e: ast.expr, dtype: Any) -> Any:
        if isinstance(e, ast.Constant) and isinstance(e.value, (int, float)):
            return e.value
        if isinstance(e, ast.Name) and e.id not in self._taken:
            if e.id not in self.leaves:
                self.leaves[e.id] = Tensor(self._values[e.id], requires_grad=False, dtype=dtype)
            return self.leaves[e.id]
        if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub):
            return -self._of(e.operand, dtype)
        if isinstance(e, ast.BinOp) and type(e.op) in _OPERATIONS:
            return _OPERATIONS[type(e.op)](self._of(e.left, dtype), self._of(e.right, dtype))
        raise KeyError(ast.unparse(e))
