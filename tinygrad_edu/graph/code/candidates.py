"""Which nodes an expression may be, as far as its form tells: so that few have to be matched with it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import TRANSPOSE
from tinygrad_edu.expression.parsing import SIGNS
from tinygrad_edu.graph.code.calls import called
from tinygrad_edu.graph.code.plain import part_of, plain, recorded_by
from tinygrad_edu.graph.code.scope import Scope, Unknown
from tinygrad_edu.graph.code.statements import names_in
from tinygrad_edu.ops.indexing.gather_scatter import getitem

_Nodes = Collection[Tensor]
_NONE: tuple[_Nodes, _Nodes] = (), ()


class Values:
    """The values of expressions of plain values, each worked out once."""

    def __init__(self) -> None:
        self._values: dict[tuple[Scope, ast.expr, bool], Any] = {}
        self._functions: dict[tuple[Scope, ast.Call], Any] = {}

    def of(self, e: ast.expr, scope: Scope, *, compared: bool = False) -> Any:
        """The value of an expression; Unknown where it has none."""
        key = scope, e, compared
        if key not in self._values:
            try:
                self._values[key] = plain(e, scope, compared=compared)
            except Unknown:
                self._values[key] = Unknown
        return self._values[key]

    def function(self, e: ast.Call, scope: Scope) -> Any:
        """The operation that a call records, or the function of several; None where it is neither."""
        key = scope, e
        if key not in self._functions:
            function = self.of(e.func, scope)
            if function is Unknown:  # a method
                function = getattr(np, e.func.attr, None) if isinstance(e.func, ast.Attribute) else None
            known = NUMPY.get(function, function) if callable(function) and _hashable(function) else None
            self._functions[key] = known if isinstance(known, Op) or known is not function else None
        return self._functions[key]


class Candidates:
    """The nodes of a graph by what an expression for them looks like.

    Args:
        operands: of each computed node the operands.
        users: where a node stands in for a Tensor of the user's: that one.
        leaves: the other nodes.
        values: the values of expressions.
    """

    def __init__(
        self,
        operands: Mapping[Tensor, Sequence[Any]],
        users: Mapping[Tensor, Tensor],
        leaves: Sequence[Tensor],
        values: Values,
    ) -> None:
        self.leaves, self.values = leaves, values
        self.computed = list(operands)
        self._data = [leaf for leaf in leaves if not leaf.requires_grad]
        self._known: dict[tuple[Scope, ast.expr], tuple[_Nodes, _Nodes]] = {}
        self._composed: dict[tuple[Scope, ast.Call], Sequence[Tensor]] = {}
        self._users = users
        self._signed: dict[tuple[str, str], list[Tensor]] = {}
        self._of_kernel: dict[str, list[Tensor]] = {}
        self._stood_for: dict[int, list[Tensor]] = {}
        for node in (*leaves, *operands):
            self._stood_for.setdefault(id(users.get(node, node)), []).append(node)
        for node in operands:
            if node.op is not None:
                self._of_kernel.setdefault(node.op.kernel, []).append(node)
                if node.op.sign is not None:
                    self._signed.setdefault((node.op.sign.place, node.op.sign.text), []).append(node)

    def of(self, e: ast.expr, scope: Scope) -> tuple[_Nodes, _Nodes]:
        """The leaves and the computed nodes that an expression may be."""
        key = scope, e
        if key not in self._known:
            self._known[key] = _NONE  # of a name that is worked out from itself
            self._known[key] = self._of(e, scope)
        return self._known[key]

    def _of(self, e: ast.expr, scope: Scope) -> tuple[_Nodes, _Nodes]:
        if isinstance(e, ast.Name):
            return self._of_a_name(e, scope)
        if (part := part_of(e, scope)) is not None:
            return self.of(*part)
        if isinstance(e, ast.IfExp):
            return self._of_any([(e.body, scope), (e.orelse, scope)])
        if isinstance(e, ast.BinOp):
            return self._given_by(e, scope), self._signed.get(("infix", SIGNS.get(type(e.op), "")), ())
        if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub):
            return self._given_by(e, scope), self._signed.get(("prefix", "-"), ())
        if isinstance(e, ast.Call):
            return self._given_by(e, scope), self._of_a_call(e, scope)
        if isinstance(e, (ast.Attribute, ast.Subscript)):
            kernel = getitem.kernel if isinstance(e, ast.Subscript) else TRANSPOSE.kernel
            held = self._stood_for.get(id(self.values.of(e, scope)), ())
            return self.leaves, [*self._of_kernel.get(kernel, ()), *held]
        return self.leaves, ()  # a comparison, or a literal

    def _of_any(self, ways: Sequence[tuple[ast.expr, Scope]]) -> tuple[_Nodes, _Nodes]:
        every = [self.of(*way) for way in ways]
        if len(every) == 1:
            return every[0]
        leaves, computed = ({node for part in parts for node in part} for parts in zip(*every, strict=True))
        return leaves, [node for node in self.computed if node in computed]

    def _of_a_name(self, e: ast.Name, scope: Scope) -> tuple[_Nodes, _Nodes]:
        if e.id in scope.expressions:
            leaves, computed = self.of(*scope.expressions[e.id])
            return self.leaves if e.id in scope.written else leaves, computed
        if e.id in scope.changing:
            could_be = scope.could_be.get(e.id)
            if could_be is None:
                return self.leaves, self.computed
            return [n for n in self.leaves if n in could_be], [n for n in self.computed if n in could_be]
        value = scope.names.get(e.id)
        if isinstance(value, Tensor):
            same = self._stood_for.get(id(value), ())
            return same, same
        return self.leaves if isinstance(value, np.ndarray) else (), ()

    def _of_a_call(self, e: ast.Call, scope: Scope) -> _Nodes:
        scopes = called(e, scope, plain)
        inside = [(way, inner) for inner in scopes if inner.body is not None for way in inner.body.returned]
        if inside:
            return self._of_any(inside)[1]
        function = self.values.function(e, scope)
        if isinstance(function, Op):
            return self._of_kernel.get(function.kernel, ())
        if function is None:
            return ()
        last = {result.op.kernel for result in self.composed(e, scope) if result.op}
        return [n for n in self.computed if n.op and (n.op.kernel in last or n.op.kind == "contraction")]

    def composed(self, e: ast.Call, scope: Scope) -> Sequence[Tensor]:
        """What a function that is recorded as several operations gives, as np.clip, for all it may be of."""
        key = scope, e
        if key not in self._composed:
            names = names_in(e) & scope.changing
            could_be = scope.could_be.get(min(names), set()) if len(names) == 1 else set()
            others = sorted(could_be, key=lambda node: node.seq)
            on = [scope.with_value(min(names), self._users.get(node, node)) for node in others] or [scope]
            self._composed[key] = [result for each in on if (result := _recorded(e, each)) is not None]
        return self._composed[key]

    def _given_by(self, e: ast.expr, scope: Scope) -> Sequence[Tensor]:
        """The leaves that may be the value of an expression: no parameter is one of plain values."""
        return () if self.values.of(e, scope) is Unknown else self._data

    def forget(self) -> None:
        """To be called when it is known better what names can have been."""
        self._known.clear()
        self._composed.clear()


def _recorded(e: ast.Call, scope: Scope) -> Tensor | None:
    try:
        result = recorded_by(e, scope)
    except Unknown:
        return None
    return result if isinstance(result, Tensor) and result.op is not None else None  # svd gives several


def _hashable(value: Any) -> bool:
    return getattr(value, "__hash__", None) is not None
