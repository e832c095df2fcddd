"""Choosing between values, entry by entry. Where ``maximum`` or ``minimum`` tie, each has half the slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import composed, elementwise
from tinygrad_edu.core.samples import Sample

__all__ = [
    "clip", "fmax", "fmin", "maximum", "minimum", "nan_to_num", "where",
]  # fmt: skip

Array = Any


@elementwise(
    pullback=(
        None,
        lambda g, y, condition, a, b: np.where(condition, g, 0.0),
        lambda g, y, condition, a, b: np.where(condition, 0.0, g),
    ),
    latex=r"\begin{{cases}} {a} & {condition} \\ {b} & \text{{else}} \end{{cases}}", onnx="Where",
    samples=[
        Sample(
            ((3, 4),) * 3,
            make=lambda rng: (rng.random((3, 4)) < 0.5, rng.normal(size=(3, 4)), rng.normal(size=(4,))),
        ),
        Sample(((),) * 3, make=lambda rng: (np.array(True), rng.normal(), rng.normal(size=(2, 3)))),
    ],
    rounding=0.0, linear=((1, 2),), stops=True,
)  # fmt: skip
def where(condition: Array, a: Array, b: Array) -> Array:
    """``a`` where the condition holds, else ``b``; no gradient reaches the branch not taken.

    >>> import tinygrad_edu as tg
    >>> tg.where([True, False], tg.Tensor([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    return np.where(condition, a, b)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * (np.greater(a, b) + 0.5 * np.equal(a, b)),
        lambda g, y, a, b: g * (np.greater(b, a) + 0.5 * np.equal(a, b)),
    ),
    latex=r"\max({a}, {b})", label="max", onnx="Max", monotone=1, rounding=0.0, kink=lambda a, b: a - b,
    commutative=True, associative=True,
)  # fmt: skip
def maximum(a: Array, b: Array) -> Array:
    """The larger of two, entry by entry; where they tie, each has slope one half.

    >>> import tinygrad_edu as tg
    >>> tg.maximum(tg.Tensor([1.0, -2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    return np.maximum(a, b)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * (np.less(a, b) + 0.5 * np.equal(a, b)),
        lambda g, y, a, b: g * (np.less(b, a) + 0.5 * np.equal(a, b)),
    ),
    latex=r"\min({a}, {b})", label="min", onnx="Min", monotone=1, rounding=0.0, kink=lambda a, b: a - b,
    commutative=True, associative=True,
)  # fmt: skip
def minimum(a: Array, b: Array) -> Array:
    """The smaller of two, entry by entry; where they tie, each has slope one half.

    >>> import tinygrad_edu as tg
    >>> tg.minimum(tg.Tensor([1.0, -2.0]), 0.0).tolist()
    [0.0, -2.0]
    """
    return np.minimum(a, b)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * (np.greater(a, b) + 0.5 * np.equal(a, b) + np.isnan(b)),
        lambda g, y, a, b: g * (np.greater(b, a) + 0.5 * np.equal(a, b) + np.isnan(a)),
    ),
    latex=r"\max({a}, {b})", label="fmax", monotone=1, rounding=0.0, kink=lambda a, b: a - b,
    commutative=True, associative=True,
)  # fmt: skip
def fmax(a: Array, b: Array) -> Array:
    """The larger of two, entry by entry, where a nan counts as missing; ties share the slope.

    >>> import tinygrad_edu as tg
    >>> tg.fmax(tg.Tensor([1.0, float("nan")]), 2.0).tolist()
    [2.0, 2.0]
    """
    return np.fmax(a, b)


@elementwise(
    pullback=(
        lambda g, y, a, b: g * (np.less(a, b) + 0.5 * np.equal(a, b) + np.isnan(b)),
        lambda g, y, a, b: g * (np.less(b, a) + 0.5 * np.equal(a, b) + np.isnan(a)),
    ),
    latex=r"\min({a}, {b})", label="fmin", monotone=1, rounding=0.0, kink=lambda a, b: a - b,
    commutative=True, associative=True,
)  # fmt: skip
def fmin(a: Array, b: Array) -> Array:
    """The smaller of two, entry by entry, where a nan counts as missing; ties share the slope.

    >>> import tinygrad_edu as tg
    >>> tg.fmin(tg.Tensor([1.0, float("nan")]), 2.0).tolist()
    [1.0, 2.0]
    """
    return np.fmin(a, b)


@composed(
    samples=[
        Sample(((3, 4), (), ()), domain=((-2.0, 2.0), (-1.0, 0.0), (0.5, 1.0))),
        Sample(((3, 4), (4,), (3, 1)), domain=((-2.0, 2.0), (-1.0, 0.0), (0.5, 1.0))),
        Sample(((3, 4),), {"a_min": 0.5, "a_max": None}),
        Sample(((),), {"a_min": -0.5, "a_max": 0.5}),
        Sample(((0, 3),), {"min": -0.5, "max": 0.5}),
    ]
)
def clip(
    x: Array,
    a_min: Array = np._NoValue,
    a_max: Array = np._NoValue,
    *,
    min: Array = np._NoValue,
    max: Array = np._NoValue,
) -> Array:
    """The entries, held between two bounds, either of which may be missing or be differentiated itself.

    Outside the bounds the slope is 0; exactly on one it is one half, and the bound has the other.

    >>> import tinygrad_edu as tg
    >>> tg.clip(tg.Tensor([-1.0, 0.5, 2.0]), 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    nothing = (None, np._NoValue)
    if any(bound is not np._NoValue for bound in (a_min, a_max)):
        if any(bound is not np._NoValue for bound in (min, max)):
            raise ValueError("clip: bounds are given twice; write a_min and a_max, or min and max")
        min, max = a_min, a_max
    if not any(min is n for n in nothing):
        x = np.maximum(x, min)
    return x if any(max is n for n in nothing) else np.minimum(x, max)


@elementwise(
    pullback=lambda g, y, x, *, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0.0),
    latex=r"\operatorname{{finite}}({x})",
    samples=[
        Sample(((3, 4),)),
        Sample(((),)),
        Sample(
            ((4,),),
            {"nan": 1.0, "posinf": 2.0, "neginf": -1.0},
            make=lambda rng: (np.array([np.nan, rng.normal(), np.inf, -np.inf]),),
        ),
    ],
    stops=True,
    rounding=4.0,
)
def nan_to_num(
    x: Array, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """The entries, with numbers for nan and the infinities; those have slope 0.

    >>> import tinygrad_edu as tg
    >>> tg.nan_to_num(tg.Tensor([1.0, float("nan")])).tolist()
    [1.0, 0.0]
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
