"""Node: an expression. A name, a number, an array, or an operation on expressions; equal means identical.

Nodes are immutable and interned: asking twice for the same operation on the same operands gives the same
object, so equality is identity, and a part that occurs in many places is one part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.expression.shapes import dtype_of, hashable, shape_of, told

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

FLOAT: np.dtype[Any] = np.dtype(np.float64)


class Node:
    """An expression of known shape and dtype, made by ``quantity``, ``number``, ``array`` or ``applied``.

    >>> import tinygrad_edu as tg
    >>> a, b = quantity("a"), quantity("b")
    >>> applied(tg.add, a, b) is applied(tg.add, a, b)
    True
    >>> applied(tg.add, a, b)
    <a + b>
    """

    __slots__ = (
        "__weakref__", "args", "called", "dtype", "height", "key", "op", "settings", "shape", "size", "value",
    )  # fmt: skip

    op: Op | None
    """None for a name, a number and an array."""
    args: tuple[Node, ...]
    settings: Mapping[str, Any]
    """Those that differ from their defaults."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    called: str
    """Of a name; else empty."""
    value: Any
    """Of a number or an array; else None."""
    size: int
    """How many operations it is made of, each counted as often as it is written; never more than 2⁶²."""
    height: int
    """How deep they are nested."""
    key: Any
    """What makes it the one it is."""

    def __setattr__(self, attribute: str, value: Any) -> None:
        raise AttributeError(f"an expression cannot be changed: {attribute}")

    def __delattr__(self, attribute: str) -> None:
        raise AttributeError(f"an expression cannot be changed: {attribute}")

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: Any) -> Node:
        return self

    def __reduce__(self) -> Any:
        return _made_again, (
            self.op,
            self.args,
            dict(self.settings),
            self.shape,
            self.dtype,
            self.called,
            self.value,
        )

    @property
    def kernel(self) -> str:
        """What its operation computes with; empty for a name, a number and an array."""
        return "" if self.op is None else self.op.kernel

    @property
    def ndim(self) -> int:
        """The number of axes of its value."""
        return len(self.shape)

    @property
    def entries(self) -> int:
        """The number of entries of its value."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes that its value takes."""
        return self.entries * self.dtype.itemsize

    @property
    def random(self) -> bool:
        """Whether it draws random numbers."""
        return "rng" in self.settings

    @property
    def number(self) -> Any:
        """The value of a constant whose entries are all alike, else None."""
        return self.value if np.ndim(self.value) == 0 else None

    @property
    def is_constant(self) -> bool:
        """Whether it is a number or an array."""
        return self.op is None and not self.called

    @property
    def is_name(self) -> bool:
        """Whether it stands for a value by its name."""
        return bool(self.called)

    @property
    def is_number(self) -> bool:
        """Whether it is a number without shape."""
        return self.op is None and not self.called and self.shape == ()

    @property
    def is_array(self) -> bool:
        """Whether it is an array that has no name."""
        return self.op is None and not self.called and self.shape != ()

    @property
    def rule(self) -> Op:
        """The operation, of what is one."""
        assert self.op is not None, self
        return self.op

    def does(self, *ops: Op) -> bool:
        """Whether it is one of these operations, or one that computes with the same kernel.

        >>> import tinygrad_edu as tg
        >>> applied(tg.exp, quantity("z")).does(tg.exp)
        True
        """
        return self.op is not None and any(self.op.kernel == op.kernel for op in ops)

    def __repr__(self) -> str:
        if self.op is None:
            return f"<{self.called or repr(self.value)}>"
        signed = self.op.sign if len(self.args) == 2 else None
        operands = [repr(a)[1:-1] if a.op is None else f"({repr(a)[1:-1]})" for a in self.args]
        if signed is not None:
            return f"<{operands[0]} {signed.text} {operands[1]}>"
        return f"<{self.op.name}({', '.join(repr(a)[1:-1] for a in self.args)})>"


_KNOWN: WeakValueDictionary[Any, Node] = WeakValueDictionary()
_ONE_AT_A_TIME = Lock()


def _once(key: Any, **facts: Any) -> Node:
    found = _KNOWN.get(key)
    if found is not None:
        return found
    node = object.__new__(Node)
    put = object.__setattr__
    args = facts.get("args", ())
    put(node, "key", key)
    put(node, "op", facts.get("op"))
    put(node, "args", args)
    put(node, "settings", facts.get("settings") or {})
    put(node, "shape", tuple(facts["shape"]))
    put(node, "dtype", np.dtype(facts["dtype"]))
    put(node, "called", facts.get("called", ""))
    put(node, "value", facts.get("value"))
    put(node, "size", min(1 + sum(max(a.size, 1) for a in args), 1 << 62) if args else 0)
    put(node, "height", 1 + max(a.height for a in args) if args else 0)
    with _ONE_AT_A_TIME:
        return _KNOWN.setdefault(key, node)


def quantity(called: str, shape: tuple[int, ...] = (), dtype: Any = FLOAT) -> Node:
    """What stands for a value of that shape and dtype by its name."""
    dtype = np.dtype(dtype)
    return _once(("name", called, tuple(shape), dtype), called=called, shape=shape, dtype=dtype)


def number(value: Any, shape: tuple[int, ...] = (), dtype: Any = None) -> Node:
    """A number: Python's, which takes the dtype of what it meets, or NumPy's with a dtype of its own.

    Args:
        value: the number.
        shape: of an array, all of whose entries are that number.
        dtype: what it comes to where it is used; then one of NumPy's stays one, also of float64.

    >>> number(2) is number(2), number(2) is number(2.0)
    (True, False)
    """
    if dtype is None and isinstance(value, (np.ndarray, np.generic)):
        value = np.asarray(value)[()]
        if value.dtype == FLOAT or value.dtype.kind == "b":
            value = value.item()
    dtype = np.asarray(value).dtype if dtype is None else np.dtype(dtype)
    return _once(("number", type(value), repr(value), shape, dtype), value=value, shape=shape, dtype=dtype)


def array(value: NDArray[Any]) -> Node:
    """An array that has no name. Two are the same only where they are one object: equal is not the same."""
    if np.ndim(value) == 0:
        return number(value)
    return _once(("array", id(value)), value=value, shape=value.shape, dtype=value.dtype)


def applied(
    op: Op,
    *args: Node,
    settings: Mapping[str, Any] | None = None,
    shape: tuple[int, ...] | None = None,
    dtype: Any = None,
) -> Node:
    """The operation on these operands; shape and dtype are told from theirs where they are not given.

    >>> import tinygrad_edu as tg
    >>> X, W = quantity("X", (3, 5)), quantity("W", (4, 3))
    >>> applied(tg.matmul, W, X).shape, applied(tg.sum, X, settings={"axis": 0}).shape
    ((4, 5), (5,))
    """
    given = told(op, settings or {})
    dtype = np.dtype(dtype) if dtype is not None else dtype_of(op, args, given)
    shape = tuple(shape) if shape is not None else shape_of(op, args, given)
    key = (op, args, hashable(given), shape, dtype)
    return _once(key, op=op, args=args, settings=given, shape=shape, dtype=dtype)


def _made_again(op: Any, args: Any, settings: Any, shape: Any, dtype: Any, called: str, value: Any) -> Node:
    if called:
        return quantity(called, shape, dtype)
    if op is None:
        return array(value) if np.ndim(value) else number(value, shape, dtype)
    return applied(op, *args, settings=settings, shape=shape, dtype=dtype)
