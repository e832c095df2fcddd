"""Several threads record and differentiate at once, each as if it were alone."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core import guard
from tinygrad_edu.core.call_sites import parsed

THREADS = 8


@pytest.fixture(autouse=True)
def _switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(task):
    """The task's results for 0, 1, 2 ..., started together; an exception in one is raised."""
    start = threading.Barrier(THREADS)

    def run(k):
        start.wait()
        return task(k)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_graphs_built_at_once_do_not_disturb_one_another():
    def train(k):
        rng = np.random.default_rng(k)
        X, w = rng.normal(size=(3, 20)), tg.Tensor(rng.normal(size=(1, 3)))
        for _ in range(20):
            w.zero_grad()
            np.mean(tg.sigmoid(w @ X) ** 2).backward()
            w.data -= 0.1 * w.grad
        return w.numpy()

    np.testing.assert_array_equal(in_threads(train), [train(k) for k in range(THREADS)])


def test_threads_share_parameters():
    w = tg.Tensor(np.arange(5.0), name="w")

    def gradient(k):
        return [tg.grad(np.sum(w * w * float(k)), [w])[0] for _ in range(50)][-1]

    np.testing.assert_array_equal(in_threads(gradient), [2 * k * np.arange(5.0) for k in range(THREADS)])
    w.data[0] = 1.0  # every lock was given back


def test_a_lock_holds_until_the_last_thread_is_done():
    w = tg.Tensor(np.ones(3))
    recorded, go_on = threading.Barrier(2), threading.Barrier(2)

    def other():
        J = np.sum(w * w)
        recorded.wait()
        go_on.wait()
        J.backward()

    thread = threading.Thread(target=other)
    thread.start()
    recorded.wait()
    np.sum(w * 2.0).backward()
    with pytest.raises(ValueError, match="read-only"):
        w.data[0] = 5.0
    go_on.wait()
    thread.join()
    w.data[0] = 5.0


def test_locks_are_counted_safely():
    w = tg.Tensor(np.ones(3))

    def record_and_drop(k):
        for _ in range(300):
            u = w * 2.0
            assert not w.data.flags.writeable
            del u

    in_threads(record_and_drop)
    assert w.data.flags.writeable
    assert id(w.data) not in guard._held


def test_a_shared_graph_is_differentiated_by_several():
    w = tg.Tensor(np.arange(4.0))
    J = np.sum(np.exp(w) * w)
    expected = np.exp(np.arange(4.0)) * (1 + np.arange(4.0))
    for found in in_threads(lambda k: tg.func.grad(lambda v: np.sum(np.exp(v) * v))(w.data)):
        np.testing.assert_allclose(found, expected)
    for (found,) in in_threads(lambda k: tg.grad(J, [w])):
        np.testing.assert_allclose(found, expected)


def test_no_grad_is_the_thread_s_own():
    w, inside = tg.Tensor(1.0), threading.Event()

    def silent():
        with tg.no_grad():
            inside.set()
            return [(w * 2.0).requires_grad for _ in range(200)]

    def loud():
        inside.wait()
        return [(w * 2.0).requires_grad for _ in range(200)]

    with ThreadPoolExecutor(2) as pool:
        quiet, heard = pool.submit(silent), pool.submit(loud)
    assert not any(quiet.result())
    assert all(heard.result())


def test_scopes_are_the_thread_s_own():
    def scoped(k):
        with tg.scope(f"thread {k}"):
            return (tg.Tensor(1.0) * 2.0).scope

    assert in_threads(scoped) == [(f"thread {k}",) for k in range(THREADS)]


def test_no_grad_is_the_task_s_own():
    async def task(silent):
        if silent:
            with tg.no_grad():
                await asyncio.sleep(0)
                return (tg.Tensor(1.0) * 2.0).requires_grad
        await asyncio.sleep(0)
        return (tg.Tensor(1.0) * 2.0).requires_grad

    async def both():
        return await asyncio.gather(task(True), task(False))

    assert asyncio.run(both()) == [False, True]


def test_a_decorated_function_runs_in_several_threads():
    w = tg.Tensor(1.0)

    @tg.no_grad()
    def silent(k):
        return [(w * 2.0).requires_grad for _ in range(100)]

    assert not any(map(any, in_threads(silent)))
    assert (w * 2.0).requires_grad


def test_source_is_read_by_one_at_a_time():
    """Python before 3.13 gives a SystemError where two threads are inside ``ast.parse``."""

    def another_thread_s_turn(*_):
        time.sleep(0)

    often = gc.get_threshold()
    gc.set_threshold(50)
    gc.callbacks.append(another_thread_s_turn)  # the collector is all that lets another thread in
    try:
        trees = in_threads(lambda k: [parsed("x = (a + 1) * [b]\n" * 20) for _ in range(5)])
    finally:
        gc.callbacks.remove(another_thread_s_turn)
        gc.set_threshold(*often)
    assert {len(tree.body) for mine in trees for tree in mine} == {20}
