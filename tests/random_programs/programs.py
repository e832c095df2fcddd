"""Random programs as data: drawn with plain NumPy, then run by any engine that speaks NumPy's names.

A program is a list of calls, each on values made before: leaves first, then results. What is drawn is
kept only where the value is finite, moderate, and clear of the points at which a derivative breaks, so
that two right engines must agree on it to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any
LARGEST = 30.0
CLEAR = 1e-3
"""So far from a kink, and from equal entries, are the values that a piecewise function is given."""


@dataclass(frozen=True)
class Function:
    """A call that a program may make: in the words of a module ``xp`` that has NumPy's names."""

    name: str
    call: Callable[..., Any]
    arity: int = 1
    choices: tuple[Mapping[str, Any], ...] = ({},)
    """The settings, one of which is drawn."""
    fit: Callable[..., bool] = lambda *xs: True
    """Whether it has a derivative there."""


@dataclass(frozen=True)
class Call:
    """One step of a program."""

    function: Function
    operands: tuple[int, ...]
    settings: Mapping[str, Any]

    def __str__(self) -> str:
        inputs = ", ".join(f"v{k}" for k in self.operands)
        return f"{self.function.name}({inputs}{''.join(f', {k}={v}' for k, v in self.settings.items())})"


@dataclass(frozen=True)
class Program:
    """Leaves, calls, and the weights with which the values that nobody used add up to the result."""

    leaves: tuple[Array, ...]
    calls: tuple[Call, ...]
    weights: Mapping[int, Array] = field(repr=False)

    def __str__(self) -> str:
        lines = [f"v{k} = leaf {leaf.tolist()}" for k, leaf in enumerate(self.leaves)]
        lines += [f"v{len(self.leaves) + k} = {call}" for k, call in enumerate(self.calls)]
        return "\n".join(lines)

    def run(self, xp: Any, leaves: Sequence[Any]) -> Any:
        """The result, a scalar, in the words of ``xp``."""
        values = list(leaves)
        for call in self.calls:
            values.append(call.function.call(xp, *(values[k] for k in call.operands), **call.settings))
        total: Any = 0.0
        for k, weight in self.weights.items():
            total = total + xp.sum(values[k] * xp.array(weight))
        return total


def draw(seed: int) -> Program:
    """The program of that seed: 1 to 30 calls on one to three leaves."""
    rng = np.random.default_rng(seed)
    shapes = ((), (2,), (3,), (2, 3), (3, 2), (2, 2), (3, 3), (1, 3), (2, 1))
    leaves = tuple(
        rng.uniform(-1.5, 1.5, shapes[rng.integers(len(shapes))]) for _ in range(rng.integers(1, 4))
    )
    values: list[Array] = list(leaves)
    calls: list[Call] = []
    for _ in range(int(rng.integers(1, 31))):
        call, value = _draw_call(rng, values)
        calls.append(call)
        values.append(value)
    used = {k for call in calls for k in call.operands}
    ends = [k for k in range(len(values)) if k not in used or k == len(values) - 1]
    return Program(leaves, tuple(calls), {k: rng.uniform(0.5, 1.5, values[k].shape) for k in ends})


def _draw_call(rng: np.random.Generator, values: list[Array]) -> tuple[Call, Array]:
    while True:
        function = FUNCTIONS[rng.integers(len(FUNCTIONS))]
        # Recent values more often: long chains as well as wide sharing.
        age = np.minimum(rng.geometric(0.3, function.arity), len(values))
        operands = tuple(int(len(values) - a) for a in age)
        settings = function.choices[rng.integers(len(function.choices))]
        xs = [values[k] for k in operands]
        if "axis" in settings and not all(x.ndim for x in xs):
            continue  # NumPy lets a scalar have an axis, JAX does not
        try:
            with np.errstate(all="raise"):
                if not function.fit(*xs):
                    continue
                value = np.asarray(function.call(np, *xs, **settings))
        except (ValueError, IndexError, FloatingPointError, np.linalg.LinAlgError):
            continue  # these shapes, or these values, do not go together
        moderate = value.size and np.isfinite(value).all() and np.abs(value).max() < LARGEST
        if moderate and value.ndim <= 2 and max(value.shape, default=1) <= 3:
            return Call(function, operands, settings), value


def _positive(x: Array) -> bool:
    return bool((x > 0.1).all())


def _nonzero(x: Array) -> bool:
    return bool((np.abs(x) > 0.1).all())


def _off_zero(x: Array) -> bool:
    return bool((np.abs(x) > CLEAR).all())


def _distinct(x: Array) -> bool:
    flat = np.sort(x, axis=None)
    return bool((np.diff(flat) > CLEAR).all())


def _apart(a: Array, b: Array) -> bool:
    return bool((np.abs(a - b) > CLEAR).all())


def _small(x: Array) -> bool:
    return bool((np.abs(x) < 3.0).all())


def _square(x: Array) -> bool:
    return x.ndim == 2 and x.shape[0] == x.shape[1] and _small(x)


def _regular(xp: Any, x: Array) -> Any:
    """A matrix made of any square one that is far from singular."""
    return x * 0.1 + 2.0 * xp.eye(x.shape[0])


AXES: tuple[Mapping[str, Any], ...] = (
    {}, {"axis": 0}, {"axis": -1}, {"axis": 0, "keepdims": True}, {"axis": 1, "keepdims": True},
    {"keepdims": True},
)  # fmt: skip

FUNCTIONS: tuple[Function, ...] = (
    # elementwise
    Function("add", lambda xp, a, b: a + b, 2),
    Function("subtract", lambda xp, a, b: a - b, 2),
    Function("multiply", lambda xp, a, b: a * b, 2),
    Function("divide", lambda xp, a, b: a / b, 2, fit=lambda a, b: _nonzero(b)),
    Function("halve", lambda xp, a: 0.5 * a),
    Function("one minus", lambda xp, a: 1.0 - a),
    Function("one over", lambda xp, a: 1.0 / a, fit=_nonzero),
    Function("negative", lambda xp, a: -a),
    Function("power", lambda xp, a, *, n: a**n, choices=({"n": 2}, {"n": 3}), fit=_small),
    Function("real power", lambda xp, a, b: a**b, 2, fit=lambda a, b: _positive(a) and _small(b)),
    Function("exp", lambda xp, a: xp.exp(a), fit=_small),
    Function("expm1", lambda xp, a: xp.expm1(a), fit=_small),
    Function("log", lambda xp, a: xp.log(a), fit=_positive),
    Function("log1p", lambda xp, a: xp.log1p(a), fit=_positive),
    Function("sqrt", lambda xp, a: xp.sqrt(a), fit=_positive),
    Function("square", lambda xp, a: xp.square(a)),
    Function("tanh", lambda xp, a: xp.tanh(a)),
    Function("sinh", lambda xp, a: xp.sinh(a), fit=_small),
    Function("sin", lambda xp, a: xp.sin(a)),
    Function("cos", lambda xp, a: xp.cos(a)),
    Function("arctan", lambda xp, a: xp.arctan(a)),
    Function("arctan2", lambda xp, a, b: xp.arctan2(a, b), 2, fit=lambda a, b: _nonzero(a) and _nonzero(b)),
    Function("hypot", lambda xp, a, b: xp.hypot(a, b), 2, fit=lambda a, b: _nonzero(a) and _nonzero(b)),
    Function("logaddexp", lambda xp, a, b: xp.logaddexp(a, b), 2),
    Function("logistic", lambda xp, a: 1.0 / (1.0 + xp.exp(-a))),
    Function("absolute", lambda xp, a: xp.abs(a), fit=_off_zero),
    Function("relu", lambda xp, a: xp.maximum(a, 0.0), fit=_off_zero),
    Function("clip", lambda xp, a: xp.clip(a, -1.0, 1.0), fit=lambda a: _off_zero(np.abs(a) - 1)),
    Function("maximum", lambda xp, a, b: xp.maximum(a, b), 2, fit=_apart),
    Function("minimum", lambda xp, a, b: xp.minimum(a, b), 2, fit=_apart),
    Function("where", lambda xp, a, b: xp.where(a > b, a * b, b - a), 2, fit=_apart),
    # reductions
    Function("sum", lambda xp, a, **s: xp.sum(a, **s), choices=AXES),
    Function("mean", lambda xp, a, **s: xp.mean(a, **s), choices=AXES),
    Function("prod", lambda xp, a, **s: xp.prod(a, **s), choices=AXES, fit=_nonzero),
    Function("max", lambda xp, a, **s: xp.max(a, **s), choices=AXES, fit=_distinct),
    Function("min", lambda xp, a, **s: xp.min(a, **s), choices=AXES, fit=_distinct),
    Function("var", lambda xp, a, **s: xp.var(a, **s), choices=AXES),
    Function(
        "std",
        lambda xp, a, **s: xp.std(a, **s),
        choices=({}, {"keepdims": True}),
        fit=lambda a: a.size > 1 and _distinct(a),
    ),
    Function("cumsum", lambda xp, a, *, axis: xp.cumsum(a, axis=axis), choices=({"axis": 0}, {"axis": -1})),
    Function(
        "cumprod", lambda xp, a, *, axis: xp.cumprod(a, axis=axis), choices=({"axis": 0},), fit=_nonzero
    ),
    # movement
    Function("transpose", lambda xp, a: xp.transpose(a)),
    Function("ravel", lambda xp, a: xp.ravel(a)),
    Function(
        "reshape",
        lambda xp, a, *, shape: xp.reshape(a, shape),
        choices=({"shape": (-1, 1)}, {"shape": (1, -1)}, {"shape": (3, 1)}),
    ),
    Function(
        "expand_dims", lambda xp, a, *, axis: xp.expand_dims(a, axis), choices=({"axis": 0}, {"axis": -1})
    ),
    Function("squeeze", lambda xp, a: xp.squeeze(a)),
    Function(
        "broadcast_to",
        lambda xp, a, *, shape: xp.broadcast_to(a, shape),
        choices=({"shape": (3, 3)}, {"shape": (2, 3)}, {"shape": (3,)}),
    ),
    Function(
        "concatenate",
        lambda xp, a, b, *, axis: xp.concatenate([a, b], axis=axis),
        2,
        ({"axis": 0}, {"axis": -1}),
    ),
    Function("stack", lambda xp, a, b, *, axis: xp.stack([a, b], axis=axis), 2, ({"axis": 0}, {"axis": -1})),
    Function("split", lambda xp, a: xp.split(a, a.shape[0])[0] if a.ndim else xp.ravel(a)),
    Function("flip", lambda xp, a: xp.flip(a)),
    Function("roll", lambda xp, a, *, axis: xp.roll(a, 1, axis=axis), choices=({"axis": 0}, {"axis": -1})),
    Function("tile", lambda xp, a: xp.tile(a, (2, 1))),
    Function("repeat", lambda xp, a: xp.repeat(a, 2, axis=-1), fit=lambda a: a.ndim > 0),
    Function("pad", lambda xp, a: xp.pad(a, 1, mode="constant"), fit=lambda a: a.ndim > 0),
    # contractions
    Function("matmul", lambda xp, a, b: a @ b, 2),
    Function("dot", lambda xp, a, b: xp.dot(a, b), 2),
    Function("outer", lambda xp, a, b: xp.outer(a, b), 2),
    Function(
        "einsum",
        lambda xp, a, b, *, of: xp.einsum(of, a, b),
        2,
        tuple({"of": s} for s in ("ij,jk->ik", "ij,kj->ik", "ij,ij->i", "i,ij->j", "ij,i->")),
        fit=lambda a, b: 1 not in a.shape + b.shape,
    ),
    Function("tensordot", lambda xp, a, b: xp.tensordot(a, b, 1), 2),
    Function("trace", lambda xp, a: xp.trace(a)),
    # indexing
    Function("item", lambda xp, a: a[0], fit=lambda a: a.ndim > 0),
    Function("slice", lambda xp, a: a[1:], fit=lambda a: a.ndim > 0),
    Function("column", lambda xp, a: a[:, -1]),
    Function("steps", lambda xp, a: a[::2], fit=lambda a: a.ndim > 0),
    Function("newaxis", lambda xp, a: a[None, ..., 0], fit=lambda a: a.ndim > 0),
    Function("repeated", lambda xp, a: a[np.array([0, 1, 0])], fit=lambda a: a.ndim > 0 and a.shape[0] > 1),
    Function(
        "pairs",
        lambda xp, a: a[np.array([0, 1, 1]), np.array([1, 0, 0])],
        fit=lambda a: a.ndim == 2 and min(a.shape) > 1,
    ),
    Function(
        "mask", lambda xp, a: a[np.arange(a.shape[0]) != 1], fit=lambda a: a.ndim > 0 and a.shape[0] > 1
    ),
    Function(
        "take",
        lambda xp, a: xp.take(a, np.array([1, 0, 1]), axis=0),
        fit=lambda a: a.ndim > 0 and a.shape[0] > 1,
    ),
    Function(
        "take_along_axis",
        lambda xp, a: xp.take_along_axis(a, np.zeros((1, *a.shape[1:]), int), axis=0),
        fit=lambda a: a.ndim > 0,
    ),
    Function("sort", lambda xp, a: xp.sort(a, axis=-1), fit=lambda a: a.ndim > 0 and _distinct(a)),
    # matrices
    Function("det", lambda xp, a: xp.linalg.det(_regular(xp, a)), fit=_square),
    Function("inv", lambda xp, a: xp.linalg.inv(_regular(xp, a)), fit=_square),
    Function(
        "solve",
        lambda xp, a, b: xp.linalg.solve(_regular(xp, a), b),
        2,
        fit=lambda a, b: _square(a) and b.ndim == 2,
    ),
    Function("norm", lambda xp, a: xp.linalg.norm(a), fit=lambda a: a.ndim > 0 and _nonzero(a)),
)
