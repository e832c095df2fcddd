"""``check.forward``: values computed by hand against the recorded ones: a wrong J is told from a wrong dJ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_edu.check.diagnosis.edit import Edit, Finding
from tinygrad_edu.check.diagnosis.entries import localised, of_entries, wrong_shape
from tinygrad_edu.check.diagnosis.search import vocabulary
from tinygrad_edu.check.diagnosis.target import Given
from tinygrad_edu.check.manual import given_arrays, not_finite
from tinygrad_edu.check.report import OK, Diagnosis, Entry, Report
from tinygrad_edu.check.roles.network import Layer, Network, stands_for
from tinygrad_edu.check.rounding import precision, run
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import GraphNode
from tinygrad_edu.ops.elementwise.exponential import exp, tanh
from tinygrad_edu.ops.networks.activations import leaky_relu, relu, sigmoid

__all__ = ["forward"]

Array = NDArray[Any]
Changed = tuple[Edit, Any]
"""What was changed in the formula, and the value that it then gives."""


def forward(J: Tensor, manual: Mapping[str | Tensor, ArrayLike | Tensor], *, m: int | None = None) -> Report:
    """Compares forward values (Z, A, J) computed by hand with the recorded ones, and names the mistake.

    Args:
        J: the recorded cost.
        manual: arrays by the names of quantities (``"Z1"``, ``"A2"``, ``"J"``), or by tensor.
        m: the number of examples, where the graph's data don't show it.

    Raises:
        KeyError: no quantity of that name; the message has the nearest ones.
        TypeError, ValueError: as for :func:`compare`.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> X, Y = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 1.0, 1.0]])
    >>> w, b = tg.Tensor([[0.5]]), tg.Tensor([[0.1]])
    >>> Z = w.T @ X + b
    >>> J = tg.binary_cross_entropy(tg.sigmoid(Z), Y)
    >>> report = tg.check.forward(J, {"Z": 0.5 * X, "J": 3 * J.item()})
    >>> report["Z"].diagnosis.codes, report["J"].diagnosis.codes
    (('term_missing',), ('factor_m_missing',))
    """
    given = given_arrays(manual, "forward")
    truth = Truth(J, m=m)
    names = {key: truth.forward_quantity(key) for key in given}
    arrays = {names[key]: value for key, value in given.items()}
    right = {name: _agrees(truth, name, array) for name, array in arrays.items()}
    with np.errstate(all="ignore"):
        network = Network(truth)
        wrong = {name for name in arrays if not right[name]}
        entries = tuple(_entry(network, name, arrays, right[name], wrong) for name in arrays)
    return Report(entries, "forward", (), names)


def _agrees(truth: Truth, name: str, given: Array) -> bool:
    right = truth.values[name]
    if given.shape != right.shape:
        return False
    with np.errstate(all="ignore"):
        return bool(
            np.all(
                (np.abs(given - right) <= truth.tolerance_forward(name, precision(given))) | (given == right)
            )
        )


def _entry(network: Network, name: str, arrays: Mapping[str, Array], right: bool, wrong: set[str]) -> Entry:
    truth, given = network.truth, arrays[name]
    value = truth.values[name]
    tolerance = truth.tolerance_forward(name, precision(given))
    error = float(np.max(np.abs(given - value), initial=0.0)) if given.shape == value.shape else float("inf")
    diagnosis = OK if right else _diagnosis(network, name, arrays, wrong, tolerance)
    return Entry(name, given.shape, right, error, float(np.max(tolerance, initial=0.0)), diagnosis)


def _diagnosis(
    network: Network, name: str, arrays: Mapping[str, Array], wrong: set[str], tolerance: Array
) -> Diagnosis:
    given, node = arrays[name], network.nodes[name]
    right, truth = node.value, network.truth
    if bad := not_finite(given):
        return Diagnosis(("unknown",), bad)
    above = [other for other in wrong if other != name and _depends(node, network.nodes[other])]
    if above:
        carried = _from(network, node, {other: arrays[other] for other in above})
        if carried.shape == given.shape and np.allclose(given, carried, rtol=1e-9, atol=4 * tolerance.max()):
            told = ", ".join(sorted(above))
            return Diagnosis(("follows_from",), f"wrong only because {told} is", root=sorted(above)[0])
    known = vocabulary(truth, next((r for r in truth.readings if r.m > 1), truth.readings[0]))
    target = Given(right, given, tolerance, precision(given), known)
    target.whole(right, free=True)
    if right.ndim or not target.found:
        of_entries(target)
    for edit, value in _variants(network, node):
        target.whole(value, edit)
    if target.found:
        return _told(target.found)
    return wrong_shape(given, right) if given.shape != right.shape else localised(given, right, tolerance)


def _told(found: list[Finding]) -> Diagnosis:
    best = sorted(found, key=lambda f: f.cost)
    alike = [f for f in best if f.cost <= best[0].cost + 0.25]
    codes = tuple(dict.fromkeys(code for f in alike for code in f.codes))
    texts = list(dict.fromkeys(f.text for f in alike))
    return Diagnosis(codes, texts[0], tuple(texts[1:]))


def _depends(node: GraphNode, other: GraphNode) -> bool:
    queue, seen = list(node.inputs), set(node.inputs)
    for one in queue:
        if one is other:
            return True
        for parent in one.inputs:
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return False


def _from(network: Network, node: GraphNode, given: Mapping[str, Array]) -> Array:
    """The quantity, computed from the student's own arrays above it."""
    try:
        values = run(network.truth.program.steps, lambda step, value: given.get(step.name, value))
    except ValueError:
        return np.empty(0)
    return np.asarray(values[node.name])


def _variants(network: Network, node: GraphNode) -> Iterator[Changed]:
    if node.requires_grad:
        name = network.names[node]
        lost = Edit(("unknown",), f"the gradient d{name} stands where {name} belongs: a d is lost")
        yield lost, network.gradient(node)
    for layer in network.layers:
        if node is layer.Z:
            yield from _linear(network, layer)
        elif node is layer.H:
            yield from _activation(network, layer)
    if node is network.truth.graph.outputs[0]:
        yield from _cost(network, node)


def _linear(network: Network, layer: Layer) -> Iterator[Changed]:
    if layer.W is None:
        return
    product = next(n for n in (layer.Z, *layer.Z.inputs) if n.op is not None and n.op.kind == "contraction")
    W, X = product.args[0].value, layer.A_prev.value
    b: Any = 0.0 if layer.b is None else layer.b.value
    name, called = network.names[layer.W], network.names
    if layer.b is not None:
        yield Edit(("term_missing",), f"{called[layer.b]} is missing"), W @ X
        yield Edit(("sign_inside",), f"{called[layer.b]} is subtracted"), W @ X - b
        yield Edit(("constant_factor",), f"{called[layer.b]} is there twice", 1.2), W @ X + 2 * b
    for other in network.pool:
        V = other.value
        for right, factors in ((layer.A_prev, (W, V, b)), (layer.W, (V, X, b)), (layer.b, (W, X, V))):
            if right is not None:
                yield from _affine(stands_for(network, other, right), *factors)
    yield from _affine(Edit(("inner_transpose",), f"{name} is transposed"), W.T, X, b)
    edit = Edit(("elementwise_for_matmul",), f"* instead of @ between {name} and its input")
    if np.ndim(W) == np.ndim(X) and all(n == k or 1 in (n, k) for n, k in zip(W.shape, X.shape, strict=True)):
        yield edit, np.asarray(W * X + b)


def _affine(edit: Edit, W: Array, X: Array, b: Any) -> Iterator[Changed]:
    """``W @ X + b``, where the shapes allow it."""
    try:
        yield edit, W @ X + b
    except ValueError:
        return


def _activation(network: Network, layer: Layer) -> Iterator[Changed]:
    known = network.activation(layer.Z)
    if known is None:
        return
    op, settings, H = known
    z, Z = layer.Z.value, network.names[layer.Z]
    yield Edit(("z_for_a",), f"the activation is missing: {Z} itself"), z
    for other in (sigmoid, tanh, relu, leaky_relu, exp):
        if other.kernel != op.kernel:
            edit = Edit(("wrong_activation", "unknown"), f"{other.name}({Z}) instead of {op.name}({Z})")
            yield edit, np.asarray(other.forward(z))
    twice = Edit(("a_for_z",), f"{op.name} is applied twice")
    yield twice, np.asarray(op.forward(H.value, **settings))
    minus = Edit(("sign_inside",), f"{op.name}(-{Z})")
    yield minus, np.asarray(op.forward(-z, **settings))
    if "axis" in op.settings and z.ndim == 2:
        e = np.exp(z)
        over = Edit(("softmax_axis", "sum_axis"), "normalised over the examples instead of the classes")
        yield over, e / e.sum(axis=1, keepdims=True)
        yield Edit(("softmax_axis", "sum_all"), "normalised over everything"), e / e.sum()


def _cost(network: Network, node: GraphNode) -> Iterator[Changed]:
    plain = _plain_cost(network)
    if plain is None or network.output is None or network.labels is None:
        return
    J, m = float(node.value.item()), network.m
    shape = node.shape
    if abs(J - plain) > 1e-9 * abs(J):
        yield Edit(("regularisation_missing",), "the penalty is missing"), np.full(shape, plain)
        for factor, told in (
            (2.0, "twice"),
            (0.5, "half"),
            (m, "m times"),
            (1 / m, "1/m times"),
            (-1.0, "minus"),
        ):
            edit = Edit(("regularisation_factor",), f"the penalty is {told} what it should be")
            yield edit, np.full(shape, plain + factor * (J - plain))
    two = network.output[0] == "sigmoid"
    for edit, value in _losses(network.output[1], network.labels, m, two):
        yield edit, np.full(shape, value) if np.ndim(value) == 0 else np.asarray(value)


def _losses(S: Array, Y: Array, m: int, two: bool) -> Iterator[tuple[Edit, Any]]:
    """The cross-entropy, got wrong: for two classes, or for many."""
    first, second = Y * np.log(S), (1 - Y) * np.log(1 - S)
    losses = first + second if two else first
    yield Edit(("sum_missing",), "the examples' losses are not summed"), -losses / m
    crossed = Y.T @ np.log(S) + ((1 - Y).T @ np.log(1 - S) if two else 0)
    pairs = ("inner_transpose", "wrong_shape")
    yield Edit(pairs, "Yᵀ log A instead of Y log Aᵀ: every pair of examples"), -crossed / m
    classes = Edit(
        ("inner_transpose", "sum_missing"), "Yᵀ log A instead of Y log Aᵀ, summed over one of them"
    )
    yield classes, -crossed.sum(axis=0, keepdims=True) / m
    yield (
        Edit(("sum_axis", "sum_missing"), "summed over the classes only"),
        -losses.sum(axis=0, keepdims=True) / m,
    )
    if not two:
        return
    early = ("loss_parenthesis", "sign_inside")
    told = "the parenthesis closes too early: the second term is outside the sum"
    yield Edit((*early, "sum_missing"), told), -np.sum(first) / m + second
    told = "a parenthesis: 1 - y log(1 - a) instead of (1 - y) log(1 - a)"
    yield Edit(early, told), -np.sum(first + 1 - Y * np.log(1 - S)) / m
    yield Edit(early, "the second term has the wrong sign"), -np.sum(first - second) / m
    yield Edit(("term_missing",), "the term (1 - Y) log(1 - A) is missing"), -np.sum(first) / m
    yield Edit(("term_missing",), "the term Y log A is missing"), -np.sum(second) / m
    for k, which in ((0, "first"), (-1, "last")):
        y = Y[..., [k]]
        one = Edit(("last_example_only", "unknown"), f"the {which} example's label stands for all")
        yield one, -np.sum(y * np.log(S) + (1 - y) * np.log(1 - S)) / m
    index = Edit(("unknown",), "the example's number is read as a power of A", 1.3)
    powers = np.arange(1, S.shape[-1] + 1)
    yield index, -np.sum(Y * np.log(S**powers) + (1 - Y) * np.log(1 - S**powers)) / m


def _plain_cost(network: Network) -> float | None:
    """The cross-entropy of the output, without a penalty; None where the cost is none."""
    if network.labels is None or network.output is None or network.output[0] == "identity":
        return None
    S, Y = network.output[1], network.labels
    terms = np.where(Y > 0, Y * np.log(S), 0.0)
    if network.output[0] == "sigmoid":
        terms = terms + np.where(Y < 1, (1 - Y) * np.log(1 - S), 0.0)
    return float(-np.sum(terms) / network.m)
