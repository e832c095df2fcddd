"""tg.draw: the files that it writes, the options that it takes, and what it refuses."""

import os
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.course_example import example
from tests.draw.networks import network, recurrent
from tests.draw.seen import edges, nodes, words
from tinygrad_edu.drawing import RenderError, graphviz


def test_the_course_example_shows_formulas_values_and_gradients():
    shown = words(tg.draw(example()))
    for text in ("u = b · c", "v = a + u", "J = 3 · v", "33", "11", "da = 3", "db = 6", "dc = 9", "du = 3"):
        assert text in shown


def test_variables_of_the_caller_name_the_boxes():
    w = tg.Tensor(2.0)
    loss = w * w
    assert "loss = w · w" in words(tg.draw(loss))


@pytest.mark.parametrize(
    ("ending", "magic"),
    [
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph"),
        ("txt", b"a"),
        ("SVG", b"<svg"),
    ],
)
def test_it_writes_the_type_that_the_ending_names(tmp_path, ending, magic):
    if ending == "pdf":
        pytest.importorskip("reportlab", reason="needs the extra 'pdf'")
    tg.draw(example(), tmp_path / f"J.{ending}")
    assert (tmp_path / f"J.{ending}").read_bytes().startswith(magic)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's own dot")
@pytest.mark.parametrize("backward", [False, True])
def test_graphviz_understands_the_dot_file(backward):
    picture = tg.draw(example(), backward=backward)
    done = subprocess.run(["dot", "-Tplain"], input=picture.source.encode(), capture_output=True, check=True)
    assert not done.stderr
    assert done.stdout.decode().count("\nnode ") == len(nodes(picture))
    assert done.stdout.decode().count("\nedge ") == len(edges(picture))


def test_a_dash_prints_the_picture_as_text(capsys):
    tg.draw(example(), "-")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["a", "b", "c", "u", "v", "J"]
    assert lines[-1].split() == ["J", "=", "3", "·", "v", "33", "dJ", "=", "1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("J.gif", "expected one of"),
        ("J", "expected one of"),
        ("J.pngg", r"did you mean \.png"),
        ("J.sgv", "svg"),
    ],
)
def test_an_unknown_file_type_is_refused_before_anything_is_drawn(tmp_path, name, said):
    with pytest.raises(ValueError, match=said):
        tg.draw(example(), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_folder_that_does_not_exist_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        tg.draw(example(), tmp_path / "no" / "J.svg")


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", int)() == 0, reason="may write everywhere")
def test_a_folder_that_may_not_be_written_is_the_usual_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        tg.draw(example(), tmp_path / "J.svg")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"detail": "layer"}, "did you mean layers"),
        ({"direction": "RL"}, "must be one of 'LR', 'TB'"),
        ({"fit": "16:10"}, "did you mean 16:9"),
        ({"theme": "darkk"}, "did you mean dark"),
        ({"convention": "corse"}, "did you mean course"),
    ],
)
def test_unknown_options_are_refused_with_the_nearest(option, said):
    with pytest.raises(ValueError, match=said):
        tg.draw(example(), **option)


def test_the_backward_pass_needs_a_scalar():
    with pytest.raises(ValueError, match="one scalar output"):
        tg.draw(tg.Tensor([1.0, 2.0]) * 2, backward=True)


def test_without_any_graphviz_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(graphviz.shutil, "which", lambda *_, **__: None)
    with pytest.raises(RenderError, match="pip install graphviz-pure"):
        _ = tg.draw(example()).svg


def test_a_graphviz_that_fails_is_reported(tmp_path, monkeypatch):
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\necho no such layout >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(RenderError, match="no such layout"):
        _ = tg.draw(example()).svg


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_it_works_where_there_is_no_dot(tmp_path, ending):
    code = f"import tinygrad_edu as tg; x = tg.Tensor(2.0); y = x * x; tg.draw(y, 'y.{ending}')"
    environment = {"PATH": "/nonexistent", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / f"y.{ending}").stat().st_size > 500


def test_either_graphviz_gives_the_same_boxes_and_words(monkeypatch):
    J = network()
    with_system = tg.draw(J)
    shown = words(with_system), edges(with_system)
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))  # noqa: PTH120
    without = tg.draw(J)
    assert (sorted(words(without)), sorted(edges(without))) == tuple(map(sorted, shown))


def test_a_notebook_is_given_svg_and_text():
    shown = tg.draw(example())._repr_mimebundle_()
    assert shown["image/svg+xml"].startswith("<svg")
    assert "J = 3 · v" in shown["text/plain"]


def test_drawing_leaves_gradients_alone():
    J = example()
    tg.draw(J, backward=True)
    assert J.grad is None


def test_after_an_update_the_recorded_picture_can_still_be_drawn():
    w = tg.Tensor(np.array([1.0, 2.0]), name="w")
    J = np.sum(w * w)
    J.backward()
    with tg.no_grad():
        w -= 0.1 * w.grad
    assert "w" in words(tg.draw(J))


def test_who_cannot_see_the_picture_is_told():
    root = ElementTree.fromstring(tg.draw(example()).svg)
    assert root.get("role") == "img"
    told = [child.text for child in root if child.tag.endswith(("title", "desc"))]
    assert "J = 3 · v" in told[0]
    assert "u = b · c" in told[1]


def test_two_pictures_on_one_page_share_no_ids():
    assert " id=" not in tg.draw(example()).svg


def test_a_dark_page_makes_the_picture_dark_unless_a_theme_is_asked_for():
    assert "prefers-color-scheme:dark" in tg.draw(example()).svg
    assert "prefers-color-scheme" not in tg.draw(example(), theme="light").svg


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_words_have_contrast_in_every_theme(theme):
    def luminance(colour):
        channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    def contrast(one, other):
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    from tinygrad_edu.drawing.styles import THEMES

    look = THEMES[theme]
    grounds = [look.page, *(area for area, _ in look.areas.values())]
    assert min(contrast(ink, ground) for ink in (look.ink, look.faint, look.red) for ground in grounds) >= 4.5


def test_a_pdf_needs_no_graphviz_of_the_system_and_keeps_its_text(tmp_path):
    pytest.importorskip("reportlab", reason="needs the extra 'pdf'")
    tg.draw(network(), tmp_path / "J.pdf", backward=True)
    assert (tmp_path / "J.pdf").read_bytes().count(b"/Type /Page\n") == 1


@pytest.mark.parametrize(("fit", "ratio"), [("16:9", 16 / 9), ("4:3", 4 / 3), ("A4", 210 / 297)])
def test_a_picture_has_the_proportions_of_its_space(tmp_path, fit, ratio):
    tg.draw(network(), tmp_path / "J.png", fit=fit)
    head = (tmp_path / "J.png").read_bytes()[16:24]
    wide, high = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
    assert wide / high == pytest.approx(ratio, rel=0.01)
    assert max(wide, high) <= 8000


def test_a_page_finds_boxes_values_and_gradients():
    w = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    J = np.sum(w * w)
    J.backward()
    boxes = [g for g in ElementTree.fromstring(tg.draw(J).svg).iter() if g.get("class") == "node"]
    assert [g.get("data-kind") for g in boxes] == ["parameter", "computed", "output"]
    parameter, _, output = boxes
    entries = {g.get("data-entry"): g.text.strip() for g in parameter.iter() if g.get("data-gradient") == "w"}
    assert entries == {"0 0": "2", "0 1": "4", "1 0": "6", "1 1": "8"}
    assert [g.text for g in output.iter() if g.get("data-value") == "J"] == ["30"]
    assert [g.text for g in output.iter() if g.get("data-gradient") == "J"] == ["1"]


@pytest.mark.parametrize("thing", [[], np.ones(2), 3.0, None])
def test_what_cannot_be_drawn_is_told(thing):
    with pytest.raises(TypeError, match="expected a Tensor, a Graph or a model, got"):
        tg.draw(thing)


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to write J.svg in"):
        tg.draw(example(), tmp_path / "nowhere" / "J.svg")


def test_a_recurrent_network_fits_a_slide_by_itself():
    scene = tg.draw(recurrent()).scene
    assert 14 * min(1920 / scene.width, 1080 / scene.height) >= 12


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("backward", [False, True])
def test_after_an_update_it_is_said(in_place, backward):
    w, c = tg.Tensor([2.0, 1.0]), tg.Tensor(3.0)
    J = np.sum(w * w) * c
    J.backward()
    assert not any("Updated" in line for line in tg.draw(J, backward=backward).sketch.legend)
    if in_place:
        w.data[...] = 5.0
    else:
        w.data = w.data - w.grad
    (said,) = (line for line in tg.draw(J, backward=backward).sketch.legend if "Updated" in line)
    assert "c" not in said.partition(":")[2].partition(".")[0].split()
    assert in_place or ": w." in said
