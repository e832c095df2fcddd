"""Which operations share a box: those of a scope, or, without scopes, a run of consecutive ones.

Boxes never form a cycle. Where a scope is entered again later, with other work between, it is a second box.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tinygrad_edu.drawing.formulas import Reading
from tinygrad_edu.drawing.hidden_paths import homes, is_number, quantities
from tinygrad_edu.graph import Graph, GraphNode


@dataclass(eq=False)
class Group:
    """Nodes that share a box. A quantity outside of all scopes is a group of its own."""

    title: str
    nodes: list[GraphNode] = field(default_factory=list)
    single: bool = False
    inputs: set[Group] = field(default_factory=set)
    """The groups that it reads from."""


def by_scope(graph: Graph, reading: Reading) -> list[Group]:
    """A group for each scope, and for each quantity outside of scopes, in order."""
    return list(dict.fromkeys(_Grouping(graph, reading).homes.values()))


class _Grouping:
    def __init__(self, graph: Graph, reading: Reading) -> None:
        self.homes: dict[GraphNode, Group] = {}
        self.open: dict[str, Group] = {}
        self.told = quantities(graph, reading)
        home = homes(graph)
        self.scopes = {node: home[node] for node in graph if not node.is_leaf}
        users: dict[GraphNode, list[GraphNode]] = {}
        for node in graph:
            for operand in node.inputs:
                users.setdefault(operand, []).append(node)
        self._outside([node for node, scope in self.scopes.items() if not scope], users, reading)
        for node in graph:
            if not node.is_leaf:
                if self.scopes[node]:
                    self.homes[node] = self._scope(node)
                self._linked(node)
        for node in graph:
            if node.is_leaf and not is_number(node):
                self.homes[node] = self._given(node, users.get(node, []), reading)
        order = {node: k for k, node in enumerate(graph)}
        self.homes = dict(sorted(self.homes.items(), key=lambda item: order[item[0]]))
        for node, group in self.homes.items():
            group.nodes.append(node)

    def _outside(
        self, computed: list[GraphNode], users: dict[GraphNode, list[GraphNode]], reading: Reading
    ) -> None:
        """Outside of scopes each quantity is a group. Other values belong to the group of their only user."""
        for node in reversed(computed):
            later = users.get(node, [])
            if node not in self.told and len(later) == 1 and not self.scopes[later[0]]:
                self.homes[node] = self.homes[later[0]]
            else:
                self.homes[node] = Group(reading.name(node.name) or reading.formula(node.name), single=True)

    def _linked(self, node: GraphNode) -> None:
        mine = self.homes[node]
        mine.inputs |= {self.homes[a] for a in node.inputs if a in self.homes and self.homes[a] is not mine}

    def _scope(self, node: GraphNode) -> Group:
        title = self.scopes[node][0]
        group = self.open.get(title)
        read = {self.homes[a] for a in node.inputs if a in self.homes}
        if group is None or any(g is not group and group in _behind(g) for g in read - group.inputs):
            group = self.open[title] = Group(title)
        return group

    def _given(self, node: GraphNode, users: list[GraphNode], reading: Reading) -> Group:
        """A parameter belongs to the only group that uses it; other inputs are groups of their own."""
        homes = {self.homes[user] for user in users}
        if len(homes) == 1 and node.requires_grad and not next(iter(homes)).single:
            return next(iter(homes))
        return Group(reading.name(node.name) or "data", single=True)


def _behind(group: Group) -> set[Group]:
    """A group and all groups that it depends on, directly or not."""
    found = {group}
    pending = [group]
    while pending:
        for g in pending.pop().inputs - found:
            found.add(g)
            pending.append(g)
    return found


def in_stretches(graph: Graph, most: int) -> list[Group]:
    """The given number of groups of consecutive operations, and one for each named input."""
    computed = [node for node in graph if not node.is_leaf]
    size = -(-len(computed) // most)
    groups = list(_stretches(computed, size))
    first: dict[GraphNode, list[Group]] = {}
    for group in groups:
        for node in group.nodes:
            for operand in node.inputs:
                first.setdefault(operand, []).append(group)
    given = []
    leaves = [node for node in graph if node.is_leaf]
    for node in leaves:
        if is_number(node):
            continue
        users = list(dict.fromkeys(first.get(node, [])))
        if len(users) == 1 and len(leaves) > most:
            users[0].nodes.insert(0, node)
        else:
            given.append(Group(node.name if node.named else "data", [node], single=True))
    return [*given, *groups]


def _stretches(computed: list[GraphNode], size: int) -> Iterator[Group]:
    for start in range(0, len(computed), size):
        part = computed[start : start + size]
        yield Group(f"operations {start + 1} to {start + len(part)}", list(part))
