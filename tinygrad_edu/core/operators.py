"""Python's operators on tensors: a closed set, so they look their operation up by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.table import RECORD

__all__ = ["Operators"]


class Operators:
    """``+ - * / // % ** @``, negation, indexing and comparisons, each the operation of that name."""

    __slots__ = ()
    __hash__ = object.__hash__

    _data: Any
    op: Any

    def __add__(self, other: Any) -> Any:
        return RECORD["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return RECORD["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return RECORD["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return RECORD["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return RECORD["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return RECORD["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return RECORD["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return RECORD["divide"](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return RECORD["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return RECORD["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return RECORD["remainder"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return RECORD["remainder"](other, self)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return RECORD["power"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return RECORD["power"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return RECORD["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return RECORD["matmul"](other, self)

    def __neg__(self) -> Any:
        return RECORD["negative"](self)

    def __pos__(self) -> Any:
        return RECORD["positive"](self)

    def __abs__(self) -> Any:
        return RECORD["absolute"](self)

    def __getitem__(self, index: Any) -> Any:
        return RECORD["getitem"](self, index=index)

    def __eq__(self, other: object) -> Any:
        return RECORD["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        return RECORD["not_equal"](self, other)

    def __lt__(self, other: Any) -> Any:
        return RECORD["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return RECORD["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return RECORD["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return RECORD["greater_equal"](self, other)

    # In-place operators make a new tensor while recording, and under no_grad update a leaf where it stands.

    def _updated(self, operator: str, other: Any) -> Any:
        surroundings = ambient.get()
        if surroundings is None or surroundings.recording or self.op is not None:
            return RECORD[operator](self, other)
        new = RECORD[operator](self._data, getattr(other, "_data", other))
        if np.shape(new) != self.shape:
            raise ValueError(f"in-place {operator}: expected a result of shape {self.shape}, got {np.shape(new)}")
        self.data[...] = new
        return self

    def __iadd__(self, other: Any) -> Any:
        return self._updated("add", other)

    def __isub__(self, other: Any) -> Any:
        return self._updated("subtract", other)

    def __imul__(self, other: Any) -> Any:
        return self._updated("multiply", other)

    def __itruediv__(self, other: Any) -> Any:
        return self._updated("divide", other)
