"""Small arrays, for which a compiled step chooses NumPy's calls that begin soonest: the values stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.compiler.forward import CompiledForward

SPECIAL = [0.0, -0.0, 1.0, -2.5, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 3), (3, 1, 1), (1, 1, 1), (1, 4, 1), (2, 3, 4), (3, 1, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_product_of_small_matrices_keeps_nan_and_inf(n: int, k: int, m: int, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    step = tg.compile(lambda w, X: np.sum(w @ X))
    for _ in range(100):
        w, X = rng.choice(SPECIAL, (n, k)).astype(dtype), rng.choice(SPECIAL, (k, m)).astype(dtype)
        J, dw = step(w, X)
        np.testing.assert_array_equal(J, np.sum(w @ X))
        np.testing.assert_array_equal(dw, np.broadcast_to(np.sum(X, axis=1), (n, k)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", [[0.0, 1.0], [0.0, 0.25, 1.0]])
@pytest.mark.parametrize("size", [0.1, 5.0, 40.0, 1000.0])
def test_a_cost_of_few_examples_is_as_exact_as_the_eager_one(
    dtype: Any, labels: list[float], size: float
) -> None:
    rng = np.random.default_rng(1)
    Z = (size * rng.uniform(-1, 1, (1, 30))).astype(dtype)
    for Y in (rng.choice(labels, (1, 30)).astype(dtype), (Z > 0).astype(dtype)):
        z = tg.Tensor(Z)
        forward = CompiledForward(
            lambda Y, z=z: [tg.binary_cross_entropy_with_logits(z, Y)],
            [Y],
        )
        eager = tg.binary_cross_entropy_with_logits(Z, Y)
        assert forward()[0] == pytest.approx(float(eager), rel=8 * float(np.finfo(dtype).eps), abs=0)


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint8, np.float32])
def test_labels_of_another_dtype_than_the_scores(kind: Any) -> None:
    Z, Y = tg.Tensor([[1.5, -40.0, 700.0, 0.25]]), np.array([[1, 0, 1, 0]]).astype(kind)
    forward = CompiledForward(lambda Y: [tg.binary_cross_entropy_with_logits(Z, Y)], [Y])
    eager = tg.binary_cross_entropy_with_logits(Z.data, Y.astype(float))
    assert forward()[0] == pytest.approx(float(eager), rel=1e-15)


def test_softplus_of_few_entries() -> None:
    z = tg.Tensor([[-1000.0, -1.0, 0.0, 2.0, 1000.0]])
    forward = CompiledForward(lambda X: [np.sum(tg.softplus(z) * X)], [np.ones((1, 5))])
    assert forward()[0] == pytest.approx(float(np.sum(np.logaddexp(0.0, z.data))), rel=1e-15)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (3, 4), (1, 3000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bias_of_one_entry_and_sums_over_rows(shape: tuple[int, int], dtype: Any) -> None:
    rng = np.random.default_rng(2)
    X, b = rng.standard_normal(shape).astype(dtype), rng.standard_normal((1, 1)).astype(dtype)
    c = rng.standard_normal((shape[0], 1)).astype(dtype)

    def loss(params: Any, X: Any) -> Any:
        return np.mean(np.tanh((X + params["b"]) * params["c"]) ** 2)

    J, grads = tg.compile(loss)({"b": b, "c": c}, X)
    params = {name: tg.Tensor(v) for name, v in (("b", b), ("c", c))}
    expected = loss(params, X)
    assert pytest.approx(expected.item(), rel=1e-5) == J
    for got, want in zip(grads.values(), tg.grad(expected, [*params.values()]), strict=True):
        assert (got.shape, got.dtype) == (want.shape, dtype)
        np.testing.assert_allclose(got, want, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-7)
