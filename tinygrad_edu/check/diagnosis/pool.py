"""The values that may stand in a formula by mistake: quantities, gradients, and simple functions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.steps import fed_by
from tinygrad_edu.check.diagnosis.words import Words
from tinygrad_edu.core.table import OPS
from tinygrad_edu.graph import Graph, GraphNode, Program
from tinygrad_edu.ops.elementwise.exponential import exp, tanh
from tinygrad_edu.ops.networks.activations import leaky_relu, relu, sigmoid, softplus

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

_P = ParamSpec("_P")
_R = TypeVar("_R")
LIKELY = frozenset(op.kernel for op in (sigmoid, tanh, relu, leaky_relu, softplus, exp))
"""The functions that people take for one another, whatever a copy of one is called."""


@dataclass(frozen=True)
class Value:
    """An array that the user has at hand, and what it is called."""

    text: str
    array: Array
    node: GraphNode | None = None
    gradient: bool = False
    cost: float = 0.0


@dataclass(frozen=True)
class Banked:
    """A function of a value, or (``slope``) the slope of one at it."""

    value: Value
    text: str
    """With ``{}`` for the value."""
    op: Op | None = None
    slope: bool = False

    @property
    def told(self) -> str:
        """The same with the value in it."""
        name = self.value.text
        brackets = " " in name and self.op is None and self.text != "{}"
        return self.text.replace("{}", f"({name})" if brackets else name)


@dataclass(frozen=True)
class _Bank:
    """Many of these, their arrays as rows of one matrix."""

    entries: list[Banked]
    rows: Array


def remembered(f: Callable[Concatenate[Pool, _P], _R]) -> Callable[Concatenate[Pool, _P], _R]:
    """A function of a pool that is run once for the same arguments: the pool keeps its results."""

    @wraps(f)
    def once(pool: Pool, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        key = (f, *args, *kwargs.items())
        if key not in pool.known:
            pool.known[key] = f(pool, *args, **kwargs)
        found: _R = pool.known[key]
        return found

    return once


class Pool:
    """What is at hand, by shape.

    Args:
        graph: the recorded computation.
        program: its steps.
        given: the user's own gradients, by quantity.
        words: what values are called.
        aside: the caller's other arrays, by name: what is not in J, but was at hand.
    """

    own = ""
    """The quantity whose gradient is looked at, which is not in its own formula."""

    def __init__(
        self,
        graph: Graph,
        program: Program,
        given: dict[str, Array],
        words: Words,
        aside: Mapping[str, Array],
    ) -> None:
        self.numbers = all(node.value.size <= 1 for node in graph if node.requires_grad)
        """Whether the whole computation is one of numbers."""
        self.graph, self.program, self.given, self.words, self.aside = graph, program, given, words, aside
        self.lines: list[tuple[Any, Edit]] = []
        """Lines of loops that were found wrong, and how."""
        self.known: dict[Any, Any] = {}
        """What :func:`remembered` functions, and others by :meth:`memo`, have found."""

    def memo(self, *key: Any, found: Any = None) -> Any:
        """What was found before under a key; None where nothing was."""
        if found is not None:
            self.known[key] = found
        return self.known.get(key)

    @cached_property
    def forward(self) -> list[Value]:
        """Quantities of the forward pass, then the caller's other arrays; some cost a little."""
        computed = [
            Value(self.words.of(node.name), np.asarray(node.value), node, cost=0.0 if node.named else 0.25)
            for node in self.graph
            if node.value.dtype.kind in "fiu"
            and node.value.any()
            and (node.value.size > 1 or self._point(node))
        ]
        return computed + [Value(name, array, cost=0.2) for name, array in self.aside.items()]

    def _point(self, node: GraphNode) -> bool:
        """Whether a number is one that a slope may be taken at."""
        return self.numbers or (node.requires_grad and node.value.ndim == 0 and not node.is_leaf)

    @cached_property
    def _fed(self) -> dict[str, set[str]]:
        """For each value those that it is computed from entry by entry."""
        return {node.name: set(fed_by(node)) for node in self.graph}

    def before(self, node: GraphNode) -> Iterator[GraphNode]:
        """The values of the same shape that a node is a function of, entry by entry."""
        known = self._fed[node.name]
        return (n for n in self.graph if n.name in known and n is not node and n.shape == node.shape)

    def behind(self, node: GraphNode) -> Iterator[GraphNode]:
        """The values of the same shape that are functions of a node, entry by entry."""
        known = self._feeding.get(node.name, ())
        return (n for n in known if n is not node and n.shape == node.shape)

    @remembered
    def of_shape(self, shape: tuple[int, ...]) -> list[GraphNode]:
        """The computed values of a shape."""
        return [node for node in self.graph if node.shape == shape and not node.is_leaf]

    def depends(self, node: GraphNode, other: GraphNode) -> bool:
        """Whether one value is computed from another one."""
        return bool(self._ancestors[node.name] >> self._number[other.name] & 1)

    @cached_property
    def _number(self) -> dict[str, int]:
        return {node.name: k for k, node in enumerate(self.graph)}

    @cached_property
    def _ancestors(self) -> dict[str, int]:
        """For each value those that it is computed from, as bits of a number."""
        found: dict[str, int] = {}
        for node in self.graph:
            found[node.name] = 0
            for other in node.inputs:
                found[node.name] |= found[other.name] | 1 << self._number[other.name]
        return found

    @cached_property
    def _feeding(self) -> dict[str, list[GraphNode]]:
        found: dict[str, list[GraphNode]] = {}
        for node in self.graph:
            for name in self._fed[node.name]:
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def misread(self) -> list[tuple[GraphNode, Value]]:
        """Functions of a sum with a number, as √(var + ε), with the number outside of it, or left out."""
        found = []
        for node in self.graph:
            u = node.inputs[0] if len(node.inputs) == 1 else None
            if u is None or node.op is None or node.op.kind != "elementwise" or node.op.moves:
                continue
            if u.op is None or u.op.linear != ((0, 1),) or len(u.inputs) != 1 or len(u.args) != 2:
                continue
            (a,) = u.inputs
            c: Any = next(x for x in u.args if x is not a)
            if np.ndim(c) or a.shape != node.shape or node.value.dtype.kind != "f":
                continue
            try:
                y = np.asarray(
                    node.op.forward(*(a.value if x is u else x for x in node.args), **node.settings)
                )
            except (TypeError, ValueError):
                continue
            told, number = f"{node.op.name}({self.words.of(a.name)})", f"{float(c):.6g}"
            found.append((node, Value(f"{told} + {number}", y + c, cost=0.1)))
            found.append((node, Value(f"{told}, without the {number},", y, cost=0.1)))
        return found

    @property
    def gradients(self) -> list[Value]:
        """The given gradients, and the right ones of quantities that are not given."""
        return self._gradients_beside(self.own)

    @remembered
    def _gradients_beside(self, own: str) -> list[Value]:
        found = []
        # the gradients of what it is computed from are computed from its own
        below = {node.name for node in self.graph if self.depends(self.graph.find(own), node)}
        for node in self.graph:
            step, mine = self.program.gradients.get(node.name), self.given.get(node.name)
            later = node.name in below and (node.is_leaf or mine is not None)
            if step is None or node.name == own or later:
                continue
            if not (step.value if mine is None else mine).any():
                continue  # in the place of another it would be nothing, as if that were missing
            if mine is not None and mine.shape == step.shape:
                found.append(Value(f"d{node.name}", mine, node, gradient=True))
            else:
                name, cost = self.words.gradient(node.name), 0.1 if node.named else 0.3
                found.append(Value(name, np.asarray(step.value), node, gradient=True, cost=cost))
        return found

    @remembered
    def bank(self, shape: tuple[int, ...]) -> _Bank:
        """Functions of the values of a shape, and slopes of functions at them: what may stand for a slope."""
        return _bank(list(self.shaped(shape)), shape)

    def gradients_of_shape(self, shape: tuple[int, ...]) -> tuple[list[Value], Array]:
        """The gradients of a shape, and their arrays as rows of one matrix."""
        return self._gradient_rows(self.own, shape)

    @remembered
    def _gradient_rows(self, own: str, shape: tuple[int, ...]) -> tuple[list[Value], Array]:
        return _rows(self._gradients_beside(own), shape)

    @remembered
    def forward_of_shape(self, shape: tuple[int, ...]) -> tuple[list[Value], Array]:
        """The values of the forward pass of a shape, and their arrays as rows of one matrix."""
        return _rows(self.forward, shape)

    @remembered
    def with_zeros(self, shape: tuple[int, ...]) -> list[tuple[Value, Array]]:
        """The values of a shape that are 0 in some entries, and in which."""
        pairs = ((v, np.broadcast_to(v.array == 0, shape)) for v in self.shaped(shape))
        return [(v, zero) for v, zero in pairs if zero.any() and not zero.all()]

    def shaped(self, shape: tuple[int, ...]) -> Iterator[Value]:
        """The values of the forward pass that broadcast to a shape without widening it."""
        return (value for value in self.forward if fits(value.array.shape, shape))


def _rows(values: list[Value], shape: tuple[int, ...]) -> tuple[list[Value], Array]:
    own = [v for v in values if v.array.shape == shape]
    rows = [np.asarray(v.array, float).ravel() for v in own]
    return own, np.stack(rows) if rows else np.zeros((0, int(np.prod(shape))))


def _bank(values: list[Value], shape: tuple[int, ...]) -> _Bank:
    size = int(np.prod(shape))
    if not values:
        return _Bank([], np.zeros((0, size)))
    v = np.stack([np.broadcast_to(np.asarray(value.array, float), shape) for value in values])
    plain = np.isin(v, (0, 1)).reshape(len(values), -1).all(axis=1)  # masks
    told: list[tuple[str, Op | None, bool]] = []
    made: list[Array] = []
    usable: list[Any] = []
    for text, f in FUNCTIONS.items():
        told.append((text, None, False))
        made.append(f(v))  # of a mask one of these two, or no slope that anyone would write
        usable.append(~plain if text not in ("{}", "1 - {}") else np.ones(len(values), bool))
    for op in functions_of_one():
        if (f_v := _each(lambda x, op=op: op.forward(x), v)) is None:  # type: ignore[misc]
            continue
        other = ~(f_v == v).reshape(len(values), -1).all(axis=1)
        other &= np.isfinite(f_v).reshape(len(values), -1).all(axis=1)
        told.append((f"{op.name}({{}})", op, False))
        made.append(f_v)
        usable.append(other)
        rule = op.pullbacks[0]
        slope = _each(lambda x, y=f_v, rule=rule: rule(np.ones(x.shape), y, x), v) if rule else None  # type: ignore[misc]
        if slope is not None:
            told.append((f"the slope of {op.name} at {{}}", op, True))
            made.append(slope)
            usable.append(other)
    rows = np.stack(made, axis=1).reshape(len(values) * len(made), size)
    keep = np.stack(usable, axis=1).ravel() & np.isfinite(rows).all(axis=1)
    keep &= np.ptp(rows, axis=1) > 0 if size > 1 else True
    entries = [Banked(values[k // len(told)], *told[k % len(told)]) for k in np.flatnonzero(keep)]
    return _Bank(entries, rows[keep])


def _each(f: Callable[[Array], Any], v: Array) -> Array | None:
    """A function of every entry of an array; None where it takes no such numbers."""
    try:
        y = np.asarray(f(v), float)
    except (TypeError, ValueError):
        return None
    return y if y.shape == v.shape else None


@cache
def functions_of_one() -> tuple[Op, ...]:
    """The functions of one entry that have a slope."""
    return tuple(
        op
        for op in OPS.values()
        if op.kind == "elementwise" and len(op.pullbacks) == 1 and op.pullbacks[0] is not None
        and not op.variadic and op.kernel == op.name and "axis" not in op.settings and not op.moves
        and not op.linear and not op.opaque
    )  # fmt: skip


def applied(op: Op, settings: Mapping[str, Any], x: Array) -> Array | None:
    """The function of an array; None where it is not finite there."""
    return _finite(_each(lambda x: op.forward(x, **settings), x))


def slope_at(op: Op, settings: Mapping[str, Any], x: Array) -> Array | None:
    """The function's slope at every entry of an array; None where it is not finite."""
    y, rule = applied(op, settings, x), op.pullbacks[0]
    if y is None or rule is None:
        return None
    return _finite(_each(lambda x: rule(np.ones(x.shape), y, x, **settings), x))


def _finite(y: Array | None) -> Array | None:
    return y if y is not None and np.isfinite(y).all() else None


def fits(shape: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether an array of a shape is broadcast to another, of which it fills at least one axis."""
    if len(shape) > len(wide):
        return False
    pairs = list(zip(reversed(shape), reversed(wide), strict=False))
    return all(a in (1, b) for a, b in pairs) and (any(a == b != 1 for a, b in pairs) or wide == shape)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "{}": lambda v: v,
    "1 - {}": lambda v: 1 - v,
    "{}²": lambda v: v * v,
    "1 - {}²": lambda v: 1 - v * v,
    "1 + {}²": lambda v: 1 + v * v,
    "1 - 2 {}": lambda v: 1 - 2 * v,
    "1 - 2 {}²": lambda v: 1 - 2 * v * v,
    "{} (1 - {})": lambda v: v * (1 - v),
    "(1 - {})²": lambda v: (1 - v) ** 2,
    "{} (1 - {}²)": lambda v: v * (1 - v * v),
    "1 + {}": lambda v: 1 + v,
    "{} (1 + {})": lambda v: v * (1 + v),
    "({} > 0)": lambda v: (v > 0).astype(float),
    "({} < 0)": lambda v: (v < 0).astype(float),
    "1/{}": lambda v: np.where(v == 0, np.inf, 1 / np.where(v == 0, 1, v)),
    "√{}": lambda v: np.sqrt(np.abs(v)),
    "1/√{}": lambda v: np.where(v == 0, np.inf, 1 / np.sqrt(np.abs(np.where(v == 0, 1, v)))),
    "{}^(-3/2)": lambda v: np.where(v == 0, np.inf, np.abs(np.where(v == 0, 1, v)) ** -1.5),
    "sign({})": np.sign,
    "|{}|": np.abs,
}
"""Simple functions of a value that are written for a slope; the text has ``{}`` for it."""


def functions(value: Any) -> Iterator[tuple[str, Array]]:
    """Each of those functions of a value."""
    v = np.asarray(value, float)
    yield from ((told, f(v)) for told, f in FUNCTIONS.items())
