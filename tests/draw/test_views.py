"""What stands in a picture: every value once, every arrow, formulas folded, and what is told of gradients."""

import re
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.course_example import example
from tests.draw.networks import KINDS, called, network, recurrent
from tests.draw.seen import edges, named, nodes, words
from tinygrad_edu.drawing.formulas import Reading
from tinygrad_edu.drawing.view_selection import sketch_of


@pytest.mark.parametrize("kind", KINDS)
def test_each_value_is_one_box_and_each_use_one_arrow(kind):
    graph = tg.Graph(KINDS[kind]())
    picture = tg.draw(graph, detail="all", fit="strip")
    told = [n for n in graph if n.named or n.value.ndim or not n.is_leaf]
    assert len(nodes(picture)) == len(told)
    key = {node: f"n{k}" for k, node in enumerate(graph)}
    uses = Counter((key[a], key[node]) for node in graph for a in node.inputs if a in told)
    assert Counter((tail, head) for tail, head, _ in edges(picture)) == uses


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backward", [False, True])
def test_each_named_quantity_is_one_box_of_the_short_picture(kind, backward):
    graph = tg.Graph(KINDS[kind]())
    picture = tg.draw(graph, detail="quantities", backward=backward, fit="strip")
    for node in graph:
        if node.named:
            assert len(named(picture, node.name)) == 1
            assert len(named(picture, f"d{node.name}")) == (backward and node.requires_grad)


@pytest.mark.parametrize("kind", KINDS)
def test_quantities_are_connected_as_the_computation_is(kind):
    graph = tg.Graph(KINDS[kind]())
    picture = tg.draw(graph, detail="quantities", fit="strip")
    key = {f"n{k}": node for k, node in enumerate(graph)}
    reached = {node: {node} for node in graph}
    for node in graph:
        for operand in node.inputs:
            reached[node] |= reached[operand]
    drawn = {key[k] for k in nodes(picture)}
    arrows = {(key[tail], key[head]) for tail, head, _ in edges(picture)}
    behind = {node: {node} for node in graph}
    for node in graph:
        if node in drawn:
            for tail, head in arrows:
                if head is node:
                    behind[node] |= behind[tail]
            assert behind[node] == reached[node] & drawn


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("detail", ["all", "quantities", "layers"])
def test_each_arrow_back_lies_beside_an_arrow_forward(kind, detail):
    picture = tg.draw(KINDS[kind](), detail=detail, backward=True, fit="strip")
    forward = {(tail[1:], head[1:]) for tail, head, _ in edges(picture) if tail[0] == head[0] == "n"}
    back = {(head[1:], tail[1:]) for tail, head, _ in edges(picture) if tail[0] == head[0] == "g"}
    assert back
    assert back <= forward


def test_a_layer_is_two_formulas():
    shown = words(tg.draw(network()))
    assert any(w.startswith("Z1 = W1") and w.endswith("+ b1") for w in shown)
    assert "A1 = relu(Z1)" in shown


def test_a_small_graph_shows_each_operation():
    x, y = tg.Tensor(2.0, name="x"), tg.Tensor(3.0, name="y")
    picture = tg.draw(x * y + x)
    assert len(nodes(picture)) == 4
    assert len(edges(picture)) == 4


def test_each_arrow_carries_the_local_derivative_and_what_it_comes_to():
    picture = tg.draw(example())
    labels = {(tail, head): label for tail, head, label in edges(picture)}
    (b,), (u,), (a,), (v,) = (named(picture, k) for k in "buav")
    assert labels[b, u] == "c"
    assert labels[a, v] == "1"
    assert "= 2" in words(picture)


def test_the_way_back_tells_what_comes_along_each_arrow():
    picture = tg.draw(example(), backward=True)
    shown = words(picture)
    for text in ("dv = dJ · 3", "du = dv", "db = du · c", "dc = du · b"):
        assert text in shown
    labels = [label for *_, label in edges(picture)]
    assert "dJ · 3" in labels
    assert "= 3" in shown


def test_where_ways_meet_the_amounts_are_added():
    a = tg.Tensor(2.0, name="a")
    u, v = a * 3, a * 4
    u.name, v.name = "u", "v"
    shown = words(tg.draw(u + v, backward=True))
    assert any("dv · 4 + du · 3" in text for text in shown)
    assert "4 + 3 = 7" in shown  # in the order of the formula


def test_a_repeated_operand_is_summed_over_on_the_way_back():
    assert any("Σ over m" in word for word in words(tg.draw(network())))


def test_examples_in_rows_are_told_from_what_the_cost_averages_over():
    X, Y = np.ones((5, 3)), np.ones((5, 2))
    W, b = tg.Tensor(np.ones((3, 2)), name="W"), tg.Tensor(np.zeros(2), name="b")
    Z = X @ W + b
    J = np.mean(np.sum((Z - Y) ** 2, axis=1))
    assert any("Σ over m" in word for word in words(tg.draw(J)))


def test_a_layer_is_a_frame():
    assert {"layer 1", "layer 2"} <= set(words(tg.draw(network())))


def test_names_are_shown_as_they_are():
    x = tg.Tensor(1.0, name='<w> & "b"')
    assert '<w> & "b"' in words(tg.draw(x * 2))


@given(name=st.text(min_size=1, max_size=40))
def test_no_name_breaks_a_picture(name):
    x, y = tg.Tensor(2.0, name=name), tg.Tensor(3.0, name="plain")
    J = x * y
    J.backward()
    picture = tg.draw(J)
    root = ElementTree.fromstring(picture.svg.encode("utf-8", errors="replace"))
    assert len(nodes(picture)) == 3
    assert len(edges(picture)) == 2
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    assert picture.source.count("->") - picture.source.count('\\"->') >= 2


def test_a_name_without_end_is_cut_short():
    shown = words(tg.draw(tg.Tensor(1.0, name="x" * 10_000) * 2))
    assert max(map(len, shown)) < 500


def test_layers_have_a_box_each_and_no_ring():
    picture = tg.draw(recurrent(), detail="layers")
    heads = [told[0] for told in nodes(picture).values()]
    assert [h for h in heads if h.startswith("step")] == [f"step {t}" for t in range(1, 7)]
    assert _acyclic({(tail, head) for tail, head, _ in edges(picture)})


@given(scopes=st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=12))
def test_scopes_that_are_entered_again_make_no_ring(scopes):
    x = tg.Tensor(0.5, name="x")
    kept = [x]
    for k, scope in enumerate(scopes):
        with tg.scope(scope or f"once {k}"):
            kept.append(np.tanh(kept[-1] * kept[k // 2]))
    sketch = sketch_of(tg.Graph(kept[-1]), detail="layers")
    assert _acyclic({(arrow.tail, arrow.head) for arrow in sketch.arrows})


def _acyclic(arrows):
    while arrows:
        heads = {head for _, head in arrows}
        free = {(tail, head) for tail, head in arrows if tail not in heads}
        if not free:
            return False
        arrows = arrows - free
    return True


def test_a_layer_keeps_what_its_way_back_reads():
    shown = words(tg.draw(network(), detail="layers", backward=True))
    assert any(word.startswith("cache:") and "A1" in word for word in shown)


def test_what_is_large_is_summarised_and_says_so():
    t = tg.Tensor(0.3, name="x")
    for _ in range(500):
        t = np.tanh(t * 1.1)
    picture = tg.draw(t)
    assert 5 <= len(nodes(picture)) <= 40
    assert "1,000 operations" in " ".join(words(picture))


def test_a_chain_without_names_is_more_than_one_box():
    t = tg.Tensor(0.3, name="x")
    for _ in range(50):
        t = np.tanh(t * 1.1)
    picture = tg.draw(t, names=False)
    assert 5 <= len(nodes(picture)) <= 50
    assert not any("…" in told[0] for told in nodes(picture).values())


def test_pictures_follow_the_course_where_they_are_asked_to():
    pytest.importorskip("sympy", reason="needs the extra 'derive'")
    J = network()
    exact, course = tg.draw(J, backward=True), tg.draw(J, backward=True, convention="course")
    assert "m times" in " ".join(words(course))
    assert "m times" not in " ".join(words(exact))
    (key,) = named(course, "dW1")
    assert nodes(course)[key][-1] == nodes(exact)[named(exact, "dW1")[0]][-1]
    (key,) = named(course, "dZ2")
    low, _high = (float(x.replace("−", "-")) for x in nodes(course)[key][-1].split(" … "))
    was, _ = (float(x.replace("−", "-")) for x in nodes(exact)[named(exact, "dZ2")[0]][-1].split(" … "))
    assert low == pytest.approx(6 * was, rel=2e-3)


def test_several_outputs_are_drawn_together():
    a, b = tg.Tensor(2.0, name="a"), tg.Tensor(3.0, name="b")
    u, v = a * b, a + b
    picture = tg.draw(tg.Graph(u, v, names={"u": u, "v": v}))
    assert all(len(named(picture, name)) == 1 for name in "abuv")


@pytest.mark.parametrize("scalar", [True, False])
def test_a_constant_graph_can_be_drawn(scalar):
    x = tg.Tensor(1.0 if scalar else [1.0, 2.0], requires_grad=False, name="x")
    assert "x" in words(tg.draw(x))


def test_a_gradient_that_is_passed_on_leaves_repeats_unsaid_as_any_other():
    x, b = tg.Tensor([[1.0], [2.0]], name="x"), tg.Tensor([[0.5], [1.0]], name="b")
    f, h = np.tanh(x), np.tanh(b)
    J = np.sum((f - h) ** 2)
    reading = Reading(tg.Program.of(J))
    assert reading.formula("df") == "dJ · 2 * (f − h)"
    assert reading.formula("dh") == "−(dJ · 2 * (f − h))"


def test_one_part_of_m_is_read_as_such_and_what_is_written_as_a_number_stays_one():
    w, m = tg.Tensor([[1.0], [2.0]], name="w"), 50
    J = -1 / m * np.sum(w) + 0.02 * w[0, 0] + np.sum(w * w) * (1 / m)
    assert Reading(tg.Program.of(J)).formula("J") == "0.02 · w[0, 0] − 1 / 50 · Σ(w) + Σ(w * w) · (1 / 50)"
    K = -1 / m * np.sum(w)
    assert Reading(tg.Program.of(K)).formula("dw") == "−(1 / 50 · dK)"


def test_a_quotient_too_small_for_one_part_of_anything_is_a_number():
    w, n = tg.Tensor(2.0, name="w"), 1e300
    J = w * (1e-10 / n)
    assert Reading(tg.Program.of(J)).formula("J") == "w · 1e-310"


def _rectified(Z, zero_first=False):
    W = tg.Tensor(np.asarray(Z, float), name="Z")
    A = np.maximum(0, W) if zero_first else np.maximum(W, 0)
    A.name = "A"
    J = np.sum(A * A)
    J.name = "J"
    return J


@pytest.mark.parametrize("zero_first", [False, True])
def test_a_slope_where_nothing_ties_is_one_question_and_the_convention_is_said_once(zero_first):
    told = tg.draw(_rectified([[1.0, -2.0]], zero_first), backward=True, detail="all").text
    assert "dA * [Z > 0]" in told
    assert "0.5" not in told
    assert told.count("each has half of the slope") == 1


def test_where_two_tie_the_share_is_told():
    told = tg.draw(_rectified([[1.0, 0.0]]), backward=True, detail="all").text
    assert "[Z > 0] + 0.5 · [Z = 0]" in told
    assert "half" not in told


def test_no_picture_calls_a_value_by_a_name_that_was_made_up():
    """Where a derivative is long, or cannot be written, the operands stand written out."""
    rng = np.random.default_rng(0)
    W1, b1, gamma = (
        tg.Tensor(rng.normal(size=s), name=k)
        for k, s in {"W1": (3, 2), "b1": (3, 1), "gamma": (3, 1)}.items()
    )
    x = tg.Tensor(rng.normal(size=(2, 4)), name="x", requires_grad=False)
    r, near = called("r", tg.gelu(W1 @ x + b1)), called("near", np.sum(gamma))
    mu, sigma = called("mu", np.mean(r, axis=0)), called("sigma", np.std(r, axis=0))
    y = called("y", gamma * (r - mu) / (sigma + 1e-5))
    J = called("J", np.maximum(np.sum(y * y) - near + 1.0, 0.0) + np.sum(y / np.max(y - r, axis=0)))
    graph = tg.Graph(J)
    made = {node.name for node in graph if not node.named and not node.is_leaf}
    for backward in (False, True):
        told = "\n".join(words(tg.draw(graph, detail="all", backward=backward)))
        assert not made & set(re.findall(r"\w+", told))


def test_what_sum_starts_from_goes_without_saying():
    a, b = tg.Tensor(1.0, name="a"), tg.Tensor(2.0, name="b")
    J = sum([a, b]) / 2
    J.name = "J"
    assert "J = (a + b) / 2" in words(tg.draw(J, detail="quantities"))


def test_a_product_of_two_vectors_is_a_matrix_on_the_board_too():
    x, W = tg.Tensor([1.0, 2.0], name="x"), tg.Tensor(np.ones((2, 3)), name="W")
    y = x @ W
    y.name = "y"
    J = np.sum(y * y)
    J.name = "J"
    picture = tg.draw(J, backward=True, detail="all")
    assert "dW = x @ dyᵀ" in words(picture)


def test_transposes_are_brought_to_the_letters():
    w, X = tg.Tensor([[1.0], [2.0]], name="w"), tg.Tensor(np.ones((2, 3)), name="X", requires_grad=False)
    Z = w.T @ X
    Z.name = "Z"
    J = np.sum(Z * Z)
    J.name = "J"
    assert "dw = X @ dZᵀ" in words(tg.draw(J, backward=True, detail="quantities"))


@pytest.mark.parametrize("terms", [4, 5, 6, 7])
def test_every_mark_of_a_formula_has_a_box(terms):
    rng = np.random.default_rng(0)
    p = [tg.Tensor(rng.random((4, 1)), name=f"prediction{k}") for k in range(terms)]
    J = 0
    for k in range(terms):
        J = J - np.log(p[k][k % 4, 0])
    shown = words(tg.draw(J, detail="quantities"))
    marks = [mark for text in shown for mark in re.findall(r"[①-⑩]", text)]
    assert marks
    assert all(any(text.startswith(f"{mark} =") or text == mark for text in shown) for mark in marks)
