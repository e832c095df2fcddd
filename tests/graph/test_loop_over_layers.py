"""The notes' own loop over layers, compared by dW, db, dZ and dA of each layer."""

import numpy as np
import pytest

import tinygrad_edu as tg


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("last_has_a_name", [False, True])
@pytest.mark.parametrize("L", [2, 3, 4])
def test_gradients_of_the_loop_are_compared_layer_by_layer(L, last_has_a_name):
    rng = np.random.default_rng(L)
    dims, m = [3, *rng.integers(2, 6, L - 1), 1], 7
    X, Y = rng.standard_normal((3, m)), (rng.random((1, m)) < 0.5) * 1.0
    parameters = {}
    for l in range(1, L + 1):
        parameters["W" + str(l)] = tg.Tensor(rng.standard_normal((dims[l], dims[l - 1])))
        parameters["b" + str(l)] = tg.Tensor(rng.standard_normal((dims[l], 1)))
    A, caches = X, []
    for l in range(1, L + 1):
        A_prev, W, b = A, parameters["W" + str(l)], parameters["b" + str(l)]
        Z = np.dot(W, A_prev) + b
        A = np.tanh(Z) if l < L else sigmoid(Z)
        caches.append((A_prev, W, Z, A))
    if last_has_a_name:
        AL = A
    J = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    grads, dA = {}, -(Y / A.data - (1 - Y) / (1 - A.data))
    for l in range(L, 0, -1):
        A_prev, W, Z, A = (t.numpy() if isinstance(t, tg.Tensor) else t for t in caches[l - 1])
        dZ = dA * (A * (1 - A) if l == L else 1 - A**2)
        grads |= {f"dA{l}": dA, f"dZ{l}": dZ, f"dW{l}": dZ @ A_prev.T / m}
        grads[f"db{l}"] = np.sum(dZ, axis=1, keepdims=True) / m
        dA = W.T @ dZ
    if last_has_a_name:
        assert tg.Graph(J).find(AL).name == f"A{L}"
    report = tg.check.compare(J, grads)
    assert report.ok, str(report)
    wrong = tg.check.compare(J, {**grads, f"db{L - 1}": grads[f"db{L - 1}"] * m})
    assert [name for name in grads if not wrong[name].ok] == [f"db{L - 1}"]
    assert "factor_m_missing" in wrong[f"db{L - 1}"].diagnosis.codes
