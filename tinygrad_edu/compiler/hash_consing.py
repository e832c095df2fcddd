"""Sheet: the computation as hash-consed nodes, so that equal subexpressions are one.

Building is where the first three economies happen: a node that was built before is the same object,
an operation on numbers alone is a number, and what no output reads is never reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression.arithmetic import BROADCAST, EXPAND_DIMS, RESHAPE, TRANSPOSE, kernels
from tinygrad_edu.ops.indexing.gather_scatter import getitem
from tinygrad_edu.ops.networks.windows import window_layout, windows

__all__ = ["CONSTANT", "INPUT", "REARRANGED", "Node", "Sheet", "array_of", "in_order"]

CONSTANT, INPUT = "constant", "input"
REARRANGED = kernels(TRANSPOSE, RESHAPE, EXPAND_DIMS, BROADCAST)
"""Operations that give a view of their operand's entries."""
_COMPARED = 1 << 16
"""Arrays of fewer bytes are the same constant where their entries are."""


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """A value of known shape and dtype: an input, a constant, or an operation on other nodes."""

    op: str
    args: tuple[Node, ...]
    settings: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    seq: int
    value: Any = None
    """Of a constant: a Python number, a NumPy scalar where its dtype counts, or an array."""
    name: str = ""
    """Of an input."""

    @property
    def rule(self) -> Op:
        """The operation itself."""
        return OPS[self.op]

    def does(self, *ops: Op) -> bool:
        """Whether it is one of these operations."""
        return any(self.op == op.kernel for op in ops)

    @cached_property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes that the value takes."""
        return self.size * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @cached_property
    def random(self) -> bool:
        """Whether it draws random numbers: anew in each call, in the order in which it was recorded."""
        return "rng" in self.settings

    @cached_property
    def looks(self) -> bool:
        """Whether its value is a view of its operand's memory."""
        if self.does(RESHAPE):
            return not self.copied
        if self.does(getitem):
            index = self.settings["index"]
            parts = index if isinstance(index, tuple) else (index,)
            return bool(self.shape) and all(
                p is None or p is Ellipsis or isinstance(p, (slice, int)) for p in parts
            )
        return self.op in REARRANGED

    @cached_property
    def copied(self) -> bool:
        """Whether it is a reshape for which NumPy has to copy, its operand's entries lying as they do."""
        if not self.does(RESHAPE) or self.settings.get("order", "C") != "C":
            return False
        try:
            self.args[0].layout.reshape(self.shape, copy=False)
        except (ValueError, TypeError) as error:  # NumPy 2.0 cannot say
            return isinstance(error, ValueError)
        return False

    @cached_property
    def layout(self) -> NDArray[np.int8]:
        """An array of its shape and strides, as far as they are known: what is computed lies row by row.

        There is no memory behind it: it may be looked at differently, and never read.
        """
        if (self.looks and self.settings.get("order", "C") == "C") or (
            self.does(windows) and not self._padded
        ):
            x, given = self.args[0].layout, self.settings
            return x.reshape(self.shape, copy=False) if self.does(RESHAPE) else self.rule.forward(x, **given)
        strides = [math.prod(self.shape[k + 1 :]) for k in range(self.ndim)]
        return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), self.shape, strides)

    @property
    def _padded(self) -> bool:
        given = {"stride": 1, "padding": 0, **self.settings}
        margins = window_layout(self.args[0].shape, given["size"], given["stride"], given["padding"])[2]
        return bool(margins != ((0, 0), (0, 0)))

    @property
    def number(self) -> Any:
        """The value of a constant whose entries are all alike, else None."""
        return self.value if self.op == CONSTANT and np.ndim(self.value) == 0 else None

    def __repr__(self) -> str:
        what = self.name or (repr(self.value) if self.op == CONSTANT else self.op)
        return f"<{what} {self.dtype}{self.shape}>"


@dataclass
class Sheet:
    """Makes nodes, each once; ``names`` are what their values are called in the program."""

    names: dict[Node, str] = field(default_factory=dict)
    checked: dict[Node, Node] = field(default_factory=dict)
    """The node that stands for another one from where its values have been checked."""
    finished: bool = False
    """Whether the operations that the algebra knows by name have been taken apart, not to come back."""
    _made: dict[Any, Node] = field(default_factory=dict, repr=False)

    def input(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Node:
        """What is given in each call."""
        return self._once((INPUT, name), INPUT, (), {}, shape, dtype, name=name)

    def constant(self, value: Any, shape: tuple[int, ...] = (), dtype: Any = None) -> Node:
        """A number (for every entry of ``shape``), or an array."""
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if type(value) is int and not -(2**63) <= value < 2**63:  # as NumPy takes it beside floats
            value = float(value)
        dtype = np.dtype(dtype or np.asarray(value).dtype)
        if dtype.kind in "iu" and isinstance(value, (float, np.floating)):  # NumPy casts no float to it
            value = int(value)
        shape = shape or np.shape(value)
        if np.ndim(value):
            key: Any = value.tobytes() if value.nbytes < _COMPARED else id(value)
        else:
            key = (type(value), repr(value))
        return self._once((CONSTANT, key, shape, dtype), CONSTANT, (), {}, shape, dtype, value=value)

    def node(
        self,
        op: Op | str,
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
        op = op if isinstance(op, str) else op.kernel
        args, settings = tuple(args), dict(settings or {})
        if shape is None:
            shape = np.broadcast_shapes(*(a.shape for a in args))
        if dtype is None:
            dtype = _common_dtype(args)
        random = "rng" in settings
        if (
            not random
            and all(a.number is not None for a in args)
            and (folded := self._folded(op, args, settings, shape, dtype))
        ):
            return folded
        key = (op, args, _hashable(settings), shape, dtype, len(self._made) if random else 0)
        return self._once(key, op, args, settings, shape, dtype)

    def known(self, op: Op, args: tuple[Node, ...], like: Node) -> Node | None:
        """That elementwise operation of those operands, where it has been made."""
        return self._made.get((op.kernel, args, (), like.shape, like.dtype, 0))

    def _folded(
        self, op: str, args: tuple[Node, ...], settings: Any, shape: tuple[int, ...], dtype: Any
    ) -> Node | None:
        """The result for numbers, whose entries are all alike, where an operation keeps them so."""
        if op in REARRANGED:
            return self.constant(args[0].value, shape, dtype)
        if OPS[op].kind != "elementwise" or OPS[op].opaque:
            return None
        with np.errstate(all="ignore"):
            value = np.asarray(
                OPS[op].forward(*(np.asarray(a.value, a.dtype)[()] for a in args), **settings), dtype
            )
        return self.constant(value.item(), shape, dtype) if value.ndim == 0 else None

    def _once(
        self, key: Any, op: str, args: Any, settings: Any, shape: Any, dtype: Any, **facts: Any
    ) -> Node:
        if key not in self._made:
            self._made[key] = Node(
                op, args, settings, tuple(shape), np.dtype(dtype), len(self._made), **facts
            )
        return self._made[key]


def _common_dtype(args: tuple[Node, ...]) -> np.dtype[Any]:
    """NumPy's promotion, where Python's numbers are weak."""
    return np.result_type(*(a.value if isinstance(a.number, (int, float)) else a.dtype for a in args))


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((k, _hashable(v)) for k, v in sorted(value.items()))
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_hashable, value))
    if isinstance(value, slice):
        return slice, _hashable((value.start, value.stop, value.step))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    return type(value), value if value.__hash__ else id(value)


def in_order(outputs: Iterable[Node]) -> list[Node]:
    """What the outputs are computed from, operands before results; each output's own soon before it."""
    done: dict[Node, None] = {}
    for output in outputs:
        stack = [(output, False)]
        while stack:
            node, ready = stack.pop()
            if node in done:
                continue
            if ready:
                done[node] = None
            else:
                stack.append((node, True))
                stack += [(a, False) for a in reversed(node.args) if a not in done]
    return list(done)


def array_of(node: Node) -> NDArray[Any]:
    """A constant as an array of its shape."""
    return np.ascontiguousarray(np.broadcast_to(np.asarray(node.value, node.dtype), node.shape))
