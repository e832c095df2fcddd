"""docs/diagnosis.md is what the run gives, and every misprint that can be computed is found in it."""

from __future__ import annotations

import pytest

from docs import make_diagnosis
from tinygrad_edu.course import formulas

NAMED = {
    "X1": "loss_parenthesis",
    "X3": "z_for_a",
    "X4": "sum_missing",
    "X6": "factor_m_missing",
    "X7": "inner_transpose",
    "X10": "sum_missing",
    "X11": "summed_too_early",
    "X14": "wrong_layer",
    "X16": "loss_parenthesis",
    "X17": "output_shortcut",
    "X18": "inner_transpose",
    "X22": "wrong_layer",
    "X23": "inner_transpose",
    "X29": "log_base",
    "X37": "inner_transpose",
    "X39": "slope_wrong",
}


@pytest.mark.slow
def test_the_page_is_up_to_date_and_no_misprint_is_missed() -> None:
    page = make_diagnosis.page()
    assert make_diagnosis.PAGE.read_text("utf-8") == page, "run: python docs/make_diagnosis.py"
    rows = {line.split()[1]: line for line in page.splitlines() if line.startswith("| X")}
    assert list(rows) == [f.id for f in formulas.misprinted]
    assert all(row.count("|") == 6 for row in rows.values())
    assert "not told apart" not in page
    assert [row for row, code in NAMED.items() if f"`{code}`" not in rows[row]] == []
