"""The steps on paper: as many pages as moments, the picture in its place, and nothing told too early."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.draw.networks import KINDS
from tinygrad_edu.drawing.drawing import Picture
from tinygrad_edu.drawing.formulas import Reading
from tinygrad_edu.drawing.scene import Rectangle, Text
from tinygrad_edu.drawing.view_selection import gradients_of, view_of
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.page.handout import _pages
from tinygrad_edu.page.moments import moments


@pytest.fixture(scope="module", params=["network", "recurrent", "by_examples"])
def walked(request):
    graph = Graph(KINDS[request.param]())
    program = Program.of_graph(graph)
    reading = Reading(program)
    view = view_of(graph, reading, gradients_of(graph, reading), "auto", backward=False)
    steps = list(moments(view, program))
    scene = Picture(view.sketch(), "16:9").scene
    return steps, scene, list(_pages(scene, steps, {step.name: step.value for step in program}))


def _words(scene, kind=""):
    groups = (g for g in scene.groups if g.kind == (kind or g.kind))
    return [(g, "".join(r.text for r in s.runs), s) for g in groups for s in g.shapes if isinstance(s, Text)]


def test_each_moment_has_its_page_with_the_picture_in_one_place(walked):
    steps, scene, pages = walked
    assert len(pages) == len(steps)
    assert len({(p.page.x, p.page.y, p.page.w, p.page.h) for p in pages}) == 1
    boxes = [g.shapes[0].rect for g in scene.groups if g.kind == "node"]
    for page in pages:
        assert [g.shapes[0].rect for g in page.groups if g.kind == "node"] == boxes


def test_nothing_is_told_before_its_moment(walked):
    steps, scene, pages = walked
    known, told = set(), set()
    for step, page in zip(steps, pages, strict=True):
        (told if step["pass"] == "backward" else known).add(step["node"])
        for group, _, text in _words(page, "node"):
            assert group.data["node"] in (told if "red" in text.look else known)
    whole = [text for _, text, _ in _words(scene, "node")]
    assert [text for _, text, _ in _words(pages[-1], "node")] == whole


def test_a_page_says_its_formula_with_numbers_and_no_place_is_left_open(walked):
    steps, _, pages = walked
    for step, page in zip(steps, pages, strict=True):
        said = " ".join(text for _, text, _ in _words(page, "words"))
        assert said.startswith(step["formula"].split()[0])
        assert "⟦" not in said
        assert all(isinstance(g.shapes[0], Rectangle) for g in page.groups if g.kind == "page")


def test_a_pdf_of_steps_has_a_page_for_each(tmp_path):
    pytest.importorskip("reportlab")
    a, b = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b")
    J = np.exp(a * 0.1) * b
    path = tg.step_through(J, tmp_path / "J.pdf")
    body = path.read_bytes()
    assert body.startswith(b"%PDF")
    assert body.count(b"/Type /Page\n") == 10  # five quantities, on the way forward and back
