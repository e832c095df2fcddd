"""The chain rule told in words, formulas and values."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.check.networks import Network


def test_the_chain_to_a_weight_is_told_from_the_output_down() -> None:
    pytest.importorskip("sympy")
    n = Network((7, 5, 1))
    v = n.arrays()
    told = tg.check.explain(n.cost(v), "W1")
    assert [line.name for line in told.lines] == ["dA2", "dZ2", "dA1", "dZ1", "dW1"]
    assert told.lines[1].formula == "dZ2 = A2 - Y"
    assert all(np.allclose(line.value, v[line.name]) for line in told.lines)
    assert "multiplied by its slope at Z1" in told.lines[3].words
    assert "the products are summed" in str(told)
    assert "<ol>" in told._repr_mimebundle_()["text/html"]


def test_a_gradient_may_be_asked_for_by_either_name() -> None:
    pytest.importorskip("sympy")
    n = Network((7, 5, 1))
    J = n.cost(n.arrays())
    assert str(tg.check.explain(J, "dW2")) == str(tg.check.explain(J, "W2"))
    with pytest.raises(KeyError, match="did you mean"):
        tg.check.explain(J, "W9")
