"""Metrics of predictions, in the table's classes and units, beside those of a constant prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.data.target import Target


def scored(target: Target, Y: NDArray[np.float64], predicted: NDArray[Any]) -> dict[str, Any]:
    """The metrics of answers (1, m) to examples with the labels Y (units, m).

    For classes the accuracy, that of always answering the most frequent class, and the confusion matrix
    (a row for each true class); of two classes precision, recall and F1 of the second. For numbers R², the
    root of the mean squared error and the mean absolute error, in the target's own unit.

    >>> found = scored(Target("y", ("no", "yes")), np.array([[0.0, 1.0, 1.0]]), np.array([[0, 1, 0]]))
    >>> round(found["accuracy"], 3), found["precision"], found["recall"], found["confusion"]
    (0.667, 1.0, 0.5, [[1, 0], [1, 1]])
    """
    if not target.classes:
        return _of_numbers(target, Y, predicted)
    truth = (Y[0] if target.units == 1 else np.argmax(Y, axis=0)).astype(int)
    C = len(target.classes)
    confusion = np.bincount(truth * C + predicted[0].astype(int), minlength=C * C).reshape(C, C)
    found: dict[str, Any] = {
        "examples": len(truth),
        "accuracy": float(np.trace(confusion) / len(truth)),
        "accuracy_of_most_frequent_class": float(confusion.sum(axis=1).max() / len(truth)),
        "confusion": confusion.tolist(),
    }
    if C == 2:
        (_, false_alarms), (missed, hits) = confusion.tolist()
        found |= {
            "precision": _share(hits, hits + false_alarms),
            "recall": _share(hits, hits + missed),
            "f1": _share(2 * hits, 2 * hits + false_alarms + missed),
        }
    return found


def _of_numbers(target: Target, Y: NDArray[np.float64], predicted: NDArray[Any]) -> dict[str, Any]:
    truth, given = (target.mean + target.deviation * v[0] for v in (Y, predicted))
    error, spread = np.sum((truth - given) ** 2), np.sum((truth - truth.mean()) ** 2)
    return {
        "examples": len(truth),
        "r2": float(1 - error / spread) if spread > 0 else None,
        "root_mean_squared_error": float(np.sqrt(error / len(truth))),
        "mean_absolute_error": float(np.mean(np.abs(truth - given))),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def in_words(target: Target, found: dict[str, Any]) -> list[str]:
    """Metrics as lines of text.

    >>> print(*in_words(Target("y"), {"examples": 9, "r2": 0.5, "root_mean_squared_error": 2.0,
    ...                               "mean_absolute_error": 1.5}))
    R² 0.5000; the root mean squared error is 2, the mean absolute error 1.5
    """
    if not target.classes:
        r2, error = found["r2"], found["root_mean_squared_error"]
        told = f"R² is not defined, since {target.name} never changes" if r2 is None else f"R² {r2:.4f}"
        mean = found["mean_absolute_error"]
        return [f"{told}; the root mean squared error is {error:.4g}, the mean absolute error {mean:.4g}"]
    lines = [
        f"accuracy {found['accuracy']:.1%}; always answering the most frequent class gives "
        f"{found['accuracy_of_most_frequent_class']:.1%}"
    ]
    if "f1" in found:
        shares = [f"{name} {_written(found[name])}" for name in ("precision", "recall")]
        lines.append(f"for {target.classes[1]!r}: {', '.join(shares)}, F1 {_written(found['f1'])}")
    return lines


def _written(share: float | None) -> str:
    return "not defined (no such case)" if share is None else f"{share:.1%}"


def confusion_table(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[str]:
    r"""The confusion matrix as lines: a row for each true class, a column for each answer.

    >>> for line in confusion_table(["no", "yes"], [[3, 1], [0, 2]]):
    ...     print(line)
    true \ answer  no  yes
    no              3    1
    yes             0    2
    """
    head = "true \\ answer"
    first = max(len(head), *map(len, classes))
    widths = [max(len(name), len(str(max(map(max, confusion))))) for name in classes]
    lines = [f"{head:<{first}}"] + [f"{name:<{first}}" for name in classes]
    cells = [classes, *[[str(n) for n in row] for row in confusion]]
    return [
        f"{line}  {'  '.join(f'{c:>{w}}' for c, w in zip(row, widths, strict=True))}".rstrip()
        for line, row in zip(lines, cells, strict=True)
    ]
