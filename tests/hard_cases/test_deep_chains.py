"""Ten thousand operations in a row: nothing recurses, and nothing takes quadratic time."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

DEPTH = 10_000


def chain(n=DEPTH):
    x = T(1.0, name="x")
    y = x
    for k in range(n):
        y = y * 1.0001 if k % 2 else np.sin(y)
    return x, y


def slope(n=DEPTH):
    x, g = 1.0, 1.0
    for k in range(n):
        x, g = (x * 1.0001, g * 1.0001) if k % 2 else (np.sin(x), g * np.cos(x))
    return g


READERS = {
    "backward": lambda x, J: J.backward(),
    "create_graph": lambda x, J: tg.grad(J, [x], create_graph=True),
    "graph": lambda x, J: tg.Graph(J).find("x"),
    "program": lambda x, J: tg.Program.of(J),
    "repr": lambda x, J: repr(tg.Graph(J)),
    "copy": lambda x, J: copy.deepcopy(J),
    "pickle": lambda x, J: pickle.dumps(J),
    "draw a summary": lambda x, J: tg.draw(J),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_readers_of_the_graph(read):
    x, J = chain()
    read(x, J)


def test_its_gradient_is_right():
    x, J = chain()
    J.backward()
    assert x.grad == pytest.approx(slope(), rel=1e-9)


def test_a_correct_gradient_by_hand_is_found_right():
    _x, J = chain(2000)
    assert tg.check.compare(J, {"dx": slope(2000)}).ok


def test_the_second_derivative_of_a_deep_chain():
    x, J = chain(2000)
    (g,) = tg.grad(J, [x], create_graph=True)
    (h,) = tg.grad(g, [x])
    h_numeric = (differentiated(1.0 + 1e-6) - differentiated(1.0 - 1e-6)) / 2e-6
    assert h == pytest.approx(h_numeric, rel=1e-4)


def differentiated(at):
    x, g = at, 1.0
    for k in range(2000):
        x, g = (x * 1.0001, g * 1.0001) if k % 2 else (np.sin(x), g * np.cos(x))
    return g


def test_wide_sharing_and_many_inputs():
    xs = [T(float(k)) for k in range(3000)]
    J = sum(x * x for x in xs)
    J.backward()
    assert [x.grad for x in xs[:3]] == [0.0, 2.0, 4.0]
    assert len(tg.Graph(J, names=False)) == 3 * 3000


def test_doubling_a_graph_doubles_the_work():
    def calls(n):
        _x, J = chain(n)
        count = 0

        def counted(*_):
            nonlocal count
            count += 1

        before = sys.getprofile()
        sys.setprofile(counted)
        try:
            J.backward()
        finally:
            sys.setprofile(before)
        return count

    calls(10)  # what is made once
    few, more, many = calls(2_000), calls(4_000), calls(8_000)
    assert 2_000 < few < 100_000
    assert many - more < 2.1 * (more - few)


def test_names_are_found_in_a_graph_that_is_deep_and_shared():
    x = T(1.0, name="x")
    u = x
    for _ in range(500):
        u = u * u / (1 + u)
    assert tg.Graph(u, names={"last": u}).find("last").tensor is u


@pytest.mark.parametrize("n", [300])
def test_formulas_and_steps_of_a_long_chain(n, tmp_path):
    _x, J = chain(n)
    source = tg.derive(J).numpy_source()
    scope: dict = {}
    exec(source, scope)
    assert scope["gradients"](x=1.0)["dx"] == pytest.approx(slope(n), rel=1e-9)
    tg.step_through(J, tmp_path / "J.html")


@pytest.mark.parametrize("n", [400])
def test_a_long_loop_compiles(n):
    def loss(p):
        y = p[0]
        for k in range(n):
            y = y * 1.0001 if k % 2 else np.sin(y)
        return y

    _J, (g,) = tg.compile(loss)([np.array(1.0)])
    assert g == pytest.approx(slope(n), rel=1e-9)
