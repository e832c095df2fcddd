"""Whole numbers that are data, as an index: the step records their shape, and looks their values up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.ops.networks.embeddings import ColumnsLent

SHAPE = (3, 4, 2)
PARTS: dict[str, Callable[[Any], Any]] = {
    "i": lambda i: i,
    "i[:, None]": lambda i: i[:, None],
    "arange": lambda i: np.arange(i.shape[0]) % 2,
    "range": lambda i: range(i.shape[0] - 1, -1, -1) if i.shape[0] <= 2 else [0, 1] * (i.shape[0] // 2),
    "1": lambda i: 1,
    "-1": lambda i: -1,
    ":": lambda i: slice(None),
    "::-1": lambda i: slice(None, None, -1),
    "1:": lambda i: slice(1, None),
    "None": lambda i: None,
    "...": lambda i: ...,
}
FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "take": np.take,
    "take along 1": lambda x, i: np.take(x, i, axis=1),
    "take, wrapped": lambda x, i: np.take(x, i * 5, axis=0, mode="wrap"),
    "take, clipped": lambda x, i: np.take(x, i * 5, axis=-1, mode="clip"),
    "along an axis": lambda x, i: np.take_along_axis(
        x, np.reshape(i, (1, -1, 1)) * np.ones((3, 1, 2), int), 1
    ),
    "twice": lambda x, i: x[i][:, i],
    "at the largest": lambda x, i: x[np.argmax(x[:, 0, 0]), i],
    "moved": lambda x, i: x[(i + 1) % 3, i],
}


def agrees(loss: Callable[[Any, Any], Any], i: Any, others: list[Any]) -> None:
    x = np.random.default_rng(0).normal(size=SHAPE)
    step = tg.compile(loss)
    for now in (i, *others):
        t = tg.Tensor(x)
        J = loss(t, now)
        (expected,) = tg.grad(J, [t])
        found, gradient = step(x, now)
        assert found == pytest.approx(J.item())
        np.testing.assert_allclose(gradient, expected, rtol=1e-12)


@st.composite
def indices(draw: Any) -> tuple[list[str], Any]:
    parts = draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=4))
    used = [p for p in parts if p not in ("None", "...")]
    if len(used) > 2 or parts.count("...") > 1:
        parts = parts[:1] if parts[0] != "..." else []
    at = draw(st.integers(0, len(parts)))
    kind = draw(st.sampled_from([np.int64, np.int32, np.uint8]))
    return [*parts[:at], "i", *parts[at:]], np.array(
        draw(st.lists(st.integers(0, 1), min_size=2, max_size=2)), kind
    )


@settings(max_examples=60)
@given(indices())
def test_any_index_of_numpys(drawn: tuple[list[str], Any]) -> None:
    names, i = drawn

    def loss(x: Any, i: Any) -> Any:
        found = x[tuple(PARTS[name](i) for name in names)]
        return np.sum(np.tanh(found) * np.arange(1, found.size + 1).reshape(found.shape))

    others = [i[::-1].copy(), np.zeros_like(i)]
    agrees(loss, i, others if i.dtype.kind == "u" else [*others, -1 - i])


@pytest.mark.parametrize("form", sorted(FORMS))
def test_functions_that_pick(form: str) -> None:
    agrees(
        lambda x, i: np.sum(FORMS[form](x, i) ** 2), np.array([1, 0]), [np.array([0, 0]), np.array([1, 1])]
    )


def test_an_optimiser_moves_the_rows_that_are_named() -> None:
    rng = np.random.default_rng(1)
    E, words, labels = rng.normal(size=(7, 3)), np.array([2, 2, 5]), np.array([0, 1, 1], np.uint8)

    def loss(P: Any, words: Any, labels: Any) -> Any:
        Z = P["E"][words] @ np.ones((3, 2))
        return -np.mean(tg.log_softmax(Z * np.array([1.0, -1.0]), axis=1)[range(words.shape[0]), labels])

    eager, params = tg.Tensor(E.copy(), name="E"), {"E": E.copy()}
    step = tg.compile(loss, optimizer=tg.optim.SGD(lr=0.5))
    for now in (words, words[::-1].copy()):
        J = loss({"E": eager}, now, labels)
        (dE,) = tg.grad(J, [eager])
        assert step(params, now, labels) == pytest.approx(J.item())
        eager = tg.Tensor(eager.data - 0.5 * dE, name="E")
    np.testing.assert_allclose(params["E"], eager.data)
    np.testing.assert_array_equal(params["E"][[0, 1, 3, 4, 6]], E[[0, 1, 3, 4, 6]])


@pytest.mark.parametrize("bad", [4, -5, 200])
def test_out_of_bounds_is_an_error_when_it_runs(bad: int) -> None:
    i = np.array([0, 1])
    for loss in (
        lambda x, i: np.sum(x[:, i]),
        lambda x, i: np.sum(x[i % 3, i]),
        lambda x, i: np.sum(x[0, i, 0]),
    ):
        step = tg.compile(loss)
        step(np.ones(SHAPE), i)
        with pytest.raises(IndexError):
            step(np.ones(SHAPE), np.array([0, bad]))


def test_what_has_no_fixed_shape_or_is_no_index_is_refused() -> None:
    x, floats = np.ones(SHAPE), np.array([0.0, 1.0])
    with pytest.raises(TypeError, match="asks for a value"):
        tg.compile(lambda x, m: np.sum(x[m]))(x, np.array([True, False, True]))
    with pytest.raises(IndexError, match="integers"):
        tg.compile(lambda x, i: np.sum(x[i]))(x, floats)
    with pytest.raises(IndexError, match="too many indices"):
        tg.compile(lambda x, i: np.sum(x[i, i, i, i]))(x, np.array([0, 1]))
    with pytest.raises(TypeError, match="asks for a value"):
        tg.compile(lambda x, i: np.sum(x) if i[0] > 0 else np.sum(x[i]))(x, np.array([0, 1]))


@settings(max_examples=40)
@given(
    st.integers(1, 40_000), st.integers(1, 3), st.integers(0, 30), st.booleans(),
    st.sampled_from([np.float64, np.float32, np.int64]), st.integers(0, 1000),
)  # fmt: skip
def test_columns_named_twice_receive_both(
    n: int, k: int, m: int, turned: bool, dtype: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.choice(rng.integers(0, n, 8), m)
    x = (10 * rng.normal(size=(m, k) if turned else (k, m))).astype(dtype)
    expected = np.zeros((n, k))
    np.add.at(expected, ids, x if turned else x.T)
    found = tg.columns_added(x.T if turned else x, ids, n=n)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected.T, rtol=1e-14 if dtype == np.float64 else 1e-6, atol=1e-12)


@settings(max_examples=40)
@given(
    st.integers(1, 40_000), st.integers(1, 3), st.integers(1, 200), st.booleans(),
    st.sampled_from([np.float64, np.float32]), st.integers(0, 1000),
)  # fmt: skip
def test_a_table_that_is_lent_has_the_same_bits_at_every_call(
    n: int, k: int, m: int, turned: bool, dtype: Any, seed: int
) -> None:
    rng, lent = np.random.default_rng(seed), ColumnsLent()
    for size in (m, m, m + 1):
        ids = rng.choice(rng.integers(0, n, 4), size)
        x = (10 * rng.normal(size=(size, k) if turned else (k, size))).astype(dtype)
        x = x.T if turned else x
        np.testing.assert_array_equal(lent(x, ids, n=n), tg.columns_added(x, ids, n=n))


def test_the_gradient_of_a_table_of_rows_lies_as_the_table_does() -> None:
    E, ids = np.ones((9000, 3)), np.array([[1, 4], [4, 8999]])
    for g in (np.ones((2, 2, 3)), np.broadcast_to(np.ones((2, 1, 3)), (2, 2, 3))):
        table = tg.columns_added(np.moveaxis(g, -1, 0), ids, n=len(E)).T
        assert table.flags.c_contiguous
        assert table[[1, 4, 8999, 0]].sum(axis=1).tolist() == [3, 6, 3, 0]
    turned = tg.columns_added(np.ones((3, 2, 2)), ids, n=len(E))
    assert turned.flags.c_contiguous
    np.testing.assert_array_equal(turned, table.T)


def test_adam_on_a_table_moves_it_as_the_formula_says() -> None:
    rng = np.random.default_rng(0)
    start = rng.normal(size=(9000, 4))
    params, plain = {"E": start.copy()}, start.copy()
    step = tg.compile(
        lambda p, words: np.sum(np.mean(p["E"][words], axis=1) ** 2), optimizer=tg.optim.Adam(lr=0.1)
    )
    v, s = np.zeros_like(plain), np.zeros_like(plain)
    for t in range(1, 4):
        words = rng.integers(9000 // 3 * t, size=(6, 2))  # others each time
        words[0] = words[1, 0]
        step(params, words)
        dE = np.zeros_like(plain)
        np.add.at(dE, words, np.repeat(np.mean(plain[words], axis=1)[:, None], 2, axis=1))
        v, s = 0.9 * v + 0.1 * dE, 0.999 * s + 0.001 * dE**2
        plain -= 0.1 * v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(params["E"], plain, rtol=1e-9)
