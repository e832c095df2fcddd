"""nn.fit: what the history holds, determinism, resuming, stopping, and what it refuses."""

from __future__ import annotations

import itertools
import re
import sys
import warnings
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.compiler.forward import CompiledForward
from tinygrad_edu.course import models
from tinygrad_edu.course.optimisers import random_mini_batches
from tinygrad_edu.nn import batches
from tinygrad_edu.nn import live_display as live

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 50))
Y = (X[:1] * X[1:] > 0).astype(float)
X_NEW = RNG.normal(size=(2, 30))
Y_NEW = (X_NEW[:1] * X_NEW[1:] > 0).astype(float)


def model(keep_prob: float = 1.0) -> nn.Sequential:
    return nn.MLP([2, 5, 1], activation="tanh", seed=1, keep_prob=keep_prob)


def trained(**settings: Any) -> tuple[nn.History, dict[str, Any]]:
    keep_prob = settings.pop("keep_prob", 1.0)
    network = settings.pop("model", None) or model(keep_prob)
    history = nn.fit(network, X, Y, **({"optimizer": optim.Adam(lr=0.02), "epochs": 6} | settings))
    return history, {name: p.data.copy() for name, p in network.parameters().items()}


def same(one: tuple[nn.History, dict[str, Any]], other: tuple[nn.History, dict[str, Any]]) -> bool:
    equal = all(np.array_equal(one[1][name], other[1][name]) for name in one[1])
    return equal and one[0] == other[0]


def test_cost_k_is_the_cost_before_update_k() -> None:
    history, _ = trained(optimizer=optim.SGD(lr=0.1), epochs=5)
    network = model()
    for k in range(5):
        assert history.cost[k] == network.loss(X, Y).item()
        nn.fit(network, X, Y, optimizer=optim.SGD(lr=0.1), epochs=1)
    assert (history.epochs, len(history.cost), history.epoch_cost) == (5, 5, history.cost)


def test_gradient_descent_on_the_whole_batch_is_the_course_s() -> None:
    history, parameters = trained(optimizer=optim.SGD(lr=0.3), epochs=40)
    expected, costs = models.L_layer_model(
        X, Y, [2, 5, 1], 0.3, 40, 1, "xavier", ["tanh", "sigmoid"], record_every=1
    )
    np.testing.assert_allclose(history.cost, costs, rtol=1e-12)
    for name, value in parameters.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("gd", optim.SGD(lr=0.01)), ("momentum", optim.Momentum(lr=0.01)), ("adam", optim.Adam(lr=0.01))],
)
def test_mini_batches_in_the_course_s_order_give_the_course_s_costs(
    name: str, optimizer: optim.Optimizer
) -> None:
    network = nn.MLP([2, 5, 1], activation="tanh", init="he", seed=3)
    history = nn.fit(
        network, X, Y, optimizer=optimizer, epochs=20, batch_size=16,
        shuffle=lambda epoch, m: np.random.RandomState(11 + epoch).permutation(m),
    )  # fmt: skip
    _, costs = models.mini_batch_model(
        X, Y, [2, 5, 1], name, 0.01, 16, 20, activations=["tanh", "sigmoid"], record_every=1
    )
    assert history.steps_per_epoch == len(random_mini_batches(X, Y, 16)) == 4
    np.testing.assert_allclose(history.cost[3::4], costs, rtol=1e-9)


def test_the_same_seed_gives_the_same_training_to_the_bit() -> None:
    settings = {"batch_size": 16, "validation": 0.2}
    assert same(trained(**settings, seed=4), trained(**settings, seed=4))
    assert not same(trained(**settings, seed=4), trained(**settings, seed=5))


@pytest.mark.parametrize("m", [500, 300_000])
def test_a_small_whole_batch_of_transposed_rows_is_laid_out_for_the_products(m: int) -> None:
    X, Y = np.arange(m * 4.0).reshape(m, 4).T, np.ones((1, m))
    (batch,) = nn.batches.Batches((X, Y), (1, 1), batch_size=None, shuffle=True, seed=0).of_epoch(0)
    assert np.array_equal(batch[0], X)
    assert batch[0].flags.c_contiguous == (m == 500)
    assert (batch[0] is X) == (m != 500)  # a large one is not held twice


def test_an_epoch_sees_every_example_once_in_a_new_order() -> None:
    seen: list[Any] = []

    class Spy:
        w = tg.Tensor([1.0])

        def parameters(self) -> dict[str, tg.Tensor]:
            return {"w": self.w}

        def loss(self, X: Any, Y: Any) -> Any:
            assert X.data.tolist() == Y.data.tolist()
            seen.append(X.data[0])
            return (self.w * 0.0).sum()

    marks = np.arange(10.0).reshape(1, 10)
    nn.fit(Spy(), marks, marks, optimizer=optim.SGD(lr=1), epochs=2, batch_size=4, compile=False)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert first.tolist() != second.tolist() != list(range(10))
    seen.clear()
    Spy.w = tg.Tensor([1.0])
    nn.fit(
        Spy(), marks, marks, optimizer=optim.SGD(lr=1), epochs=1, batch_size=4, shuffle=False, compile=False
    )
    assert np.concatenate(seen).tolist() == list(range(10))


@pytest.mark.parametrize("settings", [{}, {"batch_size": 16}, {"optimizer": optim.SGD(lr=0.1)}])
@pytest.mark.parametrize("output", ["sigmoid", "softmax", "linear"])
def test_compiled_is_eager_to_rounding(output: str, settings: dict[str, Any]) -> None:
    labels = np.concatenate([Y, 1 - Y]) if output == "softmax" else Y
    found = []
    for compiling in (True, False):
        network = nn.MLP([2, 5, len(labels)], activation="tanh", output=output, seed=1, l2=0.1)
        optimizer = deepcopy(settings.get("optimizer", optim.Adam(lr=0.02)))
        history = nn.fit(
            network, X, labels, **{"epochs": 10, **settings, "optimizer": optimizer, "compile": compiling}
        )
        found.append([history.cost, *(p.data.ravel() for p in network.parameters().values())])
    for compiled, eager in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-9, atol=1e-12)


def test_a_cost_that_looks_at_values_is_trained_without_compiling() -> None:
    class Branching(nn.LogisticRegression):
        def loss(self, X: Any, Y: Any) -> Any:
            J = super().loss(X, Y)
            return J if J > 1 else 2 * J

    with pytest.raises(TypeError, match=r"return J if J > 1(.|\n)*fit\(\.\.\., compile=False\)"):
        trained(model=Branching(2))
    history, _ = trained(model=Branching(2), compile=False, optimizer=optim.SGD(lr=0.1))
    assert history.cost[0] == pytest.approx(2 * np.log(2))


def test_dropout_draws_the_same_masks_compiled_and_eager() -> None:
    compiled = trained(keep_prob=0.5, batch_size=16)
    eager = trained(keep_prob=0.5, batch_size=16, compile=False)
    np.testing.assert_allclose(compiled[0].cost, eager[0].cost, rtol=1e-9)
    assert not np.allclose(eager[0].cost, trained(batch_size=16, compile=False)[0].cost)


def test_a_frozen_parameter_stays() -> None:
    network = model()
    network.dense[0].W.requires_grad = False
    before = network.dense[0].W.tolist()
    trained(model=network)
    assert network.dense[0].W.tolist() == before


# resuming

RUNS: list[dict[str, Any]] = [
    {},
    {"batch_size": 16, "validation": 0.2},
    {"optimizer": lambda: optim.Nesterov(lr=optim.CosineDecay(0.5, 40), clip_norm=1.0), "batch_size": 7},
    {"batch_size": 16, "validation": (X_NEW, Y_NEW), "early_stopping": nn.EarlyStopping(3)},
    {"batch_size": 16, "compile": False},
    {"batch_size": 16, "keep_prob": 0.8},
    {"optimizer": lambda: optim.SGD(lr=lambda t: 0.5 / (1 + t))},
]


def run_with(settings: dict[str, Any], **more: Any) -> tuple[nn.History, dict[str, Any]]:
    make = settings.get("optimizer", lambda: optim.AdamW(lr=0.1))
    return trained(**{**settings, "optimizer": make(), **more})


@pytest.mark.parametrize(
    "settings", RUNS, ids=["whole", "batches", "schedule", "stopping", "eager", "dropout", "function"]
)
@pytest.mark.parametrize("stop", [1, 8, 20])
def test_a_resumed_training_ends_as_an_uninterrupted_one(
    settings: dict[str, Any], stop: int, tmp_path: Path
) -> None:
    file = tmp_path / "run.npz"
    whole = run_with(settings, epochs=20)
    run_with(settings, epochs=stop, checkpoint=file)
    assert same(run_with(settings, epochs=20, checkpoint=file, resume=True), whole)


def test_an_interruption_costs_the_epochs_since_the_last_checkpoint(tmp_path: Path) -> None:
    calls = iter(range(7))

    class Interrupted(nn.MLP):
        def loss(self, X: Any, Y: Any) -> Any:
            if next(calls, 7) == 7:
                raise KeyboardInterrupt
            return super().loss(X, Y)

    def trained_on(**settings: Any) -> Any:
        network = Interrupted([2, 5, 1], activation="tanh", seed=1)
        return trained(model=network, compile=False, **settings)

    file = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        trained_on(epochs=20, checkpoint=file, checkpoint_every=3)
    calls = itertools.cycle([0])
    assert trained_on(epochs=6, checkpoint=file, resume=True)[0].epochs == 6
    resumed = trained_on(epochs=20, checkpoint=file, resume=True)
    assert same(resumed, trained(epochs=20, compile=False))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_resume_without_a_file_starts_anew(tmp_path: Path) -> None:
    assert same(trained(checkpoint=tmp_path / "run.npz", resume=True), trained())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": optim.SGD(lr=0.1)}, r"the optimizer was Adam\(lr=0.02.*, and is SGD\(lr=0.1\) now"),
        ({"batch_size": 10}, "batch_size was 50, and is 10 now"),
        ({"seed": 7}, "seed was 0, and is 7 now"),
        ({"model": nn.MLP([2, 4, 1], seed=1)}, "the parameters was"),
        ({"model": model(keep_prob=0.5)}, "the number of random generators was 0, and is 1 now"),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(
    settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.npz"
    trained(checkpoint=file)
    with pytest.raises(ValueError, match=said):
        trained(checkpoint=file, resume=True, **settings)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04"])
def test_a_broken_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"run.npz: it .*not a checkpoint of nn.fit"):
        trained(checkpoint=file, resume=True)


# validation and stopping


def test_validation_judges_after_each_epoch() -> None:
    network = model()
    history = nn.fit(
        network, X, Y, optimizer=optim.Adam(lr=0.02), epochs=4, batch_size=10, validation=(X_NEW, Y_NEW)
    )
    assert len(history.validation_cost) == len(history.validation_accuracy) == 4
    assert history.validation_cost[-1] == network.loss(X_NEW, Y_NEW).item()
    assert history.validation_accuracy[-1] == network.accuracy(X_NEW, Y_NEW)
    assert history.best_epoch == int(np.argmin(history.validation_cost))


def test_any_model_with_parameters_and_a_loss_is_trained() -> None:
    class Line:
        def __init__(self) -> None:
            self.slope, self.offset = tg.Tensor(0.0), tg.Tensor([0.0])

        def parameters(self) -> dict[str, tg.Tensor]:
            return {"slope": self.slope, "offset": self.offset}

        def loss(self, X: Any, Y: Any) -> Any:
            return np.mean((self.slope * X + self.offset - Y) ** 2)

    x = np.linspace(-1, 1, 30).reshape(1, 30)
    line = Line()
    history = nn.fit(line, x, 3 * x - 2, optimizer=optim.SGD(lr=0.3), epochs=100, validation=0.2)
    assert (line.slope.item(), line.offset.item()) == pytest.approx((3, -2), abs=1e-4)
    assert len(history.validation_cost) == 100
    assert history.validation_accuracy == []


def test_a_share_kept_back_is_not_trained_on() -> None:
    seen: list[Any] = []

    class Watched(nn.LogisticRegression):
        def loss(self, X: Any, Y: Any) -> Any:
            seen.append(X.data)
            return super().loss(X, Y)

    nn.fit(Watched(2), X, Y, optimizer=optim.SGD(lr=0.1), epochs=1, validation=0.3, compile=False)
    used, kept = seen
    assert (used.shape, kept.shape) == ((2, 35), (2, 15))
    assert sorted([*used[0], *kept[0]]) == sorted(X[0])


def test_early_stopping_restores_the_best_parameters() -> None:
    noise = (RNG.random((1, 50)) < 0.5).astype(float)  # nothing to learn: validation gets worse
    network = nn.MLP([2, 30, 1], seed=1)
    history = nn.fit(
        network,
        X,
        noise,
        optimizer=optim.Adam(lr=0.1),
        epochs=500,
        validation=(X_NEW, Y_NEW),
        early_stopping=4,
    )
    assert history.best_epoch is not None
    assert history.epochs == history.best_epoch + 1 + 4 < 500
    assert history.stopped == f"the validation cost has not fallen since epoch {history.best_epoch}"
    assert network.loss(X_NEW, Y_NEW).item() == min(history.validation_cost)


def test_early_stopping_may_leave_the_last_parameters() -> None:
    network = nn.MLP([2, 30, 1], seed=1)
    rule = nn.EarlyStopping(patience=2, min_delta=10.0, restore_best=False)
    history = nn.fit(
        network, X, Y, optimizer=optim.Adam(lr=0.1), epochs=9, validation=(X_NEW, Y_NEW), early_stopping=rule
    )
    assert history.epochs == 3  # the first is the best so far; two do not fall by 10
    assert network.loss(X_NEW, Y_NEW).item() == history.validation_cost[-1]


def test_training_ends_with_a_warning_where_the_cost_is_no_number() -> None:
    network = nn.MLP([2, 5, 1], output="linear", seed=1)
    with np.errstate(all="ignore"), pytest.warns(UserWarning, match="smaller learning rate than 1e\\+200"):
        history = nn.fit(network, X, Y, optimizer=optim.SGD(lr=1e200), epochs=50)
    assert len(history.cost) < 50
    assert not np.isfinite(history.cost[-1])
    assert "before update" in history.stopped


# progress and pictures


def test_no_bar_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    trained()
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    history, _ = trained(progress=True)
    told = capsys.readouterr()
    assert "6/6" in told.err
    assert f"cost {history.cost[-1]:.6f}" in told.err
    assert told.out == ""


def test_without_tqdm_a_plain_line_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    history, _ = trained(progress=True)
    told = capsys.readouterr().err
    assert told.endswith(f"[{'#' * 30}] 6/6 epochs, cost {history.cost[-1]:.6f}\n")


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What a cell of a notebook shows: (HTML, whether it replaces what it showed before), in order."""
    pytest.importorskip("IPython", reason="needs the extra 'notebook'")
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    shown: list[Any] = []

    class Cell(DisplayPublisher):
        def publish(self, data: Any, **settings: Any) -> None:
            shown.append((data["text/html"], settings.get("update", False)))

    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "display_pub", Cell())
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    yield shown
    InteractiveShell.clear_instance()


def test_in_a_notebook_the_curve_of_the_cost_grows_under_the_cell(
    cell: list[Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY", 0.0)  # however quick the machine is
    history, _ = trained()
    assert [update for _, update in cell] == [False] + 7 * [True]
    assert "0/6 epochs</div>" in cell[0][0]
    last = cell[-1][0]
    assert f"6/6 epochs, cost {history.cost[-1]:.6g}" in last
    heights = [float(p.split(",")[1]) for p in re.search(r'points="([^"]+)"', last)[1].split()]  # type: ignore[index]
    expected = live.HEIGHT * (1 - np.array(history.epoch_cost) / max(history.epoch_cost))
    np.testing.assert_allclose(heights, expected, atol=0.06)
    ElementTree.fromstring(last[last.index("<svg") :])
    assert capsys.readouterr() == ("", "")
    cell.clear()
    trained(progress=False)
    assert cell == []


def test_a_curve_stays_small_and_ends_at_the_last_epoch() -> None:
    curve = live._Curve(10_000)
    for epoch in range(1, 10_001):
        curve.note(epoch, 1 / epoch)
        assert curve.known[-1] == (epoch, 1 / epoch)
    epochs = [epoch for epoch, _ in curve.known]
    assert epochs[0] == 1
    assert live.POINTS / 4 < len(epochs) <= live.POINTS
    assert max(np.diff(epochs)) <= 10_000 / live.POINTS * 4
    curve.note(10_001, float("nan"))
    assert "nan" not in curve._svg()


@pytest.mark.parametrize("settings", [{}, {"batch_size": 20, "validation": 0.2}])
def test_the_history_plots_itself(settings: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra 'plot'")
    history, _ = trained(**settings)
    figure = history.plot(tmp_path / "cost.png", title="two rings")
    lines = figure.axes[0].get_lines()
    assert lines[0].get_ydata().tolist() == history.cost
    assert len(lines) == (3 if settings else 1)
    assert (tmp_path / "cost.png").stat().st_size > 1000
    assert repr(history).startswith("<History: 6 epochs, ")
    with pytest.raises(ValueError, match="train first"):
        nn.History().plot()
    assert repr(nn.History()) == "<History: empty>"
    assert history.plot().axes


def test_without_matplotlib_the_plot_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(tg.MissingExtraError, match=r"tinygrad_edu\[plot\]"):
        trained()[0].plot()


# errors


def fitted(X: Any, Y: Any) -> None:
    nn.fit(model(), X, Y, optimizer=optim.SGD(lr=1), epochs=1)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: fitted(X, Y.T), ValueError, r"got \(50, 1\)"),
        (lambda: fitted(X.T, Y), ValueError, "X: .*transposed"),
        (lambda: fitted(X[:, :0], Y[:, :0]), ValueError, "empty data set"),
        (lambda: fitted(X, Y + 1), ValueError, "labels 0 or 1"),
        (lambda: fitted(X * np.nan, Y), ValueError, "X: expected finite numbers, got nan"),
        (lambda: nn.fit(3, X, Y, optimizer=optim.SGD(), epochs=1), TypeError, "expected a model .* got 3"),
        (lambda: trained(optimizer="sgd"), TypeError, r"such as tg.optim.SGD\(lr=0.1\), got 'sgd'"),
        (lambda: trained(optimizer=optim.SGD), TypeError, "optimizer: expected one of tg.optim"),
        (lambda: trained(epochs=-1), ValueError, "epochs: expected a whole number of at least 0, got -1"),
        (lambda: trained(epochs=1.5), ValueError, "epochs: .* got 1.5"),
        (lambda: trained(seed=-1), ValueError, "seed: expected a whole number of at least 0, got -1"),
        (lambda: trained(batch_size=0), ValueError, "batch_size: .* whole number of at least 1, got 0"),
        (lambda: trained(validation=1.5), ValueError, "validation: .* 50 examples on both sides, got 1.5"),
        (lambda: trained(validation="some"), TypeError, "validation: expected examples"),
        (lambda: trained(validation=(X_NEW.T, Y_NEW)), ValueError, "X: .*transposed"),
        (lambda: trained(early_stopping=3), ValueError, "give validation="),
        (lambda: trained(validation=0.2, early_stopping=0), ValueError, "patience: expected"),
        (lambda: trained(resume=True), ValueError, "resume: expected checkpoint="),
        (lambda: trained(checkpoint="x.npz", checkpoint_every=0), ValueError, "checkpoint_every"),
        (lambda: trained(batch_size=10, shuffle=lambda e, m: np.zeros(m, int)), ValueError, "order of the"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


def test_an_optimiser_belongs_to_one_model() -> None:
    optimizer = optim.Adam(lr=0.1)
    trained(optimizer=optimizer)
    with pytest.raises(ValueError, match="already moves other parameters"):
        trained(optimizer=optimizer)


def test_a_graph_that_still_needs_a_parameter_is_told() -> None:
    network = model()
    J = network.loss(X, Y)
    with pytest.raises(
        RuntimeError, match="fit: W1 is read-only, because a recorded graph still depends on it"
    ):
        trained(model=network)
    J.backward()
    assert trained(model=network)[0].epochs == 6


def test_a_model_without_parameters_to_train_is_refused() -> None:
    network = nn.LogisticRegression(2)
    for parameter in network.parameters().values():
        parameter.requires_grad = False
    with pytest.raises(ValueError, match="no parameter that requires a gradient"):
        trained(model=network)


DATA = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0.0, 0.0, 1.0, 1.0]])


def test_what_the_validation_finds_by_name_is_looked_at_where_a_callback_may_have_changed_it() -> None:
    class Scaled(tg.nn.MLP):
        scale = 1.0

        def loss(self, X: Any, Y: Any, **more: Any) -> Any:
            return super().loss(X, Y, **more) * self.scale

    few, labels = DATA
    scaled = Scaled([1, 1], seed=1)

    def double(history: Any) -> None:
        scaled.scale = 2.0

    rate = tg.optim.SGD(lr=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = tg.nn.fit(
            scaled, few, labels, optimizer=rate, epochs=2, validation=DATA, callbacks=double, progress=False
        )
    assert history.validation_cost[1] == pytest.approx(2 * history.validation_cost[0])


def test_labels_of_the_validation_are_looked_at_once() -> None:
    few, labels = DATA
    network = tg.nn.MLP([1, 2, 1], seed=1)
    run = CompiledForward(lambda X, Y: [network.loss(X, Y)], DATA)
    first = run()[0]
    assert first == pytest.approx(network.loss(few, labels).item())
    network.parameters()["W1"].data[...] *= 2
    assert run()[0] == pytest.approx(network.loss(few, labels).item())
    assert run()[0] != pytest.approx(first)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_output_rounded_to_a_half_is_of_class_0_in_the_validation_as_in_predict(dtype: Any) -> None:
    """Z is above 0 there, and A is not above 0.5."""
    eps = np.finfo(dtype).eps
    few = np.array([[-1.0, -eps, 0.0, eps / 4, eps / 2, eps, 2 * eps, 1.0]], dtype)
    labels = np.ones(few.shape, dtype)
    network = tg.nn.MLP([1, 1], seed=1, dtype=dtype)
    network.parameters()["W1"].data[...] = 1
    rate = tg.optim.SGD(lr=1e-30)
    history = tg.nn.fit(
        network, few, labels, optimizer=rate, epochs=1, validation=(few, labels), progress=False
    )
    assert 0.25 <= history.validation_accuracy[0] == network.accuracy(few, labels) < 0.625


@pytest.mark.parametrize("batch_size", [None, 8], ids=["whole", "mini-batches, the last one short"])
def test_an_array_that_a_callback_puts_in_the_place_of_another_is_trained(batch_size: int | None) -> None:
    def run(compile: bool) -> dict[str, Any]:  # noqa: A002  (fit's name for it)
        network = model()

        def halved(history: nn.History) -> None:
            if history.epochs == 2:
                for p in network.parameters().values():
                    p.data = p.data / 2

        settings: dict[str, Any] = {"batch_size": batch_size, "callbacks": halved, "compile": compile}
        return trained(model=network, **settings)[1]

    compiled, eager = run(True), run(False)
    for name, values in eager.items():
        np.testing.assert_allclose(compiled[name], values, rtol=1e-10, atol=1e-12, err_msg=name)


def test_batches_picked_together_are_those_picked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_an_epoch(after: int) -> list[Any]:
        cut = batches.Batches((X, Y), (1, 1), batch_size=8, shuffle=True, seed=3)
        return [array for batch in cut.of_epoch(2, after) for array in batch]

    together = of_an_epoch(0), of_an_epoch(3)
    monkeypatch.setattr(batches, "TOGETHER", 1)
    for those, ones in zip(together, (of_an_epoch(0), of_an_epoch(3)), strict=True):
        assert len(those) == len(ones)
        for this, one in zip(those, ones, strict=True):
            np.testing.assert_array_equal(this, one)
            assert this.flags.f_contiguous == one.flags.f_contiguous
