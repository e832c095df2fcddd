"""What people expect of a training is so, or is refused before anything changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 21))
Y = (X[:1] > 0).astype(float)
H = np.vstack([Y, 1 - Y])


def state(model: Any) -> dict[str, Any]:
    return {name: p.data.copy() for name, p in model.parameters().items()}


def unlike(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    return [name for name in a if not np.array_equal(a[name], b[name])]


WAYS: list[tuple[Callable[[], nn.Sequential], Any]] = [
    (lambda: nn.MLP([2, 3, 1], seed=1), Y),
    (lambda: nn.MLP([2, 3, 2], output="softmax", seed=1), H),
    (lambda: nn.MLP([2, 3, 2], output="softmax", cost="binary_cross_entropy", seed=1), H),
    (lambda: nn.MLP([2, 3, 2], output="sigmoid", cost="binary_cross_entropy", seed=1), H),
    (lambda: nn.Sequential(nn.Dense(2, 1, seed=1), tg.sigmoid, cost="binary_cross_entropy"), Y),
    (lambda: nn.Sequential(nn.Dense(2, 2, seed=1), tg.softmax, cost="categorical_cross_entropy"), H),
    *[
        (lambda cost=cost: nn.MLP([2, 3, 1], output="linear", cost=cost, seed=1), 2 * Y - 1)
        for cost in ("squared", "absolute", "huber", "hinge", "perceptron")
    ],
]


@pytest.mark.parametrize(("make", "labels"), WAYS)
def test_the_weighted_cost_is_the_sum_of_what_each_example_costs(
    make: Callable[[], nn.Sequential], labels: Any
) -> None:
    model, weights = make(), RNG.random(21)
    alone = [model.loss(X[:, [k]], labels[:, [k]]).item() for k in range(21)]
    assert np.isclose(model.loss(X, labels, weights).item(), np.dot(weights, alone) / 21)
    assert np.isclose(model.loss(X, labels, np.ones(21)).item(), model.loss(X, labels).item())


class Doubled(nn.MLP):
    def forward(self, X: Any) -> Any:
        return super().forward(2 * X)


class Called(nn.MLP):
    def __call__(self, X: Any) -> Any:
        return super().__call__(2 * X)


@pytest.mark.parametrize("kind", [Doubled, Called])
def test_a_subclass_is_trained_and_used_on_its_own_forward_pass(kind: type[nn.MLP]) -> None:
    own, plain = kind([2, 3, 1], seed=1), nn.MLP([2, 3, 1], seed=1)
    assert np.isclose(own.loss(X, Y).item(), plain.loss(2 * X, Y).item())
    for model, data in ((own, X), (plain, 2 * X)):
        nn.fit(model, data, Y, optimizer=optim.SGD(lr=0.1), epochs=3, sample_weight=np.arange(1, 22.0))
    assert np.allclose(own.predict_proba(X), plain.predict_proba(2 * X))


class Block:
    def __init__(self) -> None:
        self.dense, self.drop = nn.Dense(2, 2, "tanh", seed=1), nn.Dropout(0.5, seed=4)

    def __call__(self, A: Any) -> Any:
        return self.drop(self.dense(A))


class Own:
    """A model without ``parameters()``."""

    def __init__(self) -> None:
        self.block, self.out = Block(), nn.Dense(2, 1, "sigmoid", seed=2)

    def loss(self, X: Any, Y: Any) -> Any:
        return tg.binary_cross_entropy(self.out(self.block(X)), Y)


MAKERS: list[Callable[[], Any]] = [lambda: nn.Sequential(Block(), nn.Dense(2, 1, "sigmoid", seed=2)), Own]


@pytest.mark.parametrize("make", MAKERS)
def test_a_resumed_training_draws_on_wherever_its_dropout_stands(
    make: Callable[[], Any], tmp_path: Path
) -> None:
    def trained(epochs: int, **settings: Any) -> Any:
        model = make()
        return nn.fit(
            model, X, Y, optimizer=optim.Adam(lr=0.05), epochs=epochs, batch_size=6, **settings
        ).cost

    trained(3, checkpoint=tmp_path / "a.npz")
    assert trained(6, checkpoint=tmp_path / "a.npz", resume=True) == trained(6)


@pytest.mark.parametrize("form", [list, tuple, iter, lambda found: dict(enumerate(found))])
def test_a_model_gives_its_parameters_in_any_form_or_not_at_all(form: Any) -> None:
    class Formed(Own):
        def parameters(self) -> Any:
            return form([self.block.dense.W, self.block.dense.b, self.out.W, self.out.b])

    models: list[Any] = [Own(), Formed()]
    costs = [nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.5), epochs=4, seed=1).cost for model in models]
    assert costs[0] == costs[1]
    assert costs[0][0] != costs[0][-1]


def test_a_batch_of_one_is_refused_before_the_first_step_where_a_normalisation_has_no_use_for_it() -> None:
    model = nn.Sequential(
        nn.Dense(2, 3, seed=1), nn.BatchNorm(3), tg.relu, nn.Dropout(0.5, seed=1), nn.Dense(3, 1, "sigmoid")
    )
    before = state(model)
    with pytest.raises(ValueError, match=r"^batch_size: .* last batch of one example"):
        nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=1, batch_size=20)
    assert not unlike(before, state(model))
    nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=1, batch_size=7)


def test_images_of_one_example_are_normalised() -> None:
    images = RNG.random((5, 4, 4, 1))
    model = nn.Sequential(
        nn.Conv2D(1, 2, 3, seed=1), nn.BatchNorm(2), nn.Flatten(), nn.Dense(8, 1, "sigmoid")
    )
    nn.fit(model, images, Y[:, :5], optimizer=optim.SGD(lr=0.1), epochs=1, batch_size=4)


def test_what_a_callback_freezes_is_not_trained_on() -> None:
    model = nn.MLP([2, 3, 1], seed=1)

    def freeze(_: Any) -> None:
        model.layers[0].W.requires_grad = False  # type: ignore[attr-defined]

    with pytest.raises(ValueError, match=r"^callbacks: W1 no longer requires a gradient"):
        nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=3, callbacks=freeze)


def test_what_is_frozen_stays_so_in_a_file(tmp_path: Path) -> None:
    model = nn.MLP([2, 3, 1], seed=1)
    model.parameters()["W1"].requires_grad = False
    tg.save(model, tmp_path / "a.npz")
    loaded = tg.load(tmp_path / "a.npz")
    before = state(loaded)
    nn.fit(loaded, X, Y, optimizer=optim.Adam(lr=0.1), epochs=2)
    assert unlike(before, state(loaded)) == ["b1", "W2", "b2"]


def test_layers_with_one_tensor_are_not_written_as_two(tmp_path: Path) -> None:
    a, b = nn.Dense(2, 2, seed=1), nn.Dense(2, 2, seed=2)
    b.W = a.W
    model = nn.Sequential(a, b, nn.Dense(2, 1, "sigmoid", seed=3))
    with pytest.raises(ValueError, match=r"one Tensor W1, .*model.state_dict\(\)"):
        tg.save(model, tmp_path / "a.npz")


def test_an_array_in_place_of_a_parameter_is_told() -> None:
    layer: Any = nn.Dense(2, 1, "sigmoid")
    model = nn.Sequential(layer)
    layer.W = np.ones((1, 2))
    with pytest.raises(TypeError, match=r"W: expected a Tensor, got ndarray .*layer.W.data = values"):
        model.parameters()


COSTS: list[tuple[Any, str]] = [
    (lambda: nn.MLP([2, 3, 1], output="linear", cost="binary_cross_entropy"), "^cost: .*sigmoid"),
    (lambda: nn.MLP([2, 3, 1], output="tanh", cost="binary_cross_entropy"), "^cost: .*sigmoid"),
    (lambda: nn.MLP([2, 3, 1], output="sigmoid", cost="hinge"), "^cost: .*linear or tanh"),
    (lambda: nn.MLP([2, 3, 1], cost="categorical_cross_entropy"), "^cost: .*for each class, got one"),
    (lambda: nn.MLP([2, 3, 1], output="linear").compile("adam", loss="bce"), "^loss: .*sigmoid"),
    (lambda: nn.MLP([2, 3, 1]).compile("adam", loss="hinge"), "^loss: .*linear or tanh"),
    (lambda: nn.MLP([2, 3, 1], cost=lambda A: A), r"^cost: expected a function of \(A, Y\)"),  # type: ignore[misc,arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("make", "said"), COSTS)
def test_a_cost_that_does_not_go_with_the_output_is_refused(make: Any, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        make()


def test_a_refused_compile_changes_nothing() -> None:
    model = nn.MLP([2, 3, 1])
    for wrong in ({"loss": "bce", "metrics": [3]}, {"loss": "mse", "metrics": 3}):
        with pytest.raises(TypeError, match=r"^metrics: "):
            model.compile("adam", **wrong)  # type: ignore[arg-type]
    assert model.cost is None


@pytest.mark.parametrize(("x", "y"), [(X[0], Y[0]), (X[:1], Y), (X[:1], Y[0])])
def test_examples_in_a_vector_are_cut_into_batches(x: Any, y: Any) -> None:
    class Line:
        def __init__(self) -> None:
            self.w = tg.Tensor(0.0)

        def loss(self, x: Any, y: Any) -> Any:
            assert x.shape[-1] == y.shape[-1] <= 6
            return np.mean((self.w * x - y) ** 2)

    history = nn.fit(Line(), x, y, optimizer=optim.SGD(lr=0.1), epochs=2, batch_size=6)  # type: ignore[arg-type]
    assert history.steps_per_epoch == 4


def test_rows_are_not_taken_for_one_example() -> None:
    with pytest.raises(ValueError, match="example_axes"):
        nn.fit(Own(), X.T[:, :1], Y.T, optimizer=optim.SGD(lr=0.1), epochs=1, batch_size=5)  # type: ignore[arg-type]


def test_a_cost_lost_before_the_first_step_is_not_laid_to_the_learning_rate() -> None:
    model = nn.MLP([2, 3, 1], seed=1)
    model.parameters()["W1"].data[0, 0] = np.nan
    with pytest.warns(UserWarning, match="no step had been made"):
        nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=2)


def held(dense: nn.Dense) -> dict[str, Any]:
    """A layer in the places where people put one, with how it is called."""
    Record, Slots = NamedTuple("Record", [("layer", Any)]), make_dataclass("Slots", ["layer"], slots=True)
    return {
        "a list": [dense],
        "a dict": {"a": [dense]},
        "a queue": deque([dense]),
        "the values of a dict": {"a": dense}.values(),
        "a named tuple": Record(dense),
        "a dataclass": Slots(dense),
        "a method": dense.linear,
        "a model": nn.Sequential(dense),
        "a closure": lambda A: 1.0 * dense(A),
        "a class": type("Holder", (), {"layer": dense}),
    }


def used(holder: Any, A: Any) -> Any:
    found = getattr(holder, "layer", holder)
    while not callable(found):
        found = next(iter(found.values() if isinstance(found, dict) else found))
    return found(A)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("place", list(held(nn.Dense(1, 1))))
def test_a_layer_is_trained_or_refused_wherever_it_is_kept(place: str, *, compiled: bool) -> None:
    dense = nn.Dense(2, 2, "tanh", seed=1)
    holder, out = held(dense)[place], nn.Dense(2, 1, "sigmoid", seed=2)

    class Kept:
        def __init__(self) -> None:
            self.holder = holder

        def __call__(self, A: Any) -> Any:
            return used(self.holder, A)

    model, before = nn.Sequential(Kept(), out), dense.W.data.copy()
    settings: dict[str, Any] = {"optimizer": optim.SGD(lr=0.5), "epochs": 2, "compile": compiled}
    if place in ("a closure", "a class"):
        with pytest.raises(TypeError, match=r"^fit: .* W1? \(2, 2\), .*closures and classes"):
            nn.fit(model, X, Y, **settings)
    else:
        nn.fit(model, X, Y, **settings)
        assert (dense.W.data != before).any()


def test_a_model_without_a_cost_is_a_part_of_another_and_is_not_trained_itself() -> None:
    part = nn.Sequential(nn.Dense(2, 4, "relu", seed=1), nn.Dense(4, 3, "tanh", seed=2))
    model = nn.Sequential(part, nn.Dense(3, 1, "sigmoid", seed=3))
    before = state(model)
    nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.5), epochs=2)
    assert unlike(before, state(model)) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert part.predict(X).shape == (3, 21)
    with pytest.raises(ValueError, match="no cost goes with the output 'tanh'"):
        nn.fit(part, X, np.zeros((3, 21)), optimizer=optim.SGD(lr=0.5), epochs=2)
