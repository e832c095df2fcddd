"""One-dimensional convolution and correlation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tinygrad_edu.core.axes import Flow, New, Settings, Shapes
from tinygrad_edu.core.kinds import composed, contraction
from tinygrad_edu.core.samples import Sample

__all__ = ["convolve", "correlate"]

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
