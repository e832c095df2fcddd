"""What a graph costs, and that it goes when its last result does, without the cyclic garbage collector."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg


@pytest.fixture(autouse=True)
def _without_the_collector():
    gc.collect()
    gc.freeze()  # what other tests left is not counted
    gc.disable()
    yield
    gc.enable()


def network():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 50)), (rng.random((1, 50)) < 0.5) * 1.0
    params = {"W1": (5, 4), "b1": (5, 1), "W2": (1, 5), "b2": (1, 1)}
    params = {name: tg.Tensor(rng.normal(size=shape) * 0.1, name=name) for name, shape in params.items()}

    def cost():
        with tg.scope("layer 1"):
            A1 = np.tanh(params["W1"] @ X + params["b1"])
        with tg.scope("layer 2"):
            Z2 = params["W2"] @ A1 + params["b2"]
        return tg.binary_cross_entropy_with_logits(Z2, Y)

    return params, cost


def step_with_backward(params, cost):
    for p in params.values():
        p.zero_grad()
    cost().backward()
    for p in params.values():
        p.data -= 0.1 * p.grad


def step_with_grad(params, cost):
    for p, g in zip(params.values(), tg.grad(cost(), list(params.values())), strict=True):
        p.data -= 0.1 * g


def step_without_backward(params, cost):
    cost()


def step_of_second_order(params, cost):
    slopes = tg.grad(cost(), list(params.values()), create_graph=True)
    sum(np.sum(s * s) for s in slopes).backward()


def step_that_fails(params, cost):
    with pytest.raises(ValueError, match="matmul"):
        params["W1"] @ params["b2"] @ params["W1"]


STEPS = {
    step_with_backward: 100,
    step_with_grad: 100,
    step_without_backward: 100,
    step_of_second_order: 100,
    step_that_fails: 20,  # the message looks up every caller's variables
}


@pytest.mark.parametrize(("step", "times"), STEPS.items())
def test_training_steps_leave_no_growth(step, times):
    params, cost = network()
    for _ in range(times // 2):
        step(params, cost)
    gc.collect()
    tracemalloc.start()
    step(params, cost)
    growth, in_cycles = [], []
    for _ in range(3):  # what leaks does so each time; what happens once is another thread's, or Python's
        gc.collect()  # gives Python's lists of spare tuples back, too
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(times):
            step(params, cost)
        in_cycles.append(gc.collect())
        growth.append(tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    assert min(growth) < times * 100  # a third of what a single node takes
    assert min(in_cycles) == 0


RECORDINGS = {
    "operators": lambda x: np.sum(3.0 * (x + x * x)),
    "settings": lambda x: np.mean(x.reshape(2, 5), axis=0).sum(),
    "indexing": lambda x: x[[0, 0, 1]].sum() + x[2],
    "joining": lambda x: np.sum(np.concatenate([x, x * 2.0])),
    "matrices": lambda x: np.linalg.norm(np.outer(x, x) + np.eye(10)),
    "networks": lambda x: tg.softmax_cross_entropy(tg.relu(x.reshape(2, 5)), np.eye(2, 5)),
}


DIFFERENTIATIONS = {
    "not at all": lambda J, x: None,
    "backward": lambda J, x: J.backward(),
    "retained": lambda J, x: J.backward(retain_graph=True),
    "grad": lambda J, x: tg.grad(J, [x]),
    "create_graph": lambda J, x: tg.grad(J, [x], create_graph=True),
    "program": lambda J, x: str(tg.Program.of(J)),
}


@pytest.mark.parametrize("record", RECORDINGS.values(), ids=list(RECORDINGS))
@pytest.mark.parametrize("differentiate", DIFFERENTIATIONS.values(), ids=list(DIFFERENTIATIONS))
def test_a_graph_holds_no_reference_cycle(record, differentiate):
    x = tg.Tensor(np.linspace(0.5, 2.0, 10))

    def of_a_graph_that_was_dropped():
        J = record(x)
        differentiate(J, x)
        return [weakref.ref(J), *(weakref.ref(parent) for parent in J.inputs if parent is not x)]

    gone = of_a_graph_that_was_dropped()
    assert all(r() is None for r in gone)
    x.data[0] = 1.0


def test_a_failed_pass_leaves_no_cycle():
    x = tg.Tensor([1.0, 2.0])
    J = np.sum(x * x)
    x.data = [3.0, 4.0]
    failed = False
    try:  # pytest.raises may keep the traceback, and with it J
        J.backward()
    except tg.StaleGraphError:
        failed = True
    assert failed
    gone = weakref.ref(J)
    del J
    assert gone() is None


def test_function_transforms_leave_nothing_behind():
    tg.func.hessian(lambda x: np.sum(x**3))(np.ones(3))
    before = len(gc.get_objects())
    for _ in range(20):
        tg.func.hessian(lambda x: np.sum(x**3))(np.ones(3))
    assert len(gc.get_objects()) - before < 20


def test_grad_keeps_no_intermediate_gradient():
    x = tg.Tensor(np.ones(10))
    u = x * 2.0
    tg.grad(np.sum(u * u), [x])
    assert u.grad is None
    assert x.grad is None


# long chains

MANY = 100_000


def test_a_hundred_thousand_operations():
    """No recursion, on the way forward, back, and out. (How the work grows: test_deep_chains.)"""
    x = tg.Tensor(1.0)
    J = x
    for _ in range(MANY):
        J = J + 1.0
    J.backward()
    assert J.item() == MANY + 1.0
    assert x.grad == 1.0
    gone = weakref.ref(J)
    del J
    assert gone() is None


@pytest.mark.parametrize("differentiated", [False, True])
def test_the_bytes_of_a_node(differentiated):
    n, entries = 10_000, 8
    x = tg.Tensor(np.ones(entries))
    tracemalloc.start()
    J = x
    for _ in range(n):
        J = J * 1.0
    array = J.data.nbytes + J.data.__sizeof__() - J.data.nbytes  # an array object and its entries
    if differentiated:
        J.backward(np.ones(entries))
    arrays = (array + entries * 8) * (2 if differentiated else 1)
    bytes_of_a_node = tracemalloc.get_traced_memory()[0] / n - arrays
    peak = tracemalloc.get_traced_memory()[1] / n - arrays
    tracemalloc.stop()
    assert bytes_of_a_node < 600
    assert peak < 600


def test_wide_sharing_costs_one_visit_a_node():
    x = tg.Tensor(1.0)
    J = x
    for _ in range(200):  # 2^200 paths
        J = J + J * 1e-3
    J.backward()
    np.testing.assert_allclose(x.grad, 1.001**200)
