"""Computations to draw: the kinds that a course comes to."""

import itertools

import numpy as np

import tinygrad_edu as tg


def parameter(rng, name, *shape):
    return tg.Tensor(0.5 * rng.normal(size=shape), name=name)


def data(rng, name, *shape):
    return tg.Tensor(rng.normal(size=shape), requires_grad=False, name=name)


def called(name, tensor):
    tensor.name = name
    return tensor


def network(seed=0, n=(4, 3, 1), m=6):
    """Layers of scopes, then a cost outside of them."""
    rng = np.random.default_rng(seed)
    A = data(rng, "X", n[0], m)
    Y = tg.Tensor((rng.random((1, m)) < 0.5) * 1.0, requires_grad=False, name="Y")
    for layer in range(1, len(n)):
        W, b = parameter(rng, f"W{layer}", n[layer], n[layer - 1]), parameter(rng, f"b{layer}", n[layer], 1)
        with tg.scope(f"layer {layer}"):
            Z = called(f"Z{layer}", W @ A + b)
            A = called(f"A{layer}", tg.sigmoid(Z) if layer == len(n) - 1 else tg.relu(Z))
    return called("J", tg.binary_cross_entropy(A, Y))


def recurrent(steps=6, seed=1):
    """One cell, step by step, with shared weights."""
    rng = np.random.default_rng(seed)
    Wx, Wh, b, v = (
        parameter(rng, k, *s) for k, s in {"Wx": (3, 2), "Wh": (3, 3), "b": (3, 1), "v": (1, 3)}.items()
    )
    h = tg.Tensor(np.zeros((3, 1)), requires_grad=False, name="h0")
    for t in range(1, steps + 1):
        with tg.scope(f"step {t}"):
            h = called(f"h{t}", np.tanh(Wx @ data(rng, f"x{t}", 2, 1) + Wh @ h + b))
    return called("J", np.sum((v @ h - 1.0) ** 2))


def lstm(steps=3, seed=2):
    """Gates that share what they read."""
    rng = np.random.default_rng(seed)
    W = {g: parameter(rng, f"W{g}", 2, 4) for g in "fico"}
    h, c = (tg.Tensor(np.zeros((2, 1)), requires_grad=False, name=k) for k in ("h0", "c0"))
    for t in range(1, steps + 1):
        with tg.scope(f"step {t}"):
            z = called(f"z{t}", np.concatenate([h, data(rng, f"x{t}", 2, 1)]))
            f, i, o = (called(f"{g}{t}", tg.sigmoid(W[g] @ z)) for g in "fio")
            u = called(f"u{t}", np.tanh(W["c"] @ z))
            c = called(f"c{t}", f * c + i * u)
            h = called(f"h{t}", o * np.tanh(c))
    return called("J", np.sum(h * h))


def attention(seed=3):
    """Every row looks at every row."""
    rng = np.random.default_rng(seed)
    X = data(rng, "X", 5, 4)
    Q, K, V = (called(k, X @ parameter(rng, f"W{k}", 4, 3)) for k in "QKV")
    S = called("S", Q @ K.T / np.sqrt(3.0))
    P = called("P", tg.softmax(S, axis=1))
    O = called("O", P @ V)
    return called("J", np.mean((O - data(rng, "T", 5, 3)) ** 2))


def residual(blocks=3, seed=4):
    """Arrows that pass by."""
    rng = np.random.default_rng(seed)
    h = called("h0", parameter(rng, "W", 4, 3) @ data(rng, "X", 3, 6))
    for k in range(1, blocks + 1):
        r = called(f"r{k}", tg.relu(parameter(rng, f"U{k}", 4, 4) @ h))
        h = called(f"h{k}", h + parameter(rng, f"V{k}", 4, 4) @ r)
    return called("J", np.mean(h * h))


def batch_norm(seed=5):
    """Statistics of what they normalise."""
    rng = np.random.default_rng(seed)
    Z = called("Z", parameter(rng, "W", 4, 3) @ data(rng, "X", 3, 6))
    mu = called("mu", np.mean(Z, axis=1, keepdims=True))
    var = called("var", np.mean((Z - mu) ** 2, axis=1, keepdims=True))
    N = called("N", (Z - mu) / np.sqrt(var + 1e-5))
    A = called("A", tg.relu(parameter(rng, "gamma", 4, 1) * N + parameter(rng, "beta", 4, 1)))
    return called("J", np.mean(A * A))


def by_examples(m=5, seed=6):
    """Logistic regression with a loop over the examples."""
    rng = np.random.default_rng(seed)
    w1, w2, b = (parameter(rng, k) for k in ("w1", "w2", "b"))
    J = 0.0
    for i in range(1, m + 1):
        x1, x2 = data(rng, f"x1_{i}"), data(rng, f"x2_{i}")
        a = called(f"a{i}", tg.sigmoid(w1 * x1 + w2 * x2 + b))
        J = J + called(f"L{i}", -np.log(a))
    return called("J", J / m)


def words_in_turn(words=(1, 4, 2, 0, 3), seed=7):
    """A recurrent net over embedded words, whose costs are added up."""
    rng = np.random.default_rng(seed)
    E, Wx, Wh, Wy = (
        parameter(rng, k, *s) for k, s in {"E": (5, 3), "Wx": (3, 4), "Wh": (4, 4), "Wy": (4, 5)}.items()
    )
    h = tg.Tensor(np.zeros(4), requires_grad=False, name="h0")
    J = 0.0
    for t, (word, following) in enumerate(itertools.pairwise(words), 1):
        with tg.scope(f"step {t}"):
            e = called(f"e{t}", E[word])
            h = called(f"h{t}", np.tanh(e @ Wx + h @ Wh))
            s = called(f"s{t}", h @ Wy)
            J = J + called(f"l{t}", tg.logsumexp(s) - s[following])
    return called("J", J / 4)


def sampled(seed=8):
    """A variational autoencoder: what is passed by, and a cost of two parts."""
    rng = np.random.default_rng(seed)
    x = data(rng, "x", 1, 5)
    h = called("h", np.tanh(x @ parameter(rng, "We", 5, 4)))
    mu, s = called("mu", h @ parameter(rng, "Wmu", 4, 2)), called("logvar", h @ parameter(rng, "Ws", 4, 2))
    z = called("z", mu + data(rng, "eps", 1, 2) * np.exp(s / 2))
    found = called("xhat", tg.sigmoid(z @ parameter(rng, "Wd", 2, 5)))
    rec = called("rec", np.sum((x - found) ** 2))
    return called("J", rec + called("kl", -np.sum(1 + s - mu**2 - np.exp(s)) / 2))


def regularised(seed=9, n=(5, 6, 4, 3, 1), m=8):
    """Layers, and every weight once more in the penalty."""
    rng = np.random.default_rng(seed)
    A, W = data(rng, "X", n[0], m), {}
    for layer in range(1, len(n)):
        W[layer] = parameter(rng, f"W{layer}", n[layer], n[layer - 1])
        with tg.scope(f"layer {layer}"):
            Z = called(f"Z{layer}", W[layer] @ A + parameter(rng, f"b{layer}", n[layer], 1))
            A = called(f"A{layer}", tg.sigmoid(Z) if layer == len(n) - 1 else np.maximum(0, Z))
    with tg.scope("cost"):
        fit = called("fit", -np.mean(np.log(A)))
        penalty = called("penalty", 0.7 / (2 * m) * sum(np.sum(w**2) for w in W.values()))
        return called("J", fit + penalty)


KINDS = {
    f.__name__: f
    for f in (
        network,
        recurrent,
        lstm,
        attention,
        residual,
        batch_norm,
        by_examples,
        words_in_turn,
        sampled,
        regularised,
    )
}
