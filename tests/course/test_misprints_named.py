"""``tg.check.compare`` tells the misprinted gradients of the notes from the right ones, and names them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course import Formula, activations, costs, formulas, logistic, two_layer
from tinygrad_edu.course.catalogue.entry import SQUARE, Sizes, random_sizes

# For each slip in a gradient, the codes of which the diagnosis must give one. None: it need not have a name.
CODES: dict[tuple[str, int], set[str] | None] = {
    ("X2", 1): None,
    ("X3", 0): {"z_for_a"},
    ("X4", 0): {"sum_missing"},
    ("X6", 0): {"factor_m_missing"},
    ("X7", 0): {"inner_transpose"},
    ("X10", 0): {"sum_missing"},
    ("X11", 0): {"summed_too_early"},
    ("X17", 0): {"output_shortcut"},
    ("X17", 1): {"output_shortcut"},
    ("X20", 0): None,
    ("X23", 0): {"inner_transpose", "activation_for_slope"},
    ("X23", 1): {"activation_for_slope"},
    ("X31", 0): {"sum_missing"},
    ("X33", 0): None,
    ("X36", 0): {"factor_m_missing"},
    ("X37", 0): {"inner_transpose"},
    ("X39", 0): {"slope_wrong"},
}


def of_gradients(formula: Formula, k: int) -> bool:
    """Whether a slip is in a derivative, not in a value, and gives one where all sizes are equal."""
    assert formula.misprint is not None
    slip = formula.misprint.slips[k]
    if slip.expected(SQUARE).startswith("raises"):
        return False
    return set(slip.evaluate(**formula.sample(np.random.default_rng(0), SQUARE))) <= set(formula.gradients)


SLIPS = [
    (formula, k)
    for formula in formulas.misprinted
    if formula.misprint
    for k in range(len(formula.misprint.slips))
    if of_gradients(formula, k)
]


def test_every_slip_in_a_gradient_is_here() -> None:
    assert [(formula.id, k) for formula, k in SLIPS] == list(CODES)


@pytest.fixture
def _engine_ops(monkeypatch: pytest.MonkeyPatch) -> None:
    """The course's forward code with the engine's own activations and cost, as a model records them."""
    for name in ("sigmoid", "tanh", "relu", "leaky_relu"):
        op = getattr(tg, name)
        slope = activations.ACTIVATIONS[name].slope
        monkeypatch.setitem(activations.ACTIVATIONS, name, activations.Activation(op, slope))
    for module in (logistic, two_layer, activations):
        monkeypatch.setattr(module, "sigmoid", tg.sigmoid)
    monkeypatch.setattr(costs, "compute_cost", tg.binary_cross_entropy)


def recorded(formula: Formula, inputs: dict[str, Any]) -> dict[str, tg.Tensor]:
    """The formula's quantities as named Tensors."""
    floating = {k: v for k, v in inputs.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
    tensors = {name: tg.Tensor(value, name=name) for name, value in floating.items()}
    values = formula.forward(**{**inputs, **tensors})
    for name, value in values.items():
        value.name = name
    return {**values, **tensors}


def compared(formula: Formula, given: dict[str, Any], gradients: dict[str, Any], m: int) -> Any:
    tensors = recorded(formula, given)
    report = tg.check.compare(
        tensors[formula.cost], {tensors[name[1:]]: value for name, value in gradients.items()}, m=m
    )
    return {name: report[tensors[name[1:]]] for name in gradients}


def examples(formula: Formula, n: Sizes) -> int:
    return 1 if "one_example" in getattr(formula.forward, "__name__", "") or formula.id == "X20" else n.m


def _cases() -> list[Any]:
    """Every slip on sizes that differ, where it does not raise there, and on equal ones."""
    return [
        pytest.param(formula, k, equal, id=f"{formula.id}-{k}-{'equal' if equal else 'apart'}")
        for formula, k in SLIPS
        for equal in (False, True)
        if formula.misprint and (equal or not formula.misprint.slips[k].kind.startswith("raises"))
    ]


@pytest.mark.usefixtures("_engine_ops")
@pytest.mark.parametrize(("formula", "k", "equal"), _cases())
def test_a_misprinted_gradient_is_named_and_the_right_one_passes(
    formula: Formula, k: int, equal: bool
) -> None:
    assert formula.misprint is not None
    rng = np.random.default_rng(3)
    sizes = SQUARE if equal else random_sizes(rng)
    given = formula.sample(rng, sizes)
    m = examples(formula, sizes)
    right = {name: formula.evaluate(**given)[name] for name in formula.gradients}
    assert all(entry.ok for entry in compared(formula, given, right, m).values())
    printed = dict(formula.misprint.slips[k].evaluate(**given))
    for entry in compared(formula, given, printed, m).values():
        assert not entry.ok
        codes = CODES[formula.id, k]
        assert codes is None or codes & set(entry.diagnosis.codes), entry.diagnosis


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("wrong", ["unsummed", "summed", "one example's", "another sign"])
def test_a_wrong_db_is_told_whatever_shape_the_bias_has(shape: tuple[int, ...], wrong: str) -> None:
    given = formulas["L12"].sample(np.random.default_rng(0), SQUARE)
    w, b = tg.Tensor(given["w"]), tg.Tensor(np.full(shape, 0.3))
    A = tg.sigmoid(w.T @ given["X"] + b)
    J = tg.binary_cross_entropy(A, given["Y"])
    dZ = A.data - given["Y"]
    db = {
        "unsummed": dZ / dZ.size,
        "summed": np.sum(dZ),
        "one example's": dZ[0, -1],
        "another sign": -np.mean(dZ),
    }[wrong]
    report = tg.check.compare(J, {"db": db})
    assert not report.ok
    assert report["db"].diagnosis.codes
