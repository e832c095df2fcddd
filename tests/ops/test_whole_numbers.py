"""Operations on whole numbers and booleans: what they give on the same numbers as floats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.cases import SMOOTH, Case, Entry, as_list, cases_of, plain

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


SEVERAL = {name: e for name, e in SMOOTH.items() if any(len(sample.shapes) > 1 for sample in e.samples)}


def beside_floats(entry: Entry, dtype: Any) -> Iterator[tuple[Case, Case, int]]:
    """Calls in which one input alone is of few bits, the same with it as floats, and which input it is."""
    for case in cases_of(entry):
        for k, x in enumerate(case.xs):
            if x.dtype.kind == "f" and len(case.xs) > 1:
                whole = (37 * np.arange(x.size).reshape(x.shape) % 101 + 1).astype(dtype)
                narrow, wide = ((*case.xs[:k], y, *case.xs[k + 1 :]) for y in (whole, whole.astype(float)))
                yield replace(case, xs=narrow), replace(case, xs=wide), k


def of(call: Any, *args: Any) -> list[Any] | None:
    """The results, or None where these numbers are outside of the function's domain."""
    try:
        return [np.asarray(plain(y)) for y in as_list(call(*args))]
    except (TypeError, ValueError, OverflowError, IndexError, RuntimeWarning, np.linalg.LinAlgError):
        return None


def gradients(case: Case, of: int) -> list[Any]:
    """Those of the inputs but one."""
    xs = [x if k == of or x.dtype.kind != "f" else tg.Tensor(x) for k, x in enumerate(case.xs)]
    J = sum((tg.sum(np.sin(y)) for y in case.outputs(xs)), start=tg.Tensor(0.0))
    return tg.grad(J, [x for x in xs if isinstance(x, tg.Tensor)]) if J.requires_grad else []


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8])
@pytest.mark.parametrize("entry", SEVERAL.values(), ids=SEVERAL)
def test_beside_floats_the_value_is_numpys(entry: Entry, dtype: Any) -> None:
    for narrow, _, k in beside_floats(entry, dtype):
        for function in entry.numpy[:1]:
            wanted = of(narrow.numpy_call, function, narrow.xs)
            xs = [x if j == k else tg.Tensor(x) for j, x in enumerate(narrow.xs)]
            for a, b in zip(of(narrow.call, xs) or (), wanted or (), strict=False):
                assert a.dtype == b.dtype
                np.testing.assert_allclose(a, b, rtol=1e-12 if a.dtype == np.float64 else 1e-2)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8])
@pytest.mark.parametrize("entry", SEVERAL.values(), ids=SEVERAL)
@np.errstate(all="ignore")
def test_beside_floats_the_gradients_are_those_of_floats(entry: Entry, dtype: Any) -> None:
    """Where the value is the same: some of NumPy's functions wrap on narrow whole numbers themselves."""
    for narrow, wide, k in beside_floats(entry, dtype):
        values, wanted = of(narrow.call, narrow.xs), of(wide.call, wide.xs)
        if values and wanted and all(map(np.array_equal, values, wanted)):
            for a, b in zip(gradients(narrow, k), gradients(wide, k), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-12)  # int8 has logarithms in float16
