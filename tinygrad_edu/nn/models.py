"""Models: layers one after the other, their parameters, and the cost of their output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_edu.core.mode import no_grad, scope
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.checks import at_least
from tinygrad_edu.nn.costs import COSTS, check_examples, check_labels
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.init import Scheme, Seed, generator
from tinygrad_edu.nn.layers import Activation, Dense

__all__ = ["MLP", "LogisticRegression", "Sequential"]

Layer = Dense | Callable[[Any], Any]


class Sequential:
    """Layers one after the other: ``model(X)`` is A[L], ``model.loss(X, Y)`` the cost J.

    Args:
        layers: :class:`Dense` layers, and in between :class:`Dropout` or functions of A (such as
            ``tg.relu``), first to last.
        cost: a function ``(A, Y) -> J``. By default the last layer's activation says which: sigmoid and
            softmax take the cross-entropy, from Z[L], so that saturation costs no accuracy; linear
            takes half the squared error, L3 of the course. ``tg.binary_cross_entropy`` takes it from
            A[L], as the notes write it.
        l2: λ of L2 regularisation, which adds (λ / 2m) Σ ‖W[l]‖² to J.

    X is (n_x, m), one example a column; Y is (1, m), or (C, m) with a row for each class. What layer l
    computes is recorded in the scope "layer l", and called Z1, A1, Z2, ...

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Sequential([tg.nn.Dense(2, 4, "tanh", seed=1), tg.nn.Dense(4, 1, "sigmoid", seed=2)])
    >>> list(model.parameters())
    ['W1', 'b1', 'W2', 'b2']
    >>> model(np.zeros((2, 3))).tolist()
    [[0.5, 0.5, 0.5]]
    >>> round(model.loss(np.zeros((2, 3)), np.array([[0, 1, 0]])).item(), 6)
    0.693147
    """

    def __init__(
        self, layers: Sequence[Layer], *, cost: Callable[[Any, Any], Any] | None = None, l2: float = 0.0
    ) -> None:
        self.layers = tuple(layers)
        self.dense = tuple(layer for layer in self.layers if isinstance(layer, Dense))
        self.cost, self.l2 = cost, at_least("l2", l2, 0)
        _check_chain(self.layers, self.dense)
        if cost is None and self.output not in COSTS:
            raise ValueError(
                f"no cost goes with the output {self.output!r}: end in a Dense layer whose activation is "
                f"{', '.join(COSTS)}, or give cost=, a function (A, Y) -> J"
            )
        for l, layer in enumerate(self.dense, 1):
            for kind, parameter in layer.parameters().items():
                parameter.name = f"{kind}{l}"

    @property
    def output(self) -> str:
        """The activation of the last layer, by name; empty where it has none."""
        last = self.layers[-1]
        return last.activation if isinstance(last, Dense) and isinstance(last.activation, str) else ""

    @property
    def classifies(self) -> bool:
        """Whether it answers with classes: its output is sigmoid or softmax."""
        return self.output in COSTS and COSTS[self.output].classes

    @property
    def n_x(self) -> int:
        """The features that an example has."""
        return self.dense[0].n_in

    def parameters(self) -> dict[str, Tensor]:
        """``{"W1": ..., "b1": ..., "W2": ...}``, the model's own Tensors, layer after layer."""
        return {
            f"{kind}{l}": parameter
            for l, layer in enumerate(self.dense, 1)
            for kind, parameter in layer.parameters().items()
        }

    def __call__(self, X: Any) -> Any:
        """A[L], of shape (n[L], m).

        Raises:
            ValueError: X isn't (n_x, m), with at least one example; the message has both shapes.
        """
        return self._through(X)

    def loss(self, X: Any, Y: Any) -> Any:
        """J, the mean cost over the examples, with the penalty where ``l2`` is given.

        Raises:
            ValueError: shapes that do not fit, an empty data set, or labels that the cost does not take.
        """
        self.check(X, Y)
        X, Y = _constant(X, "X"), _constant(Y, "Y")
        if self.cost is None:
            J = COSTS[self.output].of_logits(self._through(X, to_logits=True), Y)
        else:
            J = self.cost(self(X), Y)
        if self.l2:
            J = J + self.l2 / (2 * X.shape[1]) * sum(np.sum(np.square(layer.W)) for layer in self.dense)
        return _named(J, "J")

    def generators(self) -> tuple[np.random.Generator, ...]:
        """The generators that training draws from: those of its :class:`Dropout` layers."""
        return tuple(dict.fromkeys(layer.rng for layer in self.layers if isinstance(layer, Dropout)))

    def check(self, X: Any, Y: Any) -> None:
        """Raises ValueError unless X (n_x, m) and Y are examples and labels that the model takes."""
        X, Y = _array(X, "X"), _array(Y, "Y")
        check_examples(X, Y, self.n_x, self.dense[-1].n_out)
        if self.cost is None and not isinstance(Y, Tensor):
            check_labels(Y, self.output)

    def predict(self, X: Any) -> NDArray[Any]:
        """What the model answers, one column an example: class numbers (1, m), or A[L] without classes.

        After sigmoid, class 1 where A > 0.5, as in the course; after softmax, the row of the largest A. A
        sigmoid with several outputs answers 0 or 1 for each.

        >>> import numpy as np
        >>> LogisticRegression(2).predict(np.ones((2, 3)))
        array([[0, 0, 0]])
        """
        with no_grad():
            A = np.asarray(self(X).data)
        if not self.classifies:
            return A
        return np.argmax(A, axis=0, keepdims=True) if self.output == "softmax" else (A > 0.5).astype(int)

    def accuracy(self, X: Any, Y: Any) -> float:
        """The share of examples that are predicted right, in all outputs. Y as in :meth:`loss`.

        >>> import numpy as np
        >>> LogisticRegression(2).accuracy(np.ones((2, 4)), np.array([[0, 0, 1, 0]]))
        0.75
        """
        if not self.classifies:
            raise TypeError(f"accuracy: {self!r} answers with numbers, not with classes")
        self.check(X, Y)
        Y = _constant(Y, "Y").data
        answers = np.argmax(Y, axis=0, keepdims=True) if self.output == "softmax" else Y > 0.5
        return float(np.mean(np.all(self.predict(X) == answers, axis=0)))

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        called = ", ".join(getattr(layer, "__name__", None) or repr(layer) for layer in self.layers)
        return f"{type(self).__name__}([{called}])"

    def _through(self, X: Any, *, to_logits: bool = False) -> Any:
        """A[L]; or Z[L], where that is what the cost is taken from."""
        A, l = _constant(X, "X"), 0
        for layer in self.layers:
            l += isinstance(layer, Dense)
            with scope(f"layer {l}") if l else nullcontext():
                if isinstance(layer, Dense):
                    A = _named(layer.linear(A), f"Z{l}")
                    if to_logits and layer is self.layers[-1]:
                        break
                A = _named((layer.activate if isinstance(layer, Dense) else layer)(A), f"A{l}")
        return A


class LogisticRegression(Sequential):
    """Logistic regression on n_x features: A = σ(W1 X + b1), from zeros. Course: L12, where w is W1ᵀ.

    >>> LogisticRegression(30)
    LogisticRegression(30)
    """

    def __init__(
        self,
        n_x: int,
        *,
        init: Scheme = "zeros",
        seed: Seed = None,
        l2: float = 0.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__([Dense(n_x, 1, "sigmoid", init=init, seed=seed, dtype=dtype)], l2=l2)

    def __repr__(self) -> str:
        return f"LogisticRegression({self.n_x})"


class MLP(Sequential):
    """A fully connected network of n[0], n[1], ..., n[L] units: the course's L-layer network.

    Args:
        sizes: n[0] (the features of X) to n[L].
        activation: of the hidden layers.
        output: of the last layer: sigmoid (two classes, Y (1, m)), softmax (Y (C, m)) or linear (numbers).
        init: as for :class:`Dense`; by default He's for ReLU and Xavier's for the others.
        seed: W1, W2, ... are drawn in that order from one generator, as in the course.
        l2: λ of L2 regularisation.
        keep_prob: below 1, a :class:`Dropout` of that probability follows each hidden layer.
        dtype: float64, or float32 for speed.

    >>> MLP([12288, 20, 7, 5, 1], init="xavier", seed=1)
    MLP([12288, 20, 7, 5, 1], 'relu', output='sigmoid')
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Activation = "relu",
        output: Activation = "sigmoid",
        init: Scheme | None = None,
        seed: Seed = None,
        cost: Callable[[Any, Any], Any] | None = None,
        l2: float = 0.0,
        keep_prob: float = 1.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        sizes = list(sizes)
        if len(sizes) < 2:
            raise ValueError(f"MLP: expected at least two sizes, n[0] and n[L], got {sizes}")
        self.sizes, self.activation, rng = sizes, activation, generator(seed)
        activations = [activation] * (len(sizes) - 2) + [output]
        layers: list[Layer] = [
            Dense(n_prev, n, g, init=init, seed=rng, dtype=dtype)
            for n_prev, n, g in zip(sizes, sizes[1:], activations, strict=False)
        ]
        if keep_prob != 1:  # drawn after the weights, which are the same with and without
            masks = np.random.default_rng(int.from_bytes(rng.bytes(16)))
            layers = [part for layer in layers for part in (layer, Dropout(keep_prob, seed=masks))][:-1]
        super().__init__(layers, cost=cost, l2=l2)

    def __repr__(self) -> str:
        hidden = f", {self.activation!r}" if len(self.layers) > 1 else ""
        return f"MLP({self.sizes}{hidden}, output={self.output!r})"


def _check_chain(layers: tuple[Layer, ...], dense: tuple[Dense, ...]) -> None:
    for layer in layers:
        if not callable(layer):
            raise TypeError(f"Sequential: expected Dense layers and functions, got {layer!r}")
    if not dense:
        raise ValueError("Sequential: expected at least one Dense layer")
    if len(set(dense)) < len(dense):
        raise ValueError("Sequential: the same Dense layer stands there twice; make one for each place")
    for l, (before, after) in enumerate(pairwise(dense), 1):
        if before.n_out != after.n_in:
            raise ValueError(
                f"Sequential: layer {l} gives {before.n_out} units and layer {l + 1} expects {after.n_in}"
            )


def _array(value: Any, name: str) -> Any:
    """A Tensor as it is; anything else as an array of numbers."""
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected numbers, got dtype {array.dtype}")
    return array


def _constant(value: Any, name: str) -> Tensor:
    """A Tensor as it is; anything else as a constant of that name."""
    return value if isinstance(value, Tensor) else Tensor(_array(value, name), requires_grad=False, name=name)


def _named(value: Any, name: str) -> Any:
    if isinstance(value, Tensor) and value.name is None:
        value.name = name
    return value
