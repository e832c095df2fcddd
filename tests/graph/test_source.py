"""Source of single operations: run with NumPy alone, it gives what the operation gives."""

import numpy as np
import pytest

from tinygrad_edu.core.table import OPS
from tinygrad_edu.graph.source import Code, definitions, needing_definitions, written

CASES = [(name, k) for name, op in sorted(OPS.items()) for k in range(len(op.samples))]


def emitted(op, arrays, settings):
    """The value of the operation's source, run in a namespace that holds NumPy and the operands."""
    operands = [Code(f"x{k}", shape=a.shape, dtype=a.dtype) for k, a in enumerate(arrays)]
    space = {"np": np, **{f"x{k}": a for k, a in enumerate(arrays)}}
    exec(definitions(needing_definitions([op])), space)
    return eval(written(op, operands, settings).text, space)


@pytest.mark.parametrize(("name", "k"), CASES)
def test_the_source_of_an_operation_computes_it(name, k):
    op = OPS[name]
    sample = op.samples[k]
    if any(isinstance(v, np.random.Generator) for v in sample.settings.values()):
        pytest.skip("draws random numbers")
    arrays = sample.draw(np.random.default_rng(k))
    expected = np.asarray(op.forward(*arrays, **sample.settings))
    found = np.asarray(emitted(op, arrays, sample.settings))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14)
