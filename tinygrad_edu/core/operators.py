"""Python's operators on tensors: each is bound to the operation of its name when that is defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.conversions import compared
from tinygrad_edu.core.data_indices import picked
from tinygrad_edu.core.mode import surroundings
from tinygrad_edu.core.table import RECORD


class Operators:
    """``+ - * / // % ** @``, negation, indexing and comparisons, each the operation of that name."""

    __slots__ = ()
    __hash__ = object.__hash__

    of_any_value: ClassVar[bool] = False
    """Whether it stands for all values of its shape and dtype."""

    _data: Any
    data: Any
    op: Any
    shape: Any

    if TYPE_CHECKING:  # bound below, as the operations are defined

        def __add__(self, other: Any) -> Self: ...
        def __radd__(self, other: Any) -> Self: ...
        def __sub__(self, other: Any) -> Self: ...
        def __rsub__(self, other: Any) -> Self: ...
        def __mul__(self, other: Any) -> Self: ...
        def __rmul__(self, other: Any) -> Self: ...
        def __truediv__(self, other: Any) -> Self: ...
        def __rtruediv__(self, other: Any) -> Self: ...
        def __floordiv__(self, other: Any) -> Self: ...
        def __rfloordiv__(self, other: Any) -> Self: ...
        def __mod__(self, other: Any) -> Self: ...
        def __rmod__(self, other: Any) -> Self: ...
        def __pow__(self, other: Any) -> Self: ...
        def __rpow__(self, other: Any) -> Self: ...
        def __matmul__(self, other: Any) -> Self: ...
        def __rmatmul__(self, other: Any) -> Self: ...
        def __lt__(self, other: Any) -> NDArray[np.bool_]: ...
        def __le__(self, other: Any) -> NDArray[np.bool_]: ...
        def __gt__(self, other: Any) -> NDArray[np.bool_]: ...
        def __ge__(self, other: Any) -> NDArray[np.bool_]: ...
        def __eq__(self, other: object) -> NDArray[np.bool_]: ...  # type: ignore[override]
        def __ne__(self, other: object) -> NDArray[np.bool_]: ...  # type: ignore[override]
        def __neg__(self) -> Self: ...
        def __pos__(self) -> Self: ...
        def __abs__(self) -> Self: ...

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return self.__rfloordiv__(other), self.__rmod__(other)

    # Of booleans and integers, which have no gradient: plain arrays, as of a comparison.

    def __invert__(self) -> Any:
        return np.invert(cast("Any", self))

    def __and__(self, other: Any) -> Any:
        return np.bitwise_and(cast("Any", self), other)

    def __rand__(self, other: Any) -> Any:
        return np.bitwise_and(other, cast("Any", self))

    def __or__(self, other: Any) -> Any:
        return np.bitwise_or(cast("Any", self), other)

    def __ror__(self, other: Any) -> Any:
        return np.bitwise_or(other, cast("Any", self))

    def __xor__(self, other: Any) -> Any:
        return np.bitwise_xor(cast("Any", self), other)

    def __rxor__(self, other: Any) -> Any:
        return np.bitwise_xor(other, cast("Any", self))

    def __getitem__(self, index: Any) -> Self:
        # A Tensor of integers or booleans in an index is the array it holds, unless that may be any.
        if isinstance(index, Operators):
            if index.of_any_value:
                return cast("Self", picked(self, index))
            index = _as_index(index)
        elif type(index) is tuple:
            if any(isinstance(part, Operators) and part.of_any_value for part in index):
                return cast("Self", picked(self, index))
            index = tuple(_as_index(part) if isinstance(part, Operators) else part for part in index)
        return cast("Self", RECORD["getitem"](self, index=index))

    # In-place operators make a new tensor while recording, and under no_grad update a leaf where it stands.

    def _updated(self, operator: str, other: Any) -> Self:
        around = surroundings()
        if around is None or around.recording or self.op is not None:
            return cast("Self", RECORD[operator](self, other))
        new = RECORD[operator](self._data, getattr(other, "_data", other))
        if np.shape(new) != self.shape:
            raise ValueError(
                f"in-place {operator}: expected a result of shape {self.shape}, got {np.shape(new)}"
            )
        np.copyto(self.data, new)  # refuses, as NumPy's own += does, floats for an array of integers
        return self

    def __iadd__(self, other: Any) -> Self:
        return self._updated("add", other)

    def __isub__(self, other: Any) -> Self:
        return self._updated("subtract", other)

    def __imul__(self, other: Any) -> Self:
        return self._updated("multiply", other)

    def __itruediv__(self, other: Any) -> Self:
        return self._updated("divide", other)

    def __ifloordiv__(self, other: Any) -> Self:
        return self._updated("floor_divide", other)

    def __imod__(self, other: Any) -> Self:
        return self._updated("remainder", other)

    def __ipow__(self, other: Any) -> Self:
        return self._updated("power", other)

    def __imatmul__(self, other: Any) -> Self:
        return self._updated("matmul", other)


def _as_index(part: Any) -> NDArray[Any]:
    """The array that a Tensor in an index holds; floats are refused, whose history would be lost as well."""
    if part.requires_grad:  # only floats are differentiated
        raise IndexError(
            f"an index has to be integers, booleans or slices; got a Tensor of {part.dtype}. "
            "Write t.item() or t.numpy(), as an integer: int(t.item()), t.numpy().astype(int)"
        )
    return np.asarray(part)


_UNARY = {"negative": "neg", "positive": "pos", "absolute": "abs"}
_BINARY = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "floor_divide": "floordiv",
    "remainder": "mod",
    "power": "pow",
    "matmul": "matmul",
}
_COMPARISONS = {
    "equal": "eq",
    "not_equal": "ne",
    "less": "lt",
    "less_equal": "le",
    "greater": "gt",
    "greater_equal": "ge",
}


def _is_no_number(other: Any) -> bool:
    """Whether Python is to compare instead: ``t == None`` is False, ``t < "a"`` a TypeError."""
    return other is None or isinstance(other, str) or getattr(other, "__array_ufunc__", 0) is None


def _comparison(record: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Any, other: Any) -> Any:
        if _is_no_number(other):
            return NotImplemented
        compared(self, other)
        return record(self, other)

    return compare


def bind(name: str, record: Callable[..., Any]) -> None:
    """Binds Python's operator to the operation of that name directly, which saves a look-up and a call."""
    if name in _UNARY:
        setattr(Operators, f"__{_UNARY[name]}__", record)
    if name in _COMPARISONS:
        setattr(Operators, f"__{_COMPARISONS[name]}__", _comparison(record))
    if name in _BINARY:
        setattr(Operators, f"__{_BINARY[name]}__", record)
        setattr(Operators, f"__r{_BINARY[name]}__", lambda self, other: record(other, self))
