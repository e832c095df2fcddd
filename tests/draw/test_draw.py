"""tg.draw: what stands in a picture, and the files it writes."""

import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.course_example import example
from tinygrad_edu.draw import RenderError
from tinygrad_edu.draw.render import render as to_bytes


def network(seed=0, n=(4, 3, 1), m=6):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n[0], m)), (rng.random((1, m)) < 0.5) * 1.0
    A = X
    for layer in range(1, len(n)):
        W = tg.Tensor(rng.normal(size=(n[layer], n[layer - 1])), name=f"W{layer}")
        b = tg.Tensor(np.zeros((n[layer], 1)), name=f"b{layer}")
        with tg.scope(f"layer {layer}"):
            Z = W @ A + b
            Z.name = f"Z{layer}"
            A = tg.sigmoid(Z) if layer == len(n) - 1 else tg.relu(Z)
            A.name = f"A{layer}"
    J = tg.binary_cross_entropy(A, Y)
    J.name = "J"
    return J


def words(picture):
    """Every text of the SVG, as a person reads it."""
    return [
        "".join(e.itertext()).strip()
        for e in ElementTree.fromstring(picture.svg).iter()
        if e.tag.endswith("text")
    ]


def test_the_course_example_shows_formulas_values_and_gradients():
    shown = words(tg.draw(example()))
    for text in ("u = b · c", "v = a + u", "J = 3 · v", "33", "11", "da = 3", "db = 6", "dc = 9", "du = 3"):
        assert text in shown


def test_each_arrow_carries_the_local_derivative():
    shown = words(tg.draw(example()))
    assert {"c", "b", "3", "1"} <= set(" ".join(shown).replace("=", " ").split())


def test_variables_of_the_caller_name_the_boxes():
    w = tg.Tensor(2.0)
    loss = w * w
    assert "loss = w · w" in words(tg.draw(loss))


def test_an_operand_used_twice_has_two_arrows():
    w = tg.Tensor(2.0, name="w")
    assert tg.draw(w * w).source.count("n_w ->") == 2


def test_a_layer_is_a_box():
    assert {"layer 1", "layer 2"} <= set(words(tg.draw(network())))


def test_an_unnamed_operand_is_written_out():
    assert "Z1 = W1 @ X + b1" in words(tg.draw(network(), names=False)) or any(
        w.startswith("Z1 = W1 @") for w in words(tg.draw(network()))
    )


def test_the_backward_pass_can_be_drawn_beside():
    shown = words(tg.draw(example(), backward=True))
    for text in ("dv = dJ · 3", "du = dv", "db = du · c", "dc = du · b"):
        assert text in shown


def test_a_large_graph_is_drawn_by_layers():
    picture = tg.draw(network(n=(4, *[3] * 14, 1)))
    shown = words(picture)
    assert "layer 14" in shown
    assert "W1 (3, 4)" in shown
    assert "W1 @ X" not in shown


def test_detail_all_draws_every_node_of_a_large_graph():
    assert "Z14 = W14 @ A13 + b14" in words(tg.draw(network(n=(4, *[3] * 14, 1)), detail="all"))


def test_names_that_need_escaping_are_shown_as_they_are():
    x = tg.Tensor(1.0, name='<w> & "b"')
    assert '<w> & "b"' in words(tg.draw(x * 2))


def test_names_with_ports_and_quotes_keep_their_arrows():
    x = tg.Tensor(1.0, name="layer:1\\w")
    y = x * 2
    y.name = 'a"b'
    picture = tg.draw(y)
    ElementTree.fromstring(picture.svg)
    assert picture.source.count("->") == 1


def test_a_vector_output_is_drawn_without_gradients():
    x = tg.Tensor([1.0, 2.0], name="x")
    assert not any(w.startswith("dx") for w in words(tg.draw(x * 2)))


def test_a_constant_graph_can_be_drawn():
    x = tg.Tensor(1.0, requires_grad=False, name="x")
    assert "x" in words(tg.draw(x))


@pytest.mark.parametrize(
    ("ending", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("dot", b"digraph"), ("SVG", b"<?xml")]
)
def test_it_writes_the_type_that_the_ending_names(tmp_path, ending, magic):
    tg.draw(example(), tmp_path / f"J.{ending}")
    assert (tmp_path / f"J.{ending}").read_bytes().startswith(magic)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's own dot")
def test_pdf_through_a_system_dot(tmp_path):
    tg.draw(example(), tmp_path / "J.pdf")
    assert (tmp_path / "J.pdf").read_bytes().startswith(b"%PDF")


def test_pdf_without_a_system_dot_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(RenderError, match="svg and png work without it"):
        tg.draw(example(), tmp_path / "J.pdf")


def test_a_system_dot_is_preferred(tmp_path, monkeypatch):
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\necho from-the-system\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert to_bytes("digraph {}", "svg") == b"from-the-system\n"


def test_a_program_that_fails_is_reported(tmp_path, monkeypatch):
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\necho no such layout >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(RenderError, match="no such layout"):
        to_bytes("digraph {}", "svg")


@pytest.mark.parametrize("name", ["J.gif", "J", "J.svg.txt"])
def test_an_unknown_file_type_is_refused_before_anything_is_drawn(tmp_path, name):
    with pytest.raises(ValueError, match=r"expected one of \.svg, \.png, \.pdf, \.dot"):
        tg.draw(example(), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_folder_that_does_not_exist_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        tg.draw(example(), tmp_path / "no" / "J.svg")


@pytest.mark.parametrize("option", [{"detail": "some"}, {"direction": "RL"}])
def test_unknown_options_are_refused(option):
    with pytest.raises(ValueError, match="must be"):
        tg.draw(example(), **option)


def test_the_backward_pass_needs_a_scalar():
    with pytest.raises(ValueError, match="one scalar output"):
        tg.draw(tg.Tensor([1.0, 2.0]) * 2, backward=True)


def test_only_tensors_can_be_drawn():
    with pytest.raises(TypeError, match="expected Tensors"):
        tg.draw(3.0)


def test_a_notebook_is_given_svg():
    assert tg.draw(example())._repr_mimebundle_()["image/svg+xml"].startswith("<?xml")


def test_drawing_leaves_gradients_alone():
    J = example()
    tg.draw(J)
    assert J.grad is None


def test_it_works_where_there_is_no_dot(tmp_path):
    code = "import tinygrad_edu as tg; x = tg.Tensor(2.0); y = x * x; tg.draw(y, 'y.png')"
    environment = {"PATH": "/nonexistent", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "y.png").read_bytes().startswith(b"\x89PNG")
