"""Training to be relied on: checkpoints and going on, validation, dtypes, nothing left untrained."""

from __future__ import annotations

import os
import signal
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import export, nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 40))
Y = (X[:1] * X[1:] > 0).astype(float)


def model(**settings: Any) -> nn.MLP:
    return nn.MLP([2, 4, 1], activation="tanh", seed=1, **settings)


def trained(network: Any = None, X: Any = X, Y: Any = Y, **settings: Any) -> tuple[Any, nn.History]:
    network = network or model()
    given = {"optimizer": optim.Adam(lr=0.05), "epochs": 6} | settings
    return network, nn.fit(network, X, Y, **given)


def weights(network: Any) -> dict[str, Any]:
    return {name: p.data.tolist() for name, p in network.parameters().items()}


# saving


def test_by_default_it_is_saved_by_time_and_not_by_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    save = nn.checkpoint.Checkpoint.save

    def counted(self: Any, standing: Any) -> None:
        saved.append(standing.history.epochs)
        save(self, standing)

    monkeypatch.setattr(nn.checkpoint.Checkpoint, "save", counted)
    trained(checkpoint=tmp_path / "run.npz", epochs=200)
    assert saved == [0, 200]  # before the first epoch, and at the end
    saved.clear()
    monkeypatch.setattr(nn.checkpoint, "MOST", 1e9)
    trained(checkpoint=tmp_path / "run.npz", epochs=4, checkpoint_seconds=0)
    assert saved == [0, 1, 2, 3, 4, 4]
    saved.clear()
    trained(checkpoint=tmp_path / "run.npz", epochs=4, checkpoint_every=2)
    assert saved == [0, 2, 4, 4]


@pytest.mark.parametrize("batch", [None, 7])
def test_ctrl_c_ends_after_an_update_and_what_is_saved_goes_on(batch: int | None, tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    network, calls = model(), count()

    def press(*_: Any) -> None:  # in the middle of an epoch where there are batches
        if next(calls) == 25:
            signal.raise_signal(signal.SIGINT)

    class Pressed(optim.Adam):
        def begin(self, gradients: Any) -> None:
            press()
            super().begin(gradients)

    Pressed.__name__ = "Adam"
    with pytest.raises(KeyboardInterrupt):
        trained(network, optimizer=Pressed(lr=0.05), checkpoint=file, epochs=10**7, batch_size=batch)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    stopped = weights(network)
    again = model()
    _, history = trained(again, checkpoint=file, resume=True, epochs=1, batch_size=batch)
    assert weights(again) == stopped
    assert len(history.cost) == 26
    epochs = history.epochs + 3
    whole, _ = trained(epochs=epochs, batch_size=batch)
    resumed, _ = trained(checkpoint=file, resume=True, epochs=epochs, batch_size=batch)
    assert weights(resumed) == weights(whole)
    network.dense[0].W.data[0, 0] = 1.0  # nothing is locked
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_a_training_that_diverges_leaves_its_good_checkpoint_and_goes_on_more_slowly(tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    line = nn.MLP([2, 1], output="linear", seed=1)
    trained(line, optimizer=optim.SGD(lr=0.1), epochs=5, checkpoint=file)
    good = weights(line)
    with np.errstate(all="ignore"), pytest.warns(UserWarning, match="smaller learning rate"):
        trained(
            nn.MLP([2, 1], output="linear", seed=1),
            optimizer=optim.SGD(lr=lambda t: 0.1 if t < 5 else 1e200),
            epochs=50,
            checkpoint=tmp_path / "bad.npz",
            checkpoint_every=5,
        )
    with pytest.raises(ValueError, match="of another training: the optimizer was SGD"):
        trained(line, optimizer=optim.SGD(lr=0.01), epochs=9, checkpoint=file, resume=True)
    again, history = trained(
        nn.MLP([2, 1], output="linear", seed=1),
        optimizer=optim.SGD(lr=0.01),
        epochs=9,
        checkpoint=tmp_path / "bad.npz",
        resume=True,
    )
    assert len(history.cost) == 9
    assert np.isfinite(history.cost).all()
    arrays, _ = export.read(file)
    assert arrays["state/W1"].tolist() == good["W1"]
    with pytest.raises(ValueError, match=r"the optimizer was SGD.*, and is Adam"):
        trained(again, optimizer=optim.Adam(lr=0.01), checkpoint=tmp_path / "bad.npz", resume=True)


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"X": X + 1}, "the data was"),
    ({"Y": 1 - Y}, "the data was"),
    ({"network": nn.MLP([2, 4, 1], activation="relu", seed=1)}, "the model was .*tanh.* and is .*relu.* now"),
    ({"network": model(l2=0.1)}, "the model was .*'l2': 0.0.* and is .*'l2': 0.1"),
    ({"network": model(l1=0.1)}, "the model was .*'l1': 0.0"),
    ({"network": model(cost="squared")}, "the model was .*squared"),
    ({"network": model(dtype=np.float32)}, "the parameters was .*float64.* and is .*float32"),
    ({"shuffle": False}, "shuffle was True, and is False now"),
    ({"batch_size": 20, "seed": 3}, "batch_size was 10, and is 20 now; seed was 0, and is 3 now"),
    ({"optimizer": optim.Adam(lr=0.05, beta1=0.5)}, "the optimizer was .*beta1=0.9.* and is .*beta1=0.5"),
    ({"early_stopping": 3, "validation": (X, Y)}, "early_stopping was None"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[said[:30] for _, said in CHANGES])
def test_what_differs_is_said_when_a_training_is_to_go_on(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.npz"
    trained(checkpoint=file, batch_size=10)
    with pytest.raises(ValueError, match=f"of another training: (.*; )?{said}"):
        trained(checkpoint=file, resume=True, **({"batch_size": 10} | change))


def test_other_validation_data_are_said_when_a_training_is_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    trained(checkpoint=file, validation=(X, Y))
    with pytest.raises(ValueError, match=r"the validation data was .* now$"):
        trained(checkpoint=file, resume=True, validation=(X, 1 - Y))


def test_validation_may_join_later_and_keeps_its_epochs(tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    trained(checkpoint=file, epochs=3)
    _, history = trained(checkpoint=file, resume=True, epochs=5, validation=(X, Y))
    assert np.isnan(history.validation_cost).tolist() == [True] * 3 + [False] * 2
    assert np.isnan(history.validation_accuracy).tolist() == [True] * 3 + [False] * 2
    assert history.best_epoch == 4
    file.unlink()
    trained(checkpoint=file, epochs=2, validation=(X, Y))
    trained(checkpoint=file, resume=True, epochs=4)
    _, history = trained(checkpoint=file, resume=True, epochs=5, validation=(X, Y))
    assert np.isnan(history.validation_cost).tolist() == [False] * 2 + [True] * 2 + [False]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("run") / "run.npz"
    trained(checkpoint=file, epochs=3)
    return file.read_bytes()


@given(where=st.floats(0, 1, exclude_max=True))
def test_any_flipped_bit_and_any_cut_is_noticed(where: float, content: bytes) -> None:
    bit = int(where * 8 * len(content))
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    for broken in (bytes(flipped), content[: bit // 8], content + b"x"):
        with pytest.raises(ValueError, match=r"^it (is|has)"):
            export.npz.unpacked(broken)


def test_a_hostile_file_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.getpid, ()

    plain = export.npz.packed({"W": np.zeros(3)}, {})
    header = b"'shape': (3,), "
    assert header in plain
    inflated = plain[:-64].replace(header, b"'shape': (9,), ")
    inflated += export.npz.hashlib.sha256(inflated).hexdigest().encode()
    with pytest.raises(ValueError, match="says that it is"):
        export.npz.unpacked(_with_right_crc(inflated))
    np.savez(tmp_path / "evil.npz", evil=np.array([Evil()], dtype=object))
    with pytest.raises(export.FileError, match=r"evil.npz: it has no checksum"):
        export.read(tmp_path / "evil.npz")


def _with_right_crc(content: bytes) -> bytes:
    """The archive written anew around members that say one thing and hold another."""
    import io
    import zipfile

    members = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            start = info.header_offset + 30 + len(info.filename) + len(info.extra)
            members[info.filename] = content[start : start + info.file_size]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
        archive.comment = export.npz.SEAL + b"0" * 64
    body = stream.getvalue()[:-64]
    return body + export.npz.hashlib.sha256(body).hexdigest().encode()


# validation and stopping


def test_the_best_is_restored_when_the_epochs_run_out_too() -> None:
    noise = (RNG.random((1, 40)) < 0.5).astype(float)
    network, history = trained(
        Y=noise, epochs=60, validation=(X, Y), early_stopping=1000, optimizer=optim.Adam(lr=0.1)
    )
    assert not history.stopped
    assert history.best_epoch is not None
    assert history.best_epoch < 59
    assert network.loss(X, Y).item() == pytest.approx(min(history.validation_cost), rel=1e-12)


def test_resuming_after_the_best_was_restored_goes_on_from_the_last(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"validation": (X, Y), "early_stopping": 1000, "Y": 1 - Y}
    file = tmp_path / "run.npz"
    trained(checkpoint=file, epochs=5, **settings)
    resumed, _ = trained(checkpoint=file, resume=True, epochs=9, **settings)
    whole, _ = trained(epochs=9, **settings)
    assert weights(resumed) == weights(whole)


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "linear"])
def test_compiled_validation_is_that_of_the_model(output: str) -> None:
    labels = np.concatenate([Y, 1 - Y]) if output == "softmax" else Y
    network = nn.MLP([2, 4, len(labels)], output=output, seed=1, l2=0.3, keep_prob=0.7)
    for compiling in (True, False):
        _, history = trained(network, X, labels, validation=(X, labels), compile=compiling)
        assert history.validation_cost[-1] == pytest.approx(network.loss(X, labels).item(), rel=1e-12)
        if output != "linear":
            assert history.validation_accuracy[-1] == network.accuracy(X, labels)


def test_validation_of_a_cost_that_looks_at_values_is_run_as_it_stands() -> None:
    class Branching(nn.LogisticRegression):
        def loss(self, X: Any, Y: Any) -> Any:  # type: ignore[override]
            J = super().loss(X, Y)
            return J if isinstance(J, tg.core.symbol.Symbol) or J > 0 else 2 * J

    _, history = trained(Branching(2), validation=(X, Y), compile=False)
    assert len(history.validation_cost) == 6


# dtypes


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.uint8, np.int64, np.bool_])
def test_data_take_the_models_dtype_once_and_before(kind: Any) -> None:
    seen: set[Any] = set()

    class Watched(nn.MLP):
        def loss(self, X: Any, Y: Any) -> Any:  # type: ignore[override]
            seen.update((X.dtype, Y.dtype))
            return super().loss(X, Y)

    data = (X > 0).astype(kind)
    network = Watched([2, 3, 1], seed=1, dtype=np.float32)
    trained(network, data, Y.astype(kind), validation=(data, Y), compile=False)
    assert seen == {np.dtype(np.float32)}


# nothing untrained


class Scale:
    """A layer of one's own."""

    def __init__(self, holds: str) -> None:
        made = tg.Tensor(np.ones((4, 1)))
        parts = {
            "attribute": made,
            "list": [made],
            "dict": {"deep": {"er": (made,)}},
            "object": SimpleNamespace(inner=made),
            "layer": [nn.Dense(4, 4, seed=1)],
        }
        self.holds = parts[holds]
        self.made = made if holds != "layer" else None

    def __call__(self, A: Any) -> Any:
        return A * self.made if self.made is not None else self.holds[0](A)


@pytest.mark.parametrize("compiling", [True, False])
@pytest.mark.parametrize("holds", ["attribute", "list", "dict", "object", "layer"])
def test_a_layer_of_ones_own_is_trained(holds: str, compiling: bool) -> None:
    network = nn.Sequential([nn.Dense(2, 4, "tanh", seed=1), Scale(holds), nn.Dense(4, 1, "sigmoid", seed=2)])
    before = weights(network)
    assert len(before) >= 5
    trained(network, compile=compiling)
    after = weights(network)
    assert all(before[name] != after[name] for name in before)


def test_a_tensor_that_nobody_moves_is_refused() -> None:
    offset = tg.Tensor(0.5, name="offset")
    hidden = nn.Sequential([nn.Dense(2, 1, "sigmoid", seed=1), lambda A: A * offset], cost="squared")
    for compiling in (True, False):
        with pytest.raises(TypeError, match=r"the Tensor offset .*not among"):
            trained(hidden, compile=compiling)


def test_equal_names_of_two_models_are_an_error() -> None:
    class Pair:
        def __init__(self) -> None:
            self.one, self.other = nn.Dense(2, 1, seed=1), nn.Dense(2, 1, seed=2)

        def parameters(self) -> dict[str, tg.Tensor]:
            return {**self.one.parameters(), **self.other.parameters()}

        def loss(self, X: Any, Y: Any) -> Any:
            return np.mean((self.one(X) + self.other(X) - Y) ** 2)

    for compiling in (True, False):
        with pytest.raises(TypeError, match="not among"):
            trained(Pair(), compile=compiling)
    with pytest.raises(ValueError, match="both have parameters called W1, W2, b1, b2"):
        model().parameters() | model().parameters()


def test_a_model_in_a_model_is_trained_whole() -> None:
    inner = nn.Sequential([nn.Dense(2, 4, "tanh", seed=1), nn.Dense(4, 3, "tanh", seed=1)], cost="squared")
    network = nn.Sequential([inner, nn.Dense(3, 1, "sigmoid", seed=2)])
    assert list(network.parameters()) == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_going_on_needs_all_that_was_saved(tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    trained(checkpoint=file)
    arrays, meta = export.read(file)
    export.write(file, {k: a for k, a in arrays.items() if k != "state/W1"}, meta)
    with pytest.raises(ValueError, match="state/W1 is missing"):
        trained(checkpoint=file, resume=True)


@pytest.mark.parametrize("change", [{"lr": 0.01}, {"beta": 0.5}, {"weight_decay": 0.3}, {"clip_norm": 0.1}])
def test_what_a_callback_set_in_the_optimiser_is_so_after_going_on(
    change: dict[str, float], tmp_path: Path
) -> None:
    def costs(epochs: int, **settings: Any) -> list[float]:
        optimizer = optim.Momentum(lr=0.5)

        def plateau(history: nn.History) -> None:
            if history.epochs == 3:
                for name, value in change.items():
                    setattr(optimizer, name, value)

        return trained(optimizer=optimizer, epochs=epochs, callbacks=plateau, **settings)[1].cost

    costs(5, checkpoint=tmp_path / "a.npz")
    assert costs(9, checkpoint=tmp_path / "a.npz", resume=True) == costs(9)


@pytest.mark.parametrize("answer", [True, np.True_, np.mean([1.0]) < 2])
def test_a_callback_that_says_true_in_numpys_way_ends_the_training(answer: Any) -> None:
    assert trained(epochs=5, callbacks=lambda _: answer)[1].epochs == 1
