"""Expressions of the caller's source, matched with the nodes of a graph.

An expression is taken for a node only where operations and operands agree with it, and for a number or array
only where it gives that value.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.copied_arrays import origin, place, viewed
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import TRANSPOSE
from tinygrad_edu.expression.parsing import SIGNS
from tinygrad_edu.graph.code.calls import called
from tinygrad_edu.graph.code.candidates import Candidates, Values
from tinygrad_edu.graph.code.plain import gives, index_of, part_of, plain, written
from tinygrad_edu.graph.code.scope import Scope, Unknown
from tinygrad_edu.graph.code.statements import names_in
from tinygrad_edu.ops.indexing.gather_scatter import getitem

_MOST_PARTS = 1000
_ROUNDING = 1e-12
_LOOKED_UP = (ast.Name, ast.Attribute, ast.Subscript)
_SURE, _PERHAPS, _NO = 2, 1, 0
ITSELF, HELD = -1, -2


class PlainOperand(NamedTuple):
    """A plain operand by its expression.

    Where ``k`` is -1 it is the node itself, and where it is -2 a variable that held the node.
    """

    owner: Tensor
    k: int
    text: str | None
    """As the caller writes it; "" for a literal, None where it can't be written."""
    e: ast.expr
    scope: Scope


Match = tuple[int, tuple[PlainOperand, ...]]
"""How sure it is, and what it says of plain operands."""
_NOT: Match = (_NO, ())


class Matcher:
    """Says of expressions and nodes whether the one may be what the other was recorded from.

    Args:
        operands: of each computed node the operands: nodes, or plain numbers.
        users: where a node stands in for a Tensor of the user's: that one.
        leaves: the other nodes.
    """

    def __init__(
        self,
        operands: Mapping[Tensor, Sequence[Any]],
        users: Mapping[Tensor, Tensor],
        leaves: Sequence[Tensor],
    ) -> None:
        self.operands, self.users, self.leaves = operands, users, leaves
        self._known: dict[tuple[Scope, ast.expr, int], Match] = {}
        self._rounds: dict[tuple[Scope, ast.expr], Sequence[Any]] = {}
        self.values = Values()
        self._candidates = Candidates(operands, users, leaves, self.values)

    def forget(self) -> None:
        """To be called when it is known better what names can have been."""
        self._known.clear()
        self._candidates.forget()

    def matching(self, e: ast.expr, scope: Scope) -> list[Tensor]:
        """The nodes that an expression may be."""
        leaves, computed = self._candidates.of(e, scope)
        return [node for node in (*leaves, *computed) if self.match(e, node, scope)[0]]

    def possible(self, e: ast.expr, scope: Scope) -> Collection[Tensor]:
        """The computed nodes that an expression may be, as far as its own sign, function or name tells."""
        return self._candidates.of(e, scope)[1]

    def makes_another(self, e: ast.expr, scope: Scope) -> bool:
        """Whether an expression makes a Tensor of a value that no leaf has, as ``tg.Tensor(2.0)`` may."""
        value = self._given_to_a_tensor(e, scope)
        return value is not Unknown and not any(np.array_equal(leaf._data, value) for leaf in self.leaves)

    def made_by(self, e: ast.expr, scope: Scope) -> list[Tensor]:
        """The leaves that ``tg.Tensor(2.0)`` may have made, and that no variable holds."""
        value, held = self._given_to_a_tensor(e, scope), {*map(id, scope.names.values())}
        same = (leaf for leaf in self.leaves if value is not Unknown and np.array_equal(leaf._data, value))
        return [leaf for leaf in same if leaf.requires_grad and id(self.users.get(leaf, leaf)) not in held]

    def _given_to_a_tensor(self, e: ast.expr, scope: Scope) -> Any:
        """The plain value in ``tg.Tensor(value)``; else Unknown."""
        if not (isinstance(e, ast.Call) and e.args and self.values.of(e.func, scope) is Tensor):
            return Unknown
        value = self.values.of(e.args[0], scope)
        return Unknown if isinstance(value, Tensor) else value

    def recorded(self, e: ast.expr, scope: Scope) -> Tensor | None:
        """The Tensor that an expression surely is."""
        if not isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Call, ast.Name)):
            return None
        found = next((n for n in self.possible(e, scope) if self.match(e, n, scope)[0] == _SURE), None)
        return None if found is None else self.users.get(found, found)

    def is_indexed(self, e: ast.expr, scope: Scope) -> bool:
        """Whether it is the name of an array, or of a list of numbers."""
        value = self.values.of(e, scope) if isinstance(e, ast.Name) else None
        numbers = isinstance(value, (list, tuple)) and all(isinstance(x, (int, float)) for x in value)
        return numbers or self.is_array(e, scope)

    def is_array(self, e: ast.expr, scope: Scope) -> bool:
        """Whether it is the name of an array or Tensor."""
        value = self.values.of(e, scope) if isinstance(e, ast.Name) and e.id not in scope.changing else None
        return isinstance(value, (np.ndarray, Tensor))

    def match(self, e: ast.expr, node: Any, scope: Scope) -> Match:
        """How certain it is that a node was recorded from an expression."""
        key = scope, e, id(node)
        if key not in self._known:
            self._known[key] = _NOT  # of a name that is worked out from itself
            self._known[key] = self._matched(e, node, scope)
        return self._known[key]

    def _matched(self, e: ast.expr, node: Any, scope: Scope) -> Match:
        if isinstance(e, ast.Name) and e.id in scope.expressions:
            if e.id in scope.written and _is_constant(node):
                return _PERHAPS, ()
            inner, outer = scope.expressions[e.id]
            return self.match(inner, node, outer)
        part = part_of(e, scope)
        if part is not None:
            return self.match(part[0], node, part[1])
        if isinstance(e, ast.IfExp):
            return max(self.match(e.body, node, scope), self.match(e.orelse, node, scope), key=lambda m: m[0])
        if not isinstance(node, Tensor):
            rebound = names_in(e) & scope.changing and isinstance(node, (int, float, np.generic))
            return _SURE if gives(e, node, scope) else _PERHAPS if rebound else _NO, ()
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
        if isinstance(e, ast.Subscript) and op.kernel == getitem.kernel:
            return self._all([e.value], node, scope)
        if isinstance(e, ast.Attribute) and e.attr == "T" and op.kernel == TRANSPOSE.kernel:
            return self._all([e.value], node, scope)
        if isinstance(e, ast.Call):
            return self._call(e, node, op, scope)
        if isinstance(e, (ast.Attribute, ast.Subscript)):  # self.Z1
            return _SURE if self._is(self.values.of(e, scope), node) else _NO, ()
        return _NOT

    def _named(self, name: str, node: Tensor, scope: Scope) -> int:
        if name in scope.changing:
            return _PERHAPS if node in scope.could_be.get(name, (node,)) else _NO
        return _SURE if self._is(scope.names.get(name), node) else _NO

    def _is(self, value: Any, node: Tensor) -> bool:
        if isinstance(value, Tensor):
            return value is self.users.get(node, node)
        source = origin(node._data) if isinstance(value, np.ndarray) and node not in self.operands else None
        return source is not None and source() is value

    def _leaf(self, e: ast.expr, node: Tensor, scope: Scope) -> Match:
        """A leaf by the expression that holds it, or of a plain array, that gives it."""
        if isinstance(e, ast.Subscript) and names_in(e) & scope.changing:
            return self._member(e, node, scope)
        if isinstance(e, ast.Compare) and not node.requires_grad and len(names_in(e) & scope.changing) == 1:
            return self._compared(e, node, scope)
        if node.requires_grad and isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call)):
            return _NOT  # a parameter is no result of plain values
        value = self.values.of(e, scope)
        if self._is(value, node):
            return _SURE, ()
        if any(self._is(held, node) for held in self._in_rounds(e, scope)):
            return _PERHAPS, ()
        given = not node.requires_grad and isinstance(value, (np.ndarray, np.generic)) and node.ndim
        if given and same_values(value, node._data):
            return _SURE, (PlainOperand(node, ITSELF, f"{scope.depth} {ast.unparse(e)}", e, scope),)
        if node.requires_grad or not self._is_of_changing_data(e, scope):
            return _NOT
        now = self.values.of(e, scope, compared=True)  # np.concatenate([h, x]) was something else before
        return (_PERHAPS if now is Unknown or np.shape(now) == node.shape else _NO), ()

    def _is_of_changing_data(self, e: ast.expr, scope: Scope) -> bool:
        """Whether an operation is of something that is bound anew, and of no parameter."""
        if not isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Call)):
            return False
        if isinstance(e, ast.Call) and self.values.function(e, scope) is None:
            return False
        changes, parts, seen = False, [(part, scope) for part in ast.walk(e)], set[ast.expr]()
        for part, where in parts:
            if isinstance(part, ast.Name) and part.id in where.expressions:
                inner, outer = where.expressions[part.id]
                parts += [(one, outer) for one in ast.walk(inner) if inner not in seen]
                seen.add(inner)
            elif names_in(part) & where.changing:
                changes = True
            elif isinstance(part, _LOOKED_UP):
                value = self.values.of(part, where)
                if isinstance(value, Tensor) and value.requires_grad:
                    return False
        return changes

    def _member(self, e: ast.Subscript, node: Tensor, scope: Scope) -> Match:
        """What a loop takes out of a list or array: of an array, the part that it was."""
        if any(self._is(value, node) for value in self._members(e.value, scope)):
            return _PERHAPS, ()
        if any(self._is(held, node) for held in self._in_rounds(e, scope)):
            return _PERHAPS, ()
        if node.requires_grad or not self.is_array(e.value, scope):
            taken = not node.requires_grad and isinstance(e.value, ast.Name) and e.value.id in scope.changing
            return (_PERHAPS if taken else _NO), ()  # x[None, :] in for x in X
        (*changing,) = names_in(e.slice) & scope.changing
        found = self._parts(e, node, scope, changing[0]) if len(changing) == 1 else []
        if len(found) != 1:
            return _PERHAPS, ()
        (k,) = found
        return _SURE, (
            PlainOperand(node, ITSELF, f"{ast.unparse(e)} {k}", e, scope.with_value(changing[0], k)),
        )

    def _in_rounds(self, e: ast.expr, scope: Scope) -> Sequence[Any]:
        """What ``layer.W`` or ``layer["W"]`` is in the rounds of a loop over layers."""
        key = scope, e
        if key not in self._rounds:
            names = names_in(e) & scope.changing if isinstance(e, (ast.Attribute, ast.Subscript)) else set()
            name = min(names) if len(names) == 1 else ""
            loops = scope.body.loops if scope.body is not None and name else ()
            through = [
                part for loop in loops if name in names_in(loop.target) for part in ast.walk(loop.iter)
            ]
            members = [
                m for part in through if isinstance(part, _LOOKED_UP) for m in self._members(part, scope)
            ]
            found = (self.values.of(e, scope.with_value(name, member)) for member in members[:_MOST_PARTS])
            self._rounds[key] = [value for value in found if isinstance(value, (Tensor, np.ndarray))]
        return self._rounds[key]

    def _parts(self, e: ast.Subscript, node: Tensor, scope: Scope, changing: str) -> list[int]:
        """The values of the index with which it gives a leaf: the same entries, else equal ones."""
        whole = self.values.of(e.value, scope)
        seen = viewed(node._data)
        found = []
        for k in range(min(max(whole.shape, default=0), _MOST_PARTS)):
            try:
                part = whole[index_of(e.slice, scope.with_value(changing, k))]
            except (Unknown, IndexError, TypeError):
                break
            same = seen == place(part) if seen is not None else same_values(part, node._data)
            if same and np.shape(part) == node.shape:
                found.append(k)
        return found

    def _compared(self, e: ast.Compare, node: Tensor, scope: Scope) -> Match:
        """A comparison of what a loop binds anew, by any that it can have been."""
        (name,) = names_in(e) & scope.changing
        if name not in scope.could_be:
            return _PERHAPS, ()
        for other in sorted(scope.could_be[name] - {node}, key=lambda tensor: tensor.seq):
            found = self._leaf(e, node, scope.with_value(name, self.users.get(other, other)))
            if found[0]:
                return found
        return _NOT

    def _members(self, e: ast.expr, scope: Scope) -> list[Any]:
        value = self.values.of(e, scope)
        if isinstance(value, dict):
            return list(value.values())
        return list(value) if isinstance(value, (list, tuple)) else []

    def _all(self, parts: Sequence[ast.expr], node: Tensor, scope: Scope) -> Match:
        operands = self.operands[node]
        if len(parts) != len(operands):
            return _NOT
        sure, known, tight = _SURE, False, False
        told: list[PlainOperand] = []
        for k, (part, operand) in enumerate(zip(parts, operands, strict=True)):
            own, more = self.match(part, operand, scope)
            if not own:
                return _NOT
            sure = min(sure, own)
            known = known or (own == _SURE and isinstance(operand, Tensor))
            tight = tight or own == _SURE or (isinstance(operand, Tensor) and not _is_constant(operand))
            told += more
            if not isinstance(operand, Tensor):
                told.append(PlainOperand(node, k, written(part, scope), part, scope))
        if not tight:  # any number and any array would do
            return _NOT
        if known:  # what is beside it tells that a variable held an array
            told += (
                PlainOperand(operand, HELD, part.id, part, scope)
                for part, operand in zip(parts, operands, strict=True)
                if isinstance(part, ast.Name) and part.id in scope.changing and self._is_given(operand)
            )
        return sure, tuple(told)

    def _is_given(self, operand: Any) -> bool:
        return isinstance(operand, Tensor) and operand not in self.operands and not operand.requires_grad

    def _call(self, e: ast.Call, node: Tensor, op: Op, scope: Scope) -> Match:
        inside = [
            self.match(returned, node, inner)
            for inner in called(e, scope, plain)
            for returned in (inner.body.returned if inner.body is not None else ())
        ]
        if inside:
            return max(inside, key=lambda m: m[0])
        known = self.values.function(e, scope)
        parts = list(e.args)
        unknown = self.values.of(e.func, scope) is Unknown
        if isinstance(e.func, ast.Attribute) and unknown:  # a method: x.dot(W)
            parts.insert(0, e.func.value)
        if len(parts) == 1 and isinstance(parts[0], (ast.List, ast.Tuple)):  # np.concatenate([h, x])
            parts = parts[0].elts if op.variadic else parts
        if isinstance(known, Op):
            same = known.kernel == op.kernel and self._same_settings(e, node, scope)
            return self._all(parts[: len(self.operands[node])], node, scope) if same else _NOT
        if known is not None and op.kind == "contraction":  # np.dot and its like
            return self._all(parts, node, scope)
        return self._composed(e, node, scope) if known is not None else _NOT

    def _same_settings(self, e: ast.Call, node: Tensor, scope: Scope) -> bool:
        """Whether axes are kept, and which are reduced, as far as the call says so."""
        given = {k.arg: self.values.of(k.value, scope) for k in e.keywords}
        kept, recorded = (settings.get("keepdims", False) for settings in (given, node.settings))
        axes = {given.get("axis", Unknown), node.settings.get("axis", Unknown)} - {Unknown}
        counted = all(isinstance(axis, int) and axis >= 0 for axis in axes)
        return kept in (recorded, Unknown) and not (counted and len(axes) == 2)

    def _composed(self, e: ast.Call, node: Tensor, scope: Scope) -> Match:
        """A function that is recorded as several operations, such as np.clip: by the last, and its value."""
        for result in self._candidates.composed(e, scope):
            same = result.op and node.op and result.op.kernel == node.op.kernel and result.shape == node.shape
            if same and np.allclose(result._data, node._data, rtol=_ROUNDING, atol=0, equal_nan=True):
                return _SURE, ()
        return _NOT


def _is_constant(node: Any) -> bool:
    return isinstance(node, Tensor) and node.op is None and not node.requires_grad
