"""The layers beside Dense: against PyTorch, finite differences, their definitions, and in training."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

RNG = np.random.default_rng(0)


def gradients(layer: Any, *inputs: Any, weight: Any) -> list[Any]:
    """Those of Σ weight · layer(inputs) by the inputs and by the layer's parameters."""
    tensors = [tg.Tensor(x) if x.dtype.kind == "f" else x for x in inputs]
    wanted = [t for t in tensors if isinstance(t, tg.Tensor)] + list(layer.parameters().values())
    return list(tg.grad(np.sum(weight * layer(*tensors)), wanted))


def torchs(layer: Any, x: Any, weight: Any, order: Callable[[Any], Any]) -> tuple[Any, list[Any]]:
    """PyTorch's output and gradients, its output brought into our layout by ``order``."""
    y = order(layer(x))
    (torch().tensor(weight) * y).sum().backward()
    return y.detach().numpy(), [None if x.grad is None else x.grad.numpy()] + [
        p.grad.numpy() for p in layer.parameters()
    ]


def torch() -> Any:
    return pytest.importorskip("torch")


# against PyTorch


@pytest.mark.parametrize(
    ("shape", "kind", "to"),
    [
        ((3, 5), "BatchNorm1d", (1, 0)),
        ((3, 5, 4), "BatchNorm1d", (1, 0, 2)),
        ((5, 4, 6, 3), "BatchNorm2d", (0, 3, 1, 2)),
    ],
)
def test_batch_norm_is_pytorchs_in_values_gradients_and_running_statistics(
    shape: tuple[int, ...], kind: str, to: tuple[int, ...]
) -> None:
    theirs = getattr(torch().nn, kind)(3, dtype=torch().float64)
    back = tuple(np.argsort(to))
    layer = nn.BatchNorm(3)
    gamma, beta = RNG.normal(size=(2, 3))
    layer.gamma.data[:, 0], layer.beta.data[:, 0] = gamma, beta
    with torch().no_grad():
        theirs.weight[:], theirs.bias[:] = torch().tensor(gamma), torch().tensor(beta)
    for _ in range(3):
        X, weight = RNG.normal(2.0, 3.0, size=(2, *shape))
        x = torch().tensor(np.transpose(X, to).copy(), requires_grad=True)
        theirs.zero_grad()
        y, (dX, dgamma, dbeta) = torchs(theirs, x, weight, lambda t: t.permute(back))
        with nn.training():
            np.testing.assert_allclose(layer(X).data, y, rtol=1e-10, atol=1e-12)
            layer_gradients = gradients(layer, X, weight=weight)
        np.testing.assert_allclose(layer_gradients[0], np.transpose(dX, back), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(layer_gradients[1][:, 0], dgamma, rtol=1e-9)
        np.testing.assert_allclose(layer_gradients[2][:, 0], dbeta, rtol=1e-9)
        theirs(x)  # ours has seen the batch twice
        np.testing.assert_allclose(layer.mean.data[:, 0], theirs.running_mean.numpy(), rtol=1e-12)
        np.testing.assert_allclose(layer.variance.data[:, 0], theirs.running_var.numpy(), rtol=1e-12)
    theirs.eval()
    np.testing.assert_allclose(layer(X).data, theirs(x).permute(back).detach().numpy(), rtol=1e-10)


def test_layer_norm_is_pytorchs() -> None:
    layer, theirs = nn.LayerNorm(4), torch().nn.LayerNorm(4, dtype=torch().float64)
    X, weight = RNG.normal(size=(2, 4, 6))
    x = torch().tensor(X.T.copy(), requires_grad=True)
    y, (dX, dgamma, dbeta) = torchs(theirs, x, weight, lambda t: t.T)
    np.testing.assert_allclose(layer(X).data, y, rtol=1e-10)
    mine = gradients(layer, X, weight=weight)
    for got, expected in zip(mine, (dX.T, dgamma[:, None], dbeta[:, None]), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("words", [(5, 7), (1, 7)])
def test_embedding_is_pytorchs(words: tuple[int, int]) -> None:
    layer, theirs = nn.Embedding(6, 3, seed=1), torch().nn.Embedding(6, 3, dtype=torch().float64)
    X = RNG.integers(0, 6, words)
    with torch().no_grad():
        theirs.weight[:] = torch().tensor(layer.E.data.T)
    weight = RNG.normal(size=(3, 7) if words[0] == 1 else (3, 7, 5))
    y, (_, dE) = torchs(
        theirs, torch().tensor(X), weight, lambda t: t[0].T if words[0] == 1 else t.permute(2, 1, 0)
    )
    assert np.array_equal(layer(X).data, y)
    np.testing.assert_allclose(gradients(layer, X, weight=weight)[0], dE.T, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("stride", "padding"), [(1, 0), (2, 1), ((2, 1), (0, 2)), (1, "same")], ids=str
)  # fmt: skip
def test_conv2d_is_pytorchs(stride: Any, padding: Any) -> None:
    layer = nn.Conv2D(2, 3, 3, stride=stride, padding=padding, seed=1)
    theirs = torch().nn.Conv2d(2, 3, 3, stride=stride, padding=padding, dtype=torch().float64)
    layer.b.data[...] = RNG.normal(size=layer.b.shape)
    with torch().no_grad():
        theirs.weight[:] = torch().tensor(np.transpose(layer.W.data, (3, 2, 0, 1)))
        theirs.bias[:] = torch().tensor(layer.b.data.ravel())
    X = RNG.normal(size=(4, 6, 7, 2))
    weight = RNG.normal(size=layer(X).shape)
    x = torch().tensor(np.moveaxis(X, 3, 1).copy(), requires_grad=True)
    y, (dX, dW, db) = torchs(theirs, x, weight, lambda t: t.permute(0, 2, 3, 1))
    np.testing.assert_allclose(layer(X).data, y, rtol=1e-10, atol=1e-12)
    mine = gradients(layer, X, weight=weight)
    expected = (np.moveaxis(dX, 1, 3), np.transpose(dW, (2, 3, 1, 0)), db.reshape(1, 1, 1, 3))
    for got, wanted in zip(mine, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["MaxPool2D", "AvgPool2D"])
@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), ((2, 3), (1, 2))], ids=str)
def test_pooling_is_pytorchs(name: str, size: Any, stride: Any) -> None:
    layer, theirs = (
        getattr(nn, name)(size, stride=stride),
        getattr(torch().nn, name.replace("2D", "2d"))(size, stride=stride),
    )
    X = RNG.normal(size=(2, 7, 8, 3))
    y = theirs(torch().tensor(np.moveaxis(X, 3, 1).copy())).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(layer(tg.Tensor(X)).data, y, rtol=1e-12)


@pytest.mark.parametrize("sequences", [False, True])
def test_a_recurrent_layer_is_pytorchs(sequences: bool) -> None:
    layer, theirs = (
        nn.RNN(3, 4, sequences=sequences, seed=1),
        torch().nn.RNN(3, 4, dtype=torch().float64),
    )
    layer.ba.data[...] = RNG.normal(size=(4, 1))
    with torch().no_grad():
        theirs.weight_ih_l0[:], theirs.weight_hh_l0[:] = (
            torch().tensor(t.data) for t in (layer.Wax, layer.Waa)
        )
        theirs.bias_ih_l0[:], theirs.bias_hh_l0[:] = torch().tensor(layer.ba.data[:, 0]), 0
    X = RNG.normal(size=(3, 5, 6))
    weight = RNG.normal(size=(4, 5, 6) if sequences else (4, 5))
    x = torch().tensor(np.transpose(X, (2, 1, 0)).copy(), requires_grad=True)

    def order(given: Any) -> Any:
        every, last = given
        return every.permute(2, 1, 0) if sequences else last[0].T

    y, (dX, dWax, dWaa, dba, _) = torchs(theirs, x, weight, order)
    np.testing.assert_allclose(layer(X).data, y, rtol=1e-10)
    for got, wanted in zip(
        gradients(layer, X, weight=weight), (dX.transpose(2, 1, 0), dWax, dWaa, dba[:, None]), strict=True
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


# properties


@given(st.integers(2, 5), st.integers(2, 6), st.integers(0, 3))
def test_batch_norm_brings_every_feature_to_mean_0_and_variance_1(n: int, m: int, seed: int) -> None:
    A = np.random.default_rng(seed).normal(3.0, 2.0, size=(n, m))
    with nn.training():
        Z = nn.BatchNorm(n, epsilon=1e-12)(A).data
    np.testing.assert_allclose(Z.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(Z.var(axis=1), 1, atol=1e-5)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_flatten_keeps_the_courses_order(m: int, rows: int, columns: int, channels: int) -> None:
    X = np.arange(m * rows * columns * channels, dtype=float).reshape(m, rows, columns, channels)
    assert np.array_equal(nn.Flatten()(tg.Tensor(X)).data, X.reshape(m, -1).T)


def _probed(layer: Any) -> Callable[..., Any]:
    names = list(layer.parameters())

    def f(X: Any, *values: Any) -> Any:
        for name, value in zip(names, values, strict=True):
            setattr(layer, name, value)
        with nn.training():
            return np.sum(np.sin(layer(X)))

    return f


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm(2), (2, 4)),
        (nn.BatchNorm(2), (3, 2, 2, 2)),
        (nn.LayerNorm(3), (3, 4)),
        (nn.LayerNorm(3), (3, 2, 2)),
        (nn.Conv2D(2, 2, 2, "tanh", seed=1), (2, 3, 3, 2)),
        (nn.RNN(2, 3, seed=1), (2, 2, 3)),
        (nn.RNN(2, 3, sequences=True, seed=1), (2, 2, 3)),
    ],
    ids=lambda v: repr(v).replace(" ", ""),
)
def test_gradients_are_those_of_finite_differences(layer: Any, shape: tuple[int, ...]) -> None:
    values = [p.data.copy() for p in layer.parameters().values()]
    report = tg.check.gradients(_probed(layer), RNG.normal(size=shape), *values)
    assert report.ok, report


# training


def convolutional() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(1, 3, 3, "relu", padding="same", seed=1),
        nn.BatchNorm(3),
        nn.MaxPool2D(2),
        nn.Conv2D(3, 2, 2, seed=2),
        nn.AvgPool2D(1),
        nn.Flatten(),
        nn.LayerNorm(8),
        nn.Dropout(0.9, seed=3),
        nn.Dense(8, 1, "sigmoid", seed=4),
    )


def reading() -> nn.Sequential:
    return nn.Sequential(
        nn.Embedding(9, 4, seed=1),
        nn.RNN(4, 5, sequences=True, seed=2),
        nn.LayerNorm(5),
        nn.RNN(5, 3, seed=3),
        nn.BatchNorm(3),
        nn.Dense(3, 2, "softmax", seed=4),
    )


IMAGES = RNG.normal(size=(24, 6, 6, 1))
BRIGHT = (IMAGES.mean(axis=(1, 2, 3)) > 0)[None].astype(float)
WORDS = RNG.integers(0, 9, (6, 24))
HAS_TWO = np.eye(2)[:, (WORDS == 2).any(axis=0).astype(int)]
KINDS: dict[str, tuple[Callable[[], nn.Sequential], Any, Any]] = {
    "images": (convolutional, IMAGES, BRIGHT),
    "words": (reading, WORDS, HAS_TWO),
}


def state(model: nn.Sequential) -> dict[str, Any]:
    return {name: t.data.tolist() for name, t in {**model.parameters(), **model.buffers()}.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_is_named_trained_and_kept(kind: str) -> None:
    make, X, Y = KINDS[kind]
    model = make()
    before = state(model)
    names = list(before)
    if kind == "images":
        assert " ".join(names) == "W1 b1 gamma1 beta1 W2 b2 gamma2 beta2 W3 b3 mean1 variance1"
    history = nn.fit(model, X, Y, optimizer=optim.Adam(lr=0.02), epochs=30, batch_size=8, validation=(X, Y))
    assert history.epoch_cost[-1] < 0.6 * history.epoch_cost[0]
    assert all(state(model)[name] != before[name] for name in names)
    assert np.isclose(history.validation_cost[-1], model.loss(X, Y).item(), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_and_recorded_training_agree(kind: str) -> None:
    make, X, Y = KINDS[kind]
    told = []
    for compiled in (True, False):
        model = make()
        history = nn.fit(
            model, X, Y, optimizer=optim.Momentum(lr=0.05), epochs=3, batch_size=10, compile=compiled
        )
        told.append((history.cost, state(model)))
    (cost, one), (other_cost, other) = told
    np.testing.assert_allclose(cost, other_cost, rtol=1e-9)
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compiled", [True, False])
def test_going_on_gives_the_same_bits(kind: str, compiled: bool, tmp_path: Path) -> None:
    make, X, Y = KINDS[kind]
    settings: dict[str, Any] = {
        "batch_size": 7,
        "compile": compiled,
        "validation": 0.2,
        "early_stopping": 50,
        "checkpoint": tmp_path / "run.npz",
    }
    for epochs in (2, 5):
        resumed = make()
        nn.fit(resumed, X, Y, optimizer=optim.Adam(lr=0.01), epochs=epochs, resume=True, **settings)
    whole = make()
    nn.fit(whole, X, Y, optimizer=optim.Adam(lr=0.01), epochs=5, **settings)
    assert state(resumed) == state(whole)


KILLED = """
import sys
sys.path.insert(0, {here!r})
from tests.nn.test_layers import KINDS, nn, optim
make, X, Y = KINDS[{kind!r}]
nn.fit(make(), X, Y, optimizer=optim.Adam(lr=0.01), epochs=10**6, batch_size=7,
       checkpoint={file!r}, checkpoint_every=1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_resumed_it_gives_the_same_bits(kind: str, tmp_path: Path) -> None:
    make, X, Y = KINDS[kind]
    file = tmp_path / "run.npz"
    here = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED.format(here=here, kind=kind, file=str(file))]
    ) as child:
        for _ in range(1000):
            time.sleep(0.05)
            if child.poll() is not None:
                raise AssertionError("the training ended by itself")
            if file.exists() and len(tg.export.read(file)[0]["history/cost"]) >= 12:
                break
        child.kill()
    done = len(tg.export.read(file)[0]["history/cost"]) // 4
    settings: dict[str, Any] = {"epochs": done + 2, "batch_size": 7}
    resumed, whole = make(), make()
    nn.fit(resumed, X, Y, optimizer=optim.Adam(lr=0.01), checkpoint=file, resume=True, **settings)
    nn.fit(whole, X, Y, optimizer=optim.Adam(lr=0.01), **settings)
    assert state(resumed) == state(whole)


def test_the_best_epoch_comes_back_with_its_running_statistics() -> None:
    make, X, Y = KINDS["images"]
    model = make()
    history = nn.fit(
        model, X, Y, optimizer=optim.Adam(lr=0.05), epochs=40, batch_size=8,
        validation=(X[::-1] + 0.5, Y[:, ::-1]), early_stopping=3,
    )  # fmt: skip
    best = model.loss(X[::-1] + 0.5, Y[:, ::-1]).item()
    assert np.isclose(best, min(history.validation_cost), rtol=1e-9)


# refusals


def fit(kind: str, X: Any) -> None:
    nn.fit(KINDS[kind][0](), X, KINDS[kind][2], optimizer=optim.SGD(lr=0.1), epochs=1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nn.BatchNorm(0), "BatchNorm: n: expected a whole number of at least 1, got 0"),
        (lambda: nn.BatchNorm(2, momentum=1.0), "BatchNorm: momentum: expected a number from 0 to below 1"),
        (lambda: nn.LayerNorm(2, epsilon=0), "LayerNorm: epsilon: expected a number above 0"),
        (lambda: nn.Conv2D(1, 1, 0), "Conv2D: size: expected a whole number of at least 1"),
        (lambda: nn.Conv2D(1, 1, 3, padding="all"), "Conv2D: padding: expected a number, a pair, 'same'"),
        (lambda: nn.MaxPool2D((1, 2, 3)), "MaxPool2D: size: expected a number, or"),
        (lambda: nn.Embedding(5, 2)(np.array([[7]])), "expected ids from 0 to 4, got some from 7"),
        (lambda: nn.BatchNorm(2)(np.ones((3, 4))), r"BatchNorm\(2\): expected \(2, m\)"),
        (lambda: nn.Conv2D(3, 1, 2)(np.ones((1, 3, 9, 9))), r"np.moveaxis\(X, 1, 3\)"),
        (lambda: nn.Conv2D(1, 1, 2)(np.ones((1, 9, 9))), r"add the one channel: X\[..., None\]"),
        (lambda: nn.RNN(2, 3)(np.ones((3, 4, 5))), r"expected sequences \(2, m, T\), got shape \(3, 4, 5\)"),
        (lambda: fit("words", WORDS + 0.5), "X: expected words as whole numbers"),
        (lambda: fit("words", WORDS + 9), "X: expected numbers of words from 0 to 8"),
        (lambda: fit("images", IMAGES[..., 0]), "add the one channel"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Callable[[], Any], said: str) -> None:
    with pytest.raises((ValueError, TypeError, IndexError), match=said):
        call()


def test_one_example_is_no_batch_to_normalise() -> None:
    with nn.training(), pytest.raises(ValueError, match="at least two values of each feature"):
        nn.BatchNorm(2)(np.ones((2, 1)))


def test_a_compiled_step_of_ones_own_refuses_batch_norm() -> None:
    model = nn.Sequential(nn.Dense(2, 2, seed=1), nn.BatchNorm(2), nn.Dense(2, 1, "sigmoid", seed=2))
    step = tg.compile(lambda p, X, Y: model.loss(X, Y))
    with nn.training(), pytest.raises(TypeError, match="cannot keep its running averages"):
        step(model.parameters(), np.ones((2, 4)), np.ones((1, 4)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
def test_a_compiled_step_is_the_recorded_one_in_every_dtype(dtype: str) -> None:
    found = []
    for compiled in (True, False):
        model = nn.MLP([2, 3, 1], activation="tanh", seed=1, dtype=dtype)
        X, Y = np.linspace(-1, 1, 12).reshape(2, 6), np.array([[0, 1, 1, 0, 1, 0]])
        nn.fit(model, X, Y, optimizer=optim.Momentum(lr=0.1), epochs=5, compile=compiled)
        found.append(model.parameters()["W1"].data)
    assert found[0].dtype == found[1].dtype == np.dtype(dtype)
    np.testing.assert_allclose(found[0], found[1], rtol=50 * np.finfo(dtype).eps)
