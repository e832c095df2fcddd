# ruff: noqa: UP031  (the old way to print is what is tried)
"""Where a Tensor meets Python and other libraries' habits: it works, or the message says what to write."""

from __future__ import annotations

import math
import pydoc
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.foreign_attributes import ANSWERS
from tinygrad_edu.core.table import RECORD

C = np.array([[1.0, -2.0], [3.0, 4.0]])


@pytest.fixture
def cost():
    return tg.Tensor(2.5, name="cost")


@pytest.fixture
def Z():
    return tg.Tensor(C, name="Z")


def told(run):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = run()
    return value, [str(w.message) for w in caught if w.category is tg.HistoryLostWarning]


# plain numbers


@pytest.mark.parametrize(
    ("run", "value"),
    [
        (lambda t: f"{t:.3f}", "2.500"),
        (lambda t: "%f" % t, "2.500000"),
        (lambda t: "%i and %g" % (t, t), "2 and 2.5"),
        (float, 2.5),
        (int, 2),
        (math.sqrt, math.sqrt(2.5)),
        (math.floor, 2),
    ],
)  # fmt: skip
def test_a_single_entry_is_a_number(cost, run, value):
    assert told(lambda: run(cost))[0] == value


@pytest.mark.parametrize("run", [float, int, math.exp, lambda t: "%f" % t])
def test_the_number_comes_with_one_word_about_item(cost, run):
    def loop():
        for _ in range(5):
            run(cost)

    ((message),) = told(loop)[1]
    assert "cost.item()" in message
    assert told(lambda: run(tg.Tensor(2.5, requires_grad=False)))[1] == []
    assert told(lambda: f"{cost:.2f} {cost} {cost.item():f}")[1] == []


def test_code_run_by_exec_is_told_too(cost):
    space = {"cost": cost}
    assert len(told(lambda: exec("y = float(cost)", space))[1]) == 1
    assert space["y"] == 2.5


@pytest.mark.parametrize("convert", [float, int, math.exp])
def test_more_than_a_number_is_refused(Z, convert):
    with pytest.raises(TypeError, match=rf"takes a 0-d Tensor, got .*\({Z.shape[0]}, .*t\.tolist\(\)"):
        convert(Z)
    with pytest.raises(TypeError, match=r"t\.item\(\)"):
        convert(tg.Tensor([[1.0]]))


@pytest.mark.parametrize("run", [lambda cost: np.squeeze(np.array(cost)), np.asarray, np.float64])
def test_an_array_of_one_number_comes_with_one_word_about_item(cost, run):
    value, messages = told(lambda: [run(cost) for _ in range(3)])
    assert (value, [type(v) is tg.Tensor for v in value]) == ([2.5] * 3, [False] * 3)
    assert ["cost.item()" in message for message in messages] == [True]


def test_costs_of_a_loop_are_squeezed_for_a_plot(cost):
    costs = [cost, cost * 0.5]
    value, messages = told(lambda: np.squeeze(costs))
    np.testing.assert_array_equal(value, [2.5, 1.25])
    assert len(messages) == 1


def test_tensors_in_a_list_are_no_array(cost):
    both = [cost, cost * 2]
    for gather in (
        lambda: np.array([cost, cost]), lambda: np.array(both), lambda: np.asarray(both) * 2,
        lambda: np.mean(both), lambda: np.array([c for c in both]),  # noqa: C416
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=r"np\.stack|setting an array element"):
            gather()


# arrays that are filled


def test_entries_written_into_an_array_are_refused_with_their_line(cost, Z):
    table = np.zeros((2, 2))
    with pytest.raises(ValueError, match="setting an array element") as caught:
        table[0, 1] += cost
    assert "`table[0, 1] += cost`" in str(caught.value.__cause__)  # NumPy's own error, from ours
    assert "np.stack(" in str(caught.value.__cause__)
    with pytest.raises(ValueError, match="setting an array element") as caught:
        table[0, 0] = cost
    assert "item()" in str(caught.value.__cause__)
    with pytest.raises(TypeError, match=r"`table\[:, 0\] = Z\[0\]`.*np\.stack"):
        table[:, 0] = Z[0]
    assert not table.any()
    with pytest.raises(TypeError, match=r"np\.stack"):
        Z[:, 0] = 1.0


# Python's choice


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda Z: max(0, Z), r"np\.maximum\(0, Z\)"),
        (lambda Z: max(Z, 0), r"np\.maximum\(Z, 0\)"),
        (lambda Z: min(Z, 1.0), r"np\.minimum\(Z, 1\.0\)"),
        (lambda Z: max(Z[0], Z[1]), r"np\.maximum\(Z\[0\], Z\[1\]\)"),
    ],
)
def test_pythons_max_of_arrays_is_answered(Z, run, said):
    with pytest.raises(ValueError, match=said):
        run(Z)


def test_pythons_max_of_numbers_tells_where_a_plain_number_comes_out():
    below, above = tg.Tensor(-1.0), tg.Tensor(1.0)
    value, messages = told(lambda: max(0, below))
    assert value == 0
    assert "np.maximum(0, below)" in messages[0]
    assert told(lambda: max(0, above)) == (above, [])
    assert told(lambda: max([below, above])) == (above, [])
    assert len(told(lambda: min(above, 0))[1]) == 1
    assert told(lambda: (above > 0, below < 0, above in [above])) == ((True, True, True), [])


@pytest.mark.parametrize(
    "differentiate", [lambda J, w: tg.grad(J, [w]), lambda J, w: tg.func.grad(lambda w: J)(w)]
)
def test_a_branch_that_ends_in_a_number_is_named(differentiate):
    z = tg.Tensor(-1.0)
    J = z if z > 0 else 0
    with pytest.raises(TypeError, match=r"np\.maximum\(0, z\)"):
        differentiate(J, z)


# what other libraries have


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tanh", r"np\.tanh\(t\)"), ("relu", r"tg\.relu\(t\)"), ("inv", r"np\.linalg\.inv\(t\)"),
        ("maximum", r"np\.maximum\(t, \.\.\.\)"), ("unsqueeze", "np.expand_dims"), ("view", "t.reshape"),
        ("add_", r"t \+ u"), ("grad_fn", "t.op"), ("numel", "t.size"), ("flags", "t.data.flags"),
    ],
)  # fmt: skip
def test_a_method_of_another_library_is_answered(Z, name, said):
    with pytest.raises(AttributeError, match=said):
        getattr(Z, name)
    assert not hasattr(Z, name)
    assert getattr(Z, name, None) is None


def test_every_answer_is_an_attribute_error_and_hides_nothing(Z):
    for name in [*ANSWERS, *RECORD]:
        there = any(name in vars(base) for base in type(Z).__mro__ if base.__name__ != "Elsewhere")
        assert hasattr(Z, name) == there
    assert "unsqueeze" not in dir(Z)
    assert "reshape" in dir(Z)
    assert "unsqueeze" not in pydoc.render_doc(tg.Tensor)


def test_a_slip_of_the_pen_is_pythons_own_error(Z):
    with pytest.raises(AttributeError, match="no attribute 'shpae'") as caught:
        Z.shpae  # noqa: B018
    assert (caught.value.name, caught.value.obj) == (
        "shpae",
        Z,
    ) or caught.value.obj is Z  # so Python suggests


def test_no_read_goes_through_a_hook():
    assert "__getattr__" not in {name for base in tg.Tensor.__mro__ for name in vars(base)}
    assert tg.Tensor.__getattribute__ is object.__getattribute__


# pictures


def test_matplotlib_draws_tensors_and_lists_of_costs(cost, Z):
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, axes = plt.subplots()
    costs = [cost * 0.5**k for k in range(4)]

    def draw():
        (line,) = axes.plot(costs)
        (other,) = axes.plot(range(2), Z[0], "r-")
        axes.scatter(Z[0], Z[1], c=Z[0])
        axes.imshow(Z)
        axes.hist(Z[0])
        axes.fill_between(range(2), Z[0], Z[1])
        axes.semilogy(range(4), costs)
        figure.canvas.draw()
        return line.get_ydata(), other.get_ydata()

    (ys, zs), messages = told(draw)
    plt.close(figure)
    np.testing.assert_array_equal(np.asarray(ys, float), [2.5, 1.25, 0.625, 0.3125])
    np.testing.assert_array_equal(np.asarray(zs.data if isinstance(zs, tg.Tensor) else zs), C[0])
    assert messages == []
    with pytest.raises(TypeError, match="lose the Tensor's history"):
        np.asarray(Z)


# names that stand in another room


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("compare", "it is tg.check.compare"),
        ("SGD", "it is tg.optim.SGD"),
        ("fit", r"it is tg\.(nn|distributed)\.fit or tg\.(nn|distributed)\.fit"),
        ("Tensr", "did you mean Tensor.*"),
    ],
)
def test_a_name_of_another_room_is_pointed_to(name, said):
    with pytest.raises(AttributeError, match=f"{said}[?]?$") as told:
        getattr(tg, name)
    assert name in str(told.value)
