"""The derivation of every operation: its source gives what its rule gives."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.table import OPS

DIFFERENTIABLE = [
    (name, k) for name, op in sorted(OPS.items()) if not op.constant for k in sorted({0, len(op.samples) - 1})
]


@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
def test_the_source_of_a_derivation_gives_the_gradient(name, k, source_agrees):
    op = OPS[name]
    sample = op.samples[k]
    rng = np.random.default_rng(k)
    values = sample.draw(rng)
    rules = op.pullbacks * len(values) if op.variadic else op.pullbacks
    tensors = {
        f"x{j}": tg.Tensor(v, requires_grad=rules[j] is not None and v.dtype.kind == "f")
        for j, v in enumerate(values)
    }
    wrt = [name for name, t in tensors.items() if t.requires_grad]
    y = op(*tensors.values(), **sample.settings)
    if not wrt or not y.requires_grad or y.dtype.kind != "f":
        pytest.skip("nothing to differentiate")
    J = np.sum(y * rng.uniform(0.5, 1.5, y.shape))
    source_agrees(J, wrt, names=tensors | {"J": J}, rtol=1e-11)
