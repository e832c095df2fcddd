"""Getting data ready: split into train, dev and test, brought to one scale, labels and words one-hot."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.data.layout import Array, Examples
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.settings import at_least, entries, finite, numbers, whole, yes_or_no

ROUNDING = 8 * np.finfo(float).eps
"""The relative difference up to which numbers count as the same."""
SPLIT = {
    "test_size": "test=, a share",
    "train_size": "dev= and test=; the rest is for training",
    "train": "dev= and test=; the rest is for training",
    "random_state": "seed=",
    "shuffle": "nothing: which examples go where is drawn, as seed= decides",
}
"""Settings of scikit-learn's ``train_test_split``."""


class Split(NamedTuple):
    """Examples in three parts, each with X and Y; ``dev`` and ``test`` may be empty.

    >>> parts = split(np.zeros((2, 10)), np.zeros((1, 10)), test=0.2)
    >>> parts.train.X.shape, parts.dev.X.shape, parts.test.Y.shape
    ((2, 8), (2, 0), (1, 2))
    """

    train: Examples
    dev: Examples
    test: Examples


@partial(arguments_explained, known=SPLIT)
def split(
    X: Any,
    Y: Any,
    *,
    dev: float = 0.0,
    test: float = 0.2,
    seed: int = 0,
    stratify: bool = True,
    axis: int = 1,
) -> Split:
    """Splits examples into three parts: train, dev (to choose settings) and test. Course 3.

    Args:
        X: the examples, along ``axis``.
        Y: their labels, (1, m) or (C, m).
        dev: the share of dev examples, at least 0 and below 1.
        test: the share of test examples.
        seed: decides which examples go into which part.
        stratify: whether each part has the classes in proportion, and every class examples to learn from;
            ignored where Y are not classes.
        axis: of X, that runs over the examples: 1 where they are columns, 0 for images.

    Raises:
        ValueError: shares that leave no training examples, or labels and examples of different number.

    >>> train, dev, test = split(np.arange(20.0).reshape(2, 10), np.zeros((1, 10)), dev=0.2, test=0.3)
    >>> train.X.shape, dev.X.shape, test.Y.shape
    ((2, 5), (2, 2), (1, 3))
    """
    X, Y = entries("split: X", X), entries("split: Y", Y)
    axis, stratify = whole("split: axis", axis, -X.ndim), yes_or_no("split: stratify", stratify)
    shares: dict[str, Any] = {"dev": dev, "test": test}
    for name, value in shares.items():
        at_least(f"split: {name}", value, 0, below=1)
    if X.ndim <= axis or Y.shape[-1:] != (X.shape[axis],):
        raise ValueError(
            f"split: expected examples along axis {axis} of X and a label for each, got X {X.shape} and Y "
            f"{Y.shape}"
        )
    m, rng = X.shape[axis], np.random.default_rng(whole("split: seed", seed, 0))
    parts: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    over_test = over_dev = 0.0  # what rounding has left over
    for of_class in _classes(Y) if stratify else [np.arange(m)]:
        order = rng.permutation(of_class)
        n_test, over_test = _share_of(test * len(order) + over_test, len(order) - 1)
        n_dev, over_dev = _share_of(dev * len(order) + over_dev, len(order) - 1 - n_test)
        for part, chosen in zip(parts, np.split(order, [n_test, n_test + n_dev])[::-1], strict=True):
            part.append(chosen)
    places = [np.sort(np.concatenate(part)) for part in parts]
    if not places[0].size or dev + test >= 1:
        raise ValueError(f"split: dev={dev} and test={test} leave none of the {m} examples to learn from")
    return Split(*(Examples(np.take(X, k, axis), np.take(Y, k, -1)) for k in places))


def _share_of(wanted: float, most: int) -> tuple[int, float]:
    """How many examples of a class a part gets, and what is over for the next class."""
    n = min(round(wanted), most)
    return n, min(wanted - n, 0.5)


def _classes(Y: NDArray[Any]) -> list[NDArray[np.intp]]:
    """The examples of each class; all together where Y says no classes."""
    m = Y.shape[-1]
    rows = Y.reshape(-1, m)
    found, which = np.unique(rows, axis=1, return_inverse=True)
    numbers_between = found.dtype.kind == "f" and not np.all(found == np.round(found))
    if found.shape[1] > max(2, min(m // 2, 1000)) or numbers_between:
        return [np.arange(m)]
    return [np.flatnonzero(which.ravel() == k) for k in range(found.shape[1])]


@dataclass(frozen=True, eq=False)
class Scaling:
    """A shift and a scale for each feature, learnt from the training examples and then used on all.

    >>> scaling = Scaling.of(np.array([[1.0, 3.0], [5.0, 5.0]]))
    >>> scaling(np.array([[5.0], [6.0]])).tolist()
    [[3.0], [1.0]]
    """

    mean: Array
    deviation: Array

    def __post_init__(self) -> None:
        sizes = [np.shape(part) for part in (self.mean, self.deviation)]
        if sizes[0] != sizes[1] or len(sizes[0]) != 2 or sizes[0][1] != 1 or not (self.deviation > 0).all():
            raise ValueError(
                "Scaling: mean, deviation: expected a column each, (n_x, 1), the deviation above 0; "
                "Scaling.of(X_train) finds them"
            )

    @classmethod
    def of(cls, X: Any) -> Scaling:
        """The scaling that brings every feature of X (n_x, m) to mean 0 and deviation 1.

        A feature that is the same in all examples, but for rounding, becomes 0.
        """
        X = _numbers("Scaling", X)
        if X.ndim != 2 or not X.shape[1]:
            raise ValueError(f"Scaling: expected one example a column, (n_x, m), got shape {X.shape}")
        deviation = X.std(axis=1, keepdims=True)
        range_, largest = np.ptp(X, axis=1, keepdims=True), np.abs(X).max(axis=1, keepdims=True)
        differs = (range_ > ROUNDING * largest) & (deviation > 0)
        mean = np.where(differs, X.mean(axis=1, keepdims=True), X[:, :1])
        return cls(mean, np.where(differs, deviation, 1.0))

    def __call__(self, X: Any) -> Array:
        """X, scaled."""
        found: Array = (self._fitting(X) - self.mean) / self.deviation
        return found

    def back(self, X: Any) -> Array:
        """X before it was scaled."""
        found: Array = self._fitting(X) * self.deviation + self.mean
        return found

    def _fitting(self, X: Any) -> Array:
        X = given = _numbers("Scaling", X)
        if X.ndim != 2 or len(X) != len(self.mean):
            raise ValueError(
                f"Scaling: expected the {len(self.mean)} features that it was learnt from, one example a "
                f"column, ({len(self.mean)}, m), got shape {X.shape}"
            )
        return given


def _numbers(called: str, X: Any) -> Array:
    return finite(f"{called}: X", numbers(f"{called}: X", X).astype(np.float64))


@arguments_explained
def scaled(X_train: Any, *others: Any) -> tuple[Array, ...]:
    """The training examples with mean 0 and deviation 1 in every feature, and others with the same scaling.

    ``X_train`` and the others are (n_x, m).

    >>> train, test = scaled(np.array([[1.0, 3.0]]), np.array([[5.0]]))
    >>> train.tolist(), test.tolist()
    ([[-1.0, 1.0]], [[3.0]])
    """
    scaling = Scaling.of(X_train)
    return tuple(scaling(X) for X in (X_train, *others))


@partial(arguments_explained, known=dict.fromkeys(["num_classes", "depth", "classes"], "categories="))
def one_hot(labels: Any, categories: Any = None, *, other: bool = False) -> Array:
    """A column for each label, with 1 in the row of its category: (C, m).

    Args:
        labels: m of them, numbers or words, in any shape.
        categories: the number of classes, for labels 0, 1, ...; or the categories in the order of the rows.
            By default those that occur, sorted.
        other: whether a last row stands for every label that is none of the categories.

    Raises:
        ValueError: a label that is none of the categories, without ``other``.

    >>> one_hot([2, 0], 3).tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    >>> one_hot(["cat", "cow"], ["cat", "dog"], other=True).tolist()
    [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    """
    return _hot("one_hot", [[label] for label in _flat("one_hot", labels)], categories, other)


@arguments_explained
def multi_hot(groups: Iterable[Iterable[Any]], categories: Any = None, *, other: bool = False) -> Array:
    """A column for each group of labels, such as a text's words, with 1 in the row of each: (C, m).

    The other arguments are those of :func:`one_hot`.

    ``groups`` holds the labels of each example; ``categories`` and ``other`` are as for :func:`one_hot`.

    Raises:
        TypeError: a text where a group of labels is expected.

    >>> multi_hot([["a", "b"], [], ["c", "a"]], ["a", "b"], other=True).tolist()
    [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    asked: Any = groups
    given = list(asked) if isinstance(asked, Iterable) and not isinstance(asked, str) else [asked]
    if any(isinstance(group, str) or not isinstance(group, Iterable) for group in given):
        raise TypeError(
            "multi_hot: groups: expected a group of labels for each example, such as text.split(), got "
            + ("text" if isinstance(given[0], str) else repr(groups))
        )
    listed = [list(group) if isinstance(group, (AbstractSet, Iterator)) else group for group in given]
    return _hot("multi_hot", [_flat("multi_hot", group) for group in listed], categories, other)


def _flat(called: str, labels: Any) -> list[Hashable]:
    if isinstance(labels, str):
        raise TypeError(f"{called}: expected labels, got the text {labels!r}; write [{labels!r}]")
    given = np.asarray(labels, object)
    if not given.ndim:
        raise TypeError(f"{called}: expected labels, such as [0, 2, 1], got {labels!r}")
    found: list[Any] = given.ravel().tolist()
    for label in found:
        if not isinstance(label, Hashable) or label is None or label != label:
            raise TypeError(f"{called}: expected numbers or words as labels, got {label!r}")
    return found


def _hot(called: str, groups: Sequence[Sequence[Hashable]], categories: Any, other: bool) -> Array:
    rows, other = _rows(called, groups, categories), yes_or_no(f"{called}: other", other)
    table = np.zeros((len(rows) + other, len(groups)))
    for column, group in enumerate(groups):
        for label in group:
            row = rows.get(label, len(rows) if other else None)
            if row is None:
                known = ", ".join(map(str, [*rows][:10])) + (", ..." if len(rows) > 10 else "")
                raise ValueError(
                    f"{called}: labels: {label!r} is none of the categories {known}; other=True gives a row "
                    "for the rest"
                )
            table[row, column] = 1.0
    return table


def _rows(called: str, groups: Sequence[Sequence[Hashable]], categories: Any) -> dict[Hashable, int]:
    if categories is None:
        found: set[Any] = {label for group in groups for label in group}
        if not found:
            raise ValueError(f"{called}: expected at least one label, or categories=")
        try:
            categories = sorted(found)
        except TypeError:
            raise TypeError(f"{called}: the labels are of several kinds; give categories=") from None
    elif isinstance(categories, (int, np.integer)) and not isinstance(categories, bool):
        if categories < 1:
            raise ValueError(f"{called}: categories: expected at least one, got {categories}")
        categories = range(categories)
    elif isinstance(categories, str) or not isinstance(categories, Iterable):
        raise TypeError(f"{called}: categories: expected how many, or a list of them, got {categories!r}")
    listed = _flat(called, list(categories))
    rows = {label: row for row, label in enumerate(listed)}
    if len(rows) < len(listed):
        raise ValueError(f"{called}: categories: expected each once, got {listed}")
    return rows
