"""Each identity of the book is its own test: run on arrays, both of its sides come to the same.

Over its declared ranges, in float32, float64 and integers, at the edges too, where the first side is
computed with more digits, since the second may be said to be the more accurate one.
"""

from __future__ import annotations

import inspect
from itertools import product
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.expression import Node, applied, number, quantity, write
from tinygrad_edu.expression.book import BOOK, Identity, good_for, rewritten
from tinygrad_edu.expression.recording import built, op_of
from tinygrad_edu.expression.walk import evaluate, in_order

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-3, -15.0, 15.0]
every = pytest.mark.parametrize("identity", BOOK, ids=lambda i: f"{BOOK.index(i)}-{write(i.pattern)[:40]}")


def parameters(identity: Identity) -> list[str]:
    return list(identity.before.__code__.co_varnames[: identity.before.__code__.co_argcount])


def shape(identity: Identity) -> tuple[int, ...]:
    """Of the operands: vectors where the identity is of vectors."""
    return (3,) if identity.ndim == 1 else (3, 3)


def axes(identity: Identity) -> list[dict[str, Any]]:
    known = inspect.signature(identity.before).parameters.values()
    names = [p.name for p in known if p.kind is p.KEYWORD_ONLY]
    choices = {"axis": [0, 1, -1], "keepdims": [False, True], "axes": [(1, 0), (0, 1)]}
    return [dict(zip(names, values, strict=True)) for values in product(*(choices[n] for n in names))]


def operand(identity: Identity, name: str, rng: np.random.Generator, dtype: Any) -> Any:
    if name == "mask":
        return rng.random((3, 3)) < 0.5
    low, high = identity.ranges.get(name, (-np.inf, np.inf))
    low, high = max(low, -4.0) + (0.01 if low == 0 else 0), min(high, 4.0)
    if name == "c" and identity.when is not None:
        return float(rng.uniform(max(low, 0), min(high, 1)))
    x = rng.uniform(low, high, shape(identity))
    if np.dtype(dtype).kind == "i":
        return np.maximum(np.round(x), 1 if low > -1 else -9).astype(dtype)
    return x.astype(dtype)


def at_edges(identity: Identity, name: str) -> Any:
    low, high = identity.ranges.get(name, (-np.inf, np.inf))
    if name == "c" and identity.when is not None:
        return 0.5
    if name == "mask":
        return np.arange(9).reshape(3, 3) % 2 == 0
    edges = [x for x in EDGES if low < x < high]
    return np.resize(np.array(edges), shape(identity))


def sides(identity: Identity, xs: list[Any], settings: dict[str, Any]) -> tuple[Any, Any]:
    with np.errstate(all="ignore"):
        return identity.before(*xs, **settings), identity.after(*xs, **settings)


def close(a: Any, b: Any, eps: float) -> None:
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    fine = np.isfinite(a)  # where the one overflows or divides by 0, the other may still know
    np.testing.assert_allclose(b[fine], a[fine], rtol=200 * eps, atol=200 * eps)


@every
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_both_sides_are_equal(identity: Identity, dtype: Any) -> None:
    rng = np.random.default_rng(5)
    for settings in axes(identity):
        for _ in range(5):
            xs = [operand(identity, name, rng, dtype) for name in parameters(identity)]
            before, after = sides(identity, xs, settings)
            close(before, after, float(np.finfo(dtype).eps))
            if "exact" in identity.good and np.ndim(after):
                np.testing.assert_array_equal(after, before)
                assert np.asarray(after).dtype == np.asarray(before).dtype


@every
def test_both_sides_are_equal_for_integers(identity: Identity) -> None:
    """Of those that apply to integers: what gives another dtype there is not replaced."""
    rng = np.random.default_rng(6)
    for settings in axes(identity):
        xs = [operand(identity, name, rng, np.int64) for name in parameters(identity)]
        try:
            before, after = sides(identity, xs, settings)
        except ValueError:  # integers to negative powers
            continue
        close(before, after, 1e-16)


@every
def test_both_sides_are_equal_at_the_edges(identity: Identity) -> None:
    for settings in axes(identity):
        xs = [at_edges(identity, name) for name in parameters(identity)]
        _, after = sides(identity, xs, settings)
        precise = [np.asarray(x, np.longdouble) if np.ndim(x) else x for x in xs]
        close(sides(identity, precise, settings)[0], after, 1e-14)


@every
def test_what_the_compiler_takes_is_nan_only_where_it_was(identity: Identity) -> None:
    """Also where an entry is nan, or so large that squares overflow: a step never loses a number."""
    if identity.ranges or not identity.good & {"less work", "more accurate"}:
        return
    odd = np.array([[np.nan, 1e200, -1e200], [700.0, -700.0, np.nan], [0.0, -0.0, 1.0]])
    for settings in axes(identity):
        for shift in range(3):
            xs = []
            for k, name in enumerate(parameters(identity)):
                xs.append(at_edges(identity, name) if name in ("c", "mask") else np.roll(odd, shift * k))
            before, after = np.broadcast_arrays(*sides(identity, xs, settings))
            known = np.isfinite(before)
            np.testing.assert_allclose(after[known], before[known], rtol=1e-12, atol=1e-12)


@every
def test_what_is_more_accurate_does_not_overflow_or_lose_its_digits(identity: Identity) -> None:
    """Far out the written-out form may give 0, 1, inf or nan; the other one is finite."""
    if "more accurate" not in identity.good or identity.ranges:
        return
    for settings in axes(identity):
        xs = [0.5 if n == "c" else np.array([[800.0, -1.0], [-800.0, 1.0]]) for n in parameters(identity)]
        _, after = sides(identity, xs, settings)
        assert np.isfinite(after).all()


@every
def test_it_is_found_on_names_and_replaced(identity: Identity) -> None:
    """The pattern is found in itself, with operands of other shapes, and what replaces it has its value."""
    for settings in axes(identity):
        names = []
        for name in parameters(identity):
            dtype = bool if name == "mask" else float
            scalar = name == "c" and identity.when is not None
            names.append(number(0.5) if scalar else quantity(name, shape(identity), dtype))
        node = built(identity.before, names, settings)
        found = identity.found_in(node)
        assert found is not None
        assert found.shape == node.shape
        rng = np.random.default_rng(7)
        values = {n.called: np.asarray(operand(identity, n.called, rng, n.dtype)) for n in names if n.is_name}
        with np.errstate(all="ignore"):
            close(evaluate(node, values), evaluate(found, values), 1e-15)


@every
def test_it_is_good_for_something_and_shorter_is_shorter(identity: Identity) -> None:
    assert identity.good
    if (
        "shorter" in identity.good and "log" not in write(identity.pattern)[:8]
    ):  # a sum is easier to differentiate
        after = (
            built(identity.after, [quantity(n, (3, 3)[: identity.ndim]) for n in parameters(identity)])
            if not identity.when and not axes(identity)[0]
            else None
        )
        assert after is None or after.size <= identity.pattern.size


z = quantity("z", (3, 4))


@pytest.mark.parametrize(
    ("written", "short"),
    [
        (lambda z: 1 / (1 + np.exp(-z)), "sigmoid(z)"),
        (lambda z: np.exp(z) / (np.exp(z) + 1), "sigmoid(z)"),
        (lambda z: 2 / (1 + np.exp(-2 * z)) - 1, "np.tanh(z)"),
        (lambda z: np.maximum(z, 0), "relu(z)"),
        (lambda z: np.maximum(0.2 * z, z), "leaky_relu(z, slope=0.2)"),
        (lambda z: np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True), "softmax(z, axis=1)"),
    ],
)
def test_what_is_written_out_is_found(written: Any, short: str) -> None:
    assert write(rewritten(built(written, [z]), "shorter")) == short


def test_a_part_may_have_been_named_on_the_way() -> None:
    e = quantity("e", (3, 4))
    unit = built(lambda e: 1 / (1 + e), [e])
    meaning = {e: built(lambda z: np.exp(-z), [z])}
    assert write(rewritten(unit, "shorter", meaning=meaning)) == "sigmoid(z)"
    assert write(rewritten(unit, "shorter")) == "1 / (1 + e)"


def test_truth_values_have_no_minus() -> None:
    mask = quantity("M", (3,), bool)
    assert write(applied(op_of(np.multiply), number(-1), mask)) == "-1 * M"


def test_equal_expressions_are_one_object_and_cannot_be_changed() -> None:
    one, other = (built(lambda z: np.sum(z * 2, axis=0), [z]) for _ in range(2))
    assert one is other
    assert len(in_order(one)) == 4
    with pytest.raises(AttributeError, match="cannot be changed"):
        one.shape = ()  # type: ignore[misc]


def test_only_what_is_asked_for_is_done() -> None:
    node: Node = built(lambda z: np.mean(z**2), [z])
    assert write(rewritten(node, "shorter")) == "np.mean(z**2)"
    assert write(rewritten(node, "less work")) == "np.sum(z**2) / 12"
    assert next(iter(good_for("exact"))) in BOOK
    assert applied(node.rule, *node.args, settings=node.settings) is node
