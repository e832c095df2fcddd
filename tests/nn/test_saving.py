"""Models in files: what comes back is the same, and what is no model is refused; PyTorch's numbers."""

from __future__ import annotations

import io
import pickle
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import export, nn, optim

RNG = np.random.default_rng(0)
IMAGES, WORDS, X = RNG.normal(size=(4, 6, 6, 2)), RNG.integers(0, 9, (5, 4)), RNG.normal(size=(3, 4))
SUFFIXES = [".npz", ".safetensors"]


def images() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(2, 4, (3, 2), "relu", stride=2, padding=(1, 0), seed=1, dtype=np.float32),
        nn.BatchNorm(4, momentum=0.8, dtype=np.float32),
        nn.MaxPool2D(2, stride=1),
        nn.AvgPool2D(1, padding="same"),
        nn.Flatten(),
        nn.Dropout(0.9, seed=2),
        nn.Dense(16, 3, "softmax", seed=3, dtype=np.float32),
        l2=0.1,
        l1=0.2,
    )


def words() -> nn.Sequential:
    return nn.Sequential(
        nn.Embedding(9, 4, seed=1), nn.RNN(4, 3, sequences=True, seed=2), nn.LayerNorm(3, epsilon=1e-3),
        nn.RNN(3, 2, tg.sin, seed=3), nn.Dense(2, 1, seed=4), cost="huber",
    )  # fmt: skip


def functions() -> nn.Sequential:
    return nn.Sequential(nn.Dense(3, 4, np.tanh, seed=1), tg.relu, np.cos, nn.Dense(4, 1, "sigmoid", seed=2))


MODELS: dict[str, tuple[Callable[[], nn.Sequential], Any]] = {
    "images": (images, IMAGES),
    "words": (words, WORDS),
    "functions": (functions, X),
    "logistic": (lambda: nn.LogisticRegression(3, init=1.0, seed=1, l2=0.5), X),
    "network": (lambda: nn.MLP([3, 5, 4, 1], keep_prob=0.8, seed=1, cost="squared"), X),
    "classes": (lambda: nn.MLP([3, 5, 4], output="softmax", activation="tanh", dtype=np.float32), X),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", MODELS)
def test_what_was_saved_comes_back_the_same(name: str, suffix: str, tmp_path: Path) -> None:
    make, X = MODELS[name]
    model, file = make(), tmp_path / f"model{suffix}"
    if name == "images":
        with nn.training():
            model(X)
    tg.save(model, file)
    again = tg.load(str(file))
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert again.architecture == model.architecture
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    for key, value in model.state_dict().items():
        assert again.state_dict()[key].dtype == value.dtype
        assert np.array_equal(again.state_dict()[key], value)
    for _ in range(2):  # what it draws goes on from where it was
        with nn.training():
            assert np.array_equal(again(X).data, model(X).data)
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_a_loaded_model_trains_on_as_the_saved_one(tmp_path: Path) -> None:
    Y = np.array([[0, 1, 1, 0]])
    model = nn.MLP([3, 5, 1], keep_prob=0.7, seed=1)
    nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=3)
    tg.save(model, tmp_path / "model.npz")
    again = tg.load(tmp_path / "model.npz")
    told = [nn.fit(m, X, Y, optimizer=optim.SGD(lr=0.1), epochs=3).cost for m in (model, again)]
    assert told[0] == told[1]


class Scale:
    def __init__(self) -> None:
        self.by = tg.Tensor(np.ones((3, 1)))

    def __call__(self, A: Any) -> Any:
        return self.by * A


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_numbers_alone_are_saved_too(suffix: str, tmp_path: Path) -> None:
    own = Scale()
    model = nn.Sequential(own, nn.Dense(3, 1, "sigmoid", seed=1))
    file = tmp_path / f"numbers{suffix}"
    with pytest.raises(TypeError, match=r"Scale is your own code, .*tg.save\(model.state_dict\(\), path\)"):
        tg.save(model, file)
    own.by.data[...] = 2.0
    tg.save(model.state_dict(), file)
    other = nn.Sequential(Scale(), nn.Dense(3, 1, "sigmoid", seed=2))
    other.load_state_dict(tg.load(file))
    assert np.array_equal(other.predict_proba(X), model.predict_proba(X))


def test_the_safetensors_library_reads_and_writes_the_same(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    model = images()
    tg.save(model, tmp_path / "a.safetensors")
    found = library.load_file(tmp_path / "a.safetensors")
    assert found.keys() == model.state_dict().keys()
    assert all(np.array_equal(found[k], v) for k, v in model.state_dict().items())
    library.save_file(model.state_dict(), tmp_path / "b.safetensors")
    arrays, meta = export.read(tmp_path / "b.safetensors")
    assert meta == {}
    assert all(np.array_equal(arrays[k], v) for k, v in model.state_dict().items())
    with pytest.raises(export.FileError, match=r"another program's arrays: model.load_state_dict\(tg.export"):
        tg.load(tmp_path / "b.safetensors")


# files that are no models


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_changed_is_refused(suffix: str, data: st.DataObject, tmp_path: Path) -> None:
    file = tmp_path / f"m{suffix}"
    tg.save(nn.MLP([2, 2, 1], seed=1), file)
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "more"]))
    if how == "flip":
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del content[at:]
    else:
        content[at:at] = b"\0"
    file.write_bytes(bytes(content))
    with pytest.raises(export.FileError, match=f"m{suffix}: it"):
        tg.load(file)


def foreign() -> dict[str, bytes]:
    saved = io.BytesIO()
    np.savez(saved, W1=np.eye(2))
    return {
        "empty": b"",
        "text": b"hello",
        "pickle": pickle.dumps({"W1": 1}),
        "json": b'{"layers": []}',
        "npz": saved.getvalue(),
        "zip": b"PK\x03\x04" + b"\0" * 100,
        "zeros": b"\0" * 200,
        "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 90,
        "length": (10**7).to_bytes(8, "little") + b"{}",
        "deep": (10**5).to_bytes(8, "little") + b'{"a":' * 20_000,
    }


@pytest.mark.parametrize("name", foreign())
def test_a_foreign_file_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    file.write_bytes(foreign()[name])
    with pytest.raises(export.FileError, match=r"model\.npz: it"):
        tg.load(file)


DENSE = {"layer": "Dense", "n_in": 2, "n_out": 1, "activation": "sigmoid", "dtype": "float64"}
RNN = {"layer": "RNN", "n_in": 1, "n_out": 10**9, "activation": "tanh", "sequences": False}
MODEL: dict[str, Any] = {"kind": "Sequential", "layers": [DENSE], "cost": None, "l2": 0.0, "l1": 0.0}
META = {"kind": "model of nn", "model": MODEL, "generators": [], "draws_from": []}
PLANTED: list[dict[str, Any]] = [
    *(META | {"model": MODEL | change} for change in (
        {"kind": "os.system"}, {"kind": ["Sequential"]}, {"cost": "eval"},
        {"cost": {"own": "f"}}, {"l2": -1}, {"l2": "1"},
    )),
    *(META | {"model": MODEL | {"layers": layers}} for layers in (
        [], 3, [[]], [DENSE, DENSE], [RNN], [{"layer": "BatchNorm", "n": 10**9}, DENSE],
        [{"function": "open"}, DENSE], [{"function": "__class__"}, DENSE], [{"function": ["relu"]}, DENSE],
        [{"layer": "Conv2D", "n_in": 2, "n_out": 2, "size": [10**6, 10**6]}],
    )),
    *(META | {"model": MODEL | {"layers": [DENSE | change]}} for change in (
        {"layer": "eval"}, {"layer": "__import__"}, {"layer": {}}, {"activation": "x"},
        {"activation": {"function": "eval"}},
        {"n_in": 10**9}, {"n_in": 2.0}, {"n_in": 1}, {"seed": 1}, {"init": "zeros"}, {"more": 1},
        {"dtype": "object"}, {"dtype": "float32"},
    )),
    META | {"model": None}, {"kind": "model of nn"}, META | {"generators": [{"bit_generator": "eval"}]},
    META | {"draws_from": [0]}, META | {"kind": "something"},
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(PLANTED)))
def test_a_file_with_something_planted_is_refused(k: int, tmp_path: Path) -> None:
    file = tmp_path / f"model{SUFFIXES[k % 2]}"
    arrays = {"W1": np.ones((1, 2)), "b1": np.ones((1, 1))}
    export.write(file, arrays, META)
    assert tg.load(file).predict_proba(np.zeros((2, 1))).shape == (1, 1)
    export.write(file, arrays, PLANTED[k])
    with pytest.raises(export.FileError, match=r"it describes no model|it is no model"):
        tg.load(file)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda at: tg.save(nn.MLP([2, 1]), at / "model.pt"), r"save: expected a path that ends in .npz or"),
        (lambda at: tg.save(nn.MLP([2, 1]), at / "no" / "model.npz"), "save: there is no folder"),
        (
            lambda at: tg.save(at / "model.npz", nn.MLP([2, 1])),
            r"the model comes first: tg.save\(model, path",
        ),
        (lambda at: tg.save([1, 2], at / "model.npz"), "save: expected a model of tg.nn, or arrays by name"),
        (lambda at: tg.save(nn.MLP, at / "model.npz"), "save: expected a model of tg.nn"),
        (lambda at: tg.save({"a": "text"}, at / "model.npz"), "save: a: expected numbers, got 'text'"),
        (lambda at: tg.save(nn.MLP([2, 1], cost=lambda A, Y: np.sum(A - Y)), at / "m.npz"), "your own code"),
        (lambda at: tg.save(nn.MLP([2, 3, 1], activation=lambda z: z), at / "m.npz"), "your own code"),
        (tg.load, "got a folder"),
        (lambda at: tg.load(at / "model.npz"), "model.npz"),
        (lambda _: tg.load(3), "load: expected the path of a file"),
    ],
)
def test_wrong_calls_say_what_to_write(call: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError, OSError), match=said):
        call(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_says_that_it_is_one(tmp_path: Path) -> None:
    model, file = nn.LogisticRegression(3), tmp_path / "run.npz"
    nn.fit(model, X, np.array([[0, 1, 1, 0]]), optimizer=optim.SGD(lr=1), epochs=1, checkpoint=file)
    with pytest.raises(export.FileError, match="but a checkpoint: go on with"):
        tg.load(file)
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04...")
    with pytest.raises(export.FileError, match=r"torch\.load"):
        tg.load(tmp_path / "model.pt")


# numbers by name


def test_a_state_is_a_copy_and_comes_back() -> None:
    model = images()
    state = model.state_dict()
    assert [*state] == ["W1", "b1", "gamma1", "beta1", "W2", "b2", "mean1", "variance1"]
    state["W1"][...] = 0
    assert model.state_dict()["W1"].any()
    other = images()
    other.parameters()["W1"].data[...] = 1
    assert other.load_state_dict(model.state_dict()) == ([], [])
    assert np.array_equal(other.predict_proba(IMAGES), model.predict_proba(IMAGES))


STATES: list[tuple[Any, str]] = [
    ({"W1": np.ones((1, 2))}, "b1 missing; the model has W1, b1"),
    ({"W1": np.ones((1, 2)), "b1": 0, "c": 1}, "no place for c"),
    ({"W1": np.ones((2, 1)), "b1": np.ones((1, 1))}, r"W1: expected shape \(1, 2\), got \(2, 1\)"),
    ({"W1": "x", "b1": 0}, "W1: expected numbers, got 'x'"),
    ("model.npz", r"got str; of a file: model.load_state_dict\(tg.load\(path\)\)"),
    ({"a.weight": np.ones((1, 2)), "c.weight": np.ones(1)}, r"2 layers with numbers \(a, c\), the model 1"),
    ({"a.weight": np.ones((1, 2)), "a.running_mean": np.ones(1)}, "a.running_mean of PyTorch's state"),
    ({"a.weight": np.ones((1, 2))}, "b1 missing"),
]


@pytest.mark.parametrize(("state", "said"), STATES)
def test_other_numbers_change_nothing(state: Any, said: str) -> None:
    model = nn.MLP([2, 1], seed=1)
    before = model.state_dict()
    with pytest.raises((TypeError, ValueError), match=said):
        model.load_state_dict(state)
    assert all(np.array_equal(v, model.state_dict()[k]) for k, v in before.items())


def test_not_strict_takes_what_fits() -> None:
    model = nn.MLP([2, 1], seed=1)
    found = model.load_state_dict({"W1": [[5.0, 6.0]], "other": 1}, strict=False)
    assert found == (["b1"], ["other"])
    assert model.state_dict()["W1"].tolist() == [[5.0, 6.0]]


# PyTorch


def test_a_pytorch_networks_numbers_give_its_outputs() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0)), torch.nn.ReLU(), torch.nn.BatchNorm2d(4),
        torch.nn.MaxPool2d(2, stride=1), torch.nn.Flatten(), torch.nn.Linear(16, 3), torch.nn.Softmax(dim=1),
    )  # fmt: skip
    x = torch.tensor(np.moveaxis(IMAGES, 3, 1).copy(), dtype=torch.float32)
    theirs(x)
    theirs.eval()
    model = nn.Sequential(
        nn.Conv2D(2, 4, (3, 2), "relu", stride=2, padding=(1, 0)), nn.BatchNorm(4), nn.MaxPool2D(2, stride=1),
        nn.Flatten(), nn.Dense(16, 3, "softmax"),
    )  # fmt: skip
    model.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(model.predict_proba(IMAGES), theirs(x).detach().numpy().T, atol=1e-6)


def test_a_pytorch_reader_of_words_gives_its_outputs() -> None:
    torch = pytest.importorskip("torch")
    table, cells, last = torch.nn.Embedding(9, 4), torch.nn.RNN(4, 3, num_layers=2), torch.nn.Linear(3, 1)
    theirs = torch.nn.ModuleDict({"table": table, "cells": cells, "last": last})
    model = nn.Sequential(
        nn.Embedding(9, 4), nn.RNN(4, 3, sequences=True), nn.RNN(3, 3), nn.Dense(3, 1, "sigmoid")
    )
    model.load_state_dict(theirs.state_dict())
    _, a = cells(table(torch.tensor(WORDS)))
    expected = torch.sigmoid(last(a[-1])).detach().numpy().T
    np.testing.assert_allclose(model.predict_proba(WORDS), expected, atol=1e-6)


def _pytorchs_images(state: dict[str, Any]) -> Any:
    """A convolution with filters of one pixel, flattened: the order is (n_C, n_H, n_W)."""
    A = np.einsum("mhwc,oc->mohw", IMAGES, state["0.weight"][:, :, 0, 0]) + state["0.bias"][:, None, None]
    return A.reshape(len(A), -1)


def _pytorchs_words(state: dict[str, Any]) -> Any:
    """Vectors of words, flattened: the order is (T, n)."""
    return state["0.weight"][WORDS.T].reshape(WORDS.shape[1], -1)


BEFORE_FLATTEN: list[tuple[Any, Any, dict[str, tuple[int, ...]], Any]] = [
    (lambda: nn.Conv2D(2, 3, 1), IMAGES, {"0.weight": (3, 2, 1, 1), "0.bias": (3,)}, _pytorchs_images),
    (lambda: nn.Embedding(9, 4), WORDS, {"0.weight": (9, 4)}, _pytorchs_words),
]


@pytest.mark.parametrize("last", [nn.Dense, nn.Neuron])
@pytest.mark.parametrize("between", [None, nn.BatchNorm, nn.LayerNorm])
@pytest.mark.parametrize(("make", "X", "shapes", "flattened"), BEFORE_FLATTEN)
def test_what_pytorch_has_flattened_is_taken_over_in_its_order(
    make: Any, X: Any, shapes: dict[str, tuple[int, ...]], flattened: Any, between: Any, last: Any
) -> None:
    n = np.prod(make()(X).shape) // X.shape[0 if X is IMAGES else 1]
    shapes = {**shapes, "4.weight": (1, n), "4.bias": (1,)}
    kept = ["weight", "bias"] + (["running_mean", "running_var"] if between is nn.BatchNorm else [])
    if between is not None:
        shapes = {**shapes, **{f"3.{name}": (n,) for name in kept}}
    state = {name: RNG.random(shape) for name, shape in sorted(shapes.items())}
    rows = flattened(state)
    if between is nn.BatchNorm:
        rows = (rows - state["3.running_mean"]) / np.sqrt(state["3.running_var"] + 1e-5)
    elif between is nn.LayerNorm:
        rows = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)
    if between is not None:
        rows = rows * state["3.weight"] + state["3.bias"]
    end = nn.Dense(n, 1) if last is nn.Dense else nn.Neuron(n)
    model = nn.Sequential([make(), nn.Flatten(), *([] if between is None else [between(n)]), end])
    model.load_state_dict(state)
    np.testing.assert_allclose(model(X).data, (rows @ state["4.weight"].T + state["4.bias"]).T)


def test_a_file_of_pytorchs_safetensors_is_taken_over(tmp_path: Path) -> None:
    torch, library = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    theirs = torch.nn.Linear(3, 1)
    library.save_file(theirs.state_dict(), tmp_path / "weights.safetensors")
    model = nn.LogisticRegression(3)
    model.load_state_dict(export.read(tmp_path / "weights.safetensors")[0])
    expected = torch.sigmoid(theirs(torch.tensor(X.T, dtype=torch.float32))).detach().numpy().T
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-6)


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert tg.__version__ == project["version"]
