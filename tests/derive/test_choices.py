"""A choice that the code makes stands in the formulas; only what guards against 0/0 is left out on paper."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.drawing.formulas import Reading

Y = np.array([1.0, 0.0, 1.0, 0.0])
P = np.array([0.2, 0.3, 0.6, 0.7])
CHOICES = {
    "one branch or the other": lambda p: np.where(Y == 1, p, 1 - p),
    "a number at a label": lambda p: np.where(Y == 0, 1, p) ** 2,
    "nothing at a label": lambda p: np.where(Y == 0, 0, p * p),
    "below the line": lambda p: p / np.where(Y == 0, 2, p + 1),
    "at a value of its own": lambda p: np.where(p == 0.3, 0, p) * 2,
    "a guard in a term that vanishes": lambda p: Y * np.log(np.where(Y == 0, 1, p)),
    "where there is no value": lambda p: np.where(p == 0, 0, p * np.log(p + 0.0)),
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_the_formulas_have_the_values_of_the_program(choice):
    p = tg.Tensor(P)
    q = choice(p)
    derivation = tg.derive(np.sum(q * q))
    known = {"np": np, "Y": Y, "p": P, "q": q.data} | {step.name: step.value for step in derivation.steps}
    lines = [*derivation.forward, *derivation.steps]
    for line in lines:
        value = eval(line.formula.partition(" = ")[2], known)
        np.testing.assert_allclose(np.broadcast_to(value, line.shape), line.value, err_msg=line.formula)
    np.testing.assert_allclose(derivation["dp"].value, tg.grad(np.sum(choice(p) ** 2), [p])[0])


@pytest.mark.parametrize("name", ["a guard in a term that vanishes", "where there is no value"])
def test_a_guard_is_left_out(name):
    p = tg.Tensor(P)
    q = CHOICES[name](p)
    assert "where" not in str(tg.derive(np.sum(q * q)))


def test_the_arrows_of_a_picture_say_where_nothing_comes_back():
    p = tg.Tensor(P)
    q = np.where(Y == 0, 1, p)
    J = np.sum(q)
    reading = Reading(tg.Program.of(J))
    assert reading.along(tg.Graph(J).find(q), 2) == "where([Y = 0], 0, 1)"


@pytest.mark.parametrize("power", [lambda a, b, c: a ** (b**c), lambda a, b, c: (a**b) ** c])
def test_a_power_of_a_power_is_derived_without_its_guard_at_0(power):
    a, b, c = (tg.Tensor(v, name=n) for v, n in ((1.3, "a"), (0.7, "b"), (1.1, "c")))
    derivation = tg.derive(power(a, b, c), [a, b, c])
    assert "cases" not in derivation.latex()
