"""The form ``A - Y`` of an output's gradient, and what is written in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.check.diagnosis.closed import Wrong
from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.pool import Value
from tinygrad_edu.ops.elementwise.exponential import exp, tanh
from tinygrad_edu.ops.networks.activations import relu, sigmoid

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {op.name: op.forward for op in (exp, tanh, sigmoid, relu)}


@dataclass(frozen=True)
class Output:
    """The prediction A, computed from z, and the labels Y, with what they are called."""

    name: str
    label: str
    x: str
    A: Array
    Y: Array
    z: Array

    def wrong(self, others: Sequence[Value], labels: Sequence[tuple[str, Array]]) -> Iterator[Wrong]:
        """What stands for A - Y by mistake; ``others`` and ``labels`` are values of the same shape."""
        yield from self._signs()
        yield from self._predictions(others)
        yield from self._labels()
        for name, Y in labels:
            if name != self.label:
                told = f"{name} stands where {self.label} belongs, in {self.name} - {self.label}"
                yield self.A - Y, ("labels_swapped", "wrong_layer"), told, 1.15

    def _signs(self) -> Iterator[Wrong]:
        A, Y, a, y = self.A, self.Y, self.name, self.label
        yield A + Y, ("sign_inside", "sign"), f"{y} is added instead of subtracted", 1.05
        yield A, ("term_missing",), f"{y} is missing: it is not subtracted from {a}", 1.05
        yield -Y, ("term_missing",), f"{a} is missing: only {y} is there", 1.1
        yield np.sign(A - Y), ("slope_wrong", "unknown"), f"only the sign of {a} - {y} is there", 1.2
        squared = f"{a} - {y} is squared: the cost stands where its slope belongs"
        yield (A - Y) ** 2, ("slope_wrong", "unknown"), squared, 1.2
        yield np.abs(A - Y), ("sign", "slope_wrong"), f"the absolute value of {a} - {y} is taken", 1.2
        yield (A - Y) * Y, ("unknown", "term_missing"), f"{a} - {y} is multiplied by {y}", 1.3
        extra = f"the slope {a} (1 - {a}) is in {a} - {y} already: it is applied once too often"
        yield A * (1 - A) * (A - Y), ("slope_extra", "slope_doubled"), extra, 1.0

    def _predictions(self, others: Sequence[Value]) -> Iterator[Wrong]:
        A, Y, z, a = self.A, self.Y, self.z, self.name
        yield z - Y, ("z_for_a",), f"{self.x} stands where {a} belongs, in {a} - {self.label}", 1.0
        first, told = np.where(np.arange(z.shape[-1]) == 0, A, z), "in all examples but the first"
        yield first - Y, ("z_for_a",), f"{self.x} stands where {a} belongs, {told}", 1.4
        e = np.exp(z)
        for axis in range(z.ndim):
            over = e / e.sum(axis=axis, keepdims=True)
            codes: tuple[str, ...] = ("softmax_axis", "sum_axis")
            text = f"{a} is normalised over axis {axis}, the wrong one"
            if np.allclose(A.sum(axis=axis), 1, rtol=1e-6):
                codes = ("constant_factor", "slope_wrong", "wrong_layer")
                text = f"the softmax is of {self.x} as it is: what it is scaled by first is left out"
            yield over - Y, codes, text, 1.1
        yield e / e.sum() - Y, ("softmax_axis", "sum_all"), f"{a} is normalised over everything", 1.15
        for told, f in _ACTIVATIONS.items():
            text = f"{told}({self.x}) stands where {a} belongs"
            yield np.asarray(f(z)) - Y, ("slope_wrong_activation", "unknown"), text, 1.15
            text = f"{told}({a}) stands where {a} belongs"
            yield np.asarray(f(A)) - Y, ("slope_at_a", "unknown"), text, 1.2
        decided = f"the prediction ({a} > 0.5) stands where {a} belongs"
        yield (A > 0.5) - Y, ("unknown", "z_for_a"), decided, 1.15
        if A.size == max(A.shape) > 1:
            shapes = f"in {a} - {self.label} shapes (m,) and (m, 1) are broadcast to (m, m)"
            for pairs in (A.sum() - A.size * Y, A.size * A - Y.sum()):
                for one in (pairs, pairs / A.size):
                    codes = ("sum_missing", "wrong_shape", "sum_axis")
                    yield one, codes, f"{shapes}: every pair is summed", 1.2
        for value in others:
            text, array = f"{value.text} stands where {a} belongs", np.asarray(value.array, float)
            yield array - Y, ("wrong_layer", "z_for_a"), text, 1.15 + value.cost

    def _labels(self) -> Iterator[Wrong]:
        A, Y, y = self.A, self.Y, self.label
        swapped, moved = ("labels_swapped",), ("examples_misaligned", "labels_swapped")
        yield A - 1, (*swapped, "unknown"), f"1 stands where {y} belongs: it is subtracted everywhere", 1.2
        yield A - (1 - Y), swapped, f"1 - {y} stands where {y} belongs", 1.05
        if Y.size and (least := Y.min()) > 0:
            text = f"{y} is there without what all its entries have in common, {least:.6g}"
            yield A - (Y - least), ("term_missing", *swapped), text, 1.05
        for axis in range(A.ndim if A.ndim > 1 else 0):
            largest = (A.max(axis=axis, keepdims=True) == A).astype(float)
            text = f"the largest entry of {self.name} along axis {axis} is taken for {y}"
            yield A - largest, ("labels_swapped", "unknown"), text, 1.1
        for axis in range(Y.ndim):
            for shift, what in ((1, "next"), (-1, "previous"), (2, "next but one"), (-2, "previous but one")):
                told = f"is shifted by {abs(shift)} along axis {axis}"
                told += f": the {what} one stands there, out of step"
                yield A - np.roll(Y, shift, axis), moved, f"{y} {told}", 1.1
                yield np.roll(A, shift, axis) - Y, moved, f"{self.name} {told}", 1.1
            reverse = f"{y} is in reverse order along axis {axis}: another example's stands there"
            yield A - np.flip(Y, axis), moved, reverse, 1.15
        if Y.ndim == 2 and Y.shape[0] == Y.shape[1]:
            yield A - Y.T, ("inner_transpose", "labels_swapped"), f"{y} is transposed", 1.1
