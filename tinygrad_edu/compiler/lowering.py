"""A Program's steps as nodes, composed operations taken apart into those that NumPy has.

Which operations those are is not listed anywhere: an operation's ``forward`` is run on Symbols, and what
it did is its decomposition. One that does nothing but itself is NumPy's own; one that asks for values, or
is marked opaque, stays a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import BROADCAST, POSITIVE, RESHAPE, SUM, kernels
from tinygrad_edu.expression.decomposition import decomposed, recorded_since, stand_in
from tinygrad_edu.expression.node import Node
from tinygrad_edu.graph import Program, Ref, Step
from tinygrad_edu.ops.movement.shapes import astype
from tinygrad_edu.ops.networks.activations import sigmoid
from tinygrad_edu.ops.networks.costs import probabilities
from tinygrad_edu.ops.reduction.sums_and_extrema import broadcast_axes, sum_to

ATOMS = kernels(sigmoid)
"""Operations that the algebra has rules for; taken apart after it."""

_SAME = kernels(POSITIVE, BROADCAST, RESHAPE, astype)
"""Operations that do nothing where the operand has the result's shape and dtype."""

_PRECISE = 1024
"""Up to so many narrow floats are added up row by row in their own dtype."""


def lowered(program: Program, sheet: Sheet, constants: Mapping[str, Any]) -> dict[str, Node]:
    """The node of every step; ``constants`` are the inputs whose values never change."""
    values: dict[str, Node] = {}
    for step in program.steps:
        if step.name in constants:
            values[step.name] = sheet.constant(constants[step.name])
            continue
        values[step.name] = node = _lowered_step(step, values, sheet)
        for name in step.uses:  # from here on, what has been checked is read in its checked form
            values[name] = sheet.checked.get(values[name], values[name])
        if step.named or step.role != "backward":
            sheet.names.setdefault(node, step.name)
    return values


def _lowered_step(step: Step, values: Mapping[str, Node], sheet: Sheet) -> Node:
    if step.role == "input":
        return sheet.input(step.name, step.shape, step.dtype)
    others = [values[a.name].dtype for a in step.args if isinstance(a, Ref)]
    args = [values[a.name] if isinstance(a, Ref) else _constant(a, others, sheet) for a in step.args]
    if step.op is None:
        return args[0] if args else sheet.constant(step.value.flat[0].item(), step.shape, step.dtype)
    return built(step.op, args, step.settings, step.value, sheet, late=ATOMS)


def _constant(value: Any, others: Sequence[np.dtype[Any]], sheet: Sheet) -> Node:
    """A number that stands in the code; one of Python's where its dtype decides nothing."""
    if np.ndim(value) == 0 and isinstance(value, (np.generic, np.ndarray)):
        number = np.asarray(value)[()]
        if others and np.result_type(number, *others) == np.result_type(number.item(), *others):
            return sheet.constant(number.item(), (), number.dtype)
        return sheet.constant(number)
    return sheet.constant(value)


def built(
    op: Op, args: Sequence[Node], settings: Mapping[str, Any], value: Any, sheet: Sheet, late: frozenset[str]
) -> Node:
    """The node of an operation, or of what it is composed of."""
    shape, dtype = np.shape(value), np.asarray(value).dtype
    if op.kernel == sum_to.kernel:
        return _sum_to(args[0], settings["shape"], sheet)
    if op.kernel in _SAME and args[0].shape == shape and args[0].dtype == dtype:
        return args[0]
    if op.kernel not in late and _may_be_composed(op, settings):
        parts = _decomposition(op, args, settings)
        if parts is not None:
            return parts.build(sheet, late)
    node = sheet.node(op, args, settings, shape=shape, dtype=dtype)
    if op.kernel == probabilities.kernel:
        sheet.checked[args[0]] = node
    return node


def finished(outputs: Sequence[Node], sheet: Sheet) -> list[Node]:
    """The outputs with the operations that the algebra knows taken apart too."""
    sheet.finished = True

    def taken_apart(node: Node, args: Sequence[Node]) -> Node | None:
        stand_in = np.broadcast_to(np.zeros((), node.dtype), node.shape)
        known = node.kernel in ATOMS
        return built(node.rule, args, node.settings, stand_in, sheet, late=frozenset()) if known else None

    return sheet.rebuilt(outputs, taken_apart)


def _may_be_composed(op: Op, settings: Mapping[str, Any]) -> bool:
    own = any(isinstance(f, np.ufunc) for f in op.numpy) or op.kind in ("movement", "indexing", "contraction")
    return op.parts or not (own or op.opaque or "rng" in settings)


def _sum_to(x: Node, shape: tuple[int, ...], sheet: Sheet) -> Node:
    """The sum that undoes broadcasting, with the sum itself a NumPy reduction.

    Narrow floats along a leading axis keep the accurate way: NumPy adds those row by row.
    """
    axes = broadcast_axes(x.shape, shape)
    if not axes:
        return x
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    rows = int(np.prod([x.shape[a] for a in axes if a != x.ndim - 1], dtype=int))
    if x.dtype.kind == "f" and x.dtype.itemsize < 8 and rows > _PRECISE:
        return sheet.node(sum_to, [x], {"shape": shape}, shape=shape, dtype=x.dtype)
    axis: Any = None if len(axes) == x.ndim else axes[0] if len(axes) == 1 else axes
    if shape == tuple(n for k, n in enumerate(x.shape) if k not in axes):
        return sheet.node(SUM, [x], {"axis": axis, "keepdims": False}, shape=shape, dtype=x.dtype)
    total = sheet.node(SUM, [x], {"axis": axis, "keepdims": True}, shape=kept, dtype=x.dtype)
    if kept == shape:
        return total
    return sheet.node(RESHAPE, [total], {"shape": shape}, shape=shape, dtype=x.dtype)


@dataclass
class _Parts:
    """What an operation's forward did with Symbols that stand for its operands."""

    result: Tensor
    known: dict[Tensor, Node] = field(default_factory=dict)

    def build(self, sheet: Sheet, late: frozenset[str]) -> Node:
        for tensor in recorded_since(self.result, self.known):
            assert tensor.op is not None
            args = [
                self.known[p] if p is not None else _literal(v, sheet)
                for p, v in zip(tensor.parents, tensor.saved, strict=True)
            ]
            self.known[tensor] = built(tensor.op, args, tensor.settings, tensor._data, sheet, late)
        return self.known[self.result]


def _literal(value: Any, sheet: Sheet) -> Node:
    return sheet.constant(value.item() if isinstance(value, np.bool_) else value)


def _decomposition(op: Op, args: Sequence[Node], settings: Mapping[str, Any]) -> _Parts | None:
    symbols = [_stand_in(a) for a in args]
    result = decomposed(op, symbols, settings)
    if result is None:
        return None
    return _Parts(result, {s: a for s, a in zip(symbols, args, strict=True) if isinstance(s, Tensor)})


def _stand_in(node: Node) -> Any:
    """A Symbol of that shape and dtype; a number that is known stays one."""
    return node.number if node.number is not None and not node.shape else stand_in(node.shape, node.dtype)
