"""Computations of many kinds whose examples' axis is known: each is built for given
sizes, its data as arrays or as Tensors.

``@case(position)`` says at which position of the tensor ``t`` that the function returns the examples lie.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

import tinygrad_edu as tg

CASES: dict[str, tuple[Callable[..., Any], int | None]] = {}


class Sizes(SimpleNamespace):
    """m examples, n features, h and k hidden units, c classes, t steps, d wide embeddings, v words."""

    def __init__(self, same: int | None = None) -> None:
        sizes = {"m": 7, "n": 5, "h": 6, "k": 4, "c": 3, "t": 8, "d": 9, "v": 11}
        super().__init__(**{name: same or size for name, size in sizes.items()})


class Maker:
    """Draws data and parameters."""

    def __init__(self, as_tensors: bool, seed: int = 0) -> None:
        self.rng, self.as_tensors = np.random.default_rng(seed), as_tensors

    def data(self, *shape: int, scale: float = 1.0) -> Any:
        array = scale * self.rng.standard_normal(shape)
        return tg.Tensor(array) if self.as_tensors else array

    def bits(self, *shape: int) -> Any:
        array = (self.rng.random(shape) < 0.6) * 1.0
        return tg.Tensor(array) if self.as_tensors else array

    def labels(self, n: int, *shape: int) -> np.ndarray[Any, Any]:
        drawn = self.rng.integers(0, n, shape)
        drawn.flat[:2] = n - 1  # never 0, 1, 2, ...
        return drawn

    def hot(self, n: int, m: int) -> Any:
        array = np.eye(n)[self.labels(n, m)]
        return tg.Tensor(array) if self.as_tensors else array

    def weights(self, *shape: int) -> tg.Tensor:
        return tg.Tensor(0.5 * self.rng.standard_normal(shape))


def case(position: int | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(build: Callable[..., Any]) -> Callable[..., Any]:
        CASES[build.__name__] = build, position
        return build

    return enter


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any, axis: int) -> Any:
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@case(1)
def columns_logistic(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.bits(1, s.m)
    w, b = q.weights(s.n, 1), q.weights(1, 1)
    z = np.dot(w.T, X) + b
    a = sigmoid(z)
    return -np.sum(Y * np.log(a) + (1 - Y) * np.log(1 - a)) / s.m, z


@case(1)
def columns_product_of_logs(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.bits(1, s.m)
    w, b = q.weights(s.n, 1), q.weights(1)
    a = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / s.m * (np.dot(Y, np.log(a).T) + np.dot(1 - Y, np.log(1 - a).T))
    return np.squeeze(cost), a


@case(1)
def columns_three_layers_penalised(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.bits(s.c, s.m)
    W1, b1, W2, b2 = q.weights(s.h, s.n), q.weights(s.h, 1), q.weights(s.k, s.h), q.weights(s.k, 1)
    W3, b3 = q.weights(s.c, s.k), q.weights(s.c, 1)
    A1 = np.maximum(W1 @ X + b1, 0)
    A2 = np.tanh(W2 @ A1 + b2)
    A3 = sigmoid(W3 @ A2 + b3)
    J = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / s.m
    return J + 0.7 / (2 * s.m) * (np.sum(W1**2) + np.sum(W2**2) + np.sum(W3**2)), A2


@case(1)
def columns_library_costs(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.hot(s.c, s.m).T
    W1, b1, W2, b2 = q.weights(s.h, s.n), q.weights(s.h, 1), q.weights(s.c, s.h), q.weights(s.c, 1)
    Z = W2 @ tg.relu(W1 @ X + b1) + b2
    return tg.softmax_cross_entropy(Z, np.asarray(getattr(Y, "data", Y))), Z


@case(1)
def columns_binary_library_cost(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.bits(1, s.m)
    W1, b1, W2, b2 = q.weights(s.h, s.n), q.weights(s.h, 1), q.weights(1, s.h), q.weights(1, 1)
    Z = W2 @ tg.relu(W1 @ X + b1) + b2
    return tg.binary_cross_entropy(tg.sigmoid(Z), Y), Z


@case(1)
def columns_dropout_mask(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.data(s.c, s.m)
    D = q.bits(s.h, s.m)
    W1, b1, W2 = q.weights(s.h, s.n), q.weights(s.h, 1), q.weights(s.c, s.h)
    A = np.maximum(W1 @ X + b1, 0) * D / 0.8
    P = W2 @ A
    return np.sum((P - Y) ** 2), P


@case(1)
def columns_weighted_examples(s: Any, q: Any) -> Any:
    X, Y, weight = q.data(s.n, s.m), q.bits(1, s.m), q.bits(1, s.m)
    W, b = q.weights(1, s.n), q.weights(1, 1)
    V, c = q.weights(s.n, s.n), q.weights(s.n, 1)
    Z = W @ np.tanh(V @ X + c) + b
    return np.mean(weight * (Z - Y) ** 2), Z


@case(1)
def columns_batch_norm(s: Any, q: Any) -> Any:
    X, Y = q.data(s.n, s.m), q.bits(1, s.m)
    W1, W2, gamma, beta = q.weights(s.h, s.n), q.weights(1, s.h), q.weights(s.h, 1), q.weights(s.h, 1)
    Z = W1 @ X
    mu = np.mean(Z, axis=1, keepdims=True)
    var = np.mean((Z - mu) ** 2, axis=1, keepdims=True)
    N = (Z - mu) / np.sqrt(var + 1e-5)
    A = sigmoid(W2 @ np.maximum(gamma * N + beta, 0))
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)), N


@case(0)
def rows_batch_norm(s: Any, q: Any) -> Any:
    X, y = q.data(s.m, s.n), q.labels(s.c, s.m)
    W1, W2, gamma, beta = q.weights(s.n, s.h), q.weights(s.h, s.c), q.weights(s.h), q.weights(s.h)
    Z = X @ W1
    N = (Z - Z.mean(axis=0)) / np.sqrt(Z.var(axis=0) + 1e-5)
    S = np.maximum(gamma * N + beta, 0) @ W2
    return -np.mean(np.log(softmax(S, 1))[np.arange(s.m), y]), N


@case(0)
def rows_labels(s: Any, q: Any) -> Any:
    X, y = q.data(s.m, s.n), q.labels(s.c, s.m)
    W1, b1, W2, b2 = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h, s.c), q.weights(s.c)
    S = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    P = softmax(S, 1)
    return np.sum(-np.log(P[range(s.m), y])) / s.m + 0.5 * 0.1 * np.sum(W1 * W1), S


@case(0)
def rows_vector_predictions(s: Any, q: Any) -> Any:
    X, y = q.data(s.m, s.n), q.bits(s.m)
    w, b = q.weights(s.n), q.weights()
    z = X @ w + b
    return np.mean(np.log(1 + np.exp(-(2 * y - 1) * z))), z


@case(0)
def rows_inner_product_cost(s: Any, q: Any) -> Any:
    X, y = q.data(s.m, s.n), q.data(s.m)
    W, b, w = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h)
    r = np.tanh(X @ W + b) @ w - y
    return r @ r / (2 * s.m), r


@case(0)
def rows_no_bias_three_layers(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.c)
    W1, W2, W3 = q.weights(s.n, s.h), q.weights(s.h, s.k), q.weights(s.k, s.c)
    P = np.tanh(np.tanh(X @ W1) @ W2) @ W3
    return np.mean(np.sum((P - Y) ** 2, axis=1)), P


@case(0)
def rows_root_of_the_mean(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.c)
    W1, b1, W2, b2 = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h, s.c), q.weights(s.c)
    P = sigmoid(X @ W1 + b1) @ W2 + b2
    return np.sqrt(np.mean((P - Y) ** 2)), P


@case(0)
def rows_residual(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.c)
    W1, b1, W2, b2 = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h, s.n), q.weights(s.n)
    W3, b3 = q.weights(s.n, s.c), q.weights(s.c)
    H = X + np.maximum(X @ W1 + b1, 0) @ W2 + b2
    P = H @ W3 + b3
    return np.sum((P - Y) ** 2) / len(X), P


@case(0)
def rows_autoencoder_tied(s: Any, q: Any) -> Any:
    X = q.data(s.m, s.n)
    W, b, c = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.n)
    H = sigmoid(X @ W + b)
    R = sigmoid(H @ W.T + c)
    return -np.mean(X * np.log(R) + (1 - X) * np.log(1 - R)), H


@case(0)
def rows_variational(s: Any, q: Any) -> Any:
    X, eps = q.data(s.m, s.n), q.data(s.m, s.k)
    W, Wm, Ws, Wd = q.weights(s.n, s.h), q.weights(s.h, s.k), q.weights(s.h, s.k), q.weights(s.k, s.n)
    H = np.tanh(X @ W)
    mu, logvar = H @ Wm, H @ Ws
    out = (mu + np.exp(0.5 * logvar) * eps) @ Wd
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar)) / s.m
    return 0.5 * np.sum((out - X) ** 2) / s.m + kl, mu


@case(0)
def rows_svm(s: Any, q: Any) -> Any:
    X, y = q.data(s.m, s.n), q.labels(s.c, s.m)
    W, b = q.weights(s.n, s.c), q.weights(s.c)
    S = X @ W + b
    margins = np.maximum(0, S - S[np.arange(s.m), y][:, None] + 1)
    return np.sum(margins) / s.m - 1 + 0.1 * np.sum(W * W), S


@case(0)
def rows_huber(s: Any, q: Any) -> Any:
    X, y = q.data(s.m, s.n), q.data(s.m)
    w, b = q.weights(s.n), q.weights()
    r = X @ w + b - y
    return np.where(np.abs(r) < 1, 0.5 * r**2, np.abs(r) - 0.5).sum() / s.m, r


@case(0)
def rows_mixture_of_losses(s: Any, q: Any) -> Any:
    X, y, Y = q.data(s.m, s.n), q.labels(s.c, s.m), q.data(s.m, s.k)
    W1, b1, Wa, Wb = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h, s.c), q.weights(s.h, s.k)
    H = np.maximum(X @ W1 + b1, 0)
    one = -np.mean(np.log(softmax(H @ Wa, 1))[np.arange(s.m), y])
    return one + 0.3 * np.sum((H @ Wb - Y) ** 2) / (2 * s.m), H


@case(0)
def rows_policy_gradient(s: Any, q: Any) -> Any:
    S, act, adv = q.data(s.m, s.n), q.labels(s.c, s.m), q.data(s.m)
    W1, W2 = q.weights(s.n, s.h), q.weights(s.h, s.c)
    logp = np.log(softmax(np.maximum(S @ W1, 0) @ W2, -1))
    return -np.sum(adv * logp[np.arange(s.m), act]) / s.m, logp


@case(0)
def rows_critic(s: Any, q: Any) -> Any:
    X, Z = q.data(s.m, s.n), q.data(s.m, s.n)
    W1, b1, w = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h)
    real = np.maximum(X @ W1 + b1, 0) @ w
    return np.mean(np.maximum(Z @ W1 + b1, 0) @ w) - np.mean(real), real


@case(0)
def rows_weight_normalised(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.h)
    V, g, b = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h)
    W, c = q.weights(s.h, s.h), q.weights(s.h)
    P = np.tanh(X @ (g * V / np.sqrt(np.sum(V**2, axis=0))) + b) @ W + c
    return np.mean((P - Y) ** 2), P


@case(0)
def rows_layer_norm(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.c)
    W1, gamma, beta, W2 = q.weights(s.n, s.h), q.weights(s.h), q.weights(s.h), q.weights(s.h, s.c)
    Z = X @ W1
    N = gamma * (Z - Z.mean(-1, keepdims=True)) / (Z.std(-1, keepdims=True) + 1e-5) + beta
    return np.mean((np.tanh(N) @ W2 - Y) ** 2), N


@case(0)
def torch_linear(s: Any, q: Any) -> Any:
    x, y = q.data(s.m, s.n), q.labels(s.c, s.m)
    W1, b1, W2, b2 = q.weights(s.h, s.n), q.weights(s.h), q.weights(s.c, s.h), q.weights(s.c)
    z = np.maximum(x @ W1.T + b1, 0) @ W2.T + b2
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -logp[np.arange(s.m), y].mean(), z


@case(0)
def images_flattened(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.h, s.k, s.c), q.data(s.m, s.n)
    X = tg.Tensor(X, requires_grad=False) if isinstance(X, np.ndarray) else X
    W, b, V = q.weights(s.h * s.k * s.c, s.d), q.weights(s.d), q.weights(s.d, s.n)
    H = np.maximum(X.reshape(s.m, -1) @ W + b, 0)
    return np.mean((H @ V - Y) ** 2), H


@case(1)
def images_flattened_into_columns(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.h, s.k, s.c), q.data(1, s.m)
    X = tg.Tensor(X, requires_grad=False) if isinstance(X, np.ndarray) else X
    W, b, v = q.weights(s.d, s.h * s.k * s.c), q.weights(s.d, 1), q.weights(1, s.d)
    H = np.tanh(W @ (X.reshape(X.shape[0], -1).T / 255) + b)
    return np.sum((v @ H - Y) ** 2) / X.shape[0], H


@case(0)
def images_convolved(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, 6, 6, s.k), q.bits(s.m, 1)
    W, b, v, c = q.weights(3, 3, s.k, s.d), q.weights(1, 1, 1, s.d), q.weights(4 * s.d, 1), q.weights(1)
    A = tg.relu(tg.conv2d(X, W) + b)
    P = tg.max_pool2d(A, size=2)
    z = P.reshape(s.m, -1) @ v + c
    return np.mean(np.log(1 + np.exp(z)) - Y * z), A


@case(0)
def images_channels_first_by_einsum(s: Any, q: Any) -> Any:
    x, y = q.data(s.m, s.k, 5, 5), q.data(s.m, s.d, 3, 3)
    w, b = q.weights(s.d, s.k, 3, 3), q.weights(s.d)
    out = b.reshape(1, s.d, 1, 1)
    for i in range(3):
        for j in range(3):
            out = out + np.einsum("nchw,fc->nfhw", x[:, :, i : i + 3, j : j + 3], w[:, :, i, j])
    return 0.5 * np.sum((out - y) ** 2) / s.m, out


@case(0)
def sequence_rnn_rows(s: Any, q: Any) -> Any:
    x, y = q.data(s.m, 4, s.n), q.labels(s.c, s.m)
    Wx, Wh, b, Wy = q.weights(s.n, s.h), q.weights(s.h, s.h), q.weights(s.h), q.weights(s.h, s.c)
    h = np.zeros((s.m, s.h))
    for k in range(4):
        h = np.tanh(x[:, k] @ Wx + h @ Wh + b)
    return -np.mean(np.log(softmax(h @ Wy, 1))[np.arange(s.m), y]), h


@case(1)
def sequence_rnn_columns(s: Any, q: Any) -> Any:
    x, y = q.data(s.n, s.m, 3), q.data(s.c, s.m, 3)
    Wax, Waa, ba = q.weights(s.h, s.n), q.weights(s.h, s.h), q.weights(s.h, 1)
    Wya, by = q.weights(s.c, s.h), q.weights(s.c, 1)
    a, J = np.zeros((s.h, s.m)), 0.0
    for k in range(3):
        a = np.tanh(Wax @ x[:, :, k] + Waa @ a + ba)
        J = J + np.sum((Wya @ a + by - y[:, :, k]) ** 2) / s.m
    return J, a


@case(0)
def sequence_lstm_gates(s: Any, q: Any) -> Any:
    x, y = q.data(3, s.m, s.n), q.data(s.m, s.h)
    W, U, b = q.weights(s.n, 4 * s.h), q.weights(s.h, 4 * s.h), q.weights(4 * s.h)
    h = c = np.zeros((s.m, s.h))
    for k in range(3):
        a = x[k] @ W + h @ U + b
        i, f, o, g = (a[:, j * s.h : (j + 1) * s.h] for j in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return np.mean((h - y) ** 2), h


@case(0)
def sequence_attention_batched(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.t, s.n), q.data(s.m, s.t, s.d)
    Wq, Wk, Wv, Wo = q.weights(s.n, s.d), q.weights(s.n, s.d), q.weights(s.n, s.d), q.weights(s.d, s.d)
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    A = softmax(Q @ np.swapaxes(K, 1, 2) / np.sqrt(s.d), -1)
    P = A @ V @ Wo
    return np.mean((P - Y) ** 2), A


@case(0)
def sequence_attention_heads(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.t, s.n), q.data(s.m, s.n)
    Wq, Wk, Wv = (q.weights(s.n, 2 * s.d) for _ in range(3))
    Wo = q.weights(2 * s.d, s.n)
    Q, K, V = ((X @ W).reshape(s.m, s.t, 2, s.d).transpose(0, 2, 1, 3) for W in (Wq, Wk, Wv))
    A = softmax(np.einsum("mhid,mhjd->mhij", Q, K), -1)
    O = (A @ V).transpose(0, 2, 1, 3).reshape(s.m, s.t, -1) @ Wo
    return np.sum((O.mean(axis=1) - Y) ** 2) / s.m, O


@case(0)
def sequence_positions_added(s: Any, q: Any) -> Any:
    ids, y = q.labels(s.v, s.m, s.t), q.labels(s.c, s.m)
    E, P = q.weights(s.v, s.d), q.weights(s.t, s.d)
    W, b = q.weights(s.d, s.c), q.weights(s.c)
    X = np.tanh(E[ids] + P)
    S = X.mean(axis=1) @ W + b
    return -np.mean(np.log(softmax(S, -1))[np.arange(s.m), y]), X


@case(0)
def embedding_bag(s: Any, q: Any) -> Any:
    ids, y = q.labels(s.v, s.m, s.t), q.labels(s.c, s.m)
    E, W, b = q.weights(s.v, s.d), q.weights(s.d, s.c), q.weights(s.c)
    H = E[ids].mean(axis=1)
    return -np.mean(np.log(softmax(H @ W + b, 1))[np.arange(s.m), y]), H


@case(0)
def embedding_next_token(s: Any, q: Any) -> Any:
    ids, nxt = q.labels(s.v, s.m), q.labels(s.v, s.m)
    E, W, U = q.weights(s.v, s.d), q.weights(s.d, s.h), q.weights(s.h, s.v)
    S = np.tanh(E[ids] @ W) @ U
    return -tg.log_softmax(S, axis=1)[np.arange(s.m), nxt].mean(), S


@case(0)
def embedding_pairs(s: Any, q: Any) -> Any:
    users, items, r = q.labels(s.v, s.m), q.labels(s.v, s.m), q.data(s.m)
    U, V, bu = q.weights(s.v, s.d), q.weights(s.v, s.d), q.weights(s.v)
    p = np.sum(U[users] * V[items], axis=1) + bu[users]
    return np.mean((p - r) ** 2) + 0.1 * (np.sum(U**2) + np.sum(V**2)), p


@case(0)
def graph_convolution_by_rows(s: Any, q: Any) -> Any:
    A, X, y = q.data(s.m, s.m), q.data(s.m, s.n), q.labels(s.c, s.m)
    W1, W2 = q.weights(s.n, s.h), q.weights(s.h, s.c)
    S = A @ np.maximum(A @ X @ W1, 0) @ W2
    return -np.mean(np.log(softmax(S, 1))[np.arange(s.m), y]), S


@case(0)
def rows_bias_in_the_weights(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.c)
    W1, W2 = q.weights(s.n + 1, s.h), q.weights(s.h + 1, s.c)
    one = np.ones((s.m, 1))
    H = np.tanh(np.hstack([X, one]) @ W1)
    P = np.concatenate([H, one], axis=1) @ W2
    return np.sum((P - Y) ** 2) / (2 * s.m), P


@case(0)
def rows_kernel_of_distances(s: Any, q: Any) -> Any:
    X, Y = q.data(s.m, s.n), q.data(s.m, s.c)
    C, W, b = q.weights(s.h, s.n), q.weights(s.h, s.c), q.weights(s.c)
    D = np.sum((X[:, None, :] - C[None]) ** 2, axis=2)
    P = np.exp(-D) @ W + b
    return np.mean((P - Y) ** 2), P


@case(None)
def no_examples_at_all(s: Any, q: Any) -> Any:
    w, v = q.weights(s.n), q.weights(s.n)
    J = np.sum(np.exp(w) * v) + np.sum(w * w)
    return J, w


@case(None)
def matrix_factorisation(s: Any, q: Any) -> Any:
    R = q.data(s.m, s.n)
    U, V = q.weights(s.m, s.k), q.weights(s.n, s.k)
    P = U @ V.T
    return 0.5 * np.sum((P - R) ** 2) + 0.1 * (np.sum(U**2) + np.sum(V**2)), P
