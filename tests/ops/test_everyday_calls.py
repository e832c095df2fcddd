"""Calls as they are written every day: by position, as methods, as operators. Each against NumPy itself.

``x`` is a matrix, ``v`` a vector, ``k`` the places that sort the rows of x. NumPy evaluates the same text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.cases import Case, Entry, as_list, plain
from tests.ops.derivatives import Probe
from tinygrad_edu.core.tensor import Tensor

X = np.random.default_rng(0).permutation(12).reshape(3, 4) + 0.6
V = np.array([3.2, 1.1, 2.4, 5.3])
CALLS = """
np.sum(x, 0); np.sum(x, axis=(0, 1), keepdims=True); np.mean(x, 1); np.max(x, 0); np.amax(x, 0)
np.ptp(x, 0); np.prod(x, 1); np.var(x, 0); np.var(x, ddof=1); np.std(x); x.var(0); x.std(axis=1, ddof=1)
x.max(0); x.prod(); x.mean(0, keepdims=True); x.sum(1, keepdims=True); x.cumsum(1); np.cumsum(x, 0)
np.cumprod(v); np.nancumsum(x, 1); np.clip(x, 1, 2); np.clip(x, a_min=None, a_max=3); x.clip(1, 2)
x.clip(max=3); np.round(x, 1); x.round(1); np.take(x, [0, 1], 1); x.take([0, 2]); np.repeat(x, 2, 1)
np.repeat(x, 2); x.repeat(2, 0); np.tile(x, (2, 1)); np.reshape(x, -1); np.reshape(x, (4, 3), order="F")
x.reshape(4, 3); x.reshape((4, 3)); x.reshape(-1); np.transpose(x, (1, 0)); x.transpose(1, 0)
x.transpose((1, 0)); x.T; x.mT; np.permute_dims(x, (1, 0)); np.swapaxes(x, 0, 1); np.moveaxis(x, 0, 1)
np.expand_dims(x, 0); np.squeeze(x[None]); x.ravel(); x.flatten(); np.concatenate([x, x], 1)
np.concatenate((x, x), axis=None); np.concat([x, x]); np.stack([x, x], -1); np.vstack((x, v))
np.hstack([x, x]); np.dstack([x, x]); np.column_stack([v, v]); np.block([[x, x], [x, x]]); np.split(x, 2, 1)
np.array_split(x, 3, 1); np.unstack(x); np.append(v, 1.0); np.append(x, x, 0); np.pad(x, 1)
np.pad(x, ((1, 0), (0, 1)), "edge"); np.pad(x, (1, 1), mode="constant", constant_values=2); np.roll(x, 1, 0)
np.roll(x, 1); np.roll(x, (1, 2), 0); np.flip(x, 0); np.rot90(x); np.insert(v, 1, 9.0); np.delete(v, 1)
np.sort(x, 0); np.sort(v); np.sort(x, axis=None); np.argsort(v); np.partition(v, 2); np.median(x, 0)
np.percentile(x, 30); np.quantile(x, [0.1, 0.5], 0); np.average(x, 0, [1, 2, 3.0]); np.diff(v)
np.gradient(v); np.trapezoid(v); np.ediff1d(v); np.convolve(v, v); np.convolve(v, v, "same")
np.correlate(v, v, "full"); np.where(x > 2, x, 0); np.where(x > 2, x, -x); np.maximum(x, 2); np.fmax(x, 3)
np.hypot(x, 1); np.logaddexp(x, 1); np.meshgrid(v, v); np.broadcast_to(v, (3, 4)); np.broadcast_arrays(v, x)
np.atleast_2d(v); np.nan_to_num(x); np.interp(1.5, np.arange(4.0), v); np.choose([0, 1, 1, 0], [v, v * 2])
np.select([v > 2], [v], 0); np.compress([1, 0, 1], x, 0); np.extract(x > 3, x); np.take_along_axis(x, k, 1)
np.piecewise(v, [v > 2], [np.log]); np.linspace(v, v + 1, 3); np.polyval([1, 2.0], x); np.vander(v)
np.unwrap(v); np.corrcoef(x); np.cov(x, rowvar=False); np.divmod(x, 2); divmod(x, 2); x // 2; x % 2; 7 % x
np.modf(x); x**2; x**0.5; 2**x; x**-1; np.float_power(x, 2); np.copysign(x, -1); np.heaviside(x, 0.5)
abs(x); -x; +x; np.resize(v, (2, 3)); np.copy(x); x.copy(); np.full_like(x, 2); np.all(x)
np.count_nonzero(x, axis=0); np.argmax(x, 1); x.argmax(1); np.searchsorted(np.sort(v), v); x > 2; x == x
x[1]; x[:, 1]; x[..., None]; x[[0, 0], [1, 2]]; x[x > 3]; x[np.array([0, 1]), 1:]; x[-1, ::-1]; list(x)
np.add.reduce(x); np.add.outer(v, v); np.multiply.accumulate(v); np.sum(x, where=x > 3)
np.max(x, initial=3.0); np.matmul(x, x.T); x @ v; x.dot(v); x.trace(); x.diagonal(); np.outer(v, v)
np.einsum("ij,ij->i", x, x)
"""
EVERY = [call.strip() for line in CALLS.strip().splitlines() for call in line.split(";")]


def evaluated(call: str, x: Any, v: Any) -> list[Any]:
    return as_list(eval(call, {"np": np, "x": x, "v": v, "k": np.argsort(X, axis=1)}))


@pytest.mark.parametrize("call", EVERY)
def test_the_value_is_numpys(call: str) -> None:
    for got, want in zip(evaluated(call, tg.Tensor(X), tg.Tensor(V)), evaluated(call, X, V), strict=True):
        a, b = np.asarray(plain(got)), np.asarray(want)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("call", EVERY)
def test_the_gradient_is_that_of_the_value(call: str) -> None:
    results = evaluated(call, tg.Tensor(X), tg.Tensor(V))
    if not all(isinstance(y, Tensor) and y.requires_grad for y in results):
        assert not any(isinstance(y, Tensor) and y.requires_grad for y in results)
        return  # a constant: comparisons, places, counts
    entry = Entry(call, lambda x, v: tuple(evaluated(call, x, v)), (), ())
    probe = Probe(Case(entry, (X, V)))
    assert probe.agrees(1)
    assert probe.agrees(2)
