"""The source of a derivation computes in the dtype in which NumPy had: integers of the data do not wrap."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compile.test_dtypes import IDENTITIES, data, scale

INTEGERS = ["u1", "i2", "u8", "i8"]
WRAPPED = ("a number out of a sum", "a square", "a power of integers", "divergence", "largest")
LOOSE = {1: 2e-2, 2: 2e-5}
"""By the bytes of the integers: how precise the floats are that NumPy makes of them (float16, float32)."""


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", WRAPPED)
def test_the_source_gives_the_recorded_gradient_for_every_integer(name: str, large: bool) -> None:
    for dtype in map(np.dtype, INTEGERS):
        rng = np.random.default_rng(0)
        X, Y = data(dtype, rng, large=large), data(dtype, rng, large=large)
        w = tg.Tensor(rng.random((2, 3)) + 0.25, name="w")
        given = {"X": tg.Tensor(X, name="X"), "Y": tg.Tensor(Y, name="Y")}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                J = IDENTITIES[name](w, *given.values())
            except TypeError:  # NumPy refuses it for that dtype: minus, of booleans
                continue
            (want,) = tg.grad(J, [w])
            if not (np.isfinite(want).all() and np.isfinite(J.item())):
                continue
            space: dict[str, Any] = {}
            derivation = tg.derive(J, ["w"], convention="exact")
            exec(derivation.numpy_source(), space)
            values = {step.name: step.value for step in derivation.graph.inputs}
            arguments = space["gradients"].__code__
            got = space["gradients"](*(values[p] for p in arguments.co_varnames[: arguments.co_argcount]))
        tolerance = LOOSE.get(dtype.itemsize, 1e-9)
        np.testing.assert_allclose(got["dw"], want, rtol=tolerance, atol=tolerance * scale(X, Y))
