"""The scores of a model: its cost and accuracy, and scikit-learn's metrics by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import numpy as np

from tinygrad_edu.core.arguments import plain
from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.errors import require_extra, shown
from tinygrad_edu.nn.dropout import training
from tinygrad_edu.settings import arguments_of, finite, numbers, takes, taking, with_labels

Metric = str | Callable[[Any, Any], Any]


class Scores(tuple[Any, ...]):
    """A model's scores: a tuple, ``cost, accuracy = model.evaluate(X, Y)``; by name, ``scores["cost"]``.

    >>> found = Scores({"cost": 0.5, "accuracy": 0.75})
    >>> found, found["accuracy"], found[0]
    (Scores(cost=0.5, accuracy=0.75), 0.75, 0.5)
    """

    names: tuple[str, ...]

    def __new__(cls, found: dict[str, Any]) -> Self:
        """Of scores by name."""
        self = super().__new__(cls, found.values())
        self.names = tuple(found)
        return self

    def __getitem__(self, which: Any) -> Any:
        """By name, or by place."""
        if isinstance(which, str):
            if which not in self.names:
                raise KeyError(f"{which}: known are {', '.join(self.names)}")
            return super().__getitem__(self.names.index(which))
        return super().__getitem__(which)

    def __repr__(self) -> str:
        return f"Scores({', '.join(f'{n}={v!r}' for n, v in zip(self.names, self, strict=True))})"


def scores(model: Any, X: Any, Y: Any, metrics: Iterable[Metric] | Metric = ()) -> Scores:
    """The cost of a model on examples, for classes the accuracy, and each of ``metrics``.

    A metric is the name of one in ``sklearn.metrics``, with or without its ``_score``; or a function of the
    labels and the predictions, each (m,). One whose second argument is ``y_score`` or ``y_proba``, as there,
    is given A[L] instead. Metrics for two classes are averaged over more than two.

    Raises:
        MissingExtraError: a name, and scikit-learn is not there.
        ValueError: a name that it doesn't have.
    """
    model.check(X, Y)
    finite("X", numbers("X", plain(X))), finite("Y", numbers("Y", plain(Y)))
    with no_grad(), training(False):
        found: dict[str, Any] = {"cost": float(model.loss(X, Y).item())}
    if model.classifies:
        found["accuracy"] = model.accuracy(X, Y)
    labels = numbers("Y", plain(Y))
    for metric in metrics_in(metrics):
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", "metric")
        if name not in found:
            found[name] = _score(model, X, labels, name, metric)
    return Scores(found)


def metrics_in(given: Any) -> list[Metric]:
    """The argument ``metrics``: names of scikit-learn's, and functions, but for the accuracy.

    >>> metrics_in([3])
    Traceback (most recent call last):
    ...
    TypeError: metrics: expected the names of metrics, such as 'f1', or functions of (labels, answers), got 3
    """
    several = isinstance(given, Iterable) and not isinstance(given, (str, Mapping))
    found = [m for m in (given if several else [given]) if m not in ("accuracy", "acc")]
    for metric in found:
        if isinstance(metric, str):
            _named(metric)
        elif not callable(metric) or isinstance(metric, type):
            raise TypeError(
                "metrics: expected the names of metrics, such as 'f1', or functions of (labels, answers), "
                f"got {shown(metric)}"
            )
        else:
            with_labels("metrics", taking("metrics", metric, "labels, answers"), 0, "the labels first")
    return found


def _score(model: Any, X: Any, Y: Any, name: str, metric: Metric) -> Any:
    function = _named(metric) if isinstance(metric, str) else metric
    truth = model.answers(Y) if model.classifies else Y
    asked = arguments_of(function)
    several = len(truth) > 1
    of_scores = asked[1:2] in (["y_score"], ["y_proba"], ["y_prob"], ["pred_decision"]) or "log_loss" in name
    if asked[1:2] == ["pred_decision"] and model.output in ("sigmoid", "softmax"):
        raise ValueError(f"metrics: {name} takes scores of both signs, and {model!r} answers probabilities")
    answers = model.predict_proba(X) if of_scores else model.predict(X)
    settings: dict[str, Any] = {}
    many = model.classifies and model.output == "softmax" and len(Y) > 2
    if many or (model.classifies and several):
        if "multi_class" in asked:
            settings["multi_class"] = "ovr"
        elif "average" in asked:
            settings["average"] = "macro"
    if of_scores and model.output == "softmax":
        answers = answers if many else answers[1:]
    found = function(_rows(truth, several), _rows(answers, several), **settings)
    return found if np.ndim(found) else float(found)


def _rows(columns: Any, several: bool) -> Any:
    """(m,) of one row; else examples in rows, as scikit-learn has them."""
    return columns.T if several or len(columns) > 1 else columns[0]


_SHORT = {"auc": "roc_auc", "mse": "mean_squared_error", "mae": "mean_absolute_error"}
"""Keras' names of metrics."""


def _named(name: str) -> Callable[..., Any]:
    known = require_extra("sklearn.metrics", extra="sklearn")
    name = _SHORT.get(name.lower(), name)
    for called in (f"{name}_score", name):
        found = getattr(known, called, None)
        if callable(found) and not isinstance(found, type) and takes(found, 2):
            return found  # type: ignore[no-any-return]
    raise ValueError(
        "metrics: expected the name of one in sklearn.metrics, such as 'f1' or 'roc_auc', or a function of "
        f"the labels and the answers, got {name!r}"
    )
