"""tg.step_through: one page that needs nothing else, and what it tells."""

import json
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.course_example import example


def page(tmp_path, J, **options):
    return tg.step_through(J, tmp_path / "J.html", **options).read_text("utf-8")


def moments(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))["steps"]


def test_it_walks_forward_and_then_backward(tmp_path):
    told = [moment["formula"] for moment in moments(page(tmp_path, example()))]
    assert told[:6] == ["a", "b", "c", "u = b · c", "v = a + u", "J = 3 · v"]
    assert set(told[6:]) == {"dJ", "dv = dJ · 3", "du = dv", "da = dv", "db = du · c", "dc = du · b"}


def test_a_formula_has_places_for_its_numbers(tmp_path):
    assert {m["formula"]: m["numbers"] for m in moments(page(tmp_path, example()))}[
        "dc = du · b"
    ] == "⟦du⟧ · ⟦b⟧ = ⟦dc⟧"


def test_a_gradient_comes_after_those_it_is_made_of(tmp_path):
    known = set()
    for moment in moments(page(tmp_path, example())):
        name, _, formula = moment["formula"].partition(" = ")
        assert set(re.findall(r"d?[a-zA-Z]\w*", formula)) <= known
        known.add(name)


def test_the_arrows_that_carry_a_gradient_are_in_the_picture(tmp_path):
    text = page(tmp_path, example())
    for moment in moments(text):
        for edge in moment["edges"]:
            tail, head = edge.split("->")
            assert f'data-from="{tail}" data-to="{head}"' in text


def test_contributions_are_said_to_add_up(tmp_path):
    w = tg.Tensor(2.0, name="w")
    words = [m["words"] for m in moments(page(tmp_path, w * w)) if m["formula"].startswith("dw")]
    assert "w is used 2 times: what comes back is added up." in words[0]


def test_a_repeated_operand_is_said_to_be_summed_over(tmp_path):
    b = tg.Tensor(np.zeros((3, 1)), name="b")
    words = [
        m["words"]
        for m in moments(page(tmp_path, (b + np.ones((3, 4))).sum()))
        if m["formula"].startswith("db")
    ]
    assert any("sum goes back over the repeated axes" in w for w in words[0])


def test_the_page_fetches_nothing(tmp_path):
    text = re.sub(r'xmlns(:xlink)?="[^"]*"', "", page(tmp_path, example()))
    assert not re.search(r"https?://|src=|@import", text)


def test_an_input_without_a_name_is_called_as_in_the_picture(tmp_path):
    w = tg.Tensor([[1.0, 2.0]], name="w")
    text = page(tmp_path, tg.sum(w @ np.array([[3.0], [4.0]])))
    called = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))["called"]
    assert called["w"] == "w"
    assert set(called.values()) == {"w", "①"}
    assert any("①" in moment["formula"] for moment in moments(text))


def test_names_cannot_break_out_of_the_page(tmp_path):
    x = tg.Tensor(1.0, name="</script><b>x")
    text = page(tmp_path, x * 2)
    assert "</script><b>" not in text
    assert moments(text)[0]["formula"] == "</script><b>x"


def test_the_title_is_the_formula_unless_one_is_given(tmp_path):
    assert "<title>J = 3 · v</title>" in page(tmp_path, example())
    assert "<title>5 &lt; 6</title>" in page(tmp_path, example(), title="5 < 6")


def test_another_file_type_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected a file called \.html"):
        tg.step_through(example(), tmp_path / "J.svg")


def test_a_vector_is_refused(tmp_path):
    with pytest.raises(ValueError, match="scalar"):
        tg.step_through(tg.Tensor([1.0, 2.0]) * 2, tmp_path / "J.html")


def test_only_tensors_are_walked_through(tmp_path):
    with pytest.raises(TypeError, match="expected a Tensor or a Graph, got float"):
        tg.step_through(3.0, tmp_path / "J.html")
