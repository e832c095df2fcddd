"""Which small edits of a formula give another value: one step of the forward pass of any graph is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.blocks import function_of
from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.pool import LIKELY, applied, functions_of_one
from tinygrad_edu.check.diagnosis.steps import feeds, joins, multiplies
from tinygrad_edu.check.diagnosis.terms import depends_on_data
from tinygrad_edu.check.diagnosis.words import Words
from tinygrad_edu.check.truth import Truth
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph, GraphNode, Program
from tinygrad_edu.ops.networks.activations import sigmoid, softmax

Changed = tuple[Edit, Any]
"""What was changed in the formula, and the value that it then gives."""
Changes = tuple[dict[GraphNode, Any], Edit]
"""Other values for some nodes, or how they are made of the values before them."""
_PREDICTED: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda z: z,
    sigmoid,
    lambda z: softmax(z, axis=0),
    lambda z: softmax(z, axis=-1),
)
_MOST_STEPS = 200
_FACTORS = (2.0, 0.5, -1.0)


def edited(truth: Truth, name: str) -> Iterator[Changed]:
    """Every edit of a quantity's formula that can be run, and the value that it gives."""
    node = truth.graph.find(name)
    if node.requires_grad:
        text = f"the gradient d{name} stands where {name} belongs: a d is lost"
        yield Edit(("unknown",), text), truth.gradient(name, "course")
    formula = Formula(truth.graph, node, truth.m)
    yield from formula.edited()
    for part in formula.steps:
        if (written := _cross_entropy(truth.graph, part)) is not None:
            named = {n.tensor: n.name for n in truth.graph if n.named and n is not part}
            graph = Graph(written, names=named)
            rest = np.asarray(node.value - part.value)
            for edit, value in Formula(graph, graph.outputs[0], truth.m).edited():
                alone = value.size != rest.size
                yield edit, value + rest.sum() if alone else value.reshape(rest.shape) + rest
            return


def _cross_entropy(graph: Graph, node: GraphNode) -> Tensor | None:
    """A cost of predictions and labels, written as people write it, where its value is that; else None."""
    if node.value.size != 1:
        return None
    J = float(node.value.reshape(()))
    data = [n for n in graph.inputs if not n.requires_grad and n.value.size > 1]
    labels = [n.tensor for n in data if n.value.min() >= 0 and n.value.max() <= 1]
    made = sorted((n for n in graph if n.requires_grad and n.value.ndim), key=lambda n: not n.named)
    for predicted in _PREDICTED:
        for Y, z in ((Y, n.tensor) for Y in labels for n in made if n.shape == Y.shape):
            A = predicted(z)
            if not (A.data.min() > 0 and A.data.max() < 1):
                continue
            for losses in (Y * np.log(A), Y * np.log(A) + (1 - Y) * np.log(1 - A)):
                total = float(np.sum(losses.data))
                for m in dict.fromkeys((1, *Y.shape)):
                    if abs(-total / m - J) <= 1e-9 * abs(J):
                        found: Tensor = -np.sum(losses) / m
                        return found
    return None


class Formula:
    """How a quantity comes out of those above it that have a name."""

    def __init__(self, graph: Graph, node: GraphNode, m: int) -> None:
        self.graph, self.node, self.m = graph, node, m
        program = Program.of_graph(graph)
        self.words, self.data = Words(program), depends_on_data(program)
        cone, queue = {node}, [node]
        for one in queue:
            for other in one.inputs if one is node or not one.named else ():
                if other not in cone:
                    cone.add(other)
                    queue.append(other)
        ordered = [n for n in graph if n in cone]
        self.steps = [n for n in ordered if n.op is not None and (n is node or not n.named)]
        self.above = [n for n in ordered if n not in self.steps]

    def edited(self) -> Iterator[Changed]:
        """Every edit, and the value that it gives."""
        if len(self.steps) > _MOST_STEPS:
            return
        for changes, edit in self._changes():
            try:
                yield edit, self._value(changes)
            except (ValueError, TypeError):
                continue
        yield from self._outside_of_a_sum()
        yield from self._penalties()

    def _value(self, changes: Mapping[GraphNode, Any], end: GraphNode | None = None) -> Array:
        """The quantity, or a node on the way to it, where nodes have other values, or are made otherwise."""
        known = {node: value for node, value in changes.items() if not callable(value)}
        for node in self.steps:
            if node in changes:
                known[node] = changes[node](known) if callable(changes[node]) else changes[node]
            elif any(n in known for n in node.inputs):
                known[node] = _again(node, known)
        end = self.node if end is None else end
        return np.asarray(known.get(end, end.value))

    def _changes(self) -> Iterator[Changes]:
        for node in self.above:
            yield from self._of_a_value(node)
        for node in self.steps:
            op = node.op
            assert op is not None
            arrays = [a for a in node.args if isinstance(a, GraphNode)]
            if op.kind == "elementwise" and joins(node):
                yield from self._of_a_sum(node, arrays)
            elif len(arrays) == 2 and multiplies(node):
                yield from self._of_a_product(node, *arrays)
            elif op.kind == "reduction" and len(arrays) == 1:
                yield from self._of_a_reduction(node, arrays[0])
            for x in (*self.above, *self.steps):
                same = x is not node and x.shape == node.shape
                if same and self._bends(x, node) and function_of(self.graph, x.name, node.name):
                    yield from self._of_a_function(x, node)
        yield from self._of_all_axes()
        yield from self._of_all_products()

    def _bends(self, x: GraphNode, y: GraphNode) -> bool:
        """Whether y comes from x by more than sums and multiples: b + 2 x is no function that one forgets."""
        between = (n for n in self.steps if n is y or (n.depends_on(x) and y.depends_on(n)))
        return any(n.op is not None and not n.op.linear and n is not x for n in between)

    def _of_a_value(self, node: GraphNode) -> Iterator[Changes]:
        value, name = np.asarray(node.value, float), self.words.of(node.name)
        if value.ndim == 2 and value.shape[0] == value.shape[1]:
            yield {node: value.T}, Edit(("inner_transpose",), f"{name} is transposed")
        if not node.requires_grad and value.size > 1 and np.isin(value, (0, 1)).all():
            yield {node: 1 - value}, Edit(("labels_swapped",), f"1 - {name} stands where {name} belongs")
        if value.ndim and value.shape[-1] > 1 and not node.requires_grad:
            for k, which in ((0, "first"), (-1, "last")):
                text = f"of {name} the {which} example's entries stand for all"
                yield {node: value[..., [k]] + 0 * value}, Edit(("last_example_only", "unknown"), text, 1.1)
        for other in self.graph:
            likely = other.named or other.is_leaf
            if likely and other is not node and other is not self.node and other.shape == node.shape:
                codes: tuple[str, ...] = ("wrong_layer",)
                codes = ("z_for_a", *codes) if feeds(node, other.name) else codes
                codes = ("a_for_z", *codes) if feeds(other, node.name) else codes
                text = f"{self.words.of(other.name)} stands where {name} belongs"
                yield {node: other.value}, Edit(codes, text, 1.0 if value.ndim else 1.2)

    def _of_a_sum(self, node: GraphNode, arrays: list[GraphNode]) -> Iterator[Changes]:
        for a in arrays:
            name, rest = self.words.of(a.name), _again(node, {a: np.zeros(a.shape)})
            own = node.value - rest
            yield {node: rest}, Edit(("term_missing",), f"{name} is missing")
            text = f"{name} has the wrong sign: + and - are exchanged"
            yield {node: rest - own}, Edit(("sign_inside",), text)
            yield {node: rest + 2 * own}, Edit(("constant_factor",), f"{name} is there twice", 1.2)

    def _of_a_product(self, node: GraphNode, a: GraphNode, b: GraphNode) -> Iterator[Changes]:
        x, y = self.words.of(a.name), self.words.of(b.name)
        assert node.op is not None
        if node.op.kind == "contraction":
            text = f"* instead of @ between {x} and {y}"
            if all(n == k or 1 in (n, k) for n, k in zip(a.shape, b.shape, strict=False)):
                yield {node: a.value * b.value}, Edit(("elementwise_for_matmul",), text)
            for one, name in ((a, x), (b, y)):
                turned = _turned_in(node, one)
                yield {node: turned}, Edit(("inner_transpose",), f"{name} is transposed in the product")
            return
        for one, other, name in ((a, b, x), (b, a, y)):
            if other.shape == node.shape:
                yield {node: other.value}, Edit(("chain_factor_missing",), f"the factor {name} is missing")
            for part in one.inputs if joins(one) else ():
                rest = _again(one, {part: np.zeros(part.shape)})
                text = f"a parenthesis: only a part of {name} is multiplied by {self.words.of(other.name)}"
                for inner, outer in ((one.value - rest, rest), (rest, one.value - rest)):
                    made = _again(node, {one: inner}) + outer
                    yield {node: made}, Edit(("loss_parenthesis", "sign_inside"), text)

    def _of_a_reduction(self, node: GraphNode, a: GraphNode) -> Iterator[Changes]:
        name, op = self.words.of(a.name), node.op
        assert op is not None
        count = a.value.size / max(1, node.value.size)
        mean = 1 / count if np.allclose(node.value * count, np.sum(a.value)) and count > 1 else 1.0
        if op.linear == ((0,),) and a.value.ndim:
            yield {node: a.value * mean}, Edit(("sum_missing",), f"{name} is not summed")
        for size in range(1, a.value.ndim + 1):
            for axes in combinations(range(a.value.ndim), size):
                for keepdims in (True, False):
                    value = op.forward(a.value, **{**node.settings, "axis": axes, "keepdims": keepdims})
                    text = f"{op.name} of {name} over axis {', '.join(map(str, axes))}, not as it should be"
                    codes = ("sum_axis", "sum_missing") if size < a.value.ndim else ("sum_all", "sum_axis")
                    yield {node: value}, Edit(codes, text, 1.05)

    def _of_a_function(self, x: GraphNode, y: GraphNode) -> Iterator[Changes]:
        z, name, made = np.asarray(x.value, float), self.words.of(x.name), self.words.of(y.name)
        yield {y: z}, Edit(("z_for_a",), f"the function is missing: {name} stands where {made} belongs")
        for change, codes, text in (
            (-z, ("sign_inside",), f"{made} is taken of -{name}"),
            (np.asarray(y.value, float), ("a_for_z",), f"the function that makes {made} is applied twice"),
        ):
            yield {y: self._value({x: change}, y)}, Edit(codes, text, 1.1)
        for op in functions_of_one():
            value = applied(op, {}, z) if op.kernel in LIKELY else None
            if value is not None and not np.allclose(value, y.value):
                text = f"{op.name}({name}) instead of {made}"
                yield {y: value}, Edit(("wrong_activation", "unknown"), text)

    def _of_all_axes(self) -> Iterator[Changes]:
        """Every step that goes along an axis, as those of a softmax, along another one."""
        along = [n for n in self.steps if "axis" in n.settings]
        for axis in dict.fromkeys(str(n.settings["axis"]) for n in along):
            group = [n for n in along if str(n.settings["axis"]) == axis]
            for other in (*range(max(n.inputs[0].value.ndim for n in group)), None):
                where = "over everything" if other is None else f"over axis {other}"
                edit = Edit(("softmax_axis", "sum_axis", "sum_all"), f"{where} instead of axis {axis}", 1.1)
                yield {n: _along(n, other) for n in group}, edit

    def _of_all_products(self) -> Iterator[Changes]:
        """Every product entry by entry as one of matrices, with the sum after it or without."""
        pairs = [n for n in self.steps if self.data[n.name] and _of_entries(n)]
        sums = [n for n in self.steps if n.op is not None and n.op.kind == "reduction" and self.data[n.name]]
        for first in (True, False) if pairs else ():
            x, y = (self.words.of(n.name) for n in pairs[0].inputs)
            told = f"{x}.T @ {y}" if first else f"{x} @ {y}.T"
            for axis, summed in ((None, ""), (0, ", summed over axis 0"), (1, ", summed over axis 1")):
                text = f"{told} stands where {x} * {y} belongs: every pair of examples{summed}"
                edit = Edit(("inner_transpose", "sum_missing", "wrong_shape"), text, 1.1)
                yield {n: _matrices(n, first) for n in pairs} | {n: _summed(n, axis) for n in sums}, edit

    def _outside_of_a_sum(self) -> Iterator[Changed]:
        """A parenthesis that closes too early: one addend is added to the result, not under its sum."""
        for node in self.steps if self.node.value.ndim == 0 else ():
            if not joins(node) or not node.value.ndim:
                continue
            for a in node.inputs:
                rest = self._value({node: _again(node, {a: np.zeros(a.shape)})})
                text = f"the parenthesis closes too early: {self.words.of(a.name)} is outside the sum"
                for sign in (1, -1):
                    edit = Edit(("loss_parenthesis", "sign_inside", "sum_missing"), text, 1.05)
                    yield edit, rest + sign * a.value

    def _penalties(self) -> Iterator[Changed]:
        """The part of a number that no data enters: left out, or taken with another factor."""
        if self.node.value.ndim or not self.data[self.node.name]:
            return
        without, queue = 0.0, [(self.node, 1.0)]
        for node, sign in queue:
            if joins(node) and node in self.steps:
                for a in node.args:
                    if isinstance(a, GraphNode):
                        own = _again(node, {b: 0 * b.value for b in node.inputs if b is not a})
                        queue.append((a, sign * (1.0 if own == a.value else -1.0)))
            elif not self.data[node.name]:
                without += sign * float(node.value)
        if without:
            J, m = float(self.node.value), float(self.m)
            yield Edit(("regularisation_missing",), "the penalty is missing"), np.array(J - without)
            for c in (*_FACTORS, m, 1 / m):
                text = f"the penalty is {c:.6g} times what it should be"
                yield Edit(("regularisation_factor",), text), np.array(J + (c - 1) * without)


def _again(node: GraphNode, known: Mapping[GraphNode, Any]) -> Array:
    """A node's operation on other operands."""
    assert node.op is not None
    args = [known.get(a, a.value) if isinstance(a, GraphNode) else a for a in node.args]
    return np.asarray(node.op.forward(*args, **node.settings))


def _turned_in(node: GraphNode, one: GraphNode) -> Callable[[Mapping[GraphNode, Any]], Array]:
    return lambda known: _again(node, {one: np.asarray(known.get(one, one.value)).T})


def _along(node: GraphNode, axis: int | None) -> Callable[[Mapping[GraphNode, Any]], Array]:
    assert node.op is not None
    settings, forward = {**node.settings, "axis": axis}, node.op.forward
    return lambda known: forward(*(known.get(n, n.value) for n in node.inputs), **settings)


def _matrices(node: GraphNode, first: bool) -> Callable[[Mapping[GraphNode, Any]], Array]:
    def made(known: Mapping[GraphNode, Any]) -> Array:
        x, y = (np.asarray(known.get(n, n.value)) for n in node.inputs)
        return np.asarray(x.T @ y if first else x @ y.T)

    return made


def _summed(node: GraphNode, axis: int | None) -> Callable[[Mapping[GraphNode, Any]], Array]:
    (a,) = node.inputs
    if axis is None:
        return lambda known: np.asarray(known.get(a, a.value))
    return lambda known: np.sum(known.get(a, a.value), axis=axis, keepdims=True)


def _of_entries(node: GraphNode) -> bool:
    """Whether a node multiplies two matrices entry by entry."""
    product = node.op is not None and node.op.kind == "elementwise" and multiplies(node)
    return product and len(node.shape) == 2 and [n.shape for n in node.inputs] == [node.shape] * 2
