"""What repeats is drawn once, and each on demand."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.draw.networks import called, data, lstm, network, parameter, recurrent
from tinygrad_edu.drawing.repeats import _general


def boxes(picture):
    return {part.name: part for box in picture.sketch.boxes for part in box.parts}


def text_of(picture):
    return "\n".join(
        row.whole for part in boxes(picture).values() for row in part.rows if hasattr(row, "whole")
    )


@pytest.mark.parametrize("backward", [False, True])
def test_a_recurrent_net_has_as_many_boxes_for_any_number_of_steps(backward):
    ten, twenty = (tg.draw(recurrent(steps), backward=backward) for steps in (10, 20))
    assert boxes(ten).keys() == {name.replace("20", "10") for name in boxes(twenty)}
    assert "h[t] = tanh(Wx @ x[t] + Wh @ h[t−1] + b)" in " ".join(text_of(ten).split())
    assert "h0 at t = 1" in text_of(ten)
    assert all(box.scope != ("step 3",) for box in ten.sketch.boxes)
    assert any("× 10" in title for box in ten.sketch.boxes for title in box.scope)
    assert any("detail=" in line for line in ten.sketch.legend)


def test_each_is_drawn_on_demand_and_where_there_are_few():
    assert {f"h{t}" for t in range(11)} <= boxes(tg.draw(recurrent(10), detail="quantities")).keys()
    assert {f"h{t}" for t in range(4)} <= boxes(tg.draw(recurrent(3))).keys()


def test_the_way_back_leads_from_step_to_step():
    told = " ".join(text_of(tg.draw(recurrent(10), backward=True)).split())
    assert "dh[t] = Whᵀ @ (dh[t+1]" in told
    assert "to the step before" in told


def test_two_carries_are_two_boxes_each_with_what_it_starts_from():
    found = boxes(tg.draw(lstm(4), backward=True))  # z1 is made of data alone: the first step is another
    assert "c1 at t = 2" in [row.whole for row in found["c[t−1]"].rows]
    assert "h1 at t = 2" in [row.whole for row in found["h[t−1]"].rows]


def test_the_arrows_lead_from_box_to_box_and_form_no_ring():
    sketch = tg.draw(lstm(5), backward=True).sketch
    keys = {part.key for box in sketch.boxes for part in box.parts}
    ends = [(a.tail, a.head) for arrow in sketch.arrows for a in (arrow, arrow.returns) if a is not None]
    assert all(tail in keys and head in keys for tail, head in ends)
    users = {}
    for arrow in sketch.arrows:
        users.setdefault(arrow.tail, set()).add(arrow.head)
    done: set[str] = set()

    def visit(key, behind):
        assert key not in behind
        if key not in done:
            for head in users.get(key, ()):
                visit(head, behind | {key})
            done.add(key)

    for key in keys:
        visit(key, frozenset())


def test_equal_layers_are_one_and_the_others_stay():
    found = boxes(tg.draw(network(n=(4, 6, 6, 5, 5, 4, 4, 3, 1))))
    assert {"Z[l]", "W[l]", "A[l−1]", "A8", "J"} <= found.keys()
    assert "Z1" not in found  # X is what the first has for A[0]
    assert not {"Z2", "W5"} & found.keys()


def test_a_step_of_its_own_kind_is_drawn_by_itself():
    rng = np.random.default_rng(0)
    W = parameter(rng, "W", 2, 2)
    h = data(rng, "h0", 2, 1)
    for t in range(1, 13):
        with tg.scope(f"step {t}"):
            z = called(f"z{t}", W @ h + data(rng, f"x{t}", 2, 1))
            h = called(f"h{t}", tg.relu(z) if t == 6 else np.tanh(z))
    found = boxes(tg.draw(called("J", np.sum(h * h))))
    assert "z6" in found
    assert not {"z2", "z8"} & found.keys()


def test_the_range_is_that_of_all_steps():
    J = recurrent(12)
    J.backward()
    values = np.concatenate(
        [node.value for node in tg.Graph(J) if node.name[:1] == "h" and node.name != "h0"]
    )
    (line,) = [row for row in boxes(tg.draw(J))["h[t]"].rows if getattr(row, "value", False) and not row.red]
    assert f"{values.min():.4g} … {values.max():.4g}".replace("-", "−") in line.whole


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["h1 = f(h0)", "h2 = f(h1)"], "h[t] = f(h[t−1])"),
        (["W1 @ h1ᵀ + 3", "W1 @ h2ᵀ + 3"], "W1 @ h[t]ᵀ + 3"),
        (["a1 * 2", "a2 * 3"], None),
        (["a1", "b2"], None),
        (["a1", "a5"], None),
    ],
)
def test_what_differs_by_the_number_alone_is_one_text(texts, expected):
    assert _general(texts, [1, 2], "t") == expected


def loop(steps=12, first=1):
    """As NumPy code has it: slices of an array, from an array that nobody named."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(steps, 2, 3))
    Wx, Wh = parameter(rng, "Wx", 4, 2), parameter(rng, "Wh", 4, 4)
    h = np.zeros((4, 3))
    for t in range(steps):
        with tg.scope(f"step {t + first}"):
            h = called(f"h{t + first}", np.tanh(Wx @ X[t] + Wh @ h))
    return tg.Graph(called("J", np.mean(h * h)))


@pytest.mark.parametrize(("first", "told"), [(0, "X[t]"), (1, "X[t−1]")])
@pytest.mark.parametrize("backward", [False, True])
def test_slices_of_an_array_and_a_start_without_a_name_repeat_as_well(first, told, backward):
    picture = tg.draw(loop(first=first, steps=25), backward=backward)
    assert f"h[t] = tanh(Wx @ {told} + Wh @ h[t−1])" in text_of(picture)
    assert f"{'h0' if first else '①'} at t = {first}" in text_of(picture)


def test_a_first_step_that_computes_something_else_is_drawn_by_itself():
    rng = np.random.default_rng(0)
    W, h = parameter(rng, "W", 3, 3), np.ones((3, 1))
    for t in range(30):
        with tg.scope(f"step {t}"):
            h = called(f"h{t}", np.tanh(W @ h) if t else np.sin(W @ h))
    picture = tg.draw(tg.Graph(called("J", np.sum(h))))
    assert "h0" in boxes(picture)
    assert "h[t] = tanh(W @ h[t−1])" in text_of(picture)


def test_places_are_counted_like_numbers():
    assert _general(["h2 = E[1] + h1", "h3 = E[2] + h2", "h4 = E[3] + h3"], [2, 3, 4], "t") == (
        "h[t] = E[t−1] + h[t−1]"
    )
    assert _general(["a1 = E[4]", "a2 = E[2]"], [1, 2], "t") is None
