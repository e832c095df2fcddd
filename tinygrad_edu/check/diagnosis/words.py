"""What values are called in a sentence: by their names, or by the formula that they were computed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.core.copied_arrays import called
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph import Program, Ref, Step
from tinygrad_edu.ops.movement.shapes import transpose

_MOST_SIZE = 100_000
_MADE: dict[str, Callable[[Array], Array]] = {
    "{}": lambda a: a,
    "-{}": np.negative,
    "1 - {}": lambda a: 1 - a,
    "{}²": np.square,
}


class Words:
    """Names for the values of a program.

    Args:
        program: its steps.
        arrays: the caller's arrays, by name: plain ones without a name are told as functions of these.
    """

    def __init__(self, program: Program, arrays: Mapping[str, Array] | None = None) -> None:
        self.program, self.arrays = program, arrays or {}
        self._known: dict[tuple[str, int], str] = {}

    def of(self, name: str, depth: int = 3) -> str:
        """A value's name; of one without, the formula of its step."""
        if (name, depth) not in self._known:
            self._known[name, depth] = self._called(name, depth)
        return self._known[name, depth]

    def _called(self, name: str, depth: int) -> str:
        step = self.program[name]
        if step.role == "input" and not step.named and not step.requires_grad and step.value.size > 2:
            return self.of_array(np.asarray(step.value)) or name
        if step.role == "input" or (step.named and step.of is None):
            return name
        if step.of is not None:
            return self.gradient(step.of)
        return self._formula(step, depth)

    def of_array(self, value: Array) -> str | None:
        """What an array is called, or what it is of those that have a name; None where that is not told."""
        if value.dtype.kind not in "fiu" or not np.ptp(value):
            return None
        alike = [(name, a) for name, a in self.arrays.items() if a.dtype.kind in "fiu" and a.size]
        for name, a in alike:
            for text, f in _MADE.items() if a.shape == value.shape else ():
                if np.array_equal(f(a), value):
                    return text.replace("{}", name)
        if value.ndim == 2 and value.size <= _MOST_SIZE:
            for (name, a), (other, b) in permutations([(n, a) for n, a in alike if a.ndim == 2], 2):
                if (
                    (len(a), b.shape[1]) == value.shape
                    and a.shape[1] == len(b)
                    and np.allclose(a[0] @ b, value[0])
                ):
                    return f"{name} @ {other}" if np.allclose(a @ b, value, rtol=1e-12) else None
        return None

    def gradient(self, name: str) -> str:
        """What the gradient of a quantity is called."""
        step = self.program[name]
        return f"d{name}" if step.named else f"the gradient of {self.of(name)}"

    def _formula(self, step: Step, depth: int) -> str:
        op = step.op
        if op is None or depth == 0:
            return "…"
        args = [self._operand(a, depth - 1) for a in step.args]
        if op.kernel == transpose.kernel:
            return f"{self._bracket(args[0])}.T"
        if op.sign is not None and op.sign.place == "infix" and len(args) == 2:
            return f"{self._bracket(args[0])} {op.sign.text} {self._bracket(args[1])}"
        if op.sign is not None and op.sign.place == "prefix":
            return f"{op.sign.text}{self._bracket(args[0])}"
        if op.moves and op.kind == "elementwise":
            return args[0]
        if op.kind == "indexing" and "index" in step.settings and "shape" not in step.settings:
            return f"{self._bracket(args[0])}[{_index(step.settings.get('index'))}]"
        return f"{op.name}({', '.join(args)})"

    def _operand(self, a: Any, depth: int) -> str:
        if isinstance(a, Ref):
            return self.of(a.name, depth)
        return f"{float(a):.6g}" if np.ndim(a) == 0 else "a constant"

    def _bracket(self, text: str) -> str:
        return f"({text})" if " " in text and not text.startswith("(") else text


def _index(index: Any) -> str:
    told = []
    for part in index_parts(index):
        if isinstance(part, slice):
            told.append(":".join("" if p is None else str(p) for p in (part.start, part.stop)))
        elif np.ndim(part) == 0:
            told.append(str(part))
        else:
            told.append(called(part) or "…")
    return ", ".join(told)
