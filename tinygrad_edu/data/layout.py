"""The course's layout: one example per column, X (n_x, m), Y (1, m) or (C, m)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.settings import numbers

Array: TypeAlias = NDArray[np.float64]


class Examples(NamedTuple):
    """Labelled examples: X (n_x, m), Y (1, m) or (C, m). Unpacks: ``X, Y = flower()``.

    >>> X, Y = Examples(np.zeros((2, 3)), np.zeros((1, 3)))
    >>> X.shape, Y.shape
    ((2, 3), (1, 3))
    """

    X: Array
    Y: Array


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set in two parts, in float64: X (n_x, m), Y (1, m) of 0 and 1, or one-hot (C, m).

    ``class_names[k]`` is the class of label k (of row k, where Y is one-hot); ``feature_names`` may be
    empty. Shapes are checked when the set is made.

    >>> DataSet(np.ones((2, 3)), np.ones((1, 4)), np.ones((2, 1)), np.ones((1, 1)), ("no", "yes"))
    Traceback (most recent call last):
    ...
    ValueError: DataSet: X_train (2, 3) and Y_train (1, 4): expected as many labels as examples
    """

    X_train: Array
    Y_train: Array
    X_test: Array
    Y_test: Array
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("X_train", "Y_train", "X_test", "Y_test"):
            object.__setattr__(self, name, numbers(f"DataSet: {name}", getattr(self, name)))
        for part in ("train", "test"):
            X, Y = getattr(self, f"X_{part}"), getattr(self, f"Y_{part}")
            if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1]:
                raise ValueError(
                    f"DataSet: X_{part} {X.shape} and Y_{part} {Y.shape}: expected as many labels as examples"
                )
            if not X.shape[1]:
                raise ValueError(f"DataSet: X_{part} {X.shape}: expected at least one example")
        for kind in "XY":
            rows, test_rows = getattr(self, f"{kind}_train").shape[0], getattr(self, f"{kind}_test").shape[0]
            if rows != test_rows:
                raise ValueError(f"DataSet: {kind}_train has {rows} rows and {kind}_test has {test_rows}")
        self._check_names("class_names", max(len(self.Y_train), 2), "classes")
        self._check_names("feature_names", self.n_x, "features")

    def _check_names(self, argument: str, n: int, of: str) -> None:
        names = getattr(self, argument)
        if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"DataSet: {argument}: expected names, such as ('no', 'yes'), got {names!r}")
        if names and len(names) != n:
            raise ValueError(f"DataSet: {argument}: expected a name for each of the {n} {of}, got {names}")

    def __iter__(self) -> Never:
        raise TypeError("a DataSet has two parts: X_train, Y_train = data.train; X_test, Y_test = data.test")

    @property
    def n_x(self) -> int:
        """The number of features."""
        return int(self.X_train.shape[0])

    @property
    def train(self) -> Examples:
        """The training examples."""
        return Examples(self.X_train, self.Y_train)

    @property
    def test(self) -> Examples:
        """The test examples."""
        return Examples(self.X_test, self.Y_test)

    def __repr__(self) -> str:
        train, test = self.X_train.shape, self.X_test.shape
        return f"DataSet(X_train {train}, X_test {test}, classes {', '.join(self.class_names)})"


@arguments_explained
def in_columns(rows: Any, labels: Any, *, classes: int = 2) -> Examples:
    """Examples in rows with integer labels, as libraries give them, in the course's layout."""
    labels = np.asarray(labels)
    X = np.ascontiguousarray(np.asarray(rows, dtype=np.float64).T)
    Y = labels.reshape(1, -1).astype(np.float64) if classes == 2 else np.eye(classes)[:, labels]
    return Examples(X, Y)
