"""Every operation of the table in a compiled step, forward and backward, on its own samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS

TOLERANCE = {np.float64: 1e-11, np.float32: 2e-5}


def differentiable(op: Op, operands: tuple[Any, ...]) -> list[int]:
    rules = op.pullbacks * len(operands) if op.variadic else op.pullbacks
    return [
        k for k, (x, rule) in enumerate(zip(operands, rules, strict=False)) if x.dtype.kind == "f" and rule
    ]


def weighted(op: Op, sample: Sample, operands: Any) -> Any:
    y = op(*(sample.arrange(*operands) if sample.arrange else operands), **sample.settings)
    weights = np.cos(np.arange(np.prod(y.shape, dtype=int)).reshape(y.shape)).astype(y.dtype)
    return np.sum(y * weights) + np.sum(y * y)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", [name for name, op in OPS.items() if not op.constant])
def test_compiled_is_eager(name: str, dtype: Any) -> None:
    op, tolerance = OPS[name], TOLERANCE[dtype]
    for sample in op.samples:
        operands = sample.draw(np.random.default_rng(3), dtype)
        wanted = differentiable(op, operands)
        if not wanted:
            continue
        rest = [x for k, x in enumerate(operands) if k not in wanted]

        def loss(
            params: Any, *rest: Any, wanted: Any = wanted, sample: Any = sample, n: int = len(operands)
        ) -> Any:
            constants = iter(rest)
            return weighted(op, sample, [params[k] if k in wanted else next(constants) for k in range(n)])

        params = {k: operands[k] for k in wanted}
        tensors = {k: tg.Tensor(x) for k, x in params.items()}
        J = loss(tensors, *rest)
        expected = tg.grad(J, list(tensors.values()))
        step = tg.compile(loss)
        for _ in range(2):  # the second call runs in memory that the first has written to
            found, grads = step(params, *rest)
            np.testing.assert_allclose(found, J.item(), rtol=tolerance, atol=tolerance)
            for g, e in zip(grads.values(), expected, strict=True):
                np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance)
                assert (g.shape, g.dtype) == (e.shape, e.dtype)
