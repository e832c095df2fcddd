"""Entries that are gathered forward are added up on the way back: overwritten instead, or put elsewhere."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Edit
from tinygrad_edu.check.diagnosis.products import owner_of
from tinygrad_edu.check.diagnosis.target import Target

__all__ = ["of_scatters"]


def of_scatters(target: Target) -> None:
    """``dE[index] = g`` for ``+=``, an index off by one, a mean over the repeats."""
    for step in target.local.steps:
        index = step.settings.get("index")
        if step.op is None or index is None or step.op.kind != "indexing" or "shape" not in step.settings:
            continue
        g = np.asarray(target.local.operand(step, 0), float)
        shape = step.shape
        at = owner_of(target, step)
        arrays = any(
            isinstance(part, np.ndarray) for part in (index if isinstance(index, tuple) else (index,))
        )
        if not arrays:
            continue
        counts = np.zeros(shape)
        np.add.at(counts, index, 1.0)
        if counts.max() > 1:
            last, first = np.zeros(shape), np.zeros(shape)
            last[index] = g
            text = (
                "an index that repeats counts once only: the same row is overwritten (=, "
                "or += with an index array) instead of added up (np.add.at)"
            )
            target.at(step.name, last, Edit(("last_example_only", "term_missing"), text, 1.0, at))
            flipped = np.broadcast_to(g, np.shape(counts[index]))
            if isinstance(index, np.ndarray):
                first[index.ravel()[::-1]] = flipped.reshape(index.size, *shape[1:])[::-1]
                target.at(step.name, first, Edit(("last_example_only", "term_missing"), text, 1.1, at))
            whole = np.asarray(target.local.values[step.name], float)
            target.at(
                step.name,
                whole / np.maximum(counts, 1),
                Edit(
                    ("mean_for_sum",),
                    "the entries of an index that repeats are averaged instead of added up",
                    1.1,
                    at,
                ),
            )
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
            for by in (1, -1):
                moved = np.zeros(shape)
                np.add.at(moved, (index + by) % shape[0], g)
                target.at(
                    step.name,
                    moved,
                    Edit(
                        ("wrong_layer", "unknown"),
                        f"the index is off by one ({'+' if by > 0 else '-'}1)",
                        1.2,
                        at,
                    ),
                )
