"""What is left out changes nothing of the value."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.expression import applied, quantity
from tinygrad_edu.expression.tidy import tidied
from tinygrad_edu.expression.walk import evaluate, in_order
from tinygrad_edu.ops.indexing.gather_scatter import getitem
from tinygrad_edu.ops.movement.shapes import broadcast_to

CUTS = [slice(None), slice(1, 3), slice(0, 1), slice(None, None, -1), slice(2, 2), 0, 1, -1]


@given(st.sampled_from([(1, 3), (4, 1), (1, 1), (4, 3), (3,), (1,), ()]), st.data())
def test_of_what_is_repeated_nothing_is_picked(shape: tuple[int, ...], data: Any) -> None:
    """Formulas do not show what repeats, so an index into it would be one into the part."""
    wide = (2, 4, 3)
    index = tuple(data.draw(st.lists(st.sampled_from(CUTS), min_size=1, max_size=3)))
    x = quantity("x", shape)
    repeated = applied(broadcast_to, x, settings={"shape": wide}, shape=wide, dtype=x.dtype)
    picked_from = np.zeros(wide)[index]
    node = applied(getitem, repeated, settings={"index": index}, shape=picked_from.shape, dtype=x.dtype)
    values = {"x": np.arange(float(np.prod(shape))).reshape(shape)}
    shown = tidied(node)
    np.testing.assert_array_equal(evaluate(shown, values), np.broadcast_to(values["x"], wide)[index])
    picked = (one.args[0] for one in in_order(shown) if one.does(getitem))
    assert all(part is x or shape == wide for part in picked)


def test_the_gradient_of_a_part_of_a_sum_is_no_part_of_it() -> None:
    A, B = (tg.Tensor(np.arange(6.0).reshape(2, 3), name=name) for name in "AB")
    total = np.sum(np.concatenate([A, B], axis=1), axis=1, keepdims=True)
    total.name = "t"
    told = tg.derive(np.sum(total**2), wrt=[A, B]).latex()
    assert "0:3" not in told
    assert r"dA &= dt" in told
