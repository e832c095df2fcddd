"""One-dimensional convolution and correlation, and the windows that they slide along."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import composed, contraction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import axis_of

__all__ = ["convolve", "correlate", "sliding_window_view"]

Array = Any
Mode = Literal["full", "same", "valid"]
_MODES = [
    Sample(((n,), (m,)), {"mode": mode})
    for n, m in ((5, 3), (3, 5), (6, 2), (1, 1))
    for mode in ("full", "same", "valid")
]


def _full(g: Array, n: int, m: int, mode: str) -> Array:
    """The gradient of all n + m - 1 sums, of which the mode has left out those at the ends."""
    start = {"full": 0, "same": (min(n, m) - 1) // 2, "valid": min(n, m) - 1}[mode]
    return np.pad(g, (start, n + m - 1 - start - g.shape[0]))


def _slid(shapes: Shapes, _: Settings) -> Flow:
    return Flow((("a",), ("v",)), (New(("a", "v"), "windowed"),))


@contraction(
    axes=_slid,
    pullback=(
        lambda g, y, a, v, *, mode="full": np.convolve(
            _full(g, a.shape[0], v.shape[0], mode), v[::-1], mode="valid"
        ),
        lambda g, y, a, v, *, mode="full": np.convolve(
            _full(g, a.shape[0], v.shape[0], mode), a[::-1], mode="valid"
        ),
    ),
    latex=r"{a} * {v}",
    label="∗",
    opaque=True,
    samples=_MODES,
)
def convolve(a: Array, v: Array, *, mode: Mode = "full") -> Array:
    """y_k = Σ_i a_i v_{k-i}, of two vectors.

    Mode "full": all sums. "same": as many as the longer has entries, those in the middle. "valid": those in
    which all of the shorter one takes part.

    >>> import tinygrad_edu as tg
    >>> tg.convolve(tg.Tensor([1.0, 2.0, 3.0]), [1.0, 1.0]).tolist()
    [1.0, 3.0, 5.0, 3.0]
    """
    return np.convolve(a, v, mode=mode)


@composed(samples=_MODES)
def correlate(a: Array, v: Array, mode: Mode = "valid") -> Array:
    """y_k = Σ_i a_{i+k} v_i, of two vectors, with the modes of :func:`convolve`.

    >>> import tinygrad_edu as tg
    >>> tg.correlate(tg.Tensor([1.0, 2.0, 3.0]), [1.0, 1.0]).tolist()
    [3.0, 5.0]
    """
    if len(v) > len(a):
        return np.flip(np.convolve(v, np.flip(a), mode=mode))
    return np.convolve(a, np.flip(v), mode=mode)


@composed(
    samples=[
        Sample(((5,),), {"window_shape": 3}),
        Sample(((3, 4),), {"window_shape": (2, 3)}),
        Sample(((2, 4, 5),), {"window_shape": (2, 3), "axis": (-1, 1)}),
        Sample(((5, 2),), {"window_shape": (2, 3), "axis": (0, 0)}),
        Sample(((3,),), {"window_shape": 0}),
    ],
    numpy=(np.lib.stride_tricks.sliding_window_view,),
)
def sliding_window_view(
    x: Array, window_shape: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None
) -> Array:
    """All windows of a shape: the first axes say where a window begins, the last ones are those of a window.

    The gradients of an entry in several windows add up. Entries are copied, so windows take memory. Source:
    https://numpy.org/doc/stable/reference/generated/numpy.lib.stride_tricks.sliding_window_view.html.

    Args:
        x: an array.
        window_shape: how many entries a window has along each of the axes.
        axis: the axes along which it slides, one of them or several; without it, all.

    Raises:
        ValueError: not a size for each axis, or a window that is longer than its axis.

    >>> import tinygrad_edu as tg
    >>> tg.sliding_window_view(tg.Tensor([1.0, 2.0, 3.0]), 2).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    sizes = tuple(np.atleast_1d(window_shape).tolist())
    along = range(np.ndim(x)) if axis is None else [axis_of(x, k) for k in np.atleast_1d(axis).tolist()]
    if len(sizes) != len(along):
        raise ValueError(
            f"sliding_window_view: expected a size for each of {len(along)} axes, got {window_shape}"
        )
    for size, k in zip(sizes, along, strict=True):
        n = np.shape(x)[k]
        if not 0 <= size <= n:
            raise ValueError(
                f"sliding_window_view: expected a window of 0 to {n} entries along axis {k}, got {size}"
            )
        places = np.arange(n - size + 1)[:, None] + np.arange(size)
        x = np.moveaxis(np.take(x, places, axis=k), k + 1, -1)
    return x
