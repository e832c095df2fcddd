"""How an operation is written in ONNX's operators: https://onnx.ai/onnx/operators.

Most name their operator as a fact, ``onnx=``, and differ only in how that takes its settings: ``TAKES``,
by the operator. What ONNX says in several operators, or in another layout, is in ``KERNELS``, by the
kernel that computes it. Anything else is taken apart by the recording, or refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.axes import positions
from tinygrad_edu.core.op import Op
from tinygrad_edu.export.onnx_builder import INT64, Builder
from tinygrad_edu.export.onnx_layouts import LAYOUTS
from tinygrad_edu.export.recording import Line
from tinygrad_edu.expression.shapes import defaults_of
from tinygrad_edu.ops.elementwise.arithmetic import square
from tinygrad_edu.ops.elementwise.exponential import exp2, expm1, log1p, log2, log10
from tinygrad_edu.ops.elementwise.rounding import fabs, trunc
from tinygrad_edu.ops.elementwise.trigonometric import hypot

Writer = Callable[[Builder, Line], None]


def has_operator(op: Op) -> bool:
    """Whether an operation can be written as it is."""
    return op.onnx is not None or op.kernel in KERNELS


def write(builder: Builder, line: Line) -> None:
    """Writes a line of the recording.

    Raises:
        NotImplementedError: ONNX has no operator for it.
    """
    if line.op.onnx is not None:
        TAKES.get(line.op.onnx, _elementwise)(builder, line)
    elif line.op.kernel in KERNELS:
        KERNELS[line.op.kernel](builder, line)
    else:
        raise NotImplementedError(
            f"export.onnx: {line.name} = {line.op.name}(...): ONNX has no operator for {line.op.name}"
        )


def _common(builder: Builder, line: Line) -> np.dtype[Any]:
    """The dtype in which a line is computed: its own, or for a comparison, that of what is compared."""
    if line.dtype.kind != "b":
        return line.dtype
    kinds = [builder.dtype_of(a) for a in line.args if not isinstance(a, (int, float))]
    return np.result_type(*kinds) if kinds else np.dtype(np.float64)


def _elementwise(builder: Builder, line: Line) -> None:
    dtype = _common(builder, line)
    operands = [builder.operand(a, dtype) for a in line.args]
    assert line.op.onnx is not None
    builder.floating(line.op.onnx, dtype, *operands, to=line.name)


def _logical(builder: Builder, line: Line) -> None:
    assert line.op.onnx is not None
    truths = [builder.operand(a, np.dtype(np.bool_)) for a in line.args]
    builder.node(line.op.onnx, *truths, to=line.name)


def _where(builder: Builder, line: Line) -> None:
    condition, a, b = line.args
    chosen = builder.operand(condition, np.dtype(np.bool_))
    builder.node("Where", chosen, *(builder.operand(x, line.dtype) for x in (a, b)), to=line.name)


def _with(**names: str) -> Writer:
    """An elementwise operator whose settings are attributes of these names."""

    def writer(builder: Builder, line: Line) -> None:
        known = {**defaults_of(line.op), **line.settings}
        settings = {theirs: known[ours] for ours, theirs in names.items()}
        given = {k: float(v) if isinstance(v, float) else int(v) for k, v in settings.items()}
        assert line.op.onnx is not None
        x = builder.operand(line.args[0], line.dtype)
        builder.floating(line.op.onnx, line.dtype, x, to=line.name, **given)

    return writer


def _normalised(builder: Builder, line: Line) -> None:
    """Softmax and its logarithm; over several axes at once by their definition."""
    x, ndim = builder.operand(line.args[0], line.dtype), len(line.shape)
    axis = {**defaults_of(line.op), **line.settings}["axis"]
    assert line.op.onnx is not None
    if isinstance(axis, (int, np.integer)):
        builder.node(line.op.onnx, x, axis=int(axis), to=line.name)
        return
    over = builder.constant(np.array(positions(axis, ndim), INT64))
    below = builder.node("Sub", x, builder.node("ReduceMax", x, over, keepdims=1))
    powers = builder.node("Exp", below)
    total = builder.node("ReduceSum", powers, over, keepdims=1)
    if line.op.onnx == "Softmax":
        builder.node("Div", powers, total, to=line.name)
    else:
        builder.node("Sub", below, builder.node("Log", total), to=line.name)


def _cast(builder: Builder, line: Line) -> None:
    builder.cast(builder.operand(line.args[0], builder.dtype_of(line.args[0])),
                 builder.dtype_of(line.args[0]), line.dtype, to=line.name)  # fmt: skip


def _axes(line: Line, ndim: int) -> list[int] | None:
    axis = line.settings.get("axis")
    return None if axis is None else list(positions(axis, ndim))


def _reduced(builder: Builder, line: Line) -> None:
    x = builder.operand(line.args[0], line.dtype)
    axes = _axes(line, len(builder.shape_of(line.args[0])))
    given = [] if axes is None else [builder.constant(np.array(axes, INT64))]
    keepdims = int(bool(line.settings.get("keepdims", False)))
    assert line.op.onnx is not None
    builder.floating(line.op.onnx, line.dtype, x, *given, to=line.name, keepdims=keepdims)


def _largest_at(builder: Builder, line: Line) -> None:
    (x,) = line.args
    dtype, shape = builder.dtype_of(x), builder.shape_of(x)
    name, axes = builder.operand(x, dtype), _axes(line, len(shape))
    keepdims = bool(line.settings.get("keepdims", False))
    assert line.op.onnx is not None
    if axes is not None:
        builder.node(line.op.onnx, name, axis=axes[0], keepdims=int(keepdims), to=line.name)
        return
    flat = builder.node("Reshape", name, builder.constant(np.array([-1], INT64)))
    place = builder.node(line.op.onnx, flat, axis=0, keepdims=0)
    builder.node("Reshape", place, builder.constant(np.array(line.shape, INT64)), to=line.name)


def _transpose(builder: Builder, line: Line) -> None:
    ndim = len(line.shape)
    axes = line.settings.get("axes")
    order = list(range(ndim))[::-1] if axes is None else list(positions(tuple(axes), ndim))
    if not order:
        builder.node("Identity", builder.operand(line.args[0], line.dtype), to=line.name)
        return
    builder.node("Transpose", builder.operand(line.args[0], line.dtype), perm=order, to=line.name)


def _reshape(builder: Builder, line: Line) -> None:
    x = builder.operand(line.args[0], line.dtype)
    if line.settings.get("order", "C") == "C":
        builder.node("Reshape", x, builder.shape(line.name), to=line.name, allowzero=1)
        return
    # Column by column: what NumPy reads in the other order is the transpose, read row by row.
    turned = builder.node("Transpose", x)
    shaped = builder.node("Reshape", turned, builder.shape(line.name, backwards=True), allowzero=1)
    builder.node("Transpose", shaped, to=line.name)


def _expand(builder: Builder, line: Line) -> None:
    builder.node("Expand", builder.operand(line.args[0], line.dtype), builder.shape(line.name), to=line.name)


def _unsqueeze(builder: Builder, line: Line) -> None:
    axes = _axes(line, len(line.shape))
    where = builder.constant(np.array(axes, INT64))
    builder.node("Unsqueeze", builder.operand(line.args[0], line.dtype), where, to=line.name)


def _concat(builder: Builder, line: Line) -> None:
    parts = [builder.operand(a, line.dtype) for a in line.args]
    axis = line.settings.get("axis", 0)
    if axis is None:
        parts = [builder.node("Reshape", p, builder.constant(np.array([-1], INT64))) for p in parts]
    builder.node("Concat", *parts, axis=int(axis or 0), to=line.name)


def _cumulated(builder: Builder, line: Line) -> None:
    x, axis = builder.operand(line.args[0], line.dtype), line.settings.get("axis")
    if axis is None:
        x = builder.node("Reshape", x, builder.constant(np.array([-1], INT64)))
    builder.node("CumSum", x, builder.constant(np.array(axis or 0, INT64)), to=line.name)


def _gathered(builder: Builder, line: Line) -> None:
    x, indices = line.args
    axis = line.settings.get("axis", -1)
    where = builder.operand(indices, INT64)
    builder.node("GatherElements", builder.operand(x, line.dtype), where, axis=int(axis), to=line.name)


TAKES: dict[str, Writer] = {
    **dict.fromkeys(("And", "Or", "Not", "Xor"), _logical),
    **dict.fromkeys(("ArgMax", "ArgMin"), _largest_at),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _normalised),
    **{f"Reduce{how}": _reduced for how in ("LogSumExp", "Max", "Mean", "Min", "Prod", "Sum")},
    "Cast": _cast,
    "Concat": _concat,
    "CumSum": _cumulated,
    "Elu": _with(alpha="alpha"),
    "Expand": _expand,
    "GatherElements": _gathered,
    "LeakyRelu": _with(slope="alpha"),
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
"""How an operator takes its operands and settings; elementwise ones take the operands alone."""


def _formula(formula: Callable[..., str]) -> Writer:
    """An operation that is a short formula in ONNX's operators."""

    def writer(builder: Builder, line: Line) -> None:
        def number(value: float) -> str:
            return builder.constant(np.asarray(value, line.dtype))

        operands = [builder.operand(a, line.dtype) for a in line.args]
        builder.node("Identity", formula(builder.node, number, *operands), to=line.name)

    return writer


KERNELS: dict[str, Writer] = {
    op.kernel: _formula(formula)
    for op, formula in (
        (exp2, lambda node, number, x: node("Pow", number(2.0), x)),
        (expm1, lambda node, number, x: node("Sub", node("Exp", x), number(1.0))),
        (fabs, lambda node, number, x: node("Abs", x)),
        (hypot, lambda node, number, a, b: node("Sqrt", node("Add", node("Mul", a, a), node("Mul", b, b)))),
        (log10, lambda node, number, x: node("Mul", node("Log", x), number(1 / np.log(10)))),
        (log1p, lambda node, number, x: node("Log", node("Add", x, number(1.0)))),
        (log2, lambda node, number, x: node("Mul", node("Log", x), number(1 / np.log(2)))),
        (square, lambda node, number, x: node("Mul", x, x)),
        (trunc, lambda node, number, x: node("Mul", node("Sign", x), node("Floor", node("Abs", x)))),
    )
} | LAYOUTS
"""What several operators say together, by the kernel."""
