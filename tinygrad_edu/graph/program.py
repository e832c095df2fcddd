"""Program: a graph, forward and backward, as one straight line of typed, named steps.

The graph is replayed on Symbols, and the pullbacks are run on them: what they do is the backward pass.
LaTeX, NumPy source, the compiled step, the stepper, the exports and the diagnosis all read this list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import errors
from tinygrad_edu.core.application import apply
from tinygrad_edu.core.backward import gradients, verify
from tinygrad_edu.core.mode import apart
from tinygrad_edu.core.notebook_display import listing
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import POSITIVE
from tinygrad_edu.expression.decomposition import recorded_behind
from tinygrad_edu.expression.named_settings import replaced_in, unheld
from tinygrad_edu.graph.naming import Names, unique
from tinygrad_edu.graph.snapshot import Graph, GraphNode

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

Role = Literal["input", "forward", "seed", "backward", "gradient", "alias"]
"""input: given. forward: computed on the way to the output. seed: the gradient of the output, 1.
backward: on the way to a gradient. gradient: the finished gradient of ``of``. alias: the same, where it
already has another name."""


@dataclass(frozen=True)
class Ref:
    """An operand that is the result of an earlier step."""

    name: str

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One line: ``name = op(args, **settings)``."""

    name: str
    role: Role
    op: Op | None
    """None for inputs, the seed, and aliases (whose only operand is the other name)."""
    args: tuple[Ref | Any, ...]
    settings: dict[str, Any]
    value: NDArray[Any]
    """Its value when it was recorded."""
    scope: tuple[str, ...] = ()
    of: str | None = None
    """The quantity whose gradient this is."""
    requires_grad: bool = False
    named: bool = True
    """Whether somebody gave it the name; else it is made from its operation."""
    said: tuple[str | None, ...] = ()
    """For each operand how the caller wrote a plain number; see :class:`GraphNode`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        return self.value.dtype

    @cached_property
    def uses(self) -> tuple[str, ...]:
        """The names of the steps it reads."""
        return tuple(a.name for a in self.args if isinstance(a, Ref))

    def __repr__(self) -> str:
        typed = f"{self.name}: {self.dtype.kind}{8 * self.dtype.itemsize}[{','.join(map(str, self.shape))}]"
        if self.op is None and not self.args:
            return typed
        call = " ".join([self.op.name if self.op else "", *map(_brief, self.args)]).strip()
        settings = ", ".join(f"{k}={v!r}" for k, v in self.settings.items())
        return f"{typed} = {call}" + (f" [{settings}]" if settings else "")


def _brief(arg: Any) -> str:
    return repr(arg) if isinstance(arg, Ref) or np.ndim(arg) == 0 else f"const{np.shape(arg)}"


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """Steps in an order in which they can be run: every operand is given before it is used.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    >>> u = b * c
    >>> v = a + u
    >>> program = tg.Program.of(3 * v, names={"u": u, "v": v})
    >>> float(program["db"].value), float(program["dc"].value)
    (6.0, 9.0)
    """

    steps: tuple[Step, ...]
    output: str
    wrt: tuple[str, ...]

    @classmethod
    def recorded(cls, graph: Graph) -> Program:
        """The forward pass alone, of any graph."""
        return cls(tuple(map(_forward_step, graph)), graph.outputs[0].name, ())

    @classmethod
    def of(cls, output: Tensor, wrt: Sequence[Tensor | str] | None = None, *, names: Names = None) -> Program:
        """The program of a scalar output and its gradients.

        Args:
            output: the tensor to differentiate.
            wrt: the tensors, or names, whose gradients are wanted; by default everything that takes part.
            names: as for :class:`Graph`.

        Raises:
            ValueError: the output isn't a scalar.
            KeyError: a name that isn't in the graph.
        """
        return cls.of_graph(Graph(output, names=names), wrt)

    @classmethod
    def of_graph(cls, graph: Graph, wrt: Sequence[Tensor | str] | None = None) -> Program:
        """The same for a graph, with the graph's names."""
        output = graph.outputs[0].tensor
        if not output.requires_grad:
            raise RuntimeError(errors.NO_HISTORY.format(tensor=graph.outputs[0].name))
        if output.size != 1:
            raise ValueError(
                f"gradients start from a scalar, and {graph.outputs[0].name} has shape {output.shape}; "
                "reduce it first, for example with np.sum or np.mean"
            )
        wanted = (
            [node for node in graph if node.requires_grad] if wrt is None else [graph.find(w) for w in wrt]
        )
        return apart(lambda: _Recording(graph).program(wanted))

    def __getitem__(self, name: str) -> Step:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    @property
    def inputs(self) -> tuple[Step, ...]:
        """What is given: parameters, data, constants that are Tensors."""
        return tuple(s for s in self.steps if s.role == "input")

    @property
    def forward(self) -> tuple[Step, ...]:
        """The steps from the inputs to the output."""
        return tuple(s for s in self.steps if s.role == "forward")

    @property
    def backward(self) -> tuple[Step, ...]:
        """The steps from the output's gradient to the others."""
        return tuple(s for s in self.steps if s.role not in ("input", "forward"))

    @cached_property
    def gradients(self) -> dict[str, Step]:
        """The finished gradients by the name of the quantity they belong to."""
        return {s.of: s for s in self.steps if s.of is not None}

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's)
        return {"text/plain": str(self), "text/html": listing(str(self))}

    def __str__(self) -> str:
        return "\n".join(map(repr, self.steps))

    def without_held_arrays(self) -> Program:
        """The program with plain arrays in its settings, without the caller's names for them."""
        steps = tuple(replace(step, settings=replaced_in(step.settings, unheld)) for step in self.steps)
        return replace(self, steps=steps)

    def __repr__(self) -> str:
        return f"<Program of {self.output}: {len(self.forward)} forward, {len(self.backward)} backward steps>"


def _forward_step(node: GraphNode) -> Step:
    args = tuple(Ref(a.name) if isinstance(a, GraphNode) else a for a in node.args)
    return Step(
        node.name,
        "input" if node.is_leaf else "forward",
        node.op,
        args,
        dict(node.settings),
        node.value,
        scope=node.scope,
        requires_grad=node.requires_grad,
        named=node.named,
        said=node.said,
    )


class _Recording:
    """The replay of a graph on Symbols, and its flattening into steps."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.symbols: dict[GraphNode, Symbol] = {}
        self.steps: list[Step] = []
        self.called: dict[Tensor, str] = {}
        self.taken = {node.name: 1 for node in graph}
        for node in graph:
            self.symbols[node] = self._replayed(node)
            self.called[self.symbols[node]] = node.name
            self.steps.append(_forward_step(node))

    def _replayed(self, node: GraphNode) -> Symbol:
        tensor = node.tensor
        if node.op is None:
            return Symbol.standing_for(tensor)
        verify(tensor)
        args = tuple(self.symbols[a] if isinstance(a, GraphNode) else a for a in node.args)
        symbol: Symbol = apply(node.op, args, node.settings, value=tensor._data)
        symbol.scope = tensor.scope
        symbol.requires_grad = symbol.requires_grad and tensor.requires_grad  # not what was detached
        return symbol

    def program(self, wanted: Sequence[GraphNode]) -> Program:
        (root,) = self.graph.outputs
        seed = _constant(np.ones(root.shape, root.dtype))
        found = gradients(self.symbols[root], seed, create_graph=True)
        for node in wanted:  # it takes part, and no gradient reaches it: its derivative is 0
            found.setdefault(self.symbols[node], _constant(np.zeros(node.shape, node.dtype)))
        owners = {found[self.symbols[node]]: node for node in self.graph if self.symbols[node] in found}
        for tensor in recorded_behind((found[self.symbols[node]] for node in wanted), self.called):
            self._emit_backward(tensor, owners.get(tensor), tensor is seed)
        return Program(tuple(self.steps), root.name, tuple(node.name for node in wanted))

    def _emit_backward(self, tensor: Tensor, owner: GraphNode | None, seed: bool) -> None:
        # A gradient that is passed on unchanged is a node of its own, so each belongs to one quantity.
        if owner is None:
            self._emit(tensor, unique("t_1", self.taken), "backward", None)
        else:
            name = unique(f"d{owner.name}", self.taken)
            passed_on = tensor.op is not None and tensor.op.kernel == POSITIVE.kernel
            self._emit(tensor, name, "seed" if seed else "alias" if passed_on else "gradient", owner)

    def _emit(self, tensor: Tensor, name: str, role: Role, owner: GraphNode | None) -> None:
        args = tuple(
            value if parent is None else Ref(self.called[parent])
            for parent, value in zip(tensor.parents, tensor.saved, strict=True)
        )
        self.called[tensor] = name
        self.steps.append(
            Step(
                name,
                role,
                None if role == "alias" else tensor.op,
                args,
                dict(tensor.settings),
                np.asarray(tensor._data),
                scope=tensor.scope,
                of=None if owner is None else owner.name,
                requires_grad=tensor.requires_grad,
                named=owner is not None and owner.named,
            )
        )


def _constant(value: NDArray[Any]) -> Symbol:
    return Symbol.standing_for(Tensor(value, requires_grad=False))
