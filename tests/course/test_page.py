"""docs/course.md is what the run gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docs import make_course
from tinygrad_edu.course import Catalogue, Slip, formulas


@pytest.fixture(scope="module")
def page() -> str:
    return make_course.page()


def test_the_page_is_up_to_date(page: str) -> None:
    assert make_course.PAGE.read_text("utf-8") == page, "run: python docs/make_course.py"


def test_every_formula_has_a_line_and_every_line_is_right(page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    of_formulas = [line for line in lines if line.split(" ")[1] in formulas]
    assert len(of_formulas) == len(formulas)
    assert all(line.endswith("| ✓ |") for line in of_formulas)
    assert all(line.count("|") == lines[k - 1].count("|") for k, line in enumerate(lines) if "---" in line)


def test_a_wrong_formula_would_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = replace(
        formulas["A2"], evaluate=lambda z: {"dz": 2 * formulas["A2"].evaluate(z=z)["dz"]}, others=()
    )
    monkeypatch.setattr(make_course, "formulas", Catalogue([twice]))
    assert "✗ dz: 1 |" in make_course.page()


def test_a_slip_that_is_not_found_out_would_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert formulas["X39"].misprint is not None
    slips = (Slip(formulas["X39"].evaluate, "wrong number"),)
    nothing_wrong = replace(formulas["X39"], misprint=replace(formulas["X39"].misprint, slips=slips))
    monkeypatch.setattr(make_course, "formulas", Catalogue([nothing_wrong]))
    assert "| ✗ right |" in make_course.page()
