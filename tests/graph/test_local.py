"""The local derivative on an edge, in text."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.table import OPS
from tinygrad_edu.expression import applied
from tinygrad_edu.graph.formulas import name_of
from tinygrad_edu.graph.local import local_derivative

x, z = tg.Tensor(np.array([[0.5, 2.0], [1.0, 3.0]]), name="x"), tg.Tensor(np.array([[1.0, 4.0]]), name="z")
p = tg.Tensor(np.array([[0.3, 0.6]]), name="p")
Y = np.array([[0.0, 1.0]])


def edge(result, k=0):
    graph = tg.Graph(result, names={"y": result})
    return local_derivative(graph.outputs[0], k)


@pytest.mark.parametrize(
    ("result", "k", "text"),
    [
        (x + z, 0, "1"),
        (x - z, 1, "−1"),
        (x * z, 0, "z"),
        (x * z, 1, "x"),
        (x / z, 0, "1 / z"),
        (x / z, 1, "−y / z"),
        (3 * x, 1, "3"),
        (-x, 0, "−1"),
        (x @ x.T, 0, "· transpose_1ᵀ"),
        (z @ x, 0, "· xᵀ"),
        (z @ x, 1, "zᵀ ·"),
        (x.sum(axis=1), 0, "1"),
        (x.mean(), 0, "1 / 4"),
        (x.T, 0, "gᵀ"),
        (np.exp(x), 0, "y"),
        (np.log(x), 0, "1 / x"),
        (np.tanh(x), 0, "1 − y²"),
        (tg.sigmoid(x), 0, "y * (1 − y)"),
        (tg.relu(x), 0, "[x > 0]"),
        (tg.binary_cross_entropy(p, Y), 0, "((1 − Y) / (1 − p) − Y / p) / 2"),
        (tg.binary_cross_entropy_with_logits(z, Y), 0, "(σ(z) − Y) / 2"),
    ],
)
def test_it_reads_as_on_a_blackboard(result, k, text):
    assert edge(result, k) == text


def test_numbers_that_nobody_named_are_shown_as_numbers():
    a, b = tg.Tensor(2.0), tg.Tensor(7.0, name="b")
    product = [a * b][0]
    del a
    assert edge(product, 1) == "2"


def test_the_caller_says_what_is_written_for_a_node():
    t = [x.T][0]
    graph = tg.Graph(t @ x, names={"t": t})
    meant = {node.name: name_of(node) for node in graph}
    assert local_derivative(graph.outputs[0], 1) == "tᵀ ·"
    meant["t"] = applied(tg.transpose, meant["x"])
    assert local_derivative(graph.outputs[0], 1, lambda n: meant[n.name]) == "x ·"  # and not xᵀᵀ
    assert local_derivative(graph.outputs[0], 0, called=lambda n: n.called.upper()) == "· Xᵀ"


@pytest.mark.parametrize("op", [op for op in OPS.values() if not op.constant], ids=lambda op: op.name)
def test_every_operation_has_one_on_each_edge(op):
    for sample in op.samples:
        xs = sample.draw(np.random.default_rng(0))
        result = op(*(tg.Tensor(a) if np.asarray(a).dtype.kind == "f" else a for a in xs), **sample.settings)
        node = tg.Graph(result).outputs[0]
        for k, operand in enumerate(node.inputs):
            if operand.requires_grad:
                assert local_derivative(node, k)
