"""The predictions of a model, and their accuracy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.arguments import plain
from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.nn.costs import Cost
from tinygrad_edu.nn.dropout import training
from tinygrad_edu.nn.foreign_settings import ANSWERING
from tinygrad_edu.ops.networks.activations import sigmoid
from tinygrad_edu.settings import numbers

_explained = partial(arguments_explained, known=ANSWERING)


class Answering(ABC):
    """A model whose output stands for classes or for numbers."""

    cost: Any

    @property
    @abstractmethod
    def output(self) -> str:
        """The activation of the last layer, by name; empty where it has none."""

    @property
    @abstractmethod
    def known_cost(self) -> Cost | None:
        """The cost as an entry of ``LOSSES``; None for a function of the user's."""

    @abstractmethod
    def check(self, X: Any, Y: Any) -> None:
        """Raises ValueError unless X and Y are examples and labels that the model takes."""

    @property
    @abstractmethod
    def takes_integers(self) -> bool:
        """Whether X holds word indices, and not values to compute with."""

    @abstractmethod
    def generators(self) -> tuple[np.random.Generator, ...]:
        """The generators that training draws from."""

    @abstractmethod
    def __call__(self, X: Any) -> Any:
        """A[L]."""

    @property
    def classifies(self) -> bool:
        """Whether it is a classifier: its output is sigmoid or softmax, or its labels are -1 and 1."""
        if self.output in ("sigmoid", "softmax"):
            return True
        known = self.known_cost if self.cost is not None else None
        return known is not None and known.labels == "signs"

    @_explained
    def predict(self, X: Any) -> NDArray[Any]:
        """The predictions, one column an example: class numbers (1, m); A[L] if it is no classifier.

        After sigmoid, class 1 where A > 0.5, as in the course; after softmax, the row of the largest A. A
        sigmoid with several outputs answers 0 or 1 for each. Labels of -1 and 1 are answered by the sign.

        Raises:
            ValueError: a number in X isn't finite, or the shape does not fit.

        >>> import numpy as np
        >>> import tinygrad_edu as tg
        >>> tg.nn.LogisticRegression(2).predict(np.ones((2, 3)))
        array([[0, 0, 0]])
        """
        return self.decided(self.predict_proba(X)) if self.classifies else self.predict_proba(X)

    @_explained
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """A[L] as an array, (n[L], m): after sigmoid and softmax the probabilities of the classes."""
        with no_grad(), training(False):
            return np.asarray(self(_finite(X)).data)

    def decided(self, A: Any) -> Any:
        """The classes that an output A[L] stands for."""
        if self.output == "softmax":
            return np.argmax(A, axis=0, keepdims=True)
        if self.output == "sigmoid":
            return _over_half(A).astype(int)
        return np.where(A > 0, 1, -1)

    def answers(self, Y: Any) -> Any:
        """The labels as :meth:`predict` would answer them."""
        return np.argmax(Y, axis=0, keepdims=True) if self.output == "softmax" else self.decided(Y)

    def right(self, A: Any, Y: Any) -> Any:
        """Which examples an output A[L] answers right, in all outputs."""
        one_of_two = self.output == "sigmoid"
        same = _over_half(A) == _over_half(Y) if one_of_two else self.decided(A) == self.answers(Y)
        return same if len(same) == 1 else np.all(same, axis=0)

    @arguments_explained
    def accuracy(self, X: Any, Y: Any) -> float:
        """The share of examples whose outputs are all predicted right. Y as in :meth:`loss`.

        >>> import numpy as np
        >>> import tinygrad_edu as tg
        >>> tg.nn.LogisticRegression(2).accuracy(np.ones((2, 4)), np.array([[0, 0, 1, 0]]))
        0.75
        """
        if not self.classifies:
            raise TypeError(f"accuracy: {self!r} answers with numbers, not with classes")
        self.check(X, Y)
        return float(np.mean(self.right(self.predict_proba(X), numbers("Y", plain(Y)))))


def _over_half(A: Any) -> Any:
    """A > 0.5. While σ(Z) is recorded it is asked of Z, so that A need not be computed."""
    if type(A) is Symbol and A.op is sigmoid:
        Z: Any = A.parents[0]
        return np.greater(Z, _last_half(Z.dtype))
    return np.greater(A, 0.5)


@cache
def _last_half(dtype: np.dtype[Any]) -> float:
    """The largest z whose σ(z) is rounded to 0.5.

    >>> z = _last_half(np.dtype(float))
    >>> [bool(sigmoid(x) > 0.5) for x in (z, np.nextafter(z, 1))]
    [False, True]
    """
    low, high = dtype.type(0), 8 * np.finfo(dtype).eps
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if sigmoid.forward(middle) <= 0.5 else (low, middle)
    return float(low)


def _finite(X: Any) -> Any:
    array = numbers("X", plain(X))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"X: expected finite numbers, got {array[~np.isfinite(array)].flat[0]}")
    return X
