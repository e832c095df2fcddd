"""Weights of examples in the cost: ``sample_weight`` and ``class_weight``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.arguments import plain
from tinygrad_edu.settings import finite, numbers

Array = NDArray[Any]
BALANCED = "balanced"


def weights_of(
    model: Any, Y: Array, sample_weight: Any, class_weight: Any, dtype: np.dtype[Any]
) -> Array | None:
    """The factor for the cost of each example, (1, m); None without weights.

    Args:
        model: a classifier, if ``class_weight`` is given.
        Y: the labels.
        sample_weight: (m,) or (1, m), from 0 on.
        class_weight: a weight for each class, by its label; or "balanced", which gives every class the same
            sum: m / (classes · examples of the class), as in scikit-learn.
        dtype: of the weights.

    Raises:
        TypeError, ValueError: weights of another type, shape or range.
    """
    if sample_weight is None and class_weight is None:
        return None
    m = Y.shape[-1]
    found = np.ones((1, m), dtype)
    if sample_weight is not None:
        found = found * of_samples("sample_weight", sample_weight, m).astype(dtype)
    if class_weight is not None:
        found = found * _of_classes(model, Y, class_weight).astype(dtype)
    return found


def of_samples(name: str, given: Any, m: int) -> Array:
    """Weights for m examples, (1, m).

    >>> of_samples("sample_weight", [1.0, 2.0], 3)
    Traceback (most recent call last):
    ...
    ValueError: sample_weight: expected one for each of the 3 examples, got shape (2,)
    """
    weights = numbers(name, plain(given))
    if weights.shape not in ((m,), (1, m)):
        hint = f"; take {name}.ravel()" if weights.size == m else ""
        raise ValueError(
            f"{name}: expected one for each of the {m} examples, got shape {weights.shape}{hint}"
        )
    return _counting(name, weights).reshape(1, m)


def _counting(name: str, weights: Array) -> Array:
    if finite(name, weights).min() < 0 or not weights.any():
        raise ValueError(f"{name}: expected numbers of at least 0, and not all of them 0, got {weights}")
    return weights


def _of_classes(model: Any, Y: Array, given: Any) -> Array:
    if not getattr(model, "classifies", False) or (model.output == "sigmoid" and len(Y) > 1):
        raise TypeError(f"class_weight: expected a model that answers with one class each, got {model!r}")
    labels = np.asarray(model.answers(Y)).ravel()
    classes, counts = np.unique(labels, return_counts=True)
    if isinstance(given, str) and given == BALANCED:
        return (len(labels) / (len(classes) * counts))[np.searchsorted(classes, labels)][None]
    if not isinstance(given, Mapping):
        raise TypeError(
            "class_weight: expected a weight for each class, {0: 1.0, 1: 5.0}, or 'balanced', "
            f"got {given!r}"
        )
    known = classes.tolist()
    lacking = [c for c in known if c not in given]
    if lacking:
        raise ValueError(f"class_weight: the class {lacking[0]} has none; expected one for each of {known}")
    n_out = getattr(model, "n_out", None)
    possible = {*known, *range(max(n_out, 2))} if n_out else {*known, *given}
    if not possible >= given.keys():
        raise ValueError(f"class_weight: expected classes in {sorted(possible)}, got {list(given)}")
    weights = _counting("class_weight", numbers("class_weight", [given[c] for c in known]))
    if weights.ndim != 1:
        raise ValueError(f"class_weight: expected a number for each class, got {dict(given)}")
    return weights[np.searchsorted(classes, labels)][None]
