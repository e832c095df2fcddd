"""The loop over epochs: steps, validation, checkpoints, callbacks, and the reasons to stop."""

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


class _BatchesOfEpochs(Protocol):
    """Batches of examples, in memory or on workers."""

    def __len__(self) -> int: ...

    def of_epoch(self, epoch: int, after: int = 0) -> Iterator[tuple[Any, ...]]:
        """The batches of an epoch, from batch number ``after`` on, as the step takes them."""


@dataclass
class Run:
    """A training under way."""

    state: Mapping[str, Tensor]
    """The model's parameters and the untrained state of its layers."""
    optimizer: Optimizer
    step: Step
    batches: _BatchesOfEpochs
    judge: Judge | None
    stopping: Stopping
    generators: Sequence[np.random.Generator]
    facts: Mapping[str, Any]
    checkpoint: Checkpoint | None
    callbacks: Sequence[Callable[[History], Any]] = ()
    history: History = field(default_factory=History)
    watched: bool = True
    """Whether the user's code runs between epochs, and may change global names that the model reads."""
    _looked: bool = False
    _told: bool = False
    _midway: bool = False
    """Whether an update is under way; a checkpoint saved then would hold a half-done update."""

    def resume(self) -> None:
        """Continues from the checkpoint, if there is one."""
        if self.checkpoint is not None and self.checkpoint.path.exists():
            self.history = self.checkpoint.load(self._standing)

    def until(self, epochs: int, report: Report | None) -> None:
        """Trains until ``epochs`` epochs are done, or there is a reason to stop."""
        history = self.history
        with Interrupts() as interrupts:
            try:
                if not history.cost:
                    self._save()  # so that there is a checkpoint to resume from, whatever happens next
                while history.epochs < epochs and not history.stopped:
                    with training():
                        self._epoch(interrupts)
                        while not self.callbacks and history.epochs < epochs and not history.stopped:
                            self._between(report)  # once, since entering it takes time
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
        """What is done between two epochs: stopping, checkpoint, callbacks, progress."""
        self._midway, history, file = False, self.history, self.checkpoint
        self._tell_of_rising(ended=False)
        if report is not None:
            report(history.epochs, cost=float(np.mean(history.cost[-len(self.batches) :])))
        if file is not None and file.due(history.epochs) and not self._is_lost:
            self._save()

    def _ended(self) -> None:
        if not self._is_lost:
            self._save()
            self._tell_of_rising(ended=True)
        elif self.checkpoint is not None:
            self.checkpoint.diverged(self.history.stopped)
        self.stopping.restore(self.state)

    def _epoch(self, interrupts: Interrupts) -> None:
        """Trains on the remaining batches of an epoch, then validates."""
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
        """Warns once that the cost rises."""
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
        """Whether the last cost is nan or inf; then it warns."""
        return bool(self.history.cost) and not math.isfinite(self.history.cost[-1])

    def _diverged(self, cost: float) -> None:
        k = len(self.history.cost) - 1
        self.history.stopped = f"the cost is {cost} before update {k}"
        advice = f"try a smaller learning rate than {self.optimizer.lr}"
        if not k:
            advice = "no step had been made, so look at the cost, the initial parameters and the scale of X"
        warnings.warn(f"fit: {self.history.stopped}; {advice}", stacklevel=6)

    def _judged(self, cost: float, accuracy: float | None) -> None:
        history, stopping = self.history, self.stopping
        history.judged(cost, accuracy)
        if stopping.improved(cost):
            history.best_epoch = history.epochs - 1
            stopping.keep(self.state)
        elif stopping.rule is not None and stopping.over:
            history.stopped = f"the validation cost has not fallen since epoch {history.best_epoch}"

    def _called(self, callback: Callable[[History], Any]) -> None:
        """A callback that returns True, or a reason, ends the training."""
        said = callback(self.history)
        if (isinstance(said, (bool, np.bool_)) and said) or (isinstance(said, str) and said):
            self.history.stopped = said if isinstance(said, str) else "a callback asked for it"

    @property
    def _standing(self) -> Standing:
        return Standing(self.state, self.optimizer, self.history, self.stopping, self.generators, self.facts)

    def _save(self) -> None:
        if self.checkpoint is not None:
            self.checkpoint.save(self._standing)
