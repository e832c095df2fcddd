"""A csv file as columns of text. Reading guesses nothing; types are decided later.

It is read by Python's own csv module, so that the same file is the same table on every machine.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset({"", "?", "n/a", "na", "nan", "none", "null", "#n/a"})
"""The texts that stand for a missing value, in small or capital letters."""
SEPARATORS = ",;\t"


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of text by name; ``lines`` says where each row stands in the file.

    ``comma`` says that the comma separates decimals, as it does where semicolons separate columns.
    """

    path: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]
    unnamed: tuple[str, ...] = ()
    comma: bool = False
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self, places: Sequence[int]) -> Table:
        """The rows at these places."""
        columns = {name: tuple(values[k] for k in places) for name, values in self.columns.items()}
        numbers = {name: values[list(places)] for name, values in self._numbers.items()}
        lines = tuple(self.lines[k] for k in places)
        return Table(self.path, columns, lines, self.unnamed, self.comma, numbers)

    def check_has(self, name: str) -> None:
        """Raises ValueError, with the nearest name, unless there is a column of that name."""
        if name not in self.columns:
            raise ValueError(
                f"{self.path} has no column {name!r}{nearest(name, self.columns)}; "
                f"it has {_some(list(self.columns))}"
            )

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Where a column has no value, (rows,)."""
        return np.array([value.lower() in MISSING for value in self.columns[name]], bool)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers, (rows,); nan where a value is missing or is none.

        >>> Table("a.csv", {"x": ("1", "", "2.5 kg")}, (2, 3, 4)).numbers("x").tolist()
        [1.0, nan, nan]
        """
        if name not in self._numbers:
            read = [_number(value, self.comma) for value in self.columns[name]]
            self._numbers[name] = np.array(read, np.float64)
        return self._numbers[name]

    def first_that_is_none(self, name: str) -> str:
        """The first value that is there and no number, with its line; empty where there is none."""
        for k in np.flatnonzero(np.isnan(self.numbers(name))):
            value = self.columns[name][k]
            if value.lower() not in MISSING:
                return f"{value!r} in line {self.lines[k]}"
        return ""


def read_table(path: str | Path) -> Table:
    r"""The columns of a csv file, whose first line names them.

    Columns are separated by commas, semicolons or tabs, whichever gives the most names. Blank lines count
    for nothing. A column without a name, as pandas writes one for its index, is set apart.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is empty, has no rows, is not text, or a row has other columns than the first line
            names; the message has the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = Path(folder, "a.csv").write_text("x;y\n1,5;no\n")
    ...     table = read_table(folder + "/a.csv")
    >>> table.numbers("x").tolist(), table.columns["y"]
    ([1.5], ('no',))
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if file.is_dir():
        raise ValueError(f"{path} is a folder; expected a csv file")
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: byte {error.start}; save it as 'CSV UTF-8'") from None
    if not text.strip():
        raise ValueError(f"{path} is empty; expected a first line with the names of the columns, and rows")
    separator = _separator(text)
    try:
        rows = list(_rows(text, separator))
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as csv: {error}") from None
    (_, head), *body = rows
    named = _names(str(path), head)
    for line, row in body:
        if len(row) != len(named):
            raise ValueError(
                f"{path}, line {line}: {len(row)} values, and the first line names {len(named)} columns"
            )
    if not body:
        raise ValueError(f"{path} has no rows; its first line names the columns {_some(named)}")
    columns = dict(zip(named, zip(*(row for _, row in body), strict=True), strict=True))
    unnamed = tuple(name for name, given in zip(named, head, strict=True) if not given)
    return Table(str(path), columns, tuple(line for line, _ in body), unnamed, separator == ";")


def nearest(name: str, known: Sequence[str] | dict[str, tuple[str, ...]]) -> str:
    """``; did you mean 'price'?``, where a known name is like this one.

    >>> nearest("Prize", ["price", "age"]), nearest("q", ["price"])
    ("; did you mean 'price'?", '')
    """
    by_small = {other.casefold(): other for other in known}
    found = difflib.get_close_matches(name.casefold(), by_small, n=1)
    return f"; did you mean {by_small[found[0]]!r}?" if found else ""


def _separator(text: str) -> str:
    first = next(line for line in text.splitlines() if line.strip())
    return max(SEPARATORS, key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    end = 0
    for row in reader:
        start, end = end + 1, reader.line_num
        if any(value.strip() for value in row) or len(row) > 1:
            yield start, [value.strip() for value in row]


def _names(path: str, head: list[str]) -> list[str]:
    named = [name or f"column {k}" for k, name in enumerate(head, 1)]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: several columns are called {twice[0]!r}; give each a name of its own")
    return named


def _number(text: str, comma: bool) -> float:
    try:
        value = float(text.replace(",", ".") if comma and text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and "_" not in text else math.nan


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
