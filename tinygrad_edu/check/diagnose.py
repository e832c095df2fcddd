"""Names the mistake in each wrong array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from tinygrad_edu.check.manual import not_finite
from tinygrad_edu.check.report import Diagnosis
from tinygrad_edu.check.truth import Convention, Truth

__all__ = ["diagnose"]

Array = NDArray[Any]


def diagnose(
    truth: Truth, wrong: Mapping[str, Array], given: Mapping[str, Array], convention: Convention
) -> dict[str, Diagnosis]:
    """A diagnosis for each wrong array."""
    return {name: _one(truth, name, array, convention) for name, array in wrong.items()}


def _one(truth: Truth, name: str, array: Array, convention: Convention) -> Diagnosis:
    right = truth.gradient(name, convention)
    if bad := not_finite(array):
        return Diagnosis(("unknown",), bad)
    if array.shape != right.shape:
        return Diagnosis(("wrong_shape",), f"expected shape {right.shape}, got {array.shape}")
    return Diagnosis(("unknown",), "differs from the right gradient")
