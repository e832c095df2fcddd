"""What things show of themselves in a notebook, and a model as a table and as its units."""

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.course_example import example
from tests.draw.seen import edges, nodes, words

MODEL = tg.nn.MLP([2, 4, 1], activation="tanh", seed=1)
X, Y = np.random.default_rng(0).normal(size=(2, 5)), np.array([[0, 1, 1, 0, 1]])
STEP = tg.compile(lambda p, X, Y: np.sum((p["w"] @ X - Y) ** 2))
THINGS = {
    "number": example,
    "matrix": lambda: tg.Tensor(np.eye(3), name="<W>"),
    "image": lambda: tg.Tensor(np.linspace(0, 1, 800).reshape(20, 40)),
    "graph": lambda: tg.Graph(example()),
    "program": lambda: tg.Program.of(example()),
    "picture": lambda: tg.draw(example()),
    "model": lambda: MODEL,
    "step": lambda: STEP,
}


@pytest.mark.parametrize("kind", THINGS)
def test_it_shows_itself_without_a_network_and_without_scripts(kind):
    bundle = THINGS[kind]()._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"]
    rich = [bundle[form] for form in ("text/html", "image/svg+xml") if form in bundle]
    assert rich
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", "".join(rich))


def test_a_tensor_tells_its_name_value_and_gradient():
    J = example()
    J.backward()
    told = J._repr_mimebundle_()["text/html"]
    assert "<b>J</b>" in told
    assert "33" in told
    assert "gradient" in told


def test_names_in_tables_are_no_html():
    assert "<W>" not in THINGS["matrix"]()._repr_mimebundle_()["text/html"]


def test_a_compiled_step_shows_what_it_ran():
    step = tg.compile(lambda p: np.sum(p["w"] * p["w"]))
    step({"w": np.ones(3)})
    assert "def " in step._repr_mimebundle_()["text/html"]


def test_a_model_prints_as_a_table_of_layers():
    lines = str(MODEL).splitlines()
    assert lines[0] == repr(MODEL)
    assert lines[2].split() == [
        "1",
        "Dense,",
        "tanh",
        "(4,",
        "m)",
        "W1",
        "(4,",
        "2),",
        "b1",
        "(4,",
        "1)",
        "12",
    ]
    assert lines[-1].split() == ["all", "17"]
    assert sum(t.size for t in MODEL.parameters().values()) == 17


def test_a_model_is_drawn_with_its_cost():
    shown = words(tg.draw(MODEL, X, Y))
    assert {"layer 1", "layer 2"} <= set(shown)
    assert any(word.startswith("J = ") for word in shown)


def test_a_model_is_drawn_with_its_answer():
    assert any(word.startswith("A2 = ") for word in words(tg.draw(MODEL, X)))


@pytest.mark.parametrize("detail", ["auto", "units"])
def test_a_model_alone_is_its_units(detail):
    picture = tg.draw(MODEL, detail=detail)
    assert len(nodes(picture)) == 2 + 4 + 1
    assert len(edges(picture)) == 2 * 4 + 4 * 1
    assert {"layer 1", "layer 2", "n[1] = 4", "ŷ"} <= set(words(picture))


def test_more_than_eight_units_are_shortened_by_dots():
    picture = tg.draw(tg.nn.MLP([12288, 8, 9, 1], seed=1))
    assert len(nodes(picture)) == 6 + 8 + 6 + 1
    assert "x₁₂₂₈₈" in words(picture)


def test_a_line_is_as_thick_as_its_weight_is_large():
    model = tg.nn.LogisticRegression(2)
    model.parameters()["w"].data[...] = [[1.0], [-2.0]]
    small, large = re.findall(r'class="(?:plus|minus)" stroke-width="([\d.]+)"', tg.draw(model).svg)
    assert float(small) < float(large)


def test_a_unit_can_be_split_in_two():
    assert {"z", "a"} <= set(words(tg.draw(MODEL, split=True)))


def test_units_need_a_model_of_fully_connected_layers():
    with pytest.raises(TypeError, match="draws a model"):
        tg.draw(example(), detail="units")

    class Other:
        def parameters(self):
            return {"K": tg.Tensor(np.ones((3, 3, 2)))}

    with pytest.raises(ValueError, match=r"fully connected.*K \(3, 3, 2\)"):
        tg.draw(Other())


def test_a_tensor_takes_no_data():
    with pytest.raises(TypeError, match="expected one file"):
        tg.draw(example(), X)


def test_scales_and_shifts_are_no_layers():
    layers = [tg.nn.Dense(3, 4, "linear"), tg.nn.BatchNorm(4), tg.relu, tg.nn.Dense(4, 1, "sigmoid")]
    assert len(nodes(tg.draw(tg.nn.Sequential(layers)))) == 3 + 4 + 1


@pytest.mark.parametrize("options", [{"detail": "layers"}, {"backward": True}])
def test_what_a_model_computes_needs_data(options):
    with pytest.raises(TypeError, match=r"write tg\.draw\(model, X, Y"):
        tg.draw(MODEL, **options)


def test_a_recurrent_layer_has_no_units_to_draw():
    with pytest.raises(ValueError, match="fully connected"):
        tg.draw(tg.nn.Sequential([tg.nn.RNN(2, 3), tg.nn.Dense(3, 1, "sigmoid")]))


def test_a_stack_is_of_the_values_that_are_stacked(capsys):
    w = tg.Tensor([1.0, 2.0], name="w")
    z1, z2 = np.sum(w), np.prod(w)
    z = np.stack([z1, z2])
    tg.draw(np.sum(z**2), "-", detail="quantities")
    assert "z = concat(z1, z2)" in capsys.readouterr().out
