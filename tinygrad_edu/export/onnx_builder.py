"""Writes ONNX nodes one after the other, with the constants, sizes and casts that they need.

ONNX: https://onnx.ai/onnx/intro/concepts.html. A shape that follows a free axis is computed when the
model is run; any other is a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import require_extra
from tinygrad_edu.export.free_axes import Axis, Sizes
from tinygrad_edu.graph import Ref
from tinygrad_edu.graph.naming import unique

INT64: np.dtype[Any] = np.dtype(np.int64)

SINGLE = frozenset(
    [
        *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Sinh", "Tan"),
        *("AveragePool", "Conv", "Elu", "Erf", "Gelu", "LeakyRelu", "Softplus"),
    ]
)
"""Operators that ONNX Runtime has in float32 alone, so that float64 is cast there and back.

Source: https://github.com/microsoft/onnxruntime/blob/main/docs/OperatorKernels.md.
"""


class Builder:
    """The graph of an ONNX model, while it is written."""

    def __init__(self, sizes: Sizes) -> None:
        self.helper = require_extra("onnx.helper", extra="onnx")
        self.numpy_helper = require_extra("onnx.numpy_helper", extra="onnx")
        self.checker = require_extra("onnx.checker", extra="onnx")
        self.sizes = sizes
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.taken = dict.fromkeys(sizes.base.values, 1)
        self._made: dict[Any, str] = {}

    def operand(self, value: Ref | Any, dtype: np.dtype[Any]) -> str:
        """The name of an operand, as that dtype."""
        if isinstance(value, Ref):
            return self.cast(value.name, self.dtype_of(value), dtype)
        return self.constant(np.asarray(value, dtype))

    def dtype_of(self, value: Ref | Any) -> np.dtype[Any]:
        """An operand's dtype."""
        return self.sizes.base.values[value.name][1] if isinstance(value, Ref) else np.asarray(value).dtype

    def shape_of(self, value: Ref | Any) -> tuple[int, ...]:
        """An operand's shape, as it was recorded."""
        return self.sizes.base.values[value.name][0] if isinstance(value, Ref) else np.shape(value)

    def constant(self, value: Any, name: str = "constant") -> str:
        """A constant array, written once."""
        array = np.asarray(value)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._made:
            self._made[key] = unique(f"{name}_1", self.taken)
            self.initializers.append(
                self.numpy_helper.from_array(
                    np.ascontiguousarray(array).reshape(array.shape), self._made[key]
                )
            )
        return self._made[key]

    def node(self, operator: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:
        """One operator on named inputs; gives the name of its result."""
        name = to or unique(f"{operator.lower()}_1", self.taken)
        given = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(self.helper.make_node(operator, list(inputs), [name], **given))
        return name

    def floating(
        self, operator: str, dtype: np.dtype[Any], *inputs: str, to: str | None = None, **attributes: Any
    ) -> str:
        """The same on floats of that dtype, by way of float32 where the operator has no other kernel."""
        if operator not in SINGLE or dtype == np.float32:
            return self.node(operator, *inputs, to=to, **attributes)
        single = np.dtype(np.float32)
        narrow = [self.cast(x, dtype, single) for x in inputs]
        return self.cast(self.node(operator, *narrow, **attributes), single, dtype, to=to)

    def cast(self, name: str, given: np.dtype[Any], wanted: np.dtype[Any], to: str | None = None) -> str:
        """A value as another dtype; itself where it has that one."""
        if given == wanted:
            return name if to is None else self.node("Identity", name, to=to)
        result = to or unique("cast_1", self.taken)
        kind = self.helper.np_dtype_to_tensor_dtype(np.dtype(wanted))
        self.nodes.append(self.helper.make_node("Cast", [name], [result], to=kind))
        return result

    def integers(self, base: Sequence[int], grown: Mapping[Axis, Sequence[int]]) -> str:
        """A list of sizes, of which some follow free axes: ``c + Σ k · (length of the axis)``."""
        steps = {axis: np.subtract(other, base) for axis, other in grown.items()}
        steps = {axis: step for axis, step in steps.items() if step.any()}
        fixed = np.array(base, INT64) - sum(axis.size * step for axis, step in steps.items())
        total = self.constant(np.asarray(fixed, INT64))
        for axis, step in steps.items():
            follows = self.node("Mul", self.length(axis), self.constant(np.asarray(step, INT64)))
            total = self.node("Add", total, follows)
        return total

    def length(self, axis: Axis) -> str:
        """The length of a free axis, as it is when the model is run: an array of one integer."""
        if axis not in self._made:
            shape = self.node("Shape", axis.input, start=axis.position, end=axis.position + 1)
            self._made[axis] = shape
        return self._made[axis]

    def shape(self, name: str, *, backwards: bool = False) -> str:
        """The shape of a named value, as it is when the model is run."""
        order = -1 if backwards else 1
        grown = {axis: other.values[name][0][::order] for axis, other in self.sizes.grown.items()}
        return self.integers(self.sizes.base.values[name][0][::order], grown)
