"""The order of the lines: everything before the loop over tiles, in it, and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinygrad_edu.compiler.views import behind
from tinygrad_edu.expression.arithmetic import TRANSPOSE
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.walk import in_order


@dataclass(frozen=True)
class Loop:
    """A pass over the examples, tile by tile, in parts that several threads may take.

    ``axis`` says which axis of a node runs over the examples; ``sums`` are added up over the tiles of a part,
    and then over the parts. What tile and part are does not depend on who computes them.
    """

    length: int
    tile: int
    part: int
    """The examples of a part: those of one tile, or of several."""
    body: tuple[Node, ...]
    axis: Mapping[Node, int]
    sums: frozenset[Node]

    @property
    def parts(self) -> int:
        """How many there are."""
        return -(-self.length // self.part)


@dataclass(frozen=True)
class InPlace:
    """W := (1 - d) W - c A B, computed as it is subtracted."""

    product: Node
    """A B."""
    times: tuple[Node, ...]
    """Numbers whose product is c."""
    shrinks: tuple[tuple[Node, ...], ...]
    """Numbers whose products add up to d."""


@dataclass(frozen=True)
class Schedule:
    """Nodes in the order in which they are computed."""

    before: tuple[Node, ...]
    loop: Loop | None
    after: tuple[Node, ...]
    outputs: tuple[Node, ...]
    """The cost, and the gradients that the caller, or an optimiser, gets for his own."""
    moves: Mapping[Node, Node] = field(default_factory=dict)
    """What is subtracted from a parameter when all is computed."""
    named: Mapping[Node, Node] = field(default_factory=dict)
    """The same of tables, most of whose entries stay as they are: it is not computed whole."""
    products: Mapping[Node, InPlace] = field(default_factory=dict)
    """Parameters that a product is subtracted from as it is computed."""

    @property
    def moved(self) -> tuple[Node, ...]:
        """The parameters that the step itself moves."""
        return (*self.moves, *self.named, *self.products)

    @property
    def factors(self) -> list[Node]:
        """The arrays that these products are of."""
        return [behind(a) for step in self.products.values() for a in step.product.args]

    @property
    def ends(self) -> tuple[Node, ...]:
        """What is read when all is computed."""
        return (*self.outputs, *self.moves.values(), *_parts(self.named), *self.factors)


def _parts(named: Mapping[Node, Node]) -> list[Node]:
    """What is added up by columns, and the numbers that say where."""
    return [node for by in named.values() for node in columns_of(by).args]


def columns_of(by: Node) -> Node:
    """What is subtracted from a table, where columns are its rows turned."""
    return by.args[0] if by.does(TRANSPOSE) and by.ndim == 2 else by


def scheduled(
    outputs: Sequence[Node],
    moves: Mapping[Node, Node] | None = None,
    named: Mapping[Node, Node] | None = None,
) -> Schedule:
    """Operands before results, gradients from the last layer to the first, draws in the recorded order.

    Args:
        outputs: the cost, and gradients.
        moves: for a parameter, what is subtracted from it.
        named: the same for tables of which numbers name a few columns, or rows.
    """
    moves, named = dict(moves or {}), dict(named or {})
    cost, *gradients = outputs
    ends = [cost, *reversed(gradients), *reversed(moves.values())]
    ends += _parts(named)
    draws = sorted((n for n in in_order(*ends) if n.random), key=lambda n: n.settings["rng"].number)
    nodes = [n for n in in_order(*draws, *ends) if n.op is not None]
    return Schedule((), None, tuple(nodes), tuple(outputs), moves, named)
