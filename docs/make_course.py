"""Writes course.md: every formula of the notes against autodiff, as one run finds them.

``python docs/make_course.py`` from anywhere; ``tests/course/test_page.py`` holds the page to the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.course import Formula, formulas
from tinygrad_edu.course.agreement import TOLERANCE, Agreement, compare
from tinygrad_edu.course.catalogue import NOTES, Misprint
from tinygrad_edu.course.catalogue.entry import GROUPS, SQUARE

PAGE = Path(__file__).with_name("course.md")
SEEDS = range(5)
SLIPS = (
    ("#hidden layers L", "L layers, of which L - 1 are hidden", "the output is one of the L layers"),
    ("l: #layers", "l: the number of one layer, from 1 to L", "two letters for one, one letter for two"),
    ("a cache in which a1 is x", "a[0] is x", "a[1] is what the first layer makes of x"),
    ("in L15, W (m, n) times X (n, h): a sum to h", "a sum to n", "it runs over the axis that both share"),
)
"""What the notes print, what is meant, and why: slips in words, which no run can find."""


def autodiff(
    forward: Callable[..., Mapping[str, Any]], inputs: Mapping[str, Any], cost: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs NumPy code on Tensors: the values, and the derivative of the cost in everything.

    Floating arrays become Tensors; labels, which are integers, and settings stay as they are.
    """
    tensors = {
        name: tg.Tensor(value, name=name)
        for name, value in inputs.items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    values = forward(**{**inputs, **tensors})
    if cost is not None:
        values[cost].backward()
    taking_part = {name: v for name, v in {**values, **tensors}.items() if isinstance(v, tg.Tensor)}
    gradients = {name: np.zeros(v.shape) if v.grad is None else v.grad for name, v in taking_part.items()}
    return {name: v.data if name in taking_part else v for name, v in values.items()}, gradients


def agreements(formula: Formula) -> list[Agreement]:
    """The formula against autodiff: for each seed, on sizes that differ pairwise, and on equal ones."""
    return [compare(formula, autodiff, seed, sizes) for seed in SEEDS for sizes in (None, SQUARE)]


def page() -> str:
    """The whole page."""
    found = {formula: agreements(formula) for formula in formulas}
    right = [formula for formula in formulas if not formula.misprint]
    lines = [
        "# The formulas of the notes, against autodiff",
        "",
        "Written by `python docs/make_course.py` from a run; do not edit.",
        "",
        f"`tinygrad_edu.course.formulas` has {len(formulas)} entries, derived by hand in plain NumPy:"
        f" {len(right)} formulas, and {len(formulas.misprinted)} that the notes misprint. Each is"
        f" compared with autodiff on {2 * len(SEEDS)} random samples in float64, half of them of sizes that"
        f" differ pairwise, half of equal sizes. ✓ says that every output agrees to {TOLERANCE:g} of its"
        " largest entry in all of them.",
        "",
        '`course.formulas["S4"]` gives an entry. One example per column; a value or a gradient stands under'
        " the name it has in the code, and dZ, dA hold each example's own derivative in its column.",
        "",
        *(f"- {number}: {name}" for number, name in NOTES.items()),
    ]
    *of_formulas, misprints = GROUPS.items()
    for group, title in of_formulas:
        rows = (_row(f, found[f]) for f in right if f.id[0] == group)
        lines += [
            "",
            f"## {title}",
            "",
            *_table(("", "what", "formula", "notes", "function", "compared", ""), rows),
        ]
    lines += [
        "",
        f"## {misprints[1]}",
        "",
        "The corrected formula agrees with autodiff like those above; what is printed is computed too, and"
        " *shows* says how it is found out: by a wrong number, a wrong shape, or an exception. Some raise"
        " only while sizes differ; where all are equal, nothing but the numbers tells.",
        "",
    ]
    columns = ("", "notes", "as printed", "what is wrong", "shows", "right", "function", "compared", "")
    lines += _table(columns, (_misprint_row(f, f.misprint, found[f]) for f in formulas if f.misprint))
    lines += ["", "## Slips in words", "", "Nothing computes these, so no run finds them.", ""]
    lines += _table(("as printed", "what is meant", "why"), SLIPS)
    return "\n".join(lines) + "\n"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    columns = tuple(columns)
    yield _line(columns)
    yield _line("---" for _ in columns)
    yield from map(_line, rows)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _row(formula: Formula, found: list[Agreement]) -> list[str]:
    notes = ", ".join(formula.notes)
    return [formula.id, formula.title, _math(formula.latex), notes, _function(formula), *_compared(found)]


def _misprint_row(formula: Formula, misprint: Misprint, found: list[Agreement]) -> list[str]:
    notes = ", ".join(formula.notes)
    right = [_math(formula.latex), _function(formula), *_compared(found)]
    return [formula.id, notes, _math(misprint.printed), misprint.wrong, _shows(misprint, found), *right]


def _math(latex: str) -> str:
    return f"$`{latex}`$"


def _function(formula: Formula) -> str:
    module = formula.function.__module__.rpartition(".")[2]
    return f"[{module}.{formula.function.__name__}](../tinygrad_edu/course/{module}.py)"


def _compared(found: list[Agreement]) -> tuple[str, str]:
    """The outputs compared, and ✓, or the largest error of each that is not right."""
    errors = {name: max(a.errors[name] for a in found) for name in found[0].errors}
    wrong = [f"✗ {name}: {error:.1g}" for name, error in errors.items() if error > TOLERANCE]
    return ", ".join(errors), ", ".join(wrong) or "✓"


def _shows(misprint: Misprint, found: list[Agreement]) -> str:
    """How the misprint is found out, if it is so in the whole run."""
    if all(a.found_out for a in found):
        return misprint.shows
    return "✗ " + "; ".join(sorted({shown for a in found for shown in a.shown}))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
