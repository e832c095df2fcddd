"""Sheet: makes a step's expressions; an operation on numbers alone is a number, and each draw one of its own.

Expressions are interned, so equal subexpressions are one, and what no output reads is never reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.compiler.views import REARRANGED
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression.node import Node, applied, array, number, quantity
from tinygrad_edu.expression.walk import in_order

_COMPARED = 1 << 16
"""Arrays of fewer bytes are the same constant where their entries are."""


@dataclass(frozen=True)
class _Draw:
    """A generator as a setting: two draws from one are two values."""

    generator: Any
    number: int
    """The how manieth node of the sheet it is: draws are made in the order in which they were recorded."""


@dataclass
class Sheet:
    """Makes nodes; ``names`` are what their values are called in the program."""

    names: dict[Node, str] = field(default_factory=dict)
    checked: dict[Node, Node] = field(default_factory=dict)
    """The node that stands for another one from where its values have been checked."""
    finished: bool = False
    """Whether the operations that the algebra knows by name have been taken apart, not to come back."""
    order: dict[Node, int] = field(default_factory=dict, repr=False)
    """The nodes, each with how many were made before."""
    _arrays: dict[Any, Node] = field(default_factory=dict, repr=False)

    def input(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Node:
        """What is given in each call."""
        return self._made(quantity(name, shape, dtype))

    def constant(self, value: Any, shape: tuple[int, ...] = (), dtype: Any = None) -> Node:
        """A number (for every entry of ``shape``), or an array."""
        if np.ndim(value):
            key = (value.shape, value.dtype, value.tobytes() if value.nbytes < _COMPARED else id(value))
            return self._made(self._arrays.setdefault(key, array(value)))
        value = value[()] if isinstance(value, np.ndarray) else value
        if type(value) is int and not -(2**63) <= value < 2**63:  # as NumPy takes it beside floats
            value = float(value)
        dtype = np.dtype(dtype or np.asarray(value).dtype)
        if dtype.kind in "iu" and isinstance(value, (float, np.floating)):  # NumPy casts no float to it
            value = int(value)
        return self._made(number(value, shape, dtype))

    def node(
        self,
        op: Op,
        args: Iterable[Node],
        settings: Mapping[str, Any] | None = None,
        *,
        shape: tuple[int, ...] | None = None,
        dtype: np.dtype[Any] | None = None,
    ) -> Node:
        """An operation on nodes, folded to a constant where all of them are numbers.

        By default an elementwise one: the shape and dtype are those of NumPy's broadcasting. An operation is
        known by its kernel, so a copy under another name is the same.
        """
        op, args, settings = OPS[op.kernel], tuple(args), settings or {}
        if shape is None:
            shape = np.broadcast_shapes(*(a.shape for a in args))
        if dtype is None:
            dtype = _common_dtype(args)
        if "rng" in settings:
            if not isinstance(settings["rng"], _Draw):
                settings = {**settings, "rng": _Draw(settings["rng"], len(self.order))}
        elif all(a.number is not None for a in args) and (
            folded := self._folded(op, args, settings, shape, dtype)
        ):
            return folded
        return self._made(applied(op, *args, settings=settings, shape=shape, dtype=dtype))

    def on(self, node: Node, args: Iterable[Node]) -> Node:
        """The same operation on what has come in place of its operands; a name or a constant is itself."""
        args = tuple(args)
        if args == node.args:
            return node
        return self.node(node.rule, args, node.settings, shape=node.shape, dtype=node.dtype)

    def rebuilt(
        self, outputs: Iterable[Node], change: Callable[[Node, tuple[Node, ...]], Node | None]
    ) -> list[Node]:
        """The outputs with each node changed, given its new operands; None: the same operation on those.

        What comes in place of a quantity has its name.
        """
        new: dict[Node, Node] = {}
        outputs = list(outputs)
        for node in in_order(*outputs):
            args = tuple(new[a] for a in node.args)
            changed = change(node, args)
            new[node] = made = self.on(node, args) if changed is None else changed
            if node in self.names:
                self.names.setdefault(made, self.names[node])
        return [new[node] for node in outputs]

    def known(self, op: Op, args: tuple[Node, ...], like: Node) -> Node | None:
        """That elementwise operation of those operands, where it has been made."""
        found = applied(op, *args, shape=like.shape, dtype=like.dtype)
        return found if found in self.order else None

    def _folded(
        self, op: Op, args: tuple[Node, ...], settings: Any, shape: tuple[int, ...], dtype: Any
    ) -> Node | None:
        """The result for numbers, whose entries are all alike, where an operation keeps them so."""
        if op.kernel in REARRANGED:
            return self.constant(args[0].value, shape, dtype)
        if op.kind != "elementwise" or op.opaque:
            return None
        with np.errstate(all="ignore"):
            value = np.asarray(
                op.forward(*(np.asarray(a.value, a.dtype)[()] for a in args), **settings), dtype
            )
        return self.constant(value.item(), shape, dtype) if value.ndim == 0 else None

    def _made(self, node: Node) -> Node:
        self.order.setdefault(node, len(self.order))
        return node


def _common_dtype(args: tuple[Node, ...]) -> np.dtype[Any]:
    """NumPy's promotion, where Python's numbers are weak."""
    return np.result_type(*(a.value if isinstance(a.number, (int, float)) else a.dtype for a in args))
