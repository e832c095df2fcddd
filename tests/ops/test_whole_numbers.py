"""The networks' operations on whole numbers and booleans: those of the same numbers as floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

FUNCTIONS = [
    tg.sigmoid, tg.softplus, tg.silu, tg.gelu, tg.relu, tg.elu, tg.leaky_relu, tg.softmax, tg.log_softmax,
    tg.logsumexp,
]  # fmt: skip
KINDS = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_the_value_is_that_of_the_same_numbers_as_floats(function: Any, dtype: Any) -> None:
    z = np.array([0, 1, 1]) if dtype is np.bool_ else np.array([0, 1, 3, 100, 127])
    if np.issubdtype(dtype, np.signedinteger):
        z = np.concatenate([z, -z, [-128]])
    found = np.asarray(function(z.astype(dtype)))
    wanted = np.asarray(function(z.astype(np.float64)))
    near = 4 * np.finfo(np.float16 if found.dtype == np.float16 else np.float32).eps
    np.testing.assert_allclose(found.astype(np.float64), wanted, rtol=near, atol=near)
