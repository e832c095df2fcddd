"""One entry of an expression, by its indices: of ``W.T @ X``, at [j, i], the sum of W[k, j] X[k, i] over k.

How the axes of operands and result belong together is what each operation says (``op.axes``), so this is
written once for all: entry by entry, sums of products, sums, and what only moves entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from tinygrad_edu.core.application import CallableOp
from tinygrad_edu.core.axes import AVERAGED, SUMMED, Flow, Letter, Regroup
from tinygrad_edu.expression.arithmetic import ADD, DIVIDE, MULTIPLY
from tinygrad_edu.expression.node import Node, applied, number, quantity
from tinygrad_edu.expression.writer import write

Index = tuple[int | str, ...]
"""Where an entry stands: a number, or a letter that runs over an axis."""

Range = tuple[str, Node]
"""A letter that runs over an axis, and how far."""


def _over(x: Any, *, index: str, count: str) -> Any:
    raise NotImplementedError


OVER = CallableOp(
    name="over",
    forward=_over,
    pullbacks=(None,),
    kind="opaque",
    latex=r"\sum_{{{index}=1}}^{{{count}}} {x}",
    samples=(),
    source=lambda settings, x: f"sum({x.text} for {settings['index']} in range({settings['count']}))",
)
"""A sum over what a letter runs through, as Python's own ``sum`` writes it. It is written only."""


class Entries:
    """Single entries of expressions.

    Args:
        runs: for an axis ``(node, k)`` over which a sum runs, the letter and how far it runs; None: the terms
            of the sum are written out.
        called: told of each entry that gets a name, with the quantity and the index.

    >>> import tinygrad_edu as tg
    >>> W, X = quantity("W", (2, 3)), quantity("X", (2, 5))
    >>> entries = Entries(lambda node, k, taken: None)
    >>> write(entries.at(applied(tg.matmul, applied(tg.transpose, W), X), (0, "i")))
    'W[0, 0] * X[0, i] + W[1, 0] * X[1, i]'
    """

    def __init__(
        self,
        runs: Callable[[Node, int, frozenset[str]], Range | None],
        called: Callable[[str, Node, Index], None] = lambda *_: None,
    ) -> None:
        self._runs = runs
        self._called = called

    def at(self, node: Node, index: Index) -> Node:
        """The entry of an expression at an index, which has a number or a letter for each axis."""
        if node.op is None:
            return self._leaf(node, index)
        if node.op.kind == "elementwise" and not _mixes(node):
            operands = [self.at(a, _behind(index, a.shape)) for a in node.args]
            return applied(node.op, *operands, settings=node.settings, shape=(), dtype=node.dtype)
        flow = _flow(node)
        if flow is not None:
            return self._summed(node, flow, index)
        return self._called_whole(node, index)

    def _leaf(self, node: Node, index: Index) -> Node:
        if not node.shape:
            return node
        if node.is_name:
            name = f"{node.called}[{', '.join(map(str, index))}]"
            self._called(name, node, index)
            return quantity(name, (), node.dtype)
        if all(isinstance(k, int) for k in index):
            return number(node.value[index])
        return self._called_whole(node, index)

    def _called_whole(self, node: Node, index: Index) -> Node:
        """``softmax(Z)[0, i]``: what mixes entries in another way is called as a whole."""
        if not node.shape:
            return node
        text = write(node)
        whole = text if node.op is None or node.op.sign is None else f"({text})"
        name = f"{whole}[{', '.join(map(str, index))}]"
        self._called(name, node, index)
        return quantity(name, (), node.dtype)

    def _summed(self, node: Node, flow: Flow, index: Index) -> Node:
        """The product of the operands' entries, summed over the axes that end."""
        known = {part: k for part, k in zip(flow.result, index, strict=True) if part is not None}
        taken = frozenset(k for k in index if isinstance(k, str))
        written: dict[Letter, int] = {}
        running: dict[Letter, Range] = {}
        for letter in flow.ended:
            held = [
                (a, axes.index(letter))
                for a, axes in zip(node.args, flow.operands, strict=True)
                if letter in axes
            ]
            operand, k = max(held, key=lambda found: found[0].shape[found[1]])
            found = self._runs(operand, k, taken)
            if found is None:
                written[letter] = operand.shape[k]
            else:
                running[letter] = found
                taken |= {found[0]}
        known |= {letter: name for letter, (name, _) in running.items()}
        terms = [
            self._product(node, flow, {**known, **dict(zip(written, place, strict=True))})
            for place in product(*map(range, written.values()))
        ]
        total = reduce(lambda a, b: applied(ADD, a, b), terms)
        for name, count in reversed(running.values()):
            total = applied(
                OVER, total, settings={"index": name, "count": write(count)}, shape=(), dtype=total.dtype
            )
        for letter, how in flow.ended.items():
            if how == AVERAGED:
                count = running[letter][1] if letter in running else number(written[letter])
                total = applied(DIVIDE, total, count)
        return total

    def _product(self, node: Node, flow: Flow, known: Mapping[Letter, Any]) -> Node:
        factors = [
            self.at(a, tuple(0 if n == 1 else known[letter] for letter, n in zip(axes, a.shape, strict=True)))
            for a, axes in zip(node.args, flow.operands, strict=True)
        ]
        return reduce(lambda a, b: applied(MULTIPLY, a, b), factors)


def _mixes(node: Node) -> bool:
    """Whether an entry of the result depends on others than its own, as in a softmax, or on its place."""
    if any(np.ndim(setting) for setting in node.settings.values()):
        return True
    flow = flow_of(node)
    return not isinstance(flow, Flow) or bool(flow.meets)


def flow_of(node: Node) -> Flow | Regroup | None:
    """How axes go through an operation on its operands; None: unknown."""
    axes = node.rule.axes
    return None if axes is None else axes([a.shape for a in node.args], node.settings)


def _behind(index: Index, shape: tuple[int, ...]) -> Index:
    """The index into an operand of that shape, which is broadcast."""
    own = index[len(index) - len(shape) :] if shape else ()
    return tuple(0 if n == 1 else k for k, n in zip(own, shape, strict=True))


def _flow(node: Node) -> Flow | None:
    """How the axes go through it, where each entry is a sum of products of entries; else None."""
    op = node.rule
    sums = op.kind == "contraction" or op.moves or op.silent or (op.kind == "reduction" and op.linear)
    if not sums or not any(a.shape for a in node.args):
        return None
    found = flow_of(node)
    if isinstance(found, Regroup):
        found = _squeezed(node)
    if found is None or found.meets or found.indices:
        return None
    letters = {letter for axes in found.operands for letter in axes}
    told = all(part is None or part in letters for part in found.result)
    adds = all(how in (SUMMED, AVERAGED) for how in found.ended.values())
    return found if told and adds and len(found.result) == len(node.shape) else None


def _squeezed(node: Node) -> Flow | None:
    """A reshape that adds or takes away axes of length 1 alone."""
    (x,) = node.args
    long = [k for k, n in enumerate(x.shape) if n != 1]
    if [x.shape[k] for k in long] != [n for n in node.shape if n != 1]:
        return None
    left = iter(long)
    result: Iterator[Any] = (None if n == 1 else next(left) for n in node.shape)
    return Flow((tuple(range(len(x.shape))),), tuple(result))
