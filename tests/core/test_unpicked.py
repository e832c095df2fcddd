"""0 · ∞: an entry that the result does not depend on has gradient 0, whatever its slope is there.

The oracle never meets an infinity: the same program at a point where the entries that reach nothing hold
ordinary numbers. Their gradient is 0 there, and that of all others the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.core.table import OPS
from tinygrad_edu.core.zero_times_infinity import _reaching

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
Array = Any
Function = Callable[[Any], Any]
nan = np.nan
FIRST_TWO = np.array([True, True, False, False])

STEEP: dict[str, Function] = {  # increasing, with an infinite slope at 0, or curvature
    "sqrt": np.sqrt,
    "log": np.log,
    "log2": np.log2,
    "power": lambda t: t**0.25,
    "power, curvature": lambda t: t**1.5,
    "log1p": lambda t: np.log1p(t - 1.0),
    "divide": lambda t: -1.0 / t,
    "a chain": lambda t: np.exp(np.log(t)) * t,
    "a product with constants": lambda t: np.sqrt(t) @ np.diag([4.0, 3.0, 2.0, 1.0]),
}
PICKS: dict[str, Function] = {  # the first two of four, which are the largest
    "slice": lambda t: t[:2],
    "index": lambda t: t[[0, 1, 1]],
    "mask": lambda t: t[FIRST_TWO],
    "take": lambda t: np.take(t, [1, 0, 0]),
    "take_along_axis": lambda t: np.take_along_axis(t, np.array([0, 1, 1]), axis=0),
    "where": lambda t: np.where(FIRST_TWO, t, 0.0),
    "where, twice": lambda t: np.where(FIRST_TWO, t, np.where(~FIRST_TWO, 7.0, t)),
    "where, by value": lambda t: np.where(t > np.sort(t.data)[1], t, 1.0),
    "maximum": lambda t: np.maximum(t, np.sort(t)[2]),
    "minimum": lambda t: -np.minimum(-t, -np.sort(t)[2]),
    "clip": lambda t: np.clip(t, np.sort(t)[2], np.sort(t)[3]),
    "relu": lambda t: tg.relu(t - (np.sort(t.data)[2] - 0.1)),
    "sort": lambda t: np.sort(t)[2:],
    "partition": lambda t: np.partition(t, 2)[2:],
    "max": np.max,
    "split": lambda t: np.split(t, 2)[0],
    "concatenate": lambda t: np.concatenate([t, 2.0 * t])[np.array([0, 1, 4, 5])],
    "stack": lambda t: np.stack([t, t])[:, :2],
    "triu": lambda t: np.triu(np.stack([t, t, t, t]).T)[:2, :],
    "tril": lambda t: np.tril(np.stack([t, t, t, t]), -2)[:, :2],
    "diagonal": lambda t: np.diagonal(np.diag(t))[:2],
    "pad": lambda t: np.pad(t, 1)[1:3],
    "roll": lambda t: np.flip(np.roll(t, 1))[1:3],
    "outer": lambda t: np.outer(t, [1.0, -1.0])[:2],
    "einsum": lambda t: np.einsum("ij->i", t.reshape(2, 2))[0],
    "rows' norms": lambda t: np.linalg.norm(t.reshape(2, 2), axis=1)[0],
    "rows' products": lambda t: np.prod(t.reshape(2, 2), axis=1, keepdims=True)[:1],
    "rows' spread": lambda t: np.std(t.reshape(2, 2), axis=1)[0],
}
ENDS: dict[str, Function] = {
    "sum": np.sum,
    "squares": lambda t: np.sum(t * t),
    "tanh": lambda t: np.mean(np.tanh(t)),
    "softmax": lambda t: np.sum(tg.sigmoid(0.1 * t)),
}


def gradients(f: Function, x: Array) -> list[Array]:
    """The gradient, in each way there is of asking for it."""
    t, u, v = tg.Tensor(x), tg.Tensor(x), tg.Tensor(x)
    f(t).backward()
    f(u).backward(retain_graph=True)
    (recorded,) = tg.grad(f(v), [v], create_graph=True)
    return [t.grad, u.grad, recorded.data, *tg.grad(f(v), [v]), tg.func.grad(f)(x)]


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.sampled_from(sorted(STEEP)), st.sampled_from(sorted(PICKS)), st.sampled_from(sorted(ENDS)), st.data()
)
def test_what_nobody_picks_has_gradient_0_to_the_second_order(steep, pick, end, data):
    def f(t):
        return ENDS[end](PICKS[pick](STEEP[steep](t)))

    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = np.concatenate([rng.uniform(2.0, 3.0, 2), rng.uniform(0.5, 1.0, 2)])
    at_the_edge = np.where(FIRST_TWO, x, 0.0)
    for got, want in zip(gradients(f, at_the_edge), gradients(f, x), strict=True):
        np.testing.assert_array_equal(got, want)
    if pick.startswith("rows'"):
        return  # the second derivative of what takes whole rows together stays nan at rows of zeros
    H = tg.func.hessian(f)(x)
    np.testing.assert_array_equal(tg.func.hessian(f)(at_the_edge), H)
    v = rng.standard_normal(4)
    np.testing.assert_allclose(tg.func.hvp(f, (at_the_edge,), (v,))[0], H @ v, rtol=1e-12, atol=1e-14)


WITH_ZEROS: dict[str, Function] = {  # the first two entries, and zeros that come from no leaf
    "where": lambda t: np.where(FIRST_TWO, t, 0.0),
    "where, the other way": lambda t: np.where(~FIRST_TWO, 0.0, t),
    "concatenate": lambda t: np.concatenate([t[:2], [0.0, 0.0]]),
    "pad": lambda t: np.pad(t[:2], (0, 2)),
    "diag": lambda t: np.diag(t[:1], 1).reshape(4)[[1, 1, 0, 0]],
    "tril": lambda t: np.tril(np.outer(t, np.ones(4)), -2)[[2, 2, 0, 0], 0],
    "heaviside": lambda t: np.heaviside([0.0, 0.0, -1.0, -1.0], t),
}


@pytest.mark.parametrize("zeros", sorted(WITH_ZEROS))
@pytest.mark.parametrize("steep", ["sqrt", "log", "power", "divide"])
def test_what_is_computed_on_the_way_has_its_gradient_too(zeros, steep):
    """Where the nan ends on the way and no leaf has one, ``backward`` leaves what ``grad`` gives."""
    t = tg.Tensor([2.0, 3.0, 1.0, 1.0])
    u = WITH_ZEROS[zeros](t)
    v = STEEP[steep](2.0 * u)
    J = np.sum(v[:2] ** 2)
    wanted = tg.grad(J, [t, u, v])
    assert np.isfinite(np.concatenate(wanted)).all()
    J.backward()
    for got, want in zip([t.grad, u.grad, v.grad], wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", sorted(STEEP))
@given(place=st.integers(0, 3))
def test_an_infinite_slope_of_what_is_picked_stays(name, place):
    """The first entry with no finite slope is picked, by an index, by its value and among others."""
    x = np.array([1.0, 2.0, 3.0, 4.0])
    x[place] = 0.0
    steep = STEEP[name]
    for f in (lambda t: steep(t)[place] * 2.0, lambda t: np.min(np.sqrt(t)), lambda t: np.sum(np.sqrt(t))):
        for got in gradients(f, x):
            assert name == "power, curvature" or name == "a chain" or not np.isfinite(got[place])


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sum(np.sqrt(x) ** 2), [0.0, 1.0]),  # 1, in the limit
        (lambda x: np.sum(np.sqrt(x) * np.sqrt(x)), [0.0, 1.0]),  # the same
        (lambda x: np.sum(tg.relu(np.sqrt(x))), [0.0, 1.0]),  # infinite: relu does not cut 0 off
        (lambda x: np.sum(np.maximum(np.sqrt(x), 0.0)), [0.0, 1.0]),
        (lambda x: np.sum(tg.sigmoid(np.log(x))), [0.0, 1.0]),  # 1, in the limit
        (lambda x: np.sum(np.exp(np.log(x))), [0.0, 1.0]),  # the same
        (lambda x: np.sum(np.log(x)[:1]), [nan, 1.0]),
    ],
)
def test_a_gradient_that_only_happens_to_be_0_is_not_made_one(f, x):
    for got in gradients(f, np.array(x)):
        assert not np.isfinite(got[0])


def test_a_weight_of_0_picks_nothing():
    x = np.array([0.0, 4.0])
    want = [0.0, 0.25]
    for got in gradients(lambda t: np.sum(np.array([0.0, 1.0]) * np.sqrt(t)), x):
        np.testing.assert_array_equal(got, want)
    t = tg.Tensor(x)
    np.sqrt(t).backward(np.array([0.0, 1.0]))
    np.testing.assert_array_equal(t.grad, want)
    np.testing.assert_array_equal(tg.func.jacobian(np.sqrt)(x), [[np.inf, 0.0], [0.0, 0.25]])
    np.testing.assert_array_equal(tg.func.jvp(np.sqrt, (x,), (np.array([0.0, 1.0]),))[1], want)


def test_a_direction_that_is_differentiated_by_is_no_weight_of_0():
    """The derivative of a Jacobian-vector product by its direction, at a direction of zeros."""
    x, v = np.array([1.0, 4.0, 0.0]), np.zeros(3)

    def along(v):
        return np.sum(tg.func.jvp(lambda x: np.sqrt(x)[:2], (x,), (v,))[1])

    np.testing.assert_array_equal(tg.func.grad(along)(v), [0.5, 0.25, 0.0])


def test_data_that_is_missing_and_masked_out_spoils_no_parameter():
    rng = np.random.default_rng(0)
    w, b, x = rng.standard_normal((2, 3)), rng.standard_normal((2, 1)), rng.standard_normal((3, 5))
    missing = x.copy()
    missing[1, 3], missing[:, 4] = nan, np.inf
    y = rng.standard_normal((2, 5))

    def cost(x):
        W, B = tg.Tensor(w), tg.Tensor(b)
        J = np.mean(((np.tanh(W @ x + B) * W[:, :1] - y)[:, :3]) ** 2)
        J.backward()
        return W.grad, B.grad

    for got, want in zip(cost(missing), cost(x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-14)


@pytest.mark.parametrize("op", [op for op in OPS.values() if not op.constant], ids=lambda op: op.name)
def test_no_operation_hides_an_entry_that_its_rule_gives_a_gradient(op):
    """For any incoming gradient: where it does not reach, every rule gives 0 at the samples."""
    for number, sample in enumerate(op.samples):
        rng = np.random.default_rng(number)
        inputs = [
            tg.Tensor(x, requires_grad=True) if np.asarray(x).dtype.kind == "f" else x
            for x in sample.draw(rng)
        ]
        node = op([*inputs] if op.variadic else inputs[0], *inputs[1:] * (not op.variadic), **sample.settings)
        if not isinstance(node, tg.Tensor) or not node.requires_grad or not node.size:
            continue
        for share in (0.0, 0.3, 1.0):
            mine = np.asarray(rng.random(node.shape) < share)
            weights = tg.Tensor(np.where(mine, rng.uniform(1.0, 2.0, node.shape), 0.0))
            for k, counts in enumerate(_reaching(node, mine, {})):
                if counts is None or node.parents[k] is None or not node.parents[k].requires_grad:
                    continue
                assert counts.shape == node.parents[k].shape
                assert share < 1.0 or op.kind != "elementwise" or op.rounding == 0.0 or counts.all()
                (got,) = tg.grad(node, [node.parents[k]], weights.data)
                assert not np.any(got[~counts]), (sample, k)


@pytest.mark.parametrize("pick", ["slice", "mask", "where", "maximum", "sort", "max", "triu", "outer"])
@pytest.mark.parametrize("steep", ["sqrt", "log", "divide", "a product with constants"])
def test_a_compiled_step_gives_the_same_or_nan_for_what_nobody_picked(steep, pick):
    """It is the formulas as they stand, so 0 · ∞ is nan there, which is seen; no other number comes out."""

    def f(t):
        return ENDS["tanh"](PICKS[pick](STEEP[steep](t)))

    x = np.array([2.5, 2.0, 0.0, 0.0])
    _, (got,) = tg.compile(lambda p: f(p[0]))([x])
    want = gradients(f, x)[0]
    np.testing.assert_allclose(got[:2], want[:2], rtol=1e-12)
    assert np.all((got[2:] == 0.0) | np.isnan(got[2:]))
    np.testing.assert_array_equal(want[2:], 0.0)
