"""Path: the gradient of one quantity as the gradient above it, sent through a list of linear steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.roles.network import Network
from tinygrad_edu.graph import GraphNode

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = ["Link", "Path", "path_to", "through"]


@dataclass(frozen=True, eq=False)
class Link:
    """One linear step: from the gradient of ``above`` to that of ``below``."""

    kind: str
    """left: Uᵀ @ G. right: G @ Vᵀ. slope: G * g'(Z). times: G * factor. sum: over examples.
    softmax: its Jacobian. scale: G * c. transpose. same."""
    above: GraphNode
    below: GraphNode
    factor: Any = None
    """U, V, the slope, the factor, the number, or the softmax's value."""
    by: GraphNode | None = None
    """The node that the factor is."""
    op: Op | None = None
    """The activation."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Its settings."""

    @property
    def axis(self) -> int:
        """Of a softmax."""
        return int(self.settings.get("axis", 0))

    def apply(self, G: Array) -> Array:
        """The gradient below, from the one above."""
        below: Array = _APPLY[self.kind](self, G)
        return below


def _summed(link: Link, G: Array) -> Array:
    shape = link.factor
    lead = G.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(k + lead for k, n in enumerate(shape) if n == 1)
    total: Array = np.sum(G, axis=axes)
    return total.reshape(shape)


_APPLY: dict[str, Any] = {
    "left": lambda link, G: link.factor.T @ G,
    "right": lambda link, G: G @ link.factor.T,
    "slope": lambda link, G: G * link.factor,
    "times": lambda link, G: G * link.factor,
    "scale": lambda link, G: G * link.factor,
    "sum": _summed,
    "transpose": lambda link, G: G.T,
    "same": lambda link, G: G,
    "softmax": lambda link, G: link.factor * (G - np.sum(G * link.factor, axis=link.axis, keepdims=True)),
}


def through(links: Sequence[Link], G: Array) -> Array | None:
    """G sent through the links; None where the shapes do not fit."""
    try:
        for link in links:
            G = link.apply(G)
    except ValueError:
        return None
    return G


@dataclass(frozen=True)
class Path:
    """The links from a known gradient, at the head, to the one wanted; the factor 1/m; and what is added."""

    head: GraphNode
    links: tuple[Link, ...]
    average: float
    """1/m where the gradients of single examples become a parameter's, else 1."""
    rest: Array | None
    """What other uses of the quantity add to its gradient."""
    penalty: float | None
    """Where that is the penalty's c · W, its factor c."""

    @property
    def places(self) -> tuple[GraphNode, ...]:
        """The quantities on the way, the head first."""
        return (self.head, *(link.below for link in self.links))

    def finish(self, G: Array) -> Array:
        """From what comes out of the last link to the gradient itself."""
        value = G * self.average
        if self.rest is None or value.ndim != self.rest.ndim:
            return value
        if any(n not in (1, w) for n, w in zip(value.shape, self.rest.shape, strict=True)):
            return value
        return value + self.rest


def path_to(network: Network, node: GraphNode) -> Path:
    """The longest path to a quantity along which each quantity is used once."""
    if ("path", node) not in network.remembered:
        network.remembered["path", node] = [_longest(network, node)]
    path: Path = network.remembered["path", node][0]
    return path


def _longest(network: Network, node: GraphNode) -> Path:
    links: list[Link] = []
    rest = None
    below = node
    while True:
        known = network.activation(below)
        if known is not None:
            links.append(_activation(network, below, *known))
            below = links[-1].above
            continue
        users = [u for u in network.consumers.get(below, []) if u.requires_grad]
        user = users[0] if len(users) == 1 else _main(users) if below is node and node.is_leaf else None
        link = _link(network, user, below) if user is not None else None
        if link is None:
            break
        links.append(link)
        below = link.above
    links.reverse()
    head = below
    average = network.truth.scale(node.name) / network.truth.scale(head.name)
    right = network.gradient(node)
    straight = through(links, network.gradient(head))
    if straight is None or straight.shape != right.shape:
        return Path(node, (), 1.0, None, None)
    rest = right - straight * average
    size = max(float(np.max(np.abs(right), initial=0)), float(np.max(np.abs(straight * average), initial=0)))
    loose = 1e-11 if right.dtype == np.float64 else 1e-4
    if np.max(np.abs(rest), initial=0) <= loose * size:
        return Path(head, tuple(links), average, None, None)
    return Path(head, tuple(links), average, rest, _penalty(rest, network.value(node)))


def _main(users: list[GraphNode]) -> GraphNode | None:
    """Of a parameter's uses, the one in the network: the product, not the penalty."""
    products = [u for u in users if u.op is not None and u.op.kernel in ("matmul", "transpose")]
    return products[0] if len(products) == 1 else None


def _penalty(rest: Array, W: Array) -> float | None:
    scale = float(np.sum(W * W))
    c = float(np.sum(rest * W)) / scale if scale else 0.0
    close = bool(np.max(np.abs(rest - c * W)) <= 1e-6 * np.max(np.abs(rest)))
    return c if close else None


def _link(network: Network, user: GraphNode, below: GraphNode) -> Link | None:
    """How the gradient of a node follows from that of the only node that uses it."""
    op = user.op
    if op is None or sum(a is below for a in user.args) != 1:
        return None
    build = _LINKS.get(op.kernel)
    return None if build is None else build(network, user, below, user.args.index(below))


def _activation(
    network: Network, below: GraphNode, op: Op, settings: dict[str, Any], user: GraphNode
) -> Link:
    z, y = network.value(below), network.value(user)
    if op.kernel == "softmax":
        return Link("softmax", user, below, y, user, op, settings)
    rule: Any = op.pullbacks[0]
    with np.errstate(all="ignore"):
        slope = rule(np.ones_like(y), y, z, **settings)
    return Link("slope", user, below, np.asarray(slope, z.dtype), user, op, settings)


def _product(network: Network, user: GraphNode, below: GraphNode, place: int) -> Link | None:
    other = user.args[1 - place]
    if not isinstance(other, GraphNode) or other.value.ndim != 2 or below.value.ndim != 2:
        return None
    return Link("right" if place == 0 else "left", user, below, network.value(other), other)


def _sum(network: Network, user: GraphNode, below: GraphNode, sign: float = 1.0) -> Link | None:
    if sign == 1.0 and user.shape == below.shape:
        return Link("same", user, below)
    if user.shape == below.shape:
        return Link("scale", user, below, -1.0)
    return Link("sum", user, below, network.value(below).shape) if sign == 1.0 else None


def _factor(network: Network, user: GraphNode, below: GraphNode, place: int) -> Link | None:
    other = user.args[1 - place]
    if user.shape != below.shape:
        return None
    if isinstance(other, GraphNode):
        return Link("times", user, below, network.value(other), other)
    return Link("scale", user, below, float(other))


def _quotient(network: Network, user: GraphNode, below: GraphNode, place: int) -> Link | None:
    by = user.args[1]
    if place == 1 or user.shape != below.shape:
        return None
    if isinstance(by, GraphNode):
        return Link("times", user, below, 1 / network.value(by), by)
    return Link("scale", user, below, 1 / float(by))


_LINKS: dict[str, Any] = {
    "matmul": _product,
    "add": lambda n, u, b, k: _sum(n, u, b),
    "subtract": lambda n, u, b, k: _sum(n, u, b, -1.0 if k else 1.0),
    "multiply": _factor,
    "divide": _quotient,
    "negative": lambda n, u, b, k: Link("scale", u, b, -1.0),
    "transpose": lambda n, u, b, k: Link("transpose", u, b) if b.value.ndim == 2 else None,
}
