"""Writes diagnosis.md: what the tool says of every misprinted row of the notes, as one run finds it.

``python docs/make_diagnosis.py`` from anywhere; ``tests/check/test_page.py`` holds the page to the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.course import Formula, formulas
from tinygrad_edu.course.catalogue import Slip
from tinygrad_edu.course.catalogue.entry import SQUARE, Sizes

PAGE = Path(__file__).with_name("diagnosis.md")
APART = Sizes(7, 5, 6, m=11)
"""Sizes that differ pairwise."""

HEAD = """# What the tool says of the misprints in the notes

Written by `python docs/make_diagnosis.py` from a run; do not edit.

Every row of the notes that is misprinted or wrong, computed as printed, and given to `check.compare` (where
it is a gradient) or `check.forward` (where it is a value). *Sizes apart* has n = 7, 5, 6 and m = 11, so a
wrong transpose raises; *sizes equal* has 5 for all of them, where nothing but the numbers tells. In brackets
are the codes that `report["dW1"].diagnosis.codes` holds; [the room's page](../tinygrad_edu/check/README.md)
tells how they are found.

```python
report = tg.check.compare(J, {"dW1": dW1, "db1": db1})  # gradients derived by hand
report = tg.check.forward(J, {"Z1": Z1, "J": J_by_hand})  # values
report = tg.check.function(backward, loss, shapes={...})  # a function, with its wrong line
```

`tinygrad-edu check student.py` does the same for a file with functions `forward` and `backward`.

| | as printed | what is wrong | sizes apart | sizes equal |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join(map(_row, formulas.misprinted)) + "\n"


def _row(formula: Formula) -> str:
    misprint = formula.misprint
    assert misprint is not None
    told = [_told(formula, misprint.slips, sizes) for sizes in (APART, SQUARE)]
    cells = [formula.id, f"$`{misprint.printed}`$", misprint.wrong, *told]
    return "| " + " | ".join(cell.replace("|", "∣") for cell in cells) + " |"


def _told(formula: Formula, slips: tuple[Slip, ...], sizes: Sizes) -> str:
    if not slips:
        return "in words only: nothing to compute"
    return "<br>".join(dict.fromkeys(line for slip in slips for line in said(formula, slip, sizes)))


def said(formula: Formula, slip: Slip, sizes: Sizes) -> Iterator[str]:
    """What the tool, or Python, says of one slip."""
    given = formula.sample(np.random.default_rng(3), sizes)
    try:
        printed = dict(slip.evaluate(**given))
    except (ValueError, TypeError, AttributeError, KeyError, SyntaxError) as error:
        yield f"Python raises {type(error).__name__}"
        return
    tensors = recorded(formula, given)
    for name, value in printed.items():
        entry = entry_of(formula, tensors, name, value)
        if entry is None:
            yield f"{name}: {slip.shows}"
        elif entry.ok:
            yield f"{name}: not told apart"
        else:
            codes = ", ".join(f"`{code}`" for code in entry.diagnosis.codes)
            yield f"{entry.name}: {entry.diagnosis.sentence} [{codes}]"


def recorded(formula: Formula, given: Mapping[str, Any]) -> dict[str, Any]:
    """The formula's quantities, as named Tensors."""
    tensors = {
        name: tg.Tensor(value, name=name)
        for name, value in given.items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    values = formula.forward(**{**given, **tensors})
    for name, value in values.items():
        if isinstance(value, tg.Tensor) and value.op is not None:
            value.name = name
    return {**tensors, **values}


def entry_of(formula: Formula, tensors: Mapping[str, Any], name: str, value: Any) -> tg.check.Entry | None:
    """The line of the report about one printed quantity; None where there is no cost to compare it with."""
    J = tensors.get(formula.cost)
    if not isinstance(J, tg.Tensor) or J.size != 1 or J.op is None:
        return None
    if name in formula.gradients:
        return tg.check.compare(J, {tensors[name[1:]]: value})[f"d{name[1:]}"]
    if isinstance(tensors.get(name), tg.Tensor) and tensors[name] in tg.Graph(J):
        return tg.check.forward(J, {tensors[name]: value})[name]
    return None


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
