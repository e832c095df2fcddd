"""Weights of examples in the cost: ``sample_weight`` and ``class_weight``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.nn.checks import finite, numbers

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
        found = found * _of_samples(sample_weight, m).astype(dtype)
    if class_weight is not None:
        found = found * _of_classes(model, Y, class_weight).astype(dtype)
    return found


def _of_samples(given: Any, m: int) -> Array:
    weights = np.asarray(numbers("sample_weight", given))
    if weights.shape not in ((m,), (1, m)):
        raise ValueError(
            f"sample_weight: expected one for each of the {m} examples, got shape {weights.shape}"
        )
    if weights.min() < 0 or not finite("sample_weight", weights).any():
        raise ValueError("sample_weight: expected numbers of at least 0, and not all of them 0")
    return weights.reshape(1, m)


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
    weights = np.array([given[c] for c in known])
    if weights.dtype.kind not in "fiu" or not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError(f"class_weight: expected numbers of at least 0, got {dict(given)}")
    return weights[np.searchsorted(classes, labels)][None]
