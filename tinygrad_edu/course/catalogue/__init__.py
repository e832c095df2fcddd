"""Every row of the notes as an entry that can be looked up, called and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tinygrad_edu.course.catalogue.entry import GROUPS, NOTES, Formula, Misprint, Slip
from tinygrad_edu.course.catalogue.rows import read

__all__ = ["NOTES", "Catalogue", "Formula", "Misprint", "Slip", "formulas"]


class Catalogue:
    """Formulas in the order of their rows, by their id.

    >>> from tinygrad_edu.course import formulas
    >>> formulas["L12"].title, formulas["X6"].misprint.wrong
    ('Logistic regression, vectorised', '1/m missing')
    >>> len(formulas), len(formulas.misprinted)
    (81, 39)
    >>> formulas["L99"]
    Traceback (most recent call last):
    ...
    KeyError: "course.formulas: expected one of G1 to G3, L1 to L15, ..., X1 to X39, got 'L99'"
    """

    def __init__(self, formulas: Iterable[Formula]) -> None:
        self._by_id: dict[str, Formula] = {}
        for formula in sorted(formulas, key=lambda f: (list(GROUPS).index(f.id[0]), int(f.id[1:]))):
            if formula.id in self._by_id:
                raise ValueError(f"Catalogue: two formulas are called {formula.id}")
            self._by_id[formula.id] = formula

    def __getitem__(self, id: str) -> Formula:  # noqa: A002  (the name that Formula gives it)
        if id not in self._by_id:
            raise KeyError(f"course.formulas: expected one of {self._ranges()}, got {id!r}")
        return self._by_id[id]

    def __contains__(self, id: object) -> bool:  # noqa: A002
        return id in self._by_id or id in self._by_id.values()

    def __iter__(self) -> Iterator[Formula]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"Catalogue({len(self)} formulas: {self._ranges()})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all rows."""
        return tuple(self._by_id)

    @property
    def misprinted(self) -> tuple[Formula, ...]:
        """The formulas that the notes misprint."""
        return tuple(formula for formula in self if formula.misprint)

    def _ranges(self) -> str:
        last = {name[0]: name for name in self._by_id}
        first = {name[0]: name for name in reversed(self._by_id)}
        return ", ".join(f"{first[group]} to {last[group]}" for group in last)


formulas = Catalogue(read())
"""Every formula of the notes."""
