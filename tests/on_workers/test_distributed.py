"""Training on Dask workers: the result of one machine, whatever the shards, batches, or a worker's death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

distributed = pytest.importorskip("distributed")
arrays = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")

pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 61))
Y = (X.sum(axis=0, keepdims=True) > 0) * 1.0


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers in this process, which is quick."""
    settings: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    cluster = distributed.LocalCluster(processes=False, **settings)
    with cluster, distributed.Client(cluster) as client:
        yield client


def model(**settings: Any) -> Any:
    return tg.nn.MLP([5, 7, 1], activation="tanh", seed=1, **settings)


def values(net: Any) -> list[Any]:
    return [p.data for p in net.parameters().values()]


def on_one_machine(net: Any, **settings: Any) -> Any:
    return tg.nn.fit(net, X, Y, **settings)


def in_chunks(n: int = 13) -> tuple[Any, Any]:
    return arrays.from_array(X, chunks=(3, n)), arrays.from_array(Y, chunks=(1, 20))


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("settings", [{}, {"l2": 0.7}, {"l1": 0.3}])
@pytest.mark.parametrize("optimizer", [lambda: tg.optim.SGD(lr=0.3), lambda: tg.optim.Adam(lr=0.05)])
def test_it_is_the_training_of_one_machine(
    batch_size: int | None, settings: dict[str, Any], optimizer: Any, client: Any
) -> None:
    one, many = model(), model()
    for net in (one, many):
        for name, value in settings.items():
            setattr(net, name, value)
    common: dict[str, Any] = {"epochs": 4, "batch_size": batch_size, "seed": 3}
    history = on_one_machine(one, optimizer=optimizer(), **common)
    found = tg.distributed.fit(many, *in_chunks(), optimizer=optimizer(), client=client, **common)
    np.testing.assert_allclose(found.cost, history.cost, rtol=1e-10)
    for a, b in zip(values(one), values(many), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_delayed_loaders_are_shards(client: Any) -> None:
    cuts = [(0, 10), (10, 10), (10, 40), (40, 61)]  # one of them is empty
    load = dask.delayed(lambda a, b: X[:, a:b])
    labels = dask.delayed(lambda a, b: Y[:, a:b])
    one, many = model(), model()
    on_one_machine(one, optimizer=tg.optim.SGD(lr=0.3), epochs=3)
    shards = [load(*cut) for cut in cuts], [labels(*cut) for cut in cuts]
    tg.distributed.fit(many, *shards, optimizer=tg.optim.SGD(lr=0.3), epochs=3, client=client)
    np.testing.assert_allclose(values(one)[0], values(many)[0], rtol=1e-10)


def test_numpy_arrays_are_sent(client: Any) -> None:
    net = tg.nn.LogisticRegression(5)
    history = tg.distributed.fit(net, X, Y, optimizer=tg.optim.SGD(lr=1.0), epochs=50, client=client)
    assert history.cost[-1] < 0.5 * history.cost[0]


def test_the_result_does_not_depend_on_the_shards_by_more_than_rounding(client: Any) -> None:
    found = []
    for n in (7, 61):
        net = model()
        tg.distributed.fit(net, *in_chunks(n), optimizer=tg.optim.SGD(lr=0.3), epochs=3, client=client)
        found.append(values(net)[0])
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_dropout_draws_the_same_whichever_worker_draws(client: Any) -> None:
    costs = [
        tg.distributed.fit(
            model(keep_prob=0.5), *in_chunks(), optimizer=tg.optim.SGD(lr=0.1), epochs=4, client=client
        ).cost
        for _ in range(2)
    ]
    assert costs[0] == costs[1]


@pytest.mark.slow
def test_it_resumes_from_a_checkpoint(client: Any, tmp_path: Path) -> None:
    whole, parts, again = model(), model(), model()
    fit = tg.distributed.fit
    common: dict[str, Any] = {"client": client, "batch_size": 20}
    fit(whole, *in_chunks(), optimizer=tg.optim.Adam(lr=0.05), epochs=6, **common)
    common["checkpoint"] = tmp_path / "c.npz"
    fit(parts, *in_chunks(), optimizer=tg.optim.Adam(lr=0.05), epochs=3, **common)
    fit(again, *in_chunks(), optimizer=tg.optim.Adam(lr=0.05), epochs=6, resume=True, **common)
    np.testing.assert_array_equal(values(whole)[0], values(again)[0])


@pytest.mark.parametrize(
    ("X_given", "Y_given", "error", "said"),
    [
        (arrays.from_array(X, chunks=(5, 9)), Y[:, 1:], ValueError, r"expected labels \(n\[L\], 61\)"),
        (arrays.from_array(X, chunks=(5, 9)), [1, 2], TypeError, "expected a Dask array, or a NumPy array"),
        ("data.csv", Y, TypeError, "expected a Dask array"),
        ([dask.delayed(X)], Y, ValueError, "as many shards as X has"),
        (arrays.from_array(X * np.nan, chunks=(5, 9)), Y, ValueError, "expected finite numbers"),
        (np.array(3.0), Y, TypeError, r"X: expected .* a NumPy array \(n_x, m\), got ndarray \(\)"),
        (X[0], Y, TypeError, r"got ndarray \(61,\)"),
        (tg.Tensor(X), Y, TypeError, r"got Tensor \(5, 61\)"),
        (X.astype(str), Y, TypeError, r"shard \d: X: expected numbers, got dtype <U32"),
        (arrays.from_array(X)[:, arrays.from_array(Y)[0] > 0], Y, ValueError, "X.compute_chunk_sizes"),
    ],
)
def test_data_that_cannot_be_used_is_said(
    X_given: Any, Y_given: Any, error: type[Exception], said: str, client: Any
) -> None:
    with pytest.raises(error, match=said):
        tg.distributed.fit(model(), X_given, Y_given, optimizer=tg.optim.SGD(lr=0.1), epochs=1, client=client)


def test_without_dask_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "import tinygrad_edu as tg, numpy as np\n"
        "try:\n    tg.distributed.fit(tg.nn.LogisticRegression(2), np.ones((2, 3)), np.ones((1, 3)),\n"
        "        optimizer=tg.optim.SGD(lr=0.1), epochs=1)\n"
        "except tg.MissingExtraError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'pip install "tinygrad_edu[dask]"' in said


@pytest.mark.slow
def test_a_worker_killed_in_mid_training_changes_nothing() -> None:
    settings: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    cluster = distributed.LocalCluster(processes=True, **settings)
    with cluster, distributed.Client(cluster) as client:
        victim = next(iter(client.run(os.getpid).values()))
        killed = threading.Event()

        def kill(history: Any) -> None:
            if history.epochs == 5 and not killed.is_set():
                killed.set()
                os.kill(victim, signal.SIGKILL)
                time.sleep(0.2)

        one, many = model(), model()
        common: dict[str, Any] = {"epochs": 20}
        on_one_machine(one, optimizer=tg.optim.SGD(lr=0.3), **common)
        common |= {"client": client, "callbacks": kill}
        tg.distributed.fit(many, *in_chunks(), optimizer=tg.optim.SGD(lr=0.3), **common)
        assert killed.is_set()
        np.testing.assert_allclose(values(one)[0], values(many)[0], rtol=1e-10)


@pytest.mark.parametrize("client", ["localhost:1", 3])
def test_what_is_no_client_is_refused(client: Any) -> None:
    with pytest.raises(TypeError, match=r"client: expected a Dask client.* got "):
        tg.distributed.fit(model(), X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=1, client=client)


def test_labels_that_the_cost_refuses_come_back_as_an_error(client: Any) -> None:
    with pytest.raises(ValueError, match=r"expected labels 0 or 1"):
        tg.distributed.fit(model(), X, 3 * Y, optimizer=tg.optim.SGD(lr=0.1), epochs=1, client=client)
