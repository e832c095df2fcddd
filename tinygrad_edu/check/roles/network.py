"""What the recorded graph says about the network: its layers, its output, its labels, its penalty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.graph import GraphNode
from tinygrad_edu.ops.elementwise.exponential import tanh
from tinygrad_edu.ops.networks.activations import leaky_relu, relu, sigmoid, softmax

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = [
    "Activation",
    "Layer",
    "Network",
]

Activation: TypeAlias = "tuple[Op, Mapping[str, Any], GraphNode]"
_WRITTEN_OUT = (relu, sigmoid, tanh, leaky_relu, softmax)
"""Activations that are recognised by their values where they are written in NumPy."""


@dataclass(frozen=True)
class Layer:
    """A layer as the graph has it: Z = W A_prev + b, A = g(Z)."""

    index: int
    W: GraphNode | None
    A_prev: GraphNode
    b: GraphNode | None
    Z: GraphNode
    op: Op | None
    A: GraphNode | None
    """What the next layer gets."""
    H: GraphNode | None
    """g(Z): the same, unless a dropout comes in between."""


class Network:
    """The arrays of a truth in the course's convention, with their roles.

    Args:
        truth: the graph and its gradients.
    """

    def __init__(self, truth: Truth) -> None:
        self.truth, self.m = truth, truth.m
        self.consumers: dict[GraphNode, list[GraphNode]] = {}
        for node in truth.graph:
            for arg in dict.fromkeys(node.inputs):
                self.consumers.setdefault(arg, []).append(node)
        self.nodes = {node.name: node for node in truth.graph}
        self._gradients: dict[str, Array] = {}
        self._activations: dict[GraphNode, Activation | None] = {}

    # values

    def gradient(self, node: GraphNode) -> Array:
        """The right gradient, in the course's convention."""
        if node.name not in self._gradients:
            self._gradients[node.name] = self.truth.gradient(node.name, "course")
        return self._gradients[node.name]

    # roles

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers in the order in which they were computed."""
        found: list[Layer] = []
        for node in self.truth.graph:
            if node.op is not None and node.op.kind == "contraction" and node.requires_grad:
                right = node.args[1]
                if isinstance(right, GraphNode) and node.name in self.truth.per_example:
                    found.append(self._layer(node, right, len(found) + 1))
        return found

    def _layer(self, product: GraphNode, A_prev: GraphNode, index: int) -> Layer:
        W = _base_of(product.args[0]) if isinstance(product.args[0], GraphNode) else None
        Z, b = product, None
        for user in self.consumers.get(product, []):
            if user.op is not None and user.op.commutative and user.op.linear == ((0, 1),):
                others = [a for a in user.inputs if a is not product]
                if others and others[0].is_leaf:
                    Z, b = user, others[0]
        found = self.activation(Z)
        if found is None:
            return Layer(index, W, A_prev, b, Z, None, None, None)
        op, _, H = found
        return Layer(index, W, A_prev, b, Z, op, self._scaled(H), H)

    def activation(self, Z: GraphNode) -> Activation | None:
        """What a quantity goes through: ``op, settings, result``; also where it is written out in NumPy."""
        if Z not in self._activations:
            self._activations[Z] = next((a for a in self._possible(Z) if a is not None), None)
        return self._activations[Z]

    def _possible(self, Z: GraphNode) -> Iterator[Activation | None]:
        users = self.consumers.get(Z, [])
        yield from (
            (u.op, u.settings, u) for u in users if _is_activation(u) and u.op is not None and len(users) == 1
        )
        if not Z.value.ndim or Z.name not in self.truth.per_example or Z.is_leaf:
            return
        below = [n for n in _after(Z, self.consumers) if n.shape == Z.shape]
        if any(np.array_equal(n.value, Z.value) for n in below):
            return  # W @ X before a bias of 0 is added: the activation is that of the sum
        for op in _WRITTEN_OUT:
            along = "axis" in op.settings
            settings = {"axis": 0} if along else {}
            if along and (Z.value.ndim != 2 or Z.shape[0] == 1):
                continue
            with np.errstate(all="ignore"):
                value = op.forward(Z.value, **settings)
            if not np.array_equal(value, Z.value):
                loose = 1e-12 if Z.dtype == np.float64 else 1e-5
                yield from (
                    (op, settings, n) for n in below if np.allclose(n.value, value, rtol=loose, atol=0)
                )

    def _scaled(self, node: GraphNode) -> GraphNode:
        """What goes on to the next layer: after a dropout's mask and its scaling."""
        while True:
            users = [u for u in self.consumers.get(node, []) if u.requires_grad]
            scaled = [
                u
                for u in users
                if u.op is not None and u.op.kind == "elementwise" and u.op.linear_in(0) and u.args[0] is node
            ]
            if (
                len(users) != 1
                or not scaled
                or any(a.requires_grad for a in users[0].inputs if a is not node)
            ):
                return node
            if users[0].shape != node.shape:
                return node
            node = users[0]

    @cached_property
    def names(self) -> dict[GraphNode, str]:
        """What texts call a node: its name, or without one, that of its place in its layer."""
        called = {node: node.name for node in self.truth.graph}
        for layer in self.layers:
            places = {"W": layer.W, "b": layer.b, "Z": layer.Z, "A": layer.A}
            for letter, node in places.items():
                if node is not None and not node.named and f"{letter}{layer.index}" not in self.nodes:
                    called[node] = f"{letter}{layer.index}"
            if layer.H is not None and layer.H is not layer.A and not layer.H.named:
                called[layer.H] = f"g({called[layer.Z]})"
        if self.layers and self.layers[0].A_prev.is_leaf and not self.layers[0].A_prev.named:
            called[self.layers[0].A_prev] = "X"
        for k, node in enumerate(self.label_nodes):
            if not node.named and "Y" not in self.nodes:
                called[node] = "Y" if k == 0 else f"Y_{k}"
        return called

    @cached_property
    def role(self) -> dict[GraphNode, tuple[str, int]]:
        """``("W" | "b" | "Z" | "A" | "X", layer)`` of the nodes that have one."""
        found: dict[GraphNode, tuple[str, int]] = {}
        for layer in self.layers:
            for letter, node in (("W", layer.W), ("b", layer.b), ("Z", layer.Z), ("A", layer.A)):
                if node is not None:
                    found.setdefault(node, (letter, layer.index))
            found.setdefault(layer.A_prev, ("X" if layer.A_prev.is_leaf else "A", layer.index - 1))
        return found

    @cached_property
    def pool(self) -> list[GraphNode]:
        """The forward quantities that a derivation may mention."""
        return [
            n
            for n in self.truth.graph
            if n.value.ndim and (n.named or n in self.role or n in self.label_nodes)
        ]

    @cached_property
    def label_nodes(self) -> list[GraphNode]:
        """The constants of the output's shape: Y first, recognised by dZ = S - Y where that holds."""
        if not self.layers:
            return []
        shape = self.layers[-1].Z.shape
        found = [n for n in self.truth.graph if n.is_leaf and not n.requires_grad and n.shape == shape]
        return sorted(found, key=lambda node: not self._is_label(node))

    def _is_label(self, node: GraphNode) -> bool:
        Z = self.layers[-1].Z
        right = self.gradient(Z)
        with np.errstate(all="ignore"):
            return any(_proportional(right, S - node.value) is not None for _, S in self._outputs(Z))

    @cached_property
    def labels(self) -> Array | None:
        """Y, where the graph shows it."""
        return self.label_nodes[0].value if self.label_nodes else None

    def _outputs(self, Z: GraphNode) -> Iterable[tuple[str, Array]]:
        last = self.layers[-1]
        if last.A is not None and last.op is not None:
            yield last.op.kernel, last.A.value
        z = Z.value
        yield "sigmoid", sigmoid.forward(z)
        if z.ndim == 2 and z.shape[0] > 1:
            yield "softmax", softmax.forward(z, axis=0)
        yield "identity", z

    @cached_property
    def output(self) -> tuple[str, Array] | None:
        """The output's activation and value, S, where dZ = c (S - Y) holds for it."""
        if self.labels is None:
            return None
        Z = self.layers[-1].Z
        for name, S in self._outputs(Z):
            if _proportional(self.gradient(Z), S - self.labels) is not None:
                return name, S
        return None


def _after(node: GraphNode, consumers: dict[GraphNode, list[GraphNode]]) -> list[GraphNode]:
    """What is computed from a node, entry by entry or by sums along an axis, up to the next product."""
    found: list[GraphNode] = []
    queue, seen = [node], {node}
    for one in queue:
        for user in consumers.get(one, []):
            if user not in seen and user.op is not None and user.op.kind != "contraction":
                seen.add(user)
                queue.append(user)
                found.append(user)
    return found


def _base_of(node: GraphNode) -> GraphNode | None:
    """The leaf that a node is, or is the transpose of."""
    while node.op is not None and node.op.kind == "movement" and node.op.moves:
        (node,) = node.inputs
    return node if node.is_leaf else None


def _is_activation(node: GraphNode) -> bool:
    """Whether a node is a function of one array, entry by entry, or a softmax."""
    return (
        node.op is not None
        and node.op.kind == "elementwise"
        and len(node.inputs) == 1
        and len(node.args) == 1
        and not node.op.linear
        and not node.op.moves
    )


def _proportional(a: Array, b: Array) -> float | None:
    """c where a = c b to about rounding, else None."""
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    scale = float(np.sum(b * b))
    if scale == 0:
        return None
    c = float(np.sum(a * b)) / scale
    loose = 1e-9 if a.dtype == np.float64 else 1e-4
    return c if c and np.max(np.abs(a - c * b)) <= loose * max(np.max(np.abs(a)), abs(c)) else None


def stands_for(network: Network, wrong: GraphNode, right: GraphNode) -> Edit:
    """The edit of one forward quantity in another's place."""
    called = network.names
    letter, layer = network.role.get(right, ("", 0))
    other, its = network.role.get(wrong, ("", 0))
    if layer == its and letter in "AX" and other == "Z":
        codes: tuple[str, ...] = ("z_for_a",)
    elif layer == its and letter == "Z" and other in "AX":
        codes = ("a_for_z",)
    elif letter in "AX" and other == "Z":
        codes = ("wrong_layer", "z_for_a")
    else:
        codes = ("wrong_layer",)
    cost = 1.0 if other and letter else 1.1
    return Edit(codes, f"{called[wrong]} stands where {called[right]} belongs", cost)
