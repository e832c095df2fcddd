"""What an operation says of itself, tried at its sample inputs: a claim that does not hold fails here.

The facts are read by everything that prints, derives, compiles and diagnoses, so each is tried for every
operation that claims it, against NumPy's own arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.facts import ALL, EACH, OF_KIND
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS

Array = Any
EPS32 = float(np.finfo(np.float32).eps)


def claiming(what: str) -> Any:
    """Every operation that has the fact."""
    ops = [op for op in OPS.values() if getattr(op, what) not in (None, False, ())]
    return pytest.mark.parametrize("op", ops, ids=[op.name for op in ops])


def calls(op: Op, dtype: Any = np.float64) -> Iterator[tuple[Sample, list[Array], Array]]:
    """The samples that have something in them: inputs, and the value."""
    for k, sample in enumerate(op.samples):
        xs = list(sample.draw(np.random.default_rng(k), dtype))
        with np.errstate(all="ignore"):
            y = value(op, sample, xs)
        if y.size:
            yield sample, xs, y


def value(op: Op, sample: Sample, xs: list[Array]) -> Array:
    return np.asarray(op.forward(*xs, **sample.settings))


def groups(op: Op, n: int) -> list[tuple[int, ...]]:
    return [
        g
        for group in op.linear
        for g in {ALL: [tuple(range(n))], EACH: [(k,) for k in range(n)]}.get(group, [group])
    ]


def joined(op: Op, sample: Sample, xs: list[Array], group: tuple[int, ...], others: list[Array]) -> None:
    mixed = [2.0 * x - 3.0 * z if k in group else x for k, (x, z) in enumerate(zip(xs, others, strict=True))]
    plain = [z if k in group else x for k, (x, z) in enumerate(zip(xs, others, strict=True))]
    want = 2.0 * value(op, sample, xs) - 3.0 * value(op, sample, plain)
    np.testing.assert_allclose(value(op, sample, mixed), want, rtol=1e-9, atol=1e-9)


def another(op: Op, sample: Sample, xs: list[Array], group: tuple[int, ...]) -> list[Array]:
    """Other values of the operands that are varied."""
    rng = np.random.default_rng(99)
    return [rng.uniform(0.5, 1.5, x.shape) * x if k in group else x for k, x in enumerate(xs)]


@claiming("linear")
def test_linear_in_each_group(op: Op) -> None:
    tried = 0
    for sample, xs, _ in calls(op):
        for group in groups(op, len(xs)):
            if all(np.asarray(xs[k]).dtype.kind == "f" for k in group):
                joined(op, sample, xs, group, another(op, sample, xs, group))
                tried += 1
    assert tried


WITH_RULES = [op for op in OPS.values() if any(op.pullbacks)]


@pytest.mark.parametrize("op", WITH_RULES, ids=[op.name for op in WITH_RULES])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_ends_at_it_if_and_only_if_it_says_so(op: Op) -> None:
    """A nan at one entry of the result comes through to each floating operand, or the gradient stops."""
    stopped = False
    for sample, xs, y in calls(op):
        if y.dtype.kind != "f" or not np.isfinite(y).all():
            continue
        for k in [k for k, x in enumerate(xs) if x.dtype.kind == "f" and x.size]:
            rule = partial(op.pullbacks[0], k) if op.variadic else op.pullbacks[k]
            for i in range(y.size) if rule is not None else ():
                g = np.zeros(y.shape)
                g.reshape(-1)[i] = np.nan
                slope = rule(g if g.ndim else g[()], y if y.ndim else y[()], *xs, **sample.settings)
                stopped |= not np.isnan(np.asarray(slope)).any()
    assert stopped == op.stops


@claiming("moves")
def test_every_entry_is_one_of_the_operand(op: Op) -> None:
    for _, xs, y in calls(op):
        assert np.isin(y, xs[0]).all()


@claiming("commutative")
def test_operands_may_change_places(op: Op) -> None:
    for sample, (a, b), y in calls(op):
        np.testing.assert_array_equal(value(op, sample, [b, a]), y)


@claiming("associative")
def test_three_operands_either_way(op: Op) -> None:
    tried = 0
    for sample, (a, b), y in calls(op):
        c = (
            np.swapaxes(b, -1, -2)
            if op.kind == "contraction" and b.ndim > 1 and a.ndim > 1
            else another(op, sample, [a, b], (1,))[1]
        )
        try:
            right = value(op, sample, [b, c])
            left = value(op, sample, [y, c])
        except ValueError:  # their shapes do not fit
            continue
        np.testing.assert_allclose(left, value(op, sample, [a, right]), rtol=1e-9)
        tried += 1
    assert tried


@claiming("inverse")
def test_inverse_gives_the_operand_back(op: Op) -> None:
    inverse = OPS[op.inverse or ""]
    for _, (x,), y in calls(op):
        np.testing.assert_allclose(inverse.forward(y), x, rtol=1e-9, atol=1e-12)


@claiming("range")
def test_results_lie_in_the_range(op: Op) -> None:
    low, high = op.range or (0, 0)
    for sample, xs, y in calls(op):
        assert ((low <= y) & (y <= high)).all()
        if (
            op.kind == "elementwise"
            and len(xs) == 1
            and op.monotone
            and not sample.settings
            and not sample.make
        ):
            far = np.clip(1e4 * xs[0], *(100 * np.asarray(sample.domain[0])))  # far out, on the same side
            with np.errstate(all="ignore"):
                y = value(op, sample, [far])
            y = y[~np.isnan(y)]
            assert ((low <= y) & (y <= high)).all()


@claiming("monotone")
def test_results_follow_the_operands(op: Op) -> None:
    rng = np.random.default_rng(7)
    for sample, xs, y in calls(op):
        width = max(abs(np.ptp(x)) if x.size else 0.0 for x in xs) + 0.1
        more = [x + rng.uniform(0, 0.2 * width, x.shape) for x in xs]
        if not sample.make:
            tops = sample.domain if len(sample.domain) == len(xs) else sample.domain * len(xs)
            more = [np.minimum(x, high) for x, (_, high) in zip(more, tops, strict=True)]
        assert ((value(op, sample, more) - y) * (op.monotone or 0) >= -1e-12).all()


def rounded() -> Any:
    ops = [op for op in OPS.values() if np.isfinite(op.rounding)]
    return pytest.mark.parametrize("op", ops, ids=[op.name for op in ops])


@rounded()
def test_rounding_is_no_more_than_told(op: Op) -> None:
    """float32 against float64 of the same inputs; of sums, by the sizes of what is added up."""
    for sample, narrow, y in calls(op, np.float32):
        wide = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in narrow]
        exact = value(op, sample, wide)
        if exact.dtype.kind != "f" or y.dtype != np.float32 or "rng" in sample.settings:
            continue
        size, terms = np.abs(exact), 1.0
        if op.linear and op.rounding and op.kind in ("reduction", "contraction", "indexing", "movement"):
            size = value(op, sample, [np.abs(x) if x.dtype.kind == "f" else x for x in wide])
            terms = max(x.size for x in wide) + 1.0
        elif len(op.linear) == 1 and len(op.linear[0]) == 2 and op.rounding:  # a sum, a difference
            size = np.abs(wide[0]) + np.abs(wide[1])
        assert (np.abs(y - exact) <= op.rounding * terms * EPS32 * size + 1e-45).all()


def without_derivative(op: Op) -> list[Array]:
    """Operands that tie, for an elementwise operation: it jumps or bends there."""
    at = {"rint": 0.5, "round": 0.5, "trunc": 1.0, "remainder": 1.0, "fmod": 1.0, "floor_divide": 1.0}.get(
        op.kernel, 0.0
    )
    return [np.array(at), np.array(1.0 if at else 0.0)][: len(op.parameters)]


@claiming("kink")
def test_a_kink_is_where_the_slopes_differ(op: Op) -> None:
    """Away from kinks the slopes on both sides agree; at one they do not."""
    for sample, xs, _ in calls(op):
        gap = np.abs(op.kink(*xs, **sample.settings))  # type: ignore[misc]
        if op.kind == "elementwise" and len(xs) > 1:
            continue
        (x,) = xs
        for place in np.ndindex(x.shape):
            if gap[place] > 1e-3:
                h = np.zeros_like(x)
                h[place] = 1e-6
                y = value(op, sample, [x])
                right, left = value(op, sample, [x + h]) - y, y - value(op, sample, [x - h])
                np.testing.assert_allclose(right, left, atol=1e-9)
    if op.kind == "elementwise":
        xs = without_derivative(op)
        settings = {"alpha": 2.0} if "alpha" in op.settings else {}
        assert op.kink(*xs, **settings) == 0  # type: ignore[misc]
        y, h = op.forward(*xs, **settings), 1e-6
        right = op.forward(xs[0] + h, *xs[1:], **settings) - y
        left = y - op.forward(xs[0] - h, *xs[1:], **settings)
        assert abs(right - left) > 1e-7 or abs(right) > 0.1  # it bends, or jumps


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_what_the_kind_says(op: Op) -> None:
    """A copy under another name keeps every fact; a question has no linearity and no rounding."""
    twin = replace(op, name=f"twin_of_{op.name}")
    assert twin.kernel == op.kernel == op.name
    assert all(getattr(twin, fact) == getattr(op, fact) for fact in OF_KIND["movement"])
    assert (twin.sign, twin.range, twin.inverse, twin.kink) == (op.sign, op.range, op.inverse, op.kink)
    if op.constant:
        assert (op.linear, op.moves) == ((), False)


@pytest.mark.parametrize(
    ("false", "test"),
    [
        ({"linear": ((0,),)}, test_linear_in_each_group),
        ({"moves": True}, test_every_entry_is_one_of_the_operand),
        ({"range": (0.5, 1.0)}, test_results_lie_in_the_range),
        ({"monotone": -1}, test_results_follow_the_operands),
        ({"inverse": "sinh"}, test_inverse_gives_the_operand_back),
        ({"rounding": 0.1}, test_rounding_is_no_more_than_told),
        ({"kink": lambda x: x}, test_a_kink_is_where_the_slopes_differ),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_a_false_claim_is_found(false: dict[str, Any], test: Any) -> None:
    with pytest.raises(AssertionError):
        test(replace(tg.exp, **false))


@pytest.mark.parametrize(
    ("fact", "test"),
    [("commutative", test_operands_may_change_places), ("associative", test_three_operands_either_way)],
)
def test_a_false_law_is_found(fact: str, test: Any) -> None:
    with pytest.raises(AssertionError):
        test(replace(tg.subtract, **{fact: True}))
