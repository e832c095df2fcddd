"""500 random programs: compiled equals eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.random_programs.programs import draw


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.OuterBroadcastWarning")  # spread on purpose
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 500, 50))
def test_compiled_is_eager(first: int) -> None:
    for seed in range(first, first + 50):
        program = draw(seed)

        def loss(leaves: Any, program: Any = program) -> Any:
            return program.run(np, leaves)

        leaves = list(program.leaves)
        tensors = [tg.Tensor(x) for x in leaves]
        J = loss(tensors)
        expected = tg.grad(J, tensors)
        step = tg.compile(loss)
        for _ in range(2):
            found, grads = step(leaves)
            assert found == pytest.approx(J.item(), rel=1e-10, abs=1e-10), f"seed {seed}\n{program}"
            for g, e in zip(grads, expected, strict=True):
                scale = max(1.0, np.abs(e).max(initial=0.0))
                np.testing.assert_allclose(
                    g, e, rtol=1e-8, atol=1e-9 * scale, err_msg=f"seed {seed}\n{program}"
                )
