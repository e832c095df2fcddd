"""An optimiser's rule, a formula of one parameter, as NumPy that goes through parameters piece by piece.

A rule is recorded once, as a loss is, and written as statements into a few short arrays. A piece of W, dW and
the averages lies in the cache while all of the rule is computed on it, so each is read from memory once.
"""

from __future__ import annotations

import linecache
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, starmap
from operator import call
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_edu.compiler.instructions import is_ufunc, takes_out, text
from tinygrad_edu.compiler.lowering import built
from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.compiler.trace import naming
from tinygrad_edu.core.facts import ATOM
from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import DIVIDE, MULTIPLY, SUBTRACT, WHERE
from tinygrad_edu.expression.decomposition import recorded_since, stand_in
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.numpy_style import NUMPY, literal
from tinygrad_edu.expression.walk import in_order
from tinygrad_edu.expression.writer import Text
from tinygrad_edu.ops.movement.shapes import astype

PIECE = 1 << 18
"""The bytes of a piece of each array (measured: half and twice as much are as fast)."""
FEW = 1 << 12
"""Entries up to which a parameter is put beside others, since a call costs more than its work."""

_number = count(1)

_OTHERS = ("np", "deque", "starmap", "call", "float")

Piece = tuple[tuple[list[Any], list[Any]], tuple[NDArray[Any], ...], list[tuple[Any, ...]]]
"""What is copied before, the arrays that are read and written, and what is called when all is computed."""


@dataclass(frozen=True)
class Rule:
    """A formula as a function ``update(pieces, done, *numbers)``, and the arrays that it works in."""

    source: str
    update: Callable[..., None]
    scratch: tuple[np.dtype[Any], ...]
    results: tuple[int, ...]
    """Which of these arrays hold the new values when a piece is computed; or what W is lessened by."""
    descends: bool
    """Whether W is lessened by the first of them."""


def rule_of(
    formula: Callable[..., Sequence[Any]], arrays: Sequence[str], numbers: Sequence[str], dtype: DTypeLike
) -> Rule | None:
    """The rule for a formula; None where it does more than compute each entry by itself.

    Args:
        formula: NumPy code, ``formula(*arrays, **numbers)``, that gives the new values of those arrays that
            change: of all but the second, which is the gradient.
        arrays: what they are called: ``("W", "dW", "v")``.
        numbers: what the numbers are called that differ from step to step: ``("rate", "t")``.
        dtype: of the arrays.

    >>> rule = rule_of(lambda W, dW, rate: [W - rate * dW], ["W", "dW"], ["rate"], np.float64)
    >>> print(rule.source)
    def update(pieces, done, rate):
        for beside, (W, dW, m0), new in pieces[done.item() :]:
            deque(map(np.copyto, *beside), 0)  # small parameters, side by side
            t1 = np.multiply(rate, dW, out=m0)
            deque(starmap(call, new), 0)  # W := W - t1, all of it or none
    >>> W = np.array([1.0, 2.0])
    >>> rule.update(pieces_of(rule, [(W, np.ones(2))], done := np.zeros((), int)), done, 0.5)
    >>> W
    array([0.5, 1.5])
    """
    symbols = [stand_in((2,), dtype) for _ in arrays]
    scalars = [stand_in((), dtype) for _ in numbers]
    names: dict[Tensor, str] = {}
    outside = ambient.set(None)
    try:
        with np.errstate(all="ignore"), naming(names):
            results = list(formula(*symbols, **dict(zip(numbers, scalars, strict=True))))
    except (TypeError, ValueError, AttributeError):  # it asks for values
        return None
    finally:
        ambient.reset(outside)
    sheet = Sheet()
    known: dict[Tensor, Node] = {}
    for symbol, name in zip([*symbols, *scalars], [*arrays, *numbers], strict=True):
        known[symbol] = sheet.input(name, symbol.shape, symbol.dtype)
    try:
        new = [_as_node(result, known, sheet) for result in results]
    except TypeError:
        return None
    for tensor, name in names.items():
        if tensor in known:
            sheet.names.setdefault(known[tensor], name)
    kept = [name for k, name in enumerate(arrays) if k != 1]
    if len(new) != len(kept):
        return None
    order = [n for n in in_order(*new) if n.op is not None]
    if not all(_entry_by_entry(node) for node in order):
        return None
    writer = _Writer(order, dict(zip(kept, new, strict=True)), sheet.names, arrays, numbers, np.dtype(dtype))
    source = writer.source()
    return Rule(source, _function(source), tuple(writer.scratch), writer.results, writer.descends)


def _as_node(result: Any, known: dict[Tensor, Node], sheet: Sheet) -> Node:
    if not isinstance(result, Tensor):
        return sheet.constant(result)
    for tensor in recorded_since(result, known):
        if tensor.op is None:
            raise TypeError("an array from elsewhere")
        args = [
            known[p] if p is not None else sheet.constant(v)
            for p, v in zip(tensor.parents, tensor.saved, strict=True)
        ]
        if tensor.op.kernel == DIVIDE.kernel and args[0].shape and not args[1].shape:
            one = sheet.constant(1.0)  # a product takes half as long
            args = [sheet.node(DIVIDE, [one, args[1]], dtype=args[1].dtype), args[0]]
            known[tensor] = sheet.node(MULTIPLY, args, shape=tensor.shape, dtype=tensor.dtype)
            continue
        known[tensor] = built(tensor.op, args, tensor.settings, tensor._data, sheet, late=frozenset())
    return known[result]


def _entry_by_entry(node: Node) -> bool:
    constants = all(a.number is not None for a in node.args if a.is_constant)
    return constants and not node.random and (is_ufunc(node) or node.does(WHERE, astype))


class _Writer:
    """The statements, each into one of the scratch arrays; numbers are computed once, before the loop."""

    def __init__(
        self,
        order: Sequence[Node],
        new: Mapping[str, Node],
        names: Mapping[Node, str],
        arrays: Sequence[str],
        numbers: Sequence[str],
        dtype: np.dtype[Any],
    ) -> None:
        self.order, self.new, self.arrays, self.numbers, self.dtype = order, new, arrays, numbers, dtype
        self.scratch: list[np.dtype[Any]] = []
        self.free: list[int] = []
        self.place: dict[Node, int] = {}
        self.results: tuple[int, ...] = ()
        W = self.new[arrays[0]]
        read = [*(a for n in order for a in n.args), *(n for name, n in new.items() if name != arrays[0])]
        minus = W.does(SUBTRACT) and W.args[0].called == arrays[0] and bool(W.args[1].shape)
        self.descends = minus and W not in read
        if self.descends:  # the last operation is that which puts W where it is kept
            self.order = [n for n in order if n is not W]
            self.new = {**new, arrays[0]: W.args[1]}
        self.called = self._called(names)

    def _called(self, names: Mapping[Node, str]) -> dict[Node, str]:
        """The variables of the formula's own code; what it computes anew is ``new_v``."""
        new = [(name, n) for name, n in self.new.items() if not (self.descends and name == self.arrays[0])]
        found = {node: f"new_{name}" for name, node in new if node.op is not None}
        taken = {*self.arrays, *self.numbers, *found.values(), "pieces", "done", "beside", "new", *_OTHERS}
        fresh = map("t{}".format, count(1))
        for node in self.order:
            if node not in found and (node.shape or node in self._divisors()):
                name = names.get(node, "")
                found[node] = name if name and name not in taken else next(n for n in fresh if n not in taken)
                taken.add(found[node])
        return found

    def _divisors(self) -> set[Node]:
        """Numbers that arrays are computed with."""
        operands = {a for n in self.order if n.shape for a in n.args}
        return {a for a in operands if not a.shape and a.op is not None}

    def source(self) -> str:
        named = [n for n in self.order if not n.shape and n in self.called]
        head = [f"    {self.called[n]} = {self._computed(n)}" for n in named]
        body = [*self._statements()]
        space = ", ".join([*self.arrays, *(f"m{k}" for k in range(len(self.scratch)))])
        told = []
        for k, (name, node) in enumerate(self.new.items()):
            minus = f"{name} - " if self.descends and k == 0 else ""
            told.append(f"{name} := {minus}{self._code(node)}")
        lines = [
            f"def update(pieces, done, {', '.join(self.numbers)}):",
            *head,
            f"    for beside, ({space}), new in pieces[done.item() :]:",
            "        deque(map(np.copyto, *beside), 0)  # small parameters, side by side",
            *(f"        {line}" for line in body),
            f"        deque(starmap(call, new), 0)  # {', '.join(told)}, all of it or none",
        ]
        return "\n".join(lines)

    def _computed(self, node: Node) -> str:
        """A number's expression, in Python's numbers: these do not decide the dtype of what they meet."""
        code = self._expression(node).text
        return f"float({code})" if "np." in code else code

    def _expression(self, node: Node) -> Text:
        args = [self._code(a) if a.op is None or a in self.called else self._expression(a) for a in node.args]
        return NUMPY.written(node.rule, args, node.settings, shape=(), dtype=np.dtype(float))

    def _statements(self) -> Iterator[str]:
        last = {a: k for k, node in enumerate(self.order) for a in node.args}
        ends = set(self.new.values())
        for k, node in enumerate(self.order):
            if not node.shape:
                continue
            dying = [
                a for a in dict.fromkeys(node.args) if last[a] == k and a not in ends and a in self.place
            ]
            for arg in dying:
                self.free.append(self.place[arg])
            self.place[node] = place = self._taken(node.dtype)
            name = self.called[node]
            if takes_out(node):
                yield f"{name} = {text(node, self._code, f'm{place}')}"
            else:
                yield f"{name} = m{place}; {name}[...] = {text(node, self._code, None)}"
        results = []
        for node in self.new.values():
            if node not in self.place or self.place[node] in results:
                place = self._taken(node.dtype if node.shape else self.dtype)
                yield f"np.copyto(m{place}, {self._code(node)})"
                results.append(place)
            else:
                results.append(self.place[node])
        self.results = tuple(results)

    def _taken(self, dtype: np.dtype[Any]) -> int:
        """A scratch array that nothing needs any more."""
        for place in sorted(self.free):
            if self.scratch[place] == dtype:
                self.free.remove(place)
                return place
        self.scratch.append(dtype)
        return len(self.scratch) - 1

    def _code(self, node: Node) -> Text:
        if node.is_constant:
            return literal(node.value)
        return Text(self.called.get(node, node.called), ATOM, node.shape, node.dtype)


def _function(source: str) -> Callable[..., None]:
    filename = f"<update rule {next(_number)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    space: dict[str, Any] = {"np": np, "deque": deque, "starmap": starmap, "call": call}
    exec(compile(source, filename, "exec"), space)  # noqa: S102  (the source was written here)
    function: Callable[..., None] = space["update"]
    return function


def pieces_of(
    rule: Rule,
    targets: Sequence[tuple[NDArray[Any], ...]],
    done: NDArray[Any],
    memory: list[NDArray[Any]] | None = None,
) -> list[Piece]:
    """The pieces of parameters, with memory to work in; ``done`` counts those that are computed.

    Args:
        rule: what is computed on them.
        targets: of each parameter W, dW and the averages.
        done: a number that the last copy of each piece sets.
        memory: that of pieces of the same rule, which are not needed any more; what is new is put there.
    """
    few = [arrays for arrays in targets if arrays[0].size <= FEW]
    long = PIECE // max(targets[0][0].itemsize, 1) if targets else 0
    parts: list[tuple[list[tuple[NDArray[Any], ...]], tuple[NDArray[Any], ...]]] = []
    for group in _groups(few, long):
        parts += [(group, _side_by_side(group)) if len(group) > 1 else ([], group[0])]
    for arrays in targets:
        if arrays[0].size > FEW:
            parts += (([], part) for part in _cut(arrays, long))
    memory = [] if memory is None else memory
    size = max((p[0].size for _, p in parts), default=0)
    if not memory or memory[0].size < size:
        memory[:] = [np.empty(size, dtype) for dtype in rule.scratch]
    found: list[Piece] = []
    for k, (group, part) in enumerate(parts):
        scratch = [m[: part[0].size].reshape(part[0].shape) for m in memory]
        kept = [a for i, a in enumerate(part) if i != 1]
        news = [[scratch[r]] for r in rule.results]
        into = [[a] for a in kept]
        beside: tuple[list[Any], list[Any]] = ([], [])
        if group:
            spread = [_spread(array, [g[0] for g in group]) for array in part]
            beside = ([v for views in spread for v in views], [g[i] for i in range(len(part)) for g in group])
            into = [[g[i] for g in group] for i in range(len(part)) if i != 1]
            news = [_spread(scratch[r], [g[0] for g in group]) for r in rule.results]
        calls: list[tuple[Any, ...]] = []
        for i, (olds, values) in enumerate(zip(into, news, strict=True)):
            first = rule.descends and i == 0
            calls += [
                (np.subtract, W, by, W) if first else (np.copyto, W, by)
                for W, by in zip(olds, values, strict=True)
            ]
        found.append((beside, (*part, *scratch), [*calls, (np.copyto, done, k + 1)]))
    return found


def _groups(few: Sequence[tuple[NDArray[Any], ...]], long: int) -> list[list[tuple[NDArray[Any], ...]]]:
    groups: list[list[tuple[NDArray[Any], ...]]] = []
    room = 0
    for arrays in few:
        room -= arrays[0].size
        if room < 0 or not groups:
            groups.append([])
            room = long - arrays[0].size
        groups[-1].append(arrays)
    return groups


def _side_by_side(group: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    size = sum(arrays[0].size for arrays in group)
    return tuple(np.empty(size, array.dtype) for array in group[0])


def _spread(row: NDArray[Any], like: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """A row's stretches, in the shapes of the arrays that are put there."""
    starts = np.cumsum([0, *(a.size for a in like)])
    return [row[i : i + a.size].reshape(a.shape) for i, a in zip(starts, like, strict=False)]


def _cut(arrays: tuple[NDArray[Any], ...], long: int) -> Iterator[tuple[NDArray[Any], ...]]:
    if not all(a.flags.c_contiguous for a in arrays):
        yield arrays
        return
    rows = [a.reshape(-1) for a in arrays]
    for start in range(0, rows[0].size, long):
        yield tuple(row[start : start + long] for row in rows)
