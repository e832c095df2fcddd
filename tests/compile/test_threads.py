"""Tiles on several threads: the same bits as on one, the same errors, and nothing left behind."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import get_ident
from time import sleep
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compile.stopped import interrupted_at
from tests.random_programs.programs import draw
from tinygrad_edu.compiler import blas, rows, threads, tiles

ACTIVATIONS: tuple[Callable[[Any], Any], ...] = (
    tg.relu,
    tg.sigmoid,
    np.tanh,
    np.sin,
    tg.softplus,
    lambda Z: Z * tg.sigmoid(Z),
    lambda Z: np.where(Z > 0, Z, 0.1 * Z),
    lambda Z: Z / (1 + np.abs(Z)),
    lambda Z: tg.softmax(Z, axis=0),
    lambda Z: Z - np.mean(Z, axis=0, keepdims=True),
)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = tg.get_num_threads()
    yield
    tg.set_num_threads(before)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is small is cut as well."""
    for name, value in {"CACHE": 1 << 12, "SHORTEST": 16}.items():
        monkeypatch.setattr(tiles, name, value)
    monkeypatch.setattr(rows, "WORTH", 64)
    monkeypatch.setattr(rows, "PART", 24)


def network(seed: int) -> tuple[Callable[..., Any], list[Any], Any, Any]:
    """A random network on a random number of examples, with its parameters and data."""
    rng = np.random.default_rng(seed)
    dtype = (np.float64, np.float32)[seed % 2]
    dims = [int(rng.integers(8, 40)), *rng.integers(1, 6, size=rng.integers(1, 4)).tolist()]
    m = int(rng.integers(400, 900))
    used = [ACTIVATIONS[k] for k in rng.integers(len(ACTIVATIONS), size=len(dims))]
    square = bool(rng.integers(2))

    def loss(p: Any, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, len(dims)):
            A = used[l](p[2 * l - 2] @ A + p[2 * l - 1])
        if square:
            return np.mean((A - Y) ** 2)
        return tg.binary_cross_entropy_with_logits(A, Y) + 1e-3 * np.sum(p[0] ** 2)

    params: list[Any] = []
    for k, n in pairwise(dims):
        params += [rng.normal(size=(n, k)).astype(dtype) / 4, rng.normal(size=(n, 1)).astype(dtype)]
    X = rng.normal(size=(dims[0], m)).astype(dtype)
    return loss, params, X, (rng.random((dims[-1], m)) < 0.5).astype(dtype)


def bits(results: Any) -> list[bytes]:
    J, grads = results
    return [np.float64(J).tobytes(), *(g.tobytes() for g in grads)]


@pytest.mark.slow
@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("first", range(0, 200, 50))
def test_the_same_bits_on_any_number_of_threads(first: int) -> None:
    """100 networks that are cut into tiles, and 100 programs of any kind."""
    cut = 0
    for seed in range(first, first + 50):
        loss, params, *data = network(seed)
        if seed % 2:
            program = draw(seed)
            loss, params, data = (lambda leaves, p=program: p.run(np, leaves)), list(program.leaves), []
        step = tg.compile(loss)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tg.OuterBroadcastWarning)  # spread on purpose
            tg.set_num_threads(1)
            expected = bits(step(params, *data))
        cut += "spread(" in step.source
        for n in (2, 3, 8):
            tg.set_num_threads(n)
            for _ in range(2):
                assert bits(step(params, *data)) == expected, f"seed {seed} on {n} threads\n{step.source}"
    assert cut >= 15


@pytest.mark.slow
def test_lines_in_parts_of_the_rows_give_the_same_bits_as_whole_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In parts one after another, and on threads: no part writes to what another one has yet to read."""
    cut = 0
    for seed in range(60):
        program = draw(seed)
        loss = lambda leaves, p=program: p.run(np, leaves)  # noqa: E731
        found = []
        for worth, n in ((1 << 21, 1), (64, 1), (64, 3)):
            monkeypatch.setattr(rows, "WORTH", worth)
            monkeypatch.setattr(rows, "PART", 24)
            tg.set_num_threads(n)
            step = tg.compile(loss)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", tg.OuterBroadcastWarning)
                found.append(bits(step(list(program.leaves))))
        cut += step.source.count("in_parts(")
        assert found[0] == found[1] == found[2], f"seed {seed}\n{step.source}"
    assert cut >= 30


def test_the_lines_between_products_are_done_in_parts_where_they_are_large() -> None:
    rng = np.random.default_rng(0)

    def loss(p: Any, X: Any) -> Any:
        return np.sum(np.tanh(p[0] @ X + p[1]) ** 2)

    p = [rng.normal(size=(80, 3)), rng.normal(size=(80, 1))]
    step = tg.compile(loss)
    step(p, rng.normal(size=(3, 400)))
    assert "in_parts(" not in step.source
    X = rng.normal(size=(3, 4000))
    J, (dW, db) = step(p, X)
    assert step.source.count("in_parts(") == 2
    Z = p[0] @ X + p[1]
    dZ = 2 * np.tanh(Z) * (1 - np.tanh(Z) ** 2)
    assert np.sum(np.tanh(Z) ** 2) == pytest.approx(J, rel=1e-12)
    np.testing.assert_allclose(dW, dZ @ X.T, rtol=1e-9)
    np.testing.assert_allclose(db, dZ.sum(axis=1, keepdims=True), rtol=1e-9)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("seed", range(12))
def test_parts_add_up_to_the_eager_result(seed: int) -> None:
    loss, params, X, Y = network(seed)
    tensors = [tg.Tensor(p) for p in params]
    J = loss(tensors, X, Y)
    tg.set_num_threads(3)
    found, grads = tg.compile(loss)(params, X, Y)
    tolerance = 1e-10 if X.dtype == np.float64 else 1e-4
    assert found == pytest.approx(J.item(), rel=tolerance)
    for g, e in zip(grads, tg.grad(J, tensors), strict=True):
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance * np.abs(e).max())


def logistic(m: int = 3000) -> tuple[Callable[..., Any], Any, Any, Any]:
    rng = np.random.default_rng(0)

    def loss(w: Any, X: Any, Y: Any) -> Any:
        return tg.binary_cross_entropy_with_logits(w @ X, Y)

    return loss, rng.normal(size=(1, 20)), rng.normal(size=(20, m)), (rng.random((1, m)) < 0.5) * 1.0


def overflowing(w: Any, X: Any, Y: Any) -> Any:
    return np.sum(np.exp(w @ X) * Y)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_errstate_holds_in_every_tile(n: int) -> None:
    _, w, X, Y = logistic()
    X[:, -1] = 1e5 * np.sign(w[0])
    step = tg.compile(overflowing)
    tg.set_num_threads(n)
    with np.errstate(over="ignore", invalid="ignore"):
        step(w, X, Y)
    assert "spread(" in step.source
    with (
        np.errstate(over="raise", invalid="ignore"),
        pytest.raises(FloatingPointError, match="overflow encountered in exp"),
    ):
        step(w, X, Y)
    with pytest.warns(RuntimeWarning, match="overflow encountered in exp"), np.errstate(invalid="ignore"):
        step(w, X, Y)


@pytest.mark.parametrize("n", [1, 2, 8])
def test_the_error_is_that_of_the_first_part_that_has_one(n: int) -> None:
    tg.set_num_threads(n)
    done: list[int] = []

    def part(k: int) -> None:
        if k in (11, 12, 13, 30):
            raise ValueError(f"part {k}")
        done.append(k)

    for _ in range(20):
        with pytest.raises(ValueError, match="part 11"):
            threads.spread(part, 40, lambda thread: ())
    assert sorted(set(done) & set(range(11))) == list(range(11))


@pytest.mark.usefixtures("small_tiles")
def test_buffers_count_those_of_every_thread() -> None:
    loss, *given = logistic()
    step = tg.compile(loss)
    sizes = {}
    for n in (1, 2, 3):
        tg.set_num_threads(n)
        step(*given)
        sizes[n] = [b for b in step.buffers if b.thread is not None]
        assert {b.thread for b in sizes[n]} == set(range(n))
        ends = sorted((b.offset, b.offset + b.nbytes, b.thread) for b in step.buffers if b.thread is not None)
        for (_, end, one), (start, _, other) in pairwise(ends):
            assert one == other or end <= start
    assert len(sizes[3]) == 3 * len(sizes[1]) > 0


@pytest.mark.usefixtures("small_tiles")
def test_an_interrupt_at_any_line_leaves_no_thread_at_work() -> None:
    loss, *given = logistic(600)
    step = tg.compile(loss)
    tg.set_num_threads(3)
    expected = bits(step(*given))
    n = 1
    while interrupted_at(lambda: step(*given), n):
        assert bits(step(*given)) == expected
        n += 7
    assert n > 50
    step(*given)
    assert not blas.BLAS.users


@pytest.mark.usefixtures("small_tiles")
def test_threads_of_the_users_may_call_the_same_step() -> None:
    loss, *given = logistic()
    step = tg.compile(loss)
    tg.set_num_threads(3)
    expected = bits(step(*given))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: bits(step(*given)), range(40)):
            assert found == expected


several_cores = pytest.mark.skipif(
    threads._this_core is None or len(os.sched_getaffinity(0)) < 2,
    reason="threads cannot be told apart by cores",
)


@several_cores
def test_caller_and_helper_are_on_cores_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    tg.set_num_threads(2)
    monkeypatch.setattr(threads, "_idle", [])  # helpers of an earlier number of threads may still be ending
    monkeypatch.setattr(threads, "_all", set())
    allowed: dict[int, set[int]] = {}

    def part(k: int) -> None:
        sleep(0.01)  # until the other one has taken a part
        allowed[get_ident()] = os.sched_getaffinity(0)

    for _ in range(100):  # on a busy machine the caller may be done before the helper begins
        threads.spread(part, 4, lambda thread: ())
        if len(allowed) > 1:
            break
    mine = allowed.pop(get_ident())
    (helpers,) = allowed.values()
    assert len(mine) == 1
    assert mine.isdisjoint(helpers)


@several_cores
def test_after_a_loop_the_caller_runs_where_it_did() -> None:
    tg.set_num_threads(2)
    before = os.sched_getaffinity(0)

    def fails(k: int) -> None:
        raise ValueError("a part")

    with pytest.raises(ValueError, match="a part"):
        threads.spread(fails, 4, lambda thread: ())
    assert os.sched_getaffinity(0) == before


@several_cores
def test_what_an_interrupted_end_left_is_mended_by_the_next_loop() -> None:
    tg.set_num_threads(2)
    before = os.sched_getaffinity(0)
    n = 1
    while interrupted_at(lambda: threads.spread(lambda k: None, 4, lambda thread: ()), n):
        threads.spread(lambda k: None, 4, lambda thread: ())
        assert os.sched_getaffinity(0) == before
        n += 1
    assert n > 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.usefixtures("small_tiles")
def test_a_forked_process_has_threads_of_its_own() -> None:
    loss, *given = logistic()
    step = tg.compile(loss)
    tg.set_num_threads(2)
    expected = bits(step(*given))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python and of an imported JAX, about their threads
        child = os.fork()
    if child == 0:  # nothing of pytest's may run here
        same = False
        try:
            same = bits(step(*given)) == expected
        finally:
            os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert bits(step(*given)) == expected


def test_the_number_is_asked_for_in_words() -> None:
    with pytest.raises(ValueError, match="set_num_threads: expected at least 1 thread, got 0"):
        tg.set_num_threads(0)
    for wrong in (1.5, "2", True, None):
        with pytest.raises(TypeError, match=re.escape(f"a whole number of threads, got {wrong!r}")):
            tg.set_num_threads(wrong)  # type: ignore[arg-type]
    tg.set_num_threads(np.int64(3))
    assert tg.get_num_threads() == 3


def test_by_default_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert threads._allowed() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= threads._allowed() <= (os.cpu_count() or 1)
