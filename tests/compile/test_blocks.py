"""Attention, a convolutional net and an embedding as compiled steps: as eager, with few large operations."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg

F32 = np.float32


def agrees(loss: Callable[..., Any], params: dict[str, Any], *data: Any, tolerance: float = 2e-4) -> Any:
    """The step, after its cost and gradients were found to be those of the eager engine."""
    tensors = {name: tg.Tensor(value) for name, value in params.items()}
    J = loss(tensors, *data)
    step = tg.compile(loss)
    found, grads = step(params, *data)
    assert found == pytest.approx(J.item(), rel=tolerance)
    for (name, g), e in zip(grads.items(), tg.grad(J, list(tensors.values())), strict=True):
        assert g.dtype == params[name].dtype
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance * np.abs(e).max(), err_msg=name)
    return step


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (F32, 2e-4)])
def test_attention_is_products_of_tall_matrices(dtype: Any, tolerance: float) -> None:
    B, T, D, H = 3, 5, 8, 2
    rng = np.random.default_rng(0)
    params = {name: rng.normal(size=(D, D)).astype(dtype) for name in "qkvo"}

    def loss(p: Any, X: Any, Y: Any) -> Any:
        q, k, v = ((X @ p[n]).reshape(B, T, H, D // H).transpose(0, 2, 1, 3) for n in "qkv")
        S = tg.softmax(q @ k.transpose(0, 1, 3, 2) * 0.5, axis=-1)
        Z = (S @ v).transpose(0, 2, 1, 3).reshape(B, T, D) @ p["o"] + X
        return np.mean((Z - Y) ** 2)

    X, Y = rng.normal(size=(2, B, T, D)).astype(dtype)
    step = agrees(loss, params, X, Y, tolerance=tolerance)
    shapes = [buffer.shape for buffer in step.buffers]
    assert (B, D, D) not in shapes, "products of single examples, to be added up"
    assert {buffer.dtype for buffer in step.buffers} <= {np.dtype(dtype), np.dtype(bool)}


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2, 3, 4), (1, 3, 4), (3, 1, 1)])
def test_sums_of_products_of_any_number_of_axes(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape)
    params = {"W": rng.normal(size=(shape[-1], 2)), "b": rng.normal(size=2)}
    agrees(lambda p, X: np.sum(np.tanh(X @ p["W"] + p["b"])), params, X, tolerance=1e-9)


def test_a_float32_convolutional_net_computes_in_float32() -> None:
    rng = np.random.default_rng(2)
    params = {
        "k": rng.normal(size=(3, 3, 1, 2)).astype(F32),
        "W": rng.normal(size=(18, 3)).astype(F32),
    }
    X, Y = rng.normal(size=(4, 8, 8, 1)).astype(F32), np.eye(3, dtype=F32)[[0, 2, 1, 0]]

    def loss(p: Any, X: Any, Y: Any) -> Any:
        A = tg.max_pool2d(tg.relu(tg.conv2d(X, p["k"])), 2)
        return tg.softmax_cross_entropy(A.reshape(4, 18) @ p["W"], Y, axis=1)

    step = agrees(loss, params, X, Y)
    assert {buffer.dtype for buffer in step.buffers} <= {np.dtype(F32), np.dtype(bool)}


@pytest.mark.parametrize("pool", [tg.max_pool2d, tg.avg_pool2d])
@pytest.mark.parametrize("padding", [0, 1, "same"])
def test_a_convolutional_net_makes_no_array_of_windows_in_a_call(pool: Any, padding: Any) -> None:
    rng = np.random.default_rng(5)
    params = {"k": rng.normal(size=(3, 3, 2, 4)), "b": np.zeros(4), "c": rng.normal(size=(3, 3, 4, 3))}
    X = rng.normal(size=(16, 12, 12, 2))

    def loss(p: Any, X: Any) -> Any:
        A = pool(tg.relu(tg.conv2d(X, p["k"], padding=padding) + p["b"]), 2)
        return np.sum(np.tanh(tg.conv2d(A, p["c"], stride=2)))

    step = agrees(loss, params, X, tolerance=1e-9)
    step(params, X)
    gc.collect()
    tracemalloc.start()
    try:
        step(params, X)
        assert tracemalloc.get_traced_memory()[1] < max(b.nbytes for b in step.buffers) / 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("bqhe,bkhe->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
        ("bsd,dhe->bshe", [(2, 3, 4), (4, 2, 3)]),
        ("ij,ij->", [(3, 4), (3, 4)]),
        ("ij,jk->ki", [(3, 4), (4, 2)]),
        ("i,j->ji", [(3,), (4,)]),
        ("iij,j->i", [(3, 3, 4), (4,)]),
        ("ij,kj->j", [(2, 3), (4, 3)]),
    ],
)
def test_an_einsum_of_two_is_a_matrix_product_where_it_can_be(
    subscripts: str, shapes: list[tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(6)
    a, b = (rng.normal(size=shape) for shape in shapes)
    step = agrees(lambda p: np.sum(np.tanh(np.einsum(subscripts, p["a"], p["b"]))), {"a": a, "b": b})
    product = {"bqhe,bkhe->bhqk", "bsd,dhe->bshe", "ij,ij->", "ij,jk->ki", "i,j->ji"}
    assert ("np.einsum" in step.source) == (subscripts not in product)


@pytest.mark.parametrize("axes", [0, 1, ([0], [1]), ([1, 0], [0, 1])])
def test_a_tensordot_is_a_matrix_product(axes: Any) -> None:
    rng = np.random.default_rng(7)
    params = {"a": rng.normal(size=(3, 3)), "b": rng.normal(size=(3, 3))}
    agrees(lambda p: np.sum(np.tanh(np.tensordot(p["a"], p["b"], axes))), params, tolerance=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    n=st.sampled_from([8, 60]),
    by_row=st.booleans(),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([float, F32]),
)
def test_a_table_is_moved_where_it_is_named_and_nowhere_else(
    n: int, by_row: bool, seed: int, dtype: Any
) -> None:
    """The same bits as with the whole gradient; of a square table too, and with numbers that occur twice."""
    rng = np.random.default_rng(seed)
    E = rng.normal(size=(n, 8) if by_row else (8, n)).astype(dtype)
    words = rng.integers(-n if by_row else 0, n, (n // 8,))

    def loss(p: Any, words: Any) -> Any:
        rows = p["E"][words] if by_row else tg.embedding(p["E"], words).T
        return np.sum(np.tanh(rows))

    _, grads = tg.compile(loss)({"E": E}, words)
    expected = E - dtype(0.5) * grads["E"]
    step = tg.compile(loss, optimizer=tg.optim.SGD(lr=0.5))
    step({"E": E}, words)
    np.testing.assert_allclose(E, expected, rtol=1e-6 if dtype is F32 else 1e-13)
    assert "columns_left" in step.source or n == 8


def test_the_rate_is_multiplied_in_before_rows_are_put_into_the_table() -> None:
    rng = np.random.default_rng(3)
    params = {"E": rng.normal(size=(500, 4)), "W": rng.normal(size=(4, 3))}
    words, Y = rng.integers(0, 500, 20), np.eye(3)[rng.integers(0, 3, 20)]

    def loss(p: Any, words: Any, Y: Any) -> Any:
        return tg.softmax_cross_entropy(p["E"][words] @ p["W"], Y, axis=1)

    agrees(loss, params, words, Y, tolerance=1e-9)
    step = tg.compile(loss, optimizer=tg.optim.SGD(lr=0.1))
    before = {name: value.copy() for name, value in params.items()}
    tensors = {name: tg.Tensor(value) for name, value in params.items()}
    gradients = tg.grad(loss(tensors, words, Y), list(tensors.values()))
    step(params, words, Y)
    for (name, value), g in zip(params.items(), gradients, strict=True):
        np.testing.assert_allclose(value, before[name] - 0.1 * g, rtol=1e-9)
    assert (500, 4) not in [buffer.shape for buffer in step.buffers]
    assert (4, 500) not in [buffer.shape for buffer in step.buffers]


def test_an_array_indexed_by_data_says_what_to_write() -> None:
    rng = np.random.default_rng(4)
    X, y, W = rng.normal(size=(6, 4)), np.array([0, 2, 1, 0, 2, 2]), rng.normal(size=(4, 3))
    one_hot = np.eye(3)
    with pytest.raises(TypeError, match=r"tg\.Tensor\(a, requires_grad=False\)\[y\]"):
        tg.compile(lambda W, X, y: tg.softmax_cross_entropy(X @ W, one_hot[y], axis=1))(W, X, y)
    table = tg.Tensor(one_hot, requires_grad=False)
    step = tg.compile(lambda W, X, y: tg.softmax_cross_entropy(X @ W, table[y], axis=1))
    expected = tg.softmax_cross_entropy(X @ W, one_hot[y], axis=1)
    assert step(W, X, y)[0] == pytest.approx(float(expected), rel=1e-12)
    assert step(W, X, (y + 1) % 3)[0] != pytest.approx(float(expected), rel=1e-3)
