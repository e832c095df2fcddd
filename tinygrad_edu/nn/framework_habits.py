"""Methods of a model as in PyTorch and Keras: ``fit``, ``evaluate``, ``train``, ``eval``, ``zero_grad``."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from tinygrad_edu.core.mode import is_recording
from tinygrad_edu.errors import arguments_explained, shown, unknown
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.costs import LOSSES, checked_cost
from tinygrad_edu.nn.dropout import in_mode, mode_is_set
from tinygrad_edu.nn.fitting import fit
from tinygrad_edu.nn.foreign_names import MODEL
from tinygrad_edu.nn.foreign_settings import ANSWERING, COMPILE, FITTING
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.nn.scores import Scores, metrics_in, scores
from tinygrad_edu.nn.state import Stateful
from tinygrad_edu.nn.training_warnings import UNSAID
from tinygrad_edu.settings import one_of, yes_or_no

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: optim.SGD(lr=0.01),
    "adam": lambda: optim.Adam(lr=0.001),
    "adamw": lambda: optim.AdamW(lr=0.001),
    "rmsprop": lambda: optim.RMSProp(lr=0.001),
}
"""The optimisers by the name that Keras has for them, with its learning rates."""


def _squashed(name: Any) -> str:
    """A name as people write it: BinaryCrossentropy, binary_crossentropy, binary_cross_entropy."""
    return name.lower().replace("_", "") if isinstance(name, str) else ""


NAMES = {
    **{_squashed(name): name for name in LOSSES},
    **dict.fromkeys(["meansquarederror", "mse"], "squared"),
    **dict.fromkeys(["meanabsoluteerror", "mae"], "absolute"),
    "bce": "binary_cross_entropy",
}
"""The costs by Keras' names, squashed. ``squared`` is half of its mean squared error."""


class Trainable(Stateful):
    """A model that can be trained by its own methods."""

    trains = False
    """Whether a call computes as in training: see :meth:`train`."""
    cost: Any
    _optimizer: Optimizer | None = None
    _metrics: tuple[Any, ...] = ()

    @property
    @abstractmethod
    def output(self) -> str:
        """The activation of the last layer, by name; empty where it has none."""

    @property
    @abstractmethod
    def n_out(self) -> int | None:
        """The units of the output; None where the last layer doesn't say."""

    @partial(arguments_explained, known=COMPILE)
    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Iterable[Any] = ()) -> Self:
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
            name = one_of("optimizer", given, OPTIMIZERS, function_of="")
            optimizer = OPTIMIZERS[str(name)]()
        if loss is not None:
            if _squashed(loss) == "sparsecategoricalcrossentropy":
                raise ValueError(
                    "loss: labels are one-hot here: categorical_cross_entropy, Y = tg.data.one_hot(labels)"
                )
            loss = checked_cost("loss", NAMES.get(_squashed(loss), loss), self.output, self.n_out)
        self._metrics = tuple(metrics_in(metrics))
        self.cost, self._optimizer = loss if loss is not None else self.cost, optimizer
        return self

    @partial(arguments_explained, known=FITTING)
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

        A new model computes as in use, where PyTorch's computes as in training: this stands before a loop of
        your own. ``fit``, ``predict`` and ``evaluate`` are not affected.
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

    def named_parameters(self) -> Iterable[tuple[str, Any]]:
        """The parameters with their names."""
        return self.parameters().items()

    def get_weights(self) -> list[NDArray[Any]]:
        """Copies of the model's arrays in order, as in Keras; ``state_dict()`` gives them by name."""
        return list(self.state_dict().values())

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the model's arrays from a list in the order of :meth:`get_weights`."""
        names = [*self.state_dict()]
        listed = isinstance(weights, (list, tuple))
        if not listed or len(weights) != len(names):
            got = len(weights) if listed else shown(weights)
            raise ValueError(
                f"set_weights: weights: expected {len(names)} arrays, {', '.join(names)}, got {got}"
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
        """The block to compute in. Where nobody has said which, and it is recorded, that is noted."""
        if "trains" in vars(self) or mode_is_set():
            UNSAID.pop(id(self), None)
        elif is_recording():
            UNSAID[id(self)] = self
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
