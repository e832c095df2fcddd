"""An optimiser's rule, a formula of one parameter, as a list of calls of NumPy.

A rule is recorded once, as a loss is. A result is written where it is kept, in W and the averages as well, as
soon as nothing reads their old values any more.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.compiler.instructions import called, computes_in, is_ufunc, takes_out
from tinygrad_edu.compiler.lowering import built
from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.compiler.trace import naming
from tinygrad_edu.core.facts import ATOM
from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import DIVIDE, MAXIMUM, MINIMUM, MULTIPLY, WHERE
from tinygrad_edu.expression.decomposition import recorded_since, stand_in
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.numpy_style import NUMPY, literal
from tinygrad_edu.expression.walk import in_order
from tinygrad_edu.expression.writer import Text
from tinygrad_edu.ops.movement.shapes import astype

_number = count(1)

_OTHERS = ("np", "partial", "float", "calls", "numbers")

Call = tuple[Any, ...]
"""A function and its arguments. It runs no Python, where an interrupt could come."""


@dataclass(frozen=True)
class Rule:
    """A formula as calls of NumPy."""

    source: str
    calls: Callable[..., list[Call]]
    """The calls, given W, dW, the averages, the arrays to work in, and the numbers."""
    numbers: Callable[..., tuple[float, ...]]
    """The numbers that the calls are given, which differ from step to step."""
    scratch: tuple[np.dtype[Any], ...]
    """The dtypes of the arrays to work in."""
    held: int
    """How many numbers the calls are given."""
    dtype: np.dtype[Any]


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
    def numbers(rate):
        return rate,
    <BLANKLINE>
    def calls(W, dW, m0, rate):
        return [
            (np.multiply, rate, dW, m0),
            (np.subtract, W, m0, W),  # W
        ]
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
    given = {name: known[symbol] for name, symbol in zip(arrays, symbols, strict=True)}
    return _Writer(order, given, dict(zip(kept, new, strict=True)), sheet.names, numbers).rule()


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
    """Whether it can be one of the calls below, or a number."""
    if node.random or not all(a.number is not None for a in node.args if a.is_constant):
        return False
    if node.does(WHERE):
        return node.dtype.kind == "f" and (not node.shape or node.args[0].shape != ())
    return node.does(astype) or (is_ufunc(node) and (takes_out(node) or not node.shape))


class _Writer:
    """The calls of a formula, each with a place for its result: W, an average, or an array to work in."""

    def __init__(
        self,
        order: Sequence[Node],
        given: Mapping[str, Node],
        new: Mapping[str, Node],
        names: Mapping[Node, str],
        numbers: Sequence[str],
    ) -> None:
        self.order, self.given, self.new, self.names, self.numbers = order, given, new, names, numbers
        self.dtypes = {name: node.dtype for name, node in given.items()}
        self.holds: dict[str, Node] = dict(given)
        """By place, what lies there."""
        self.place = {node: name for name, node in given.items()}
        self.last = {a: k for k, node in enumerate(order) for a in node.args}
        self.last |= dict.fromkeys(new.values(), len(order))
        self.home = self._homes()
        self.held = self._held()

    def _homes(self) -> dict[Node, str]:
        """Where a value is kept at last: a new average, and what is computed for it alone."""
        readers = Counter(a for node in self.order for a in node.args)
        found: dict[Node, str] = {}
        for name, end in self.new.items():
            ahead = [end]
            for node in ahead:
                if node.op is not None and node.shape and node not in found:
                    found[node] = name
                    ahead += (a for a in node.args if readers[a] == 1 and a not in self.new.values())
        return found

    def _held(self) -> dict[Node, str]:
        """The numbers that arrays are computed with, and what they are called."""
        operands = [a for n in self.order if n.shape for a in n.args]
        taken = {*self.given, *self.numbers, *_OTHERS}
        free = (name for name in map("t{}".format, count(1)) if name not in taken)
        found: dict[Node, str] = {}
        for node in dict.fromkeys([*operands, *self.new.values()]):
            if not node.shape and node.number is None:
                name = self.names.get(node, "")
                found[node] = (
                    node.called if node.op is None else name if name and name not in taken else next(free)
                )
                taken.add(found[node])
        return found

    def rule(self) -> Rule:
        """The source of the calls, and of the numbers that they are given."""
        rows = [*self._rows()]
        scratch = [name for name in self.dtypes if name not in self.given]
        held = [*self.held.values()]
        source = [
            f"def calls({', '.join([*self.given, *scratch, *held])}):",
            "    return [",
            *(f"        {row}" for row in rows),
            "    ]",
        ]
        if held:
            source[:0] = [
                f"def numbers({', '.join(self.numbers)}):",
                *(f"    {self.held[n]} = {self._computed(n)}" for n in self.order if n in self.held),
                f"    return {', '.join(held)}{',' * (len(held) == 1)}",
                "",
            ]
        space = _space("\n".join(source))
        return Rule(
            "\n".join(source),
            space["calls"],
            space.get("numbers", lambda *_: ()),
            tuple(self.dtypes[name] for name in scratch),
            len(held),
            next(iter(self.given.values())).dtype,
        )

    def _computed(self, node: Node) -> str:
        """A number in Python's numbers."""
        code = self._expression(node).text
        return f"float({code})" if "np." in code else code

    def _expression(self, node: Node) -> Text:
        operands = [Text(self.held[a], ATOM) if a in self.held else self._expression(a) for a in node.args]
        if node.op is None:
            return literal(node.value) if node.is_constant else Text(node.called, ATOM)
        return NUMPY.written(node.rule, operands, node.settings, shape=(), dtype=np.dtype(float))

    def _rows(self) -> Iterator[str]:
        for k, node in enumerate(self.order):
            if node.shape:
                several = node.does(WHERE)  # the first of its calls must not write over what the second reads
                operands = [self._code(a) for a in node.args]
                yield from self._calls(node, operands, self._taken(k, node, apart=several))
        late = {name: self._code(node) for name, node in self.new.items() if self.place.get(node) != name}
        for name, code in late.items():
            if code in late:  # written over before it is read
                late[name] = self._work(self.dtypes[name], lambda place: False)
                yield f"(np.positive, {code}, {late[name]}),"
        for name, code in late.items():
            yield f"(np.positive, {code}, {name}),  # {name}"

    def _calls(self, node: Node, operands: Sequence[str], out: str) -> Iterator[str]:
        end = next((name for name, new in self.new.items() if new is node and out == name), "")
        said = f"  # {end or self.names.get(node, '')}".rstrip(" #")
        if node.does(WHERE):
            condition, yes, no = operands
            yield f"(np.positive, {no}, {out}),"
            yield f"(partial(np.positive, {yes}, {out}, where={condition}),),{said}"
        elif node.does(astype):
            yield f"(np.ndarray.__setitem__, {out}, ..., {operands[0]}),{said}"
        else:
            function = called(node)
            if computes_in(node) != node.dtype:
                function = f"partial({function}, dtype=np.{node.dtype})"
            if node.does(MAXIMUM, MINIMUM):  # of which NumPy wants the third argument by name
                yield f"(partial({', '.join([function, *operands, f'out={out}'])}),),{said}"
            else:
                yield f"({', '.join([function, *operands, out])}),{said}"

    def _taken(self, k: int, node: Node, *, apart: bool) -> str:
        """A place whose value nothing reads after the k-th operation; ``apart``: nor in it."""

        def over(place: str) -> bool:
            last = self.last.get(self.holds[place], -1)
            return last < k or (last == k and not apart)

        home = self.home.get(node, "")
        if home not in self.dtypes or self.dtypes[home] != node.dtype or not over(home):
            home = self._work(node.dtype, over)
        self.place[node], self.holds[home] = home, node
        return home

    def _work(self, dtype: np.dtype[Any], over: Callable[[str], bool]) -> str:
        """An array to work in: one that is free, or a new one."""
        work = [name for name in self.dtypes if name not in self.given]
        for name in work:
            if self.dtypes[name] == dtype and over(name):
                return name
        name = next(
            n for n in map("m{}".format, count(len(work))) if n not in {*self.dtypes, *self.held.values()}
        )
        self.dtypes[name] = dtype
        return name

    def _code(self, node: Node) -> str:
        if node.is_constant:
            return literal(node.value).text
        return self.held[node] if node in self.held else self.place[node]


def _space(source: str) -> dict[str, Any]:
    """What a source defines."""
    filename = f"<update rule {next(_number)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    space: dict[str, Any] = {"np": np, "partial": partial}
    exec(compile(source, filename, "exec"), space)  # noqa: S102  (the source was written here)
    return space
