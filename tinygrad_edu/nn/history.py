"""The record of a training: costs, validation, why it stopped."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.nn.figures import figure as new_figure
from tinygrad_edu.nn.figures import saved


class _Series(dict[str, list[float]]):
    """Series by Keras' names."""

    def __missing__(self, name: str) -> Any:
        raise KeyError(
            f"{name}: there are {', '.join(self)}; val_loss and val_accuracy come with validation=, and the "
            "accuracy on other examples is model.accuracy(X, Y)"
        )


@dataclass
class History:
    """The record of a training: ``cost[k]`` is the cost of batch k before update k, from k = 0.

    >>> history = History(cost=[4.0, 2.0, 3.0, 1.0], steps_per_epoch=2)
    >>> history.epochs, history.epoch_cost
    (2, [3.0, 2.0])
    """

    cost: list[float] = field(default_factory=list)
    """The cost of each batch before its update; of the whole data set where the batch is whole."""
    validation_cost: list[float] = field(default_factory=list)
    """The validation cost after each epoch; nan for epochs without validation, empty if there was none."""
    validation_accuracy: list[float] = field(default_factory=list)
    """The same for the accuracy; empty unless the model is a classifier."""
    steps_per_epoch: int = 1
    best_epoch: int | None = None
    """The epoch, from 0, of the least validation cost."""
    stopped: str = ""
    """Why training ended before its last epoch."""

    @property
    def epochs(self) -> int:
        """How many epochs were completed."""
        return len(self.cost) // self.steps_per_epoch

    @property
    def epoch_cost(self) -> list[float]:
        """The mean of ``cost`` over the updates of each epoch."""
        n = self.steps_per_epoch
        return [float(np.mean(self.cost[k * n : (k + 1) * n])) for k in range(self.epochs)]

    @property
    def history(self) -> dict[str, list[float]]:
        """The series by Keras' names: ``loss``, and with validation ``val_loss``, ``val_accuracy``."""
        found = {
            "loss": self.epoch_cost,
            "val_loss": self.validation_cost,
            "val_accuracy": self.validation_accuracy,
        }
        return _Series({name: series for name, series in found.items() if series or name == "loss"})

    def judged(self, cost: float, accuracy: float | None) -> None:
        """Records the validation of the epoch just completed; earlier epochs without one become nan.

        >>> history = History(cost=[3.0, 2.0])
        >>> history.judged(2.5, None)
        >>> history.validation_cost
        [nan, 2.5]
        """
        costs, shares = self.validation_cost, self.validation_accuracy
        before = self.epochs - 1
        while len(costs) < before:
            costs.append(math.nan)
        costs.append(cost)
        if accuracy is not None:
            while len(shares) < before:
                shares.append(math.nan)
            shares.append(accuracy)

    def plot(self, path: str | os.PathLike[str] | None = None, *, title: str = "") -> Any:
        """Plots the cost over the updates, and the validation cost over the epochs. Needs the extra ``plot``.

        Args:
            path: where to save the picture (.png, .svg, .pdf); None only returns it.
            title: the title of the figure.

        Returns:
            The matplotlib ``Figure``.

        Raises:
            MissingExtraError: without matplotlib.
            ValueError: nothing has been trained yet, or an unknown file type.
        """
        if not self.cost:
            raise ValueError("plot: the history is empty; train first")
        figure = new_figure(7, 4)
        axes = figure.add_subplot()
        mini = self.steps_per_epoch > 1
        colour, width, told = ("#8ab4e8", 1, "cost of the mini-batch") if mini else ("#2c6fbb", 2, "cost")
        axes.plot(range(len(self.cost)), self.cost, color=colour, lw=width, label=told)
        ends = [(k + 1) * self.steps_per_epoch for k in range(self.epochs)]
        if mini:
            axes.plot(ends, self.epoch_cost, color="#2c6fbb", lw=2, label="its mean over an epoch")
        if self.validation_cost:
            axes.plot(
                ends[: len(self.validation_cost)],
                self.validation_cost,
                color="#b3261e",
                lw=2,
                label="validation cost",
            )
        axes.set(xlabel="update", ylabel="cost J", title=title)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
        return saved(figure, path)

    def __repr__(self) -> str:
        if not self.cost:
            return "<History: empty>"
        costs = f"cost {self.cost[0]:.6g} to {self.cost[-1]:.6g}"
        return f"<History: {self.epochs} epochs, {len(self.cost)} updates, {costs}>"
