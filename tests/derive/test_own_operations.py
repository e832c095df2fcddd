"""Operations that somebody defines derive like the built-in ones."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.table import NUMPY, OPS, RECORD

SCALE = 2.0


def _scaled(z):
    return SCALE * z


@pytest.fixture
def own_names():
    tables = (OPS, NUMPY, RECORD)
    before = [dict(table) for table in tables]
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def test_its_function_comes_along_with_what_it_needs(own_names, source_agrees):
    @tg.define(pullback=lambda g, y, x: SCALE * g * (1 - y * y))
    def squashed(x: np.ndarray) -> np.ndarray:
        """tanh of twice x.

        >>> examples stay behind
        """
        # so do decorators and annotations
        return np.tanh(_scaled(x))

    x = tg.Tensor([0.3, -0.4], name="x")
    y = squashed(x)
    J = np.sum(y * y)
    derivation = source_agrees(J, ["x"])
    assert derivation["dx"].formula == "dx = 2 * dy * (1 - y**2)"
    source = derivation.numpy_source()
    assert "SCALE = 2.0" in source
    assert "def _scaled(z):" in source
    assert "def squashed(x):\n    # tanh of twice x.\n    # so do decorators" in source


def test_a_kernel_without_a_def_is_refused_by_name(own_names):
    sine = tg.define(pullback=lambda g, y, x: g * np.cos(x), name="sine")(lambda x: 1.0 * np.sin(x))
    x = tg.Tensor(0.3, name="x")
    y = sine(x)
    J = y * y
    derivation = tg.derive(J, ["x"])
    assert derivation["dx"].formula == "dx = dy * np.cos(x)"
    with pytest.raises(TypeError, match="the kernel of sine is a lambda"):
        derivation.numpy_source()
