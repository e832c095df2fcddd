"""A Program as JavaScript: one line for each operation, computed by the kernels of ``engine.js``.

What only moves entries is written by the places that NumPy moves them from, so every index, slice and
mask is right by construction. What is composed of other operations is taken apart; where a kernel is
missing nevertheless, the page steps through recorded numbers, and says so.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression import arithmetic
from tinygrad_edu.expression.decomposition import decomposed, recorded_since, stand_in
from tinygrad_edu.expression.shapes import defaults_of
from tinygrad_edu.graph import Program, Ref, Step
from tinygrad_edu.ops.indexing.gather_scatter import scatter_add
from tinygrad_edu.ops.movement.shapes import astype

_TO_A_SHAPE = arithmetic.kernels(arithmetic.RESHAPE, arithmetic.EXPAND_DIMS, arithmetic.BROADCAST)


@cache
def kernels() -> frozenset[str]:
    """The kernels that ``engine.js`` has, read from it."""
    text = files("tinygrad_edu.page").joinpath("engine.js").read_text("utf-8")
    return frozenset(re.search(r"// kernels: (.*)", text)[1].split())  # type: ignore[index]


@dataclass(frozen=True)
class Computed:
    """A program's body in JavaScript."""

    source: str
    """Lines that read ``given`` and write into ``found``, both by name."""
    missing: tuple[str, ...]
    """Operations without a kernel; where there is one, the source is empty."""


def javascript(program: Program) -> Computed:
    """The program's lines in JavaScript.

    >>> import tinygrad_edu as tg
    >>> a, b = tg.Tensor(2.0, name="a"), tg.Tensor(3.0, name="b")
    >>> print(javascript(tg.Program.of(a * b, ["a"], names={})).source)
    found["multiply_1"] = k.multiply(given["a"], given["b"]);
    found["dmultiply_1"] = filled([], 1);
    found["da"] = k.multiply(found["dmultiply_1"], given["b"]);
    """
    writer = _Writer()
    for step in program.steps:
        writer.step(step)
    missing = tuple(dict.fromkeys(writer.missing))
    return Computed("" if missing else "\n".join(writer.lines), missing)


@dataclass
class _Writer:
    lines: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    """The JavaScript expression of each value computed so far."""
    shapes: dict[str, tuple[tuple[int, ...], Any]] = field(default_factory=dict)
    count: int = 0

    def step(self, step: Step) -> None:
        """Writes one step of the program."""
        self.shapes[step.name] = step.shape, step.dtype
        if step.role == "input":
            self.called[step.name] = f"given[{json.dumps(step.name)}]"
            return
        if step.op is None:
            (source,) = step.args or (None,)
            text = self.called[source.name] if isinstance(source, Ref) else _constant(step.value)
        else:
            text = self._operation(step.op, step.args, step.settings, step.shape)
        self._assign(step.name, text)

    def _assign(self, name: str, text: str) -> None:
        self.called[name] = f"found[{json.dumps(name)}]"
        self.lines.append(f"{self.called[name]} = {text};")

    def _operation(
        self, op: Op, args: Sequence[Ref | Any], settings: Mapping[str, Any], shape: tuple[int, ...]
    ) -> str:
        xs = [self.called[a.name] if isinstance(a, Ref) else _constant(a) for a in args]
        places = self._places(op, args, settings)
        if places is not None:
            kernel, target, where = places
            return f"k.{kernel}({xs[0]}, {_settings({'shape': target, 'places': where})})"
        if op.kernel in kernels():
            told = _told(op, settings, shape)
            return f"k.{op.kernel}({', '.join([*xs, *([_settings(told)] if told else [])])})"
        return self._taken_apart(op, args, settings)

    def _shape(self, arg: Ref | Any) -> tuple[int, ...]:
        return self.shapes[arg.name][0] if isinstance(arg, Ref) else np.shape(arg)

    def _places(
        self, op: Op, args: Sequence[Ref | Any], settings: Mapping[str, Any]
    ) -> tuple[str, tuple[int, ...], Any] | None:
        """For a movement of entries, the place each comes from or is added to; None for other operations."""
        if len(args) != 1 or (op.kernel in kernels() and settings.get("order", "C") == "C"):
            return None
        numbers = np.arange(math.prod(self._shape(args[0]))).reshape(self._shape(args[0]))
        if op.kernel == scatter_add.kernel:
            target = tuple(settings["shape"])
            where = np.arange(math.prod(target)).reshape(target)[settings["index"]]
            return "scatter", target, where.ravel()
        if not op.moves or "rng" in settings:
            return None
        # Where it puts the entries must not depend on what they are, as it does for a sort.
        last = max(numbers.size - 1, 0)
        moved, other = (np.asarray(op.forward(x, **settings)) for x in (numbers, last - numbers))
        return ("gather", moved.shape, moved.ravel()) if np.array_equal(moved, last - other) else None

    def _taken_apart(self, op: Op, args: Sequence[Ref | Any], settings: Mapping[str, Any]) -> str:
        symbols = [stand_in(*self.shapes[a.name]) if isinstance(a, Ref) else a for a in args]
        result = None if op.opaque or "rng" in settings else decomposed(op, symbols, settings)
        if result is None:
            self.missing.append(op.name)
            return "null"
        known: dict[Tensor, Ref | Any] = {
            s: a for s, a in zip(symbols, args, strict=True) if isinstance(s, Tensor)
        }
        for tensor in recorded_since(result, known):
            assert tensor.op is not None
            parts = [v if p is None else known[p] for p, v in zip(tensor.parents, tensor.saved, strict=True)]
            self.count += 1
            name = f"part {self.count}"
            shape, dtype = np.shape(tensor._data), np.asarray(tensor._data).dtype
            text = self._operation(tensor.op, parts, tensor.settings, shape)
            self.shapes[name] = shape, dtype
            self._assign(name, text)
            known[tensor] = Ref(name)
        end = known[result]
        return self.called[end.name] if isinstance(end, Ref) else _constant(end)


def _told(op: Op, settings: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """The settings as a kernel takes them; a movement is told the shape that it leads to."""
    told = {name: value for name, value in settings.items() if name != "order"}
    if op.kernel in _TO_A_SHAPE:
        return {"shape": shape}
    if op.kernel == astype.kernel:
        return {"dtype": np.dtype(settings["dtype"]).kind}
    return {**defaults_of(op), **told}


def _settings(settings: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {_value(value)}" for name, value in settings.items()) + "}"


def _value(value: Any) -> str:
    if isinstance(value, (np.ndarray, tuple, list)):
        return json.dumps(np.asarray(value).tolist(), separators=(",", ":"))
    return json.dumps(value.item() if isinstance(value, np.generic) else value)


def _constant(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim and array.size and (array == array.flat[0]).all():
        return f"filled({_value(array.shape)}, {_number(array.flat[0])})"
    if array.ndim == 0:
        return f"filled([], {_number(array[()])})" if isinstance(value, np.ndarray) else _number(array[()])
    return f"array({_value(array.shape)}, [{','.join(map(_number, array.ravel()))}])"


def _number(value: Any) -> str:
    """A number as JavaScript has it, to the last digit."""
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
