"""Moves multiplications by numbers to where there are few entries.

The backward pass is linear in the gradient that it starts from. So the 1/m of the cost and the learning
rate may be multiplied in at the output's gradient, at dW and db, or anywhere between; the fewest entries
win: those of dZ[L] (10 × 128) in a network, those of dw (100 × 1) in a regression on 200,000 examples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tinygrad_edu.compiler.sheet import Sheet
from tinygrad_edu.expression.arithmetic import (
    BROADCAST,
    EXPAND_DIMS,
    MATMUL,
    MULTIPLY,
    NEGATIVE,
    RESHAPE,
    SUM,
    TRANSPOSE,
    kernels,
)
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.walk import in_order
from tinygrad_edu.ops.reduction.sums_and_extrema import sum_to

_ALONG = kernels(SUM, TRANSPOSE, RESHAPE, EXPAND_DIMS, NEGATIVE, BROADCAST, sum_to)
"""Linear in their only operand."""


def scalars_moved(outputs: Sequence[Node], sheet: Sheet) -> list[Node]:
    """The outputs, with numbers moved forward or backward along what is linear."""
    return _towards_the_end(_towards_the_start(list(outputs), sheet), sheet)


def _scaled(node: Node) -> tuple[Node, Node] | None:
    """``c, x`` where a node is ``c * x``, c a number, and x already in the dtype of the product."""
    if node.does(MULTIPLY) and not node.args[0].shape and _alike(node.args[1], node):
        return node.args[0], node.args[1]
    return None


def _alike(a: Node, b: Node) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


def _carriers(nodes: Sequence[Node]) -> dict[Node, Node]:
    """The operand that a node is linear in; of a product the deeper one, which is the gradient."""
    depth: dict[Node, int] = {}
    found: dict[Node, Node] = {}
    for node in nodes:
        depth[node] = 1 + max((depth[a] for a in node.args), default=0)
        if node.kernel in _ALONG:
            found[node] = node.args[0]
        elif node.args and len(set(node.args)) == len(node.args):
            deepest = max(node.args, key=lambda a: (a.dtype.kind == "f", depth[a]))
            if node.rule.linear_in(node.args.index(deepest)):
                found[node] = deepest
    return found


def _towards_the_start(outputs: list[Node], sheet: Sheet) -> list[Node]:
    """``r dW1, r db1, ...`` become ``dW1, db1, ...`` of a gradient that has been multiplied by r."""
    nodes = in_order(*outputs)
    ends = {n: n.args[1] for n in nodes if (s := _scaled(n)) is not None and s[0].is_name}
    rates = {n.args[0] for n in ends}
    if len(rates) != 1:
        return outputs
    (rate,) = rates
    carrier = _carriers(nodes) | ends
    whole = _wanted_whole(nodes, outputs, ends, carrier)
    starts = [n for n in whole if carrier.get(n) not in whole]
    if sum(n.entries for n in starts) >= sum(n.entries for n in ends):
        return outputs
    new: dict[Node, Node] = {}
    for node in nodes:
        if node in ends and node.args[1] in whole:
            new[node] = new[node.args[1]]
            continue
        made = sheet.on(node, (new[a] for a in node.args))
        if node in starts:
            made = sheet.node(MULTIPLY, [rate, made], dtype=node.dtype)
        if node in whole and node in sheet.names:
            sheet.names.setdefault(made, f"{rate.called}_{sheet.names[node]}")
        new[node] = made
    return [new[n] for n in outputs]


def _wanted_whole(
    nodes: Sequence[Node], outputs: Sequence[Node], ends: Mapping[Node, Node], carrier: Mapping[Node, Node]
) -> set[Node]:
    """The nodes that everything which reads them wants multiplied by the rate."""
    users = _users(nodes)
    whole: set[Node] = set()
    for node in reversed(nodes):
        read = users[node] and node not in ends and node not in outputs
        if read and all(
            (u in ends or u in whole) and carrier.get(u) is node and u.dtype == node.dtype
            for u in users[node]
        ):
            whole.add(node)
    return whole


def _users(nodes: Sequence[Node]) -> dict[Node, list[Node]]:
    users: dict[Node, list[Node]] = defaultdict(list)
    for node in nodes:
        for arg in node.args:
            users[arg].append(node)
    return users


def _towards_the_end(outputs: list[Node], sheet: Sheet) -> list[Node]:
    """``(c x) @ y`` becomes ``c (x @ y)`` where that has fewer entries."""
    nodes = in_order(*outputs)
    users = _users(nodes)
    new: dict[Node, Node] = {}
    for node in nodes:
        found = _scaled(node)
        ends = _ends(node, users, outputs) if found else None
        if ends is not None and sum(e.entries for e in ends) < node.entries:
            new[node] = new[found[1]] if found else node
            continue
        made = sheet.on(node, (new[a] for a in node.args))
        for arg in _behind_views(node):
            scaled = _scaled(arg)
            if scaled and new[arg] is new[scaled[1]] and node.does(MATMUL, SUM):
                made = sheet.node(MULTIPLY, [new[scaled[0]], made], dtype=node.dtype)
        new[node] = made
    return [new[n] for n in outputs]


def _ends(node: Node, users: dict[Node, list[Node]], outputs: Sequence[Node]) -> list[Node] | None:
    """The sums and products that read a node, through transposition; None where something else does."""
    if node in outputs:
        return None
    found: list[Node] = []
    for user in users[node]:
        if user.does(TRANSPOSE):
            behind = _ends(user, users, outputs)
            if behind is None:
                return None
            found += behind
        elif (
            user.does(MATMUL, SUM)
            and sum(a is node for a in _behind_views(user)) + sum(a is node for a in user.args) >= 1
        ):
            found.append(user)
        else:
            return None
    return found


def _behind_views(node: Node) -> list[Node]:
    """A node's operands, seen through transposition."""
    found = []
    for arg in node.args:
        while arg.does(TRANSPOSE):
            arg = arg.args[0]
        found.append(arg)
    return found
