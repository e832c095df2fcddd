"""Places without dot: for graphs that are too large for it, and where it takes too long."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tests.course_example import example
from tests.draw.seen import edges, nodes, words
from tinygrad_edu.drawing import dot_layout
from tinygrad_edu.drawing.formulas import marks_in
from tinygrad_edu.drawing.layered_layout import stacked


@st.composite
def graphs(draw):
    """Boxes with sizes, and arrows that lead from a lower number to a higher one."""
    n = draw(st.integers(1, 12))
    sizes = draw(st.lists(st.tuples(st.floats(1, 200), st.floats(1, 200)), min_size=n, max_size=n))
    pairs = [(i, j) for j in range(n) for i in range(j)]
    return sizes, draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_boxes_do_not_overlap_and_arrows_lead_to_the_right(graph):
    sizes, arrows = graph
    found = stacked(sizes, arrows)
    for tail, head in arrows:
        assert found[tail][0] + sizes[tail][0] / 2 < found[head][0] - sizes[head][0] / 2
    for i, (x, y) in enumerate(found):
        for j, (u, v) in enumerate(found[:i]):
            apart = abs(x - u) >= (sizes[i][0] + sizes[j][0]) / 2 - 1e-6
            assert apart or abs(y - v) >= (sizes[i][1] + sizes[j][1]) / 2 - 1e-6


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("backward", [False, True])
def test_a_picture_needs_no_answer_of_dot(monkeypatch, direction, backward):
    usual = tg.draw(example(), backward=backward, direction=direction)
    usual_nodes, usual_edges = nodes(usual), edges(usual)
    monkeypatch.setattr(dot_layout, "places", lambda *_: None)
    picture = tg.draw(example(), backward=backward, direction=direction)
    assert nodes(picture) == usual_nodes
    assert sorted(edges(picture)) == sorted(usual_edges)
    assert (picture.scene.width > picture.scene.height) == (direction == "LR")


def test_dot_is_not_waited_for_without_end():
    many = "".join(f"{i} -> {i * 7 % 1999}; {i} -> {i * i % 1997};" for i in range(4000))
    assert dot_layout.places(f"digraph {{ {many} }}", 0.01) is None


@pytest.mark.parametrize("detail", ["auto", "all", "layers"])
def test_many_operations_are_drawn(detail):
    value = tg.Tensor(0.5, name="x")
    for _ in range(700):
        value = np.tanh(value)
    picture = tg.draw(value, detail=detail, backward=True)
    shown = len(nodes(picture)), len(edges(picture))
    if detail == "auto":
        assert max(shown) <= 100
        assert "700 operations" in " ".join(picture.sketch.legend)
        told = {word.split(" = ")[0].split(": ")[0] for word in words(picture)}
        assert all(mark in told for word in words(picture) for mark in marks_in(word))
    elif detail == "all":
        assert shown == (2 * 701, 2 * 700)
