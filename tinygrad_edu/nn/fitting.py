"""``nn.fit``: the training loop."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn import checkpoint as files
from tinygrad_edu.nn.batches import Batches, Order, Validation, held_out
from tinygrad_edu.nn.checks import whole
from tinygrad_edu.nn.dropout import training
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.models import Sequential
from tinygrad_edu.nn.optim.base import Optimizer, check_unlocked
from tinygrad_edu.nn.progress import progress_bar
from tinygrad_edu.nn.steps import Model, Step, compiled_step, constants, eager_step
from tinygrad_edu.nn.stopping import EarlyStopping, Stopping

__all__ = ["fit"]


def fit(
    model: Model,
    X: Any,
    Y: Any,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    shuffle: Order = True,
    seed: int = 0,
    validation: Validation = None,
    early_stopping: EarlyStopping | int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    progress: bool | None = None,
    compile: bool = True,  # noqa: A002  (as tg.compile)
) -> History:
    """Trains a model on examples X (n_x, m) with labels Y, in place.

    Args:
        model: its ``parameters()`` are moved to lessen its ``loss(X, Y)``.
        X: the examples, one a column.
        Y: their labels, (1, m) or (C, m).
        optimizer: how the parameters move; it keeps its averages, so that a later fit goes on.
        epochs: how often to go through all the examples; with ``resume``, counted from the beginning.
        batch_size: examples an update; None takes all of them, so that an epoch is one update.
        shuffle: whether mini-batches are drawn in a new order each epoch; or a function of the epoch
            (from 0) and m that gives the order.
        seed: decides the order, and what ``validation`` as a share keeps back.
        validation: examples (X, Y) to judge by after each epoch, or the share of the data to keep back.
        early_stopping: an :class:`EarlyStopping`, or its patience in epochs; needs ``validation``.
        checkpoint: a file (.npz) to write where training stands, at the end and on the way.
        checkpoint_every: after how many epochs to write it.
        resume: go on from the checkpoint, if there is one, to the same result as without interruption.
        progress: whether to show a bar; by default on a terminal only.
        compile: whether to record the cost once for each shape of batch, and from then on run it as
            straight-line NumPy (:func:`tinygrad_edu.compile`). A cost that looks at values, or does
            something else on the way, needs False.

    Returns:
        The :class:`History`: ``history.cost[k]`` is the cost before update k.

    Raises:
        TypeError: something else than a model or an optimiser; with ``compile``, a cost that looks at values.
        ValueError: shapes or labels that do not fit, no examples, values that are not finite, or a
            checkpoint of another training.
        RuntimeError: a graph that was recorded before, and not differentiated, still needs a parameter.

    Training ends early, with a warning, where the cost is no longer a finite number.

    >>> import tinygrad_edu as tg
    >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
    >>> model = tg.nn.LogisticRegression(1)
    >>> history = tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=1.0), epochs=100)
    >>> round(history.cost[0], 6), model.predict(X)
    (0.693147, array([[0, 0, 1, 1]]))
    """
    _check_kinds(model, optimizer)
    epochs, seed = whole("epochs", epochs, 0), whole("seed", seed, 0)
    checkpoint_every = whole("checkpoint_every", checkpoint_every, 1)
    X, Y = _examples(X, Y, model)
    X, Y, kept = held_out(X, Y, validation, seed)
    if kept is not None:
        kept = constants(*_examples(*kept, model))
    if isinstance(early_stopping, int):
        early_stopping = EarlyStopping(early_stopping)
    if early_stopping is not None and kept is None:
        raise ValueError("early_stopping: it watches the validation cost; give validation=, too")
    batches = Batches(X, Y, batch_size=batch_size, shuffle=shuffle, seed=seed)
    parameters = _to_train(model)
    optimizer.bind(parameters)
    step = (compiled_step if compile else eager_step)(model, parameters, optimizer)
    history = History(steps_per_epoch=len(batches))
    run = _Run(model, parameters, optimizer, step, batches, kept, Stopping(early_stopping), history)
    if resume:
        if checkpoint is None:
            raise ValueError("resume: expected checkpoint=, the file to go on from")
        if Path(checkpoint).exists():
            run.load(checkpoint)
    with progress_bar(epochs, run.history.epochs, shown=progress) as report:
        while run.history.epochs < epochs and not run.history.stopped:
            run.epoch()
            done = run.history.epochs
            report(done, cost=float(np.mean(run.history.cost[-len(batches) :])))
            if checkpoint is not None and (
                done % checkpoint_every == 0 or done == epochs or run.history.stopped
            ):
                run.save(checkpoint)
    return run.history


@dataclass
class _Run:
    """A training under way."""

    model: Model
    parameters: Mapping[str, Tensor]
    optimizer: Optimizer
    step: Step
    batches: Batches
    kept: tuple[Any, Any] | None
    stopping: Stopping
    history: History

    def epoch(self) -> None:
        """Goes through all the batches once, and judges the result."""
        for X, Y in self.batches.of_epoch(self.history.epochs):
            with training():
                cost = self.step(X, Y)
            self.history.cost.append(cost)
            if not math.isfinite(cost):
                return self._diverged(cost)
        if self.kept is not None:
            self._validate(*self.kept)
        return None

    def _diverged(self, cost: float) -> None:
        k = len(self.history.cost) - 1
        self.history.stopped = f"the cost is {cost} before update {k}"
        warnings.warn(
            f"fit: {self.history.stopped}; try a smaller learning rate than {self.optimizer.lr}", stacklevel=4
        )

    def _validate(self, X: Any, Y: Any) -> None:
        history = self.history
        with no_grad():
            cost = self.model.loss(X, Y).item()
        history.validation_cost.append(cost)
        if isinstance(self.model, Sequential) and self.model.classifies:
            history.validation_accuracy.append(self.model.accuracy(X, Y))
        if self.stopping.improved(cost):
            history.best_epoch = history.epochs - 1
            self.stopping.keep(self.parameters)
        elif self.stopping.over:
            history.stopped = f"the validation cost has not fallen since epoch {history.best_epoch}"
            self.stopping.restore(self.parameters)

    @property
    def _generators(self) -> tuple[np.random.Generator, ...]:
        return self.model.generators() if isinstance(self.model, Sequential) else ()

    @property
    def _facts(self) -> dict[str, Any]:
        return {
            "the optimizer": repr(self.optimizer),
            "the parameters": {name: list(p.shape) for name, p in self.parameters.items()},
            "the number of examples": self.batches.m,
            "batch_size": self.batches.size,
            "seed": self.batches.seed,
            "the number of random generators": len(self._generators),
            "early_stopping": repr(self.stopping.rule),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        files.save(
            path,
            parameters=self.parameters,
            optimizer=self.optimizer,
            history=self.history,
            stopping=self.stopping,
            generators=self._generators,
            facts=self._facts,
        )

    def load(self, path: str | os.PathLike[str]) -> None:
        self.history = files.load(
            path,
            parameters=self.parameters,
            optimizer=self.optimizer,
            stopping=self.stopping,
            generators=self._generators,
            facts=self._facts,
        )


def _check_kinds(model: Any, optimizer: Any) -> None:
    for method in ("parameters", "loss"):
        if not callable(getattr(model, method, None)):
            raise TypeError(f"fit: expected a model with parameters() and loss(X, Y), got {model!r}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: optimizer: expected one of tg.optim, such as tg.optim.SGD(lr=0.1), got {optimizer!r}"
        )


def _to_train(model: Model) -> dict[str, Tensor]:
    """The parameters that are to move."""
    found = {name: p for name, p in model.parameters().items() if p.requires_grad}
    if not found:
        raise ValueError("fit: the model has no parameter that requires a gradient")
    check_unlocked("fit", found)
    return found


def _examples(X: Any, Y: Any, model: Model) -> tuple[NDArray[Any], NDArray[Any]]:
    """X and Y as arrays that the model takes."""
    X, Y = (np.asarray(v.data if isinstance(v, Tensor) else v) for v in (X, Y))
    if isinstance(model, Sequential):
        model.check(X, Y)
    for name, values in (("X", X), ("Y", Y)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: expected finite numbers, got {values[~np.isfinite(values)].flat[0]}")
    return X, Y
