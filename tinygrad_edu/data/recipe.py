"""How the columns of a table become X and Y, learnt from the training rows, and kept as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.data.layout import Array
from tinygrad_edu.data.preparing import Scaling, one_hot
from tinygrad_edu.data.table import Table, nearest
from tinygrad_edu.data.target import Target

MOST_WORDS = 20
"""A column of text has a row of X for each of its most frequent values, at most so many."""
MOSTLY = 0.9
"""The share of numbers in a column from which a text in it is taken for a mistake."""


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: one row of X. A missing value becomes the median of the training rows."""

    name: str
    median: float

    @property
    def rows(self) -> tuple[str, ...]:
        """What the rows of X are called."""
        return (self.name,)

    def read(self, table: Table) -> Array:
        """(1, m), before it is scaled.

        Raises:
            ValueError: a value is there, and no number.
        """
        wrong = table.first_that_is_none(self.name)
        if wrong:
            raise ValueError(
                f"{table.path}, column {self.name!r}: expected a number, or nothing where it is missing, "
                f"got {wrong}"
            )
        values = table.numbers(self.name)
        return np.where(np.isnan(values), self.median, values)[None]


@dataclass(frozen=True)
class Words:
    """A column of text: a row of X for each value, and with ``other`` one for all the rest."""

    name: str
    values: tuple[str, ...]
    other: bool

    @property
    def rows(self) -> tuple[str, ...]:
        """What the rows of X are called."""
        return tuple(f"{self.name}={value}" for value in (*self.values, *["(other)"] * self.other))

    def read(self, table: Table) -> Array:
        """(rows, m) of 0 and 1. A value that is missing or unknown counts as other."""
        found = one_hot(table.columns[self.name], self.values, other=True)
        return found if self.other else found[:-1]

    def unknown(self, table: Table) -> int:
        """How many values are there, and none of those that were learnt."""
        known = np.isin(np.array(table.columns[self.name], object), list(self.values))
        return int(np.sum(~known & ~table.missing(self.name)))


Feature = Numbers | Words


@dataclass(frozen=True, eq=False)
class Recipe:
    """The columns that are read, the scaling of the rows of X that they give, and the target.

    >>> table = Table("a.csv", {"x": ("1", "3", ""), "y": ("no", "yes", "no")}, (2, 3, 4))
    >>> recipe, notes = Recipe.of(table, Target.of(table, "y"))
    >>> recipe.X(table).tolist(), notes
    ([[-1.224744871391589, 1.224744871391589, 0.0]], ['x: 1 of 3 values is missing; filled with ... 2'])
    """

    features: tuple[Feature, ...]
    scaling: Scaling
    target: Target

    @classmethod
    def of(
        cls, table: Table, target: Target, without: Sequence[str] = (), among: Table | None = None
    ) -> tuple[Recipe, list[str]]:
        """The recipe learnt from the rows of a training table, and messages about it for the user.

        Args:
            table: the training rows.
            target: what is to be learnt.
            without: columns to leave out.
            among: all the rows, to judge of which kind a column is; by default the training rows.

        Raises:
            ValueError: no column is left; a column of numbers with a text in it, or with numbers too large to
                be scaled; no such column.
        """
        features: list[Feature] = []
        notes = [f"{name}: left out, since it has no name" for name in table.unnamed]
        for name in without:
            table.check_has(name)
        for name in table.columns:
            if name in (target.name, *without, *table.unnamed):
                continue
            feature, note = _learnt(table, name, among or table)
            features += [feature] if feature is not None else []
            notes += [f"{name}: {note}"] if note else []
        if not features:
            told = f" ({'; '.join(notes)})" if notes else ""
            raise ValueError(f"{table.path}: no column is left to learn {target.name!r} from{told}")
        with np.errstate(all="ignore"):
            recipe = cls(tuple(features), Scaling.of(_stacked(features, table)), target)
        recipe._check_scaled(table, recipe.scaling.deviation)
        return recipe, notes

    @property
    def rows(self) -> tuple[str, ...]:
        """What the rows of X are called."""
        return tuple(row for feature in self.features for row in feature.rows)

    def X(self, table: Table) -> Array:
        """The rows of a table as examples, (n_x, m), scaled.

        Raises:
            ValueError: a column is missing, or has a text in place of a number.
        """
        self._check_columns(table)
        with np.errstate(all="ignore"):
            X = self.scaling(_stacked(self.features, table))
        self._check_scaled(table, X)
        return X

    def _check_scaled(self, table: Table, found: Array) -> None:
        for k in np.flatnonzero(~np.isfinite(found).all(axis=1)):
            raise ValueError(f"{table.path}, column {self.rows[k]!r}: its numbers are too large to be scaled")

    def _check_columns(self, table: Table) -> None:
        lacking = [f.name for f in self.features if f.name not in table.columns]
        if lacking:
            hint = nearest(lacking[0], table.columns) if len(lacking) == 1 else ""
            raise ValueError(
                f"{table.path}: the model reads {'the column' if len(lacking) == 1 else 'the columns'} "
                f"{', '.join(map(repr, lacking))}, which it does not have{hint}"
            )

    def said_of(self, table: Table) -> list[str]:
        """What there is to say about new rows: columns that are ignored, values that are filled in or new."""
        self._check_columns(table)
        read = {feature.name for feature in self.features}
        extra = [n for n in table.columns if n not in read and n != self.target.name]
        many = len(extra) > 1
        notes = []
        if extra:
            notes.append(
                f"ignored {'columns' if many else 'column'} that the model does not read: {', '.join(extra)}"
            )
        for feature in self.features:
            gaps = int(table.missing(feature.name).sum())
            if gaps:
                notes.append(f"{feature.name}: {_gaps(gaps, len(table), feature)}")
            new = feature.unknown(table) if isinstance(feature, Words) else 0
            if new:
                notes.append(
                    f"{feature.name}: {new} of {len(table)} values did not occur among the training "
                    "examples' most frequent; they count as 'other'"
                )
        return notes

    def to_data(self) -> dict[str, Any]:
        """The recipe as JSON has it."""
        return {
            "features": [
                {"name": f.name, "median": f.median}
                if isinstance(f, Numbers)
                else {"name": f.name, "values": list(f.values), "other": f.other}
                for f in self.features
            ],
            "mean": self.scaling.mean[:, 0].tolist(),
            "deviation": self.scaling.deviation[:, 0].tolist(),
            "target": self.target.to_data(),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe that :meth:`to_data` gave.

        Raises:
            ValueError: it is none.
        """
        try:
            features = tuple(_feature(part) for part in data["features"])
            mean, deviation = (_column(data[name]) for name in ("mean", "deviation"))
            recipe = cls(features, Scaling(mean, deviation), Target.from_data(data["target"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"it does not say how the columns of a table become X: {error}") from None
        sizes = {len(recipe.rows), len(mean), len(deviation)}
        if len(sizes) != 1 or not np.isfinite([mean, deviation]).all() or not (deviation > 0).all():
            raise ValueError("its columns and their scaling do not fit together")
        return recipe


def _learnt(table: Table, name: str, among: Table) -> tuple[Feature | None, str]:
    """The feature of a column, and a message about it for the user."""
    gaps, numbers = among.missing(name), among.numbers(name)
    there, m = int((~gaps).sum()), len(table)
    if not there or table.missing(name).all():
        return None, "left out, since no training example has a value"
    share = np.isfinite(numbers).sum() / there
    if share == 1:
        return _as_numbers(table, name)
    wrong = among.first_that_is_none(name)
    if share >= MOSTLY:
        raise ValueError(
            f"{among.path}, column {name!r}: nearly all values are numbers, and {wrong} is none; correct it, "
            f"leave it empty for a missing value, or leave the column out: --without {name!r}"
        )
    counts = Counter(v for v, gap in zip(table.columns[name], table.missing(name), strict=True) if not gap)
    missing = m - counts.total()
    if len(counts) == 1 and not missing:
        return None, f"left out, since it is {next(iter(counts))!r} in every training example"
    if len(counts) > MOST_WORDS and len(counts) > counts.total() / 2:
        hint = f"; some are numbers, and {wrong} is none" if share > 0 else ""
        return None, f"left out, since it has {len(counts)} different texts in {counts.total()} rows{hint}"
    kept = sorted(value for value, _ in counts.most_common(MOST_WORDS))
    feature = Words(name, tuple(kept), other=bool(missing) or len(counts) > len(kept))
    said = [_gaps(missing, m, feature)] if missing else []
    if len(counts) > len(kept):
        said.append(
            f"{len(counts)} different texts; the {len(kept)} most frequent count, the rest is 'other'"
        )
    return feature, "; ".join(said)


def _as_numbers(table: Table, name: str) -> tuple[Feature | None, str]:
    values = table.numbers(name)
    known = values[~np.isnan(values)]
    if known.min() == known.max():
        return None, f"left out, since it is {known[0]:g} in every training example"
    feature, gaps = Numbers(name, float(np.median(known))), len(values) - len(known)
    return feature, _gaps(gaps, len(values), feature) if gaps else ""


def _gaps(gaps: int, m: int, feature: Feature) -> str:
    told = f"{gaps} of {m} values {'is' if gaps == 1 else 'are'} missing; "
    if isinstance(feature, Numbers):
        return told + f"filled with the median of the training examples, {feature.median:g}"
    return told + "counted as 'other'"


def _stacked(features: Sequence[Feature], table: Table) -> Array:
    return np.concatenate([feature.read(table) for feature in features])


def _feature(data: Mapping[str, Any]) -> Feature:
    if "median" in data:
        return Numbers(str(data["name"]), float(data["median"]))
    if not isinstance(data["values"], list):
        raise TypeError(f"{data['name']}: its values are no list")
    return Words(str(data["name"]), tuple(map(str, data["values"])), bool(data["other"]))


def _column(values: Any) -> Array:
    return np.asarray(values, np.float64).reshape(-1, 1)
