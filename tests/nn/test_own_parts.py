"""What a subclass of a layer or a model computes is what is computed, trained and, as code, not saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

RNG = np.random.default_rng(0)
X, IMAGES, SEQUENCES = RNG.normal(size=(3, 8)), RNG.normal(size=(8, 4, 4, 2)), RNG.normal(size=(3, 8, 4))
WORDS = RNG.integers(0, 5, (4, 8))
Y = np.array([[0.0, 1.0] * 4])

LAYERS: list[tuple[type, tuple[Any, ...], Any]] = [
    (nn.Dense, (3, 3, "relu"), X),
    (nn.Neuron, (3, "sigmoid"), X),
    (nn.Conv2D, (2, 2, 3, "tanh"), IMAGES),
    (nn.MaxPool2D, (2,), IMAGES),
    (nn.AvgPool2D, (2,), IMAGES),
    (nn.Flatten, (), IMAGES),
    (nn.Embedding, (5, 3), WORDS),
    (nn.RNN, (3, 2), SEQUENCES),
    (nn.BatchNorm, (3,), X),
    (nn.LayerNorm, (3,), X),
    (nn.Dropout, (0.5,), X),
    (nn.Sequential, (nn.Dense(3, 3, "tanh", seed=1),), X),
]


def changed(kind: Any) -> Any:
    """A subclass that gives another value than the class."""
    return type("Changed", (kind,), {"__call__": lambda self, A: 2 * kind.__call__(self, A) + 1})


@pytest.mark.parametrize(("kind", "settings", "A"), LAYERS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_model_computes_what_its_layers_compute_one_after_the_other(
    kind: type, settings: tuple[Any, ...], A: Any
) -> None:
    layer = changed(kind)(*settings)
    assert np.allclose(nn.Sequential(layer, tg.sin)(A).data, np.sin(layer(tg.Tensor(A, requires_grad=False))))


@pytest.mark.parametrize(("kind", "settings", "A"), LAYERS, ids=lambda part: getattr(part, "__name__", ""))
def test_code_of_ones_own_is_not_saved_as_what_it_extends(
    kind: type, settings: tuple[Any, ...], A: Any, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match=r"is your own code"):
        tg.save(nn.Sequential(changed(kind)(*settings)), tmp_path / "a.npz")


class Clipped(nn.Dense):
    def activate(self, Z: Any) -> Any:
        return np.clip(super().activate(Z), 0.3, 0.7)


class Softened(nn.Dense):
    def __call__(self, A_prev: Any) -> Any:
        return 0.5 * super().__call__(A_prev) + 0.2


@pytest.mark.parametrize("kind", [Clipped, Softened])
def test_the_cost_is_that_of_the_output(kind: Callable[..., Any]) -> None:
    model = nn.Sequential(kind(3, 1, "sigmoid", init=3.0, seed=1))
    A = model(X).data
    assert np.isclose(model.loss(X, Y).item(), -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)))


class Residual(nn.Sequential):
    def forward(self, X: Any) -> Any:
        return super().forward(X) + X


def test_a_model_with_a_forward_pass_of_its_own_is_part_of_another_with_it() -> None:
    block = Residual(nn.Dense(3, 3, "tanh", seed=1))
    model = nn.Sequential(block, Residual(nn.Dense(3, 3, "tanh", seed=3)), nn.Dense(3, 1, "sigmoid", seed=2))
    before = {name: p.data.copy() for name, p in model.parameters().items()}
    assert np.allclose(model(X).data, model.layers[2](model.layers[1](block(X))).data)
    nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=1)
    assert len(before) == 6
    assert all((p.data != before[name]).any() for name, p in model.parameters().items())


def test_a_subclass_that_only_says_its_settings_is_saved_as_what_it_is(tmp_path: Path) -> None:
    class Hidden(nn.Dense):
        def __init__(self) -> None:
            super().__init__(3, 3, "tanh", seed=1)

    model = nn.Sequential(Hidden(), nn.Dense(3, 1, "sigmoid", seed=2))
    tg.save(model, tmp_path / "a.npz")
    assert np.array_equal(tg.load(tmp_path / "a.npz")(X).data, model(X).data)


def test_a_layer_in_its_own_way_may_have_other_units_than_its_class_has() -> None:
    class Joined(nn.Dense):
        def __call__(self, A_prev: Any) -> Any:
            return np.concatenate([A_prev, super().__call__(A_prev)])

    model = nn.Sequential(Joined(3, 2, "relu", seed=1), nn.Dense(5, 1, "sigmoid", seed=2))
    assert model(X).shape == (1, 8)


@pytest.mark.parametrize("setting", [{"l2": 0.1}, {"l1": 0.1}, {"cost": "hinge"}])
def test_what_an_inner_model_says_of_the_cost_is_not_lost(setting: dict[str, Any]) -> None:
    inner = nn.Sequential(nn.Dense(3, 1, seed=1), **setting)
    with pytest.raises(ValueError, match=rf"{next(iter(setting))} of a model that is part of another"):
        nn.Sequential(nn.Dense(3, 3, "relu"), inner)
    nn.Sequential(nn.Dense(3, 3, "relu"), *inner.layers)


@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_an_activation_as_a_layer_is_that_of_the_layer_before(name: str) -> None:
    units = {"sigmoid": 1, "softmax": 4}[name]
    labels = Y if units == 1 else tg.data.one_hot(RNG.integers(0, 4, 8), 4)
    last, function = nn.Dense(3, units, name, init=900.0, seed=1), getattr(tg, name)
    one, two = nn.Sequential(last), nn.Sequential(nn.Dense(3, units, init=900.0, seed=1), function)
    assert (two.output, two.n_out, two.classifies) == (one.output, one.n_out, one.classifies)
    assert two.loss(X, labels).item() == one.loss(X, labels).item()
    assert np.array_equal(two.predict(X), one.predict(X))


def test_a_layer_that_has_no_hash_is_a_layer() -> None:
    @dataclass
    class Shifted:
        by: float

        def __call__(self, A: Any) -> Any:
            return A + self.by

    model = nn.Sequential(Shifted(1.0), nn.Dense(3, 1, "sigmoid", seed=1))
    assert model.architecture["layers"][0] == {"own": f"{Shifted.__qualname__}"}
    assert np.allclose(model(X).data, model.layers[1](X + 1.0).data)


@pytest.mark.parametrize(
    "first", [nn.BatchNorm(2), nn.LayerNorm(2), nn.Dropout(0.9), lambda A: A / 2, tg.sin]
)
def test_a_layer_that_keeps_the_shape_may_come_before_one_that_says_where_the_examples_are(
    first: Any,
) -> None:
    X = RNG.normal(size=(8, 8, 8, 2))  # as many rows of pixels as examples
    model = nn.Sequential(first, nn.MaxPool2D(2), nn.Flatten(), nn.Dense(32, 1, "sigmoid", seed=1))
    history = nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=1, batch_size=2, validation=0.25)
    assert history.steps_per_epoch == 3


@pytest.mark.parametrize(
    ("cost", "output", "called"),
    [
        (tg.binary_cross_entropy, "sigmoid", "binary_cross_entropy"),
        (tg.categorical_cross_entropy, "softmax", "categorical_cross_entropy"),
    ],
)
def test_a_cost_that_has_a_name_is_the_same_as_a_function(cost: Any, output: str, called: str) -> None:
    labels = np.array([[1.0, 0.0] * 4, [0.0, 1.0] * 4])
    model = nn.MLP([3, 2], output=output, init=900.0, seed=1, cost=cost)
    assert model.cost == called
    assert (
        model.loss(X, labels).item()
        == nn.MLP([3, 2], output=output, init=900.0, seed=1).loss(X, labels).item()
    )


@pytest.mark.parametrize(
    ("cost", "output"),
    [(tg.binary_cross_entropy_with_logits, "sigmoid"), (tg.softmax_cross_entropy, "softmax")],
)
def test_a_cost_of_the_logits_is_not_taken_of_the_output(cost: Any, output: str) -> None:
    with pytest.raises(ValueError, match=rf"^cost: {cost.__name__} takes Z, and the output is A = {output}"):
        nn.MLP([3, 2], output=output, cost=cost)
    nn.MLP([3, 2], output="linear", cost=cost)


class Gained(nn.Dense):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, "tanh", seed=1)
        self.gain = tg.Tensor(1.0)

    def __call__(self, A_prev: Any) -> Any:
        return self.gain * super().__call__(A_prev)


class Ended(nn.Sequential):
    """As in PyTorch: layers in attributes, and a forward pass."""

    def __init__(self) -> None:
        super().__init__(nn.Dense(3, 4, "relu", seed=1), cost="binary_cross_entropy")
        self.middle, self.out = [nn.BatchNorm(4)], nn.Dense(4, 1, "sigmoid", seed=2)
        self.shift = tg.Tensor(np.zeros((4, 1)))

    def forward(self, X: Any) -> Any:
        return self.out(self.middle[0](super().forward(X)) + self.shift)


OWN: list[tuple[Callable[[], Any], list[str]]] = [
    (
        lambda: nn.Sequential(Gained(3, 2), nn.Dense(2, 1, "sigmoid", seed=2)),
        ["W1", "b1", "gain1", "W2", "b2"],
    ),
    (Ended, ["W1", "b1", "middle_0_gamma", "middle_0_beta", "out_W", "out_b", "shift"]),
]


@pytest.mark.parametrize(("make", "names"), OWN)
def test_the_tensors_that_a_subclass_adds_are_trained_and_kept(
    make: Callable[[], Any], names: list[str], tmp_path: Path
) -> None:
    model, again, by_loop = make(), make(), make()
    before = model.state_dict()
    assert list(model.parameters()) == names
    nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=2)
    assert all((model.state_dict()[name] != before[name]).any() for name in before)
    again.load_state_dict(model.state_dict())
    assert np.array_equal(again(X).data, model(X).data)
    optimizer = optim.SGD(by_loop.train().parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        by_loop.loss(X, Y).backward()
        optimizer.step()
    for name, array in by_loop.state_dict().items():
        np.testing.assert_allclose(array, model.state_dict()[name], atol=1e-9)


def test_labels_of_another_shape_than_the_output_of_ones_own_are_refused() -> None:
    class Wide(nn.Sequential):
        def forward(self, X: Any) -> Any:
            return np.concatenate([super().forward(X), X])

    model = Wide(nn.Dense(3, 1, seed=1), cost="squared")
    with pytest.raises(ValueError, match=r"^Y: expected labels \(4, 8\) for this output, got \(1, 8\)"):
        model.loss(X, Y)
    assert model.loss(X, np.zeros((4, 8))).shape == ()


def test_a_model_in_code_that_has_no_module_is_trained() -> None:
    names: dict[str, Any] = {"tg": tg}
    exec(
        "class Net(tg.nn.Dense):\n"
        "    def parameters(self): return [self.W]\n"
        "    def loss(self, X, Y): return tg.binary_cross_entropy(self(X), Y)\n",
        names,
    )
    model = names["Net"](3, 1, "sigmoid", seed=1)
    model.b.requires_grad = False
    cost = nn.fit(model, X, Y, optimizer=optim.SGD(lr=0.1), epochs=2).cost
    assert cost[1] < cost[0]
