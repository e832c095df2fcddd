"""What a result was computed from: the operation, its operands, and their values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu.core.op import Op


class Operands:
    """The part of a Tensor that a graph is made of. A leaf has no operation and no operands."""

    __slots__ = ("left", "left_value", "op", "right", "right_value")

    op: Op | None
    # What the operation was recorded on, None for a number or array, and its value. One or two operands have
    # fields, since a tuple of them costs time in every step; of more, left and left_value are tuples.
    left: Any
    right: Any
    left_value: Any
    right_value: Any

    @property
    def parents(self) -> tuple[Any, ...]:
        """What the operation was recorded on: Tensors, and None for a number or array."""
        arity = 0 if self.op is None else self.op.arity
        if arity == 2:
            return self.left, self.right
        if arity == 1:
            return (self.left,)
        return self.left if arity else ()

    @property
    def saved(self) -> tuple[Any, ...]:
        """The values of the operands, as the graph keeps them."""
        arity = 0 if self.op is None else self.op.arity
        if arity == 2:
            return self.left_value, self.right_value
        if arity == 1:
            return (self.left_value,)
        return self.left_value if arity else ()

    def came_from(self, op: Op, parents: Iterable[Any], values: Iterable[Any]) -> None:
        """Makes it the result of an operation."""
        self.op = op
        if op.arity == 2:
            self.left, self.right = parents
            self.left_value, self.right_value = values
        elif op.arity == 1:
            (self.left,), (self.left_value,) = parents, values
        else:
            self.left, self.left_value = tuple(parents), tuple(values)
