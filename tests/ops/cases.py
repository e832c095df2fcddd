"""What the generated tests draw from: every operation and composed function, with its samples."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from tinygrad_edu.core.kinds import COMPOSED, Composed
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS
from tinygrad_edu.core.tensor import Tensor

Array = Any


@dataclass(frozen=True, repr=False)
class Entry:
    """A public function under test."""

    name: str
    call: Callable[..., Any]
    numpy: tuple[Callable[..., Any], ...]
    samples: tuple[Sample, ...]
    kind: str = "composed"
    slopes: tuple[bool, ...] | None = None
    """For each operand whether it has a gradient; None: wherever it is a float."""

    def __repr__(self) -> str:
        return self.name

    @property
    def constant(self) -> bool:
        return self.slopes is not None and not any(self.slopes)

    @property
    def sequence(self) -> bool:
        """Whether it takes any number of arrays, as np.concatenate does in a list."""
        return _takes_any_number(self.call)

    @property
    def free_shapes(self) -> bool:
        """Whether the kind says all about which shapes fit, so that others than the samples' may be drawn."""
        first = self.samples[0]
        if first.make is not None or first.arrange is not None:
            return False
        if self.kind == "elementwise":
            return not any(sample.settings for sample in self.samples)
        reduces = set().union(*(sample.settings for sample in self.samples)) == {"axis", "keepdims"}
        return self.kind == "reduction" and reduces and len(first.shapes) == 1

    def differentiable(self, xs: Sequence[Array]) -> tuple[bool, ...]:
        slopes = self.slopes if self.slopes is not None and len(self.slopes) == len(xs) else (True,) * len(xs)
        return tuple(s and np.asarray(x).dtype.kind == "f" for s, x in zip(slopes, xs, strict=True))


@cache
def _parameters(call: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(call).parameters.values())
    except ValueError:  # written in C, without a signature
        return ()


def _takes_any_number(call: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in _parameters(call))


def _positional_only(call: Callable[..., Any]) -> list[str]:
    return [p.name for p in _parameters(call) if p.kind is p.POSITIONAL_ONLY]


def entry_of(definition: Op | Composed) -> Entry:
    if isinstance(definition, Composed):
        return Entry(definition.name, definition.call, definition.numpy, definition.samples)
    slopes = None if definition.variadic else tuple(rule is not None for rule in definition.pullbacks)
    if definition.constant:
        slopes = (False,)
    return Entry(definition.name, definition, definition.numpy, definition.samples, definition.kind, slopes)


ENTRIES: dict[str, Entry] = {
    name: entry_of(definition) for name, definition in sorted({**OPS, **COMPOSED}.items())
}
SMOOTH = {name: entry for name, entry in ENTRIES.items() if not entry.constant}


@dataclass(frozen=True, repr=False)
class Case:
    """One call: inputs, settings, and how the call's arguments are made of the inputs."""

    entry: Entry
    xs: tuple[Array, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrange: Callable[..., tuple[Any, ...]] | None = None

    def __repr__(self) -> str:
        inputs = ", ".join(f"{np.asarray(x)!r} of {np.asarray(x).dtype}" for x in self.xs)
        return f"{self.entry.name}({inputs}, {dict(self.settings)})"

    def arguments(self, xs: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(xs) if self.arrange is None else self.arrange(*xs)

    def call(self, xs: Sequence[Any]) -> Any:
        # A generator among the settings is drawn from anew in each call.
        return self.entry.call(*self.arguments(xs), **copy.deepcopy(dict(self.settings)))

    def numpy_call(self, function: Callable[..., Any], xs: Sequence[Any]) -> Any:
        arguments = self.arguments(xs)
        if self.entry.sequence and self.arrange is None and not _takes_any_number(function):
            arguments = (list(arguments),)
        nameless = [self.settings[name] for name in _positional_only(function) if name in self.settings]
        named = {k: v for k, v in self.settings.items() if k not in _positional_only(function)}
        return function(*arguments, *nameless, **named)

    def outputs(self, xs: Sequence[Any]) -> list[Any]:
        return as_list(self.call(xs))

    @property
    def differentiable(self) -> tuple[bool, ...]:
        return self.entry.differentiable(self.xs)


def as_list(y: Any) -> list[Any]:
    """The results: most functions have one, some a tuple or list of them."""
    return list(y) if isinstance(y, (tuple, list)) else [y]


def plain(y: Any) -> Any:
    """The bare array of a result."""
    return y._data if isinstance(y, Tensor) else y


def case_of(entry: Entry, sample: Sample, seed: int = 0, dtype: Any = np.float64) -> Case:
    """The sample with entries drawn from that seed."""
    return Case(entry, sample.draw(np.random.default_rng(seed), dtype), sample.settings, sample.arrange)


def cases_of(entry: Entry, seed: int = 0, dtype: Any = np.float64) -> list[Case]:
    return [case_of(entry, sample, seed + k, dtype) for k, sample in enumerate(entry.samples)]


@st.composite
def drawn_cases(draw: st.DrawFn, entry: Entry) -> Case:
    """A sample of the entry, or where the kind allows it any shapes, with entries of its domain."""
    seed = draw(st.integers(0, 2**20))
    sample = draw(st.sampled_from(entry.samples))
    if entry.free_shapes and draw(st.booleans()):
        sample = draw(_free_elementwise(sample) if entry.kind == "elementwise" else _free_reduction(entry))
    return case_of(entry, sample, seed)


@st.composite
def _free_elementwise(draw: st.DrawFn, like: Sample) -> Sample:
    shapes = mutually_broadcastable_shapes(num_shapes=len(like.shapes), max_dims=3, min_side=0, max_side=3)
    return Sample(tuple(draw(shapes).input_shapes), like.settings, like.domain)


@st.composite
def _free_reduction(draw: st.DrawFn, entry: Entry) -> Sample:
    like = entry.samples[0]
    empty_allowed = any(0 in shape for sample in entry.samples for shape in sample.shapes)
    shape = draw(array_shapes(min_dims=1, max_dims=3, min_side=0 if empty_allowed else 1, max_side=3))
    axes = draw(st.sets(st.integers(-len(shape), -1)))
    axis = draw(st.sampled_from([None, tuple(axes), *axes]))
    return Sample((shape,), {"axis": axis, "keepdims": draw(st.booleans())}, like.domain)
