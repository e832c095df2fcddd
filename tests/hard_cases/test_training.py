"""Training where it goes wrong unseen: foreign state, exceptions half-way, shapes that broadcast, types."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 20))
Y = (X[:1] > 0).astype(float)


def model(seed=1, **settings):
    return tg.nn.MLP([3, 4, 1], activation="tanh", seed=seed, **settings)


def trained(X, Y, m=None, **settings):
    m = m or model()
    settings = {"optimizer": tg.optim.SGD(lr=0.5), "epochs": 5, **settings}
    return m, tg.nn.fit(m, X, Y, **settings)


@pytest.mark.parametrize(
    "labels",
    [
        Y.astype(int),
        Y.astype(bool),
        Y.astype(np.float32),
        Y.tolist(),
        tg.Tensor(Y),
        tg.Tensor(Y.astype(int)),
        np.asfortranarray(Y),
    ],
)
def test_labels_of_any_type_train_the_same(labels):
    assert trained(X, labels)[1].cost == pytest.approx(trained(X, Y)[1].cost, rel=1e-12)


@pytest.mark.parametrize(
    "data", [X.tolist(), tg.Tensor(X), np.asfortranarray(X), np.ascontiguousarray(X.T).T, X.astype(">f8")]
)
def test_data_of_any_layout_train_the_same(data):
    assert trained(data, Y)[1].cost == pytest.approx(trained(X, Y)[1].cost, rel=1e-12)


def test_data_are_neither_changed_nor_locked():
    before, labels = X.copy(), Y.copy()
    data = tg.Tensor(X)
    trained(before, labels)
    trained(data, labels)
    before[0, 0] = data.data[0, 0] = labels[0, 0] = 0.5
    np.testing.assert_array_equal(before[:, 1:], X[:, 1:])
    assert data.grad is None


def test_by_hand_by_optimizer_and_by_fit_are_the_same():
    by_fit, history = trained(X, Y)
    by_step, costs = model(), []
    optimizer = tg.optim.SGD(list(by_step.parameters().values()), lr=0.5)
    by_hand = model()
    for _ in range(5):
        optimizer.zero_grad()
        J = by_step.loss(X, Y)
        costs.append(J.item())
        J.backward()
        optimizer.step()
        p = by_hand.parameters()
        for w, g in zip(p.values(), tg.grad(by_hand.loss(X, Y), list(p.values())), strict=True):
            w.data -= 0.5 * g
    assert costs == pytest.approx(history.cost, rel=1e-12)
    for a, b, c in zip(*(m.parameters().values() for m in (by_fit, by_step, by_hand)), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12)
        np.testing.assert_allclose(a.data, c.data, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 3, 7, 19, 20])
def test_a_last_batch_that_is_smaller_counts_by_its_own_size(size):
    m = model()
    weights = {k: p.numpy() for k, p in m.parameters().items()}
    tg.nn.fit(m, X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=1, batch_size=size, shuffle=False)
    other = model()
    for k, p in other.parameters().items():
        p.data = weights[k]
    for start in range(0, 20, size):
        other.loss(X[:, start : start + size], Y[:, start : start + size]).backward()
        for p in other.parameters().values():
            p.data -= 0.1 * p.grad
            p.zero_grad()
    for a, b in zip(m.parameters().values(), other.parameters().values(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-9)


@pytest.mark.parametrize(
    "optimizer",
    [tg.optim.SGD, tg.optim.Momentum, tg.optim.Nesterov, tg.optim.RMSProp, tg.optim.Adam, tg.optim.AdamW],
)
def test_float32_models_stay_float32(optimizer):
    m, history = trained(X, Y, model(dtype=np.float32), optimizer=optimizer(lr=0.01))
    assert {p.dtype for p in m.parameters().values()} == {np.dtype(np.float32)}
    assert np.isfinite(history.cost).all()


@pytest.mark.parametrize(
    "optimizer",
    [tg.optim.SGD, tg.optim.Momentum, tg.optim.Nesterov, tg.optim.RMSProp, tg.optim.Adam, tg.optim.AdamW],
)
def test_the_same_seed_gives_the_same_model(optimizer):
    runs = [trained(X, Y, optimizer=optimizer(lr=0.05), batch_size=6, seed=3)[1].cost for _ in range(2)]
    assert runs[0] == runs[1]
    assert trained(X, Y, optimizer=optimizer(lr=0.05), batch_size=6, seed=4)[1].cost != runs[0]


def test_global_random_state_is_not_touched():
    state = np.random.get_state()[1].copy()  # noqa: NPY002  (that very state is what must not change)
    trained(X, Y, batch_size=4)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_an_exception_in_the_loss_leaves_the_model_usable():
    class Fragile(tg.nn.Sequential):
        calls = 0

        def loss(self, X, Y):
            Fragile.calls += 1
            J = super().loss(X, Y)
            if Fragile.calls == 3:
                raise RuntimeError("interrupted")
            return J

    m = Fragile([tg.nn.Dense(3, 1, "sigmoid", seed=1)])
    with pytest.raises(RuntimeError, match="interrupted"):
        tg.nn.fit(m, X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=10, compile=False)
    assert (T(1.0) * 2).requires_grad
    m.layers[0].W.data[0, 0] = 0.0
    tg.nn.fit(m, X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=2, compile=False)


def test_a_loss_that_counts_its_calls_cannot_be_recorded():
    class Counting(tg.nn.Sequential):
        calls = 0

        def loss(self, X, Y):
            Counting.calls += 1
            J = super().loss(X, Y)
            return J if Counting.calls < 3 else 2 * J

    m = Counting([tg.nn.Dense(3, 1, "sigmoid", seed=1)])
    with pytest.raises(TypeError, match=r"(?s)changes model.calls.*compile=False"):
        tg.nn.fit(m, X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=2)


def test_an_optimizer_moves_one_model_only():
    optimizer = tg.optim.Adam(lr=0.1)
    trained(X, Y, optimizer=optimizer)
    with pytest.raises(ValueError, match="already moves other parameters"):
        trained(X, Y, optimizer=optimizer)


def test_a_second_fit_goes_on_where_the_first_stopped():
    twice, optimizer = model(), tg.optim.Momentum(lr=0.1)
    first = tg.nn.fit(twice, X, Y, optimizer=optimizer, epochs=3).cost
    second = tg.nn.fit(twice, X, Y, optimizer=optimizer, epochs=3).cost
    assert first + second == pytest.approx(
        trained(X, Y, optimizer=tg.optim.Momentum(lr=0.1), epochs=6)[1].cost
    )


def test_a_copy_of_a_model_trains_by_itself():
    m = model()
    other = copy.deepcopy(m)
    before = [p.numpy() for p in m.parameters().values()]
    trained(X, Y, other)
    for p, old in zip(m.parameters().values(), before, strict=True):
        np.testing.assert_array_equal(p.data, old)


def test_frozen_parameters_stay():
    m = model()
    m.layers[0].W.requires_grad = False
    frozen = m.layers[0].W.numpy()
    trained(X, Y, m)
    np.testing.assert_array_equal(m.layers[0].W.data, frozen)


def test_predicting_records_nothing():
    m = model()
    m.predict(X)
    m.accuracy(X, Y)
    m.layers[0].W.data[0, 0] = 3.0


LABELS = {
    "a column": Y.T,
    "a vector": Y[0],
    "one too few": Y[:, 1:],
    "two rows": np.vstack([Y, Y]),
    "twos": Y + 1,
    "signs": 2 * Y - 1,
    "nan": np.where(Y == 1, np.nan, Y),
    "nothing": Y[:, :0],
    "complex": Y + 0j,
    "text": Y.astype(str),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_that_would_broadcast_or_mislead_are_refused(labels):
    for use in (
        lambda: model().loss(X, labels),
        lambda: trained(X, labels),
        lambda: tg.binary_cross_entropy(model()(X), labels),
    ):
        with pytest.raises((ValueError, TypeError)):
            use()


DATA = {
    "transposed": X.T,
    "a vector": X[0],
    "nothing": X[:, :0],
    "nan": np.where(X > 1, np.nan, X),
    "inf": np.where(X > 1, np.inf, X),
    "text": X.astype(str),
    "complex": X + 0j,
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_data_that_mislead_are_refused(data):
    with pytest.raises((ValueError, TypeError), match="X"):
        trained(data, Y)


SETTINGS = [
    {"epochs": -1},
    {"epochs": 1.5},
    {"epochs": "3"},
    {"batch_size": 0},
    {"batch_size": 2.5},
    {"batch_size": -3},
    {"validation": 0.0},
    {"validation": 1.0},
    {"validation": 2.0},
    {"early_stopping": 3},
    {"resume": True},
    {"seed": "a"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises((ValueError, TypeError), match=next(iter(settings))):
        trained(X, Y, **settings)


def test_a_cost_that_explodes_is_told():
    with pytest.warns(UserWarning, match="smaller learning rate"), np.errstate(all="ignore"):
        _, history = trained(
            X, Y, tg.nn.MLP([3, 4, 1], output="linear", seed=1), optimizer=tg.optim.SGD(lr=1e200), epochs=50
        )
    assert len(history.cost) < 50
    assert history.stopped


def test_a_gradient_of_another_shape_is_refused():
    w = T([1.0, 2.0], name="w")
    optimizer = tg.optim.SGD([w], lr=0.1)
    for gradients in ([np.ones(3)], [np.ones((2, 2))], np.ones(2), {"v": np.ones(2)}, []):
        with pytest.raises((ValueError, TypeError)):
            optimizer.step(gradients=gradients)
    assert w.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda w: tg.optim.SGD([w, w], lr=0.1),
        lambda w: tg.optim.SGD([3.0], lr=0.1),
        lambda w: tg.optim.SGD([w * 2], lr=0.1),
        lambda w: tg.optim.SGD([tg.Tensor([1])], lr=0.1),
        lambda w: tg.optim.SGD([w], lr=-1),
        lambda w: tg.optim.Adam([w], lr=np.nan),
        lambda w: tg.optim.Adam([w], lr=0.1, beta1=1.0),
        lambda w: tg.optim.SGD([w], lr="fast"),
    ],
)
def test_optimizers_that_cannot_work_are_refused(make):
    with pytest.raises((ValueError, TypeError)):
        make(T([1.0, 2.0]))
