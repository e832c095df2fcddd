"""The costs: each the mean over the examples, which stand in columns. Y may hold probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.core.axes import Settings, cost
from tinygrad_edu.core.kinds import operation
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.networks.activations import log_softmax, sigmoid, softmax

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy", "probabilities",
    "softmax_cross_entropy",
]  # fmt: skip

Array = Any


def _same_shape(predictions: Array, Y: Array, what: str) -> None:
    if np.shape(predictions) != np.shape(Y):
        raise ValueError(
            f"expected labels of the shape of {what}, {np.shape(predictions)}, got {np.shape(Y)}; "
            "one example a column, one row a class"
        )


@operation(
    kind="elementwise", pullback=lambda g, y, Y: g, latex="{Y}", label="0 ≤ Y ≤ 1", numpy=(), opaque=True,
    onnx="Identity", samples=[Sample((shape,), domain=((0.1, 0.9),)) for shape in ((3, 4), (), (0, 3))],
    range=(0.0, 1.0), moves=True, rounding=0.0,
)  # fmt: skip
def probabilities(Y: Array) -> Array:
    """Y itself, where every entry is 0 or 1 or a probability between them; else a ValueError.

    >>> import numpy as np
    >>> from tinygrad_edu.ops.networks.costs import probabilities
    >>> probabilities(np.array([0, 1]))
    array([0, 1])
    """
    # The reductions themselves: np.min is a function around one, and this is looked at in every step.
    if np.size(Y) and not (np.minimum.reduce(Y, axis=None) >= 0 and np.maximum.reduce(Y, axis=None) <= 1):
        raise ValueError(
            f"expected labels 0 or 1 (or probabilities), got values from {np.min(Y)} to {np.max(Y)}"
        )
    return Y


def _examples(A: Array) -> int:
    """m: the columns of a matrix, the entries of a vector, 1 for a number."""
    shape = np.shape(A)
    if 0 in shape:
        raise ValueError(f"expected at least one example, got shape {shape}")
    return shape[-1] if shape else 1


def _binary(lo: float, hi: float) -> list[Sample]:
    """Predictions in an interval, and labels that are probabilities."""
    return [Sample((shape, shape), domain=((lo, hi), (0.1, 0.9))) for shape in ((1, 5), (3, 4), (4,), ())]


def _slope_by_probability(g: Array, y: Array, A: Array, Y: Array) -> Array:
    off = (1 - Y) / np.where(np.equal(Y, 1), 1.0, 1 - A)
    on = Y / np.where(np.equal(Y, 0), 1.0, A)
    return g * (off - on) / _examples(A)


@operation(
    axes=cost(lambda rank, settings: (-1,) if rank else ()),
    kind="reduction",
    pullback=(
        _slope_by_probability,
        lambda g, y, A, Y: g * (np.log(1 - A) - np.log(A)) / _examples(A),
    ),
    latex=r"-\frac{{1}}{{m}} \sum \left( {Y} \odot \log {A} + (1 - {Y}) \odot \log(1 - {A}) \right)",
    label="cross-entropy", samples=_binary(0.1, 0.9), range=(0.0, np.inf), rounding=np.inf,
)  # fmt: skip
def binary_cross_entropy(A: Array, Y: Array) -> Array:
    """J = -(1/m) Σ (Y log A + (1 - Y) log(1 - A)), from probabilities A (1, m). Course: L5, L6, D5.

    0 log 0 is 0. A term whose weight is 0 has slope 0. Where only Z is at hand, take
    :func:`binary_cross_entropy_with_logits`, which is exact at saturation.

    >>> import tinygrad_edu as tg
    >>> round(tg.binary_cross_entropy(tg.Tensor([[0.8, 0.9, 0.4]]), [[1, 1, 1]]).item(), 6)
    0.414932
    """
    _same_shape(A, Y, "A")
    Y = probabilities(Y)
    on = np.log(np.where(np.equal(Y, 0), 1.0, A))
    off = np.log(np.where(np.equal(Y, 1), 1.0, 1 - A))
    return -np.sum(Y * on + (1 - Y) * off) / _examples(A)


@operation(
    axes=cost(lambda rank, settings: (-1,) if rank else ()),
    kind="reduction",
    pullback=(
        lambda g, y, Z, Y: g * (sigmoid(Z) - Y) / _examples(Z),
        lambda g, y, Z, Y: -g * Z / _examples(Z),
    ),
    latex=r"\frac{{1}}{{m}} \sum \left( \log(1 + e^{{{Z}}}) - {Y} \odot {Z} \right)",
    label="cross-entropy (logits)", samples=_binary(-3.0, 3.0), range=(0.0, np.inf), rounding=np.inf,
)  # fmt: skip
def binary_cross_entropy_with_logits(Z: Array, Y: Array) -> Array:
    """The same cost from Z, before the sigmoid: exact where the probability rounds to 0 or 1.

    log(1 + e^z) - y z = max(z, 0) - y z + log(1 + e^-|z|).

    ``Z`` and the labels ``Y`` are (1, m), or (C, m) for C questions of yes or no.

    >>> import tinygrad_edu as tg
    >>> tg.binary_cross_entropy_with_logits(tg.Tensor([[1000.0, -1000.0]]), [[0, 0]]).item()
    500.0
    """
    _same_shape(Z, Y, "Z")
    Y = probabilities(Y)
    return np.sum(np.maximum(Z, 0) - Y * Z + np.log1p(np.exp(-np.abs(Z)))) / _examples(Z)


def _columns(Z: Array, axis: int) -> int:
    """m: every entry that is not along the axis of the classes is an example."""
    shape = np.shape(Z)
    if 0 in shape:
        raise ValueError(f"expected at least one example, got shape {shape}")
    return int(math.prod(shape) // shape[normalize_axis_index(axis, len(shape))])


def _slope_by_scores(g: Array, y: Array, Z: Array, Y: Array, *, axis: int = 0) -> Array:
    # The labels of an example usually add up to 1; then this is softmax(Z) - Y, as in the notes.
    return g * (softmax(Z, axis=axis) * np.sum(Y, axis=axis, keepdims=True) - Y) / _columns(Z, axis)


def _classes(shape: tuple[int, ...], axis: int) -> Sample:
    def make(rng: np.random.Generator) -> tuple[Any, ...]:
        Y = rng.uniform(0.1, 1, shape)
        return rng.normal(size=shape), Y / Y.sum(axis=axis, keepdims=True)

    return Sample((shape, shape), {"axis": axis}, make=make)


def _but_the_classes(rank: int, settings: Settings) -> list[int]:
    return [k for k in range(rank) if k != settings.get("axis", 0) % rank]


def _slope_by_shares(g: Array, y: Array, A: Array, Y: Array, *, axis: int = 0) -> Array:
    return -g * (Y / np.where(np.equal(Y, 0), 1.0, A)) / _columns(A, axis)


def _shares(shape: tuple[int, ...], axis: int) -> Sample:
    def make(rng: np.random.Generator) -> tuple[Any, ...]:
        A, Y = rng.uniform(0.1, 1, (2, *shape))
        return A / A.sum(axis=axis, keepdims=True), Y / Y.sum(axis=axis, keepdims=True)

    return Sample((shape, shape), {"axis": axis}, make=make)


@operation(
    kind="reduction",
    pullback=(
        _slope_by_shares,
        lambda g, y, A, Y, *, axis=0: -g * np.log(A) / _columns(A, axis),
    ),
    latex=r"-\frac{{1}}{{m}} \sum {Y} \odot \log {A}",
    label="cross-entropy", samples=[_shares((3, 4), 0), _shares((4, 3), 1), _shares((5,), 0)],
    range=(0.0, np.inf), rounding=np.inf, axes=cost(_but_the_classes),
)  # fmt: skip
def categorical_cross_entropy(A: Array, Y: Array, *, axis: int = 0) -> Array:
    """J = -(1/m) Σ Y log A, from probabilities A (C, m), the classes of an example in its column. Course: D6.

    0 log 0 is 0. Where only Z is at hand, take :func:`softmax_cross_entropy`, which is exact at saturation.

    ``axis`` is that of the classes.

    >>> import tinygrad_edu as tg
    >>> round(tg.categorical_cross_entropy(tg.Tensor([[0.5], [0.5]]), [[1.0], [0.0]]).item(), 6)
    0.693147
    """
    _same_shape(A, Y, "A")
    Y = probabilities(Y)
    return -np.sum(Y * np.log(np.where(np.equal(Y, 0), 1.0, A))) / _columns(A, axis)


@operation(
    axes=cost(_but_the_classes),
    kind="reduction",
    pullback=(
        _slope_by_scores,
        lambda g, y, Z, Y, *, axis=0: -g * log_softmax(Z, axis=axis) / _columns(Z, axis),
    ),
    latex=r"-\frac{{1}}{{m}} \sum {Y} \odot \log\operatorname{{softmax}}({Z})",
    label="softmax cross-entropy", samples=[_classes((3, 4), 0), _classes((4, 3), 1), _classes((5,), 0)],
    range=(0.0, np.inf), rounding=np.inf,
)  # fmt: skip
def softmax_cross_entropy(Z: Array, Y: Array, *, axis: int = 0) -> Array:
    """J = -(1/m) Σ Y log softmax(Z), with the C classes of an example in its column: Z, Y (C, m). Course: D6.

    ``axis`` is that of the classes.

    >>> import tinygrad_edu as tg
    >>> round(tg.softmax_cross_entropy(tg.Tensor([[0.0], [0.0]]), [[1.0], [0.0]]).item(), 6)
    0.693147
    """
    _same_shape(Z, Y, "Z")
    Y = probabilities(Y)
    told = np.where(np.equal(Y, 0), 0.0, log_softmax(Z, axis=axis))  # 0 log 0 is 0: a score may be -inf
    return -np.sum(Y * told) / _columns(Z, axis)
