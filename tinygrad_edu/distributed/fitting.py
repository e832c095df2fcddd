"""``distributed.fit``: gradient descent whose gradients are computed by many workers."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.distributed.gradients import Share, added, share
from tinygrad_edu.distributed.shards import Shards, shards_of
from tinygrad_edu.errors import arguments_explained, require_extra
from tinygrad_edu.nn.batches import Order, order_of, shuffled
from tinygrad_edu.nn.callbacks import called_after_each_epoch
from tinygrad_edu.nn.checkpoint import SECONDS, place
from tinygrad_edu.nn.fitting import check_kinds, facts, to_train
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.optim.base import Optimizer
from tinygrad_edu.nn.progress import progress_bar
from tinygrad_edu.nn.stopping import Stopping
from tinygrad_edu.nn.training_run import Run
from tinygrad_edu.nn.training_step import Model
from tinygrad_edu.settings import whole, yes_or_no

Array = NDArray[Any]
_RETRIES = 5
"""How often a task is tried again where the worker that ran it died."""


@arguments_explained
def fit(
    model: Model,
    X: Any,
    Y: Any,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    client: Any = None,
    shuffle: Order = True,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    callbacks: Any = (),
    progress: bool | None = None,
) -> History:
    """Trains a model on examples that lie on many machines, in place: the result of ``nn.fit``, to 1e-10.

    Args:
        model: has ``parameters()``, updated so that its ``loss(X, Y)``, a mean over examples, falls.
        X: a Dask array (n_x, m) with its columns in chunks; or a list of delayed arrays (n_x, m_k), one a
            shard; or a NumPy array, which is sent to the workers.
        Y: labels (n[L], m), likewise; or a NumPy array.
        optimizer: how the parameters move, on the client.
        epochs: how often to go through all the examples.
        batch_size: examples an update, from all the shards; None takes all of them.
        client: a Dask client; by default one with a local cluster, which is closed at the end.
        shuffle: as for ``nn.fit``.
        seed: decides the order of mini-batches, and what the model draws (dropout).
        checkpoint: a file to write where training stands, as for ``nn.fit``.
        checkpoint_every: after how many epochs to write it; None goes by the time.
        resume: go on from the checkpoint, if there is one.
        callbacks: functions of the History, called after each epoch.
        progress: whether to show a bar, as for ``nn.fit``.

    A worker that dies is replaced by the others: its shards are loaded again, and its part of the step is
    computed again.

    Returns:
        The :class:`History`.

    Raises:
        MissingExtraError: without Dask.
        TypeError, ValueError: as of ``nn.fit``; a model whose layers keep statistics of a batch (batch
            normalisation), since those of a shard are others.

    Source: J. Dean et al., *Large Scale Distributed Deep Networks*, 2012; the course's L14.

    >>> import tinygrad_edu as tg
    >>> from distributed import Client
    >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
    >>> model = tg.nn.LogisticRegression(1)
    >>> optimizer = tg.optim.SGD(lr=1.0)
    >>> with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
    ...     history = tg.distributed.fit(model, X, Y, optimizer=optimizer, epochs=100, client=client)
    >>> round(history.cost[0], 6), model.predict(X)
    (0.693147, array([[0, 0, 1, 1]]))
    """
    check_kinds(model, optimizer)
    epochs, seed = whole("epochs", epochs, 0), whole("seed", seed, 0)
    shuffle, resume = shuffled(shuffle), yes_or_no("resume", resume)
    buffers = getattr(model, "buffers", None)
    if callable(buffers) and dict(buffers()):
        raise ValueError(
            "distributed.fit: expected layers that treat each example by itself; batch normalisation takes "
            "the statistics of a batch, and a worker has only its own shard of it. Train it with nn.fit."
        )
    if resume and checkpoint is None:
        raise ValueError("resume: expected checkpoint=, the file to go on from")
    file = place(checkpoint, checkpoint_every, SECONDS)
    called = called_after_each_epoch(callbacks, model)
    parameters = to_train(model)
    optimizer.bind(parameters)
    with _client(client) as workers:
        batches = _Batches(shards_of(workers, X, Y), batch_size, shuffle, seed)
        step = _Step(workers, model, parameters, optimizer, batches)
        known = {} if file is None else facts(model, parameters, optimizer, None) | batches.facts
        run = Run(
            parameters, optimizer, step, batches, None, Stopping(None), (), known, file, called,
            History(steps_per_epoch=len(batches)),
        )  # fmt: skip
        if resume:
            run.resume()
        with progress_bar(epochs, run.history.epochs, shown=progress) as report:
            run.until(epochs, report)
    return run.history


@contextmanager
def _client(given: Any) -> Iterator[Any]:
    distributed = require_extra("distributed", extra="dask")
    if given is not None:
        if not isinstance(given, distributed.Client):
            raise TypeError(
                f"client: expected a Dask client, such as distributed.Client({given!r}), got {given!r}"
                if isinstance(given, str)
                else f"client: expected a Dask client (distributed.Client), got {given!r}"
            )
        yield given
        return
    with distributed.LocalCluster(dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        yield client


@dataclass
class _Batches:
    """The batches of each epoch, as the places that each shard gives to them."""

    shards: Shards
    batch_size: int | None
    shuffle: Order
    seed: int
    size: int = field(init=False)

    def __post_init__(self) -> None:
        m = self.shards.m
        self.size = m if self.batch_size is None else min(whole("batch_size", self.batch_size, 1), m)

    def __len__(self) -> int:
        return math.ceil(self.shards.m / self.size)

    def of_epoch(self, epoch: int, after: int = 0) -> Iterator[tuple[Any, ...]]:
        """For each batch, the places that each shard gives to it; None where they all give all."""
        m = self.shards.m
        if self.size == m:
            yield (None,)
            return
        order = order_of(epoch, m, self.shuffle, self.seed)
        for k in range(after * self.size, m, self.size):
            yield (self.shards.places(order[k : k + self.size]),)

    @property
    def facts(self) -> dict[str, Any]:
        """What has to be the same when training resumes."""
        return {
            "the number of examples": self.shards.m,
            "batch_size": self.size,
            "shuffle": getattr(self.shuffle, "__qualname__", repr(self.shuffle)),
            "seed": self.seed,
        }


class _Step:
    """One update: sends the parameters out, adds up the workers' shares of the gradient, and steps."""

    def __init__(
        self,
        client: Any,
        model: Model,
        parameters: Mapping[str, Tensor],
        optimizer: Optimizer,
        batches: _Batches,
    ) -> None:
        self.client, self.model, self.optimizer, self.batches = client, model, optimizer, batches
        self.parameters = parameters
        self.key = f"tinygrad_edu-{uuid.uuid4().hex}"
        pickled = _without_penalty(model)
        self.pickled = client.submit(_itself, pickled, key=f"{self.key}-model", pure=False)
        self.penalty = _Penalty.of(model)

    def __call__(self, places: list[Array] | None) -> float:
        t = self.optimizer.t
        key = f"{self.key}-{t}"
        values = {name: np.array(p.data) for name, p in self.parameters.items()}
        sent = self.client.submit(_itself, values, key=f"{key}-parameters", pure=False, retries=_RETRIES)
        shares = [
            self.client.submit(
                share, self.pickled, sent, shard, None if places is None else places[k], self.key,
                (self.batches.seed, t, k), key=f"{key}-share-{k}", pure=False, retries=_RETRIES,
            )
            for k, shard in enumerate(self.batches.shards.parts)
            if places is None or len(places[k])
        ]  # fmt: skip
        total: Share = self._sum(shares, key).result()
        gradients = {name: g / total.m for name, g in total.gradients.items()}
        cost = total.cost / total.m + self.penalty.added(self.model, gradients, total.m)
        self.optimizer.begin(gradients.values())
        for name, parameter in self.parameters.items():
            self.optimizer.update(name, parameter.data, gradients[name])
        return float(cost)

    def _sum(self, shares: list[Any], key: str) -> Any:
        """The sum of the shares, in a fixed order of pairs, so that the result does not depend on timing."""
        level = 0
        while len(shares) > 1:
            level += 1
            pairs = [shares[k : k + 2] for k in range(0, len(shares), 2)]
            shares = [
                self.client.submit(added, *pair, key=f"{key}-sum-{level}-{k}", pure=False, retries=_RETRIES)
                if len(pair) == 2
                else pair[0]
                for k, pair in enumerate(pairs)
            ]
        return shares[0]


def _itself(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class _Penalty:
    """The penalties that are added to the cost once, and not for each shard: λ of L2 and L1."""

    l2: float = 0.0
    l1: float = 0.0

    @classmethod
    def of(cls, model: Any) -> _Penalty:
        return cls(float(getattr(model, "l2", 0.0)), float(getattr(model, "l1", 0.0)))

    def added(self, model: Any, gradients: dict[str, Array], m: int) -> float:
        """The penalty of a batch of m examples; its gradient is added to the others."""
        if not self.l2 and not self.l1:
            return 0.0
        penalised = {id(W) for W in model.weights()}
        total = 0.0
        for name, p in model.parameters().items():
            if id(p) in penalised and name in gradients:
                W = p.data
                gradients[name] = gradients[name] + self.l2 / m * W + self.l1 / m * np.sign(W)
                total += self.l2 / (2 * m) * float(np.sum(W * W)) + self.l1 / m * float(np.sum(np.abs(W)))
        return total


def _without_penalty(model: Any) -> bytes:
    """The model pickled, such that its cost on a worker is the mean over its examples alone."""
    cloudpickle = require_extra("cloudpickle", extra="dask")
    penalty = {name: getattr(model, name) for name in ("l2", "l1") if hasattr(model, name)}
    try:
        for name in penalty:
            setattr(model, name, 0.0)
        return bytes(cloudpickle.dumps(model))
    finally:
        for name, value in penalty.items():
            setattr(model, name, value)
