"""Graph: a recorded computation, frozen: its nodes in the order in which they were recorded, with names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import errors
from tinygrad_edu.core.notebook_display import Shown
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.graph.caller_numbers import Numbers
from tinygrad_edu.graph.code import Said, said_by_the_caller
from tinygrad_edu.graph.history import History
from tinygrad_edu.graph.made import Made, Making
from tinygrad_edu.graph.naming import Names, name_nodes

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op


@dataclass(frozen=True, eq=False, repr=False)
class GraphNode:
    """One value of a graph: a leaf, or the result of an operation on earlier nodes and constants."""

    name: str
    tensor: Tensor
    args: tuple[GraphNode | Any, ...]
    """The operands, in order: nodes, or plain numbers. Plain arrays are constant leaves."""
    named: bool
    """Whether somebody gave it the name; else it is made from its operation."""
    said: tuple[str | None, ...] = ()
    """For each operand how the code writes a plain number: ``m``, ``1 - y``; "": a literal, None: unknown."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The operation's settings (axis, keepdims, ...); the caller's arrays among them are ``Held`` by name."""

    @property
    def op(self) -> Op | None:
        """The operation; None for a leaf."""
        return self.tensor.op

    @cached_property
    def inputs(self) -> tuple[GraphNode, ...]:
        """The operands that are nodes."""
        return tuple(a for a in self.args if isinstance(a, GraphNode))

    @property
    def is_leaf(self) -> bool:
        """Whether it was given rather than computed."""
        return self.tensor.op is None

    @property
    def value(self) -> NDArray[Any]:
        """The value."""
        return np.asarray(self.tensor._data)

    @property
    def grad(self) -> NDArray[Any] | None:
        """The gradient gathered by ``backward()``, or None."""
        return self.tensor.grad

    @property
    def scope(self) -> tuple[str, ...]:
        """The scopes that it was recorded in, outermost first."""
        return self.tensor.scope

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's shape."""
        return self.tensor.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The value's dtype."""
        return self.tensor.dtype

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow through it."""
        return self.tensor.requires_grad

    def depends_on(self, other: GraphNode) -> bool:
        """Whether it is that node, or computed from it."""
        queue, seen = [self], {self}
        for node in queue:
            if node is other:
                return True
            new = [parent for parent in node.inputs if parent not in seen]
            queue.extend(new)
            seen.update(new)
        return False

    def __repr__(self) -> str:
        operands = ", ".join(a.name if isinstance(a, GraphNode) else repr(a) for a in self.args)
        return f"{self.name} {self.shape}" + (f" = {self.op.name}({operands})" if self.op else "")


@arguments_explained
class Graph(Shown):
    """The computation behind some outputs: ``.nodes`` in topological order, each with a name of its own.

    Args:
        outputs: the tensors whose history to show.
        names: ``{"u": tensor}`` overrides names; False keeps the caller's variables out.
        look: whether the caller's variables and code are looked at for what ``names`` leaves open.
        search: whether the code that made plain arrays is searched for as well, which takes a while.

    Raises:
        TypeError: an output isn't a Tensor.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    >>> u = b * c
    >>> graph = tg.Graph(3 * (a + u), names={"u": u})
    >>> [node.name for node in graph]
    ['a', 'b', 'c', 'u', 'add_1', 'multiply_1']
    >>> graph.find("u")
    u () = multiply(b, c)
    """

    nodes: tuple[GraphNode, ...]
    inputs: tuple[GraphNode, ...]
    """The leaves; where every value is a single number, also the plain numbers in variables of the caller."""
    outputs: tuple[GraphNode, ...]
    numbers: Mapping[str, Any]
    """Plain numbers that were variables of functions that have returned."""
    made: Made
    """The caller's code that made plain arrays and indices which no variable holds."""
    counts: Mapping[tuple[GraphNode, int], str]
    """The plain numbers that count something in arrays, by the node and the operand."""

    def __init__(
        self, *outputs: Tensor, names: Names = None, look: bool = True, search: bool = False
    ) -> None:
        if not outputs:
            raise TypeError("Graph: expected at least one Tensor")
        given: Iterable[Any] = outputs
        for output in given:
            if not isinstance(output, Tensor):
                hint = "; write Graph(*outputs)" if isinstance(output, (list, tuple)) else ""
                raise TypeError(f"Graph: expected Tensors, got {type(output).__name__}{hint}")
        history = History(outputs)
        said = Said()
        look = look and names is not False
        if look:
            said = said_by_the_caller(history.computed, history.users, history.leaves)
        tensors = history.tensors
        called = name_nodes(tensors, names, history.users, said if look else None)
        self.made = Made()
        if look and history.tell_computed_arrays(called.made | called.told, said):
            tensors = history.tensors
            called = name_nodes(tensors, names, history.users, said)
        if look and search:
            operands = {tensor: history.operands.get(tensor, ()) for tensor in tensors}
            making = Making(operands, called, said)
            if making:
                called = name_nodes(tensors, names, history.users, said)
                self.made = making.under(called)
        said.forget()
        made: dict[Tensor, GraphNode] = {}
        for tensor in tensors:
            args = tuple(made[a] if isinstance(a, Tensor) else a for a in history.operands.get(tensor, ()))
            told = tuple(said.numbers.get((tensor, k)) for k in range(len(args)))
            name, settings = called.names[tensor], called.settings_of(tensor)
            named = tensor not in called.made or name in self.made.results
            made[tensor] = GraphNode(name, tensor, args, named, told, settings)
        self.nodes = tuple(made.values())
        self.numbers = said.values
        self.counts = {(made[tensor], k): name for (tensor, k), name in called.counts.items()}
        self.inputs = (*(node for node in self.nodes if node.is_leaf), *_named_numbers(self))
        self.outputs = tuple(made[history.node(output)] for output in outputs)
        self._also: dict[Any, GraphNode] = {path: made[tensor] for path, tensor in called.also.items()}
        self._also |= {user: made[tensor] for tensor, user in history.users.items() if tensor in made}

    @cached_property
    def _by_key(self) -> dict[Any, GraphNode]:
        return self._also | {key: node for node in self.nodes for key in (node.tensor, node.name)}

    def names_of(self, which: str | Tensor) -> tuple[str, ...]:
        """Everything that the caller's code calls a node, the shown name first.

        >>> import tinygrad_edu as tg
        >>> P = {"W1": tg.Tensor(2.0)}
        >>> W = P["W1"]
        >>> graph = tg.Graph(W * W)
        >>> graph.names_of("W")
        ('W1', 'W', "P['W1']")
        """
        node = self.find(which)
        also = (path for path, other in self._also.items() if other is node and isinstance(path, str))
        return tuple(dict.fromkeys((node.name, *also)))

    def find(self, which: str | Tensor) -> GraphNode:
        """The node of that name, or of that tensor; ``graph["u"]`` is the same.

        Raises:
            KeyError: there is none; the message has the nearest names.
            TypeError: neither a name nor a tensor.
        """
        if not isinstance(which, (str, Tensor)):
            raise TypeError(
                f"Graph: expected the name of a node, or its Tensor, got {which!r}; see graph.nodes"
            )
        node = self._by_key.get(which)
        if node is None:
            told = repr(which) if isinstance(which, str) else errors.described(which, which.name)
            raise KeyError(f"{told} is not in this graph; {self._nearest(which)}")
        return node

    __getitem__ = find

    def _nearest(self, which: str | Tensor) -> str:
        """What the message offers: the node whose gradient is meant, the nearest names, or all names."""
        known = [n.name for n in self.nodes]
        if isinstance(which, str):
            if (value := which.removeprefix("grad_").removeprefix("d")) != which and value in self:
                return f"its names are those of values, and gradients are at them: graph.find({value!r}).grad"
            if near := errors.did_you_mean(which, known):
                return near.removeprefix("; ")
        return f"it has: {', '.join(known[:20])}"

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[GraphNode]:
        return iter(self.nodes)

    def __contains__(self, which: object) -> bool:
        return isinstance(which, (str, Tensor)) and which in self._by_key

    def __repr__(self) -> str:
        ends = ", ".join(node.name for node in self.outputs)
        return f"<Graph of {ends}: {len(self.nodes)} nodes, {len(self.inputs)} inputs>"


def _named_numbers(graph: Graph) -> list[GraphNode]:
    """The plain numbers that the caller keeps in variables, of one example: no nodes, but inputs."""
    nodes = graph.nodes
    if not any(text for node in nodes for text in node.said) or any(node.shape for node in nodes):
        return []
    numbers = Numbers({node.name for node in nodes}, graph.numbers)
    with np.errstate(all="ignore"):
        for node in nodes:
            for value, text in zip(node.args, node.said, strict=True):
                numbers.quantity(text, value, node.dtype)
    return [GraphNode(name, tensor, (), named=True) for name, tensor in numbers.leaves.items()]
