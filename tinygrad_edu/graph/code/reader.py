"""Matches the expressions of the caller's source with what was recorded, to name and explain it.

Names of variables tell what a tensor is called now. They do not tell what was called Z in the rounds of a
loop before, that the 0.0 of a product was ``1 - y``, or that an array is ``1 - Y``: NumPy and Python computed
that before anything was recorded. The source of the calling functions does. An expression is taken for a node
only where operations and operands agree with it, and for a number or array only where it gives that value.
"""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType, FunctionType
from typing import Any, cast

import numpy as np

from tinygrad_edu.core.callers import frames
from tinygrad_edu.core.copied_arrays import origin
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import TRANSPOSE
from tinygrad_edu.graph.code.plain import SIGNS, Scope, Unknown, gives, names_in, plain, written
from tinygrad_edu.graph.code.recorded import Computed
from tinygrad_edu.graph.code.source import Function, assigned, source_of, statements
from tinygrad_edu.ops.indexing.gather_scatter import getitem

__all__ = ["Said", "said_by_the_caller"]

_MOST_NODES = 2000
_DEEPEST = 4
_SURE, _PERHAPS, _NO = 2, 1, 0
_RAISED = str.maketrans("0123456789()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾")


@dataclass
class Said:
    """The names that the code gives to values which no variable holds any more."""

    loops: dict[Tensor, str] = field(default_factory=dict)
    """Values that a loop rebound: Z1, Z2, ... for layers and steps, Z⁽¹⁾, ... over examples."""
    numbers: dict[tuple[Tensor, int], str] = field(default_factory=dict)
    """Plain numbers by the node and the operand: ``y``, ``1 - y``, ``lambd / (2 * m)``; "" for a literal."""
    arrays: dict[Tensor, Computed] = field(default_factory=dict)
    """Plain arrays that NumPy computed: ``1 - Y``, ``X.T``."""


def said_by_the_caller(
    operands: Mapping[Tensor, Sequence[Any]], users: Mapping[Tensor, Tensor], leaves: Sequence[Tensor]
) -> Said:
    """What the source of the calling functions says about some nodes.

    Args:
        operands: of each computed node the operands: nodes, or plain numbers.
        users: where a node stands in for a Tensor of the user's: that one.
        leaves: the other nodes.
    """
    said = Said()
    if len(operands) > _MOST_NODES:
        return said
    for frame in frames():
        function = source_of(frame.f_code, frame.f_globals)
        if function is not None:
            _Reader(frame, function, operands, users, leaves).tell(said)
    return said


Match = tuple[int, tuple[tuple[Tensor, int, str | None], ...]]
"""How sure it is, and what it says of plain operands, "" for a literal. Operand -1: the node itself."""
_NOT: Match = (_NO, ())


class _Reader:
    """Matches the expressions of one calling function with nodes."""

    def __init__(
        self,
        frame: FrameType,
        function: Function,
        operands: Mapping[Tensor, Sequence[Any]],
        users: Mapping[Tensor, Tensor],
        leaves: Sequence[Tensor],
    ) -> None:
        self.operands, self.users = operands, users
        self.nodes = [*leaves, *operands]
        self.statements = list(statements(function.body))
        changing = {
            name for statement, loop in self.statements if loop is not None for name, _ in assigned(statement)
        }
        loops = [s for s, _ in self.statements if isinstance(s, ast.For)]
        changing |= {n.id for s in loops for n in ast.walk(s.target) if isinstance(n, ast.Name)}
        names = {**frame.f_globals, **frame.f_locals}
        self.scope = Scope(names, changing=frozenset(changing))
        self._known: dict[tuple[int, int], Match] = {}
        self._arrays: dict[tuple[Tensor, str], Computed] = {}
        self._plain_values: dict[int, Any] = {}
        self.could_be: dict[str, set[Tensor]] = {}
        """For each name that a loop rebinds, the values that it may have had."""

    def tell(self, said: Said) -> None:
        """Adds what this function says. Inner functions go first."""
        for _ in range(2):  # a rebound name may first have any value, then those of its expressions
            found = {name: self._bindings(name) for name in self.scope.changing}
            self.could_be |= {name: self._any_of(more) for name, more in found.items() if more}
            self._known.clear()
        self._loops(said)
        self._values(said)

    def _bindings(self, name: str) -> list[list[Tensor]]:
        return [
            [node for node in self.nodes if self.match(value, node, self.scope)[0]]
            for statement, _ in self.statements
            for target, value in assigned(statement)
            if target == name
        ]

    def _any_of(self, bindings: list[list[Tensor]]) -> set[Tensor]:
        """What a name may have been.

        An expression that no node agrees with, such as the ``np.zeros((4, m))`` a loop starts from, may have
        given any leaf.
        """
        unknown = self.nodes[: len(self.nodes) - len(self.operands)] if not all(bindings) else []
        return {node for nodes in (*bindings, unknown) for node in nodes}

    def _loops(self, said: Said) -> None:
        for statement, loop in self.statements:
            for name, value in assigned(statement) if loop is not None else ():
                if isinstance(value, ast.Name) or _adds_to(name, value):
                    continue
                rounds = [node for node in self.operands if self.match(value, node, self.scope)[0]]
                for k, node in enumerate(rounds if len(rounds) > 1 else ()):
                    said.loops.setdefault(node, self._numbered(name, k + 1, loop))

    def _numbered(self, name: str, k: int, loop: ast.stmt | None) -> str:
        """Z1 for a layer or step; Z⁽¹⁾ where the loop's variable picks out of arrays, as over examples."""
        over = loop.target.id if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) else ""
        parts = ast.walk(loop) if isinstance(loop, ast.For) else ()
        picked = (p.slice for p in parts if isinstance(p, ast.Subscript) and self._is_array(p.value))
        if over not in ("", "l", "t") and any(over in names_in(index) for index in picked):
            return f"{name}{f'({k})'.translate(_RAISED)}"
        return f"{name}{k}"

    def _is_array(self, expression: ast.expr) -> bool:
        value = self.scope.names.get(expression.id) if isinstance(expression, ast.Name) else None
        return isinstance(value, (np.ndarray, Tensor))

    def _values(self, said: Said) -> None:
        """The expressions for plain numbers and arrays. Of two that fit, the surer one; else none."""
        found: dict[tuple[Tensor, int], dict[str | None, int]] = {}
        for part in self._expressions():
            for node in self.operands:
                sure, told = self.match(part, node, self.scope)
                for owner, k, text in told if sure else ():
                    at = found.setdefault((owner, k), {})
                    at[text] = max(at.get(text, 0), sure)
        for (owner, k), texts in found.items():
            best = max(texts.values())
            likely = [text for text, sure in texts.items() if sure == best]
            if len(likely) == 1 and likely[0] is not None:
                if k < 0:
                    said.arrays.setdefault(owner, self._arrays[owner, likely[0]])
                else:
                    said.numbers.setdefault((owner, k), likely[0])

    def _expressions(self) -> Iterator[ast.expr]:
        for statement, _ in self.statements:
            values = (
                [value for _, value in assigned(statement)] if isinstance(statement, ast.AugAssign) else ()
            )
            for child in values or ast.iter_child_nodes(statement):
                for part in ast.walk(child) if isinstance(child, ast.expr) else ():
                    if isinstance(part, (ast.BinOp, ast.UnaryOp, ast.Call)):
                        yield part

    # matching

    def match(self, e: ast.expr, node: Any, scope: Scope) -> Match:
        """How certain it is that a node was recorded from an expression."""
        if scope is not self.scope:
            return self._matched(e, node, scope) if scope.depth <= _DEEPEST else _NOT
        key = id(e), id(node)
        if key not in self._known:
            self._known[key] = self._matched(e, node, scope)
        return self._known[key]

    def _matched(self, e: ast.expr, node: Any, scope: Scope) -> Match:
        if isinstance(e, ast.Name) and e.id in scope.expressions:
            inner, outer = scope.expressions[e.id]
            return self.match(inner, node, outer)
        if isinstance(e, ast.IfExp):
            return max(self.match(e.body, node, scope), self.match(e.orelse, node, scope), key=lambda m: m[0])
        if not isinstance(node, Tensor):
            picked = (
                isinstance(e, ast.Subscript) and names_in(e) & scope.changing and isinstance(node, np.generic)
            )
            return _SURE if gives(e, node, scope) else _PERHAPS if picked else _NO, ()
        if isinstance(e, ast.Name):
            return self._named(e.id, node, scope), ()
        if node not in self.operands or node.op is None:
            return self._leaf(e, node, scope)
        return self._computed(e, node, node.op, scope)

    def _computed(self, e: ast.expr, node: Tensor, op: Op, scope: Scope) -> Match:
        if isinstance(e, ast.BinOp):
            sign = op.sign is not None and op.sign.place == "infix" and op.sign.text == SIGNS.get(type(e.op))
            return self._all([e.left, e.right], node, scope) if sign else _NOT
        if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub):
            sign = op.sign is not None and op.sign.place == "prefix" and op.sign.text == "-"
            return self._all([e.operand], node, scope) if sign else _NOT
        if isinstance(e, ast.Subscript):
            return self._all([e.value], node, scope) if op.kernel == getitem.kernel else _NOT
        if isinstance(e, ast.Attribute) and e.attr == "T":
            return self._all([e.value], node, scope) if op.kernel == TRANSPOSE.kernel else _NOT
        if isinstance(e, ast.Call):
            return self._call(e, node, op, scope)
        return _NOT

    def _named(self, name: str, node: Tensor, scope: Scope) -> int:
        if name in scope.changing:
            return _PERHAPS if node in self.could_be.get(name, (node,)) else _NO
        return _SURE if self._is(scope.names.get(name), node) else _NO

    def _is(self, value: Any, node: Tensor) -> bool:
        if isinstance(value, Tensor):
            return value is self.users.get(node, node)
        source = origin(node._data) if isinstance(value, np.ndarray) and node not in self.operands else None
        return source is not None and source() is value

    def _leaf(self, e: ast.expr, node: Tensor, scope: Scope) -> Match:
        """A leaf by the expression that holds it, or of a plain array, that gives it."""
        if isinstance(e, ast.Subscript) and names_in(e) & scope.changing:
            members = self._members(e.value, scope)
            row = self._is_array(e.value) and not node.requires_grad
            return (_PERHAPS if row or any(self._is(value, node) for value in members) else _NO), ()
        if isinstance(e, ast.Compare) and not node.requires_grad and len(names_in(e) & scope.changing) == 1:
            return self._compared(e, node, scope)
        if node.requires_grad and isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call)):
            return _NOT  # a parameter is no result of plain values
        value = self._plain(e, scope)
        if value is Unknown:
            return _NOT
        if self._is(value, node):
            return _SURE, ()
        given = not node.requires_grad and isinstance(value, (np.ndarray, np.generic)) and node.ndim
        if given and same_values(value, node._data):
            text = ast.unparse(e)
            self._arrays[node, text] = Computed(e, scope)
            return _SURE, ((node, -1, text),)
        return _NOT

    def _plain(self, e: ast.expr, scope: Scope) -> Any:
        """The value of an expression of plain values, worked out once for each; Unknown where it has none."""
        if scope is self.scope and id(e) in self._plain_values:
            return self._plain_values[id(e)]
        try:
            value = plain(e, scope)
        except Unknown:
            value = Unknown
        if scope is self.scope:
            self._plain_values[id(e)] = value
        return value

    def _compared(self, e: ast.Compare, node: Tensor, scope: Scope) -> Match:
        """A comparison of what a loop binds anew, by any that it can have been."""
        (name,) = names_in(e) & scope.changing
        if name not in self.could_be:
            return _PERHAPS, ()
        for other in sorted(self.could_be[name] - {node}, key=lambda tensor: tensor.seq):
            names = ChainMap({name: self.users.get(other, other)}, cast("dict[str, Any]", scope.names))
            found = self._leaf(e, node, replace(scope, names=names, changing=scope.changing - {name}))
            if found[0]:
                return found
        return _NOT

    def _members(self, e: ast.expr, scope: Scope) -> list[Any]:
        try:
            value = plain(e, scope)
        except Unknown:
            return []
        return (
            list(value.values())
            if isinstance(value, dict)
            else list(value)
            if isinstance(value, (list, tuple))
            else []
        )

    def _all(self, parts: Sequence[ast.expr], node: Tensor, scope: Scope) -> Match:
        operands = self.operands[node]
        if len(parts) != len(operands):
            return _NOT
        sure = _SURE
        told: list[tuple[Tensor, int, str | None]] = []
        for k, (part, operand) in enumerate(zip(parts, operands, strict=True)):
            own, more = self.match(part, operand, scope)
            if not own:
                return _NOT
            sure = min(sure, own)
            told += more
            if not isinstance(operand, Tensor):
                told.append((node, k, written(part, scope)))
        return sure, tuple(told)

    def _call(self, e: ast.Call, node: Tensor, op: Op, scope: Scope) -> Match:
        parts = list(e.args)
        try:
            function = plain(e.func, scope)
        except Unknown:
            if not isinstance(e.func, ast.Attribute):
                return _NOT
            function = getattr(np, e.func.attr, None)  # a method: x.dot(W)
            parts.insert(0, e.func.value)
        known = NUMPY.get(function, function) if callable(function) and _hashable(function) else None
        if isinstance(known, Op):
            same = known.kernel == op.kernel
            return self._all(parts[: len(self.operands[node])], node, scope) if same else _NOT
        if isinstance(function, FunctionType):
            return self._inside(function, parts, e, node, scope)
        if known is not None and known is not function and op.kind == "contraction":  # np.dot and its like
            return self._all(parts, node, scope)
        return _NOT

    def _inside(
        self, function: FunctionType, parts: Sequence[ast.expr], e: ast.Call, node: Tensor, scope: Scope
    ) -> Match:
        """A function of the user's by what it returns, its arguments put in."""
        source = source_of(function.__code__, function.__globals__)
        if not isinstance(source, ast.FunctionDef):
            return _NOT
        given: dict[str, tuple[ast.expr, Any]] = {}
        arguments = [a.arg for a in source.args.args]
        for name, value in zip(arguments, parts, strict=False):
            given[name] = value, scope
        given |= {keyword.arg: (keyword.value, scope) for keyword in e.keywords if keyword.arg}
        inner = Scope(function.__globals__, given, depth=scope.depth + 1)
        for statement in source.body:
            for name, value in assigned(statement):
                inner = Scope(inner.names, {**inner.expressions, name: (value, inner)}, depth=inner.depth)
            if isinstance(statement, ast.Return) and statement.value is not None:
                return self.match(statement.value, node, inner)
        return _NOT


def _adds_to(name: str, value: ast.expr) -> bool:
    """Whether a sum is accumulated in a loop. Its partial sums are not quantities of their own."""
    sides = (value.left, value.right) if isinstance(value, ast.BinOp) else ()
    return any(isinstance(side, ast.Name) and side.id == name for side in sides)


def _hashable(value: Any) -> bool:
    return getattr(value, "__hash__", None) is not None
