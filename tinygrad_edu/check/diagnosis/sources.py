"""How the gradient that enters a path is got wrong: at the output, at the cost, by a shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.check.diagnosis.path import path_to
from tinygrad_edu.check.diagnosis.slopes import slopes_like
from tinygrad_edu.check.diagnosis.steps import Option
from tinygrad_edu.core.table import OPS
from tinygrad_edu.graph import GraphNode

__all__ = ["cost_terms", "sources"]

_Wrong = tuple[Edit, Array]


def sources(network: Network, node: GraphNode) -> Iterator[Option]:
    """What may stand in place of a quantity's gradient, the formula below it being right."""
    right = network.gradient(node)
    with np.errstate(all="ignore"):
        for edit, value in _wrong(network, node):
            if value.ndim == right.ndim:
                edit = replace(edit, at=f"d{network.names[node]}")
                yield Option(edit, value, fills=value.size < right.size)


def _wrong(network: Network, node: GraphNode) -> Iterator[_Wrong]:
    letter, layer = network.role.get(node, ("", 0))
    Y = network.labels
    if Y is not None and network.layers:
        last = network.layers[-1]
        if node is last.Z:
            yield from _at_the_output(network, Y)
        elif node is last.A:
            yield from _at_the_cost(network, Y, last.A)
        elif letter in ("Z", "A", "X"):
            yield from _output_formulas(network, Y, node, letter, layer)
    yield from _of_other_quantities(network, node)
    yield from _without_the_d(network, node)


def _at_the_output(network: Network, Y: Array) -> Iterator[_Wrong]:
    """dZ = S - Y, at a sigmoid with cross-entropy, a softmax, or a line with squares."""
    if network.output is None:
        return
    activation, S = network.output
    node = network.layers[-1].Z
    right, z = network.gradient(node), network.value(node)
    c: Any = float(np.sum(right * (S - Y)) / np.sum((S - Y) ** 2))
    A = network.names[network.layers[-1].A] if network.layers[-1].A is not None else "A"
    Z = network.names[node]
    y = network.names[network.label_nodes[0]]
    if activation != "identity":
        yield Edit(("z_for_a",), f"{Z} stands where {A} belongs, in {A} - {y}"), c * (z - Y)
        twice = ("slope_extra", "slope_doubled") + (
            ("softmax_elementwise",) if activation == "softmax" else ()
        )
        yield (
            Edit(twice, f"{A} - {y} holds the slope {A} (1 - {A}) already, which is there twice"),
            c * (S - Y) * S * (1 - S),
        )
        yield (
            Edit(twice, f"{A} - {y} holds the slope already, and 1 - {A}² comes on top", 1.2),
            c * (S - Y) * (1 - S * S),
        )
        yield (
            Edit(("slope_missing",), f"divided by {A} (1 - {A}), which is d{A} instead of d{Z}", 1.1),
            c * (S - Y) / (S * (1 - S)),
        )
        cut = Edit(("unknown",), f"the prediction {A} > 0.5 stands where {A} belongs", 1.2)
        yield cut, c * ((S > 0.5) - Y)
    yield Edit(("sign_inside",), f"{A} + {y} instead of {A} - {y}"), c * (S + Y)
    yield Edit(("term_missing",), f"{y} is missing in {A} - {y}"), c * S
    yield Edit(("term_missing",), f"{A} is missing in {A} - {y}"), -c * Y
    yield (
        Edit(("sign_inside", "unknown"), f"the labels are swapped: 1 - {y} stands where {y} belongs", 1.1),
        c * (S - 1 + Y),
    )
    yield (
        Edit(("unknown", "last_example_only"), f"the first example's label stands for all of {y}", 1.1),
        c * (S - Y[:, :1]),
    )
    yield (
        Edit(("unknown", "last_example_only"), f"the last example's label stands for all of {y}", 1.1),
        c * (S - Y[:, -1:]),
    )
    yield Edit(("unknown",), f"the square ({A} - {y})²", 1.2), c * (S - Y) ** 2
    yield Edit(("unknown", "sign_inside"), f"the magnitude |{A} - {y}|", 1.2), c * np.abs(S - Y)
    yield (
        Edit(("unknown",), f"{y} is out of step with {A} by one example", 1.2),
        c * (S - np.roll(Y, 1, axis=-1)),
    )
    yield (
        Edit(("unknown",), f"{y} is out of step with {A} by one example", 1.2),
        c * (S - np.roll(Y, -1, axis=-1)),
    )
    if network.layers[-1].A is None and activation != "identity":
        yield from _without_the_output(activation, S, z, Y, c, (Z, A))
    if activation == "softmax":
        yield from _of_softmax(S, z, Y, c, A, y)
    for name in ("sigmoid", "tanh", "exp", "relu"):
        if name != activation:
            other = OPS[name].forward(z)
            edit = Edit(
                ("slope_wrong_activation", "slope_wrong"),
                f"{name}({Z}) stands where {A} belongs, in {A} - {y}",
                1.1,
            )
            yield edit, c * (other - Y)
    for other_node in network.pool:
        value = network.value(other_node)
        if other_node in (node, network.layers[-1].A, *network.label_nodes) or value.ndim != 2:
            continue
        if value.shape[1] == Y.shape[1] and (
            value.shape[0] == Y.shape[0] or 1 in (value.shape[0], Y.shape[0])
        ):
            edit = Edit(
                ("wrong_layer",), f"{network.names[other_node]} stands where {A} belongs, in {A} - {y}", 1.1
            )
            yield edit, c * (value - Y)


def _without_the_output(
    activation: str, S: Array, z: Array, Y: Array, c: Any, names: tuple[str, str]
) -> Iterator[_Wrong]:
    """dA times a slope, where the cost was computed from Z and the graph has no A."""
    dA = -Y / S + (1 - Y) / (1 - S) if activation == "sigmoid" else -Y / S
    yield Edit(("slope_missing",), f"d{names[1]} instead of d{names[0]}: the slope is missing", 1.05), c * dA
    if activation == "sigmoid":
        for codes, told, slope, cost in slopes_like(OPS["sigmoid"], {}, z, S, *names):
            if not np.all(slope == 1):
                yield Edit(codes, f"in place of the slope g'({names[0]}) stands {told}", cost), c * dA * slope


def _of_softmax(S: Array, z: Array, Y: Array, c: float, A: str, y: str) -> Iterator[_Wrong]:
    e = np.exp(z)
    over = Edit(("softmax_axis", "sum_axis"), f"{A} is normalised over the examples instead of the classes")
    yield over, c * (e / e.sum(axis=1, keepdims=True) - Y)
    yield (
        Edit(("softmax_axis", "sum_all", "sum_axis"), f"{A} is normalised over everything", 1.1),
        c * (e / e.sum() - Y),
    )
    one_by_one = Edit(
        ("softmax_elementwise", "term_missing"),
        f"the softmax's derivative is taken entry by entry: -{y}/{A} · {A} (1 - {A})",
    )
    yield one_by_one, -c * Y * (1 - S)
    of_two = Edit(
        ("softmax_elementwise", "slope_wrong_activation"),
        f"the slope {A} (1 - {A}) in place of the softmax's derivative",
        1.1,
    )
    yield of_two, -c * Y * S * (1 - S)
    yield Edit(("term_missing",), f"{A} - {y} only where {y} = 1", 1.2), c * (S - Y) * Y


def cost_terms(network: Network) -> list[Array] | None:
    """The terms of dA at the output, -Y/A and (1-Y)/(1-A), or the first alone; None for another cost."""
    if network.labels is None or not network.layers or network.layers[-1].A is None:
        return None
    A, Y = network.value(network.layers[-1].A), network.labels
    if not network.layers[-1].A.requires_grad or A.shape != Y.shape:
        return None
    right = network.gradient(network.layers[-1].A)
    with np.errstate(all="ignore"):
        terms = [-Y / A, (1 - Y) / (1 - A)]
        for used in (terms, terms[:1]):
            total: Array = np.sum(used, axis=0)
            if np.allclose(total, right, rtol=1e-4 if right.dtype == np.float32 else 1e-8):
                return used
    return None


def _at_the_cost(network: Network, Y: Array, node: GraphNode) -> Iterator[_Wrong]:
    terms = cost_terms(network)
    S, z = network.value(node), network.value(network.layers[-1].Z)
    A, y, Z = network.names[node], network.names[network.label_nodes[0]], network.names[network.layers[-1].Z]
    yield Edit(("slope_extra", "output_shortcut"), f"{A} - {y} is d{Z}, not d{A}", 1.05), S - Y
    if terms is None:
        return
    two = len(terms) == 2
    for value, name in ((z, Z), (1 - S, f"1 - {A}")):
        first = -Y / value
        edit = Edit(
            ("z_for_a",) if value is z else ("unknown", "sign_inside"), f"{name} stands where {A} belongs"
        )
        yield edit, first + (1 - Y) / (1 - value) if two else first
    swapped = -(1 - Y) / S + Y / (1 - S) if two else -(1 - Y) / S
    yield (
        Edit(("sign_inside", "unknown"), f"the labels are swapped: 1 - {y} stands where {y} belongs", 1.1),
        swapped,
    )
    half = ("term_missing", "chain_factor_missing", "unknown")
    if two:
        first, second = terms
        yield Edit(("term_missing",), f"the term (1 - {y})/(1 - {A}) is missing", 1.1), first
        yield Edit(("term_missing",), f"the term -{y}/{A} is missing", 1.1), second
        yield Edit(("sign_inside",), f"1 + {A} instead of 1 - {A}", 1.1), first + (1 - Y) / (1 + S)
        yield (
            Edit(
                ("sign_inside", "term_missing"),
                f"a parenthesis: -{y}/{A} - {y}/(1 - {A}), from 1 - {y} log(1 - {A})",
                1.1,
            ),
            first - Y / (1 - S),
        )
        yield (
            Edit(("sign_inside", "term_missing"), f"a parenthesis: -{y}/{A} + {y}/(1 - {A})", 1.1),
            first + Y / (1 - S),
        )
        yield Edit(("term_missing", "unknown"), f"1/(1 - {A}) without its 1 - {y}", 1.1), first + 1 / (1 - S)
        yield (
            Edit(
                ("sign_inside", "term_missing", "unknown"),
                f"-{y}/{A} + 1 - {y}/(1 - {A}): a parenthesis",
                1.1,
            ),
            first + 1 - Y / (1 - S),
        )
        yield Edit(half, "the denominators are missing", 1.1), -Y + (1 - Y)
        yield Edit(half, f"the denominator 1 - {A} is missing", 1.1), first + (1 - Y)
        yield Edit(half, f"the denominator {A} is missing", 1.1), -Y + second
        yield Edit(("z_for_a",), f"{Z} in the first term", 1.2), -Y / z + second
        yield Edit(("z_for_a",), f"{Z} in the second term", 1.2), first + (1 - Y) / (1 - z)
        yield (
            Edit(("unknown",), "the logarithms are not differentiated", 1.1),
            -(Y * np.log(S) + (1 - Y) * np.log(1 - S)),
        )
        yield (
            Edit(("unknown", "constant_factor"), "the denominators are squared", 1.2),
            -Y / S**2 + (1 - Y) / (1 - S) ** 2,
        )
    else:
        binary = Edit(
            ("slope_wrong_activation", "unknown"),
            f"the cost for two classes: + (1 - {y})/(1 - {A}) has no place here",
        )
        yield binary, terms[0] + (1 - Y) / (1 - S)
        yield Edit(half, f"the denominator {A} is missing", 1.1), -Y
        yield Edit(("term_missing", "unknown"), f"{y} is missing", 1.1), -1 / S
        yield Edit(("unknown",), "the logarithm is not differentiated", 1.1), -Y * np.log(S)


def _output_formulas(
    network: Network, Y: Array, node: GraphNode, letter: str, layer: int
) -> Iterator[_Wrong]:
    """The output layer's formulas used in a hidden one."""
    its = next((one.A for one in network.layers if one.index == layer and one.A is not None), node)
    hidden, y = network.value(its), network.names[network.label_nodes[0]]
    A, what = network.names[its], network.names[node]
    told = f"d{what} = {A} - {y}, which holds only at the output with its cross-entropy"
    shortcut = Edit(("output_shortcut",), told)
    if hidden.ndim == 2 and hidden.shape[1] == Y.shape[1] and Y.shape[0] in (1, hidden.shape[0]):
        yield shortcut, hidden - Y
        if letter != "Z":
            of_cost = Edit(
                ("output_shortcut",), f"d{what} by the output's formula, -{y}/{A} + (1 - {y})/(1 - {A})", 1.1
            )
            yield of_cost, -Y / hidden + (1 - Y) / (1 - hidden)
        z = network.value(node)
        yield Edit(("output_shortcut", "z_for_a"), f"d{what} = {what} - {y}", 1.2), z - Y
    if network.output is not None:
        S = network.output[1]
        edit = Edit(
            ("output_shortcut", "wrong_layer"), f"d{what} is the output's own {A[:-1] or 'A'} - {y}", 1.1
        )
        yield edit, S - Y


def _without_the_d(network: Network, node: GraphNode) -> Iterator[_Wrong]:
    """The value where the gradient belongs: a d is lost."""
    shape = network.gradient(node).shape
    if node.name in network.truth.per_example:
        letter, layer = network.role.get(node, ("", 0))
        own = [n for n, (other, its) in network.role.items() if its == layer and letter and other in "ZA"]
        for value in (node, *(n for n in own if n is not node)):
            if network.value(value).shape == shape:
                told = f"{network.names[value]} stands where d{network.names[node]} belongs"
                yield Edit(("unknown",), told, 1.25), network.value(value)


def _of_other_quantities(network: Network, node: GraphNode) -> Iterator[_Wrong]:
    shape = network.gradient(node).shape
    mine = network.role.get(node)
    for other in network.gradients_known:
        if other is node:
            continue
        value = network.gradient(other)
        if value.ndim != len(shape) or not _could_be(value.shape, shape):
            continue
        name, what = network.names[other], network.names[node]
        its = network.role.get(other)
        alike = mine is not None and its is not None and mine[0] == its[0]
        codes, steps = _between(network, node, other)
        of_examples = network.truth.per_example
        if steps == 1 or (node.name in of_examples and other.name not in of_examples):
            continue  # that is one step left out, or taken twice; or nobody would take it
        edit = Edit(
            codes or ("wrong_layer",), f"d{name} stands where d{what} belongs", 1.0 if alike or codes else 1.2
        )
        yield edit, value


def _between(network: Network, node: GraphNode, other: GraphNode) -> tuple[tuple[str, ...], int]:
    """The steps between two quantities of one shape on one path, as mistakes: left out, or taken twice."""
    for low, high, table in ((node, other, _LEFT_OUT), (other, node, _TWICE)):
        path = path_to(network, low)
        if high in path.places:
            kinds = [link.kind for link in path.links[path.places.index(high) :]]
            if all(kind in table for kind in kinds):
                codes = tuple(dict.fromkeys(code for kind in kinds for code in table[kind]))
                return codes, sum(bool(table[kind]) for kind in kinds)
    return (), 0


_LEFT_OUT: dict[str, tuple[str, ...]] = {
    "slope": ("slope_missing",),
    "times": ("dropout_mask_missing",),
    "scale": (),
    "same": (),
}
_TWICE: dict[str, tuple[str, ...]] = {
    "slope": ("slope_extra",),
    "times": ("constant_factor",),
    "scale": (),
    "same": (),
}


def _could_be(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(n == w or n == 1 or k == 0 for k, (n, w) in enumerate(zip(shape, wanted, strict=True)))
