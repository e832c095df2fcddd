"""The ways in which each kind of step is got wrong: for a gradient that enters it, what would come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.check.diagnosis.path import Link
from tinygrad_edu.check.diagnosis.slopes import wrong_slopes
from tinygrad_edu.graph import GraphNode

__all__ = ["Option", "options", "stands_for"]


@dataclass(frozen=True)
class Option:
    """What a step would give with one change to it."""

    edit: Edit
    value: Array
    turnable: bool = False
    fills: bool = False


def options(network: Network, link: Link, G: Array) -> Iterator[Option]:
    """Every change to one step that its shapes allow, applied to the gradient that enters."""
    made = network.remembered.get(link)
    if made is None:
        made = network.remembered[link] = list(_OPTIONS.get(link.kind, _none)(network, link))
    for edit, make, turnable, fills in made:
        try:
            value = make(G)
        except (ValueError, IndexError):
            continue
        yield Option(replace(edit, at=f"d{network.names[link.below]}"), value, turnable, fills)


def _with(make: Callable[..., Any], fixed: Any) -> Callable[[Array], Any]:
    """A function of G alone, the loop's variable being held."""
    return lambda G: make(G, fixed)


_Made = tuple[Edit, Callable[[Array], Any], bool, bool]


def _none(network: Network, link: Link) -> Iterator[_Made]:  # noqa: ARG001
    yield from ()


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


def _left(network: Network, link: Link) -> Iterator[_Made]:
    W, by = link.factor, link.by
    assert by is not None
    name = network.names[by]
    yield Edit(("chain_factor_missing",), f"the factor {name}ᵀ is missing"), lambda G: G, False, True
    if W.shape[0] == W.shape[1]:
        yield (
            Edit(("inner_transpose",), f"{name} instead of {name}ᵀ inside the product"),
            lambda G: W @ G,
            False,
            False,
        )
    else:
        yield (
            Edit(("inner_transpose",), f"{name} instead of {name}ᵀ inside the product"),
            lambda G: W @ G.T,
            True,
            False,
        )
    elementwise = Edit(("elementwise_for_matmul",), f"* instead of @ between {name}ᵀ and the gradient")
    yield elementwise, lambda G: W.T * G, False, False
    yield (
        Edit(("elementwise_for_matmul", "inner_transpose"), f"{name} * instead of {name}ᵀ @", 1.3),
        lambda G: W * G,
        False,
        False,
    )
    if W.shape[0] == 1:
        above = network.names[link.above]
        alone = Edit(("chain_factor_missing",), f"the gradient d{above} is missing after {name}ᵀ")
        yield alone, lambda G: W.T, False, True
    summed = Edit(
        ("summed_too_early", "sum_extra"), "the gradient is summed over the examples before this step", 1.1
    )
    yield summed, lambda G: W.T @ G.sum(axis=1, keepdims=True), False, True
    for node in network.pool:
        if node is by or node.value.ndim != 2:
            continue
        V = network.value(node)
        if node in network.label_nodes or V.shape[0] not in (W.shape[0], W.shape[1]):
            continue
        edit = stands_for(network, node, by)
        yield edit, _with(lambda G, V: V.T @ G, V), False, False
        if V.shape[0] != V.shape[1] or V.shape == W.shape:
            both = Edit((*edit.codes, "inner_transpose"), edit.text + ", without its transpose", 1.5)
            yield both, _with(lambda G, V: V @ G, V), False, False


def _right(network: Network, link: Link) -> Iterator[_Made]:
    V, by = link.factor, link.by
    assert by is not None
    name = network.names[by]
    missing = Edit(("chain_factor_missing",), f"the factor {name}ᵀ is missing")
    yield missing, lambda G: G.sum(axis=1, keepdims=True), False, True
    yield (
        Edit(("chain_factor_missing", "sum_missing"), f"the product with {name}ᵀ is missing", 1.2),
        lambda G: G,
        False,
        False,
    )
    one_by_one = Edit(
        ("sum_missing", "elementwise_for_matmul"),
        f"* instead of @ with {name}: the sum over the examples is missing",
    )
    yield one_by_one, lambda G: G * V, True, False
    total = Edit(
        ("elementwise_for_matmul", "sum_all"), f"* instead of @ with {name}, and summed over everything", 1.1
    )
    yield total, lambda G: np.sum(G * V, keepdims=True), False, True
    over = Edit(
        ("elementwise_for_matmul", "sum_axis"), f"* instead of @ with {name}, and summed over the units", 1.2
    )
    yield over, lambda G: np.sum(G * V, axis=0, keepdims=True), True, True
    over = Edit(("elementwise_for_matmul",), f"* instead of @ with {name}, summed over the examples", 1.3)
    yield over, lambda G: np.sum(G * V, axis=1, keepdims=True), True, True
    inner = Edit(("inner_transpose",), f"{name} instead of {name}ᵀ inside the product")
    yield inner, lambda G: G @ V, False, False
    yield inner, lambda G: G.T @ V, True, False
    for k, column in (("first", slice(0, 1)), ("last", slice(-1, None))):
        one = Edit(
            ("last_example_only",) if k == "last" else ("example_omitted", "last_example_only"),
            f"only the {k} example counts",
            1.1,
        )
        yield one, _with(lambda G, column: G[:, column] @ V[:, column].T, column), False, False
    for node in network.pool:
        other = network.value(node)
        if node is not by and other.ndim == 2 and other.shape[1] == V.shape[1]:
            yield stands_for(network, node, by), _with(lambda G, other: G @ other.T, other), False, False
    for node in network.gradients_known:
        if node.name not in network.truth.per_example:
            continue
        other = network.gradient(node)
        if other.ndim == 2 and other.shape[1] == V.shape[1]:
            edit = Edit(("wrong_layer",), f"d{network.names[node]} stands where {name} belongs", 1.3)
            yield edit, _with(lambda G, other: G @ other.T, other), False, False
    for threshold in (0.0, 0.5):
        cut = Edit(("unknown",), f"{name} > {threshold} stands where {name} belongs", 1.4)
        yield cut, _with(lambda G, threshold: G @ (threshold < V).astype(V.dtype).T, threshold), False, False


def _slope(network: Network, link: Link) -> Iterator[_Made]:
    A = network.names[link.above]
    Z = network.names[link.below]
    s = link.factor
    yield (
        Edit(("slope_missing", "chain_factor_missing"), f"the slope g'({Z}) is missing"),
        lambda G: G,
        False,
        False,
    )
    yield (
        Edit(("slope_extra", "slope_doubled"), f"the slope g'({Z}) is there twice"),
        lambda G: G * s * s,
        False,
        False,
    )
    for codes, told, slope, cost in wrong_slopes(network, link):
        if np.all(slope == 1):
            continue  # that is no slope at all
        yield (
            Edit(codes, f"in place of the slope g'({Z}) stands {told}", cost),
            _with(lambda G, slope: G * slope, slope),
            False,
            False,
        )
    alone = Edit(("chain_factor_missing",), f"the gradient d{A} is missing: only the slope g'({Z}) is there")
    yield alone, lambda G: s, False, False
    plus = Edit(("slope_wrong", "unknown"), f"+ instead of * before the slope g'({Z})", 1.2)
    yield plus, lambda G: G + s, False, False
    on_G = Edit(
        ("slope_on_gradient", "slope_wrong"), f"the slope is taken at the gradient d{A} instead of {Z}", 1.1
    )
    yield on_G, lambda G: G * _slope_at(link, G), False, False
    yield on_G, lambda G: G * (G > 0), False, False
    over = Edit(("slope_wrong",), f"divided by the slope g'({Z}) instead of multiplied", 1.1)
    yield over, lambda G: np.where(s == 0, 0, G / s), False, False
    product = Edit(("matmul_for_elementwise",), f"@ instead of * with the slope g'({Z})", 1.05)
    for make in (lambda G: G @ s.T, lambda G: G.T @ s, lambda G: G @ s, lambda G: s.T @ G):
        yield product, make, True, False


def _slope_at(link: Link, x: Array) -> Array:
    op = link.op
    assert op is not None
    rule: Any = op.pullbacks[0]
    return np.asarray(rule(np.ones_like(x), op.forward(x, **link.settings), x, **link.settings), float)


def _softmax(network: Network, link: Link) -> Iterator[_Made]:
    A, axis = link.factor, link.axis
    name = network.names[link.above]
    elementwise = ("softmax_elementwise", "term_missing")
    yield (
        Edit(elementwise, f"the softmax's derivative is taken entry by entry, {name} * (1 - {name})", 1.0),
        lambda G: G * A * (1 - A),
        False,
        False,
    )
    yield (
        Edit(
            ("term_missing", "softmax_elementwise"),
            f"the sum over the classes is missing in the softmax's derivative: only {name} * d{name}",
            1.1,
        ),
        lambda G: G * A,
        False,
        False,
    )
    yield Edit(("slope_missing",), "the softmax's derivative is missing"), lambda G: G, False, False
    wrong = Edit(
        ("softmax_axis", "sum_axis"),
        "the sum in the softmax's derivative runs over the examples instead of the classes",
        1.1,
    )
    yield wrong, lambda G: A * (G - np.sum(G * A, axis=1 - axis, keepdims=True)), False, False
    yield (
        Edit(("slope_wrong",), f"the factor {name} in front of the softmax's derivative is missing", 1.2),
        lambda G: G - np.sum(G * A, axis=axis, keepdims=True),
        False,
        False,
    )
    plus = Edit(("sign_inside",), "a + instead of the - inside the softmax's derivative", 1.1)
    yield plus, lambda G: A * (G + np.sum(G * A, axis=axis, keepdims=True)), False, False
    yield (
        Edit(("slope_wrong_activation",), "the slope of tanh in place of the softmax's derivative", 1.2),
        lambda G: G * (1 - A * A),
        False,
        False,
    )


def _times(network: Network, link: Link) -> Iterator[_Made]:
    values = np.unique(link.factor)
    name = network.names[link.by] if link.by is not None else "factor"
    if values.size <= 2 and 0 in values:
        yield (
            Edit(("dropout_mask_missing", "chain_factor_missing"), f"the mask {name} is missing"),
            lambda G: G,
            False,
            False,
        )
        inverted = Edit(("dropout_mask_missing", "slope_wrong"), f"the mask {name} is applied inverted", 1.2)
        yield inverted, lambda G: G * (values.max() - link.factor), False, False
        return
    yield Edit(("chain_factor_missing",), f"the factor {name} is missing"), lambda G: G, False, False
    yield (
        Edit(("constant_factor",), f"the factor {name} is there twice", 1.2),
        lambda G: G * link.factor**2,
        False,
        False,
    )
    for node in network.pool:
        if node is not link.by:
            other = network.value(node)
            edit = Edit(("wrong_layer",), f"{network.names[node]} stands where {name} belongs", 1.2)
            yield edit, _with(lambda G, other: G * other, other), False, False


def _sum(network: Network, link: Link) -> Iterator[_Made]:  # noqa: ARG001
    yield Edit(("sum_missing",), "the sum over the examples is missing"), lambda G: G, False, False
    everything = Edit(
        ("sum_all", "sum_axis", "sum_extra"), "summed over the units as well as over the examples"
    )
    yield everything, lambda G: np.sum(G, keepdims=True), False, True
    for axis in (0, 1):
        axes = Edit(("sum_axis",), f"summed over axis {axis} instead of axis {1 - axis}")
        if len(link.factor) < 2 or link.factor == (1, 1) or link.factor[axis] != 1:
            yield axes, _with(lambda G, axis: np.sum(G, axis=axis, keepdims=True), axis), False, False
    for told, reduce in _REDUCTIONS.items():
        yield (
            Edit(("unknown",), f"{told} over the examples instead of the sum", 1.3),
            _with(lambda G, reduce: reduce(G), reduce),
            False,
            False,
        )
    for k, column in (("first", slice(0, 1)), ("last", slice(-1, None))):
        one = Edit(
            ("last_example_only",) if k == "last" else ("example_omitted", "last_example_only"),
            f"only the {k} example counts",
            1.1,
        )
        yield one, _with(lambda G, column: G[:, column], column), False, False


_REDUCTIONS: dict[str, Callable[[Array], Array]] = {
    "the largest": lambda G: np.max(G, axis=1, keepdims=True),
    "the smallest": lambda G: np.min(G, axis=1, keepdims=True),
    "the sum of the magnitudes": lambda G: np.sum(np.abs(G), axis=1, keepdims=True),
    "the sum of the squares": lambda G: np.sum(G * G, axis=1, keepdims=True),
    "the root of the sum of squares": lambda G: np.sqrt(np.sum(G * G, axis=1, keepdims=True)),
    "the median": lambda G: np.median(G, axis=1, keepdims=True),
    "the product": lambda G: np.prod(G, axis=1, keepdims=True),
}

_OPTIONS: dict[str, Callable[[Network, Link], Iterator[_Made]]] = {
    "left": _left,
    "right": _right,
    "slope": _slope,
    "softmax": _softmax,
    "times": _times,
    "sum": _sum,
}
