"""Every formula of the notes agrees with autodiff; what the notes misprint is found out, and put right."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from docs.make_course import agreements, autodiff
from tinygrad_edu import course
from tinygrad_edu.course import Catalogue, Formula, Misprint, Slip, agreement, costs, formulas, models
from tinygrad_edu.course.agreement import TOLERANCE, compare
from tinygrad_edu.course.catalogue.entry import NOTES, SQUARE, Sizes

each_formula = pytest.mark.parametrize("formula", formulas, ids=lambda formula: formula.id)
each_misprint = pytest.mark.parametrize("formula", formulas.misprinted, ids=lambda formula: formula.id)


@each_formula
def test_a_formula_agrees_with_autodiff(formula: Formula) -> None:
    for found in agreements(formula):
        assert found.errors
        assert max(found.errors.values()) <= TOLERANCE == 1e-12, (found.sizes, found.errors)


@each_misprint
def test_what_is_printed_is_found_wrong(formula: Formula) -> None:
    assert formula.misprint is not None
    for found in agreements(formula):
        assert found.shown == tuple(slip.expected(found.sizes) for slip in formula.misprint.slips)
        assert found.ok


# What FORMULAS.md says to be about words, letters or indices, and so only to be listed with its correction.
IN_WORDS = {"X24", "X25", "X26", "X29", "X30", "X32", "X33"}


def test_only_words_and_letters_have_nothing_to_compute() -> None:
    assert {f.id for f in formulas.misprinted if f.misprint and not f.misprint.slips} <= IN_WORDS


@each_misprint
def test_what_is_printed_differs_from_what_is_right(formula: Formula) -> None:
    assert formula.misprint is not None
    assert formula.misprint.printed != formula.latex
    assert formula.misprint.wrong


# The checks bite


def off_by_a_little(value: Any) -> Any:
    """A planted mistake: 2e-12 of the largest entry, or another shape."""
    return (*value, 1) if isinstance(value, tuple) else value + 2e-12 * (np.max(np.abs(value)) or 1.0)


@each_formula
def test_a_small_mistake_in_any_output_is_found(formula: Formula) -> None:
    for name in compare(formula, autodiff).errors:

        def planted(name: str = name, **given: Any) -> Any:
            values = formula.evaluate(**given)
            return {**values, name: off_by_a_little(values[name])}

        found = compare(replace(formula, evaluate=planted), autodiff)
        assert not found.ok
        assert {k for k, off in found.errors.items() if off > TOLERANCE} == {name}


@each_misprint
def test_a_slip_that_is_right_after_all_is_found(formula: Formula) -> None:
    misprint = Misprint(printed="", wrong="", slips=(Slip(formula.evaluate, "wrong number"),))
    found = compare(replace(formula, misprint=misprint), autodiff)
    assert found.shown == ("right",)
    assert not found.ok


def test_another_form_that_is_wrong_is_found() -> None:
    def without_m(**given: Any) -> Any:
        return {"dw": given["X"].shape[1] * course.logistic.propagate(**given)[0]["dw"]}

    found = compare(replace(formulas["L12"], others=(without_m,)), autodiff)
    assert [name for name, off in found.errors.items() if off > TOLERANCE] == ["dw"]


def test_a_formula_that_writes_into_its_inputs_is_refused() -> None:
    def in_place(a: Any, y: Any) -> Any:
        a -= y
        return {"da": a}

    with pytest.raises(ValueError, match="read-only"):
        compare(replace(formulas["L7"], evaluate=in_place), autodiff)


@pytest.mark.parametrize("got", [np.nan, np.inf, np.ones(1), (1,)])
def test_what_is_no_number_of_that_shape_is_no_agreement(got: Any) -> None:
    assert agreement.error(got, 1.0) == np.inf


def test_an_error_is_in_parts_of_the_largest_entry() -> None:
    assert agreement.error([1.0, -8.0], np.array([2.0, -8.0])) == 1 / 8
    assert agreement.error(np.full(2, 1e-3), np.zeros(2)) == 1e-3


# The rows of the notes


@pytest.fixture(scope="module")
def rows(shared: Path) -> dict[str, tuple[str, ...]]:
    """The rows of FORMULAS.md, each with the notes that state it."""
    found, heading, where = {}, (), None
    for line in (shared / "FORMULAS.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading, where = _notes(line), None
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "id":
            where = next((k for k, title in enumerate(cells) if title in ("in", "where")), None)
        for name in re.findall(r"(?:^\| |· )([A-Z]\d+)\b", line):
            in_brackets = _notes(" ".join(re.findall(r"\((00\d[^)]*)\)", line)))
            found[name] = (_notes(cells[where]) if where else in_brackets) or heading
    return found


def _notes(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\b00\d\b", text))


def test_every_row_has_an_entry_and_every_entry_a_row(rows: dict[str, tuple[str, ...]]) -> None:
    assert len(rows) == 3 + 15 + 7 + 4 + 9 + 4 + 39
    assert set(formulas.ids) == set(rows)


def test_every_entry_names_the_notes_that_state_it(rows: dict[str, tuple[str, ...]]) -> None:
    assert {formula.id: formula.notes for formula in formulas} == rows


def test_every_misprint_stands_in_an_X_row() -> None:
    assert [f.id for f in formulas.misprinted] == [f.id for f in formulas if f.id[0] == "X"]


# The entries


@each_formula
def test_the_function_is_a_public_one_of_the_course(formula: Formula) -> None:
    module = inspect.getmodule(formula.function)
    assert module is not None
    assert module.__name__.startswith("tinygrad_edu.course.")
    assert formula.function.__name__ in module.__all__
    assert formula.function.__doc__


@each_formula
def test_the_formula_is_well_formed_latex(formula: Formula) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    for latex in (formula.latex, formula.misprint.printed if formula.misprint else "x"):
        mathtext.MathTextParser("path").parse(f"${latex}$")
        assert "|" not in latex  # which would end a cell of a Markdown table
        assert "`" not in latex


def test_formulas_are_found_by_their_row_and_in_its_order() -> None:
    assert formulas["S4"].id == "S4"
    assert "S4" in formulas
    assert formulas["S4"] in formulas
    assert "S8" not in formulas
    assert [f.id for f in formulas] == list(formulas.ids)
    assert formulas.ids[:4] == ("G1", "G2", "G3", "L1")
    assert formulas.ids[-1] == "X39"
    assert repr(formulas["S5"]) == "Formula(S5: Shapes of two layers)"


@pytest.mark.parametrize("row", ["S8", "s4", "", 4])
def test_an_unknown_row_is_refused_with_those_there_are(row: Any) -> None:
    with pytest.raises(KeyError, match=r"expected one of G1 to G3, L1 to L15, S1 to S7.*, got " + repr(row)):
        formulas[row]


def test_two_formulas_of_one_row_are_refused() -> None:
    with pytest.raises(ValueError, match="two formulas are called G1"):
        Catalogue([formulas["G1"], formulas["G1"]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "B1"}, r"id: expected a letter of GLSADEX and a number, got 'B1'"),
        ({"id": "L"}, r"id: expected a letter of GLSADEX and a number, got 'L'"),
        ({"notes": ("005",)}, r"Formula L9: notes: expected some of 000, 001, .*, got 005"),
        ({"per_example": ("dA",)}, r"per_example: expected some of the gradients dz, got dA"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(formulas["L9"], **change)


def test_the_notes_are_those_of_the_formulas() -> None:
    assert {number for formula in formulas for number in formula.notes} == set(NOTES)


def test_a_slip_shows_in_its_own_way_where_sizes_are_equal() -> None:
    slip = Slip(dict, "raises ValueError", square="wrong number")
    assert slip.expected(SQUARE) == "wrong number"
    assert slip.expected(Sizes(5, 6, 7, 8)) == "raises ValueError"
    assert slip.shows == "raises ValueError (equal sizes: wrong number)"


# What the rows say beside their formulas


def curvature(loss: Any, w: float) -> float:
    """The second derivative of a loss in w, by autodiff twice."""
    at = tg.Tensor(w)
    (slope,) = tg.grad(loss(at), [at], create_graph=True)
    (bend,) = tg.grad(slope, [at])
    return float(bend)


@pytest.mark.parametrize("w", [-3.0, -0.4, 0.7, 2.5])
@pytest.mark.parametrize("y", [0, 1])
def test_the_curvatures_of_the_losses(w: float, y: int) -> None:
    x, sigmoid = 1.3, course.sigmoid
    squared = curvature(lambda w: costs.squared_loss(sigmoid(w * x), y), w)
    crossed = curvature(lambda w: costs.cross_entropy(sigmoid(w * x), y), w)
    assert costs.squared_loss_curvature(w, x, y) == pytest.approx(squared, rel=1e-12)
    assert costs.cross_entropy_curvature(w, x) == pytest.approx(crossed, rel=1e-12)


def test_the_squared_loss_is_not_convex_in_w_and_the_cross_entropy_is() -> None:
    w = np.linspace(-6, 6, 101)
    assert np.min(costs.squared_loss_curvature(w, 1.0, 1.0)) < -0.01
    assert np.min(costs.cross_entropy_curvature(w, 1.0)) > 0


def test_the_hyperparameters_are_arguments_of_the_trainings() -> None:
    trainings = (models.L_layer_model, models.mini_batch_model)
    arguments = {name for training in trainings for name in inspect.signature(training).parameters}
    of_the_run = {"X", "Y", "seed", "batch_seed", "record_every"}
    assert set(models.HYPERPARAMETERS) == arguments - of_the_run
