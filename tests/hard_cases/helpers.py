"""What the hard cases share: tensors and gradients in a line, and central differences as the witness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg

Array = Any


def T(x: Any, dtype: Any = float, **settings: Any) -> tg.Tensor:
    """A differentiable tensor of floats."""
    return tg.Tensor(np.asarray(x, dtype=dtype), **settings)


def slopes(f: Callable[..., Any], *xs: Any, dtype: Any = float) -> list[Array]:
    """The gradient of the sum of f's entries with respect to each x, by backward()."""
    ts = [T(x, dtype) for x in xs]
    y = f(*ts)
    y.backward(np.ones(y.shape))
    return [np.zeros(t.shape) if t.grad is None else t.grad for t in ts]


def differences(f: Callable[..., Array], *xs: Any, h: float = 1e-6) -> list[Array]:
    """The same by central differences of f on plain arrays: it never sees a Tensor."""
    values = [np.array(x, dtype=float) for x in xs]
    found = []
    for k, x in enumerate(values):
        g = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            ends = []
            for step in (h, -h):
                moved = [v.copy() for v in values]
                moved[k][index] += step
                ends.append(float(np.sum(f(*moved))))
            g[index] = (ends[0] - ends[1]) / (2 * h)
        found.append(g)
    return found


def agrees_with_differences(f: Callable[..., Any], *xs: Any, rtol: float = 1e-6) -> None:
    """The value of f on Tensors is that on arrays, and its gradient that by differences."""
    np.testing.assert_allclose(
        f(*[T(x) for x in xs]).numpy(), f(*[np.array(x, float) for x in xs]), rtol=1e-13
    )
    for got, want in zip(slopes(f, *xs), differences(f, *xs), strict=True):
        np.testing.assert_allclose(
            got, want, rtol=rtol, atol=rtol * max(1.0, float(np.max(np.abs(want), initial=0)))
        )
