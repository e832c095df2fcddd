"""The notes' models, ready to be trained: logistic regression, and the L-layer network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.init import Scheme, Seed, generator
from tinygrad_edu.nn.layer_chain import Layer
from tinygrad_edu.nn.layers import Activation, Dense, Neuron, checked_activation
from tinygrad_edu.nn.models import CostOf, Sequential
from tinygrad_edu.settings import keeping, whole


class LogisticRegression(Sequential):
    """Logistic regression on n_x features: A = σ(wᵀ X + b), from zeros. Course: L2, L12.

    ``.w`` is a Tensor (n_x, 1) and ``.b`` a number, as in the notes; its results are named Z, A and J.

    >>> model = LogisticRegression(30)
    >>> model, model.w.shape, model.b.shape
    (LogisticRegression(30), (30, 1), ())
    """

    numbered = False

    def __init__(
        self,
        n_x: int,
        *,
        init: Scheme = "zeros",
        seed: Seed = None,
        l2: float = 0.0,
        l1: float = 0.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        n_x = whole("LogisticRegression: n_x", n_x, 1)
        super().__init__([Neuron(n_x, "sigmoid", init=init, seed=seed, dtype=dtype)], l2=l2, l1=l1)

    @property
    def w(self) -> Tensor:
        """The weights, (n_x, 1)."""
        return self.parameters()["w"]

    @property
    def b(self) -> Tensor:
        """The offset, a number."""
        return self.parameters()["b"]

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
        cost: as for :class:`Sequential`.
        l2: λ of L2 regularisation.
        l1: λ of L1 regularisation.
        keep_prob: below 1, a :class:`Dropout` of that probability follows each hidden layer.
        dtype: float64, or float32 for speed.

    >>> MLP([12288, 20, 7, 5, 1], init="xavier", seed=1)
    MLP([12288, 20, 7, 5, 1], 'relu', output='sigmoid')
    """

    def __init__(
        self,
        sizes: Iterable[int],
        *,
        activation: Activation = "relu",
        output: Activation = "sigmoid",
        init: Scheme | None = None,
        seed: Seed = None,
        cost: CostOf = None,
        l2: float = 0.0,
        l1: float = 0.0,
        keep_prob: float = 1.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        given: Any = sizes
        if not isinstance(given, Iterable) or isinstance(given, (str, AbstractSet, Mapping)):
            raise TypeError(f"MLP: sizes: expected a list such as [2, 4, 1], got {sizes!r}")
        sizes = list(sizes)
        if len(sizes) < 2:
            raise ValueError(f"MLP: sizes: expected at least two sizes, n[0] and n[L], got {sizes}")
        sizes = [whole(f"MLP: sizes[{k}]", n, 1) for k, n in enumerate(sizes)]
        output = checked_activation("MLP", output, "output")
        keep_prob = keeping("MLP: keep_prob", keep_prob)
        rng = generator(seed)
        activations = [activation] * (len(sizes) - 2) + [output]
        layers: list[Layer] = [
            Dense(n_prev, n, g, init=init, seed=rng, dtype=dtype)
            for n_prev, n, g in zip(sizes, sizes[1:], activations, strict=False)
        ]
        if keep_prob != 1:  # drawn after the weights, which are the same with and without
            masks = np.random.default_rng(int.from_bytes(rng.bytes(16)))
            layers = [part for layer in layers for part in (layer, Dropout(keep_prob, seed=masks))][:-1]
        super().__init__(layers, cost=cost, l2=l2, l1=l1)
        _ = self.known_cost  # raises where no cost goes with the output

    @property
    def sizes(self) -> list[int]:
        """The units n[0] to n[L]."""
        return [self.dense[0].n_in, *(layer.n_out for layer in self.dense)]

    @property
    def activation(self) -> Activation:
        """The activation of the hidden layers; of the only layer, if there is just one."""
        return self.dense[0].activation

    def __repr__(self) -> str:
        hidden = f", {self.activation!r}" if len(self.sizes) > 2 else ""
        return f"MLP({self.sizes}{hidden}, output={self.output!r})"
