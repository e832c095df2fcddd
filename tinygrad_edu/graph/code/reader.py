"""Matches the expressions of the caller's source with what was recorded, to name and explain it.

Names of variables tell what a tensor is called now. They do not tell what was called Z in the rounds of a
loop before or in a function that has returned, that the 0.0 of a product was ``1 - y``, or that an array is
``1 - Y``: NumPy and Python computed that before anything was recorded. The source of the calling functions,
and of the functions that these called, does. An expression is taken for a node only where operations and
operands agree with it, and for a number or array only where it gives that value.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.callers import frames
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.code.calls import called
from tinygrad_edu.graph.code.excerpt import Place
from tinygrad_edu.graph.code.matching import HELD, ITSELF, Matcher, PlainOperand
from tinygrad_edu.graph.code.plain import alternatives, gives, plain
from tinygrad_edu.graph.code.recorded import Computed
from tinygrad_edu.graph.code.scope import Scope, Unknown
from tinygrad_edu.graph.code.search import Found, found_in, indices_in, number_in, runs_of
from tinygrad_edu.graph.code.source import Binding, source_of
from tinygrad_edu.graph.code.statements import names_in

_MOST_NODES = 2000
_MOST_CALLS = 200
_RAISED = str.maketrans("0123456789()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾")


@dataclass
class Said:
    """The names that the code gives to values which no variable holds any more."""

    loops: dict[Tensor, str] = field(default_factory=dict)
    """Values that a loop rebound: Z1, Z2, ... for layers and steps, Z⁽¹⁾, ... over examples."""
    locals: dict[Tensor, str] = field(default_factory=dict)
    """Values that were variables of a function that has returned."""
    numbers: dict[tuple[Tensor, int], str] = field(default_factory=dict)
    """Plain numbers by the node and the operand: ``y``, ``1 - y``, ``lambd / (2 * m)``; "" for a literal."""
    values: dict[str, Any] = field(default_factory=dict)
    """The plain numbers that were variables of functions that have returned."""
    arrays: dict[Tensor, Computed] = field(default_factory=dict)
    """Plain arrays that NumPy computed: ``1 - Y``, ``X.T``."""
    computed: dict[tuple[Tensor, int], Computed] = field(default_factory=dict)
    """The expressions of plain numbers, by the node and the operand."""
    held: dict[Any, str] = field(default_factory=dict)
    """What variables called arrays: those of leaves, and by their ids those in settings."""
    read: dict[str, Any] = field(default_factory=dict)
    """What the code that made arrays reads, by its name there."""
    readers: list[_Reader] = field(default_factory=list)

    @property
    def _scopes(self) -> Iterator[Scope]:
        return (scope for reader in self.readers for scope in reader.scopes)

    def giving(self, arrays: Mapping[int, NDArray[Any]], known: Container[int]) -> dict[int, Found]:
        """The code that gives arrays; see :func:`found_in`."""
        return found_in(self._scopes, arrays, known) if arrays else {}

    def picking(self, nodes: Sequence[Tensor], index: Callable[[Tensor], Any]) -> dict[Tensor, Found]:
        """The code that picked entries; see :func:`indices_in`."""
        found: dict[Tensor, Found] = {}
        for reader in self.readers if nodes else ():
            left = [node for node in nodes if node not in found]
            found |= indices_in(reader.scopes, left, index, reader.may_be_picked)
        return found

    def forget(self) -> None:
        """Lets go of the caller's values. To be called when nothing is read any more."""
        for scope in self._scopes:
            scope.forget()


def said_by_the_caller(
    operands: Mapping[Tensor, Sequence[Any]], users: Mapping[Tensor, Tensor], leaves: Sequence[Tensor]
) -> Said:
    """What the source of the calling functions, and of those that these called, says of some nodes.

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
            scope, matcher = Scope.running(frame, function), Matcher(operands, users, leaves)
            _Reader(scope, matcher, frame.f_lineno).tell(said)
    return said


_Texts = dict[tuple[Tensor, int], dict[str | None, tuple[int, PlainOperand]]]
"""What is said of a plain operand or array, by its text: how surely, and the expression."""


class _Reader:
    """What one calling function, and those that it called, say."""

    def __init__(self, scope: Scope, matcher: Matcher, line: int) -> None:
        self.matcher, self.operands = matcher, matcher.operands
        self.arrays = [leaf for leaf in matcher.leaves if leaf.ndim and not leaf.requires_grad]
        self.scopes = list(_with_calls(scope, self._of_others(scope, line)))
        self.told: dict[tuple[Tensor, int], str] = {}
        self.known: dict[Any, Any] = {}

    def tell(self, said: Said) -> None:
        """Adds what these functions say; an inner one has the first word."""
        for _ in range(2):  # what is bound anew may be anything at first, then what its expressions allow
            for scope in self.scopes:
                scope.could_be |= dict(self._bound_anew(scope))
            self.matcher.forget()
        self._rounds(said)
        self._values(said)
        said.readers.append(self)

    def _of_others(self, scope: Scope, line: int) -> set[ast.expr]:
        """The calls by which a running function computes other Tensors, or some later than at this line.

        A variable that this graph was computed from is none of those, whatever it holds now.
        """
        body = scope.body
        ours = {id(self.matcher.users.get(node, node)) for node in (*self.operands, *self.matcher.leaves)}
        held = {name for name, value in scope.names.items() if id(value) in ours}
        bindings = body.bindings if body is not None else ()
        waiting = [*held]
        for name in waiting:
            read = {used for b in bindings if b.name == name for used in names_in(b.value)} - held
            held |= read
            waiting += read
        others = (
            b.value
            for b in bindings
            if b.name not in held
            if (isinstance(scope.names[b.name], Tensor) if b.name in scope.names else b.value.lineno > line)
        )
        return {e for value in others for e in ast.walk(value) if isinstance(e, ast.Call)}

    def may_be_picked(self, e: ast.Subscript, node: Tensor, scope: Scope) -> bool:
        """Whether a node may have been picked from what an expression picks from."""
        return bool(self.matcher.match(e.value, self.operands[node][0], scope)[0])

    def _bound_anew(self, scope: Scope) -> Iterator[tuple[str, set[Tensor]]]:
        """The names of a scope that change, and what each can have been.

        An expression that no node agrees with, such as the ``np.zeros((4, m))`` a loop starts from, may have
        given any leaf.
        """
        found: dict[str, set[Tensor]] = {}
        for binding, where in scope.bindings:
            if binding.name in scope.changing:
                nodes: Sequence[Tensor] = self.matcher.matching(binding.value, where)
                if nodes:  # NumPy may have computed the first of them
                    nodes = [
                        *nodes,
                        *(a for a in self.arrays if self.matcher.match(binding.value, a, where)[0]),
                    ]
                if not nodes and not self.matcher.makes_another(binding.value, where):
                    nodes = self.matcher.leaves
                found.setdefault(binding.name, set()).update(nodes)
        yield from found.items()

    def _rounds(self, said: Said) -> None:
        """What the rounds of a loop, and functions that have returned, called their values."""
        by_function: dict[Any, list[Scope]] = {}
        for scope in self.scopes:
            by_function.setdefault(scope.body, []).append(scope)
        for scopes in reversed(by_function.values()):  # what a function calls its result has the first word
            if not scopes[0].depth or any(map(self._is_no_step, scopes)):
                found: dict[str, dict[Tensor, Binding]] = {}
                first: dict[str, int] = {}
                for node, binding, number in self._bound(scopes):
                    found.setdefault(binding.name, {})[node] = binding
                    first.setdefault(binding.name, number)
                for name, nodes in found.items():
                    self._numbered(name, nodes, first[name], scopes[0], said)

    def _bound(self, scopes: Sequence[Scope]) -> Iterator[tuple[Tensor, Binding, int]]:
        """The nodes that the statements of a function gave, in order, with the statement and the round.

        Of several that a node may be of, it is one of those that tell the most, and of these the next one
        behind that of the node before: in each round of a loop they run in their order.
        """
        could_be: dict[Tensor, dict[int, int]] = {}
        bindings = [binding for binding, _ in scopes[0].bindings]
        for scope in scopes:
            for k, (binding, where) in enumerate(scope.bindings):
                if isinstance(binding.value, ast.Name) or binding.adds_to:
                    continue
                if not scope.depth and binding.loop is None:
                    continue
                for way in alternatives(binding.value, where):
                    for node in self.matcher.matching(*way):
                        sure = could_be.setdefault(node, {})
                        sure[k] = max(sure.get(k, 0), self.matcher.match(way[0], node, way[1])[0])
        last = -1
        before: dict[ast.stmt | None, tuple[int, int]] = {}
        for node in self.operands:
            if node in could_be:
                best = max(could_be[node].values())
                likely = [k for k, sure in could_be[node].items() if sure == best]
                last = min(likely, key=lambda k: ((k - last - 1) % len(bindings), k))
                at, number = before.get(bindings[last].loop, (len(bindings), 0))
                before[bindings[last].loop] = last, number + (last <= at)
                yield node, bindings[last], number + (last <= at)

    def _is_no_step(self, scope: Scope) -> bool:
        """Whether a function computes with parameters, multiplies matrices, or sums up to a cost.

        Any other, such as a sigmoid, is one step of the function that calls it.
        """
        inner = [one for scopes in scope.inner.values() for one in scopes]
        nodes = (
            node
            for e in _computing(scope)
            for node in self.matcher.possible(e, scope)
            if self.matcher.match(e, node, scope)[0]
        )
        return any(map(self._is_of_a_model, nodes)) or any(map(self._is_no_step, inner))

    def _is_of_a_model(self, node: Tensor) -> bool:
        operands = [a for a in self.operands[node] if isinstance(a, Tensor)]
        ends = not node.ndim and any(a.ndim for a in operands)
        learned = any(a.op is None and a.requires_grad for a in operands)
        return ends or learned or (node.op is not None and node.op.kind == "contraction")

    def _numbered(
        self, name: str, rounds: Mapping[Tensor, Binding], first: int, scope: Scope, said: Said
    ) -> None:
        """Z1 for a layer or step; Z⁽¹⁾ where the loop's variable picks out of arrays, as over examples.

        Where NumPy computed what a name was in the first round, its numbers begin with that.
        """
        in_order = [node for node in self.operands if node in rounds]
        if len(in_order) == 1 and scope.depth:
            said.locals.setdefault(in_order[0], name)
        for k, node in enumerate(in_order if len(in_order) > 1 else (), first):
            loop = rounds[node].loop
            shown = f"({k})".translate(_RAISED) if self._over_examples(loop, scope) else k
            if node not in said.loops and node not in said.locals:
                (said.loops if loop is not None else said.locals)[node] = f"{name}{shown}"
        start = self._start(name, scope) if len(in_order) > 1 else None
        if start is not None:
            said.loops.setdefault(start, f"{name}0")

    def _start(self, name: str, scope: Scope) -> Tensor | None:
        """What a loop starts from: a plain array, as h = np.zeros((n, m)), or a Tensor made of a number."""
        before = [(b.value, where) for b, where in scope.bindings if b.name == name and b.loop is None]
        if len(before) != 1 or not isinstance(before[0][0], ast.Call):
            return None
        fits = {leaf: self.matcher.match(before[0][0], leaf, before[0][1])[0] for leaf in self.arrays}
        found = [leaf for leaf in fits if fits[leaf] and fits[leaf] == max(fits.values())]
        found = found or self.matcher.made_by(*before[0])
        return found[0] if len(found) == 1 else None

    def _over_examples(self, loop: ast.stmt | None, scope: Scope) -> bool:
        over = loop.target.id if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) else ""
        if over in ("", "l", "t"):
            return False
        parts = ast.walk(loop) if isinstance(loop, ast.For) else ()
        picked = (
            p.slice for p in parts if isinstance(p, ast.Subscript) and self.matcher.is_indexed(p.value, scope)
        )
        return any(over in names_in(index) for index in picked)

    def _values(self, said: Said) -> None:
        """The expressions for plain numbers and arrays. Of two that fit, the surer one; else none."""
        found: _Texts = {}
        for scope in self.scopes:
            for e in _computing(scope):
                for node in self.matcher.possible(e, scope):
                    self._note(*self.matcher.match(e, node, scope), found)
            self._bound_arrays(scope, found, said)
        held: dict[str, list[Tensor]] = {}
        bound_anew: dict[int, list[PlainOperand]] = {}
        for one in _likely(found):
            if one.k == HELD:
                held.setdefault(one.text or "", []).append(one.owner)
            elif one.k != ITSELF and names_in(one.e) & one.scope.changing:
                bound_anew.setdefault(id(one.e), []).append(one)
            else:
                self._say(one, said)
        for one in self._by_rounds(bound_anew):
            self._say(one, said)
        for name, leaves in held.items():
            for k, leaf in enumerate(leaves if len(leaves) > 1 else ()):
                said.loops.setdefault(leaf, f"{name}{k + 1}")

    def _by_rounds(self, bound_anew: Mapping[int, Sequence[PlainOperand]]) -> Iterator[PlainOperand]:
        """Numbers of an expression that a loop binds anew: of each round its own, told apart by their order.

        Where it was recorded once, it is what it gives now. Where that does not fit it is not said.
        """
        several = {key: those for key, those in bound_anew.items() if len(those) > 1}
        runs = runs_of(self.scopes, (those[0].e for those in several.values()))
        for key, those in bound_anew.items():
            places = runs.get(key, ())
            if key not in several:
                yield from (one for one in those if gives(one.e, self._number(one), one.scope))
            elif len(places) == len(those):
                in_order = sorted(those, key=lambda one: one.owner.seq)
                found = map(self._in_round, in_order, places)
                yield from (one for one in found if one is not None)

    def _number(self, one: PlainOperand) -> Any:
        return self.operands[one.owner][one.k]

    def _in_round(self, one: PlainOperand, where: Place) -> PlainOperand | None:
        try:
            value, e, scope = number_in(one.e, where)
        except Unknown:
            return None
        same = type(value) is type(self._number(one)) and value == self._number(one)
        return PlainOperand(one.owner, one.k, ast.unparse(e), e, scope) if same else None

    def _note(self, sure: int, told: Sequence[PlainOperand], found: _Texts) -> None:
        for one in told if sure else ():
            at = found.setdefault((one.owner, one.k), {})
            if one.text not in at or at[one.text][0] < sure:
                at[one.text] = sure, one

    def _bound_arrays(self, scope: Scope, found: _Texts, said: Said) -> None:
        """Plain arrays that a variable held that is gone, or was bound anew since."""
        told = [leaf for leaf in self.arrays if leaf.size and (leaf._data != leaf._data.flat[0]).any()]
        for binding, where in scope.bindings:
            if (scope.depth or binding.loop is not None) and binding.name not in where.written:
                for leaf in told:
                    sure, more = self.matcher.match(binding.value, leaf, where)
                    self._note(sure, more, found)
                    if scope.depth and more and binding.name not in scope.changing:
                        said.locals.setdefault(leaf, binding.name)

    def _say(self, one: PlainOperand, said: Said) -> None:
        computed = Computed(one.e, one.scope, self.matcher.recorded, self.told, self.known)
        if one.k == ITSELF:
            said.arrays.setdefault(one.owner, computed)
        elif (one.owner, one.k) not in said.numbers:
            said.numbers[one.owner, one.k] = one.text or ""
            said.computed[one.owner, one.k] = computed
            for name in names_in(one.e) if one.scope.depth else ():
                value = self.matcher.values.of(ast.Name(name, ast.Load()), one.scope)
                if name not in one.scope.parameters and isinstance(value, (int, float, np.number)):
                    said.values.setdefault(name, value)


def _likely(found: _Texts) -> Iterator[PlainOperand]:
    """What is said the most surely of each, where it is one thing that can be written."""
    for texts in found.values():
        best = max(sure for sure, _ in texts.values())
        likely = [one for sure, one in texts.values() if sure == best]
        if len(likely) == 1 and likely[0].text is not None:
            yield likely[0]


def _computing(scope: Scope) -> Iterator[ast.expr]:
    """The expressions in a function that compute something."""
    every = scope.body.expressions if scope.body is not None else ()
    return (e for e in every if isinstance(e, (ast.BinOp, ast.UnaryOp, ast.Call)))


def _with_calls(scope: Scope, but: Container[ast.expr]) -> Iterator[Scope]:
    """A function, and the functions that it called but in some calls, those with their own calls in turn."""
    waiting, seen = deque([scope]), 0
    while waiting and seen < _MOST_CALLS:
        one = waiting.popleft()
        yield one
        seen += 1
        for e in one.body.expressions if one.body is not None else ():
            if isinstance(e, ast.Call) and e not in but:
                waiting += called(e, one, plain)
