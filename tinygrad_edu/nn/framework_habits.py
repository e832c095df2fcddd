"""Methods of a model as in PyTorch and Keras: ``fit``, ``evaluate``, ``train``, ``eval``, ``zero_grad``."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from tinygrad_edu.errors import arguments_explained, unknown
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.checks import one_of, yes_or_no
from tinygrad_edu.nn.costs import LOSSES
from tinygrad_edu.nn.dropout import in_mode
from tinygrad_edu.nn.fitting import fit
from tinygrad_edu.nn.foreign_names import ANSWERING, MODEL
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.nn.scores import Scores, scores
from tinygrad_edu.nn.state import Stateful

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: optim.SGD(lr=0.01),
    "adam": lambda: optim.Adam(lr=0.001),
    "adamw": lambda: optim.AdamW(lr=0.001),
    "rmsprop": lambda: optim.RMSProp(lr=0.001),
}
"""The optimisers by the name that Keras has for them, with its learning rates."""

NAMES = {
    "binary_crossentropy": "binary_cross_entropy",
    "categorical_crossentropy": "categorical_cross_entropy",
    "mean_squared_error": "squared",
    "mse": "squared",
    "mean_absolute_error": "absolute",
    "mae": "absolute",
    **{name: name for name in LOSSES},
}
"""The costs by Keras' names. ``squared`` is half of its mean squared error."""


class Trainable(Stateful):
    """A model that can be trained by its own methods."""

    trains = False
    """Whether a call computes as in training: see :meth:`train`."""
    cost: Any
    _optimizer: Optimizer | None = None
    _metrics: tuple[Any, ...] = ()

    @abstractmethod
    def __call__(self, X: Any) -> Any:
        """A[L]."""

    @arguments_explained
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Iterable[Any] = (),
    ) -> Self:
        """Sets the optimiser of :meth:`fit` and the metrics of :meth:`evaluate`, as in Keras.

        Args:
            optimizer: one of ``tg.optim``, or sgd, adam, adamw or rmsprop, with Keras' learning rates.
            loss: the cost, by its name here or in Keras, or a function ``(A, Y) -> J``; None leaves the
                model's own.
            metrics: for :meth:`evaluate`.

        >>> import tinygrad_edu as tg
        >>> tg.nn.MLP([2, 4, 1], seed=1).compile(optimizer="adam", loss="binary_crossentropy")
        MLP([2, 4, 1], 'relu', output='sigmoid')
        """
        if not isinstance(optimizer, Optimizer):
            given = optimizer.lower() if isinstance(optimizer, str) else optimizer
            name = one_of("optimizer", given, OPTIMIZERS, or_function=False)
            optimizer = OPTIMIZERS[str(name)]()
        if loss is not None:
            if loss == "sparse_categorical_crossentropy":
                raise ValueError(
                    "loss: labels are one-hot here: categorical_cross_entropy, Y = tg.data.one_hot(labels)"
                )
            known = one_of("loss", loss, NAMES)
            self.cost = NAMES[known] if isinstance(known, str) else known
        told: Any = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics
        self._optimizer, self._metrics = optimizer, tuple(m for m in told if m not in ("accuracy", "acc"))
        return self

    @partial(arguments_explained, known={"x": "X, the first argument", "y": "Y, the second"})
    def fit(
        self, X: Any, Y: Any, *, optimizer: Optimizer | None = None, epochs: int = 1, **settings: Any
    ) -> History:
        """Trains the model: :func:`tg.nn.fit`, with this model.

        Args:
            X: the examples, one a column.
            Y: their labels.
            optimizer: updates the parameters; None takes that of :meth:`compile`.
            epochs: how often to go through all examples.
            settings: the others of :func:`tg.nn.fit`; Keras' ``validation_data``, ``validation_split`` and
                ``verbose`` are its ``validation`` and ``progress``.

        >>> import numpy as np
        >>> import tinygrad_edu as tg
        >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
        >>> tg.nn.LogisticRegression(1).fit(X, Y, optimizer=tg.optim.SGD(lr=1.0), epochs=100)
        <History: 100 epochs, 100 updates, cost 0.693147 to 0.009161>
        """
        chosen = optimizer if optimizer is not None else self._optimizer
        if chosen is None:
            raise TypeError(
                "fit: optimizer: expected one, such as model.fit(X, Y, optimizer=tg.optim.Adam(lr=0.01), "
                "epochs=100)"
            )
        model: Any = self  # with a loss of its own
        return fit(model, X, Y, optimizer=chosen, epochs=epochs, **_as_here(settings))

    @partial(arguments_explained, known=ANSWERING)
    def evaluate(self, X: Any, Y: Any, metrics: Iterable[Any] | None = None) -> Scores:
        """The cost on examples, for a classifier the accuracy, and each metric, a name or a function.

        >>> import numpy as np
        >>> import tinygrad_edu as tg
        >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
        >>> cost, accuracy = tg.nn.LogisticRegression(1).evaluate(X, Y)
        >>> round(cost, 6), accuracy
        (0.693147, 0.5)
        """
        return scores(self, X, Y, self._metrics if metrics is None else metrics)

    def train(self, mode: bool = True) -> Self:
        """From now on a call computes as in training: dropout drops, and so on.

        ``fit``, ``predict`` and ``evaluate`` are not affected.
        """
        self.trains = yes_or_no("train: mode", mode)
        return self

    def eval(self) -> Self:
        """From now on a call computes as in use: nothing is dropped, running averages normalise."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forgets the gradients of the parameters."""
        for parameter in self.parameters().values():
            parameter.zero_grad()

    def forward(self, X: Any) -> Any:
        """A[L], as ``model(X)``."""
        return self(X)

    def named_parameters(self) -> Iterable[tuple[str, Any]]:
        """The parameters with their names."""
        return self.parameters().items()

    def get_weights(self) -> list[NDArray[Any]]:
        """Copies of the model's arrays in order, as in Keras; ``state_dict()`` gives them by name."""
        return list(self.state_dict().values())

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the model's arrays from a list in the order of :meth:`get_weights`."""
        names = [*self.state_dict()]
        if len(weights) != len(names):
            raise ValueError(
                f"set_weights: expected {len(names)} arrays, {', '.join(names)}, got {len(weights)}"
            )
        self.load_state_dict(dict(zip(names, weights, strict=True)))

    @arguments_explained
    def summary(self) -> None:
        """Prints the table of the layers, as ``print(model)`` does."""
        sys.stdout.write(f"{self}\n")

    if not TYPE_CHECKING:  # type checkers report unknown names themselves

        def __getattr__(self, name: str) -> Any:
            known = MODEL
            if name[:1] in "Wbw" and "layers" in vars(self) and name in self.parameters():
                known = {name: f'model.parameters()["{name}"]'}
            raise unknown(type(self).__name__, name, known, dir(type(self)))

    def _mode(self) -> Any:
        return in_mode(self.trains)


def _as_here(settings: dict[str, Any]) -> dict[str, Any]:
    """Keras' arguments, renamed to those of :func:`tg.nn.fit`."""
    found = dict(settings)
    for theirs in ("validation_data", "validation_split"):
        value = found.pop(theirs, None)
        if value is not None and not (theirs == "validation_split" and value == 0):
            found.setdefault("validation", value)
    if "verbose" in found:
        verbose = found.pop("verbose")
        found.setdefault("progress", None if verbose in ("auto", None) else bool(verbose))
    return found
