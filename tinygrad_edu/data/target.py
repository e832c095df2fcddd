"""The column that a model is to learn: classes or numbers, and how predictions are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.data.layout import Array
from tinygrad_edu.data.preparing import one_hot
from tinygrad_edu.data.table import Table

MOST_CLASSES = 100
MOST_NUMBERED = 20
"""Whole numbers 0, 1, 2, ... or 1, 2, 3, ... are taken for classes up to so many."""


@dataclass(frozen=True)
class Target:
    """The column to learn: its classes in their order; or without classes numbers, with a shift and scale.

    >>> table = Table("a.csv", {"y": ("no", "yes", "no")}, (2, 3, 4))
    >>> target = Target.of(table, "y")
    >>> target.output, target.Y(table).tolist()
    ('sigmoid', [[0.0, 1.0, 0.0]])
    """

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, table: Table, name: str, task: str | None = None) -> Target:
        """What a column is: two classes, several, or numbers.

        Args:
            table: rows without gaps in that column.
            name: the column.
            task: ``"classes"`` or ``"numbers"``; by default classes where it is text, has two values, or
                numbers a few classes from 0 or 1 on.

        Raises:
            ValueError: one value only; texts for numbers, or too many for classes.
        """
        numbers, wrong = table.numbers(name), table.first_that_is_none(name)
        words = [_spelt(text, x) for text, x in zip(table.columns[name], numbers.tolist(), strict=True)]
        counts = Counter(words)
        if len(counts) < 2:
            raise ValueError(
                f"{table.path}, column {name!r}: every row has {words[0]!r}, so there is nothing to learn; "
                "a target has two different values at least"
            )
        if task == "numbers" and wrong:
            raise ValueError(f"{table.path}, column {name!r}: expected numbers, got {wrong}")
        if task is None:
            task = "classes" if wrong or len(counts) == 2 or _counts_classes(numbers) else "numbers"
        if task == "numbers":
            return cls(name)
        if len(counts) > MOST_CLASSES or 2 * len(counts) > max(len(words), 4):
            hint = "" if wrong else "; for numbers take --task numbers"
            raise ValueError(
                f"{table.path}, column {name!r}: {len(counts)} different {'texts' if wrong else 'numbers'} "
                f"in {len(words)} rows are too many for classes (at most {MOST_CLASSES}, two rows for each "
                f"on average); is another column the target?{hint}"
            )
        return cls(name, tuple(sorted(counts) if wrong else sorted(counts, key=float)))

    @property
    def output(self) -> str:
        """The activation of the last layer: sigmoid, softmax or linear."""
        return "linear" if not self.classes else "sigmoid" if len(self.classes) == 2 else "softmax"

    @property
    def units(self) -> int:
        """The units of the last layer."""
        return len(self.classes) if len(self.classes) > 2 else 1

    def scaled(self, table: Table) -> Target:
        """The same with the shift and scale of the training rows, where it is of numbers.

        Raises:
            ValueError: numbers too large for that.
        """
        if self.classes:
            return self
        values = table.numbers(self.name)
        with np.errstate(all="ignore"):
            mean, deviation = float(values.mean()), float(values.std()) or 1.0
        if not np.isfinite(deviation):
            raise ValueError(f"{table.path}, column {self.name!r}: its numbers are too large to be scaled")
        return Target(self.name, (), mean, deviation)

    def Y(self, table: Table) -> Array:
        """The labels as the model learns them, (units, m).

        Raises:
            ValueError: a class that was not among those to learn; a text in place of a number.
        """
        wrong = table.first_that_is_none(self.name)
        if not self.classes:
            if wrong:
                raise ValueError(f"{table.path}, column {self.name!r}: expected numbers, got {wrong}")
            return (table.numbers(self.name)[None] - self.mean) / self.deviation
        numbers = table.numbers(self.name).tolist()
        words = [_spelt(text, x) for text, x in zip(table.columns[self.name], numbers, strict=True)]
        for word, line in zip(words, table.lines, strict=True):
            if word not in self.classes:
                raise ValueError(
                    f"{table.path}, line {line}: {self.name!r} is {word!r}, which is none of the classes "
                    f"{', '.join(self.classes)}"
                )
        Y = one_hot(words, self.classes)
        return Y[1:] if len(self.classes) == 2 else Y

    def answers(self, predicted: NDArray[Any]) -> list[Any]:
        """What ``predict`` gives, (1, m), as the table has it: classes, or numbers in their own unit."""
        if self.classes:
            return [self.classes[int(k)] for k in predicted[0]]
        return [float(x) for x in predicted[0] * self.deviation + self.mean]

    def to_data(self) -> dict[str, Any]:
        """The target as JSON has it."""
        return {
            "name": self.name,
            "classes": list(self.classes),
            "mean": self.mean,
            "deviation": self.deviation,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Target:
        """The target that :meth:`to_data` gave.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        mean, deviation = float(data["mean"]), float(data["deviation"])
        if not isinstance(data["classes"], list) or len(data["classes"]) == 1:
            raise ValueError("its classes are no list of two or more")
        if not (np.isfinite([mean, deviation]).all() and deviation > 0):
            raise ValueError("its target has no scale")
        return cls(str(data["name"]), tuple(map(str, data["classes"])), mean, deviation)


def _spelt(text: str, number: float) -> str:
    """One spelling for one number: 1, 1.0 and 01 are the same class."""
    return text if np.isnan(number) else f"{number:.15g}"


def _counts_classes(numbers: NDArray[np.float64]) -> bool:
    found = np.unique(numbers)
    return (
        len(found) <= MOST_NUMBERED
        and 4 * len(found) <= len(numbers)
        and found[0] in (0.0, 1.0)
        and np.array_equal(found, found[0] + np.arange(len(found)))
    )
