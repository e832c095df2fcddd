"""A training under way: epoch after epoch, judged, saved, and stopped where it has to be."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.checkpoint import Checkpoint, Standing
from tinygrad_edu.nn.dropout import training
from tinygrad_edu.nn.evaluation import Judge
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.interrupts import Interrupts
from tinygrad_edu.nn.optim.base import Optimizer
from tinygrad_edu.nn.progress import Report
from tinygrad_edu.nn.stopping import Stopping
from tinygrad_edu.nn.training_step import Step
from tinygrad_edu.nn.training_warnings import MUCH, rising

__all__ = ["BatchesOfEpochs", "Run"]


class BatchesOfEpochs(Protocol):
    """Batches of examples, in memory or on workers."""

    def __len__(self) -> int: ...

    def of_epoch(self, epoch: int, after: int = 0) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, from the one number ``after``: what the step takes."""


@dataclass
class Run:
    """A training under way."""

    state: Mapping[str, Tensor]
    """What the model is: its parameters, and what its layers keep beside them."""
    optimizer: Optimizer
    step: Step
    batches: BatchesOfEpochs
    judge: Judge | None
    stopping: Stopping
    generators: Sequence[np.random.Generator]
    facts: Mapping[str, Any]
    checkpoint: Checkpoint | None
    callbacks: Sequence[Callable[[History], Any]] = ()
    history: History = field(default_factory=History)
    watched: bool = True
    """Whether code of the user's runs between two epochs, and may change what the model finds by name."""
    _looked: bool = False
    _told: bool = False
    _midway: bool = False
    """Whether an update has begun and not ended: what is saved then would be half of one."""

    def resume(self) -> None:
        """Goes on from the checkpoint, where there is one."""
        if self.checkpoint is not None and self.checkpoint.path.exists():
            self.history = self.checkpoint.load(self._standing)

    def until(self, epochs: int, report: Report | None) -> None:
        """Trains until so many epochs are done, or there is a reason to stop."""
        history = self.history
        with Interrupts() as interrupts:
            try:
                if not history.cost:
                    self._save()  # from here on there is something to go on from, whatever happens
                while history.epochs < epochs and not history.stopped:
                    with training():
                        self._epoch(interrupts)
                        while not self.callbacks and history.epochs < epochs and not history.stopped:
                            self._between(report)  # entering the block anew takes as long as a small pass
                            self._epoch(interrupts)
                    for callback in self.callbacks:
                        self._called(callback)
                    self._between(report)
                self._ended()
            except KeyboardInterrupt:
                if not self._midway:
                    self._save()
                raise

    def _between(self, report: Report | None) -> None:
        """What is done after an epoch, and not in it."""
        self._midway, history, file = False, self.history, self.checkpoint
        self._tell_of_rising(ended=False)
        if report is not None:
            report(history.epochs, cost=float(np.mean(history.cost[-len(self.batches) :])))
        if file is not None and not self._is_lost and file.due(history.epochs):
            self._save()

    def _ended(self) -> None:
        if not self._is_lost:
            self._save()
            self._tell_of_rising(ended=True)
        elif self.checkpoint is not None:
            self.checkpoint.diverged(self.history.stopped)
        self.stopping.restore(self.state)

    def _epoch(self, interrupts: Interrupts) -> None:
        """Goes through the batches that are left of an epoch, and judges the result."""
        history, step, note = self.history, self.step, self.history.cost.append
        epoch, after = divmod(len(history.cost), len(self.batches))
        if self.watched or not self._looked:
            getattr(step, "begin_epoch", bool)()
            if self.judge is not None:
                self.judge.look_again()
            self._looked = True
        for batch in self.batches.of_epoch(epoch, after):
            self._midway = False
            if interrupts.asked:
                interrupts.check()
            self._midway = True
            cost = step(*batch)
            note(cost)
            if not math.isfinite(cost):
                return self._diverged(cost)
        if self.judge is not None:
            self._judged(*self.judge())
        return None

    def _tell_of_rising(self, *, ended: bool) -> None:
        """Says once that the cost rises."""
        cost = self.history.cost
        if self._told or not (ended or cost[-1] > MUCH * cost[0]):  # asked after each epoch: at no cost
            return
        certain = len(self.batches) == 1 and not self.generators
        said = rising(self.history, self.optimizer.lr, ended=ended, certain=certain)
        if said:
            self._told = True
            warnings.warn(f"fit: {said}", stacklevel=6)

    @property
    def _is_lost(self) -> bool:
        """Whether the last cost is no number, and the parameters with it."""
        return bool(self.history.cost) and not math.isfinite(self.history.cost[-1])

    def _diverged(self, cost: float) -> None:
        k = len(self.history.cost) - 1
        self.history.stopped = f"the cost is {cost} before update {k}"
        warnings.warn(
            f"fit: {self.history.stopped}; try a smaller learning rate than {self.optimizer.lr}", stacklevel=6
        )

    def _judged(self, cost: float, accuracy: float | None) -> None:
        history = self.history
        history.judged(cost, accuracy)
        if self.stopping.improved(cost):
            history.best_epoch = history.epochs - 1
            self.stopping.keep(self.state)
        elif self.stopping.over:
            history.stopped = f"the validation cost has not fallen since epoch {history.best_epoch}"

    def _called(self, callback: Callable[[History], Any]) -> None:
        """A callback that returns True, or a reason, ends the training."""
        said = callback(self.history)
        if said is True or (isinstance(said, str) and said):
            self.history.stopped = said if isinstance(said, str) else "a callback asked for it"

    @property
    def _standing(self) -> Standing:
        return Standing(self.state, self.optimizer, self.history, self.stopping, self.generators, self.facts)

    def _save(self) -> None:
        if self.checkpoint is not None:
            self.checkpoint.save(self._standing)
