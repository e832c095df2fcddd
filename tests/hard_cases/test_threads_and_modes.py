"""no_grad and scope among threads, tasks and exceptions; graphs built at once; locks that come undone."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T


def records():
    return (T(1.0) * 2).requires_grad


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("block", [tg.no_grad, lambda: tg.scope("a")])
def test_every_way_out_restores(block, error):
    with pytest.raises(error), block():
        raise error
    assert records()
    assert (T(1.0) * 2).scope == ()


def test_a_decorated_function_that_raises_restores():
    @tg.no_grad()
    def fail():
        raise ValueError("out")

    with pytest.raises(ValueError, match="out"):
        fail()
    assert records()


def test_decorated_recursion_and_threads():
    @tg.no_grad()
    def depth(n):
        return not records() if n == 0 else depth(n - 1) and not records()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(depth, [5] * 20))
    assert records()


def test_one_block_entered_twice():
    block = tg.no_grad()
    with block:
        with block:
            assert not records()
        assert not records()
    assert records()


def test_other_threads_record_meanwhile():
    inside, done = threading.Event(), threading.Event()
    seen = []

    def other():
        inside.wait(5)
        seen.append(records())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with tg.no_grad(), tg.scope("here"):
        inside.set()
        done.wait(5)
        assert not records()
    thread.join()
    assert seen == [True]


def test_tasks_do_not_see_each_other_s_blocks():
    async def quiet():
        with tg.no_grad():
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return records()

    async def loud():
        await asyncio.sleep(0)
        return records()

    async def both():
        return await asyncio.gather(quiet(), loud(), quiet(), loud())

    assert asyncio.run(both()) == [False, True, False, True]


def test_scopes_nest_and_belong_to_what_was_recorded_inside():
    x = T(1.0)
    with tg.scope("outer"):
        y = x * 2
        with tg.scope("inner"):
            z = y * 2
        w = z * 2
    assert (x.scope, y.scope, z.scope, w.scope) == ((), ("outer",), ("outer", "inner"), ("outer",))


@pytest.mark.parametrize("name", [None, "", 3, ["a"]])
def test_a_scope_needs_a_name(name):
    with pytest.raises(TypeError, match="name"):
        tg.scope(name)


def test_many_threads_build_and_differentiate_on_shared_parameters():
    W = T(np.ones((8, 8)), name="W")
    errors, found = [], []

    def work(k):
        try:
            for _ in range(30):
                (g,) = tg.grad(np.sum(np.tanh(W * (k + 1.0))), [W])
            found.append((k, g))
        except Exception as error:  # noqa: BLE001  (a thread's errors would pass unseen)
            errors.append(repr(error))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert errors == []
    for k, g in found:
        np.testing.assert_allclose(g, (k + 1) * (1 - np.tanh(k + 1.0) ** 2) * np.ones((8, 8)))
    W.data[0, 0] = 2.0


def test_one_graph_differentiated_in_several_threads():
    x = T(np.arange(1.0, 5.0))
    J = np.sum(np.exp(x) * x)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: tg.grad(J, [x])[0], range(16)))
    for g in results:
        np.testing.assert_allclose(g, np.exp(x.data) * (1 + x.data))


def test_errors_inside_an_operation_leave_no_lock_and_no_mode():
    w = T(np.ones((2, 3)), name="w")
    for wrong in (
        lambda: w @ w,
        lambda: np.concatenate([w, np.ones(3)]),
        lambda: w[9],
        lambda: np.reshape(w, (7,)),
        lambda: w + np.ones(5),
    ):
        with pytest.raises((ValueError, IndexError)):
            wrong()
    w.data[0, 0] = 5.0
    assert records()


def test_an_error_inside_backward_leaves_nothing_half_done():
    x = T([1.0, 2.0])
    U = np.linalg.svd(np.eye(2) * np.sum(x))[0]  # has no derivative: two singular values coincide
    J = np.sum(U) + np.sum(x * x)
    with pytest.raises(np.linalg.LinAlgError):
        J.backward()
    assert x.grad is None
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda J, w: J.backward(),
        lambda J, w: tg.grad(J, [w]),
        lambda J, w: tg.grad(J, [w], create_graph=True),
        lambda J, w: None,
    ],
)
def test_graphs_go_without_the_cycle_collector(differentiate):
    import weakref

    gc.collect()
    gc.disable()
    try:
        w = T(np.ones((3, 3)))
        with tg.scope("s"):
            hidden = np.tanh(w @ w)
            J = np.sum(tg.softmax(hidden, axis=0)[[0, 0]])
        seen = [weakref.ref(hidden), weakref.ref(J)]
        differentiate(J, w)
        del hidden, J
        assert [r() for r in seen] == [None, None]
    finally:
        gc.enable()


def test_graphs_in_a_cycle_let_go_when_the_collector_takes_them():
    """As in a notebook, where a traceback keeps the frame that keeps the error."""

    def in_a_cycle():
        w = T(np.ones(3))
        loop = [w, (w * w).sum()]
        loop.append(loop)
        return w.data

    arrays = [in_a_cycle() for _ in range(20)]
    gc.collect()
    assert all(array.flags.writeable for array in arrays)


def test_arrays_that_come_to_lie_where_such_a_graph_lay_are_not_locked():
    def in_a_cycle():
        w = T(np.ones(3))
        loop = [w, (w * w).sum()]
        loop.append(loop)

    for _ in range(50):
        in_a_cycle()
    gc.collect()
    for _ in range(200):
        w = T(np.ones(3))
        (w * w).sum().backward()
        w.data[0] = 2.0
