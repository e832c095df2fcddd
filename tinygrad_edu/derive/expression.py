"""Formulas as trees: quantities by name, numbers, and operations on them. Equal formulas are equal trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.table import OPS
from tinygrad_edu.graph.source import literal, told

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = [
    "Applied",
    "Constant",
    "Expression",
    "Number",
    "Quantity",
    "applied",
    "bare",
    "constant",
    "evaluate",
    "guard_of",
    "in_shape",
    "parts",
    "quantities",
    "rebuilt",
    "replaced",
]

FLOAT: np.dtype[Any] = np.dtype(np.float64)


@dataclass(frozen=True)
class Quantity:
    """Something that has a name: an input, a forward value, a gradient, or m."""

    name: str
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] = FLOAT


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float
    dtype: np.dtype[Any] = field(default=FLOAT, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """A number has none."""
        return ()


@dataclass(frozen=True)
class Constant:
    """An array that a rule made, such as an identity matrix."""

    key: str
    value: NDArray[Any] = field(compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's dtype."""
        return self.value.dtype


@dataclass(frozen=True)
class Applied:
    """An operation on expressions. ``key`` stands for its settings where two expressions are compared."""

    op: Op
    args: tuple[Expression, ...]
    key: str
    settings: Mapping[str, Any] = field(compare=False)
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] = FLOAT
    size: int = field(default=0, compare=False)
    height: int = field(default=0, compare=False)
    _hash: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "size", 1 + sum(getattr(a, "size", 1) for a in self.args))
        put(self, "height", 1 + max((getattr(a, "height", 0) for a in self.args), default=0))
        put(self, "_hash", hash((self.op.name, self.args, self.key, self.shape)))

    def __hash__(self) -> int:
        return self._hash


Expression = Quantity | Number | Constant | Applied


def constant(value: Any) -> Expression:
    """A number; an array whose entries are all alike is one too, and takes its shape from what it meets."""
    array = np.asarray(value)
    if array.ndim == 0 or (array.size and (array == array.flat[0]).all()):
        return Number(array.flat[0].item(), array.dtype)
    return Constant(literal(array).text, array)


def applied(
    op: Op | str,
    *args: Expression,
    shape: tuple[int, ...] | None = None,
    dtype: np.dtype[Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Applied:
    """The operation on these operands; by default elementwise, in the shape that they have together."""
    op = OPS[op] if isinstance(op, str) else op
    settings = told(op, settings or {})
    if shape is None:
        shape = np.broadcast_shapes(*(a.shape for a in args))
    if dtype is None:
        kinds = [a.dtype for a in args if not isinstance(a, Number)]
        dtype = np.result_type(*kinds) if kinds else FLOAT
        if dtype.kind == "b" and (len(kinds) < len(args) or op.name == "divide"):
            dtype = FLOAT  # 2 * (z > 0) is a number
    key = ", ".join(f"{k}={literal(v)}" for k, v in settings.items())
    return Applied(op, args, key, settings, shape, dtype)


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, outermost first, each as often as it occurs."""
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Applied):
            waiting.extend(reversed(one.args))


def quantities(expression: Expression) -> list[Quantity]:
    """The named quantities in it, in the order of their first occurrence."""
    return list(dict.fromkeys(one for one in parts(expression) if isinstance(one, Quantity)))


def rebuilt(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """The expression with ``change`` made to its parts, outermost first; None leaves a part to its parts."""
    changed = change(expression)
    if changed is not None:
        return changed
    if not isinstance(expression, Applied):
        return expression
    return with_args(expression, tuple(rebuilt(a, change) for a in expression.args))


def with_args(e: Applied, args: tuple[Expression, ...]) -> Applied:
    """The same operation on other operands of the same shapes."""
    return e if args == e.args else Applied(e.op, args, e.key, e.settings, e.shape, e.dtype)


def in_shape(expression: Expression, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Expression:
    """The expression, repeated where algebra has left it narrower than it must be: 1 for an array of ones."""
    if expression.shape == shape:
        return expression
    return applied("broadcast_to", expression, shape=shape, dtype=dtype, settings={"shape": shape})


def replaced(expression: Expression, by: Mapping[Any, Expression]) -> Expression:
    """The expression with some of its parts replaced."""
    return rebuilt(expression, by.get) if by else expression


def evaluate(expression: Expression, values: Mapping[str, Any], *, recorded: bool = False) -> Any:
    """Its value, from those of the quantities by name; ``recorded``, as a Tensor with its history."""
    if isinstance(expression, Quantity):
        return values[expression.name]
    if not isinstance(expression, Applied):
        return expression.value
    args = [evaluate(a, values, recorded=recorded) for a in expression.args]
    if expression.op.kind != "elementwise":  # which may ask its operands for their axes
        args = [np.asarray(a, FLOAT)[()] if isinstance(a, (int, float)) else a for a in args]
    compute = expression.op if recorded else expression.op.forward
    return compute(*args, **expression.settings)


def guard_of(e: Applied) -> tuple[Expression, Expression, Expression] | None:
    """``where(tested == at, spare, inside)``, which keeps a 0 out of a denominator: tested, at, inside.

    None for any other ``where``.
    """
    condition, spare, inside = e.args
    if not isinstance(condition, Applied) or condition.op.name != "equal" or not isinstance(spare, Number):
        return None
    tested, at = condition.args
    if isinstance(tested, Applied) and tested.op.name == "subtract" and isinstance(at, Number):  # 1 - Y == 0
        minuend, subtrahend = tested.args
        if isinstance(minuend, Number):
            tested, at = subtrahend, Number(minuend.value - at.value)
    return (tested, at, inside) if isinstance(tested, Quantity) and isinstance(at, Number) else None


def bare(expression: Expression) -> Expression:
    """The expression as mathematics has it: nothing is told to be repeated, and no guard avoids 0/0."""

    def change(e: Expression) -> Expression | None:
        if isinstance(e, Applied) and e.op.name == "broadcast_to":
            return bare(e.args[0])
        if isinstance(e, Applied) and e.op.kind != "elementwise":  # which needs the axes of its operands
            return with_args(e, tuple(in_shape(bare(a), a.shape, a.dtype) for a in e.args))
        if isinstance(e, Applied) and e.op.name == "where" and (guard := guard_of(e)) is not None:
            return bare(guard[2])
        return None

    return rebuilt(expression, change)
