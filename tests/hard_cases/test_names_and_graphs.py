"""Graphs and names that are awkward: shared, unnamed, named twice, foreign, constant."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

AWKWARD = [
    "a b",
    "lambda",
    "np",
    "x_{1}",
    "W[1]",
    'a"<b>&',
    "∇α̂中",
    "d",
    "a\nb",
    "%",
    "\\alpha",
    "__",
    "1x",
    "J",
    "None",
    "#",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_any_name_can_be_drawn_derived_and_run(name, tmp_path):
    x, y = T(2.0, name=name), T(3.0, name="y")
    J = x * np.exp(y) + x * x
    graph = tg.Graph(J)
    assert graph.find(x).tensor is x
    tg.draw(J, tmp_path / "J.svg")
    assert (tmp_path / "J.svg").stat().st_size > 100
    tg.draw(J, tmp_path / "J.dot")
    tg.step_through(J, tmp_path / "J.html")
    derivation = tg.derive(J)
    assert derivation.latex()
    scope: dict = {}
    exec(derivation.numpy_source(), scope)
    gradients = scope["gradients"](2.0, 3.0)
    assert [float(v) for v in gradients.values()] == pytest.approx([np.exp(3.0) + 4.0, 2.0 * np.exp(3.0)])


def test_equal_names_are_told_apart():
    a, b = T(2.0, name="x"), T(3.0, name="x")
    J = a * b
    names = [node.name for node in tg.Graph(J)]
    assert len(set(names)) == 3
    assert tg.Graph(J).find(a).name != tg.Graph(J).find(b).name


def test_an_operand_twice_is_one_node_with_two_edges():
    x = T(3.0, name="x")
    J = x * x
    graph = tg.Graph(J)
    assert len(graph) == 2
    assert graph.find(J).args == (graph.find("x"), graph.find("x"))
    assert tg.draw(J).source.count("->") >= 2


def test_two_outputs_that_share():
    x = T(3.0, name="x")
    u = x * 2
    J, K = u * 3, u + 1
    graph = tg.Graph(J, K, names={"J": J, "K": K, "u": u})
    assert [n.name for n in graph.outputs] == ["J", "K"]
    assert len(graph) == 4


@pytest.mark.parametrize("wrong", [3, {"q": 3}, {3: "q"}, [("q", T(1.0))]])
def test_names_are_a_mapping(wrong):
    with pytest.raises(TypeError, match="names"):
        tg.Graph(T(1.0) * 2, names=wrong)


def test_a_name_that_is_not_there_gives_the_nearest():
    W1 = T(1.0, name="W1")
    J = W1 * 2
    with pytest.raises(KeyError, match="W1"):
        tg.Graph(J).find("w1")
    with pytest.raises(KeyError, match="not in this graph"):
        tg.Graph(J).find(T(1.0))


CONSTANT = [
    tg.Tensor([1.0, 2.0], requires_grad=False),
    tg.Tensor([1, 2]),
    tg.Tensor(True),
    T(np.zeros((0, 3))),
    T(np.nan),
    T(np.inf),
    T(1e-310),
    T([[1e300, -1e-300]], np.float64),
    T(np.ones((50, 60))),
    T(np.ones((2, 3, 4, 5))),
]


@pytest.mark.parametrize("t", CONSTANT, ids=range(len(CONSTANT)))
def test_any_value_can_be_drawn(t, tmp_path):
    tg.draw(t, tmp_path / "t.svg")
    tg.draw(t * 1.0, tmp_path / "t.png")
    assert len(tg.Graph(t)) == 1


def test_drawing_changes_nothing():
    x = T([1.0, 2.0], name="x")
    J = (x * x).sum()
    tg.draw(J, backward=True)
    tg.derive(J)
    tg.check.compare(J, {x: [2.0, 4.0]})
    assert x.grad is None
    J.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_graph_kept_does_not_keep_arrays_locked_after_backward():
    x = T([1.0, 2.0])
    J = (x * x).sum()
    graph = tg.Graph(J)
    J.backward()
    x.data[0] = 5.0
    assert graph.find(x).value.tolist() == [5.0, 2.0]


def test_derivatives_by_name_tensor_or_neither():
    x, y = T(2.0, name="x"), T(3.0, name="y")
    J = x * x * y
    one = tg.derive(J, wrt=["x"]).latex()
    assert tg.derive(J, wrt=[x]).latex() == tg.derive(J, wrt="x").latex() == one
    assert one != tg.derive(J).latex()


BAD = {
    "derive a number": (lambda: tg.derive(3.0), TypeError, "Tensor"),
    "derive a vector": (lambda: tg.derive(T([1.0, 2.0]) * 2), ValueError, "scalar"),
    "derive by nothing": (lambda: tg.derive(T(1.0) * 2, wrt=[]), ValueError, "at least one"),
    "derive by a number": (lambda: tg.derive(T(1.0) * 2, wrt=[3]), TypeError, "names"),
    "derive by a stranger": (lambda: tg.derive(T(1.0) * 2, wrt=["q"]), KeyError, "not in this graph"),
    "derive a constant": (
        lambda: tg.derive(tg.Tensor(1.0, requires_grad=False) * 2),
        RuntimeError,
        "nothing to differentiate",
    ),
    "draw a number": (lambda: tg.draw(3.0, "J.svg"), TypeError, "Tensor"),
    "draw to an unknown type": (lambda: tg.draw(T(1.0), "J.foo"), ValueError, r"\.foo.*\.svg"),
    "draw to no type": (lambda: tg.draw(T(1.0), "J"), ValueError, "file type"),
    "draw backward from a vector": (lambda: tg.draw(T([1.0, 2.0]) * 2, backward=True), ValueError, "scalar"),
    "draw to nowhere": (lambda: tg.draw(T(1.0), "no/such/folder/J.svg"), OSError, "no/such/folder"),
    "step through to an unknown type": (lambda: tg.step_through(T(1.0) * 2, "J.txt"), ValueError, "html"),
    "step through a vector": (lambda: tg.step_through(T([1.0, 2.0]) * 2, "J.html"), ValueError, "scalar"),
    "a graph of nothing": (tg.Graph, TypeError, "at least one"),
    "a graph of a number": (lambda: tg.Graph(3.0), TypeError, "float"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_errors_say_what_was_expected(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_name_is_a_string():
    x = T(1.0)
    with pytest.raises(TypeError, match="string"):
        tg.Tensor(1.0, name=3)
    x.name = 3
    with pytest.raises(TypeError, match="string"):
        tg.Graph(x * 2)
