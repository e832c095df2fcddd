"""Parameters in any structure; one recording for each signature; names in the source."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg

X = np.arange(6.0).reshape(2, 3)


class Layer(NamedTuple):
    W: Any
    b: Any


def test_gradients_have_the_structure_of_the_parameters() -> None:
    def loss(params: Any, X: Any) -> Any:
        return np.sum(params["layers"][0].W @ X + params["layers"][0].b) + np.sum(params["pair"][1] ** 2)

    params = {"layers": [Layer(np.ones((1, 2)), np.zeros((1, 1)))], "pair": (np.ones(2), np.full(2, 3.0))}
    _, grads = tg.compile(loss)(params, X)
    assert isinstance(grads["layers"][0], Layer)
    assert grads["layers"][0].W.tolist() == [[3.0, 12.0]]
    assert isinstance(grads["pair"], tuple)
    assert [g.tolist() for g in grads["pair"]] == [[0.0, 0.0], [6.0, 6.0]]  # the first takes no part


class ByAttribute(dict[str, Any]):
    __getattr__ = dict.__getitem__


class OwnAttributes(dict[str, Any]):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.__dict__ = self


@pytest.mark.parametrize("kind", [ByAttribute, OwnAttributes, OrderedDict])
def test_a_dict_of_a_class_of_its_own_stays_one(kind: Any) -> None:
    params = kind(W=np.array([1.0, 2.0]), b=np.zeros(1))

    def loss(p: Any) -> Any:
        return np.sum((p["W"] if kind is OrderedDict else p.W) ** 2 + p["b"])

    J, grads = tg.compile(loss)(params)
    assert (type(grads), pytest.approx(J)) == (kind, 5.0)
    assert grads["W"].tolist() == [2.0, 4.0]


def test_arrays_tensors_and_numbers_are_parameters() -> None:
    step = tg.compile(lambda p: np.sum(p[0] * p[1]) * p[2])
    J, (da, db, dc) = step([np.array([1.0, 2.0]), tg.Tensor([3.0, 4.0]), 2.0])
    assert J == 22.0
    assert (da.tolist(), db.tolist(), float(dc)) == ([6.0, 8.0], [2.0, 4.0], 11.0)
    assert all(type(g) is np.ndarray for g in (da, db, dc))


@pytest.mark.parametrize("fixed", [np.array([1, 2]), tg.Tensor([1.0, 2.0], requires_grad=False)])
def test_the_gradient_of_what_has_none_is_zero(fixed: Any) -> None:
    for params in ({"k": fixed, "w": np.ones(2)}, {"w": np.ones(2), "k": fixed}):
        J, grads = tg.compile(lambda p: np.sum(p["w"] * p["k"]))(params)
        assert (J, grads["w"].tolist(), grads["k"].tolist()) == (3.0, [1.0, 2.0], [0.0, 0.0])


def test_one_array_is_a_structure_too() -> None:
    J, grad = tg.compile(lambda w: np.sum(w**2))(np.array([1.0, 2.0]))
    assert (J, grad.tolist()) == (5.0, [2.0, 4.0])


def test_a_model_may_read_its_own_tensors() -> None:
    model = tg.nn.MLP([2, 3, 1], seed=1)
    params = model.parameters()
    Y = np.array([[0.0, 1.0, 1.0]])
    step = tg.compile(lambda params, X, Y: model.loss(X, Y))
    J, grads = step(params, X, Y)
    expected = model.loss(X, Y)
    for g, e in zip(grads.values(), tg.grad(expected, list(params.values())), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-15)
    assert pytest.approx(expected.item()) == J
    params["W1"].data[...] = 0.0  # the values of the moment, not those of the recording
    assert step(params, X, Y)[0] == pytest.approx(model.loss(X, Y).item())


def test_constants_found_elsewhere_are_read_anew() -> None:
    scale = tg.Tensor(2.0, requires_grad=False)
    step = tg.compile(lambda w: np.sum(w) * scale)
    assert step(np.ones(3))[0] == 6.0
    scale.data = 3.0
    assert step(np.ones(3))[0] == 9.0


def test_each_signature_is_recorded_once() -> None:
    recorded = []

    def loss(w: Any, X: Any) -> Any:
        recorded.append((w.shape, w.dtype, X.shape))
        return np.sum(w @ X)

    step = tg.compile(loss)
    w = np.ones((1, 2))
    for x in (X, X + 1, X[:, :2], X, X[:, :2]):
        assert step(w, x)[0] == x.sum()
    assert len(recorded) == 2
    step(w.astype(np.float32), X.astype(np.float32))
    assert len(recorded) == 3


def test_many_signatures_are_warned_about() -> None:
    step = tg.compile(np.sum)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 17):
            step(np.ones(n))
    with pytest.warns(RuntimeWarning, match="17th combination of shapes"):
        step(np.ones(17))


def test_results_of_one_call_survive_the_next() -> None:
    step = tg.compile(lambda w, X: np.sum((w @ X) ** 2))
    _, first = step(np.ones((1, 2)), X)
    kept = first.copy()
    step(np.full((1, 2), 5.0), X)
    np.testing.assert_array_equal(first, kept)


def test_gradients_do_not_share_memory() -> None:
    _, (da, db) = tg.compile(lambda p: np.sum(p[0] + p[1]))([np.ones(3), np.ones(3)])
    da += 1
    assert db.tolist() == [1.0, 1.0, 1.0]


def test_inputs_are_left_alone() -> None:
    w, x = np.ones((1, 2)), X.copy()
    w.setflags(write=False)
    x.setflags(write=False)
    tg.compile(lambda w, X: np.sum(np.maximum(w @ X, 0) ** 2))(w, x)


def test_threads_may_share_a_step() -> None:
    step = tg.compile(lambda w, X: np.sum(np.tanh(w @ X)))
    many = np.random.default_rng(0).normal(size=(8, 4, 50))
    w = np.ones((3, 4))
    expected = [np.sum(np.tanh(w @ x)) for x in many]
    found: dict[int, set[float]] = {k: set() for k in range(8)}

    def work(k: int) -> None:
        for _ in range(50):
            found[k].add(round(step(w, many[k])[0] - expected[k], 9))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: {0.0} for k in range(8)}


def test_the_source_has_the_names_of_the_function() -> None:
    def loss(params: Any, X: Any) -> Any:
        Z = params["W"] @ X
        A = np.tanh(Z)
        return np.sum(A)

    step = tg.compile(loss)
    step({"W": np.ones((1, 2))}, X)
    assert step.source.startswith("def step(W, X):")
    assert "Z = np.dot(W, X" in step.source
    assert "A = np.tanh(Z" in step.source
    assert step.graph.find("Z").op is tg.matmul
    assert any("Z" in {name for name, _, _ in buffer.holds} for buffer in step.buffers)


def test_before_the_first_call_there_is_nothing_to_show() -> None:
    with pytest.raises(RuntimeError, match="recorded when it is first called"):
        _ = tg.compile(lambda w: w).source


@pytest.mark.slow
def test_a_long_chain_compiles() -> None:
    def loss(w: Any) -> Any:
        total = w
        for k in range(1000):
            total = np.tanh(total + w * float(k % 3))
        return np.sum(total)

    w = np.linspace(-1.0, 1.0, 5)
    J, grad = tg.compile(loss)(w)
    t = tg.Tensor(w)
    expected = loss(t)
    assert pytest.approx(expected.item(), rel=1e-12) == J
    np.testing.assert_allclose(grad, tg.grad(expected, [t])[0], rtol=1e-10)
