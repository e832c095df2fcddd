"""The kinds of operation, and what those of a kind have in common: sample shapes, label, facts.

A decorator of this module turns a NumPy function and its pullbacks into an :class:`Op`, which is the
public function, and enters it into the table of operations.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from tinygrad_edu.core.application import CallableOp
from tinygrad_edu.core.arguments import called
from tinygrad_edu.core.facts import OF_KIND
from tinygrad_edu.core.foreign_attributes import function_not_method
from tinygrad_edu.core.methods import described
from tinygrad_edu.core.op import Op, Pullback
from tinygrad_edu.core.operators import bind
from tinygrad_edu.core.record import shortest_path
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.signatures import shown
from tinygrad_edu.core.table import NUMPY, OPS, RECORD
from tinygrad_edu.core.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
Pullbacks = Pullback | None | tuple[Pullback | None, ...]
Domain = tuple[float, float] | tuple[tuple[float, float], ...]
NumPyNames = Callable[..., Any] | Sequence[Callable[..., Any]] | None
_QUESTION = {"linear": (), "moves": False, "rounding": 0.0}

_UNARY: tuple[tuple[tuple[int, ...], ...], ...] = (((3, 4),), ((),), ((0, 3),), ((2, 1, 3),))
_BINARY: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((), (3, 4)),
    ((2, 3), ()),
    ((), ()),
    ((0, 3), (1, 3)),
)


def operation(
    *,
    kind: str,
    pullback: Pullbacks,
    latex: str,
    samples: Sequence[Sample],
    numpy: NumPyNames = None,
    name: str | None = None,
    onnx: str | None = None,
    label: str | None = None,
    opaque: bool = False,
    general: Callable[..., Any] | None = None,
    **facts: Any,
) -> Callable[[Callable[..., Any]], Op]:
    """Defines an operation of any kind; the decorators below fill in what their kind has in common.

    ``facts`` are further fields of :class:`Op`; what the kind says (:data:`OF_KIND`) need not be repeated.
    """

    def define(forward: Callable[..., Any]) -> Op:
        op_name = name or forward.__name__
        rules = pullback if isinstance(pullback, tuple) else (pullback,)
        known = {} if any(rules) else _QUESTION  # an operation without derivative compares, or counts
        op = CallableOp(
            name=op_name,
            forward=forward,
            pullbacks=rules,
            kind=kind,
            latex=latex,
            samples=tuple(samples),
            numpy=_numpy_functions(op_name, numpy),
            onnx=onnx,
            label=label,
            opaque=opaque,
            general=general,
            **{**OF_KIND.get(kind, {}), **known, **facts},
        )
        if op_name in RECORD:
            raise ValueError(f"there already is an operation named {op_name!r}")
        OPS[op_name] = op
        shortest = shortest_path(op)
        object.__setattr__(op, "recorded", shortest if shortest is not op else op.recorded)
        RECORD[op_name] = op if op.settings else shortest
        bind(op_name, RECORD[op_name])
        described(op_name, op)
        function_not_method(op_name, op.numpy, alone=len(op.parameters) == 1 and not op.variadic)
        NUMPY.update(dict.fromkeys(op.numpy, op))
        return op

    return define


def _numpy_functions(name: str, given: NumPyNames) -> tuple[Callable[..., Any], ...]:
    if given is None:
        found = getattr(np, name, None)
        return (found,) if callable(found) else ()
    return (given,) if callable(given) else tuple(given)


def elementwise(
    *,
    pullback: Pullbacks,
    latex: str,
    domain: Domain = (-2.0, 2.0),
    samples: Sequence[Sample] | None = None,
    **facts: Any,
) -> Callable[[Callable[..., Any]], Op]:
    """An operation on each entry, its operands broadcast against one another."""
    rules = pullback if isinstance(pullback, tuple) else (pullback,)
    if samples is None:
        per_operand = domain if isinstance(domain[0], tuple) else (domain,)
        shapes = {1: _UNARY, 2: _BINARY}.get(len(rules), tuple(s + s[:1] * (len(rules) - 2) for s in _BINARY))
        samples = [Sample(s, domain=per_operand) for s in shapes]
    return operation(kind="elementwise", pullback=rules, latex=latex, samples=samples, **facts)


def over_axes(
    *more: Mapping[str, Any], domain: tuple[float, float] = (-2.0, 2.0), empty: bool = True
) -> list[Sample]:
    """Samples of what takes ``axis`` (None, an int or several) and ``keepdims``, and of ``more`` settings."""
    cases: list[tuple[tuple[int, ...], Mapping[str, Any]]] = [
        ((3, 4), {}),
        ((3, 4), {"axis": 0}),
        ((3, 4), {"axis": 1, "keepdims": True}),
        ((3, 4), {"axis": -1}),
        ((2, 3, 4), {"axis": (0, 2)}),
        ((2, 3, 4), {"axis": (0, -1), "keepdims": True}),
        ((), {}),
        *([((0, 3), {"axis": 0})] if empty else []),
        *(((3, 4), settings) for settings in more),
    ]
    return [Sample((shape,), settings, (domain,)) for shape, settings in cases]


def reduction(
    *,
    pullback: Pullbacks,
    latex: str,
    domain: tuple[float, float] = (-2.0, 2.0),
    empty: bool = True,
    samples: Sequence[Sample] | None = None,
    **facts: Any,
) -> Callable[[Callable[..., Any]], Op]:
    """An operation that takes axes away: ``axis`` None, an int or several, and ``keepdims``."""
    samples = over_axes(domain=domain, empty=empty) if samples is None else samples
    return operation(kind="reduction", pullback=pullback, latex=latex, samples=samples, **facts)


def movement(
    *, pullback: Pullbacks, latex: str, samples: Sequence[Sample], **facts: Any
) -> Callable[..., Op]:
    """An operation that moves entries about and changes none."""
    return operation(kind="movement", pullback=pullback, latex=latex, samples=samples, **facts)


def contraction(
    *, pullback: Pullbacks, latex: str, samples: Sequence[Sample], **facts: Any
) -> Callable[..., Op]:
    """A sum of products over shared axes: the matrix product and its kin."""
    return operation(kind="contraction", pullback=pullback, latex=latex, samples=samples, **facts)


def indexing(
    *, pullback: Pullbacks, latex: str, samples: Sequence[Sample], **facts: Any
) -> Callable[..., Op]:
    """An operation that picks entries by position."""
    return operation(kind="indexing", pullback=pullback, latex=latex, samples=samples, **facts)


@dataclass(frozen=True)
class Composed:
    """A public function that is written with other operations, and so needs no rule of its own."""

    name: str
    call: Callable[..., Any]
    numpy: tuple[Callable[..., Any], ...]
    samples: tuple[Sample, ...]


COMPOSED: dict[str, Composed] = {}


def composed(
    *, samples: Sequence[Sample], numpy: NumPyNames = None, name: str | None = None
) -> Callable[[F], F]:
    """Enters a function composed of operations into the tables: np.var(t) and t.var() reach it."""

    def define(call: F) -> F:
        own = name or call.__name__
        if own in RECORD:
            raise ValueError(f"there already is a function named {own!r}")
        answers = _numpy_functions(own, numpy)
        call = called(own, answers)(call)
        vars(call)["__signature__"] = shown(inspect.unwrap(call), Tensor)
        entry = Composed(own, call, answers, tuple(samples))
        COMPOSED[own] = entry
        RECORD[own] = call
        bind(own, call)
        described(own, call)
        function_not_method(own, entry.numpy)
        NUMPY.update(dict.fromkeys(entry.numpy, call))
        return call

    return define
