"""JAX as the independent witness of values, gradients and Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

Function = Callable[..., Any]


def load_jax() -> Any:
    jax = pytest.importorskip("jax", reason="JAX is the independent witness")
    jax.config.update("jax_enable_x64", True)
    return jax


def _cost(xp: Any, y: Any) -> Any:
    """One number that depends on every entry of the results, and is not linear in them."""
    total = 0.0
    for k, part in enumerate(_parts(y)):
        weights = np.cos(np.arange(part.size) + k).reshape(part.shape)
        total = total + xp.sum(weights * part) + 0.5 * xp.sum(part * part)
    return total


def agrees_with_jax(ours: Function, theirs: Function | None, *xs: Any, rtol: float = 1e-9) -> None:
    """Value, gradient and Hessian-vector product of ours(np, *xs) against theirs(jax.numpy, *xs)."""
    jax = load_jax()
    theirs = theirs or ours
    directions = tuple(np.sin(np.arange(x.size) + 1.0).reshape(x.shape) for x in xs)

    def cost(*values: Any) -> Any:
        return _cost(jax.numpy, theirs(jax.numpy, *values))

    @jax.jit  # one compilation for all of it
    def witness(*values: Any) -> Any:
        slope = jax.grad(cost, tuple(range(len(xs))))
        return theirs(jax.numpy, *values), jax.jvp(slope, values, directions)

    expected, (expected_gs, expected_hs) = witness(*xs)
    tensors = [tg.Tensor(x) for x in xs]
    y = ours(np, *tensors)
    gs = tg.grad(_cost(np, y), tensors, create_graph=True)
    hs = tg.grad(sum(np.sum(g * v) for g, v in zip(gs, directions, strict=True)), tensors)
    _close(_parts(y) + gs + hs, [*_parts(expected), *expected_gs, *expected_hs], rtol)


def _parts(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple) else [y]


def _close(got: list[Any], want: list[Any], rtol: float) -> None:
    for a, b in zip(got, want, strict=True):
        size = max(1.0, float(np.max(np.abs(b), initial=0.0)))
        np.testing.assert_allclose(getattr(a, "data", a), b, rtol=rtol, atol=rtol * size)
